# SPDX-License-Identifier: MIT
"""Every creation option does what it says: each test would fail if the option
did nothing."""

import hashlib
import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from osgeo import gdal

import rok4_strict
import rok4_tms
import rok4_util
import rok4_write
from rok4_write import (Model, create, decoded, descriptor, noise, refuse,
                        slabs, source, strict)

HERE = os.path.dirname(os.path.abspath(__file__))
# Where the test of each option stands, which names it with "=".
TESTS = {
    "TILING_SCHEME": "options.test_tiling_scheme",
    "TMS": "options.test_tiling_scheme",
    "TMS_DIRECTORY": "options.test_tms_directory",
    "BOTTOM_LEVEL": "options.test_levels",
    "TOP_LEVEL": "options.test_levels",
    "ZOOM_LEVEL_STRATEGY": "options.test_zoom_level_strategy",
    "COMPRESS": "options.test_compress",
    "QUALITY": "options.test_quality",
    "ZLEVEL": "options.test_zlevel",
    "TILES_PER_WIDTH": "options.test_slabs",
    "TILES_PER_HEIGHT": "options.test_slabs",
    "PATH_DEPTH": "options.test_slabs",
    "NODATA": "options.test_nodata",
    "ADD_ALPHA": "options.test_add_alpha",
    "RESAMPLING": "resampling.test_both",
    "WARP_RESAMPLING": "resampling.test_warp",
    "OVERVIEW_RESAMPLING": "resampling.test_overview",
    "MASK": "options.test_mask",
    "NUM_THREADS": "runs.test_threads_are_used",
    "LIST": "options.test_list",
    "MD5": "options.test_md5",
    "SPARSE_OK": "options.test_sparse_ok",
    "ANCESTOR": "ancestor.test_ancestor",
    "UPDATE_MODE": "ancestor.test_ancestor",
    "OVERWRITE": "options.test_overwrite",
    "RESUME": "runs.test_resume",
    "LOSSLESS_COPY": "options.test_lossless_copy",
}


def options_of_driver():
    xml = gdal.GetDriverByName("ROK4").GetMetadataItem(
        "DMD_CREATIONOPTIONLIST")
    return list(ElementTree.fromstring(xml))


def test_every_option_has_a_test():
    names = []
    for option in options_of_driver():
        names += [option.get("name")] + (
            [option.get("alias")] if option.get("alias") else [])
        assert option.get("description"), option.get("name")
    assert sorted(names) == sorted(TESTS)
    for name, test in TESTS.items():
        module, function = test.split(".")
        with open(os.path.join(HERE, "test_rok4_write_%s.py" % module),
                  encoding="utf-8") as file:
            text = file.read()
        match = re.search(r"^def %s\(.*?(?=^def |\Z)" % function, text,
                          re.M | re.S)
        assert match, test
        assert re.search(r"\b%s=" % name, match.group(0)), test


def test_gdal_knows_the_options(tmp_path):
    """GDAL warns of options that are not in the list, and of values."""
    with rok4_util.Errors() as errors:
        done = gdal.GetDriverByName("ROK4").CreateCopy(
            str(tmp_path / "a.json"), source(noise(1)),
            options=rok4_write.SMALL + ["NO_SUCH_OPTION=1"])
    assert done is not None
    assert len(errors.warnings) == 1 and "NO_SUCH_OPTION" in \
        errors.warnings[0]


# ---- Grid and levels ----


