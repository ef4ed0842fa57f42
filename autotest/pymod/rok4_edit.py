# SPDX-License-Identifier: MIT
"""What the tests of Create and of update access share: writing in any order."""

import numpy as np
from osgeo import gdal

import rok4_util
import rok4_write

TYPES = {"uint8": gdal.GDT_Byte, "float32": gdal.GDT_Float32}


def new(path, size, bands, *options, dtype=np.uint8, small=True):
    """Create(); size is (height, width)."""
    keys = [option.split("=")[0] for option in options]
    small = [option for option in (rok4_write.SMALL if small else [])
             if option.split("=")[0] not in keys]
    return gdal.GetDriverByName("ROK4").Create(
        str(path), size[1], size[0], bands, TYPES[np.dtype(dtype).name],
        options=small + list(options))


def refuse_new(path, size, bands, *options, kind=gdal.GDT_Byte):
    with rok4_util.Errors() as errors:
        done = gdal.GetDriverByName("ROK4").Create(
            str(path), size[1], size[0], bands, kind, options=list(options))
    assert done is None
    assert len(errors.failures) == 1, errors.texts()
    return errors.failures[0]


def update(path, *options):
    with rok4_util.Errors() as errors:
        dataset = gdal.OpenEx(str(path), gdal.OF_RASTER | gdal.OF_UPDATE,
                              open_options=list(options))
    assert dataset is not None, errors.texts()
    assert not errors.texts(), errors.texts()
    return dataset


def refuse_update(path, *options):
    with rok4_util.Errors() as errors:
        dataset = gdal.OpenEx(str(path), gdal.OF_RASTER | gdal.OF_UPDATE,
                              open_options=list(options))
    assert dataset is None
    assert len(errors.failures) == 1, errors.texts()
    return errors.failures[0]


def close(dataset):
    """Closes it, whoever holds it, and returns what was said."""
    with rok4_util.Errors() as errors:
        if hasattr(dataset, "Close"):
            dataset.Close()
        else:  # GDAL before 3.8
            type(dataset).__swig_destroy__(dataset)
            dataset.thisown = False
            dataset.this = None
    return errors.texts()


def published(top):
    """As rok4_write.tree, without the lock that a writer holds."""
    return {name: data for name, data in rok4_write.tree(top).items()
            if not name.endswith(".json.lock")}


def windows(size, seed, most=90):
    """Windows (x, y, width, height) that cover size, some of it twice, in no
    order."""
    rng = np.random.default_rng(seed)
    out = []
    y = 0
    while y < size[0]:
        height = min(int(rng.integers(1, most)), size[0] - y)
        x = 0
        while x < size[1]:
            width = min(int(rng.integers(1, most)), size[1] - x)
            out.append((x, y, width, height))
            x += width
        y += height
    for i in rng.permutation(len(out))[:len(out) // 4]:
        out.append(out[i])
    return [out[i] for i in rng.permutation(len(out))]


def write(dataset, pixels, window, how="dataset"):
    """A window of pixels[height][width][bands], by one of several ways."""
    x, y, width, height = window
    part = pixels[y:y + height, x:x + width]
    if how == "dataset":  # band after band in the buffer
        planes = np.ascontiguousarray(part.transpose(2, 0, 1))
        done = dataset.WriteRaster(x, y, width, height, planes.tobytes())
    elif how == "pixels":  # interleaved
        bands = part.shape[2]
        done = dataset.WriteRaster(
            x, y, width, height, np.ascontiguousarray(part).tobytes(),
            buf_pixel_space=bands * part.itemsize,
            buf_line_space=bands * part.itemsize * width,
            buf_band_space=part.itemsize)
    elif how == "double":  # another type
        planes = np.ascontiguousarray(
            part.transpose(2, 0, 1).astype(np.float64))
        done = dataset.WriteRaster(x, y, width, height, planes.tobytes(),
                                   buf_type=gdal.GDT_Float64)
    elif how == "bands":
        done = 0
        for i in range(part.shape[2]):
            done |= dataset.GetRasterBand(i + 1).WriteArray(part[:, :, i], x, y)
    else:  # through the block cache: asks for a resampling
        planes = np.ascontiguousarray(
            part.repeat(2, axis=0).repeat(2, axis=1).transpose(2, 0, 1))
        done = dataset.WriteRaster(x, y, width, height, planes.tobytes(),
                                   2 * width, 2 * height)
    assert done == 0, gdal.GetLastErrorMsg()


WAYS = ["dataset", "pixels", "double", "bands", "blocks"]


def write_all(dataset, pixels, seed, how="dataset", most=90):
    for window in windows(pixels.shape[:2], seed, most):
        write(dataset, pixels, window, how)


def read(dataset):
    return rok4_util.pixels_of(dataset)
