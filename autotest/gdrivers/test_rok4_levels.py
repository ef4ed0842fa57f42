# SPDX-License-Identifier: MIT
"""Levels as overviews: sizes, alignment, limits, EXTENT_METHOD."""

import json

import numpy as np
import pytest
from osgeo import gdal

import rok4_decode
import rok4_make
import rok4_tms
from rok4_util import (Errors, bands_of, open_dataset, pixels_of, read_bands,
                       refused)


def make(tmp_path, levels, tms=None, fmt="TIFF_ZIP_UINT8", channels=1, **more):
    tms = tms or rok4_tms.quadtree("Q")
    rok4_tms.write(str(tmp_path), tms)
    pyramid = rok4_make.Pyramid(tmp_path, "N", tms, fmt, channels,
                                levels=levels, **more)
    return pyramid.write()


def messages(path, *options):
    with Errors() as errors:
        dataset = gdal.OpenEx(str(path), open_options=list(options))
    assert dataset is not None, errors.texts()
    return dataset, errors.warnings


def test_sizes_are_rounded_up(tmp_path):
    """One tile of 64: 32, 16, 8, 4, 2, 1, then 1 again."""
    tms = rok4_tms.quadtree("Q", nlevels=12)
    levels = [rok4_make.Level(str(i), (5 >> (11 - i), 9 >> (11 - i),
                                       5 >> (11 - i), 9 >> (11 - i)))
              for i in range(12)]
    dataset = open_dataset(make(tmp_path, levels, tms))
    band = dataset.GetRasterBand(1)
    sizes = [(band.GetOverview(i).XSize, band.GetOverview(i).YSize)
             for i in range(band.GetOverviewCount())]
    assert sizes == [(n, n) for n in (32, 16, 8, 4, 2, 1, 1, 1, 1, 1, 1)]
    reference = rok4_decode.Pyramid(str(tmp_path / "N.json"), tmp_path)
    for i, level in enumerate(reference.levels[1:]):
        np.testing.assert_array_equal(
            read_bands(bands_of(dataset, i)),
            reference.overview(reference.levels[0], level))


def test_tilematrix_of_every_level(tmp_path):
    """By option and by name; the finest included; ids need not be numbers."""
    tms = rok4_tms.quadtree("Q", nlevels=4, ids=["top", "L.1", "a b", "9é"])
    path = make(tmp_path, [rok4_make.Level("9é", (6, 6, 7, 7)),
                           rok4_make.Level("a b", (3, 3, 3, 3)),
                           rok4_make.Level("L.1", (1, 1, 1, 1)),
                           rok4_make.Level("top", (0, 0, 0, 0))], tms)
    reference = rok4_decode.Pyramid(path, tmp_path)
    for i, level in enumerate(reference.levels):
        expected = reference.level_array(level)
        for name, options in ((path, ["TILEMATRIX=" + level.id_]),
                              ('ROK4:"%s":%s' % (path, level.id_), []),
                              ("ROK4:%s:%s" % (path, level.id_), [])):
            dataset = open_dataset(name, *options)
            np.testing.assert_array_equal(pixels_of(dataset), expected)
            assert (dataset.GetRasterBand(1).GetOverviewCount() == 3 - i)
    for name, options in ((path, ["TILEMATRIX=absent"]),
                          ('ROK4:"%s":absent' % path, [])):
        message = refused(name, *options)
        assert "absent" in message


def test_coarser_level_with_smaller_limits(tmp_path):
    """Nodata where the coarser level has no tile in its limits, although
    its slab holds pixels there."""
    path = make(tmp_path, [
        rok4_make.Level("4", (8, 8, 15, 15), (4, 4)),
        rok4_make.Level("3", (4, 4, 5, 6), (4, 4), outside=(99,))])
    dataset = open_dataset(path)
    reference = rok4_decode.Pyramid(path, tmp_path)
    overview = dataset.GetRasterBand(1).GetOverview(0).ReadAsArray()
    assert overview.shape == (256, 256)
    np.testing.assert_array_equal(overview[:192, :128],
                                  reference.level_array(
                                      reference.level("3"))[:, :, 0])
    assert (overview[192:] == 255).all() and (overview[:, 128:] == 255).all()
    assert 99 not in overview[192:]


def test_level_not_aligned(tmp_path):
    """A corner in the middle of a coarser tile, and of a coarser pixel."""
    path = make(tmp_path, [rok4_make.Level("5", (9, 11, 20, 17), (4, 4)),
                           rok4_make.Level("4", (4, 5, 10, 8), (4, 4)),
                           rok4_make.Level("2", (1, 1, 2, 2), (4, 4))])
    dataset = open_dataset(path)
    reference = rok4_decode.Pyramid(path, tmp_path)
    for i, level in enumerate(reference.levels[1:]):
        np.testing.assert_array_equal(
            read_bands(bands_of(dataset, i)),
            reference.overview(reference.levels[0], level))


