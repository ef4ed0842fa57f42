# SPDX-License-Identifier: MIT
"""What COGX writes of all kinds of sources is what GDAL's COG writes."""

import numpy as np
import pytest
from osgeo import gdal

import cogx_make

# GDAL has Float16, but no overviews of it.
TYPES = [name for name in gdal.GetDriverByName("COGX").GetMetadataItem(
    "DMD_CREATIONDATATYPES").split() if name != "Float16"]


def check(folder, dataset, *options, cog=None):
    ours, theirs = cogx_make.both(folder, dataset, "COMPRESS=DEFLATE",
                                  *options, cog=cog)
    assert cogx_make.shown(ours) == cogx_make.shown(theirs)
    assert np.array_equal(ours.ReadAsArray(), theirs.ReadAsArray())
    for number in range(1, ours.RasterCount + 1):
        assert np.array_equal(
            ours.GetRasterBand(number).GetMaskBand().ReadAsArray(),
            theirs.GetRasterBand(number).GetMaskBand().ReadAsArray())


@pytest.mark.parametrize("name", TYPES)
def test_types(tmp_path, name):
    kind = gdal.GetDataTypeByName(name)
    # GDAL resamples complex samples by few methods.
    check(tmp_path, cogx_make.source(bands=2, kind=kind),
          "RESAMPLING=NEAREST")


@pytest.mark.parametrize("shape", [
    (1, 1, 1), (1, 1, 3), (5000, 1, 1), (1, 5000, 1), (513, 512, 2),
    (20, 20, 200)])
def test_shapes(tmp_path, shape):
    width, height, bands = shape
    check(tmp_path, cogx_make.source(width, height, bands))


def test_alpha(tmp_path):
    check(tmp_path, cogx_make.with_alpha())


def test_mask(tmp_path):
    check(tmp_path, cogx_make.add_mask(cogx_make.source()))


@pytest.mark.parametrize("kind", [gdal.GDT_Byte, gdal.GDT_UInt16])
def test_palette(tmp_path, kind):
    dataset = cogx_make.source(bands=1, kind=kind)
    table = gdal.ColorTable()
    for i in range(256):
        table.SetColorEntry(i, (i, 255 - i, 3, 255))
    dataset.GetRasterBand(1).SetColorTable(table)
    check(tmp_path, dataset)


@pytest.mark.parametrize("value", [-9999, float("nan"), 3.5])
def test_nodata(tmp_path, value):
    dataset = cogx_make.source(bands=2, kind=gdal.GDT_Float32)
    for number in (1, 2):
        dataset.GetRasterBand(number).SetNoDataValue(value)
        dataset.GetRasterBand(number).WriteArray(
            np.full((50, 60), value, np.float32))
    ours, theirs = cogx_make.both(tmp_path, dataset, "COMPRESS=DEFLATE")
    assert cogx_make.shown(ours) == cogx_make.shown(theirs)
    assert np.array_equal(ours.ReadAsArray(), theirs.ReadAsArray(),
                          equal_nan=True)


def test_metadata(tmp_path):
    dataset = cogx_make.source(bands=1)
    dataset.SetMetadata({"A": "b", "AREA_OR_POINT": "Point",
                         "TIFFTAG_SOFTWARE": "test"})
    dataset.SetMetadata(['<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'],
                        "xml:XMP")
    ones = " ".join(["1"] * 20)
    names = ("LINE_OFF SAMP_OFF LAT_OFF LONG_OFF HEIGHT_OFF LINE_SCALE "
             "SAMP_SCALE LAT_SCALE LONG_SCALE HEIGHT_SCALE").split()
    rpc = {name: "1" for name in names}
    rpc.update({name + "_COEFF": ones for name in (
        "LINE_NUM", "LINE_DEN", "SAMP_NUM", "SAMP_DEN")})
    dataset.SetMetadata(rpc, "RPC")
    band = dataset.GetRasterBand(1)
    band.SetDescription("height")
    band.SetOffset(3)
    band.SetScale(2)
    band.SetUnitType("m")
    band.SetMetadata({"Q": "w"})
    band.SetCategoryNames(["a", "b"])
    table = gdal.RasterAttributeTable()
    table.CreateColumn("v", gdal.GFT_Integer, gdal.GFU_MinMax)
    table.SetRowCount(2)
    band.SetDefaultRAT(table)
    check(tmp_path, dataset)
    ours = gdal.Open(str(tmp_path / "cogx.tif"))
    assert ours.GetRasterBand(1).GetDefaultRAT().GetRowCount() == 2


def test_ground_control_points(tmp_path):
    dataset = cogx_make.source(bands=1)
    crs = dataset.GetSpatialRef()
    dataset = gdal.GetDriverByName("MEM").CreateCopy("", dataset)
    dataset.SetGeoTransform([0, 1, 0, 0, 0, 1])
    dataset.SetGCPs([gdal.GCP(1, 2, 3, 4, 5), gdal.GCP(1, 2, 3, 40, 50),
                     gdal.GCP(1, 20, 3, 40, 50)], crs)
    check(tmp_path, dataset)


def test_rotated(tmp_path):
    dataset = cogx_make.source(bands=1)
    dataset.SetGeoTransform([1, 2, 3, 4, 5, 6])
    check(tmp_path, dataset)


def test_overviews_of_the_source(tmp_path):
    dataset = cogx_make.source()
    dataset.BuildOverviews("NEAREST", [3, 5])
    check(tmp_path, dataset)
    check(tmp_path, dataset, "OVERVIEW_COUNT=1")
    check(tmp_path, dataset, "OVERVIEWS=IGNORE_EXISTING")
    check(tmp_path, dataset, "OVERVIEWS=FORCE_USE_EXISTING")
    for i in range(2):
        ours = gdal.Open(str(tmp_path / "cogx.tif"))
        assert np.array_equal(
            ours.GetRasterBand(2).GetOverview(i).ReadAsArray(),
            dataset.GetRasterBand(2).GetOverview(i).ReadAsArray())
