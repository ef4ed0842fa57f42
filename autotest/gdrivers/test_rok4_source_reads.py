# SPDX-License-Identifier: MIT
"""What CreateCopy reads of a source, and what not: gaps, missing files, broken
blocks."""

import os
import time

import numpy as np
import pytest
from osgeo import gdal

import rok4_make
import rok4_write
from rok4_bottom import FIVE, contrast, tiles
from rok4_write import create, decoded, noise, refuse, source


def mosaic(tmp_path, parts, name="all.vrt"):
    """A VRT of (pixels, corner) each, and the names of its files."""
    names = []
    for i, (pixels, px, level, scheme) in enumerate(parts):
        names.append(str(tmp_path / ("%s.%d.tif" % (name, i))))
        source(pixels, px, level, scheme, path=names[-1])
    vrt = gdal.BuildVRT(str(tmp_path / name), names)
    vrt.FlushCache()
    return vrt, names


class Deadline:
    """A progress function that says no when it takes too long."""

    def __init__(self, seconds=30):
        self.end = time.monotonic() + seconds

    def __call__(self, fraction, message, user):
        return 1 if time.monotonic() < self.end else 0


@pytest.mark.parametrize("shift", [0, .5])
def test_far_apart(shift, tmp_path):
    """Half a million pixels from one another, both ways: what is between is
    not looked at, on the grid and off it."""
    size, step = (256, 256), 1 << 19
    px = (66304 * 256, 45056 * 256)
    one, two = contrast(3, size, 1), contrast(3, size, 2)
    vrt, _ = mosaic(tmp_path, [
        (pixels, (px[0] + i * step + shift, px[1] + i * step), "18", "PM")
        for i, pixels in enumerate((one, two))])
    path = create(tmp_path / "a.json", vrt, "TILING_SCHEME=PM",
                  "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2", "TOP_LEVEL=15",
                  "WARP_RESAMPLING=BILINEAR", small=False,
                  callback=Deadline())
    # Off the grid, the reach of a kernel counts.
    assert len(rok4_write.slabs(path, "18")) == (2 if shift == 0 else 5)
    level = decoded(path).levels[0]
    tile = decoded(path).tile(level, (px[0] + step) // 256,
                              (px[1] + step) // 256)
    if shift == 0:
        np.testing.assert_array_equal(tile, two)
    else:
        mean = (two[:, 1:].astype(int) + two[:, :-1]) / 2
        np.testing.assert_allclose(tile[:, 1:], mean, atol=1)


def test_sparse_file(tmp_path):
    """Blocks that a GeoTIFF does not have are no data."""
    name = str(tmp_path / "source.tif")
    size = 1 << 17
    px = (66304 * 256, 45056 * 256)
    dataset = gdal.GetDriverByName("GTiff").Create(
        name, size, size, 3, gdal.GDT_Byte,
        ["SPARSE_OK=YES", "TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512",
         "COMPRESS=DEFLATE", "INTERLEAVE=PIXEL"])
    rok4_write.place(dataset, px, "18", "PM")
    pixels = contrast(3, (512, 512))
    for band in range(3):
        dataset.GetRasterBand(band + 1).WriteArray(
            pixels[:, :, band], 1024 * 64, 1024 * 96)
    dataset = None
    path = create(tmp_path / "a.json", gdal.Open(name), "TILING_SCHEME=PM",
                  "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2", "TOP_LEVEL=16",
                  small=False, callback=Deadline())
    pyramid = decoded(path)
    level = pyramid.levels[0]
    assert level.limits == tiles(px, (size, size), 256)
    (slab,) = rok4_write.slabs(path, level.id_)
    assert slab == "DATA/18/" + rok4_make.slab_path(
        (px[0] + 1024 * 64) // 512, (px[1] + 1024 * 96) // 512, 2)
    tile = pyramid.tile(level, (px[0] + 1024 * 64) // 256 + 1,
                        (px[1] + 1024 * 96) // 256)
    np.testing.assert_array_equal(tile, pixels[:256, 256:])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", ["2", "16"])
def test_gaps(shape, dtype, tmp_path):
    """Tiles of which a mosaic has nothing stay as they are, whatever else is
    in their slab; it needs no nodata value for that."""
    size = (8 * 64, 8 * 64)
    corner = (64 * 64, 48 * 64)
    options = ["TILES_PER_WIDTH=" + shape, "TILES_PER_HEIGHT=" + shape] + FIVE
    old = noise(1, size, dtype, seed=5)
    path = create(tmp_path / "a.json", source(old, corner), "MASK=YES",
                  *options)
    parts = [(noise(1, (64, 100), dtype, seed=6), (64 * 64, 49 * 64)),
             (noise(1, (40, 64), dtype, seed=7), (70 * 64, 53 * 64 + 5))]
    vrt, _ = mosaic(tmp_path, [(pixels, px, "5", "T64")
                               for pixels, px in parts])
    create(path, vrt, "UPDATE_MODE=INPLACE", small=False)
    expected = old.copy()
    # Within a tile and the extent, 0 is as good as any value.
    expected[64:128, 64:128] = 0
    expected[320:365, 384:448] = 0
    for pixels, px in parts:
        y, x = px[1] - corner[1], px[0] - corner[0]
        expected[y:y + pixels.shape[0], x:x + pixels.shape[1]] = pixels
    pyramid = decoded(path)
    np.testing.assert_array_equal(pyramid.level_array(pyramid.levels[0]),
                                  expected)


def test_what_lies_outside_is_not_read(tmp_path):
    """Files of a mosaic beyond the matrix may be missing: a warning says so.
    One that is needed is an error, and never a gap."""
    size = (100, 100)
    vrt, names = mosaic(tmp_path, [(noise(1, size, seed=i), px, "5", "T64")
                                   for i, px in enumerate((
                                       (-100, 0), (0, 0), (50, -100)))])
    os.remove(names[0])
    os.remove(names[2])
    done, errors = rok4_write.run(tmp_path / "a.json",
                                  gdal.Open(vrt.GetDescription()), FIVE, True,
                                  None)
    assert done is not None and not errors.failures
    assert any(names[0] in text for text in errors.warnings)
    assert any(names[2] in text for text in errors.warnings)
    pyramid = decoded(tmp_path / "a.json")
    level = pyramid.levels[0]
    assert level.limits == (0, 0, 2, 1)
    np.testing.assert_array_equal(pyramid.level_array(level)[:100, :100],
                                  noise(1, size, seed=1))
    os.remove(names[1])
    done, errors = rok4_write.run(tmp_path / "b.json",
                                  gdal.Open(vrt.GetDescription()), FIVE, True,
                                  None)
    assert done is None
    assert vrt.GetDescription() in errors.failures[0]
    assert any(names[1] in text for text in errors.warnings)
    assert "b.json" not in os.listdir(str(tmp_path))


def truncated(path):
    """A GeoTIFF on level 5 whose last blocks are missing."""
    path = str(path)
    dataset = gdal.GetDriverByName("GTiff").Create(
        path, 300, 300, 3, gdal.GDT_Byte,
        ["COMPRESS=DEFLATE", "TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64",
         "INTERLEAVE=PIXEL"])
    rok4_write.place(dataset)
    pixels = noise(3, (300, 300))
    for band in range(3):
        dataset.GetRasterBand(band + 1).WriteArray(pixels[:, :, band])
    dataset = None
    os.truncate(path, os.path.getsize(path) * 2 // 3)
    return path


@pytest.mark.parametrize("how", ["grid", "warp", "vrt", "mosaic", "mask"])
def test_failing_block(how, tmp_path):
    """The error names the source and what ails it; nothing is left."""
    name = truncated(tmp_path / "source.tif")
    dataset, options = gdal.Open(name), []
    if how == "warp":
        options = ["BOTTOM_LEVEL=6"]
    elif how == "vrt":
        dataset = gdal.Warp("", name, format="VRT", dstSRS="EPSG:4326")
    elif how == "mosaic":
        dataset = gdal.BuildVRT("", [name])
    elif how == "mask":
        options = ["MASK=YES"]
    message = refuse(tmp_path / "a.json", dataset, *options)
    assert "TIFFFillTile" in message
    # A VRT in memory has no name.
    assert (name if how != "mosaic" else "source: ") in message
    assert os.listdir(str(tmp_path)) == ["source.tif"]