def test_nearest_whole_pixel(tmp_path):
    """Corners 1/3 and 2/3 of a coarse pixel off: rounded both ways."""
    for shift, expected in ((10, 0), (20, 1)):
        place = tmp_path / str(shift)
        tms = rok4_tms.ladder("S", "EPSG:32631", [
            ("a", 30, 500000 - shift, 100000), ("b", 10, 500000, 100000)],
            (30, 30), (4, 4))
        place.mkdir()
        path = make(place, [rok4_make.Level("b", (0, 0, 8, 8)),
                            rok4_make.Level("a", (0, 0, 3, 3))], tms)
        dataset = open_dataset(path)
        reference = rok4_decode.Pyramid(path, place)
        coarse = reference.level_array(reference.level("a"))[:, :, 0]
        np.testing.assert_array_equal(
            dataset.GetRasterBand(1).GetOverview(0).ReadAsArray(),
            coarse[:90, expected:expected + 90])


def wide(tmp_path, margin=3):
    """A fine level on 2x2 tiles inside a coarse level of many more."""
    return make(tmp_path, [
        rok4_make.Level("5", (16, 16, 17, 17)),
        rok4_make.Level("4", (8 - margin, 8, 8, 8 + margin)),
        rok4_make.Level("3", (4, 4, 4, 4))])


def test_wider_level_is_said_once(tmp_path):
    dataset, warnings = messages(wide(tmp_path))
    assert (dataset.RasterXSize, dataset.RasterYSize) == (128, 128)
    assert len(warnings) == 1 and "EXTENT_METHOD" in warnings[0]
    with Errors() as errors:
        dataset.ReadAsArray()
        dataset.GetRasterBand(1).GetOverview(0).ReadAsArray()
    assert errors.texts() == []


def test_no_warning_within_one_tile(tmp_path):
    """Tiles of coarse levels overhang the data: nothing to say."""
    path = make(tmp_path, [rok4_make.Level("5", (17, 17, 20, 20)),
                           rok4_make.Level("4", (8, 8, 10, 10)),
                           rok4_make.Level("1", (1, 1, 1, 1))])
    assert messages(path)[1] == []


def test_extent_of_a_level(tmp_path):
    path = wide(tmp_path)
    reference = rok4_decode.Pyramid(path, tmp_path)
    dataset, warnings = messages(path, "EXTENT_METHOD=4")
    assert warnings == []
    assert (dataset.RasterXSize, dataset.RasterYSize) == (4 * 128, 4 * 128)
    fine, coarse = reference.level("5"), reference.level("4")
    expected = list(coarse.geotransform)
    expected[1], expected[5] = fine.cell, -fine.cell
    np.testing.assert_allclose(dataset.GetGeoTransform(), expected,
                               rtol=1e-12, atol=1e-9)
    pixels = pixels_of(dataset)
    np.testing.assert_array_equal(pixels[:128, 384:512],
                                  reference.level_array(fine))
    pixels = pixels.copy()
    pixels[:128, 384:512] = 255
    assert (pixels == 255).all()
    np.testing.assert_array_equal(read_bands(bands_of(dataset, 0)),
                                  reference.level_array(coarse))


def test_extent_of_the_matrix(tmp_path):
    path = make(tmp_path, [rok4_make.Level("2", (3, 4, 5, 5)),
                           rok4_make.Level("1", (1, 2, 2, 2))])
    reference = rok4_decode.Pyramid(path, tmp_path)
    dataset, warnings = messages(path, "EXTENT_METHOD=MATRIX")
    assert warnings == []
    assert (dataset.RasterXSize, dataset.RasterYSize) == (1024, 1024)
    np.testing.assert_allclose(
        dataset.GetGeoTransform(),
        (-20037508.3427892, 39135.75848201025, 0,
         20037508.3427892, 0, -39135.75848201025), rtol=1e-12, atol=1e-9)
    pixels = pixels_of(dataset)
    np.testing.assert_array_equal(
        pixels[4 * 64:6 * 64, 3 * 64:6 * 64],
        reference.level_array(reference.level("2")))
    assert (pixels[:4 * 64] == 255).all() and (pixels[6 * 64:] == 255).all()
    overview = dataset.GetRasterBand(1).GetOverview(0).ReadAsArray()
    np.testing.assert_array_equal(
        overview[128:192, 64:192],
        reference.level_array(reference.level("1"))[:, :, 0])
    assert (overview[:128] == 255).all()


