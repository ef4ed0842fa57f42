#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Loads pyramids and TMS with the reference library, in its own environment.

Usage: library_read.py pyramid DESCRIPTOR TILES.npz
       library_read.py tms NAME...
Prints what it found as JSON; rok4_library.py knows its members. TMS are looked
for in ROK4_TMS_DIRECTORY.
"""

import json
import os
import sys

import numpy
from rok4.pyramid import Pyramid
from rok4.tile_matrix_set import TileMatrixSet

LIMITS = ("min_col", "min_row", "max_col", "max_row")


def level_facts(level):
    return {
        "limits": [level.tile_limits[key] for key in LIMITS],
        "slab": [level.slab_width, level.slab_height],
        "bbox": level.bbox,
        "tile": level.tile_matrix.tile_size,
    }


def listed_slabs(pyramid):
    return [(kind.value, level, col, row, facts["root"], facts["slab"],
             facts["link"])
            for (kind, level, col, row), facts in pyramid.list_generator()]


def read_tiles(pyramid):
    """{(level, column, row): pixels}; None where the library has no decoder,
    or none for slabs of one tile."""
    tiles = {}
    for level in pyramid.get_levels():
        c0, r0, c1, r1 = (level.tile_limits[key] for key in LIMITS)
        for row in range(r0, r1 + 1):
            for col in range(c0, c1 + 1):
                try:
                    pixels = pyramid.get_tile_data_raster(level.id, col, row)
                except NotImplementedError:
                    return None
                if pixels is not None:
                    tiles[level.id, col, row] = pixels
    return tiles


def read_pyramid(path, out_path):
    pyramid = Pyramid.from_descriptor(path)
    has_list = os.path.exists(path[:-len(".json")] + ".list")
    tiles = read_tiles(pyramid)
    numpy.savez(out_path, **{str(i): pixels for i, pixels in
                             enumerate((tiles or {}).values())})
    return {
        "format": pyramid.format,
        "channels": pyramid.channels,
        "masks": pyramid.own_masks,
        "levels": {level.id: level_facts(level)
                   for level in pyramid.get_levels()},
        "slabs": listed_slabs(pyramid) if has_list else None,
        "decodes": tiles is not None,
        "tiles": list(tiles or {}),
    }


def read_tms(names):
    return {name: [level.id for level in TileMatrixSet(name).sorted_levels]
            for name in names}


def main():
    if sys.argv[1] == "pyramid":
        found = read_pyramid(*sys.argv[2:])
    else:
        found = read_tms(sys.argv[2:])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
