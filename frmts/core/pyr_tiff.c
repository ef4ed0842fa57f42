/* SPDX-License-Identifier: MIT */
/* TIFF and BigTIFF directories: parsing of untrusted files. */
#include "pyr_tiff_priv.h"

#include "pyr_alloc.h"
#include "pyr_arith.h"

#include <string.h>

/* Read at once where a directory starts: most end within. */
#define GUESS_BYTES 1024u
/* In all directories together, which may share the bytes of a file. */
#define MAX_ALL_TAGS 65536u
#define FIRST_DIRS 8u

/* A file being parsed. */
struct parser
{
    const struct pyr_tiff_reader *reader;
    struct pyr_tiff *tiff;
    size_t room;  /* for directories */
    size_t ntags; /* of all so far */
};

bool pyr_tiff_identify(const uint8_t *head, size_t nbytes)
{
    if (nbytes < 4)
        return false;
    if (head[0] == 'I' && head[1] == 'I')
        return (head[2] == 42 || head[2] == 43) && head[3] == 0;
    return head[0] == 'M' && head[1] == 'M' && head[2] == 0 &&
           (head[3] == 42 || head[3] == 43);
}

enum pyr_result pyr_tiff_read(const struct pyr_tiff_reader *reader,
                              uint64_t offset_bytes, void *bytes, size_t nbytes,
                              struct pyr_error *err)
{
    if (!pyr_range_within(offset_bytes, nbytes, reader->size_bytes))
        return pyr_fail(err, PYR_CORRUPT,
                        "%llu bytes at byte %llu end beyond the file, which "
                        "has %llu (truncated?)",
                        (unsigned long long)nbytes,
                        (unsigned long long)offset_bytes,
                        (unsigned long long)reader->size_bytes);
    return reader->read(reader->user, offset_bytes, bytes, nbytes, err);
}

/* Bytes of the numbers that the two kinds of files differ in. */
static size_t count_bytes(const struct pyr_tiff *tiff)
{
    return tiff->big ? 8 : 2;
}

static size_t offset_bytes_of(const struct pyr_tiff *tiff)
{
    return tiff->big ? 8 : 4;
}

static size_t entry_bytes_of(const struct pyr_tiff *tiff)
{
    return tiff->big ? 20 : 12;
}

static uint64_t get_offset(const struct pyr_tiff *tiff, const uint8_t *bytes)
{
    return pyr_tiff_get(bytes, offset_bytes_of(tiff), tiff->big_endian);
}

static enum pyr_result parse_header(const struct parser *parser,
                                    struct pyr_error *err)
{
    struct pyr_tiff *const tiff = parser->tiff;
    uint8_t head[16];
    enum pyr_result result = pyr_tiff_read(parser->reader, 0, head, 8, err);
    if (result != PYR_OK)
        return result;
    if (!pyr_tiff_identify(head, 8))
        return pyr_fail(err, PYR_CORRUPT, "does not begin like a TIFF file");
    tiff->big_endian = head[0] == 'M';
    tiff->big = pyr_tiff_get(head + 2, 2, tiff->big_endian) == 43;
    if (!tiff->big)
    {
        tiff->first_bytes = get_offset(tiff, head + 4);
        return PYR_OK;
    }
    result = pyr_tiff_read(parser->reader, 8, head + 8, 8, err);
    if (result != PYR_OK)
        return result;
    if (pyr_tiff_get(head + 4, 2, tiff->big_endian) != 8 ||
        pyr_tiff_get(head + 6, 2, tiff->big_endian) != 0)
        return pyr_fail(err, PYR_CORRUPT,
                        "has a BigTIFF header with positions that do not take "
                        "8 bytes");
    tiff->first_bytes = get_offset(tiff, head + 8);
    return PYR_OK;
}

/* Whether the directory's position can be one, and was not met before. */
static enum pyr_result check_position(const struct parser *parser,
                                      uint64_t at_bytes, struct pyr_error *err)
{
    const struct pyr_tiff *const tiff = parser->tiff;
    if (at_bytes < (tiff->big ? 16u : 8u) ||
        at_bytes >= parser->reader->size_bytes)
        return pyr_fail(err, PYR_CORRUPT,
                        "stands at byte %llu, which is not in the file",
                        (unsigned long long)at_bytes);
    for (size_t i = 0; i < tiff->ndirs; i++)
        if (tiff->dirs[i].offset_bytes == at_bytes)
            return pyr_fail(err, PYR_CORRUPT,
                            "is directory %llu again: the chain is a loop",
                            (unsigned long long)i);
    if (tiff->ndirs == PYR_TIFF_MAX_DIRS)
        return pyr_fail(err, PYR_LIMIT, "is one too many, at most %u are read",
                        PYR_TIFF_MAX_DIRS);
    return PYR_OK;
}

