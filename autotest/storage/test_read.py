# SPDX-License-Identifier: MIT
"""Pyramids on every storage are read as the same pyramids are from files."""

import json

import numpy as np
import pytest
from osgeo import gdal

import pyramids
import rok4_objects
import rok4_util
import stores
from pyramids import assert_same, failure, refused_by_rok4, seen
from rok4_util import Errors, config, open_dataset

MASKED, PLAIN, LINKED = "t64_zip_mask", "t64_zip_uint8_rgb", "t64_upd_slink"
IMPATIENT = {"ROK4_OBJECT_ATTEMPTS_WAIT": "0.01"}
# With masks, links, absent slabs, other slabs, JPEG, alpha, float.
SOME = (MASKED, LINKED, "t64_zip_hole", "t64_raw_4x2_depth3",
        "t64_jpg90_uint8_rgb", "t64_png_uint8_rgba", "t64_lzw_float32")


@pytest.mark.parametrize("prefix", ["", "ROK4:"])
def test_fixtures(storage, prefix):
    """All formats, masks, links, deep names, absent slabs."""
    names = rok4_util.FIXTURES if prefix else SOME
    paths = [rok4_objects.put(storage, name) for name in names]
    for path, name in zip(paths, names):
        assert_same(prefix + path, name)


def test_open_options(storage):
    """Levels, extents and masks as from files."""
    path = rok4_objects.put(storage, MASKED)
    for options in (["TILEMATRIX=3"], ["EXTENT_METHOD=4"], ["MASK=YES"],
                    ["NODATA=PIXEL", "NUM_THREADS=1"], ["MASK=NO"],
                    ["CACHE_TTL=0", "REQUESTS_IN_FLIGHT=1"],
                    ["FIRST_READ_SIZE=1024"]):
        assert_same(path, MASKED, *options)


def test_names_of_rok4(object_storage):
    """ROK4:s3://TRAY/NAME.json and its like, with levels; bare ones are not
    ours."""
    storage = object_storage
    rok4_objects.put(storage, MASKED)
    name = storage.rok4_path(MASKED + ".json")
    assert name == "%s://%s/%s.json" % (storage.scheme, storage.tray, MASKED)
    assert_same("ROK4:" + name, MASKED)
    level = seen(rok4_util.fixture(MASKED), "TILEMATRIX=4")
    for with_level in ('ROK4:"%s":4', "ROK4:%s:4"):
        found = seen(with_level % name)
        assert found[0] == level[0]
        pyramids.assert_same_levels(found[1], level[1])
    with Errors():
        assert gdal.OpenEx(name, allowed_drivers=["ROK4"]) is None


def test_name_in_a_directory_of_the_tray(object_storage):
    """Names of objects may hold slashes (spec section 1)."""
    path = rok4_objects.put(object_storage, MASKED, "a/b.c/d")
    assert path == object_storage.path("a/b.c/d.json")
    assert_same(path, MASKED)
    assert_same("ROK4:" + object_storage.rok4_path("a/b.c/d.json"), MASKED)


@pytest.mark.parametrize("type_", ["S3", "SWIFT", "CEPH"])
def test_objects_behind_plain_http(http, type_):
    """Whatever storage the descriptor names, its slabs are beside it. Links
    name a tray, which HTTP does not have: an error."""
    for name, place in ((MASKED, None), ("t64_raw_4x2_depth3", "a/b"),
                        ("t64_zip_hole", "c")):
        path = rok4_objects.put(http, name, place, type_)
        assert_same("ROK4:" + path, name)
        assert_same(path, name)
    path = rok4_objects.put(http, LINKED, "linked", type_)
    dataset = open_dataset("ROK4:" + path)
    assert "link to an object" in failure(dataset)


