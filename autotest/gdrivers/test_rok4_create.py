# SPDX-License-Identifier: MIT
"""Create: rasters on the grid that are written in any order."""

import os
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal, osr

import rok4_edit
import rok4_util
import rok4_write
from rok4_write import PX, SIZE, Model, create, noise, place, source

RULES = {1: "nodata", 2: "alpha", 3: "all", 4: "alpha"}


def make(path, pixels, *options, seed=1, how="dataset", px=PX):
    """A pyramid of pixels that are written in no order."""
    dataset = rok4_edit.new(path, pixels.shape[:2], pixels.shape[2], *options,
                            dtype=pixels.dtype)
    assert dataset is not None, gdal.GetLastErrorMsg()
    place(dataset, px)
    rok4_edit.write_all(dataset, pixels, seed, how)
    np.testing.assert_array_equal(rok4_edit.read(dataset), pixels)
    assert rok4_edit.close(dataset) == []
    return str(path)


@pytest.mark.parametrize("how", rok4_edit.WAYS)
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_bytes(bands, how, tmp_path):
    """Slabs are those of a copy, byte for byte."""
    pixels = noise(bands)
    path = make(tmp_path / "a.json", pixels, how=how)
    other = create(tmp_path / "b.json", source(pixels, alpha=bands % 2 == 0))
    rok4_write.same_slabs(path, other)
    rok4_write.strict(path)
    np.testing.assert_array_equal(
        rok4_util.pixels_of(rok4_util.open_dataset(path))
        [PX[1] % 64:PX[1] % 64 + SIZE[0], PX[0] % 64:PX[0] % 64 + SIZE[1]],
        pixels)


