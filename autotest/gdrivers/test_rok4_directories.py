# SPDX-License-Identifier: MIT
"""Where slabs are: relative, absolute, elsewhere, remote, forbidden."""

import json
import os
import shutil

import numpy as np
import pytest
from osgeo import gdal

import rok4_decode
import rok4_make
import rok4_tms
from rok4_util import Errors, config, open_dataset, pixels_of, refused


def make(root, directory=None, depth=2, name="N", **more):
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(root), tms)
    return rok4_make.Pyramid(
        root, name, tms, "TIFF_ZIP_UINT8", 3,
        levels=[rok4_make.Level("4", (40, 33, 43, 35), (2, 2), depth,
                                directory=directory, **more)])


def right(path, reference_path, tmp_path, *options):
    reference = rok4_decode.Pyramid(reference_path, tmp_path / "p")
    np.testing.assert_array_equal(
        pixels_of(open_dataset(path, *options)),
        reference.level_array(reference.levels[0]))


@pytest.mark.parametrize("directory", [
    "N/DATA/4", "./N/DATA/4", "./x/../N/DATA/4", "../elsewhere/D/4",
    "N/DATA/4/", "../../p2/D", "deep/er/and/deeper/DATA/4", ".", "./",
    "with spaces/é/4", "N//DATA//4"])
def test_relative(tmp_path, directory):
    os.makedirs(str(tmp_path / "p" / "x"))
    path = make(tmp_path / "p", directory).write()
    right(path, path, tmp_path)
    cwd = os.getcwd()
    os.chdir(str(tmp_path / "p"))
    try:
        right("N.json", path, tmp_path)
    finally:
        os.chdir(cwd)


def test_absolute(tmp_path):
    path = make(tmp_path / "p", str(tmp_path / "abs" / "DATA" / "4")).write()
    right(path, path, tmp_path)


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 6, 16])
def test_path_depth(tmp_path, depth):
    path = make(tmp_path / "p", depth=depth).write()
    right(path, path, tmp_path)


@pytest.mark.parametrize("col,row,depth,expected", [
    (0, 0, 2, "00/00/00"), (33, 22, 2, "00/00/XM"), (35, 36, 2, "00/01/Z0"),
    (25, 195, 2, "00/05/PF"), (4032, 18217, 2, "3E/42/01"),
    (1295, 1296, 2, "01/Z0/Z0"), (46656, 0, 2, "1000/00/00"),
    (265565, 180376, 2, "53OV/W6/TG"), (60466175, 1, 2, "Z0Z0Z0/Z0/Z1"),
    (1296, 5, 1, "1000/05"), (7, 3, 0, "73"), (40, 3, 0, "1043")])
def test_slab_names(tmp_path, col, row, depth, expected):
    """The table of spec section 4, through the driver."""
    assert rok4_make.slab_path(col, row, depth) == expected + ".tif"
    tms = rok4_tms.tms("B", "EPSG:32631", [rok4_tms.matrix(
        "0", 0.001, (0, 0), (16, 16), (70000000, 70000000))])
    rok4_tms.write(str(tmp_path), tms)
    path = rok4_make.Pyramid(
        tmp_path, "N", tms, "TIFF_RAW_UINT8", 1, levels=[rok4_make.Level(
            "0", (col, row, col, row), (1, 1), depth)]).write()
    assert os.path.exists(str(tmp_path / "N/DATA/0" / (expected + ".tif")))
    assert (pixels_of(open_dataset(path)) != 255).any()


def test_storage_root_of_relative(tmp_path):
    """STORAGE_ROOT takes the place of the descriptor's directory."""
    path = make(tmp_path / "p").write()
    os.makedirs(str(tmp_path / "store"))
    keep = str(tmp_path / "p" / "keep")
    shutil.copytree(str(tmp_path / "p" / "N"), keep)
    shutil.move(str(tmp_path / "p" / "N"), str(tmp_path / "store" / "N"))
    dataset = open_dataset(path)
    assert (dataset.ReadAsArray() == 255).all()
    found = pixels_of(open_dataset(
        path, "STORAGE_ROOT=" + str(tmp_path / "store")))
    shutil.move(keep, str(tmp_path / "p" / "N"))
    reference = rok4_decode.Pyramid(path, tmp_path / "p")
    np.testing.assert_array_equal(found,
                                  reference.level_array(reference.levels[0]))
    slashed = pixels_of(open_dataset(
        path, "STORAGE_ROOT=" + str(tmp_path / "store") + "/"))
    np.testing.assert_array_equal(found, slashed)


