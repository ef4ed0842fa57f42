# SPDX-License-Identifier: MIT
"""Names of datasets, and what the driver takes for its own."""

import json
import os
import random
import zipfile

import numpy as np
import pytest
from osgeo import gdal

import rok4_make
import rok4_tms
from rok4_util import (Errors, Watch, fixture, open_dataset, pixels_of,
                       refused)

NAME = "t64_zip_uint8_rgb"


def same(name, *options):
    expected = pixels_of(open_dataset(fixture(NAME)))
    np.testing.assert_array_equal(pixels_of(open_dataset(name, *options)),
                                  expected)


def test_prefix(moved, monkeypatch):
    path = moved(NAME)
    for name in (path, "ROK4:" + path, 'ROK4:"%s"' % path,
                 'ROK4:"%s":5' % path, "ROK4:%s:5" % path,
                 "ROK4:file://" + path, 'ROK4:"file://%s"' % path,
                 "ROK4:file://%s:5" % path, 'ROK4:"file://%s":5' % path,
                 "rok4:" + path):
        same(name)
    monkeypatch.chdir(os.path.dirname(path))
    for name in (NAME + ".json", "./%s.json" % NAME, "ROK4:%s.json" % NAME,
                 'ROK4:"%s.json":5' % NAME, "ROK4:./%s.json:5" % NAME):
        same(name)
    coarse = open_dataset("ROK4:%s.json:3" % NAME)
    assert (coarse.RasterXSize, coarse.RasterYSize) == (128, 64)


def test_level_in_name_and_option():
    """The same twice is fine; two different levels are an error."""
    name = 'ROK4:"%s":4' % fixture(NAME)
    assert open_dataset(name, "TILEMATRIX=4").RasterXSize == 192
    message = refused(name, "TILEMATRIX=3")
    assert "TILEMATRIX" in message


@pytest.mark.parametrize("place", [
    "with spaces", "été 日本", "a'b", "semi;colon", "colon:12", "100%",
    "dir.json", "plus+and&", "[brackets]{braces}"])
def test_strange_places(moved, tmp_path, place):
    path = moved(NAME, tmp_path / place)
    for name in (path, 'ROK4:"%s"' % path, 'ROK4:"%s":5' % path,
                 "ROK4:" + path, "ROK4:%s:5" % path):
        same(name)


@pytest.mark.parametrize("suffix", ["rok4", "JSON", "txt", ""])
def test_any_file_name(moved, suffix):
    """Recognised by content; the extension does not matter."""
    path = moved(NAME)
    other = path[:-5] + "_x" + ("." + suffix if suffix else "")
    os.rename(path, other)
    same(other)
    same('ROK4:"%s":5' % other)


def test_absent_descriptor(tmp_path):
    for name in ("ROK4:%s/no.json" % tmp_path,
                 'ROK4:"%s/no.json":3' % tmp_path,
                 "ROK4:file://%s/no.json" % tmp_path):
        assert "no.json" in refused(name)


@pytest.mark.parametrize("name", ["ROK4:", 'ROK4:""', 'ROK4:"', "ROK4::",
                                  'ROK4:"unclosed.json', "ROK4:/",
                                  'ROK4:"/tmp":3', "ROK4:file://"])
def test_malformed_names(name):
    assert refused(name)


def test_random_keys(tmp_path):
    """Production tools write the members in random order."""
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(tmp_path), tms)
    pyramid = rok4_make.Pyramid(tmp_path, "N", tms, channels=1, levels=[
        rok4_make.Level(str(i), (0, 0, 0, 0), (1, 1), 0)
        for i in range(7, -1, -1)])
    pyramid.write()
    for seed in range(25):
        pyramid.seed = seed
        assert open_dataset(pyramid.write_descriptor()).RasterCount == 1


def test_layout_of_the_text(moved):
    """Indented, with a byte order mark, with blanks first, CRLF."""
    path = moved(NAME)
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    indented = json.dumps(value, indent=2)
    for text in ("\ufeff" + json.dumps(value), " \t\r\n\n" + indented,
                 indented.replace("\n", "\r\n"), indented + "\n\n",
                 json.dumps(dict({"comment": "x" * 300}, **value)),
                 json.dumps(value, separators=(",", ":"))):
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        same(path)


def test_long_first_member(moved):
    """Nothing of ours in the first 1024 bytes: only the prefix helps."""
    path = moved(NAME)
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(dict({"comment": "x" * 5000}, **value), file)
    with Errors():
        assert gdal.OpenEx(path, allowed_drivers=["ROK4"]) is None
    same("ROK4:" + path)