@pytest.mark.parametrize("how", ["dataset", "pixels", "double", "bands"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_floats(bands, how, tmp_path):
    pixels = noise(bands, dtype=np.float32)
    path = make(tmp_path / "a.json", pixels, how=how)
    rok4_write.same_slabs(path, create(tmp_path / "b.json", source(pixels)))


@pytest.mark.parametrize("compress,bands", [
    ("NONE", 3), ("JPEG", 3), ("PNG", 4), ("LZW", 2), ("PACKBITS", 1)])
def test_formats(compress, bands, tmp_path):
    pixels = noise(bands)
    path = make(tmp_path / "a.json", pixels, "COMPRESS=" + compress)
    other = create(tmp_path / "b.json", source(pixels, alpha=bands % 2 == 0),
                   "COMPRESS=" + compress)
    rok4_write.same_slabs(path, other)


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_part_is_written(bands, tmp_path):
    """What is not written is nodata; slabs without data are not made."""
    pixels = noise(bands)
    dataset = place(rok4_edit.new(tmp_path / "a.json", SIZE, bands))
    valid = np.zeros(SIZE, bool)
    for x, y, width, height in [(5, 3, 40, 30), (100, 60, 30, 90)]:
        rok4_edit.write(dataset, pixels, (x, y, width, height))
        valid[y:y + height, x:x + width] = True
    nodata = [255] * bands
    if bands % 2 == 0:
        nodata[-1] = 0
    expected = np.where(valid[:, :, None], pixels,
                        np.array(nodata, np.uint8))
    np.testing.assert_array_equal(rok4_edit.read(dataset), expected)
    assert rok4_edit.close(dataset) == []
    model = Model(nodata, RULES[bands]).paint(pixels, valid=valid)
    model.check(tmp_path / "a.json")
    assert len(rok4_write.slabs(tmp_path / "a.json", "5")) == 3  # of 6
    rok4_write.strict(tmp_path / "a.json")


def test_one_band_alone(tmp_path):
    """Other bands keep what they have."""
    pixels = noise(3)
    dataset = place(rok4_edit.new(tmp_path / "a.json", SIZE, 3))
    dataset.GetRasterBand(2).WriteArray(pixels[:, :, 1])
    found = rok4_edit.read(dataset)
    np.testing.assert_array_equal(found[:, :, 1], pixels[:, :, 1])
    assert (found[:, :, [0, 2]] == 255).all()
    assert rok4_edit.close(dataset) == []


def test_pixels_before_place(tmp_path):
    """The place may be told after the pixels, and off the tiles."""
    pixels = noise(3)
    dataset = rok4_edit.new(tmp_path / "a.json", SIZE, 3)
    rok4_edit.write_all(dataset, pixels, 3)
    np.testing.assert_array_equal(rok4_edit.read(dataset), pixels)
    place(dataset)
    rok4_edit.write(dataset, pixels, (3, 5, 100, 100))
    assert rok4_edit.close(dataset) == []
    rok4_write.same_slabs(tmp_path / "a.json",
                          create(tmp_path / "b.json", source(pixels)))


def test_without_crs(tmp_path):
    """The tile matrix set's is taken."""
    pixels = noise(1)
    dataset = rok4_edit.new(tmp_path / "a.json", SIZE, 1)
    dataset.SetGeoTransform(source(pixels).GetGeoTransform())
    assert dataset.GetSpatialRef().GetAuthorityCode(None) == "3857"
    rok4_edit.write_all(dataset, pixels, 3)
    assert rok4_edit.close(dataset) == []
    rok4_write.same_slabs(tmp_path / "a.json",
                          create(tmp_path / "b.json", source(pixels)))


def test_masks(tmp_path):
    """A mask that is written tells what is valid; else what was written is."""
    pixels = noise(3)
    dataset = place(rok4_edit.new(tmp_path / "a.json", SIZE, 3, "MASK=YES"))
    band = dataset.GetRasterBand(1)
    assert band.GetMaskFlags() == gdal.GMF_PER_DATASET
    assert dataset.CreateMaskBand(gdal.GMF_PER_DATASET) == 0
    rok4_edit.write(dataset, pixels, (0, 0, 200, 170))
    valid = np.zeros(SIZE, bool)
    valid[:, :200] = True
    np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray() != 0, valid)
    hole = np.zeros((40, 50), np.uint8)
    hole[::3] = 255
    band.GetMaskBand().WriteArray(hole, 20, 30)
    valid[30:70, 20:70] = hole != 0
    # Written before its pixels are, the mask stays.
    band.GetMaskBand().WriteArray(hole, 230, 30)
    rok4_edit.write(dataset, pixels, (220, 20, 70, 60))
    valid[20:80, 220:290] = True
    valid[30:70, 230:280] = hole != 0
    np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray() != 0, valid)
    assert rok4_edit.close(dataset) == []
    Model([255] * 3, "mask").paint(pixels, valid=valid).check(
        tmp_path / "a.json", masks=True)
    other = create(tmp_path / "b.json", source(pixels, mask=valid),
                   "MASK=YES")
    rok4_write.same_slabs(tmp_path / "a.json", other)


def test_alpha(tmp_path):
    """Transparent pixels are no data, but keep their colours."""
    pixels = noise(4)
    pixels[20:90, 30:200, 3] = 0
    pixels[:, 250:, 3] = 0
    path = make(tmp_path / "a.json", pixels)
    rok4_write.same_slabs(path, create(tmp_path / "b.json",
                                       source(pixels, alpha=True)))


def test_nan_and_nodata(tmp_path):
    pixels = noise(1, dtype=np.float32)
    dataset = place(rok4_edit.new(tmp_path / "a.json", SIZE, 1,
                                  dtype=np.float32))
    assert dataset.GetRasterBand(1).GetNoDataValue() == -99999
    assert dataset.GetRasterBand(1).SetNoDataValue(-9999) == 0
    assert dataset.GetRasterBand(1).GetNoDataValue() == -9999
    pixels[40:80, 10:200] = np.nan
    rok4_edit.write(dataset, pixels, (0, 0, SIZE[1], SIZE[0]), "bands")
    expected = np.where(np.isnan(pixels), np.float32(-9999), pixels)
    np.testing.assert_array_equal(rok4_edit.read(dataset), expected)
    with rok4_util.Errors() as errors:
        assert dataset.GetRasterBand(1).SetNoDataValue(7) != 0
    assert "already" in errors.failures[0]
    assert rok4_edit.close(dataset) == []
    assert rok4_write.descriptor(tmp_path / "a.json")[
        "raster_specifications"]["nodata"] == "-9999"
    valid = ~np.isnan(pixels[:, :, 0])
    Model([-9999], "nodata", dtype=np.float32).paint(
        pixels, valid=valid).check(tmp_path / "a.json")


