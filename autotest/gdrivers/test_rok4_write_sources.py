# SPDX-License-Identifier: MIT
"""Sources of all kinds: gdalwarp, VRT, files in memory; and other grids."""

import os
import subprocess

import numpy as np
import pytest
from osgeo import gdal, osr

import rok4_tms
import rok4_util
import rok4_write
from rok4_write import (PX, SIZE, SMALL, Model, create, decoded, descriptor,
                        noise, source, strict)

CREATION = [part for option in SMALL for part in ("-co", option)]


def degrees(bands=3, path="", nodata=None):
    """A source in degrees, finer than level 5 of T64."""
    pixels = noise(bands, (300, 260), seed=7)
    dataset = source(pixels, path=path, nodata=nodata)
    dataset.SetGeoTransform((2, 0.04, 0, 47, 0, -0.04))
    dataset.SetProjection("EPSG:4326")
    dataset.FlushCache()
    return dataset


def on_level(dataset, level, method="near", **options):
    """What gdalwarp alone makes on a level's limits: pixels, coverage."""
    width, height = level.size
    left, cell, _, top, _, _ = level.geotransform
    done = gdal.Warp("", dataset, format="MEM", dstSRS="EPSG:3857",
                     outputBounds=(left, top - cell * height,
                                   left + cell * width, top),
                     width=width, height=height, dstAlpha=True,
                     resampleAlg=method, **options)
    pixels = rok4_util.pixels_of(done)
    return pixels[:, :, :-1], pixels[:, :, -1] == 255


def bottom(path):
    pyramid = decoded(path)
    return pyramid.levels[0], pyramid.level_array(pyramid.levels[0])


def run(*arguments):
    done = subprocess.run(
        [str(a) for a in arguments], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
        env=dict(os.environ, ROK4_TMS_DIRECTORY=gdal.GetConfigOption(
            "ROK4_TMS_DIRECTORY")))
    assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout
    return done.stdout


def check_warped(path, dataset, method, share=0.03, **options):
    """Equal to what gdalwarp makes in one step, but for its approximation of
    coordinates at a few pixels, and the edge."""
    level, found = bottom(path)
    expected, covered = on_level(dataset, level, method, **options)
    inner = covered.copy()
    for axis in (0, 1):
        for shift in (-1, 1):
            inner &= np.roll(covered, shift, axis)
    differs = np.abs(found.astype(int) - expected).max(axis=2) > 1
    assert differs[inner].mean() <= share
    empty = (found == 255).all(axis=2)
    grown = covered.copy()
    for axis in (0, 1):
        for shift in (-1, 1):
            grown |= np.roll(covered, shift, axis)
    assert empty[~grown].all() and not empty[inner].all()


# ---- gdalwarp ----


@pytest.mark.skipif(rok4_util.SANITIZED, reason="starts GDAL's programs")
@pytest.mark.parametrize("method", ["near", "bilinear", "cubic", "average"])
def test_gdalwarp(method, tmp_path):
    """From degrees, once, with the method of -r; the grid is ours, with and
    without -t_srs."""
    degrees(path=str(tmp_path / "source.tif"))
    dataset = gdal.Open(str(tmp_path / "source.tif"))
    for name, options in (("a", []), ("b", ["-t_srs", "EPSG:3857"])):
        path = tmp_path / (name + ".json")
        run("gdalwarp", "-of", "ROK4", "-r", method, *options,
            tmp_path / "source.tif", path, *CREATION)
        assert sorted(os.listdir(str(tmp_path))) == sorted(
            [n + e for n in "ab"[:"ab".index(name) + 1]
             for e in ("", ".json", ".list")] + ["source.tif"])
        strict(path)
        check_warped(path, dataset, method)
        upper = {"near": "NEAREST"}.get(method, method.upper())
        assert descriptor(path)["gdal_rok4"]["warp_resampling"] == upper


