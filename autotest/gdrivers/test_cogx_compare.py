# SPDX-License-Identifier: MIT
"""Files of COGX against those of GDAL's COG driver, with the same options, of
sources of many kinds: pixels, masks, overviews, place and metadata; GDAL's
script takes them, other programs read them, and threads change no byte."""

import numpy as np
import pytest
from osgeo import gdal
from osgeo_utils.samples import validate_cloud_optimized_geotiff

import cogx_make
import rok4_util

KERNELS = ("BILINEAR", "CUBIC", "CUBICSPLINE", "LANCZOS")
METHODS = ("NEAREST", "AVERAGE") + KERNELS + ("MODE", "RMS")
# GDAL's kernels make NaN of all that they reach of it, even if it is nodata or
# masked.
SPREADS = int(gdal.VersionInfo()) < 3130000
KINDS = {"UInt16": gdal.GDT_UInt16, "Int16": gdal.GDT_Int16,
         "UInt32": gdal.GDT_UInt32, "Float32": gdal.GDT_Float32,
         "Float64": gdal.GDT_Float64}
COMPLEX = {"CInt16": gdal.GDT_CInt16, "CFloat32": gdal.GDT_CFloat32}
# Those of COG for complex samples. With NEAREST, it makes each overview of the
# image itself: the same pixels where sizes are multiples.
FEW_METHODS = ("NEAREST", "AVERAGE", "RMS")


def with_nodata(value, kind=gdal.GDT_Float32, **shape):
    """The value stands in a corner, and in single pixels."""
    dataset = cogx_make.source(kind=kind, **shape)
    for number in range(1, dataset.RasterCount + 1):
        band = dataset.GetRasterBand(number)
        pixels = band.ReadAsArray()
        pixels[:90, :130] = value
        pixels[200:300:7, 100:400:11] = value
        band.WriteArray(pixels)
        band.SetNoDataValue(value)
    return dataset


def palette():
    dataset = cogx_make.source(1001, 777, bands=1)
    table = gdal.ColorTable()
    for i in range(256):
        table.SetColorEntry(i, (i, 255 - i, i * 7 % 256, 255))
    dataset.GetRasterBand(1).SetColorTable(table)
    return dataset


def control_points():
    dataset = cogx_make.source(600, 530, bands=1)
    crs = dataset.GetSpatialRef()
    bare = gdal.GetDriverByName("MEM").Create("", 600, 530, 1)
    bare.WriteArray(dataset.ReadAsArray())
    bare.SetGCPs([gdal.GCP(500000 + 10 * x, 4600000 - 10 * y, 0, x, y)
                  for x, y in ((0, 0), (600, 0), (600, 530), (1, 529))], crs)
    return bare


def rational():
    bare = gdal.GetDriverByName("MEM").Create("", 520, 515, 1)
    bare.WriteArray(cogx_make.source(520, 515, 1).ReadAsArray())
    terms = " ".join(["1"] + ["0.001"] * 19)
    items = {name: "10" for name in (
        "LINE_OFF", "SAMP_OFF", "LAT_OFF", "LONG_OFF", "HEIGHT_OFF",
        "LINE_SCALE", "SAMP_SCALE", "LAT_SCALE", "LONG_SCALE",
        "HEIGHT_SCALE", "ERR_BIAS", "ERR_RAND")}
    items.update({name: terms for name in (
        "LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF",
        "SAMP_DEN_COEFF")})
    bare.SetMetadata(items, "RPC")
    return bare


def doubles():
    """Doubles that are floats: as such GDAL 3.6 counts them for MODE."""
    dataset = cogx_make.source(705, 607, bands=2, kind=gdal.GDT_Float64)
    dataset.WriteArray(dataset.ReadAsArray().astype(np.float32)
                       .astype(np.float64))
    return dataset


