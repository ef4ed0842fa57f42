# SPDX-License-Identifier: MIT
"""Create of COGX: writes in any order, reading back, made when closed."""

import numpy as np
import pytest
from osgeo import gdal, osr

import cogx_make
import rok4_util

WIDTH, HEIGHT, BANDS = 1500, 1300, 3
KINDS = {gdal.GDT_Byte: "u1", gdal.GDT_UInt16: "u2", gdal.GDT_Int32: "i4",
         gdal.GDT_Float32: "f4", gdal.GDT_Float64: "f8",
         gdal.GDT_Int64: "i8", gdal.GDT_CFloat64: "c16"}


def create(path, width=WIDTH, height=HEIGHT, bands=BANDS, kind=gdal.GDT_Byte,
           options=()):
    dataset = gdal.GetDriverByName("COGX").Create(
        str(path), width, height, bands, kind, options=list(options))
    assert dataset is not None, gdal.GetLastErrorMsg()
    return dataset


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_driver():
    metadata = gdal.GetDriverByName("COGX").GetMetadata()
    assert "DCAP_CREATE" not in metadata
    assert "DMD_EXTENSIONS" not in metadata


@pytest.mark.parametrize("kind", list(KINDS))
def test_any_order(tmp_path, kind):
    path = tmp_path / "a.tif"
    random = np.random.RandomState(kind)
    dataset = create(path, kind=kind)
    expected = np.full((BANDS, HEIGHT, WIDTH), 7, KINDS[kind])
    for band in range(BANDS):
        dataset.GetRasterBand(band + 1).SetNoDataValue(7)
    for i in range(30):
        x, y = random.randint(0, WIDTH - 10), random.randint(0, HEIGHT - 10)
        width = random.randint(1, min(700, WIDTH - x))
        height = random.randint(1, min(300, HEIGHT - y))
        values = random.randint(0, 200, (BANDS, height, width))
        values = values.astype(KINDS[kind])
        part = np.s_[y:y + height, x:x + width]
        if i % 2:
            dataset.WriteArray(values, x, y)
            expected[(np.s_[:],) + part] = values
        else:
            dataset.GetRasterBand(2).WriteArray(values[1], x, y)
            expected[(1,) + part] = values[1]
        if i % 7 == 0:
            assert np.array_equal(dataset.ReadAsArray(x, y, width, height),
                                  expected[(np.s_[:],) + part])
    assert not path.exists()
    dataset = None
    assert names(tmp_path) == ["a.tif"]
    assert np.array_equal(gdal.Open(str(path)).ReadAsArray(), expected)


def test_what_is_set_is_what_a_copy_has(tmp_path):
    like = cogx_make.source(bands=2)
    like.GetRasterBand(1).SetDescription("first")
    like.GetRasterBand(2).SetOffset(3)
    like.GetRasterBand(2).SetScale(0.5)
    like.GetRasterBand(2).SetUnitType("m")
    like.SetMetadata({"A": "b"})
    like.GetRasterBand(1).SetMetadata({"C": "d"})
    like.GetRasterBand(2).SetColorInterpretation(gdal.GCI_AlphaBand)
    for pam in ("YES", "NO"):
        with rok4_util.config(GDAL_PAM_ENABLED=pam):
            dataset = create(tmp_path / "a.tif", 700, 600, 2)
            dataset.SetSpatialRef(like.GetSpatialRef())
            dataset.SetGeoTransform(like.GetGeoTransform())
            dataset.SetMetadata(like.GetMetadata())
            for number in (1, 2):
                source = like.GetRasterBand(number)
                band = dataset.GetRasterBand(number)
                band.SetDescription(source.GetDescription())
                band.SetMetadata(source.GetMetadata())
                band.SetColorInterpretation(source.GetColorInterpretation())
            band.SetOffset(3)
            band.SetScale(0.5)
            band.SetUnitType("m")
            dataset.WriteArray(like.ReadAsArray())
            dataset = None
        ours = gdal.Open(str(tmp_path / "a.tif"))
        copied = cogx_make.write("COGX", tmp_path / "b.tif", like)
        assert cogx_make.shown(ours) == cogx_make.shown(copied)
        assert (tmp_path / "a.tif").read_bytes() == \
            (tmp_path / "b.tif").read_bytes()


def test_mask(tmp_path):
    dataset = create(tmp_path / "a.tif", bands=1)
    assert dataset.CreateMaskBand(gdal.GMF_PER_DATASET) == gdal.CE_None
    dataset.GetRasterBand(1).Fill(5)
    mask = dataset.GetRasterBand(1).GetMaskBand()
    mask.WriteArray(np.full((100, 90), 255, np.uint8), 50, 60)
    dataset = None
    assert names(tmp_path) == ["a.tif"]
    ours = gdal.Open(str(tmp_path / "a.tif"))
    band = ours.GetRasterBand(1)
    assert band.GetMaskFlags() == gdal.GMF_PER_DATASET
    values = band.GetMaskBand().ReadAsArray()
    assert (values == 255).sum() == 9000 and values[60:160, 50:140].all()


def test_palette_and_points(tmp_path):
    dataset = create(tmp_path / "a.tif", 100, 100, 1)
    table = gdal.ColorTable()
    table.SetColorEntry(3, (1, 2, 3, 255))
    dataset.GetRasterBand(1).SetColorTable(table)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4326)
    points = [gdal.GCP(i, i, 0, i, 2 * i) for i in range(4)]
    dataset.SetGCPs(points, crs)
    dataset = None
    ours = gdal.Open(str(tmp_path / "a.tif"))
    assert ours.GetRasterBand(1).GetColorTable().GetColorEntry(3) == \
        (1, 2, 3, 255)
    assert ours.GetGCPCount() == 4


def test_options(tmp_path):
    dataset = create(tmp_path / "a.tif", options=[
        "COMPRESS=LZW", "BLOCKSIZE=256", "OVERVIEW_COUNT=1"])
    dataset = None
    ours = gdal.Open(str(tmp_path / "a.tif"))
    band = ours.GetRasterBand(1)
    assert band.GetBlockSize() == [256, 256]
    assert band.GetOverviewCount() == 1


def test_many_bands(tmp_path):
    dataset = create(tmp_path / "a.tif", 600, 20, 70, gdal.GDT_Float64,
                     ["BLOCKSIZE=64"])
    values = np.random.RandomState(1).rand(70, 20, 600)
    dataset.WriteArray(values)
    dataset = None
    assert np.array_equal(gdal.Open(str(tmp_path / "a.tif")).ReadAsArray(),
                          values)


def test_nothing_written(tmp_path):
    dataset = create(tmp_path / "a.tif", 20000, 30000, 1,
                     options=["SPARSE_OK=YES"])
    dataset = None
    assert (tmp_path / "a.tif").stat().st_size < 100000


def test_refused(tmp_path):
    for options, bands in ((["COMPRESS=FOO"], 1), ([], 0), ([], 70000)):
        with rok4_util.Errors() as errors:
            made = gdal.GetDriverByName("COGX").Create(
                str(tmp_path / "a.tif"), 10, 10, bands, gdal.GDT_Byte,
                options=options)
        assert made is None
        assert errors.failures
    assert names(tmp_path) == []


def test_in_memory():
    dataset = create("/vsimem/cogx/a.tif", 100, 100, 1)
    dataset.GetRasterBand(1).Fill(3)
    dataset = None
    assert (gdal.Open("/vsimem/cogx/a.tif").ReadAsArray() == 3).all()
    assert gdal.ReadDir("/vsimem/cogx") == ["a.tif"]
    gdal.RmdirRecursive("/vsimem/cogx")
