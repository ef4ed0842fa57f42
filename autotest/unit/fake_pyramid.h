/* SPDX-License-Identifier: MIT */
/* A pyramid in memory that counts what is done with it, fails and changes on
 * demand: what the tests of the window reader read. */
#ifndef FAKE_PYRAMID_H
#define FAKE_PYRAMID_H

#include "pyr_alloc.h"
#include "pyr_window.h"

#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#define FAKE_LEVELS 4
#define FAKE_SLAB_COLS 4u
#define FAKE_SLABS 16u
/* Versions of a slab that can be told apart. */
#define FAKE_VERSIONS 64u
#define FAKE_INDEX_AT 16u
#define MUCH ((size_t)1 << 30)

/* A slab is at version 0 first; each change makes the next one. */
struct fake_slab
{
    unsigned version;
    uint64_t present; /* by version */
    uint8_t *bytes;
    size_t nbytes;
};

struct pyr_file
{
    struct fake_slab *slab;
    unsigned version; /* at opening */
    size_t nbytes;
};

enum fake_change
{
    FAKE_REWRITE, /* in place, as an open file sees it, too */
    FAKE_REMOVE
};

static struct fake
{
    pthread_mutex_t lock;
    struct fake_slab slabs[FAKE_LEVELS][FAKE_SLABS];
    /* How slabs are made. */
    size_t gap;    /* bytes before each tile */
    bool reverse;  /* tiles from the last to the first */
    bool sparse;   /* a third of the tiles has no data, others each version */
    bool shared;   /* neighbouring columns have one tile */
    bool no_stamp; /* files cannot be told apart */
    /* What was done, since fake_forget. */
    unsigned nops;
    unsigned nopens;
    unsigned nreads;
    unsigned nranges;
    uint64_t nbytes;
    int nopen; /* files that are open */
    /* What the nth operation meets: 0 for none. */
    unsigned fail_at;
    unsigned change_at;
    unsigned change_end; /* the last that meets a change */
    enum fake_change change;

    bool waits; /* readers take it for a network */
    struct pyr_source source;
    struct pyr_io io;
    struct pyr_pool *pool;
    struct pyr_cache *cache;
    struct pyr_reader *reader;
} fake;

/* Small pixels and containers that the limits cut; floats, one tile each; many
 * tiles; and tiles of 1 MiB. */
static const struct pyr_source_level FAKE_LEVEL[FAKE_LEVELS] = {
    {"cut",
     {8, 4, 2, PYR_SAMPLE_UINT8},
     {1, 2, 10, 7},
     3,
     2,
     {FAKE_INDEX_AT, 48}},
    {"one",
     {5, 3, 1, PYR_SAMPLE_FLOAT32},
     {0, 0, 3, 3},
     1,
     1,
     {FAKE_INDEX_AT, 8}},
    {"many",
     {1, 1, 1, PYR_SAMPLE_UINT8},
     {3, 1, 60, 40},
     16,
     16,
     {FAKE_INDEX_AT, 2048}},
    {"big",
     {512, 512, 4, PYR_SAMPLE_UINT8},
     {0, 0, 9, 7},
     10,
     8,
     {FAKE_INDEX_AT, 640}}};

static inline uint32_t fake_tile_col(const struct pyr_source_level *at,
                                     uint32_t tile_col)
{
    return fake.shared ? tile_col - (tile_col % at->container_width_tiles) % 2
                       : tile_col;
}

static inline uint8_t fake_byte(uint32_t level, unsigned version,
                                uint32_t tile_col, uint32_t tile_row, size_t at)
{
    const uint32_t col = fake_tile_col(&FAKE_LEVEL[level], tile_col);
    return (uint8_t)(version * 67 + level * 29 + col * 7 + tile_row * 13 +
                     at * 3 + at / 256);
}

static inline bool fake_tile_empty(uint32_t level, unsigned version,
                                   uint32_t tile_col, uint32_t tile_row)
{
    const uint32_t col = fake_tile_col(&FAKE_LEVEL[level], tile_col);
    return fake.sparse && (col + tile_row + version) % 3 == 0;
}

