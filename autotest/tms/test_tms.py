# SPDX-License-Identifier: MIT
"""The tile matrix sets of data/tms against the numbers that IGN publishes.

published.txt holds what the published files say, one set a line: name, CRS,
axes, number of levels, finest and coarsest cell size, and a digest of all
numbers of all levels. With ROK4_PUBLISHED_TMS set to a directory of published
files, they are compared directly, number by number, too.
"""

import hashlib
import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "data")
PUBLISHED = os.environ.get("ROK4_PUBLISHED_TMS")

EXACT = ("tileWidth", "tileHeight", "matrixWidth", "matrixHeight")


def shipped_names():
    return sorted(name[:-len(".json")]
                  for name in os.listdir(os.path.join(DATA, "tms")))


def load(directory, name):
    with open(os.path.join(directory, name + ".json"),
              encoding="utf-8") as stream:
        return json.load(stream)


def facts(tms):
    """The line of published.txt for a set, without its name."""
    levels = tms["tileMatrices"]
    numbers = "\n".join(
        " ".join([level["id"]] + ["%.15g" % value for value in (
            level["cellSize"], *level["pointOfOrigin"],
            *(level[key] for key in EXACT))])
        for level in levels)
    return "%s %s %d %.15g %.15g %s" % (
        tms["crs"], ",".join(tms["orderedAxes"]), len(levels),
        levels[-1]["cellSize"], levels[0]["cellSize"],
        hashlib.sha256(numbers.encode("ascii")).hexdigest()[:32])


def published_facts():
    with open(os.path.join(HERE, "published.txt"), encoding="ascii") as stream:
        return dict(line.rstrip("\n").split(" ", 1) for line in stream)


@pytest.mark.parametrize("name", shipped_names())
def test_numbers_are_those_published(name):
    assert facts(load(os.path.join(DATA, "tms"), name)) == \
        published_facts()[name]


def test_every_published_set_is_shipped():
    assert shipped_names() == sorted(published_facts())


def test_files_are_what_the_script_writes(tmp_path):
    subprocess.run([sys.executable, os.path.join(DATA, "make_tms.py"),
                    str(tmp_path)], check=True)
    assert sorted(os.listdir(tmp_path)) == \
        [name + ".json" for name in shipped_names()]
    for name in shipped_names():
        shipped = os.path.join(DATA, "tms", name + ".json")
        with open(shipped, "rb") as left, \
                open(tmp_path / (name + ".json"), "rb") as right:
            assert left.read() == right.read(), name


@pytest.mark.skipif(not PUBLISHED, reason="ROK4_PUBLISHED_TMS is not set")
@pytest.mark.parametrize("name", shipped_names())
def test_against_published_file(name):
    ours = load(os.path.join(DATA, "tms"), name)
    theirs = load(PUBLISHED, name)
    assert ours["crs"] == theirs["crs"]
    assert ours["orderedAxes"] == theirs["orderedAxes"]
    assert len(ours["tileMatrices"]) == len(theirs["tileMatrices"])
    for left, right in zip(ours["tileMatrices"], theirs["tileMatrices"]):
        assert left["id"] == right["id"]
        assert left["cellSize"] == pytest.approx(right["cellSize"],
                                                 rel=1e-12, abs=0)
        assert left["pointOfOrigin"] == pytest.approx(right["pointOfOrigin"],
                                                      rel=1e-12, abs=0)
        assert [left[key] for key in EXACT] == [right[key] for key in EXACT]