@pytest.mark.skipif(rok4_util.SANITIZED, reason="starts GDAL's programs")
def test_gdalwarp_on_the_grid(tmp_path):
    """An extent and a resolution that are on the grid are used as they are:
    the very pixels that gdalwarp makes."""
    degrees(path=str(tmp_path / "source.tif"))
    matrix = rok4_write.matrix_of()
    cell = matrix["cellSize"]
    x0, y0 = matrix["pointOfOrigin"]
    left, top = x0 + 4200 * cell, y0 - 3000 * cell
    wanted = ["-t_srs", "EPSG:3857", "-r", "cubic", "-tr", cell, cell, "-te",
              left, top - 200 * cell, left + 150 * cell, top]
    run("gdalwarp", "-of", "GTiff", *wanted, tmp_path / "source.tif",
        tmp_path / "warped.tif")
    run("gdalwarp", "-of", "ROK4", *wanted, tmp_path / "source.tif",
        tmp_path / "a.json", *CREATION)
    level, found = bottom(tmp_path / "a.json")
    expected = rok4_util.pixels_of(gdal.Open(str(tmp_path / "warped.tif")))
    assert (expected != 0).all()
    y, x = 3000 - level.limits[1] * 64, 4200 - level.limits[0] * 64
    np.testing.assert_array_equal(found[y:y + 200, x:x + 150], expected)


def test_warp_in_memory(tmp_path):
    """gdal.Warp, with a source that has no file."""
    dataset = degrees()
    path = str(tmp_path / "a.json")
    done = gdal.Warp(path, dataset, format="ROK4", resampleAlg="bilinear",
                     creationOptions=SMALL)
    assert done is not None
    done = None
    strict(path)
    check_warped(path, dataset, "bilinear")


def test_warp_alpha(tmp_path):
    """-dstalpha gives a band."""
    dataset = degrees()
    path = str(tmp_path / "a.json")
    assert gdal.Warp(path, dataset, format="ROK4", dstAlpha=True,
                     dstSRS="EPSG:3857", creationOptions=SMALL) is not None
    level, found = bottom(path)
    assert found.shape[2] == 4
    expected, covered = on_level(dataset, level)
    same = (found[:, :, 3] == 255) == covered
    assert same.mean() > 0.99
    both = covered & (found[:, :, 3] == 255)
    differs = (found[:, :, :3] != expected).any(axis=2)
    assert differs[both].mean() < 0.002


def test_warp_nodata(tmp_path):
    """The source's nodata takes no part."""
    pixels = noise(1, (300, 260), seed=7)
    pixels[100:150, 60:140] = 7
    dataset = source(pixels, nodata=7)
    dataset.SetGeoTransform((2, 0.04, 0, 47, 0, -0.04))
    dataset.SetProjection("EPSG:4326")
    for how, path in (("warp", str(tmp_path / "a.json")),
                      ("copy", str(tmp_path / "b.json"))):
        if how == "warp":
            assert gdal.Warp(path, dataset, format="ROK4",
                             resampleAlg="cubic",
                             creationOptions=SMALL) is not None
        else:
            create(path, dataset)
        level, found = bottom(path)
        expected, covered = on_level(dataset, level, "cubic")
        found = found[:, :, 0]
        assert ((found != 7) == covered).mean() > 0.99
        both = covered & (found != 7)
        difference = np.abs(found.astype(int) - expected[:, :, 0])[both]
        assert (difference > 1).mean() < 0.01, how


# ---- Virtual files ----


def test_vrt_of_many(tmp_path):
    """A mosaic of 12 files on the grid, pixel for pixel."""
    pixels = noise(3, (300, 400))
    names = []
    for row in range(3):
        for col in range(4):
            names.append(str(tmp_path / ("%d_%d.tif" % (row, col))))
            part = pixels[row * 100:row * 100 + 100,
                          col * 100:col * 100 + 100]
            source(part, (PX[0] + col * 100, PX[1] + row * 100),
                   path=names[-1])
    vrt = gdal.BuildVRT(str(tmp_path / "all.vrt"), names)
    vrt.FlushCache()
    path = create(tmp_path / "a.json", vrt)
    Model([255] * 3, "all", size=(300, 400)).paint(pixels).check(path)


def test_vrt_with_gaps(tmp_path):
    """Parts far from one another: nothing between, and no slabs."""
    names = [str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]
    one, two = noise(1, (64, 64), seed=1), noise(1, (64, 64), seed=2)
    far = (80 * 64, 56 * 64)
    source(one, (64 * 64, 44 * 64), path=names[0], nodata=0)
    source(two, far, path=names[1], nodata=0)
    vrt = gdal.BuildVRT(str(tmp_path / "all.vrt"), names)
    vrt.FlushCache()
    path = create(tmp_path / "a.json", vrt)
    assert len(rok4_write.slabs(path, "5")) == 2
    model = Model([0], "nodata", px=(64 * 64, 44 * 64), size=(832, 1088))
    model.paint(one, (64 * 64, 44 * 64)).paint(two, far).check(path)


