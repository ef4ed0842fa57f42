# SPDX-License-Identifier: MIT
"""The file system /vsirados/: what each call does, and how often it asks."""

import random
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest
from osgeo import gdal

import rok4_doc
import vsi
from rok4_util import Errors, config, libgdal
from vsirados import BYTES, MIB, counters, read_ranges

PAGE = "doc/user/vsirados.rst"
HEAD = 16384


@pytest.mark.parametrize("nbytes", [
    0, 1, HEAD - 1, HEAD, HEAD + 1, 3 * HEAD, 4 * MIB + HEAD,
    4 * MIB + HEAD + 1, 10 * MIB])
def test_reads_and_writes_any_size(rados, nbytes):
    path = rados.path("N/a")
    assert vsi.write(path, BYTES[:nbytes])
    assert rados.get("N/a") == BYTES[:nbytes]
    assert vsi.size(path) == nbytes
    assert vsi.read(path) == BYTES[:nbytes]


@pytest.mark.parametrize("name", [
    "a", "a/b/c.tif", "é ü/日本", "a b?c#d&e=f%20", "a//b", "/a", ".hidden",
    "a" * 200])
def test_any_name(rados, name):
    path = rados.path(name)
    assert vsi.write(path, b"bytes")
    assert rados.list() == [name]
    assert vsi.read(path) == b"bytes"
    assert gdal.Unlink(path) == 0
    assert rados.list() == []


def test_reads_at_any_place(rados):
    rados.put("a", BYTES[:100000])
    file = gdal.VSIFOpenL(rados.path("a"), "rb")
    draw = random.Random(7)
    for _ in range(300):
        offset, nbytes = draw.randrange(100100), draw.choice(
            [1, 10, 1000, 20000])
        gdal.VSIFSeekL(file, offset, 0)
        found = bytes(gdal.VSIFReadL(1, nbytes, file) or b"")
        assert found == BYTES[:100000][offset:offset + nbytes]
        assert gdal.VSIFEofL(file) == (offset + nbytes > 100000)
        assert gdal.VSIFTellL(file) == offset + len(found)
    gdal.VSIFCloseL(file)


def test_items_are_counted_whole(rados):
    rados.put("a", b"0123456789")
    file = gdal.VSIFOpenL(rados.path("a"), "rb")
    assert bytes(gdal.VSIFReadL(4, 3, file)) == b"01234567"
    gdal.VSIFCloseL(file)


def test_one_request_opens(rados):
    """It brings the first bytes as well."""
    rados.put("a", BYTES[:HEAD])
    rados.put("b", BYTES[:2 * HEAD])
    with rados.watched() as asked:
        assert vsi.read(rados.path("a")) == BYTES[:HEAD]
        assert [one.range for one in asked()] == [(0, HEAD)]
        # What is missing, rounded up to what a request is worth.
        assert vsi.read(rados.path("b"), 0, HEAD + 10) == BYTES[:HEAD + 10]
        assert [one.range for one in asked()[1:]] == [(0, HEAD), (HEAD, HEAD)]
        assert vsi.read(rados.path("absent")) is None
        assert len(asked()) == 4


def test_first_bytes_at_the_caller_s_wish(rados):
    rados.put("a", BYTES[:MIB])
    with config(GDAL_INGESTED_BYTES_AT_OPEN="100000"), \
            rados.watched() as asked:
        assert vsi.read(rados.path("a"), 0, 100000) == BYTES[:100000]
        assert [one.range for one in asked()] == [(0, 100000)]


def test_small_reads_are_gathered(rados):
    rados.put("a", BYTES[:MIB])
    file = gdal.VSIFOpenL(rados.path("a"), "rb")
    with rados.watched() as asked:
        gdal.VSIFSeekL(file, 500000, 0)
        found = b"".join(bytes(gdal.VSIFReadL(1, 64, file))
                         for _ in range(256))
        assert found == BYTES[500000:500000 + HEAD]
        assert [one.range for one in asked()] == [(500000, HEAD)]
    gdal.VSIFCloseL(file)


def test_ranges_in_one_call(rados):
    rados.put("a", BYTES)
    draw = random.Random(3)
    ranges = [(0, 100), (HEAD - 50, 100), (9 * MIB, 0), (10 * MIB - 1, 1)]
    ranges += [(draw.randrange(9 * MIB), draw.randrange(20000))
               for _ in range(60)]
    ranges += [(100, 9 * MIB)]
    with rados.watched() as asked:
        found = read_ranges(rados.path("a"), ranges)
        for (offset, size), bytes_found in zip(ranges, found):
            assert bytes_found == BYTES[offset:offset + size]
        # One opens; two are in what that brought, in part; the last one is
        # read in pieces of 4 MiB.
        expected = 1 + sum(size > 0 and offset + size > HEAD
                           for offset, size in ranges) + 2
        assert len(asked()) == expected


