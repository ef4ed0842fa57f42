# SPDX-License-Identifier: MIT
"""Deleting, renaming and copying pyramids as files (gdalmanage)."""

import os
import shutil
import subprocess

import pytest
from osgeo import gdal

import rok4_strict
import rok4_tms
import rok4_util
import rok4_write
from rok4_write import (Model, create, decoded, descriptor, noise, slabs,
                        source, strict)

PATCH_PX = (66 * 64, 46 * 64)


def driver():
    return gdal.GetDriverByName("ROK4")


def make(place, *options):
    os.makedirs(str(place), exist_ok=True)
    return create(place / "a.json", source(noise(1)), "MD5=YES", *options)


def gdalmanage(*arguments, **environment):
    return subprocess.run(
        ["gdalmanage"] + [str(a) for a in arguments], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
        env=dict(os.environ, ROK4_TMS_DIRECTORY=gdal.GetConfigOption(
            "ROK4_TMS_DIRECTORY"), **environment))


def make_sidecar(path):
    dataset = rok4_util.open_dataset(path)
    dataset.GetRasterBand(1).ComputeStatistics(False)
    dataset = None
    assert os.path.exists(path + ".aux.xml")


def files(place):
    return sorted(os.listdir(str(place)))


# ---- Deleting ----


def test_delete_is_refused(tmp_path):
    """Whoever asks: the driver, GDAL, gdalmanage; the message says how."""
    path = make(tmp_path / "p")
    before = rok4_write.tree(tmp_path)
    with rok4_util.Errors() as errors:
        assert driver().Delete(path) != gdal.CE_None
    assert len(errors.texts()) == 1
    assert "ROK4_ALLOW_DELETE=YES" in errors.texts()[0]
    for value in ("NO", None):
        with rok4_util.config(ROK4_ALLOW_DELETE=value), \
                rok4_util.Errors():
            assert driver().Delete(path) != gdal.CE_None
            assert driver().Delete("ROK4:" + path) != gdal.CE_None
    assert rok4_write.tree(tmp_path) == before


@pytest.mark.skipif(rok4_util.SANITIZED, reason="starts GDAL's programs")
def test_gdalmanage_delete(tmp_path):
    path = make(tmp_path / "p")
    before = rok4_write.tree(tmp_path)
    done = gdalmanage("delete", path)
    assert "ROK4_ALLOW_DELETE=YES" in done.stdout
    assert rok4_write.tree(tmp_path) == before
    done = gdalmanage("delete", path, ROK4_ALLOW_DELETE="YES")
    assert done.returncode == 0, done.stdout
    assert files(tmp_path / "p") == []


@pytest.mark.parametrize("options", [[], ["MASK=YES"], ["LIST=NO"]])
def test_delete(options, tmp_path):
    """Everything that the pyramid owns, and nothing else."""
    path = make(tmp_path / "p", *options)
    other = create(tmp_path / "p" / "other.json", source(noise(3)))
    make_sidecar(path)
    before = slabs(other)
    with rok4_util.config(ROK4_ALLOW_DELETE="YES"):
        assert driver().Delete(path) == gdal.CE_None
    assert files(tmp_path / "p") == ["other", "other.json", "other.list"]
    assert slabs(other) == before
    strict(other)


def test_foreign_files_stay(tmp_path):
    """Also those that lie among the slabs."""
    place = tmp_path / "p"
    path = make(place, "MASK=YES")
    foreign = {"notes.txt": "in the directory",
               "a/notes.txt": "in the pyramid's", "a/DATA/x.tif": "no slab",
               "a/DATA/5/00/00/notes.txt": "among slabs",
               "a/DATA/5/00/00/lower.tif": "no digits",
               "a/OTHER/5/00/00/00.tif": "no plane",
               "a.json.bak": "a copy"}
    for name, text in foreign.items():
        os.makedirs(str((place / name).parent), exist_ok=True)
        (place / name).write_text(text)
    with rok4_util.config(ROK4_ALLOW_DELETE="YES"):
        assert driver().Delete(path) == gdal.CE_None
    left = {key: data.decode() for key, data in
            rok4_write.tree(place).items() if data is not None}
    assert left == foreign
    assert not (place / "a" / "MASK").exists()


