/* SPDX-License-Identifier: MIT */
/* Checks and counts for the unit tests: one program per module. */
#ifndef UNIT_H
#define UNIT_H

#include <stdio.h>
#include <string.h>

static int unit_passed;
static int unit_failed;
static int unit_wrong_checks; /* in the test function that runs */

/* A check that fails prints where and goes on, so that one run tells all. */
static inline void unit_wrong(const char *file, int line)
{
    unit_wrong_checks++;
    printf("%s:%d: ", file, line);
}

static inline void unit_check(int ok, const char *text, const char *file,
                              int line)
{
    if (ok)
        return;
    unit_wrong(file, line);
    printf("not true: %s\n", text);
}

static inline void unit_check_int(long long found, long long expected,
                                  const char *text, const char *file, int line)
{
    if (found == expected)
        return;
    unit_wrong(file, line);
    printf("%s is %lld, expected %lld\n", text, found, expected);
}

static inline void unit_check_str(const char *found, const char *expected,
                                  const char *text, const char *file, int line)
{
    if (found && expected && strcmp(found, expected) == 0)
        return;
    unit_wrong(file, line);
    printf("%s is \"%s\", expected \"%s\"\n", text, found ? found : "(null)",
           expected ? expected : "(null)");
}

static inline void unit_run(void (*test)(void), const char *name)
{
    unit_wrong_checks = 0;
    test();
    if (unit_wrong_checks == 0)
    {
        unit_passed++;
        return;
    }
    unit_failed++;
    printf("FAILED %s: %d wrong\n", name, unit_wrong_checks);
}

/* The last line of a test program, and its exit status. */
static inline int unit_report(void)
{
    printf("%d passed, %d failed\n", unit_passed, unit_failed);
    return unit_failed != 0 || unit_passed == 0;
}

/* Found value first, expected value second. */
#define CHECK(condition)                                                       \
    unit_check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_INT(found, expected)                                             \
    unit_check_int((long long)(found), (long long)(expected), #found,          \
                   __FILE__, __LINE__)
#define CHECK_STR(found, expected)                                             \
    unit_check_str((found), (expected), #found, __FILE__, __LINE__)
#define RUN(test) unit_run(test, #test)

#endif
