# SPDX-License-Identifier: MIT
"""What coginfo prints: tags and levels against what GDAL reads, the tile matrix
set in GDAL's COG driver, remote files, wrong use."""

import json
import os
import re
import struct

import pytest
from osgeo import gdal, osr

import cogx_files
import rok4_doc
import rok4_util
import tiff_make

PAGE = "doc/apps/coginfo.rst"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def masked(folder):
    path = folder / "masked.tif"
    cogx_files.cog(str(path), "COMPRESS=LZW", bands=3, mask=True)
    return path


def ask(coginfo, path, *options):
    status, out, err = coginfo("--json", *options, path)
    assert status == 0 and not err, err
    return json.loads(out)


def test_levels(coginfo, masked):
    cog = ask(coginfo, masked)["cog"]
    opened = gdal.Open(str(masked))
    band = opened.GetRasterBand(1)
    bands = [band] + [band.GetOverview(i)
                      for i in range(band.GetOverviewCount())]
    assert len(cog["levels"]) == len(bands) == 4
    for i, (level, band) in enumerate(zip(cog["levels"], bands)):
        assert level["decimation"] == 2 ** i
        check_level(level, band, "LZW")
        check_level(level["mask"], band.GetMaskBand(), "DEFLATE")
    assert cog["header_size"] == int(
        bands[-1].GetMetadataItem("BLOCK_OFFSET_0_0", "TIFF"))
    assert cog["file_size"] == os.path.getsize(masked)
    assert cog["structural_metadata"]["LAYOUT"] == "IFDS_BEFORE_DATA"


