# SPDX-License-Identifier: MIT
"""Builds that are killed and go on with RESUME=YES: the same bytes as of a run
that was not killed, and slabs that were there are not made again.
ROK4_KILL_FULL=YES kills at every call; the ordinary run at a sample."""

import json
import os
import random
import shutil

import pytest
from osgeo import gdal

import rok4_write
import scenes
from scenes import ELDER, FRESH, MORE, OLD, SCENES, Scene, Stage, inplace
from test_kill import FULL, SEED, Reference, is_ours, same
from writer import KILL, KILL_TORN

BY_NAME = {scene.name: scene for scene in SCENES}
CUBIC = "OVERVIEW_RESAMPLING=CUBIC"
RESUMED = [BY_NAME[name] for name in (
    "create", "create-one-thread", "create-mask", "create-jpeg-cubic",
    "overwrite", "inplace", "inplace-mask", "inplace-levels", "slink",
    "hlink", "links-copied", "copied", "rebuilt")] + [
        Scene("inplace-cubic", [OLD], inplace("b", CUBIC, *MORE), FRESH,
              places=True),
        Scene("links-copied-cubic", [ELDER],
              dict(BY_NAME["links-copied"].command, options=BY_NAME[
                  "links-copied"].command["options"] + [CUBIC]), FRESH)]
# Their slabs may be others', and cannot be told from those that were built.
ANEW = ["links-copied-cubic"]
SHARE = 6


@pytest.fixture(scope="session")
def stage(place, writer):
    sources = os.path.join(place, "sources-of-resumed")
    return Stage(place, writer, scenes.make_sources(sources))


def resuming(step, *options):
    return dict(step, options=step["options"] + ["RESUME=YES"] +
                list(options))


def staged(stage):
    """{slab below the staging directory: which file it is}."""
    top = os.path.join(stage.top, ".p.building")
    out = {}
    for plane in ("DATA", "MASK"):
        for where, _, names in os.walk(os.path.join(top, plane)):
            for name in names:
                path = os.path.join(where, name)
                info = os.lstat(path)
                if ".part-" not in name:
                    out[os.path.relpath(path, top)] = (
                        info.st_ino, info.st_mtime_ns, info.st_size)
    return out


def published(stage, key):
    info = os.lstat(os.path.join(stage.top, "p", key))
    return info.st_ino, info.st_mtime_ns, info.st_size


def is_building(stage):
    """What was killed had not begun to publish."""
    try:
        with open(stage.path + ".building", encoding="utf-8") as file:
            return json.load(file)["phase"] == "build"
    except FileNotFoundError:
        return False


def check_kept(stage, slabs, masks):
    """None of the slabs was made again, but for a last one whose mask was
    missing."""
    changed = [key for key, identity in slabs.items()
               if published(stage, key) != identity]
    for key in changed:
        mask = key.replace("DATA/", "MASK/")
        assert masks and mask not in slabs, key


def kills(scene, count):
    every = [(n, action) for n in range(1, count + 1)
             for action in (KILL, KILL_TORN)]
    if FULL:
        return every
    return sorted(random.Random("%d %s" % (SEED, scene.name)).sample(
        every, SHARE))


