# SPDX-License-Identifier: MIT
"""Writing while requests fail: the same objects as without, or an error and no
descriptor. What fails depends on seeds, so that runs repeat.

ROK4_FAULTS_FULL=YES writes over 200 slabs with each kind of fault; the ordinary
run 35."""

import collections
import os
import time

import numpy as np
import pytest
from osgeo import gdal

import fault_proxy
import pyramids
import rok4_objects
import rok4_write
from rok4_util import Errors, config, open_dataset

KINDS = "S3", "SWIFT_V1", "SWIFT_V3"
# Keystone's tokens apart, SWIFT_V3 is SWIFT_V1.
MAIN = "S3", "SWIFT_V1"
PATIENT = {"ROK4_OBJECT_READ_ATTEMPTS": "14",
           "ROK4_OBJECT_WRITE_ATTEMPTS": "14",
           "ROK4_OBJECT_ATTEMPTS_WAIT": "0.002"}
# Answers to requests that write have no body that could be damaged.
FAULTS = fault_proxy.STATUSES + ("reset", "stall", "slow", "lost", "cut")
WRITING = r"^(PUT|POST|DELETE) "
FULL = os.environ.get("ROK4_FAULTS_FULL", "NO") == "YES"
SIZE = 300, 700


@pytest.fixture(scope="module")
def source():
    return rok4_write.source(rok4_write.noise(3, SIZE))


@pytest.fixture(scope="module")
def other():
    """What the pyramid is overwritten with: fewer slabs, other pixels."""
    return rok4_write.source(rok4_write.noise(3, (200, 400), seed=9))


@pytest.fixture(scope="module")
def patch():
    return rok4_write.source(rok4_write.noise(3, (70, 80), seed=5),
                             px=(66 * 64 + 5, 46 * 64 + 5))


def name_in(storage):
    return "ROK4:" + storage.path("N.json")


def write(storage, source, *options):
    rok4_write.create(name_in(storage), source, *options,
                      small="UPDATE_MODE=INPLACE" not in options)


def attempts(count):
    return {"ROK4_OBJECT_READ_ATTEMPTS": str(count),
            "ROK4_OBJECT_WRITE_ATTEMPTS": str(count),
            "ROK4_OBJECT_ATTEMPTS_WAIT": "0.002"}


def empty(storage):
    for name in storage.list():
        storage.delete(name)


@pytest.mark.parametrize("kind", MAIN)
def test_slabs(make_storage, source, kind):
    """30 % of each kind of fault, of all requests that write."""
    storage = make_storage(kind)
    with storage.settled():
        write(storage, source)
    expected = storage.get_all()
    assert len(expected) == 37
    for seed, fault in enumerate(FAULTS * (6 if FULL else 1)):
        empty(storage)
        with config(**PATIENT), storage.through(
                rates={fault: 0.3}, match=WRITING, seed=seed, stall_s=0.1,
                delay_s=0.02) as proxy:
            write(storage, source)
            assert proxy.counts()[fault] > 3
        assert storage.get_all() == expected


@pytest.mark.parametrize("kind", KINDS)
def test_all_requests(make_storage, source, other, patch, kind):
    """A pyramid's life, while 20 % of all requests fail."""
    storage = make_storage(kind)
    states = []
    steps = ((source,), (patch, "UPDATE_MODE=INPLACE"),
             (other, "OVERWRITE=YES"))
    with storage.settled():
        for step in steps:
            write(storage, *step)
            states.append(storage.get_all())
    assert len(states[2]) < len(states[1]) == len(states[0])
    empty(storage)
    rates = dict.fromkeys(("429", "500", "503", "reset", "lost", "cut",
                           "midreset", "trunc"), 0.025)
    for seed in range(2):
        with config(ROK4_ALLOW_DELETE="YES", **PATIENT), storage.through(
                rates=rates, seed=seed) as proxy:
            for step, expected in zip(steps, states):
                with config(ROK4_ALLOW_DELETE=None):
                    write(storage, *step)
                assert storage.get_all() == expected
            driver = gdal.GetDriverByName("ROK4")
            assert driver.Delete(name_in(storage)) == gdal.CE_None
            assert storage.list() == []
            assert sum(proxy.counts().values()) - proxy.counts()[None] > 15


