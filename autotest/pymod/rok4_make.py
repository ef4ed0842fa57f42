# SPDX-License-Identifier: MIT
"""Writes ROK4 pyramids of any shape, for tests."""

import json
import os
import random
import struct
import zlib

import numpy as np

import rok4_encode
import rok4_tms

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def base36(number):
    text = ""
    while True:
        text = DIGITS[number % 36] + text
        number //= 36
        if not number:
            return text


def slab_path(col, row, depth):
    """Spec section 4; without a leading slash."""
    col, row = base36(col), base36(row)
    n = max(depth + 1, len(col), len(row))
    pairs = [c + r for c, r in zip(col.rjust(n, "0"), row.rjust(n, "0"))]
    head = "".join(pairs[:n - depth])
    return "/".join([head] + pairs[n - depth:]) + ".tif"


COMPRESSIONS = {"RAW": 1, "LZW": 5, "JPG": 7, "JPG90": 7, "ZIP": 8, "PNG": 8,
                "PKB": 32773}


def slab_header(codec, shape, dtype, slab, sizes):
    """The 2048 bytes of spec section 5; shape is (height, width, bands)."""
    height, width, bands = shape
    count = slab[0] * slab[1]
    bits = 32 if dtype == np.float32 else 8
    if bands == 1:
        bits_value = struct.pack("<HH", bits, 0)
    elif bands == 2:
        bits_value = struct.pack("<HH", bits, bits)
    else:
        bits_value = struct.pack("<I", 8)
    jpeg = codec in ("JPG", "JPG90")
    photometric = 6 if jpeg else (1 if bands < 3 else 2)
    single = count == 1
    entries = [
        (256, 4, 1, slab[0] * width), (257, 4, 1, slab[1] * height),
        (258, 3, bands, struct.unpack("<I", bits_value)[0]),
        (259, 3, 1, COMPRESSIONS[codec]), (262, 3, 1, photometric),
        (277, 3, 1, bands), (322, 4, 1, width), (323, 4, 1, height),
        (324, 4, count, 2056 if single else 2048),
        (325, 4, count, sizes[0] if single else 2048 + 4 * count)]
    if bands in (2, 4):
        entries.append((338, 3, 1, 2))
    entries.append((339, 3, 1, 3 if dtype == np.float32 else 1))
    if jpeg:
        entries.append((530, 3, 2, 2 | 2 << 16))
    out = b"II*\0" + struct.pack("<I4HH", 16, bits, bits, bits, bits,
                                 len(entries))
    for entry in entries:
        out += struct.pack("<HHII", *entry)
    return (out + b"\0\0\0\0").ljust(2048, b"\0")


def slab_bytes(header, tiles, order=None, sparse=False, shared=False,
               trailing=b""):
    """tiles: encoded bytes or None, by index. sparse: None tiles get offset
    0; shared: equal tiles are stored once; trailing: bytes after each tile
    which its count includes."""
    count = len(tiles)
    offsets, sizes = [0] * count, [0] * count
    body, position, seen = bytearray(), 2048 + 8 * count, {}
    for i in order if order is not None else range(count):
        if tiles[i] is None:
            offsets[i] = 0 if sparse else position
            continue
        data = tiles[i] + trailing
        sizes[i] = len(data)
        if shared and data in seen:
            offsets[i] = seen[data]
            continue
        gap = -position % 16
        body += bytes(gap)
        position += gap
        offsets[i] = seen[data] = position
        body += data
        position += len(data)
    return (header + struct.pack("<%dI" % count, *offsets) +
            struct.pack("<%dI" % count, *sizes) + bytes(body))


def pattern(shape, level=0, dtype=np.uint8, smooth=False, seed=0):
    """Pixels where every tile and band differs: [height][width][bands]."""
    height, width, bands = shape
    px_y, px_x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(1000 * level + seed)
    out = np.empty(shape, np.float64)
    for band in range(bands):
        wave = (np.sin(px_x / (17.0 + 3 * band)) * 55 +
                np.cos(px_y / (23.0 - 2 * band)) * 55 + 127 + 4 * level)
        out[:, :, band] = wave
    if not smooth:
        out += rng.integers(-12, 13, shape)
    if dtype == np.float32:
        return (out * 7.25 - 300).astype(np.float32)
    return np.clip(out, 1, 254).astype(np.uint8)


