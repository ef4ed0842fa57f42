# SPDX-License-Identifier: MIT
"""GDAL's own command-line programs."""

import json
import re
import shutil

import numpy as np
import pytest
from osgeo import gdal

from client_util import (averaged_terrain, checksums, gtiff_copy,
                         pixels, program, quadtree_pyramid, reference, run)
from rok4_util import fixture

EXACT = ["t64_zip_uint8_rgb", "t64_png_uint8_rgba", "t64_lzw_uint8_graya",
         "t64_raw_uint8_gray", "t64_zip_float32", "t64_pkb_float32",
         "t64_raw_4x2_depth3", "t64_upd_slink", "lamb93mnt_zip_float32"]


@pytest.mark.parametrize("name", ["lamb93_jpg90", "pm_png_mask"])
def test_gdalinfo_text(name):
    text = run(program("gdalinfo"), fixture(name))[0]
    pyramid = reference(name)
    base = pyramid.levels[0]
    assert "Driver: ROK4/" in text
    assert "Size is %d, %d" % base.size in text
    origin = re.search(r"Origin = \((.*),(.*)\)", text)
    assert np.allclose([float(v) for v in origin.groups()], base.corner,
                       rtol=1e-12)
    overviews = ", ".join(
        "%dx%d" % pyramid.overview(base, level).shape[1::-1]
        for level in pyramid.levels[1:])
    assert text.count("Overviews: " + overviews + "\n") == pyramid.channels
    assert text.count("Block=%dx%d " % base.tile) == pyramid.channels
    assert "ColorInterp=Red" in text
    assert ("Mask Flags: PER_DATASET" in text) == (name == "pm_png_mask")


@pytest.mark.parametrize("name", EXACT)
def test_gdalinfo_json(name):
    info = json.loads(run(program("gdalinfo"), "-json", "-checksum",
                          fixture(name))[0])
    pyramid = reference(name)
    base = pyramid.levels[0]
    assert info["driverShortName"] == "ROK4"
    assert info["size"] == list(base.size)
    assert np.allclose(info["geoTransform"], base.geotransform, rtol=1e-12)
    assert [band["checksum"] for band in info["bands"]] == checksums(
        pyramid.level_array(base))
    for band in info["bands"]:
        assert [tuple(o["size"]) for o in band["overviews"]] == [
            pyramid.overview(base, level).shape[1::-1]
            for level in pyramid.levels[1:]]
    if pyramid.channels == 1:
        assert info["bands"][0]["noDataValue"] == pyramid.nodata[0]
    assert info["metadata"][""]["TMS"] == pyramid.tms["id"]


def test_gdalinfo_statistics_go_to_the_sidecar(moved):
    path = moved("lamb93mnt_zip_float32")
    values = reference(path).level_array(reference(path).levels[0])
    valid = values[values != -99999]
    for _ in range(2):
        info = json.loads(run(program("gdalinfo"), "-json", "-stats",
                              path)[0])
        band = info["bands"][0]
        assert np.isclose(band["minimum"], valid.min(), atol=1e-3)
        assert np.isclose(band["maximum"], valid.max(), atol=1e-3)
        assert np.isclose(band["mean"], valid.mean(), atol=1e-3)
    text = run(program("gdalinfo"), path)[0]
    assert "STATISTICS_MEAN=" in text and ".aux.xml" in text


def test_approximate_statistics_of_averaged_terrain(tmp_path):
    """The coarse levels, in which nodata counts as a height, do not count."""
    path = averaged_terrain(tmp_path)
    values = reference(path).level_array(reference(path).levels[0])
    valid = values[values != -99999]
    out = tmp_path / "out.png"
    run(program("gdal_translate"), "-q", "-of", "PNG", "-ot", "Byte",
        "-scale", path, out)
    low, high = valid.min(), valid.max()
    gray = np.clip((values - low) / (high - low) * 255, 0, 255)
    found = pixels(out)[values != -99999].astype(float)
    assert np.abs(found - gray[values != -99999]).max() < 10
    info = json.loads(run(program("gdalinfo"), "-json", "-approx_stats",
                          path)[0])
    band = info["bands"][0]
    assert low - 0.01 <= band["minimum"] < band["maximum"] <= high + 0.01
    assert abs(band["mean"] - valid.mean()) < (high - low) / 20