@pytest.mark.parametrize("kind", MAIN)
def test_update_mode(make_storage, source, kind):
    """Pixels written into a dataset, and overviews built anew."""
    storage = make_storage(kind)
    pixels = rok4_write.noise(3, (100, 90), seed=4).transpose(2, 0, 1)

    def paint():
        dataset = gdal.OpenEx(name_in(storage), gdal.OF_UPDATE)
        assert dataset.WriteArray(pixels, 40, 50) == gdal.CE_None
        dataset = None

    def build():
        dataset = gdal.OpenEx(name_in(storage), gdal.OF_UPDATE)
        assert dataset.BuildOverviews("NEAREST", [2, 4]) == gdal.CE_None
        dataset = None
    with storage.settled():
        write(storage, source)
        before = storage.get_all()
        paint()
        painted = storage.get_all()
        build()
        built = storage.get_all()
    assert before != painted != built
    empty(storage)
    storage.put_all(before)
    with config(**PATIENT), storage.through(
            rates=dict.fromkeys(("503", "reset", "lost", "cut"), 0.05),
            match=r"^(PUT|POST|DELETE) |^GET .*DATA"), Errors() as errors:
        paint()
        assert storage.get_all() == painted
        build()
        assert storage.get_all() == built
    assert not errors.texts()


# When all attempts are used up.


@pytest.mark.parametrize("kind", MAIN)
@pytest.mark.parametrize("fault", ["503", "reset", "cut", "lost"])
def test_slab_that_cannot_be_put(make_storage, source, kind, fault):
    """As many attempts as are configured, an error that names the slab, and
    nothing is left of the pyramid."""
    storage = make_storage(kind)
    for count in (1, 3):
        with config(**attempts(count)), storage.through(
                rates={fault: 1}, match=r"^PUT .*DATA_5_33_23 ") as proxy:
            said = rok4_write.refuse(name_in(storage), source)
            assert "DATA_5_33_23" in said
            # libcurl sends again what a connection did not answer.
            assert count <= proxy.counts()[fault] <= 2 * count
        assert storage.list() == []
    with storage.settled():
        write(storage, source)


@pytest.mark.parametrize("kind", MAIN)
@pytest.mark.parametrize("what", ["list", "json"])
def test_list_or_descriptor_that_cannot_be_put(make_storage, source, kind,
                                               what):
    """No descriptor; the same write again makes the pyramid."""
    storage = make_storage(kind)
    with storage.settled():
        write(storage, source)
    expected = storage.get_all()
    empty(storage)
    with config(**attempts(2)), storage.through(
            rates={"503": 1}, match=r"^PUT .*N\.%s " % what):
        said = rok4_write.refuse(name_in(storage), source)
        assert "N." + what in said
    assert "N.json" not in storage.list()
    with storage.settled():
        write(storage, source, "OVERWRITE=YES")
    assert storage.get_all() == expected


@pytest.mark.parametrize("kind", MAIN)
def test_update_that_cannot_be_put(make_storage, source, patch, kind):
    """The old pyramid can be read, and the same update again does it."""
    storage = make_storage(kind)
    with storage.settled():
        write(storage, source)
        before = storage.get_all()
        write(storage, patch, "UPDATE_MODE=INPLACE")
        after = storage.get_all()
        storage.put_all(before)
    with config(**attempts(2)), storage.through(
            rates={"503": 1}, match=r"^PUT .*DATA_3_"):
        said = rok4_write.refuse(name_in(storage), patch,
                                 "UPDATE_MODE=INPLACE", small=False)
        assert "DATA_3_" in said
    found = storage.get_all()
    assert set(found) == set(before)
    assert all(found[name] in (before[name], after[name]) for name in found)
    with storage.settled():
        assert open_dataset(name_in(storage)).ReadAsArray() is not None
        write(storage, patch, "UPDATE_MODE=INPLACE")
    assert storage.get_all() == after