@pytest.mark.parametrize("value,message", [
    (3.5, "integer"), (300, "integer"), (float("nan"), "integer")])
def test_nodata_that_cannot_be(value, message, tmp_path):
    dataset = rok4_edit.new(tmp_path / "a.json", SIZE, 1)
    with rok4_util.Errors() as errors:
        assert dataset.GetRasterBand(1).SetNoDataValue(value) != 0
    assert message in errors.failures[0]
    with rok4_util.Errors():
        del dataset


def test_nan_as_nodata(tmp_path):
    dataset = rok4_edit.new(tmp_path / "a.json", SIZE, 1, dtype=np.float32)
    with rok4_util.Errors() as errors:
        assert dataset.GetRasterBand(1).SetNoDataValue(float("nan")) == 0
    assert "NaN is written as -99999" in errors.warnings[0]
    with rok4_util.Errors():
        del dataset


def test_nothing_written(tmp_path):
    """An empty pyramid of the raster's extent."""
    dataset = place(rok4_edit.new(tmp_path / "a.json", SIZE, 3))
    assert rok4_edit.close(dataset) == []
    assert rok4_write.slabs(tmp_path / "a.json") == {}
    limits = rok4_write.descriptor(tmp_path / "a.json")["levels"][-1][
        "tile_limits"]
    assert limits == {"min_col": 65, "min_row": 45, "max_col": 70,
                      "max_row": 47}
    with rok4_util.Errors():
        found = gdal.Open(str(tmp_path / "a.json")).ReadAsArray()
    assert (found == 255).all()
    dataset = rok4_edit.update(tmp_path / "a.json")
    pixels = noise(3)
    with rok4_util.Errors():
        rok4_edit.write(dataset, pixels, (0, 0, SIZE[1], SIZE[0]))
    assert rok4_edit.close(dataset) == []
    Model([255] * 3, "all").paint(pixels, (65 * 64, 45 * 64)).check(
        tmp_path / "a.json")


def test_metadata_and_statistics(tmp_path):
    dataset = place(rok4_edit.new(tmp_path / "a.json", SIZE, 1))
    dataset.SetMetadataItem("key", "value")
    dataset.GetRasterBand(1).WriteArray(noise(1)[:, :, 0])
    dataset.FlushCache()
    assert rok4_edit.published(tmp_path) == {}  # nothing before the end
    assert rok4_edit.close(dataset) == []
    assert gdal.Open(str(tmp_path / "a.json")).GetMetadataItem(
        "key") == "value"


def test_driver_does_not_claim_create():
    driver = gdal.GetDriverByName("ROK4")
    assert driver.GetMetadataItem(gdal.DCAP_CREATE) is None
    assert driver.GetMetadataItem(gdal.DCAP_CREATECOPY) == "YES"


# ---- Refused ----

def window_of(text):
    """The numbers after -te and -tr."""
    words = text.split("-te ")[1].split()
    assert words[4] == "-tr"
    return [float(word) for word in words[:4]], [float(w) for w in words[5:7]]


@pytest.mark.parametrize("dx,dy,scale", [
    (0.3, 0, 1), (0, -0.2, 1), (0, 0, 1.01), (0.5, 0.5, 1.3), (0, 0, 0.4)])
def test_off_the_grid(dx, dy, scale, tmp_path):
    """The error names a window that is on it."""
    transform = list(source(noise(1)).GetGeoTransform())
    transform[0] += dx * transform[1]
    transform[3] += dy * transform[1]
    transform[1] *= scale
    transform[5] *= scale
    options = ["TILING_SCHEME=T64", "TOP_LEVEL=2"]
    dataset = rok4_edit.new(tmp_path / "a.json", SIZE, 1, *options,
                            small=False)
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(3857)
    dataset.SetSpatialRef(srs)
    with rok4_util.Errors() as errors:
        assert dataset.SetGeoTransform(transform) != 0
    assert "not on the grid" in errors.failures[0]
    bounds, cell = window_of(errors.failures[0])
    dataset.GetRasterBand(1).Fill(3)
    assert "not on the grid" in rok4_edit.close(dataset)[0]
    assert os.listdir(tmp_path) == []
    width = round((bounds[2] - bounds[0]) / cell[0])
    height = round((bounds[3] - bounds[1]) / cell[1])
    dataset = rok4_edit.new(tmp_path / "a.json", (height, width), 1, *options,
                            small=False)
    dataset.SetSpatialRef(srs)
    assert dataset.SetGeoTransform(
        (bounds[0], cell[0], 0, bounds[3], 0, -cell[1])) == 0
    dataset.GetRasterBand(1).Fill(3)
    assert rok4_edit.close(dataset) == []


