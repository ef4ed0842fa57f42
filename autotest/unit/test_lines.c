/* SPDX-License-Identifier: MIT */
/* Tests of text files that are written from their beginning. */
#include "fake_out.h"
#include "rok4_lines.h"

#define PATH "/d/p.list"

static struct pyr_error err;

/* Writes nlines lines of 10 bytes. */
static enum pyr_result write_lines(unsigned nlines)
{
    const struct pyr_out out = fake_out_hook();
    struct rok4_lines lines = {.used = 5, .written = 7};
    char line[20];
    err.text[0] = '\0';
    enum pyr_result result = rok4_lines_begin(&lines, &out, PATH, &err);
    for (unsigned i = 0; i < nlines && result == PYR_OK; i++)
    {
        (void)snprintf(line, sizeof line, "%09u\n", i);
        result = rok4_lines_add(&lines, line, &err);
    }
    if (result == PYR_OK)
        result = rok4_lines_add(&lines, "", &err);
    if (result == PYR_OK)
        result = rok4_lines_commit(&lines, &err);
    if (result == PYR_OK)
        CHECK_INT(lines.written, 10 * (uint64_t)nlines);
    rok4_lines_clear(&lines);
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    CHECK_INT(fake_out.nopen, 0);
    return result;
}

static void test_sizes(void)
{
    /* Less than a buffer, nearly two, and several. */
    static const unsigned sizes[] = {0, 1, 2 * ROK4_LINES_BUFFER_BYTES / 10,
                                     ROK4_LINES_BUFFER_BYTES / 2, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    {
        fake_out_clear();
        CHECK_INT(write_lines(sizes[i]), PYR_OK);
        const struct pyr_file *const file = files_find(PATH);
        CHECK(file != NULL);
        if (file == NULL)
            continue;
        CHECK_INT(file->nbytes, 10 * sizes[i]);
        CHECK(fake_out.largest_write <= ROK4_LINES_BUFFER_BYTES);
        for (unsigned at = 0; at < sizes[i]; at += 7)
        {
            char line[20];
            (void)snprintf(line, sizeof line, "%09u\n", at);
            CHECK(memcmp(file->bytes + 10 * (size_t)at, line, 10) == 0);
        }
    }
}

/* A file is there whole or not at all, whatever fails. */
static void test_failures(void)
{
    unsigned nfailures = 0;
    for (unsigned i = 1;; i++)
    {
        fake_out_clear();
        fake_out.fail_any = i;
        const enum pyr_result result = write_lines(60000);
        if (result == PYR_OK)
            break;
        nfailures++;
        CHECK_INT(result, PYR_IO);
        CHECK(strncmp(err.text, PATH ": ", strlen(PATH) + 2) == 0);
        CHECK(files_find(PATH) == NULL);
    }
    CHECK_INT(nfailures, 1 + 3 + 1);
    fake_out_clear();
    pyr_alloc_fail_nth(1);
    CHECK_INT(write_lines(1), PYR_NOMEM);
    pyr_alloc_fail_nth(0);
    CHECK(files_find(PATH) == NULL);
}

static void test_dropped(void)
{
    const struct pyr_out out = fake_out_hook();
    struct rok4_lines lines = {0};
    fake_out_clear();
    CHECK_INT(rok4_lines_begin(&lines, &out, NULL, &err), PYR_OK);
    rok4_lines_clear(&lines);
    CHECK_INT(rok4_lines_begin(&lines, &out, PATH, &err), PYR_OK);
    CHECK_INT(rok4_lines_add(&lines, "text\n", &err), PYR_OK);
    CHECK_INT(rok4_lines_flush(&lines, &err), PYR_OK);
    rok4_lines_clear(&lines);
    CHECK(files_find(PATH) == NULL);
    CHECK_INT(fake_out.nopen, 0);
    /* And begun once more. */
    CHECK_INT(rok4_lines_begin(&lines, &out, PATH, &err), PYR_OK);
    CHECK_INT(rok4_lines_add(&lines, "anew\n", &err), PYR_OK);
    CHECK_INT(rok4_lines_commit(&lines, &err), PYR_OK);
    rok4_lines_clear(&lines);
    CHECK_INT(files_find(PATH)->nbytes, 5);
}

int main(void)
{
    RUN(test_sizes);
    RUN(test_failures);
    RUN(test_dropped);
    fake_out_clear();
    return unit_report();
}
