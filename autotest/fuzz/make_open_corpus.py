#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes corpus/open out of the fixtures: for each, a descriptor of two levels,
its TMS with these levels, and slabs of the finer one without their header.

Usage: make_open_corpus.py
"""

import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data")
OUT = os.path.join(HERE, "corpus", "open")
SEPARATOR = b"\n%%%\n"

# Fixture, TMS, levels, slabs of the first level: of its first pixel, of its
# last one, of the mask of its first one.
SEEDS = [
    ("t64_jpg_uint8_rgb", "T64", ["2", "3"], ["DATA/2/00/00/42.tif"]),
    ("t64_png_uint8_graya", "T64", ["2", "3"], ["DATA/2/00/00/42.tif"]),
    ("t64_lzw_uint8_gray", "T64", ["2", "3"], ["DATA/2/00/00/42.tif"]),
    ("t64_pkb_uint8_gray", "T64", ["2", "3"], ["DATA/2/00/00/42.tif"]),
    ("t64_zip_1x1", "T64", ["4", "5"],
     ["DATA/4/00/WM.tif", "DATA/4/00/WN.tif"]),
    ("t64_zip_float32", "T64", ["2", "3"], ["DATA/2/00/00/42.tif"]),
    ("t64_zip_mask", "T64", ["2", "3"],
     ["DATA/2/00/00/42.tif"] * 2 + ["MASK/2/00/00/42.tif"]),
    ("lamb93mnt_zip_float32", "LAMB93_1M_MNT", ["0", "1", "2"], []),
]


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def descriptor_of(name, levels):
    """The descriptor with these levels, its directories kept."""
    descriptor = json.loads(read(DATA, name + ".json"))
    descriptor["tile_matrix_set"] = "T"
    descriptor["levels"] = [level for level in descriptor["levels"]
                            if level["id"] in levels]
    return descriptor


def tms_of(name, levels):
    """The TMS with these levels, without what is not read."""
    for folder in (os.path.join(DATA, "tms"),
                   os.path.join(HERE, "..", "..", "data", "tms")):
        path = os.path.join(folder, name + ".json")
        if os.path.exists(path):
            tms = json.loads(read(path))
            break
    matrices = [matrix for matrix in tms["tileMatrices"]
                if matrix["id"] in levels]
    for matrix in matrices:
        matrix.pop("scaleDenominator", None)
    return {"crs": tms["crs"], "tileMatrices": matrices}


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def main():
    os.makedirs(OUT, exist_ok=True)
    for name, tms, levels, slabs in SEEDS:
        parts = [compact(descriptor_of(name, levels[:1] if slabs else levels)),
                 compact(tms_of(tms, levels))]
        parts += [read(DATA, name, slab)[2048:] for slab in slabs]
        with open(os.path.join(OUT, name), "wb") as file:
            file.write(SEPARATOR.join(parts))


if __name__ == "__main__":
    main()