def test_ranges_beyond_the_end(rados):
    rados.put("a", BYTES[:1000])
    with Errors() as errors:
        assert read_ranges(rados.path("a"), [(0, 10), (995, 10)]) is None
    assert errors.failures == [
        rados.path("a") + ": bytes 995 to 1005 are beyond its end"]


def test_objects_are_looked_at(rados, ceph):
    rados.put("N/a", BYTES[:1234])
    with rados.watched() as asked:
        found = gdal.VSIStatL(rados.path("N/a"))
        assert [one.method for one in asked()] == ["HEAD"]
    assert found.size == 1234 and not found.IsDirectory()
    nbytes, when = rados.ioctx.stat("N/a")
    assert nbytes == 1234
    assert found.mtime == time.mktime(when)
    with Errors() as errors:
        assert gdal.VSIStatL(rados.path("absent")) is None
        assert gdal.VSIStatL(rados.path("N")) is None
        assert gdal.VSIStatL("/vsirados/no-such-pool") is None
        assert gdal.VSIStatL(rados.path("a" * 5000)) is None
    assert errors.texts() == []


def test_what_an_opening_has_told_is_known(rados):
    """For whoever asks for that alone, VSI_STAT_CACHE_ONLY."""
    rados.put("a", BYTES[:1234])
    flags = gdal.VSI_STAT_EXISTS_FLAG | 0x10
    assert gdal.VSIStatL(rados.path("a"), flags) is None
    file = gdal.VSIFOpenL(rados.path("a"), "rb")
    with rados.watched() as asked:
        found = gdal.VSIStatL(rados.path("a"), flags)
        assert asked() == []
    gdal.VSIFCloseL(file)
    assert found.size == 1234
    assert found.mtime == gdal.VSIStatL(rados.path("a")).mtime


def test_a_pool_that_does_not_exist_is_an_error(rados):
    """Not so an object: that may be the hole in a pyramid."""
    path = "/vsirados/no-such-pool/a"
    for call in (lambda: vsi.size(path), lambda: vsi.read(path),
                 lambda: vsi.write(path, b"x") or None):
        with Errors() as errors:
            assert call() is None
        assert errors.failures == [
            path + ": pool no-such-pool: does not exist"]


def test_a_pool_that_is_new_is_found(rados, ceph):
    """Though this client's map of the cluster is older."""
    assert vsi.size(rados.path("a")) is None
    ceph.make_pool("new-pool")
    try:
        assert vsi.write("/vsirados/new-pool/a", b"x")
        assert vsi.read("/vsirados/new-pool/a") == b"x"
    finally:
        ceph.remove_pool("new-pool")


def test_an_object_appears_when_it_is_whole(rados):
    rados.put("a", b"old")
    file = gdal.VSIFOpenL(rados.path("a"), "wb")
    with rados.watched() as asked:
        for i in range(0, MIB, 1024):
            assert gdal.VSIFWriteL(BYTES[i:i + 1024], 1, 1024, file) == 1024
        assert asked() == []
        assert rados.get("a") == b"old"
        count = len(asked())
        assert gdal.VSIFCloseL(file) == 0
        assert [one.method for one in asked()[count:]] == ["PUT"]
    assert rados.get("a") == BYTES[:MIB]


def test_whoever_leaves_the_sequence_gives_up(rados):
    """As the rest of the plugin does to drop an object."""
    rados.put("a", b"old")
    for name in ("a", "b"):
        file = gdal.VSIFOpenL(rados.path(name), "wb")
        assert gdal.VSIFWriteL(b"new", 1, 3, file) == 3
        assert gdal.VSIFSeekL(file, 3, 0) == 0
        assert gdal.VSIFSeekL(file, 0, 2) == 0
        with Errors() as errors:
            assert gdal.VSIFSeekL(file, 4, 0) == -1
        assert "written in sequence" in errors.failures[0]
        assert gdal.VSIFWriteL(b"new", 1, 3, file) == 0
        assert gdal.VSIFCloseL(file) == -1
    assert rados.get_all() == {"a": b"old"}