def test_memory(tmp_path):
    """Files in memory, on both sides; the slabs are those of the disk."""
    pixels = noise(3)
    source(pixels, path="/vsimem/rok4_write/source.tif")
    dataset = gdal.Open("/vsimem/rok4_write/source.tif")
    path = create("/vsimem/rok4_write/out/a.json", dataset, "MASK=YES",
                  "MD5=YES")
    opened = rok4_util.open_dataset(path)
    found = opened.ReadAsArray(30, 20, SIZE[1], SIZE[0])
    np.testing.assert_array_equal(found.transpose(1, 2, 0), pixels)
    opened = None
    other = create(tmp_path / "a.json", dataset, "MASK=YES", "MD5=YES")
    names = [n for n in gdal.ReadDirRecursive("/vsimem/rok4_write/out/a")
             if n.endswith(".tif")]
    expected = rok4_write.slabs(other)
    assert sorted(names) == sorted(expected)
    for name in names:
        file = gdal.VSIFOpenL("/vsimem/rok4_write/out/a/" + name, "rb")
        data = gdal.VSIFReadL(1, len(expected[name]) + 1, file)
        gdal.VSIFCloseL(file)
        assert bytes(data) == expected[name]
    assert sorted(n for n in gdal.ReadDir("/vsimem/rok4_write/out")
                  if n not in (".", "..")) == [
        "a", "a.json", "a.list", "a.md5"]
    create(path, dataset, "OVERWRITE=YES", "COMPRESS=PNG")
    create(path, source(noise(3, (64, 64))), "UPDATE_MODE=INPLACE")
    gdal.RmdirRecursive("/vsimem/rok4_write")


@pytest.mark.skipif(rok4_util.SANITIZED, reason="starts GDAL's programs")
def test_gdal_translate(tmp_path):
    """By command: a window, bands, a type."""
    pixels = noise(3)
    source(pixels, path=str(tmp_path / "source.tif"))
    run("gdal_translate", "-of", "ROK4", "-srcwin", 10, 20, 200, 100, "-b",
        3, "-b", 1, "-b", 2, tmp_path / "source.tif", tmp_path / "a.json",
        *CREATION)
    model = Model([255] * 3, "all", px=(PX[0] + 10, PX[1] + 20),
                  size=(100, 200))
    model.paint(pixels[20:120, 10:210][:, :, [2, 0, 1]],
                (PX[0] + 10, PX[1] + 20)).check(tmp_path / "a.json")
    run("gdal_translate", "-of", "ROK4", "-b", 1, "-ot", "Float32",
        tmp_path / "source.tif", tmp_path / "b.json", *CREATION)
    assert descriptor(tmp_path / "b.json")["format"] == "TIFF_ZIP_FLOAT32"


def test_dataset_that_is_returned(tmp_path):
    """CreateCopy returns the pyramid, open."""
    pixels = noise(3)
    done = gdal.GetDriverByName("ROK4").CreateCopy(
        str(tmp_path / "a.json"), source(pixels), options=SMALL)
    assert done.GetDriver().ShortName == "ROK4"
    assert done.GetRasterBand(1).GetOverviewCount() == 3
    found = done.ReadAsArray(30, 20, SIZE[1], SIZE[0])
    np.testing.assert_array_equal(found.transpose(1, 2, 0), pixels)


def test_south_up(tmp_path):
    """Rows from the bottom: nearest gives the pixels of the rows turned."""
    pixels = noise(1, (100, 100))
    dataset = source(pixels[::-1])
    left, cell, _, top, _, _ = dataset.GetGeoTransform()
    dataset.SetGeoTransform((left, cell, 0, top - 100 * cell, 0, cell))
    path = create(tmp_path / "a.json", dataset, "WARP_RESAMPLING=NEAREST")
    Model([255], "nodata", size=(100, 100)).paint(pixels).check(path)


