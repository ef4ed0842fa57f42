# SPDX-License-Identifier: MIT
"""Writers whose calls fail, or who are interrupted: an error, and nothing half
done. ROK4_KILL_FULL=YES lets every call fail; the ordinary run a sample."""

import errno
import os
import random

import pytest
from osgeo import gdal

import rok4_write
import scenes
from scenes import MORE, SCENES, Stage, copy, inplace
from test_kill import FULL, SEED, Reference, same
from writer import ALL_KINDS, FAIL, FAIL_ON

KIND_NAMES = {"o": "open", "w": "write", "r": "rename", "u": "unlink",
              "l": "link", "m": "mkdir", "d": "rmdir", "s": "sync"}
SHARE = 3  # of each kind of call in each scene
BY_NAME = {scene.name: scene for scene in SCENES}


@pytest.fixture(scope="session")
def stage(place, writer):
    sources = os.path.join(place, "sources-of-faults")
    return Stage(place, writer, scenes.make_sources(sources))


def fails_quietly(answer, errors=(1, 2)):
    """An error, and neither an open file nor a thread that is left over."""
    assert not answer["done"]
    assert len(answer["errors"]) in errors, answer
    assert not answer["files"], answer


def check_failed(stage, reference, answer):
    """The pyramid is as it was; or publishing is left to the next writer, and
    the message says so."""
    found = stage.tree()
    text = " ".join(answer["errors"])
    if "is not finished" in text or "cannot be finished" in text:
        return "unfinished"
    same(found, reference.before)
    return "as before"


@pytest.mark.parametrize("scene", SCENES, ids=repr)
def test_failing_calls(stage, scene):
    reference = Reference(stage, scene)
    rng = random.Random("%d %s" % (SEED, scene.name))
    ends = {}
    for kind in ALL_KINDS:
        answer = stage.run(scene.command, arm={"kinds": kind})
        stage.reset()
        count = answer["steps"][0]["count"]
        every = [(n, action) for n in range(1, count + 1)
                 for action in (FAIL, FAIL_ON)]
        sample = every if FULL else rng.sample(every, min(SHARE, len(every)))
        for nth, action in sorted(sample):
            try:
                end = fail(stage, reference, kind, nth, action)
            except AssertionError as error:
                raise AssertionError("%s fails at call %d, action %d: %s" % (
                    KIND_NAMES[kind], nth, action, error)) from error
            ends[end] = ends.get(end, 0) + 1
    print(scene, ends)


def fail(stage, reference, kind, nth, action):
    scene = reference.scene
    code = errno.EIO if kind in "ud" else errno.ENOSPC
    answer = stage.run(scene.command,
                       arm={"kinds": kind, "nth": nth, "action": action,
                            "errno": code})
    assert not answer["killed"]
    if answer["done"]:
        # What failed was of no consequence, as that a lock tells its owner.
        end = "done"
        if kind in "ud" and not answer["errors"]:
            pass  # what could not be removed is
        else:
            same(stage.tree(), reference.after)
    else:
        fails_quietly(answer)
        text = os.strerror(code)
        assert text in answer["errors"][0], answer["errors"]
        end = "left" if kind in "ud" else check_failed(stage, reference,
                                                       answer)
    again = stage.run(scene.command)
    if not again["done"]:
        assert "exist" in again["errors"][0], again
    same(stage.tree(), reference.after)
    stage.reset()
    return end


@pytest.mark.parametrize("name", ["create", "create-one-thread", "overwrite",
                                  "inplace", "links-copied", "update"])
def test_largest_file(stage, name):
    """A limit that the largest slab exceeds, as a full disk would be."""
    reference = Reference(stage, BY_NAME[name])
    largest = max(len(data) for key, data in reference.after.items()
                  if data and data != reference.before.get(key))
    answer = stage.run(reference.scene.command, file_limit=largest - 1)
    fails_quietly(answer)
    assert os.strerror(errno.EFBIG) in answer["errors"][0]
    same(stage.tree(), reference.before)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another")
@pytest.mark.parametrize("name", ["create", "overwrite", "inplace", "slink",
                                  "overviews", "update", "delete"])
def test_unwritable_directory(stage, name):
    reference = Reference(stage, BY_NAME[name])
    answer = stage.run(reference.scene.command, user=65534)
    fails_quietly(answer)
    text = answer["errors"][0]
    assert os.strerror(errno.EACCES) in text or "only" in text, text
    same(stage.tree(), reference.before)
    if name == "delete":
        return
    # Not below either, where slabs are put one by one.
    os.chmod(stage.top, 0o777)
    answer = stage.run(reference.scene.command, user=65534)
    os.chmod(stage.top, 0o755)
    if answer["done"]:
        assert not reference.scene.places
    elif "publishing is not finished" in answer["errors"][0]:
        assert stage.run(reference.scene.command)["done"]
        same(stage.tree(), reference.after)
    else:
        same(stage.tree(), reference.before)


