# SPDX-License-Identifier: MIT
"""Pyramids over HTTP on loopback, and inside archives."""

import os
import shutil
import zipfile

import numpy as np
import pytest
from osgeo import gdal

import rok4_decode
import rok4_make
import rok4_tms
from rok4_util import (Errors, Server, config, fixture, open_dataset,
                       pixels_of)


def make(root, directory=None):
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(root), tms)
    return rok4_make.Pyramid(
        root, "N", tms, "TIFF_ZIP_UINT8", 3, levels=[rok4_make.Level(
            "4", (40, 33, 43, 35), (2, 2), directory=directory)])


@pytest.fixture
def server(tmp_path):
    place = tmp_path / "served"
    place.mkdir()
    server = Server(place)
    gdal.VSICurlClearCache()
    yield server
    server.close()


def served(server):
    return os.path.join(server.http.root, "p")


def test_http(server, tmp_path, tms_directory):
    """Pixels, levels and absent slabs over HTTP with ranges."""
    shutil.copytree(fixture("t64_zip_hole")[:-5],
                    os.path.join(served(server), "t64_zip_hole"))
    shutil.copy(fixture("t64_zip_hole"), served(server))
    reference = rok4_decode.Pyramid(fixture("t64_zip_hole"), tms_directory)
    url = server.url("p/t64_zip_hole.json")
    for name in (url, 'ROK4:"%s":5' % url, "ROK4:" + url):
        dataset = open_dataset(name)
        np.testing.assert_array_equal(
            pixels_of(dataset), reference.level_array(reference.levels[0]))
    dataset = open_dataset(url)
    overview = dataset.GetRasterBand(1).GetOverview(1)
    np.testing.assert_array_equal(
        overview.ReadAsArray(),
        reference.overview(reference.levels[0],
                           reference.levels[2])[:, :, 0])


def test_http_opening_reads_the_descriptor_only(server, tmp_path):
    path = make(served(server)).write()
    with config(GDAL_DISABLE_READDIR_ON_OPEN=None):
        dataset = open_dataset(server.url("p/N.json"),
                               "TMS_DIRECTORY=" + served(server))
        paths = {request[1] for request in server.requests}
        assert paths == {"/p/N.json"}
        del server.requests[:]
        dataset.GetGeoTransform()
        dataset.GetSpatialRef()
        dataset.GetRasterBand(1).GetOverviewCount()
        assert server.requests == []
        assert dataset.ReadAsArray(0, 0, 10, 10) is not None
        slabs = {request[1] for request in server.requests}
        assert slabs == {"/p/N/DATA/4/00/00/KG.tif"}
    assert path


def test_http_reads_ranges(server, tmp_path):
    """One tile of a slab of 16x16 large ones: not the whole slab."""
    tms = rok4_tms.quadtree("Q", tile=(256, 256))
    rok4_tms.write(served(server), tms)
    pyramid = rok4_make.Pyramid(
        served(server), "N", tms, "TIFF_RAW_UINT8", 1, levels=[
            rok4_make.Level("2", (0, 0, 15, 15), (16, 16), 2)])
    pyramid.write()
    dataset = open_dataset(server.url("p/N.json"),
                           "TMS_DIRECTORY=" + served(server))
    del server.requests[:]
    found = dataset.ReadAsArray(5 * 256, 7 * 256, 256, 256)
    np.testing.assert_array_equal(
        found, pyramid.image_of(pyramid.levels[0])[
            7 * 256:8 * 256, 5 * 256:6 * 256, 0])
    total = 0
    for method, _, wanted in server.requests:
        if method == "GET":
            assert wanted
            first, last = wanted.split("=")[1].split("-")
            total += int(last) - int(first) + 1
    assert total < 600000


@pytest.mark.parametrize("directory", [
    "{local}", "../../../../../../../..{local}", "file://{local}",
    "/vsimem/secret/N/DATA/4", "/vsicurl/file://{local}",
    "../../../../../vsimem/secret", "..\\..{local}"])
def test_remote_descriptor_never_reaches_local_files(server, tmp_path,
                                                     directory):
    """Over HTTP and inside a zip: an error or nothing, never local pixels."""
    local = make(tmp_path / "local")
    local.write()
    target = str(tmp_path / "local" / "N" / "DATA" / "4")
    evil = make(served(server), directory.format(local=target))
    with Errors():
        path = evil.write_descriptor()
        for name in (server.url("p/N.json"), in_zip(path, tmp_path)):
            dataset = gdal.OpenEx(name, open_options=[
                "TMS_DIRECTORY=" + served(server)])
            if dataset is not None:
                pixels = dataset.ReadAsArray()
                assert pixels is None or (pixels == 255).all()


def in_zip(path, tmp_path):
    archive = str(tmp_path / "evil.zip")
    with zipfile.ZipFile(archive, "w") as out:
        out.write(path, "a/b/N.json")
    return "/vsizip/%s/a/b/N.json" % archive


def test_http_errors_are_errors(server, tmp_path):
    """Other answers than 404 for a slab must not read as nodata."""
    make(served(server)).write()
    dataset = open_dataset(server.url("p/N.json"),
                           "TMS_DIRECTORY=" + served(server))
    slab = os.path.join(served(server), "N/DATA/4/00/00/KG.tif")
    with open(slab, "r+b") as file:
        file.truncate(2060)
    with Errors() as errors:
        assert dataset.ReadAsArray(0, 0, 64, 64) is None
    assert any("KG.tif" in text for text in errors.failures)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_refusals_are_errors(server, status):
    """Only 404 says that a slab is absent."""
    make(served(server)).write()
    server.http.statuses["/p/N/DATA/4/00/00/KG.tif"] = status
    with config(GDAL_HTTP_MAX_RETRY="0"):
        dataset = open_dataset(server.url("p/N.json"),
                               "TMS_DIRECTORY=" + served(server))
        with Errors() as errors:
            assert dataset.ReadAsArray(0, 0, 64, 64) is None
    assert any("KG.tif" in text for text in errors.failures)
    assert dataset.ReadAsArray(128, 128, 64, 64) is not None


def test_ranges_are_merged(server):
    """All 256 tiles of a slab: one index and few requests for the data."""
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(served(server), tms)
    pyramid = rok4_make.Pyramid(
        served(server), "N", tms, "TIFF_RAW_UINT8", 1, levels=[
            rok4_make.Level("2", (0, 0, 15, 15), (16, 16), 2)])
    pyramid.write()
    dataset = open_dataset(server.url("p/N.json"),
                           "TMS_DIRECTORY=" + served(server))
    del server.requests[:]
    np.testing.assert_array_equal(pixels_of(dataset),
                                  pyramid.image_of(pyramid.levels[0]))
    assert len(server.requests) < 12


def test_options_of_the_thread_reach_the_workers(server):
    """Credentials and the like are often set for one thread."""
    make(served(server)).write()
    dataset = open_dataset(server.url("p/N.json"), "NUM_THREADS=4",
                           "TMS_DIRECTORY=" + served(server))
    del server.http.agents[:]
    gdal.SetThreadLocalConfigOption("GDAL_HTTP_USERAGENT", "only here")
    try:
        assert dataset.ReadAsArray() is not None
    finally:
        gdal.SetThreadLocalConfigOption("GDAL_HTTP_USERAGENT", None)
    assert set(server.http.agents) == {"only here"}
