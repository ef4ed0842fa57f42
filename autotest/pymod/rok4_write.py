# SPDX-License-Identifier: MIT
"""What the tests of writing share: sources on a grid, a pyramid's levels by
numpy, and directories byte for byte."""

import io
import json
import os
import struct

import numpy as np
from osgeo import gdal, osr
from PIL import Image

import rok4_decode
import rok4_strict
import rok4_util

LEVEL = "5"
# The source's corner in pixels of level 5 of T64, inside of tile (65, 45).
PX = (65 * 64 + 30, 45 * 64 + 20)
SIZE = (170, 310)  # height, width
# Small slabs, and four levels of T64.
SMALL = ["TILING_SCHEME=T64", "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2",
         "BOTTOM_LEVEL=5", "TOP_LEVEL=2"]


def load_tms(name="T64"):
    place = os.path.join(gdal.GetConfigOption("ROK4_TMS_DIRECTORY"),
                         name + ".json")
    with open(place, encoding="utf-8") as file:
        return json.load(file)


def matrix_of(level=LEVEL, name="T64"):
    return next(m for m in load_tms(name)["tileMatrices"]
                if m["id"] == level)


def noise(bands, size=SIZE, dtype=np.uint8, seed=0):
    """[height][width][bands] of smooth waves with noise."""
    height, width = size
    px_y, px_x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(seed)
    out = np.stack([120 + 90 * np.sin(px_x / (31 + 5 * band)) *
                    np.cos(px_y / 19) for band in range(bands)], axis=2)
    out += rng.integers(-9, 10, out.shape)
    if dtype == np.float32:
        return (out * 7.25 - 300).astype(np.float32)
    return np.clip(out, 1, 254).astype(np.uint8)


def place(dataset, px=PX, level=LEVEL, name="T64", cell=None):
    """Georeferences a dataset with its corner at a pixel of a level."""
    matrix = matrix_of(level, name)
    x0, y0 = matrix["pointOfOrigin"]
    dataset.SetGeoTransform((x0 + px[0] * matrix["cellSize"],
                             cell or matrix["cellSize"], 0,
                             y0 - px[1] * matrix["cellSize"], 0,
                             -(cell or matrix["cellSize"])))
    srs = osr.SpatialReference()
    srs.SetFromUserInput(load_tms(name)["crs"])
    dataset.SetProjection(srs.ExportToWkt())
    return dataset