@pytest.mark.parametrize("kind", MAIN)
def test_slab_that_cannot_be_read(make_storage, source, patch, kind):
    """An update that does not get an old slab changes nothing, rather than
    take it for one that is not there."""
    storage = make_storage(kind)
    with storage.settled():
        write(storage, source)
    before = storage.get_all()
    for rates in ({"503": 1}, {"reset": 1}, {"trunc": 1}):
        with config(**attempts(2)), storage.through(
                rates=rates, match=r"^GET .*DATA_5_33_23 .*bytes"):
            said = rok4_write.refuse(name_in(storage), patch,
                                     "UPDATE_MODE=INPLACE", small=False)
            assert "DATA_5_33_23" in said
        assert storage.get_all() == before


# What a listing that fails may answer; GDAL tells nothing of an empty one.
BODIES = [("S3", "xml"), ("SWIFT_V1", "xml"), ("SWIFT_V1", "html"),
          ("SWIFT_V1", "none")]
LISTINGS = r"^GET .*(prefix|limit)="


@pytest.mark.parametrize("kind,body", BODIES)
def test_listing_that_fails(make_storage, source, other, kind, body):
    """Stale slabs that cannot be found are an error, not forgotten."""
    storage = make_storage(kind)
    with storage.settled():
        write(storage, source)
        first = storage.get_all()
        write(storage, other, "OVERWRITE=YES")
        second = storage.get_all()
    empty(storage)
    storage.put_all(first)
    with config(**attempts(2)), storage.through(
            rates={"503": 1}, match=LISTINGS, body=body):
        done, errors = rok4_write.run(name_in(storage), other,
                                      ["OVERWRITE=YES"], True, None)
        assert done is None and errors.failures
    with storage.settled():
        write(storage, other, "OVERWRITE=YES")
    assert storage.get_all() == second


@pytest.mark.parametrize("kind,body", BODIES)
def test_listing_that_fails_at_first(make_storage, source, kind, body):
    """Slabs that a pyramid without a list is copied from, or that are in the
    way of a new one, are found at another try."""
    storage = make_storage(kind)
    with storage.settled():
        write(storage, source, "LIST=NO")
        expected = storage.get_all()
        for fault in ("503", "reset"):
            with storage.through(rates={fault: 1}, match=LISTINGS, first=1,
                                 body=body), config(**attempts(4)):
                copied = gdal.Open(name_in(storage))
                path = "ROK4:" + storage.path("M.json")
                rok4_write.create(path, copied, "OVERWRITE=YES", small=False)
            for name in expected:
                if "/" in name:
                    assert storage.get(name.replace("N/", "M/", 1)) == (
                        expected[name])
        storage.delete("N.json")
        with storage.through(rates={"503": 1}, match=LISTINGS, first=1,
                             body=body), config(**attempts(4)):
            assert "OVERWRITE" in rok4_write.refuse(name_in(storage), source)


@pytest.mark.parametrize("kind", ["SWIFT_V1", "SWIFT_V3"])
def test_token_that_is_no_longer_good(make_storage, source, other, kind):
    """Another one is asked for, whatever is being done; once, where that is
    not good either."""
    storage = make_storage(kind)
    with storage.settled():
        write(storage, source)
    expected = storage.get_all()
    for match in ("^GET .*json", "^PUT .*N/DATA", "^PUT .*list",
                  "^PUT .*json", LISTINGS):
        with storage.through(rates={"401": 1}, match=match, limit=1) as proxy:
            write(storage, source, "OVERWRITE=YES")
            assert proxy.counts()["401"] >= 1, match
        assert storage.get_all() == expected, match
    with storage.through(rates={"401": 1}, match="^PUT .*DATA") as proxy:
        said = rok4_write.refuse(name_in(storage), other, "OVERWRITE=YES")
        assert "401" in said
        assert max(collections.Counter(
            one.path for one in proxy.requests()
            if one.method == "PUT").values()) == 2


@pytest.mark.parametrize("kind", ["SWIFT_V1", "SWIFT_V3"])
def test_token_that_expires_while_a_dataset_is_open(make_storage, tmp_path,
                                                    kind):
    """It is read on, from slabs that are open and from others."""
    storage = make_storage(kind)
    path, image = pyramids.mosaic(tmp_path, slabs=(2, 1))
    name = rok4_objects.put(storage, path)
    with storage.settled():
        dataset = open_dataset("ROK4:" + name)
        dataset.ReadAsArray(0, 0, 64, 64)
        for _ in range(2):
            with storage.through(rates={"401": 1}, match="^GET .*DATA",
                                 limit=1) as proxy:
                np.testing.assert_array_equal(
                    dataset.ReadAsArray().transpose(1, 2, 0), image)
                assert proxy.counts()["401"] >= 1
            dataset = open_dataset("ROK4:" + name)


