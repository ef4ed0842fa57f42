# SPDX-License-Identifier: MIT
"""The bottom level of a copy, and what it is compared with."""

import numpy as np
from osgeo import gdal, osr

import rok4_util
from rok4_write import PX, SIZE, create, decoded

# One level only.
FIVE = ["TOP_LEVEL=5"]


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
