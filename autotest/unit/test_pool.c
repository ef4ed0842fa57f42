/* SPDX-License-Identifier: MIT */
/* Tests of the worker threads: every item once, nobody waited for in vain. */
#include "unit.h"

#include "pyr_alloc.h"
#include "pyr_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ITEMS 3000

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static struct pyr_pool *new_pool(void)
{
    struct pyr_pool *pool = NULL;
    CHECK_INT(pyr_pool_new(&pool), PYR_OK);
    if (pool == NULL)
        exit(1);
    return pool;
}

static void sleep_ms(long ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

/* Waits until *flag is at least goal, 20 s at most. */
static bool wait_for(atomic_int *flag, int goal)
{
    for (int i = 0; i < 20000 && atomic_load(flag) < goal; i++)
        sleep_ms(1);
    return atomic_load(flag) >= goal;
}

/* What a job did, with what it did wrong. */
struct record
{
    atomic_int times[MAX_ITEMS];
    atomic_int busy[PYR_POOL_MAX_THREADS];
    atomic_int entered[PYR_POOL_MAX_THREADS];
    atomic_size_t next_min[PYR_POOL_MAX_THREADS]; /* least item to come */
    atomic_int wrong;
    pthread_t caller;
    unsigned nthreads;
};

static struct record *new_record(unsigned nthreads)
{
    struct record *record = calloc(1, sizeof *record);
    if (record == NULL)
        exit(1);
    record->caller = pthread_self();
    record->nthreads = nthreads;
    return record;
}

static void record_run(void *user, unsigned worker, size_t item)
{
    struct record *record = user;
    const bool is_caller = pthread_equal(pthread_self(), record->caller) != 0;

    if (worker >= record->nthreads || (worker == 0) != is_caller ||
        (worker != 0 && atomic_load(&record->entered[worker]) != 1) ||
        atomic_exchange(&record->busy[worker], 1) != 0 ||
        item < atomic_load(&record->next_min[worker]))
        atomic_fetch_add(&record->wrong, 1);
    atomic_store(&record->next_min[worker], item + 1);
    atomic_fetch_add(&record->times[item], 1);
    if (item % 64 == 0)
        sleep_ms(1);
    atomic_store(&record->busy[worker], 0);
}

static void record_enter(void *user, unsigned worker)
{
    struct record *record = user;
    if (worker == 0 || worker >= record->nthreads ||
        atomic_fetch_add(&record->entered[worker], 1) != 0)
        atomic_fetch_add(&record->wrong, 1);
}

static void record_leave(void *user, unsigned worker)
{
    struct record *record = user;
    if (atomic_fetch_add(&record->entered[worker], 1) != 1 ||
        atomic_load(&record->next_min[worker]) == 0)
        atomic_fetch_add(&record->wrong, 1);
}

/* The number of things that went wrong with a job of nitems. */
static int count_wrong(struct record *record, size_t nitems)
{
    int wrong = atomic_load(&record->wrong);
    for (size_t item = 0; item < MAX_ITEMS; item++)
        wrong += atomic_load(&record->times[item]) != (item < nitems);
    for (unsigned i = 0; i < PYR_POOL_MAX_THREADS; i++)
    {
        const int entered = atomic_load(&record->entered[i]);
        wrong += entered != 0 && entered != 2;
    }
    return wrong;
}

static int end_record(struct record *record, size_t nitems)
{
    const int wrong = count_wrong(record, nitems);
    free(record);
    return wrong;
}

/* Every other job is one whose threads do not stay awake. */
static void run_with(struct record *record, struct pyr_pool *pool,
                     size_t nitems, unsigned nthreads)
{
    static atomic_uint njobs;
    const struct pyr_job job = {.user = record,
                                .run = record_run,
                                .enter = record_enter,
                                .leave = record_leave,
                                .waits = atomic_fetch_add(&njobs, 1) % 2 != 0};
    pyr_pool_run(pool, &job, nitems, nthreads);
}

/* Runs a job; the number of things that went wrong with it. */
static int run_recorded(struct pyr_pool *pool, size_t nitems, unsigned nthreads)
{
    struct record *record = new_record(nthreads ? nthreads : 1);
    run_with(record, pool, nitems, nthreads);
    return end_record(record, nitems);
}

static void test_every_item_once(void)
{
    static const size_t nitems[] = {0, 1, 2, 3, 7, 100, MAX_ITEMS};
    static const unsigned nthreads[] = {0, 1, 2, 3, 8, 128, 100000};
    struct pyr_pool *pool = new_pool();

    for (size_t i = 0; i < sizeof nitems / sizeof *nitems; i++)
        for (size_t j = 0; j < sizeof nthreads / sizeof *nthreads; j++)
            CHECK_INT(run_recorded(pool, nitems[i], nthreads[j]), 0);
    pyr_pool_free(pool);
}

static void test_many_short_jobs(void)
{
    struct pyr_pool *pool = new_pool();
    int wrong = 0;
    for (int i = 0; i < 300; i++)
        wrong += run_recorded(pool, 1 + (size_t)i % 5, 4);
    CHECK_INT(wrong, 0);
    pyr_pool_free(pool);
}

/* Each item waits until all have begun: needs as many threads as items. */
struct meeting
{
    atomic_int present;
    atomic_int late;
    int nitems;
};

static void meet(void *user, unsigned worker, size_t item)
{
    struct meeting *meeting = user;
    (void)worker;
    (void)item;
    atomic_fetch_add(&meeting->present, 1);
    if (!wait_for(&meeting->present, meeting->nitems))
        atomic_fetch_add(&meeting->late, 1);
}

static void test_threads_run_at_once(void)
{
    struct pyr_pool *pool = new_pool();
    for (int nthreads = 2; nthreads <= 16; nthreads *= 2)
    {
        struct meeting meeting = {.nitems = nthreads};
        const struct pyr_job job = {.user = &meeting, .run = meet};
        pyr_pool_run(pool, &job, (size_t)nthreads, (unsigned)nthreads);
        CHECK_INT(atomic_load(&meeting.late), 0);
    }
    pyr_pool_free(pool);
}

/* Notes the item that the calling thread did first, from 1. */
struct start
{
    struct record *record;
    atomic_size_t first;
};

static void start_run(void *user, unsigned worker, size_t item)
{
    struct start *start = user;
    size_t none = 0;
    if (worker == 0)
        atomic_compare_exchange_strong(&start->first, &none, item + 1);
    record_run(start->record, worker, item);
}

static void start_enter(void *user, unsigned worker)
{
    record_enter(((struct start *)user)->record, worker);
}

static void start_leave(void *user, unsigned worker)
{
    record_leave(((struct start *)user)->record, worker);
}

static void test_caller_does_first(void)
{
    struct pyr_pool *pool = new_pool();
    int wrong = 0;
    for (int i = 0; i < 500; i++)
    {
        const size_t nitems = (size_t)i % 9;
        const unsigned nthreads = 1 + (unsigned)i % 5;
        struct start start = {.record = new_record(nthreads)};
        const struct pyr_job job = {.user = &start,
                                    .run = start_run,
                                    .enter = start_enter,
                                    .leave = start_leave,
                                    .caller_does_first = true};
        pyr_pool_run(pool, &job, nitems, nthreads);
        wrong += atomic_load(&start.first) != (nitems > 0);
        wrong += end_record(start.record, nitems);
    }
    CHECK_INT(wrong, 0);
    pyr_pool_free(pool);
}

/* Items that run further jobs. */
struct nest
{
    struct pyr_pool *pool;
    struct record *record;
    size_t every; /* item that does so: 0 for only the first one */
    int depth;
    atomic_int *wrong;
};

static void nest_run(void *user, unsigned worker, size_t item)
{
    struct nest *nest = user;
    if (nest->depth > 0 && (item == 0 || nest->every > 0) &&
        (nest->every == 0 || item % nest->every == 0))
    {
        struct nest inner = *nest;
        inner.depth--;
        inner.record = new_record(3);
        const struct pyr_job job = {
            .user = &inner, .run = nest_run, .caller_does_first = true};
        pyr_pool_run(nest->pool, &job, 40, 3);
        for (size_t i = 0; i < MAX_ITEMS; i++)
            if (atomic_load(&inner.record->times[i]) != (i < 40))
                atomic_fetch_add(nest->wrong, 1);
        free(inner.record);
    }
    if (atomic_exchange(&nest->record->busy[worker], 1) != 0)
        atomic_fetch_add(nest->wrong, 1);
    atomic_fetch_add(&nest->record->times[item], 1);
    atomic_store(&nest->record->busy[worker], 0);
}

/* Only from the calling thread's first item, as a raster does that is read
 * while the tiles before are encoded; or from all, on helpers, too. */
static void test_jobs_within_jobs(void)
{
    static const size_t every[] = {0, 1, 7};
    struct pyr_pool *pool = new_pool();
    for (size_t i = 0; i < 3; i++)
        for (int round = 0; round < 20; round++)
        {
            atomic_int wrong = 0;
            struct nest nest = {.pool = pool,
                                .record = new_record(4),
                                .every = every[i],
                                .depth = every[i] == 1 ? 1 : 2,
                                .wrong = &wrong};
            const struct pyr_job job = {
                .user = &nest, .run = nest_run, .caller_does_first = true};
            pyr_pool_run(pool, &job, 60, 4);
            CHECK_INT(atomic_load(&wrong), 0);
            CHECK_INT(end_record(nest.record, 60), 0);
        }
    pyr_pool_free(pool);
}

struct caller
{
    struct pyr_pool *pool;
    int njobs;
    unsigned nthreads;
    int wrong;
};

static void *caller_main(void *arg)
{
    struct caller *caller = arg;
    for (int i = 0; i < caller->njobs; i++)
        caller->wrong +=
            run_recorded(caller->pool, (size_t)(i * 7 % 200), caller->nthreads);
    return NULL;
}

static void test_many_callers(void)
{
    struct pyr_pool *pool = new_pool();
    struct caller callers[6];
    pthread_t threads[6];

    for (unsigned i = 0; i < 6; i++)
    {
        callers[i] = (struct caller){pool, 100, 1 + i, 0};
        CHECK_INT(pthread_create(&threads[i], NULL, caller_main, &callers[i]),
                  0);
    }
    for (unsigned i = 0; i < 6; i++)
    {
        pthread_join(threads[i], NULL);
        CHECK_INT(callers[i].wrong, 0);
    }
    pyr_pool_free(pool);
}

/* A job that holds every helper there can be until told to end. */
struct siege
{
    struct pyr_pool *pool;
    atomic_int held;
    atomic_int end;
};

static void hold(void *user, unsigned worker, size_t item)
{
    struct siege *siege = user;
    (void)worker;
    (void)item;
    atomic_fetch_add(&siege->held, 1);
    wait_for(&siege->end, 1);
}

static void *siege_main(void *arg)
{
    struct siege *siege = arg;
    const struct pyr_job job = {.user = siege, .run = hold};
    pyr_pool_run(siege->pool, &job, PYR_POOL_MAX_THREADS, PYR_POOL_MAX_THREADS);
    return NULL;
}

static void test_busy_helpers_are_not_waited_for(void)
{
    struct siege siege = {.pool = new_pool()};
    pthread_t thread;

    CHECK_INT(pthread_create(&thread, NULL, siege_main, &siege), 0);
    CHECK(wait_for(&siege.held, PYR_POOL_MAX_THREADS));
    for (int i = 0; i < 20; i++)
        CHECK_INT(run_recorded(siege.pool, 50, 4), 0);
    CHECK_INT(atomic_load(&siege.held), PYR_POOL_MAX_THREADS);
    atomic_store(&siege.end, 1);
    pthread_join(thread, NULL);
    CHECK_INT(run_recorded(siege.pool, 500, 4), 0);
    pyr_pool_free(siege.pool);
}

/* Runs a job in a forked child; true when it ended well within 20 s. The
 * sanitizers' allocators are not there for a child: another thread may have
 * held their locks. */
static bool child_can_run(struct pyr_pool *pool)
{
    struct record *record = new_record(4);
    int status = -1;
    const pid_t child = fork();
    if (child == 0)
    {
        alarm(20);
        run_with(record, pool, 200, 4);
        const int wrong = count_wrong(record, 200);
        if (!SANITIZED)
            pyr_pool_free(pool);
        _exit(wrong != 0);
    }
    free(record);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void test_after_fork(void)
{
    struct pyr_pool *pool = new_pool();
    struct caller caller = {pool, 400, 4, 0};
    pthread_t thread;

    if (!SANITIZED) /* starts threads, which tsan forbids in a forked child */
        CHECK(child_can_run(pool));
    CHECK_INT(run_recorded(pool, 100, 4), 0);
    CHECK(child_can_run(pool));

    /* While the lock is taken and given back all the time. */
    CHECK_INT(pthread_create(&thread, NULL, caller_main, &caller), 0);
    for (int i = 0; i < 20; i++)
        CHECK(child_can_run(pool));
    pthread_join(thread, NULL);
    CHECK_INT(caller.wrong, 0);
    pyr_pool_free(pool);
}

/* No address space for a helper's stack: the caller works alone. */
static void test_no_threads_to_be_had(void)
{
    if (SANITIZED) /* which need address space themselves */
        return;
    fflush(stdout);
    int status = -1;
    const pid_t child = fork();
    if (child == 0)
    {
        const struct rlimit none = {0, 0};
        struct pyr_pool *pool = new_pool();
        struct record *record = new_record(4);
        const struct pyr_job job = {.user = record, .run = record_run};
        int wrong = setrlimit(RLIMIT_AS, &none);
        pyr_pool_run(pool, &job, 500, 4);
        for (size_t item = 0; item < 500; item++)
            wrong += atomic_load(&record->times[item]) != 1;
        for (unsigned i = 1; i < PYR_POOL_MAX_THREADS; i++)
            wrong += atomic_load(&record->next_min[i]) != 0;
        pyr_pool_free(pool);
        _exit(wrong != 0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

static void test_no_memory(void)
{
    pyr_pool_free(NULL);
#ifdef PYR_ALLOC_FAILURES
    struct pyr_pool *pool = NULL;
    pyr_alloc_fail_nth(1);
    CHECK_INT(pyr_pool_new(&pool), PYR_NOMEM);
    CHECK(pool == NULL);
    pyr_alloc_fail_nth(0);
#endif
}

int main(void)
{
    RUN(test_no_threads_to_be_had); /* first: stacks are kept for reuse */
    RUN(test_every_item_once);
    RUN(test_many_short_jobs);
    RUN(test_threads_run_at_once);
    RUN(test_caller_does_first);
    RUN(test_jobs_within_jobs);
    RUN(test_many_callers);
    RUN(test_busy_helpers_are_not_waited_for);
    RUN(test_after_fork);
    RUN(test_no_memory);
    return unit_report();
}