# Servers that stop.


class Progress:
    """Does something once so much is done."""

    def __init__(self, fraction, action):
        self.fraction, self.action, self.done = fraction, action, False

    def __call__(self, fraction, message, user):
        if fraction >= self.fraction and not self.done:
            self.done = True
            self.action()
        return 1


@pytest.mark.parametrize("kind", KINDS)
def test_gateway_that_stops(make_storage, ceph, source, kind):
    """An error soon, no descriptor; when it is back, the same write does it,
    in the same process."""
    storage = make_storage(kind)
    with storage.settled(), config(**attempts(3)):
        write(storage, source)
        expected = storage.get_all()
        empty(storage)
        stop = Progress(0.3, lambda: ceph.stop_server("rgw"))
        try:
            begun = time.monotonic()
            rok4_write.refuse(name_in(storage), source, callback=stop)
            assert time.monotonic() - begun < 20
        finally:
            ceph.start_server("rgw")
        assert stop.done and "N.json" not in storage.list()
        write(storage, source, "OVERWRITE=YES")
        assert storage.get_all() == expected


@pytest.mark.parametrize("server,kind", [("rgw", "S3"), ("osd", "RADOS")])
def test_server_that_answers_no_more(make_storage, ceph, source, server,
                                     kind):
    """An error once ROK4_NETWORK_TIMEOUT is over for each attempt."""
    storage = make_storage(kind)
    with storage.settled(ROK4_NETWORK_TIMEOUT="1"), config(**attempts(1)):
        write(storage, source)
        expected = storage.get_all()
        empty(storage)
        pause = Progress(0.3, lambda: ceph.pause(server))
        try:
            begun = time.monotonic()
            rok4_write.refuse(name_in(storage), source, callback=pause)
            assert 1 < time.monotonic() - begun < 30
        finally:
            ceph.resume(server)
        assert pause.done
        time.sleep(1)  # what was sent may still come
        assert "N.json" not in storage.list()
        write(storage, source, "OVERWRITE=YES")
        assert storage.get_all() == expected


# Slabs in parts.


def uploads(storage):
    """Those that have begun and are neither complete nor given up."""
    found = storage.client.list_multipart_uploads(Bucket=storage.tray)
    return sorted(one["UploadId"] for one in found.get("Uploads", ()))


def test_slab_in_several_parts(make_storage):
    """Above GDAL's limit a slab is put in parts, which are one object or
    none."""
    storage = make_storage("S3")
    source = rok4_write.source(rok4_write.noise(3, (100, 100)),
                               (1100, 1100), "6", "PM")
    options = ["TILING_SCHEME=PM", "COMPRESS=NONE", "BOTTOM_LEVEL=6",
               "TOP_LEVEL=6", "TILES_PER_WIDTH=8", "TILES_PER_HEIGHT=8"]
    with config(VSIS3_CHUNK_SIZE="5"):  # MB, the least
        with storage.watched() as asked:
            rok4_write.create(name_in(storage), source, *options, small=False)
            posts = [one for one in asked() if one.method == "POST"]
        assert posts
        expected = storage.get_all()
        assert max(map(len, expected.values())) > 12e6
        for seed in range(3):
            empty(storage)
            rates = dict.fromkeys(("503", "reset", "lost", "cut"), 0.1)
            with config(**PATIENT), storage.through(
                    rates=rates, match=WRITING, seed=seed):
                rok4_write.create(name_in(storage), source, *options,
                                  small=False)
            assert storage.get_all() == expected
        empty(storage)
        before = uploads(storage)  # that could not be given up
        with config(**attempts(1)), storage.through(
                rates={"503": 1}, match="^PUT .*partNumber=2"):
            rok4_write.refuse(name_in(storage), source, *options, small=False)
        assert storage.list() == [] and uploads(storage) == before
