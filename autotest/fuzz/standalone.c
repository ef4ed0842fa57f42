/* SPDX-License-Identifier: MIT */
/* Replays files and directories of inputs through a fuzz target. */
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static unsigned passed;
static unsigned failed;

/* The input stands in a block of exactly its size, so that ASAN sees one byte
 * too many. */
static bool replay_file(const char *path, size_t nbytes)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(nbytes ? nbytes : 1);
    bool ok = file && data && fread(data, 1, nbytes, file) == nbytes;
    if (ok)
        LLVMFuzzerTestOneInput(data, nbytes);
    free(data);
    if (file)
        fclose(file);
    return ok;
}

static void replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
    {
        fprintf(stderr, "cannot read %s\n", path);
        failed++;
        return;
    }
    if (!S_ISDIR(info.st_mode))
    {
        /* Named before it runs: the last one named is the one that crashed. */
        fprintf(stderr, "%s\n", path);
        if (replay_file(path, (size_t)info.st_size))
            passed++;
        else
            failed++;
        return;
    }
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++)
    {
        char child[4096];
        int length =
            snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && length < (int)sizeof(child))
            replay(child);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
