/* SPDX-License-Identifier: MIT */
/* TIFF and BigTIFF directories: parsing of untrusted files. */
#ifndef PYR_TIFF_H
#define PYR_TIFF_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

#define PYR_TIFF_MAX_DIRS 1024u              /* in the main chain */
#define PYR_TIFF_MAX_TAGS 4096u              /* in one directory */
#define PYR_TIFF_MAX_VALUE_BYTES (64u << 20) /* one value loaded at once */

/* A file to parse: bytes at positions. */
struct pyr_tiff_reader
{
    void *user;
    uint64_t size_bytes; /* UINT64_MAX where it is not known */
    /* Fills bytes[nbytes], all or nothing; PYR_CORRUPT beyond the end. */
    enum pyr_result (*read)(void *user, uint64_t offset_bytes, void *bytes,
                            size_t nbytes, struct pyr_error *err);
};

/* One entry of a directory. */
struct pyr_tiff_tag
{
    uint16_t code;
    uint16_t type;         /* as written; 1 .. 13 or 16 .. 18 are known */
    uint64_t count;        /* of values */
    uint64_t offset_bytes; /* of the first value in the file, inside the
                            * entry where they fit into it */
    uint64_t entry_bytes;  /* offset of the entry */
};

struct pyr_tiff_dir
{
    uint64_t offset_bytes; /* of the directory */
    uint64_t end_bytes;    /* of the first byte after its link */
    uint64_t next_bytes;   /* of the next directory, 0 for none */
    size_t ntags;
    struct pyr_tiff_tag *tags; /* tags[ntags], as written */
};

struct pyr_tiff
{
    bool big;             /* BigTIFF */
    bool big_endian;      /* "MM" */
    uint64_t first_bytes; /* of the first directory */
    size_t ndirs;
    /* dirs[ndirs], in the order of the chain, then those added. */
    struct pyr_tiff_dir *dirs;
};

/* Whether the file begins like a TIFF or BigTIFF: head[nbytes], 4 are enough.
 */
bool pyr_tiff_identify(const uint8_t *head, size_t nbytes);

/* Reads the chain of directories, not the values: the header, then each
 * directory in one read (two where it is large, or the size of the file is not
 * known). PYR_CORRUPT for what breaks the format (a loop, a position beyond the
 * file, no directory...), PYR_LIMIT beyond the limits above, errors of the
 * reader, PYR_NOMEM. Sub-directories (SubIFDs) are left alone. The caller frees
 * it with pyr_tiff_free. */
enum pyr_result pyr_tiff_parse(const struct pyr_tiff_reader *reader,
                               struct pyr_tiff **out_tiff,
                               struct pyr_error *err) PYR_MUST_CHECK;
void pyr_tiff_free(struct pyr_tiff *tiff);

/* Like pyr_tiff_parse(), but a chain that is corrupt, or beyond a limit, behind
 * its first directory ends there: *out_end, PYR_OK for a whole one, and
 * *out_why then tell of it. */
enum pyr_result pyr_tiff_parse_start(const struct pyr_tiff_reader *reader,
                                     struct pyr_tiff **out_tiff,
                                     enum pyr_result *out_end,
                                     struct pyr_error *out_why,
                                     struct pyr_error *err) PYR_MUST_CHECK;

/* Reads one more directory, which stands outside the chain where a tag says, to
 * the end of tiff->dirs. Those before may move. Errors as above. */
enum pyr_result pyr_tiff_add_dir(const struct pyr_tiff_reader *reader,
                                 struct pyr_tiff *tiff, uint64_t at_bytes,
                                 struct pyr_error *err) PYR_MUST_CHECK;

/* The tag with this code, or NULL; the first of several. */
const struct pyr_tiff_tag *pyr_tiff_find(const struct pyr_tiff_dir *dir,
                                         uint16_t code);

/* Bytes of one value of a TIFF type; 0 for an unknown one. */
size_t pyr_tiff_type_bytes(uint16_t type);

/* All values of a tag in native byte order, tightly packed, with a NUL after
 * them that is not counted. PYR_LIMIT beyond PYR_TIFF_MAX_VALUE_BYTES,
 * PYR_CORRUPT beyond the file or for an unknown type. Freed with pyr_free. */
enum pyr_result pyr_tiff_load(const struct pyr_tiff_reader *reader,
                              const struct pyr_tiff *tiff,
                              const struct pyr_tiff_tag *tag, void **out_values,
                              size_t *out_nbytes,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* Values first .. first + nvalues - 1 of a tag of unsigned integers (BYTE,
 * SHORT, LONG, LONG8, IFD, IFD8). PYR_CORRUPT for another type, or fewer; on
 * failure out_values[nvalues] may hold anything. */
enum pyr_result pyr_tiff_uints(const struct pyr_tiff_reader *reader,
                               const struct pyr_tiff *tiff,
                               const struct pyr_tiff_tag *tag, uint64_t first,
                               size_t nvalues, uint64_t *out_values,
                               struct pyr_error *err) PYR_MUST_CHECK;

/* The only or first value of the tag with this code, or fallback without the
 * tag. Errors as for pyr_tiff_uints. */
enum pyr_result pyr_tiff_uint(const struct pyr_tiff_reader *reader,
                              const struct pyr_tiff *tiff,
                              const struct pyr_tiff_dir *dir, uint16_t code,
                              uint64_t fallback, uint64_t *out_value,
                              struct pyr_error *err) PYR_MUST_CHECK;

/* A reader of bytes in memory, which are borrowed; user is the memory. */
struct pyr_tiff_memory
{
    const uint8_t *bytes;
    size_t nbytes;
};
struct pyr_tiff_reader pyr_tiff_memory_reader(struct pyr_tiff_memory *memory);

/* All functions are pure but for the reader: safe from many threads on a const
 * file. */

#ifdef __cplusplus
}
#endif

#endif
