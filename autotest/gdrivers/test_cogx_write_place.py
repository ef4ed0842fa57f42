# SPDX-License-Identifier: MIT
"""Reprojection while COGX writes puts files where GDAL's COG does."""

import numpy as np
import pytest
from osgeo import gdal

import cogx_make

GOOGLE = "TILING_SCHEME=GoogleMapsCompatible"
CASES = [
    [GOOGLE], [GOOGLE, "BLOCKSIZE=512"],
    [GOOGLE, "ZOOM_LEVEL=11", "ALIGNED_LEVELS=3"],
    [GOOGLE, "ZOOM_LEVEL_STRATEGY=LOWER"],
    [GOOGLE, "ZOOM_LEVEL_STRATEGY=UPPER"],
    ["TILING_SCHEME=InspireCRS84Quad"],
    ["TARGET_SRS=EPSG:3857"],
    ["TARGET_SRS=EPSG:3857", "EXTENT=250000,5100000,260000,5110000"],
    ["TARGET_SRS=EPSG:4326", "EXTENT=2.1,41,2.3,41.2", "RES=0.0013"],
    ["TARGET_SRS=EPSG:3857", "ADD_ALPHA=NO"],
    ["TARGET_SRS=EPSG:32631"],
    ["TARGET_SRS=EPSG:3857", "RESAMPLING=NEAREST"],
    ["TARGET_SRS=EPSG:3857", "WARP_RESAMPLING=BILINEAR",
     "OVERVIEW_RESAMPLING=AVERAGE"],
]


def check(folder, dataset, options):
    ours, theirs = cogx_make.both(folder, dataset, "COMPRESS=DEFLATE",
                                  *options)
    assert cogx_make.shown(ours) == cogx_make.shown(theirs)
    # GDAL approximates the transformation for other rectangles.
    error = np.abs(ours.ReadAsArray().astype(int) - theirs.ReadAsArray())
    assert (error > 1).mean() < 0.02


@pytest.mark.parametrize("epsg", [32631, 4326])
@pytest.mark.parametrize("options", CASES)
def test_place(tmp_path, epsg, options):
    check(tmp_path, cogx_make.source(epsg=epsg), options)


def test_world(tmp_path):
    dataset = cogx_make.source(720, 360, 1, epsg=4326)
    dataset.SetGeoTransform([-180, 0.5, 0, 90, 0, -0.5])
    check(tmp_path, dataset, [GOOGLE])


def test_nodata(tmp_path):
    dataset = cogx_make.source(bands=1, kind=gdal.GDT_Float32)
    dataset.GetRasterBand(1).SetNoDataValue(-9999)
    check(tmp_path, dataset, [GOOGLE])


def test_schemes_of_files(tmp_path):
    dataset = cogx_make.source(bands=1, epsg=2193)
    dataset.SetGeoTransform([1600000, 10, 0, 5400000, 0, -10])
    check(tmp_path, dataset, ["TILING_SCHEME=NZTM2000"])


def test_schemes_of_rok4(tmp_path):
    dataset = cogx_make.source(bands=1, epsg=2154)
    dataset.SetGeoTransform([700000, 10, 0, 6600000, 0, -10])
    ours = cogx_make.write("COGX", tmp_path / "a.tif", dataset,
                           "TILING_SCHEME=LAMB93_10cm")
    assert ours.GetMetadataItem("NAME", "TILING_SCHEME") == "LAMB93_10cm"
    transform = ours.GetGeoTransform()
    assert transform[1] in (6.4, 12.8)
    for i in (0, 3):
        tiles = (transform[i] - (0, 0, 0, 12000000)[i]) / (transform[1] * 256)
        assert abs(tiles - round(tiles)) < 1e-9
