# SPDX-License-Identifier: MIT
"""Where the TMS comes from, and what it says about the dataset."""

import json
import math
import os

import numpy as np
import pytest
from osgeo import gdal, osr

import rok4_make
import rok4_tms
from rok4_util import (ROOT, Server, Watch, config, fixture, open_dataset,
                       refused)

# Each place's copy of the TMS has an origin of its own.
EASTINGS = {"option": 1000.0, "config": 2000.0, "beside": 3000.0,
            "shipped": 4000.0}


def definition(name, crs_x, crs="EPSG:32631"):
    return rok4_tms.quadtree(name, crs, 64, (crs_x, 500000), (64, 64), (4, 4))


@pytest.fixture
def pyramid(tmp_path):
    """A pyramid on the TMS LOOK, whose files are in several places."""
    for place in ("option", "config", "beside"):
        rok4_tms.write(str(tmp_path / place),
                       definition("LOOK", EASTINGS[place]))
    return rok4_make.Pyramid(
        tmp_path / "beside", "N", definition("LOOK", 0), "TIFF_RAW_UINT8", 1,
        levels=[rok4_make.Level("2", (0, 0, 1, 1), (2, 2), 0)])


def easting(path, *options):
    return open_dataset(path, *options).GetGeoTransform()[0]


def test_order(pyramid, tmp_path):
    path = pyramid.write()
    option = "TMS_DIRECTORY=" + str(tmp_path / "option")
    with config(ROK4_TMS_DIRECTORY=str(tmp_path / "config")):
        assert easting(path, option) == 1000
        assert easting(path) == 2000
    with config(ROK4_TMS_DIRECTORY=None):
        assert easting(path, option) == 1000
        assert easting(path) == 3000


@pytest.mark.parametrize("name", ["PM", "N"])
def test_pyramid_called_as_its_tms(tmp_path, name):
    """PM.json and PM/, which the descriptor's directory holds, are a pyramid:
    the TMS of that name is elsewhere."""
    path = rok4_make.Pyramid(
        tmp_path, name, rok4_tms.pm(), "TIFF_RAW_UINT8", 1,
        levels=[rok4_make.Level("2", (1, 1, 2, 2), (2, 2), 1)]).write()
    os.makedirs(str(tmp_path / "PM"), exist_ok=True)
    with config(ROK4_TMS_DIRECTORY=None):
        dataset = open_dataset(path)
    assert dataset.GetGeoTransform()[0] == pytest.approx(
        -20037508.3427892 / 2, abs=1e-6)
    assert dataset.ReadAsArray() is not None


def test_fall_through(pyramid, tmp_path):
    """A place that lacks the TMS is no error: the next one is asked."""
    path = pyramid.write()
    os.makedirs(str(tmp_path / "empty"))
    empty = "TMS_DIRECTORY=" + str(tmp_path / "empty")
    missing = "TMS_DIRECTORY=" + str(tmp_path / "missing")
    with config(ROK4_TMS_DIRECTORY=str(tmp_path / "config")):
        assert easting(path, empty) == 2000
        assert easting(path, missing) == 2000
    with config(ROK4_TMS_DIRECTORY=str(tmp_path / "empty")):
        assert easting(path, empty) == 3000


def test_environment(pyramid, tmp_path, monkeypatch):
    """The environment, as the reference tools use it."""
    path = pyramid.write()
    with config(ROK4_TMS_DIRECTORY=None):
        monkeypatch.setenv("ROK4_TMS_DIRECTORY", str(tmp_path / "config"))
        assert easting(path) == 2000


def test_only_one_file_is_read(pyramid, tmp_path):
    """The place that answers is read once; the others are not opened."""
    path = pyramid.write()
    watch = Watch(tmp_path)
    with config(ROK4_TMS_DIRECTORY=str(tmp_path / "config")):
        dataset = open_dataset(path)
        opened = watch.opened()
    tms = [f for f in opened if f.endswith("LOOK.json")]
    assert tms == [str(tmp_path / "config" / "LOOK.json")]
    assert [f for f in opened if f not in tms] == [path] * (
        len(opened) - len(tms))
    assert dataset is not None
    watch.close()


def test_virtual_directory(pyramid, tmp_path):
    path = pyramid.write()
    gdal.FileFromMemBuffer("/vsimem/sets/LOOK.json",
                           json.dumps(definition("LOOK", 7777)))
    try:
        assert easting(path, "TMS_DIRECTORY=/vsimem/sets") == 7777
        assert easting(path, "TMS_DIRECTORY=/vsimem/sets/") == 7777
        with config(ROK4_TMS_DIRECTORY="/vsimem/sets"):
            assert easting(path) == 7777
    finally:
        gdal.RmdirRecursive("/vsimem/sets")