def test_links_are_not_followed(tmp_path):
    """A pyramid of links: they go, what they lead to stays."""
    old = make(tmp_path / "old")
    path = create(tmp_path / "b.json",
                  source(noise(1, (60, 60), seed=2), PATCH_PX),
                  "ANCESTOR=" + old)
    before = rok4_write.tree(tmp_path / "old")
    # A directory of slabs that is a link to somewhere else.
    shutil.copytree(old[:-5] + "/DATA/2", str(tmp_path / "elsewhere"))
    shutil.rmtree(path[:-5] + "/DATA/2")
    os.symlink(str(tmp_path / "elsewhere"), path[:-5] + "/DATA/2")
    elsewhere = rok4_write.tree(tmp_path / "elsewhere")
    with rok4_util.config(ROK4_ALLOW_DELETE="YES"):
        driver().Delete(path)
    assert not os.path.exists(path)
    assert rok4_write.tree(tmp_path / "old") == before
    assert rok4_write.tree(tmp_path / "elsewhere") == elsewhere
    strict(old)


def test_slabs_of_others_stay(tmp_path):
    """A descriptor that points to the slabs of another pyramid owns none."""
    path = make(tmp_path / "p")
    text = (tmp_path / "p" / "a.json").read_text()
    (tmp_path / "p" / "view.json").write_text(text)
    before = rok4_write.tree(tmp_path / "p" / "a")
    with rok4_util.config(ROK4_ALLOW_DELETE="YES"):
        assert driver().Delete(str(tmp_path / "p" / "view.json")) == \
            gdal.CE_None
    assert rok4_write.tree(tmp_path / "p" / "a") == before
    strict(path)


def test_gdal_does_not_delete(tmp_path):
    """CreateCopy over a pyramid, which GDAL wants deleted first."""
    path = make(tmp_path / "p")
    before = rok4_write.tree(tmp_path)
    rok4_write.refuse(path, source(noise(1)))
    assert rok4_write.tree(tmp_path) == before


def test_delete_what_is_missing(tmp_path):
    """Nothing to be done, and nothing left of it."""
    for value in ("YES", "NO"):
        with rok4_util.config(ROK4_ALLOW_DELETE=value), \
                rok4_util.Errors() as errors:
            driver().Delete(str(tmp_path / "a.json"))
            driver().Delete("ROK4:" + str(tmp_path / "a.json"))
        assert len(errors.failures) <= 2
        assert files(tmp_path) == []


# ---- Renaming ----


def test_rename(tmp_path):
    """Descriptor, slabs, list and sums have the new name."""
    place = tmp_path / "p"
    path = make(place, "MASK=YES")
    other = str(place / "b.json")
    before = slabs(path)
    assert driver().Rename(other, path) == gdal.CE_None
    assert files(place) == ["b", "b.json", "b.list", "b.md5"]
    assert slabs(other) == before
    strict(other)
    Model([255], "mask").paint(noise(1)).check(other, masks=True)
    with open(other[:-5] + ".md5", encoding="utf-8") as file:
        assert file.readline() == "0=%s\n" % other[:-5]
    rok4_util.open_dataset(other)


@pytest.mark.skipif(rok4_util.SANITIZED, reason="starts GDAL's programs")
def test_gdalmanage(tmp_path):
    path = make(tmp_path / "p")
    before = slabs(path)
    done = gdalmanage("copy", path, tmp_path / "p" / "b.json")
    assert done.returncode == 0, done.stdout
    done = gdalmanage("rename", path, tmp_path / "p" / "c.json")
    assert done.returncode == 0, done.stdout
    assert files(tmp_path / "p") == ["b", "b.json", "b.list", "b.md5", "c",
                                     "c.json", "c.list", "c.md5"]
    for name in ("b.json", "c.json"):
        assert slabs(tmp_path / "p" / name) == before
        strict(tmp_path / "p" / name)


def test_rename_to_another_directory(tmp_path):
    """The sidecar goes along, files of others stay."""
    path = make(tmp_path / "p")
    make_sidecar(path)
    (tmp_path / "p" / "a" / "notes.txt").write_text("mine")
    os.mkdir(str(tmp_path / "q"))
    other = str(tmp_path / "q" / "b.json")
    before = {key: data for key, data in slabs(path).items()
              if key.endswith(".tif")}
    assert driver().Rename(other, path) == gdal.CE_None
    assert slabs(other) == before
    strict(other)
    assert files(tmp_path / "p") == ["a"]
    assert files(tmp_path / "p" / "a") == ["notes.txt"]
    dataset = rok4_util.open_dataset(other)
    assert "STATISTICS_MINIMUM" in dataset.GetRasterBand(1).GetMetadata()


@pytest.mark.parametrize("target", ["b.json", "b.tif", "a.json"])
def test_rename_is_refused(target, tmp_path):
    """Onto another pyramid, to what is no descriptor's name, to itself."""
    place = tmp_path / "p"
    path = make(place)
    create(place / "b.json", source(noise(3)))
    before = rok4_write.tree(place)
    for function in (driver().Rename, driver().CopyFiles):
        with rok4_util.Errors() as errors:
            assert function(str(place / target), path) != gdal.CE_None
        assert len(errors.failures) == 1, errors.texts()
        assert rok4_write.tree(place) == before


