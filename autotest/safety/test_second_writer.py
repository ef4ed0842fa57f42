# SPDX-License-Identifier: MIT
"""A second writer on a pyramid that is being written is refused, whatever it
wants; and what a killed writer left does not stop the next one."""

import os
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from osgeo import gdal

import rok4_util
import rok4_write
import scenes
from scenes import FRESH, MORE, OLD, Scene, Stage, copy, inplace
from test_kill import same
from writer import KILL

HELD = r"p\.json is being written by process %d of \S+ on \S+ for \d+ s$"
# A writer that stops at its first step until it is told to go on.
BLOCKED = """
import json, sys
from osgeo import gdal
gdal.DontUseExceptions()
step = json.loads(sys.argv[1])
told = []
def progress(fraction, text, data):
    if fraction > 0 and not told:
        told.append(1)
        print("here", flush=True)
        sys.stdin.readline()
    return 1
done = gdal.GetDriverByName("ROK4").CreateCopy(
    step["path"], gdal.Open(step["source"]), options=step["options"],
    callback=progress)
sys.exit(0 if done is not None else 7)
"""

FIRST = {"new": Scene("new", [], copy("wide", "TOP_LEVEL=4", *MORE), FRESH),
         "overwrite": Scene("overwrite", [OLD], copy(
             "wide", "OVERWRITE=YES", *MORE), FRESH),
         "inplace": Scene("inplace", [OLD], inplace("wide", *MORE), FRESH)}
SECOND = {
    "new": copy("b"),
    "overwrite": copy("b", "OVERWRITE=YES"),
    "inplace": inplace("b"),
    "update": {"do": "paint", "path": "p.json", "windows": [[9, 9, 9, 9, 1]]},
    "overviews": {"do": "overviews", "path": "p.json", "factors": [2]},
    "clean": {"do": "overviews", "path": "p.json", "factors": [],
              "method": "NONE", "update": False},
    "delete": {"do": "delete", "path": "p.json",
               "config": {"ROK4_ALLOW_DELETE": "YES"}},
    "rename": {"do": "rename", "path": "p.json", "to": "q.json"},
    "renamed": {"do": "rename", "path": "old/a.json", "to": "p.json"},
    "copied": {"do": "copyfiles", "path": "p.json", "to": "q.json"},
}


@pytest.fixture(scope="session")
def stage(place, writer):
    sources = os.path.join(place, "sources-of-writers")
    return Stage(place, writer, scenes.make_sources(sources))


