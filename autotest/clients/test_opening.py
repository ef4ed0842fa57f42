# SPDX-License-Identifier: MIT
"""What opening costs: files read, as strace sees it, and the time that
Identify takes of everybody's openings."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from client_util import program, run
from rok4_util import ROOT, fixture

# What a program does, with marks that show in the trace.
STEPS = """
import os, sys
from osgeo import gdal
gdal.DontUseExceptions()
def step(name):
    os.path.exists("/MARK/" + name)
step("open")
dataset = gdal.OpenEx(sys.argv[1])
step("look")
dataset.GetGeoTransform()
dataset.GetSpatialRef().ExportToWkt()
for i in range(dataset.RasterCount):
    band = dataset.GetRasterBand(i + 1)
    (band.GetBlockSize(), band.GetOverviewCount(), band.GetNoDataValue(),
     band.GetOverview(0).XSize, band.GetMaskFlags(),
     band.GetColorInterpretation(), band.DataType)
step("metadata")
dataset.GetMetadata()
step("again")
dataset.GetMetadata()
dataset.GetRasterBand(1).GetMetadata()
step("read")
dataset.ReadRaster(0, 0, 10, 10)
step("end")
dataset = None
"""

CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)\) += (-?\d+|\?)")


@pytest.fixture
def trace(tmp_path):
    """System calls on files below a directory: {step: [(call, path, result)]}
    of the program above."""
    strace = program("strace")
    probe = subprocess.run([strace, "-o", os.devnull, "true"],
                           capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("strace may not trace here: %s" % probe.stderr.decode())

    def traced(path, place):
        log = tmp_path / "trace"
        run(strace, "-f", "-y", "-e", "trace=%file,%desc", "-o", log,
            sys.executable, "-c", STEPS, path)
        steps, current = {}, None
        for line in log.read_text().splitlines():
            match = CALL.match(line)
            mark = re.search('"/MARK/([a-z]+)"', line)
            if mark:
                current = steps.setdefault(mark.group(1), [])
            elif match and current is not None and str(place) in line:
                name = re.search('[<"](%s[^>"]*)[>"]' % re.escape(str(place)),
                                 match.group(2)).group(1)
                current.append((match.group(1), os.path.relpath(
                    name, str(place)), int(match.group(3))))
        return steps
    return traced


@pytest.mark.parametrize("name", ["t64_zip_mask", "t64_lzw_float32"])
def test_files_that_opening_reads(tmp_path, monkeypatch, trace, name):
    place = tmp_path / "place"
    shutil.copytree(fixture(name)[:-5], place / name)
    for suffix in (".json", ".list"):
        shutil.copy(fixture(name)[:-5] + suffix, place)
    shutil.copy(os.path.join(os.path.dirname(fixture(name)), "tms",
                             "T64.json"), place / "T64.json")
    (place / (name + ".json.aux.xml")).write_text("<PAMDataset/>")
    for i in range(20):
        (place / ("other%d.tif" % i)).write_text("not to be looked at")
    monkeypatch.setenv("ROK4_TMS_DIRECTORY", str(place))
    steps = trace(place / (name + ".json"), place)

    descriptor, tms = name + ".json", "T64.json"
    opened = [(path, result) for call, path, result in steps["open"]
              if call == "openat"]
    assert sorted(path for path, _ in opened) == sorted([descriptor, tms])
    assert all(result >= 0 for _, result in opened)
    assert {path for _, path, _ in steps["open"]} == {descriptor, tms}
    assert not [call for call, _, _ in steps["open"]
                if call.startswith("getdents")]
    read = {path: sum(result for call, at, result in steps["open"]
                      if "read" in call and at == path)
            for path in (descriptor, tms)}
    assert read[tms] == os.path.getsize(place / tms)
    # GDAL reads the head of any file that it opens, before our driver does.
    size = os.path.getsize(place / descriptor)
    assert size <= read[descriptor] <= size + min(size, 4096)

    assert steps["look"] == []
    sidecar = name + ".json.aux.xml"
    assert {path for _, path, _ in steps["metadata"]} == {sidecar}
    assert [call for call, _, _ in steps["metadata"]].count("openat") == 1
    assert steps["again"] == []
    slabs = [path for call, path, _ in steps["read"] if call == "openat"]
    assert 1 <= len(slabs) <= 2
    assert all(path.endswith(".tif") for path in slabs)


def test_identify_on_files_of_others(tmp_path, capsys):
    """Prints the nanoseconds; no number makes it fail, a wrong answer does."""
    compiler = os.environ.get("CXX") or program("c++")
    config = program("gdal-config")
    binary = tmp_path / "identify"
    run(compiler, "-O2", os.path.join(ROOT, "autotest", "bench",
                                      "identify.cpp"), "-o", binary,
        *run(config, "--cflags")[0].split(), *run(config, "--libs")[0].split())
    others = tmp_path / "others"
    others.mkdir()
    text = run(binary, others, sys.executable, "no:such:file")[0]
    assert "OURS" not in text
    with capsys.disabled():
        print("\nIdentify in this build (a release build is faster):\n" +
              text)
    assert run(binary, fixture("t64_zip_mask"))[0].count("OURS") == 1
