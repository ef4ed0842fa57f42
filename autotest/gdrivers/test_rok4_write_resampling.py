# SPDX-License-Identifier: MIT
"""Sources off the grid, and methods for coarser levels."""

import numpy as np
import pytest
from osgeo import gdal

import rok4_util
import rok4_write
from rok4_write import (PX, Model, create, decoded, descriptor, noise,
                        refuse, source)

METHODS = ["NEAREST", "AVERAGE", "MODE", "RMS", "BILINEAR", "CUBIC",
           "CUBICSPLINE", "LANCZOS"]
INTERPOLATIONS = {"NEAREST": "nn", "MODE": "nn", "BILINEAR": "linear",
                  "AVERAGE": "linear", "RMS": "linear", "CUBIC": "bicubic",
                  "CUBICSPLINE": "bicubic", "LANCZOS": "lanczos"}


def recipe(path):
    """What was used, for updates; and the ROK4 name nearest to it."""
    text = descriptor(path)
    return (text["gdal_rok4"]["warp_resampling"],
            text["gdal_rok4"]["overview_resampling"],
            text["raster_specifications"]["interpolation"])


def halves(seed=0):
    """A source half a pixel off, and a bit coarser."""
    matrix = rok4_write.matrix_of()
    return source(noise(3, (200, 200), seed=seed), (PX[0] + .5, PX[1] + .5),
                  cell=matrix["cellSize"] * 1.25)


def warped(dataset, level, method):
    """What gdalwarp makes on the limits of a level: pixels, coverage."""
    width, height = level.size
    left, cell, _, top, _, _ = level.geotransform
    done = gdal.Warp("", dataset, format="MEM", resampleAlg=method,
                     outputBounds=(left, top - cell * height,
                                   left + cell * width, top),
                     width=width, height=height, dstAlpha=True,
                     dstSRS="EPSG:3857", errorThreshold=0)
    pixels = rok4_util.pixels_of(done)
    return pixels[:, :, :-1], pixels[:, :, -1] == 255


def bottom(path):
    pyramid = decoded(path)
    return pyramid.levels[0], pyramid.level_array(pyramid.levels[0])


@pytest.mark.parametrize("method", METHODS)
def test_warp(method, tmp_path):
    """WARP_RESAMPLING= makes what gdalwarp makes, but for its rounding and the
    edges; coarser levels are means all the same."""
    dataset = halves()
    path = create(tmp_path / "a.json", dataset, "WARP_RESAMPLING=" + method)
    assert recipe(path) == (method, "AVERAGE", INTERPOLATIONS[method])
    level, found = bottom(path)
    name = "near" if method == "NEAREST" else method.lower()
    expected, covered = warped(dataset, level, name)
    inner = np.s_[20 + 2:20 + 248, 30 + 2:30 + 248]
    assert covered[inner].all()
    difference = np.abs(found[inner].astype(int) - expected[inner])
    assert difference.max() <= 1 and difference.mean() < 0.1
    model = Model([255] * 3, "all", size=(260, 260))
    left, top = (level.limits[i] * 64 for i in (0, 1))
    model.paint(found, (left, top)).check(path)


def test_warp_methods_differ(tmp_path):
    seen = set()
    for method in METHODS:
        path = create(tmp_path / (method + ".json"), halves(),
                      "WARP_RESAMPLING=" + method)
        seen.add(bottom(path)[1].tobytes())
    assert len(seen) == len(METHODS)


def test_warp_default(tmp_path):
    """Cubic, and nearest for the indexes of a palette."""
    one = create(tmp_path / "a.json", halves())
    other = create(tmp_path / "b.json", halves(), "WARP_RESAMPLING=CUBIC")
    rok4_write.same_slabs(one, other)
    assert recipe(one) == ("CUBIC", "AVERAGE", "bicubic")


@pytest.mark.parametrize("method", METHODS)
def test_aligned(method, tmp_path):
    """Sources on the grid are not resampled, whatever the method."""
    pixels = noise(3)
    path = create(tmp_path / "a.json", source(pixels),
                  "WARP_RESAMPLING=" + method)
    Model([255] * 3, "all").paint(pixels).check(path)


def test_nearly_aligned(tmp_path):
    """What counts as on the grid: a hundredth of a pixel."""
    pixels = noise(3)
    path = create(tmp_path / "a.json",
                  source(pixels, (PX[0] + 4e-3, PX[1] - 4e-3)))
    Model([255] * 3, "all").paint(pixels).check(path)
    path = create(tmp_path / "b.json", source(pixels, (PX[0] + .05, PX[1])))
    assert not np.array_equal(bottom(path)[1],
                              bottom(tmp_path / "a.json")[1])