def described():
    dataset = cogx_make.source(530, 600, kind=gdal.GDT_Int16)
    dataset.SetMetadata({"AREA_OR_POINT": "Point", "NAME": "a < b & \"c\""})
    dataset.SetMetadata({"KEY": "value"}, "OTHER")
    dataset.SetMetadata(["<a>text</a>"], "xml:MINE")
    for number in range(1, 4):
        band = dataset.GetRasterBand(number)
        band.SetDescription("band %d" % number)
        band.SetScale(0.1 * number)
        band.SetOffset(-5.5)
        band.SetUnitType("m")
        band.SetMetadata({"ONE": str(number)})
        band.SetMetadata({"TWO": str(number)}, "MORE")
    return dataset


SOURCES = {
    "one-pixel": lambda: cogx_make.source(1, 1),
    "column": lambda: cogx_make.source(1, 2000),
    "row": lambda: cogx_make.source(2000, 1),
    "513x511": lambda: cogx_make.source(513, 511),
    "1001x777": lambda: cogx_make.source(1001, 777),
    "five-bands": lambda: cogx_make.source(601, 530, bands=5),
    "palette": palette,
    "alpha": lambda: cogx_make.with_alpha(width=777, height=1001),
    "mask": lambda: cogx_make.add_mask(cogx_make.source(1001, 777)),
    "mask-of-floats": lambda: cogx_make.add_mask(
        cogx_make.source(777, 640, kind=gdal.GDT_Float32)),
    "nodata": lambda: with_nodata(7, gdal.GDT_Byte, width=1001, height=777),
    "nodata-floats": lambda: with_nodata(-9999, width=1001, height=777),
    "nodata-nan": lambda: with_nodata(float("nan"), width=1001, height=777),
    "gcps": control_points,
    "rpc": rational,
    "described": described,
    "doubles": doubles,
}
SOURCES.update({name: lambda kind=kind: cogx_make.source(
    705, 607, bands=2, kind=kind) for name, kind in KINDS.items()})
COMPLEX_SOURCES = {name: lambda kind=kind: cogx_make.source(
    704, 608, bands=2, kind=kind) for name, kind in COMPLEX.items()}


def valid(path):
    warnings, errors, _ = validate_cloud_optimized_geotiff.validate(
        str(path), full_check=True)
    assert errors == []
    return warnings


def difference(ours, theirs, what):
    """The largest difference of an overview's pixels, and their scale."""
    assert ours.dtype == theirs.dtype, what
    ours, theirs = (pixels.astype(np.complex128 if pixels.dtype.kind == "c"
                                  else np.float64)
                    for pixels in (ours, theirs))
    assert (np.isnan(ours) == np.isnan(theirs)).all(), what
    scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=1)
    return np.nanmax(np.abs(ours - theirs), initial=0), scale


def without_nan(found, other, method, level):
    """An overview of COG of a band whose nodata is NaN, as it is where NaN does
    not count; test_nan_does_not_count has the pixels. MODE makes 0 of NaN, seen
    in 3.10 and 3.13."""
    lost = np.isnan(found) != np.isnan(other)
    if method in KERNELS and SPREADS:
        assert lost.any() and np.isnan(other[lost]).all()
        # Later ones are made of what has spread.
        return np.where(lost, found, other) if level == 0 else found
    if method == "MODE":
        assert (other[lost] == 0).all()
        return np.where(lost, found, other)
    assert not lost.any()
    return other


def compare_levels(ours, theirs, integers, nan_method):
    for number in range(1, theirs.RasterCount + 1):
        mine, other = ours.GetRasterBand(number), theirs.GetRasterBand(number)
        for level in range(other.GetOverviewCount()):
            one, peer = mine.GetOverview(level), other.GetOverview(level)
            what = "band %d, overview %d" % (number, level)
            found, wanted = one.ReadAsArray(), peer.ReadAsArray()
            if nan_method:
                wanted = without_nan(found, wanted, nan_method, level)
            error, scale = difference(found, wanted, what)
            assert error <= (1 if integers else 1e-5 * scale), what
            assert one.GetMaskFlags() == peer.GetMaskFlags(), what
            if nan_method:
                np.testing.assert_array_equal(
                    one.GetMaskBand().ReadAsArray() == 0, np.isnan(found), what)
            elif number == 1:
                np.testing.assert_array_equal(
                    one.GetMaskBand().ReadAsArray(),
                    peer.GetMaskBand().ReadAsArray(), what)