def test_server_without_ranges(make_storage, tmp_path):
    """The whole file is not taken for the range: what comes with a slab's
    opening is read, what is behind that is refused."""
    with make_storage("HTTP", whole=True).settled(**IMPATIENT) as storage:
        for name in ("t64_zip_1x1", PLAIN):
            assert_same("ROK4:" + rok4_objects.put(storage, name), name)
        large, image = pyramids.mosaic(tmp_path, slabs=(1, 1))
        dataset = open_dataset("ROK4:" + rok4_objects.put(storage, large))
        assert "ange" in failure(dataset)
        np.testing.assert_array_equal(
            dataset.ReadAsArray(0, 0, 64, 64).transpose(1, 2, 0),
            image[:64, :64])


def descriptor_in_files(tmp_path, storage, name, **changed):
    """The descriptor of objects as a local file, with other members of its
    storages."""
    text = rok4_objects.objects_of(name, storage.type, storage.tray)[
        name + ".json"]
    found = json.loads(text)
    for level in found["levels"]:
        level["storage"].update(changed)
    path = tmp_path / (name + ".json")
    path.write_text(json.dumps(found))
    return str(path)


def test_local_descriptor(object_storage, tmp_path):
    """The tray that it names; another one where STORAGE_ROOT says so."""
    storage = object_storage
    rok4_objects.put(storage, MASKED)
    rok4_objects.put(storage, MASKED, "deep/er/" + MASKED)
    assert_same(descriptor_in_files(tmp_path, storage, MASKED), MASKED)
    elsewhere = descriptor_in_files(
        tmp_path, storage, MASKED,
        **{rok4_objects.TRAYS[storage.type]: "elsewhere"})
    for below in ("", "deep/er"):
        assert_same(elsewhere, MASKED, STORAGE_ROOT=storage.path(below))
    with config(ROK4_ALLOW_OUTSIDE_PATHS="NO"):
        assert "ROK4_ALLOW_OUTSIDE_PATHS" in refused_by_rok4(elsewhere)


def test_slabs_in_another_tray(object_storage, make_storage):
    """A descriptor that names another tray of its storage."""
    storage = object_storage
    other = make_storage(storage.kind)
    rok4_objects.put(other, MASKED)
    text = rok4_objects.objects_of(MASKED, storage.type, other.tray)[
        MASKED + ".json"]
    storage.put("N.json", text)
    assert_same(storage.path("N.json"), MASKED)
    with config(ROK4_ALLOW_OUTSIDE_PATHS="NO"):
        assert "ROK4_ALLOW_OUTSIDE_PATHS" in refused_by_rok4(
            storage.path("N.json"))


# What is missing, and what is broken.


def link_to(storage, *names):
    return "SYMLINK#%s/%s" % (storage.tray, "/".join(names))


def test_links_that_lead_nowhere(object_storage):
    """Chains, loops, no target, no link at all: errors that tell the slab, at
    each read anew."""
    storage = object_storage
    path = rok4_objects.put(storage, LINKED)
    slab = LINKED + "/DATA_5_32_22"
    target = storage.get(slab)
    assert target == link_to(storage, PLAIN, "DATA_5_32_22").encode()
    storage.put(LINKED + "/b", target)
    for text, said in (
            (link_to(storage, LINKED, "b"), "link, too"),
            (link_to(storage, LINKED, "DATA_5_32_22"), "link, too"),
            (link_to(storage, LINKED, "c"), "does not exist"),
            ("SYMLINK#" + storage.tray, "expected <tray>/<object>"),
            ("SYMLINK#" + storage.tray + "/", "expected <tray>/<object>"),
            ("SYMLINK#/" + PLAIN + "/DATA_5_32_22", "expected <tray>"),
            ("SYMLINK#", "index ends"),
            ("SYMLINK#" + 2100 * "a", "ends at byte")):
        storage.put(slab, text.encode())
        dataset = open_dataset("ROK4:" + path)
        for _ in range(2):
            found = failure(dataset, 0, 0, 64, 64)
            assert "DATA_5_32_22" in found and said in found, found
    storage.put(slab, target)
    assert_same(path, LINKED)