def reduced(pixels, method):
    """What GDAL makes of a level, [height][width][bands]."""
    height, width, _ = pixels.shape
    dataset = source(pixels)
    kind = {"BILINEAR": gdal.GRIORA_Bilinear, "CUBIC": gdal.GRIORA_Cubic,
            "CUBICSPLINE": gdal.GRIORA_CubicSpline,
            "LANCZOS": gdal.GRIORA_Lanczos}[method]
    return dataset.ReadAsArray(
        buf_xsize=width // 2, buf_ysize=height // 2,
        resample_alg=kind).transpose(1, 2, 0)


@pytest.mark.parametrize("method", METHODS)
def test_overview(method, tmp_path):
    """OVERVIEW_RESAMPLING= on every level, and on a lossy one too of pixels
    that have not been encoded."""
    size = (512, 512)
    px = (64 * 64, 48 * 64)
    pixels = noise(3, size)
    if method == "MODE":
        pixels = pixels // 60 * 60
    path = create(tmp_path / "a.json", source(pixels, px),
                  "OVERVIEW_RESAMPLING=" + method)
    assert recipe(path) == ("CUBIC", method, "bicubic")
    lossy = create(tmp_path / "b.json", source(pixels, px), "COMPRESS=JPEG",
                   "QUALITY=90", "OVERVIEW_RESAMPLING=" + method)
    model = Model([255] * 3, "all", size=size, px=px).paint(pixels, px)
    pyramid = decoded(path)
    if method in ("NEAREST", "AVERAGE", "MODE", "RMS"):
        model.check(path, method)
    else:
        for fine, coarse in zip(pyramid.levels, pyramid.levels[1:]):
            made = reduced(pyramid.level_array(fine), method)
            found = pyramid.level_array(coarse)
            assert found.shape == made.shape
            inner = np.s_[8:-8, 8:-8] if made.shape[0] > 16 else np.s_[:]
            np.testing.assert_allclose(found[inner].astype(int),
                                       made[inner].astype(int), atol=1)
    for one, other in zip(pyramid.levels, decoded(lossy).levels):
        np.testing.assert_array_equal(
            decoded(lossy).level_array(other),
            rok4_write.through_jpeg(pyramid.level_array(one), 90))


def test_overview_methods_differ(tmp_path):
    """Also where pixels without data take part in none."""
    pixels = noise(1, (200, 200))
    px_y, px_x = np.mgrid[0:200, 0:200]
    pixels[(px_x - 100) ** 2 + (px_y - 100) ** 2 > 80 ** 2] = 0
    seen = set()
    for method in METHODS:
        path = create(tmp_path / (method + ".json"),
                      source(pixels, nodata=0),
                      "OVERVIEW_RESAMPLING=" + method)
        pyramid = decoded(path)
        found = pyramid.level_array(pyramid.level("4"))
        assert found.max() > 200
        low = found[found != 0]
        assert low.min() >= 15, method
        seen.add(found.tobytes())
    assert len(seen) == len(METHODS)


def test_both(tmp_path):
    """RESAMPLING= stands for both, and gives way to either."""
    path = create(tmp_path / "a.json", halves(), "RESAMPLING=BILINEAR")
    assert recipe(path) == ("BILINEAR", "BILINEAR", "linear")
    other = create(tmp_path / "b.json", halves(), "WARP_RESAMPLING=BILINEAR",
                   "OVERVIEW_RESAMPLING=BILINEAR")
    rok4_write.same_slabs(path, other)
    path = create(tmp_path / "c.json", halves(), "RESAMPLING=BILINEAR",
                  "OVERVIEW_RESAMPLING=NEAREST")
    assert recipe(path) == ("BILINEAR", "NEAREST", "linear")
    path = create(tmp_path / "d.json", halves(), "RESAMPLING=NEAREST",
                  "WARP_RESAMPLING=LANCZOS")
    assert recipe(path) == ("LANCZOS", "NEAREST", "lanczos")


@pytest.mark.parametrize("option", ["RESAMPLING", "WARP_RESAMPLING",
                                    "OVERVIEW_RESAMPLING"])
def test_unknown_method(option, tmp_path):
    message = refuse(tmp_path / "a.json", halves(), option + "=FANCY")
    assert all(method in message for method in METHODS)


def test_other_crs(tmp_path):
    """Degrees become metres: where gdalwarp has pixels, we have its."""
    dataset = gdal.GetDriverByName("MEM").Create("", 240, 180, 3)
    pixels = noise(3, (180, 240))
    for i in range(3):
        dataset.GetRasterBand(i + 1).WriteArray(pixels[:, :, i])
    dataset.SetGeoTransform((2, 0.05, 0, 48, 0, -0.05))
    dataset.SetProjection('EPSG:4326')
    path = create(tmp_path / "a.json", dataset, "WARP_RESAMPLING=BILINEAR",
                  "MASK=YES")
    level, found = bottom(path)
    expected, covered = warped(dataset, level, "bilinear")
    mask = decoded(path).level_array(level, True)[:, :, 0] != 0
    np.testing.assert_array_equal(mask, covered)
    difference = np.abs(found[covered].astype(int) -
                        expected[covered].astype(int))
    assert difference.max() <= 1
