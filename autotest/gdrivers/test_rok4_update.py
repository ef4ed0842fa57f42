# SPDX-License-Identifier: MIT
"""Update access: pixels written to pyramids that are there."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

import rok4_edit
import rok4_util
import rok4_write
from rok4_write import PX, SIZE, Model, create, noise, source

RULES = {1: "nodata", 2: "alpha", 3: "all", 4: "alpha"}
# The corner of the source in the dataset, whose extent is whole tiles.
X, Y = PX[0] % 64, PX[1] % 64
LOSSLESS = ["NONE", "DEFLATE", "PNG", "LZW", "PACKBITS"]


def extent_of(pixels, nodata):
    """The dataset's pixels of a source that is in it."""
    height, width, bands = pixels.shape
    out = np.empty(((Y + height + 63) // 64 * 64, (X + width + 63) // 64 * 64,
                    bands), pixels.dtype)
    out[:] = nodata
    out[Y:Y + height, X:X + width] = pixels
    return out


def nodata_of(bands, dtype=np.uint8):
    out = [255 if dtype == np.uint8 else -99999] * bands
    return out[:-1] + [0] if bands % 2 == 0 else out


def paint(dataset, expected, pixels, seed, how, count=12):
    """Windows of other pixels, here and there."""
    rng = np.random.default_rng(seed)
    height, width = expected.shape[:2]
    for window in rok4_edit.windows((height, width), seed)[:count]:
        x, y, w, h = window
        other = np.roll(pixels, int(rng.integers(1, 50)), 0)
        expected[y:y + h, x:x + w] = np.resize(
            other, expected.shape)[y:y + h, x:x + w]
        rok4_edit.write(dataset, expected, window, how)


def rebuilt(path, expected, *options, alpha=False, mask=None):
    """A copy of these pixels, which an update must equal."""
    return create(path, source(expected, (PX[0] - X, PX[1] - Y), alpha=alpha,
                               mask=mask), *options)


@pytest.mark.parametrize("how", rok4_edit.WAYS)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_bytes(bands, how, tmp_path):
    """Read back at any time; in the end the same as made at once."""
    pixels = noise(bands)
    path = create(tmp_path / "a.json", source(pixels, alpha=bands % 2 == 0))
    expected = extent_of(pixels, nodata_of(bands))
    dataset = rok4_edit.update(path)
    before = rok4_write.tree(tmp_path)
    paint(dataset, expected, pixels, 3, how)
    np.testing.assert_array_equal(rok4_edit.read(dataset), expected)
    if how != "blocks":
        assert rok4_edit.published(tmp_path) == before
    dataset.FlushCache()
    np.testing.assert_array_equal(rok4_edit.read(dataset), expected)
    paint(dataset, expected, pixels, 4, how)
    assert rok4_edit.close(dataset) == []
    np.testing.assert_array_equal(
        rok4_util.pixels_of(rok4_util.open_dataset(path)), expected)
    rok4_write.same_slabs(path, rebuilt(tmp_path / "b.json", expected,
                                        alpha=bands % 2 == 0))
    rok4_write.strict(path)


@pytest.mark.parametrize("compress", LOSSLESS)
def test_formats(compress, tmp_path):
    pixels = noise(1)
    path = create(tmp_path / "a.json", source(pixels), "COMPRESS=" + compress)
    expected = extent_of(pixels, 255)
    dataset = rok4_edit.update(path)
    paint(dataset, expected, pixels, 5, "dataset")
    assert rok4_edit.close(dataset) == []
    rok4_write.same_slabs(path, rebuilt(tmp_path / "b.json", expected,
                                        "COMPRESS=" + compress))


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_floats(bands, tmp_path):
    pixels = noise(bands, dtype=np.float32)
    path = create(tmp_path / "a.json", source(pixels))
    expected = extent_of(pixels, nodata_of(bands, np.float32))
    dataset = rok4_edit.update(path)
    paint(dataset, expected, pixels, 5, "bands")
    assert rok4_edit.close(dataset) == []
    rok4_write.same_slabs(path, rebuilt(tmp_path / "b.json", expected))