def test_ground_control_points(tmp_path):
    """As gdalwarp takes them."""
    dataset = gdal.GetDriverByName("MEM").Create("", 100, 100, 1)
    dataset.GetRasterBand(1).Fill(100)
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(4326)
    points = [gdal.GCP(5 + x / 25, 45 - y / 25, 0, x, y)
              for x in (0, 100) for y in (0, 100)]
    dataset.SetGCPs(points, srs.ExportToWkt())
    path = create(tmp_path / "a.json", dataset)
    level, found = bottom(path)
    expected, covered = on_level(dataset, level)
    assert ((found[:, :, 0] == 100) == covered).mean() > 0.99
    assert covered.any() and expected.max() == 100


def test_whole_earth(tmp_path):
    """From degrees: latitudes that the grid has not are left out."""
    dataset = gdal.GetDriverByName("MEM").Create("", 360, 180, 1)
    dataset.GetRasterBand(1).Fill(100)
    dataset.SetGeoTransform((-180, 1, 0, 90, 0, -1))
    dataset.SetProjection("EPSG:4326")
    path = create(tmp_path / "a.json", dataset, "BOTTOM_LEVEL=1",
                  "TOP_LEVEL=0")
    level, found = bottom(path)
    assert level.limits == (0, 0, 7, 7)
    assert (found == 100).all()


# ---- Other grids ----


def picked(fine_level, fine, coarse_level):
    """Pixels of the finer level at the centres of the coarser one's."""
    left, cell, _, top, _, _ = coarse_level.geotransform
    width, height = coarse_level.size
    fine_left, fine_cell, _, fine_top, _, _ = fine_level.geotransform
    px_x = (left + (np.arange(width) + .5) * cell - fine_left) / fine_cell
    px_y = (fine_top - top + (np.arange(height) + .5) * cell) / fine_cell
    assert np.allclose(px_x % 1, .5) and np.allclose(px_y % 1, .5)
    px_x, px_y = np.floor(px_x).astype(int), np.floor(px_y).astype(int)
    out = np.full((height, width, fine.shape[2]), -99999, fine.dtype)
    good_x = (px_x >= 0) & (px_x < fine.shape[1])
    good_y = (px_y >= 0) & (px_y < fine.shape[0])
    out[np.ix_(good_y, good_x)] = fine[np.ix_(px_y[good_y], px_x[good_x])]
    return out


@pytest.mark.parametrize("level,ids", [
    ("2", ["2", "1", "0"]), ("5", ["5", "4", "3", "2", "1", "0"]),
    ("6", ["6", "5", "4", "3", "2", "1", "0"])])
def test_integer_ratio(level, ids, tmp_path):
    """Each level is picked from the coarsest that has its pixels; one that
    none has is resampled."""
    name = "LAMB93_1M_MNT"
    pixels = noise(1, (400, 500), np.float32)
    pixels[100:120, 200:300] = np.nan
    cell = rok4_write.matrix_of(level, name)["cellSize"]
    px = (int(650000 / cell), int((12000000 - 6400000) / cell))
    path = create(tmp_path / "a.json", source(pixels, px, level, name),
                  "TILING_SCHEME=" + name, "TILES_PER_WIDTH=2",
                  "TILES_PER_HEIGHT=2", small=False)
    strict(path)
    pyramid = decoded(path)
    assert [lv.id_ for lv in pyramid.levels] == ids
    arrays = {}
    for lv in pyramid.levels:
        arrays[lv.id_] = pyramid.level_array(lv)
        finer = [pyramid.level(i) for i in arrays if i != lv.id_ and
                 abs(lv.cell / pyramid.level(i).cell % 1) < 1e-9]
        if lv.id_ != level and finer:
            np.testing.assert_array_equal(
                arrays[lv.id_], picked(finer[-1], arrays[finer[-1].id_], lv),
                lv.id_)
    first = pyramid.levels[0]
    x, y = px[0] - first.limits[0] * 256, px[1] - first.limits[1] * 256
    np.testing.assert_array_equal(
        arrays[level][y:y + 400, x:x + 500, 0],
        np.where(np.isnan(pixels), -99999, pixels)[:, :, 0])


def slope(level, array):
    """A linear function of the place, at the centres of pixels."""
    left, cell, _, top, _, _ = level.geotransform
    height, width = array.shape[:2]
    crs_x = left + (np.arange(width) + .5) * cell
    crs_y = top - (np.arange(height) + .5) * cell
    return crs_x[None, :] * 0.01 + crs_y[:, None] * 0.02


