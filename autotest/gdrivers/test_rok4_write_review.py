# SPDX-License-Identifier: MIT
"""What a review of writing found: odd paths, links, names of tile matrix sets,
and files that are not the driver's."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from osgeo import gdal

import rok4_tms
import rok4_util
import rok4_write
from rok4_paint import KINDS, PATCH, PLACES, SIZE, check_models, make
from rok4_write import (Model, Stop, create, decoded, descriptor, noise,
                        refuse, slabs, source, strict)

CUBIC = "OVERVIEW_RESAMPLING=CUBIC"


def every_level(path):
    """The arrays of a dataset and its overviews, through the driver."""
    opened = rok4_util.open_dataset(path)
    return [rok4_util.read_bands(rok4_util.bands_of(opened, i)) for i in
            [None] + list(range(opened.GetRasterBand(1).GetOverviewCount()))]


# ---- Paths ----


@pytest.mark.parametrize("name", ["d//a.json", "//a.json", "d/./a.json",
                                  "d/../a.json", "d//..//d///a.json"])
def test_odd_path_has_right_coarser_levels(name, tmp_path, monkeypatch):
    """Levels that are made from staged ones, whatever the path looks like."""
    os.mkdir(str(tmp_path / "d"))
    dataset = source(noise(3))
    plain = create(tmp_path / "plain.json", dataset, CUBIC)
    path = create(str(tmp_path) + "/" + name, dataset, CUBIC)
    rok4_write.same_slabs(path, plain)
    monkeypatch.chdir(tmp_path)
    path = create(name.lstrip("/"), dataset, CUBIC, "OVERWRITE=YES")
    rok4_write.same_slabs(path, plain)
    strict(os.path.realpath(path))
    create(path, dataset, "UPDATE_MODE=INPLACE")
    rok4_write.same_slabs(path, plain)


def test_odd_path_in_memory(tmp_path):
    """"//" as well; parts that virtual file systems do not know are refused
    rather than written where nobody looks."""
    dataset = source(noise(3))
    plain = every_level(create(tmp_path / "plain.json", dataset, CUBIC))
    assert len(plain) == 4
    found = every_level(create("/vsimem/rok4_odd//d//a.json", dataset, CUBIC))
    assert len(found) == 4
    for one, other in zip(found, plain):
        np.testing.assert_array_equal(one, other)
    gdal.RmdirRecursive("/vsimem/rok4_odd")
    for name in ("/vsimem/rok4_odd/./a.json", "/vsimem/rok4_odd/x/../a.json"):
        assert "expected a path without" in refuse(name, dataset, CUBIC)
    assert gdal.VSIStatL("/vsimem/rok4_odd") is None


def test_relative_vrt_copies_what_it_shows(tmp_path, monkeypatch):
    """relativeToVRT: the pyramid beside the VRT, not that of the same name in
    the current directory."""
    os.mkdir(str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path / "data")
    create("p.json", source(noise(3, seed=1)), "MASK=YES")
    gdal.Translate("v.vrt", "p.json", format="VRT")
    with open("v.vrt", encoding="utf-8") as file:
        assert 'relativeToVRT="1">p.json<' in file.read()
    monkeypatch.chdir(tmp_path)
    create("p.json", source(noise(3, seed=2)), "MASK=YES")
    right = every_level("data/p.json")[0]
    for i, options in enumerate(([], ["LOSSLESS_COPY=NO"])):
        done = create("%d.json" % i, gdal.Open("data/v.vrt"), *options,
                      small=bool(options))
        np.testing.assert_array_equal(
            every_level(done)[0][:right.shape[0], :right.shape[1]], right)
    done, errors = rok4_write.run("c.json", gdal.Open("data/v.vrt"),
                                  ["LOSSLESS_COPY=YES"], False, None)
    if done is not None:
        rok4_write.same_slabs("c.json", "data/p.json")
    else:
        assert len(errors.failures) == 1 and not os.path.exists("c")


# ---- Slabs elsewhere, and links ----


def test_rename_and_copy_of_slabs_elsewhere(tmp_path):
    """A descriptor beside slabs of another name opens, but is not moved away
    from them; nothing is lost."""
    dataset = source(noise(1))
    create(tmp_path / "e.json", dataset)
    os.rename(str(tmp_path / "e.json"), str(tmp_path / "f.json"))
    pixels = every_level(tmp_path / "f.json")
    before = rok4_write.tree(tmp_path)
    driver = gdal.GetDriverByName("ROK4")
    for act in (driver.Rename, driver.CopyFiles):
        with rok4_util.Errors() as errors:
            assert act(str(tmp_path / "g.json"), str(tmp_path / "f.json"))
        assert len(errors.failures) == 1
        assert "slabs are in" in errors.failures[0]
        assert rok4_write.tree(tmp_path) == before
    environment = dict(os.environ, ROK4_TMS_DIRECTORY=gdal.GetConfigOption(
        "ROK4_TMS_DIRECTORY"))
    for verb in ("rename", "copy"):
        done = subprocess.run(
            ["gdalmanage", verb, "f.json", "g.json"], cwd=str(tmp_path),
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False)
        assert "slabs are in" in done.stdout
        assert rok4_write.tree(tmp_path) == before
    for one, other in zip(every_level(tmp_path / "f.json"), pixels):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def linked(tmp_path):
    """A pyramid whose finest level is elsewhere, behind a symbolic link."""
    path = create(tmp_path / "s.json", source(noise(3)))
    os.mkdir(str(tmp_path / "else"))
    level = tmp_path / "s" / "DATA" / rok4_write.LEVEL
    shutil.move(str(level), str(tmp_path / "else"))
    os.symlink(str(tmp_path / "else" / rok4_write.LEVEL), str(level))
    return path


@pytest.mark.parametrize("options", [[], ["PATH_DEPTH=3"]])
def test_linked_level_is_copied(options, linked, tmp_path):
    """By LOSSLESS_COPY, whose slabs are those of the level elsewhere."""
    path = create(tmp_path / "t.json", rok4_util.open_dataset(linked),
                  "LOSSLESS_COPY=YES", *options, small=False)
    whole = create(tmp_path / "whole.json", source(noise(3)), *options)
    rok4_write.same_slabs(path, whole)
    strict(path)


def test_linked_level_is_not_renamed(linked, tmp_path):
    """gdalmanage follows no directory that is a link, and leaves no part."""
    before = rok4_write.tree(tmp_path)
    driver = gdal.GetDriverByName("ROK4")
    for act in (driver.CopyFiles, driver.Rename):
        with rok4_util.Errors() as errors:
            failed = act(str(tmp_path / "t.json"), linked)
        if failed:
            assert len(errors.failures) == 1
            assert "a link" in errors.failures[0]
            assert rok4_write.tree(tmp_path) == before
        else:
            assert len(every_level(tmp_path / "t.json")) == 4
            break


@pytest.mark.parametrize("mode", ["SLINK", "HLINK", "COPY"])
@pytest.mark.parametrize("ancestor", ["one", "two", "three"])
def test_overwritten_ancestor_loses_no_slab(ancestor, mode, tmp_path):
    """The ancestor is the target, or a chain of links leads to it: refused, or
    done with every slab."""
    kind = KINDS["gray"]
    parts = [(SIZE, 1, rok4_write.PX), (PATCH, 2, PLACES["inside"]),
             (PATCH, 3, PLACES["before"])]
    make(tmp_path / "one.json", kind)
    for name, old, part in (("two", "one", parts[1]),
                            ("three", "two", parts[2])):
        create(tmp_path / (name + ".json"), kind.source(*part),
               "ANCESTOR=%s/%s.json" % (tmp_path, old))
    before = rok4_write.tree(tmp_path)
    last = (PATCH, 4, PLACES["edge"])
    options = ["ANCESTOR=%s/%s.json" % (tmp_path, ancestor), "OVERWRITE=YES",
               "UPDATE_MODE=" + mode]
    if mode == "SLINK":
        assert "replace" in refuse(tmp_path / "one.json", kind.source(*last),
                                   *options)
        assert rok4_write.tree(tmp_path) == before
        return
    path = create(tmp_path / "one.json", kind.source(*last), *options)
    shown = parts[:["one", "two", "three"].index(ancestor) + 1]
    check_models(path, kind, kind.model(*shown, last))
    for where, _, files in os.walk(str(tmp_path / "one")):
        assert not any(os.path.islink(os.path.join(where, f)) for f in files)


# ---- Tile matrix sets ----


@pytest.mark.parametrize("id_", ["../x", "../../../x", "..", ".", "a/b"])
def test_level_id_leads_nowhere(id_, tmp_path):
    """A level id that is no name of a directory is refused at once."""
    definition = rok4_write.load_tms()
    definition["id"] = "EVIL"
    rok4_tms.level_of(definition, "4")["id"] = id_
    file = rok4_tms.write(str(tmp_path / "a" / "b"), definition)
    os.makedirs(str(tmp_path / "a" / "out"))
    before = rok4_write.tree(tmp_path)
    message = refuse(tmp_path / "a" / "out" / "n.json", source(noise(1)),
                     "TILING_SCHEME=" + file)
    assert "'%s'" % id_ in message and "directory" in message
    assert rok4_write.tree(tmp_path) == before


def test_path_of_another_grid_of_that_name(tmp_path):
    """TILING_SCHEME=path where a pyramid stands: its grid counts, not its
    name."""
    dataset = source(noise(1))
    path = create(tmp_path / "a.json", dataset)
    opened = rok4_util.open_dataset(path)
    other = rok4_tms.write(str(tmp_path / "other"), rok4_tms.quadtree(
        "T64", tile=(32, 32), top=(8, 8)))
    same = rok4_tms.write(str(tmp_path / "same"), rok4_write.load_tms())
    before = rok4_write.tree(tmp_path)
    for target, pixels, option in (("a", dataset, "UPDATE_MODE=INPLACE"),
                                   ("b", opened, "LOSSLESS_COPY=YES")):
        message = refuse(tmp_path / (target + ".json"), pixels, option,
                         "TILING_SCHEME=" + other, small=False)
        assert "TILING_SCHEME" in message or "T64.json" in message
        assert rok4_write.tree(tmp_path) == before
        create(tmp_path / (target + ".json"), pixels, option,
               "TILING_SCHEME=" + same, small=False)
    rok4_write.same_slabs(tmp_path / "b.json", path)


def test_dotted_name_of_tms(tmp_path):
    """"my.v2" is a name: no part of it is an extension."""
    definition = rok4_write.load_tms()
    definition["id"] = "my.v2"
    file = rok4_tms.write(str(tmp_path / "sets"), definition)
    dataset = source(noise(1))
    with rok4_util.config(ROK4_TMS_DIRECTORY=str(tmp_path / "sets")):
        for i, scheme in enumerate(("my.v2", file)):
            path = tmp_path / ("%d.json" % i)
            create(path, dataset, "TILING_SCHEME=" + scheme)
            assert descriptor(path)["tile_matrix_set"] == "my.v2"
            create(path, dataset, "UPDATE_MODE=INPLACE",
                   "TILING_SCHEME=" + scheme, small=False)
            copy = create(tmp_path / ("copy%d.json" % i),
                          rok4_util.open_dataset(path), "LOSSLESS_COPY=YES",
                          "TILING_SCHEME=" + scheme, small=False)
            rok4_write.same_slabs(path, copy)
            strict(path)
            message = refuse(path, dataset, "UPDATE_MODE=INPLACE",
                             "TILING_SCHEME=my", small=False)
            assert "TILING_SCHEME=my" in message


@pytest.mark.parametrize("method", ["AVERAGE", "CUBIC"])
def test_33_levels(method, tmp_path):
    """More levels than bits: each is half of the one before, or by CUBIC."""
    definition = rok4_write.load_tms()
    definition["id"] = "DEEP"
    levels = definition["tileMatrices"]
    first = rok4_tms.level_of(definition, "0")
    for k in list(range(-10, -7)) + list(range(1, 23)):
        size = [max(1, int(first[key] / 2 ** k))
                for key in ("matrixWidth", "matrixHeight")]
        levels.append(rok4_tms.matrix(
            -k, first["cellSize"] * 2 ** k, first["pointOfOrigin"],
            (64, 64), size))
    assert len(levels) == 33
    rok4_tms.write(str(tmp_path), definition)
    dataset = source(noise(1), level="7", cell=first["cellSize"] / 1024)
    path = create(tmp_path / "a.json", dataset, "TILING_SCHEME=DEEP",
                  "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2",
                  "OVERVIEW_RESAMPLING=" + method, small=False)
    with rok4_util.config(ROK4_TMS_DIRECTORY=str(tmp_path)):
        strict(path)
        pyramid = decoded(path)
    assert [level.id_ for level in pyramid.levels] == [
        str(i) for i in range(10, -23, -1)]
    rule = Model([255], "nodata")
    finer = None
    for level in pyramid.levels:
        array = pyramid.level_array(level)
        assert method == "CUBIC" or (array != 255).any(), level.id_
        left, top = level.limits[0] * 64, level.limits[1] * 64
        whole = np.full((top + array.shape[0] + 64, left + array.shape[1] + 64,
                         1), 255, np.uint8) if left < 2048 else None
        if whole is not None:
            whole[top:top + array.shape[0], left:left + array.shape[1]] = array
        if finer is not None and method == "AVERAGE":
            half, _ = rule._halve(finer, finer[:, :, 0] != 255, "AVERAGE")
            rows, cols = np.minimum(half.shape, whole.shape)[:2]
            np.testing.assert_array_equal(whole[:rows, :cols],
                                          half[:rows, :cols], level.id_)
        finer = whole
    assert len(every_level(path)) == 33


# ---- What others wrote, and how runs go ----


@pytest.mark.parametrize("options", [[], ["MD5=YES"], ["LIST=NO"],
                                     ["OVERWRITE=YES"],
                                     ["OVERWRITE=YES", "MD5=YES"]])
def test_files_of_a_user_stay(options, tmp_path):
    """ortho.list and ortho.md5 that are no list and no sums of a pyramid: kept,
    or nothing is written at all."""
    theirs = {"ortho.list": b"bread\nmilk\n", "ortho.md5": b"my sums\n"}
    for name, text in theirs.items():
        (tmp_path / name).write_bytes(text)
    done, errors = rok4_write.run(tmp_path / "ortho.json", source(noise(1)),
                                  options, True, None)
    found = rok4_write.tree(tmp_path)
    assert {key: found[key] for key in theirs} == theirs
    if done is None:
        assert len(errors.failures) == 1
        assert "ortho." in errors.failures[0]
        assert sorted(found) == sorted(theirs)


@pytest.mark.parametrize("options", [
    ["LOSSLESS_COPY=YES"], ["LOSSLESS_COPY=YES", "TILES_PER_WIDTH=1"],
    ["LOSSLESS_COPY=NO", "COMPRESS=JPEG", CUBIC, "MASK=YES"],
    ["LOSSLESS_COPY=NO", "MASK=YES"]])
def test_progress_of_copies_with_masks(options, tmp_path):
    """It never goes back between pixels and masks, and ends at 1."""
    pixels = noise(3, (450, 600))
    mask = np.indices(pixels.shape[:2]).sum(axis=0) % 300 > 100
    base = create(tmp_path / "base.json", source(pixels, mask=mask),
                  "MASK=YES")
    stop = Stop(2)
    path = create(tmp_path / "copy.json", rok4_util.open_dataset(base),
                  *options, small="LOSSLESS_COPY=NO" in options, callback=stop)
    assert any(key.startswith("MASK") for key in slabs(path))
    assert stop.seen == sorted(stop.seen)
    assert stop.seen[-1] == 1 and len(stop.seen) > 3


def stamps(top):
    """Inode and time of every slab below, which renaming keeps."""
    return {(os.stat(f).st_ino, os.stat(f).st_mtime_ns)
            for f in (os.path.join(where, name) for where, _, files in
                      os.walk(str(top)) for name in files
                      if name.endswith(".tif"))}


@pytest.mark.parametrize("changed", [False, True])
def test_resume_after_the_ancestor_changed(changed, tmp_path):
    """What was made on the ancestor's old pixels is not used."""
    kind = KINDS["gray"]
    parts = [(SIZE, 1, rok4_write.PX), (PATCH, 3, PLACES["inside"])]
    big = ((400, 500), 2, (66 * 64 + 40, 46 * 64 + 50))
    old = make(tmp_path / "old.json", kind)
    os.mkdir(str(tmp_path / "out"))
    # Not the one that wrote it, which still changes the file when it is read.
    kind.source(*big, path=tmp_path / "part.tif")
    dataset = gdal.Open(str(tmp_path / "part.tif"))
    options = ["ANCESTOR=" + old, "UPDATE_MODE=COPY", "RESUME=YES"]
    refuse(tmp_path / "out" / "new.json", dataset, *options,
           callback=Stop(0.5))
    staged = stamps(tmp_path / "out")
    assert staged
    if changed:
        create(old, kind.source(*parts[1]), "UPDATE_MODE=INPLACE")
    path = create(tmp_path / "out" / "new.json", dataset, *options)
    assert bool(staged & stamps(tmp_path / "out")) != changed
    check_models(path, kind, kind.model(*parts[:1 + changed], big))


