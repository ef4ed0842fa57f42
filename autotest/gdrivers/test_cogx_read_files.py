# SPDX-License-Identifier: MIT
"""COGX: reads whatever GTiff reads, and tells the same of it."""

import json
import os

import numpy as np
import pytest
from osgeo import gdal, osr

from cogx_util import make_cog, open_cogx, picture, source
from rok4_util import Errors, Server, config, read_compressed

GTIFF = {
    "tiled": ["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"],
    "strips": ["COMPRESS=LZW"],
    "one strip": ["COMPRESS=DEFLATE", "BLOCKYSIZE=5000"],
    "plain": [],
    "big": ["BIGTIFF=YES", "TILED=YES", "COMPRESS=DEFLATE"],
    "planes": ["INTERLEAVE=BAND", "TILED=YES", "COMPRESS=DEFLATE",
               "BLOCKXSIZE=64", "BLOCKYSIZE=64"],
    "plane strips": ["INTERLEAVE=BAND"],
    "motorola": ["ENDIANNESS=BIG", "TILED=YES", "PREDICTOR=2",
                 "COMPRESS=DEFLATE"],
    "jpeg": ["COMPRESS=JPEG", "PHOTOMETRIC=YCBCR", "TILED=YES"],
    "webp": ["COMPRESS=WEBP", "WEBP_LOSSLESS=YES", "TILED=YES"],
    "zstd": ["COMPRESS=ZSTD", "TILED=YES"],
    "alpha": ["ALPHA=YES", "TILED=YES", "COMPRESS=DEFLATE"],
    "sparse": ["SPARSE_OK=YES", "TILED=YES", "COMPRESS=DEFLATE"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def server(place):
    server = Server(place)
    gdal.VSICurlClearCache()
    yield server
    server.close()


def describe(thing):
    """Everything that a dataset or band tells but pixels."""
    domains = sorted(set(thing.GetMetadataDomainList() or [])
                     - {"IFDS", "COG", "TMS", "DERIVED_SUBDATASETS"})
    return {domain: thing.GetMetadata_List(domain) for domain in domains}


def describe_band(band):
    table = band.GetColorTable()
    colours = table and [table.GetColorEntry(i)
                         for i in range(table.GetCount())]
    return (band.XSize, band.YSize, band.DataType, band.GetBlockSize(),
            band.GetColorInterpretation(), repr(band.GetNoDataValue()),
            band.GetScale(), band.GetOffset(), band.GetUnitType(),
            band.GetDescription(), band.GetMaskFlags(),
            band.GetCategoryNames(), colours, band.GetMinimum(),
            band.GetMaximum(), describe(band))


def check_equal(found, expected, options=None):
    """Two datasets, in pixels and all they tell."""
    assert (found.RasterXSize, found.RasterYSize, found.RasterCount) == (
        expected.RasterXSize, expected.RasterYSize, expected.RasterCount)
    assert found.GetGeoTransform(can_return_null=True) == \
        expected.GetGeoTransform(can_return_null=True)
    assert found.GetProjection() == expected.GetProjection()
    assert found.GetGCPCount() == expected.GetGCPCount()
    assert found.GetGCPProjection() == expected.GetGCPProjection()
    assert [(g.Id, g.GCPX, g.GCPLine) for g in found.GetGCPs()] == \
        [(g.Id, g.GCPX, g.GCPLine) for g in expected.GetGCPs()]
    assert describe(found) == describe(expected)
    np.testing.assert_array_equal(found.ReadAsArray(), expected.ReadAsArray())
    width, height = found.RasterXSize, found.RasterYSize
    small = {"buf_xsize": max(1, width // 3), "buf_ysize": max(1, height // 3)}
    for method in (gdal.GRIORA_NearestNeighbour, gdal.GRIORA_Cubic):
        np.testing.assert_array_equal(
            found.ReadAsArray(resample_alg=method, **small),
            expected.ReadAsArray(resample_alg=method, **small))
    for i in range(1, found.RasterCount + 1):
        band, other = found.GetRasterBand(i), expected.GetRasterBand(i)
        assert describe_band(band) == describe_band(other)
        assert band.ReadBlock(0, 0) == other.ReadBlock(0, 0)
        np.testing.assert_array_equal(band.ReadAsArray(), other.ReadAsArray())
        np.testing.assert_array_equal(band.GetMaskBand().ReadAsArray(),
                                      other.GetMaskBand().ReadAsArray())
        assert band.GetOverviewCount() == other.GetOverviewCount()
        for level in range(band.GetOverviewCount()):
            np.testing.assert_array_equal(
                band.GetOverview(level).ReadAsArray(),
                other.GetOverview(level).ReadAsArray())
            np.testing.assert_array_equal(
                band.GetOverview(level).GetMaskBand().ReadAsArray(),
                other.GetOverview(level).GetMaskBand().ReadAsArray())


def check_file(path, server):
    """Over HTTP and from the disk."""
    expected = gdal.OpenEx(path, allowed_drivers=["GTiff"])
    name = os.path.basename(path)
    with config(GDAL_PAM_ENABLED="NO"):
        for place in (path, server.url(name)):
            for options in ([], ["NUM_THREADS=1", "FIRST_READ_SIZE=1024",
                                 "CACHE_SIZE=1048576"]):
                found = open_cogx(place, *options)
                check_equal(found, expected)
                assert found.GetFileList() == [place]
                with Errors() as errors:
                    found = None
                assert errors.texts() == []


@pytest.mark.parametrize("overviews", [False, True])
@pytest.mark.parametrize("kind", sorted(GTIFF))
def test_files_of_gtiff(place, server, kind, overviews):
    pixels = picture(700, 500, 4 if kind == "alpha" else 3)
    if kind == "sparse":
        pixels[:, 100:400, 200:600] = 0
    path = str(place / ("%s%d.tif" % (kind.replace(" ", "_"), overviews)))
    made = gdal.GetDriverByName("GTiff").CreateCopy(
        path, source(pixels), options=GTIFF[kind])
    if made is None:
        pytest.skip("this GDAL has no such codec")
    made = None
    if overviews:
        made = gdal.Open(path, gdal.GA_Update)
        made.BuildOverviews("NEAREST", [2, 4])
        made = None
    check_file(path, server)


@pytest.mark.parametrize("kind", [
    gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Int16, gdal.GDT_UInt32,
    gdal.GDT_Int32, gdal.GDT_Float32, gdal.GDT_Float64, gdal.GDT_CInt16,
    gdal.GDT_CFloat32])
def test_types(place, server, kind):
    path = str(place / ("type%d.tif" % kind))
    values = picture(300, 200, 1)[0].astype(np.float64) * 3 - 200
    dataset = gdal.GetDriverByName("MEM").Create("", 300, 200, 2, kind)
    dataset.GetRasterBand(1).WriteArray(values)
    dataset.GetRasterBand(2).WriteArray(values[::-1])
    dataset.GetRasterBand(1).SetNoDataValue(7)
    dataset.GetRasterBand(2).SetNoDataValue(7)
    gdal.GetDriverByName("COG").CreateCopy(
        path, dataset, options=["BLOCKSIZE=128", "COMPRESS=DEFLATE",
                                "RESAMPLING=NEAREST"])
    check_file(path, server)


def test_what_a_dataset_tells(place, server):
    """Metadata of all kinds, colours, RPC, GCPs."""
    path = str(place / "rich.tif")
    dataset = gdal.GetDriverByName("MEM").Create("", 300, 200, 1)
    dataset.GetRasterBand(1).WriteArray(picture(300, 200, 1)[0])
    dataset.SetMetadata({"A": "1", "B": "zwei"})
    dataset.SetMetadata({"C": "3"}, "OTHER")
    dataset.SetMetadata(["<a><b>x</b></a>"], "xml:XMP")
    dataset.SetMetadata({key: "1" for key in (
        "HEIGHT_OFF", "HEIGHT_SCALE", "LAT_OFF", "LAT_SCALE", "LINE_OFF",
        "LINE_SCALE", "LONG_OFF", "LONG_SCALE", "SAMP_OFF", "SAMP_SCALE")} | {
            key: " ".join(20 * ["1"]) for key in (
                "LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF",
                "SAMP_DEN_COEFF")}, "RPC")
    system = osr.SpatialReference()
    system.ImportFromEPSG(4326)
    dataset.SetGCPs([gdal.GCP(x, y, 5, x, y, "", str(x))
                     for x, y in ((1, 2), (100, 7), (30, 150))], system)
    band = dataset.GetRasterBand(1)
    table = gdal.ColorTable()
    for i in range(256):
        table.SetColorEntry(i, (i, 255 - i, i // 2, 255))
    band.SetColorTable(table)
    band.SetDescription("a band")
    band.SetScale(2)
    band.SetOffset(5)
    band.SetUnitType("m")
    band.SetNoDataValue(9)
    band.SetMetadataItem("D", "4")
    gdal.GetDriverByName("COG").CreateCopy(path, dataset, options=[
        "BLOCKSIZE=128"])
    if os.path.exists(path + ".aux.xml"):
        os.remove(path + ".aux.xml")
    check_file(path, server)


def test_masks_of_plain_files(place, server):
    """Inside the file, in directories of their own behind the tiles."""
    path = str(place / "masked.tif")
    mask = np.full((500, 700), 255, np.uint8)
    mask[50:200, 300:] = 0
    with config(GDAL_TIFF_INTERNAL_MASK="YES"):
        gdal.GetDriverByName("GTiff").CreateCopy(
            path, source(picture(700, 500), mask),
            options=["TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=128"])
        dataset = gdal.Open(path, gdal.GA_Update)
        dataset.BuildOverviews("NEAREST", [2])
        dataset = None
    check_file(path, server)


def test_files_beside_are_not_read(place, server):
    """Neither statistics, nor masks and overviews."""
    path = str(place / "lone.tif")
    mask = np.zeros((200, 300), np.uint8)
    with config(GDAL_TIFF_INTERNAL_MASK="NO"):
        gdal.GetDriverByName("GTiff").CreateCopy(
            path, source(picture(300, 200), mask))
    dataset = gdal.Open(path)
    dataset.BuildOverviews("NEAREST", [2])
    dataset.GetRasterBand(1).ComputeStatistics(False)
    dataset = None
    assert {"lone.tif.msk", "lone.tif.ovr", "lone.tif.aux.xml"} <= set(
        os.listdir(str(place)))
    for name in (path, server.url("lone.tif")):
        dataset = open_cogx(name)
        band = dataset.GetRasterBand(1)
        assert band.GetMaskFlags() == gdal.GMF_ALL_VALID
        assert band.GetOverviewCount() == 0
        assert band.GetMetadataItem("STATISTICS_MEAN") is None
    assert {request[1] for request in server.requests} == {"/lone.tif"}


def test_several_images_in_a_file(place, server):
    """Pages are named by the file as users know it."""
    path = str(place / "pages.tif")
    for i in range(3):
        gdal.GetDriverByName("GTiff").CreateCopy(
            path, source(picture(60, 50, seed=i)),
            options=["APPEND_SUBDATASET=YES"] if i else [])
    dataset = open_cogx(server.url("pages.tif"))
    pages = dataset.GetSubDatasets()
    assert [page[0] for page in pages] == [
        "GTIFF_DIR:%d:%s" % (i, server.url("pages.tif")) for i in (1, 2, 3)]
    assert gdal.Open(pages[2][0]).RasterXSize == 60
    derived = dataset.GetMetadata("DERIVED_SUBDATASETS")
    assert all("/vsicogx/" not in text for text in derived.values())


@pytest.mark.parametrize("remote", [False, True])
def test_domains(place, server, remote):
    pixels = picture(1000, 800)
    path = make_cog(place / "domains.tif", pixels, "BLOCKSIZE=256",
                    "COMPRESS=DEFLATE")
    dataset = open_cogx(server.url("domains.tif") if remote else path)
    assert {"IFDS", "COG", "TMS"} <= set(dataset.GetMetadataDomainList())
    ifds = json.loads(dataset.GetMetadata_List("IFDS")[0])
    levels = [d["level"] for d in ifds["directories"]]
    assert levels == [0, 1, 2]
    widths = [tag["value"] for d in ifds["directories"] for tag in d["tags"]
              if tag["code"] == 256]
    assert widths == [1000, 500, 250]
    cog = json.loads(dataset.GetMetadata_List("COG")[0])
    assert cog["valid"] and cog["errors"] == []
    assert [level["width"] for level in cog["levels"]] == widths
    tms = json.loads(dataset.GetMetadata_List("TMS")[0])
    matrices = tms["tileMatrices"] if "tileMatrices" in tms \
        else tms["tileMatrix"]
    assert len(matrices) == 3
    # Texts as long as the dataset.
    assert dataset.GetMetadata_List("COG")[0] == dataset.GetMetadata_List(
        "cog")[0]
    # An invalid one, which has no tile matrix set: of strips, its overview
    # behind its pixels.
    path = str(place / "no.tif")
    gdal.GetDriverByName("GTiff").CreateCopy(path, source(pixels))
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.BuildOverviews("NEAREST", [2])
    dataset = open_cogx(server.url("no.tif") if remote else path)
    cog = json.loads(dataset.GetMetadata_List("COG")[0])
    assert not cog["valid"] and cog["errors"]
    assert not dataset.GetMetadata_List("TMS")


@pytest.mark.skipif(int(gdal.VersionInfo()) < 3070000,
                    reason="GDAL 3.6 has no ReadCompressedData")
def test_compressed_data(place, server):
    path = make_cog(place / "raw.tif", picture(1000, 800), "BLOCKSIZE=256",
                    "COMPRESS=JPEG")
    expected = read_compressed(gdal.Open(path), b"JPEG", 256, 0, 256, 256)
    assert expected
    dataset = open_cogx(server.url("raw.tif"))
    server.take()
    assert read_compressed(dataset, b"JPEG", 256, 0, 256, 256) == expected
    assert server.take()[0] <= 1


def test_names_inside_are_not_told(place, server):
    path = make_cog(place / "name.tif", picture(300, 200), "BLOCKSIZE=128")
    dataset = open_cogx(path)
    assert dataset.GetDescription() == "COGX:" + path
    assert "/vsicogx/" not in gdal.Info(
        dataset, options=["-mdd", "all", "-listmdd"])
    with Errors() as errors:
        dataset.GetRasterBand(1).ReadBlock(50, 50)
        assert dataset.BuildOverviews("NEAREST", [2]) != gdal.CE_None
        assert dataset.CreateMaskBand(gdal.GMF_PER_DATASET) != gdal.CE_None
        dataset.GetRasterBand(1).SetNoDataValue(3)
        dataset.SetMetadataItem("A", "B")
        dataset.SetGeoTransform([0, 1, 0, 0, 0, 1])
        dataset = None
    assert [text for text in errors.texts() if "/vsicogx/" in text] == []


def test_vsimem_and_archives(place):
    path = make_cog(place / "in.tif", picture(300, 200), "BLOCKSIZE=128")
    with open(path, "rb") as file:
        gdal.FileFromMemBuffer("/vsimem/in.tif", file.read())
    import zipfile
    with zipfile.ZipFile(str(place / "in.zip"), "w") as archive:
        archive.write(path, "a/in.tif")
    expected = gdal.Open(path).ReadAsArray()
    for name in ("/vsimem/in.tif", "/vsizip/%s/a/in.tif" % (place / "in.zip"),
                 "/vsisubfile/0_%d,%s" % (os.path.getsize(path), path)):
        np.testing.assert_array_equal(open_cogx(name).ReadAsArray(), expected)
    gdal.Unlink("/vsimem/in.tif")
