# SPDX-License-Identifier: MIT
"""Pixels of the pyramids that CreateCopy writes."""

import numpy as np
import pytest

import rok4_util
import rok4_write
from rok4_write import (PX, SIZE, Model, create, decoded, noise, source,
                        strict)

LOSSLESS = ["NONE", "DEFLATE", "LZW", "PACKBITS"]


def rule_of(bands):
    return {1: "nodata", 2: "alpha", 3: "all", 4: "alpha"}[bands]


def fill(nodata):
    """Pixels without data: an alpha band has 0 there."""
    return nodata[:-1] + [0] if len(nodata) in (2, 4) else nodata


def holes(size=SIZE):
    """Valid or not: a disc, lone pixels, and more than a whole tile."""
    height, width = size
    px_y, px_x = np.mgrid[0:height, 0:width]
    valid = (px_x - 80) ** 2 + (px_y - 60) ** 2 > 40 ** 2
    valid &= (px_x % 13 != 0) | (px_y % 7 != 0)
    valid[:, 200:] = False
    return valid


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("codec", LOSSLESS + ["PNG"])
def test_bytes(codec, bands, tmp_path):
    pixels = noise(bands)
    alpha = bands in (2, 4)
    if alpha:
        pixels[:, :, -1] = np.where(holes(), pixels[:, :, -1], 0)
    path = create(tmp_path / "a.json", source(pixels, alpha=alpha),
                  "COMPRESS=" + codec)
    model = Model(fill([255] * bands), rule_of(bands))
    model.paint(pixels, valid=holes() if alpha else None, keep=True)
    model.check(path)
    strict(path)


@pytest.mark.parametrize("codec,bands", [
    ("NONE", 1), ("NONE", 2), ("NONE", 3), ("NONE", 4), ("DEFLATE", 1),
    ("DEFLATE", 3), ("DEFLATE", 4), ("LZW", 1), ("LZW", 2), ("PACKBITS", 1),
    ("PACKBITS", 4)])
def test_floats(codec, bands, tmp_path):
    pixels = noise(bands, dtype=np.float32)
    path = create(tmp_path / "a.json", source(pixels), "COMPRESS=" + codec)
    model = Model(fill([-99999] * bands), rule_of(bands), dtype=np.float32)
    model.paint(pixels)
    model.check(path)
    strict(path)


@pytest.mark.parametrize("quality", [75, 90])
def test_jpeg(quality, tmp_path):
    """Coarser levels are made of pixels that have not been encoded: libjpeg
    makes the same of the model's."""
    pixels = noise(3)
    path = create(tmp_path / "a.json", source(pixels), "COMPRESS=JPEG",
                  "QUALITY=%d" % quality)
    strict(path)
    model = Model([255] * 3, "all").paint(pixels)
    pyramid = decoded(path)
    assert rok4_write.descriptor(path)["format"] == (
        "TIFF_JPG_UINT8" if quality == 75 else "TIFF_JPG90_UINT8")
    for level, (expected, _) in zip(pyramid.levels, model.levels()):
        wanted = model.window(expected, level)
        found = pyramid.level_array(level)
        np.testing.assert_array_equal(
            found, rok4_write.through_jpeg(wanted, quality))


# ---- What is not valid ----


def test_source_nodata(tmp_path):
    """The source's value for "no data", an integer, is the pyramid's."""
    pixels = noise(1)
    pixels[~holes()] = 7
    path = create(tmp_path / "a.json", source(pixels, nodata=7))
    assert nodata_of(path) == "7"
    Model([7], "nodata").paint(pixels, valid=holes()).check(path)


def test_nodata_is_rewritten(tmp_path):
    """Option NODATA; the source's own values for "no data" become it."""
    pixels = noise(1)
    pixels[~holes()] = 7
    path = create(tmp_path / "a.json", source(pixels, nodata=7),
                  "NODATA=9")
    assert nodata_of(path) == "9"
    model = Model([9], "nodata").paint(pixels, valid=holes())
    model.check(path)


def test_float_nodata(tmp_path):
    """NaN, and a value that is no integer, become -99999."""
    pixels = noise(1, dtype=np.float32)
    pixels[~holes()] = np.nan
    pixels[40:50, 10:60] = np.float32(-1.5e30)
    valid = holes()
    valid[40:50, 10:60] = False
    path = create(tmp_path / "a.json",
                  source(pixels, nodata=float(np.float32(-1.5e30))))
    assert nodata_of(path) == "-99999"
    Model([-99999], "nodata", dtype=np.float32).paint(
        pixels, valid=valid).check(path)


def test_lone_nan(tmp_path):
    """A NaN in one of three bands."""
    pixels = noise(3, dtype=np.float32)
    pixels[20:30, 20:30, 1] = np.nan
    path = create(tmp_path / "a.json", source(pixels), "NODATA=-5,-6,-7")
    pixels[20:30, 20:30, 1] = -6
    Model([-5, -6, -7], "all", dtype=np.float32).paint(pixels).check(path)


