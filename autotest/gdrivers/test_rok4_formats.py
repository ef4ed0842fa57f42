# SPDX-License-Identifier: MIT
"""Pyramids written by the tests: formats, tile and slab shapes, odd but
legal slabs, kinds of TMS."""

import itertools
import os
import struct

import numpy as np
import pytest
from osgeo import gdal

import rok4_decode
import rok4_encode
import rok4_make
import rok4_tms
from rok4_util import (assert_pixels, bands_of, open_dataset, pixels_of,
                       read_bands)


def check(pyramid, tmp_path):
    """All levels, through overviews and alone, against the decoder; lossless
    ones against the pixels written, too."""
    path = pyramid.write()
    tms = tmp_path / "tms"
    rok4_tms.write(str(tms), pyramid.definition)
    option = "TMS_DIRECTORY=" + str(tms)
    reference = rok4_decode.Pyramid(path, tms)
    base = reference.levels[0]
    dataset = open_dataset(path, option)
    if "JPG" not in pyramid.codec:
        level = next(v for v in pyramid.levels if v.id_ == base.id_)
        if not level.absent and not level.empty:
            np.testing.assert_array_equal(reference.level_array(base),
                                          pyramid.image_of(level))
    np.testing.assert_allclose(dataset.GetGeoTransform(), base.geotransform,
                               rtol=1e-12, atol=1e-9)
    for i, level in enumerate(reference.levels):
        expected = reference.overview(base, level)
        assert_pixels(read_bands(bands_of(dataset, i - 1 if i else None)),
                      expected, pyramid.codec)
        alone = open_dataset(path, option, "TILEMATRIX=" + level.id_)
        assert_pixels(pixels_of(alone), reference.level_array(level),
                      pyramid.codec)
        np.testing.assert_allclose(alone.GetGeoTransform(),
                                   level.geotransform, rtol=1e-12, atol=1e-9)
    return dataset


FORMATS = ["TIFF_%s_UINT8" % c for c in ("RAW", "JPG", "JPG90", "PNG", "LZW",
                                         "ZIP", "PKB")]
FORMATS += ["TIFF_%s_FLOAT32" % c for c in ("RAW", "LZW", "ZIP", "PKB")]
COMPRESSION = {"RAW": None, "JPG": "JPEG", "JPG90": "JPEG", "PNG": "PNG",
               "LZW": "LZW", "ZIP": "DEFLATE", "PKB": "PACKBITS"}


# A JPEG has one or three components: see test_jpeg_channels.
@pytest.mark.parametrize("fmt,channels", [
    pair for pair in itertools.product(FORMATS, (1, 2, 3, 4))
    if "JPG" not in pair[0] or pair[1] in (1, 3)])
def test_format(fmt, channels, tmp_path):
    codec = fmt.split("_")[1]
    tms = rok4_tms.quadtree("Q", tile=(40, 56))
    pyramid = rok4_make.Pyramid(
        tmp_path / "p", "N", tms, fmt, channels,
        levels=[rok4_make.Level("3", (4, 6, 7, 8), (3, 2), 1),
                rok4_make.Level("2", (2, 3, 3, 4), (1, 1), 0),
                rok4_make.Level("1", (1, 1, 1, 2), (2, 5), 3)])
    dataset = check(pyramid, tmp_path)
    structure = dataset.GetMetadata("IMAGE_STRUCTURE")
    assert structure.get("INTERLEAVE") == ("PIXEL" if channels > 1
                                           else "BAND")
    assert structure.get("COMPRESSION") in (
        {COMPRESSION[codec]} if COMPRESSION[codec] else {None, "NONE"})


@pytest.mark.parametrize("channels", [2, 4])
def test_jpeg_channels(channels, tmp_path):
    """There is no JPEG of two or four channels: said, not guessed."""
    tms = rok4_tms.quadtree("Q")
    pyramid = rok4_make.Pyramid(tmp_path, "N", tms, "TIFF_JPG_UINT8",
                                channels)
    level = rok4_make.Level("3", (4, 6, 4, 6), (1, 1))
    pyramid.levels.append(level)
    path = pyramid.write_descriptor()
    file = pyramid.slab_file(level, 4, 6)
    os.makedirs(os.path.dirname(file))
    tile = rok4_encode.jpeg(rok4_make.pattern((64, 64, 3), smooth=True))
    with open(file, "wb") as slab:
        slab.write(rok4_make.slab_bytes(bytes(2048), [tile]))
    rok4_tms.write(str(tmp_path), tms)
    gdal.ErrorReset()
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        dataset = gdal.Open(path)
        pixels = dataset.ReadAsArray() if dataset is not None else None
        message = gdal.GetLastErrorMsg()
    finally:
        gdal.PopErrorHandler()
    assert pixels is None and message


