# SPDX-License-Identifier: MIT
"""New pyramids that are updates of others: ANCESTOR."""

import os
import shutil
import zipfile

import numpy as np
import pytest
from osgeo import gdal

import rok4_strict
import rok4_util
import rok4_write
from rok4_paint import (KINDS, PATCH, PLACES, SIZE, check_models, make,
                        place_of, touched)
from rok4_write import create, refuse, slabs, source, strict

@pytest.mark.parametrize("mode", ["SLINK", "HLINK", "COPY", None])
@pytest.mark.parametrize("name", ["gray", "rgb", "rgb mask", "rgba"])
def test_ancestor(name, mode, tmp_path):
    """ANCESTOR=old with UPDATE_MODE=SLINK, HLINK and COPY: the pixels of a full
    rebuild; untouched slabs are links to the old ones, or copies; the old
    pyramid is as it was."""
    kind, px = KINDS[name], PLACES["inside"]
    os.mkdir(str(tmp_path / "old"))
    old = make(tmp_path / "old" / "a.json", kind)
    before = rok4_write.tree(tmp_path / "old")
    path = create(tmp_path / "b.json", kind.source(PATCH, 2, px),
                  "ANCESTOR=" + old,
                  *(["UPDATE_MODE=" + mode] if mode else []), small=False)
    assert rok4_write.tree(tmp_path / "old") == before
    check_models(path, kind, kind.model((SIZE, 1, rok4_write.PX),
                                        (PATCH, 2, px)))
    roots, lines = rok4_strict.read_list(path[:-5] + ".list")
    links = set()
    for key in slabs(path):
        own = os.path.join(path[:-5], key)
        other = os.path.join(old[:-5], key)
        if place_of(key) in touched(px):
            assert not os.path.islink(own)
            assert os.stat(own).st_nlink == 1
            continue
        links.add(key)
        with open(own, "rb") as one, open(other, "rb") as two:
            assert one.read() == two.read()
        if mode in ("SLINK", None):
            assert os.path.islink(own)
            assert os.readlink(own).startswith("../")
            assert os.path.realpath(own) == os.path.realpath(other)
        else:
            assert not os.path.islink(own)
            assert os.path.samefile(own, other) == (mode == "HLINK")
    assert links
    if mode in ("SLINK", None):
        assert roots == {0: path[:-5], 1: old[:-5]}
        assert {name for i, name in lines if i == 1} == links
    else:
        assert roots == {0: path[:-5]}


def test_ancestor_of_ancestor(tmp_path):
    """Links lead to the owner, never to a link."""
    kind = KINDS["gray"]
    one = make(tmp_path / "one.json", kind)
    two = create(tmp_path / "two.json",
                 kind.source(PATCH, 2, PLACES["inside"]), "ANCESTOR=" + one)
    three = create(tmp_path / "three.json",
                   kind.source(PATCH, 3, PLACES["before"]),
                   "ANCESTOR=" + two)
    strict(three)
    owners = set()
    for key in slabs(three):
        path = os.path.join(three[:-5], key)
        if os.path.islink(path):
            target = os.path.normpath(os.path.join(os.path.dirname(path),
                                                   os.readlink(path)))
            assert not os.path.islink(target)
            owners.add(os.path.relpath(target, str(tmp_path)).split("/")[0])
    assert owners == {"one", "two"}
    roots, _ = rok4_strict.read_list(three[:-5] + ".list")
    assert set(roots.values()) == {one[:-5], two[:-5], three[:-5]}
    check_models(three, kind, kind.model(
        (SIZE, 1, rok4_write.PX), (PATCH, 2, PLACES["inside"]),
        (PATCH, 3, PLACES["before"])))


@pytest.mark.parametrize("mode", ["SLINK", "HLINK", "COPY"])
def test_in_place_on_links(mode, tmp_path):
    """Painting on a pyramid with links leaves those that they lead to alone."""
    kind = KINDS["gray"]
    old = make(tmp_path / "old.json", kind)
    path = create(tmp_path / "new.json",
                  kind.source(PATCH, 2, PLACES["inside"]),
                  "ANCESTOR=" + old, "UPDATE_MODE=" + mode)
    before = slabs(old)
    create(path, kind.source(PATCH, 3, PLACES["edge"]),
           "UPDATE_MODE=INPLACE")
    assert slabs(old) == before
    check_models(path, kind, kind.model(
        (SIZE, 1, rok4_write.PX), (PATCH, 2, PLACES["inside"]),
        (PATCH, 3, PLACES["edge"])))