static enum pyr_result check_count(const struct parser *parser, uint64_t ntags,
                                   struct pyr_error *err)
{
    if (ntags == 0)
        return pyr_fail(err, PYR_CORRUPT, "has no tags");
    if (ntags > PYR_TIFF_MAX_TAGS || ntags > MAX_ALL_TAGS - parser->ntags)
        return pyr_fail(
            err, PYR_LIMIT, "has %llu tags, at most %u are read, and %u in all",
            (unsigned long long)ntags, PYR_TIFF_MAX_TAGS, MAX_ALL_TAGS);
    return PYR_OK;
}

/* A new last directory of the file, with room for its tags. */
static struct pyr_tiff_dir *add_dir(struct parser *parser, size_t ntags)
{
    struct pyr_tiff *const tiff = parser->tiff;
    if (tiff->ndirs == parser->room)
    {
        const size_t room = parser->room == 0 ? FIRST_DIRS : 2 * parser->room;
        struct pyr_tiff_dir *const dirs =
            pyr_realloc(tiff->dirs, room * sizeof(*dirs));
        if (dirs == NULL)
            return NULL;
        tiff->dirs = dirs;
        parser->room = room;
    }
    struct pyr_tiff_dir *const dir = &tiff->dirs[tiff->ndirs];
    memset(dir, 0, sizeof(*dir));
    dir->tags = pyr_calloc(ntags, sizeof(*dir->tags));
    if (dir->tags == NULL)
        return NULL;
    dir->ntags = ntags;
    parser->ntags += ntags;
    tiff->ndirs++;
    return dir;
}

/* Fills tag from its entry, which stands at entry_bytes of the file. */
static void get_tag(const struct pyr_tiff *tiff, const uint8_t *entry,
                    uint64_t entry_bytes, struct pyr_tiff_tag *tag)
{
    const size_t width = offset_bytes_of(tiff);
    tag->code = (uint16_t)pyr_tiff_get(entry, 2, tiff->big_endian);
    tag->type = (uint16_t)pyr_tiff_get(entry + 2, 2, tiff->big_endian);
    tag->count = get_offset(tiff, entry + 4);
    tag->entry_bytes = entry_bytes;
    uint64_t nbytes = 0;
    if (pyr_mul_u64(tag->count, pyr_tiff_type_bytes(tag->type), &nbytes) &&
        nbytes <= width)
        tag->offset_bytes = entry_bytes + 4 + width;
    else
        tag->offset_bytes = get_offset(tiff, entry + 4 + width);
}

/* Reads the directory: count[count_nbytes] to its link, with the first bytes
 * already there. */
