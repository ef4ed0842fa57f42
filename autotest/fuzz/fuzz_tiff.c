/* SPDX-License-Identifier: MIT */
/* Fuzz target: TIFF directories, and every value of every tag. */
#include "pyr_alloc.h"
#include "pyr_tiff.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

#define NVALUES 16u

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_tag(const struct pyr_tiff_reader *reader,
                      const struct pyr_tiff *tiff,
                      const struct pyr_tiff_tag *tag)
{
    struct pyr_error err = {""};
    void *values = NULL;
    size_t nbytes = 0;
    uint64_t numbers[NVALUES];
    enum pyr_result result =
        pyr_tiff_load(reader, tiff, tag, &values, &nbytes, &err);
    require((result == PYR_OK) == (values != NULL));
    if (result == PYR_OK)
    {
        require(nbytes == tag->count * pyr_tiff_type_bytes(tag->type));
        require(nbytes <= reader->size_bytes);
        require(((const char *)values)[nbytes] == '\0');
    }
    else
        require(err.text[0] != '\0');
    pyr_free(values);
    for (uint64_t first = 0; first < 3 * NVALUES; first += NVALUES)
    {
        result =
            pyr_tiff_uints(reader, tiff, tag, first, NVALUES, numbers, &err);
        require(result == PYR_OK || result == PYR_CORRUPT);
        require(result != PYR_OK || first + NVALUES <= tag->count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    struct pyr_tiff_memory memory = {data, nbytes};
    struct pyr_tiff_reader reader = pyr_tiff_memory_reader(&memory);
    struct pyr_tiff *tiff = NULL;
    struct pyr_tiff *again = NULL;
    struct pyr_error err = {""};
    const enum pyr_result result = pyr_tiff_parse(&reader, &tiff, &err);
    require((result == PYR_OK) == (tiff != NULL));
    /* The same where the end of the file is not known. */
    const struct pyr_tiff_reader endless = {&memory, UINT64_MAX, reader.read};
    require((pyr_tiff_parse(&endless, &again, &err) == PYR_OK) ==
            (result == PYR_OK));
    pyr_tiff_free(again);
    if (result != PYR_OK)
    {
        require(err.text[0] != '\0');
        return 0;
    }
    require(pyr_tiff_identify(data, nbytes));
    require(tiff->ndirs >= 1 && tiff->ndirs <= PYR_TIFF_MAX_DIRS);
    for (size_t i = 0; i < tiff->ndirs; i++)
    {
        const struct pyr_tiff_dir *const dir = &tiff->dirs[i];
        require(dir->ntags >= 1 && dir->end_bytes <= nbytes);
        for (size_t k = 0; k < dir->ntags && k < 64; k++)
            check_tag(&reader, tiff, &dir->tags[k]);
    }
    pyr_tiff_free(tiff);
    return 0;
}
