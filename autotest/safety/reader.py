# SPDX-License-Identifier: MIT
"""Reads random windows of a pyramid that others write to, and looks at which
version each tile has.

Usage: reader.py DESCRIPTOR VERSIONS.npz kept|opened SEED READS STOP
VERSIONS.npz: level0[version][y][x] of the finest level, level1 ... Ends after
READS reads once the file STOP is there; prints what it found as JSON."""

import json
import os
import sys

import numpy as np
from osgeo import gdal

gdal.DontUseExceptions()
TILE = 64


class Reader:
    def __init__(self, path, versions, seed):
        self.path = path
        self.levels = [versions["level%d" % i] for i in range(len(versions))]
        self.rng = np.random.default_rng(seed)
        self.reads = self.failed = self.unopened = 0
        self.wrong, self.seen, self.texts = [], set(), set()

    def note(self, kind, number, text):
        if kind >= gdal.CE_Warning:
            self.texts.add(text)

    def open(self):
        dataset = gdal.OpenEx(self.path, gdal.OF_RASTER |
                              gdal.OF_VERBOSE_ERROR)
        self.unopened += dataset is None
        return dataset

    def read(self, dataset):
        level = int(self.rng.integers(0, len(self.levels)))
        versions = self.levels[level]
        band = dataset.GetRasterBand(1)
        if level > 0:
            band = band.GetOverview(level - 1)
        _, height, width = versions.shape
        x, y = (int(self.rng.integers(0, n)) for n in (width, height))
        w = int(self.rng.integers(1, min(200, width - x) + 1))
        h = int(self.rng.integers(1, min(200, height - y) + 1))
        before = len(self.texts)
        found = band.ReadAsArray(x, y, w, h)
        self.reads += 1
        if found is None:
            self.failed += 1
            if len(self.texts) == before and not gdal.GetLastErrorMsg():
                self.wrong.append("failed without a message")
            return
        for top in range(y // TILE * TILE, y + h, TILE):
            for left in range(x // TILE * TILE, x + w, TILE):
                self.check(found, versions, level, (x, y, w, h), left, top)

    def check(self, found, versions, level, window, left, top):
        x, y, w, h = window
        x0, x1 = max(left, x), min(left + TILE, x + w)
        y0, y1 = max(top, y), min(top + TILE, y + h)
        part = found[y0 - y:y1 - y, x0 - x:x1 - x]
        same = (versions[:, y0:y1, x0:x1] == part).all(axis=(1, 2))
        if not same.any():
            self.wrong.append("level %d, tile %d,%d: %s" % (
                level, left // TILE, top // TILE,
                "nodata" if (part == 0).all() else "of no version"))
        elif part.size > 64:
            self.seen.update(int(i) for i in np.flatnonzero(same))


def main():
    path, versions, how, seed, reads, stop = sys.argv[1:]
    reader = Reader(path, dict(np.load(versions)), int(seed))
    gdal.PushErrorHandler(reader.note)
    while (reader.reads < int(reads) or not os.path.exists(stop)) and \
            len(reader.wrong) < 20:
        dataset = reader.open()
        for _ in range(50 if how == "kept" else 1):
            if dataset is not None:
                reader.read(dataset)
    print(json.dumps({"reads": reader.reads, "failed": reader.failed,
                      "unopened": reader.unopened, "wrong": reader.wrong,
                      "seen": sorted(reader.seen),
                      "texts": sorted(reader.texts)[:20]}))


if __name__ == "__main__":
    main()
