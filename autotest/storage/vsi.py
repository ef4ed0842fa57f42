# SPDX-License-Identifier: MIT
"""GDAL's own files on any storage, in a few words."""

from osgeo import gdal


def read(path, offset=0, nbytes=None):
    """The bytes, fewer where GDAL gives fewer; None when it does not open."""
    file = gdal.VSIFOpenL(path, "rb")
    if file is None:
        return None
    try:
        if nbytes is None:
            gdal.VSIFSeekL(file, 0, 2)
            nbytes = gdal.VSIFTellL(file) - offset
        gdal.VSIFSeekL(file, offset, 0)
        return bytes(gdal.VSIFReadL(1, nbytes, file) or b"")
    finally:
        gdal.VSIFCloseL(file)


def write(path, data):
    """Whether GDAL says that all is written."""
    file = gdal.VSIFOpenL(path, "wb")
    if file is None:
        return False
    count = gdal.VSIFWriteL(data, 1, len(data), file)
    return gdal.VSIFCloseL(file) == 0 and count == len(data)


def size(path):
    """None when there is none."""
    found = gdal.VSIStatL(path)
    return found.size if found else None
