# SPDX-License-Identifier: MIT
"""Metadata domains, LocationInfo, coverage, files, PAM, options."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from osgeo import gdal

import rok4_decode
import rok4_make
import rok4_tms
from rok4_util import (DATA, ROOT, Errors, Watch, bands_of, fixture,
                       open_dataset, pixels_of)


@pytest.fixture
def holed(tmp_path):
    """4x4 tiles, one slab and one tile absent, and one coarser level."""
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(tmp_path), tms)
    return rok4_make.Pyramid(
        tmp_path, "N", tms, "TIFF_ZIP_UINT8", 3, levels=[
            rok4_make.Level("4", (8, 8, 11, 11), (2, 2),
                            absent={(5, 4)}, empty={(8, 10)}),
            rok4_make.Level("3", (4, 4, 5, 5), (4, 2))])


def test_default_domain(holed):
    metadata = open_dataset(holed.write()).GetMetadata()
    assert metadata["TMS"] == "Q"
    assert metadata["FORMAT"] == "TIFF_ZIP_UINT8"
    assert metadata["LEVELS"] == "4 3"
    assert metadata["INTERPOLATION"] == "bicubic"
    assert metadata["TILES_PER_WIDTH"] == "2"
    assert metadata["TILES_PER_HEIGHT"] == "2"


def test_missing_interpolation(holed):
    path = holed.write()
    descriptor = holed.descriptor()
    del descriptor["raster_specifications"]["interpolation"]
    holed.write_descriptor(descriptor)
    assert "INTERPOLATION" not in open_dataset(path).GetMetadata()


FIELDS = {
    "t64_zip_uint8_rgb": ("UINT8", "3", "ZIP", "255,255,255"),
    "t64_jpg_uint8_rgb": ("UINT8", "3", "JPG", "255,255,255"),
    "t64_jpg90_uint8_rgb": ("UINT8", "3", "JPG90", "255,255,255"),
    "t64_raw_float32": ("FLOAT32", "1", "RAW", "-99999"),
    "t64_png_uint8_graya": ("UINT8", "2", "PNG", "255,0"),
    "t64_lzw_uint8_gray": ("UINT8", "1", "LZW", "0"),
    "t64_pkb_uint8_rgba": ("UINT8", "4", "PKB", "255,255,255,0"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_production_domain(name):
    dataset = open_dataset(fixture(name))
    metadata = dataset.GetMetadata("ROK4")
    kind, channels, compression, nodata = FIELDS[name]
    assert metadata["CHANNELS_FORMAT"] == kind
    assert metadata["CHANNELS_NUMBER"] == channels
    assert metadata["COMPRESSION"] == compression
    assert metadata["NODATA_VALUE"] == nodata
    assert metadata["SRS"] == "EPSG:3857"
    assert metadata["LEVELS"].replace(",", " ") == "5 4 3 2"
    assert "ROK4" in dataset.GetMetadataDomainList()
    assert dataset.GetMetadataItem("COMPRESSION", "ROK4") == compression
    structure = dataset.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE")
    assert structure == {"ZIP": "DEFLATE", "JPG": "JPEG", "JPG90": "JPEG",
                         "PKB": "PACKBITS", "RAW": structure}.get(
                             compression, compression)
    if compression == "RAW":
        assert structure in (None, "NONE")


@pytest.mark.parametrize("name", ["t64_zip_uint8_rgb", "lamb93_jpg90",
                                  "pm_jpg_deep"])
def test_extent_is_a_polygon_in_degrees(name):
    """The corners' longitudes and latitudes, wherever the ring starts and
    however it is written."""
    dataset = open_dataset(fixture(name))
    numbers = [float(v) for v in re.findall(
        r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?",
        dataset.GetMetadataItem("EXTENT", "ROK4"))]
    lons, lats = numbers[0::2], numbers[1::2]
    assert len(lons) == len(lats) >= 5
    assert (lons[0], lats[0]) == (lons[-1], lats[-1])
    corners = gdal.Info(dataset, format="json")["wgs84Extent"]
    corners = np.array(corners["coordinates"][0])
    assert min(lons) == pytest.approx(corners[:, 0].min(), abs=0.02)
    assert max(lons) == pytest.approx(corners[:, 0].max(), abs=0.02)
    assert min(lats) == pytest.approx(corners[:, 1].min(), abs=0.02)
    assert max(lats) == pytest.approx(corners[:, 1].max(), abs=0.02)


def test_json_domain(tms_directory):
    """One text with the descriptor and the TMS as read."""
    dataset = open_dataset(fixture("t64_zip_uint8_rgb"))
    texts = dataset.GetMetadata_List("json:ROK4")
    assert len(texts) == 1
    value = json.loads(texts[0])
    with open(fixture("t64_zip_uint8_rgb"), encoding="utf-8") as file:
        assert value["descriptor"] == json.load(file)
    with open(os.path.join(DATA, "tms", "T64.json"),
              encoding="utf-8") as file:
        assert value["tile_matrix_set"] == json.load(file)
    assert "json:ROK4" in dataset.GetMetadataDomainList()
    assert gdal.Info(dataset, extraMDDomains=["json:ROK4"])


def location(band, px_x, px_y):
    text = band.GetMetadataItem("Pixel_%d_%d" % (px_x, px_y), "LocationInfo")
    assert text is not None
    root = ElementTree.fromstring(text)
    assert root.tag == "LocationInfo"
    return {child.tag: child.text for child in root}


def test_location_info(holed):
    path = holed.write()
    reference = rok4_decode.Pyramid(path, holed.root)
    dataset = open_dataset(path)
    for band_level, band in ((reference.levels[0], dataset.GetRasterBand(1)),
                             (reference.levels[1],
                              dataset.GetRasterBand(2).GetOverview(0))):
        c0, r0, c1, r1 = band_level.limits
        for row in range(r0, r1 + 1):
            for col in range(c0, c1 + 1):
                info = location(band, (col - c0) * 64 + 63,
                                (row - r0) * 64 + 1)
                assert info["Level"] == band_level.id_
                assert info["TileColumn"] == str(col)
                assert info["TileRow"] == str(row)
                file = band_level.slab_file(col, row)
                assert os.path.normpath(info["File"]) == file
                data = reference.tile_bytes(band_level, col, row)
                assert info["Status"] == ("absent" if data is None
                                          else "present")
                if data is None:
                    assert (info["Offset"], info["Size"]) == ("0", "0")
                    continue
                assert int(info["Size"]) == len(data)
                with open(file, "rb") as slab:
                    slab.seek(int(info["Offset"]))
                    assert slab.read(len(data)) == data


@pytest.mark.parametrize("item", [
    "Pixel_-1_0", "Pixel_256_0", "Pixel_0_256", "Pixel_0", "Pixel_a_b",
    "GeoPixel_0", "Pixel_0_0_0x", "Pixel_99999999999999_0", "", "Nothing"])
def test_location_info_outside(holed, item):
    dataset = open_dataset(holed.write())
    band = dataset.GetRasterBand(1)
    with Errors():
        text = band.GetMetadataItem(item, "LocationInfo")
    assert text is None or "LocationInfo" in text


def test_location_info_through_the_program(holed):
    """What gdallocationinfo asks: the pixel by geographic position."""
    dataset = open_dataset(holed.write())
    gt = dataset.GetGeoTransform()
    name = "GeoPixel_%.17g_%.17g" % (gt[0] + 70.5 * gt[1],
                                     gt[3] + 10.5 * gt[5])
    with Errors():
        text = dataset.GetRasterBand(1).GetMetadataItem(name, "LocationInfo")
    if text is not None:
        assert "<TileColumn>9</TileColumn>" in text


DATA_STATUS = gdal.GDAL_DATA_COVERAGE_STATUS_DATA
EMPTY_STATUS = gdal.GDAL_DATA_COVERAGE_STATUS_EMPTY


def test_coverage(holed):
    dataset = open_dataset(holed.write())
    band = dataset.GetRasterBand(2)
    for window, status, percent in (
            ((0, 0, 256, 256), DATA_STATUS | EMPTY_STATUS, 100 * 11 / 16),
            ((0, 0, 128, 128), DATA_STATUS, 100),
            ((128, 0, 128, 128), EMPTY_STATUS, 0),
            ((0, 128, 64, 64), EMPTY_STATUS, 0),
            ((10, 10, 5, 5), DATA_STATUS, 100),
            ((120, 10, 16, 16), DATA_STATUS | EMPTY_STATUS, 50),
            ((0, 120, 64, 16), DATA_STATUS | EMPTY_STATUS, 50)):
        found, share = band.GetDataCoverageStatus(*window)
        assert found == status, window
        assert share == pytest.approx(percent, abs=1e-6)
    overview = band.GetOverview(0)
    assert list(overview.GetDataCoverageStatus(0, 0, 128, 128)) == [
        DATA_STATUS, 100]


def test_coverage_beyond_a_coarse_levels_limits(tmp_path):
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(tmp_path), tms)
    path = rok4_make.Pyramid(tmp_path, "N", tms, channels=1, levels=[
        rok4_make.Level("4", (8, 8, 11, 11)),
        rok4_make.Level("3", (4, 4, 4, 5))]).write()
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(1).GetOverview(0)
    status, share = band.GetDataCoverageStatus(0, 0, 128, 128)
    assert status == DATA_STATUS | EMPTY_STATUS
    assert share == pytest.approx(50)


def test_file_list(holed):
    path = holed.write()
    listed = open_dataset(path).GetFileList()
    assert listed == [path, path[:-5] + ".list"]
    os.unlink(path[:-5] + ".list")
    assert open_dataset(path).GetFileList() == [path]
    assert open_dataset('ROK4:"%s":3' % path).GetFileList() == [path]


def test_pam_is_read(holed):
    path = holed.write()
    with open(path + ".aux.xml", "w", encoding="utf-8") as file:
        file.write("""<PAMDataset>
  <Metadata><MDI key="OWNER">a user</MDI></Metadata>
  <PAMRasterBand band="2">
    <Description>second</Description>
    <Metadata><MDI key="STATISTICS_MINIMUM">3</MDI></Metadata>
  </PAMRasterBand></PAMDataset>""")
    dataset = open_dataset(path)
    assert dataset.GetMetadataItem("OWNER") == "a user"
    assert dataset.GetMetadata()["OWNER"] == "a user"
    assert dataset.GetMetadata()["TMS"] == "Q"
    band = dataset.GetRasterBand(2)
    assert band.GetMetadataItem("STATISTICS_MINIMUM") == "3"
    assert path + ".aux.xml" in dataset.GetFileList()
    # The band first, on a fresh dataset.
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(2)
    assert band.GetMetadataItem("STATISTICS_MINIMUM") == "3"


def test_pam_is_read_lazily(holed):
    """Opening and reading pixels look at no sidecar."""
    path = holed.write()
    with open(path + ".aux.xml", "w", encoding="utf-8") as file:
        file.write("<PAMDataset/>")
    watch = Watch(holed.root)
    dataset = open_dataset(path)
    dataset.ReadAsArray(0, 0, 20, 20)
    dataset.GetRasterBand(1).GetMaskFlags()
    dataset.GetSpatialRef()
    dataset.GetGeoTransform()
    assert path + ".aux.xml" not in watch.opened()
    dataset.GetMetadata()
    assert path + ".aux.xml" in watch.opened()
    watch.close()


def test_pam_is_written(holed):
    path = holed.write()
    dataset = open_dataset(path)
    statistics = dataset.GetRasterBand(1).ComputeStatistics(False)
    dataset = None
    assert os.path.exists(path + ".aux.xml")
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(1)
    assert band.GetStatistics(True, False) == pytest.approx(statistics)
    assert float(band.GetMetadataItem("STATISTICS_MEAN")) == pytest.approx(
        statistics[2])
    assert dataset.GetMetadata()["LEVELS"] == "4 3"


def test_pam_of_other_views_stays(holed):
    """Also where nothing is left of the main one's, which GDAL removes."""
    path = holed.write()
    open_dataset(path, "TILEMATRIX=3").SetMetadataItem("PART", "coarse")
    open_dataset(path).SetMetadataItem("OWNER", "a user")
    open_dataset(path).SetMetadata({})
    assert open_dataset(path).GetMetadataItem("OWNER") is None
    assert open_dataset(path, "TILEMATRIX=3").GetMetadataItem(
        "PART") == "coarse"