@pytest.mark.parametrize("quality", [75, 90])
def test_jpeg(quality, tmp_path):
    """Untouched tiles stay as they are, byte for byte."""
    pixels = noise(3)
    path = create(tmp_path / "a.json", source(pixels), "COMPRESS=JPEG",
                  "QUALITY=%d" % quality)
    before = rok4_write.slabs(path)
    pyramid = rok4_write.decoded(path)
    old = pyramid.level_array(pyramid.levels[0])
    dataset = rok4_edit.update(path)
    rok4_edit.write(dataset, np.full((384, 384, 3), 77, np.uint8),
                    (64, 64, 64, 64))
    assert rok4_edit.close(dataset) == []
    after = rok4_write.slabs(path)
    changed = [key for key in after if after[key] != before[key]]
    assert len(changed) == 4  # one at each level
    pyramid = rok4_write.decoded(path)
    found = pyramid.level_array(pyramid.levels[0])
    assert (found[64:128, 64:128] == 77).all()
    found[64:128, 64:128] = old[64:128, 64:128]
    np.testing.assert_array_equal(found, old)


@pytest.mark.parametrize("bands", [1, 3])
def test_masks(bands, tmp_path):
    """Writing makes valid, and the mask can be written by itself."""
    pixels = noise(bands)
    valid = np.ones(SIZE, bool)
    valid[30:100, 40:160] = False
    path = create(tmp_path / "a.json", source(pixels, mask=valid), "MASK=YES")
    dataset = rok4_edit.update(path, "MASK=YES", "NODATA=NONE")
    expected = extent_of(pixels, 255)
    mask = np.zeros(expected.shape[:2], bool)
    mask[Y:Y + SIZE[0], X:X + SIZE[1]] = valid
    expected[~mask] = 255
    band = dataset.GetRasterBand(1).GetMaskBand()
    np.testing.assert_array_equal(band.ReadAsArray() != 0, mask)
    # Pixels within the hole, then some of them and others are erased.
    part = np.resize(pixels[::-1], expected.shape)
    expected[60:110, 90:130] = part[60:110, 90:130]
    mask[60:110, 90:130] = True
    rok4_edit.write(dataset, part, (90, 60, 40, 50))
    np.testing.assert_array_equal(band.ReadAsArray() != 0, mask)
    assert band.WriteArray(np.zeros((30, 100), np.uint8), 100, 70) == 0
    mask[70:100, 100:200] = False
    np.testing.assert_array_equal(band.ReadAsArray() != 0, mask)
    # What is erased stays so when its pixels are written afterwards.
    rok4_edit.write(dataset, part, (150, 80, 30, 30))
    expected[80:110, 150:180] = part[80:110, 150:180]
    mask[100:110, 150:180] = True
    np.testing.assert_array_equal(band.ReadAsArray() != 0, mask)
    dataset.FlushCache()
    np.testing.assert_array_equal(band.ReadAsArray() != 0, mask)
    assert rok4_edit.close(dataset) == []
    expected[~mask] = 255
    Model([255] * bands, "mask").paint(
        expected, (PX[0] - X, PX[1] - Y), mask).check(path, masks=True)
    rok4_write.same_slabs(path, rebuilt(tmp_path / "b.json", expected,
                                        "MASK=YES", mask=mask))


def test_masks_without_mask_band(tmp_path):
    """One band: nodata values tell what is valid, in the mask slabs too."""
    pixels = noise(1)
    valid = np.ones(SIZE, bool)
    valid[30:100, 40:160] = False
    path = create(tmp_path / "a.json", source(pixels, mask=valid), "MASK=YES")
    dataset = rok4_edit.update(path)
    expected = extent_of(np.where(valid[:, :, None], pixels, 255), 255)
    expected[50:90, 60:250] = 255
    expected[70:80, 100:200] = 9
    rok4_edit.write(dataset, expected, (60, 50, 190, 40))
    assert rok4_edit.close(dataset) == []
    Model([255], "mask").paint(expected, (PX[0] - X, PX[1] - Y),
                               expected[:, :, 0] != 255).check(path,
                                                               masks=True)


