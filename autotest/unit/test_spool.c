/* SPDX-License-Identifier: MIT */
/* Tests of logs in bounded memory: what is added is read, wherever it went. */
#include "fake_out.h"
#include "pyr_pool.h"
#include "pyr_spool.h"

#define BLOCK ((size_t)PYR_SPOOL_BLOCK_BYTES)
#define NSPOOLS 4
#define NPIECES 40
#define NTHREADS 4

static struct pyr_out out;
static struct pyr_spools *spools;
static struct pyr_spool *spool[NSPOOLS];
static uint64_t at[NSPOOLS][NPIECES];
static enum pyr_result results[NSPOOLS * NPIECES];
static struct pyr_error err;
static uint8_t piece[3 * PYR_SPOOL_BLOCK_BYTES];
static uint8_t found[3 * PYR_SPOOL_BLOCK_BYTES];

static void begin(size_t memory_bytes)
{
    static const char *const paths[NSPOOLS] = {"/a", "/b", "/c", "/d"};
    fake_out_clear();
    err.text[0] = '\0';
    out = fake_out_hook();
    CHECK_INT(pyr_spools_new(&out, memory_bytes, &spools), PYR_OK);
    for (size_t i = 0; i < NSPOOLS; i++)
        CHECK_INT(pyr_spool_new(spools, paths[i], &spool[i]), PYR_OK);
}

static void end(void)
{
    for (size_t i = 0; i < NSPOOLS; i++)
        pyr_spool_free(spool[i]);
    pyr_spools_free(spools);
    CHECK_INT(fake_out.nopen, 0);
    CHECK_INT(files.count, 0);
}

/* Size of a piece: small ones, and some of several blocks. */
static size_t size_of(size_t number, size_t n)
{
    return n % 13 == 5 ? 2 * BLOCK + number : 1000 * (n % 7) + number + 1;
}

static void fill(uint8_t *bytes, size_t number, size_t n)
{
    for (size_t i = 0; i < size_of(number, n); i++)
        bytes[i] = (uint8_t)(number * 50 + n * 3 + i * 7 + (i >> 9));
}

static enum pyr_result add(size_t number, size_t n)
{
    const size_t nbytes = size_of(number, n);
    const struct pyr_spool_part parts[] = {
        {piece, nbytes / 5},
        {piece + nbytes / 5, 0},
        {piece + nbytes / 5, nbytes - nbytes / 5}};
    fill(piece, number, n);
    if (n % 2 == 0)
        return pyr_spool_append(spool[number], piece, nbytes, &at[number][n],
                                &err);
    return pyr_spool_append_parts(spool[number], parts, 3, &at[number][n],
                                  &err);
}

static void check_all(void)
{
    unsigned nwrong = 0;
    for (size_t i = 0; i < NSPOOLS; i++)
        for (size_t n = NPIECES; n-- > 0;)
        {
            const size_t nbytes = size_of(i, n);
            fill(piece, i, n);
            CHECK_INT(pyr_spool_read(spool[i], at[i][n], found, nbytes, &err),
                      PYR_OK);
            nwrong += memcmp(piece, found, nbytes) != 0;
            /* A part of it. */
            CHECK_INT(pyr_spool_read(spool[i], at[i][n] + nbytes / 3, found,
                                     nbytes / 2, &err),
                      PYR_OK);
            nwrong += memcmp(piece + nbytes / 3, found, nbytes / 2) != 0;
        }
    CHECK_INT(nwrong, 0);
}

static void test_memory_and_file(void)
{
    static const size_t budgets[] = {0,         1,          BLOCK,
                                     3 * BLOCK, 10 * BLOCK, 1000 * BLOCK};
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++)
    {
        begin(budgets[i]);
        for (size_t n = 0; n < NPIECES; n++)
            for (size_t number = 0; number < NSPOOLS; number++)
                CHECK_INT(add(number, n), PYR_OK);
        check_all();
        CHECK(fake_out.largest_write <= BLOCK);
        if (budgets[i] == 1000 * BLOCK)
            CHECK_INT(fake_out.count[FAKE_OUT_CREATE], 0);
        else
            CHECK(fake_out.count[FAKE_OUT_CREATE] >= 1);
        CHECK(fake_out.count[FAKE_OUT_CREATE] <= NSPOOLS);
        end();
    }
}

