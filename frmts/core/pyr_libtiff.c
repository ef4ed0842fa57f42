/* SPDX-License-Identifier: MIT */
/* Handles of libtiff over functions, for the codec files that need one. */
#include "pyr_libtiff.h"

static int on_error(TIFF *handle, void *user, const char *module,
                    const char *format, va_list args)
{
    char *const message = user;
    (void)handle;
    (void)module;
    if (message != NULL && message[0] == '\0' &&
        vsnprintf(message, PYR_LIBTIFF_MESSAGE_BYTES, format, args) < 0)
        message[0] = '\0';
    return 1; /* not passed on to the handler of the process */
}

static int on_warning(TIFF *handle, void *user, const char *module,
                      const char *format, va_list args)
{
    (void)handle;
    (void)user;
    (void)module;
    (void)format;
    (void)args;
    return 1;
}

static tmsize_t read_nothing(thandle_t user, void *out, tmsize_t nbytes)
{
    (void)user;
    (void)out;
    (void)nbytes;
    return 0;
}

static tmsize_t refuse_write(thandle_t user, void *bytes, tmsize_t nbytes)
{
    (void)user;
    (void)bytes;
    (void)nbytes;
    return -1;
}

static int close_nothing(thandle_t user)
{
    (void)user;
    return 0;
}

TIFF *pyr_libtiff_open(const char *mode, const struct pyr_libtiff_file *file)
{
    TIFFOpenOptions *const options = TIFFOpenOptionsAlloc();
    if (options == NULL)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, file->message);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, NULL);
    if (file->max_alloc_bytes > 0)
        TIFFOpenOptionsSetMaxSingleMemAlloc(options,
                                            (tmsize_t)file->max_alloc_bytes);
    TIFF *const handle = TIFFClientOpenExt(
        "tile", mode, file->user,
        file->read != NULL ? file->read : read_nothing,
        file->write != NULL ? file->write : refuse_write, file->seek,
        close_nothing, file->size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return handle;
}

bool pyr_libtiff_set(TIFF *handle, const struct pyr_libtiff_field *fields,
                     size_t nfields)
{
    for (size_t i = 0; i < nfields; i++)
        if (!TIFFSetField(handle, fields[i].tag, fields[i].value))
            return false;
    return true;
}
