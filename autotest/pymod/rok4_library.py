# SPDX-License-Identifier: MIT
"""What the reference Python library (rok4 on PyPI) makes of a pyramid.

The library runs in a process of its own, library_read.py: it brings a numpy
that the system's osgeo.gdal_array cannot live with.
"""

import json
import os
import subprocess
import tempfile

import numpy as np

import rok4_strict
import rok4_util

READER = os.path.join(rok4_util.ROOT, "autotest", "interop",
                      "library_read.py")
# The library decodes no others (spec section 11).
CODECS = ("RAW", "JPG", "JPG90", "PNG", "ZIP")


class Reading:
    """levels: {id: {"limits", "slab", "bbox", "tile"}}; slabs: [(kind, level,
    column, row, root, path, link)] as listed, None where there is no list;
    tiles: {(level, column, row): pixels[height][width][bands]} of all tiles
    within the limits, or None when the library does not decode them."""

    def __init__(self, summary, arrays):
        self.format = summary["format"]
        self.channels = summary["channels"]
        self.levels = summary["levels"]
        self.slabs = summary["slabs"]
        self.tiles = None
        if summary["decodes"]:
            self.tiles = {tuple(key): arrays[str(i)]
                          for i, key in enumerate(summary["tiles"])}


class Library:
    def __init__(self, python):
        self.python = python

    def run(self, *arguments):
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("GDAL_DRIVER_PATH", "LD_PRELOAD",
                                      "PYTHONPATH")}
        done = subprocess.run([self.python, READER] + list(arguments),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    def read(self, path):
        """Everything, with the TMS directory of the environment."""
        with tempfile.TemporaryDirectory() as place:
            file = os.path.join(place, "tiles.npz")
            summary = self.run("pyramid", os.path.abspath(str(path)), file)
            with np.load(file) as arrays:
                return Reading(summary, dict(arrays))


def compare_pixels(reading, path):
    """Asserts that the library reads the pixels that our driver reads.
    Returns the number of tiles compared: 0 for formats and slabs that the
    library does not decode."""
    if reading.tiles is None:
        return 0
    codec = reading.format.split("_")[1]
    datasets = {}
    for (level, col, row), pixels in reading.tiles.items():
        if level not in datasets:
            datasets[level] = rok4_util.open_dataset(path,
                                                     "TILEMATRIX=" + level)
        dataset = datasets[level]
        assert dataset.RasterCount == reading.channels
        height, width, bands = pixels.shape
        left, top = reading.levels[level]["limits"][:2]
        window = dataset.ReadAsArray((col - left) * width,
                                     (row - top) * height, width, height)
        ours = window.reshape(bands, height, width).transpose(1, 2, 0)
        rok4_util.assert_pixels(ours, pixels, codec)
    for level, dataset in datasets.items():
        xmin, _, _, ymax = reading.levels[level]["bbox"]
        transform = dataset.GetGeoTransform()
        np.testing.assert_allclose((transform[0], transform[3]), (xmin, ymax),
                                   rtol=1e-12, atol=1e-6)
    return len(reading.tiles)


def compare_list(reading, path):
    """Asserts that the library lists the slabs that are there."""
    descriptor = rok4_strict.Descriptor(path, os.environ["ROK4_TMS_DIRECTORY"])
    there = rok4_strict.find_slabs(descriptor)
    assert {tuple(slab[:4]): slab[5] for slab in reading.slabs} == there
    assert len(reading.slabs) == len(there)
    own = {root for *_, root, _, link in reading.slabs if not link}
    assert len(own) <= 1
    assert not own & {root for *_, root, _, link in reading.slabs if link}
