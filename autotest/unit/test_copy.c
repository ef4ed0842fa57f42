/* SPDX-License-Identifier: MIT */
/* Tests of copies of whole slabs between object storages. */
#include "fake_object_run.h"
#include "rok4_copy_priv.h"

#define NLEVELS 2
#define SLAB_BYTES (2048u + 8u + 100u)

static struct rok4_level levels[NLEVELS];
static struct pyr_source_level tiles[NLEVELS];
static char ids[NLEVELS][4] = {"12", "11"};
static char places[2][NLEVELS][60];
static char *place_of[2][NLEVELS];
static struct rok4_descriptor descriptor;
static struct rok4_pyramid source;
static struct pyr_pool *pool;
static struct rok4_copy_options options;
static struct rok4_copy_target targets[2 * NLEVELS];
static uint64_t ncopied;    /* told to progress */
static uint64_t enough;     /* slabs after which it interrupts; 0: never */
static unsigned nopened;    /* objects of the source that were */
static char kept[200];      /* paths that were */
static const char *to_skip; /* a path */

/* Reading: what stands in the storage. */
struct pyr_file
{
    char *bytes;
    size_t nbytes;
};

static enum pyr_result file_open(void *user, const char *path,
                                 struct pyr_file **out_file,
                                 struct pyr_error *why)
{
    char *bytes = NULL;
    size_t nbytes = 0;
    const enum pyr_result result =
        store_load(user, path, SIZE_MAX, &bytes, &nbytes, why);
    if (result != PYR_OK)
        return result;
    struct pyr_file *const file = malloc(sizeof *file);
    if (file == NULL)
        abort();
    file->bytes = bytes;
    file->nbytes = nbytes;
    *out_file = file;
    (void)pthread_mutex_lock(&store.lock);
    nopened++;
    (void)pthread_mutex_unlock(&store.lock);
    return PYR_OK;
}

static void file_close(struct pyr_file *file)
{
    pyr_free(file->bytes);
    free(file);
}

static uint64_t file_size(const struct pyr_file *file)
{
    return file->nbytes;
}

static bool file_unchanged(const struct pyr_file *file)
{
    (void)file;
    return true;
}

static enum pyr_result file_read(struct pyr_file *file, size_t nranges,
                                 const struct pyr_extent *ranges,
                                 uint8_t *const *buffers, struct pyr_error *why)
{
    for (size_t i = 0; i < nranges; i++)
    {
        if (ranges[i].offset_bytes + ranges[i].nbytes > file->nbytes)
            return pyr_fail(why, PYR_CORRUPT, "ends early");
        memcpy(buffers[i], file->bytes + ranges[i].offset_bytes,
               (size_t)ranges[i].nbytes);
    }
    return PYR_OK;
}

static const struct pyr_io store_io = {.open = file_open,
                                       .close = file_close,
                                       .size = file_size,
                                       .unchanged = file_unchanged,
                                       .read = file_read,
                                       .load = store_load};

static bool told(void *user, uint64_t nslabs)
{
    CHECK(user == &ncopied && nslabs > ncopied);
    ncopied = nslabs;
    return enough == 0 || nslabs < enough;
}

static enum pyr_result keep(const void *user, const char *path,
                            struct pyr_error *why)
{
    (void)user;
    (void)why;
    (void)pthread_mutex_lock(&store.lock);
    (void)snprintf(kept + strlen(kept), sizeof kept - strlen(kept), "%s|",
                   path);
    (void)pthread_mutex_unlock(&store.lock);
    return PYR_OK;
}

static bool skip(const void *user, const char *path)
{
    (void)user;
    return to_skip != NULL && strcmp(path, to_skip) == 0;
}

/* A slab of one tile whose bytes tell what it is. */
static void make_slab(char bytes[SLAB_BYTES], const char *what)
{
    memset(bytes, 0, SLAB_BYTES);
    (void)snprintf(bytes, 100, "%s", what);
    bytes[2048] = (char)(2056 & 0xFF);
    bytes[2049] = (char)(2056 >> 8);
    bytes[2052] = 100;
    (void)snprintf(bytes + 2056, 100, "pixels of %s", what);
}

static void add_slab(const char *path)
{
    char bytes[SLAB_BYTES];
    make_slab(bytes, path);
    store_put_bytes(path, bytes, sizeof bytes);
}

