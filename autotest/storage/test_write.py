# SPDX-License-Identifier: MIT
"""Pyramids written to every storage are those that are written to files: the
same bytes under the storage's names (spec sections 1, 2, 4, 7)."""

import json
import os
import re

import numpy as np
import pytest
from osgeo import gdal

import pyramids
import rok4_objects
import rok4_write
from both import both, valid, with_s3  # noqa: F401 (fixtures)
from rok4_util import Errors, config

# Two tiles a side, and a corner that is no tile's.
GRID_L93 = ["TILING_SCHEME=LAMB93_1M_MNT", "TILES_PER_WIDTH=2",
            "TILES_PER_HEIGHT=2", "BOTTOM_LEVEL=7", "TOP_LEVEL=4"]


@pytest.mark.parametrize("options", [
    ["COMPRESS=NONE"], ["COMPRESS=JPEG"], ["COMPRESS=JPEG", "QUALITY=90"],
    ["COMPRESS=PNG"], ["COMPRESS=LZW"], ["COMPRESS=PACKBITS"],
    ["TILES_PER_WIDTH=16", "TILES_PER_HEIGHT=3"], ["ADD_ALPHA=YES"],
    ["OVERVIEW_RESAMPLING=CUBIC"], ["OVERVIEW_RESAMPLING=NEAREST"],
    ["SPARSE_OK=YES"]], ids=" ".join)
def test_new(with_s3, options):
    with_s3.create(rok4_write.source(rok4_write.noise(3), nodata=0), *options)
    with_s3.check()


def test_new_with_masks(both):
    both.create(rok4_write.source(rok4_write.noise(3), mask=valid()),
                "MASK=YES", "COMPRESS=JPEG")
    both.check()
    names = both.storage.list("N/")
    assert any("MASK" in name for name in names)


def test_new_with_alpha(with_s3):
    pixels = rok4_write.noise(4)
    pixels[:, :, 3] = np.where(valid(), 255, 0)
    with_s3.create(rok4_write.source(pixels, alpha=True), "COMPRESS=PNG")
    with_s3.check()


def test_new_float(both):
    pixels = rok4_write.noise(1, dtype=np.float32)
    pixels[~valid()] = -9999
    both.create(rok4_write.source(pixels, nodata=-9999))
    both.check()


def on_a_grid_of_integer_ratios(both, compress):
    source = rok4_write.source(rok4_write.noise(3, (500, 600)),
                               (130000, 1000000), "7", "LAMB93_1M_MNT")
    for method in ("NEAREST", "BILINEAR"):
        both.create(source, "COMPRESS=" + compress, "OVERWRITE=YES",
                    "OVERVIEW_RESAMPLING=" + method, *GRID_L93, small=False)
        both.check()


def test_new_on_a_grid_of_integer_ratios(both):
    """Where levels are not made of the next finer one in the one pass; lossy
    ones are kept without loss meanwhile, on the disk."""
    on_a_grid_of_integer_ratios(both, "JPEG")


def test_new_on_a_grid_without_loss(with_s3):
    on_a_grid_of_integer_ratios(with_s3, "DEFLATE")


def test_new_off_the_grid(with_s3):
    source = rok4_write.source(rok4_write.noise(3),
                               cell=rok4_write.matrix_of()["cellSize"] * 1.3)
    with_s3.create(source)
    with_s3.check()


def test_new_of_a_pyramid(both):
    """Slabs as they are; of a level, tiles or pixels."""
    source = pyramids.fixture_dataset("t64_zip_uint8_rgb")
    both.create(source, small=False)
    both.check()
    both.create(source, "OVERWRITE=YES", "COMPRESS=PNG", small=False)
    both.check()