def test_other_crs(tmp_path):
    dataset = rok4_edit.new(tmp_path / "a.json", SIZE, 1)
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(32631)
    dataset.SetSpatialRef(srs)
    with rok4_util.Errors() as errors:
        assert dataset.SetGeoTransform((500000, 10, 0, 5000000, 0, -10)) != 0
    assert "CRS is not that of the tile matrix set" in errors.failures[0]
    with rok4_util.Errors() as errors:
        del dataset
    assert errors.failures and os.listdir(tmp_path) == []


def test_rotated(tmp_path):
    dataset = rok4_edit.new(tmp_path / "a.json", SIZE, 1)
    transform = list(source(noise(1)).GetGeoTransform())
    transform[2] = transform[4] = transform[1] / 3
    dataset.SetGeoTransform(transform)
    with rok4_util.Errors() as errors:
        dataset.GetRasterBand(1).WriteArray(noise(1)[:, :, 0])
        del dataset
    assert "not on the grid" in errors.failures[0]
    assert os.listdir(tmp_path) == []


def test_beyond_the_matrix(tmp_path):
    dataset = place(rok4_edit.new(tmp_path / "a.json", SIZE, 1), px=(-30, 20))
    with rok4_util.Errors() as errors:
        del dataset
    assert "beyond the matrix" in errors.failures[0]
    assert "-te -20037508.34" in errors.failures[0]
    assert os.listdir(tmp_path) == []


def test_no_geotransform(tmp_path):
    dataset = rok4_edit.new(tmp_path / "a.json", SIZE, 1)
    dataset.GetRasterBand(1).Fill(5)
    dataset.SetMetadataItem("OWNER", "a user")
    with rok4_util.Errors() as errors:
        del dataset
    assert "no geotransform" in errors.failures[0]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", [gdal.GDT_UInt16, gdal.GDT_Int16,
                                  gdal.GDT_Float64, gdal.GDT_CFloat32])
def test_types(kind, tmp_path):
    text = rok4_edit.refuse_new(tmp_path / "a.json", SIZE, 1, kind=kind)
    assert "expected Byte or Float32" in text


@pytest.mark.parametrize("options,text", [
    (["UPDATE_MODE=INPLACE"], "UPDATE_MODE"),
    (["ANCESTOR=x.json"], "ANCESTOR"),
    (["RESUME=YES"], "RESUME"),
    (["ADD_ALPHA=YES"], "ADD_ALPHA"),
    (["COMPRESS=JPEG"], "3 bands"),
    (["NODATA=1.5"], "integers"),
    (["NODATA=-1"], "0 to 255"),
    (["NODATA=1,2,3"], "at most"),
    (["TILING_SCHEME=nowhere"], "nowhere"),
    (["BOTTOM_LEVEL=99"], "BOTTOM_LEVEL=99")])
def test_options(options, text, tmp_path):
    assert text in rok4_edit.refuse_new(tmp_path / "a.json", SIZE, 1,
                                        *options)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("bands", [0, 5])
def test_number_of_bands(bands, tmp_path):
    assert "1 to 4" in rok4_edit.refuse_new(tmp_path / "a.json", SIZE, bands)


def test_existing_pyramid(tmp_path):
    """A refused Create loses no byte; OVERWRITE=YES replaces at the end."""
    pixels = noise(3)
    path = create(tmp_path / "a.json", source(pixels))
    before = rok4_write.tree(tmp_path)
    assert "OVERWRITE=YES" in rok4_edit.refuse_new(
        path, SIZE, 3, "TILING_SCHEME=T64")
    assert rok4_write.tree(tmp_path) == before
    other = noise(3, seed=5)
    dataset = place(rok4_edit.new(path, SIZE, 3, "OVERWRITE=YES"))
    rok4_edit.write_all(dataset, other, 1)
    assert rok4_edit.published(tmp_path) == before
    assert rok4_edit.close(dataset) == []
    del dataset
    rok4_write.same_slabs(path, create(tmp_path / "b.json", source(other)))