def test_written_at_any_place(rados):
    """Mode w+: what GDAL's drivers need that go back."""
    file = gdal.VSIFOpenL(rados.path("a"), "wb+")
    gdal.VSIFWriteL(b"0123456789", 1, 10, file)
    gdal.VSIFSeekL(file, 2, 0)
    gdal.VSIFWriteL(b"ab", 1, 2, file)
    gdal.VSIFSeekL(file, 1, 0)
    assert bytes(gdal.VSIFReadL(1, 4, file)) == b"1abc"[:3] + b"4"
    gdal.VSIFSeekL(file, 12, 0)
    gdal.VSIFWriteL(b"z", 1, 1, file)
    assert gdal.VSIFTruncateL(file, 14) == 0
    assert rados.get("a") is None
    assert gdal.VSIFCloseL(file) == 0
    assert rados.get("a") == b"01ab456789\0\0z\0"


def test_geotiff(rados):
    source = gdal.GetDriverByName("MEM").Create("", 700, 500, 3)
    source.GetRasterBand(2).Fill(77)
    path = rados.path("N/image.tif")
    assert gdal.GetDriverByName("GTiff").CreateCopy(
        path, source, options=["TILED=YES", "COMPRESS=DEFLATE"]) is not None
    with rados.watched() as asked:
        dataset = gdal.Open(path)
        assert dataset.GetRasterBand(2).ReadAsArray().min() == 77
        # It is looked at and opened; nobody lists the pool.
        assert {one.method for one in asked()} <= {"HEAD", "GET"}
        assert {one.name for one in asked()} == {"N/image.tif"}
    dataset = None
    rados.put("N/image.tfw", b"1\n0\n0\n-1\n100.5\n199.5\n")
    with config(GDAL_DISABLE_READDIR_ON_OPEN="FALSE"):
        assert gdal.Open(path).GetGeoTransform()[0] == 100
    assert gdal.Open(path).GetGeoTransform()[0] == 0


def test_too_large_an_object_is_refused(rados):
    """Larger ones cannot be written at once, nor then be whole or absent."""
    file = gdal.VSIFOpenL(rados.path("a"), "wb")
    piece = bytes(10 * MIB)
    for _ in range(9):
        assert gdal.VSIFWriteL(piece, 1, len(piece), file) == len(piece)
    with Errors() as errors:
        assert gdal.VSIFWriteL(b"x", 1, 1, file) == 0
    assert errors.failures == [
        rados.path("a") + ": has 94371841 bytes or more, the most that the "
        "cluster takes at once is 94371840"]
    assert gdal.VSIFCloseL(file) == -1
    assert rados.list() == []


def test_as_large_an_object_as_may_be(rados):
    data = BYTES * 9
    assert len(data) == 90 * MIB
    assert vsi.write(rados.path("a"), data)
    assert vsi.read(rados.path("a")) == data


def test_a_writer_that_is_killed_leaves_nothing(rados):
    code = ("import os, signal; from osgeo import gdal; "
            "f = gdal.VSIFOpenL('%s', 'wb'); "
            "gdal.VSIFWriteL(bytes(5000000), 1, 5000000, f); "
            "os.kill(os.getpid(), signal.%s)")
    for number in ("SIGKILL", "SIGTERM"):
        done = subprocess.run(
            [sys.executable, "-c", code % (rados.path("a"), number)],
            env=rados.environment(), timeout=60, check=False)
        assert done.returncode < 0
    assert rados.list() == []


@pytest.mark.parametrize("mode", ["r+", "rb+", "a", "ab"])
def test_other_modes_are_refused(rados, mode):
    rados.put("a", b"old")
    with Errors() as errors:
        assert gdal.VSIFOpenL(rados.path("a"), mode) is None
    assert "modes r, w and w+" in errors.failures[0]
    assert rados.get("a") == b"old"


@pytest.mark.parametrize("nbytes", [0, 100, 5 * MIB])
def test_renaming(rados, nbytes):
    rados.put("a", BYTES[:nbytes])
    rados.put("N/b", b"old")
    assert gdal.Rename(rados.path("a"), rados.path("N/b")) == 0
    assert rados.get_all() == {"N/b": BYTES[:nbytes]}
    assert gdal.Rename(rados.path("N/b"), rados.path("N/b")) == 0
    with Errors() as errors:
        assert gdal.Rename(rados.path("absent"), rados.path("c")) == -1
    assert errors.failures == [rados.path("absent") + ": does not exist"]
    assert rados.get_all() == {"N/b": BYTES[:nbytes]}


