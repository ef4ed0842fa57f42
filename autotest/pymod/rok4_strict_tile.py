# SPDX-License-Identifier: MIT
"""Tiles as the strictest reader of the ROK4 family takes them (spec section
5.1): anything else is an AssertionError. Shares no code with the driver."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

FORMATS = ("TIFF_RAW_UINT8", "TIFF_JPG_UINT8", "TIFF_JPG90_UINT8",
           "TIFF_PNG_UINT8", "TIFF_LZW_UINT8", "TIFF_ZIP_UINT8",
           "TIFF_PKB_UINT8", "TIFF_RAW_FLOAT32", "TIFF_LZW_FLOAT32",
           "TIFF_ZIP_FLOAT32", "TIFF_PKB_FLOAT32")
PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}


def inflate(data):
    """One zlib stream and nothing behind it."""
    assert len(data) >= 6, "a zlib stream of %d bytes" % len(data)
    head = struct.unpack(">H", data[:2])[0]
    assert head >> 8 == 0x78, "no zlib header: %04x" % head
    assert head % 31 == 0 and not head & 0x20, "zlib header %04x" % head
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(data)
    except zlib.error as error:
        raise AssertionError("zlib: %s" % error) from error
    assert stream.eof, "the zlib stream ends too early"
    assert not stream.unused_data, "%d bytes behind the zlib stream" % len(
        stream.unused_data)
    return raw


def zip_tile(data, shape, itemsize):
    return inflate(data)


def raw_tile(data, shape, itemsize):
    return data


def png_tile(data, shape, itemsize):
    """The way the C++ reader does it: the zlib stream stands at byte 41 and
    takes all but 57 bytes, and filter bytes are dropped unread."""
    height, width, bands = shape
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG signature"
    header = struct.pack(">2I5B", width, height, 8, PNG_COLOURS[bands],
                         0, 0, 0)
    size = len(data) - 57
    body = data[41:41 + size]
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", body),
              chunk(b"IEND", b""))
    assert data[8:33] == chunks[0], "IHDR %s, expected %s" % (
        data[16:29].hex(), header.hex())
    assert data[33:-12] == chunks[1], "no single IDAT behind IHDR"
    assert data[-12:] == chunks[2], "no IEND behind IDAT"
    raw = inflate(body)
    line = 1 + width * bands
    assert len(raw) == height * line, "%d bytes in IDAT, expected %d" % (
        len(raw), height * line)
    rows = np.frombuffer(raw, np.uint8).reshape(height, line)
    assert not rows[:, 0].any(), "PNG row filters %s" % sorted(
        set(rows[:, 0].tolist()))
    return rows[:, 1:].tobytes()


def chunk(name, body):
    crc = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)


def packbits_tile(data, shape, itemsize):
    """PackBits that restarts on each row."""
    height, width, bands = shape
    line = width * bands * itemsize
    out, at = bytearray(), 0
    for row in range(height):
        end = (row + 1) * line
        while len(out) < end:
            assert at < len(data), "PackBits ends in row %d" % row
            head = data[at]
            if head < 128:
                literal = data[at + 1:at + 2 + head]
                assert len(literal) == head + 1, "PackBits ends in a literal"
                out += literal
                at += 2 + head
            elif head > 128:
                assert at + 1 < len(data), "PackBits ends in a run"
                out += data[at + 1:at + 2] * (257 - head)
                at += 2
            else:
                at += 1
        assert len(out) == end, "PackBits runs beyond row %d" % row
    assert at == len(data), "%d bytes behind PackBits" % (len(data) - at)
    return bytes(out)


def lzw_tile(data, shape, itemsize):
    """TIFF LZW: Clear first, EOI last, codes widen one early."""
    height, width, bands = shape
    nbytes = height * width * bands * itemsize
    first = [bytes([i]) for i in range(256)] + [b"", b""]
    table, out, noutput = None, [], 0
    bits = nbits = 0
    at, code_bits, previous = 0, 9, None
    while True:
        while nbits < code_bits:
            assert at < len(data), "LZW without an end code"
            bits = (bits << 8 | data[at]) & 0xFFFFFFFF
            at += 1
            nbits += 8
        nbits -= code_bits
        code = bits >> nbits & (1 << code_bits) - 1
        assert table is not None or code == 256, "LZW begins with %d" % code
        if code == 257:
            break
        if code == 256:
            table, code_bits, previous = list(first), 9, None
            continue
        assert code <= len(table) - (previous is None), "LZW code %d" % code
        if previous is not None:
            entry = table[code] if code < len(table) else previous
            table.append(previous + entry[:1])
            assert len(table) <= 4095, "LZW table overflows"
        previous = table[code]
        out.append(previous)
        noutput += len(previous)
        assert noutput <= nbytes, "LZW runs beyond the tile"
        if len(table) + 1 >= 1 << code_bits and code_bits < 12:
            code_bits += 1
    # The reference writers let one more byte follow now and then.
    assert len(data) - at <= 1, "%d bytes behind LZW" % (len(data) - at)
    return b"".join(out)


def segments(data):
    """[(marker, body)] up to SOS, and the entropy coded rest."""
    assert data[:2] == b"\xff\xd8", "no SOI"
    found, at = [], 2
    while True:
        assert data[at:at + 1] == b"\xff", "no JPEG marker at %d" % at
        marker = data[at + 1]
        size, = struct.unpack_from(">H", data, at + 2)
        found.append((marker, data[at + 4:at + 2 + size]))
        at += 2 + size
        if marker == 0xDA:
            return found, data[at:]


def jpeg_tables(quality):
    """DQT and DHT bodies of libjpeg at a quality."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", quality=quality,
                                    subsampling=2)
    return [s for s in segments(file.getvalue())[0] if s[0] in (0xDB, 0xC4)]