def test_overwrite_that_fails(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    before = rok4_write.tree(tmp_path)
    dataset = rok4_edit.new(path, SIZE, 3, "OVERWRITE=YES")
    rok4_edit.write_all(dataset, noise(3), 1)
    with rok4_util.Errors() as errors:
        del dataset
    assert errors.failures
    assert rok4_write.tree(tmp_path) == before


def test_process_that_dies(tmp_path):
    """Nothing remains of it, not even with more than memory holds."""
    script = (
        "import os, sys; sys.path.insert(0, %r)\n"
        "import numpy as np\n"
        "from osgeo import gdal\n"
        "gdal.SetConfigOption('ROK4_TMS_DIRECTORY', %r)\n"
        "d = gdal.GetDriverByName('ROK4').Create(%r, 8192, 8192, 3,"
        " options=['TILING_SCHEME=T64'])\n"
        "a = np.random.default_rng(1).integers(0, 255, (3, 512, 8192),"
        " dtype=np.uint8)\n"
        "for y in range(0, 8192, 512): d.WriteArray(a, 0, y)\n"
        "os.kill(os.getpid(), 9)\n" % (
            os.path.join(rok4_util.ROOT, "autotest", "pymod"),
            gdal.GetConfigOption("ROK4_TMS_DIRECTORY"),
            str(tmp_path / "a.json")))
    done = subprocess.run([sys.executable, "-c", script],
                          env=dict(os.environ, GDAL_CACHEMAX="16"))
    assert done.returncode == -9
    assert rok4_edit.published(tmp_path) == {}


def test_in_memory():
    pixels = noise(3)
    make("/vsimem/made/a.json", pixels)
    create("/vsimem/made/b.json", source(pixels))
    left = gdal.Open("/vsimem/made/a.json")
    right = gdal.Open("/vsimem/made/b.json")
    np.testing.assert_array_equal(left.ReadAsArray(), right.ReadAsArray())
    for i in range(3):
        np.testing.assert_array_equal(
            left.GetRasterBand(1).GetOverview(i).ReadAsArray(),
            right.GetRasterBand(1).GetOverview(i).ReadAsArray())
    del left, right
    gdal.RmdirRecursive("/vsimem/made")


MEASURE = """
import os, sys, resource
import numpy as np
from osgeo import gdal, osr
gdal.UseExceptions()
gdal.SetConfigOption('ROK4_TMS_DIRECTORY', %(tms)r)
gdal.SetCacheMax(%(cache)d)
side, tile = %(side)d, 512
d = gdal.GetDriverByName('ROK4').Create(%(path)r, side, side, 3,
    options=['TILING_SCHEME=PM', 'BOTTOM_LEVEL=16', 'NUM_THREADS=2'])
cell = 156543.033928041 / 65536
d.SetGeoTransform((-20037508.3427892 + 1024 * 256 * cell, cell, 0,
                   20037508.3427892 - 1024 * 256 * cell, 0, -cell))
rng = np.random.default_rng(1)
small = rng.integers(0, 255, (3, tile // 8, tile // 8), dtype=np.uint8)
a = small.repeat(8, axis=1).repeat(8, axis=2)
n = side // tile
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for i in rng.permutation(n * n):
    d.WriteArray(a + np.uint8(i %% 50), int(i %% n) * tile, int(i // n) * tile)
written = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
d = None
print(before, written, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(rok4_util.SANITIZED, reason="memory of sanitizers")
def test_memory(tmp_path):
    """Random order of tiles: memory depends neither on it nor on the size."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE % {
            "tms": gdal.GetConfigOption("ROK4_TMS_DIRECTORY"),
            "cache": 32 << 20, "side": 8192,
            "path": str(tmp_path / "a.json")}],
        check=True, capture_output=True, text=True)
    before, written, after = (int(word) for word in done.stdout.split())
    assert written - before < 110 << 10  # KiB: the pixels take 192 MiB
    assert after - before < 260 << 10
