# SPDX-License-Identifier: MIT
"""What the tests of /vsirados/ share."""

import ctypes
import random

from osgeo import gdal

from rok4_util import libgdal

MIB = 1 << 20
BYTES = random.Random(5).randbytes(10 * MIB)


def counters():
    return {key: int(value) for key, value in gdal.GetFileMetadata(
        "/vsirados/", "COUNTERS").items()}


def read_ranges(path, ranges):
    """The bytes of each (offset, size), with one call, or None."""
    library = libgdal()
    library.VSIFOpenL.restype = ctypes.c_void_p
    file = ctypes.c_void_p(library.VSIFOpenL(path.encode(), b"rb"))
    assert file
    buffers = [ctypes.create_string_buffer(size or 1) for _, size in ranges]
    count = len(ranges)
    try:
        status = library.VSIFReadMultiRangeL(
            ctypes.c_int(count),
            (ctypes.c_void_p * count)(*map(ctypes.addressof, buffers)),
            (ctypes.c_uint64 * count)(*(offset for offset, _ in ranges)),
            (ctypes.c_size_t * count)(*(size for _, size in ranges)), file)
    finally:
        library.VSIFCloseL(file)
    if status != 0:
        return None
    return [buffer.raw[:size] for buffer, (_, size) in zip(buffers, ranges)]
