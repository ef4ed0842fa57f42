# SPDX-License-Identifier: MIT
"""Reading while requests fail: the right pixels, or an error when all attempts
are used up. What fails depends on seeds, so that runs repeat.

ROK4_FAULTS_FULL=YES reads 1000 windows with each kind of fault; the ordinary run
COUNTS."""

import os
import time

import numpy as np
import pytest

import fault_proxy
import pyramids
import rok4_objects
import rok4_tms
from pyramids import failure
from rok4_util import Errors, config, open_dataset

# How many reads with each kind of fault.
COUNTS = {"S3": 36, "SWIFT_V1": 24, "SWIFT_V3": 15, "HTTP": 30}
FULL = os.environ.get("ROK4_FAULTS_FULL", "NO") == "YES"
# Keystone's tokens apart, SWIFT_V3 is SWIFT_V1.
MAIN = "S3", "SWIFT_V1", "HTTP"
FORMATS = "TIFF_RAW_UINT8", "TIFF_PNG_UINT8", "TIFF_JPG90_UINT8"
SIDE = 2048
# All but a request cut short, which is one that writes, bytes that are not what
# they were, which nobody can notice where nothing tells, and refusals.
FAULTS = [fault for fault in fault_proxy.FAULTS
          if fault not in ("cut", "garbled", "401")]
OBJECTS = r"^GET .*(DATA|\.json)"
# A slab's beginning, with its index; tiles behind that.
HEADS, TILES = r"^GET .*DATA.*bytes=0-", r"^GET .*DATA.*bytes=[1-9]"
PATIENT = {"ROK4_OBJECT_READ_ATTEMPTS": "14",
           "ROK4_OBJECT_ATTEMPTS_WAIT": "0.002"}


@pytest.fixture(scope="module")
def large(tmp_path_factory, tms_directory):
    """{name: (path, pixels)} of 2048 x 2048 pixels, one of each format, with
    slabs of 1024 x 1024: nearly all tiles are behind what a slab is opened
    with."""
    place = tmp_path_factory.mktemp("large")
    out = {}
    with config(ROK4_TMS_DIRECTORY=tms_directory):
        for fmt in FORMATS:
            name = fmt.split("_")[1].lower()
            path, _ = pyramids.mosaic(place, name, fmt, (2, 2), 4, "6",
                                      rok4_tms.pm())
            pixels = open_dataset(path).ReadAsArray()
            assert pixels.shape == (3, SIDE, SIDE)
            out[name] = path, pixels
    return out


@pytest.fixture
def filled(make_storage, large):
    """A storage of a kind with all of them: filled("S3")."""
    def one(kind, *where):
        storage = make_storage(kind, *where)
        for path, _ in large.values():
            rok4_objects.put(storage, path)
        return storage
    return one