static enum pyr_result read_entries(struct parser *parser, uint64_t at_bytes,
                                    const uint8_t *guess, size_t guess_nbytes,
                                    size_t ntags, struct pyr_error *err)
{
    struct pyr_tiff *const tiff = parser->tiff;
    const size_t entries_nbytes = ntags * entry_bytes_of(tiff);
    const size_t nbytes = entries_nbytes + offset_bytes_of(tiff);
    const uint64_t entries_at = at_bytes + count_bytes(tiff);
    enum pyr_result result = PYR_OK;
    uint8_t *more = NULL;
    const uint8_t *bytes = guess + count_bytes(tiff);
    if (count_bytes(tiff) + nbytes > guess_nbytes)
    {
        if (!pyr_range_within(entries_at, nbytes, parser->reader->size_bytes))
            return pyr_fail(err, PYR_CORRUPT,
                            "with %llu tags ends beyond the file (truncated?)",
                            (unsigned long long)ntags);
        more = pyr_malloc(nbytes);
        if (more == NULL)
            return pyr_fail(err, PYR_NOMEM, "out of memory");
        bytes = more;
        result = pyr_tiff_read(parser->reader, entries_at, more, nbytes, err);
        if (result != PYR_OK)
            goto done;
    }
    struct pyr_tiff_dir *const dir = add_dir(parser, ntags);
    if (dir == NULL)
    {
        result = pyr_fail(err, PYR_NOMEM, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < ntags; i++)
        get_tag(tiff, bytes + i * entry_bytes_of(tiff),
                entries_at + i * entry_bytes_of(tiff), &dir->tags[i]);
    dir->offset_bytes = at_bytes;
    dir->end_bytes = entries_at + nbytes;
    dir->next_bytes = get_offset(tiff, bytes + entries_nbytes);

done:
    pyr_free(more);
    return result;
}

static enum pyr_result parse_dir(struct parser *parser, uint64_t at_bytes,
                                 struct pyr_error *err)
{
    const struct pyr_tiff *const tiff = parser->tiff;
    const struct pyr_tiff_reader *const reader = parser->reader;
    uint8_t guess[GUESS_BYTES];
    size_t guess_nbytes = count_bytes(tiff);
    uint64_t ntags = 0;
    enum pyr_result result = check_position(parser, at_bytes, err);
    if (result != PYR_OK)
        return result;
    /* Where the file ends must be known, to read more than there must be. */
    if (reader->size_bytes != UINT64_MAX)
    {
        const uint64_t left = reader->size_bytes - at_bytes;
        if (left > guess_nbytes)
            guess_nbytes = left < GUESS_BYTES ? (size_t)left : GUESS_BYTES;
    }
    result = pyr_tiff_read(reader, at_bytes, guess, guess_nbytes, err);
    if (result != PYR_OK)
        return result;
    ntags = pyr_tiff_get(guess, count_bytes(tiff), tiff->big_endian);
    result = check_count(parser, ntags, err);
    if (result != PYR_OK)
        return result;
    if (at_bytes >
        UINT64_MAX - count_bytes(tiff) - (ntags + 1) * entry_bytes_of(tiff))
        return pyr_fail(err, PYR_CORRUPT,
                        "stands at byte %llu, where it has no room",
                        (unsigned long long)at_bytes);
    return read_entries(parser, at_bytes, guess, guess_nbytes, (size_t)ntags,
                        err);
}

/* Header and chain, as far as they go: what was read is kept on failure. */
static enum pyr_result parse_file(struct parser *parser, struct pyr_error *err)
{
    enum pyr_result result = parse_header(parser, err);
    if (result != PYR_OK)
        return result;
    uint64_t next = parser->tiff->first_bytes;
    if (next == 0)
        return pyr_fail(err, PYR_CORRUPT, "has no directory");
    while (next != 0)
    {
        const size_t index = parser->tiff->ndirs;
        result = parse_dir(parser, next, err);
        if (result != PYR_OK)
        {
            pyr_error_prefix(err, "directory %llu", (unsigned long long)index);
            return result;
        }
        next = parser->tiff->dirs[index].next_bytes;
    }
    return PYR_OK;
}

enum pyr_result pyr_tiff_parse(const struct pyr_tiff_reader *reader,
                               struct pyr_tiff **out_tiff,
                               struct pyr_error *err)
{
    struct pyr_tiff *tiff = NULL;
    struct pyr_error broken = {""};
    enum pyr_result why = PYR_OK;
    const enum pyr_result result =
        pyr_tiff_parse_start(reader, &tiff, &why, &broken, err);
    if (result != PYR_OK)
        return result;
    if (why != PYR_OK)
    {
        pyr_tiff_free(tiff);
        return pyr_fail(err, why, "%s", broken.text);
    }
    *out_tiff = tiff;
    return PYR_OK;
}

enum pyr_result pyr_tiff_parse_start(const struct pyr_tiff_reader *reader,
                                     struct pyr_tiff **out_tiff,
                                     enum pyr_result *out_end,
                                     struct pyr_error *out_why,
                                     struct pyr_error *err)
{
    struct parser parser = {reader, pyr_calloc(1, sizeof(struct pyr_tiff)), 0,
                            0};
    struct pyr_error why = {""};
    if (parser.tiff == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    const enum pyr_result end = parse_file(&parser, &why);
    const bool broken = end == PYR_CORRUPT || end == PYR_LIMIT;
    if (end != PYR_OK && !(broken && parser.tiff->ndirs > 0))
    {
        pyr_tiff_free(parser.tiff);
        return pyr_fail(err, end, "%s", why.text);
    }
    *out_tiff = parser.tiff;
    *out_end = end;
    *out_why = why;
    return PYR_OK;
}

enum pyr_result pyr_tiff_add_dir(const struct pyr_tiff_reader *reader,
                                 struct pyr_tiff *tiff, uint64_t at_bytes,
                                 struct pyr_error *err)
{
    struct parser parser = {reader, tiff, tiff->ndirs, 0};
    for (size_t i = 0; i < tiff->ndirs; i++)
        parser.ntags += tiff->dirs[i].ntags;
    return parse_dir(&parser, at_bytes, err);
}

void pyr_tiff_free(struct pyr_tiff *tiff)
{
    if (tiff == NULL)
        return;
    for (size_t i = 0; i < tiff->ndirs; i++)
        pyr_free(tiff->dirs[i].tags);
    pyr_free(tiff->dirs);
    pyr_free(tiff);
}

const struct pyr_tiff_tag *pyr_tiff_find(const struct pyr_tiff_dir *dir,
                                         uint16_t code)
{
    for (size_t i = 0; i < dir->ntags; i++)
        if (dir->tags[i].code == code)
            return &dir->tags[i];
    return NULL;
}