@pytest.mark.parametrize("form,options", [
    ("GTiff", ["-co", "COMPRESS=DEFLATE", "-co", "TILED=YES"]),
    ("COG", ["-co", "COMPRESS=DEFLATE"]), ("PNG", [])])
def test_translate(tmp_path, form, options):
    out = tmp_path / "out"
    run(program("gdal_translate"), "-q", "-of", form, *options,
        fixture("t64_zip_uint8_rgb"), out)
    pyramid = reference("t64_zip_uint8_rgb")
    base = pyramid.levels[0]
    np.testing.assert_array_equal(pixels(out), pyramid.level_array(base))
    copy = gdal.Open(str(out))
    assert np.allclose(copy.GetGeoTransform(), base.geotransform, rtol=1e-12)
    if form != "PNG":
        assert copy.GetSpatialRef().GetAuthorityCode(None) == "3857"


@pytest.mark.parametrize("name", EXACT)
def test_translate_level(tmp_path, name):
    """The middle level through the open option and through the name."""
    pyramid = reference(name)
    level = pyramid.levels[1]
    for words in (["-oo", "TILEMATRIX=" + level.id_, fixture(name)],
                  ['ROK4:"%s":%s' % (fixture(name), level.id_)]):
        out = tmp_path / "level.tif"
        run(program("gdal_translate"), "-q", *words, out)
        np.testing.assert_array_equal(pixels(out), pyramid.level_array(level))
        assert np.allclose(gdal.Open(str(out)).GetGeoTransform(),
                           level.geotransform, rtol=1e-12)


def test_translate_window(tmp_path):
    """By pixels and by coordinates, and at the size of an overview."""
    pyramid = quadtree_pyramid(tmp_path)
    ref = reference(pyramid.path)
    whole = ref.level_array(ref.levels[0])
    out = tmp_path / "out.tif"
    run(program("gdal_translate"), "-q", "-srcwin", 37, 61, 301, 155,
        pyramid.path, out)
    np.testing.assert_array_equal(pixels(out), whole[61:216, 37:338])
    cell, (crs_x, crs_y) = ref.levels[0].cell, ref.levels[0].corner
    run(program("gdal_translate"), "-q", "-projwin", crs_x + 64 * cell,
        crs_y - 32 * cell, crs_x + 192 * cell, crs_y - 256 * cell,
        pyramid.path, out)
    np.testing.assert_array_equal(pixels(out), whole[32:256, 64:192])
    run(program("gdal_translate"), "-q", "-outsize", "12.5%", "12.5%",
        pyramid.path, out)
    np.testing.assert_array_equal(pixels(out),
                                  ref.overview(ref.levels[0], ref.levels[3]))


def test_translate_keeps_the_mask(tmp_path):
    out = tmp_path / "out.tif"
    run(program("gdal_translate"), "-q", "--config",
        "GDAL_TIFF_INTERNAL_MASK", "YES", fixture("t64_zip_mask"), out)
    pyramid = reference("t64_zip_mask")
    copy = gdal.Open(str(out))
    assert copy.GetRasterBand(1).GetMaskFlags() == gdal.GMF_PER_DATASET
    np.testing.assert_array_equal(
        copy.GetRasterBand(1).GetMaskBand().ReadAsArray(),
        pyramid.level_array(pyramid.levels[0], mask=True)[:, :, 0])