def compare(ours, theirs, nan_method=None):
    """All that two files tell, and their pixels. nan_method: how overviews are
    made where nodata is NaN."""
    assert cogx_make.shown(ours) == cogx_make.shown(theirs)
    np.testing.assert_array_equal(ours.ReadAsArray(), theirs.ReadAsArray())
    for number in range(1, theirs.RasterCount + 1):
        np.testing.assert_array_equal(
            ours.GetRasterBand(number).GetMaskBand().ReadAsArray(),
            theirs.GetRasterBand(number).GetMaskBand().ReadAsArray())
    name = gdal.GetDataTypeName(ours.GetRasterBand(1).DataType)
    compare_levels(ours, theirs, "Float" not in name, nan_method)


def third(sources):
    """With which sanitizers see what they see with all."""
    return sources[::3] if rok4_util.SANITIZED else sources


@pytest.mark.parametrize("name", SOURCES)
def test_source(tmp_path, name):
    dataset = SOURCES[name]()
    ours, theirs = cogx_make.both(tmp_path, dataset, "COMPRESS=DEFLATE",
                                  "BLOCKSIZE=256")
    compare(ours, theirs, "CUBIC" if name == "nodata-nan" else None)
    valid(tmp_path / "cogx.tif")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", third([
    "1001x777", "mask", "nodata-floats", "nodata-nan", "alpha", "Int16",
    "UInt32", "doubles"]))
def test_resampling(tmp_path, name, method):
    ours, theirs = cogx_make.both(
        tmp_path, SOURCES[name](), "COMPRESS=ZSTD", "BLOCKSIZE=128",
        "OVERVIEW_RESAMPLING=" + method)
    compare(ours, theirs, method if name == "nodata-nan" else None)


def told(how, value):
    """Floats with the value in pixels that nodata or a mask leaves out."""
    dataset = with_nodata(value, width=1001, height=777)
    if how == "nodata":
        return dataset
    valid = dataset.GetRasterBand(1).GetMaskBand().ReadAsArray()
    for number in range(1, 4):
        dataset.GetRasterBand(number).DeleteNoDataValue()
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    dataset.GetRasterBand(1).GetMaskBand().WriteArray(valid)
    return dataset


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("how", ["nodata", "mask"])
def test_nan_does_not_count(tmp_path, how, method):
    """Where NaN is nodata or masked, overviews are those of -9999 in its place,
    also of COG."""
    options = ["COMPRESS=ZSTD", "BLOCKSIZE=128",
               "OVERVIEW_RESAMPLING=" + method]
    ours = cogx_make.write("COGX", tmp_path / "nan.tif",
                           told(how, float("nan")), *options)
    same, theirs = cogx_make.both(tmp_path, told(how, -9999), *options)
    for number in range(1, 4):
        for level in range(3):
            found, wanted, other = (
                file.GetRasterBand(number).GetOverview(level).ReadAsArray()
                for file in (ours, same, theirs))
            assert (wanted == -9999).any() == (how == "nodata")
            for pixels in (wanted, other):
                pixels[pixels == -9999] = np.nan
            np.testing.assert_array_equal(found, wanted)
            if level == 0:
                error, scale = difference(found, other, number)
                assert error <= 1e-5 * scale


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("nodata", [None, -9999])
def test_nan_that_counts(tmp_path, nodata, method):
    """It spreads, as in COG; kernels of COG 3.13, however, leave it out beside
    another nodata value."""
    dataset = with_nodata(float("nan"), width=1001, height=777)
    for number in range(1, 4):
        band = dataset.GetRasterBand(number)
        band.DeleteNoDataValue()
        if nodata is not None:
            band.SetNoDataValue(nodata)
    ours, theirs = cogx_make.both(tmp_path, dataset, "COMPRESS=ZSTD",
                                  "BLOCKSIZE=128",
                                  "OVERVIEW_RESAMPLING=" + method)
    if nodata is not None and method in KERNELS and not SPREADS:
        for number in range(1, 4):
            found, other = (file.GetRasterBand(number).GetOverview(0)
                            .ReadAsArray() for file in (ours, theirs))
            assert np.isnan(found).any() and not np.isnan(other).any()
            counts = ~np.isnan(found)
            error, scale = difference(found[counts], other[counts], number)
            assert error <= 1e-5 * scale
        return
    compare(ours, theirs)