@pytest.mark.parametrize("scene", RESUMED, ids=repr)
def test_resumed(stage, scene):
    reference = Reference(stage, scene)
    step = resuming(scene.command)
    kept = begun = 0
    for nth, action in kills(scene, reference.count):
        stage.reset()
        answer = stage.run(step, arm={"nth": nth, "action": action})
        if not answer["killed"]:
            continue
        there, again = staged(stage), {}
        if is_building(stage):
            # Killed twice.
            answer = stage.run(step, arm={"nth": max(1, nth // 2),
                                          "action": action})
            again = staged(stage) if answer["killed"] else {}
        is_there = os.path.exists(stage.path)
        answer = stage.run(step)
        if not answer["done"]:
            assert is_there and "exist" in answer["errors"][0]
        same(stage.tree(), reference.after)
        if scene.name not in ANEW:
            for slabs in (there, again):
                check_kept(stage, slabs, scene.name.endswith("-mask"))
        kept += len(there) > 0
        begun += len(there) == 0
    print(scene, kept, "with slabs,", begun, "without")
    assert kept


def kill_midway(stage, scene):
    """Kills the scene's command when about half of its slabs are there."""
    stage.reset()
    log = os.path.join(stage.top, "..", "calls")
    if os.path.exists(log):
        os.remove(log)
    assert stage.run(resuming(scene.command), arm={"log": log})["done"]
    with open(log, encoding="utf-8") as file:
        calls = file.read().splitlines()
    places = [i for i, call in enumerate(calls, 1)
              if call.startswith("r /.p.building/DATA/")]
    stage.reset()
    assert stage.run(resuming(scene.command), arm={
        "nth": places[len(places) // 2], "action": KILL})["killed"]
    assert staged(stage)


@pytest.mark.parametrize("name", ["create", "create-mask", "inplace"])
@pytest.mark.parametrize("change", ["option", "source", "content", "resume",
                                    "mode"])
def test_begun_anew(stage, name, change):
    """Another command does not go on with what was collected."""
    scene = BY_NAME[name]
    before = stage.begin(scene)
    source = stage.sources[scene.command["source"]]
    saved = source + ".saved"
    shutil.copy2(source, saved)
    step = dict(scene.command)
    if change == "option":
        step["options"] = step["options"] + [
            "OVERVIEW_RESAMPLING=NEAREST" if name != "create" else "ZLEVEL=1"]
    elif change == "source":
        step["source"] = "n" if "mask" in name else "c"
    elif change == "mode" and name == "inplace":
        step["options"] = scenes.SMALL + MORE + ["OVERWRITE=YES"]
    elif change == "mode":
        step["options"] = step["options"] + ["OVERWRITE=YES"]
    else:
        step["options"] = step["options"] + ["LIST=YES"]
    step["options"] = [option for option in step["options"]
                       if change != "content" or option != "LIST=YES"]

    def run(options):
        if change == "content":
            # The same name and size, and other pixels.
            with open(saved, "rb") as file:
                data = bytearray(file.read())
            data[len(data) // 2] ^= 0x55
            with open(source, "wb") as file:
                file.write(data)
        wanted = dict(step, options=step["options"] + options)
        assert stage.run(wanted)["done"]
        found = stage.tree()
        shutil.copy2(saved, source)
        return found

    expected = run([])
    kill_midway(stage, scene)
    found = run([] if change == "resume" else ["RESUME=YES"])
    same(found, expected)
    assert not [key for key in found if is_ours(key)]
    stage.reset()
    same(stage.tree(), before)


def stopped(stage, dataset, options):
    """Interrupts a CreateCopy to be resumed; the slabs that are there."""
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    assert gdal.GetDriverByName("ROK4").CreateCopy(
        stage.path, dataset, options=options,
        callback=lambda fraction, text, data: int(fraction < 0.8)) is None
    gdal.PopErrorHandler()
    assert staged(stage)
    return staged(stage)


# One level: there is more than one step to be interrupted at.
STEPS = [option for option in scenes.SMALL if "TOP" not in option] + [
    "TOP_LEVEL=5", "RESUME=YES"]


@pytest.mark.parametrize("kind", ["memory", "virtual", "same"])
def test_of_no_file(stage, kind):
    """A source in memory equals no other, and what is made of one file does
    not equal another thing that is made of it."""
    stage.begin(BY_NAME["create"])

    def source(factor):
        if kind == "memory":
            return rok4_write.source(rok4_write.noise(1, seed=1))
        return gdal.Translate("", stage.sources["a"], format="VRT",
                              scaleParams=[[0, 255, 0, factor]])

    there = stopped(stage, source(255), STEPS)
    assert gdal.GetDriverByName("ROK4").CreateCopy(
        stage.path, source(255 if kind == "same" else 100),
        options=STEPS) is not None
    for key, identity in there.items():
        assert (published(stage, key) == identity) == (kind == "same")