def test_new_in_a_directory_of_the_tray(object_storage, tmp_path):
    """NAME with slashes, in descriptor and list too."""
    storage = object_storage
    (tmp_path / "files").mkdir()
    source = rok4_write.source(rok4_write.noise(3), mask=valid())
    path = rok4_write.create(storage.path("a/b/N.json"), source, "MASK=YES")
    local = rok4_write.create(tmp_path / "N.json", source, "MASK=YES")
    found = storage.get_all()
    expected = rok4_objects.objects_of(local, storage.type, storage.tray,
                                       "a/b/N")
    assert sorted(found) == sorted(expected)
    assert found["a/b/N.list"].startswith(
        b"0=%s/a/b/N\n#\n0/DATA_5_" % storage.tray.encode())
    descriptor = json.loads(found["a/b/N.json"])
    assert descriptor == json.loads(expected["a/b/N.json"])
    for level in descriptor["levels"]:
        assert level["storage"] == {
            "type": storage.type,
            rok4_objects.TRAYS[storage.type]: storage.tray,
            "image_prefix": "a/b/N/DATA_" + level["id"],
            "mask_prefix": "a/b/N/MASK_" + level["id"]}
    ours, theirs = pyramids.seen(path), pyramids.seen(local)
    pyramids.assert_same_levels(ours[1], theirs[1])


def test_names_of_rok4(object_storage):
    """ROK4:s3://TRAY/N.json is written as it is read; with the settings of
    ROK4's programs alone."""
    storage = object_storage
    source = rok4_write.source(rok4_write.noise(3))
    rok4_write.create("ROK4:" + storage.rok4_path("N.json"), source)
    expected = storage.get_all()
    with storage.settled_as_for_rok4():
        rok4_write.create("ROK4:" + storage.rok4_path("N.json"), source,
                          "OVERWRITE=YES")
    assert storage.get_all() == expected


@pytest.mark.parametrize("name", ["a#b", "a?b"])
def test_names_that_readers_refuse(object_storage, name):
    """Nothing is written that cannot be read."""
    source = rok4_write.source(rok4_write.noise(3))
    assert name in rok4_write.refuse(
        "ROK4:" + object_storage.path(name + ".json"), source)
    assert object_storage.list() == []


def test_list_can_be_left_out(with_s3):
    source = rok4_write.source(rok4_write.noise(3))
    with_s3.create(source, "LIST=NO")
    assert "N.list" not in with_s3.storage.list()
    with_s3.create(source, "OVERWRITE=YES")
    with_s3.check()
    with_s3.create(source, "LIST=NO", "OVERWRITE=YES")
    assert "N.list" not in with_s3.storage.list()


# What stands there.


def test_overwriting(both):
    """Slabs of the old pyramid are no more, and what is not ours stays."""
    storage = both.storage
    foreign = {"N2.json": b"{}", "N2/DATA_5_32_22": b"x", "N/notes": b"y",
               "N/DATA_5_1": b"z", "other": b"w"}
    both.create(rok4_write.source(rok4_write.noise(3, (300, 700)),
                                  mask=valid((300, 700))), "MASK=YES")
    storage.put_all(foreign)
    said = rok4_write.refuse(both.paths[1],
                             rok4_write.source(rok4_write.noise(3)))
    assert "OVERWRITE" in said
    for options in (["OVERWRITE=YES", "MASK=YES"],
                    ["OVERWRITE=YES", "TOP_LEVEL=4"],
                    ["OVERWRITE=YES", "TILES_PER_WIDTH=4"]):
        both.create(rok4_write.source(rok4_write.noise(3), mask=valid()),
                    *options)
        for name, data in foreign.items():
            assert storage.get(name) == data
            storage.delete(name)
        both.check()
        storage.put_all(foreign)


def test_slabs_without_a_descriptor(object_storage):
    """Of a build that was killed: they are not taken for ours unasked."""
    storage = object_storage
    storage.put("N/DATA_5_40_40", b"old")
    source = rok4_write.source(rok4_write.noise(3))
    assert "OVERWRITE" in rok4_write.refuse(storage.path("N.json"), source)
    assert storage.list() == ["N/DATA_5_40_40"]
    rok4_write.create(storage.path("N.json"), source, "OVERWRITE=YES")
    assert "N/DATA_5_40_40" not in storage.list()


# Removing, and giving up.


