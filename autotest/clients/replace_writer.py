# SPDX-License-Identifier: MIT
"""A pyramid whose every tile tells its version and place, and a process that
replaces its slabs while others read.

Usage: replace_writer.py DIRECTORY FORMAT rename|rewrite SEED
Replaces slabs for ever; publishes in DIRECTORY/state how often, and from which
version on each slab is there. Ends once DIRECTORY/stop is there."""

import mmap
import os
import random
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "pymod"))

import rok4_encode  # noqa: E402
import rok4_make  # noqa: E402
import rok4_tms  # noqa: E402

TILE, BANDS, SLAB, NSLABS = 64, 3, 4, 3
NTILES = SLAB * NSLABS
FIRST = 8  # column and row of the first tile: a slab's corner
NBYTES = TILE * TILE * BANDS
INDEX = np.arange(NBYTES, dtype=np.int64)


def tile_bytes(version, column, row):
    """Pixels of a tile; the first 8 bytes tell which, and how well they
    compress depends on the version."""
    step = 1 + version % 13
    values = (INDEX // step * (1 + version % 7) + version * 31 + column * 7 +
              row * 13 + (INDEX * INDEX >> 5) * (version % 3)) & 255
    out = values.astype(np.uint8)
    out[:4] = np.frombuffer(np.uint32(version).tobytes(), np.uint8)
    out[4:8] = np.frombuffer(np.array([column, row], np.uint16).tobytes(),
                             np.uint8)
    return out


def version_of(tile):
    """The version that the tile's first pixels tell."""
    return int(np.frombuffer(tile.tobytes()[:4], np.uint32)[0])


def slab(codec, version, slab_column, slab_row):
    tiles = []
    for row in range(SLAB):
        for column in range(SLAB):
            pixels = tile_bytes(version, slab_column * SLAB + column,
                                slab_row * SLAB + row)
            tiles.append(rok4_encode.encode(
                codec, pixels.reshape(TILE, TILE, BANDS)))
    header = rok4_make.slab_header(codec, (TILE, TILE, BANDS), np.uint8,
                                   (SLAB, SLAB), [len(t) for t in tiles])
    # Another order each time: no index fits another version's bytes.
    order = list(range(len(tiles)))
    random.Random(version).shuffle(order)
    return rok4_make.slab_bytes(header, tiles, order)


class Scene:
    """The pyramid in a directory, and what its writer publishes."""

    def __init__(self, directory, fmt):
        self.directory, self.codec = str(directory), fmt.split("_")[1]
        self.definition = rok4_tms.quadtree("REPLACE", tile=(TILE, TILE))
        last = FIRST + NTILES - 1
        self.level = rok4_make.Level("5", (FIRST, FIRST, last, last),
                                     (SLAB, SLAB))
        self.pyramid = rok4_make.Pyramid(self.directory, "N", self.definition,
                                         fmt, BANDS, levels=[self.level])
        self.slabs = self.pyramid.slabs(self.level)
        self.state_file = os.path.join(self.directory, "state")
        self.stop_file = os.path.join(self.directory, "stop")

    def make(self):
        """The first version of everything; returns the descriptor's path."""
        os.makedirs(self.directory)
        rok4_tms.write(self.directory, self.definition)
        for place in self.slabs:
            path = self.pyramid.slab_file(self.level, *place)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(slab(self.codec, 0, *place))
        with open(self.state_file, "wb") as file:
            file.write(bytes(4 * (1 + len(self.slabs))))
        return self.pyramid.write_descriptor()

    def state(self):
        """[0]: replacements so far; [1 + i]: version of slab i."""
        with open(self.state_file, "r+b") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0), np.uint32)


def replace(path, data, how, rng):
    if how == "rename":
        with open(path + ".tmp", "wb") as file:
            file.write(data)
        os.replace(path + ".tmp", path)
        return
    # Over the old bytes, or from nothing as programs do that know no better.
    flags = os.O_WRONLY | (os.O_TRUNC if rng.random() < 0.5 else 0)
    descriptor = os.open(path, flags)
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))
    os.close(descriptor)


def main():
    directory, fmt, how, seed = sys.argv[1:]
    scene, rng = Scene(directory, fmt), random.Random(seed)
    state = scene.state()
    while not os.path.exists(scene.stop_file):
        version = int(state[0]) + 1
        i = rng.randrange(len(scene.slabs))
        data = slab(scene.codec, version, *scene.slabs[i])
        replace(scene.pyramid.slab_file(scene.level, *scene.slabs[i]), data,
                how, rng)
        state[1 + i] = version
        state[0] = version
        time.sleep(rng.choice([0, 0.002, 0.02, 0.05]))


if __name__ == "__main__":
    main()
