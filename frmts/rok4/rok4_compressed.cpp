// SPDX-License-Identifier: MIT
// Tiles as they are stored, for programs that need not decode them.
#include "rok4_dataset.h"

#include "pyr_alloc.h"

#include <cstring>

#if GDAL_COMPAT_HAS_COMPRESSED_DATA

// GDAL's name of a codec whose tiles are files of their own, else nullptr.
static const char *FileFormat(enum pyr_codec codec)
{
    switch (codec)
    {
        case PYR_CODEC_JPEG:
            return "JPEG";
        case PYR_CODEC_PNG:
            return "PNG";
        case PYR_CODEC_RAW:
        case PYR_CODEC_DEFLATE:
        case PYR_CODEC_LZW:
        case PYR_CODEC_PACKBITS:
            break;
    }
    return nullptr;
}

bool Rok4Dataset::IsOneTile(int x, int y, int width, int height, int nBandCount,
                            const int *bandList) const
{
    const struct pyr_tile_shape &shape = m_pyramid->Level(m_view.level).shape;
    const struct pyr_window window = Window(x, y, width, height);
    bool whole = window.px_x >= 0 && window.px_y >= 0 &&
                 window.px_x / shape.width_px <= UINT32_MAX &&
                 window.px_y / shape.height_px <= UINT32_MAX &&
                 window.px_x % shape.width_px == 0 &&
                 window.px_y % shape.height_px == 0 &&
                 window.width_px == shape.width_px &&
                 window.height_px == shape.height_px && nBandCount == nBands &&
                 !HasUnpublished();
    for (int i = 0; whole && bandList != nullptr && i < nBandCount; i++)
        whole = bandList[i] == i + 1;
    return whole;
}

CPLStringList Rok4Dataset::GetCompressionFormats(int x, int y, int width,
                                                 int height, int nBandCount,
                                                 const int *bandList)
{
    CPLStringList formats;
    const char *const format =
        FileFormat(rok4_format_codec(m_pyramid->Get()->descriptor->format));
    if (format != nullptr &&
        IsOneTile(x, y, width, height, nBandCount, bandList))
        formats.AddString(format);
    return formats;
}

CPLErr Rok4Dataset::ReadCompressedData(const char *format, int x, int y,
                                       int width, int height, int nBandCount,
                                       const int *bandList, void **buffer,
                                       size_t *bufferSize,
                                       char **detailedFormat)
{
    const char *const own =
        FileFormat(rok4_format_codec(m_pyramid->Get()->descriptor->format));
    const CPLStringList wish(CSLTokenizeString2(format, ";", 0));
    if (own == nullptr || wish.empty() || !EQUAL(wish[0], own) ||
        !IsOneTile(x, y, width, height, nBandCount, bandList))
        return CE_Failure;

    const struct pyr_tile_shape &shape = m_pyramid->Level(m_view.level).shape;
    const struct pyr_window window = Window(x, y, width, height);
    uint8_t *bytes = nullptr;
    size_t nbytes = 0;
    if (m_pyramid->Encoded(window.level,
                           static_cast<uint32_t>(window.px_x / shape.width_px),
                           static_cast<uint32_t>(window.px_y / shape.height_px),
                           &bytes, &nbytes) != PYR_OK)
        return CE_Failure;

    CPLErr result = CE_None;
    if (buffer != nullptr)
    {
        if (*buffer == nullptr)
            *buffer = VSI_MALLOC_VERBOSE(nbytes);
        else if (bufferSize == nullptr || *bufferSize < nbytes)
            result = CE_Failure;
        if (*buffer == nullptr)
            result = CE_Failure;
        if (result == CE_None)
            memcpy(*buffer, bytes, nbytes);
    }
    if (bufferSize != nullptr)
        *bufferSize = nbytes;
    if (detailedFormat != nullptr && result == CE_None)
        *detailedFormat = VSIStrdup(own);
    pyr_free(bytes);
    return result;
}

#endif