def test_tiling_scheme(tmp_path):
    """A name, and the path of a JSON file, which then goes along; PM without
    either. TMS is another name of it."""
    dataset = source(noise(1))
    path = create(tmp_path / "a.json", dataset, "TMS=T64",
                  "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2", small=False)
    assert descriptor(path)["tile_matrix_set"] == "T64"
    path = create(tmp_path / "b.json", dataset, "BOTTOM_LEVEL=3",
                  "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2", small=False)
    assert descriptor(path)["tile_matrix_set"] == "PM"
    assert {level.tile for level in decoded(path).levels} == {(256, 256)}

    definition = rok4_tms.quadtree("MINE", tile=(32, 32), top=(8, 8))
    file = rok4_tms.write(str(tmp_path / "elsewhere"), definition)
    place = tmp_path / "there" / "c.json"
    os.mkdir(str(tmp_path / "there"))
    path = create(place, dataset, "TILING_SCHEME=" + file)
    assert descriptor(path)["tile_matrix_set"] == "MINE"
    assert sorted(os.listdir(str(tmp_path / "there"))) == [
        "MINE.json", "c", "c.json", "c.list"]
    with open(file, "rb") as one, \
            open(str(tmp_path / "there" / "MINE.json"), "rb") as other:
        assert one.read() == other.read()
    assert rok4_strict.check_pyramid(path, str(tmp_path / "there"))
    shutil.rmtree(str(tmp_path / "elsewhere"))
    opened = rok4_util.open_dataset(path)
    assert opened.GetRasterBand(1).GetBlockSize() == [32, 32]


def test_tms_directory(tmp_path, tms_directory):
    dataset = source(noise(1))
    place = str(tmp_path / "sets")
    definition = rok4_tms.quadtree("OTHER", tile=(64, 64))
    rok4_tms.write(place, definition)
    message = refuse(tmp_path / "a.json", dataset, "TILING_SCHEME=OTHER")
    assert "OTHER" in message
    path = create(tmp_path / "a.json", dataset, "TILING_SCHEME=OTHER",
                  "TMS_DIRECTORY=" + place)
    assert descriptor(path)["tile_matrix_set"] == "OTHER"
    # Who opens it finds the set beside it.
    rok4_util.open_dataset(path)


def test_another_grid_of_that_name(tmp_path):
    """Who opens the pyramid would take the wrong one; but the same grid by
    another text is the same."""
    place = tmp_path / "out"
    os.mkdir(str(place))
    dataset = source(noise(1))
    definition = rok4_tms.quadtree("T64", tile=(32, 32), top=(8, 8))
    file = rok4_tms.write(str(tmp_path / "sets"), definition)
    for options in (["TILING_SCHEME=" + file],
                    ["TMS_DIRECTORY=" + os.path.dirname(file)]):
        message = refuse(place / "a.json", dataset, *options)
        assert "T64.json" in message
        assert os.listdir(str(place)) == []
    definition = rok4_write.load_tms()
    definition["title"] = "the same"
    definition["crs"] = "http://www.opengis.net/def/crs/EPSG/0/3857"
    file = rok4_tms.write(str(tmp_path / "sets"), definition)
    create(place / "a.json", dataset, "TILING_SCHEME=" + file)
    assert sorted(os.listdir(str(place))) == ["a", "a.json", "a.list"]


def test_levels(tmp_path):
    """BOTTOM_LEVEL and TOP_LEVEL: all levels up to the coarsest without."""
    dataset = source(noise(1))
    few = ["TILING_SCHEME=T64", "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2"]
    path = create(tmp_path / "a.json", dataset, *few, small=False)
    assert ids(path) == ["5", "4", "3", "2", "1", "0"]
    path = create(tmp_path / "b.json", dataset, *few, "BOTTOM_LEVEL=4",
                  "TOP_LEVEL=3", small=False)
    assert ids(path) == ["4", "3"]
    path = create(tmp_path / "c.json", dataset, *few, "TOP_LEVEL=5",
                  small=False)
    assert ids(path) == ["5"]
    strict(path)
    path = create(tmp_path / "d.json", dataset, *few, "BOTTOM_LEVEL=6",
                  "TOP_LEVEL=6", small=False)
    level, = decoded(path).levels
    assert level.limits == (130, 90, 140, 95)


def ids(path):
    """From the finest to the coarsest."""
    return [level.id_ for level in decoded(path).levels]