def source(pixels, px=PX, level=LEVEL, name="T64", nodata=None, mask=None,
           alpha=False, path="", cell=None, palette=None):
    """A dataset with these pixels, in memory or as a GeoTIFF at path."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    height, width, bands = pixels.shape
    kinds = {"uint8": gdal.GDT_Byte, "float32": gdal.GDT_Float32,
             "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16,
             "float64": gdal.GDT_Float64, "complex64": gdal.GDT_CFloat32,
             "int32": gdal.GDT_Int32}
    kind = kinds[str(pixels.dtype)]
    dataset = gdal.GetDriverByName("GTiff" if path else "MEM").Create(
        str(path), width, height, bands, kind)
    place(dataset, px, level, name, cell)
    for i in range(bands):
        band = dataset.GetRasterBand(i + 1)
        band.WriteArray(pixels[:, :, i])
        if nodata is not None:
            band.SetNoDataValue(nodata)
    if alpha:
        dataset.GetRasterBand(bands).SetColorInterpretation(
            gdal.GCI_AlphaBand)
    if palette is not None:
        table = gdal.ColorTable()
        for i, colour in palette.items():
            table.SetColorEntry(i, colour)
        band = dataset.GetRasterBand(1)
        band.SetColorTable(table)
        band.SetColorInterpretation(gdal.GCI_PaletteIndex)
    if mask is not None:
        with rok4_util.config(GDAL_TIFF_INTERNAL_MASK="YES"):
            dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(
            np.where(mask, 255, 0).astype(np.uint8))
    if path:
        dataset.FlushCache()
    return dataset


def stored(pixels, path, **how):
    """The same as a file that is open for reading: open for writing, it would
    change with the first read."""
    source(pixels, path=path, **how)
    return gdal.Open(str(path))


def run(path, dataset, options, small, callback):
    """(dataset or None, errors); without the warnings that GDAL asked us to
    delete what stands there, which we do not do, and that coarser levels show
    more than the finest one."""
    keys = [option.split("=")[0] for option in options]
    small = [option for option in (SMALL if small else [])
             if option.split("=")[0] not in keys]
    with rok4_util.Errors() as errors:
        done = gdal.GetDriverByName("ROK4").CreateCopy(
            str(path), dataset, options=small + list(options),
            callback=callback)
    errors[:] = [e for e in errors if "ROK4_ALLOW_DELETE" not in e[2] and
                 "EXTENT_METHOD" not in e[2]]
    return done, errors


def create(path, dataset, *options, small=True, callback=None):
    """CreateCopy without a word; returns the path."""
    done, errors = run(path, dataset, options, small, callback)
    assert done is not None, errors.texts()
    assert not errors.texts(), errors.texts()
    return str(path)


def refuse(path, dataset, *options, small=True, callback=None):
    """The message of a CreateCopy that must fail."""
    done, errors = run(path, dataset, options, small, callback)
    assert done is None
    assert len(errors.failures) == 1, errors.texts()
    return errors.failures[0]


class Stop:
    """A progress function that says no after some calls."""

    def __init__(self, fraction):
        self.fraction, self.seen = fraction, []

    def __call__(self, fraction, message, user):
        self.seen.append(fraction)
        return 0 if fraction >= self.fraction else 1


def tree(top):
    """{path below top: bytes, the target of a link, or None: a directory}."""
    out = {}
    for where, directories, files in os.walk(str(top)):
        for name in directories + files:
            path = os.path.join(where, name)
            key = os.path.relpath(path, str(top))
            if os.path.islink(path):
                out[key] = "-> " + os.readlink(path)
            elif os.path.isdir(path):
                out[key] = None
            else:
                with open(path, "rb") as file:
                    out[key] = file.read()
    return out


def slabs(path, id_=None):
    """{path below NAME: bytes} of a pyramid's slabs, links followed."""
    top = str(path)[:-len(".json")]
    out = {}
    for where, _, files in os.walk(top):
        for name in files:
            file = os.path.join(where, name)
            key = os.path.relpath(file, top)
            if id_ is None or key.split("/")[1] == id_:
                with open(file, "rb") as opened:
                    out[key] = opened.read()
    return out


def same_slabs(path, other):
    """Bytes of all slabs are the same; a message without the bytes."""
    left, right = slabs(path), slabs(other)
    assert sorted(left) == sorted(right)
    differ = [key for key in left if left[key] != right[key]]
    assert not differ, differ


def descriptor(path):
    with open(str(path), encoding="utf-8") as file:
        return json.load(file)


def decoded(path):
    """A reader that is not the driver."""
    return rok4_decode.Pyramid(str(path),
                               gdal.GetConfigOption("ROK4_TMS_DIRECTORY"))


def strict(path, **how):
    """What the strictest reader says; the number of slabs."""
    return rok4_strict.check_pyramid(
        str(path), gdal.GetConfigOption("ROK4_TMS_DIRECTORY"), **how)


def tile_sizes(data):
    """Byte counts in a slab's index."""
    count, = struct.unpack_from("<I", data, 118)
    return struct.unpack_from("<%dI" % count, data, 2048 + 4 * count)


def through_jpeg(pixels, quality, tile=64):
    """What libjpeg makes of each tile of a level, by another way than ours."""
    out = np.empty_like(pixels)
    for row in range(0, pixels.shape[0], tile):
        for col in range(0, pixels.shape[1], tile):
            at = np.s_[row:row + tile, col:col + tile]
            file = io.BytesIO()
            Image.fromarray(pixels[at]).save(file, "JPEG", quality=quality,
                                             subsampling="4:2:0")
            out[at] = np.array(Image.open(file))
    return out