def test_delete(both):
    """All that is the pyramid's, nothing else."""
    storage = both.storage
    foreign = {"N2.json": b"{}", "N/notes": b"y", "N2/DATA_5_32_22": b"x"}
    both.create(rok4_write.source(rok4_write.noise(3, (300, 700)),
                                  mask=valid((300, 700))), "MASK=YES")
    storage.put_all(foreign)
    driver = gdal.GetDriverByName("ROK4")
    with Errors() as errors:
        assert driver.Delete(both.paths[1]) == gdal.CE_Failure
    assert "ROK4_ALLOW_DELETE" in errors.texts()[0]
    with config(ROK4_ALLOW_DELETE="YES"), Errors() as errors:
        assert driver.Delete(both.paths[1]) == gdal.CE_None
        assert not errors.texts()
        assert storage.get_all() == foreign


@pytest.mark.parametrize("fraction", [0, 0.3, 0.9])
def test_cancelled(both, fraction):
    """No slab, no descriptor; of a pyramid that stood there, it all."""
    source = rok4_write.source(rok4_write.noise(3, (300, 700)))
    path, storage = both.paths[1], both.storage
    stop = rok4_write.Stop(fraction)
    done, errors = rok4_write.run(path, source, [], True, stop)
    assert done is None
    assert storage.list() == []
    rok4_write.create(path, source)
    before = storage.get_all()
    # Objects are replaced at once: a rerun completes it.
    other = rok4_write.source(rok4_write.noise(3, (300, 700), seed=2))
    done, errors = rok4_write.run(path, other, ["OVERWRITE=YES"], True,
                                  rok4_write.Stop(fraction))
    assert done is None
    found = storage.get_all()
    assert sorted(found) == sorted(before)
    assert found["N.json"] == before["N.json"]
    rok4_write.create(path, other, "OVERWRITE=YES")
    after = storage.get_all()
    assert all(found[name] in (before[name], after[name]) for name in found)


def test_failing_source(both):
    """A source whose pixels cannot be read: as if it were cancelled."""
    path = both.directory / "broken.tif"
    rok4_write.source(rok4_write.noise(3, (300, 700)), path=path)
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.truncate(size // 2)
    with Errors() as errors:
        done = gdal.GetDriverByName("ROK4").CreateCopy(
            both.paths[1], gdal.Open(str(path)), options=rok4_write.SMALL)
    assert done is None and errors.failures
    assert both.storage.list() == []


# Who may not write.


def test_reader_may_not_write(make_storage, ceph):
    """An error at once, and nothing is changed. So for an update."""
    for kind, options in (("S3", ceph.s3_options("reader")),
                          ("SWIFT_V1", ceph.swift_v1_options("reader")),
                          ("RADOS", ceph.rados_options("reader"))):
        storage = make_storage(kind)
        source = rok4_write.source(rok4_write.noise(3))
        if kind == "S3":
            ceph.allow(storage.tray, ["s3:GetObject", "s3:ListBucket"])
        options["ROK4_OBJECT_ATTEMPTS_WAIT"] = "0.01"
        with config(**options):
            gdal.VSICurlClearCache()
            said = rok4_write.refuse(storage.path("N.json"), source)
            assert re.search("(?i)denied|403|permitted", said), said
            assert storage.list() == []
        with storage.settled():
            rok4_write.create(storage.path("N.json"), source)
        before = storage.get_all()
        with config(ROK4_ALLOW_DELETE="YES", **options):
            gdal.VSICurlClearCache()
            with config(ROK4_ALLOW_DELETE=None):
                rok4_write.refuse(storage.path("N.json"), source,
                                  "UPDATE_MODE=INPLACE", small=False)
                rok4_write.refuse(storage.path("N.json"), source,
                                  "OVERWRITE=YES")
            with Errors() as errors:
                assert gdal.GetDriverByName("ROK4").Delete(
                    storage.path("N.json")) == gdal.CE_Failure
            assert errors.failures
        assert storage.get_all() == before
        gdal.VSICurlClearCache()
