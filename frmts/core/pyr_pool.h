/* SPDX-License-Identifier: MIT */
/* Worker threads that share out the items of a job with their caller. */
#ifndef PYR_POOL_H
#define PYR_POOL_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

#define PYR_POOL_MAX_THREADS 128u

struct pyr_pool;

/* One job. worker is 0 for the calling thread, 1 .. nthreads - 1 for helpers,
 * and no two threads use the same number at once within one job. */
struct pyr_job
{
    void *user;
    /* Does item `item`. Called once for each item, from any of the threads. */
    void (*run)(void *user, unsigned worker, size_t item);
    /* Called on a helper (never on the calling thread) before its first and
     * after its last item of this job; either may be NULL. */
    void (*enter)(void *user, unsigned worker);
    void (*leave)(void *user, unsigned worker);
    /* Item 0 is done by the calling thread, first of all. */
    bool caller_does_first;
    /* Items wait for a network or a disk: threads sleep as soon as they have
     * none. Else they stay awake for a moment, for the next job. */
    bool waits;
};

/* Starts no thread. PYR_NOMEM. The caller frees it with pyr_pool_free. */
enum pyr_result pyr_pool_new(struct pyr_pool **out_pool) PYR_MUST_CHECK;

/* Ends and joins the threads. No job may be running. NULL is fine. */
void pyr_pool_free(struct pyr_pool *pool);

/* Runs items 0 .. nitems - 1, in increasing order of start, on the calling
 * thread and on up to nthreads - 1 helpers, and returns when all are done.
 * nthreads is clamped to [1, PYR_POOL_MAX_THREADS]; threads are started when
 * first needed and kept, and one that cannot be started is done without. With
 * nthreads 1 or nitems 1, everything runs on the calling thread without a lock.
 * Never waits for a helper that has not begun, so it ends even where all
 * helpers are busy elsewhere or do not exist (after fork).
 *
 * Safe from many threads: several jobs may run at once. Also from inside an
 * item, which then is the calling thread of a further job: nobody waits for an
 * item of another job than his own, so jobs within jobs end as well. A helper
 * never leaves the job that it has entered for another one. */
void pyr_pool_run(struct pyr_pool *pool, const struct pyr_job *job,
                  size_t nitems, unsigned nthreads);

#ifdef __cplusplus
}
#endif

#endif
