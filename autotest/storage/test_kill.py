# SPDX-License-Identifier: MIT
"""Writers that are killed while they write to object storages: what stands
there then, and what the same command makes of it.
ROK4_KILL_FULL=YES kills each 100 times instead of 20 in all."""

import os
import random
import sys

import pytest

import pyramids

import rok4_write
from rok4_util import ROOT

sys.path.insert(0, os.path.join(ROOT, "autotest", "safety"))
import writer  # noqa: E402

FULL = os.environ.get("ROK4_KILL_FULL", "NO") == "YES"
SEED = int(os.environ.get("ROK4_KILL_SEED", "1"))
LATENCY_S = 0.006


@pytest.fixture(scope="module")
def child():
    """A process that forks for each command, and kills that when told."""
    one = writer.Writer("")
    yield one
    one.close()


class Scene:
    """A command on a storage; before makes what stands there before it."""

    def __init__(self, child, storage, tmp_path, options, before=None):
        self.child, self.storage = child, storage
        self.name = "ROK4:" + storage.path("N.json")
        # RADOS has no proxy that makes it slow.
        wide = (700, 1200) if storage.kind == "RADOS" else (250, 310)
        self.job = self.step(tmp_path, "new", 1, wide, options)
        self.before = {}
        if before is not None:
            self.run(self.step(tmp_path, "old", 2, (300, 310), before))
            self.before = storage.get_all()
        with self.slow() as asked:
            self.run(self.job)
            found = asked()
        puts = [one for one in found if one.method == "PUT"]
        # Seconds since the first request, which comes at once.
        self.begin = puts[0].started - found[0].started
        self.end = puts[-1].ended - found[0].started
        self.after = storage.get_all()
        assert "N.json" in self.after and self.after != self.before

    def step(self, tmp_path, name, seed, size, options):
        path = str(tmp_path / (name + ".tif"))
        rok4_write.stored(rok4_write.noise(3, size, seed=seed), path)
        small = [] if "UPDATE_MODE=INPLACE" in options else rok4_write.SMALL
        return {"do": "copy", "path": self.name, "source": path,
                "options": small + list(options)}

    def slow(self):
        """Requests take time, where that can be had, and are counted."""
        return self.storage.watched(
            **({"latency_s": LATENCY_S} if self.storage.proxy else {}))

    def run(self, job, **more):
        options = dict(self.storage.options, NUM_THREADS="2",
                       ROK4_TMS_DIRECTORY=os.environ["ROK4_TMS_DIRECTORY"])
        options = {key: value for key, value in options.items() if value}
        answer = self.child.ask(job, config=options, **more)
        # One that ends just then says no more.
        assert answer["killed"] or answer.get("done", "delay" in more), answer
        return answer

    def killed(self, count):
        """What stands there when the command is killed, so many times: mostly
        while objects are put, and then until it was at least once."""
        rng = random.Random("%d %s" % (SEED, self.name))
        spread = 0.1 * (self.end - self.begin)
        midst = False
        for _ in range(100 if FULL else count):
            found = self.kill(rng.uniform(self.begin - spread,
                                          self.end + spread))
            midst = midst or self.is_between(found)
            yield found
        # The machine may be slower or faster than it was.
        first, last = 0, 2 * self.end
        for _ in range(15):
            if midst:
                return
            found = self.kill((first + last) / 2)
            midst = self.is_between(found)
            if found == self.before:
                first = (first + last) / 2
            else:
                last = (first + last) / 2
            yield found
        assert midst

    def is_between(self, found):
        """Whether some objects are new, and not all."""
        new = [name for name in self.after
               if found.get(name) != self.before.get(name)]
        return 0 < len(new) < sum(
            data != self.before.get(name)
            for name, data in self.after.items())

    def kill(self, seconds):
        for name in self.storage.list():
            if name not in self.before:
                self.storage.delete(name)
        self.storage.put_all(self.before)
        with self.slow():
            self.run(self.job, delay=seconds)
        return self.storage.get_all()

    def again(self, *options):
        """The same command, to its end."""
        self.run(dict(self.job, options=self.job["options"] + list(options)))

    def check_whole(self, found):
        """Each object is old or new."""
        for name, data in found.items():
            assert data in (self.before.get(name), self.after.get(name)), name


@pytest.mark.parametrize("kind,count", [("S3", 10), ("SWIFT_V1", 5),
                                        ("RADOS", 5)])
def test_new(make_storage, child, tmp_path, kind, count):
    """No descriptor, or all of it."""
    with make_storage(kind).settled() as storage:
        scene = Scene(child, storage, tmp_path, [])
        for found in scene.killed(count):
            scene.check_whole(found)
            if "N.json" in found:
                assert found == scene.after
                continue
            scene.again(*(["OVERWRITE=YES"] if found else []))
            assert storage.get_all() == scene.after


SCENES = {"OVERWRITE": ([], ["OVERWRITE=YES"]),
          "INPLACE": ([], ["UPDATE_MODE=INPLACE"]),
          # Slabs of the old pyramid look like those of the run.
          "RESUME": (["COMPRESS=NONE"], ["OVERWRITE=YES", "COMPRESS=NONE",
                                         "RESUME=YES"]),
          "MASKS": (["MASK=YES"], ["OVERWRITE=YES", "MASK=YES",
                                   "TILES_PER_WIDTH=4"])}


@pytest.mark.parametrize("kind,name,count", [
    ("S3", "OVERWRITE", 3), ("S3", "INPLACE", 3), ("S3", "MASKS", 3),
    ("S3", "RESUME", 3),
    ("SWIFT_V1", "INPLACE", 3), ("RADOS", "INPLACE", 3),
    ("RADOS", "MASKS", 3)])
def test_replacing(make_storage, child, tmp_path, kind, name, count):
    """Slabs are old or new, the pyramid can be read, and the same command
    again ends as if it had not been killed."""
    before, options = SCENES[name]
    with make_storage(kind).settled() as storage:
        scene = Scene(child, storage, tmp_path, options, before)
        for found in scene.killed(count):
            scene.check_whole(found)
            assert "N.json" in found
            pyramids.seen(scene.name)
            scene.again()
            assert storage.get_all() == scene.after


def in_order(objects):
    """The lines of lists are in any order."""
    return dict(objects, **{"N.list": sorted(objects["N.list"].split())})


@pytest.mark.parametrize("kind", ["S3", "RADOS"])
def test_resuming(make_storage, child, tmp_path, kind):
    """RESUME=YES goes on where it was killed: slabs that are there are not put
    again, but for those that were on their way."""
    with make_storage(kind).settled() as storage:
        scene = Scene(child, storage, tmp_path, ["RESUME=YES"])
        total = len(scene.after) - 2
        for found in scene.killed(4):
            if "N.json" in found:
                assert found.keys() >= scene.after.keys()
                continue
            known = len([name for name in found if "/DATA_" in name])
            with storage.watched() as asked:
                scene.again()
                puts = [one for one in asked() if one.method == "PUT" and
                        "/DATA_" in one.name]
            assert in_order(storage.get_all()) == in_order(scene.after)
            assert len(puts) <= total - known + 4