NOT_OURS = {
    "geojson": {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"tile_matrix_set": "PM"},
         "geometry": {"type": "Point", "coordinates": [1, 2]}}]},
    "stacta": {"stac_version": "1.0.0", "stac_extensions": ["tiled-assets"],
               "type": "Feature", "id": "x", "properties": {
                   "tiles:tile_matrix_links": {},
                   "tiles:tile_matrix_sets": {}},
               "asset_templates": {}},
    "tms": rok4_tms.quadtree("T"),
    "tilejson": {"tilejson": "2.2.0", "tiles": ["x"], "minzoom": 0},
    "empty": {}, "one key": {"tile_matrix_set": "PM"},
    "values only": {"a": "tile_matrix", "b": "set"},
    "projjson": {"$schema": "x", "type": "GeographicCRS", "name": "x"},
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_identify_leaves_others_alone(case, tmp_path):
    path = str(tmp_path / "other.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(NOT_OURS[case], file)
    driver = gdal.IdentifyDriverEx(path)
    assert driver is None or driver.ShortName != "ROK4"
    assert gdal.IdentifyDriverEx(path, allowed_drivers=["ROK4"]) is None
    if case == "geojson":
        vector = gdal.OpenEx(path, gdal.OF_VECTOR)
        assert vector.GetDriver().ShortName == "GeoJSON"


@pytest.mark.parametrize("content", [
    b"", b"{", b"[1]", b"tile_matrix_set tile_limits", b"\0" * 600,
    b"<a>{'tile_matrix_set'}</a>", b"[\"tile_matrix_set\",\"tile_limits\"]",
    b"II*\0" + b"\"tile_matrix_set\"\"tile_limits\"" * 3])
def test_identify_other_content(content, tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    assert gdal.IdentifyDriverEx(str(path), allowed_drivers=["ROK4"]) is None


@pytest.mark.parametrize("pair", [
    ("tile_matrix_set", "tile_limits"), ("tiles_per_width", "image_directory"),
    ("tiles_per_height", "raster_specifications")])
def test_identify_two_members(pair, tmp_path):
    """Two of our member names in the head of a text that starts with {."""
    path = str(tmp_path / "ours.bin")
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"%s": 1, "other": [{"%s": 2}]' % pair)
    assert gdal.IdentifyDriverEx(path).ShortName == "ROK4"
    assert refused(path)


def test_identify_does_no_io(moved):
    """Nothing but GDAL's own look at the head of the file."""
    path = moved(NAME)
    watch = Watch(os.path.dirname(path))
    assert gdal.IdentifyDriverEx(path).ShortName == "ROK4"
    assert watch.opened() == [path]
    name = 'ROK4:"%s":5' % path
    assert gdal.IdentifyDriverEx(name).ShortName == "ROK4"
    assert watch.opened() in ([], [path])
    watch.close()


def test_identify_of_prefix_only():
    for name in ("ROK4:/no/such/file.json", 'ROK4:"/no/such":3'):
        assert gdal.IdentifyDriverEx(name).ShortName == "ROK4"
    driver = gdal.IdentifyDriverEx("ROK4X:/no/such/file.json")
    assert driver is None or driver.ShortName != "ROK4"


def test_update_by_name(moved):
    """Of a level other than the finest, it is refused."""
    path = moved(NAME)
    levels = gdal.Open(path).GetMetadataItem("LEVELS").split()
    for name in (path, "ROK4:" + path, "ROK4:%s:%s" % (path, levels[0])):
        with Errors() as errors:
            assert gdal.OpenEx(name, gdal.OF_RASTER | gdal.OF_UPDATE)
        assert not errors.texts()
    with Errors() as errors:
        assert gdal.OpenEx("ROK4:%s:%s" % (path, levels[1]),
                           gdal.OF_RASTER | gdal.OF_UPDATE) is None
    assert levels[0] in errors.failures[0]


def test_vector_open_of_raster(moved):
    with Errors():
        assert gdal.OpenEx(fixture(NAME), gdal.OF_VECTOR) is None


def test_zip_and_memory(moved, tmp_path):
    path = moved(NAME)
    archive = str(tmp_path / "pyramid with space.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for place, _, files in os.walk(os.path.dirname(path)):
            for file in files:
                full = os.path.join(place, file)
                out.write(full, os.path.relpath(full, os.path.dirname(path)))
                with open(full, "rb") as data:
                    gdal.FileFromMemBuffer("/vsimem/t/" + os.path.relpath(
                        full, os.path.dirname(path)), data.read())
    inside = "/vsizip/%s/%s.json" % (archive, NAME)
    memory = "/vsimem/t/%s.json" % NAME
    try:
        for name in (inside, 'ROK4:"%s":5' % inside, "ROK4:" + inside,
                     memory, 'ROK4:"%s":5' % memory,
                     "ROK4:%s:5" % memory):
            same(name)
        with Errors():
            gdal.Unlink("/vsimem/t/%s/DATA/5/00/00/WM.tif" % NAME)
        dataset = open_dataset(memory)
        assert (dataset.ReadAsArray(0, 0, 64, 64) == 255).all()
    finally:
        gdal.RmdirRecursive("/vsimem/t")


def test_random_bytes_are_not_ours(tmp_path):
    rng = random.Random(3)
    for i in range(50):
        path = tmp_path / ("r%d" % i)
        path.write_bytes(b"{" + rng.randbytes(1500))
        assert gdal.IdentifyDriverEx(str(path),
                                     allowed_drivers=["ROK4"]) is None