@pytest.mark.parametrize("method", FEW_METHODS)
@pytest.mark.parametrize("name", COMPLEX_SOURCES)
def test_complex(tmp_path, name, method):
    ours, theirs = cogx_make.both(
        tmp_path, COMPLEX_SOURCES[name](), "COMPRESS=DEFLATE", "BLOCKSIZE=256",
        "OVERVIEW_RESAMPLING=" + method)
    compare(ours, theirs)
    valid(tmp_path / "cogx.tif")


@pytest.mark.parametrize("codec", ["NONE", "LZW", "DEFLATE", "ZSTD", "LZMA",
                                   "LERC", "LERC_DEFLATE", "LERC_ZSTD"])
@pytest.mark.parametrize("name", third([
    "513x511", "mask", "five-bands", "UInt16", "Float32", "nodata-floats"]))
def test_codec(tmp_path, name, codec):
    ours, theirs = cogx_make.both(tmp_path, SOURCES[name](),
                                  "COMPRESS=" + codec, "BLOCKSIZE=256")
    compare(ours, theirs)
    valid(tmp_path / "cogx.tif")


@pytest.mark.parametrize("name", ["1001x777", "mask", "alpha", "palette",
                                  "nodata-nan", "five-bands"])
def test_threads_change_no_byte(tmp_path, name):
    found = set()
    for threads in ("1", "2", "5"):
        path = tmp_path / (threads + ".tif")
        cogx_make.write("COGX", path, SOURCES[name](), "BLOCKSIZE=128",
                        "NUM_THREADS=" + threads)
        found.add(path.read_bytes())
    assert len(found) == 1


def test_huge_and_sparse(tmp_path):
    """A small image in a mosaic of 60000 x 60000: as GDAL's, in no time."""
    small = str(tmp_path / "small.tif")
    cogx_make.write("GTiff", small, cogx_make.source(700, 600))
    mosaic = gdal.BuildVRT(str(tmp_path / "all.vrt"), small, options=[
        "-te", "200000", "4200000", "800000", "4800000"])
    mosaic.FlushCache()
    assert (mosaic.RasterXSize, mosaic.RasterYSize) == (60000, 60000)
    ours = cogx_make.write("COGX", tmp_path / "cogx.tif", mosaic,
                           "SPARSE_OK=YES", "BLOCKSIZE=512")
    valid(tmp_path / "cogx.tif")
    band = ours.GetRasterBand(1)
    assert band.GetOverviewCount() == 7
    window = [30000 - 64, 20000 - 64, 828, 728]
    np.testing.assert_array_equal(ours.ReadAsArray(*window),
                                  mosaic.ReadAsArray(*window))
    assert not ours.ReadAsArray(0, 0, 500, 500).any()
    assert band.GetOverview(6).ReadAsArray().any()
    # Two tables of 8 bytes a tile, and few tiles.
    assert (tmp_path / "cogx.tif").stat().st_size < 4000000


@pytest.mark.parametrize("name", ["1001x777", "mask", "alpha", "palette",
                                  "nodata-nan", "five-bands", "Int16"])
def test_rasterio(tmp_path, name):
    rasterio = pytest.importorskip("rasterio")
    path = tmp_path / "cogx.tif"
    ours = cogx_make.write("COGX", path, SOURCES[name](), "BLOCKSIZE=256")
    with rasterio.open(str(path)) as file:
        assert file.driver == "GTiff"
        np.testing.assert_array_equal(
            file.read(), ours.ReadAsArray().reshape(file.read().shape))
        assert len(file.overviews(1)) == ours.GetRasterBand(
            1).GetOverviewCount()
        np.testing.assert_array_equal(
            file.read_masks(1),
            ours.GetRasterBand(1).GetMaskBand().ReadAsArray())
