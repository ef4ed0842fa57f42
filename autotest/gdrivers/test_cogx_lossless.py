# SPDX-License-Identifier: MIT
"""Tiles that COGX copies from pyramids and GeoTIFF files as they are."""

import os
import shutil

import numpy as np
import pytest
from osgeo import gdal
from osgeo_utils.samples import validate_cloud_optimized_geotiff as validator

import cogx_make
import rok4_util

MUST = "LOSSLESS_COPY=YES"
COPIED = ["t64_jpg_uint8_rgb", "t64_jpg90_uint8_rgb", "t64_lzw_float32",
          "t64_lzw_uint8_gray", "t64_lzw_uint8_graya", "t64_lzw_uint8_rgba",
          "t64_pkb_float32", "t64_pkb_uint8_gray", "t64_pkb_uint8_rgba",
          "t64_raw_float32", "t64_raw_uint8_rgb", "t64_zip_float32",
          "t64_zip_hole", "t64_zip_mask", "t64_zip_uint8_rgba",
          "t64_upd_slink", "pm_jpg_deep", "pm_jpg_world16", "lamb93_jpg90",
          "lamb93mnt_zip_float32"]


def fixture(name):
    return gdal.Open(os.path.join(rok4_util.DATA, name + ".json"))


def copy(path, dataset, *options, valid=True):
    """The copy, and what was said."""
    said = []
    gdal.PushErrorHandler(lambda kind, code, text: said.append(text))
    try:
        made = gdal.GetDriverByName("COGX").CreateCopy(
            str(path), dataset, options=list(options))
    finally:
        gdal.PopErrorHandler()
    if made is None:
        return None, " ".join(said)
    made = None
    if valid:
        _, errors, _ = validator.validate(str(path), full_check=True)
        assert errors == []
    return (gdal.OpenEx(str(path), gdal.OF_RASTER, allowed_drivers=["GTiff"]),
            " ".join(said))


def level(dataset, number, band=1):
    band = dataset.GetRasterBand(band)
    return band if number == 0 else band.GetOverview(number - 1)


def count(dataset):
    return 1 + dataset.GetRasterBand(1).GetOverviewCount()


def same(left, right, number):
    for band in range(1, left.RasterCount + 1):
        one, other = level(left, number, band), level(right, number, band)
        if not np.array_equal(one.ReadAsArray(), other.ReadAsArray()):
            return False
        if not np.array_equal(one.GetMaskBand().ReadAsArray(),
                              other.GetMaskBand().ReadAsArray()):
            return False
    return True


