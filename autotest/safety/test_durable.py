# SPDX-License-Identifier: MIT
"""What the system is asked for, and in which order: published survives a power
cut. And a file system that is really full."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

import rok4_write
import scenes
from scenes import SCENES, WIDE, Stage
from test_kill import is_ours, same
from writer import HERE

BY_NAME = {scene.name: scene for scene in SCENES + WIDE}
SYNCS = ("fsync", "fdatasync", "syncfs")
COMMAND = [sys.executable, os.path.join(HERE, "run_step.py")]


@pytest.fixture(scope="session")
def stage(place, writer):
    sources = os.path.join(place, "sources-of-durable")
    return Stage(place, writer, scenes.make_sources(sources))


def traces():
    """Whether strace may look at processes here."""
    return shutil.which("strace") and subprocess.call(
        ["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL) == 0


def calls_of(stage, scene, log):
    """[(name of the call, its arguments, with paths below the directory)]."""
    subprocess.check_call(
        ["strace", "-f", "-y", "-s", "300", "-o", log, "-e",
         "trace=fsync,fdatasync,syncfs,rename,renameat,renameat2"] +
        COMMAND + [json.dumps(stage.step(scene.command))])
    out = []
    unfinished = {}
    with open(log, encoding="utf-8") as file:
        for line in file:
            thread, _, text = line.partition(" ")
            text = text.strip()
            if text.endswith("<unfinished ...>"):
                unfinished[thread] = text[:-len("<unfinished ...>")]
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
            if resumed:
                text = unfinished.pop(thread) + resumed.group(1)
            call = re.match(r"(\w+)\((.*)\)\s*= 0$", text)
            if call:
                out.append((call.group(1), call.group(2).replace(
                    stage.top, "")))
    return out


def last(calls, wanted):
    found = [i for i, call in enumerate(calls) if wanted(*call)]
    assert found, calls
    return found[-1]


@pytest.mark.skipif(not traces(), reason="strace cannot trace here")
@pytest.mark.parametrize("name", ["create", "overwrite", "inplace", "slink",
                                  "overviews", "overviews-clean", "update",
                                  "create-paint"])
def test_order(stage, name, tmp_path):
    scene = BY_NAME[name]
    stage.begin(scene)
    calls = calls_of(stage, scene, str(tmp_path / "calls"))

    def renames(to):
        return lambda what, text: what.startswith("rename") and re.search(
            r'"%s"' % to, text)

    def is_slab(what, text):
        # Or a whole directory of them, to where readers look.
        found = re.search(r'"/(p/(DATA|MASK)[^"]*)"$', text)
        return (what.startswith("rename") and found and
                found.group(1) not in scenes.FOREIGN)

    published = last(calls, renames("/p.json"))
    moves = [i for i, call in enumerate(calls) if is_slab(*call)]
    if name != "overviews-clean":
        assert moves and max(moves) < published
    commit = last(calls[:published], renames("/p.json.building"))
    # All bytes of slabs, before it is written down that they are published.
    synced = last(calls[:commit], lambda what, text: what == "syncfs")
    built = [i for i, call in enumerate(calls[:commit])
             if renames(r"/\.p\.building/(DATA|MASK)/[^\"]*\.tif")(*call)]
    assert not built or max(built) < synced
    # Their names, and the list, before the descriptor.
    behind = moves + [last(calls, renames("/p.list"))]
    synced = last(calls[:published], lambda what, text: what == "syncfs")
    assert max(behind) < synced < published
    # The descriptor has its bytes before it has its name; and its name, before
    # the writer is done.
    fresh = last(calls, renames(r"/\.p\.building/new\.json"))
    assert any(what in SYNCS and "new.json.part" in text
               for what, text in calls[:fresh])
    assert any(what in SYNCS and re.search(r"<>|</?>", text)
               for what, text in calls[published:])


def unshares():
    """Whether a file system of our own can be mounted."""
    return shutil.which("unshare") and subprocess.call(
        ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"],
        stderr=subprocess.DEVNULL) == 0


def blocks(files):
    """That a file system in memory takes for them."""
    return sum(-(-len(data) // 4096) for data in files if data)


@pytest.mark.skipif(not unshares(), reason="nothing can be mounted here")
@pytest.mark.parametrize("name", ["wide", "wide-inplace", "overwrite"])
@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.9])
def test_full_disk(stage, name, share):
    """A file system that holds a part of what is written."""
    scene = BY_NAME[name]
    before = stage.begin(scene)
    assert stage.run(scene.command)["done"]
    after = stage.tree()
    added = blocks(data for key, data in after.items()
                   if data != before.get(key))
    size = blocks(before.values()) + int(share * added) + 1
    script = ('cp -a "$1" "$1.kept" && mount -t tmpfs -o nr_blocks=$2 none '
              '"$1" && cp -a "$1.kept/." "$1" && shift 2 && "$@"; code=$?; '
              'rm -rf "$TOP.found"; cp -a "$TOP" "$TOP.found"; exit $code')
    stage.reset()
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", stage.top, str(size)] +
        COMMAND + [json.dumps(stage.step(scene.command))],
        env=dict(os.environ, TOP=stage.top), stderr=subprocess.PIPE,
        text=True)
    found = rok4_write.tree(stage.top + ".found")
    shutil.rmtree(stage.top + ".found")
    shutil.rmtree(stage.top + ".kept")
    assert done.returncode == 7, done.stderr
    assert "No space left on device" in done.stderr
    assert not [key for key in found if is_ours(key)]
    same(found, before)
