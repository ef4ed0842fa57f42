/* SPDX-License-Identifier: MIT */
/* Values of the tags of untrusted TIFF files. */
#include "pyr_tiff_priv.h"

#include "pyr_alloc.h"
#include "pyr_arith.h"

#include <string.h>

enum
{
    TYPE_BYTE = 1,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
    TYPE_RATIONAL = 5,
    TYPE_SRATIONAL = 10,
    TYPE_IFD = 13,
    TYPE_LONG8 = 16,
    TYPE_IFD8 = 18
};

static bool native_big_endian(void)
{
    const uint16_t one = 1;
    uint8_t first = 0;
    memcpy(&first, &one, 1);
    return first == 0;
}

size_t pyr_tiff_type_bytes(uint16_t type)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                    8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type < sizeof(sizes) ? sizes[type] : 0;
}

/* Turns numbers of unit_bytes bytes each around. */
static void swap_units(uint8_t *bytes, size_t nbytes, size_t unit_bytes)
{
    for (size_t i = 0; i + unit_bytes <= nbytes; i += unit_bytes)
        for (size_t k = 0; k < unit_bytes / 2; k++)
        {
            const uint8_t byte = bytes[i + k];
            bytes[i + k] = bytes[i + unit_bytes - 1 - k];
            bytes[i + unit_bytes - 1 - k] = byte;
        }
}

enum pyr_result pyr_tiff_load(const struct pyr_tiff_reader *reader,
                              const struct pyr_tiff *tiff,
                              const struct pyr_tiff_tag *tag, void **out_values,
                              size_t *out_nbytes, struct pyr_error *err)
{
    const size_t type_bytes = pyr_tiff_type_bytes(tag->type);
    uint64_t nbytes = 0;
    if (type_bytes == 0)
        return pyr_fail(err, PYR_CORRUPT, "tag %u has the unknown type %u",
                        tag->code, tag->type);
    if (!pyr_mul_u64(tag->count, type_bytes, &nbytes) ||
        !pyr_range_within(tag->offset_bytes, nbytes, reader->size_bytes))
        return pyr_fail(err, PYR_CORRUPT,
                        "tag %u with %llu values at byte %llu ends beyond the "
                        "file (truncated?)",
                        tag->code, (unsigned long long)tag->count,
                        (unsigned long long)tag->offset_bytes);
    if (nbytes > PYR_TIFF_MAX_VALUE_BYTES)
        return pyr_fail(
            err, PYR_LIMIT, "tag %u takes %llu bytes, at most %u are read",
            tag->code, (unsigned long long)nbytes, PYR_TIFF_MAX_VALUE_BYTES);
    uint8_t *const values = pyr_malloc((size_t)nbytes + 1);
    if (values == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    if (nbytes != 0)
    {
        const enum pyr_result result = pyr_tiff_read(
            reader, tag->offset_bytes, values, (size_t)nbytes, err);
        if (result != PYR_OK)
        {
            pyr_error_prefix(err, "tag %u", tag->code);
            pyr_free(values);
            return result;
        }
    }
    const bool rational =
        tag->type == TYPE_RATIONAL || tag->type == TYPE_SRATIONAL;
    if (tiff->big_endian != native_big_endian())
        swap_units(values, (size_t)nbytes, rational ? 4 : type_bytes);
    values[nbytes] = 0;
    *out_values = values;
    *out_nbytes = (size_t)nbytes;
    return PYR_OK;
}

static bool is_uint(uint16_t type)
{
    return type == TYPE_BYTE || type == TYPE_SHORT || type == TYPE_LONG ||
           type == TYPE_IFD || type == TYPE_LONG8 || type == TYPE_IFD8;
}

enum pyr_result pyr_tiff_uints(const struct pyr_tiff_reader *reader,
                               const struct pyr_tiff *tiff,
                               const struct pyr_tiff_tag *tag, uint64_t first,
                               size_t nvalues, uint64_t *out_values,
                               struct pyr_error *err)
{
    const size_t width = pyr_tiff_type_bytes(tag->type);
    uint64_t at_bytes = 0;
    size_t room_bytes = 0;
    if (!is_uint(tag->type))
        return pyr_fail(err, PYR_CORRUPT,
                        "tag %u has type %u, expected whole numbers", tag->code,
                        tag->type);
    if (!pyr_range_within(first, nvalues, tag->count))
        return pyr_fail(err, PYR_CORRUPT,
                        "tag %u has %llu values, expected %llu", tag->code,
                        (unsigned long long)tag->count,
                        (unsigned long long)first + nvalues);
    if (!pyr_mul_size(nvalues, sizeof(*out_values), &room_bytes) ||
        !pyr_mul_u64(first, width, &at_bytes) ||
        !pyr_add_u64(at_bytes, tag->offset_bytes, &at_bytes))
        return pyr_fail(err, PYR_CORRUPT, "tag %u ends beyond the file",
                        tag->code);
    if (nvalues == 0)
        return PYR_OK;
    /* At the end of where the values go, so that each is read before another
     * takes its place. */
    uint8_t *const bytes =
        (uint8_t *)out_values + (room_bytes - nvalues * width);
    const enum pyr_result result =
        pyr_tiff_read(reader, at_bytes, bytes, nvalues * width, err);
    if (result != PYR_OK)
    {
        pyr_error_prefix(err, "tag %u", tag->code);
        return result;
    }
    for (size_t i = 0; i < nvalues; i++)
        out_values[i] =
            pyr_tiff_get(bytes + i * width, width, tiff->big_endian);
    return PYR_OK;
}

enum pyr_result pyr_tiff_uint(const struct pyr_tiff_reader *reader,
                              const struct pyr_tiff *tiff,
                              const struct pyr_tiff_dir *dir, uint16_t code,
                              uint64_t fallback, uint64_t *out_value,
                              struct pyr_error *err)
{
    const struct pyr_tiff_tag *const tag = pyr_tiff_find(dir, code);
    uint64_t value = fallback;
    if (tag != NULL)
    {
        const enum pyr_result result =
            pyr_tiff_uints(reader, tiff, tag, 0, 1, &value, err);
        if (result != PYR_OK)
            return result;
    }
    *out_value = value;
    return PYR_OK;
}

static enum pyr_result read_memory(void *user, uint64_t offset_bytes,
                                   void *bytes, size_t nbytes,
                                   struct pyr_error *err)
{
    const struct pyr_tiff_memory *const memory = user;
    if (!pyr_range_within(offset_bytes, nbytes, memory->nbytes))
        return pyr_fail(
            err, PYR_CORRUPT, "%llu bytes at byte %llu end beyond the file",
            (unsigned long long)nbytes, (unsigned long long)offset_bytes);
    memcpy(bytes, memory->bytes + offset_bytes, nbytes);
    return PYR_OK;
}

struct pyr_tiff_reader pyr_tiff_memory_reader(struct pyr_tiff_memory *memory)
{
    const struct pyr_tiff_reader reader = {memory, memory->nbytes, read_memory};
    return reader;
}