def check_level(level, band, compression):
    assert [level["width"], level["height"]] == [band.XSize, band.YSize]
    assert [level["tile_width"],
            level["tile_height"]] == band.GetBlockSize()
    assert level["compression"] == compression
    sizes = [int(band.GetMetadataItem("BLOCK_SIZE_%d_%d" % (col, row), "TIFF"))
             for row in range(-(-band.YSize // 128))
             for col in range(-(-band.XSize // 128))]
    assert level["tile_count"] == len(sizes)
    assert level["sparse_count"] == 0
    assert level["total_bytes"] == sum(sizes)
    assert level["mean_bytes"] == pytest.approx(sum(sizes) / len(sizes))
    assert [level["min_bytes"], level["max_bytes"]] == [min(sizes), max(sizes)]


def test_sparse(coginfo, folder):
    path = folder / "sparse.tif"
    opened = gdal.GetDriverByName("GTiff").Create(
        str(path), 300, 300, options=list(cogx_files.TILED) +
        ["SPARSE_OK=YES"])
    opened.GetRasterBand(1).WriteRaster(0, 0, 1, 1, b"a")
    opened = None
    level, = ask(coginfo, path)["cog"]["levels"]
    assert (level["tile_count"], level["sparse_count"]) == (9, 8)
    assert level["total_bytes"] == level["min_bytes"] == 128 * 128


@pytest.mark.parametrize("options", [(), ("ENDIANNESS=BIG",),
                                     ("BIGTIFF=YES",)])
def test_tags(options, coginfo, folder):
    path = folder / "tags.tif"
    cogx_files.gtiff(str(path), *cogx_files.TILED, *options, bands=2,
                     overviews=(2,))
    data = cogx_files.load(path)
    order, big, directories = tiff_make.read(data)
    ifds = ask(coginfo, path)["ifds"]
    assert ifds["byte_order"] == {"<": "little", ">": "big"}[order]
    assert ifds["big_tiff"] == big
    assert len(ifds["directories"]) == len(directories) == 2
    for level, (found, tags) in enumerate(zip(ifds["directories"],
                                              directories)):
        assert found["level"] == level and found["mask"] is False
        assert [tag["code"] for tag in found["tags"]] == list(tags)
        for tag in found["tags"]:
            place, kind, count = tags[tag["code"]]
            assert tag["count"] == count
            if kind in tiff_make.LETTERS:
                values = list(struct.unpack_from("%s%d%s" % (
                    order, count, tiff_make.LETTERS[kind]), data, place))
                assert tag["value"] == (values if count > 1 else values[0])
    tags = {tag["name"]: tag for tag in ifds["directories"][0]["tags"]}
    assert tags["ModelPixelScale"]["value"] == [2, 2, 0]
    assert tags["GeoAsciiParams"]["type"] == "ASCII"
    assert tags["GeoKeyDirectory"]["value"][:3] == [1, 1, 0]
    assert "truncated" not in tags["TileOffsets"]


def test_text(coginfo, masked):
    status, out, err = coginfo(masked)
    assert status == 0 and not err
    lines = out.splitlines()
    assert lines[0] == "%s: valid Cloud Optimized GeoTIFF" % masked
    assert lines[2] == ("Structural metadata: tiles in rows, leaders, "
                        "trailers, masks behind tiles, not edited")
    assert lines[3] == "Pixels: 3 bands of 8 bits, interleaved"
    assert lines[5].split()[:5] == ["0", "700x600", "1", "128x128", "30"]
    assert lines[6].split()[:4] == ["mask", "700x600", "128x128", "30"]
    assert len(lines) == 5 + 8
    assert coginfo("COGX:%s" % masked)[1] == out


def test_verdict(coginfo, folder):
    path = folder / "strips.tif"
    cogx_files.FILES["striped_513"](str(path))
    assert coginfo("--validate", path) == (0, (
        "%s: valid Cloud Optimized GeoTIFF\nWarnings:\n"
        "  strips: full resolution: 513 x 513 pixels stand in strips, tiles "
        "are better from 513 on\n"
        "  no-overviews: 513 x 513 pixels have no overviews, which help from "
        "513 on\n") % path, "")
    status, out, _ = coginfo("--validate", "--strict", path)
    assert status == 1
    assert out.startswith("%s: not a valid Cloud Optimized GeoTIFF" % path)


def test_quick(coginfo, folder):
    path = folder / "leader.tif"
    cogx_files.FILES["leader_flipped"](str(path))
    assert coginfo("--validate", path)[0] == 1
    status, out, _ = coginfo("--validate", "--quick", path)
    assert status == 0 and "(bytes around tiles not looked at)" in out
    # Without --validate a file that is not valid is no failure.
    status, out, _ = coginfo(path)
    assert status == 0 and "not a valid" in out


@pytest.mark.parametrize("crs,expected,same", [
    ("EPSG:2154", "http://www.opengis.net/def/crs/EPSG/0/2154", True),
    ("EPSG:4326", "http://www.opengis.net/def/crs/OGC/1.3/CRS84", False),
    # The axes of the authority are northing and easting.
    ("EPSG:2193", "PROJCS[", False),
    # Feet.
    ("EPSG:2264", "http://www.opengis.net/def/crs/EPSG/0/2264", True),
    ("+proj=aea +lat_1=20 +lat_2=40 +lon_0=3 +ellps=intl", "PROJCS[", False)])
def test_tile_matrix_set(crs, expected, same, coginfo, folder):
    """GDAL's COG driver puts the image on the very same tiles."""
    path, scheme = folder / "crs.tif", folder / "crs.json"
    image = cogx_files.source(1500, 1100)
    system = osr.SpatialReference()
    system.SetFromUserInput(crs)
    image.SetProjection(system.ExportToWkt())
    corner = (2, 0.001, 0, 48, 0, -0.001) if system.IsGeographic() else (
        1700000, 0.5, 0, 5500000, 0, -0.5)
    image.SetGeoTransform(corner)
    cog = gdal.GetDriverByName("COG")
    cog.CreateCopy(str(path), image, options=["BLOCKSIZE=256"])
    status, out, err = coginfo("--create-tms", path)
    assert status == 0 and not err
    scheme.write_text(out)
    tms = json.loads(out)
    assert tms["crs"].startswith(expected)
    assert tms["crs"] == tms["supportedCRS"]
    assert [level["id"] for level in tms["tileMatrices"]] == list("0123")
    assert [(level["matrixWidth"], level["matrixHeight"])
            for level in tms["tileMatrices"]] == [(1, 1), (2, 2), (3, 3),
                                                  (6, 5)]
    assert tms == ask(coginfo, path)["tms"]
    cog.CreateCopy(str(folder / "same.tif"), image,
                   options=["TILING_SCHEME=%s" % scheme])
    made = gdal.Open(str(folder / "same.tif"))
    assert made.GetGeoTransform() == pytest.approx(corner, rel=1e-12)
    assert (made.RasterXSize, made.RasterYSize) == (6 * 256, 5 * 256)
    assert made.GetRasterBand(1).GetBlockSize() == [256, 256]
    if same:
        assert made.GetSpatialRef().IsSame(system)
    assert made.GetRasterBand(1).ReadRaster(0, 0, 1500, 1100) == (
        image.GetRasterBand(1).ReadRaster())


@pytest.mark.parametrize("change,message", [
    (lambda d: d.SetProjection(""), "has no coordinate reference system"),
    (lambda d: d.SetGeoTransform((0, 1, 0.5, 0, 0, -1)), "is not north-up"),
    (lambda d: d.SetGeoTransform((0, 1, 0, 0, 0, -2)), "no squares")])
def test_no_tile_matrix_set(change, message, coginfo, folder):
    path = folder / "no_tms.tif"
    image = cogx_files.source(300, 300)
    change(image)
    gdal.GetDriverByName("GTiff").CreateCopy(str(path), image,
                                             options=list(cogx_files.TILED))
    status, out, err = coginfo("--create-tms", path)
    assert (status, out) == (2, "") and message in err
    assert "tms" not in ask(coginfo, path)


def test_remote(coginfo, masked, folder):
    """Directories in one read; without --validate no read for each tile."""
    server = rok4_util.Server(folder)
    try:
        url = server.url(masked.name)
        local = ask(coginfo, masked)
        requests = {}
        for options in ((), ("--validate",)):
            server.requests.clear()
            remote = ask(coginfo, url, *options)
            requests[options] = len(
                [path for method, path, _ in server.requests
                 if method == "GET" and path.endswith(masked.name)])
            assert remote["ifds"] == local["ifds"]
            assert remote["cog"]["levels"] == local["cog"]["levels"]
            assert remote["cog"]["full_check"] == bool(options)
        assert requests[()] <= 3
        status, out, err = coginfo("--validate",
                                   server.url("none.tif?signature=abc"))
        assert (status, out) == (2, "") and "abc" not in err
    finally:
        server.close()


@pytest.mark.parametrize("arguments", [
    (), ("--json",), ("a.tif", "b.tif"), ("--what", "a.tif"),
    ("--create-tms", "--json", "a.tif"),
    ("--create-tms", "--validate", "a.tif")])
def test_wrong_use(arguments, coginfo):
    status, out, err = coginfo(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("coginfo: ") and "Usage:" in err


def test_no_file(coginfo, folder):
    status, out, err = coginfo(folder / "nothing.tif")
    assert (status, out) == (2, "")
    assert err == "coginfo: %s/nothing.tif: does not exist\n" % folder


def test_help_and_version(coginfo):
    status, out, err = coginfo("--help")
    assert status == 0 and out.startswith("Usage: coginfo FILE") and not err
    options = set(re.findall(r"^  (--[a-z-]+)", out, re.M))
    documented = re.findall(r"^\.\. option:: (.*)$", rok4_doc.read(PAGE), re.M)
    assert options == {name for names in documented
                       for name in names.split(", ")[:1]}
    status, out, err = coginfo("--version")
    assert status == 0 and re.fullmatch(r"coginfo \d+\.\d+\.\d+\n", out)


def test_rules_are_documented():
    names = re.search(r"names\[COGX_NRULES\] = \{(.*?)\};", rok4_doc.read(
        "frmts/cogx/cogx_validate.c"), re.S).group(1)
    documented = re.findall(r"^   \* - ``([a-z-]+)``$", rok4_doc.read(PAGE),
                            re.M)
    assert documented == re.findall(r'"([a-z-]+)"', names)


@pytest.mark.parametrize("text,name", [
    ("At most {} errors", "COGX_MAX_ISSUES_PER_RULE"),
    ("after {} numbers", "COGX_JSON_MAX_VALUES"),
    ("numbers or {} characters", "COGX_JSON_MAX_TEXT_BYTES")])
def test_numbers_are_documented(text, name):
    sources = (rok4_doc.read("frmts/cogx/cogx_validate.h") +
               rok4_doc.read("frmts/cogx/cogx_json.h"))
    value = re.search(r"#define %s (\d+)u" % name, sources).group(1)
    assert text.format(value) in " ".join(rok4_doc.read(PAGE).split())
