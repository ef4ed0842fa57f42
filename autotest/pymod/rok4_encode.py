# SPDX-License-Identifier: MIT
"""Tile encoders for tests; none shares code with the driver."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def packbits_row(row):
    """One row of bytes, greedy: runs of 3 or more are repeated."""
    out = bytearray()
    literal = bytearray()
    i = 0
    while i < len(row):
        run = 1
        while i + run < len(row) and run < 128 and row[i + run] == row[i]:
            run += 1
        if run >= 3:
            if literal:
                out += bytes([len(literal) - 1]) + literal
                literal = bytearray()
            out += bytes([257 - run, row[i]])
        else:
            for _ in range(run):
                literal.append(row[i])
                if len(literal) == 128:
                    out += b"\x7f" + literal
                    literal = bytearray()
        i += run
    if literal:
        out += bytes([len(literal) - 1]) + literal
    return bytes(out)


def packbits(raw, row_bytes):
    return b"".join(packbits_row(raw[i:i + row_bytes])
                    for i in range(0, len(raw), row_bytes))


class _Bits:
    """Most significant bit first."""

    def __init__(self):
        self.out = bytearray()
        self.hold = 0
        self.nbits = 0

    def put(self, code, width):
        self.hold = (self.hold << width) | code
        self.nbits += width
        while self.nbits >= 8:
            self.nbits -= 8
            self.out.append((self.hold >> self.nbits) & 255)
        self.hold &= (1 << self.nbits) - 1

    def finish(self):
        if self.nbits:
            self.put(0, 8 - self.nbits)
        return bytes(self.out)


def lzw(raw, eoi=True, clear_often=False):
    """TIFF 6.0 LZW: Clear 256, EOI 257, the width grows one code early."""
    bits = _Bits()
    bits.put(256, 9)
    table, width, following = {}, 9, 258
    limit = 300 if clear_often else 4094
    prefix = -1
    for byte in raw:
        if prefix < 0:
            prefix = byte
            continue
        code = table.get((prefix, byte))
        if code is not None:
            prefix = code
            continue
        bits.put(prefix, width)
        table[(prefix, byte)] = following
        following += 1
        if following == (1 << width) and width < 12:
            width += 1
        prefix = byte
        if following >= limit:
            bits.put(prefix, width)
            bits.put(256, width)
            table, width, following = {}, 9, 258
            prefix = -1
    if prefix >= 0:
        bits.put(prefix, width)
        following += 1
        if following == (1 << width) and width < 12:
            width += 1
    if eoi:
        bits.put(257, width)
    return bits.finish()


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_chunk(kind, body):
    return (struct.pack(">I", len(body)) + kind + body +
            struct.pack(">I", zlib.crc32(kind + body)))


def _paeth(left, above, corner):
    left, above, corner = (v.astype(np.int32) for v in (left, above, corner))
    base = left + above - corner
    d_left, d_above, d_corner = (abs(base - v) for v in (left, above, corner))
    return np.where((d_left <= d_above) & (d_left <= d_corner), left,
                    np.where(d_above <= d_corner, above, corner))


def png_filtered(pixels, filters):
    """Rows with their filter byte; row i uses filters[i % len]."""
    height, width, bands = pixels.shape
    rows = pixels.reshape(height, width * bands).astype(np.int32)
    out = bytearray()
    above = np.zeros(width * bands, np.int32)
    for i in range(height):
        kind = filters[i % len(filters)]
        row = rows[i]
        left = np.concatenate([np.zeros(bands, np.int32), row[:-bands]])
        corner = np.concatenate([np.zeros(bands, np.int32), above[:-bands]])
        guess = (0, left, above, (left + above) // 2,
                 _paeth(left, above, corner))[kind]
        out.append(kind)
        out += ((row - guess) & 255).astype(np.uint8).tobytes()
        above = row
    return bytes(out)


def png(pixels, filters=(0,), nidat=1, ancillary=False, level=5):
    """A PNG file; pixels is [height][width][1..4] of uint8."""
    height, width, bands = pixels.shape
    colour = (0, 4, 2, 6)[bands - 1]
    out = PNG_SIGNATURE + png_chunk(b"IHDR", struct.pack(
        ">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    if ancillary:
        out += png_chunk(b"gAMA", struct.pack(">I", 45455))
        out += png_chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1))
        out += png_chunk(b"tEXt", b"Comment\0made by a test")
    packed = zlib.compress(png_filtered(pixels, filters), level)
    size = -(-len(packed) // nidat)
    for i in range(0, len(packed), size):
        out += png_chunk(b"IDAT", packed[i:i + size])
    if ancillary:
        out += png_chunk(b"tIME", struct.pack(">HBBBBB", 2020, 1, 2, 3, 4, 5))
    return out + png_chunk(b"IEND", b"")


def jpeg(pixels, quality=75, subsampling=2, progressive=False, mode=None):
    """A JFIF file; mode "L" turns RGB into gray and "RGB" the reverse."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1
                            else pixels)
    if mode:
        image = image.convert(mode)
    out = io.BytesIO()
    options = {"quality": quality, "progressive": progressive}
    if image.mode == "RGB":
        options["subsampling"] = subsampling
    image.save(out, "JPEG", **options)
    return out.getvalue()


def encode(codec, pixels, **options):
    """codec: RAW, JPG, JPG90, PNG, LZW, ZIP or PKB; pixels is
    [height][width][bands]."""
    if codec == "PNG":
        return png(pixels, **options)
    if codec in ("JPG", "JPG90"):
        options.setdefault("quality", 90 if codec == "JPG90" else 75)
        return jpeg(pixels, **options)
    raw = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    if codec == "RAW":
        return raw
    if codec == "ZIP":
        return zlib.compress(raw, options.get("level", 6))
    if codec == "LZW":
        return lzw(raw, **options)
    if codec == "PKB":
        return packbits(raw, len(raw) // pixels.shape[0])
    raise ValueError(codec)