def test_link_to_another_tray(object_storage, make_storage):
    storage = object_storage
    other = make_storage(storage.kind)
    objects = rok4_objects.objects_of(LINKED, storage.type, other.tray)
    rok4_objects.put(other, PLAIN)
    path = rok4_objects.put(storage, LINKED)
    for name in storage.list(PLAIN):
        storage.delete(name)
    storage.put(LINKED + "/DATA_5_32_22", objects[LINKED + "/DATA_5_32_22"])
    found = open_dataset("ROK4:" + path).ReadAsArray(0, 0, 64, 64)
    expected = pyramids.seen_in_files(LINKED)[1][0][0]
    np.testing.assert_array_equal(found.transpose(1, 2, 0),
                                  expected[:64, :64])
    assert "does not exist" in failure(open_dataset("ROK4:" + path))


def test_slab_that_is_not_there(storage):
    """It is nodata, and the rest is as it was."""
    path = rok4_objects.put(storage, PLAIN)
    expected = seen(path)
    slab = next(name for name in storage.list(PLAIN + "/DATA")
                if name.endswith(("DATA_5_33_22", "DATA/5/00/00/XM.tif")))
    storage.delete(slab)
    with storage.settled():
        found = seen("ROK4:" + path)
    gone = pyramids.part_of(PLAIN, 33, 22)
    pixels = found[1][0][0]
    assert (pixels[gone] == 255).all() and pixels[gone].shape[0] == 128
    pixels[gone] = expected[1][0][0][gone]
    pyramids.assert_same_levels(found[1], expected[1])


def test_slab_that_is_cut(storage):
    """In its header, its index, or its last tile: an error, and whatever comes
    before is read."""
    path = rok4_objects.put(storage, PLAIN)
    slab = next(name for name in storage.list(PLAIN + "/DATA")
                if name.endswith(("DATA_5_32_22", "DATA/5/00/00/WM.tif")))
    whole = storage.get(slab)
    for nbytes in (0, 1, 2047, 2060, len(whole) - 1):
        storage.put(slab, whole[:nbytes])
        with storage.settled(**IMPATIENT):
            dataset = open_dataset("ROK4:" + path)
            assert slab.rpartition("/")[2] in failure(dataset)
            assert dataset.ReadAsArray(128, 0, 64, 64) is not None
    assert dataset.ReadAsArray(0, 0, 64, 64) is not None
    storage.put(slab, whole)
    with storage.settled():
        assert_same(path, PLAIN)


# Settings.


def test_settings_of_rok4(object_storage):
    """ROK4_S3_*, ROK4_SWIFT_*, ROK4_KEYSTONE_*, ROK4_CEPH_* are enough."""
    storage = object_storage
    path = rok4_objects.put(storage, MASKED)
    with storage.settled_as_for_rok4():
        for name in ("ROK4:" + path,
                     "ROK4:" + storage.rok4_path(MASKED + ".json")):
            assert_same(name, MASKED)


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1"])
def test_settings_of_gdal_win(make_storage, kind):
    """ROK4's lead nowhere, GDAL's lead to the storage."""
    storage = make_storage(kind)
    path = rok4_objects.put(storage, MASKED)
    with storage.settled(ROK4_S3_URL="http://127.0.0.1:1", ROK4_S3_KEY="a",
                         ROK4_S3_SECRETKEY="b",
                         ROK4_SWIFT_AUTHURL="http://127.0.0.1:1/auth/v1.0",
                         ROK4_SWIFT_USER="a", ROK4_SWIFT_PASSWD="b"):
        assert_same("ROK4:" + path, MASKED)


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1", "SWIFT_V3"])
def test_settings_of_the_path(make_storage, kind):
    """Path-specific options, as QGIS sets them for a connection: slabs are
    found with those of the descriptor's place, whatever is set elsewhere."""
    storage = make_storage(kind)
    path = rok4_objects.put(storage, LINKED)
    gdal.VSICurlClearCache()
    storage.settle_path()
    assert_same("ROK4:" + path, LINKED)
    with config(ROK4_S3_URL="http://127.0.0.1:1", ROK4_S3_KEY="a",
                ROK4_S3_SECRETKEY="b"):
        assert_same("ROK4:" + path, LINKED)
    gdal.ClearPathSpecificOptions(storage.root)
    gdal.VSICurlClearCache()
    with config(ROK4_OBJECT_READ_ATTEMPTS="1"):
        refused_by_rok4("ROK4:" + path)


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1", "SWIFT_V3"])
def test_settings_of_the_thread(make_storage, kind):
    """Worker threads read with what the caller's thread alone knows; another
    thread does not."""
    storage = make_storage(kind)
    path = rok4_objects.put(storage, "t64_zip_1x1")
    found = {}

    def read(number):
        options = storage.options if number == 0 else {}
        for key, value in options.items():
            gdal.SetThreadLocalConfigOption(key, value)
        try:
            found[number] = seen("ROK4:" + path)
        except AssertionError:
            found[number] = None
    gdal.VSICurlClearCache()
    with config(ROK4_OBJECT_READ_ATTEMPTS="1"):
        rok4_util.in_threads(read, 2)
    assert found[1] is None
    expected = pyramids.seen_in_files("t64_zip_1x1")
    assert found[0][0] == expected[0]
    pyramids.assert_same_levels(found[0][1], expected[1])


