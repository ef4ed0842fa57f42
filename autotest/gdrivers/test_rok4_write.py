# SPDX-License-Identifier: MIT
"""Pixels of the pyramids that CreateCopy writes."""

import os

import numpy as np
import pytest
from osgeo import gdal

import rok4_util
import rok4_write
from rok4_write import (PX, SIZE, Model, create, decoded, noise, source,
                        strict)

LOSSLESS = ["NONE", "DEFLATE", "LZW", "PACKBITS"]


def rule_of(bands):
    return {1: "nodata", 2: "alpha", 3: "all", 4: "alpha"}[bands]


def holes(size=SIZE):
    """Valid or not: a disc, lone pixels, and more than a whole tile."""
    height, width = size
    px_y, px_x = np.mgrid[0:height, 0:width]
    valid = (px_x - 80) ** 2 + (px_y - 60) ** 2 > 40 ** 2
    valid &= (px_x % 13 != 0) | (px_y % 7 != 0)
    valid[:, 200:] = False
    return valid


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("codec", LOSSLESS + ["PNG"])
def test_bytes(codec, bands, tmp_path):
    pixels = noise(bands)
    alpha = bands in (2, 4)
    if alpha:
        pixels[:, :, -1] = np.where(holes(), pixels[:, :, -1], 0)
    path = create(tmp_path / "a.json", source(pixels, alpha=alpha),
                  "COMPRESS=" + codec)
    nodata = [255] * bands
    if alpha:
        nodata[-1] = 0
    model = Model(nodata, rule_of(bands)).paint(pixels, keep=True)
    model.check(path)
    strict(path)


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("codec", LOSSLESS)
def test_floats(codec, bands, tmp_path):
    pixels = noise(bands, dtype=np.float32)
    path = create(tmp_path / "a.json", source(pixels), "COMPRESS=" + codec)
    model = Model([-99999] * bands, "nodata" if bands == 1 else "all",
                  dtype=np.float32).paint(pixels)
    model.check(path)
    strict(path)