def test_renaming_to_another_pool(make_storage):
    one, two = make_storage("RADOS"), make_storage("RADOS")
    with one.settled():
        one.put("a", BYTES[:100000])
        assert gdal.Rename(one.path("a"), two.path("b")) == 0
    assert one.list() == [] and two.get("b") == BYTES[:100000]


if hasattr(gdal, "CopyFile"):  # from GDAL 3.7
    def test_copying(rados):
        rados.put("a", BYTES)
        with rados.watched() as asked:
            assert gdal.CopyFile(rados.path("a"), rados.path("N/b")) == 0
            methods = [one.method for one in asked()]
            assert methods.count("PUT") == 1 and methods.count("GET") <= 4
        assert rados.get("N/b") == BYTES
        assert gdal.CopyFile(rados.path("a"), "/vsimem/a") == 0
        assert gdal.CopyFile("/vsimem/a", rados.path("c")) == 0
        gdal.Unlink("/vsimem/a")
        assert rados.get("c") == BYTES


def test_synchronising(rados):
    """GDAL's VSISync(), which reads and writes through the handler."""
    rados.put("N/sub/a", BYTES[:MIB])
    assert gdal.ReadDir(rados.root) == ["N"]
    assert gdal.Mkdir("/vsimem/vsirados", 0o755) == 0
    assert gdal.Sync(rados.path("N/"), "/vsimem/vsirados")
    assert vsi.read("/vsimem/vsirados/sub/a") == BYTES[:MIB]
    assert gdal.Sync("/vsimem/vsirados/", rados.path("O/"))
    assert rados.get("O/sub/a") == BYTES[:MIB]
    gdal.RmdirRecursive("/vsimem/vsirados")


def test_headers(rados):
    """The version changes with each writing, also behind a removal."""
    path = rados.path("a")
    tags = []
    for data in (b"one", b"two", None, b"three"):
        if data is None:
            rados.delete("a")
            assert gdal.GetFileMetadata(path, "HEADERS") in (None, {})
            continue
        rados.put("a", data)
        found = gdal.GetFileMetadata(path, "HEADERS")
        assert found["Content-Length"] == str(len(data))
        tags.append(found["ETag"])
    assert len(set(tags)) == 3
    assert gdal.GetFileMetadata(path, "HEADERS")["ETag"] == tags[-1]


def test_counters(rados):
    rados.put("a", BYTES[:2 * HEAD])
    assert vsi.size(rados.path("a"))
    before = counters()
    vsi.read(rados.path("a"))
    vsi.write(rados.path("b"), b"12345")
    gdal.Unlink(rados.path("b"))
    gdal.ReadDir(rados.root)
    after = counters()
    assert {key: after[key] - before[key] for key in after} == {
        "READS": 2, "WRITES": 1, "REMOVALS": 1, "LISTINGS": 1,
        "BYTES_READ": 2 * HEAD, "BYTES_WRITTEN": 5, "CONNECTIONS": 0}


def test_requests_are_told(rados):
    """With CPL_DEBUG."""
    rados.put("a", BYTES[:2 * HEAD])
    with config(CPL_DEBUG="VSIRADOS"), Errors() as told:
        vsi.read(rados.path("a"))
    texts = [text for _, _, text in told]
    assert ["VSIRADOS: open %s/a: 0" % rados.tray,
            "VSIRADOS: read %s/a: bytes 16384-32767" % rados.tray] == texts


def test_what_the_file_system_can(rados):
    library = libgdal()
    path = rados.path("a").encode()
    assert library.VSIHasOptimizedReadMultiRange(path)
    assert not library.VSIIsLocal(path)
    assert library.VSISupportsSequentialWrite(path, 0)
    assert not library.VSISupportsRandomWrite(path, 0)
    assert library.VSISupportsRandomWrite(path, 1)
    assert gdal.GetFileSystemOptions("/vsirados/").count("<Option ") == 4
    assert gdal.GetActualURL(rados.path("a")) is None


def test_the_page_lists_the_options(rados):
    listed = rok4_doc.directives("config", rok4_doc.read(PAGE))
    offered = {option.get("name"): option.get("default")
               for option in ElementTree.fromstring(
                   gdal.GetFileSystemOptions("/vsirados/"))}
    assert list(offered) == list(listed)[:len(offered)]
    for name, default in offered.items():
        assert listed[name]["default"] == default
    assert list(listed)[len(offered):] == ["GDAL_DISABLE_READDIR_ON_OPEN",
                                           "GDAL_INGESTED_BYTES_AT_OPEN"]