/* Whether the slab at a path is the copy of another. */
static bool is_copy(const char *path, const char *of)
{
    char bytes[SLAB_BYTES];
    const struct stored *const object = store_find(path);
    make_slab(bytes, of);
    return object != NULL && object->nbytes == SLAB_BYTES &&
           memcmp(object->bytes, bytes, SLAB_BYTES) == 0;
}

static void begin(enum rok4_storage storage, const char *root)
{
    static char path[60];
    static const struct rok4_copy_target to[2 * NLEVELS] = {
        {ROK4_STORAGE_S3, "/vsis3/t/n/DATA_12", 0},
        {ROK4_STORAGE_S3, "/vsis3/t/n/MASK_12", 0},
        {ROK4_STORAGE_S3, "/vsis3/t/n/DATA_11", 0},
        {ROK4_STORAGE_S3, NULL, 0}};
    static const struct pyr_tile_shape shape = {4, 4, 1, PYR_SAMPLE_UINT8};
    const char separator = storage == ROK4_STORAGE_FILE ? '/' : '_';
    store_clear();
    (void)snprintf(path, sizeof path, "%s/p.json", root);
    source.path = path;
    source.descriptor = &descriptor;
    descriptor.levels = levels;
    descriptor.nlevels = NLEVELS;
    for (size_t i = 0; i < NLEVELS; i++)
    {
        const struct pyr_grid_limits limits = {1, 1, 4, 3};
        levels[i].id = ids[i];
        levels[i].storage = storage;
        levels[i].tiles_per_width = levels[i].tiles_per_height = 1;
        levels[i].path_depth = 2;
        levels[i].limits = limits;
        levels[i].empty = false;
        tiles[i].shape = shape;
        tiles[i].container_width_tiles = tiles[i].container_height_tiles = 1;
        for (size_t plane = 0; plane < 2; plane++)
        {
            (void)snprintf(places[plane][i], sizeof places[plane][i],
                           "%s/p/%s%c%s", root, plane == 0 ? "DATA" : "MASK",
                           separator, ids[i]);
            place_of[plane][i] = places[plane][i];
        }
    }
    for (size_t plane = 0; plane < 2; plane++)
    {
        source.planes[plane].pyramid = &source;
        source.planes[plane].places = place_of[plane];
        source.planes[plane].levels = tiles;
    }
    memcpy(targets, to, sizeof targets);
    const struct rok4_copy_options fresh = {.tree = &store_tree,
                                            .io = &store_io,
                                            .source = &source,
                                            .pool = pool,
                                            .nthreads = 1,
                                            .progress = told,
                                            .progress_user = &ncopied,
                                            .skip = skip,
                                            .keep = keep};
    options = fresh;
    kept[0] = '\0';
    to_skip = NULL;
    enough = 0;
}

static enum pyr_result copy_all(void)
{
    err.text[0] = '\0';
    ncopied = 0;
    nopened = 0;
    const enum pyr_result result = rok4_copy_levels(&options, targets, &err);
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    CHECK_INT(store.nfiles, 0);
    return result;
}

/* On S3, with what is no slab, and what has no place to go to. */
static void begin_objects(void)
{
    begin(ROK4_STORAGE_S3, "/vsis3/b");
    add_slab(B "p/DATA_12_1_1");
    add_slab(B "p/DATA_12_4_3");
    add_slab(B "p/DATA_11_2_2");
    add_slab(B "p/MASK_12_1_1");
    add_slab(B "p/MASK_11_2_2");
    store_put(B "p/DATA_12_notes", "notes");
    store_put(B "p/DATA_12_1_1/x", "deeper");
    store_put(B "p/DATA_120_1_1", "of another level");
}

#define LIST                                                                   \
    "0=b/p\n1=b/q\n#\n0/DATA_12_1_1\n1/DATA_12_4_3\n0/DATA_11_2_2\n"           \
    "0/DATA_10_1_1\n0/MASK_12_1_1\n0/MASK_11_2_2\n"

static void check_copied(void)
{
    CHECK(is_copy("/vsis3/t/n/DATA_12_1_1", B "p/DATA_12_1_1"));
    CHECK(is_copy("/vsis3/t/n/DATA_12_4_3", B "p/DATA_12_4_3"));
    CHECK(is_copy("/vsis3/t/n/DATA_11_2_2", B "p/DATA_11_2_2"));
    CHECK(is_copy("/vsis3/t/n/MASK_12_1_1", B "p/MASK_12_1_1"));
    unsigned count = 0;
    for (size_t i = 0; i < store.count; i++)
        count += strncmp(store.objects[i].path, "/vsis3/t/", 9) == 0;
    CHECK_INT(count, 4);
}

