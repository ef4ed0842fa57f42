# SPDX-License-Identifier: MIT
"""The plugin stands before all other drivers in GDAL's list: what is not ours
must go where it went without it, and so must what programs write."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from client_util import program, run
from rok4_util import ROOT, fixture

POINT = {"type": "Feature", "properties": {"name": "a", "tile_limits": 3},
         "geometry": {"type": "Point", "coordinates": [2.5, 46.5]}}

# Texts that are JSON or nearly, none of them a descriptor.
TEXTS = {
    "points.geojson": json.dumps({"type": "FeatureCollection",
                                  "features": [POINT] * 3}),
    "points.json": json.dumps({"type": "FeatureCollection",
                               "name": "points",
                               "features": [POINT] * 40}),
    "feature.json": json.dumps(POINT),
    "lines.geojsonl": "\n".join([json.dumps(POINT)] * 3),
    "topo.json": json.dumps({
        "type": "Topology", "arcs": [[[0, 0], [1, 1]]], "objects": {"a": {
            "type": "GeometryCollection",
            "geometries": [{"type": "LineString", "arcs": [0]}]}}}),
    "esri.json": json.dumps({
        "displayFieldName": "n", "fieldAliases": {"n": "n"},
        "geometryType": "esriGeometryPoint",
        "spatialReference": {"wkid": 4326},
        "fields": [{"name": "n", "type": "esriFieldTypeString"}],
        "features": [{"attributes": {"n": "a"},
                      "geometry": {"x": 1, "y": 2}}]}),
    "plain.json": json.dumps({"a": [1, 2, 3], "tile_matrix_set": "PM"}),
    "list.json": "[1, 2, 3]",
    "empty.json": "",
    "text.json": "tile_matrix_set raster_specifications tile_limits",
    "tms.json": open(os.path.join(ROOT, "autotest", "data", "tms",
                                  "T64.json"), encoding="utf-8").read(),
    "stac.json": json.dumps({
        "type": "FeatureCollection", "stac_version": "1.0.0", "features": [{
            "type": "Feature", "stac_version": "1.0.0", "id": "a",
            "properties": {"datetime": "2020-01-01T00:00:00Z",
                           "proj:epsg": 4326},
            "geometry": None, "bbox": [0, 0, 1, 1], "links": [],
            "assets": {"B": {"href": "gray.tif", "roles": ["data"],
                             "proj:transform": [0.1, 0, 0, 0, -0.1, 1],
                             "proj:shape": [10, 10],
                             "eo:bands": [{"name": "B"}]}}}]}),
    "pipe.json": json.dumps({"pipeline": [{"type": "readers.las"}]}),
    "table.csv": "x,y,tile_limits\n1,2,3\n",
    "doc.xml": "<a tile_limits='1'/>",
    "doc.rok4": "not a pyramid",
}

LOOK = """
import json, sys
from osgeo import gdal
gdal.DontUseExceptions()
out = {}
for path in sys.argv[1:]:
    answer = []
    for flags in (gdal.OF_RASTER, gdal.OF_VECTOR, gdal.OF_READONLY,
                  gdal.OF_RASTER | gdal.OF_UPDATE):
        driver = gdal.IdentifyDriverEx(path, flags)
        messages = []
        gdal.PushErrorHandler(lambda c, n, text: messages.append(text)
                              if c > gdal.CE_Debug else None)
        dataset = gdal.OpenEx(path, flags | gdal.OF_VERBOSE_ERROR)
        gdal.PopErrorHandler()
        answer.append([driver and driver.ShortName,
                       dataset and dataset.GetDriver().ShortName, messages])
        dataset = None
    out[path] = answer
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Files of many drivers."""
    place = tmp_path_factory.mktemp("others")
    for name, text in TEXTS.items():
        (place / name).write_text(text)
    values = np.arange(100, dtype=np.uint8).reshape(10, 10)
    gray = gdal.GetDriverByName("GTiff").Create(str(place / "gray.tif"), 10,
                                                10, 1)
    gray.SetGeoTransform((2, 0.1, 0, 47, 0, -0.1))
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(4326)
    gray.SetSpatialRef(srs)
    gray.GetRasterBand(1).WriteArray(values)
    del gray
    for form, name in (("PNG", "gray.png"), ("JPEG", "gray.jpg"),
                       ("VRT", "gray.vrt"), ("AAIGrid", "gray.asc"),
                       ("GPKG", "gray.gpkg"), ("ENVI", "gray.img")):
        gdal.Translate(str(place / name), str(place / "gray.tif"),
                       format=form)
    for form, name in (("ESRI Shapefile", "points.shp"), ("GML", "p.gml"),
                       ("KML", "p.kml"), ("SQLite", "p.sqlite")):
        gdal.VectorTranslate(str(place / name), str(place / "points.geojson"),
                             format=form, selectFields=["name"])
    (place / "directory").mkdir()
    # A slab on its own is a TIFF.
    slabs = [os.path.join(folder, name) for folder, _, names in
             os.walk(fixture("t64_zip_uint8_rgb")[:-5]) for name in names]
    shutil.copy(slabs[0], place / "slab.tif")
    return place


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """An environment without our plugin."""
    return {"GDAL_DRIVER_PATH": str(tmp_path_factory.mktemp("noplugins"))}


def test_same_driver_with_and_without_the_plugin(others, without):
    names = sorted(str(others / name) for name in os.listdir(others))
    names += [str(others / "absent.json"), "GTIFF_DIR:1:" + names[0],
              "ROK:x", "rok4", "http:", "", ":", "{}", "{\"tile_limits\":1}",
              json.dumps({"type": "Point", "coordinates": [1, 2]})]
    command = [sys.executable, "-c", LOOK] + names
    here = json.loads(run(*command)[0])
    there = json.loads(run(*command, **without)[0])
    assert here == there
    drivers = {driver for answers in here.values()
               for found, opened, _ in answers
               for driver in (found, opened)}
    assert {"GTiff", "PNG", "GeoJSON", "TopoJSON", "ESRIJSON", "VRT", "CSV",
            "GPKG", "STACIT", None} <= drivers


def test_two_more_drivers_and_no_other_change(without):
    ours = ("  ROK4 -raster- (rwv): ", "  COGX -raster- (rwv): ")
    for command in ("gdalinfo", "ogrinfo"):
        here = run(program(command), "--formats")[0].splitlines()
        there = run(program(command), "--formats", **without)[0].splitlines()
        more = [line for line in here if line not in there]
        assert all(line.startswith(ours) for line in more)
        assert [line for line in here if not line.startswith(ours)] == there
        if command == "gdalinfo":
            assert len(more) == len(ours)


COMMANDS = [
    ["gdal_translate", "-q", "gray.tif", "out.tif"],
    ["gdal_translate", "-q", "gray.tif", "out.png"],
    ["gdal_translate", "-q", "gray.tif", "out.vrt"],
    ["gdal_translate", "-q", "-of", "COG", "gray.tif", "out.tif"],
    ["gdalwarp", "-q", "-t_srs", "EPSG:3857", "gray.tif", "out.tif"],
    ["ogr2ogr", "out.json", "points.json"],
    ["ogr2ogr", "out.geojson", "points.shp"],
    ["ogr2ogr", "-select", "name", "out.shp", "points.geojson"],
    ["ogr2ogr", "-f", "CSV", "out.csv", "topo.json"],
    ["gdaltindex", "out.shp", "gray.tif", "gray.png"],
    ["gdal_rasterize", "-q", "-burn", "7", "-tr", "0.1", "0.1", "points.json",
     "out.tif"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_programs_write_what_they_wrote(tmp_path, others, without, command):
    """The same files, and nothing said."""
    results = []
    for name, environment in (("with", {}), ("without", without)):
        place = tmp_path / name
        shutil.copytree(others, place)
        before = set(os.listdir(place))
        out = subprocess.run(
            [program(command[0])] + command[1:], cwd=place,
            env=dict(os.environ, **environment), capture_output=True,
            check=False)
        assert out.returncode == 0, out.stderr
        made = sorted(set(os.listdir(place)) - before)
        results.append((out.stdout, out.stderr, made, [
            (place / name).read_bytes() for name in made]))
    assert results[0] == results[1]
    assert results[0][1] == b"" and results[0][2]


def test_writing_over_a_descriptor_leaves_the_pyramid(tmp_path, others):
    """GDAL deletes what stands under a name before it writes there."""
    name = "t64_zip_uint8_rgb"
    shutil.copytree(fixture(name)[:-5], tmp_path / name)
    for suffix in (".json", ".list"):
        shutil.copy(fixture(name)[:-5] + suffix, tmp_path)
    path = tmp_path / (name + ".json")

    def files():
        return sorted(os.path.join(folder, name) for folder, _, names in
                      os.walk(tmp_path) for name in names)
    before = files()
    for command in (["gdal_translate", "-q", "-of", "GTiff",
                     others / "gray.tif", path],
                    ["ogr2ogr", "-f", "GeoJSON", path,
                     others / "points.shp"]):
        subprocess.run([program(command[0])] + [str(c) for c in command[1:]],
                       capture_output=True, check=False)
        assert set(before) <= set(files())
        shutil.copy(fixture(name), path)
    subprocess.run([program("gdalmanage"), "delete", str(path)],
                   capture_output=True, check=False)
    assert set(before) <= set(files())
    assert gdal.Open(str(path)).GetDriver().ShortName == "ROK4"


def test_vector_programs_and_pyramids(tmp_path):
    """ogr2ogr finds no layers in a raster pyramid, and says so."""
    assert ogr.Open(fixture("t64_zip_uint8_rgb")) is None
    out = subprocess.run(
        [program("ogr2ogr"), str(tmp_path / "o.json"),
         fixture("t64_zip_uint8_rgb")], capture_output=True, text=True,
        check=False)
    assert out.returncode != 0
    assert "Unable to open datasource" in out.stderr