def test_statistics_are_of_their_level(holed):
    """Statistics of one level's dataset are not another's."""
    path = holed.write()
    fine = open_dataset(path)
    exact = fine.GetRasterBand(1).ComputeStatistics(False)
    fine = None
    pixels = pixels_of(open_dataset(path, "TILEMATRIX=3"))[:, :, 0]
    dataset = open_dataset(path, "TILEMATRIX=3")
    coarse = dataset.GetRasterBand(1)
    found = coarse.ComputeStatistics(False)
    assert found[2] == pytest.approx(pixels.mean(), abs=1e-6)
    assert found != exact


def test_nothing_is_written_by_reading(holed):
    path = holed.write()
    before = sorted(os.listdir(holed.root))
    dataset = open_dataset(path)
    dataset.ReadAsArray()
    dataset.GetMetadata()
    gdal.Info(dataset)
    dataset = None
    assert sorted(os.listdir(holed.root)) == before


def options_of_driver():
    xml = gdal.GetDriverByName("ROK4").GetMetadataItem("DMD_OPENOPTIONLIST")
    root = ElementTree.fromstring(xml)
    return {o.get("name"): o for o in root.findall("Option")}


def test_open_options():
    options = options_of_driver()
    assert set(options) >= {"TILEMATRIX", "TMS_DIRECTORY", "NUM_THREADS",
                            "MASK", "NODATA", "EXTENT_METHOD",
                            "STORAGE_ROOT"}
    for option in options.values():
        assert option.get("type") and option.get("description")
    values = [v.text for v in options["NODATA"].findall("Value")]
    assert values == ["AUTO", "BAND", "PIXEL", "NONE"]