@pytest.fixture(scope="session")
def broken(stage):
    """Names of sources of which a block cannot be read: the second half of a
    file is missing."""
    whole = os.path.join(stage.sources["directory"], "broken.tif")
    rok4_write.source(rok4_write.noise(1, (400, 700), seed=9), path=whole)
    size = os.path.getsize(whole)
    os.truncate(whole, size * 6 // 10)
    gdal.BuildVRT(whole[:-4] + ".vrt", [whole])
    # Another grid: it is warped.
    off = os.path.join(stage.sources["directory"], "off.tif")
    rok4_write.source(rok4_write.noise(1, (400, 700), seed=9), path=off,
                      cell=4000)
    os.truncate(off, os.path.getsize(off) * 6 // 10)
    stage.sources.update(broken=whole, off=off, virtual=whole[:-4] + ".vrt")
    return ["broken", "virtual", "off"]


@pytest.mark.parametrize("source", range(3))
@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("how", ["create", "overwrite", "inplace", "hlink"])
def test_failing_source(stage, broken, how, threads, source):
    reference_scene = BY_NAME[how]
    before = stage.begin(reference_scene)
    step = dict(reference_scene.command, source=broken[source])
    step["options"] = [option for option in step["options"]
                       if not option.startswith("NUM_THREADS")]
    step["options"].append("NUM_THREADS=" + threads)
    answer = stage.run(step)
    assert not answer["done"] and not answer["files"]
    text = " ".join(answer["errors"])
    assert "TIFF" in text or "IReadBlock" in text, answer["errors"]
    same(stage.tree(), before)


@pytest.mark.parametrize("scene", scenes.WIDE + [
    scene for scene in SCENES if scene.command["do"] == "copy"], ids=repr)
def test_interrupted(stage, scene):
    """At any call of the progress function."""
    reference = Reference(stage, scene)
    whole = stage.run(scene.command)
    calls = whole["steps"][0]["calls"]
    assert calls == sorted(calls) and calls[0] == 0 and calls[-1] == 1
    assert calls.count(1) == 1
    print(scene, len(calls), "calls")
    rng = random.Random(SEED)
    every = list(range(len(calls)))
    for nth in every if FULL else sorted(rng.sample(every,
                                                    min(6, len(every)))):
        stage.reset()
        answer = stage.run(dict(scene.command, interrupt=nth))
        if answer["done"]:
            # The last call tells of what has been published. How many there are
            # depends on which thread copies which slab.
            assert nth >= len(answer["steps"][0]["calls"]) - 1
            same(stage.tree(), reference.after)
            continue
        fails_quietly(answer, (1,))
        assert "nterrupt" in answer["errors"][0], answer["errors"]
        assert answer["threads"] <= whole["threads"]
        same(stage.tree(), reference.before)


@pytest.mark.parametrize("scene", scenes.WIDE + [
    BY_NAME[name] for name in ("create-mask", "overwrite", "hlink")], ids=repr)
def test_interrupted_to_resume(stage, scene):
    """With RESUME=YES, what was collected stays, and the same command ends as
    if it had never been interrupted."""
    reference = Reference(stage, scene)
    step = dict(scene.command)
    step["options"] = step["options"] + ["RESUME=YES"]
    calls = stage.run(step)["steps"][0]["calls"]
    for nth in sorted({1, len(calls) // 2, len(calls) - 2}):
        stage.reset()
        answer = stage.run(dict(step, interrupt=nth))
        assert not answer["done"]
        found = stage.tree()
        assert "p.json.building" in found and "p.json.lock" not in found
        assert not [key for key in found if ".part-" in key]
        for key, data in reference.before.items():
            assert found[key] == data
        assert stage.run(step)["done"]
        same(stage.tree(), reference.after)


def test_sources_that_are_missing(stage):
    """Nothing is begun, nor is anything left."""
    before = stage.begin(BY_NAME["inplace"])
    for step in (inplace("a", "NODATA=7"), copy("a", *MORE),
                 copy("rgb", "UPDATE_MODE=INPLACE", small=False),
                 copy("a", "UPDATE_MODE=SLINK", "ANCESTOR=@none.json",
                      path="q.json", small=False)):
        answer = stage.run(step)
        fails_quietly(answer)
        same(stage.tree(), before)
