# SPDX-License-Identifier: MIT
"""Files of COGX whose writer is killed, fails or is interrupted: under the name
stands the old file or the new one, whole, or none where there was none.
ROK4_KILL_FULL=YES kills at every call; the ordinary run at a sample."""

import errno
import os
import random

import pytest
from osgeo import gdal

import cogx_make
from test_kill import FULL, SEED
from writer import ALL_KINDS, FAIL, FAIL_ON, KILL, KILL_TORN

NAME = "a.tif"
KILLS = 12  # of each case
FAULTS = 3  # of each kind of call in each case
OPTIONS = ["BLOCKSIZE=128", "NUM_THREADS=2"]
# What stands there before; what is written.
CASES = {"new": (None, "masked"), "over": ("plain", "masked"),
         "tiles-as-they-are": ("plain", "cog"),
         "over-a-sidecar": ("sidecar", "masked"),
         "with-a-sidecar": (None, "named")}


@pytest.fixture(scope="session")
def sources(place):
    folder = os.path.join(place, "cogx-sources")
    os.makedirs(folder)
    masked = cogx_make.add_mask(cogx_make.source(700, 600))
    named = cogx_make.source(400, 300, bands=1)
    named.GetRasterBand(1).SetCategoryNames(["a", "b"])
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES")
    made = {"masked": ("GTiff", masked, ["TILED=YES"]),
            "plain": ("GTiff", cogx_make.source(300, 200), []),
            "named": ("GTiff", named, []),
            "cog": ("COG", masked, ["BLOCKSIZE=128", "COMPRESS=JPEG"])}
    paths = {}
    for name, (driver, dataset, options) in made.items():
        paths[name] = os.path.join(folder, name + ".tif")
        cogx_make.write(driver, paths[name], dataset, *options)
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", None)
    return paths


class Case:
    """A directory, what stands in it before and what stands there after."""

    def __init__(self, place, writer, sources, name):
        self.top = os.path.join(place, "cogx-stage")
        self.path = os.path.join(self.top, NAME)
        self.writer, self.sources = writer, sources
        self.old, new = CASES[name]
        self.step = {"do": "copy", "driver": "COGX", "path": self.path,
                     "source": sources[new],
                     "options": OPTIONS if new != "cog" else []}
        self.before = self.reset()
        answer = self.run(arm={})
        assert answer["done"], answer
        self.count = answer["steps"][0]["count"]
        self.after = self.found()
        assert self.after[NAME] != self.before.get(NAME)

    def reset(self):
        os.makedirs(self.top, exist_ok=True)
        for name in os.listdir(self.top):
            os.remove(os.path.join(self.top, name))
        if self.old:
            step = {"do": "copy", "driver": "COGX", "path": self.path,
                    "source": self.sources[
                        "plain" if self.old == "plain" else "named"],
                    "options": OPTIONS}
            assert self.writer.ask(step)["done"]
        return self.found()

    def run(self, **job):
        step = dict(self.step, **job.pop("step", {}))
        if "arm" in job:
            job["arm"] = dict(job["arm"], directory=self.top)
        return self.writer.ask(step, **job)

    def found(self):
        found = {}
        for name in os.listdir(self.top):
            with open(os.path.join(self.top, name), "rb") as file:
                found[name] = file.read()
        return found

    def check_name(self):
        """The file, whole; what it was is told."""
        data = self.found().get(NAME)
        if data == self.after[NAME]:
            return "new"
        assert data == self.before.get(NAME)
        return "old" if data else "none"


@pytest.fixture(params=CASES)
def case(request, place, writer, sources):
    return Case(place, writer, sources, request.param)


def sample(case, name, every, count):
    rng = random.Random("%d %s %s" % (SEED, case.step["source"], name))
    return every if FULL else sorted(rng.sample(every,
                                                min(count, len(every))))


def test_killed(case):
    every = [(n, action) for n in range(1, case.count + 1)
             for action in (KILL, KILL_TORN)]
    # The last calls are those that put it in its place.
    points = sample(case, "kill", every[:-8], KILLS) + every[-8:]
    states = []
    for nth, action in points:
        case.reset()
        if not case.run(arm={"nth": nth, "action": action})["killed"]:
            continue
        states.append(case.check_name())
        # The same command ends as if nothing had happened.
        assert case.run()["done"]
        assert case.found()[NAME] == case.after[NAME]
    print(case.count, {state: states.count(state) for state in set(states)})
    assert len(states) >= 6 and len(set(states)) == 2


def test_killed_by_the_clock(case):
    seconds = case.run()["seconds"]
    rng = random.Random(SEED)
    for _ in range(50 if FULL else 5):
        case.reset()
        case.run(delay=rng.uniform(0, seconds))
        case.check_name()


def test_failing_calls(case):
    """An error, and all is as before; nothing is left over."""
    for kind in ALL_KINDS:
        case.reset()
        count = case.run(arm={"kinds": kind})["steps"][0]["count"]
        every = [(n, action) for n in range(1, count + 1)
                 for action in (FAIL, FAIL_ON)]
        for nth, action in sample(case, kind, every, FAULTS):
            what = "%s fails at call %d, action %d" % (kind, nth, action)
            case.reset()
            answer = case.run(arm={"kinds": kind, "nth": nth, "action": action,
                                   "errno": errno.ENOSPC})
            assert not answer["files"], (what, answer)
            if answer["done"]:
                assert case.found()[NAME] == case.after[NAME], what
            elif kind not in "ur":
                assert answer["errors"], what
                assert case.found() == case.before, what
            else:
                # What could not be removed stands there.
                case.check_name()


def test_full_disk(case):
    """No file may be longer than a part of the output."""
    size = len(case.after[NAME])
    for limit in (1, 2000, size // 2, size - 1):
        case.reset()
        answer = case.run(file_limit=limit)
        assert not answer["done"] and answer["errors"], (limit, answer)
        assert not answer["files"], answer
        assert case.found() == case.before, limit


def test_interrupted(case):
    """Whenever progress says so, up to the last time it is asked."""
    calls = len(case.run()["steps"][0]["calls"])
    assert calls > 1
    for count in range(calls):
        case.reset()
        answer = case.run(step={"interrupt": count})
        assert not answer["files"], answer
        if answer["done"]:
            assert case.found() == case.after
        else:
            assert case.found() == case.before, count
