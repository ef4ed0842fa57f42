# SPDX-License-Identifier: MIT
"""Each creation option of COGX."""

import zlib

import numpy as np
import pytest
from osgeo import gdal

import cogx_make
import rok4_util

LOSSLESS = ["NONE", "LZW", "DEFLATE", "ZSTD", "LERC", "LERC_DEFLATE",
            "LERC_ZSTD", "LZMA"]
LIST = gdal.GetDriverByName("COGX").GetMetadataItem("DMD_CREATIONOPTIONLIST")


def here(names):
    return [name for name in names if "<Value>%s</Value>" % name in LIST]


def check(folder, *options, dataset=None):
    dataset = dataset or cogx_make.source()
    ours, theirs = cogx_make.both(folder, dataset, *options)
    assert cogx_make.shown(ours) == cogx_make.shown(theirs)
    assert np.array_equal(ours.ReadAsArray(), theirs.ReadAsArray())


@pytest.mark.parametrize("name", here(LOSSLESS))
def test_compress(tmp_path, name):
    check(tmp_path, "COMPRESS=" + name)


@pytest.mark.parametrize("interleave", ["PIXEL", "BAND"])
@pytest.mark.parametrize("options", [[], ["COMPRESS=NONE"],
                                     ["COMPRESS=DEFLATE"]])
def test_interleaved_by_pixel(tmp_path, options, interleave):
    """Whatever the source is. COG does as the source with COMPRESS=NONE, from
    3.11 also without COMPRESS."""
    source = cogx_make.write("GTiff", tmp_path / "source.tif",
                             cogx_make.source(), "INTERLEAVE=" + interleave)
    found = {}
    for driver in ("COGX", "COG"):
        made = cogx_make.write(driver, tmp_path / (driver + ".tif"), source,
                               *options)
        found[driver] = made.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE")
    follows = (options == ["COMPRESS=NONE"] or
               not options and int(gdal.VersionInfo()) >= 3110000)
    assert found == {"COGX": "PIXEL",
                     "COG": interleave if follows else "PIXEL"}


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_jpeg(tmp_path, bands):
    dataset = cogx_make.source(bands=bands)
    ours, theirs = cogx_make.both(tmp_path, dataset, "COMPRESS=JPEG",
                                  "QUALITY=90")
    assert cogx_make.shown(ours) == cogx_make.shown(theirs)
    error = np.abs(ours.ReadAsArray().astype(int) - dataset.ReadAsArray())
    assert error.mean() < 2


def test_jpeg_of_alpha_has_a_mask(tmp_path):
    ours, theirs = cogx_make.both(tmp_path, cogx_make.with_alpha(),
                                  "COMPRESS=JPEG")
    assert cogx_make.shown(ours) == cogx_make.shown(theirs)
    assert ours.RasterCount == 3
    mask = ours.GetRasterBand(1).GetMaskBand().ReadAsArray()
    assert np.array_equal(
        mask, theirs.GetRasterBand(1).GetMaskBand().ReadAsArray())
    assert mask[0, 0] == 0 and mask[80, 100] == 255


@pytest.mark.parametrize("quality", [75, 100])
def test_webp(tmp_path, quality):
    if not here(["WEBP"]):
        return
    dataset = cogx_make.source()
    ours = cogx_make.write("COGX", tmp_path / "a.tif", dataset,
                           "COMPRESS=WEBP", "QUALITY=%d" % quality)
    error = np.abs(ours.ReadAsArray().astype(int) - dataset.ReadAsArray())
    assert (error.max() == 0) == (quality == 100)
    assert error.mean() < 2


@pytest.mark.parametrize("name", ["LZW", "DEFLATE", "ZSTD"])
@pytest.mark.parametrize("predictor", ["YES", "NO", "STANDARD"])
def test_predictor(tmp_path, name, predictor):
    check(tmp_path, "COMPRESS=" + name, "PREDICTOR=" + predictor,
          dataset=cogx_make.source(kind=gdal.GDT_UInt16))


@pytest.mark.parametrize("predictor", ["YES", "STANDARD", "FLOATING_POINT"])
def test_predictor_of_floats(tmp_path, predictor):
    check(tmp_path, "COMPRESS=DEFLATE", "PREDICTOR=" + predictor,
          dataset=cogx_make.source(kind=gdal.GDT_Float32))


