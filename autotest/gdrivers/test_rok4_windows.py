# SPDX-License-Identifier: MIT
"""Windows of every kind against arrays and against a MEM copy."""

import random
import struct

import numpy as np
import pytest
from osgeo import gdal

import rok4_make
import rok4_tms
from rok4_util import (Errors, bands_of, fixture, memory_copy,
                       open_dataset, pixels_of)

KINDS = {"rgb": ("TIFF_ZIP_UINT8", 3), "rgba": ("TIFF_LZW_UINT8", 4),
         "graya": ("TIFF_PNG_UINT8", 2), "float": ("TIFF_ZIP_FLOAT32", 1),
         "gray": ("TIFF_RAW_UINT8", 1), "floats": ("TIFF_RAW_FLOAT32", 3)}


@pytest.fixture(scope="module")
def pyramids(tmp_path_factory):
    """One pyramid a kind: 5x4 tiles of 48x64 with some slabs and tiles
    absent, and two coarser levels."""
    root = tmp_path_factory.mktemp("windows")
    tms = rok4_tms.quadtree("Q", tile=(48, 64))
    rok4_tms.write(str(root), tms)
    paths = {}
    for name, (fmt, channels) in KINDS.items():
        paths[name] = rok4_make.Pyramid(
            root, name, tms, fmt, channels, levels=[
                rok4_make.Level("4", (8, 8, 12, 11), (2, 2),
                                absent={(5, 4)}, empty={(8, 10), (12, 11)}),
                rok4_make.Level("3", (4, 4, 6, 5), (2, 2)),
                rok4_make.Level("2", (2, 2, 3, 2), (2, 2))]).write()
    return paths


def random_window(rng, width, height):
    px_x, px_y = rng.randrange(width), rng.randrange(height)
    return (px_x, px_y, rng.randint(1, width - px_x),
            rng.randint(1, height - px_y))


@pytest.mark.parametrize("kind", KINDS)
def test_windows(pyramids, kind):
    whole = pixels_of(open_dataset(pyramids[kind]))
    dataset = open_dataset(pyramids[kind])
    rng = random.Random(1)
    height, width, count = whole.shape
    for _ in range(60):
        x, y, w, h = random_window(rng, width, height)
        expected = whole[y:y + h, x:x + w]
        found = dataset.ReadAsArray(x, y, w, h).reshape(count, h, w)
        np.testing.assert_array_equal(found.transpose(1, 2, 0), expected)
        band = rng.randrange(count)
        np.testing.assert_array_equal(
            dataset.GetRasterBand(band + 1).ReadAsArray(x, y, w, h),
            expected[:, :, band])


@pytest.mark.parametrize("kind", ["rgb", "rgba", "floats"])
def test_band_lists(pyramids, kind):
    dataset = open_dataset(pyramids[kind])
    whole = pixels_of(dataset)
    for bands in ([2], [3, 1, 2], [3, 2, 1], [1, 1], [2, 3],
                  [2, 1, 2, 1, 3]):
        data = dataset.ReadRaster(11, 50, 90, 77, band_list=bands)
        found = np.frombuffer(data, whole.dtype).reshape(len(bands), 77, 90)
        for i, band in enumerate(bands):
            np.testing.assert_array_equal(found[i],
                                          whole[50:127, 11:101, band - 1])


@pytest.mark.parametrize("kind", ["rgb", "float", "graya"])
def test_buffer_types(pyramids, kind):
    dataset = open_dataset(pyramids[kind])
    copy = memory_copy(dataset)
    for buf_type in (gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Int16,
                     gdal.GDT_Int32, gdal.GDT_UInt32, gdal.GDT_Float32,
                     gdal.GDT_Float64, gdal.GDT_CFloat32):
        window = 30, 40, 101, 99
        assert (dataset.ReadRaster(*window, buf_type=buf_type) ==
                copy.ReadRaster(*window, buf_type=buf_type))
        assert (dataset.GetRasterBand(1).ReadRaster(
            *window, buf_type=buf_type) ==
            copy.GetRasterBand(1).ReadRaster(*window, buf_type=buf_type))


@pytest.mark.parametrize("kind", ["rgb", "rgba", "floats"])
def test_spacings(pyramids, kind):
    """Pixel-, line- and band-interleaved buffers, and wider spacings."""
    dataset = open_dataset(pyramids[kind])
    copy = memory_copy(dataset)
    size = 4 if kind == "floats" else 1
    count = dataset.RasterCount
    window = 37, 60, 83, 71
    for pixel, line, band in (
            (count * size, count * size * 83, size),
            (size, size * 83 * count, size * 83),
            (size, size * 83, size * 83 * 71),
            (count * size + 2 * size, (count * size + 2 * size) * 90, size),
            (2 * size, 2 * size * 83, 2 * size * 83 * 71)):
        for buf_type in (None, gdal.GDT_Float32):
            if buf_type and size == 1:
                pixel, line, band = 4 * pixel, 4 * line, 4 * band
            args = {"buf_pixel_space": pixel, "buf_line_space": line,
                    "buf_band_space": band}
            if buf_type:
                args["buf_type"] = buf_type
            found = dataset.ReadRaster(*window, **args)
            expected = copy.ReadRaster(*window, **args)
            # Bytes between samples are undefined: compare the samples.
            code = "f" if buf_type or size == 4 else "B"
            for i in range(count):
                for px_y in (0, 1, 40, 70):
                    for px_x in (0, 5, 82):
                        at = band * i + line * px_y + pixel * px_x
                        assert (struct.unpack_from(code, found, at) ==
                                struct.unpack_from(code, expected, at))