def test_storage_root_of_absolute(tmp_path):
    """The last three components are looked up below it."""
    pyramid = make(tmp_path / "p", str(tmp_path / "old" / "N" / "DATA" / "4"))
    path = pyramid.write()
    expected = pixels_of(open_dataset(path))
    os.rename(str(tmp_path / "old"), str(tmp_path / "new"))
    assert (open_dataset(path).ReadAsArray() == 255).all()
    found = pixels_of(open_dataset(
        path, "STORAGE_ROOT=" + str(tmp_path / "new")))
    np.testing.assert_array_equal(found, expected)


def test_outside_paths_can_be_forbidden(tmp_path):
    """ROK4_ALLOW_OUTSIDE_PATHS=NO: nothing outside the descriptor's
    directory."""
    os.makedirs(str(tmp_path / "p" / "N" / "x"))
    for i, directory in enumerate(("../out/D", str(tmp_path / "abs" / "D"),
                                   "N/../../out/D")):
        path = make(tmp_path / "p", directory, name="N%d" % i).write()
        assert open_dataset(path).ReadAsArray().min() < 255
        with config(ROK4_ALLOW_OUTSIDE_PATHS="NO"):
            with Errors() as errors:
                dataset = gdal.Open(path)
                if dataset is not None:
                    assert dataset.ReadAsArray() is None
            assert errors.failures
            assert "outside" in " ".join(errors.failures)
    for i, directory in enumerate(("N/DATA/4", "./N/x/../D",
                                   str(tmp_path / "p" / "N" / "A"))):
        path = make(tmp_path / "p", directory, name="M%d" % i).write()
        with config(ROK4_ALLOW_OUTSIDE_PATHS="NO"):
            assert open_dataset(path).ReadAsArray().min() < 255


def test_unreadable_slab_is_an_error(tmp_path):
    """A directory in the place of a slab: not absent, not nodata."""
    pyramid = make(tmp_path / "p")
    path = pyramid.write()
    slab = pyramid.slab_file(pyramid.levels[0], 20, 16)
    os.unlink(slab)
    os.mkdir(slab)
    with Errors() as errors:
        assert open_dataset(path).ReadAsArray(0, 0, 64, 64) is None
    assert any("KG.tif" in text for text in errors.failures)


def test_object_storage_descriptor_says_what_it_needs(tmp_path):
    """S3 levels in a local descriptor: an error with the type in it, or
    slabs found by their object names; never silent nodata."""
    pyramid = make(tmp_path / "p")
    path = pyramid.write()
    descriptor = pyramid.descriptor()
    descriptor["levels"][0]["storage"] = {
        "type": "S3", "bucket_name": "nowhere", "image_prefix": "N/DATA_4"}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(descriptor, file)
    with config(AWS_NO_SIGN_REQUEST="YES", AWS_S3_ENDPOINT="127.0.0.1:9",
                AWS_HTTPS="NO", GDAL_HTTP_MAX_RETRY="0"):
        with Errors() as errors:
            dataset = gdal.Open(path)
            if dataset is not None:
                dataset.ReadAsArray(0, 0, 9, 9)
        assert errors.failures


def test_path_depth_beyond_reason(tmp_path):
    pyramid = make(tmp_path / "p", depth=2)
    pyramid.levels[0].depth = 2
    path = pyramid.write()
    for depth in (17, 1000, -1, 2.5, "2"):
        descriptor = pyramid.descriptor()
        descriptor["levels"][0]["storage"]["path_depth"] = depth
        pyramid.write_descriptor(descriptor)
        assert "path_depth" in refused(path)
