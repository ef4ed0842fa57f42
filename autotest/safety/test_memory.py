# SPDX-License-Identifier: MIT
"""What does not grow with the number of slabs: memory and open files.
ROK4_SLABS_FULL=YES compares 20,000 slabs with 200,000; the ordinary run 2,000
with 8,000."""

import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from osgeo import gdal, osr

import rok4_tms
from writer import HERE

FULL = os.environ.get("ROK4_SLABS_FULL", "NO") == "YES"
FEW, MANY = (20000, 200000) if FULL else (2000, 8000)
TILE, NLEVELS = 8, 12
# Fewer slabs do not fill what may be in use.
SLACK_KB = 10 << 10 if FULL else 16 << 10
# Slabs of so small tiles that all those of a step of the build are in the
# making at once, and their tiles in temporary files.
MAX_FILES = 1100
COMMAND = [sys.executable, os.path.join(HERE, "run_step.py")]


def make_source(path, definition, nslabs):
    """So large that its pyramid has about that many slabs, of a tile each."""
    side = int((nslabs * 3 / 4) ** 0.5) * TILE
    matrix = definition["tileMatrices"][-1]
    dataset = gdal.GetDriverByName("GTiff").Create(
        path, side, side, 1, gdal.GDT_Byte,
        ["TILED=YES", "COMPRESS=DEFLATE"])
    x, y = matrix["pointOfOrigin"]
    dataset.SetGeoTransform((x, matrix["cellSize"], 0, y, 0,
                             -matrix["cellSize"]))
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(3857)
    dataset.SetProjection(srs.ExportToWkt())
    rng = np.random.default_rng(1)
    for row in range(0, side, 256):
        height = min(256, side - row)
        dataset.GetRasterBand(1).WriteArray(
            rng.integers(1, 255, (height, side), dtype=np.uint8), 0, row)


def watch(pid, out):
    """Most open files at once, until the process is gone."""
    while True:
        try:
            nfiles = len(os.listdir("/proc/%d/fd" % pid))
        except OSError:
            return
        out[0] = max(out[0], nfiles)
        time.sleep(0.005)


def measure(step):
    """(peak of memory in KiB, most open files, seconds)."""
    start = time.monotonic()
    process = subprocess.Popen(
        COMMAND + [json.dumps(step)], stderr=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True,
        # What may be kept of an old pyramid, and of the source.
        env=dict(os.environ, GDAL_CACHEMAX="4", OPENBLAS_NUM_THREADS="1",
                 # Memory that is freed is given back.
                 MALLOC_ARENA_MAX="2", MALLOC_TRIM_THRESHOLD_="131072"))
    files = [0]
    watcher = threading.Thread(target=watch, args=(process.pid, files))
    watcher.start()
    text = process.communicate()[0]
    watcher.join()
    assert process.returncode == 0
    return int(text), files[0], time.monotonic() - start


def count(path):
    return sum(len(names) for _, _, names in os.walk(path[:-5]))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    place = str(tmp_path_factory.mktemp("many"))
    definition = rok4_tms.quadtree("TINY", tile=(TILE, TILE), top=(1, 1),
                                   nlevels=NLEVELS)
    rok4_tms.write(place, definition)
    for name, nslabs in (("few", FEW), ("many", MANY)):
        make_source(os.path.join(place, name + ".tif"), definition, nslabs)
    return place


def step_of(scene, name, *options):
    return {"do": "copy", "source": os.path.join(scene, name + ".tif"),
            "path": os.path.join(scene, name + ".json"),
            "options": ["TILING_SCHEME=" + os.path.join(scene, "TINY.json"),
                        "TILES_PER_WIDTH=1", "TILES_PER_HEIGHT=1",
                        "BOTTOM_LEVEL=%d" % (NLEVELS - 1)] + list(options)}


# In this order: each begins with what the one before has made.
STEPS = {
    "create": lambda scene, name: step_of(scene, name, "NUM_THREADS=1"),
    "create-threads": lambda scene, name: step_of(
        scene, name, "OVERWRITE=YES", "NUM_THREADS=4", "MD5=YES"),
    "inplace": lambda scene, name: dict(
        step_of(scene, name), options=["UPDATE_MODE=INPLACE",
                                       "NUM_THREADS=2"]),
    "overviews": lambda scene, name: {
        "do": "overviews", "path": os.path.join(scene, name + ".json"),
        "factors": [2, 4], "method": "NEAREST"},
    "slink": lambda scene, name: dict(
        step_of(scene, "few"), path=os.path.join(scene, name + "-link.json"),
        options=["UPDATE_MODE=SLINK", "NUM_THREADS=2",
                 "ANCESTOR=" + os.path.join(scene, name + ".json")]),
    "copied": lambda scene, name: dict(
        step_of(scene, name), source=os.path.join(scene, name + ".json"),
        path=os.path.join(scene, name + "-copy.json"), options=[]),
}


@pytest.mark.parametrize("how", list(STEPS))
def test_many_slabs(scene, how):
    found = {}
    for name in ("few", "many"):
        step = STEPS[how](scene, name)
        found[name] = measure(step) + (count(step["path"]),)
        print("%s: %d slabs: %.1f MiB, %d files, %.1f s, %.0f us a slab" % (
            how, found[name][3], found[name][0] / 1024, found[name][1],
            found[name][2], found[name][2] / found[name][3] * 1e6))
    assert found["many"][3] > 3 * found["few"][3]
    assert found["many"][0] - found["few"][0] < SLACK_KB
    assert found["many"][1] <= max(found["few"][1] + 2, MAX_FILES)