def test_shipped_sets(tmp_path):
    """At least PM, 4326 and the LAMB93 family come with the driver."""
    names = {"PM": "EPSG:3857", "4326": "EPSG:4326", "LAMB93": "EPSG:2154",
             "LAMB93_10cm": "IGNF:LAMB93", "LAMB93_1M_MNT": "IGNF:LAMB93"}
    with config(ROK4_TMS_DIRECTORY=None):
        for name, crs in names.items():
            path = str(tmp_path / (name + "_pyramid.json"))
            with open(path, "w", encoding="utf-8") as file:
                json.dump(minimal(name, "0"), file)
            srs = open_dataset(path).GetSpatialRef()
            assert (srs.GetAuthorityName(None) + ":" +
                    srs.GetAuthorityCode(None)) == crs


def minimal(tms, *ids):
    return {"tile_matrix_set": tms, "format": "TIFF_RAW_UINT8",
            "raster_specifications": {"channels": 1, "nodata": "0",
                                      "photometric": "gray",
                                      "interpolation": "nn"},
            "levels": [{"id": id_, "tiles_per_width": 2,
                        "tiles_per_height": 2,
                        "tile_limits": {"min_row": 0, "max_row": 0,
                                        "min_col": 0, "max_col": 0},
                        "storage": {"type": "FILE", "path_depth": 2,
                                    "image_directory": "N/DATA/" + id_}}
                       for id_ in ids]}


def test_shipped_numbers():
    """The shipped files say what our own arithmetic says."""
    place = os.path.join(ROOT, "data", "tms")
    for own in (rok4_tms.pm(), rok4_tms.lamb93_10cm(),
                rok4_tms.lamb93_1m_mnt()):
        with open(os.path.join(place, own["id"] + ".json"),
                  encoding="utf-8") as file:
            shipped = {m["id"]: m for m in json.load(file)["tileMatrices"]}
        for matrix in own["tileMatrices"]:
            found = shipped[matrix["id"]]
            assert found["cellSize"] == pytest.approx(matrix["cellSize"],
                                                      rel=1e-13)
            for key in ("pointOfOrigin", "tileWidth", "tileHeight",
                        "matrixWidth"):
                assert found[key] == matrix[key]


