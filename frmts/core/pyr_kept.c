/* SPDX-License-Identifier: MIT */
/* Containers that stay open between reads. */
#include "pyr_kept.h"

#include "pyr_alloc.h"

#include <pthread.h>

struct pyr_kept
{
    const struct pyr_io *io;
    pthread_mutex_t lock; /* guards what follows */
    uint64_t nputs;
    uint64_t put[PYR_MAX_KEPT_FILES]; /* when, by nputs; 0: the place is free */
    struct pyr_kept_file files[PYR_MAX_KEPT_FILES];
};

enum pyr_result pyr_kept_new(const struct pyr_io *io,
                             struct pyr_kept **out_kept)
{
    struct pyr_kept *const kept = pyr_calloc(1, sizeof(*kept));
    if (kept == NULL || pthread_mutex_init(&kept->lock, NULL) != 0)
    {
        pyr_free(kept);
        return PYR_NOMEM;
    }
    kept->io = io;
    *out_kept = kept;
    return PYR_OK;
}

static void close_file(const struct pyr_kept *kept,
                       const struct pyr_kept_file *file)
{
    kept->io->close(file->file);
    pyr_free(file->path);
}

void pyr_kept_drop(struct pyr_kept *kept)
{
    (void)pthread_mutex_lock(&kept->lock);
    for (size_t i = 0; i < PYR_MAX_KEPT_FILES; i++)
    {
        if (kept->put[i] != 0)
            close_file(kept, &kept->files[i]);
        kept->put[i] = 0;
    }
    (void)pthread_mutex_unlock(&kept->lock);
}

void pyr_kept_free(struct pyr_kept *kept)
{
    if (kept == NULL)
        return;
    pyr_kept_drop(kept);
    (void)pthread_mutex_destroy(&kept->lock);
    pyr_free(kept);
}

bool pyr_kept_take(struct pyr_kept *kept, struct pyr_kept_file *file)
{
    bool found = false;
    (void)pthread_mutex_lock(&kept->lock);
    for (size_t i = 0; i < PYR_MAX_KEPT_FILES && !found; i++)
    {
        const struct pyr_kept_file *const at = &kept->files[i];
        found = kept->put[i] != 0 && at->level == file->level &&
                at->container_col == file->container_col &&
                at->container_row == file->container_row;
        if (!found)
            continue;
        *file = *at;
        kept->put[i] = 0;
    }
    (void)pthread_mutex_unlock(&kept->lock);
    return found;
}

void pyr_kept_put(struct pyr_kept *kept, const struct pyr_kept_file *file)
{
    (void)pthread_mutex_lock(&kept->lock);
    size_t place = 0;
    for (size_t i = 1; i < PYR_MAX_KEPT_FILES; i++)
        if (kept->put[i] < kept->put[place])
            place = i;
    if (kept->put[place] != 0)
        close_file(kept, &kept->files[place]);
    kept->files[place] = *file;
    kept->put[place] = ++kept->nputs;
    (void)pthread_mutex_unlock(&kept->lock);
}