def test_level(tmp_path):
    sizes = []
    for level in (1, 9):
        path = tmp_path / "a.tif"
        cogx_make.write("COGX", path, cogx_make.source(), "COMPRESS=DEFLATE",
                        "LEVEL=%d" % level)
        sizes.append(path.stat().st_size)
    assert sizes[1] < sizes[0]


def floats_of(path, col):
    """Those of a tile of the top row, by zlib and the predictor's rule."""
    dataset = gdal.Open(str(path))
    at, nbytes = (int(dataset.GetRasterBand(1).GetMetadataItem(
        "BLOCK_%s_%d_0" % (what, col), "TIFF")) for what in ("OFFSET", "SIZE"))
    rows = np.frombuffer(zlib.decompress(
        path.read_bytes()[at:at + nbytes]), np.uint8).reshape(512, 2048)
    planes = np.cumsum(rows, axis=1, dtype=np.uint8).reshape(512, 4, 512)
    return planes.transpose(0, 2, 1).copy().view(">f4")[:, :, 0]


def test_default_of_floats(tmp_path):
    """An encoder of our own, unless LEVEL is given."""
    noise = np.random.default_rng(1).normal(size=(600, 700)).cumsum(axis=1)
    dataset = cogx_make.source(bands=1, kind=gdal.GDT_Float32)
    dataset.WriteArray(noise)
    path = tmp_path / "a.tif"
    found = {}
    for options in ([], ["LEVEL=1"], ["COMPRESS=DEFLATE", "PREDICTOR=YES",
                                      "LEVEL=1"], ["NUM_THREADS=1"]):
        made = cogx_make.write("COGX", path, dataset, *options)
        assert np.array_equal(made.ReadAsArray(), noise.astype(np.float32))
        del made
        found["".join(options[-1:])] = path.read_bytes()
        for col, width in ((0, 512), (1, 188)):
            assert np.array_equal(
                floats_of(path, col)[:, :width],
                noise[:512, 512 * col:512 * col + width].astype(np.float32))
    assert found[""] == found["NUM_THREADS=1"] != found["LEVEL=1"]
    assert len(found[""]) < 1.05 * len(found["LEVEL=1"])


def test_max_z_error(tmp_path):
    dataset = cogx_make.source(kind=gdal.GDT_Float32)
    ours = cogx_make.write("COGX", tmp_path / "a.tif", dataset,
                           "COMPRESS=LERC", "MAX_Z_ERROR=0.5")
    error = np.abs(ours.ReadAsArray() - dataset.ReadAsArray()).max()
    assert 0 < error <= 0.5


@pytest.mark.parametrize("options", [
    ["BLOCKSIZE=256"], ["BIGTIFF=YES"], ["OVERVIEWS=NONE"],
    ["OVERVIEW_COUNT=3"], ["OVERVIEWS=FORCE_USE_EXISTING"],
    ["GEOTIFF_VERSION=1.1"], ["SPARSE_OK=YES"],
    ["OVERVIEW_COMPRESS=LZW"], ["OVERVIEW_COMPRESS=JPEG"]])
def test_others(tmp_path, options):
    check(tmp_path, "COMPRESS=DEFLATE", *options)


def test_big_tiff_is_one(tmp_path):
    for wish, version in (("YES", 43), ("NO", 42), ("AUTO", 42)):
        cogx_make.write("COGX", tmp_path / "a.tif", cogx_make.source(),
                        "BIGTIFF=" + wish)
        assert (tmp_path / "a.tif").read_bytes()[2] == version


def test_default(tmp_path):
    dataset = cogx_make.source()
    ours = cogx_make.write("COGX", tmp_path / "a.tif", dataset)
    structure = ours.GetMetadata("IMAGE_STRUCTURE")
    assert structure["COMPRESSION"] == "DEFLATE"
    assert structure.get("PREDICTOR", "2") == "2"
    assert np.array_equal(ours.ReadAsArray(), dataset.ReadAsArray())