class Model:
    """What a pyramid's levels must be, from the bottom one on, over whole tiles
    of the coarsest one. rule: "all", "mask", "alpha" or "nodata"."""

    def __init__(self, nodata, rule, nlevels=4, tile=64, px=PX, size=SIZE,
                 bottom=5, dtype=np.uint8):
        self.nodata = np.array(nodata, dtype)
        self.rule, self.nlevels = rule, nlevels
        self.tile, self.bottom = tile, bottom
        unit = tile << (nlevels - 1)
        self.left, self.top = (p // unit * unit for p in px)
        width = -(-(px[0] + size[1]) // unit) * unit - self.left
        height = -(-(px[1] + size[0]) // unit) * unit - self.top
        self.pixels = np.empty((height, width, len(nodata)), dtype)
        self.pixels[:] = self.nodata
        self.mask = np.zeros((height, width), bool)

    def paint(self, pixels, px=PX, valid=None, keep=False):
        """keep: pixels that are not valid are as they come, but for tiles
        that have no other ones."""
        if pixels.ndim == 2:
            pixels = pixels[:, :, None]
        height, width, _ = pixels.shape
        y, x = px[1] - self.top, px[0] - self.left
        if valid is None:
            valid = np.ones((height, width), bool)
        window = self.pixels[y:y + height, x:x + width]
        window[valid] = pixels[valid]
        if keep:
            window[:] = pixels
        self.mask[y:y + height, x:x + width] |= valid
        for row in range(0, self.mask.shape[0], self.tile):
            for col in range(0, self.mask.shape[1], self.tile):
                tile = np.s_[row:row + self.tile, col:col + self.tile]
                if not self.mask[tile].any():
                    self.pixels[tile] = self.nodata
        return self

    def _valid(self, pixels, mask):
        if self.rule == "mask":
            return mask
        if self.rule == "alpha":
            return pixels[:, :, -1] != 0
        if self.rule == "nodata":
            return pixels[:, :, 0] != self.nodata[0]
        return np.ones(pixels.shape[:2], bool)

    def levels(self, method="AVERAGE"):
        """[(pixels, mask)] from the finest."""
        out = [(self.pixels, self.mask)]
        for _ in range(self.nlevels - 1):
            pixels, mask = out[-1]
            out.append(self._halve(pixels, self._valid(pixels, mask),
                                   method))
        return out

    def _halve(self, pixels, valid, method):
        four = [pixels[y::2, x::2] for y in (0, 1) for x in (0, 1)]
        ok = [valid[y::2, x::2] for y in (0, 1) for x in (0, 1)]
        if method == "NEAREST":
            return four[0], ok[0]
        count = sum(o.astype(int) for o in ok)
        some = np.maximum(count, 1)[:, :, None]
        if method == "MODE":
            mean = self._mode(four, ok)
        else:
            total = 0.0
            for p, o in zip(four, ok):
                p = p.astype(np.float64)
                p = p * p if method == "RMS" else p
                total = total + np.where(o[:, :, None], p, 0)
            mean = total / some
            if method == "RMS":
                mean = np.sqrt(mean)
            if self.rule == "alpha" and method == "AVERAGE":
                mean[:, :, -1] = sum(p[:, :, -1].astype(float)
                                     for p in four) / 4
            if pixels.dtype == np.uint8:
                mean = np.floor(mean + 0.5)
        out = mean.astype(pixels.dtype)
        empty = self.nodata.copy()
        if self.rule == "alpha":
            empty[-1] = 0
        out[count == 0] = empty
        return out, count > 0

    @staticmethod
    def _mode(four, ok):
        votes = np.stack([
            np.where(ok[i], sum(((four[i] == four[j]).all(axis=2) &
                                 ok[j]).astype(int) for j in range(4)), 0)
            for i in range(4)])
        best = votes.argmax(axis=0)
        return np.take_along_axis(np.stack(four), best[None, :, :, None],
                                  axis=0)[0]

    def window(self, array, level):
        """The part of a level's array within a decoded level's limits."""
        i = self.bottom - int(level.id_)
        c0, r0, c1, r1 = level.limits
        x, y = c0 * self.tile - (self.left >> i), \
            r0 * self.tile - (self.top >> i)
        return array[y:y + (r1 - r0 + 1) * self.tile,
                     x:x + (c1 - c0 + 1) * self.tile]

    def check(self, path, method="AVERAGE", masks=False, atol=0):
        """All levels of a pyramid, read without the driver."""
        pyramid = decoded(path)
        expected = self.levels(method)
        assert [level.id_ for level in pyramid.levels] == [
            str(self.bottom - i) for i in range(self.nlevels)]
        for level, (pixels, mask) in zip(pyramid.levels, expected):
            found = pyramid.level_array(level)
            wanted = self.window(pixels, level)
            assert found.dtype == wanted.dtype
            if atol:
                np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)
            else:
                np.testing.assert_array_equal(found, wanted,
                                              "level " + level.id_)
            if masks:
                np.testing.assert_array_equal(
                    pyramid.level_array(level, True)[:, :, 0] != 0,
                    self.window(mask, level), "mask " + level.id_)
