/* SPDX-License-Identifier: MIT */
/* Worker threads that share out the items of a job with their caller. */
#include "pyr_pool.h"

#include "pyr_alloc.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define MAX_HELPERS (PYR_POOL_MAX_THREADS - 1u)

/* Address space only, touched as used. A read through libcurl over TLS uses
 * some 40 kB, decoding a JPEG 20 kB; the rest is for thread-local storage of
 * the program's libraries, which stands here too, and for sanitizers. The
 * usual 8 MiB would take 1 GiB where address space is limited. */
#define HELPER_STACK_BYTES (1u << 20)

/* How often a thread that waits gives the processor away before it sleeps: some
 * 50 and 500 microseconds on an idle machine. Reads come as trains of jobs of
 * less than a millisecond, and to sleep between them costs more than the time
 * to wake up: the kernel may well wake a thread on the processor of the one
 * that it is to help, where it waits until the job is over. */
#define HELPER_YIELDS 100
#define CALLER_YIELDS 1000

/* One call of pyr_pool_run, on its stack. Written under the pool's mutex, but
 * for next_item. A helper touches it only while it counts in nactive; the call
 * returns once it is out of the queue (so nobody joins) and nactive is 0. */
struct run
{
    const struct pyr_job *job;
    size_t nitems;
    atomic_size_t next_item;
    unsigned nseats;     /* helpers that may still join */
    unsigned njoined;    /* the last worker number given out */
    atomic_uint nactive; /* helpers between joining and leaving */
    struct run *next;    /* in the queue of runs with seats */
};

struct pyr_pool
{
    pthread_mutex_t mutex;
    pthread_cond_t queued; /* a run with seats, or closing */
    pthread_cond_t left;   /* some run's nactive fell to 0 */
    struct run *first;     /* oldest run with seats */
    atomic_uint nseats;    /* of all runs in the queue */
    unsigned nidle;        /* helpers that will take a seat */
    unsigned nhelpers;
    bool closing;
    pthread_t helpers[MAX_HELPERS];
    /* Process that first took the mutex, 0 before. A forked child has no
     * helpers, and finds the mutex locked and the conditions waited for by
     * threads that it does not have: there the lock is never touched. */
    atomic_long pid;
};

enum pyr_result pyr_pool_new(struct pyr_pool **out_pool)
{
    struct pyr_pool *pool = pyr_calloc(1, sizeof *pool);
    if (pool == NULL)
        return PYR_NOMEM;
    if (pthread_mutex_init(&pool->mutex, NULL) != 0)
        goto no_mutex;
    if (pthread_cond_init(&pool->queued, NULL) != 0)
        goto no_queued;
    if (pthread_cond_init(&pool->left, NULL) != 0)
        goto no_left;
    atomic_init(&pool->pid, 0);
    *out_pool = pool;
    return PYR_OK;

no_left:
    pthread_cond_destroy(&pool->queued);
no_queued:
    pthread_mutex_destroy(&pool->mutex);
no_mutex:
    pyr_free(pool);
    return PYR_NOMEM;
}

/* False in a forked child of the process that first used the pool. */
static bool pool_is_ours(struct pyr_pool *pool)
{
    long pid = 0;
    const long own = (long)getpid();
    return atomic_compare_exchange_strong(&pool->pid, &pid, own) || pid == own;
}

void pyr_pool_free(struct pyr_pool *pool)
{
    if (pool == NULL)
        return;
    if (pool_is_ours(pool))
    {
        pthread_mutex_lock(&pool->mutex);
        pool->closing = true;
        pthread_cond_broadcast(&pool->queued);
        pthread_mutex_unlock(&pool->mutex);
        for (unsigned i = 0; i < pool->nhelpers; i++)
            pthread_join(pool->helpers[i], NULL);
        pthread_cond_destroy(&pool->left);
        pthread_cond_destroy(&pool->queued);
        pthread_mutex_destroy(&pool->mutex);
    }
    pyr_free(pool);
}

/* Claims the next item. The counter passes nitems by at most one a thread. */
static bool claim(struct run *run, size_t *out_item)
{
    *out_item =
        atomic_fetch_add_explicit(&run->next_item, 1, memory_order_relaxed);
    return *out_item < run->nitems;
}

static void help(struct run *run, unsigned worker)
{
    const struct pyr_job *job = run->job;
    size_t item;

    if (!claim(run, &item))
        return;
    if (job->enter != NULL)
        job->enter(job->user, worker);
    do
        job->run(job->user, worker, item);
    while (claim(run, &item));
    if (job->leave != NULL)
        job->leave(job->user, worker);
}

