/* SPDX-License-Identifier: MIT */
/* Whether a GeoTIFF is a valid Cloud Optimized GeoTIFF, and why not. */
#ifndef COGX_VALIDATE_H
#define COGX_VALIDATE_H

#include "cogx_tiff.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* What can be wrong. The errors are those that GDAL's validation script finds.
 * Warnings are what it does not mind, or not see. */
enum cogx_rule
{
    /* Errors. */
    COGX_RULE_EXTERNAL_OVERVIEWS,
    COGX_RULE_NOT_TILED,
    COGX_RULE_EDITED,
    COGX_RULE_STRUCTURE,
    COGX_RULE_MAIN_POSITION,
    COGX_RULE_OVERVIEW_SIZE,
    COGX_RULE_OVERVIEW_NOT_TILED,
    COGX_RULE_DIRECTORY_ORDER,
    COGX_RULE_DATA_BEFORE_DIRECTORY,
    COGX_RULE_DATA_ORDER,
    COGX_RULE_MASK_TILE_SIZE,
    COGX_RULE_TILE_ORDER,
    COGX_RULE_TILE_LEADER,
    COGX_RULE_TILE_TRAILER,
    COGX_RULE_MASK_POSITION,
    COGX_RULE_MASK_ORDER,
    /* Warnings. */
    COGX_RULE_NO_OVERVIEWS,
    COGX_RULE_STRIPS,          /* of up to 1024 pixels */
    COGX_RULE_DIRECTORY_CHAIN, /* that breaks, or goes in a circle */
    COGX_RULE_TILE_TABLE,      /* that cannot be read */
    COGX_RULE_TILE_END         /* beyond the file, with its trailer */
};
#define COGX_NRULES (COGX_RULE_TILE_END + 1)

#define COGX_ISSUE_BYTES 224
#define COGX_MAX_ISSUES_PER_RULE 8u

struct cogx_issue
{
    enum cogx_rule rule;
    char text[COGX_ISSUE_BYTES];
};

struct cogx_validate_options
{
    /* Reads the bytes before and after every tile where the file promises
     * them: as many requests as tiles. */
    bool full_check;
    /* Warnings make the file invalid, too. */
    bool strict;
    /* What stands beside the file, and so is seen by GDAL: FILE.ovr, FILE.msk.
     */
    bool external_overviews;
    bool external_mask;
};

struct cogx_verdict
{
    bool valid;
    bool strict;      /* as asked */
    bool full_check;  /* done, or not needed */
    uint64_t nerrors; /* in all */
    uint64_t nwarnings;
    uint64_t nfound[COGX_NRULES]; /* of each rule */
    /* issues[nissues], in the order found, of each rule the first ones. */
    size_t nissues;
    struct cogx_issue issues[COGX_NRULES * COGX_MAX_ISSUES_PER_RULE];
    /* Where the first tile starts: what precedes it tells all about the file.
     * The size of the file where no tile is there, and 0 where not known. */
    uint64_t header_bytes;
    uint64_t data_bytes[COGX_MAX_LEVELS]; /* first tile of a level; 0: none */
};

/* PYR_OK for an invalid file, too. PYR_IO, PYR_NOMEM and other errors of the
 * reader but PYR_CORRUPT, which the verdict tells of. Pure but for it. */
enum pyr_result cogx_validate(const struct cogx_tiff *file,
                              const struct cogx_validate_options *options,
                              struct cogx_verdict *out_verdict,
                              struct pyr_error *err) PYR_MUST_CHECK;

bool cogx_rule_is_warning(enum cogx_rule rule);

/* A short name for programs ("tile-order"). Never NULL. */
const char *cogx_rule_name(enum cogx_rule rule);

#ifdef __cplusplus
}
#endif

#endif