RESAMPLING = {"nearest": gdal.GRIORA_NearestNeighbour,
              "bilinear": gdal.GRIORA_Bilinear, "cubic": gdal.GRIORA_Cubic,
              "cubicspline": gdal.GRIORA_CubicSpline,
              "lanczos": gdal.GRIORA_Lanczos, "average": gdal.GRIORA_Average,
              "mode": gdal.GRIORA_Mode, "rms": gdal.GRIORA_RMS}


def compare(found, expected, kind):
    assert found is not None and expected is not None
    dtype = np.float32 if kind.startswith("float") else np.uint8
    found = np.frombuffer(found, dtype).astype(float)
    expected = np.frombuffer(expected, dtype).astype(float)
    if dtype == np.uint8:
        assert np.abs(found - expected).max() <= 1
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("method", RESAMPLING)
@pytest.mark.parametrize("kind", ["rgb", "float", "gray", "rgba"])
def test_resampled(pyramids, kind, method):
    """Smaller and larger buffers, whole and odd windows, from the level that
    GDAL would take."""
    dataset = open_dataset(pyramids[kind])
    copy = memory_copy(dataset)
    for window, out in (((0, 0, 240, 256), (120, 128)),
                        ((0, 0, 240, 256), (60, 64)),
                        ((0, 0, 240, 256), (97, 101)),
                        ((0, 0, 240, 256), (31, 29)),
                        ((13, 21, 200, 190), (50, 60)),
                        ((13, 21, 200, 190), (199, 100)),
                        ((50, 60, 40, 30), (120, 90)),
                        ((100, 100, 1, 1), (5, 5))):
        args = {"buf_xsize": out[0], "buf_ysize": out[1],
                "resample_alg": RESAMPLING[method]}
        compare(dataset.ReadRaster(*window, **args),
                copy.ReadRaster(*window, **args), kind)
        compare(dataset.GetRasterBand(1).ReadRaster(*window, **args),
                copy.GetRasterBand(1).ReadRaster(*window, **args), kind)


@pytest.mark.parametrize("method", ["nearest", "bilinear", "cubic",
                                    "average"])
