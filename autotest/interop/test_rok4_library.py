# SPDX-License-Identifier: MIT
"""The reference Python library beside our driver, on pyramids made by the
reference tools: shows that the comparison itself can be trusted."""

import os
import shutil

import pytest

import rok4_library
import rok4_strict
import rok4_util
from rok4_util import fixture

NAMES = rok4_util.FIXTURES
SHIPPED = os.path.join(rok4_util.ROOT, "data", "tms")


@pytest.mark.parametrize("name", NAMES)
def test_fixture(name, library):
    descriptor = rok4_strict.Descriptor(fixture(name),
                                        os.environ["ROK4_TMS_DIRECTORY"])
    codec = descriptor.format.split("_")[1]
    decodes = (codec in rok4_library.CODECS and
               descriptor.levels[0].slab != (1, 1))
    reading = library.read(fixture(name))
    ntiles = rok4_library.compare_pixels(reading, fixture(name))
    assert (ntiles > 0) == decodes
    if decodes and name != "t64_zip_hole":
        assert ntiles == sum(
            (level.limits[2] - level.limits[0] + 1) *
            (level.limits[3] - level.limits[1] + 1)
            for level in descriptor.levels)
    rok4_library.compare_list(reading, fixture(name))
    roots = {root for *_, root, _, link in reading.slabs if link}
    assert roots == ({"/pyramids/t64_zip_uint8_rgb"}
                     if name == "t64_upd_slink" else set())


def test_shipped_tms(library, monkeypatch):
    """Every TMS that comes with the driver."""
    names = sorted(name[:-len(".json")] for name in os.listdir(SHIPPED))
    monkeypatch.setenv("ROK4_TMS_DIRECTORY", SHIPPED)
    found = library.run("tms", *names)
    for name in names:
        assert found[name] == list(rok4_strict.load_tms(name, SHIPPED))


def test_differences_are_found(library, moved):
    """The library reads NAME/ whatever the descriptor says (spec 2.1)."""
    path = moved("t64_zip_uint8_rgb")
    other = path.replace("t64_zip", "other")
    shutil.copytree(path[:-5], other[:-5])
    for suffix in (".json", ".list"):
        shutil.copy(path[:-5] + suffix, other[:-5] + suffix)
    assert rok4_library.compare_pixels(library.read(other), other) > 0
    slab = os.path.join(other[:-5], "DATA", "5", "00", "00", "WM.tif")
    shutil.copy(slab.replace("WM", "XN"), slab)
    with pytest.raises(AssertionError):
        rok4_library.compare_pixels(library.read(other), other)


def test_missing_line_is_found(library, moved):
    path = moved("t64_zip_uint8_rgb")
    rok4_library.compare_list(library.read(path), path)
    with open(path[:-5] + ".list", "r+", encoding="utf-8") as file:
        lines = file.readlines()
        file.seek(0)
        file.truncate()
        file.writelines(lines[:-1])
    with pytest.raises(AssertionError):
        rok4_library.compare_list(library.read(path), path)