def test_documented_options_are_the_drivers():
    path = os.path.join(ROOT, "doc", "drivers", "raster", "rok4.rst")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    section = re.search(r"Open options\n[-=~]+\n(.*?)(?=\n[^\n]+\n[-=~^]{4,}"
                        r"\n|\Z)", text, re.S)
    assert section
    documented = set(re.findall(
        r"(?:^\.\. oo:: |^-\s+\*\*)([A-Z0-9_]+)", section.group(1), re.M))
    assert documented == set(options_of_driver())


def test_driver_metadata():
    driver = gdal.GetDriverByName("ROK4")
    metadata = driver.GetMetadata()
    assert metadata["DCAP_RASTER"] == "YES"
    assert metadata["DCAP_OPEN"] == "YES"
    assert metadata["DCAP_VIRTUALIO"] == "YES"
    assert "DCAP_CREATE" not in metadata
    assert metadata.get("DMD_CONNECTION_PREFIX") == "ROK4:"
    assert metadata["DMD_LONGNAME"] and metadata["DMD_HELPTOPIC"]
    extensions = (metadata.get("DMD_EXTENSIONS", "") + " " +
                  metadata.get("DMD_EXTENSION", "")).split()
    assert set(extensions) == {"rok4"}


def test_delete_removes_no_slab(holed):
    """GDAL deletes what stands under the name before Create: nothing that
    others use may go."""
    path = holed.write()
    count = sum(len(f) for _, _, f in os.walk(holed.root + "/N"))
    with Errors():
        gdal.GetDriverByName("ROK4").Delete(path)
    assert sum(len(f) for _, _, f in os.walk(holed.root + "/N")) == count
    assert os.path.exists(os.path.join(holed.root, "Q.json"))


def test_unknown_open_option_is_said(holed):
    with Errors() as errors:
        dataset = gdal.OpenEx(holed.write(), open_options=["NO_SUCH=1"])
    assert dataset is not None
    assert any("NO_SUCH" in text for text in errors.warnings)


def test_band_metadata(holed):
    dataset = open_dataset(holed.write())
    for band in bands_of(dataset):
        assert band.GetMetadata() == {}
        assert band.GetOverviewCount() == 1
        assert band.GetOverview(1) is None
        assert band.GetOverview(-1) is None