@pytest.mark.parametrize("ratio,expected", [
    (1.4, ("5", "4", "5")), (1.58, ("5", "4", "5")), (1.7, ("4", "4", "5")),
    (0.82, ("5", "5", "6")), (0.79, ("6", "5", "6"))])
def test_zoom_level_strategy(ratio, expected, tmp_path):
    """AUTO is the nearest with a ratio of 0.8 to 1.6; LOWER is the next coarser
    one, UPPER the next finer one, as in GDAL's other drivers."""
    cell = rok4_write.matrix_of()["cellSize"] * ratio
    dataset = source(noise(1), cell=cell)
    found = []
    for strategy in ("AUTO", "LOWER", "UPPER"):
        path = create(tmp_path / (strategy + ".json"), dataset,
                      "TILING_SCHEME=T64", "TILES_PER_WIDTH=2",
                      "TILES_PER_HEIGHT=2", "TOP_LEVEL=3",
                      "ZOOM_LEVEL_STRATEGY=" + strategy, small=False)
        found.append(ids(path)[0])
    assert tuple(found) == expected
    path = create(tmp_path / "none.json", dataset, "TILING_SCHEME=T64",
                  "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2", "TOP_LEVEL=3",
                  small=False)
    assert ids(path)[0] == expected[0]


# ---- Format ----


@pytest.mark.parametrize("compress,name,tag", [
    ("NONE", "RAW", 1), ("JPEG", "JPG", 7), ("PNG", "PNG", 8),
    ("DEFLATE", "ZIP", 8), ("LZW", "LZW", 5), ("PACKBITS", "PKB", 32773)])
def test_compress(compress, name, tag, tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)),
                  "COMPRESS=" + compress)
    assert descriptor(path)["format"] == "TIFF_%s_UINT8" % name
    assert {int.from_bytes(data[62:64], "little")
            for data in slabs(path).values()} == {tag}
    signature = {"JPEG": b"\xff\xd8\xff\xe0", "PNG": b"\x89PNG"}
    if compress in signature:
        first = decoded(path)
        tile = first.tile_bytes(first.levels[0], 66, 46)
        assert tile.startswith(signature[compress])
    strict(path)