def test_extent_methods(tmp_path):
    path = wide(tmp_path)
    dataset, _ = messages(path, "EXTENT_METHOD=LIMITS")
    assert (dataset.RasterXSize, dataset.RasterYSize) == (128, 128)
    message = refused(path, "EXTENT_METHOD=nothing")
    assert "EXTENT_METHOD" in message and "nothing" in message
    dataset, _ = messages(path, "EXTENT_METHOD=5", "TILEMATRIX=5")
    assert (dataset.RasterXSize, dataset.RasterYSize) == (128, 128)


def test_empty_level(tmp_path):
    """All limits zero while others' are not: it never received data."""
    path = make(tmp_path, [
        rok4_make.Level("4", (9, 8, 10, 9)),
        rok4_make.Level("3", (4, 4, 5, 4)),
        rok4_make.Level("2", (0, 0, 0, 0), outside=(7,))])
    dataset, warnings = messages(path)
    assert warnings == []
    band = dataset.GetRasterBand(1)
    assert (dataset.RasterXSize, dataset.RasterYSize) == (128, 128)
    for i in range(1, band.GetOverviewCount()):
        assert (band.GetOverview(i).ReadAsArray() == 255).all()
    # The finest level empty: the next one gives the extent.
    with open(path, encoding="utf-8") as file:
        descriptor = json.load(file)
    descriptor["levels"].append(dict(
        descriptor["levels"][0], id="5", tile_limits=dict.fromkeys(
            ("min_row", "max_row", "min_col", "max_col"), 0)))
    with open(path, "w", encoding="utf-8") as file:
        json.dump(descriptor, file)
    with Errors():
        dataset = gdal.Open(path)
    assert dataset is not None
    west = -20037508.3427892 + 9 * 64 * 9783.939620502562
    assert dataset.GetGeoTransform()[0] == pytest.approx(west, rel=1e-12)


def test_single_tile_at_the_corner(tmp_path):
    """Limits all zero everywhere: data in the first tile, not emptiness."""
    path = make(tmp_path, [rok4_make.Level("4", (0, 0, 0, 0)),
                           rok4_make.Level("3", (0, 0, 0, 0))])
    dataset = open_dataset(path)
    reference = rok4_decode.Pyramid(path, tmp_path)
    np.testing.assert_array_equal(
        pixels_of(dataset), reference.level_array(reference.levels[0]))
    assert dataset.GetRasterBand(1).GetOverviewCount() == 1


@pytest.mark.parametrize("written,clamped", [
    ((12, 12, 99, 15), (12, 12, 15, 15)),
    ((12, 12, 16, 16), (12, 12, 15, 15)),
    ((-5, -1, 3, 3), (0, 0, 3, 3)),
    ((-1, 14, 1000000, 1000000), (0, 14, 15, 15))])
def test_limits_are_clamped(tmp_path, written, clamped):
    """To the matrix of 16x16, not one past it."""
    path = make(tmp_path, [rok4_make.Level("2", clamped,
                                           written_limits=written)])
    reference = rok4_decode.Pyramid(path, tmp_path)
    assert reference.levels[0].limits == clamped
    dataset = open_dataset(path)
    assert ((dataset.RasterXSize, dataset.RasterYSize) ==
            reference.levels[0].size)
    np.testing.assert_array_equal(
        pixels_of(dataset), reference.level_array(reference.levels[0]))


def test_levels_of_different_shape(tmp_path):
    """Per-level slab sizes, path depths and tile sizes."""
    tms = rok4_tms.tms("V", "EPSG:3857", [
        rok4_tms.matrix("c", 40, (0, 0), (32, 32), (8, 8)),
        rok4_tms.matrix("b", 20, (0, 0), (64, 16), (8, 32)),
        rok4_tms.matrix("a", 10, (0, 0), (128, 128), (8, 8))])
    path = make(tmp_path, [
        rok4_make.Level("a", (2, 3, 4, 4), (2, 3), 1),
        rok4_make.Level("b", (2, 12, 4, 19), (1, 1), 4),
        rok4_make.Level("c", (2, 3, 4, 4), (16, 16), 0)], tms)
    dataset = open_dataset(path)
    reference = rok4_decode.Pyramid(path, tmp_path)
    for i, level in enumerate(reference.levels[1:]):
        assert tuple(dataset.GetRasterBand(1).GetOverview(i).GetBlockSize()
                     ) == level.tile
        np.testing.assert_array_equal(
            read_bands(bands_of(dataset, i)),
            reference.overview(reference.levels[0], level))