def lists_of(*clusters, **more):
    """ROK4_S3_* for several clusters."""
    known = [cluster.rok4_options() for cluster in clusters]
    return dict({key: ",".join(one[key] for one in known) for key in
                 ("ROK4_S3_URL", "ROK4_S3_KEY", "ROK4_S3_SECRETKEY")}, **more)


@pytest.fixture
def two(ceph, second_ceph, make_storage):
    """Buckets of the same name in two clusters, of which ROK4_* tell."""
    first = make_storage("S3")
    second = stores.Bucket(second_ceph, first.tray)
    with config(**lists_of(ceph, second_ceph)):
        gdal.VSICurlClearCache()
        yield first, second
    gdal.VSICurlClearCache()
    second.close()


def at(storage, name):
    """The name of ROK4's tools for an object in a cluster."""
    return "s3://%s@%s/%s" % (storage.tray, storage.cluster.endpoint, name)


def test_two_clusters(two):
    """Pyramids of the same name in buckets of the same name; without a
    cluster it is the first one."""
    first, second = two
    rok4_objects.put(first, MASKED, "N")
    rok4_objects.put(second, "t64_zip_hole", "N")
    for _ in range(2):
        assert_same("ROK4:" + at(first, "N.json"), MASKED)
        assert_same("ROK4:" + at(second, "N.json"), "t64_zip_hole")
        assert_same("ROK4:s3://%s/N.json" % first.tray, MASKED)
    path = "/vsis3/%s@%s/N.json" % (second.tray, second.cluster.endpoint)
    assert_same("ROK4:" + path, "t64_zip_hole")


def test_slabs_and_links_in_another_cluster(two, tmp_path):
    """BUCKET@CLUSTER in a descriptor and in a link."""
    first, second = two
    elsewhere = "%s@%s" % (second.tray, second.cluster.endpoint)
    rok4_objects.put(second, MASKED)
    first.put("N.json", rok4_objects.objects_of(MASKED, "S3", elsewhere)[
        MASKED + ".json"])
    assert_same("ROK4:" + at(first, "N.json"), MASKED)
    assert_same(descriptor_in_files(tmp_path, first, MASKED,
                                    bucket_name=elsewhere), MASKED)
    # Links of the first cluster to slabs of the second.
    rok4_objects.put(second, PLAIN)
    first.put_all(rok4_objects.objects_of(LINKED, "S3", first.tray))
    for name in first.list(LINKED + "/"):
        text = first.get(name)
        if text.startswith(b"SYMLINK#"):
            first.put(name, text.replace(first.tray.encode(),
                                         elsewhere.encode()))
    assert_same("ROK4:" + at(first, LINKED + ".json"), LINKED)
    # Without "@", a link stays in the cluster that it is in.
    rok4_objects.put(second, LINKED)
    assert_same("ROK4:" + at(second, LINKED + ".json"), LINKED)


