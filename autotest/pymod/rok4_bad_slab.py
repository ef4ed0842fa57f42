# SPDX-License-Identifier: MIT
"""Damaged slabs: see rok4_bad.py. The slab holds 2x2 tiles of 64x64; the
damage is in the first or the last tile and the others stay readable."""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image

import rok4_encode
import rok4_make
from rok4_bad import Case, base

INDEX = 2048
DATA = 2048 + 32
CODECS = ("RAW", "ZIP", "LZW", "PKB", "PNG", "JPG")
WORDS = ("44.tif",)


def damage(title, change, codec="ZIP", expect="read", near=(1, 2), words=None,
           channels=1, kind="UINT8"):
    """change(slab bytes as a bytearray) -> bytes, or None to delete; near:
    tiles (0..3, row by row) that must read well before and after."""
    def build(place):
        pyramid = base(place, codec, channels, kind)
        name = pyramid.write()
        path = pyramid.slab_file(pyramid.levels[0], 4, 4)
        with open(path, "rb") as file:
            data = change(bytearray(file.read()))
        with open(path, "wb") as file:
            file.write(data)
        return name
    windows = [((i % 2) * 64, (i // 2) * 64, 64, 64) for i in near]
    return Case("slab: %s %s" % (codec, title), build, expect,
                WORDS if words is None else words,
                near=windows if expect == "read" else ())


def entry(slab, index):
    return struct.unpack_from("<I", slab, INDEX + 4 * index)[0], \
        struct.unpack_from("<I", slab, INDEX + 16 + 4 * index)[0]


def cut(length):
    return lambda slab: bytes(slab[:length])


def set_entry(index, offset=None, size=None):
    def change(slab):
        if offset is not None:
            struct.pack_into("<I", slab, INDEX + 4 * index, offset)
        if size is not None:
            struct.pack_into("<I", slab, INDEX + 16 + 4 * index, size)
        return slab
    return change


def swap_tile(index, make):
    """Replaces a tile by make(old tile), put at the end of the slab."""
    def change(slab):
        offset, size = entry(slab, index)
        new = make(bytes(slab[offset:offset + size]))
        set_entry(index, len(slab), len(new))(slab)
        return slab + new
    return change


def truncations():
    for length in (0, 1, 16, 2047, 2048, 2051, 2063, 2064, 2079):
        yield damage("cut to %d bytes" % length, cut(length), near=())
    for codec in CODECS:
        yield damage("cut behind the index", cut(DATA), codec, near=())
        yield damage("cut in the first tile", cut(DATA + 9), codec, near=())
        yield damage("cut behind the first tile",
                     lambda s: s[:sum(entry(s, 0))], codec, near=(0,))
        yield damage("cut in the last tile",
                     lambda s: s[:entry(s, 3)[0] + 5], codec, near=(0, 1, 2))
        yield damage("last byte missing", lambda s: s[:-1], codec,
                     near=(0, 1, 2))


def indexes():
    for codec in ("RAW", "ZIP", "JPG"):
        for title, offset, size in (
                ("offset at the end", "end", None),
                ("offset beyond the file", 10000000, None),
                ("offset 2^32-1", 0xFFFFFFFF, None),
                ("size beyond the file", None, 10000000),
                ("size 2^32-1", None, 0xFFFFFFFF),
                ("offset and size 2^32-1", 0xFFFFFFFF, 0xFFFFFFFF),
                ("offset 0", 0, None), ("offset in the header", 1000, None),
                ("offset in the index", 2050, None),
                ("size 1", None, 1), ("size 2^31", None, 0x80000000)):
            def change(slab, o=offset, s=size):
                o = len(slab) if o == "end" else o
                return set_entry(0, o, s)(slab)
            yield damage(title, change, codec, near=(1, 2, 3))
    yield damage("control: size 0", set_entry(0, None, 0), expect="ok")
    yield damage("control: size 0 and a wild offset",
                 set_entry(0, 0xFFFFFFFF, 0), expect="ok")
    yield damage("control: two entries share a tile",
                 lambda s: set_entry(0, *entry(s, 1))(s), expect="ok")
    yield damage("control: header of zeros",
                 lambda s: bytes(2048) + s[2048:], expect="ok")
    yield damage("control: header of noise",
                 lambda s: bytes(range(256)) * 8 + s[2048:], expect="ok")
    yield damage("control: bytes behind the slab",
                 lambda s: s + b"x" * 5000, expect="ok")
    yield damage("all bytes random", lambda s: np.random.default_rng(1)
                 .integers(0, 256, len(s), np.uint8).tobytes(), near=())
    yield damage("an HTML page", lambda s: b"<html>not found</html>" * 200,
                 near=())
    yield damage("a text link", lambda s: b"SYMLINK#pyr/N/DATA_4_4_4",
                 near=())
    yield damage("BigTIFF header", lambda s: b"II+\0" + s[4:], expect="ok")


def pattern(shape):
    return rok4_make.pattern(shape, smooth=True)


def wrong_shape():
    for codec in CODECS:
        for size in ((32, 32), (64, 63), (128, 128), (63, 64)):
            tile = rok4_encode.encode(codec, pattern(size + (1,)))
            # Raw bytes say nothing of a shape: surplus is trailing bytes.
            raw = codec == "RAW" and size == (128, 128)
            yield damage("tile of %dx%d" % (size[1], size[0]),
                         swap_tile(0, lambda old, t=tile: t), codec,
                         "ok" if raw else "any" if codec in ("LZW", "PKB") and
                         size == (128, 128) else "read")


def garbage():
    rng = np.random.default_rng(4)
    noise = rng.integers(0, 256, 3000, np.uint8).tobytes()
    for codec in CODECS:
        if codec == "RAW":
            continue
        # Nearly any bytes are PackBits; what counts is that they end.
        expect = "any" if codec == "PKB" else "read"
        yield damage("tile of noise", swap_tile(0, lambda t: noise), codec,
                     expect)
        yield damage("tile of zeros", swap_tile(0, lambda t: bytes(5000)),
                     codec)
        yield damage("tile of 0xFF", swap_tile(0, lambda t: b"\xff" * 5000),
                     codec, expect)
        yield damage("half a tile", swap_tile(0, lambda t: t[:len(t) // 2]),
                     codec)
        # ZIP and PNG slabs have one header; the reference tells the tiles
        # apart by the PNG signature (spec section 5.1).
        other = "ZIP" if codec != "ZIP" else "PNG"
        tile = rok4_encode.encode(other, pattern((64, 64, 1)))
        yield damage("tile of %s" % other, swap_tile(0, lambda t, n=tile: n),
                     codec, "any" if codec in ("ZIP", "PNG") else "read")
        more = {"channels": 3}
        if codec in ("ZIP", "LZW", "PKB"):
            more = {"kind": "FLOAT32"}
        yield damage("half a tile of wider pixels",
                     swap_tile(3, lambda t: t[:len(t) // 2]), codec,
                     near=(0, 1, 2), **more)


def zips():
    raw = pattern((64, 64, 1)).tobytes()
    good = zlib.compress(raw)
    yield damage("checksum wrong",
                 swap_tile(0, lambda t: t[:-1] + bytes([t[-1] ^ 1])))
    yield damage("checksum missing", swap_tile(0, lambda t: t[:-4]))
    yield damage("raw deflate", swap_tile(0, lambda t: good[2:-4]))
    yield damage("gzip", swap_tile(0, lambda t: b"\x1f\x8b\x08" + bytes(7) +
                                   good[2:-4] + bytes(8)))
    yield damage("one byte short", swap_tile(
        0, lambda t: zlib.compress(raw[:-1])))
    yield damage("one byte too many", swap_tile(
        0, lambda t: zlib.compress(raw + b"x")))
    yield damage("bomb of 200 MB", swap_tile(
        0, lambda t: zlib.compress(bytes(200 << 20), 9)))
    yield damage("needs a dictionary", swap_tile(0, lambda t: with_dict(raw)))
    yield damage("control: bytes behind the stream",
                 swap_tile(0, lambda t: t + b"trailing"), expect="ok")
    yield damage("empty stream", swap_tile(0, lambda t: zlib.compress(b"")))


def with_dict(raw):
    packer = zlib.compressobj(zdict=b"abcdefgh" * 10)
    return packer.compress(raw) + packer.flush()


def png_of(width, height, depth=8, colour=0, interlace=0, rows=None,
           extra=b""):
    rows = rows if rows is not None else (bytes(1 + width) * height)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0,
                         interlace)
    chunks = (rok4_encode.png_chunk(b"IHDR", header), extra,
              rok4_encode.png_chunk(b"IDAT", zlib.compress(rows)),
              rok4_encode.png_chunk(b"IEND", b""))
    return rok4_encode.PNG_SIGNATURE + b"".join(chunks)


def pngs():
    chunk = rok4_encode.png_chunk
    palette = chunk(b"PLTE", bytes(range(256)) * 3)
    zipped = zlib.compress(bytes(100 << 20), 9)
    for title, data, expect in (
            ("huge by its header", png_of(2 ** 31 - 1, 2 ** 31 - 1,
                                          rows=bytes(100)), "read"),
            ("0 wide", png_of(0, 64), "read"),
            ("16 bits", png_of(64, 64, 16, rows=bytes(129) * 64), "read"),
            ("1 bit", png_of(64, 64, 1, rows=bytes(9) * 64), "any"),
            ("palette", png_of(64, 64, 8, 3, extra=palette), "any"),
            ("palette missing", png_of(64, 64, 8, 3), "read"),
            ("colour for gray", png_of(64, 64, 8, 2,
                                       rows=bytes(193) * 64), "read"),
            ("unknown colour type", png_of(64, 64, 8, 5), "read"),
            ("unknown filter", png_of(64, 64, rows=b"\x07" + bytes(64 * 65)),
             "read"),
            ("too few rows", png_of(64, 64, rows=bytes(65) * 60), "read"),
            ("bomb in IDAT", png_of(64, 64, rows=bytes(100 << 20)), "any"),
            ("bomb in zTXt", png_of(64, 64, extra=chunk(
                b"zTXt", b"k\0\0" + zipped)), "any"),
            ("bomb in iCCP", png_of(64, 64, extra=chunk(
                b"iCCP", b"p\0\0" + zipped)), "any"),
            ("100000 small chunks", png_of(64, 64, extra=chunk(
                b"tEXt", b"k\0v") * 100000), "any"),
            ("unknown critical chunk", png_of(64, 64, extra=chunk(
                b"ABCD", b"x")), "any"),
            ("control: by hand", png_of(64, 64), "ok"),
            ("control: transparency chunk", png_of(64, 64, extra=chunk(
                b"tRNS", b"\0\0")), "ok")):
        yield damage(title, swap_tile(0, lambda t, d=data: d), "PNG", expect)
    image = Image.fromarray(pattern((64, 64, 1))[:, :, 0])
    out = io.BytesIO()
    image.save(out, "PNG")
    yield damage("control: written by PIL",
                 swap_tile(0, lambda t: out.getvalue()), "PNG", "ok")
    yield damage("data checksum wrong", swap_tile(
        0, lambda t: t[:-16] + bytes([t[-16] ^ 255]) + t[-15:]), "PNG")
    yield damage("IHDR checksum wrong", swap_tile(
        0, lambda t: t[:30] + bytes([t[30] ^ 255]) + t[31:]), "PNG")
    yield damage("IDAT longer than the file", swap_tile(
        0, lambda t: t[:33] + b"\x7f\xff\xff\xff" + t[37:]), "PNG")
    yield damage("signature only", swap_tile(0, lambda t: t[:8]), "PNG")


def jpegs():
    def patched(marker, at, data):
        def make(tile):
            i = tile.index(marker) + at
            return tile[:i] + data + tile[i + len(data):]
        return make

    sof = b"\xff\xc0"
    cmyk = io.BytesIO()
    Image.new("CMYK", (64, 64)).save(cmyk, "JPEG")
    for title, make, expect in (
            ("65500 by 65500 by its header",
             patched(sof, 5, struct.pack(">HH", 65500, 65500)), "read"),
            ("0 high", patched(sof, 5, b"\0\0\0\x40"), "read"),
            ("12 bits", patched(sof, 4, b"\x0c"), "read"),
            ("arithmetic coding", patched(sof, 0, b"\xff\xc9"), "any"),
            ("no Huffman table", patched(b"\xff\xc4", 0, b"\xff\xef"), "any"),
            ("no quantization table", patched(b"\xff\xdb", 0, b"\xff\xef"),
             "any"),
            ("CMYK", lambda t: cmyk.getvalue(), "read"),
            ("no end marker", lambda t: t[:-2], "any"),
            ("nothing behind the scan header",
             lambda t: t[:t.index(b"\xff\xda") + 10], "read"),
            ("start only", lambda t: t[:2], "read"),
            ("headers only", lambda t: t[:200], "read"),
            ("100000 scans", lambda t: scans(100000), "read"),
            ("control: comment of 60 kB", lambda t: t[:2] + b"\xff\xfe" +
             struct.pack(">H", 60000) + bytes(59998) + t[2:], "ok"),
            ("control: fill bytes", lambda t: t[:2] + b"\xff" * 50 + t[2:],
             "ok"),
            ("control: bytes behind the end", lambda t: t + b"x" * 999,
             "ok")):
        yield damage(title, swap_tile(0, make), "JPG", expect, channels=3)


def scans(count):
    """A progressive gray JPEG whose only scan comes again and again."""
    tile = rok4_encode.jpeg(pattern((64, 64, 1)), progressive=True)
    first = tile.index(b"\xff\xda")
    second = tile.index(b"\xff", first + 2)
    while tile[second + 1] in (0, 0xd0):
        second = tile.index(b"\xff", second + 2)
    return tile[:first] + tile[first:second] * count + b"\xff\xd9"


def streams():
    noop = b"\x80" * 100000
    yield damage("only no-ops", swap_tile(0, lambda t: noop), "PKB")
    yield damage("one run missing", swap_tile(0, lambda t: t[:-2]), "PKB")
    yield damage("literal cut", swap_tile(0, lambda t: b"\x7f" + t[:99]),
                 "PKB")
    yield damage("control: no-ops between", swap_tile(
        0, lambda t: b"\x80\x80" + t), "PKB", "ok")
    yield damage("run over the end of a row", swap_tile(
        0, lambda t: b"\x81\x05" * 40), "PKB", "any")
    for title, codes in (("code beyond the table", [256, 65, 400]),
                         ("first code is 258", [256, 258]),
                         ("end at once", [256, 257]),
                         ("only clears", [256] * 3000),
                         ("end too early", [256, 65, 66, 67, 257])):
        yield damage(title, swap_tile(0, lambda t, c=codes: bits(c)), "LZW")
    yield damage("old bit order", swap_tile(
        0, lambda t: bytes([0, 1]) + t[2:]), "LZW")
    yield damage("table never cleared", swap_tile(
        0, lambda t: bits([256] + [65] * 6000)), "LZW", "any")


def bits(codes):
    writer = rok4_encode._Bits()
    for code in codes:
        writer.put(code, 9)
    return writer.finish()


def masks():
    def build(place, change, expect_mask=True):
        pyramid = base(place, "ZIP", 3)
        pyramid.levels[0].mask = np.full((128, 128), 255, np.uint8)
        name = pyramid.write()
        path = pyramid.slab_file(pyramid.levels[0], 4, 4, mask=True)
        with open(path, "rb") as file:
            data = change(bytearray(file.read()))
        with open(path, "wb") as file:
            file.write(data)
        return name

    for title, change in (
            ("cut", cut(2060)), ("empty", cut(0)),
            ("noise", swap_tile(2, lambda t: b"noise" * 100)),
            ("of another shape", swap_tile(
                2, lambda t: zlib.compress(bytes(100)))),
            ("size beyond the file", set_entry(1, None, 1 << 30))):
        yield Case("mask: " + title, lambda place, c=change: build(place, c),
                   "read", ("MASK",))
    yield Case("mask: control", lambda place: build(place, bytes), "ok")


def places():
    def replaced(make):
        def build(place):
            pyramid = base(place)
            name = pyramid.write()
            path = pyramid.slab_file(pyramid.levels[0], 4, 4)
            os.unlink(path)
            make(path)
            return name
        return build

    yield Case("place: a link to itself", replaced(
        lambda p: os.symlink("44.tif", p)), "read", WORDS)
    yield Case("place: a directory", replaced(os.mkdir), "read", WORDS)
    yield Case("place: a pipe", replaced(os.mkfifo), "read", WORDS)
    yield Case("place: control: absent", replaced(lambda p: None), "ok")
    yield Case("place: a link to nothing", replaced(
        lambda p: os.symlink("nothing.tif", p)), "read", WORDS)


def cases():
    for group in (truncations, indexes, wrong_shape, garbage, zips, pngs,
                  jpegs, streams, masks, places):
        yield from group()
