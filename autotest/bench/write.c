/* SPDX-License-Identifier: MIT */
/* Times commands that write the same pyramid in different ways. */
#include "bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONTENDERS 16
#define MAX_REPETITIONS 101
#define MAX_LINE_BYTES 8192
#define SAMPLE_MS 50

/* A line of the input: NAME|COMMAND|CHECK. Commands are for sh. What CHECK
 * prints must be the same for all contenders that have one. */
struct contender
{
    char line[MAX_LINE_BYTES];
    const char *name;
    const char *command;
    const char *check;
    bool failed;
    double elapsed_ms[MAX_REPETITIONS];
    double processor_ms[MAX_REPETITIONS];
    double peak_mb; /* resident memory of the largest process */
    double final_mb;
    double temporary_mb; /* at most on the disk, beyond what stays */
};

struct bench
{
    const char *output; /* directory, emptied before each run */
    int repetitions;
    double cache_mb; /* of the source, which every process may take */
    struct contender contenders[MAX_CONTENDERS];
    int ncontenders;
    char expected[MAX_LINE_BYTES]; /* what a check printed; "" before */
    bool sound;
};

/* ---- Disk ---- */

static int64_t disk_bytes; /* nftw has no argument for its callback */

static int add_entry(const char *path, const struct stat *status, int kind,
                     struct FTW *where)
{
    (void)path;
    (void)where;
    if (kind == FTW_F)
        disk_bytes += (int64_t)status->st_blocks * 512;
    return 0;
}

static double disk_mb(const char *directory)
{
    disk_bytes = 0;
    nftw(directory, add_entry, 16, FTW_PHYS);
    return (double)disk_bytes / (1 << 20);
}

static int remove_entry(const char *path, const struct stat *status, int kind,
                        struct FTW *where)
{
    (void)status;
    (void)kind;
    return where->level == 0 ? 0 : remove(path);
}

