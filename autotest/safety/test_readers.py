# SPDX-License-Identifier: MIT
"""Processes that read while others write: every tile that is read is wholly of
one version. ROK4_READ_FULL=YES reads 100,000 windows; the ordinary run a
hundredth of that."""

import json
import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest
from osgeo import gdal

import rok4_write
from writer import HERE

FULL = os.environ.get("ROK4_READ_FULL", "NO") == "YES"
READS, WRITES = (100000, 150) if FULL else (1000, 10000)
# Each is a tile of the coarsest level, and so are all tiles above of its own.
REGION, NREGIONS, NVERSIONS = 512, 2, 5
PX = tuple(tile * 64 // REGION * REGION for tile in (65, 45))
OPTIONS = ["TILING_SCHEME=T64", "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2",
           "BOTTOM_LEVEL=5", "TOP_LEVEL=2"]


def pixels(version, seed=0):
    side = REGION * NREGIONS
    rng = np.random.default_rng(version * 100 + seed)
    out = rng.integers(1, 255, (side // 4, side // 4, 1), dtype=np.uint8)
    # Of other sizes when they are compressed.
    return np.kron(out, np.ones((4, 4, 1), np.uint8)) if version % 2 else \
        rng.integers(1, 255, (side, side, 1), dtype=np.uint8)


class Scene:
    def __init__(self, directory):
        self.directory = str(directory)
        self.path = os.path.join(self.directory, "p.json")
        self.stop = os.path.join(self.directory, "stop")
        self.versions = os.path.join(self.directory, "versions.npz")

    def make(self, compress):
        """Sources, whole and by region, and what their levels are."""
        levels = []
        for version in range(NVERSIONS):
            whole = pixels(version)
            for i in range(NREGIONS * NREGIONS):
                x, y = (n * REGION for n in (i % NREGIONS, i // NREGIONS))
                rok4_write.source(
                    whole[y:y + REGION, x:x + REGION], nodata=0,
                    px=(PX[0] + x, PX[1] + y),
                    path=os.path.join(self.directory, "%d-%d.tif" % (version,
                                                                     i)))
            source = rok4_write.source(
                whole, px=PX, nodata=0,
                path=os.path.join(self.directory, "%d.tif" % version))
            path = os.path.join(self.directory, "v%d.json" % version)
            made = gdal.GetDriverByName("ROK4").CreateCopy(
                path, source, options=OPTIONS + ["COMPRESS=" + compress])
            band = made.GetRasterBand(1)
            assert band.XSize == REGION * NREGIONS
            levels.append([band.ReadAsArray()] + [
                band.GetOverview(i).ReadAsArray()
                for i in range(band.GetOverviewCount())])
        np.savez(self.versions, **{
            "level%d" % i: np.stack([version[i] for version in levels])
            for i in range(len(levels[0]))})
        assert len(levels[0]) == 4
        source = gdal.Open(os.path.join(self.directory, "0.tif"))
        assert gdal.GetDriverByName("ROK4").CreateCopy(
            self.path, source, options=OPTIONS + ["COMPRESS=" + compress])

    def write(self, how, rng):
        """One more version, of a part or of the whole."""
        version = rng.randrange(NVERSIONS)
        region = rng.randrange(NREGIONS * NREGIONS)
        driver = gdal.GetDriverByName("ROK4")
        if how == "update":
            dataset = gdal.OpenEx(self.path, gdal.OF_RASTER | gdal.OF_UPDATE)
            source = gdal.Open(os.path.join(
                self.directory, "%d-%d.tif" % (version, region)))
            assert dataset.WriteArray(
                source.ReadAsArray(), region % NREGIONS * REGION,
                region // NREGIONS * REGION) == 0
            dataset = None
            return
        part = how == "inplace" and rng.random() < 0.8
        source = gdal.Open(os.path.join(
            self.directory, "%d-%d.tif" % (version, region) if part
            else "%d.tif" % version))
        options = (["UPDATE_MODE=INPLACE"] if how == "inplace" else
                   OPTIONS + ["OVERWRITE=YES",
                              "COMPRESS=" + rng.choice(["DEFLATE", "NONE",
                                                        "PNG", "LZW"])])
        assert driver.CreateCopy(self.path, source, options=options)


@pytest.mark.parametrize("compress", ["DEFLATE", "NONE", "PNG"])
@pytest.mark.parametrize("how", ["inplace", "update", "overwrite"])
def test_read_while_written(tmp_path, tms_directory, how, compress):
    if how == "overwrite" and compress != "DEFLATE":
        pytest.skip("the formats take turns")
    scene = Scene(tmp_path)
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    scene.make(compress)
    share = READS // 7 // 2 + 1
    readers = [subprocess.Popen(
        [sys.executable, os.path.join(HERE, "reader.py"), scene.path,
         scene.versions, caches, str(seed), str(share), scene.stop],
        stdout=subprocess.PIPE, text=True)
        for seed, caches in enumerate(["kept", "opened"])]
    rng, writes = random.Random(how + compress), 0
    end = time.monotonic() + (3600 if FULL else 4)
    while time.monotonic() < end and writes < WRITES:
        scene.write(how, rng)
        writes += 1
    gdal.PopErrorHandler()
    with open(scene.stop, "wb"):
        pass
    for reader in readers:
        found = json.loads(reader.communicate()[0])
        print(how, compress, writes, "writes:",
              {key: found[key] for key in found if key != "wrong"})
        assert found["wrong"] == []
        assert found["reads"] >= share
        assert len(found["seen"]) >= 3
        if how != "overwrite":
            assert not found["failed"] and not found["unopened"]
            assert not found["texts"]