def test_terrain_to_tiled_lambert93(tmp_path):
    out = tmp_path / "terrain.tif"
    run(program("gdal_translate"), "-q", "-co", "TILED=YES", "-co",
        "COMPRESS=DEFLATE", "-co", "PREDICTOR=3", "-co", "BLOCKXSIZE=128",
        "-co", "BLOCKYSIZE=128", fixture("lamb93mnt_zip_float32"), out)
    pyramid = reference("lamb93mnt_zip_float32")
    found = pixels(out)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found,
                                  pyramid.level_array(pyramid.levels[0]))
    copy = gdal.Open(str(out))
    assert copy.GetRasterBand(1).GetBlockSize() == [128, 128]
    assert copy.GetRasterBand(1).GetNoDataValue() == -99999
    assert copy.GetSpatialRef().GetProjParm("standard_parallel_2") == 49
    assert np.allclose(copy.GetGeoTransform(), pyramid.levels[0].geotransform,
                       rtol=1e-12)


def same_warp(tmp_path, sources, peers, *options):
    """gdalwarp makes of pyramids what it makes of GeoTIFFs."""
    results = []
    for name, files in (("ours.tif", sources), ("peer.tif", peers)):
        run(program("gdalwarp"), "-q", *options, *files, tmp_path / name)
        results.append(tmp_path / name)
    ours, peer = (gdal.Open(str(path)) for path in results)
    assert ours.GetGeoTransform() == peer.GetGeoTransform()
    assert ours.RasterCount == peer.RasterCount
    assert len(np.unique(peer.ReadAsArray())) > 20
    np.testing.assert_array_equal(pixels(results[0]), pixels(results[1]))


WARPS = [["-t_srs", "EPSG:2154"],
         ["-t_srs", "EPSG:4326", "-r", "cubic", "-dstalpha"],
         ["-te", 300000, 10000, 900000, 500000, "-te_srs", "EPSG:2154",
          "-t_srs", "EPSG:32631", "-r", "bilinear"],
         ["-ovr", "1", "-r", "average", "-ts", 211, 0]]


@pytest.mark.parametrize("options", WARPS)
@pytest.mark.parametrize("name", ["t64_zip_uint8_rgb", "t64_lzw_float32",
                                  "t64_png_uint8_graya"])
def test_warp(tmp_path, name, options):
    if "-te" in options:
        base = reference(name).levels[0]
        (x, y), cell = base.corner, base.cell
        options = ["-te", x + 20 * cell, y - 150 * cell, x + 140 * cell,
                   y - 15 * cell, "-te_srs", "EPSG:3857"] + options[7:]
    same_warp(tmp_path, [fixture(name)],
              [gtiff_copy(reference(name), tmp_path / "copy.tif")], *options)


def test_warp_reads_the_right_overview(tmp_path):
    """At a level's own cell size the result is that level's stored pixels."""
    pyramid = quadtree_pyramid(tmp_path)
    ref = reference(pyramid.path)
    for level in ref.levels[1:]:
        out = tmp_path / "warped.tif"
        run(program("gdalwarp"), "-q", "-overwrite", "-tr", level.cell,
            level.cell, pyramid.path, out)
        np.testing.assert_array_equal(pixels(out),
                                      ref.overview(ref.levels[0], level))


def test_warp_masked(tmp_path):
    peer = gtiff_copy(reference("t64_zip_mask"), tmp_path / "copy.tif", True)
    same_warp(tmp_path, [fixture("t64_zip_mask")], [peer], "-ovr", "NONE",
              "-t_srs", "EPSG:2154", "-dstalpha")


def test_warp_of_two_pyramids_and_of_two_levels(tmp_path):
    """Without anything in between."""
    left = quadtree_pyramid(tmp_path, "left")
    right = quadtree_pyramid(tmp_path, "right", limits=(16, 8, 23, 15),
                             seed=3)
    peers = [gtiff_copy(reference(p.path), tmp_path / (p.name + ".tif"))
             for p in (left, right)]
    same_warp(tmp_path, [left.path, right.path], peers, "-t_srs", "EPSG:4326",
              "-r", "bilinear", "-overwrite")
    levels = []
    for id_ in ("4", "5"):
        levels.append(str(tmp_path / ("level%s.tif" % id_)))
        gdal.Translate(levels[-1], 'ROK4:"%s":%s' % (left.path, id_))
    same_warp(tmp_path, ['ROK4:"%s":%s' % (left.path, id_)
                         for id_ in ("4", "5")],
              levels, "-t_srs", "EPSG:4326", "-ovr", "NONE", "-overwrite")


