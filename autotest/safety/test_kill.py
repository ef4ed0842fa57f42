# SPDX-License-Identifier: MIT
"""Writers that are killed at any call that changes a file: what stands there
then, and what the same command, or another one, makes of it.
ROK4_KILL_FULL=YES kills at every call, twice; the ordinary run at a sample."""

import os
import random

import pytest

import rok4_write
import scenes
from scenes import FOREIGN, SCENES, Stage
from writer import KILL, KILL_TORN

FULL = os.environ.get("ROK4_KILL_FULL", "NO") == "YES"
SEED = int(os.environ.get("ROK4_KILL_SEED", "1"))
SHARE = 12  # of each scene
KILLS = []


def is_ours(key):
    """Files of the writer at work: those of no pyramid."""
    return (key.startswith(".p.building") or
            key in ("p.json.lock", "p.json.building"))


class Reference:
    """What stood there before a scene and what stands there after it; and what
    the other command makes of either."""

    def __init__(self, stage, scene):
        self.scene = scene
        self.before = stage.begin(scene)
        self.looks = [stage.run({"do": "look", "path": "p.json"})]
        answer = stage.run(scene.command, arm={})
        assert answer["done"], answer
        assert not answer["errors"] and not answer["files"], answer
        self.count = answer["steps"][0]["count"]
        self.after = stage.tree()
        self.looks.append(stage.run({"do": "look", "path": "p.json"}))
        assert not [key for key in self.after if is_ours(key)]
        self.others = [self.other(stage)]
        stage.reset()
        self.others.insert(0, self.other(stage))
        stage.reset()

    def other(self, stage):
        """(whether it succeeded, what stands there then)."""
        done = stage.run(self.scene.other)["done"]
        return done, stage.tree()


@pytest.fixture(scope="session")
def stage(place, writer):
    return Stage(place, writer, scenes.make_sources(place + "/sources"))


