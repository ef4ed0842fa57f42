# SPDX-License-Identifier: MIT
"""How CreateCopy runs: threads, progress, interruptions, RESUME."""

import os
import shutil
import subprocess
import sys

import pytest
from osgeo import gdal

import rok4_util
import rok4_write
from rok4_write import (Model, Stop, create, descriptor, noise, refuse,
                        source, stored, strict)

@pytest.mark.parametrize("options", [
    ["COMPRESS=JPEG"], ["COMPRESS=DEFLATE", "MASK=YES"], ["COMPRESS=NONE"],
    ["COMPRESS=PNG", "OVERVIEW_RESAMPLING=CUBIC"]])
def test_same_bytes(options, tmp_path):
    """The same bytes with any number of threads; wrong ones are refused."""
    dataset = stored(noise(3, (450, 600)), tmp_path / "source.tif")
    trees = []
    for threads in ("1", "2", "7", "ALL_CPUS", None):
        place = tmp_path / "out"
        os.mkdir(str(place))
        create(place / "a.json", dataset, "MD5=YES", *options,
               *(["NUM_THREADS=" + threads] if threads else []))
        trees.append(rok4_write.tree(place))
        shutil.rmtree(str(place))
    for other in trees[1:]:
        assert sorted(other) == sorted(trees[0])
        assert all(other[key] == trees[0][key] for key in other)
    for threads in ("0", "-1", "many"):
        message = refuse(tmp_path / "a.json", dataset,
                         "NUM_THREADS=" + threads)
        assert "NUM_THREADS" in message


