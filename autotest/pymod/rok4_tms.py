# SPDX-License-Identifier: MIT
"""Tile matrix sets for tests, made from their parameters."""

import json
import math
import os


def matrix(id_, cell, origin, tile, size):
    """One tile matrix; tile and size are (width, height)."""
    return {"id": str(id_), "cellSize": cell,
            "scaleDenominator": cell / 0.00028,
            "pointOfOrigin": list(origin),
            "tileWidth": tile[0], "tileHeight": tile[1],
            "matrixWidth": size[0], "matrixHeight": size[1]}


def tms(id_, crs, matrices, axes=("X", "Y")):
    return {"id": id_, "crs": crs, "orderedAxes": list(axes),
            "tileMatrices": matrices}


def quadtree(id_, crs="EPSG:3857", cell0=156543.033928041,
             origin=(-20037508.3427892, 20037508.3427892), tile=(64, 64),
             top=(4, 4), nlevels=8, ids=None, axes=("X", "Y")):
    """Cell sizes halve from the first level (the coarsest) to the last."""
    levels = []
    for i in range(nlevels):
        levels.append(matrix(ids[i] if ids else i, cell0 / 2 ** i, origin,
                             tile, (top[0] << i, top[1] << i)))
    return tms(id_, crs, levels, axes)


def ladder(id_, crs, steps, tile=(256, 256), extent=(4, 4), axes=("X", "Y")):
    """steps: (id, cell size, origin x, origin y) each; extent: size of every
    matrix in tiles of the first step."""
    levels = []
    span = (steps[0][1] * tile[0] * extent[0],
            steps[0][1] * tile[1] * extent[1])
    for id_level, cell, crs_x, crs_y in steps:
        size = (math.ceil(span[0] / (cell * tile[0])),
                math.ceil(span[1] / (cell * tile[1])))
        levels.append(matrix(id_level, cell, (crs_x, crs_y), tile, size))
    return tms(id_, crs, levels, axes)


def pm():
    """Web Mercator, with cell sizes rounded to 15 digits as in practice."""
    cells = [float("%.15g" % (156543.033928041 / 2 ** i)) for i in range(22)]
    return tms("PM", "EPSG:3857", [
        matrix(i, cell, (-20037508.3427892, 20037508.3427892), (256, 256),
               (1 << i, 1 << i)) for i, cell in enumerate(cells)])


def lamb93_10cm():
    levels = []
    for i in range(22):
        cell = 209715.2 / 2 ** i
        levels.append(matrix(i, cell, (0, 12000000), (256, 256),
                             (math.ceil(1290240 / (cell * 256)),
                              math.ceil(10762470.4 / (cell * 256)))))
    return tms("LAMB93_10cm", "IGNF:LAMB93", levels)


def lamb93_1m_mnt():
    """Integer ratios; every origin is half a pixel off (0, 12000000)."""
    steps = [(i, cell, -cell / 2, 12000000 + cell / 2) for i, cell in
             enumerate((1000, 500, 250, 100, 75, 50, 25, 5, 1))]
    return ladder("LAMB93_1M_MNT", "IGNF:LAMB93", steps, extent=(4, 23))


def degrees():
    """Plate carree, longitude first."""
    return quadtree("DEG", "EPSG:4326", 0.703125, (-180, 90), (256, 256),
                    (2, 1), 12, axes=("Lon", "Lat"))


def write(directory, definition, name=None):
    """Writes <name or id>.json in the directory and returns its path."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, (name or definition["id"]) + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(definition, file, indent=1)
    return path


def level_of(definition, id_):
    for level in definition["tileMatrices"]:
        if level["id"] == id_:
            return level
    raise KeyError(id_)