def test_erasing_by_nodata(tmp_path):
    pixels = noise(1)
    path = create(tmp_path / "a.json", source(pixels))
    dataset = rok4_edit.update(path)
    expected = extent_of(pixels, 255)
    expected[30:130, 20:200] = 255
    rok4_edit.write(dataset, expected, (20, 30, 180, 100))
    assert rok4_edit.close(dataset) == []
    Model([255], "nodata").paint(expected, (PX[0] - X, PX[1] - Y)).check(path)


def test_erasing_by_alpha(tmp_path):
    """Alpha 0 is written like any other value."""
    pixels = noise(4)
    path = create(tmp_path / "a.json", source(pixels, alpha=True))
    dataset = rok4_edit.update(path)
    expected = extent_of(pixels, nodata_of(4))
    dataset.GetRasterBand(4).WriteArray(np.zeros((100, 180), np.uint8), 20, 30)
    expected[30:130, 20:200, 3] = 0
    np.testing.assert_array_equal(rok4_edit.read(dataset), expected)
    assert rok4_edit.close(dataset) == []
    np.testing.assert_array_equal(
        rok4_util.pixels_of(rok4_util.open_dataset(path))[:, :, 3],
        expected[:, :, 3])
    # A tile that has lost its last opaque pixel is as if it never had one.
    Model(nodata_of(4), "alpha").paint(
        expected, (PX[0] - X, PX[1] - Y), expected[:, :, 3] != 0,
        keep=True).check(path)


def test_nan(tmp_path):
    pixels = noise(1, dtype=np.float32)
    path = create(tmp_path / "a.json", source(pixels))
    dataset = rok4_edit.update(path)
    part = np.full((50, 60), np.nan, np.float64)
    part[::2] = 4.5
    dataset.GetRasterBand(1).WriteArray(part, 70, 80)
    expected = extent_of(pixels, -99999)
    expected[80:130, 70:130, 0] = np.where(np.isnan(part), -99999, part)
    assert rok4_edit.close(dataset) == []
    np.testing.assert_array_equal(
        rok4_util.pixels_of(rok4_util.open_dataset(path)), expected)


def test_touched_slabs_only(tmp_path):
    """Other slabs keep their files, untouched tiles their bytes."""
    pixels = noise(3, (600, 900))
    path = create(tmp_path / "a.json", source(pixels))
    top = path[:-len(".json")]
    files = {os.path.join(where, name): os.stat(os.path.join(where, name))
             for where, _, names in os.walk(top) for name in names}
    dataset = rok4_edit.update(path)
    dataset.GetRasterBand(2).WriteArray(np.full((3, 3), 9, np.uint8), 300, 300)
    assert rok4_edit.close(dataset) == []
    changed = [name for name, was in files.items()
               if os.stat(name).st_ino != was.st_ino]
    assert len(changed) == 4
    assert sorted(name.split("DATA/")[1][0] for name in changed) == list(
        "2345")