def nodata_of(path):
    return rok4_write.descriptor(path)["raster_specifications"]["nodata"]


@pytest.mark.parametrize("bands", [1, 3])
def test_dataset_mask(bands, tmp_path):
    """Pixels that a source's mask band excludes become nodata; MASK=YES keeps
    the mask, and means are then of what is valid only."""
    pixels = noise(bands)
    dataset = source(pixels, mask=holes())
    path = create(tmp_path / "a.json", dataset)
    model = Model([255] * bands, rule_of(bands))
    model.paint(pixels, valid=holes()).check(path)
    path = create(tmp_path / "b.json", dataset, "MASK=YES")
    strict(path)
    model = Model([255] * bands, "mask")
    model.paint(pixels, valid=holes()).check(path, masks=True)


def test_masks_of_nodata_and_alpha(tmp_path):
    pixels = noise(1)
    pixels[~holes()] = 7
    path = create(tmp_path / "a.json", source(pixels, nodata=7), "MASK=YES")
    Model([7], "mask").paint(pixels, valid=holes()).check(path, masks=True)
    pixels = noise(4)
    pixels[:, :, 3] = np.where(holes(), 255, 0)
    path = create(tmp_path / "b.json", source(pixels, alpha=True), "MASK=YES")
    strict(path)
    found = decoded(path)
    model = Model([255] * 3 + [0], "mask")
    model.paint(pixels, valid=holes(), keep=True).check(path, masks=True)
    assert found.channels == 4


def test_slabs_without_data(tmp_path):
    """Slabs wholly without data are not there, on any level; those that are
    there are dense."""
    pixels = noise(1, (512, 512))
    valid = np.zeros((512, 512), bool)
    valid[10:20, 10:20] = True
    valid[500, 500] = True
    pixels[~valid] = 0
    px = (64 * 64, 44 * 64)
    path = create(tmp_path / "a.json", source(pixels, px, nodata=0))
    strict(path)
    found = rok4_write.slabs(path)
    assert len([key for key in found if key.startswith("DATA/5/")]) == 2
    assert all(0 not in rok4_write.tile_sizes(data)
               for data in found.values())
    Model([0], "nodata", px=px, size=(512, 512)).paint(
        pixels, px, valid).check(path)


# ---- Palettes ----


COLOURS = {0: (10, 20, 30, 255), 1: (200, 100, 50, 255), 2: (7, 8, 9, 255),
           3: (60, 70, 80, 255)}


def indexes():
    px_y, px_x = np.mgrid[0:SIZE[0], 0:SIZE[1]]
    return ((px_x // 21 + px_y // 17) % 4).astype(np.uint8)


def test_palette(tmp_path):
    """Opaque colours give three bands; classes have no mean."""
    path = create(tmp_path / "a.json", source(indexes(), palette=COLOURS))
    table = np.array([COLOURS[i][:3] for i in range(4)], np.uint8)
    model = Model([255] * 3, "all").paint(table[indexes()])
    model.check(path, "NEAREST")
    path = create(tmp_path / "b.json", source(indexes(), palette=COLOURS),
                  "OVERVIEW_RESAMPLING=AVERAGE")
    model.check(path)


def test_transparent_palette(tmp_path):
    """A transparent colour gives four bands."""
    colours = dict(COLOURS)
    colours[2] = (7, 8, 9, 0)
    path = create(tmp_path / "a.json", source(indexes(), palette=colours))
    table = np.array([colours[i] for i in range(4)], np.uint8)
    pixels = table[indexes()]
    model = Model([255] * 3 + [0], "alpha")
    model.paint(pixels, valid=indexes() != 2)
    found = decoded(path)
    level = found.levels[0]
    expected = model.window(model.pixels, level)
    pixels = found.level_array(level)
    np.testing.assert_array_equal(pixels[:, :, 3], expected[:, :, 3])
    opaque = expected[:, :, 3] == 255
    np.testing.assert_array_equal(pixels[opaque], expected[opaque])
    strict(path)


def test_palette_nodata(tmp_path):
    """The index for "no data" tells what is not valid, in three bands."""
    dataset = source(indexes(), palette=COLOURS, nodata=3)
    path = create(tmp_path / "a.json", dataset, "MASK=YES", "NODATA=1,2,3")
    table = np.array([COLOURS[i][:3] for i in range(4)], np.uint8)
    model = Model([1, 2, 3], "mask")
    model.paint(table[indexes()], valid=indexes() != 3)
    model.check(path, "NEAREST", masks=True)


def test_palette_jpeg(tmp_path):
    path = create(tmp_path / "a.json", source(indexes(), palette=COLOURS),
                  "COMPRESS=JPEG")
    assert decoded(path).channels == 3
    strict(path)