def read_many(storage, large, count, seed):
    """Reads windows, each with a dataset of its own. All must be right."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        name = str(rng.choice(list(large)))
        width, height = (int(side) for side in rng.integers(1, 300, 2))
        px_x = int(rng.integers(0, SIDE - width))
        px_y = int(rng.integers(0, SIDE - height))
        dataset = open_dataset("ROK4:" + storage.path(name + ".json"))
        with Errors() as errors:
            found = dataset.ReadAsArray(px_x, px_y, width, height)
        assert found is not None, errors.texts()
        np.testing.assert_array_equal(
            found, large[name][1][:, px_y:px_y + height, px_x:px_x + width])


@pytest.mark.parametrize("kind", MAIN)
def test_many_reads(filled, large, kind):
    """30 % of each kind of fault, of all requests for objects."""
    storage = filled(kind)
    for seed, fault in enumerate(FAULTS):
        count = COUNTS[kind] // (3 if "stall" in fault else 1)
        if FULL:
            count = 1000
        with config(**PATIENT), storage.through(
                rates={fault: 0.3}, match=OBJECTS, seed=seed, stall_s=0.05,
                delay_s=0.02) as proxy:
            read_many(storage, large, count, seed)
            assert proxy.counts()[fault] > count // 3


@pytest.mark.parametrize("kind", COUNTS)
def test_all_kinds_at_once(filled, large, kind):
    """With those of requests for tokens."""
    storage = filled(kind)
    for seed in range(3):
        with config(**PATIENT), storage.through(
                rates=dict.fromkeys(set(FAULTS) - {"stall", "midstall"}, 0.03),
                seed=seed, delay_s=0.02) as proxy:
            read_many(storage, large, COUNTS[kind], seed)
            assert len(proxy.counts()) > 5


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1", "HTTP"])
def test_stalls(filled, large, kind):
    """ROK4_NETWORK_TIMEOUT ends a request, which is then sent again."""
    storage = filled(kind)
    for fault in ("stall", "midstall"):
        with config(ROK4_NETWORK_TIMEOUT="1", **PATIENT), storage.through(
                rates={fault: 1}, match=TILES, first=1) as proxy:
            dataset = open_dataset("ROK4:" + storage.path("raw.json"))
            begun = time.monotonic()
            found = dataset.ReadAsArray(300, 300, 200, 200)
            assert 0.9 < time.monotonic() - begun < 10
            np.testing.assert_array_equal(
                found, large["raw"][1][:, 300:500, 300:500])
            assert proxy.counts()[fault] >= 1


# Attempts.


def attempts(count, **more):
    return dict({"ROK4_OBJECT_READ_ATTEMPTS": str(count),
                 "ROK4_OBJECT_ATTEMPTS_WAIT": "0.002"}, **more)


# What a slab is opened with goes on where it ended, by GDAL itself.
WHOLE = "503", "429", "500", "reset", "lost"
PARTS = WHOLE + ("midreset", "trunc", "short")


def check_failure(storage, large, what, proxy):
    """The message of a failure; afterwards, all is well."""
    name = "ROK4:" + storage.path("raw.json")
    if what == "descriptor":
        said = pyramids.refused_by_rok4(name)
        counts = proxy.counts()
        proxy.clear()
        dataset = open_dataset(name)
    else:
        dataset = open_dataset(name)
        said = failure(dataset, 300, 300, 50, 50)
        assert said.startswith("ROK4: slab ") and "/raw/DATA" in said
        counts = proxy.counts()
        proxy.clear()
    found = dataset.ReadAsArray(300, 300, 50, 50)
    np.testing.assert_array_equal(found,
                                  large["raw"][1][:, 300:350, 300:350])
    return said, counts


@pytest.mark.parametrize("kind", MAIN)
@pytest.mark.parametrize("what,match,faults", [
    ("descriptor", r"^GET .*raw\.json", PARTS), ("slab", HEADS, WHOLE),
    ("tiles", TILES, PARTS)])
def test_attempts(filled, large, kind, what, match, faults):
    """As many as are configured, then an error that names the object; the next
    reading is a new chance. libcurl sends again what a connection in use
    before did not answer."""
    storage = filled(kind)
    for fault in faults:
        for count in (1, 3):
            with config(**attempts(count)), storage.through(
                    rates={fault: 1}, match=match) as proxy:
                said, counts = check_failure(storage, large, what, proxy)
                assert "raw" in said and "?" not in said
                assert count <= counts[fault] <= 2 * count, (fault, counts)


@pytest.mark.parametrize("kind", MAIN)
def test_attempts_that_suffice(filled, large, kind):
    """Faults of the first two times that the same is asked."""
    storage = filled(kind)
    for match in (OBJECTS, HEADS, TILES):
        for fault in ("503", "429", "trunc"):
            with config(**attempts(3)), storage.through(
                    rates={fault: 1}, match=match, first=2):
                read_many(storage, large, 2, 5)


@pytest.mark.parametrize("options,count", [
    ({}, 5), ({"GDAL_HTTP_MAX_RETRY": "2"}, 3),
    ({"GDAL_HTTP_MAX_RETRY": "9", "ROK4_OBJECT_READ_ATTEMPTS": "2"}, 2)])
def test_attempts_by_default(filled, options, count):
    """Five, or what GDAL is told: ROK4's own option comes first."""
    storage = filled("S3")
    for match in (HEADS, TILES):
        with config(ROK4_OBJECT_ATTEMPTS_WAIT="0.01", **options), \
                storage.through(rates={"503": 1}, match=match) as proxy:
            dataset = open_dataset("ROK4:" + storage.path("raw.json"))
            failure(dataset, 300, 300, 50, 50)
            assert proxy.counts()["503"] == count


