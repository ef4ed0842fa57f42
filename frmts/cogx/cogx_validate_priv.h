/* SPDX-License-Identifier: MIT */
/* What the parts of the validator share. */
#ifndef COGX_VALIDATE_PRIV_H
#define COGX_VALIDATE_PRIV_H

#include "cogx_cursor.h"
#include "cogx_validate.h"

/* Bytes read together: a trailer twice, and the leader of the next tile. */
#define COGX_BETWEEN_BYTES 12u

struct cogx_validator
{
    const struct cogx_tiff *file;
    const struct cogx_validate_options *options;
    struct cogx_verdict *verdict;
    struct pyr_error *err;
    struct cogx_cursor image;
    struct cogx_cursor mask;
    /* The bytes last read between two tiles. */
    uint64_t between_at;
    size_t between_nbytes;
    uint8_t between[COGX_BETWEEN_BYTES];
};

/* Adds what is wrong to the verdict. */
void cogx_validator_found(struct cogx_validator *validator, enum cogx_rule rule,
                          const char *format, ...) PYR_PRINTF(3, 4);

/* Leaders, trailers, order and masks of every tile of every level. */
enum pyr_result
cogx_validator_check_tiles(struct cogx_validator *validator) PYR_MUST_CHECK;

/* "full resolution", "overview 2". */
#define COGX_LEVEL_NAME_BYTES 32
const char *cogx_level_name(uint32_t level, char name[COGX_LEVEL_NAME_BYTES]);

#endif