def test_default_is_deflate(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    assert descriptor(path)["format"] == "TIFF_ZIP_UINT8"
    path = create(tmp_path / "b.json", source(noise(1, dtype=np.float32)))
    assert descriptor(path)["format"] == "TIFF_ZIP_FLOAT32"


def test_quality(tmp_path):
    """The two formats that there are; without, the first."""
    dataset = source(noise(3))
    sizes = {}
    for quality, name in ((None, "JPG"), (75, "JPG"), (90, "JPG90")):
        path = create(tmp_path / ("%s.json" % quality), dataset,
                      "COMPRESS=JPEG", *(["QUALITY=%d" % quality]
                                         if quality else []))
        assert descriptor(path)["format"] == "TIFF_%s_UINT8" % name
        sizes[quality] = sum(map(len, slabs(path).values()))
    assert sizes[None] == sizes[75] < sizes[90]
    for quality in ("85", "100", "0", "seventy"):
        message = refuse(tmp_path / "b.json", dataset, "COMPRESS=JPEG",
                         "QUALITY=" + quality)
        assert "75" in message and "90" in message
    assert "COMPRESS=JPEG" in refuse(tmp_path / "b.json", dataset,
                                     "QUALITY=75")


@pytest.mark.parametrize("compress", ["DEFLATE", "PNG"])
def test_zlevel(compress, tmp_path):
    pixels = noise(3) // 16 * 16
    sizes = []
    for level in (None, 1, 6, 12):
        path = create(tmp_path / ("%s.json" % level), source(pixels),
                      "COMPRESS=" + compress,
                      *(["ZLEVEL=%d" % level] if level else []))
        sizes.append(sum(map(len, slabs(path).values())))
        Model([255] * 3, "all").paint(pixels).check(path)
    assert sizes[0] == sizes[2]
    assert sizes[1] > sizes[2] > sizes[3]


def test_slabs(tmp_path):
    """TILES_PER_WIDTH=, TILES_PER_HEIGHT= and PATH_DEPTH=: 16, 16 and 2."""
    pixels = noise(1)
    path = create(tmp_path / "a.json", source(pixels), "TILING_SCHEME=T64",
                  "BOTTOM_LEVEL=5", "TOP_LEVEL=2", small=False)
    for level in decoded(path).levels:
        assert (level.slab, level.depth) == ((16, 16), 2)
    assert set(slabs(path, "5")) == {"DATA/5/00/00/42.tif"}
    strict(path)
    path = create(tmp_path / "b.json", source(pixels), "TILES_PER_WIDTH=1",
                  "TILES_PER_HEIGHT=3", "PATH_DEPTH=4")
    for level in decoded(path).levels:
        assert (level.slab, level.depth) == ((1, 3), 4)
    assert "DATA/5/00/00/00/10/TF.tif" in slabs(path, "5")
    strict(path)
    Model([255], "nodata").paint(pixels).check(path)
    path = create(tmp_path / "c.json", source(pixels), "TILES_PER_WIDTH=1",
                  "TILES_PER_HEIGHT=1", "PATH_DEPTH=1")
    strict(path)
    Model([255], "nodata").paint(pixels).check(path)


# ---- Pixels ----


def test_nodata(tmp_path):
    """One value for all bands, or one for each; 255 or -99999 without."""
    for i, (bands, dtype, option, expected) in enumerate([
            (1, np.uint8, None, "255"), (3, np.uint8, None, "255,255,255"),
            (1, np.float32, None, "-99999"), (3, np.uint8, "4", "4,4,4"),
            (3, np.uint8, "4,5,6", "4,5,6"), (1, np.uint8, "0", "0"),
            (1, np.float32, "-32768", "-32768"),
            (4, np.uint8, "9,8,7,0", "9,8,7,0")]):
        path = create(tmp_path / ("%d.json" % i),
                      source(noise(bands, dtype=dtype)),
                      *(["NODATA=" + option] if option else []))
        found = descriptor(path)["raster_specifications"]["nodata"]
        assert found == expected
        pyramid = decoded(path)
        corner = pyramid.level_array(pyramid.levels[0])[0, 0]
        assert list(corner) == [float(v) for v in expected.split(",")]


def test_add_alpha(tmp_path):
    """ADD_ALPHA=YES makes a band of what is valid; NO, the default, none."""
    for bands in (1, 3):
        pixels = noise(bands)
        dataset = source(pixels)
        path = create(tmp_path / ("%d.json" % bands), dataset)
        assert decoded(path).channels == bands
        path = create(tmp_path / ("%da.json" % bands), dataset,
                      "ADD_ALPHA=YES")
        strict(path)
        four = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
        Model([255] * bands + [0], "alpha").paint(four).check(path)
        # A source that has one keeps it.
        four[:, :, -1] = 77
        path = create(tmp_path / ("%db.json" % bands),
                      source(four, alpha=True), "ADD_ALPHA=YES")
        Model([255] * bands + [0], "alpha").paint(four).check(path)


def test_mask(tmp_path):
    """MASK=YES writes mask slabs at every level."""
    dataset = source(noise(3))
    path = create(tmp_path / "a.json", dataset, "MASK=NO")
    assert not any(key.startswith("MASK") for key in slabs(path))
    path = create(tmp_path / "b.json", dataset)
    assert not any(key.startswith("MASK") for key in slabs(path))
    path = create(tmp_path / "c.json", dataset, "MASK=YES")
    found = slabs(path)
    assert ({key[5:] for key in found if key.startswith("MASK")} ==
            {key[5:] for key in found if key.startswith("DATA")})
    assert descriptor(path)["mask_format"] == "TIFF_ZIP_UINT8"
    opened = rok4_util.open_dataset(path)
    assert opened.GetRasterBand(1).GetMaskFlags() == gdal.GMF_PER_DATASET


# ---- Beside the slabs ----


def test_list(tmp_path):
    path = create(tmp_path / "a.json", source(noise(1)), "LIST=NO")
    assert not os.path.exists(path[:-5] + ".list")
    strict(path, has_list=False)
    path = create(tmp_path / "b.json", source(noise(1)))
    roots, names = rok4_strict.read_list(path[:-5] + ".list")
    assert roots == {0: path[:-5]}
    assert {name for _, name in names} == set(slabs(path))
    path = create(tmp_path / "c.json", source(noise(1)), "LIST=YES")
    assert os.path.exists(path[:-5] + ".list")


def test_md5(tmp_path):
    """MD5=YES: sums in a file of their own, where no list reader trips."""
    path = create(tmp_path / "a.json", source(noise(1)))
    assert not os.path.exists(path[:-5] + ".md5")
    path = create(tmp_path / "b.json", source(noise(1)), "MD5=YES")
    with open(path[:-5] + ".md5", encoding="utf-8") as file:
        head, lines = file.read().split("\n#\n")
    assert head == "0=" + path[:-5]
    sums = dict(line.split(" ") for line in lines.splitlines())
    assert sums == {"0/" + key: hashlib.md5(data).hexdigest()
                    for key, data in slabs(path).items()}
    strict(path)


def test_sparse_ok(tmp_path):
    """SPARSE_OK=YES leaves out tiles without data; else slabs are dense."""
    pixels = noise(1)
    dense = create(tmp_path / "a.json", source(pixels))
    sparse = create(tmp_path / "b.json", source(pixels), "SPARSE_OK=YES")
    assert sorted(slabs(dense)) == sorted(slabs(sparse))
    assert not any(0 in rok4_write.tile_sizes(data)
                   for data in slabs(dense).values())
    assert any(0 in rok4_write.tile_sizes(data)
               for data in slabs(sparse).values())
    Model([255], "nodata").paint(pixels).check(sparse)


# ---- What stands there ----


def test_overwrite(tmp_path):
    """OVERWRITE=YES replaces a pyramid, and nothing but it."""
    path = create(tmp_path / "a.json", source(noise(1)), "MASK=YES")
    foreign = tmp_path / "a" / "DATA" / "notes.txt"
    foreign.write_text("mine")
    before = rok4_write.tree(tmp_path)
    for options in ([], ["OVERWRITE=NO"]):
        message = refuse(path, source(noise(3)), *options)
        assert "OVERWRITE=YES" in message
        assert rok4_write.tree(tmp_path) == before
    pixels = noise(3, seed=5)
    other = create(tmp_path / "b.json", source(pixels), "PATH_DEPTH=3")
    create(path, source(pixels), "OVERWRITE=YES", "PATH_DEPTH=3")
    Model([255] * 3, "all").paint(pixels).check(path)
    assert foreign.read_text() == "mine"
    foreign.unlink()
    rok4_write.same_slabs(path, other)
    strict(path)
    assert sorted(os.listdir(str(tmp_path))) == [
        "a", "a.json", "a.list", "b", "b.json", "b.list"]
    # Where nothing stands it is not needed, and does no harm.
    create(tmp_path / "c.json", source(pixels), "OVERWRITE=YES")


def test_lossless_copy(tmp_path):
    """LOSSLESS_COPY=AUTO copies what can be copied, YES says why it cannot, NO
    encodes anew: JPEG shows which."""
    first = create(tmp_path / "a.json", source(noise(3)), "COMPRESS=JPEG")
    for how, same in (("AUTO", True), ("YES", True), ("NO", False)):
        path = create(tmp_path / (how + ".json"),
                      rok4_util.open_dataset(first), "LOSSLESS_COPY=" + how,
                      "COMPRESS=JPEG")
        assert (slabs(path) == slabs(first)) == same, how
    message = refuse(tmp_path / "b.json", source(noise(3)),
                     "LOSSLESS_COPY=YES")
    assert "LOSSLESS_COPY=YES" in message
