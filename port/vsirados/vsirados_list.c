/* SPDX-License-Identifier: MIT */
/* The names of a pool's objects, as they come. */
#include "vsirados_list.h"

#include "pyr_alloc.h"
#include "vsirados_priv.h"

#include <errno.h>

struct vsirados_list
{
    struct vsirados_pool *pool;
    rados_list_ctx_t context;
};

enum pyr_result vsirados_list_open(struct vsirados_pool *pool,
                                   struct vsirados_list **out_list,
                                   struct vsirados_error *err)
{
    struct vsirados_list *list = pyr_calloc(1, sizeof *list);

    if (list == NULL)
    {
        vsirados_pool_close(pool);
        return vsirados_fail(err, -ENOMEM, 0, NULL);
    }
    list->pool = pool;
    const int status = rados_nobjects_list_open(pool->io, &list->context);
    if (status < 0)
    {
        const enum pyr_result result =
            vsirados_pool_fail(pool, err, status, "listing");
        list->context = NULL;
        vsirados_list_close(list);
        return result == PYR_NOT_FOUND ? PYR_IO : result;
    }
    atomic_fetch_add(&pool->clusters->listings, 1);
    vsirados_debug(pool, "list %s", pool->name);
    *out_list = list;
    return PYR_OK;
}

void vsirados_list_close(struct vsirados_list *list)
{
    if (list == NULL)
        return;
    if (list->context != NULL && vsirados_user_is_ours(&list->pool->user))
        rados_nobjects_list_close(list->context);
    vsirados_pool_close(list->pool);
    pyr_free(list);
}

enum pyr_result vsirados_list_next(struct vsirados_list *list,
                                   const char **out_name, size_t *out_nbytes,
                                   struct vsirados_error *err)
{
    /* The threads that would answer are in the other process. */
    if (!vsirados_user_is_ours(&list->pool->user))
        return vsirados_pool_fail(list->pool, err, -EIO,
                                  "listing from a forked process");
    const int status = rados_nobjects_list_next2(list->context, out_name, NULL,
                                                 NULL, out_nbytes, NULL, NULL);
    if (status == -ENOENT)
        return vsirados_fail(err, status, 0, NULL);
    return status < 0 ? vsirados_pool_fail(list->pool, err, status, "listing")
                      : PYR_OK;
}