def points(scene, count):
    """Calls at which a scene is killed: (number, action)."""
    every = [(n, action) for n in range(1, count + 1)
             for action in (KILL, KILL_TORN)]
    if FULL:
        return every
    # Half of them while it is published, which is the last third.
    rng = random.Random("%d %s" % (SEED, scene.name))
    last = every[2 * len(every) // 3:]
    return sorted(rng.sample(every[:2 * len(every) // 3], SHARE // 2) +
                  rng.sample(last, SHARE // 2))


def below(found, directory="p/"):
    """What stands below the pyramid's directory, but directories and what is
    not ours."""
    return {key: data for key, data in found.items()
            if key.startswith(directory) and data is not None and
            key not in FOREIGN}


def check_slabs(reference, found, state):
    """Each slab is one of before or after, as the way of writing wants it."""
    scene, slabs = reference.scene, below(found)
    old, new = below(reference.before), below(reference.after)
    if scene.places:
        for key, data in slabs.items():
            assert data in (old.get(key), new.get(key)), key
        kept = new if state == "new" else old
        missing = set(kept) - set(slabs)
        assert not missing
        if state == "new":
            assert all(slabs[key] == data for key, data in new.items())
    elif state == "old":
        assert slabs == old
    elif state == "new":
        assert slabs == new
    else:
        for key, data in slabs.items():
            assert data in (old.get(key), new.get(key)), key


def check_killed(stage, reference, found):
    """The pyramid is there as it was, as it shall be, or not at all."""
    scene = reference.scene
    descriptor = found.get("p.json")
    before = reference.before.get("p.json")
    after = reference.after.get("p.json")
    answer = stage.run({"do": "look", "path": "p.json"})
    assert answer["done"] == (descriptor is not None), answer
    if descriptor is None:
        assert scene.swaps or before is None
        state = "none"
    elif descriptor == before:
        state = "old"
    else:
        assert descriptor == after
        state = "new"
    check_slabs(reference, found, state)
    if descriptor is not None:
        assert not answer["errors"] and not answer["warnings"], answer
        if not scene.places or state == "new":
            look = reference.looks[state == "new"]
            assert answer["steps"][0]["sums"] == look["steps"][0]["sums"]
    for suffix in ("list", "md5"):
        key = "p." + suffix
        if state == "new":
            assert found.get(key) == reference.after.get(key), key
        if key in found:
            assert found[key] in (reference.before.get(key),
                                  reference.after.get(key)), key
    check_statistics(reference, found)
    if scene.foreign:
        check_foreign(reference, found)
    for key, data in reference.before.items():
        if key.startswith("old"):
            assert found[key] == data, key
    return state


def check_statistics(reference, found):
    """None of pixels that are no more, once all that was written is there."""
    if below(found) == below(reference.after) and "p.json" in found and \
            not [key for key in found if is_ours(key)]:
        assert b"STATISTICS_" not in found.get("p.json.aux.xml", b"")


def check_foreign(reference, found):
    for key in FOREIGN:
        # Among the slabs of a pyramid that is put aside, until that is over.
        aside = key.replace("p/", ".p.building/old/", 1)
        data = found.get(key)
        if data is None and reference.scene.swaps and "/DATA/" in key:
            data = found.get(aside)
        assert data == reference.before[key], key


def same(found, expected):
    """All files, and all directories; without their bytes in the message."""
    assert sorted(found) == sorted(expected)
    assert [key for key in found if found[key] != expected[key]] == []


def check_same_again(stage, reference):
    """The same command ends as if it had not been interrupted."""
    scene = reference.scene
    answer = stage.run(scene.command)
    found = stage.tree()
    if not answer["done"]:
        # It had been done: once more is too much, and says so.
        assert not scene.places and len(answer["errors"]) == 1, answer
        assert "exist" in answer["errors"][0], answer
    same(found, reference.after)


def check_other(stage, reference):
    """Another command finds the pyramid as it was or as it shall be."""
    scene = reference.scene
    answer = stage.run(scene.other)
    found = stage.tree()
    wanted = [(done, tree) for done, tree in reference.others
              if done == answer["done"] and sorted(tree) == sorted(found)]
    assert wanted, (answer, sorted(found))
    differ = [[key for key in tree if tree[key] != found[key]]
              for _, tree in wanted]
    assert [] in differ, (answer, differ)


@pytest.mark.parametrize("scene", SCENES, ids=repr)
def test_killed(stage, scene, place):
    reference = Reference(stage, scene)
    copy = os.path.join(place, "killed")
    states = []
    for nth, action in points(scene, reference.count):
        stage.reset()
        answer = stage.run(scene.command,
                           arm={"nth": nth, "action": action})
        # Calls may be fewer than before: threads make the same directories.
        if not answer["killed"]:
            same(stage.tree(), reference.after)
            continue
        KILLS.append(scene.name)
        try:
            states.append(check_killed(stage, reference, stage.tree()))
            stage.save(copy)
            check_same_again(stage, reference)
            stage.reset(copy)
            check_other(stage, reference)
        except AssertionError as error:
            raise AssertionError("killed at call %d, action %d: %s" % (
                nth, action, error)) from error
    print("%s: %d calls, %d kills: %s" % (
        scene, reference.count, len(states),
        {state: states.count(state) for state in sorted(set(states))}))
    assert len(states) >= (SHARE * 3) // 4


@pytest.mark.parametrize("scene", scenes.WIDE + [
    scene for scene in SCENES if scene.name in (
        "create-jpeg-cubic", "overwrite", "overviews", "update")], ids=repr)
def test_killed_by_the_clock(stage, scene):
    """At any moment, also between calls, in threads that are at work."""
    reference = Reference(stage, scene)
    seconds = stage.run(scene.command)["seconds"]
    rng = random.Random("%d %s" % (SEED, scene.name))
    states = []
    for _ in range(100 if FULL else 6):
        stage.reset()
        if not stage.run(scene.command,
                         delay=rng.uniform(0, seconds))["killed"]:
            same(stage.tree(), reference.after)
            continue
        KILLS.append(scene.name)
        states.append(check_killed(stage, reference, stage.tree()))
        check_same_again(stage, reference)
    print(scene, {state: states.count(state) for state in set(states)})


def test_renaming_is_killed(stage):
    """The pyramid has one name or the other, or the same command gives it the
    new one."""
    reference = Reference(stage, scenes.RENAME)
    names = []
    for nth, action in points(scenes.RENAME, reference.count):
        stage.reset()
        assert stage.run(scenes.RENAME.command, arm={
            "nth": nth, "action": action})["killed"]
        KILLS.append("rename")
        names.append([name for name in ("p.json", "q.json") if
                      os.path.exists(os.path.join(stage.top, name))])
        assert len(names[-1]) < 2
        for name in names[-1]:
            assert stage.run({"do": "look", "path": name})["done"]
        stage.run(scenes.RENAME.command)
        found = stage.tree()
        found.pop("q.json.lock", None)
        same(found, reference.after)
    print(names.count(["q.json"]), names.count([]), names.count(["p.json"]))


def test_kills():
    """As many as were promised."""
    print("%d kills" % len(KILLS))
    assert len(KILLS) >= 200
