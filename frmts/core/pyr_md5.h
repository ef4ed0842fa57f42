/* SPDX-License-Identifier: MIT */
/* MD5 digests (RFC 1321), to tell whether a copy is whole. */
#ifndef PYR_MD5_H
#define PYR_MD5_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

#define PYR_MD5_TEXT_BYTES 33

struct pyr_md5
{
    uint32_t state[4];
    uint64_t nbytes;
    uint8_t block[64]; /* the bytes that do not fill a block yet */
};

/* init, then add any number of times, then finish, which writes the digest in
 * lower-case hexadecimal. Not for security. */
void pyr_md5_init(struct pyr_md5 *md5);
void pyr_md5_add(struct pyr_md5 *md5, const void *bytes, size_t nbytes);
void pyr_md5_finish(struct pyr_md5 *md5, char out_text[PYR_MD5_TEXT_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
