# SPDX-License-Identifier: MIT
"""Pyramids written by the program gdal (GDAL 3.11)."""

import os
import shutil
import subprocess

import pytest
from osgeo import gdal

import rok4_util
import rok4_write
from rok4_write import create, noise, source

pytestmark = [
    pytest.mark.skipif(int(gdal.VersionInfo()) < 3110000 or
                       shutil.which("gdal") is None,
                       reason="GDAL has no program gdal"),
    pytest.mark.skipif(rok4_util.SANITIZED, reason="starts GDAL's programs")]


def run(*arguments):
    return subprocess.run(
        ["gdal", "raster"] + [str(a) for a in arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, env=dict(os.environ, ROK4_TMS_DIRECTORY=(
            gdal.GetConfigOption("ROK4_TMS_DIRECTORY"))))


def picture_of(seed):
    return source(noise(1, seed=seed))


def picture(path, seed=1):
    gdal.GetDriverByName("GTiff").CreateCopy(str(path), picture_of(seed))
    return path


def convert(*arguments):
    options = []
    for option in rok4_write.SMALL:
        options += ["--co", option]
    return run("convert", "-q", "--of", "ROK4", *options, *arguments)


def level_ids(path):
    return [level["id"] for level in rok4_write.descriptor(path)["levels"]]


def test_convert(tmp_path):
    done = convert(picture(tmp_path / "a.tif"), tmp_path / "a.json")
    assert done.returncode == 0 and not done.stdout, done.stdout
    rok4_write.same_slabs(str(tmp_path / "a.json"),
                          create(tmp_path / "b.json", picture_of(1)))


def test_overwrite(tmp_path):
    """It removes what a driver refuses to delete, unless told it is gone."""
    (tmp_path / "p").mkdir()
    path = create(tmp_path / "p" / "a.json", picture_of(1))
    before = rok4_write.tree(tmp_path / "p")
    other = picture(tmp_path / "b.tif", 2)
    for option in ([], ["--overwrite"]):
        done = convert(*option, other, path)
        assert done.returncode != 0 and "exists" in done.stdout, done.stdout
        assert rok4_write.tree(tmp_path / "p") == before
    done = convert("--overwrite", "--co", "OVERWRITE=YES", other, path)
    assert done.returncode == 0, done.stdout
    rok4_write.same_slabs(path, create(tmp_path / "b.json", picture_of(2)))


def test_in_place(tmp_path):
    path = create(tmp_path / "a.json", picture_of(1))
    done = run("convert", "-q", "--of", "ROK4", "--overwrite", "--co",
               "UPDATE_MODE=INPLACE", picture(tmp_path / "b.tif", 2), path)
    assert done.returncode == 0, done.stdout
    rok4_write.same_slabs(path, create(tmp_path / "b.json", picture_of(2)))


def test_overviews(tmp_path):
    path = create(tmp_path / "a.json", picture_of(1), "TOP_LEVEL=5")
    done = run("overview", "add", "-q", "-r", "average", "--levels", "2,4",
               path)
    assert done.returncode == 0, done.stdout
    assert level_ids(path) == ["3", "4", "5"]
    done = run("overview", "delete", "-q", path)
    assert done.returncode == 0, done.stdout
    assert level_ids(path) == ["5"]


def test_update(tmp_path):
    """Coarser levels follow by themselves."""
    path = create(tmp_path / "a.json", picture_of(1))
    done = run("update", "-q", "--no-update-overviews",
               picture(tmp_path / "b.tif", 2), path)
    assert done.returncode == 0, done.stdout
    rok4_write.same_slabs(path, create(tmp_path / "b.json", picture_of(2)))