SHAPES = [((40, 40), (1, 1), 0), ((256, 256), (1, 1), 1),
          ((100, 60), (2, 3), 2), ((41, 97), (5, 1), 2),
          ((128, 64), (16, 16), 2), ((64, 200), (4, 2), 5)]


@pytest.mark.parametrize("fmt", ["TIFF_ZIP_UINT8", "TIFF_PNG_UINT8",
                                 "TIFF_JPG_UINT8", "TIFF_PKB_FLOAT32",
                                 "TIFF_LZW_UINT8"])
@pytest.mark.parametrize("tile,slab,depth", SHAPES)
def test_shape(fmt, tile, slab, depth, tmp_path):
    channels = 1 if fmt.endswith("FLOAT32") else 3
    tms = rok4_tms.quadtree("Q", tile=tile, nlevels=12)
    pyramid = rok4_make.Pyramid(
        tmp_path / "p", "N", tms, fmt, channels, seed=5,
        levels=[rok4_make.Level("11", (8190, 4095, 8191, 4097), slab, depth),
                rok4_make.Level("10", (4095, 2047, 4095, 2048), slab, depth)])
    check(pyramid, tmp_path)


LENIENT = {
    "reverse": {"order": "reverse"},
    "random": {"order": "random"},
    "sparse": {"sparse": True},
    "shared": {"shared": True},
    "trailing": {"trailing": b"\0after the end\xff" * 3},
    "zero_header": {"zero_header": True},
}


@pytest.mark.parametrize("codec", ["RAW", "ZIP", "PNG", "JPG", "LZW", "PKB"])
@pytest.mark.parametrize("case", LENIENT)
def test_lenient_slab(codec, case, tmp_path):
    tms = rok4_tms.quadtree("Q")
    image = rok4_make.pattern((3 * 64, 3 * 64, 3), smooth=True)
    if case == "shared":
        image[:, 64:128] = image[:, :64]
    pyramid = rok4_make.Pyramid(
        tmp_path / "p", "N", tms, "TIFF_%s_UINT8" % codec, 3,
        levels=[rok4_make.Level("4", (3, 3, 5, 5), (2, 4), image=image,
                                **LENIENT[case]),
                rok4_make.Level("3", (1, 1, 2, 2), (2, 4),
                                **LENIENT[case])])
    check(pyramid, tmp_path)


OPTIONS = [
    ("PNG", {"filters": (1,)}), ("PNG", {"filters": (2,)}),
    ("PNG", {"filters": (3,)}), ("PNG", {"filters": (4,)}),
    ("PNG", {"filters": (0, 1, 2, 3, 4)}), ("PNG", {"nidat": 7}),
    ("PNG", {"ancillary": True}), ("PNG", {"level": 0}),
    ("PNG", {"ancillary": True, "nidat": 3, "filters": (4, 2)}),
    ("JPG", {"progressive": True}), ("JPG", {"subsampling": 0}),
    ("JPG", {"subsampling": 1}), ("JPG", {"mode": "L"}),
    ("JPG90", {"progressive": True, "subsampling": 0}),
    ("JPG", {"quality": 100}), ("JPG", {"quality": 5}),
    ("LZW", {"eoi": False}), ("LZW", {"clear_often": True}),
    ("ZIP", {"level": 0}), ("ZIP", {"level": 9}),
]