/* The largest of the others goes to its file. */
static void test_choice(void)
{
    uint64_t where = 0;
    begin(8 * BLOCK);
    for (size_t number = 0; number < 3; number++)
        for (size_t n = 0; n < number + 1; n++)
            CHECK_INT(
                pyr_spool_append(spool[number], piece, BLOCK, &where, &err),
                PYR_OK);
    CHECK_INT(pyr_spool_append(spool[3], piece, 2 * BLOCK, &where, &err),
              PYR_OK);
    CHECK_INT(fake_out.nopen, 0);
    fake_out.fail[FAKE_OUT_CREATE] = 1;
    CHECK_INT(pyr_spool_append(spool[3], piece, BLOCK, &where, &err), PYR_IO);
    CHECK_STR(err.text, "temporary file /c: create failed");
    CHECK_INT(pyr_spool_append(spool[3], piece, 1, &where, &err), PYR_OK);
    CHECK_INT(where, 3 * BLOCK);
    CHECK_INT(fake_out.nbytes, 3 * BLOCK);
    /* Where it has most of the memory, it goes itself. */
    CHECK_INT(pyr_spool_append(spool[3], piece, 2 * BLOCK, &where, &err),
              PYR_OK);
    CHECK_INT(fake_out.nbytes, 8 * BLOCK + 1);
    /* One that is read stays. */
    CHECK_INT(pyr_spool_read(spool[1], 0, found, 1, &err), PYR_OK);
    CHECK_INT(pyr_spool_append(spool[0], piece, 3 * BLOCK, &where, &err),
              PYR_OK);
    CHECK_INT(pyr_spool_append(spool[3], piece, 3 * BLOCK, &where, &err),
              PYR_OK);
    CHECK_INT(fake_out.nbytes, 12 * BLOCK + 1);
    CHECK_INT(fake_out.count[FAKE_OUT_CREATE], 4);
    end();
}

static void run(void *user, unsigned worker, size_t item)
{
    static uint8_t bytes[NTHREADS][3 * PYR_SPOOL_BLOCK_BYTES];
    struct pyr_error own = {""};
    const size_t number = item % NSPOOLS;
    const size_t n = item / NSPOOLS;
    (void)user;
    fill(bytes[worker], number, n);
    results[item] = pyr_spool_append(spool[number], bytes[worker],
                                     size_of(number, n), &at[number][n], &own);
}

static void test_threads(void)
{
    const struct pyr_job job = {.run = run};
    struct pyr_pool *pool = NULL;
    CHECK_INT(pyr_pool_new(&pool), PYR_OK);
    for (size_t budget = 0; budget < 20; budget += 5)
    {
        begin(budget * BLOCK);
        pyr_pool_run(pool, &job, (size_t)NSPOOLS * NPIECES, NTHREADS);
        for (size_t i = 0; i < (size_t)NSPOOLS * NPIECES; i++)
            CHECK_INT(results[i], PYR_OK);
        check_all();
        end();
    }
    pyr_pool_free(pool);
}

/* What is read once leaves the file, but for its end. */
static void test_taking(void)
{
    enum
    {
        GIVEN = 64 << 10 /* here */
    };
    for (size_t budget = 0; budget < 20; budget += 5)
    {
        uint64_t nfiled = 0;
        begin(budget * BLOCK);
        for (size_t n = 0; n < NPIECES; n++)
            CHECK_INT(add(0, n), PYR_OK);
        nfiled = fake_out.nbytes;
        for (size_t i = 0; i < NPIECES; i++)
        {
            const size_t n = i * 7 % NPIECES;
            const size_t nbytes = size_of(0, n);
            fill(piece, 0, n);
            CHECK_INT(
                pyr_spool_take(spool[0], at[0][n], found, nbytes / 3, &err),
                PYR_OK);
            CHECK_INT(pyr_spool_take(spool[0], at[0][n] + nbytes / 3,
                                     found + nbytes / 3, nbytes - nbytes / 3,
                                     &err),
                      PYR_OK);
            CHECK(memcmp(found, piece, nbytes) == 0);
            CHECK(i > 0 || fake_out.nforgotten == 0);
        }
        CHECK_INT(fake_out.nforgotten, nfiled - nfiled % GIVEN);
        end();
    }
    begin(0);
    CHECK_INT(pyr_spool_append(spool[0], piece, 2 * BLOCK, &at[0][0], &err),
              PYR_OK);
    pyr_alloc_fail_nth(1);
    CHECK_INT(pyr_spool_take(spool[0], 0, found, GIVEN, &err), PYR_OK);
    pyr_alloc_fail_nth(0);
    CHECK_INT(fake_out.nforgotten, 0);
    fake_out.fail[FAKE_OUT_READ] = 1;
    CHECK_INT(pyr_spool_take(spool[0], GIVEN, found, GIVEN, &err), PYR_IO);
    CHECK_INT(pyr_spool_take(spool[0], GIVEN, found, GIVEN, &err), PYR_OK);
    CHECK_INT(fake_out.nforgotten, GIVEN);
    end();
}