/* Leaves nothing to do for the disk either. */
static void empty(const char *directory)
{
    nftw(directory, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
    sync();
}

/* ---- Running ---- */

static pid_t start(const char *command)
{
    const pid_t child = fork();
    if (child < 0)
        bench_fail("cannot start", command);
    if (child == 0)
    {
        const int quiet = open("/dev/null", O_WRONLY);
        dup2(quiet, STDOUT_FILENO);
        execl("/bin/sh", "sh", "-ec", command, (char *)NULL);
        _exit(127);
    }
    return child;
}

static double to_ms(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec * 1e-3;
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* Repetition -1 warms up, and looks at the disk meanwhile. */
static void run_once(const struct bench *bench, struct contender *contender,
                     int repetition)
{
    const struct timespec pause = {0, SAMPLE_MS * 1000000L};
    struct rusage usage;
    double peak_mb = 0;
    int status;

    empty(bench->output);
    const double start_ms = now_ms();
    const pid_t child = start(contender->command);
    while (wait4(child, &status, repetition < 0 ? WNOHANG : 0, &usage) == 0)
    {
        const double mb = disk_mb(bench->output);
        peak_mb = mb > peak_mb ? mb : peak_mb;
        nanosleep(&pause, NULL);
    }
    const double elapsed_ms = now_ms() - start_ms;
    contender->failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if ((double)usage.ru_maxrss / 1024 > contender->peak_mb)
        contender->peak_mb = (double)usage.ru_maxrss / 1024;
    if (repetition < 0)
    {
        contender->final_mb = disk_mb(bench->output);
        contender->temporary_mb =
            peak_mb > contender->final_mb ? peak_mb - contender->final_mb : 0;
        return;
    }
    contender->elapsed_ms[repetition] = elapsed_ms;
    contender->processor_ms[repetition] =
        to_ms(usage.ru_utime) + to_ms(usage.ru_stime);
}

static void check(struct bench *bench, const struct contender *contender)
{
    char found[MAX_LINE_BYTES] = "";
    FILE *pipe = popen(contender->check, "r");

    if (pipe == NULL || fgets(found, sizeof found, pipe) == NULL)
        found[0] = '\0';
    if (pipe == NULL || pclose(pipe) != 0 || found[0] == '\0')
    {
        printf("%s: ITS PIXELS CANNOT BE READ\n", contender->name);
        bench->sound = false;
        return;
    }
    found[strcspn(found, "\n")] = '\0';
    if (bench->expected[0] == '\0')
        memcpy(bench->expected, found, sizeof found);
    if (strcmp(found, bench->expected) == 0)
        return;
    printf("%s: DIFFERENT PIXELS\n  %s, expected\n  %s\n", contender->name,
           found, bench->expected);
    bench->sound = false;
}

static void run_all(struct bench *bench)
{
    for (int i = -1; i < bench->repetitions; i++)
        for (int c = 0; c < bench->ncontenders; c++)
        {
            struct contender *contender = &bench->contenders[c];
            if (contender->failed)
                continue;
            run_once(bench, contender, i);
            if (contender->failed)
            {
                printf("%s: FAILED: %s\n", contender->name, contender->command);
                bench->sound = false;
            }
            else if (i < 0 && contender->check[0] != '\0')
            {
                check(bench, contender);
            }
            fflush(stdout);
        }
    empty(bench->output);
}

/* ---- Table ---- */

static void print_table(struct bench *bench)
{
    double ours_ms = 0;
    double ours_processor_ms = 0;

    printf("%-34s %9s %9s %8s %8s %8s %8s %8s %8s\n", "", "ms", "cpu ms",
           "RSS MB", "-cache", "disk MB", "tmp MB", "R/it", "R/it cpu");
    for (int c = 0; c < bench->ncontenders; c++)
    {
        struct contender *it = &bench->contenders[c];
        if (it->failed)
        {
            printf("%-34s %9s\n", it->name, "-");
            continue;
        }
        const double ms = bench_median(it->elapsed_ms, bench->repetitions);
        const double processor_ms =
            bench_median(it->processor_ms, bench->repetitions);
        if (strncmp(it->name, "ROK4", 4) == 0 && ours_ms == 0)
        {
            ours_ms = ms;
            ours_processor_ms = processor_ms;
        }
        printf("%-34s %9.0f %9.0f %8.1f %8.1f %8.1f %8.1f", it->name, ms,
               processor_ms, it->peak_mb, it->peak_mb - bench->cache_mb,
               it->final_mb, it->temporary_mb);
        bench_print_ratio(ours_ms, ms);
        bench_print_ratio(ours_processor_ms, processor_ms);
        printf("\n");
    }
}

/* Cuts the part before the next '|' off *rest. */
static const char *cut(char **rest)
{
    char *part = *rest;
    *rest = part + strcspn(part, "|");
    if (**rest == '|')
        *(*rest)++ = '\0';
    return part;
}

static void read_contenders(struct bench *bench)
{
    while (bench->ncontenders < MAX_CONTENDERS)
    {
        struct contender *contender = &bench->contenders[bench->ncontenders];
        if (fgets(contender->line, MAX_LINE_BYTES, stdin) == NULL)
            return;
        char *rest = contender->line;
        rest[strcspn(rest, "\n")] = '\0';
        contender->name = cut(&rest);
        contender->command = cut(&rest);
        contender->check = rest;
        bench->ncontenders++;
    }
}

int main(int argc, char **argv)
{
    if (argc != 4)
    {
        fprintf(stderr,
                "usage: write OUTPUT_DIRECTORY REPETITIONS CACHE_MB\n"
                "       with a line NAME|COMMAND|CHECK for each contender;\n"
                "       the directory is emptied before each run\n");
        return 2;
    }
    struct bench *bench = bench_allocate(sizeof *bench);
    memset(bench, 0, sizeof *bench);
    bench->output = argv[1];
    bench->repetitions = bench_int(argv[2], 1, MAX_REPETITIONS);
    bench->cache_mb = bench_int(argv[3], 0, 1 << 20);
    bench->sound = true;
    read_contenders(bench);
    run_all(bench);
    print_table(bench);
    const bool sound = bench->sound;
    free(bench);
    return sound ? 0 : 1;
}