static void test_list(void)
{
    begin_objects();
    store_put(B "p.list", LIST);
    store.fail[STORE_LIST] = PYR_IO;
    CHECK_INT(copy_all(), PYR_OK);
    check_copied();
    CHECK_INT(nopened, 4);
    CHECK_INT(ncopied, 4);
    /* With threads. */
    begin_objects();
    store_put(B "p.list", LIST);
    options.nthreads = 3;
    CHECK_INT(copy_all(), PYR_OK);
    check_copied();
}

static void test_listing(void)
{
    static const char *const lists[] = {
        NULL, "shopping", "0=b/p\n0/DATA_12_1_1\n",
        "0=b/p\n#\n0/DATA_12_1_1\n0/slab number 2\n"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    {
        begin_objects();
        if (lists[i] != NULL)
            store_put(B "p.list", lists[i]);
        CHECK_INT(copy_all(), PYR_OK);
        check_copied();
        /* Some were copied before the list ended. */
        CHECK_INT(nopened, i == 3 ? 5 : 4);
    }
    begin_objects();
    store_put(B "p.list", LIST);
    store.fail[STORE_SCAN] = PYR_IO;
    CHECK_INT(copy_all(), PYR_OK);
    check_copied();
}

/* Who may not list asks for each slab within the limits: 12 of each level. One
 * was told of before the listing failed. */
static void test_asking(void)
{
    begin_objects();
    store.fail[STORE_LIST] = PYR_IO;
    store_fail_at(0, false, false);
    CHECK_INT(copy_all(), PYR_OK);
    check_copied();
    CHECK_INT(nopened, 4 + 1);
    CHECK_INT(ncopied, 36 + 1);
    begin_objects();
    store.fail[STORE_LIST] = PYR_IO;
    levels[0].empty = true;
    CHECK_INT(copy_all(), PYR_OK);
    CHECK(store_find("/vsis3/t/n/DATA_12_1_1") == NULL);
    CHECK_INT(ncopied, 12);
}

/* Files behind a server that lists nothing: its list, or asking. */
static void test_files_of_a_server(void)
{
    for (unsigned listed = 0; listed < 2; listed++)
    {
        begin(ROK4_STORAGE_FILE, "/vsicurl/http://h");
        add_slab("/vsicurl/http://h/p/DATA/12/00/00/11.tif");
        add_slab("/vsicurl/http://h/p/DATA/11/00/00/43.tif");
        if (listed)
            store_put("/vsicurl/http://h/p.list",
                      "0=/r/p\n#\n0/DATA/12/00/00/11.tif\n"
                      "0/DATA/11/00/00/43.tif\n");
        CHECK_INT(copy_all(), PYR_OK);
        CHECK(is_copy("/vsis3/t/n/DATA_12_1_1",
                      "/vsicurl/http://h/p/DATA/12/00/00/11.tif"));
        CHECK(is_copy("/vsis3/t/n/DATA_11_4_3",
                      "/vsicurl/http://h/p/DATA/11/00/00/43.tif"));
        CHECK_INT(ncopied, listed ? 2 : 36);
    }
}

/* Two full batches and a half. */
static void test_many(void)
{
    const unsigned nslabs = 5 * ROK4_COPY_BATCH / 2;
    char path[STORE_PATH_BYTES];
    begin(ROK4_STORAGE_S3, "/vsis3/b");
    for (unsigned i = 0; i < nslabs; i++)
    {
        (void)snprintf(path, sizeof path, B "p/DATA_11_%u_1", i);
        add_slab(path);
    }
    options.nthreads = 4;
    CHECK_INT(copy_all(), PYR_OK);
    CHECK_INT(store.count, 2 * nslabs);
    CHECK_INT(ncopied, nslabs);
    CHECK(is_copy("/vsis3/t/n/DATA_11_299_1", B "p/DATA_11_299_1"));
    enough = 1;
    CHECK_INT(copy_all(), PYR_CANCELLED);
    CHECK(ncopied > 0 && ncopied <= ROK4_COPY_BATCH);
}

static void test_resumed(void)
{
    char other[SLAB_BYTES] = "of the same size";
    begin_objects();
    store_put_bytes("/vsis3/t/n/DATA_12_1_1", other, sizeof other);
    store_put("/vsis3/t/n/DATA_11_2_2", "half a slab");
    options.resume = true;
    CHECK_INT(copy_all(), PYR_OK);
    CHECK_STR(kept, "/vsis3/t/n/DATA_12_1_1|");
    CHECK_STR(store_text("/vsis3/t/n/DATA_12_1_1"), other);
    CHECK(is_copy("/vsis3/t/n/DATA_11_2_2", B "p/DATA_11_2_2"));
    options.resume = false;
    to_skip = "/vsis3/t/n/DATA_12_4_3";
    store_drop(to_skip);
    CHECK_INT(copy_all(), PYR_OK);
    CHECK(is_copy("/vsis3/t/n/DATA_12_1_1", B "p/DATA_12_1_1"));
    CHECK(store_find(to_skip) == NULL);
}

/* What a storage copies of its own is not read. A link is no slab of its own.
 */
static void test_copied_by_storage(void)
{
    for (unsigned listed = 0; listed < 2; listed++)
    {
        begin_objects();
        if (listed)
            store_put(B "p.list", LIST);
        options.copy = store_copy;
        store.logs = store.copies = true;
        CHECK_INT(copy_all(), PYR_OK);
        check_copied();
        CHECK(strstr(store.log, "copy /vsis3/t/n/DATA_12_1_1\n") != NULL);
        /* Told to be behind a link. */
        CHECK((strstr(store.log, "put /vsis3/t/n/DATA_12_4_3\n") != NULL) ==
              (listed == 1));
        store.copies = false;
        CHECK_INT(copy_all(), PYR_OK);
        store.copies = true;
        store.fail[STORE_COPY] = PYR_IO;
        CHECK_INT(copy_all(), PYR_IO);
        CHECK(strstr(err.text, "slab " B "p/DATA_1") != NULL);
    }
}

static void test_corrupt(void)
{
    begin_objects();
    char bytes[SLAB_BYTES];
    make_slab(bytes, "too short");
    store_put_bytes(B "p/DATA_12_4_3", bytes, sizeof bytes - 1);
    CHECK_INT(copy_all(), PYR_CORRUPT);
    CHECK(strstr(err.text, "slab " B "p/DATA_12_4_3: tile 0: ") != NULL);
    CHECK(store_find("/vsis3/t/n/DATA_12_4_3") == NULL);
    /* Gone between the listing and now: as if it had never been. */
    store_put(B "p.list", "0=b/p\n#\n0/DATA_12_9_9\n0/DATA_12_1_1\n");
    CHECK_INT(copy_all(), PYR_OK);
}

static void test_failures(void)
{
    for (unsigned listed = 0; listed < 2; listed++)
    {
        unsigned nfailures = 0;
        for (unsigned long i = 1;; i++)
        {
            begin_objects();
            if (listed)
                store_put(B "p.list", LIST);
            store_fail_at(i, false, false);
            const enum pyr_result result = copy_all();
            const bool over = store.nops < i;
            if (result == PYR_OK)
                /* What finds slabs may fail: there are other ways. */
                check_copied();
            else
                CHECK_INT(result, PYR_IO);
            nfailures += result != PYR_OK;
            if (over)
                break;
        }
        CHECK_INT(nfailures, 8);
        for (unsigned long i = 1;; i++)
        {
            begin_objects();
            if (listed)
                store_put(B "p.list", LIST);
            pyr_alloc_fail_nth(i);
            const enum pyr_result result = copy_all();
            pyr_alloc_fail_nth(0);
            if (result == PYR_OK)
                break;
            CHECK_INT(result, PYR_NOMEM);
        }
    }
}

int main(void)
{
    CHECK_INT(pyr_pool_new(&pool), PYR_OK);
    RUN(test_list);
    RUN(test_listing);
    RUN(test_asking);
    RUN(test_files_of_a_server);
    RUN(test_many);
    RUN(test_resumed);
    RUN(test_copied_by_storage);
    RUN(test_corrupt);
    RUN(test_failures);
    pyr_pool_free(pool);
    store_clear();
    return unit_report();
}