@pytest.mark.parametrize("codec,options", OPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_tile_variants(codec, options, channels, tmp_path):
    """Tiles that other writers make: filters, chunks, progressive..."""
    tms = rok4_tms.quadtree("Q", tile=(72, 48))
    pyramid = rok4_make.Pyramid(
        tmp_path / "p", "N", tms, "TIFF_%s_UINT8" % codec, channels,
        levels=[rok4_make.Level("4", (3, 3, 5, 5), options=options)])
    if options.get("mode") == "L":
        pyramid.levels[0].image = np.repeat(rok4_make.pattern(
            (144, 216, 1), smooth=True), channels, axis=2)
    check(pyramid, tmp_path)


def test_colour_jpeg_in_gray_pyramid(tmp_path):
    """A three-component tile where one band is expected: its luminance."""
    tms = rok4_tms.quadtree("Q")
    pyramid = rok4_make.Pyramid(
        tmp_path / "p", "N", tms, "TIFF_JPG_UINT8", 1,
        levels=[rok4_make.Level("4", (3, 3, 4, 4), options={"mode": "RGB"})])
    check(pyramid, tmp_path)


def lambert(name, crs):
    return rok4_tms.quadtree(name, crs, 104857.6, (0, 12000000), (80, 80),
                             (2, 4))


def whole_ratios(name, cells, tile):
    """Origins shifted so that the first pixels' centres coincide."""
    steps = [(i, cell, -cell / 2, 12000000 + cell / 2)
             for i, cell in enumerate(cells)]
    return rok4_tms.ladder(name, "IGNF:LAMB93", steps, tile, (16, 92))


IRREGULAR = rok4_tms.ladder("R", "EPSG:32631", [
    ("a", 100, 3.5, 500003.25), ("b", 37, 0, 500000),
    ("c", 10, -7, 500011)], (50, 70), (4, 4))

GRIDS = {
    "degrees": (rok4_tms.degrees(), ("5", "4", "3"), (30, 10, 33, 12)),
    "lamb93": (lambert("L", "EPSG:2154"), ("5", "4", "2"), (7, 40, 10, 44)),
    "ignf": (lambert("I", "IGNF:LAMB93"), ("5", "4"), (7, 40, 10, 44)),
    "integer": (whole_ratios("M", (1000, 500, 250, 100, 50, 25, 5), (64, 64)),
                ("4", "3", "2", "0"), (105, 330, 109, 335)),
    "integer75": (whole_ratios("M75", (1000, 100, 75, 50, 25), (64, 48)),
                  ("4", "3", "2", "1"), (210, 1000, 217, 1004)),
    "irregular": (IRREGULAR, ("c", "b", "a"), (5, 6, 16, 15)),
}


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("fmt", ["TIFF_ZIP_UINT8", "TIFF_RAW_FLOAT32"])
def test_grid(name, fmt, tmp_path):
    tms, ids, limits = GRIDS[name]
    pyramid = rok4_make.Pyramid(tmp_path / "p", "N", tms, fmt, 1, seed=3)
    base = rok4_tms.level_of(tms, ids[0])
    for id_ in ids:
        entry = rok4_tms.level_of(tms, id_)
        scale = entry["cellSize"] * entry["tileWidth"]
        tall = entry["cellSize"] * entry["tileHeight"]
        west = base["pointOfOrigin"][0] + \
            limits[0] * base["cellSize"] * base["tileWidth"]
        east = base["pointOfOrigin"][0] + \
            (limits[2] + 1) * base["cellSize"] * base["tileWidth"]
        north = base["pointOfOrigin"][1] - \
            limits[1] * base["cellSize"] * base["tileHeight"]
        south = base["pointOfOrigin"][1] - \
            (limits[3] + 1) * base["cellSize"] * base["tileHeight"]
        origin = entry["pointOfOrigin"]
        # What a production tool writes: all tiles that meet the data.
        own = (int((west - origin[0]) / scale + 1e-6),
               int((origin[1] - north) / tall + 1e-6),
               int((east - origin[0]) / scale - 1e-6),
               int((origin[1] - south) / tall - 1e-6))
        pyramid.levels.append(rok4_make.Level(
            id_, limits if id_ == ids[0] else own, (2, 3)))
    dataset = check(pyramid, tmp_path)
    srs = dataset.GetSpatialRef()
    authority, code = tms["crs"].split(":")
    assert srs.GetAuthorityName(None) == authority
    assert srs.GetAuthorityCode(None) == code


def test_index_is_little_endian_and_absolute(tmp_path):
    """A slab written by hand, byte for byte (spec section 5)."""
    tms = rok4_tms.quadtree("Q", tile=(2, 2))
    pyramid = rok4_make.Pyramid(tmp_path, "N", tms, "TIFF_RAW_UINT8", 1)
    level = rok4_make.Level("2", (3, 2, 4, 2), (2, 1), 2)
    pyramid.levels.append(level)
    path = pyramid.write_descriptor()
    rok4_tms.write(str(tmp_path), tms)
    for slab_col, tiles in ((1, (b"aaaa", b"bcde")), (2, (b"fghi", b"jjjj"))):
        file = pyramid.slab_file(level, slab_col, 2)
        assert file.endswith("N/DATA/2/00/00/%d2.tif" % slab_col)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as slab:
            slab.write(bytes(2048) + struct.pack("<4I", 2064, 2080, 4, 4) +
                       tiles[0] + bytes(12) + tiles[1])
    dataset = open_dataset(path, "TMS_DIRECTORY=" + str(tmp_path))
    assert dataset.ReadAsArray().tobytes() == b"bcfgdehi"