def test_rename_with_links(tmp_path):
    """Links to the slabs of another pyramid lead there still."""
    old = make(tmp_path / "p")
    path = create(tmp_path / "p" / "b.json",
                  source(noise(1, (60, 60), seed=2), PATCH_PX),
                  "ANCESTOR=" + old)
    before = slabs(path)
    other = str(tmp_path / "p" / "c.json")
    assert driver().Rename(other, path) == gdal.CE_None
    assert slabs(other) == before
    strict(other)


# ---- Copying ----


@pytest.mark.parametrize("name", ["t64_zip_mask", "t64_jpg_uint8_rgb",
                                  "t64_raw_4x2_depth3"])
def test_copy(name, tmp_path):
    """A pyramid of the reference, under another name."""
    path = rok4_util.fixture(name)
    other = str(tmp_path / "b.json")
    assert driver().CopyFiles(other, path) == gdal.CE_None
    rok4_write.same_slabs(other, path)
    roots, _ = rok4_strict.read_list(other[:-5] + ".list")
    assert roots == {0: other[:-5]}
    one, two = decoded(path), decoded(other)
    assert [lv.limits for lv in one.levels] == [lv.limits
                                                for lv in two.levels]
    text = descriptor(other)
    assert text["raster_specifications"] == descriptor(path)[
        "raster_specifications"]


def test_tms_goes_along(tmp_path):
    """A set that stands beside the pyramid; where another one would be found,
    nothing is done."""
    file = rok4_tms.write(str(tmp_path / "sets"),
                          rok4_tms.quadtree("MINE", tile=(64, 64)))
    os.mkdir(str(tmp_path / "p"))
    path = create(tmp_path / "p" / "a.json", source(noise(1)),
                  "TILING_SCHEME=" + file)
    before = rok4_write.tree(tmp_path / "p")
    os.mkdir(str(tmp_path / "q"))
    other = str(tmp_path / "q" / "b.json")
    assert driver().CopyFiles(other, path) == gdal.CE_None
    assert files(tmp_path / "q") == ["MINE.json", "b", "b.json", "b.list"]
    rok4_util.open_dataset(other)
    os.mkdir(str(tmp_path / "r"))
    (tmp_path / "r" / "MINE.json").write_text("{}")
    for function in (driver().CopyFiles, driver().Rename):
        for name in ("c.json", "MINE.json"):
            with rok4_util.Errors() as errors:
                assert function(str(tmp_path / "r" / name), path) != \
                    gdal.CE_None
            assert len(errors.failures) == 1
            assert files(tmp_path / "r") == ["MINE.json"]
            assert rok4_write.tree(tmp_path / "p") == before
    os.mkdir(str(tmp_path / "s"))
    moved = str(tmp_path / "s" / "d.json")
    assert driver().Rename(moved, path) == gdal.CE_None
    assert files(tmp_path / "p") == ["MINE.json"]
    rok4_util.open_dataset(moved)


def test_copy_links(tmp_path):
    """Links become links to the same."""
    old = make(tmp_path / "p")
    path = create(tmp_path / "p" / "b.json",
                  source(noise(1, (60, 60), seed=2), PATCH_PX),
                  "ANCESTOR=" + old)
    os.mkdir(str(tmp_path / "q"))
    other = str(tmp_path / "q" / "c.json")
    assert driver().CopyFiles(other, path) == gdal.CE_None
    rok4_write.same_slabs(other, path)
    count = 0
    for key in slabs(path):
        one, two = (os.path.join(p[:-5], key) for p in (path, other))
        assert os.path.islink(one) == os.path.islink(two)
        if os.path.islink(one):
            assert os.path.realpath(one) == os.path.realpath(two)
            count += 1
    assert count > 0
    strict(other)


def test_copy_vsimem(tmp_path):
    path = make(tmp_path / "p")
    other = "/vsimem/rok4_manage/b.json"
    assert driver().CopyFiles(other, path) == gdal.CE_None
    dataset = rok4_util.open_dataset(other)
    assert (dataset.ReadAsArray() ==
            rok4_util.open_dataset(path).ReadAsArray()).all()
    dataset = None
    assert driver().Rename("/vsimem/rok4_manage/c.json", other) == \
        gdal.CE_None
    with rok4_util.config(ROK4_ALLOW_DELETE="YES"):
        assert driver().Delete("/vsimem/rok4_manage/c.json") == gdal.CE_None
    assert not gdal.ReadDirRecursive("/vsimem/rok4_manage/")
