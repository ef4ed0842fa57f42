/* SPDX-License-Identifier: MIT */
/* Tests of MD5: the digests of RFC 1321, in pieces of every size. */
#include "pyr_md5.h"
#include "unit.h"

static void check_digest(const char *text, const char *expected)
{
    const size_t nbytes = strlen(text);
    for (size_t step = 1; step <= nbytes + 1; step++)
    {
        struct pyr_md5 md5;
        char found[PYR_MD5_TEXT_BYTES];
        pyr_md5_init(&md5);
        for (size_t at = 0; at < nbytes; at += step)
            pyr_md5_add(&md5, text + at,
                        step < nbytes - at ? step : nbytes - at);
        pyr_md5_finish(&md5, found);
        CHECK_STR(found, expected);
    }
}

static void test_suite(void)
{
    check_digest("", "d41d8cd98f00b204e9800998ecf8427e");
    check_digest("a", "0cc175b9c0f1b6a831c399e269772661");
    check_digest("abc", "900150983cd24fb0d6963f7d28e17f72");
    check_digest("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    check_digest("abcdefghijklmnopqrstuvwxyz",
                 "c3fcd3d76192e4007dfb496cca67e13b");
    check_digest(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "d174ab98d277d9f5a5611c2c9f419d9f");
    check_digest("1234567890123456789012345678901234567890123456789012345678901"
                 "2345678901234567890",
                 "57edf4a22be3c955ac49da2e2107b67a");
}

/* Lengths around the ends of blocks and of padding: md5sum of so many 'x'. */
static void test_lengths(void)
{
    char text[130];
    memset(text, 'x', sizeof text);
    text[55] = '\0';
    check_digest(text, "04364420e25c512fd958a70738aa8f72");
    memset(text, 'x', sizeof text);
    text[56] = '\0';
    check_digest(text, "668a72d5ba17f08e62dabcafad6db14b");
    memset(text, 'x', sizeof text);
    text[64] = '\0';
    check_digest(text, "c1bb4f81d892b2d57947682aeb252456");
    memset(text, 'x', sizeof text);
    text[128] = '\0';
    check_digest(text, "d69cb61a6ee87200676eb0d4b90edbcb");
}

int main(void)
{
    RUN(test_suite);
    RUN(test_lengths);
    return unit_report();
}
