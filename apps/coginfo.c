/* SPDX-License-Identifier: MIT */
/* coginfo: what a Cloud Optimized GeoTIFF is made of, and whether it is one. */
#include "coginfo_print.h"
#include "coginfo_tms.h"

#include "cogx_json.h"
#include "pyr_alloc.h"
#include "vsi_tiff.h"

#include "cpl_conv.h"
#include "cpl_error.h"
#include "cpl_string.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "COGX:"

enum exit_status
{
    STATUS_OK = 0,
    STATUS_NOT_VALID = 1,
    STATUS_UNREADABLE = 2 /* or wrong use */
};

struct arguments
{
    const char *path;
    bool json;
    bool validate;
    bool strict;
    bool quick;
    bool create_tms;
    bool help;
    bool version;
};

static void print_usage(FILE *out)
{
    fputs("Usage: coginfo FILE [--json] [--validate [--strict]] [--quick]\n"
          "                    [--create-tms]\n"
          "\n"
          "Tells what a (Cloud Optimized) GeoTIFF is made of. FILE is any path "
          "that GDAL\n"
          "reads (/vsicurl/https://..., /vsis3/...), also behind COGX:.\n"
          "\n"
          "  --json        directories and tags, levels and their tiles, the "
          "verdict and\n"
          "                the tile matrix set as JSON\n"
          "  --validate    only says whether the file is valid, and why not\n"
          "  --strict      warnings make it invalid, too\n"
          "  --quick       leaves out the bytes around each tile; the rule for "
          "remote\n"
          "                files without --validate\n"
          "  --create-tms  prints the levels as an OGC tile matrix set\n"
          "  --help, --version\n"
          "\n"
          "Exit status: 0; with --validate 1 where the file is not valid; 2 "
          "where it\n"
          "cannot be read.\n",
          out);
}

/* False for what is no use. */
static bool parse_arguments(int argc, char **argv, struct arguments *out)
{
    struct
    {
        const char *name;
        bool *flag;
    } const flags[] = {{"--json", &out->json},
                       {"--validate", &out->validate},
                       {"--strict", &out->strict},
                       {"--quick", &out->quick},
                       {"--create-tms", &out->create_tms},
                       {"--help", &out->help},
                       {"-h", &out->help},
                       {"--version", &out->version}};
    const size_t nflags = sizeof(flags) / sizeof(flags[0]);
    for (int i = 1; i < argc; i++)
    {
        size_t k = 0;
        while (k < nflags && strcmp(argv[i], flags[k].name) != 0)
            k++;
        if (k < nflags)
            *flags[k].flag = true;
        else if (argv[i][0] == '-' || out->path != NULL)
        {
            fprintf(stderr, "coginfo: what is %s?\n", argv[i]);
            return false;
        }
        else
            out->path = argv[i];
    }
    if (out->help || out->version)
        return true;
    if (out->path == NULL)
        fputs("coginfo: FILE is missing\n", stderr);
    else if (out->create_tms && (out->json || out->validate))
        fputs("coginfo: --create-tms stands alone\n", stderr);
    else
        return true;
    return false;
}

/* A path as it may be shown: queries hold signatures. */
static void shown_path(const char *path, char *out_text, size_t nbytes)
{
    const bool is_url = strstr(path, "://") != NULL;
    (void)snprintf(out_text, nbytes, "%.*s",
                   (int)(is_url ? strcspn(path, "?") : strlen(path)), path);
}

static bool stands_beside(const char *path, const char *extension)
{
    char beside[PYR_MAX_PATH_BYTES];
    const int length =
        snprintf(beside, sizeof(beside), "%s%s", path, extension);
    return length > 0 && (size_t)length < sizeof(beside) &&
           vsi_tiff_exists(beside);
}

static bool is_remote(const char *path)
{
    return STARTS_WITH(path, "/vsi") && !STARTS_WITH(path, "/vsimem/") &&
           !STARTS_WITH(path, "/vsizip/") && !STARTS_WITH(path, "/vsitar/") &&
           !STARTS_WITH(path, "/vsigzip/");
}

