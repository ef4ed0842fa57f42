# SPDX-License-Identifier: MIT
"""Update access: extent, statistics, companions, and what is refused."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

import rok4_edit
import rok4_util
import rok4_write
from rok4_write import PX, SIZE, Model, create, noise, source


def test_growth(tmp_path):
    """With EXTENT_METHOD=MATRIX, beyond the limits, which grow."""
    pixels = noise(3)
    path = create(tmp_path / "a.json", source(pixels))
    dataset = rok4_edit.update(path, "EXTENT_METHOD=MATRIX")
    far = noise(3, (90, 70), seed=4)
    place = (PX[0] + 500, PX[1] - 300)
    x, y = place
    assert dataset.WriteRaster(
        x, y, 70, 90, np.ascontiguousarray(
            far.transpose(2, 0, 1)).tobytes()) == 0
    found = dataset.ReadAsArray(x, y, 70, 90).transpose(1, 2, 0)
    np.testing.assert_array_equal(found, far)
    dataset.FlushCache()
    np.testing.assert_array_equal(
        dataset.ReadAsArray(x, y, 70, 90).transpose(1, 2, 0), far)
    assert rok4_edit.close(dataset) == []
    whole = np.full((300 + SIZE[0], 570, 3), 255, np.uint8)
    whole[300:, :SIZE[1]] = pixels
    whole[:90, 500:] = far
    valid = np.zeros(whole.shape[:2], bool)
    valid[300:, :SIZE[1]] = True
    valid[:90, 500:] = True
    corner = (PX[0], PX[1] - 300)
    model = Model([255] * 3, "all", px=corner, size=whole.shape[:2])
    model.paint(whole, corner, valid).check(path)
    rok4_write.strict(path)


def test_beyond_the_extent(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    before = rok4_write.tree(tmp_path)
    dataset = rok4_edit.update(path)
    with rok4_util.Errors() as errors:
        dataset.GetRasterBand(1).WriteRaster(dataset.RasterXSize - 2, 0, 5, 5,
                                             bytes(25))
    assert errors.failures
    assert rok4_edit.close(dataset) == []
    assert rok4_write.tree(tmp_path) == before


def test_new_tiles(tmp_path):
    """Tiles that the pyramid has no slab for; nodata makes none."""
    pixels = noise(3)
    dataset = rok4_edit.new(tmp_path / "a.json", (512, 512), 3)
    rok4_write.place(dataset)
    rok4_edit.write(dataset, np.resize(pixels, (512, 512, 3)), (0, 0, 60, 60))
    assert rok4_edit.close(dataset) == []
    assert len(rok4_write.slabs(tmp_path / "a.json", "5")) == 4
    dataset = rok4_edit.update(tmp_path / "a.json")
    rok4_edit.write(dataset, np.full((512, 512, 3), 255, np.uint8),
                    (300, 300, 60, 60))
    rok4_edit.write(dataset, np.resize(pixels, (512, 512, 3)),
                    (300, 60, 20, 20))
    assert rok4_edit.close(dataset) == []
    assert len(rok4_write.slabs(tmp_path / "a.json", "5")) == 6
    rok4_write.strict(tmp_path / "a.json")


# ---- Statistics ----

def test_statistics(tmp_path):
    """Dropped with the pixels they were of; the rest of PAM stays."""
    path = create(tmp_path / "a.json", source(noise(1)))
    for options in ([], ["EXTENT_METHOD=MATRIX"]):
        dataset = gdal.OpenEx(path, open_options=options)
        band = dataset.GetRasterBand(1)
        band.SetMetadataItem("key", "value")
        dataset.SetMetadataItem("key", "value")
        if not options:
            band.ComputeStatistics(False)
            band.GetDefaultHistogram()
        else:
            band.SetMetadataItem("STATISTICS_MEAN", "5")
        del band, dataset
    with open(path + ".aux.xml", encoding="utf-8") as file:
        text = file.read()
    assert "STATISTICS_MEAN" in text and "Histograms" in text
    dataset = rok4_edit.update(path)
    assert dataset.GetRasterBand(1).GetMetadataItem(
        "STATISTICS_MEAN") is not None  # loaded
    dataset.GetRasterBand(1).WriteArray(np.zeros((5, 5), np.uint8))
    dataset.FlushCache()
    assert dataset.GetRasterBand(1).GetMetadataItem("STATISTICS_MEAN") is None
    dataset.GetRasterBand(1).SetMetadataItem("other", "value")
    assert rok4_edit.close(dataset) == []
    with open(path + ".aux.xml", encoding="utf-8") as file:
        text = file.read()
    assert "STATISTICS" not in text and "Histograms" not in text
    for options in ([], ["EXTENT_METHOD=MATRIX"]):
        dataset = gdal.OpenEx(path, open_options=options)
        assert dataset.GetMetadataItem("key") == "value"
        assert dataset.GetRasterBand(1).GetMetadataItem("key") == "value"
    assert gdal.Open(path).GetRasterBand(1).GetMetadataItem("other") == "value"


def test_statistics_stay_when_nothing_changes(tmp_path):
    path = create(tmp_path / "a.json", source(noise(1)))
    dataset = rok4_edit.update(path)
    dataset.GetRasterBand(1).ComputeStatistics(False)
    assert rok4_edit.close(dataset) == []
    assert gdal.Open(path).GetRasterBand(1).GetMetadataItem(
        "STATISTICS_MEAN") is not None


# ---- Companions ----

@pytest.mark.parametrize("options", [
    ["LIST=YES", "MD5=YES"], ["LIST=NO", "MD5=NO"], ["LIST=YES", "MD5=NO"]])
def test_companions(options, tmp_path):
    """Those that are there are kept up, others are not made."""
    path = create(tmp_path / "a.json", source(noise(3)), *options)
    names = sorted(os.listdir(tmp_path))
    dataset = rok4_edit.update(path)
    dataset.GetRasterBand(1).WriteArray(np.zeros((5, 5), np.uint8))
    assert rok4_edit.close(dataset) == []
    assert sorted(os.listdir(tmp_path)) == names
    if "LIST=YES" in options:
        rok4_write.strict(path)


# ---- Refused ----

def test_coarser_level(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    assert "level 5, which is the one to write to" in rok4_edit.refuse_update(
        path, "TILEMATRIX=4")
    dataset = rok4_edit.update(path, "TILEMATRIX=5")
    assert rok4_edit.close(dataset) == []


def test_slabs_elsewhere(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    os.rename(tmp_path / "a", tmp_path / "c")
    text = open(path).read().replace('"a/DATA', '"c/DATA')
    with open(path, "w") as file:
        file.write(text)
    assert gdal.Open(path) is not None
    assert "expected" in rok4_edit.refuse_update(path)


def test_storage_root(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    assert "STORAGE_ROOT" in rok4_edit.refuse_update(
        path, "STORAGE_ROOT=" + str(tmp_path))


def test_vector_pyramid():
    with rok4_util.Errors() as errors:
        assert gdal.OpenEx(rok4_util.fixture("pm_mvt"), gdal.OF_UPDATE) is None
    assert "vector" in " ".join(errors.failures)


def test_archive(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    archive = shutil.make_archive(str(tmp_path / "x"), "tar", str(tmp_path))
    assert "renaming" in rok4_edit.refuse_update(
        "ROK4:/vsitar/%s/a.json" % archive)
    assert os.path.exists(path)


def test_missing_level(tmp_path):
    """Levels above one that is missing could not be made of it."""
    path = create(tmp_path / "a.json", source(noise(3)))
    parsed = rok4_write.descriptor(path)
    parsed["levels"] = [level for level in parsed["levels"]
                        if level["id"] != "4"]
    with open(path, "w") as file:
        json.dump(parsed, file)
    assert "lacks level 4" in rok4_edit.refuse_update(path)


def test_read_only(tmp_path):
    path = create(tmp_path / "a.json", source(noise(3)))
    dataset = gdal.Open(path)
    with rok4_util.Errors() as errors:
        dataset.GetRasterBand(1).WriteArray(np.zeros((5, 5), np.uint8))
    assert errors.failures


def test_locked(tmp_path):
    """Another writer: nothing can be written until it has ended."""
    path = create(tmp_path / "a.json", source(noise(3)))
    before = rok4_write.tree(tmp_path)
    dataset = rok4_edit.update(path)
    part = np.zeros((5, 5), np.uint8)
    script = ("import fcntl, sys\n"
              "f = open(%r, 'a+'); fcntl.flock(f, fcntl.LOCK_EX | %s)\n"
              "print('locked', flush=True); sys.stdin.read()\n"
              % (path + ".lock", "fcntl.LOCK_NB"))
    child = subprocess.Popen([sys.executable, "-c", script],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"locked\n"
    with rok4_util.Errors() as errors:
        assert dataset.GetRasterBand(1).WriteArray(part) != 0
    assert len(errors.failures) == 1
    child.communicate(b"", timeout=60)
    os.unlink(path + ".lock")
    assert rok4_write.tree(tmp_path) == before
    assert dataset.GetRasterBand(1).WriteArray(part) == 0
    # From now on, this is the writer.
    child = subprocess.run([sys.executable, "-c", script], timeout=60,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    assert child.stdout == b""
    assert rok4_edit.close(dataset) == []
    assert (gdal.Open(path).ReadAsArray()[0, :5, :5] == 0).all()
