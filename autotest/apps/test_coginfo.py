# SPDX-License-Identifier: MIT
"""coginfo --validate against GDAL's own script, file by file."""

import json
import re
import subprocess
import sys

import pytest
from osgeo import gdal
from osgeo_utils.samples import validate_cloud_optimized_geotiff as script

import cogx_files

# What the script says, by rule.
RULES = [(re.compile(pattern), rule) for pattern, rule in (
    ("external .ovr file", "external-overviews"),
    ("but is not tiled$", "not-tiled"),
    ("^KNOWN_INCOMPATIBLE_EDITION", "edited"),
    ("^The offset of the main IFD", "main-directory-position"),
    ("has larger dimension than", "overview-size"),
    ("^Overview of index .* is not tiled", "overview-not-tiled"),
    ("^The offset of the IFD for overview", "directory-order"),
    ("^The offset of the first block .* should be after its IFD",
     "data-before-directory"),
    ("^The offset of the first block .* should be after the one",
     "data-order"),
    ("mask block size is different", "mask-tile-size"),
    ("^Mask of .* was expected", "mask-position"),
    ("^Mask of .* smaller than previous", "mask-order"),
    ("smaller than previous block", "tile-order"),
    ("size in leader bytes", "tile-leader"),
    ("trailer bytes are invalid", "tile-trailer"),
    ("recommended to include internal overviews", "no-overviews"))]

# Rules that the script does not know, all of them warnings.
OURS = {"strips", "directory-chain", "tile-table", "tile-end"}

# Files on which both agree that they are not valid, for other reasons: the
# script ends in an exception, or goes through the directories of the other file.
OTHER_REASONS = {
    "cog_structure_no_size", "cog_structure_huge", "truncated",
    "truncated_header", "main_directory_missing", "external_overviews",
    "tile_out_of_file", "built_leader_missing_at_start", "no_tiff", "empty"}


def rule_of(text):
    for pattern, rule in RULES:
        if pattern.search(text):
            return rule
    raise AssertionError("the script says: " + text)


def ask_script(path):
    """(valid, rules of errors, rules of warnings) of GDAL's script."""
    try:
        with gdal.quiet_errors() if hasattr(gdal, "quiet_errors") else Quiet():
            warnings, errors, _ = script.validate(str(path), full_check=True)
    except Exception as error:  # of any kind: the script fails on some files
        return False, {repr(error)}, set()
    return (not errors, {rule_of(text) for text in errors},
            {rule_of(text) for text in warnings})


class Quiet:
    def __enter__(self):
        gdal.PushErrorHandler("CPLQuietErrorHandler")

    def __exit__(self, *_):
        gdal.PopErrorHandler()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def make(folder, name):
    path = folder / (name + ".tif")
    if not path.exists():
        cogx_files.FILES[name](str(path))
    return path


def ask_coginfo(coginfo, path, *options):
    status, out, err = coginfo("--validate", "--json", *options, path)
    if status == 2:
        assert err.startswith("coginfo: ") and not out
        return status, {err}, set()
    cog = json.loads(out)["cog"]
    assert cog["valid"] == (status == 0)
    return (status, {issue["rule"] for issue in cog["errors"]},
            {issue["rule"] for issue in cog["warnings"]})


def test_enough_files():
    assert len(cogx_files.FILES) >= 100


@pytest.mark.parametrize("name", sorted(cogx_files.FILES))
def test_as_the_script(name, folder, coginfo):
    path = make(folder, name)
    valid, errors, warnings = ask_script(path)
    status, our_errors, our_warnings = ask_coginfo(coginfo, path)
    assert (status == 0) == valid, (errors, our_errors)
    if name not in OTHER_REASONS:
        assert our_errors == errors
        assert our_warnings - OURS == warnings


def test_every_rule_is_met(folder, coginfo):
    """Each rule is broken by a file at least, and most by one that breaks
    nothing else."""
    met = set()
    alone = set()
    for name in sorted(cogx_files.FILES):
        status, errors, warnings = ask_coginfo(coginfo, make(folder, name))
        if status == 2:
            continue
        met |= errors | warnings
        if len(errors) == 1:
            alone |= errors
    known = {rule for _, rule in RULES} | OURS
    assert sorted(known - met) == []
    # Masks in the wrong order are also tiles in the wrong order.
    assert sorted(known - alone - OURS) == ["mask-order", "no-overviews"]


@pytest.mark.parametrize("name", ["cog", "striped_1025", "tiles_swapped"])
def test_as_the_script_from_the_shell(name, folder, coginfo):
    path = make(folder, name)
    done = subprocess.run(
        [sys.executable, "-m",
         "osgeo_utils.samples.validate_cloud_optimized_geotiff", "-q",
         "--full-check=yes", str(path)], check=False, timeout=60)
    assert coginfo("--validate", path)[0] == done.returncode