class Level:
    """One level to write. limits: (min_col, min_row, max_col, max_row);
    image: pixels of the limits (default a pattern); mask: the same with one
    band, or None; absent: slabs (col, row) not written; empty: tiles
    (col, row) with a byte count of 0; absent_masks and empty_masks likewise.
    options go to the tile encoder; order: "index", "reverse" or "random"."""

    def __init__(self, id_, limits, slab=(2, 2), depth=2, image=None,
                 mask=None, absent=(), empty=(), absent_masks=(),
                 empty_masks=(), order="index", sparse=False, shared=False,
                 trailing=b"", zero_header=False, directory=None,
                 mask_directory=None, written_limits=None, options=None,
                 outside=None):
        vars(self).update({k: v for k, v in locals().items() if k != "self"})


class Pyramid:
    """name: descriptor NAME.json in root; definition: the TMS. extra goes
    into the descriptor, seed shuffles its members and levels."""

    def __init__(self, root, name, definition, fmt="TIFF_ZIP_UINT8",
                 channels=3, nodata=None, photometric=None,
                 interpolation="bicubic", levels=(), extra=None, seed=None,
                 tms_name=None, smooth=None):
        self.root, self.name, self.definition = str(root), name, definition
        self.fmt, self.channels = fmt, channels
        self.codec = fmt.split("_")[1]
        self.dtype = np.float32 if fmt.endswith("FLOAT32") else np.uint8
        default = "-99999" if self.dtype == np.float32 else "255"
        self.nodata = nodata or ",".join([default] * channels)
        self.photometric = photometric or ("gray" if channels < 3 else "rgb")
        self.interpolation, self.extra, self.seed = interpolation, extra, seed
        self.tms_name = tms_name or definition["id"]
        self.smooth = smooth if smooth is not None else "JPG" in self.codec
        self.levels = list(levels)

    @property
    def path(self):
        return os.path.join(self.root, self.name + ".json")

    def tile_size(self, level):
        entry = rok4_tms.level_of(self.definition, level.id_)
        return entry["tileWidth"], entry["tileHeight"]

    def image_of(self, level):
        """Pixels of the level's limits, as given or the default pattern."""
        if level.image is None:
            width, height = self.tile_size(level)
            c0, r0, c1, r1 = level.limits
            index = [m["id"] for m in
                     self.definition["tileMatrices"]].index(level.id_)
            level.image = pattern(((r1 - r0 + 1) * height,
                                   (c1 - c0 + 1) * width, self.channels),
                                  index, self.dtype, self.smooth)
        return level.image

    def values(self):
        """The nodata values as the sample type."""
        return np.array([int(v) for v in self.nodata.split(",")]
                        [:self.channels]).astype(self.dtype)

    def _slab(self, level, slab_col, slab_row, mask):
        width, height = self.tile_size(level)
        c0, r0, c1, r1 = level.limits
        image = level.mask if mask else self.image_of(level)
        if image.ndim == 2:
            image = image[:, :, None]
        fill = np.zeros(1, np.uint8) if mask else self.values()
        codec = "ZIP" if mask else self.codec
        bands = 1 if mask else self.channels
        dtype = np.uint8 if mask else self.dtype
        options = {} if mask else (level.options or {})
        tiles, cols, rows = [], level.slab[0], level.slab[1]
        if level.outside is not None and not mask:
            fill = np.array(level.outside, dtype)
        outside = None
        for row in range(slab_row * rows, (slab_row + 1) * rows):
            for col in range(slab_col * cols, (slab_col + 1) * cols):
                if (col, row) in (level.empty_masks if mask else level.empty):
                    tiles.append(None)
                    continue
                if c0 <= col <= c1 and r0 <= row <= r1:
                    pixels = image[(row - r0) * height:(row - r0 + 1) * height,
                                   (col - c0) * width:(col - c0 + 1) * width]
                    tiles.append(rok4_encode.encode(
                        codec, np.ascontiguousarray(pixels), **options))
                    continue
                if outside is None and not level.sparse:
                    outside = rok4_encode.encode(codec, np.ascontiguousarray(
                        np.broadcast_to(fill, (height, width, bands))),
                        **options)
                tiles.append(outside)
        order = list(range(len(tiles)))
        if level.order == "reverse":
            order.reverse()
        elif level.order == "random":
            random.Random(7).shuffle(order)
        sizes = [len(t) + len(level.trailing) if t else 0 for t in tiles]
        header = bytes(2048) if level.zero_header else slab_header(
            codec, (height, width, bands), dtype, level.slab, sizes)
        return slab_bytes(header, tiles, order, level.sparse, level.shared,
                          level.trailing)

    def image_directory(self, level):
        """As written in the descriptor."""
        return level.directory or "%s/DATA/%s" % (self.name, level.id_)

    def mask_directory(self, level):
        return level.mask_directory or "%s/MASK/%s" % (self.name, level.id_)

    def slab_file(self, level, slab_col, slab_row, mask=False):
        """Local path of a slab, for relative and absolute directories."""
        place = (self.mask_directory if mask
                 else self.image_directory)(level)
        return os.path.normpath(os.path.join(
            self.root, place, slab_path(slab_col, slab_row, level.depth)))

    def slabs(self, level):
        """(col, row) of each slab that the limits touch."""
        c0, r0, c1, r1 = level.limits
        return [(col, row)
                for row in range(r0 // level.slab[1], r1 // level.slab[1] + 1)
                for col in range(c0 // level.slab[0], c1 // level.slab[0] + 1)]

    def descriptor(self):
        """The JSON object."""
        levels = []
        for level in self.levels:
            limits = level.written_limits or level.limits
            storage = {"type": "FILE", "path_depth": level.depth,
                       "image_directory": self.image_directory(level)}
            if level.mask is not None:
                storage["mask_directory"] = self.mask_directory(level)
            levels.append({
                "id": level.id_, "tiles_per_width": level.slab[0],
                "tiles_per_height": level.slab[1],
                "tile_limits": dict(zip(
                    ("min_col", "min_row", "max_col", "max_row"), limits)),
                "storage": storage})
        out = {"tile_matrix_set": self.tms_name, "format": self.fmt,
               "raster_specifications": {
                   "channels": self.channels, "nodata": self.nodata,
                   "photometric": self.photometric,
                   "interpolation": self.interpolation},
               "levels": levels}
        if any(level.mask is not None for level in self.levels):
            out["mask_format"] = "TIFF_ZIP_UINT8"
        out.update(self.extra or {})
        if self.seed is not None:
            rng = random.Random(self.seed)
            rng.shuffle(levels)
            out = _shuffled(out, rng)
        return out

    def write_descriptor(self, descriptor=None):
        os.makedirs(self.root, exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(descriptor or self.descriptor(), file)
        return self.path

    def write_level(self, level):
        for kind in (False, True):
            if kind and level.mask is None:
                continue
            for slab in self.slabs(level):
                if slab in (level.absent_masks if kind else level.absent):
                    continue
                path = self.slab_file(level, *slab, mask=kind)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(self._slab(level, *slab, kind))

    def write(self):
        """Writes slabs, list and descriptor; returns the latter's path."""
        for level in self.levels:
            self.write_level(level)
        with open(os.path.join(self.root, self.name + ".list"), "w",
                  encoding="utf-8") as file:
            file.write("0=/pyramids/%s\n#\n" % self.name)
        return self.write_descriptor()


def _shuffled(value, rng):
    if isinstance(value, dict):
        items = [(k, _shuffled(v, rng)) for k, v in value.items()]
        rng.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return [_shuffled(v, rng) for v in value]
    return value


def halved(image, dtype, nodata=None):
    """The 2x2 mean of pixels, as merge4tiff does (truncated for uint8), over
    an image whose sides are even."""
    height, width, bands = image.shape
    mean = image.reshape(height // 2, 2, width // 2, 2, bands)
    mean = mean.astype(np.float64).mean(axis=(1, 3))
    return (np.trunc(mean) if dtype == np.uint8 else mean).astype(dtype)


def deflate(raw):
    return zlib.compress(raw)
