# SPDX-License-Identifier: MIT
"""The strict reader itself: it takes what the reference tools made, and finds
every rule that is broken."""

import io
import json
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import rok4_decode
import rok4_strict
import rok4_strict_tile
import rok4_util
from rok4_util import assert_pixels, fixture

NAMES = rok4_util.FIXTURES


@pytest.mark.parametrize("name", NAMES)
def test_fixture(name, tms_directory):
    """Slabs, pixels beside the looser reader's, and GTiff's."""
    path = fixture(name)
    count = rok4_strict.check_pyramid(path, tms_directory, moved=True)
    assert count > 0
    pyramid = rok4_decode.Pyramid(path, tms_directory)
    for level in pyramid.levels:
        for kind in ("DATA", "MASK") if level.mask_directory else ("DATA",):
            mask = kind == "MASK"
            pixels, present = rok4_strict.read_level(path, level.id_,
                                                     kind=kind)
            expected = pyramid.level_array(level, mask)
            found = np.where(pixels != 0, 255, 0).astype(np.uint8) \
                if mask else pixels
            assert_pixels(found, expected, "" if mask else pyramid.codec)
            c0, r0 = level.limits[:2]
            for row, col in np.ndindex(*present.shape):
                there = pyramid.tile_bytes(level, c0 + col, r0 + row, mask)
                assert present[row, col] == (there is not None)
    slabs = rok4_strict.check_gtiff(path, tms_directory)
    png = pyramid.codec == "PNG"
    assert slabs == (0 if png and not pyramid.levels[0].mask_directory
                     else count // 2 if png else count)


# ---- One rule broken ----


class Copy:
    """A fixture that is changed: descriptor, list, and slabs."""

    def __init__(self, path):
        self.path = path
        self.directory = path[:-len(".json")]
        self.tms_directory = os.environ["ROK4_TMS_DIRECTORY"]

    def edit_json(self, change):
        with open(self.path, encoding="utf-8") as file:
            members = json.load(file)
        change(members)
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(members, file)

    def touch(self, name):
        with open(os.path.join(self.directory, name), "wb"):
            pass

    def link(self, name, target):
        path = os.path.join(self.directory, name)
        os.unlink(path)
        os.symlink(target, path)

    def edit(self, change, name):
        """change: bytes to bytes, of a file in the pyramid's directory."""
        path = os.path.join(self.directory, name)
        with open(path, "rb") as file:
            data = file.read()
        with open(path, "wb") as file:
            file.write(change(data))

    def edit_list(self, change):
        self.edit(lambda text: change(text.decode()).encode(),
                  "../" + os.path.basename(self.directory) + ".list")

    def edit_tiles(self, change, name="DATA/5/00/00/XN.tif", count=4):
        """change: list of encoded tiles to such a list; laid out anew."""
        def layout(data):
            index = struct.unpack_from("<%dI" % (2 * count), data, 2048)
            tiles = change([data[index[i]:index[i] + index[count + i]]
                            for i in range(count)])
            position, offsets, body = 2048 + 8 * count, [], b""
            for tile in tiles:
                body += bytes(-position % 16)
                position += -position % 16
                offsets.append(position)
                body += tile
                position += len(tile)
            return data[:2048] + struct.pack(
                "<%dI" % (2 * count), *offsets, *map(len, tiles)) + body
        self.edit(layout, name)


def setter(*keys_and_value):
    *keys, last, value = keys_and_value

    def change(members):
        for key in keys:
            members = members[key]
        members[last] = value
    return lambda copy: copy.edit_json(change)


def remover(*keys):
    *front, last = keys

    def change(members):
        for key in front:
            members = members[key]
        del members[last]
    return lambda copy: copy.edit_json(change)


RASTER = "raster_specifications"
# text that the error must hold, change
DESCRIPTOR = {
    "no tms": ("no tile_matrix_set", remover("tile_matrix_set")),
    "tms.json": (".json", setter("tile_matrix_set", "T64.json")),
    "no format": ("no format", remover("format")),
    "lower case format": ("format", setter("format", "tiff_zip_uint8")),
    "uint16": ("format", setter("format", "TIFF_ZIP_UINT16")),
    "no raster": ("no raster_specifications", remover(RASTER)),
    "no channels": ("no channels", remover(RASTER, "channels")),
    "5 channels": ("5 channels", setter(RASTER, "channels", 5)),
    "float channels": ("channels", setter(RASTER, "channels", 3.0)),
    "no nodata": ("no nodata", remover(RASTER, "nodata")),
    "number nodata": ("nodata", setter(RASTER, "nodata", 255)),
    "array nodata": ("nodata", setter(RASTER, "nodata", [255, 255, 255])),
    "short nodata": ("nodata", setter(RASTER, "nodata", "255,255")),
    "long nodata": ("nodata", setter(RASTER, "nodata", "255,255,255,255")),
    "real nodata": ("nodata", setter(RASTER, "nodata", "255,255,1.5")),
    "big nodata": ("nodata", setter(RASTER, "nodata", "255,255,256")),
    "no photometric": ("no photometric", remover(RASTER, "photometric")),
    "RGB": ("photometric", setter(RASTER, "photometric", "RGB")),
    "no interpolation": ("no interpolation", remover(RASTER, "interpolation")),
    "interpolation": ("average", setter(RASTER, "interpolation", "average")),
    "levels empty": ("no level", setter("levels", [])),
    "no id": ("no id", remover("levels", 0, "id")),
    "number id": ("id", setter("levels", 0, "id", 2)),
    "unknown level": ("not in the TMS", setter("levels", 0, "id", "99")),
    "level twice": ("", lambda copy: copy.edit_json(
        lambda top: top["levels"].append(top["levels"][-1]))),
    "level order": ("coarsest", lambda copy: copy.edit_json(
        lambda top: top["levels"].reverse())),
    "no slab size": ("no tiles_per_width",
                     remover("levels", 1, "tiles_per_width")),
    "slab size 0": ("0", setter("levels", 1, "tiles_per_height", 0)),
    "slab sizes": ("differ", setter("levels", 0, "tiles_per_width", 4)),
    "no limits": ("no tile_limits", remover("levels", 1, "tile_limits")),
    "limits swapped": ("rows", setter("levels", 3, "tile_limits", "max_row",
                                      1)),
    "limits beyond": ("columns", setter("levels", 3, "tile_limits", "max_col",
                                        1 << 20)),
    "limits negative": ("columns", setter("levels", 3, "tile_limits",
                                          "min_col", -1)),
    "limits short": ("outside the limits", setter(
        "levels", 3, "tile_limits", "max_col", 65)),
    "no storage": ("no storage", remover("levels", 1, "storage")),
    "storage": ("S3", setter("levels", 1, "storage", "type", "S3")),
    "path depth text": ("path_depth",
                        setter("levels", 1, "storage", "path_depth", "2")),
    "path depth 0": ("path_depth",
                     setter("levels", 1, "storage", "path_depth", 0)),
    "path depths": ("differ",
                    setter("levels", 1, "storage", "path_depth", 3)),
    "directory": ("image_directory", setter(
        "levels", 1, "storage", "image_directory", "elsewhere/DATA/3")),
    "absolute": ("image_directory", setter(
        "levels", 1, "storage", "image_directory",
        "/pyramids/t64_zip_uint8_rgb/DATA/3")),
    "mask format": ("go together", setter("mask_format", "TIFF_ZIP_UINT8")),
    "mask directory": ("differ", setter(
        "levels", 1, "storage", "mask_directory",
        "t64_zip_uint8_rgb/MASK/3")),
    "BOM": ("byte order", lambda copy: copy.edit(
        lambda text: b"\xef\xbb\xbf" + text, "../t64_zip_uint8_rgb.json")),
    "NaN": ("no JSON", setter("extra", float("nan"))),
    "member twice": ("twice", lambda copy: copy.edit(
        lambda text: b'{"format":"",' + text.lstrip()[1:],
        "../t64_zip_uint8_rgb.json")),
}


def renamer(old, new):
    def change(copy):
        target = os.path.join(copy.directory, new)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(os.path.join(copy.directory, old), target)
    return change


def byte_setter(at, value, name="DATA/5/00/00/XN.tif"):
    return lambda copy: copy.edit(
        lambda data: data[:at] + bytes([value]) + data[at + 1:], name)


def replaced(old, new):
    return lambda copy: copy.edit_list(lambda text: text.replace(old, new, 1))


LINE = "0/DATA/5/00/00/XN.tif\n"
FILES = {
    "slab depth": ("slab name", renamer("DATA/5/00/00/XN.tif",
                                        "DATA/5/00/XN.tif")),
    "lower case slab": ("slab name", renamer("DATA/5/00/00/XN.tif",
                                             "DATA/5/00/00/xN.tif")),
    "zeros in front": ("zeros", renamer("DATA/5/00/00/XN.tif",
                                        "DATA/5/0000/00/XN.tif")),
    "other level": ("no slab", renamer("DATA/5/00/00/XN.tif",
                                       "DATA/6/00/00/XN.tif")),
    "masks unsaid": ("no slab", renamer("DATA/5/00/00/XN.tif",
                                        "MASK/5/00/00/XN.tif")),
    "left over": ("no slab", lambda copy: copy.touch("DATA/5.tmp")),
    "temporary": ("slab name", lambda copy: copy.touch(
        "DATA/5/00/00/XN.tif.tmp")),
    "far slab": ("outside the limits", renamer("DATA/5/00/00/XN.tif",
                                               "DATA/5/00/00/01.tif")),
    "slab missing": ("listed, not there", lambda copy: os.unlink(
        os.path.join(copy.directory, "DATA/5/00/00/XN.tif"))),
    "line missing": ("there, not listed", replaced(LINE, "")),
    "line twice": ("twice", replaced(LINE, LINE + LINE)),
    "no separator": ("'#'", replaced("\n#\n", "\n")),
    "quoted separator": ("'#'", replaced("\n#\n", "\n\\#\n")),
    "sums": ("line", replaced(LINE, LINE[:-1] + " " + 32 * "0" + "\n")),
    "no root": ("root", replaced("0=", "1=")),
    "unknown root": ("no root", replaced(LINE, LINE.replace("0/", "2/", 1))),
    "root twice": ("twice", replaced("\n#\n", "\n0=/pyramids/b\n#\n")),
    "relative root": ("root", replaced("=/pyramids", "=pyramids")),
    "wrong root": ("root 0", replaced("t64_zip_uint8_rgb\n", "other\n")),
    "root of no link": ("no link", lambda copy: copy.edit_list(
        lambda text: text.replace("\n#\n", "\n1=/pyramids/b\n#\n").replace(
            LINE, LINE.replace("0/", "1/", 1)))),
    "link unsaid": ("a link", lambda copy: copy.link(
        "DATA/5/00/00/XN.tif", "WM.tif")),
    "blank line": ("line", replaced(LINE, LINE + "\n")),
    "last newline": ("lines", lambda copy: copy.edit_list(
        lambda text: text[:-1])),
    "empty slab": ("index ends", lambda copy: copy.edit(
        lambda data: b"", "DATA/5/00/00/XN.tif")),
    "truncated": ("tile 3 ends", lambda copy: copy.edit(
        lambda data: data[:-1], "DATA/5/00/00/XN.tif")),
    "trailing": ("behind the last tile", lambda copy: copy.edit(
        lambda data: data + b"\0", "DATA/5/00/00/XN.tif")),
    "big endian": ("header byte 0", byte_setter(0, 0x4D)),
    "bits": ("header byte 14", byte_setter(14, 16)),
    "width": ("header byte 26", byte_setter(26, 64)),
    "compression": ("header byte 62", byte_setter(62, 1)),
    "photometric": ("header byte 74", byte_setter(74, 1)),
    "samples": ("header byte 86", byte_setter(86, 4)),
    "tile width": ("header byte 98", byte_setter(98, 128)),
    "padding": ("header byte 2047", byte_setter(2047, 1)),
    "empty tile": ("tile 1 is empty", lambda copy: copy.edit_tiles(
        lambda tiles: [tiles[0], b"", tiles[2], tiles[3]])),
    "alignment": ("tile 1 is at", lambda copy: copy.edit(
        lambda data: data[:2052] + struct.pack(
            "<I", struct.unpack_from("<I", data, 2052)[0] + 1) + data[2056:],
        "DATA/5/00/00/XN.tif")),
    "order": ("tile 0 is at", lambda copy: copy.edit(
        lambda data: data[:2048] + data[2052:2056] + data[2048:2052] +
        data[2056:2064] + data[2068:2072] + data[2064:2068] + data[2072:],
        "DATA/5/00/00/XN.tif")),
}


def tile_changer(change):
    """change: bytes of tile 1 to other bytes."""
    return lambda copy: copy.edit_tiles(
        lambda tiles: [tiles[0], change(tiles[1])] + tiles[2:])


def zip_changer(change):
    return tile_changer(lambda tile: change(zlib.decompress(tile)))


def raw_deflate(raw):
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(raw) + stream.flush()


def png(width, height, rows, extra=b"", split=False, colour=2):
    data = zlib.compress(rows)
    parts = [data[:9], data[9:]] if split else [data]
    chunk = rok4_strict_tile.chunk
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">2I5B", width, height, 8, colour, 0, 0, 0)) + extra + b"".join(
            chunk(b"IDAT", part) for part in parts) + chunk(b"IEND", b"")


