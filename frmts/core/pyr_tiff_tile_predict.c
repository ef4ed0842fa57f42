/* SPDX-License-Identifier: MIT */
/* TIFF predictors, byte order, bits and margins: rows to what codecs compress.
 */
#include "pyr_tiff_tile_priv.h"

#include "pyr_buf.h"

#include <string.h>

/* Samples of any alignment are fetched and stored through variables: compilers
 * make plain (vector) moves of that. */
#define DIFFERENCES(type)                                                      \
    do                                                                         \
    {                                                                          \
        memcpy(out, in, stride * sizeof(type));                                \
        for (size_t i = stride; i < nsamples; i++)                             \
        {                                                                      \
            type sample, before;                                               \
            memcpy(&sample, in + i * sizeof(type), sizeof(type));              \
            memcpy(&before, in + (i - stride) * sizeof(type), sizeof(type));   \
            sample = (type)(sample - before);                                  \
            memcpy(out + i * sizeof(type), &sample, sizeof(type));             \
        }                                                                      \
    }                                                                          \
    while (0)

static void differences8(const uint8_t *restrict in, size_t nsamples,
                         size_t stride, uint8_t *restrict out)
{
    DIFFERENCES(uint8_t);
}

static void differences16(const uint8_t *restrict in, size_t nsamples,
                          size_t stride, uint8_t *restrict out)
{
    DIFFERENCES(uint16_t);
}

static void differences32(const uint8_t *restrict in, size_t nsamples,
                          size_t stride, uint8_t *restrict out)
{
    DIFFERENCES(uint32_t);
}

static void differences64(const uint8_t *restrict in, size_t nsamples,
                          size_t stride, uint8_t *restrict out)
{
    DIFFERENCES(uint64_t);
}

void pyr_tile_differences(const uint8_t *in, size_t nsamples,
                          size_t sample_bytes, size_t stride, uint8_t *out)
{
    if (sample_bytes == 1)
        differences8(in, nsamples, stride, out);
    else if (sample_bytes == 2)
        differences16(in, nsamples, stride, out);
    else if (sample_bytes == 4)
        differences32(in, nsamples, stride, out);
    else
        differences64(in, nsamples, stride, out);
}

static bool is_big_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* The size is a constant for the compiler, which makes vector code of that. */
static inline void split(const uint8_t *restrict in, size_t nsamples,
                         size_t sample_bytes, uint8_t *restrict planes)
{
    for (size_t byte = 0; byte < sample_bytes; byte++)
    {
        const size_t from = is_big_endian() ? byte : sample_bytes - 1 - byte;
        uint8_t *const plane = planes + byte * nsamples;
        for (size_t i = 0; i < nsamples; i++)
            plane[i] = in[i * sample_bytes + from];
    }
}

void pyr_tile_float_differences(const uint8_t *in, size_t nsamples,
                                size_t sample_bytes, size_t stride,
                                uint8_t *planes, uint8_t *out)
{
    if (sample_bytes == 2)
        split(in, nsamples, 2, planes);
    else if (sample_bytes == 4)
        split(in, nsamples, 4, planes);
    else
        split(in, nsamples, 8, planes);
    differences8(planes, nsamples * sample_bytes, stride, out);
}

void pyr_tile_swap(uint8_t *bytes, size_t nsamples, size_t sample_bytes)
{
    for (size_t i = 0; i < nsamples; i++)
        for (size_t byte = 0; byte < sample_bytes / 2; byte++)
        {
            uint8_t *const first = bytes + i * sample_bytes + byte;
            uint8_t *const last = bytes + (i + 1) * sample_bytes - 1 - byte;
            const uint8_t kept = *first;
            *first = *last;
            *last = kept;
        }
}

void pyr_tile_pack_bits(const uint8_t *in, size_t npixels, uint8_t *out)
{
    const uint64_t low7 = UINT64_C(0x7F7F7F7F7F7F7F7F);
    const uint64_t ones = UINT64_C(0x0101010101010101);

    for (size_t i = 0; i < npixels / 8; i++)
    {
        const uint64_t eight =
            pyr_le32(in + 8 * i) | (uint64_t)pyr_le32(in + 8 * i + 4) << 32;
        /* 1 in each byte that is not 0; the product then has bit 8k of it at
         * 63 - k. */
        const uint64_t set = (((eight & low7) + low7) | eight) >> 7 & ones;
        out[i] = (uint8_t)(set * UINT64_C(0x8040201008040201) >> 56);
    }
}

void pyr_tile_fill_up(const struct pyr_tile_format *format, uint8_t *pixels,
                      size_t row_bytes, uint32_t width_px, uint32_t height_px)
{
    const size_t pixel_bytes = format->bands * pyr_type_bytes(format->type);
    const size_t missing_bytes =
        (format->tile_width_px - width_px) * pixel_bytes;

    for (uint32_t row = 0; row < height_px; row++)
    {
        uint8_t *const end = pixels + row * row_bytes + width_px * pixel_bytes;
        for (size_t i = 0; i < missing_bytes; i++)
            end[i] = end[(ptrdiff_t)i - (ptrdiff_t)pixel_bytes];
    }
    for (uint32_t row = height_px; row < format->tile_height_px; row++)
        memcpy(pixels + row * row_bytes, pixels + (row - 1) * row_bytes,
               format->tile_width_px * pixel_bytes);
}