def test_clusters_that_are_not_known(two, ceph, second_ceph):
    """Errors, without a secret."""
    first, second = two
    rok4_objects.put(second, MASKED)
    name = "ROK4:" + at(second, MASKED + ".json")
    for options, said in (
            (lists_of(ceph), second.cluster.endpoint),
            (lists_of(ceph, second_ceph, ROK4_S3_KEY="one"), "ROK4_S3_KEY"),
            (dict.fromkeys(lists_of(ceph)), second.cluster.endpoint)):
        with config(**options):
            found = refused_by_rok4(name)
            assert said in found
            assert not any(secret in found for secret in
                           ceph.secrets() + second_ceph.secrets())


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1", "SWIFT_V3"])
def test_wrong_password(make_storage, kind):
    """An error at once, which names neither password nor key."""
    storage = make_storage(kind)
    path = rok4_objects.put(storage, MASKED)
    key = {"S3": "AWS_SECRET_ACCESS_KEY", "SWIFT_V1": "SWIFT_KEY",
           "SWIFT_V3": "OS_PASSWORD"}[kind]
    with storage.settled(**{key: "WrongSecret"}):
        found = refused_by_rok4("ROK4:" + path)
    assert "WrongSecret" not in found
    with storage.settled():
        assert_same("ROK4:" + path, MASKED)


# Users who may only read.


@pytest.fixture
def readable(make_storage, ceph):
    """A bucket whose reader may get objects, but not list them: then the
    gateway says 403 of what is not there."""
    storage = make_storage("S3")
    ceph.allow(storage.tray, ["s3:GetObject"])
    with config(**ceph.s3_options("reader")):
        gdal.VSICurlClearCache()
        yield storage
    gdal.VSICurlClearCache()


def test_reader_without_list_permission(readable):
    """What is there is read. What is not there is an error, and nodata with
    ROK4_MISSING_ON_403=YES."""
    path = rok4_objects.put(readable, PLAIN)
    assert_same("ROK4:" + path, PLAIN)
    path = rok4_objects.put(readable, "t64_zip_hole")
    for missing in ("NO", "YES", None):
        with config(ROK4_MISSING_ON_403=missing):
            gdal.VSICurlClearCache()
            if missing == "YES":
                assert_same("ROK4:" + path, "t64_zip_hole")
                continue
            found = failure(open_dataset("ROK4:" + path))
            assert "DATA_" in found and "403" in found


def test_reader_who_may_list(readable, ceph):
    """Then what is not there is told as that."""
    ceph.allow(readable.tray, ["s3:GetObject", "s3:ListBucket"])
    path = rok4_objects.put(readable, "t64_zip_hole")
    assert_same(path, "t64_zip_hole")


@pytest.mark.parametrize("kind", ["SWIFT_V1", "RADOS"])
def test_readers_elsewhere(make_storage, ceph, kind):
    """Users who may not write, but know what is not there."""
    storage = make_storage(kind)
    path = rok4_objects.put(storage, "t64_zip_hole")
    options = {"SWIFT_V1": ceph.swift_v1_options,
               "RADOS": ceph.rados_options}[kind]("reader")
    with config(**options):
        gdal.VSICurlClearCache()
        assert_same("ROK4:" + path, "t64_zip_hole")
    gdal.VSICurlClearCache()


def test_reader_without_permissions(make_storage, ceph):
    """Neither descriptor nor slabs: errors."""
    storage = make_storage("S3")
    path = rok4_objects.put(storage, PLAIN)
    with config(ROK4_MISSING_ON_403="NO", **ceph.s3_options("reader")):
        gdal.VSICurlClearCache()
        assert "403" in refused_by_rok4("ROK4:" + path)
    gdal.VSICurlClearCache()


def test_forbidden_by_a_web_server(http):
    """403 of slabs, which are beside the descriptor or elsewhere."""
    path = rok4_objects.put(http, PLAIN)
    root = "STORAGE_ROOT=/vsicurl/http://%s/forbidden" % http.endpoint
    dataset = open_dataset("ROK4:" + path, root)
    assert "403" in failure(dataset)
    with config(ROK4_MISSING_ON_403="YES"):
        dataset = open_dataset("ROK4:" + path, root)
        assert (dataset.ReadAsArray() == 255).all()