ROWS = (b"\0" + bytes(192)) * 64
FILTERED = ROWS[:193] + b"\2" + ROWS[194:]
TILES = {
    "zip: bytes behind": ("t64_zip_uint8_rgb", "behind the zlib", tile_changer(
        lambda tile: tile + b"\0")),
    "zip: cut": ("t64_zip_uint8_rgb", "zlib", tile_changer(
        lambda tile: tile[:-1])),
    "zip: sum": ("t64_zip_uint8_rgb", "zlib", tile_changer(
        lambda tile: tile[:-1] + bytes([tile[-1] ^ 1]))),
    "zip: raw deflate": ("t64_zip_uint8_rgb", "zlib header",
                         zip_changer(raw_deflate)),
    "zip: short": ("t64_zip_uint8_rgb", "bytes of pixels", zip_changer(
        lambda raw: zlib.compress(raw[:-1]))),
    "raw: short": ("t64_raw_uint8_rgb", "bytes of pixels", tile_changer(
        lambda tile: tile[:-1])),
    "png: chunk": ("t64_png_uint8_rgb", "no single IDAT", tile_changer(
        lambda tile: png(64, 64, ROWS, rok4_strict_tile.chunk(
            b"gAMA", b"\0\0\xb1\x8f")))),
    "png: two IDAT": ("t64_png_uint8_rgb", "no single IDAT", tile_changer(
        lambda tile: png(64, 64, ROWS, split=True))),
    "png: filter": ("t64_png_uint8_rgb", "filters", tile_changer(
        lambda tile: png(64, 64, FILTERED))),
    "png: size": ("t64_png_uint8_rgb", "IHDR", tile_changer(
        lambda tile: png(32, 64, ROWS))),
    "png: colour": ("t64_png_uint8_rgb", "IHDR", tile_changer(
        lambda tile: png(64, 64, ROWS, colour=6))),
    "png: sum": ("t64_png_uint8_rgb", "IEND", tile_changer(
        lambda tile: tile[:-1] + b"\0")),
    "png: rows": ("t64_png_uint8_rgb", "in IDAT", tile_changer(
        lambda tile: png(64, 64, ROWS[:-193]))),
    "pkb: bytes behind": ("t64_pkb_uint8_rgb", "behind", tile_changer(
        lambda tile: tile + b"\x80")),
    "pkb: cut": ("t64_pkb_uint8_rgb", "PackBits ends", tile_changer(
        lambda tile: tile[:-1])),
    "pkb: across rows": ("t64_pkb_uint8_rgb", "beyond row 0", tile_changer(
        lambda tile: b"\x81\0" * 96)),
    "lzw: no end": ("t64_lzw_uint8_rgb", "LZW", tile_changer(
        lambda tile: tile[:-2])),
    "lzw: bytes behind": ("t64_lzw_uint8_rgb", "behind", tile_changer(
        lambda tile: tile + b"\0\0")),
    "lzw: no clear": ("t64_lzw_uint8_rgb", "begins with", tile_changer(
        lambda tile: b"\0" + tile)),
    "jpg: quality": ("t64_jpg_uint8_rgb", "quality 75",
                     tile_changer(lambda tile: jpeg(90))),
    "jpg90: quality": ("t64_jpg90_uint8_rgb", "quality 90",
                       tile_changer(lambda tile: jpeg(75))),
    "jpg: 4:4:4": ("t64_jpg_uint8_rgb", "SOF0",
                   tile_changer(lambda tile: jpeg(75, subsampling=0))),
    "jpg: progressive": ("t64_jpg_uint8_rgb", "markers",
                         tile_changer(lambda tile: jpeg(75,
                                                        progressive=True))),
    "jpg: optimized": ("t64_jpg_uint8_rgb", "quality 75", tile_changer(
        lambda tile: jpeg(75, optimize=True))),
    "jpg: gray": ("t64_jpg_uint8_rgb", "markers",
                  tile_changer(lambda tile: jpeg(75, "L"))),
    "jpg: size": ("t64_jpg_uint8_rgb", "SOF0",
                  tile_changer(lambda tile: jpeg(75, side=32))),
    "jpg: density": ("t64_jpg_uint8_rgb", "APP0",
                     tile_changer(lambda tile: jpeg(75, dpi=(72, 72)))),
    "jpg: comment": ("t64_jpg_uint8_rgb", "markers", tile_changer(
        lambda tile: tile[:20] + b"\xff\xfe\0\4ab" + tile[20:])),
    "jpg: bytes behind": ("t64_jpg_uint8_rgb", "EOI", tile_changer(
        lambda tile: tile + b"\0")),
    "graya: ExtraSamples": ("t64_zip_uint8_graya", "ExtraSamples",
                            byte_setter(146, 3)),
    "graya: bits": ("t64_zip_uint8_graya", "header byte 52",
                    byte_setter(52, 0)),
    "float: sample format": ("t64_zip_float32", "header byte 146",
                             byte_setter(146, 1)),
    "jpg: subsampling": ("t64_jpg_uint8_rgb", "header byte 158",
                         byte_setter(158, 1)),
    "1x1: size": ("t64_zip_1x1", "header byte 134", byte_setter(
        134, 0, "DATA/5/11/U9.tif")),
    "mask: missing": ("t64_zip_mask", "no MASK/5", lambda copy: os.unlink(
        os.path.join(copy.directory, "MASK/5/00/00/XN.tif"))),
    "mask: alone": ("t64_zip_mask", "no DATA/5", lambda copy: os.unlink(
        os.path.join(copy.directory, "DATA/5/00/00/XN.tif"))),
    "mask: value": ("t64_zip_mask", "neither 0 nor 255",
                    lambda copy: copy.edit_tiles(
                        lambda tiles: [zlib.compress(bytes([7]) * 4096)] +
                        tiles[1:], "MASK/5/00/00/XN.tif")),
    "mask: format": ("t64_zip_mask", "mask_format",
                     setter("mask_format", "TIFF_RAW_UINT8")),
    "masks here and there": ("t64_zip_mask", "differ", remover(
        "levels", 0, "storage", "mask_directory")),
    "no mask format": ("t64_zip_mask", "go together", remover("mask_format")),
}