def test_waits_between_attempts(filled):
    """They grow, with a part that is random: 0.1, 0.2, 0.4 s, or half of
    that at least."""
    storage = filled("S3")
    with config(**attempts(4, ROK4_OBJECT_ATTEMPTS_WAIT="0.1")), \
            storage.through(rates={"503": 1}, match=TILES) as proxy:
        dataset = open_dataset("ROK4:" + storage.path("raw.json"))
        failure(dataset, 300, 300, 50, 50)
        asked = [one for one in proxy.requests() if one.fault]
    waits = [after.started - before.ended
             for before, after in zip(asked, asked[1:])]
    assert len(waits) == 3
    for wait, most in zip(waits, (0.1, 0.2, 0.4)):
        assert most / 2 <= wait < most + 0.5


def test_missing_slabs_are_asked_for_once(filled):
    """404 is an answer: it is not tried again, nor is 403."""
    storage = filled("S3")
    for name in storage.list("raw/"):
        storage.delete(name)
    with storage.watched() as asked:
        dataset = open_dataset("ROK4:" + storage.path("raw.json"))
        assert (dataset.ReadAsArray(0, 0, 50, 50) == 255).all()
        assert len(asked()) == 2
    with storage.through(rates={"503": 1}, match=HEADS, first=1):
        dataset = open_dataset("ROK4:" + storage.path("raw.json"))
        assert (dataset.ReadAsArray(0, 0, 50, 50) == 255).all()


def test_one_slab_that_fails(filled, large):
    """The others of the window are not lost, and not asked for again."""
    storage = filled("S3")
    with config(**attempts(2)), storage.through(
            rates={"503": 1}, match=r"^GET .*DATA_6_4_4 ") as proxy:
        dataset = open_dataset("ROK4:" + storage.path("raw.json"))
        assert "DATA_6_4_4" in failure(dataset, 900, 900, 300, 300)
        proxy.clear()
        found = dataset.ReadAsArray(900, 900, 300, 300)
        np.testing.assert_array_equal(
            found, large["raw"][1][:, 900:1200, 900:1200])
        asked = {request.path.rpartition("/")[2]
                 for request in proxy.requests()}
    assert "DATA_6_4_4" in asked


# Slabs that are replaced.


def versions(storage, tmp_path, name):
    """Puts a pyramid of one large slab; what another version of it would be: (pixels
    of the first, {slab: bytes}, pixels of the second)."""
    out = []
    for seed in (1, 2):
        path, _ = pyramids.mosaic(tmp_path / str(seed), name,
                                  "TIFF_%s_UINT8" % name.upper(), (1, 1), 8,
                                  seed=seed)
        out.append((path, open_dataset(path).ReadAsArray()))
    rok4_objects.put(storage, out[0][0])
    if storage.type == "FILE":
        other = rok4_objects.files_of(out[1][0], storage.path()[:-1])
    else:
        other = rok4_objects.objects_of(out[1][0], storage.type, storage.tray)
    slabs = {key: data for key, data in other.items()
             if not key.endswith((".json", ".list"))}
    return out[0][1], slabs, out[1][1]