def test_overview_factors(tmp_path):
    ours = cogx_make.write("COGX", tmp_path / "a.tif", cogx_make.source(),
                           "OVERVIEW_FACTORS=1.5,3,10")
    band = ours.GetRasterBand(1)
    assert [(band.GetOverview(i).XSize, band.GetOverview(i).YSize)
            for i in range(3)] == [(467, 400), (233, 200), (70, 60)]


def test_nodata_to_mask(tmp_path):
    dataset = cogx_make.source(bands=1)
    dataset.GetRasterBand(1).SetNoDataValue(0)
    dataset.GetRasterBand(1).WriteRaster(0, 0, 50, 40, bytes(2000))
    ours = cogx_make.write("COGX", tmp_path / "a.tif", dataset,
                           "COMPRESS=JPEG", "NODATA_TO_MASK=YES")
    band = ours.GetRasterBand(1)
    mask = band.GetMaskBand().ReadAsArray()
    assert band.GetNoDataValue() is None
    assert band.GetMaskFlags() == gdal.GMF_PER_DATASET
    assert not mask[:40, :50].any() and (mask == 0).sum() == 2000


def test_statistics(tmp_path):
    dataset = cogx_make.source(bands=2, kind=gdal.GDT_Float32)
    ours = cogx_make.write("COGX", tmp_path / "a.tif", dataset,
                           "STATISTICS=YES")
    for number in (1, 2):
        found = ours.GetRasterBand(number).GetMetadata()
        expected = dataset.GetRasterBand(number).ComputeStatistics(False)
        for name, value in zip(("MINIMUM", "MAXIMUM", "MEAN", "STDDEV"),
                               expected):
            assert abs(float(found["STATISTICS_" + name]) - value) < 1e-6
        assert found["STATISTICS_VALID_PERCENT"] == "100"
    kept = cogx_make.write("COGX", tmp_path / "b.tif", ours)
    assert kept.GetRasterBand(1).GetMetadata() == \
        ours.GetRasterBand(1).GetMetadata()
    none = cogx_make.write("COGX", tmp_path / "c.tif", ours, "STATISTICS=NO")
    assert none.GetRasterBand(1).GetMetadata() == {}


@pytest.mark.parametrize("threads", ["1", "3", "ALL_CPUS"])
def test_threads(tmp_path, threads):
    cogx_make.write("COGX", tmp_path / "a.tif", cogx_make.source(),
                    "NUM_THREADS=1")
    cogx_make.write("COGX", tmp_path / "b.tif", cogx_make.source(),
                    "NUM_THREADS=" + threads)
    assert (tmp_path / "a.tif").read_bytes() == \
        (tmp_path / "b.tif").read_bytes()


@pytest.mark.parametrize("option", [
    "COMPRESS=FOO", "LEVEL=99", "BLOCKSIZE=100", "BLOCKSIZE=x", "QUALITY=101",
    "PREDICTOR=9", "NUM_THREADS=0", "OVERVIEW_FACTORS=4,2", "RES=-1",
    "STATISTICS=MAYBE", "BIGTIFF=FOO", "RESAMPLING=FOO", "EXTENT=1,2",
    "OVERVIEW_COMPRESS=FOO", "TILING_SCHEME=foo", "TARGET_SRS=foo",
    "SPARSE_OK=perhaps", "OVERVIEW_COUNT=-1", "GEOTIFF_VERSION=2"])
def test_refused(tmp_path, option):
    with rok4_util.Errors() as errors:
        made = gdal.GetDriverByName("COGX").CreateCopy(
            str(tmp_path / "a.tif"), cogx_make.source(), options=[option])
    assert made is None
    assert len(errors.failures) == 1
    assert option.split("=")[1] in errors.failures[0]
    assert not list(tmp_path.iterdir())


def test_samples_that_the_codec_has_not(tmp_path):
    with rok4_util.Errors() as errors:
        made = gdal.GetDriverByName("COGX").CreateCopy(
            str(tmp_path / "a.tif"), cogx_make.source(kind=gdal.GDT_Float32),
            options=["COMPRESS=JPEG"])
    assert made is None
    assert len(errors.failures) == 1
    assert not list(tmp_path.iterdir())