def jpeg_tile(data, shape, quality):
    """A complete baseline JFIF file, YCbCr 4:2:0, with libjpeg's tables."""
    height, width, bands = shape
    assert bands == 3, "JPEG of %d bands" % bands
    found, entropy = segments(data)
    markers = " ".join("%02X" % marker for marker, _ in found)
    assert markers == "E0 DB DB C0 C4 C4 C4 C4 DA", "JPEG markers " + markers
    assert found[0][1] == bytes.fromhex("4a46494600 0101 00 0001 0001 0000"), \
        "APP0 %s" % found[0][1].hex()
    frame = struct.pack(">BHH", 8, height, width) + bytes.fromhex(
        "03 012200 021101 031101")
    assert found[3][1] == frame, "SOF0 %s, expected %s" % (
        found[3][1].hex(), frame.hex())
    tables = [s for s in found if s[0] in (0xDB, 0xC4)]
    assert tables == jpeg_tables(quality), \
        "not the JPEG tables of quality %d" % quality
    assert found[8][1] == bytes.fromhex("03 0100 0211 0311 003f00"), \
        "SOS %s" % found[8][1].hex()
    assert entropy[-2:] == b"\xff\xd9", "no EOI at the end"
    inside = entropy[:-2].replace(b"\xff\x00", b"")
    assert b"\xff" not in inside, "a marker within the JPEG scan"
    image = Image.open(io.BytesIO(data))
    assert image.mode == "RGB", "JPEG of mode " + image.mode
    return image.tobytes()


def jpeg75_tile(data, shape, itemsize):
    return jpeg_tile(data, shape, 75)


def jpeg90_tile(data, shape, itemsize):
    return jpeg_tile(data, shape, 90)


DECODERS = {"RAW": raw_tile, "ZIP": zip_tile, "PNG": png_tile,
            "PKB": packbits_tile, "LZW": lzw_tile, "JPG": jpeg75_tile,
            "JPG90": jpeg90_tile}


def decode(pyramid_format, data, shape):
    """[height][width][bands] of one encoded tile."""
    _, codec, sample = pyramid_format.split("_")
    dtype = np.dtype("<f4" if sample == "FLOAT32" else "u1")
    raw = DECODERS[codec](data, shape, dtype.itemsize)
    count = shape[0] * shape[1] * shape[2]
    assert len(raw) == count * dtype.itemsize, \
        "%d bytes of pixels, expected %d" % (len(raw), count * dtype.itemsize)
    return np.frombuffer(raw, dtype).reshape(shape)