@pytest.mark.parametrize("how", ["delete", "create", "in place"])
def test_allow_delete_takes_own_slabs_only(how, linked, tmp_path):
    """Of a pyramid with links to another one, and with files among the slabs;
    GDAL deletes what it creates over, UPDATE_MODE=INPLACE then begins anew or
    is refused."""
    old = create(tmp_path / "old.json", source(noise(3)))
    part = source(noise(3, (40, 40), seed=5))
    path = create(tmp_path / "s.json", part, "ANCESTOR=" + old,
                  "OVERWRITE=YES")
    assert any(os.path.islink(os.path.join(path[:-5], key))
               for key in slabs(path))
    own = {"s.json", "s.list"} | {
        "s/" + key for key in slabs(path) if key.endswith(".tif")}
    for name in ("s/notes.txt", "s/DATA/5/photo.tif", "s.jpg"):
        (tmp_path / name).write_bytes(b"theirs")
    before = rok4_write.tree(tmp_path)
    with rok4_util.config(ROK4_ALLOW_DELETE="YES"):
        if how == "delete":
            assert gdal.GetDriverByName("ROK4").Delete(path) == gdal.CE_None
        else:
            rok4_write.run(path, part, ["UPDATE_MODE=INPLACE"]
                           if how == "in place" else [], True, None)
    after = rok4_write.tree(tmp_path)
    for key, data in before.items():
        if key not in own and data is not None:
            assert after.get(key) == data, key
        elif key in own and how == "delete":
            assert key not in after, key
    strict(old)
    assert os.listdir(str(tmp_path / "else" / rok4_write.LEVEL))
