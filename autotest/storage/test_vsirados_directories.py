# SPDX-License-Identifier: MIT
"""The file system /vsirados/: what is listed, and removed by the thousand."""

from osgeo import gdal

from rok4_util import Errors, in_threads
from vsirados import counters


def test_pools_are_directories(rados):
    for path in ("/vsirados/", "/vsirados", rados.root, rados.root[:-1]):
        found = gdal.VSIStatL(path)
        assert found is not None and found.IsDirectory(), path
    assert rados.tray in gdal.ReadDir("/vsirados/")


NAMES = ["a", "b.json", "N/1", "N/2", "N/sub/3", "N/sub/deep/4", "O/5"]


def test_directories(rados):
    rados.put_all(dict.fromkeys(NAMES, b"x"))
    assert gdal.ReadDir(rados.root) == ["a", "b.json", "N", "O"]
    assert gdal.ReadDir(rados.path("N")) == ["1", "2", "sub"]
    assert gdal.ReadDir(rados.path("N/sub/")) == ["3", "deep"]
    assert gdal.ReadDir(rados.path("absent")) is None
    assert len(gdal.ReadDir(rados.root, 2)) == 3  # one more says: cut
    assert gdal.VSIStatL(rados.path("N/")).IsDirectory()
    assert gdal.VSIStatL(rados.path("absent/")) is None


def test_directories_that_were_listed_are_known(rados):
    """Others are not: to look for one would take a listing of the pool."""
    rados.put_all(dict.fromkeys(NAMES, b"x"))
    with rados.watched() as asked:
        assert gdal.VSIStatL(rados.path("N/sub")) is None
        assert {one.method for one in asked()} == {"HEAD"}
    assert sorted(gdal.ReadDirRecursive(rados.root[:-1])) == sorted(NAMES)
    assert gdal.ReadDir(rados.path("N"))
    assert gdal.VSIStatL(rados.path("N/sub")).IsDirectory()
    assert gdal.RmdirRecursive(rados.path("N")) == 0
    assert gdal.VSIStatL(rados.path("N/sub")) is None


def entries(path, depth=-1, options=()):
    directory = gdal.OpenDir(path, depth, list(options))
    if directory is None:
        return None
    found = {}
    while True:
        entry = gdal.GetNextDirEntry(directory)
        if entry is None:
            break
        assert entry.name not in found
        assert entry.modeKnown and not entry.sizeKnown
        found[entry.name] = entry.IsDirectory()
    gdal.CloseDir(directory)
    return found


def test_entries_as_they_come(rados):
    rados.put_all(dict.fromkeys(NAMES, b"x"))
    assert entries(rados.root) == dict.fromkeys(NAMES, False)
    assert entries(rados.path("N")) == dict.fromkeys(
        ["1", "2", "sub/3", "sub/deep/4"], False)
    assert entries(rados.root, 0) == {"a": False, "b.json": False, "N": True,
                                      "O": True}
    assert entries(rados.path("N"), 1) == {"1": False, "2": False,
                                           "sub/3": False, "sub/deep": True}
    assert entries(rados.root, -1, ["PREFIX=N/s"]) == {
        "N/sub/3": False, "N/sub/deep/4": False}
    assert entries(rados.path("absent")) is None
    assert entries("/vsirados/no-such-pool") is None


def test_many_names(rados):
    """They are not kept: no more memory is used, and the first of them come
    before the last are asked for."""
    count = 20000
    in_threads(lambda i: rados.put_all(
        dict.fromkeys(("DATA_%05d" % j for j in range(i, count, 16)), b"")),
        16)
    with rados.watched() as asked:
        directory = gdal.OpenDir(rados.root, -1, [])
        assert gdal.GetNextDirEntry(directory).name
        begun = len(asked())
        found = 1
        while gdal.GetNextDirEntry(directory) is not None:
            found += 1
        gdal.CloseDir(directory)
        assert found == count
        assert {one.method for one in asked()} == {"LIST"}
        assert len(asked()) >= 3 * begun
    assert gdal.RmdirRecursive(rados.path("DATA")) == -1
    names = [rados.path("DATA_%05d" % i) for i in range(count)]
    assert gdal.UnlinkBatch(names)
    assert rados.list() == []


def test_objects_are_removed(rados):
    rados.put_all(dict.fromkeys(NAMES, b"x"))
    with Errors() as errors:
        assert gdal.Unlink(rados.path("a")) == 0
        assert gdal.Unlink(rados.path("a")) == -1
        assert gdal.Unlink(rados.path("N")) == -1
    assert errors.texts() == []
    assert rados.list() == sorted(NAMES[1:])


def test_a_batch_is_removed(rados):
    """What somebody else has removed is gone as well."""
    names = ["DATA_%d" % i for i in range(1000)]
    rados.put_all(dict.fromkeys(names + ["stays"], b"x"))
    rados.delete("DATA_500")
    before = counters()
    assert gdal.UnlinkBatch([rados.path(name) for name in names])
    assert counters()["REMOVALS"] == before["REMOVALS"] + 1000
    assert rados.list() == ["stays"]


def test_a_batch_of_two_pools(make_storage):
    one, two = make_storage("RADOS"), make_storage("RADOS")
    with one.settled():
        for storage in (one, two):
            storage.put_all({"a": b"", "b": b"", "c": b""})
        assert gdal.UnlinkBatch([one.path("a"), one.path("b"), two.path("a"),
                                 one.path("c")])
    assert one.list() == [] and two.list() == ["b", "c"]


def test_a_directory_is_removed(rados):
    rados.put_all(dict.fromkeys(
        NAMES + ["N/%d" % i for i in range(2500)], b"x"))
    assert gdal.Mkdir(rados.path("new"), 0o755) == 0
    assert gdal.Rmdir(rados.path("new")) == 0
    assert gdal.MkdirRecursive(rados.path("new/er"), 0o755) == 0
    assert gdal.RmdirRecursive(rados.path("N")) == 0
    assert rados.list() == ["O/5", "a", "b.json"]
    with Errors() as errors:
        assert gdal.RmdirRecursive(rados.root) == -1
        assert gdal.RmdirRecursive(rados.root[:-1]) == -1
    assert "a pool is not emptied" in errors.failures[0]
    assert rados.list() == ["O/5", "a", "b.json"]