static inline void fake_put_le32(uint8_t *bytes, size_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Writes one tile at the end of the slab and its entry into the index. */
static inline void fake_add_tile(struct fake_slab *slab, uint32_t level,
                                 uint32_t slab_number, uint32_t tile)
{
    const struct pyr_source_level *const at = &FAKE_LEVEL[level];
    const uint32_t width = at->container_width_tiles;
    const uint32_t col = slab_number % FAKE_SLAB_COLS * width + tile % width;
    const uint32_t row =
        slab_number / FAKE_SLAB_COLS * at->container_height_tiles +
        tile / width;
    uint8_t *const entry = slab->bytes + FAKE_INDEX_AT + 8 * (size_t)tile;
    const size_t nbytes = pyr_tile_bytes(&at->shape);
    if (fake_tile_empty(level, slab->version, col, row))
        return;
    fake_put_le32(entry + 4, nbytes);
    if (fake_tile_col(at, col) != col)
    {
        memcpy(entry, entry - 8, 4);
        return;
    }
    slab->nbytes += fake.gap;
    fake_put_le32(entry, slab->nbytes);
    for (size_t i = 0; i < nbytes; i++)
        slab->bytes[slab->nbytes++] =
            fake_byte(level, slab->version, col, row, i);
}

/* Makes the bytes of the slab's version. */
static inline void fake_fill(struct fake_slab *slab, uint32_t level,
                             uint32_t slab_number)
{
    const struct pyr_source_level *const at = &FAKE_LEVEL[level];
    const uint32_t ntiles =
        at->container_width_tiles * at->container_height_tiles;
    const size_t head = FAKE_INDEX_AT + 8 * (size_t)ntiles;
    free(slab->bytes);
    slab->bytes =
        calloc(head + ntiles * (pyr_tile_bytes(&at->shape) + fake.gap), 1);
    if (slab->bytes == NULL)
        abort();
    slab->nbytes = head;
    slab->present |= UINT64_C(1) << slab->version;
    for (uint32_t i = 0; i < ntiles; i++)
        fake_add_tile(slab, level, slab_number,
                      fake.reverse && !fake.shared ? ntiles - 1 - i : i);
}

/* Under the lock. */
static inline void fake_change_slab(struct fake_slab *slab,
                                    enum fake_change change)
{
    const size_t number = (size_t)(slab - fake.slabs[0]);
    if (slab->version + 1 == FAKE_VERSIONS)
        return;
    slab->version++;
    if (change == FAKE_REWRITE)
        fake_fill(slab, (uint32_t)(number / FAKE_SLABS),
                  (uint32_t)(number % FAKE_SLABS));
}

static inline bool fake_is_present(const struct fake_slab *slab)
{
    return slab->present >> slab->version & 1;
}

/* Counts an operation on the slab. False when it is to fail. */
static inline bool fake_operation(struct fake_slab *slab)
{
    (void)pthread_mutex_lock(&fake.lock);
    const unsigned op = ++fake.nops;
    if (fake.change_at != 0 && op >= fake.change_at && op <= fake.change_end)
        fake_change_slab(slab, fake.change);
    (void)pthread_mutex_unlock(&fake.lock);
    return op != fake.fail_at;
}

static enum pyr_result fake_open(void *user, const char *path,
                                 struct pyr_file **out_file,
                                 struct pyr_error *err)
{
    struct fake_slab *const slab =
        &fake.slabs[path[0] - '0']
                   [(path[2] - '0') + (path[4] - '0') * (int)FAKE_SLAB_COLS];
    struct pyr_file *const file = calloc(1, sizeof *file);
    (void)user;
    if (file == NULL)
        abort();
    const bool fine = fake_operation(slab);
    (void)pthread_mutex_lock(&fake.lock);
    const bool present = fake_is_present(slab);
    file->slab = slab;
    file->version = slab->version;
    file->nbytes = slab->nbytes;
    fake.nopens++;
    fake.nopen += fine && present;
    (void)pthread_mutex_unlock(&fake.lock);
    if (fine && present)
    {
        *out_file = file;
        return PYR_OK;
    }
    free(file);
    return pyr_fail(err, fine ? PYR_NOT_FOUND : PYR_IO, "opening failed");
}

static void fake_close(struct pyr_file *file)
{
    (void)pthread_mutex_lock(&fake.lock);
    fake.nopen--;
    (void)pthread_mutex_unlock(&fake.lock);
    free(file);
}

static uint64_t fake_size(const struct pyr_file *file)
{
    return file->nbytes;
}

static uint64_t fake_stamp(const struct pyr_file *file)
{
    return fake.no_stamp ? 0 : 1 + (uint64_t)file->version;
}

static bool fake_unchanged(const struct pyr_file *file)
{
    (void)fake_operation(file->slab);
    (void)pthread_mutex_lock(&fake.lock);
    const bool same = file->version == file->slab->version;
    (void)pthread_mutex_unlock(&fake.lock);
    return same;
}

/* A failing read leaves other bytes in the buffers. */
static enum pyr_result fake_read(struct pyr_file *file, size_t nranges,
                                 const struct pyr_extent *ranges,
                                 uint8_t *const *buffers, struct pyr_error *err)
{
    const bool fine = fake_operation(file->slab);
    for (size_t i = 0; i < nranges; i++)
    {
        (void)pthread_mutex_lock(&fake.lock);
        const struct pyr_extent range = ranges[i];
        const bool within =
            range.offset_bytes + range.nbytes <= file->slab->nbytes;
        fake.nreads += i == 0;
        fake.nranges++;
        fake.nbytes += range.nbytes;
        if (fine && within)
            memcpy(buffers[i], file->slab->bytes + range.offset_bytes,
                   (size_t)range.nbytes);
        else
            memset(buffers[i], 0x5A, (size_t)range.nbytes);
        (void)pthread_mutex_unlock(&fake.lock);
        if (!within)
            return pyr_fail(err, PYR_CORRUPT, "ends early");
    }
    return fine ? PYR_OK : pyr_fail(err, PYR_IO, "reading failed");
}

static enum pyr_result fake_path(void *user, uint32_t level,
                                 uint32_t container_col, uint32_t container_row,
                                 char **out_path, struct pyr_error *err)
{
    const char path[] = {(char)('0' + level),         '/',
                         (char)('0' + container_col), '/',
                         (char)('0' + container_row), '\0'};
    (void)user;
    *out_path = pyr_strdup(path);
    return *out_path != NULL ? PYR_OK : pyr_fail(err, PYR_NOMEM, "no memory");
}

static enum pyr_result fake_locate(void *user, uint32_t level,
                                   uint32_t tile_col, uint32_t tile_row,
                                   const uint8_t *index, uint64_t file_nbytes,
                                   struct pyr_extent *out_extent,
                                   struct pyr_error *err)
{
    const struct pyr_source_level *const at = &FAKE_LEVEL[level];
    const uint32_t tile =
        tile_row % at->container_height_tiles * at->container_width_tiles +
        tile_col % at->container_width_tiles;
    uint32_t values[2] = {0, 0};
    (void)user;
    for (int i = 0; i < 8; i++)
        values[i / 4] |= (uint32_t)index[8 * (size_t)tile + (size_t)i]
                         << (8 * (i % 4));
    if ((uint64_t)values[0] + values[1] > file_nbytes)
        return pyr_fail(err, PYR_CORRUPT, "lies beyond the end");
    out_extent->offset_bytes = values[1] > 0 ? values[0] : 0;
    out_extent->nbytes = values[1];
    return PYR_OK;
}

static enum pyr_codec fake_codec(void *user, const uint8_t *bytes,
                                 size_t nbytes)
{
    (void)user;
    (void)bytes;
    (void)nbytes;
    return PYR_CODEC_RAW;
}

/* Forgets what was done and what was to fail. */
static inline void fake_forget(void)
{
    fake.nops = fake.nopens = fake.nreads = fake.nranges = 0;
    fake.nbytes = 0;
    fake.fail_at = fake.change_at = fake.change_end = 0;
}

/* Fills every slab but those of level "big". */
static inline void fake_fill_all(void)
{
    for (uint32_t level = 0; level < FAKE_LEVELS; level++)
        for (uint32_t i = 0; i < FAKE_SLABS; i++)
        {
            struct fake_slab *const slab = &fake.slabs[level][i];
            slab->version = 0;
            slab->present = 0;
            if (level < 3)
                fake_fill(slab, level, i);
        }
    fake_forget();
}

static inline void fake_drop_reader(void)
{
    pyr_reader_free(fake.reader);
    fake.reader = NULL;
    pyr_pool_free(fake.pool);
    fake.pool = NULL;
    pyr_cache_free(fake.cache);
    fake.cache = NULL;
}

/* A reader whose cache is empty. */
static inline void fake_new_reader(unsigned nthreads)
{
    fake_drop_reader();
    if (pyr_pool_new(&fake.pool) != PYR_OK ||
        pyr_cache_new(&fake.cache) != PYR_OK)
        abort();
    const struct pyr_source source = {NULL,      FAKE_LEVELS, FAKE_LEVEL,
                                      fake_path, fake_locate, fake_codec};
    const struct pyr_io io = {NULL,       fake_open,      fake_close, fake_size,
                              fake_stamp, fake_unchanged, fake_read,  NULL};
    fake.source = source;
    fake.io = io;
    const struct pyr_reader_options options = {.source = &fake.source,
                                               .io = &fake.io,
                                               .pool = fake.pool,
                                               .cache = fake.cache,
                                               .nthreads = nthreads,
                                               .waits = fake.waits};
    if (pyr_reader_new(&options, &fake.reader) != PYR_OK)
        abort();
    fake_forget();
}

static inline void fake_begin(void)
{
    (void)pthread_mutex_init(&fake.lock, NULL);
    fake_fill_all();
    fake_new_reader(1);
}

static inline void fake_end(void)
{
    fake_drop_reader();
    for (uint32_t i = 0; i < FAKE_LEVELS * FAKE_SLABS; i++)
        free(fake.slabs[i / FAKE_SLABS][i % FAKE_SLABS].bytes);
    (void)pthread_mutex_destroy(&fake.lock);
}

#endif
