# SPDX-License-Identifier: MIT
"""Reads ROK4 pyramids tile by tile without the driver, to compare with."""

import io
import json
import math
import os
import struct
import zlib

import numpy as np
from osgeo import gdal
from PIL import Image

import rok4_make


class Level:
    def __init__(self, pyramid, entry, matrix):
        self.id_ = entry["id"]
        self.slab = entry["tiles_per_width"], entry["tiles_per_height"]
        limits = entry["tile_limits"]
        size = matrix["matrixWidth"], matrix["matrixHeight"]
        self.limits = tuple(
            min(max(limits[key], 0), size[key.endswith("row")] - 1)
            for key in ("min_col", "min_row", "max_col", "max_row"))
        storage = entry["storage"]
        self.depth = storage["path_depth"]
        self.image_directory = pyramid.place(storage["image_directory"])
        self.mask_directory = None
        if "mask_directory" in storage:
            self.mask_directory = pyramid.place(storage["mask_directory"])
        self.cell = matrix["cellSize"]
        self.origin = matrix["pointOfOrigin"]
        self.tile = matrix["tileWidth"], matrix["tileHeight"]

    @property
    def size(self):
        """Pixels of the limits: width, height."""
        c0, r0, c1, r1 = self.limits
        return (c1 - c0 + 1) * self.tile[0], (r1 - r0 + 1) * self.tile[1]

    @property
    def corner(self):
        """CRS coordinates of the limits' top-left corner."""
        c0, r0 = self.limits[:2]
        return (self.origin[0] + c0 * self.tile[0] * self.cell,
                self.origin[1] - r0 * self.tile[1] * self.cell)

    @property
    def geotransform(self):
        crs_x, crs_y = self.corner
        return (crs_x, self.cell, 0.0, crs_y, 0.0, -self.cell)

    def slab_file(self, col, row, mask=False):
        place = self.mask_directory if mask else self.image_directory
        return os.path.join(place, rok4_make.slab_path(
            col // self.slab[0], row // self.slab[1], self.depth))


class Pyramid:
    """levels are from the finest to the coarsest."""

    def __init__(self, path, tms_directory):
        self.path = str(path)
        with open(self.path, encoding="utf-8-sig") as file:
            self.descriptor = json.load(file)
        name = self.descriptor["tile_matrix_set"]
        name = name[:-5] if name.endswith(".json") else name
        with open(os.path.join(str(tms_directory), name + ".json"),
                  encoding="utf-8") as file:
            self.tms = json.load(file)
        matrices = {m["id"]: m for m in self.tms["tileMatrices"]}
        raster = self.descriptor["raster_specifications"]
        self.channels = raster["channels"]
        self.codec = self.descriptor["format"].split("_")[1]
        self.dtype = (np.float32 if self.descriptor["format"]
                      .endswith("FLOAT32") else np.uint8)
        self.nodata = np.array([int(v) for v in raster["nodata"].split(",")
                                [:self.channels]]).astype(self.dtype)
        self.levels = [Level(self, e, matrices[e["id"]])
                       for e in self.descriptor["levels"]]
        self.levels.sort(key=lambda level: level.cell)

    def place(self, directory):
        root = os.path.dirname(os.path.abspath(self.path))
        if directory.startswith("/"):
            return directory
        return os.path.join(root, directory)

    def level(self, id_):
        return next(level for level in self.levels if level.id_ == id_)

    def tile_bytes(self, level, col, row, mask=False):
        """Encoded bytes, or None when the slab or the tile is absent."""
        try:
            with open(level.slab_file(col, row, mask), "rb") as file:
                slab = file.read()
        except FileNotFoundError:
            return None
        count = level.slab[0] * level.slab[1]
        index = (row % level.slab[1]) * level.slab[0] + col % level.slab[0]
        offset, = struct.unpack_from("<I", slab, 2048 + 4 * index)
        nbytes, = struct.unpack_from("<I", slab, 2048 + 4 * (count + index))
        if not nbytes:
            return None
        assert offset + nbytes <= len(slab)
        return slab[offset:offset + nbytes]

    def tile(self, level, col, row, mask=False):
        """[height][width][bands], or None when absent."""
        data = self.tile_bytes(level, col, row, mask)
        if data is None:
            return None
        bands = 1 if mask else self.channels
        dtype = np.uint8 if mask else self.dtype
        return decode("ZIP" if mask else self.codec, data,
                      (level.tile[1], level.tile[0], bands), dtype)

    def level_array(self, level, mask=False):
        """Pixels of the limits; absent tiles hold the nodata values (a mask:
        0 where the data is absent, 255 where only the mask is)."""
        width, height = level.size
        bands = 1 if mask else self.channels
        out = np.empty((height, width, bands),
                       np.uint8 if mask else self.dtype)
        c0, r0, c1, r1 = level.limits
        tile_w, tile_h = level.tile
        for row in range(r0, r1 + 1):
            for col in range(c0, c1 + 1):
                pixels = self.tile(level, col, row, mask)
                if pixels is None:
                    pixels = self.nodata
                    if mask:
                        present = self.tile_bytes(level, col, row) is not None
                        pixels = 255 if present else 0
                elif mask:
                    pixels = np.where(pixels != 0, 255, 0)
                    if self.tile_bytes(level, col, row) is None:
                        pixels = 0
                px_y, px_x = (row - r0) * tile_h, (col - c0) * tile_w
                out[px_y:px_y + tile_h, px_x:px_x + tile_w] = pixels
        return out

    def overview(self, base, level, mask=False):
        """What the level must look like as an overview of base: same origin,
        ceil(size / ratio) pixels, aligned at the nearest whole pixel, nodata
        beyond the level's own limits."""
        width, height = overview_size(base, level)
        shift_x = round((base.corner[0] - level.corner[0]) / level.cell)
        shift_y = round((level.corner[1] - base.corner[1]) / level.cell)
        bands = 1 if mask else self.channels
        out = np.zeros((height, width, bands), np.uint8) if mask else \
            np.broadcast_to(self.nodata, (height, width, bands)).copy()
        pixels = self.level_array(level, mask)
        x0, y0 = max(0, -shift_x), max(0, -shift_y)
        x1 = min(width, level.size[0] - shift_x)
        y1 = min(height, level.size[1] - shift_y)
        if x1 > x0 and y1 > y0:
            out[y0:y1, x0:x1] = pixels[y0 + shift_y:y1 + shift_y,
                                       x0 + shift_x:x1 + shift_x]
        return out


def overview_size(base, level):
    """ceil(size / ratio), at least 1; ratios are whole within 1e-9."""
    ratio = level.cell / base.cell
    if abs(ratio - round(ratio)) < 1e-9 * ratio:
        ratio = round(ratio)
    return tuple(max(1, math.ceil(n / ratio - 1e-9)) for n in base.size)


def decode(codec, data, shape, dtype):
    """One tile: [height][width][bands]."""
    if codec == "PNG":
        return np.array(Image.open(io.BytesIO(data))).reshape(shape)
    if codec in ("JPG", "JPG90"):
        image = Image.open(io.BytesIO(data))
        image = image.convert("RGB" if shape[2] == 3 else "L")
        return np.array(image).reshape(shape)
    if codec == "ZIP":
        raw = zlib.decompressobj().decompress(data)
    elif codec == "RAW":
        raw = data
    else:
        return gtiff_tile(codec, data, shape, dtype)
    little = np.dtype(dtype).newbyteorder("<")
    count = shape[0] * shape[1] * shape[2]
    return np.frombuffer(raw, little, count).reshape(shape).astype(dtype)


def gtiff_tile(codec, data, shape, dtype):
    """Wraps the tile into a TIFF of one strip, which has no rule about the
    sides of tiles, for GDAL's GTiff."""
    height, width, bands = shape
    bits = 32 if dtype == np.float32 else 8
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, bands, 8),
        (259, 3, 1, rok4_make.COMPRESSIONS[codec]),
        (262, 3, 1, 1 if bands < 3 else 2), (273, 4, 1, 512),
        (277, 3, 1, bands), (278, 4, 1, height), (279, 4, 1, len(data)),
        (339, 3, 1, 3 if dtype == np.float32 else 1)]
    if bands < 3:
        entries[2] = (258, 3, bands, bits | bits << 16)
    if bands in (2, 4):
        entries.insert(9, (338, 3, 1, 2))
    header = b"II*\0" + struct.pack("<I4HH", 16, bits, bits, bits, bits,
                                    len(entries))
    for entry in entries:
        header += struct.pack("<HHII", *entry)
    path = "/vsimem/rok4_decode/tile.tif"
    gdal.FileFromMemBuffer(path, header.ljust(512, b"\0") + data)
    try:
        pixels = gdal.OpenEx(path, allowed_drivers=["GTiff"]).ReadAsArray()
    finally:
        gdal.Unlink(path)
    return pixels.reshape(bands, height, width).transpose(1, 2, 0).copy()


def gtiff_slab(path):
    """A whole non-PNG slab through GDAL's GTiff: [height][width][bands]."""
    pixels = gdal.OpenEx(str(path), allowed_drivers=["GTiff"]).ReadAsArray()
    if pixels.ndim == 2:
        pixels = pixels[None]
    return pixels.transpose(1, 2, 0)