@pytest.mark.parametrize("kind", ["rgb", "float"])
def test_float_windows(pyramids, kind, method):
    dataset = open_dataset(pyramids[kind])
    copy = memory_copy(dataset)
    rng = random.Random(2)
    for _ in range(12):
        w, h = rng.uniform(2, 150), rng.uniform(2, 150)
        x, y = rng.uniform(0, 240 - w), rng.uniform(0, 256 - h)
        args = {"buf_xsize": rng.randint(1, 200),
                "buf_ysize": rng.randint(1, 200),
                "resample_alg": RESAMPLING[method]}
        compare(dataset.ReadRaster(x, y, w, h, **args),
                copy.ReadRaster(x, y, w, h, **args), kind)
        compare(dataset.GetRasterBand(1).ReadRaster(x, y, w, h, **args),
                copy.GetRasterBand(1).ReadRaster(x, y, w, h, **args), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_subsampled_nearest(pyramids, kind):
    """At an overview's own resolution: the stored pixels, bit for bit."""
    dataset = open_dataset(pyramids[kind])
    for i in range(2):
        for j, band in enumerate(bands_of(dataset)):
            overview = band.GetOverview(i)
            found = band.ReadAsArray(0, 0, 240, 256, overview.XSize,
                                     overview.YSize)
            np.testing.assert_array_equal(found, overview.ReadAsArray())


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_the_last_column(kind, tmp_path):
    """Overviews whose size is no multiple of the tile: partial blocks."""
    tms = rok4_tms.quadtree("Q", tile=(48, 64))
    rok4_tms.write(str(tmp_path), tms)
    fmt, channels = KINDS[kind]
    dataset = open_dataset(rok4_make.Pyramid(
        tmp_path, "N", tms, fmt, channels,
        levels=[rok4_make.Level("4", (9, 9, 11, 13)),
                rok4_make.Level("3", (4, 4, 5, 6)),
                rok4_make.Level("2", (2, 2, 2, 3))]).write())
    for i in (0, 1):
        for band in bands_of(dataset, i):
            whole = band.ReadAsArray()
            width, height = band.GetBlockSize()
            for row in range(-(-band.YSize // height)):
                for col in range(-(-band.XSize // width)):
                    block = np.frombuffer(band.ReadBlock(col, row),
                                          whole.dtype).reshape(height, width)
                    tile = whole[row * height:(row + 1) * height,
                                 col * width:(col + 1) * width]
                    np.testing.assert_array_equal(
                        block[:tile.shape[0], :tile.shape[1]], tile)


@pytest.mark.parametrize("option", ["YES", "NO"])
def test_block_cache_and_dataset_path_agree(pyramids, option):
    """GDAL's own block cache in the way of band reads, before and after
    dataset reads."""
    dataset = open_dataset(pyramids["rgb"])
    band = dataset.GetRasterBand(2)
    if option == "YES":
        assert band.Checksum() == band.Checksum()
    whole = pixels_of(dataset)
    np.testing.assert_array_equal(band.ReadAsArray(), whole[:, :, 1])
    dataset.FlushCache()
    np.testing.assert_array_equal(pixels_of(dataset), whole)


@pytest.mark.parametrize("threads", ["1", "2", "ALL_CPUS", "7"])
def test_number_of_threads(pyramids, threads):
    expected = pixels_of(open_dataset(pyramids["rgb"], "NUM_THREADS=1"))
    dataset = open_dataset(pyramids["rgb"], "NUM_THREADS=" + threads)
    np.testing.assert_array_equal(pixels_of(dataset), expected)
    gdal.SetConfigOption("GDAL_NUM_THREADS", threads)
    dataset = open_dataset(pyramids["rgb"])
    np.testing.assert_array_equal(pixels_of(dataset), expected)


@pytest.mark.parametrize("threads", ["0", "-3", "many", "1e9"])
def test_bad_number_of_threads(pyramids, threads):
    """Nonsense is said or ignored; the pixels are right in any case."""
    expected = pixels_of(open_dataset(pyramids["rgb"]))
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        dataset = gdal.OpenEx(pyramids["rgb"],
                              open_options=["NUM_THREADS=" + threads])
    finally:
        gdal.PopErrorHandler()
    if dataset is not None:
        np.testing.assert_array_equal(pixels_of(dataset), expected)


def test_advise_read(pyramids):
    """A queue of windows, then reads inside, across and outside them."""
    whole = pixels_of(open_dataset(pyramids["rgb"]))
    dataset = open_dataset(pyramids["rgb"])
    windows = [(10, 10, 60, 60), (100, 120, 80, 90), (0, 200, 240, 56)]
    for window in windows:
        assert dataset.AdviseRead(*window) == gdal.CE_None
    assert dataset.GetRasterBand(1).AdviseRead(5, 5, 9, 9) == gdal.CE_None
    for x, y, w, h in windows + [(0, 0, 240, 256), (7, 3, 9, 11)]:
        np.testing.assert_array_equal(
            dataset.ReadAsArray(x, y, w, h).transpose(1, 2, 0),
            whole[y:y + h, x:x + w])
    for x, y, w, h in windows:
        assert dataset.AdviseRead(x, y, w, h) == gdal.CE_None
    dataset = None


def test_warp_and_translate(tmp_path):
    """Through the utilities' code: a window to GeoTIFF and a warp."""
    source = open_dataset(fixture("t64_zip_uint8_rgb"))
    out = gdal.Translate(str(tmp_path / "w.tif"), source,
                         srcWin=[30, 50, 101, 77])
    np.testing.assert_array_equal(out.ReadAsArray(),
                                  source.ReadAsArray(30, 50, 101, 77))
    assert out.GetGeoTransform()[0] == pytest.approx(
        source.GetGeoTransform()[0] + 30 * source.GetGeoTransform()[1])
    copy = memory_copy(source)
    copy.SetGeoTransform(source.GetGeoTransform())
    copy.SetSpatialRef(source.GetSpatialRef())
    options = {"format": "MEM", "dstSRS": "EPSG:4326", "width": 150,
               "height": 130, "resampleAlg": "bilinear"}
    found = gdal.Warp("", source, **options)
    expected = gdal.Warp("", copy, **options)
    difference = found.ReadAsArray().astype(int) - expected.ReadAsArray()
    assert np.abs(difference).max() <= 1


def test_errors_of_workers_reach_the_caller(tmp_path):
    """A damaged tile among many: once, on the caller's thread; the rest of
    the pyramid is still readable."""
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(tmp_path), tms)
    pyramid = rok4_make.Pyramid(tmp_path, "N", tms, channels=3, levels=[
        rok4_make.Level("4", (0, 0, 7, 7), (2, 2))])
    path = pyramid.write()
    slab = pyramid.slab_file(pyramid.levels[0], 1, 1)
    with open(slab, "r+b") as file:
        file.seek(2048 + 32 + 20)
        file.write(b"damage" * 20)
    dataset = open_dataset(path, "NUM_THREADS=4")
    with Errors() as errors:
        assert dataset.ReadAsArray() is None
        assert len(errors.failures) == 1
        assert "11.tif" in errors.failures[0]
        assert dataset.GetRasterBand(1).ReadAsArray() is None
    assert dataset.ReadAsArray(192, 128, 64, 64) is not None
    assert dataset.ReadAsArray(0, 0, 512, 128) is not None