def jpeg(quality, mode="RGB", side=64, subsampling=2, **options):
    ramp = np.arange(side * side, dtype=np.uint32).reshape(side, side)
    image = Image.fromarray((ramp * 7 % 251).astype(np.uint8)).convert(mode)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=subsampling,
               **options)
    return file.getvalue()


CASES = [(name, "t64_zip_uint8_rgb") + rest
         for name, rest in {**DESCRIPTOR, **FILES}.items()]
CASES += [(name,) + rest for name, rest in TILES.items()]


@pytest.mark.parametrize("source,text,change", [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])
def test_broken_rule(source, text, change, moved):
    copy = Copy(moved(source))
    rok4_strict.check_pyramid(copy.path, copy.tms_directory, moved=True)
    change(copy)
    with pytest.raises(AssertionError) as caught:
        rok4_strict.check_pyramid(copy.path, copy.tms_directory, moved=True)
    assert text in str(caught.value)


TMS_MEMBERS = ("id", "crs", "orderedAxes", "tileMatrices")


@pytest.mark.parametrize("key", TMS_MEMBERS)
def test_broken_tms(key, tms_directory, tmp_path):
    tms = rok4_strict.load_json(os.path.join(tms_directory, "T64.json"))
    del tms[key]
    with open(tmp_path / "T64.json", "w", encoding="utf-8") as file:
        json.dump(tms, file)
    with pytest.raises(AssertionError, match=key):
        rok4_strict.load_tms("T64", tmp_path)


def test_broken_link(moved, tmp_path):
    """A link that leads to another slab than the list says."""
    path = moved("t64_upd_slink")
    directory = os.path.join(path[:-len(".json")], "DATA", "5", "00", "00")
    os.symlink(fixture("t64_zip_uint8_rgb")[:-5],
               os.path.join(os.path.dirname(path), "t64_zip_uint8_rgb"))
    tms_directory = os.environ["ROK4_TMS_DIRECTORY"]
    rok4_strict.check_pyramid(path, tms_directory, moved=True)
    link = os.path.join(directory, "WM.tif")
    target = os.readlink(link).replace("WM", "WN")
    os.unlink(link)
    os.symlink(target, link)
    with pytest.raises(AssertionError, match="leads to"):
        rok4_strict.check_pyramid(path, tms_directory, moved=True)


def test_gtiff_finds_other_pixels(moved):
    """A header that does not say how the tiles are."""
    copy = Copy(moved("t64_raw_uint8_rgb"))
    copy.edit(lambda data: data[:98] + b"\x20" + data[99:],
              "DATA/5/00/00/XN.tif")
    with pytest.raises(AssertionError):
        rok4_strict.check_gtiff(copy.path, copy.tms_directory)
