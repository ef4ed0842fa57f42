# SPDX-License-Identifier: MIT
"""How copies between storages find their slabs, and what that takes: the list,
listings, or a question for each slab that there may be."""

import collections

import pytest
from osgeo import gdal

import pyramids
import rok4_write
from rok4_util import Errors, config

# Each slab is sent in one answer.
FEW = ["COMPRESS=NONE"]


@pytest.fixture(scope="module")
def source():
    return rok4_write.source(rok4_write.noise(3, (300, 500)))


def copy(start, target):
    with Errors() as errors:
        assert gdal.Translate("ROK4:" + target, "ROK4:" + start,
                              format="ROK4") is not None
    said = [text for text in errors.texts()
            if not pyramids.SIDECAR.match(text)]
    assert not said, said


def slabs(storage, name):
    return {key.partition("/")[2]: data
            for key, data in storage.get_all().items()
            if key.startswith(name + "/")}


def counted(asked):
    """Of the source: {method: count}, and of its slabs."""
    return (collections.Counter(one.method for one in asked),
            collections.Counter(one.method for one in asked
                                if one.name and one.name.startswith("N/")))


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1"])
def test_requests(make_storage, source, kind):
    """With a list, slabs are not listed; each is read in one request."""
    storage = make_storage(kind)
    target = make_storage("RADOS")
    listings = []
    with storage.settled(), target.settled():
        for options in (FEW, FEW + ["LIST=NO", "OVERWRITE=YES"]):
            rok4_write.create("ROK4:" + storage.path("N.json"), source,
                              *options)
            listed = "LIST=NO" not in options
            expected = slabs(storage, "N")
            name = "L.json" if listed else "M.json"
            with storage.watched() as asked:
                copy(storage.path("N.json"), target.path(name))
                every, ours = counted(asked())
            assert slabs(target, name[0]) == expected
            assert ours["GET"] == len(expected) > 20
            assert ours["HEAD"] == 0
            listings.append(every["LIST"])
    # GDAL lists, too, when it looks for sidecars.
    assert listings[0] < listings[1]


def test_without_listing(make_storage, ceph, source):
    """Who may only get copies what the list tells, else what is asked for."""
    storage = make_storage("S3")
    target = make_storage("S3")
    with storage.settled():
        rok4_write.create("ROK4:" + storage.path("N.json"), source, *FEW)
    expected = slabs(storage, "N")
    ceph.allow(storage.tray, ["s3:GetObject"])
    reader = ceph.s3_options("reader")
    for key, value in reader.items():
        gdal.SetPathSpecificOption(storage.root, key, value)
    with target.settled(), config(ROK4_MISSING_ON_403="YES"):
        copy(storage.path("N.json"), target.path("L.json"))
        assert slabs(target, "L") == expected
        storage.delete("N.list")
        copy(storage.path("N.json"), target.path("M.json"))
        assert slabs(target, "M") == expected


def test_from_a_web_server(make_storage, source, tmp_path):
    """A pyramid in files behind HTTP, which lists nothing."""
    web = make_storage("HTTP")
    target = make_storage("S3")
    rok4_write.create(web.directory + "/N.json", source, *FEW)
    expected = None
    counts = []
    with target.settled():
        for listed in (True, False):
            name = "L.json" if listed else "M.json"
            with web.watched() as asked, target.settled():
                copy(web.path("N.json"), target.path(name))
                counts.append(counted(asked())[1]["GET"])
            found = slabs(target, name[0])
            assert expected in (None, found) and len(found) > 20
            expected = found
            if listed:
                web.delete("N.list")
    # Without the list, each slab within the limits is asked for.
    assert counts[0] == len(expected) <= counts[1]


def test_a_list_that_is_old(make_storage, source):
    """It is believed: slabs that it lacks are not copied. One that says what
    nobody knows is not."""
    storage = make_storage("S3")
    with storage.settled():
        rok4_write.create("ROK4:" + storage.path("N.json"), source, *FEW)
        expected = slabs(storage, "N")
        lines = storage.get("N.list").splitlines(keepends=True)
        lost = lines.pop().decode().strip().partition("/")[2]
        storage.put("N.list", b"".join(lines))
        copy(storage.path("N.json"), storage.path("L.json"))
        assert sorted(slabs(storage, "L")) == sorted(set(expected) - {lost})
        storage.put("N.list", b"".join(lines) + b"0/slabs\n")
        copy(storage.path("N.json"), storage.path("M.json"))
        assert slabs(storage, "M") == expected


def test_to_files(make_storage, source, tmp_path):
    """Objects tell no depth of directories: it is the usual one."""
    storage = make_storage("S3")
    with storage.settled():
        rok4_write.create("ROK4:" + storage.path("N.json"), source, *FEW)
        copy(storage.path("N.json"), str(tmp_path / "N.json"))
        rok4_write.create(str(tmp_path / "M.json"), source, *FEW)
    names = [{path.relative_to(tmp_path / name): path.read_bytes()
              for path in (tmp_path / name).rglob("*.tif")}
             for name in ("N", "M")]
    assert names[0] == names[1] != {}