/* A failure leaves the log as it was, and it can go on. */
static void test_failures(void)
{
    static const enum fake_out_op ops[] = {FAKE_OUT_CREATE, FAKE_OUT_WRITE};
    for (size_t op = 0; op < 2; op++)
        for (unsigned nth = 1; nth < 10; nth++)
        {
            unsigned nfailed = 0;
            begin(2 * BLOCK);
            fake_out.fail[ops[op]] = nth;
            for (size_t n = 0; n < NPIECES; n++)
                for (size_t number = 0; number < NSPOOLS; number++)
                    for (enum pyr_result result = PYR_IO; result != PYR_OK;)
                    {
                        result = add(number, n);
                        nfailed += result != PYR_OK;
                    }
            CHECK_INT(nfailed, ops[op] == FAKE_OUT_WRITE || nth <= NSPOOLS);
            check_all();
            end();
        }
    begin(0);
    CHECK_INT(add(0, 0), PYR_OK);
    fake_out.fail[FAKE_OUT_READ] = 1;
    CHECK_INT(pyr_spool_read(spool[0], at[0][0], found, 1, &err), PYR_IO);
    CHECK_STR(err.text, "temporary file /a: read failed");
    end();
}

static void test_no_memory(void)
{
    for (unsigned long nth = 1; nth <= 2; nth++)
    {
        pyr_alloc_fail_nth(nth);
        struct pyr_spools *none = NULL;
        struct pyr_spool *no_spool = NULL;
        enum pyr_result result = pyr_spools_new(&out, 0, &none);
        CHECK_INT(result, nth == 1 ? PYR_NOMEM : PYR_OK);
        if (result == PYR_OK)
            CHECK_INT(pyr_spool_new(none, "/a", &no_spool), PYR_NOMEM);
        pyr_alloc_fail_nth(0);
        pyr_spools_free(none);
    }
    begin(1000 * BLOCK);
    unsigned nfailed = 0;
    for (size_t n = 0; n < NPIECES; n++)
        for (size_t number = 0; number < NSPOOLS; number++)
            for (unsigned long nth = 1; nth < 4; nth++)
            {
                pyr_alloc_fail_nth(nth);
                const enum pyr_result result = add(number, n);
                pyr_alloc_fail_nth(0);
                if (result == PYR_OK)
                    break;
                CHECK_INT(result, PYR_NOMEM);
                nfailed++;
                if (nth == 3)
                    CHECK_INT(add(number, n), PYR_OK);
            }
    CHECK(nfailed > 10);
    check_all();
    end();
}

static void test_blocks(void)
{
    begin(BLOCK);
    uint8_t *const block = pyr_spools_take(spools);
    CHECK(block != NULL);
    memset(block, 0, BLOCK);
    pyr_spools_give(spools, NULL);
    pyr_spools_give(spools, block);
    CHECK(pyr_spools_take(spools) == block);
    pyr_alloc_fail_nth(1);
    CHECK(pyr_spools_take(spools) == NULL);
    pyr_alloc_fail_nth(0);
    pyr_spools_give(spools, block);
    end();
    pyr_spool_free(NULL);
    pyr_spools_free(NULL);
}

int main(void)
{
    RUN(test_memory_and_file);
    RUN(test_choice);
    RUN(test_threads);
    RUN(test_taking);
    RUN(test_failures);
    RUN(test_no_memory);
    RUN(test_blocks);
    return unit_report();
}
