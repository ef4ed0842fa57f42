/* SPDX-License-Identifier: MIT */
/* JPEG streams with their own tables, as tiles of a TIFF file. */
#include "cogx_jpeg.h"

#include <string.h>

/* Markers (ITU-T T.81); Adobe's may tell of other colours than YCbCr. */
#define PREFIX 0xffu
#define FIRST_FRAME 0xc0u
#define LAST_FRAME 0xc2u
#define ADOBE 0xeeu

#define MARKER_BYTES 2u    /* of start or end */
#define FRAME_BYTES 6u     /* before its components */
#define COMPONENT_BYTES 3u /* identifier, sampling factors, table */

static uint32_t be16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* A frame header, behind its length. */
static bool frame_fits(const uint8_t *frame, size_t nbytes, uint32_t side_px,
                       uint32_t bands)
{
    if (nbytes < FRAME_BYTES + COMPONENT_BYTES * (size_t)bands ||
        frame[0] != 8 || be16(frame + 1) != side_px ||
        be16(frame + 3) != side_px || frame[5] != bands)
        return false;
    for (uint32_t i = 0; i < bands && bands == 3; i++)
    {
        const uint8_t *component = frame + FRAME_BYTES + COMPONENT_BYTES * i;
        if (component[0] != i + 1 || component[1] != (i == 0 ? 0x22 : 0x11))
            return false;
    }
    return bands == 1 || bands == 3;
}

bool cogx_jpeg_fits(const uint8_t *bytes, size_t nbytes, uint32_t side_px,
                    uint32_t bands)
{
    size_t at = 2;

    while (nbytes > at && nbytes - at >= 4 && bytes[at] == PREFIX)
    {
        const unsigned marker = bytes[at + 1];
        const size_t length = be16(bytes + at + 2);
        if (length < 2 || length > nbytes - at - 2 || marker == ADOBE)
            return false;
        if (marker >= FIRST_FRAME && marker <= LAST_FRAME)
            return frame_fits(bytes + at + 4, length - 2, side_px, bands);
        at += 2 + length;
    }
    return false;
}

size_t cogx_jpeg_join(const uint8_t *tables, size_t ntables,
                      const uint8_t *bytes, size_t nbytes, uint8_t *out)
{
    size_t at = 0;
    size_t skipped = 0;

    if (ntables > MARKER_BYTES && nbytes > MARKER_BYTES)
    {
        at = ntables - MARKER_BYTES; /* but the end */
        skipped = MARKER_BYTES;      /* the start */
        memcpy(out, tables, at);
    }
    memcpy(out + at, bytes + skipped, nbytes - skipped);
    return at + nbytes - skipped;
}