@pytest.mark.parametrize("method", ["AVERAGE", "BILINEAR", "CUBIC",
                                    "LANCZOS"])
def test_irregular(method, tmp_path, tms_directory):
    """Resampled from the finest suitable level: what is linear stays so."""
    definition = rok4_tms.ladder(
        "ODD", "EPSG:3857", [("c", 62.0, 0, 100000), ("b", 25.0, 0, 100000),
                             ("a", 10.0, 0, 100000)], tile=(64, 64))
    file = rok4_tms.write(str(tmp_path / "tms"), definition)
    px_y, px_x = np.mgrid[0:300, 0:400]
    crs_x, crs_y = 1000 + (px_x + .5) * 10, 99000 - (px_y + .5) * 10
    pixels = (crs_x * 0.01 + crs_y * 0.02).astype(np.float32)
    dataset = gdal.GetDriverByName("MEM").Create("", 400, 300, 1,
                                                 gdal.GDT_Float32)
    dataset.GetRasterBand(1).WriteArray(pixels)
    dataset.SetGeoTransform((1000, 10, 0, 99000, 0, -10))
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(3857)
    dataset.SetProjection(srs.ExportToWkt())
    with rok4_util.config(ROK4_TMS_DIRECTORY=os.path.dirname(file)):
        path = create(tmp_path / "a.json", dataset, "TILING_SCHEME=ODD",
                      "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2",
                      "OVERVIEW_RESAMPLING=" + method, small=False)
        strict(path)
        pyramid = decoded(path)
        assert [lv.id_ for lv in pyramid.levels] == ["a", "b", "c"]
        for level in pyramid.levels:
            array = pyramid.level_array(level)[:, :, 0]
            valid = array != -99999
            expected = slope(level, array)
            left, cell, _, top, _, _ = level.geotransform
            height, width = array.shape
            centre_x = left + (np.arange(width) + .5) * cell
            centre_y = top - (np.arange(height) + .5) * cell
            margin = 4 * cell
            inner = ((centre_x > 1000 + margin) &
                     (centre_x < 5000 - margin))[None, :] & (
                (centre_y < 99000 - margin) &
                (centre_y > 96000 + margin))[:, None]
            assert inner.any() and valid[inner].all()
            np.testing.assert_allclose(array[inner], expected[inner],
                                       rtol=0, atol=0.02 + cell * 1e-3)


def test_degrees(tmp_path):
    """A grid in degrees, longitude first; several names of one CRS."""
    pixels = noise(1, (300, 300))
    place = (700, 300)
    for i, name in enumerate(("EPSG:4326", "OGC:CRS84")):
        dataset = source(pixels, place, "3", "DEG")
        srs = osr.SpatialReference()
        srs.SetFromUserInput(name)
        dataset.SetSpatialRef(srs)
        path = create(tmp_path / ("%d.json" % i), dataset,
                      "TILING_SCHEME=DEG", small=False)
        level, found = bottom(path)
        assert level.id_ == "3"
        x, y = place[0] - level.limits[0] * 256, place[1] - \
            level.limits[1] * 256
        np.testing.assert_array_equal(found[y:y + 300, x:x + 300], pixels)


def test_beyond_the_matrix(tmp_path):
    """What lies outside of the grid is left out."""
    pixels = noise(1, (200, 200))
    path = create(tmp_path / "a.json", source(pixels, (-50, -60)))
    level, found = bottom(path)
    assert level.limits == (0, 0, 2, 2)
    np.testing.assert_array_equal(found[:140, :150, 0], pixels[60:, 50:, 0])
    assert (found[140:] == 255).all() and (found[:, 150:] == 255).all()


def test_whole_world(tmp_path):
    """16 x 16 slabs overhang the coarsest matrices."""
    pixels = noise(3, (512, 512))
    path = create(tmp_path / "a.json", source(pixels, (0, 0), "1"),
                  "TILING_SCHEME=T64", small=False)
    assert [lv.id_ for lv in decoded(path).levels] == ["1", "0"]
    assert [lv.limits for lv in decoded(path).levels] == [
        (0, 0, 7, 7), (0, 0, 3, 3)]
    strict(path)
    Model([255] * 3, "all", nlevels=2, px=(0, 0), size=(512, 512),
          bottom=1).paint(pixels, (0, 0)).check(path)