def test_slab_replaced_between_index_and_tiles(counted_storage, tmp_path):
    """Tiles that are read together are of one version: where the storage tells
    versions apart, which RADOS does always, and the others by the second. The
    new one has the same size, or another one."""
    storage = counted_storage
    opened = []
    for name in ("raw", "zip"):
        old, slabs, new = versions(storage, tmp_path, name)
        path = "ROK4:" + storage.path(name + ".json")
        dataset = open_dataset(path)
        found = dataset.ReadAsArray(0, 0, 64, 64)
        np.testing.assert_array_equal(found, old[:, :64, :64])
        opened.append((path, dataset, slabs, new))
    if storage.kind != "RADOS":
        time.sleep(1.1)
    for path, dataset, slabs, new in opened:
        storage.put_all(slabs)
        found = dataset.ReadAsArray(64, 128, 128, 64)
        np.testing.assert_array_equal(found, new[:, 128:192, 64:192])
        np.testing.assert_array_equal(dataset.ReadAsArray(), new)
        np.testing.assert_array_equal(open_dataset(path).ReadAsArray(), new)


def test_slab_removed_between_index_and_tiles(counted_storage, tmp_path):
    """An error, or nodata as of a slab that is not there: no old pixels beside
    nodata."""
    storage = counted_storage
    old, slabs, _ = versions(storage, tmp_path, "raw")
    dataset = open_dataset("ROK4:" + storage.path("raw.json"))
    found = dataset.ReadAsArray(0, 0, 64, 64)
    np.testing.assert_array_equal(found, old[:, :64, :64])
    for name in slabs:
        storage.delete(name)
    with config(ROK4_OBJECT_ATTEMPTS_WAIT="0.01"), Errors() as errors:
        found = dataset.ReadAsArray(64, 128, 128, 64)
    assert (errors.failures if found is None else (found == 255).all())


# Servers that stop.


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1", "SWIFT_V3"])
def test_gateway_that_stops(filled, large, ceph, kind):
    """An error at once; when it is back, reading goes on, in datasets that
    were open too."""
    storage = filled(kind)
    with storage.settled(), config(**attempts(3)):
        name = "ROK4:" + storage.path("raw.json")
        dataset = open_dataset(name)
        assert dataset.ReadAsArray(300, 300, 50, 50) is not None
        ceph.stop_server("rgw")
        try:
            begun = time.monotonic()
            failure(dataset, 600, 600, 50, 50)
            pyramids.refused_by_rok4("ROK4:" + storage.path("png.json"))
            assert time.monotonic() - begun < 10
            # What is known needs no server.
            assert dataset.ReadAsArray(310, 310, 30, 30) is not None
        finally:
            ceph.start_server("rgw")
        for one in (dataset, open_dataset(name)):
            np.testing.assert_array_equal(one.ReadAsArray(),
                                          large["raw"][1])


@pytest.mark.parametrize("server,kind", [("rgw", "S3"), ("osd", "S3"),
                                         ("osd", "RADOS")])
def test_server_that_answers_no_more(filled, large, ceph, server, kind):
    """An error within ROK4_NETWORK_TIMEOUT for each attempt, and reading goes
    on afterwards."""
    storage = filled(kind)
    with storage.settled(ROK4_NETWORK_TIMEOUT="1", **attempts(1)):
        dataset = open_dataset("ROK4:" + storage.path("raw.json"))
        assert dataset.ReadAsArray(300, 300, 50, 50) is not None
        ceph.pause(server)
        try:
            begun = time.monotonic()
            failure(dataset, 600, 600, 50, 50)
            assert 1 < time.monotonic() - begun < 15
        finally:
            ceph.resume(server)
        found = dataset.ReadAsArray()
        np.testing.assert_array_equal(found, large["raw"][1])


def test_osd_that_is_killed(filled, large, durable_ceph):
    """The same of one that keeps its objects on a disk."""
    storage = filled("RADOS", durable_ceph)
    with storage.settled(ROK4_NETWORK_TIMEOUT="1", **attempts(1)):
        dataset = open_dataset("ROK4:" + storage.path("raw.json"))
        assert dataset.ReadAsArray(300, 300, 50, 50) is not None
        durable_ceph.stop_server("osd", kill=True)
        try:
            begun = time.monotonic()
            failure(dataset, 600, 600, 50, 50)
            assert time.monotonic() - begun < 15
        finally:
            durable_ceph.start_server("osd")
        found = dataset.ReadAsArray()
        np.testing.assert_array_equal(found, large["raw"][1])
