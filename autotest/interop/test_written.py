# SPDX-License-Identifier: MIT
"""What our driver writes, before readers that are not ours: the strict reader,
the reference library, GDAL's GTiff, and the headers of the reference tools."""

import glob
import os

import numpy as np
import pytest
from osgeo import gdal, osr

import rok4_library
import rok4_strict
import rok4_util
from rok4_util import assert_pixels, fixture, open_dataset

pytestmark = pytest.mark.skipif(
    gdal.GetDriverByName("ROK4").GetMetadataItem("DCAP_CREATECOPY") != "YES",
    reason="this driver does not write")

BANDS = {"gray": 1, "graya": 2, "rgb": 3, "rgba": 4}
CODECS = {"raw": ["COMPRESS=NONE"], "zip": ["COMPRESS=DEFLATE"],
          "lzw": ["COMPRESS=LZW"], "pkb": ["COMPRESS=PACKBITS"],
          "png": ["COMPRESS=PNG"], "jpg": ["COMPRESS=JPEG", "QUALITY=75"],
          "jpg90": ["COMPRESS=JPEG", "QUALITY=90"]}
# Fixtures with the parameters that are written here.
NAMES = sorted(
    os.path.basename(path)[:-len(".json")]
    for codec in CODECS
    for path in glob.glob(fixture("t64_%s_*" % codec))
    if path[:-len(".json")].split("_")[-1] in list(BANDS) + ["float32"])
LEVEL = "5"


def make_source(tms_directory, bands, dtype, place):
    """Pixels of level 5 of T64 from the middle of a tile to that of another,
    in three slabs by two."""
    matrix = rok4_strict.load_tms("T64", tms_directory)[LEVEL]
    cell, (x0, y0) = matrix["cellSize"], matrix["pointOfOrigin"]
    width, height = 310, 170
    kind = gdal.GDT_Float32 if dtype == np.float32 else gdal.GDT_Byte
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(place / "source.tif"), width, height, bands, kind,
        ["ALPHA=UNSPECIFIED", "PHOTOMETRIC=MINISBLACK"])
    dataset.SetGeoTransform((x0 + (65 * 64 + 30) * cell, cell, 0,
                             y0 - (45 * 64 + 20) * cell, 0, -cell))
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(3857)
    dataset.SetProjection(srs.ExportToWkt())
    px_y, px_x = np.mgrid[0:height, 0:width]
    for band in range(bands):
        wave = 120 + 90 * np.sin(px_x / (31 + 5 * band)) * np.cos(px_y / 19)
        if dtype == np.float32:
            wave = wave * 7.25 - 300
        dataset.GetRasterBand(band + 1).WriteArray(wave.astype(dtype))
    if bands in (2, 4):
        dataset.GetRasterBand(bands).SetColorInterpretation(
            gdal.GCI_AlphaBand)
    return dataset


def write(tms_directory, place, name, *options):
    """A pyramid with the parameters of a fixture; returns its path."""
    _, codec, *kind = name.split("_")
    dtype = np.float32 if "float32" in kind else np.uint8
    source = make_source(tms_directory, BANDS.get(kind[-1], 1), dtype, place)
    path = str(place / "written.json")
    with rok4_util.Errors() as errors:
        done = gdal.GetDriverByName("ROK4").CreateCopy(
            path, source, options=CODECS[codec] + [
                "TILING_SCHEME=T64", "TILES_PER_WIDTH=2",
                "TILES_PER_HEIGHT=2", "BOTTOM_LEVEL=5", "TOP_LEVEL=2"] +
            list(options))
    assert done is not None, errors.texts()
    return path


def check(path, tms_directory, library):
    """Every reader takes the pyramid, and all read the same pixels."""
    nslabs = rok4_strict.check_pyramid(path, tms_directory)
    descriptor = rok4_strict.Descriptor(path, tms_directory)
    codec = descriptor.format.split("_")[1]
    ngtiff = rok4_strict.check_gtiff(path, tms_directory)
    assert codec == "PNG" or ngtiff == nslabs
    for level in descriptor.levels:
        pixels, present = rok4_strict.read_level(path, level.id,
                                                 tms_directory)
        assert present.any()
        dataset = open_dataset(path, "TILEMATRIX=" + level.id)
        found = rok4_util.pixels_of(dataset)
        assert_pixels(found, pixels, codec)
    reading = library.read(path)
    ntiles = rok4_library.compare_pixels(reading, path)
    assert (ntiles > 0) == (codec in rok4_library.CODECS)
    rok4_library.compare_list(reading, path)


@pytest.mark.parametrize("name", NAMES)
def test_written(name, tms_directory, tmp_path, library):
    path = write(tms_directory, tmp_path, name)
    check(path, tms_directory, library)


@pytest.mark.parametrize("name", NAMES)
def test_header(name, tms_directory, tmp_path):
    """Byte for byte that of the reference tools."""
    path = write(tms_directory, tmp_path, name)
    expected, = {read_header(slab) for slab in slabs_of(fixture(name))}
    found, = {read_header(slab) for slab in slabs_of(path)}
    assert found == expected


def slabs_of(path):
    return glob.glob(os.path.join(path[:-len(".json")], "DATA", "**",
                                  "*.tif"), recursive=True)


def read_header(path):
    with open(path, "rb") as file:
        return file.read(rok4_strict.HEADER_BYTES)


@pytest.mark.parametrize("codec", ["png", "zip"])
def test_masks(codec, tms_directory, tmp_path, library):
    path = write(tms_directory, tmp_path, "t64_%s_uint8_rgb" % codec,
                 "MASK=YES")
    check(path, tms_directory, library)
    mask, _ = rok4_strict.read_level(path, LEVEL, tms_directory, "MASK")
    expected = np.zeros_like(mask)
    expected[20:20 + 170, 30:30 + 310] = 255
    np.testing.assert_array_equal(mask, expected)
    dataset = open_dataset(path)
    found = dataset.GetRasterBand(1).GetMaskBand().ReadAsArray()
    np.testing.assert_array_equal(found, mask[:, :, 0])


def test_bottom_pixels(tms_directory, tmp_path):
    """The source's own pixels, and nodata around them."""
    path = write(tms_directory, tmp_path, "t64_zip_uint8_rgb", "NODATA=7,8,9")
    pixels, _ = rok4_strict.read_level(path, LEVEL, tms_directory)
    source = gdal.Open(str(tmp_path / "source.tif"))
    expected = np.empty_like(pixels)
    expected[:] = 7, 8, 9
    expected[20:20 + 170, 30:30 + 310] = rok4_util.pixels_of(source)
    np.testing.assert_array_equal(pixels, expected)