class Blocked:
    """A process in the midst of writing."""

    def __init__(self, stage, step):
        import json
        self.process = subprocess.Popen(
            [sys.executable, "-c", BLOCKED, json.dumps(stage.step(step))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline() == "here\n"

    def go_on(self):
        self.process.communicate("\n", timeout=60)
        return self.process.returncode

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def begin(stage, first):
    before = stage.begin(first)
    assert stage.run(scenes.ELDER)["done"]
    stage.save()
    return dict(before, **stage.tree())


@pytest.mark.parametrize("first", list(FIRST))
def test_refused(stage, first):
    scene = FIRST[first]
    begin(stage, scene)
    assert stage.run(scene.command)["done"]
    expected = stage.tree()
    stage.reset()
    blocked = Blocked(stage, scene.command)
    there = stage.tree()
    for name, step in SECOND.items():
        answer = stage.run(step)
        assert not answer["done"], name
        text = answer["errors"][0]
        if first == "new" and name in ("update", "overviews", "clean",
                                       "rename", "copied"):
            pass  # there is none yet
        else:
            assert re.search(HELD % blocked.process.pid, text), (name, text)
        assert not answer["files"]
        same(stage.tree(), there)
    assert blocked.go_on() == 0
    same(stage.tree(), expected)


@pytest.mark.parametrize("first", list(FIRST))
@pytest.mark.parametrize("second", ["inplace", "overwrite", "update"])
def test_taken_over(stage, first, second):
    """From a process that was killed."""
    scene = FIRST[first]
    begin(stage, scene)
    done = stage.run(SECOND[second])["done"]
    expected = stage.tree()
    stage.reset()
    Blocked(stage, scene.command).kill()
    assert "p.json.lock" in stage.tree()
    assert stage.run(SECOND[second])["done"] == done
    if done:
        same(stage.tree(), expected)


@pytest.mark.parametrize("mode", ["SLINK", "HLINK", "COPY"])
def test_ancestor_that_is_unfinished(stage, mode):
    """It is finished before its slabs are taken over; one that is being
    written is not taken."""
    scene = FIRST["inplace"]
    begin(stage, scene)
    step = dict(scenes.ancestor(mode, "c"), path="q.json")
    step["options"] = [option.replace("old/a", "p")
                       for option in step["options"]]
    assert stage.run(scene.command)["done"]
    assert stage.run(step)["done"]
    expected = stage.tree()
    stage.reset()
    log = os.path.join(stage.top, "..", "calls-of-ancestor")
    assert stage.run(scene.command, arm={"log": log})["done"]
    with open(log, encoding="utf-8") as file:
        calls = file.read().splitlines()
    os.remove(log)
    stage.reset()
    places = [i for i, call in enumerate(calls, 1)
              if call.startswith("r /p/DATA/")]
    assert stage.run(scene.command, arm={"nth": places[2],
                                         "action": KILL})["killed"]
    assert stage.run(step)["done"]
    same(stage.tree(), expected)
    stage.reset()
    blocked = Blocked(stage, scene.command)
    answer = stage.run(step)
    assert re.search(HELD % blocked.process.pid, answer["errors"][0])
    assert blocked.go_on() == 0


@pytest.mark.parametrize("text", [
    "", "1", "999999999 elsewhere nobody 5\n", "x" * 5000, "1 2 3 4 5 6"])
def test_lock_of_nobody(stage, text):
    """A lock file that nobody holds, whatever it says."""
    scene = FIRST["inplace"]
    begin(stage, scene)
    with open(stage.path + ".lock", "w", encoding="utf-8") as file:
        file.write(text)
    assert stage.run(scene.command)["done"]
    assert "p.json.lock" not in stage.tree()


def test_lock_that_is_a_link(stage):
    """It is not followed: what it leads to is not ours."""
    scene = FIRST["inplace"]
    begin(stage, scene)
    victim = os.path.join(stage.top, "victim")
    with open(victim, "w", encoding="utf-8") as file:
        file.write("text")
    os.symlink(victim, stage.path + ".lock")
    answer = stage.run(scene.command)
    assert not answer["done"] and answer["errors"]
    with open(victim, encoding="utf-8") as file:
        assert file.read() == "text"


@pytest.mark.parametrize("first", list(FIRST))
def test_refused_in_one_process(stage, first):
    """Two threads."""
    scene = FIRST[first]
    begin(stage, scene)
    step = stage.step(scene.command)
    inside, outside = threading.Event(), threading.Event()
    results = []

    def progress(fraction, text, data):
        if fraction > 0 and not inside.is_set():
            inside.set()
            assert outside.wait(60)
        return 1

    def write():
        results.append(gdal.GetDriverByName("ROK4").CreateCopy(
            step["path"], gdal.Open(step["source"]), options=step["options"],
            callback=progress) is not None)

    thread = threading.Thread(target=write)
    with rok4_util.Errors():
        thread.start()
        assert inside.wait(60)
        with rok4_util.Errors() as errors:
            again = gdal.GetDriverByName("ROK4").CreateCopy(
                step["path"], gdal.Open(step["source"]),
                options=step["options"])
        outside.set()
        thread.join()
    assert again is None and results == [True]
    assert re.search(HELD % os.getpid(), errors.failures[0])


def noise(seed):
    return np.random.default_rng(seed).integers(1, 255, (64, 64),
                                                dtype=np.uint8)


def open_update(path):
    return gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_UPDATE)


def test_two_datasets_for_update(stage):
    """The first that writes is the writer. The other one, which knows pixels
    that are no more, has to open the pyramid again."""
    begin(stage, FIRST["inplace"])
    one, other = open_update(stage.path), open_update(stage.path)
    assert one is not None and other is not None
    assert one.WriteArray(noise(1), 0, 0) == 0
    one.GetRasterBand(1).FlushCache()
    with rok4_util.Errors() as errors:
        assert other.WriteArray(noise(2), 0, 0) != 0 or \
            errors.failures or other.FlushCache() != 0
        other = None
    assert re.search(HELD % os.getpid(), " ".join(errors.failures[:1]))
    one = None
    late = open_update(stage.path)
    assert (late.ReadAsArray(0, 0, 64, 64) == noise(1)).all()
    # Another one writes and is done, while this is open.
    one = open_update(stage.path)
    assert one.WriteArray(noise(3), 0, 0) == 0
    one = None
    with rok4_util.Errors() as errors:
        late.WriteArray(noise(4), 0, 0)
        late = None
    assert "written by others" in " ".join(errors.failures)
    again = gdal.Open(stage.path)
    assert (again.ReadAsArray(0, 0, 64, 64) == noise(3)).all()


def test_reading_while_it_is_written(stage):
    """A reader needs no lock."""
    scene = FIRST["inplace"]
    begin(stage, scene)
    look = {"do": "look", "path": "p.json"}
    sums = stage.run(look)["steps"][0]["sums"]
    blocked = Blocked(stage, scene.command)
    assert stage.run(look)["steps"][0]["sums"] == sums
    assert blocked.go_on() == 0
    assert stage.run(look)["steps"][0]["sums"] != sums


def test_many_at_once(stage):
    """Of processes that start together, each ends well or is refused."""
    begin(stage, FIRST["inplace"])
    steps = [stage.step(inplace(name, "NUM_THREADS=2"))
             for name in ("b", "c", "wide", "wider")] * 2
    program = BLOCKED.replace("fraction > 0", "False")
    import json
    processes = [subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(step)],
        stderr=subprocess.PIPE, text=True) for step in steps]
    codes = []
    for process in processes:
        _, text = process.communicate(timeout=120)
        codes.append(process.returncode)
        if process.returncode:
            assert "is being written by" in text, text
    assert 0 in codes and set(codes) <= {0, 7}
    found = stage.tree()
    assert not [key for key in found
                if ".building" in key or ".lock" in key or ".part-" in key]
    rok4_write.strict(stage.path)