THREADS = """
import os, sys
from osgeo import gdal
seen = []
def progress(fraction, message, user):
    seen.append(len(os.listdir("/proc/self/task")))
    return 1
before = len(os.listdir("/proc/self/task"))
done = gdal.GetDriverByName("ROK4").CreateCopy(
    sys.argv[1], gdal.Open(sys.argv[2]), options=sys.argv[3:],
    callback=progress)
print(max(seen) - before if done else "failed")
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="Linux")
def test_threads_are_used(tmp_path):
    """As many as NUM_THREADS= says, besides the one that calls."""
    stored(noise(3, (450, 600)), tmp_path / "source.tif")
    found = []
    for i, threads in enumerate((1, 3, 6)):
        done = subprocess.run(
            [sys.executable, "-c", THREADS, str(tmp_path / ("%d.json" % i)),
             str(tmp_path / "source.tif"), "NUM_THREADS=%d" % threads] +
            rok4_write.SMALL, stdout=subprocess.PIPE, text=True, check=False,
            env=dict(os.environ, ROK4_TMS_DIRECTORY=gdal.GetConfigOption(
                "ROK4_TMS_DIRECTORY")))
        found.append(int(done.stdout))
    assert found[0] <= 1 and found[1] >= 2 and found[2] >= 5
    assert found[1] <= 3 and found[2] <= 6


def test_resume(tmp_path):
    """RESUME=YES keeps what an interrupted run has done, for the next one with
    it, which then makes the same files; without, nothing is left."""
    place = tmp_path / "out"
    os.mkdir(str(place))
    pixels = noise(3, (700, 900))
    dataset = stored(pixels, tmp_path / "source.tif")
    whole = create(tmp_path / "whole.json", dataset)

    path = place / "whole.json"
    message = refuse(path, dataset, callback=Stop(0.5))
    assert "interrupted" in message.lower()
    assert rok4_write.tree(place) == {}

    refuse(path, dataset, "RESUME=YES", callback=Stop(0.5))
    assert not path.exists()
    staged = inodes(place)
    assert staged, "nothing was kept"
    create(path, dataset, "RESUME=YES")
    rok4_write.same_slabs(path, whole)
    assert staged <= inodes(place / "whole")
    assert descriptor(path) == descriptor(whole)
    assert sorted(os.listdir(str(place))) == ["whole", "whole.json",
                                              "whole.list"]
    strict(path)

    # Another source, or other options: from the beginning.
    path = place / "b.json"
    refuse(path, dataset, "RESUME=YES", callback=Stop(0.5))
    path = create(path, dataset, "RESUME=YES", "COMPRESS=LZW")
    assert descriptor(path)["format"] == "TIFF_LZW_UINT8"
    Model([255] * 3, "all", size=(700, 900)).paint(pixels).check(path)


def inodes(top):
    """Those of the slabs, and when these were written."""
    out = set()
    for where, _, files in os.walk(str(top)):
        for name in files:
            if name.endswith(".tif"):
                info = os.stat(os.path.join(where, name))
                out.add((info.st_ino, info.st_mtime_ns))
    return out


def test_progress(tmp_path):
    """One progress from 0 to 1."""
    for i, options in enumerate(([], ["OVERVIEW_RESAMPLING=CUBIC"],
                                 ["COMPRESS=JPEG",
                                  "OVERVIEW_RESAMPLING=LANCZOS"])):
        stop = Stop(2)
        create(tmp_path / ("%d.json" % i), source(noise(3, (700, 900))),
               *options, callback=stop)
        assert stop.seen == sorted(stop.seen)
        assert stop.seen[0] < 0.3 and stop.seen[-1] == 1
        assert len(stop.seen) > 3
    stop = Stop(2)
    create(tmp_path / "copy.json",
           rok4_util.open_dataset(tmp_path / "0.json"), small=False,
           callback=stop)
    assert stop.seen == sorted(stop.seen) and stop.seen[-1] == 1




class Block:
    """A progress function that puts a file where slabs will have to go."""

    def __init__(self, path):
        self.path = path

    def __call__(self, fraction, message, user):
        if self.path.parent.exists() and not self.path.exists():
            self.path.write_text("in the way")
        return 1


def test_resume_after_an_error(tmp_path):
    """As after an interruption; without RESUME=YES nothing is left."""
    dataset = stored(noise(3, (700, 900)), tmp_path / "source.tif")
    whole = create(tmp_path / "whole.json", dataset, "MASK=YES")
    place = tmp_path / "out"
    os.mkdir(str(place))
    way = place / ".whole.building" / "DATA" / "2"
    for options in ([], ["RESUME=YES"]):
        message = refuse(place / "whole.json", dataset, "MASK=YES", *options,
                         callback=Block(way))
        assert "DATA/2" in message
        if not options:
            assert rok4_write.tree(place) == {}
    staged = inodes(place)
    assert staged
    way.unlink()
    done = create(place / "whole.json", dataset, "MASK=YES", "RESUME=YES")
    rok4_write.same_slabs(done, whole)
    assert staged <= inodes(place / "whole")
    strict(done)


@pytest.mark.parametrize("options", [
    ["COMPRESS=JPEG", "OVERVIEW_RESAMPLING=CUBIC"], ["MASK=YES", "MD5=YES"],
    ["COMPRESS=PNG", "OVERVIEW_RESAMPLING=BILINEAR"], ["SPARSE_OK=YES"]])
@pytest.mark.parametrize("fraction", [0.1, 0.45, 0.7, 0.93])
def test_resume_anywhere(fraction, options, tmp_path):
    """The same files as an uninterrupted run makes."""
    dataset = stored(noise(3, (400, 500)), tmp_path / "source.tif")
    os.mkdir(str(tmp_path / "a"))
    os.mkdir(str(tmp_path / "b"))
    create(tmp_path / "a" / "x.json", dataset, *options)
    for _ in range(2):
        refuse(tmp_path / "b" / "x.json", dataset, "RESUME=YES", *options,
               callback=Stop(fraction))
    create(tmp_path / "b" / "x.json", dataset, "RESUME=YES", *options)
    one, other = (rok4_write.tree(tmp_path / n) for n in "ab")
    assert sorted(one) == sorted(other)
    for key in one:
        if key not in ("x.list", "x.md5"):  # these hold paths
            assert one[key] == other[key], key


def test_resume_a_copy(tmp_path):
    """Slabs that are copied: other options begin anew."""
    first = create(tmp_path / "a.json", source(noise(3, (700, 900))))
    opened = rok4_util.open_dataset(first)
    path = tmp_path / "b.json"
    for shape in (["PATH_DEPTH=3"], ["TILES_PER_WIDTH=4"]):
        refuse(path, opened, "RESUME=YES", "LOSSLESS_COPY=YES", *shape,
               small=False, callback=Stop(0.4))
    create(path, opened, "RESUME=YES", "LOSSLESS_COPY=YES", small=False)
    rok4_write.same_slabs(path, first)
    strict(path)


def test_resume_in_place(tmp_path):
    """An update that was interrupted goes on, and makes what one that was not
    makes."""
    os.mkdir(str(tmp_path / "a"))
    os.mkdir(str(tmp_path / "b"))
    dataset = stored(noise(1, (300, 300), seed=2), tmp_path / "source.tif")
    paths = [create(tmp_path / n / "x.json", source(noise(1, (500, 600))))
             for n in "ab"]
    before = rok4_write.slabs(paths[0])
    create(paths[0], dataset, "UPDATE_MODE=INPLACE")
    refuse(paths[1], dataset, "UPDATE_MODE=INPLACE", "RESUME=YES",
           callback=Stop(0.5))
    assert rok4_write.slabs(paths[1]) == before
    create(paths[1], dataset, "UPDATE_MODE=INPLACE", "RESUME=YES")
    rok4_write.same_slabs(*paths)
    strict(paths[1])


def test_abandoned(tmp_path):
    """What a run kept for RESUME goes with the next one without it, and with
    the pyramid."""
    dataset = stored(noise(3), tmp_path / "source.tif")
    path = tmp_path / "out" / "a.json"
    os.mkdir(str(tmp_path / "out"))
    refuse(path, dataset, "RESUME=YES", callback=Stop(0.5))
    create(path, dataset)
    assert sorted(os.listdir(str(tmp_path / "out"))) == [
        "a", "a.json", "a.list"]
    refuse(path, dataset, "RESUME=YES", "OVERWRITE=YES", callback=Stop(0.5))
    with rok4_util.config(ROK4_ALLOW_DELETE="YES"):
        assert gdal.GetDriverByName("ROK4").Delete(str(path)) == 0
    assert os.listdir(str(tmp_path / "out")) == []