def test_nothing_written(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    before = rok4_write.tree(tmp_path)
    dataset = rok4_edit.update(path)
    assert rok4_edit.read(dataset) is not None
    dataset.FlushCache()
    assert rok4_edit.close(dataset) == []
    assert rok4_write.tree(tmp_path) == before


def test_rasterize(tmp_path):
    pixels = noise(3)
    path = create(tmp_path / "a.json", source(pixels))
    dataset = rok4_edit.update(path)
    transform = dataset.GetGeoTransform()
    layer_source = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = layer_source.CreateLayer("a", dataset.GetSpatialRef())
    feature = ogr.Feature(layer.GetLayerDefn())
    x0, y0, cell = transform[0], transform[3], transform[1]
    ring = [(50, 60), (210, 75), (130, 150), (50, 60)]
    feature.SetGeometry(ogr.CreateGeometryFromWkt(
        "POLYGON ((%s))" % ",".join("%.12f %.12f" % (
            x0 + x * cell, y0 - y * cell) for x, y in ring)))
    layer.CreateFeature(feature)
    memory = rok4_util.memory_copy(dataset)
    memory.SetGeoTransform(transform)
    for target in (dataset, memory):
        assert gdal.RasterizeLayer(target, [1, 2, 3], layer,
                                   burn_values=[200, 30, 40]) == 0
    assert rok4_edit.close(dataset) == []
    found = rok4_util.pixels_of(rok4_util.open_dataset(path))
    expected = rok4_util.pixels_of(memory)
    assert (expected != extent_of(pixels, 255)).any()
    np.testing.assert_array_equal(found, expected)
    rok4_write.same_slabs(path, rebuilt(tmp_path / "b.json", expected))


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_warp(bands, tmp_path):
    """gdalwarp paints on what is there."""
    pixels = noise(bands)
    path = create(tmp_path / "a.json", source(pixels, alpha=bands == 4))
    other = source(noise(bands, (80, 90), seed=9), (PX[0] + 40, PX[1] + 50),
                   alpha=bands == 4, path=str(tmp_path / "other.tif"))
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(3395)
    gdal.Warp(str(tmp_path / "moved.tif"), other, dstSRS=srs.ExportToWkt(),
              dstNodata=0 if bands != 4 else None, dstAlpha=bands == 4)
    opened = gdal.Open(path)
    memory = rok4_util.memory_copy(opened)
    memory.SetGeoTransform(opened.GetGeoTransform())
    memory.SetProjection(opened.GetProjection())
    del opened
    dataset = rok4_edit.update(path)
    for target in (dataset, memory):
        with rok4_util.Errors() as errors:
            assert gdal.Warp(target, str(tmp_path / "moved.tif"),
                             resampleAlg="bilinear") == 1
        assert not errors.failures
    assert rok4_edit.close(dataset) == []
    found = rok4_util.pixels_of(rok4_util.open_dataset(path))
    expected = rok4_util.pixels_of(memory)
    assert (expected != extent_of(pixels, nodata_of(bands))).any()
    np.testing.assert_array_equal(found, expected)


def test_warp_program(tmp_path):
    """The program, on the file."""
    pixels = noise(3)
    path = create(tmp_path / "a.json", source(pixels))
    source(np.full((80, 90, 3), 50, np.uint8), (PX[0] + 40, PX[1] + 50),
           path=str(tmp_path / "other.tif"))
    subprocess.run(
        ["gdalwarp", "-q", str(tmp_path / "other.tif"), path], check=True,
        env=dict(os.environ, ROK4_TMS_DIRECTORY=gdal.GetConfigOption(
            "ROK4_TMS_DIRECTORY")))
    pixels[50:130, 40:130] = 50
    Model([255] * 3, "all").paint(pixels).check(path)


# ---- Recipe ----

@pytest.mark.parametrize("method", ["NEAREST", "MODE", "RMS", "AVERAGE"])
def test_recipe(method, tmp_path):
    """Overviews are made as they were."""
    pixels = noise(3)
    path = create(tmp_path / "a.json", source(pixels),
                  "OVERVIEW_RESAMPLING=" + method)
    expected = extent_of(pixels, 255)
    dataset = rok4_edit.update(path)
    paint(dataset, expected, pixels, 5, "dataset")
    assert rok4_edit.close(dataset) == []
    rok4_write.same_slabs(path, rebuilt(tmp_path / "b.json", expected,
                                        "OVERVIEW_RESAMPLING=" + method))


@pytest.mark.parametrize("name", [
    "t64_zip_uint8_rgb", "t64_zip_uint8_gray", "t64_png_uint8_rgba",
    "t64_lzw_float32", "t64_raw_uint8_graya", "t64_jpg_uint8_rgb",
    "t64_zip_1x1", "t64_raw_4x2_depth3", "t64_zip_mask"])
def test_reference_pyramids(name, moved):
    """Pyramids that the reference tools made."""
    path = moved(name)
    dataset = rok4_edit.update(path)
    expected = rok4_edit.read(dataset).copy()
    part = np.full(expected.shape, 40, expected.dtype)
    rok4_edit.write(dataset, part, (64, 64, 64, 64))
    expected[64:128, 64:128] = 40
    assert rok4_edit.close(dataset) == []
    again = rok4_util.open_dataset(path)
    np.testing.assert_array_equal(rok4_util.pixels_of(again), expected)
    overview = again.GetRasterBand(1).GetOverview(0).ReadAsArray()
    assert (overview[33:63, 33:63] == 40).all()
    again = rok4_write.decoded(path)
    np.testing.assert_array_equal(
        again.level_array(again.levels[0])[64:128, 64:128],
        part[64:128, 64:128])


def test_linked_slabs(tmp_path):
    """A slab that is a link is replaced; what it leads to stays."""
    for name in ("t64_zip_uint8_rgb", "t64_upd_slink"):
        source_path = rok4_util.fixture(name)
        shutil.copy(source_path, tmp_path)
        shutil.copytree(source_path[:-5], tmp_path / name, symlinks=True)
    ancestor = rok4_write.tree(tmp_path / "t64_zip_uint8_rgb")
    dataset = rok4_edit.update(tmp_path / "t64_upd_slink.json")
    shape = (dataset.RasterYSize, dataset.RasterXSize, dataset.RasterCount)
    rok4_edit.write(dataset, np.full(shape, 7, np.uint8),
                    (0, 0, shape[1], shape[0]))
    assert rok4_edit.close(dataset) == []
    assert rok4_write.tree(tmp_path / "t64_zip_uint8_rgb") == ancestor
    assert (rok4_util.pixels_of(rok4_util.open_dataset(
        tmp_path / "t64_upd_slink.json")) == 7).all()


def test_other_grids(tmp_path):
    """Integer ratio: the picks; another TMS is found where it was."""
    pixels = noise(1, (300, 420), dtype=np.float32)
    options = ["TILING_SCHEME=LAMB93_1M_MNT", "TILES_PER_WIDTH=2",
               "TILES_PER_HEIGHT=2", "BOTTOM_LEVEL=6", "TOP_LEVEL=4"]
    tms = rok4_write.load_tms("LAMB93_1M_MNT")
    ids = [m["id"] for m in tms["tileMatrices"]]
    options[3:] = ["BOTTOM_LEVEL=" + ids[-2], "TOP_LEVEL=" + ids[-4]]
    px = (5000, 9000)
    first = source(pixels, px, ids[-2], "LAMB93_1M_MNT")
    path = create(tmp_path / "a.json", first, *options, small=False)
    dataset = rok4_edit.update(path)
    expected = rok4_edit.read(dataset).copy()
    paint(dataset, expected, pixels, 6, "dataset")
    assert rok4_edit.close(dataset) == []
    tile = next(m for m in tms["tileMatrices"] if m["id"] == ids[-2])
    corner = (px[0] // tile["tileWidth"] * tile["tileWidth"],
              px[1] // tile["tileHeight"] * tile["tileHeight"])
    other = create(tmp_path / "b.json",
                   source(expected, corner, ids[-2], "LAMB93_1M_MNT",
                          nodata=-99999), *options, small=False)
    left, right = rok4_write.decoded(path), rok4_write.decoded(other)
    for one, two in zip(left.levels, right.levels):
        assert one.limits == two.limits
        np.testing.assert_array_equal(left.level_array(one),
                                      right.level_array(two))


def test_memory_is_bounded_in_order(tmp_path):
    """Row by row with little memory: the same pixels."""
    pixels = noise(3, (300, 900))
    path = create(tmp_path / "a.json", source(pixels))
    expected = extent_of(pixels, 255)[:, ::-1].copy()
    old = gdal.GetCacheMax()
    gdal.SetCacheMax(1 << 20)
    try:
        dataset = rok4_edit.update(path)
        for y in range(expected.shape[0]):
            rok4_edit.write(dataset, expected, (0, y, expected.shape[1], 1),
                            "bands")
        np.testing.assert_array_equal(rok4_edit.read(dataset), expected)
        assert rok4_edit.close(dataset) == []
    finally:
        gdal.SetCacheMax(old)
    np.testing.assert_array_equal(
        rok4_util.pixels_of(rok4_util.open_dataset(path)), expected)