def test_beside_comes_before_shipped(tmp_path):
    own = definition("PM", 123.0)
    rok4_tms.write(str(tmp_path), own)
    path = str(tmp_path / "N.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(minimal("PM", "1"), file)
    with config(ROK4_TMS_DIRECTORY=None):
        assert easting(path) == 123


def test_remote_directory_comes_last(tmp_path):
    """A remote descriptor: shipped sets first, its own directory last."""
    rok4_tms.write(str(tmp_path), definition("PM", 123.0))
    rok4_tms.write(str(tmp_path), definition("OWN", 456.0))
    for name in ("PM", "OWN"):
        with open(str(tmp_path / (name + "_.json")), "w",
                  encoding="utf-8") as file:
            json.dump(minimal(name, "1"), file)
    server = Server(tmp_path)
    with config(ROK4_TMS_DIRECTORY=None, GDAL_DISABLE_READDIR_ON_OPEN="YES"):
        assert easting(server.url("PM_.json")) == pytest.approx(
            -20037508.3427892)
        assert not [r for r in server.requests if r[1] == "/PM.json"]
        assert easting(server.url("OWN_.json")) == 456
    server.close()


def test_json_suffix_in_the_name(pyramid):
    pyramid.tms_name = "LOOK.json"
    assert easting(pyramid.write()) == 3000


def test_file_without_suffix(pyramid, tmp_path):
    """The reference tries <id> before <id>.json."""
    path = pyramid.write()
    place = tmp_path / "bare"
    rok4_tms.write(str(place), definition("LOOK", 5000))
    os.rename(str(place / "LOOK.json"), str(place / "LOOK"))
    assert easting(path, "TMS_DIRECTORY=" + str(place)) in (5000, 3000)


def test_unknown(pyramid, tmp_path):
    pyramid.tms_name = "NOSUCHSET"
    message = refused(pyramid.write())
    assert "NOSUCHSET" in message


def test_inner_id_is_ignored(pyramid, tmp_path):
    path = pyramid.write()
    place = tmp_path / "inner"
    rok4_tms.write(str(place), definition("OTHER", 6000), "LOOK")
    assert easting(path, "TMS_DIRECTORY=" + str(place)) == 6000


WKT = osr.SpatialReference()
WKT.ImportFromEPSG(32631)
PSEUDO = ('LOCAL_CS["site grid",UNIT["metre",1],AXIS["X",EAST],'
          'AXIS["Y",NORTH]]')


@pytest.mark.parametrize("crs", [
    "EPSG:32631", WKT.ExportToWkt(), WKT.ExportToPROJJSON(),
    WKT.ExportToWkt(["FORMAT=WKT2_2019"]), "IGNF:LAMB93", "ESRI:54009",
    "+proj=utm +zone=31 +datum=WGS84 +units=m", "IGNF:UTM20W84MART", PSEUDO,
    "urn:ogc:def:crs:EPSG::32631", "EPSG:3857"])
def test_crs_forms(tmp_path, crs):
    tms = definition("C", 0, crs)
    rok4_tms.write(str(tmp_path), tms)
    path = rok4_make.Pyramid(
        tmp_path, "N", tms, "TIFF_RAW_UINT8", 1,
        levels=[rok4_make.Level("2", (0, 0, 1, 1))]).write()
    srs = open_dataset(path).GetSpatialRef()
    wanted = osr.SpatialReference()
    assert wanted.SetFromUserInput(crs) == 0
    wanted.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    assert srs.IsSame(wanted)
    assert srs.GetAxisMappingStrategy() == osr.OAMS_TRADITIONAL_GIS_ORDER


def test_degrees_are_longitude_first(tmp_path):
    tms = rok4_tms.degrees()
    path = rok4_make.Pyramid(
        tmp_path, "N", tms, "TIFF_RAW_UINT8", 1,
        levels=[rok4_make.Level("4", (17, 3, 18, 4))]).write()
    dataset = open_dataset(path)
    np.testing.assert_allclose(
        dataset.GetGeoTransform(),
        (-180 + 17 * 11.25, 0.0439453125, 0, 90 - 3 * 11.25, 0,
         -0.0439453125), rtol=0, atol=1e-12)
    info = gdal.Info(dataset, format="json")
    corner = info["cornerCoordinates"]["upperLeft"]
    assert corner[0] == pytest.approx(11.25)
    assert corner[1] == pytest.approx(56.25)


def test_unknown_crs_is_said(tmp_path):
    """Pixels matter more than the CRS: open, with a warning, or refuse."""
    tms = definition("C", 0, "NOBODY:12345")
    rok4_tms.write(str(tmp_path), tms)
    path = rok4_make.Pyramid(
        tmp_path, "N", tms, "TIFF_RAW_UINT8", 1,
        levels=[rok4_make.Level("2", (0, 0, 1, 1))]).write()
    gdal.ErrorReset()
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    dataset = gdal.Open(path)
    if dataset is not None:
        dataset.GetSpatialRef()
    message = gdal.GetLastErrorMsg()
    gdal.PopErrorHandler()
    assert "NOBODY" in message


@pytest.mark.parametrize("extra", [
    {"title": "x", "keywords": ["a"], "tileMatrixSets": 3},
    {"tileMatrices": None}])
def test_unknown_members(tmp_path, extra):
    tms = definition("E", 11)
    if extra.get("tileMatrices", 0) is None:
        extra = {}
        for matrix in tms["tileMatrices"]:
            matrix["variableMatrixWidths"] = []
            matrix["cornerOfOrigin"] = "topLeft"
    rok4_tms.write(str(tmp_path), dict(tms, **extra))
    path = rok4_make.Pyramid(
        tmp_path, "N", tms, "TIFF_RAW_UINT8", 1,
        levels=[rok4_make.Level("2", (0, 0, 1, 1))]).write()
    assert easting(path) == 11


def test_deep_coordinates(tmp_path):
    """No loss at level 21 of PM: 1e-9 relative to 20,037,508 metres."""
    tms = rok4_tms.pm()
    rok4_tms.write(str(tmp_path), tms)
    matrix = rok4_tms.level_of(tms, "21")
    col, row = 2097151, 1048577
    path = rok4_make.Pyramid(
        tmp_path, "N", tms, "TIFF_ZIP_UINT8", 1,
        levels=[rok4_make.Level("21", (col, row, col, row))]).write()
    gt = open_dataset(path).GetGeoTransform()
    span = 256 * matrix["cellSize"]
    assert math.isclose(gt[0], -20037508.3427892 + col * span, abs_tol=1e-8)
    assert math.isclose(gt[3], 20037508.3427892 - row * span, abs_tol=1e-8)


def test_srs_of_fixture():
    srs = open_dataset(fixture("lamb93_jpg90")).GetSpatialRef()
    assert srs.GetAuthorityName(None) == "IGNF"
    assert srs.IsProjected()