static void wait_awake_for_seats(struct pyr_pool *pool)
{
    for (int i = 0; i < HELPER_YIELDS && atomic_load(&pool->nseats) == 0; i++)
        (void)sched_yield();
}

static void wait_awake_for_helpers(struct run *run)
{
    for (int i = 0; i < CALLER_YIELDS && atomic_load(&run->nactive) > 0; i++)
        (void)sched_yield();
}

static void *helper_main(void *arg)
{
    struct pyr_pool *pool = arg;

    pthread_mutex_lock(&pool->mutex);
    for (;;)
    {
        while (pool->first == NULL && !pool->closing)
            pthread_cond_wait(&pool->queued, &pool->mutex);
        struct run *run = pool->first;
        if (run == NULL)
            break;
        pool->nidle--;
        pool->nseats--;
        if (--run->nseats == 0)
            pool->first = run->next;
        const unsigned worker = ++run->njoined;
        const bool waits = run->job->waits;
        run->nactive++;
        pthread_mutex_unlock(&pool->mutex);

        help(run, worker);

        pthread_mutex_lock(&pool->mutex);
        if (--run->nactive == 0)
            pthread_cond_broadcast(&pool->left);
        pool->nidle++;
        if (waits)
            continue;
        pthread_mutex_unlock(&pool->mutex);
        wait_awake_for_seats(pool);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Starts helpers until each seat has an idle one. Under the mutex. */
static void start_helpers(struct pyr_pool *pool)
{
    pthread_attr_t attr;

    if (pool->nidle >= pool->nseats || pool->nhelpers == MAX_HELPERS)
        return;
    if (pthread_attr_init(&attr) != 0)
        return;
    if (pthread_attr_setstacksize(&attr, HELPER_STACK_BYTES) == 0)
    {
        while (pool->nidle < pool->nseats && pool->nhelpers < MAX_HELPERS &&
               pthread_create(&pool->helpers[pool->nhelpers], &attr,
                              helper_main, pool) == 0)
        {
            pool->nhelpers++;
            pool->nidle++;
        }
    }
    pthread_attr_destroy(&attr);
}

/* Puts run at the end of the queue and wakes helpers for it. */
static void open_seats(struct pyr_pool *pool, struct run *run)
{
    pthread_mutex_lock(&pool->mutex);
    struct run **link = &pool->first;
    while (*link != NULL)
        link = &(*link)->next;
    *link = run;
    pool->nseats += run->nseats;
    start_helpers(pool);
    for (unsigned i = 0; i < run->nseats && i < pool->nidle; i++)
        pthread_cond_signal(&pool->queued);
    pthread_mutex_unlock(&pool->mutex);
}

/* Takes back the seats that no helper took, then waits for those who did. */
static void close_seats(struct pyr_pool *pool, struct run *run)
{
    pthread_mutex_lock(&pool->mutex);
    if (run->nseats > 0)
    {
        struct run **link = &pool->first;
        while (*link != run)
            link = &(*link)->next;
        *link = run->next;
        pool->nseats -= run->nseats;
    }
    pthread_mutex_unlock(&pool->mutex);

    if (!run->job->waits)
        wait_awake_for_helpers(run);
    pthread_mutex_lock(&pool->mutex); /* the last one holds it still */
    while (run->nactive > 0)
        pthread_cond_wait(&pool->left, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

void pyr_pool_run(struct pyr_pool *pool, const struct pyr_job *job,
                  size_t nitems, unsigned nthreads)
{
    if (nthreads > PYR_POOL_MAX_THREADS)
        nthreads = PYR_POOL_MAX_THREADS;
    if (nthreads > nitems)
        nthreads = (unsigned)nitems;
    if (nthreads < 2 || !pool_is_ours(pool))
    {
        for (size_t item = 0; item < nitems; item++)
            job->run(job->user, 0, item);
        return;
    }

    struct run run = {.job = job, .nitems = nitems, .nseats = nthreads - 1};
    size_t item;
    atomic_init(&run.next_item, job->caller_does_first ? 1 : 0);
    open_seats(pool, &run);
    if (job->caller_does_first)
        job->run(job->user, 0, 0);
    while (claim(&run, &item))
        job->run(job->user, 0, item);
    close_seats(pool, &run);
}
