# SPDX-License-Identifier: MIT
"""Objects that are not kept in memory until they are sent: slabs of raw tiles,
and lists, of more than 16 MiB."""

import os

import pytest
from osgeo import gdal

import fault_proxy
import rok4_write
from both import both  # noqa: F401 (a fixture)
from rok4_util import Errors, config

# One slab of 40 x 40 tiles of 12 KiB, of which a few have data.
LARGE = ["TILING_SCHEME=T64", "TILES_PER_WIDTH=40", "TILES_PER_HEIGHT=40",
         "BOTTOM_LEVEL=5", "TOP_LEVEL=5", "COMPRESS=NONE"]
SLAB = "N/DATA_5_1_1"


@pytest.fixture(scope="module")
def source():
    return rok4_write.source(rok4_write.noise(3))


def test_slabs(both, source):
    """The same bytes as in files; read, copied and written over."""
    storage = both.storage
    both.create(source, *LARGE, small=False)
    both.check()
    assert len(storage.get(SLAB)) > 40 * 40 * 12288
    both.create(rok4_write.source(rok4_write.noise(3, (20, 30), seed=3)),
                "UPDATE_MODE=INPLACE", small=False)
    both.check()
    copy = "ROK4:" + storage.path("M.json")
    with Errors() as errors:
        assert gdal.Translate(copy, both.paths[1], format="ROK4") is not None
    assert not errors.texts()
    assert storage.get(SLAB.replace("N", "M", 1)) == storage.get(SLAB)


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1"])
def test_faults(make_storage, source, kind):
    """Sent again as a whole, or not there."""
    storage = make_storage(kind)
    name = "ROK4:" + storage.path("N.json")
    with storage.settled():
        rok4_write.create(name, source, *LARGE, small=False)
    expected = storage.get_all()
    settings = {"ROK4_OBJECT_WRITE_ATTEMPTS": "5",
                "ROK4_OBJECT_ATTEMPTS_WAIT": "0.002"}
    faults = [fault for fault in fault_proxy.STATUSES + ("reset", "cut")
              if fault not in ("429", "502")]
    for fault in faults:
        for name_of in expected:
            storage.delete(name_of)
        with config(**settings), storage.through(
                rates={fault: 1}, match="^(PUT|POST) .*DATA",
                limit=3) as proxy:
            rok4_write.create(name, source, *LARGE, small=False)
            assert proxy.counts()[fault] == 3
        assert storage.get_all() == expected
    for name_of in expected:
        storage.delete(name_of)
    with config(**settings), storage.through(
            rates={"cut": 1}, match="^(PUT|POST) .*DATA"), Errors() as errors:
        assert gdal.GetDriverByName("ROK4").CreateCopy(
            name, source, options=LARGE) is None
    assert SLAB in errors.texts()[0]
    assert storage.get_all() == {}


def test_parts(s3, source):
    """S3 takes them in parts of 16 MiB, or as GDAL is told."""
    name = "ROK4:" + s3.path("N.json")
    for size, nparts in ((None, 2), ("5", 4), ("50", 1)):
        with config(VSIS3_CHUNK_SIZE=size), s3.watched() as asked:
            rok4_write.create(name, source, "OVERWRITE=YES", *LARGE,
                              small=False)
            found = [one for one in asked() if one.name == SLAB]
        assert len([1 for one in found if one.method == "PUT"]) == nparts
        assert [one.method for one in found].count("POST") == (
            2 if nparts > 1 else 0)


def test_no_room_for_temporary_files(s3, source, tmp_path):
    """An error, and nothing of the pyramid; what fits memory needs none."""
    name = "ROK4:" + s3.path("N.json")
    with config(CPL_TMPDIR=str(tmp_path / "missing")), Errors() as errors:
        assert gdal.GetDriverByName("ROK4").CreateCopy(
            name, source, options=LARGE) is None
        assert "cannot make a temporary file" in errors.texts()[0]
        assert s3.get_all() == {}
        rok4_write.create(name, source)
    assert s3.list("N.json") == ["N.json"]


def test_temporary_files_are_gone(s3, source, tmp_path):
    """Even while they are used."""
    name = "ROK4:" + s3.path("N.json")
    seen = []

    def look(*_):
        seen.extend(os.listdir(tmp_path))
        return 1
    with config(CPL_TMPDIR=str(tmp_path)):
        assert gdal.GetDriverByName("ROK4").CreateCopy(
            name, source, options=LARGE, callback=look) is not None
    assert seen == os.listdir(tmp_path) == []
