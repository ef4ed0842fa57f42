#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the sources of the write benchmark: tiled GeoTIFFs, not compressed.

    DIR/rgb.tif    RGB, on the pixels of level 18 of PM
    DIR/float.tif  terrain, half as many pixels a side, on level 17
    DIR/warp.tif   RGB, half as many, in EPSG:2154
    DIR/tall.vrt   ten times rgb.tif, one below the other
    DIR/rgb.grid, float.grid, warp.grid
                   the tiles that a pyramid of it has, for write_floor: level,
                   first column, first row, columns, rows, top level
    DIR/warp.extent
                   what gdalwarp makes these very tiles with
"""

import argparse
import json
import math
import os

import numpy as np
from osgeo import gdal, osr

from make_pyramid import TILE, photograph, terrain

gdal.UseExceptions()

HERE = os.path.dirname(os.path.abspath(__file__))
PM = os.path.join(HERE, "..", "..", "data", "tms", "PM.json")
OPTIONS = [
    "TILED=YES",
    f"BLOCKXSIZE={TILE}",
    f"BLOCKYSIZE={TILE}",
    "INTERLEAVE=PIXEL",
    "BIGTIFF=YES",
]
# In France; the subtrees of up to 131072 pixels a side are whole there.
FIRST_TILE = (134144, 91648)
LEVEL = 18


def matrix(level):
    with open(PM, encoding="utf-8") as file:
        return json.load(file)["tileMatrices"][level]


def corner(level, col, row):
    """CRS coordinates of a tile's top-left corner, and the cell size: by all
    digits, since GDAL's COG driver adds a row and a column of tiles when the
    corner is not that of its own grid to the last digit. PM's is rounded to
    15 digits, some 1e-7 pixels beside."""
    equator = 2 * math.pi * 6378137
    cell = equator / TILE / 2**level
    left, top = -equator / 2 + col * TILE * cell, equator / 2 - row * TILE * cell
    m = matrix(level)
    x0, y0 = m["pointOfOrigin"]
    assert abs(left - (x0 + col * TILE * m["cellSize"])) < 1e-6 * cell
    assert abs(top - (y0 - row * TILE * m["cellSize"])) < 1e-6 * cell
    return left, top, cell


def make_tiff(path, epsg, geotransform, side, bands, data_type, paint):
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(epsg)
    dataset = gdal.GetDriverByName("GTiff").Create(
        path, side, side, bands, data_type, OPTIONS
    )
    dataset.SetGeoTransform(geotransform)
    dataset.SetProjection(srs.ExportToWkt())
    paint(np.random.default_rng(2024), side, [dataset])


def write_grid(path, level, first, size, top):
    with open(path, "w", encoding="ascii") as file:
        print(level, *first, *size, top, file=file)


def make_aligned(directory, name, level, side, bands, data_type, paint):
    first = [tile >> (LEVEL - level) for tile in FIRST_TILE]
    crs_x, crs_y, cell = corner(level, *first)
    geotransform = (crs_x, cell, 0, crs_y, 0, -cell)
    path = os.path.join(directory, name)
    make_tiff(
        path + ".tif", 3857, geotransform, side, bands, data_type, paint
    )
    ntiles = side // TILE
    top = level - (ntiles.bit_length() - 1)
    write_grid(path + ".grid", level, first, (ntiles, ntiles), top)


def make_warped(directory, side):
    """An orthophoto of 50 cm in Lambert-93, and the tiles of PM it touches."""
    path = os.path.join(directory, "warp")
    make_tiff(
        path + ".tif", 2154, (650000, 0.5, 0, 6860000, 0, -0.5), side, 3,
        gdal.GDT_Byte, photograph,
    )  # fmt: skip
    vrt = gdal.AutoCreateWarpedVRT(
        gdal.Open(path + ".tif"), None, "EPSG:3857"
    )
    left, cell_x, _, top, _, cell_y = vrt.GetGeoTransform()
    m = matrix(LEVEL)
    cell, (x0, y0) = m["cellSize"], m["pointOfOrigin"]
    span = TILE * cell
    right, bottom = left + vrt.RasterXSize * cell_x, (
        top + vrt.RasterYSize * cell_y
    )
    c0, r0 = int((left - x0) / span), int((y0 - top) / span)
    c1, r1 = int((right - x0) / span), int((y0 - bottom) / span)
    size = c1 - c0 + 1, r1 - r0 + 1
    write_grid(path + ".grid", LEVEL, (c0, r0), size, LEVEL - 6)
    with open(path + ".extent", "w", encoding="ascii") as file:
        print(
            "-te", *map(repr, (x0 + c0 * span, y0 - (r1 + 1) * span,
                               x0 + (c1 + 1) * span, y0 - r0 * span)),
            "-ts", size[0] * TILE, size[1] * TILE, file=file,
        )  # fmt: skip


def make_tall(directory, side, times=10):
    source = gdal.Open(os.path.join(directory, "rgb.tif"))
    vrt = gdal.GetDriverByName("VRT").Create(
        os.path.join(directory, "tall.vrt"), side, side * times, 3
    )
    vrt.SetGeoTransform(source.GetGeoTransform())
    vrt.SetProjection(source.GetProjection())
    rectangle = (
        '<SimpleSource><SourceFilename relativeToVRT="1">rgb.tif'
        "</SourceFilename><SourceBand>{band}</SourceBand>"
        '<SrcRect xOff="0" yOff="0" xSize="{side}" ySize="{side}"/>'
        '<DstRect xOff="0" yOff="{top}" xSize="{side}" ySize="{side}"/>'
        "</SimpleSource>"
    )
    for band in range(1, 4):
        vrt.GetRasterBand(band).SetMetadata(
            {
                f"source_{i}": rectangle.format(
                    band=band, side=side, top=i * side
                )
                for i in range(times)
            },
            "new_vrt_sources",
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", help="made if it is not there")
    parser.add_argument("--size", type=int, default=16384)
    args = parser.parse_args()
    side = args.size
    if side < 2048 or side & (side - 1) or side > 32768:
        parser.error("--size must be a power of two from 2048 to 32768")
    os.makedirs(args.directory, exist_ok=True)
    make_aligned(
        args.directory, "rgb", LEVEL, side, 3, gdal.GDT_Byte, photograph
    )
    make_aligned(
        args.directory, "float", LEVEL - 1, side // 2, 1, gdal.GDT_Float32,
        terrain,
    )  # fmt: skip
    make_warped(args.directory, side // 2)
    make_tall(args.directory, side)


if __name__ == "__main__":
    main()
