# SPDX-License-Identifier: MIT
"""What the tests of the COGX driver's reading share: files, and openings."""

import ctypes

import numpy as np
from osgeo import gdal, osr

from rok4_util import Errors, libgdal


def picture(width, height, bands=3, seed=1):
    """[bands][height][width] that no codec makes small, nor large."""
    rng = np.random.default_rng(seed)
    across = np.sin(np.linspace(0, 40, width))
    down = np.cos(np.linspace(0, 30, height))
    noise = rng.integers(-30, 30, (bands, height, width))
    return (across[None, None, :] * down[None, :, None] * 80 + 128 +
            noise).astype(np.uint8)


def source(pixels, mask=None):
    """A dataset in memory with the pixels, placed somewhere."""
    bands, height, width = pixels.shape
    dataset = gdal.GetDriverByName("MEM").Create("", width, height, bands)
    dataset.WriteArray(pixels)
    dataset.SetGeoTransform([500000, 2, 0, 4600000, 0, -2])
    system = osr.SpatialReference()
    system.ImportFromEPSG(32631)
    dataset.SetProjection(system.ExportToWkt())
    if mask is not None:
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    return dataset


def make_cog(path, pixels, *options, mask=None):
    """A file of GDAL's COG driver."""
    made = gdal.GetDriverByName("COG").CreateCopy(
        str(path), source(pixels, mask), options=list(options))
    assert made is not None
    del made
    return str(path)


def open_cogx(path, *options):
    """Opens for batch reading; fails the test with the message."""
    with Errors() as errors:
        dataset = gdal.OpenEx("COGX:" + str(path), gdal.OF_RASTER,
                              open_options=list(options))
    assert dataset is not None, errors.texts()
    assert dataset.GetDriver().ShortName == "COGX"
    return dataset


def refused_cogx(path, *options):
    """The messages of an opening that must fail."""
    with Errors() as errors:
        dataset = gdal.OpenEx("COGX:" + str(path), gdal.OF_RASTER,
                              open_options=list(options))
    assert dataset is None
    assert len(errors.failures) == 1, errors.texts()
    return errors.failures[0]


def advise(dataset, *window):
    """AdviseRead with the size of the buffer, which Python's lacks."""
    function = libgdal().GDALDatasetAdviseRead
    count = dataset.RasterCount
    bands = (ctypes.c_int * count)(*range(1, count + 1))
    function.argtypes = [ctypes.c_void_p] + 7 * [ctypes.c_int] + [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    assert function(int(dataset.this), *window, gdal.GDT_Byte, count, bands,
                    None) == 0
