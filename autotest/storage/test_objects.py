# SPDX-License-Identifier: MIT
"""The fixtures as objects: what rok4_objects makes of them."""

import json
import os

import pytest

import rok4_make
import rok4_objects
import rok4_util


@pytest.mark.parametrize("path,slab", [
    ("00/00/00.tif", (0, 0)), ("00/00/XM.tif", (33, 22)),
    ("00/05/PF.tif", (25, 195)), ("1000/00/00.tif", (46656, 0)),
    ("53OV/W6/TG.tif", (265565, 180376)), ("73.tif", (7, 3))])
def test_slabs_of_paths(path, slab):
    """Spec section 4, and what rok4_make makes of them."""
    assert rok4_objects.slab_of_path(path) == slab
    assert rok4_make.slab_path(*slab, path.count("/")) == path


@pytest.mark.parametrize("type_,tray", [
    ("S3", "bucket_name"), ("SWIFT", "container_name"),
    ("CEPH", "pool_name")])
def test_descriptors(type_, tray):
    """Spec section 2."""
    objects = rok4_objects.objects_of("t64_zip_mask", type_, "T", "a/b")
    found = json.loads(objects["a/b.json"])
    with open(rok4_util.fixture("t64_zip_mask"), encoding="utf-8") as file:
        expected = json.load(file)
    for level, before in zip(found["levels"], expected["levels"]):
        assert level.pop("storage") == {
            "type": type_, tray: "T",
            "image_prefix": "a/b/DATA_" + level["id"],
            "mask_prefix": "a/b/MASK_" + level["id"]}
        before.pop("storage")
    assert found == expected


def listed(text):
    """{object} that the list names."""
    head, _, body = text.partition("#\n")
    roots = dict(line.split("=") for line in head.splitlines())
    return {"%s/%s" % (roots[line.split("/")[0]], line.split("/", 1)[1])
            for line in body.splitlines()}


@pytest.mark.parametrize("name", rok4_util.FIXTURES)
def test_every_fixture(name):
    """As many slabs as files, the same bytes, and all are listed."""
    objects = rok4_objects.objects_of(name, "S3", "T", links=False)
    slabs = {key: data for key, data in objects.items()
             if not key.endswith((".json", ".list"))}
    files = [os.path.join(place, file) for place, _, files in
             os.walk(rok4_util.fixture(name)[:-5]) for file in files]
    contents = []
    for path in files:
        with open(path, "rb") as file:
            contents.append(file.read())
    assert slabs and sorted(slabs.values()) == sorted(contents)
    assert listed(objects[name + ".list"].decode()) == {
        "T/" + key for key in slabs}


def test_links():
    """Spec section 7: DATA/5/00/00/WM.tif is column 32, row 22."""
    objects = rok4_objects.objects_of("t64_upd_slink", "CEPH", "T")
    assert objects["t64_upd_slink/DATA_5_32_22"] == (
        b"SYMLINK#T/t64_zip_uint8_rgb/DATA_5_32_22")
    assert objects["t64_upd_slink/DATA_5_33_23"].startswith(b"II*\0")
    text = objects["t64_upd_slink.list"].decode()
    assert text.startswith("0=T/t64_upd_slink\n1=T/t64_zip_uint8_rgb\n#\n")
    assert "T/t64_zip_uint8_rgb/DATA_5_32_22" in listed(text)
    assert "T/t64_upd_slink/DATA_5_33_23" in listed(text)


@pytest.mark.parametrize("name", ["t64_zip_mask", "t64_upd_slink"])
@pytest.mark.parametrize("kind", ["FILE", "S3", "SWIFT_V1", "SWIFT_V3",
                                  "RADOS", "HTTP"])
def test_put(make_storage, kind, name):
    """All of it is there, with what its links lead to."""
    storage = make_storage(kind)
    path = rok4_objects.put(storage, name)
    assert path == storage.path(name + ".json")
    found = storage.get_all()
    if storage.type == "FILE":
        expected = rok4_objects.files_of(name, storage.path()[:-1])
    else:
        expected = rok4_objects.objects_of(name, storage.type, storage.tray)
        if name == "t64_upd_slink":
            expected.update(rok4_objects.objects_of(
                "t64_zip_uint8_rgb", storage.type, storage.tray))
    assert found == expected


def test_put_objects_behind_http(http):
    rok4_objects.put(http, "t64_zip_1x1", "a/b", "S3")
    assert "a/b.json" in http.list()
    assert "a/b/DATA_5_66_45" in http.list()