static enum pyr_result print_json(const char *path, const char *shown,
                                  const struct cogx_tiff *file,
                                  const struct cogx_verdict *verdict,
                                  struct pyr_error *err)
{
    struct pyr_json_text json = {0};
    struct pyr_error why_not = {""};
    char *text = NULL;
    char *tms = NULL;
    pyr_json_begin_object(&json, NULL);
    pyr_json_add_string(&json, "file", shown);
    enum pyr_result result =
        cogx_json_add_cog(&json, "cog", file, verdict, err);
    if (result == PYR_OK)
        result = cogx_json_add_ifds(&json, "ifds", file, err);
    if (result == PYR_OK && coginfo_tms(path, file, &tms, &why_not) == PYR_OK)
        pyr_json_add_text(&json, "tms", tms);
    pyr_json_end_object(&json);
    const enum pyr_result finished =
        pyr_json_finish(&json, &text, result == PYR_OK ? err : NULL);
    if (result == PYR_OK)
        result = finished;
    if (result == PYR_OK)
        puts(text);
    pyr_free(text);
    pyr_free(tms);
    return result;
}

static enum pyr_result print_tms(const char *path, const struct cogx_tiff *file,
                                 struct pyr_error *err)
{
    char *text = NULL;
    const enum pyr_result result = coginfo_tms(path, file, &text, err);
    if (result == PYR_OK)
        puts(text);
    pyr_free(text);
    return result;
}

/* Says all that was asked for; *out_valid only with --validate. */
static enum pyr_result tell(const struct arguments *arguments, const char *path,
                            const char *shown, const struct cogx_tiff *file,
                            bool *out_valid, struct pyr_error *err)
{
    const struct cogx_validate_options options = {
        !arguments->quick && (arguments->validate || !is_remote(path)),
        arguments->strict, stands_beside(path, ".ovr"),
        stands_beside(path, ".msk")};
    if (arguments->create_tms)
        return print_tms(path, file, err);
    struct cogx_verdict *const verdict = pyr_calloc(1, sizeof(*verdict));
    if (verdict == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    enum pyr_result result = cogx_validate(file, &options, verdict, err);
    if (result == PYR_OK && arguments->json)
        result = print_json(path, shown, file, verdict, err);
    else if (result == PYR_OK && arguments->validate)
        coginfo_print_verdict(shown, verdict);
    else if (result == PYR_OK)
        result = coginfo_print(shown, file, verdict, err);
    if (result == PYR_OK && arguments->validate)
        *out_valid = verdict->valid;
    pyr_free(verdict);
    return result;
}

static enum exit_status run(const struct arguments *arguments)
{
    const char *const path = STARTS_WITH_CI(arguments->path, PREFIX)
                                 ? arguments->path + strlen(PREFIX)
                                 : arguments->path;
    struct pyr_error err = {""};
    struct vsi_tiff *opened = NULL;
    struct cogx_tiff *file = NULL;
    bool valid = true;
    char shown[PYR_MAX_PATH_BYTES];
    shown_path(path, shown, sizeof(shown));
    enum pyr_result result = vsi_tiff_open(path, &opened, &err);
    if (result == PYR_OK)
    {
        const struct pyr_tiff_reader reader = vsi_tiff_reader(opened);
        result = cogx_tiff_open(&reader, &file, &err);
    }
    if (result == PYR_OK)
        result = tell(arguments, path, shown, file, &valid, &err);
    cogx_tiff_free(file);
    vsi_tiff_close(opened);
    if (result != PYR_OK)
    {
        fprintf(stderr, "coginfo: %s: %s\n", shown, err.text);
        return STATUS_UNREADABLE;
    }
    return valid ? STATUS_OK : STATUS_NOT_VALID;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    if (!parse_arguments(argc, argv, &arguments))
    {
        print_usage(stderr);
        return STATUS_UNREADABLE;
    }
    if (arguments.help)
        print_usage(stdout);
    if (arguments.version && !arguments.help)
        puts("coginfo " COGINFO_VERSION);
    if (arguments.help || arguments.version)
        return STATUS_OK;
    /* What goes wrong is told once, by this program. */
    CPLPushErrorHandler(CPLQuietErrorHandler);
    const enum exit_status status = run(&arguments);
    CPLPopErrorHandler();
    if (fflush(stdout) != 0)
        return STATUS_UNREADABLE;
    return status;
}