def test_buildvrt_of_two_pyramids(tmp_path):
    left = quadtree_pyramid(tmp_path, "left")
    right = quadtree_pyramid(tmp_path, "right", limits=(16, 12, 23, 19))
    vrt = tmp_path / "mosaic.vrt"
    run(program("gdalbuildvrt"), "-q", vrt, left.path, right.path)
    found = pixels(vrt)
    assert found.shape == (12 * 64, 16 * 64, 3)
    for pyramid, x, y in ((left, 0, 0), (right, 512, 256)):
        ref = reference(pyramid.path)
        np.testing.assert_array_equal(found[y:y + 512, x:x + 512],
                                      ref.level_array(ref.levels[0]))
    mosaic = gdal.Open(str(vrt))
    quarter = mosaic.ReadAsArray(0, 0, 512, 512, buf_xsize=128,
                                 buf_ysize=128).transpose(1, 2, 0)
    ref = reference(left.path)
    np.testing.assert_array_equal(quarter,
                                  ref.overview(ref.levels[0], ref.levels[2]))


def test_locationinfo():
    locate = program("gdallocationinfo")
    name = fixture("t64_zip_float32")
    pyramid = reference("t64_zip_float32")
    base = pyramid.levels[0]
    values = pyramid.level_array(base)[:, :, 0]
    assert np.isclose(float(run(locate, "-valonly", name, 100, 33)[0]),
                      values[33, 100])
    crs_x = base.corner[0] + 150.5 * base.cell
    crs_y = base.corner[1] - 77.5 * base.cell
    assert np.isclose(float(run(locate, "-valonly", "-geoloc", name, crs_x,
                                crs_y)[0]), values[77, 150])
    text = run(locate, "-xml", name, 100, 33)[0]
    column, row = base.limits[0] + 1, base.limits[1]
    for part in ("<Level>%s</Level>" % base.id_,
                 "<TileColumn>%d</TileColumn>" % column,
                 "<TileRow>%d</TileRow>" % row,
                 "<Status>present</Status>"):
        assert part in text
    assert base.slab_file(column, row).endswith(
        re.search("<File>(.*)</File>", text).group(1))


def test_location_of_a_hole():
    pyramid = reference("t64_zip_hole")
    base = pyramid.levels[0]
    c0, r0, c1, r1 = base.limits
    column, row = next(
        (c, r) for r in range(r0, r1 + 1) for c in range(c0, c1 + 1)
        if pyramid.tile_bytes(base, c, r) is None)
    text = run(program("gdallocationinfo"), "-xml", fixture("t64_zip_hole"),
               (column - c0) * 64 + 5, (row - r0) * 64 + 5)[0]
    assert "<Status>absent</Status>" in text
    assert "<Value>%d</Value>" % pyramid.nodata[0] in text


def test_name_with_spaces_and_accents(tmp_path):
    """A pyramid that moved, and whose descriptor was renamed."""
    place = tmp_path / "données du cadastre"
    shutil.copytree(fixture("t64_zip_uint8_rgb")[:-5],
                    place / "t64_zip_uint8_rgb")
    shutil.copy(fixture("t64_zip_uint8_rgb"), place / "renommé.json")
    out = tmp_path / "out.tif"
    run(program("gdal_translate"), "-q", place / "renommé.json", out)
    pyramid = reference("t64_zip_uint8_rgb")
    np.testing.assert_array_equal(pixels(out),
                                  pyramid.level_array(pyramid.levels[0]))