def tiles(dataset, number):
    """Encoded tiles of a level of a TIFF file, None where there is none."""
    band = level(dataset, number)
    width, height = band.GetBlockSize()
    with open(dataset.GetDescription(), "rb") as file:
        content = file.read()
    found = []
    for row in range(-(-band.YSize // height)):
        for col in range(-(-band.XSize // width)):
            place = [band.GetMetadataItem("BLOCK_%s_%d_%d" % (what, col, row),
                                          "TIFF")
                     for what in ("OFFSET", "SIZE")]
            found.append(None if place[0] is None else
                         content[int(place[0]):int(place[0]) + int(place[1])])
    return found


@pytest.mark.parametrize("sparse", ["NO", "YES"])
@pytest.mark.parametrize("name", COPIED)
def test_image_of_a_pyramid_is_identical(tmp_path, name, sparse):
    dataset = fixture(name)
    made, _ = copy(tmp_path / "a.tif", dataset, MUST, "SPARSE_OK=" + sparse)
    assert same(dataset, made, 0)
    assert made.GetGeoTransform() == dataset.GetGeoTransform()
    assert made.GetRasterBand(1).GetBlockSize() == \
        dataset.GetRasterBand(1).GetBlockSize()


def test_levels_of_a_pyramid_become_overviews(tmp_path):
    dataset = fixture("pm_jpg_world16")
    made, said = copy(tmp_path / "a.tif", dataset)
    assert said == ""
    assert count(made) == 5
    assert all(same(dataset, made, number) for number in range(5))


def test_tiles_are_the_bytes_of_the_slab(tmp_path):
    dataset = fixture("pm_jpg_world16")
    made, _ = copy(tmp_path / "a.tif", dataset, MUST)
    slabs = b""
    for folder, _, names in os.walk(os.path.join(rok4_util.DATA,
                                                 "pm_jpg_world16")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                slabs += file.read()
    for number in range(5):
        found = [tile in slabs for tile in tiles(made, number)]
        assert any(found)
        # One tile stands for those that the pyramid has not.
        assert len({tile for tile in tiles(made, number)
                    if tile not in slabs}) <= 1


def test_levels_beside_the_corner_are_made_anew(tmp_path):
    dataset = fixture("t64_zip_uint8_rgb")
    made, said = copy(tmp_path / "a.tif", dataset)
    assert "overviews 1, 2 of" in said and "ALIGNED_LEVELS" in said
    # Down to one tile.
    assert count(made) == 3
    assert same(dataset, made, 0)


def test_aligned_levels_grow_the_extent(tmp_path):
    dataset = fixture("t64_zip_uint8_rgb")
    made, said = copy(tmp_path / "a.tif", dataset, MUST, "ALIGNED_LEVELS=3")
    old, new = dataset.GetGeoTransform(), made.GetGeoTransform()
    left = round((old[0] - new[0]) / old[1])
    top = round((old[3] - new[3]) / old[5])
    assert left >= 0 and top >= 0 and left + top > 0
    assert "overviews 1" not in said and "overviews 2" not in said
    assert np.array_equal(
        made.ReadAsArray(left, top, dataset.RasterXSize, dataset.RasterYSize),
        dataset.ReadAsArray())


def test_packbits_is_copied_unless_a_codec_is_given(tmp_path):
    dataset = fixture("t64_pkb_uint8_rgb")
    for options, expected in (((), "PACKBITS"),
                              (("COMPRESS=DEFLATE",), "DEFLATE")):
        made, said = copy(tmp_path / "a.tif", dataset, *options)
        assert made.GetMetadataItem("COMPRESSION",
                                    "IMAGE_STRUCTURE") == expected
        assert same(dataset, made, 0)


def test_other_codecs_are_encoded_anew(tmp_path):
    dataset = fixture("t64_png_uint8_rgb")
    made, said = copy(tmp_path / "a.tif", dataset)
    assert said == "" and same(dataset, made, 0)
    made, said = copy(tmp_path / "b.tif", dataset, MUST)
    assert made is None and "LOSSLESS_COPY=YES, but" in said
    assert not (tmp_path / "b.tif").exists()


@pytest.mark.parametrize("option", [
    "COMPRESS=LZW", "LEVEL=9", "PREDICTOR=YES", "QUALITY=60", "BLOCKSIZE=128",
    "MAX_Z_ERROR=1", "OVERVIEW_COMPRESS=LZW", "OVERVIEW_QUALITY=50",
    "TILING_SCHEME=GoogleMapsCompatible", "TARGET_SRS=EPSG:4326",
    "NODATA_TO_MASK=YES", "STATISTICS=YES"])
def test_options_that_want_other_tiles(tmp_path, option):
    dataset = fixture("pm_jpg_deep")
    made, said = copy(tmp_path / "a.tif", dataset, MUST, option)
    assert made is None and option.split("=")[0] in said


def test_same_codec_is_fine(tmp_path):
    dataset = fixture("pm_jpg_deep")
    made, _ = copy(tmp_path / "a.tif", dataset, MUST, "COMPRESS=JPEG",
                   "BLOCKSIZE=256")
    assert same(dataset, made, 0)


def test_raw_tiles_are_compressed_unless_told(tmp_path):
    dataset = fixture("t64_raw_uint8_gray")
    for options, expected in (((), "DEFLATE"), (("COMPRESS=NONE",), None),
                              ((MUST,), None)):
        made, _ = copy(tmp_path / "a.tif", dataset, *options)
        assert made.GetMetadataItem("COMPRESSION",
                                    "IMAGE_STRUCTURE") == expected
        assert same(dataset, made, 0)


def test_number_of_overviews(tmp_path):
    dataset = fixture("pm_jpg_world16")
    for option, expected in (("OVERVIEWS=NONE", 1), ("OVERVIEW_COUNT=2", 3)):
        made, _ = copy(tmp_path / "a.tif", dataset, MUST, option)
        assert count(made) == expected
        assert all(same(dataset, made, n) for n in range(expected))


def tiff(path, dataset, *options, overviews=None, driver="GTiff"):
    with rok4_util.config(GDAL_TIFF_INTERNAL_MASK="YES"):
        made = gdal.GetDriverByName(driver).CreateCopy(
            str(path), dataset, options=list(options))
        assert made is not None
        made = None
        if overviews:
            made = gdal.Open(str(path), gdal.GA_Update)
            made.BuildOverviews("AVERAGE", overviews)
            made = None
    return gdal.Open(str(path))


TIFFS = [
    (("TILED=YES", "COMPRESS=DEFLATE", "PREDICTOR=2"), None, "GTiff"),
    (("TILED=YES", "COMPRESS=LZW", "BIGTIFF=YES"), [2], "GTiff"),
    (("TILED=YES", "COMPRESS=ZSTD", "BLOCKXSIZE=128", "BLOCKYSIZE=128"),
     [2, 4, 8], "GTiff"),
    (("TILED=YES", "COMPRESS=PACKBITS"), [2], "GTiff"),
    (("TILED=YES", "COMPRESS=JPEG", "PHOTOMETRIC=YCBCR"), None, "GTiff"),
    (("TILED=YES", "COMPRESS=JPEG"), [2, 4], "GTiff"),
    (("COMPRESS=JPEG", "QUALITY=60"), None, "COG"),
    (("COMPRESS=WEBP", "BLOCKSIZE=256"), None, "COG"),
    (("COMPRESS=LERC",), None, "COG"),
    (("COMPRESS=LERC_ZSTD", "MAX_Z_ERROR=2"), None, "COG"),
    (("COMPRESS=DEFLATE", "OVERVIEW_COMPRESS=LZW"), None, "COG"),
]


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("options,overviews,driver", TIFFS)
def test_tiles_of_a_tiff_are_copied(tmp_path, options, overviews, driver,
                                    mask):
    dataset = cogx_make.source(1300, 1100)
    if mask:
        cogx_make.add_mask(dataset)
    dataset = tiff(tmp_path / "source.tif", dataset, *options,
                   overviews=overviews, driver=driver)
    made, said = copy(tmp_path / "a.tif", dataset, MUST)
    assert said == ""
    for number in range(count(dataset)):
        assert same(dataset, made, number)
        assert tiles(dataset, number) == tiles(made, number)
    last = level(made, count(made) - 1)
    assert max(last.XSize, last.YSize) <= last.GetBlockSize()[0]


def test_prefixed_cog_is_copied(tmp_path):
    tiff(tmp_path / "source.tif", cogx_make.source(), "COMPRESS=JPEG",
         driver="COG")
    dataset = gdal.Open("COGX:%s" % (tmp_path / "source.tif"))
    made, _ = copy(tmp_path / "a.tif", dataset, MUST)
    assert same(dataset, made, 0)


def test_holes_stay_holes_or_are_filled(tmp_path):
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(tmp_path / "source.tif"), 1024, 1024, 1, gdal.GDT_Byte,
        ["TILED=YES", "COMPRESS=DEFLATE", "SPARSE_OK=YES"])
    dataset.GetRasterBand(1).SetNoDataValue(7)
    dataset.WriteRaster(0, 0, 256, 256, bytes([1]) * 65536)
    dataset = None
    dataset = gdal.Open(str(tmp_path / "source.tif"))
    for option in ("SPARSE_OK=YES", "SPARSE_OK=NO"):
        made, _ = copy(tmp_path / "a.tif", dataset, MUST, option)
        assert same(dataset, made, 0)
        assert (None in tiles(made, 0)) == option.endswith("YES")


@pytest.mark.parametrize("options,why", [
    (("TILED=YES", "COMPRESS=LZW", "INTERLEAVE=BAND"), "apart"),
    (("COMPRESS=LZW",), "strips"),
    (("TILED=YES", "COMPRESS=LZW", "BLOCKXSIZE=256", "BLOCKYSIZE=128"),
     "square")])
def test_tiffs_that_do_not_fit(tmp_path, options, why):
    dataset = tiff(tmp_path / "source.tif", cogx_make.source(), *options)
    made, said = copy(tmp_path / "a.tif", dataset, MUST)
    assert made is None and why in said
    made, said = copy(tmp_path / "a.tif", dataset)
    assert said == "" and same(dataset, made, 0)


def test_big_endian_samples(tmp_path):
    dataset = tiff(tmp_path / "source.tif",
                   cogx_make.source(kind=gdal.GDT_UInt16), "TILED=YES",
                   "COMPRESS=LZW", "ENDIANNESS=BIG")
    made, said = copy(tmp_path / "a.tif", dataset, MUST)
    assert made is None and "big-endian" in said
    made, _ = copy(tmp_path / "a.tif", dataset)
    assert same(dataset, made, 0)


def test_tile_beyond_the_file(tmp_path):
    path = tmp_path / "source.tif"
    tiff(path, cogx_make.source(), "COMPRESS=DEFLATE", driver="COG")
    os.truncate(path, os.path.getsize(path) - 1000)
    made, said = copy(tmp_path / "a.tif", gdal.Open(str(path)))
    assert made is None and "level 0, tile" in said
    assert not (tmp_path / "a.tif").exists()


def test_slab_that_is_cut(tmp_path, moved):
    descriptor = moved("t64_zip_uint8_rgb")
    for folder, _, names in os.walk(os.path.splitext(descriptor)[0]):
        for name in names:
            path = os.path.join(folder, name)
            os.truncate(path, os.path.getsize(path) - 1)
    made, said = copy(tmp_path / "a.tif", gdal.Open(str(descriptor)))
    assert made is None and "level" in said and "tile" in said
    assert not (tmp_path / "a.tif").exists()


@pytest.fixture
def server(tmp_path):
    (tmp_path / "served").mkdir()
    server = rok4_util.Server(tmp_path / "served")
    yield server
    server.close()


def test_remote_pyramid_in_few_rounds(tmp_path, server, moved):
    """As many requests at once as there are slabs, one for tiles that are
    side by side."""
    path = moved("pm_jpg_world16", tmp_path / "served")
    copy(tmp_path / "a.tif", gdal.Open(str(path)), MUST)
    dataset = gdal.Open(server.url(os.path.basename(str(path))))
    server.take()
    server.http.delay = 0.05
    made, _ = copy(tmp_path / "b.tif", dataset, MUST, "NUM_THREADS=1")
    requests, _, rounds, most = server.take()
    assert (tmp_path / "a.tif").read_bytes() == \
        (tmp_path / "b.tif").read_bytes()
    ntiles = sum(tile is not None for number in range(count(made))
                 for tile in tiles(made, number))
    assert requests < ntiles / 4 and rounds <= 4 * count(made)
    assert 1 < most <= 16


def test_remote_tiff_in_few_rounds(tmp_path, server):
    path = tmp_path / "served" / "source.tif"
    noise = np.random.default_rng(1).integers(0, 255, (2048, 2048), np.uint8)
    source = gdal.GetDriverByName("MEM").Create("", 2048, 2048)
    source.WriteArray(noise)
    tiff(path, source, "COMPRESS=DEFLATE", "BLOCKSIZE=128", "OVERVIEWS=NONE",
         driver="COG")
    copy(tmp_path / "a.tif", gdal.Open(str(path)), MUST, "OVERVIEWS=NONE")
    dataset = gdal.Open("COGX:" + server.url("source.tif"))
    server.take()
    server.http.delay = 0.05
    copy(tmp_path / "b.tif", dataset, MUST, "OVERVIEWS=NONE")
    requests, nbytes, rounds, most = server.take()
    assert (tmp_path / "a.tif").read_bytes() == \
        (tmp_path / "b.tif").read_bytes()
    assert requests < 30 and rounds < 12 and 4 < most <= 16
    assert nbytes < 1.1 * path.stat().st_size


def test_slab_replaced_meanwhile(tmp_path):
    """Positions of tiles belong to the slab that they were read from: more of
    them than are kept open."""
    source = cogx_make.source(4608, 4608, 1, epsg=3857)
    made = gdal.GetDriverByName("ROK4").CreateCopy(
        str(tmp_path / "many.json"), source, options=[
            "TILING_SCHEME=PM", "COMPRESS=NONE", "TILES_PER_WIDTH=1",
            "TILES_PER_HEIGHT=1"])
    assert made is not None
    made = None
    slabs = {os.path.join(folder, name) for folder, _, names in
             os.walk(tmp_path / "many") for name in names}
    assert len(slabs) > 300

    def replace(fraction, text, data):
        while fraction > 0.5 and slabs:
            path = slabs.pop()
            shutil.copy(path, path + ".new")
            os.replace(path + ".new", path)
        return 1

    with rok4_util.Errors() as errors:
        made = gdal.GetDriverByName("COGX").CreateCopy(
            str(tmp_path / "a.tif"), gdal.Open(str(tmp_path / "many.json")),
            options=[MUST], callback=replace)
    assert made is None and not (tmp_path / "a.tif").exists()
    assert "was replaced meanwhile" in " ".join(errors.texts())


def test_interrupted(tmp_path):
    made = gdal.GetDriverByName("COGX").CreateCopy(
        str(tmp_path / "a.tif"), fixture("pm_jpg_world16"),
        callback=lambda fraction, text, data: 0 if fraction > 0.5 else 1)
    assert made is None and os.listdir(tmp_path) == []