def test_ancestor_moved(tmp_path):
    """Relative links: both pyramids may be moved together."""
    kind = KINDS["gray"]
    os.mkdir(str(tmp_path / "here"))
    old = make(tmp_path / "here" / "old.json", kind)
    create(tmp_path / "here" / "new.json",
           kind.source(PATCH, 2, PLACES["inside"]), "ANCESTOR=" + old)
    shutil.move(str(tmp_path / "here"), str(tmp_path / "there"))
    strict(tmp_path / "there" / "new.json", moved=True)


def test_what_is_replaced(tmp_path):
    """A link would lead to itself: the ancestor is the pyramid that OVERWRITE
    replaces, or has links to it. Hard links and copies go on."""
    kind = KINDS["gray"]
    part = kind.source(PATCH, 2, PLACES["inside"])
    one = make(tmp_path / "one.json", kind)
    two = create(tmp_path / "two.json", part, "ANCESTOR=" + one)
    os.symlink("one.json", str(tmp_path / "alias.json"))
    before = rok4_write.tree(tmp_path)
    for ancestor in (one, two, str(tmp_path / "." / "one.json"),
                     str(tmp_path / "alias.json")):
        message = refuse(one, part, "ANCESTOR=" + ancestor, "OVERWRITE=YES")
        assert "replace" in message
        assert rok4_write.tree(tmp_path) == before
    model = kind.model((SIZE, 1, rok4_write.PX),
                       (PATCH, 2, PLACES["inside"]))
    for mode in ("HLINK", "COPY"):
        create(one, part, "ANCESTOR=" + one, "OVERWRITE=YES",
               "UPDATE_MODE=" + mode)
        check_models(one, kind, model)


def test_memory_has_no_links(tmp_path):
    """Copies instead."""
    kind = KINDS["gray"]
    old = make(tmp_path / "old.json", kind)
    part = kind.source(PATCH, 2, PLACES["inside"])
    for mode in ("SLINK", "HLINK"):
        message = refuse("/vsimem/rok4_links/a.json", part,
                         "ANCESTOR=" + old, "UPDATE_MODE=" + mode)
        assert message
    create("/vsimem/rok4_links/a.json", part, "ANCESTOR=" + old,
           "UPDATE_MODE=COPY")
    gdal.RmdirRecursive("/vsimem/rok4_links")


def test_nothing_changes(tmp_path):
    """A source without data: links and nothing else."""
    kind = KINDS["gray"]
    old = make(tmp_path / "old.json", kind)
    empty = source(np.full(PATCH, 7, "uint8"),
                              PLACES["inside"], nodata=7)
    path = create(tmp_path / "new.json", empty, "ANCESTOR=" + old)
    strict(path)
    rok4_write.same_slabs(path, old)
    assert all(os.path.islink(os.path.join(path[:-5], key))
               for key in slabs(path))


def test_ancestor_elsewhere(tmp_path):
    """Slabs behind HTTP cannot be listed, those in archives not be linked:
    nothing is made of a part of them."""
    kind = KINDS["rgb"]
    old = make(tmp_path / "old.json", kind)
    part = kind.source(PATCH, 2, PLACES["inside"])
    server = rok4_util.Server(tmp_path)
    try:
        for mode in ("SLINK", "HLINK", "COPY"):
            message = refuse(tmp_path / "new.json", part, "ANCESTOR=" +
                             server.url("old.json"), "UPDATE_MODE=" + mode)
            assert "ANCESTOR" in message
    finally:
        server.close()
    with zipfile.ZipFile(str(tmp_path / "all.zip"), "w") as archive:
        archive.write(old, "old.json")
        for key, data in slabs(old).items():
            archive.writestr("old/" + key, data)
    packed = "ANCESTOR=/vsizip/%s/old.json" % (tmp_path / "all.zip")
    for mode in ("SLINK", "HLINK"):
        message = refuse(tmp_path / "new.json", part, packed,
                         "UPDATE_MODE=" + mode)
        assert "UPDATE_MODE=COPY" in message
    assert sorted(os.listdir(str(tmp_path))) == [
        "all.zip", "old", "old.json", "old.list"]
    path = create(tmp_path / "new.json", part, packed, "UPDATE_MODE=COPY")
    check_models(path, kind, kind.model((SIZE, 1, rok4_write.PX),
                                        (PATCH, 2, PLACES["inside"])))
