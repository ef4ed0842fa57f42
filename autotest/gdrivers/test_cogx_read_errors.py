# SPDX-License-Identifier: MIT
"""COGX: what cannot be read is an error, and never zeros."""

import os
import shutil
import struct

import numpy as np
import pytest
from osgeo import gdal

from cogx_util import make_cog, open_cogx, picture, refused_cogx
from rok4_util import Errors, Server

SIZE = 1024


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Files of the same shape: two with other pixels, one with many tiles."""
    place = tmp_path_factory.mktemp("made")
    for i in range(2):
        make_cog(place / ("v%d.tif" % i), picture(SIZE, SIZE, seed=i),
                 "COMPRESS=DEFLATE", "BLOCKSIZE=128")
        make_cog(place / ("raw%d.tif" % i), picture(SIZE, SIZE, seed=i),
                 "COMPRESS=NONE", "BLOCKSIZE=128")
    make_cog(place / "many.tif", picture(8192, 4096, 1), "BLOCKSIZE=128",
             "COMPRESS=DEFLATE", "LEVEL=1")
    return place


@pytest.fixture
def server(tmp_path, made):
    for name in os.listdir(str(made)):
        os.link(str(made / name), str(tmp_path / name))
    server = Server(tmp_path)
    gdal.VSICurlClearCache()
    yield server
    server.close()


def read(dataset, *window):
    """Pixels, or None with the messages of the failure."""
    with Errors() as errors:
        pixels = dataset.ReadAsArray(*window)
    assert (pixels is None) == bool(errors.failures), errors.texts()
    return pixels, errors.failures


def test_what_is_not_there(server, tmp_path):
    path = str(tmp_path / "no.tif")
    assert refused_cogx(path) == "COGX: %s: does not exist" % path
    assert refused_cogx(tmp_path) == \
        "COGX: %s: is not a regular file" % tmp_path
    url = server.url("no.tif")
    assert refused_cogx(url).startswith(
        "COGX: %s: cannot be read: HTTP response code: 404" % url)
    assert len(server.requests) <= 2
    # Absence is not remembered.
    shutil.copy(str(tmp_path / "v0.tif"), path)
    assert open_cogx(url).RasterXSize == SIZE
    assert "COGX:" in refused_cogx("")


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_refusing_server(server, status):
    url = server.url("v0.tif")
    server.http.statuses["/v0.tif"] = status
    assert refused_cogx(url).startswith(
        "COGX: %s: cannot be read: HTTP response code: %d" % (url, status))
    del server.http.statuses["/v0.tif"]
    assert open_cogx(url).RasterXSize == SIZE


def test_secrets_are_not_told(server):
    server.http.statuses["/v0.tif?token=secret"] = 403
    host = server.url("")[len("/vsicurl/http://"):-1]
    for name in (server.url("v0.tif?token=secret"),
                 "/vsicurl/http://me:secret@%s/no.tif" % host):
        assert "secret" not in refused_cogx(name)
    dataset = open_cogx(server.url("v1.tif?token=secret"))
    server.http.statuses["/v1.tif?token=secret"] = 403
    _, failures = read(dataset)
    assert failures and not [text for text in failures if "secret" in text]


@pytest.mark.parametrize("status", [403, 404, 500])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_server_that_fails_later(server, tmp_path, status, threads):
    dataset = open_cogx(server.url("v0.tif"), "NUM_THREADS=" + threads)
    server.http.statuses["/v0.tif"] = status
    for window in ((0, 0, SIZE, SIZE), (500, 500, 10, 10)):
        pixels, failures = read(dataset, *window)
        assert pixels is None
        assert len(failures) == 1
        assert failures[0].startswith(
            "COGX: %s: reading " % server.url("v0.tif"))
        assert failures[0].endswith(
            " failed: HTTP response code: %d" % status)
    with Errors():
        assert dataset.GetRasterBand(1).ReadBlock(5, 5) is None
    # It recovers with the server.
    server.http.statuses.clear()
    np.testing.assert_array_equal(
        read(dataset)[0], gdal.Open(str(tmp_path / "v0.tif")).ReadAsArray())


def test_failure_in_the_tables(server, tmp_path):
    """Tiles whose places are not known are no empty tiles."""
    for threads in ("1", "2"):
        dataset = open_cogx(server.url("many.tif"), "FIRST_READ_SIZE=1024",
                            "NUM_THREADS=" + threads)
        server.http.statuses["/many.tif"] = 500
        pixels, failures = read(dataset, 7000, 3500, 500, 500)
        assert pixels is None and len(failures) == 1
        with Errors() as errors:
            assert dataset.GetRasterBand(1).ReadBlock(60, 30) is None
        assert errors.failures
        server.http.statuses.clear()
        np.testing.assert_array_equal(
            read(dataset, 7000, 3500, 500, 500)[0],
            gdal.Open(str(tmp_path / "many.tif")).ReadAsArray(
                7000, 3500, 500, 500))


def test_advised_tiles_that_fail(server):
    """Advising never fails; reading does."""
    dataset = open_cogx(server.url("v0.tif"))
    for i in range(8):
        dataset.AdviseRead(i * 128, i * 128, 128, 128)
    server.http.statuses["/v0.tif"] = 500
    assert read(dataset, 0, 0, 128, 128)[0] is None
    server.http.statuses.clear()
    for i in range(8):
        assert read(dataset, i * 128, i * 128, 128, 128)[0] is not None


def test_server_without_ranges(server, tmp_path):
    server.http.ranges = False
    with Errors() as errors:
        dataset = gdal.OpenEx("COGX:" + server.url("v0.tif"))
        pixels = dataset.ReadAsArray() if dataset is not None else None
    assert pixels is None
    assert len(errors.failures) == 1
    # What fits into the first answer can be read.
    make_cog(tmp_path / "tiny.tif", picture(60, 50))
    with Errors() as errors:
        dataset = gdal.OpenEx("COGX:" + server.url("tiny.tif"))
        pixels = dataset.ReadAsArray() if dataset is not None else None
    if pixels is None:
        assert errors.failures
    else:
        np.testing.assert_array_equal(
            pixels, gdal.Open(str(tmp_path / "tiny.tif")).ReadAsArray())


@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_truncated_file(server, tmp_path, remote, threads):
    path = str(tmp_path / "cut.tif")
    shutil.copy(str(tmp_path / "v0.tif"), path)
    os.truncate(path, os.path.getsize(path) * 2 // 3)
    expected = gdal.Open(str(tmp_path / "v0.tif"))
    dataset = open_cogx(server.url("cut.tif") if remote else path,
                        "NUM_THREADS=" + threads)
    pixels, failures = read(dataset)
    assert pixels is None and failures
    assert read(dataset, 900, 900, 100, 100)[0] is None
    # Overviews stand before, and so does the upper part.
    np.testing.assert_array_equal(
        dataset.GetRasterBand(1).GetOverview(0).ReadAsArray(),
        expected.GetRasterBand(1).GetOverview(0).ReadAsArray())
    np.testing.assert_array_equal(
        read(dataset, 0, 0, SIZE, 128)[0],
        expected.ReadAsArray(0, 0, SIZE, 128))


def test_cut_header(tmp_path, made):
    with open(str(made / "v0.tif"), "rb") as file:
        data = file.read()
    for nbytes in (0, 1, 3, 4, 7, 8, 100, 200, 400, 600, 1000, 1500, 3000):
        path = str(tmp_path / "cut.tif")
        with open(path, "wb") as file:
            file.write(data[:nbytes])
        with Errors() as errors:
            dataset = gdal.OpenEx("COGX:" + path)
            pixels = dataset.ReadAsArray() if dataset is not None else None
        assert pixels is None
        assert errors.failures


@pytest.mark.parametrize("kind", ["v", "raw"])
@pytest.mark.parametrize("how", ["replaced", "in place"])
@pytest.mark.parametrize("remote", [False, True])
def test_file_that_changes(server, tmp_path, kind, how, remote):
    """Pixels of the file that was opened, or an error."""
    path = str(tmp_path / "changing.tif")
    shutil.copy(str(tmp_path / (kind + "0.tif")), path)
    expected = gdal.Open(str(tmp_path / (kind + "0.tif"))).ReadAsArray()
    name = server.url("changing.tif") if remote else path
    dataset = open_cogx(name)
    first = read(dataset, 0, 0, 128, 128)[0]
    np.testing.assert_array_equal(first, expected[:, :128, :128])
    if how == "replaced":
        shutil.copy(str(tmp_path / (kind + "1.tif")), path + ".new")
        os.replace(path + ".new", path)
    else:
        with open(str(tmp_path / (kind + "1.tif")), "rb") as file:
            data = file.read()
        with open(path, "r+b") as file:
            file.write(data)
            file.truncate()
        os.utime(path, (1, 1))
    if remote and kind == "raw":
        # Tiles of the same size in the same places: nothing tells that they
        # are others. Opening again does.
        assert read(dataset)[0] is not None
    else:
        pixels, failures = read(dataset)
        if pixels is not None:
            np.testing.assert_array_equal(pixels, expected)
        else:
            assert failures == [
                "COGX: %s: has changed since it was opened" % name]
        assert (pixels is None) == (remote or how == "in place")
    # Nothing of the former file is left.
    np.testing.assert_array_equal(
        read(open_cogx(name))[0],
        gdal.Open(str(tmp_path / (kind + "1.tif"))).ReadAsArray())


@pytest.mark.parametrize("option, expected", [
    ("FIRST_READ_SIZE=1000", "a number from 1024 to 16777216"),
    ("FIRST_READ_SIZE=many", "a number from 1024 to 16777216"),
    ("MERGE_GAP=-1", "a number from 0 to 16777216"),
    ("REQUESTS_IN_FLIGHT=0", "a number from 1 to 256"),
    ("CACHE_SIZE=5", "a number from 1048576 to 2147483647"),
    ("NUM_THREADS=no", "a number from 1 or ALL_CPUS")])
def test_wrong_options(made, option, expected):
    with Errors() as errors:
        assert gdal.OpenEx("COGX:" + str(made / "v0.tif"),
                           open_options=[option]) is None
    assert errors.failures == ["COGX: %s, expected %s" % (option, expected)]


def test_opening_for_update(made):
    with Errors() as errors:
        assert gdal.OpenEx("COGX:" + str(made / "v0.tif"),
                           gdal.OF_UPDATE) is None
    assert errors.failures == ["COGX: files are opened for reading only"]


def test_other_formats(tmp_path):
    path = str(tmp_path / "a.png")
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + bytes(5000))
    assert path in refused_cogx(path)


def test_broken_files(server, tmp_path):
    """Flipped bytes in directories and tables: what GTiff makes of the file,
    or an error."""
    with open(str(tmp_path / "v0.tif"), "rb") as file:
        data = bytearray(file.read())
    rng = np.random.default_rng(3)
    path = str(tmp_path / "broken.tif")
    for turn in range(150):
        broken = bytearray(data)
        for at in rng.integers(0, 3000, rng.integers(1, 4)):
            broken[at] = rng.choice([0, 1, 255, rng.integers(0, 256)])
        if turn % 3 == 0:  # a table's number
            at = int(rng.integers(300, 2500))
            broken[at:at + 4] = struct.pack("<I", int(rng.choice(
                [0, 1, 0xffffffff, 0x7fffffff, len(data)])))
        with open(path, "wb") as file:
            file.write(broken)
        # Not Errors(): messages may hold bytes of the file that are no text.
        gdal.PushErrorHandler("CPLQuietErrorHandler")
        try:
            expected = gdal.OpenEx(path, allowed_drivers=["GTiff"],
                                   sibling_files=[])
            found = gdal.OpenEx("COGX:" + server.url("broken.tif"))
            assert (found is None) == (expected is None)
            if found is None or found.RasterCount > 10 or \
                    found.RasterXSize * found.RasterYSize > 1 << 22:
                continue
            one, other = found.ReadAsArray(), expected.ReadAsArray()
            found.GetRasterBand(1).ReadAsArray(buf_xsize=20, buf_ysize=20)
            for domain in ("IFDS", "COG", "TMS"):
                found.GetMetadata_List(domain)
            assert one is None or np.array_equal(one, other, equal_nan=True)
        finally:
            gdal.PopErrorHandler()
