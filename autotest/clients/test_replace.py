# SPDX-License-Identifier: MIT
"""Readers while another process replaces slabs: every tile that is read is
wholly of one version. ROK4_REPLACE_FULL=YES reads 100,000 windows during 1,000
replacements and more; the ordinary run a twentieth and a fifth of that."""

import os
import re
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from osgeo import gdal

import replace_writer
from replace_writer import FIRST, NTILES, SLAB, TILE
from rok4_util import Errors, open_dataset

FULL = os.environ.get("ROK4_REPLACE_FULL", "NO") == "YES"
READS, REPLACEMENTS = (100000, 1000) if FULL else (5000, 200)
HOWS = ["rename", "rewrite"]
FORMATS = ["TIFF_RAW_UINT8", "TIFF_ZIP_UINT8", "TIFF_PNG_UINT8"]
# kept: a handle and its caches for many reads; small: caches that hold hardly
# a tile; opened: a handle for each read, which must see what was published.
CACHES = ["kept", "small", "opened"]
SHARE = len(HOWS) * len(FORMATS) * len(CACHES)
NREADERS = 2


class Reader(threading.Thread):
    """Reads windows of whole tiles until told to stop."""

    def __init__(self, path, state, cache, seed):
        super().__init__()
        self.path, self.state, self.cache = path, state, cache
        self.rng = np.random.default_rng(seed)
        self.reads, self.failed, self.stopped = 0, 0, False
        self.wrong, self.versions, self.messages = [], set(), set()

    def run(self):
        with Errors() as errors:
            while not self.stopped and not self.wrong:
                dataset = open_dataset(self.path, "NUM_THREADS=2")
                for _ in range(1 if self.cache == "opened" else 100):
                    self.read(dataset)
                self.messages.update(errors.failures)

    def read(self, dataset):
        width, height = (int(v) for v in self.rng.integers(1, 4, 2))
        column = int(self.rng.integers(0, NTILES - width + 1))
        row = int(self.rng.integers(0, NTILES - height + 1))
        published = self.state.copy()
        found = dataset.ReadAsArray(column * TILE, row * TILE, width * TILE,
                                    height * TILE)
        self.reads += 1
        if found is None:
            self.failed += 1
            return
        found = found.transpose(1, 2, 0)
        for i in range(height):
            for j in range(width):
                self.check(found[i * TILE:(i + 1) * TILE,
                                 j * TILE:(j + 1) * TILE],
                           FIRST + column + j, FIRST + row + i, published)

    def check(self, tile, column, row, published):
        flat = np.ascontiguousarray(tile).reshape(-1)
        version = replace_writer.version_of(flat)
        self.versions.add(version)
        expected = replace_writer.tile_bytes(version & 0xffffff, column, row)
        if not np.array_equal(flat, expected):
            self.wrong.append("tile %d,%d: version %d, %d other bytes" % (
                column, row, version, (flat != expected).sum()))
        slab = ((row - FIRST) // SLAB * replace_writer.NSLABS +
                (column - FIRST) // SLAB)
        if self.cache == "opened" and version < published[1 + slab]:
            self.wrong.append("tile %d,%d: version %d, %d was there" % (
                column, row, version, published[1 + slab]))


def seen_by(readers):
    """Versions, of a copy: the readers go on."""
    return set().union(*(tuple(reader.versions) for reader in readers))


@pytest.fixture
def cache_limit():
    before = gdal.GetCacheMax()
    yield gdal.SetCacheMax
    gdal.SetCacheMax(before)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("cache", CACHES)
def test_replaced_while_read(tmp_path, cache_limit, how, fmt, cache):
    scene = replace_writer.Scene(tmp_path / "p", fmt)
    path = scene.make()
    state = scene.state()
    cache_limit(16384 if cache == "small" else 64 << 20)
    writer = subprocess.Popen([
        sys.executable, replace_writer.__file__, str(tmp_path / "p"), fmt,
        how, "7"])
    readers = [Reader(path, state, cache, i) for i in range(NREADERS)]
    try:
        for reader in readers:
            reader.start()
        end = time.monotonic() + (3600 if FULL else 120)
        while time.monotonic() < end and writer.poll() is None and (
                sum(reader.reads for reader in readers) < READS / SHARE or
                state[0] < REPLACEMENTS / SHARE or
                len(seen_by(readers)) < 4):
            time.sleep(0.02)
    finally:
        for reader in readers:
            reader.stopped = True
        for reader in readers:
            reader.join()
        open(scene.stop_file, "wb").close()
        assert writer.wait(60) == 0
    reads = sum(reader.reads for reader in readers)
    failed = sum(reader.failed for reader in readers)
    messages = set().union(*(reader.messages for reader in readers))
    print("%d reads, %d failed, %d replacements" % (reads, failed, state[0]),
          *sorted(messages)[:3], sep="\n")
    for reader in readers:
        assert reader.wrong == []
    assert len(seen_by(readers)) >= 4
    assert reads >= READS / SHARE and state[0] >= REPLACEMENTS / SHARE
    if how == "rename":
        assert not messages and not failed
    # A slab that is rewritten can be found without its end, or its beginning.
    assert failed < reads / 10
    for message in messages:
        assert re.search("file has [0-9]+ bytes|ends before byte|keep changing",
                         message)
