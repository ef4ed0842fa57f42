# SPDX-License-Identifier: MIT
"""Watches what this process keeps in temporary files while it writes one."""

import contextlib
import os
import threading

from osgeo import gdal


@contextlib.contextmanager
def cache(megabytes):
    """GDAL's block cache meanwhile."""
    before = gdal.GetCacheMax()
    gdal.SetCacheMax(megabytes << 20)
    try:
        yield
    finally:
        gdal.SetCacheMax(before)


class Spool(threading.Thread):
    """The most bytes that files without a name take, and all files together,
    in a folder, from its making to stop()."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder = str(folder)
        self.most_spool = self.most = self.nsamples = 0
        self.end = threading.Event()
        self.start()

    def paths(self):
        yield from (entry.path for entry in os.scandir(self.folder))
        for number in os.listdir("/proc/self/fd"):
            path = "/proc/self/fd/" + number
            with contextlib.suppress(OSError):  # closed meanwhile
                if os.readlink(path).startswith(self.folder):
                    yield path

    def sample(self):
        found = {}
        for path in self.paths():
            with contextlib.suppress(OSError):
                info = os.stat(path)
                found[info.st_ino] = (info.st_nlink, info.st_blocks * 512)
        self.most_spool = max(self.most_spool, sum(
            nbytes for nlinks, nbytes in found.values() if nlinks == 0))
        self.most = max(self.most, sum(
            nbytes for _, nbytes in found.values()))
        self.nsamples += 1

    def run(self):
        while not self.end.wait(0.01):
            self.sample()

    def stop(self):
        self.end.set()
        self.join()
