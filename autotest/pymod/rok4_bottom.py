# SPDX-License-Identifier: MIT
"""The bottom level of a copy, and what it is compared with."""

import numpy as np
from osgeo import gdal, osr

import rok4_util
from rok4_write import PX, SIZE, create, decoded, source

# One level only.
FIVE = ["TOP_LEVEL=5"]
# Of lambert(): height, width.
LAMBERT_SIZE = (200, 240)
# Names of gdalwarp and of WARP_RESAMPLING.
METHODS = {"near": "NEAREST", "bilinear": "BILINEAR", "cubic": "CUBIC",
           "lanczos": "LANCZOS", "average": "AVERAGE"}


def bottom(path):
    """Level, pixels, which of them are valid; of a pyramid with masks."""
    pyramid = decoded(path)
    level = pyramid.levels[0]
    return (level, pyramid.level_array(level),
            pyramid.level_array(level, True)[:, :, 0] != 0)


def made(path, dataset, *options, **how):
    """Like bottom(), of a copy."""
    return bottom(create(path, dataset, "MASK=YES", *options, **how))


def contrast(bands=1, size=SIZE, seed=3):
    """Pixels that no resampling leaves as they are."""
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([2, 250], np.uint8), size + (bands,))


def part(level, array, px=PX, size=SIZE):
    """What stands where a source was put."""
    col, row = level.limits[:2]
    x, y = px[0] - col * level.tile[0], px[1] - row * level.tile[1]
    assert x >= 0 and y >= 0
    found = array[y:y + size[0], x:x + size[1]]
    assert found.shape[:2] == tuple(size)
    return found


def tiles(px, size, tile=64):
    """Limits of a rectangle of pixels."""
    return (px[0] // tile, px[1] // tile, (px[0] + size[1] - 1) // tile,
            (px[1] + size[0] - 1) // tile)


def change(dataset, **terms):
    """Replaces terms of the geotransform: t0= .. t5=."""
    transform = list(dataset.GetGeoTransform())
    for name, value in terms.items():
        transform[int(name[1])] = value
    dataset.SetGeoTransform(transform)
    return dataset


def set_crs(dataset, name):
    crs = osr.SpatialReference()
    assert crs.SetFromUserInput(name) == 0
    crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    dataset.SetSpatialRef(crs)
    return dataset


def lambert(pixels, path="", **how):
    """A source off the grid, a bit finer than level 5 of T64 and slightly
    turned."""
    dataset = source(pixels, path=path, **how)
    dataset.SetGeoTransform((300000, 3300, 0, 6900000, 0, -3300))
    set_crs(dataset, "EPSG:2154")
    dataset.FlushCache()
    return dataset


def waves(bands=3, dtype=np.uint8):
    """Pixels that change slowly: coordinates that are a bit off show little."""
    height, width = LAMBERT_SIZE
    px_y, px_x = np.mgrid[0:height, 0:width]
    out = np.stack([128 + 100 * np.sin(px_x / (17 + 7 * i)) *
                    np.cos(px_y / (23 + 5 * i)) for i in range(bands)], axis=2)
    return out.astype(dtype)


def warp_vrt(dataset, **options):
    """What gdalwarp hands to CreateCopy."""
    vrt = gdal.Warp("", dataset, format="VRT", **options)
    assert vrt is not None, gdal.GetLastErrorMsg()
    return vrt


def gdalwarp(dataset, level, method, **options):
    """What GDAL makes on the limits of a level: pixels, which are valid."""
    width, height = level.size
    left, cell, _, top, _, _ = level.geotransform
    done = gdal.Warp("", dataset, format="MEM", dstSRS="EPSG:3857",
                     outputBounds=(left, top - cell * height,
                                   left + cell * width, top),
                     width=width, height=height, dstAlpha=True,
                     resampleAlg=method, **options)
    assert done is not None, gdal.GetLastErrorMsg()
    pixels = rok4_util.pixels_of(done)
    return pixels[:, :, :-1], pixels[:, :, -1] != 0


def compare(found, expected, atol=2, share=.01, edge=.004):
    """(pixels, valid) twice: where both are valid, all but a share of the
    samples are within atol; all but a share of the pixels are valid in both or
    in none."""
    both = found[1] & expected[1]
    assert both.any()
    assert (found[1] != expected[1]).mean() <= edge
    bands = min(found[0].shape[2], expected[0].shape[2])
    difference = np.abs(found[0][both][:, :bands].astype(np.float64) -
                        expected[0][both][:, :bands])
    assert (difference > atol).mean() <= share
