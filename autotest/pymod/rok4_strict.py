# SPDX-License-Identifier: MIT
"""An independent, strict reader of ROK4 pyramids in files.

What any reader of the reference family refuses is an AssertionError that says
what is wrong: descriptor (spec 2 to 2.3), TMS (3), names (4), slabs (5 to 5.4),
masks (6) and list (7). Shares no code with the driver, nor with rok4_make and
rok4_decode.
"""

import json
import os
import re
import struct

import numpy as np
from osgeo import gdal

import rok4_strict_tile

COMPRESSIONS = {"RAW": 1, "LZW": 5, "JPG": 7, "JPG90": 7, "ZIP": 8, "PNG": 8,
                "PKB": 32773}
INTERPOLATIONS = ("nn", "linear", "bicubic", "lanczos")
LIMITS = ("min_col", "min_row", "max_col", "max_row")
MASK_FORMAT = "TIFF_ZIP_UINT8"
HEADER_BYTES = 2048
MAX_SLAB_BYTES = 2**31 - 1
SLAB_NAME = re.compile(r"(?:(DATA|MASK)/([^/_]+)/)?((?:[0-9A-Z]{2}|/)+)\.tif")


def unique(pairs):
    """A JSON object none of whose members comes twice."""
    members = dict(pairs)
    assert len(members) == len(pairs), "a member comes twice in %s" % sorted(
        key for key, _ in pairs)
    return members


def refuse_constant(text):
    raise AssertionError("%s is no JSON" % text)


def load_json(path):
    with open(path, "rb") as file:
        text = file.read()
    assert not text.startswith(b"\xef\xbb\xbf"), "a byte order mark"
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=unique,
                          parse_constant=refuse_constant)
    except ValueError as error:
        raise AssertionError("%s: %s" % (path, error)) from error


def member(members, name, kind, where):
    assert isinstance(members, dict), "%s is no object" % where
    assert name in members, "%s has no %s" % (where, name)
    value = members[name]
    # A bool is an int in Python, and 1.0 is none in JSON readers that look.
    good = isinstance(value, kind) and not isinstance(value, bool)
    assert good, "%s: %s is %r" % (where, name, value)
    return value


# ---- Tile matrix set (3) ----


def load_tms(name, tms_dir):
    """The tile matrices by id, from the finest to the coarsest."""
    assert not name.endswith(".json"), "tile_matrix_set ends with .json"
    assert not set(name) & set("<>/"), "tile_matrix_set %r" % name
    tms = load_json(os.path.join(str(tms_dir), name + ".json"))
    member(tms, "id", str, "TMS")
    member(tms, "crs", str, "TMS")
    axes = member(tms, "orderedAxes", list, "TMS")
    assert axes in (["X", "Y"], ["Lon", "Lat"]), "orderedAxes %s" % axes
    matrices = member(tms, "tileMatrices", list, "TMS")
    for matrix in matrices:
        id_ = member(matrix, "id", str, "tile matrix")
        assert "_" not in id_, "tile matrix %s has a '_'" % id_
        for key in ("tileWidth", "tileHeight", "matrixWidth", "matrixHeight"):
            assert member(matrix, key, int, "tile matrix") > 0
        assert member(matrix, "cellSize", (int, float), "tile matrix") > 0
        assert len(member(matrix, "pointOfOrigin", list, "tile matrix")) == 2
    by_id = {m["id"]: m for m in matrices}
    assert matrices and len(by_id) == len(matrices), "tile matrix ids"
    return dict(sorted(by_id.items(), key=lambda item: item[1]["cellSize"]))


# ---- Descriptor (2 to 2.3) ----


class Level:
    def __init__(self, entry, matrices, name):
        self.id = member(entry, "id", str, "level")
        where = "level " + self.id
        assert "_" not in self.id, "%s has a '_'" % where
        assert self.id in matrices, "%s is not in the TMS" % where
        matrix = matrices[self.id]
        self.cell = matrix["cellSize"]
        self.tile = matrix["tileWidth"], matrix["tileHeight"]
        self.slab = tuple(member(entry, key, int, where) for key in
                          ("tiles_per_width", "tiles_per_height"))
        assert min(self.slab) >= 1, "%s: slabs of %d x %d tiles" % (
            (where,) + self.slab)
        limits = member(entry, "tile_limits", dict, where)
        self.limits = tuple(member(limits, key, int, where) for key in LIMITS)
        c0, r0, c1, r1 = self.limits
        assert 0 <= c0 <= c1 < matrix["matrixWidth"], \
            "%s: columns %d to %d" % (where, c0, c1)
        assert 0 <= r0 <= r1 < matrix["matrixHeight"], \
            "%s: rows %d to %d" % (where, r0, r1)
        storage = member(entry, "storage", dict, where)
        assert member(storage, "type", str, where) == "FILE", \
            "%s: storage %s" % (where, storage["type"])
        self.depth = member(storage, "path_depth", int, where)
        assert self.depth >= 1, "%s: path_depth %d" % (where, self.depth)
        # Python makes these up from the descriptor's name, and reads no other.
        self.masks = "mask_directory" in storage
        for key, kind in (("image_directory", "DATA"),
                          ("mask_directory", "MASK")):
            if key in storage or kind == "DATA":
                expected = "%s/%s/%s" % (name, kind, self.id)
                found = member(storage, key, str, where)
                assert found == expected, "%s: %s is %s, expected %s" % (
                    where, key, found, expected)

    @property
    def slabs(self):
        """(first col, first row, last col, last row) of the limits' slabs."""
        return tuple(tile // self.slab[i % 2]
                     for i, tile in enumerate(self.limits))


class Descriptor:
    def __init__(self, path, tms_dir):
        path = str(path)
        assert path.endswith(".json"), path
        self.root, file = os.path.split(os.path.abspath(path))
        self.name = file[:-len(".json")]
        top = load_json(path)
        self.matrices = load_tms(member(top, "tile_matrix_set", str,
                                        "descriptor"), tms_dir)
        self.format = member(top, "format", str, "descriptor")
        assert self.format in rok4_strict_tile.FORMATS, \
            "format %s" % self.format
        self._read_raster(member(top, "raster_specifications", dict,
                                 "descriptor"))
        entries = member(top, "levels", list, "descriptor")
        assert entries, "no level"
        self.levels = [Level(e, self.matrices, self.name) for e in entries]
        ids = [level.id for level in self.levels]
        assert len(set(ids)) == len(ids), "a level comes twice: %s" % ids
        cells = [level.cell for level in self.levels]
        assert cells == sorted(cells, reverse=True), \
            "levels are not from the coarsest to the finest: %s" % ids
        for what in ("depth", "slab", "masks"):
            values = {getattr(level, what) for level in self.levels}
            assert len(values) == 1, "levels differ in %s: %s" % (
                what, sorted(values))
        self.masks = self.levels[0].masks
        assert self.masks == ("mask_format" in top), \
            "mask_format and mask_directory do not go together"
        assert top.get("mask_format", MASK_FORMAT) == MASK_FORMAT, \
            "mask_format %s" % top["mask_format"]

    def _read_raster(self, raster):
        where = "raster_specifications"
        self.channels = member(raster, "channels", int, where)
        assert 1 <= self.channels <= 4, "%d channels" % self.channels
        assert "_JPG" not in self.format or self.channels == 3, \
            "JPEG of %d channels" % self.channels
        nodata = member(raster, "nodata", str, where)
        assert re.fullmatch(r"-?\d+(,-?\d+)*", nodata), "nodata %r" % nodata
        self.nodata = [int(value) for value in nodata.split(",")]
        assert len(self.nodata) == self.channels, \
            "nodata %s for %d channels" % (nodata, self.channels)
        assert self.format.endswith("FLOAT32") or all(
            0 <= value <= 255 for value in self.nodata), "nodata " + nodata
        photometric = member(raster, "photometric", str, where)
        assert photometric == ("gray" if self.channels < 3 else "rgb"), \
            "photometric %s" % photometric
        interpolation = member(raster, "interpolation", str, where)
        assert interpolation in INTERPOLATIONS, interpolation

    def level(self, id_):
        found = [level for level in self.levels if level.id == id_]
        assert found, "no level %s" % id_
        return found[0]

    def shape(self, level, kind="DATA"):
        """(height, width, bands) of a tile."""
        return level.tile[::-1] + (1 if kind == "MASK" else self.channels,)


# ---- Names (4) ----


def slab_place(path, depth):
    """(column, row) of a slab's path below its level; exactly the name that
    the writers give."""
    match = SLAB_NAME.fullmatch(path)
    assert match and path.count("/") == depth, "slab name %s" % path
    digits = match.group(3).replace("/", "")
    col, row = int(digits[0::2], 36), int(digits[1::2], 36)
    parts = match.group(3).split("/")
    assert all(len(part) == 2 for part in parts[1:]), "slab name %s" % path
    assert len(parts[0]) == 2 or not parts[0].startswith("00"), \
        "slab name %s has zeros in front" % path
    return col, row


def find_slabs(descriptor):
    """{(kind, level id, column, row): path below NAME} of all files there; a
    file that is no slab is an error."""
    top = os.path.join(descriptor.root, descriptor.name)
    kinds = ("DATA", "MASK") if descriptor.masks else ("DATA",)
    ids = [level.id for level in descriptor.levels]
    depth = descriptor.levels[0].depth
    found = {}
    for place, _, files in os.walk(top):
        for file in files:
            path = os.path.relpath(os.path.join(place, file), top)
            parts = path.split("/", 2)
            assert len(parts) == 3 and parts[0] in kinds and parts[1] in ids, \
                "%s is no slab" % path
            key = tuple(parts[:2]) + slab_place(parts[2], depth)
            assert key not in found, "%s and %s" % (path, found[key])
            found[key] = path
    return found


# ---- Slabs (5 to 5.4) ----


def slab_header(pyramid_format, shape, slab, first_nbytes, extra=2):
    """The 2048 bytes that the reference writers give such a slab."""
    height, width, bands = shape
    _, codec, sample = pyramid_format.split("_")
    jpeg = codec.startswith("JPG")
    bits = 32 if sample == "FLOAT32" else 8
    count = slab[0] * slab[1]
    bits_value = {1: bits, 2: bits | bits << 16}.get(bands, 8)
    entries = [
        (256, 4, 1, slab[0] * width), (257, 4, 1, slab[1] * height),
        (258, 3, bands, bits_value), (259, 3, 1, COMPRESSIONS[codec]),
        (262, 3, 1, 6 if jpeg else 1 if bands < 3 else 2), (277, 3, 1, bands),
        (322, 4, 1, width), (323, 4, 1, height),
        (324, 4, count, 2056 if count == 1 else 2048),
        (325, 4, count, first_nbytes if count == 1 else 2048 + 4 * count)]
    if bands in (2, 4):
        entries.append((338, 3, 1, extra))
    entries.append((339, 3, 1, 3 if bits == 32 else 1))
    if jpeg:
        entries.append((530, 3, 2, 2 | 2 << 16))
    header = struct.pack("<2sHI4HH", b"II", 42, 16, bits, bits, bits, bits,
                         len(entries))
    for entry in entries:
        header += struct.pack("<HHII", *entry)
    return header.ljust(HEADER_BYTES, b"\0")


def check_header(header, expected, shape):
    """Byte for byte, but for ExtraSamples, of which cache2work takes three."""
    if shape[2] in (2, 4):
        extra, = struct.unpack_from("<I", header, 146)
        assert extra in (0, 1, 2), "ExtraSamples %d" % extra
        expected = expected[:146] + header[146:150] + expected[150:]
    if header != expected:
        at = next(i for i in range(HEADER_BYTES) if header[i] != expected[i])
        raise AssertionError("header byte %d is %d, expected %d" % (
            at, header[at], expected[at]))


def slab_tiles(data, pyramid_format, shape, slab):
    """The encoded tiles of a slab, by index: dense, in increasing order, at
    multiples of 16 behind one another, with nothing but zeros between."""
    count = slab[0] * slab[1]
    position = HEADER_BYTES + 8 * count
    assert len(data) >= position, "%d bytes, index ends at %d" % (
        len(data), position)
    assert len(data) <= MAX_SLAB_BYTES, "a slab of %d bytes" % len(data)
    index = struct.unpack_from("<%dI" % (2 * count), data, HEADER_BYTES)
    check_header(data[:HEADER_BYTES],
                 slab_header(pyramid_format, shape, slab, index[count]), shape)
    tiles = []
    for i in range(count):
        offset, nbytes = index[i], index[count + i]
        assert nbytes, "tile %d is empty" % i
        start = position if i == 0 else (position + 15) // 16 * 16
        assert offset == start, "tile %d is at %d, expected %d" % (
            i, offset, start)
        assert not any(data[position:start]), "no zeros before tile %d" % i
        position = offset + nbytes
        assert position <= len(data), "tile %d ends at %d of %d bytes" % (
            i, position, len(data))
        tiles.append(data[offset:position])
    assert position == len(data), "%d bytes behind the last tile" % (
        len(data) - position)
    return tiles


def read_slab(descriptor, level, kind, path):
    """Decoded tiles of a slab by index."""
    with open(os.path.join(descriptor.root, descriptor.name, path),
              "rb") as file:
        data = file.read()
    shape = descriptor.shape(level, kind)
    pyramid_format = MASK_FORMAT if kind == "MASK" else descriptor.format
    decoded, out = {}, []
    try:
        tiles = slab_tiles(data, pyramid_format, shape, level.slab)
        for i, tile in enumerate(tiles):
            if tile not in decoded:  # those of nodata are many
                decoded[tile] = rok4_strict_tile.decode(pyramid_format, tile,
                                                        shape)
            out.append(decoded[tile])
    except AssertionError as error:
        raise AssertionError("slab %s: %s" % (path, error)) from error
    return out


# ---- List (7) ----


def read_list(path):
    """({index: root}, [(index, slab)]), as the Perl and Python readers parse
    it: without sums, which Perl would take for a part of the name."""
    with open(path, "rb") as file:
        text = file.read().decode("utf-8")
    assert text.endswith("\n") and "\r" not in text, "lines of the list"
    lines = text[:-1].split("\n")
    assert lines.count("#") == 1, "%d lines '#'" % lines.count("#")
    end = lines.index("#")
    roots = {}
    for line in lines[:end]:
        match = re.fullmatch(r"(0|[1-9]\d*)=(/\S.*[^/\s])", line)
        assert match, "root %r" % line
        index = int(match.group(1))
        assert index not in roots, "root %d comes twice" % index
        roots[index] = match.group(2)
    assert sorted(roots) == list(range(len(roots))) and roots, \
        "roots %s" % sorted(roots)
    slabs = []
    for line in lines[end + 1:]:
        match = re.fullmatch(r"(0|[1-9]\d*)/((?:DATA|MASK)/\S+\.tif)", line)
        assert match, "line %r" % line
        assert int(match.group(1)) in roots, "no root for %r" % line
        slabs.append((int(match.group(1)), match.group(2)))
    assert len({slab for _, slab in slabs}) == len(slabs), \
        "a slab is listed twice"
    return roots, slabs


def check_list(descriptor, paths, moved):
    """Every slab there is listed, and the other way round; links, and only
    links, belong to another root. moved: the roots are those of another place,
    where the pyramids stood beside one another as they do here."""
    roots, slabs = read_list(os.path.join(descriptor.root,
                                          descriptor.name + ".list"))
    if moved:
        roots = {i: os.path.join(descriptor.root, os.path.basename(root))
                 for i, root in roots.items()}
    own = os.path.join(descriptor.root, descriptor.name)
    assert os.path.realpath(roots[0]) == os.path.realpath(own), \
        "root 0 is %s, expected %s" % (roots[0], own)
    listed = {slab for _, slab in slabs}
    assert not listed - paths, "listed, not there: %s" % min(listed - paths)
    assert not paths - listed, "there, not listed: %s" % min(paths - listed)
    for index, slab in slabs:
        path = os.path.join(own, slab)
        assert os.path.islink(path) == (index != 0), \
            "%d/%s: %s link" % (index, slab, "a" if index == 0 else "no")
        if index:
            target = os.path.join(os.path.dirname(path), os.readlink(path))
            expected = os.path.join(roots[index], slab)
            assert (os.path.realpath(os.path.dirname(target)),
                    os.path.basename(target)) == (
                        os.path.realpath(os.path.dirname(expected)),
                        os.path.basename(expected)), \
                "%s leads to %s, expected %s" % (slab, target, expected)
            assert not os.path.islink(target), "a chain of links: %s" % slab


# ---- What tests call ----


def check_pyramid(path, tms_dir, moved=False, has_list=True):
    """Everything about a pyramid, every tile of it decoded. moved: as of
    check_list. Returns the number of slabs."""
    descriptor = Descriptor(path, tms_dir)
    slabs = find_slabs(descriptor)
    for kind, id_, col, row in slabs:
        level = descriptor.level(id_)
        c0, r0, c1, r1 = level.slabs
        assert c0 <= col <= c1 and r0 <= row <= r1, \
            "%s is outside the limits" % slabs[kind, id_, col, row]
        tiles = read_slab(descriptor, level, kind, slabs[kind, id_, col, row])
        if kind == "MASK" and level is descriptor.levels[-1]:
            assert all(set(np.unique(tile)) <= {0, 255} for tile in tiles), \
                "%s: neither 0 nor 255" % slabs[kind, id_, col, row]
        # be4 looks for the image slab to know whether there is a mask.
        other = ("DATA" if kind == "MASK" else "MASK", id_, col, row)
        assert not descriptor.masks or other in slabs, "no %s/%s slab %d, %d" \
            % other
    if has_list:
        check_list(descriptor, set(slabs.values()), moved)
    else:
        assert not os.path.exists(str(path)[:-len(".json")] + ".list"), "a list"
    return len(slabs)


def read_level(path, level_id, tms_dir=None, kind="DATA"):
    """(pixels[height][width][bands], present[rows][cols]) of the level's tile
    limits; tiles of slabs that are not there hold nodata (masks: 0). The TMS
    is looked for where the reference readers do."""
    descriptor = Descriptor(path, tms_dir or os.environ["ROK4_TMS_DIRECTORY"])
    level = descriptor.level(level_id)
    slabs = find_slabs(descriptor)
    c0, r0, c1, r1 = level.limits
    height, width, bands = descriptor.shape(level, kind)
    ncols, nrows = c1 - c0 + 1, r1 - r0 + 1
    floats = kind == "DATA" and descriptor.format.endswith("FLOAT32")
    pixels = np.empty((nrows * height, ncols * width, bands),
                      np.float32 if floats else np.uint8)
    pixels[:] = 0 if kind == "MASK" else descriptor.nodata
    present = np.zeros((nrows, ncols), bool)
    for (slab_kind, id_, slab_col, slab_row), slab in slabs.items():
        if (slab_kind, id_) != (kind, level_id):
            continue
        for i, tile in enumerate(read_slab(descriptor, level, kind, slab)):
            col = slab_col * level.slab[0] + i % level.slab[0] - c0
            row = slab_row * level.slab[1] + i // level.slab[0] - r0
            if 0 <= col < ncols and 0 <= row < nrows:
                present[row, col] = True
                pixels[row * height:(row + 1) * height,
                       col * width:(col + 1) * width] = tile
    return pixels, present


def check_gtiff(path, tms_dir):
    """GDAL's GTiff opens every slab (but PNG ones, which are no TIFF) with the
    pixels of this reader; returns how many."""
    descriptor = Descriptor(path, tms_dir)
    count = 0
    for (kind, id_, _, _), slab in find_slabs(descriptor).items():
        if kind == "DATA" and "_PNG_" in descriptor.format:
            continue
        level = descriptor.level(id_)
        file = os.path.join(descriptor.root, descriptor.name, slab)
        dataset = gdal.OpenEx(file, allowed_drivers=["GTiff"])
        assert dataset is not None, "GTiff refuses %s" % slab
        assert dataset.RasterCount == descriptor.shape(level, kind)[2], slab
        tiles = read_slab(descriptor, level, kind, slab)
        width, height = level.tile
        for i, tile in enumerate(tiles):
            found = dataset.ReadAsArray(i % level.slab[0] * width,
                                        i // level.slab[0] * height, width,
                                        height)
            assert found is not None, "GTiff cannot read %s" % slab
            found = found.reshape(tile.shape[2], height, width)
            assert np.array_equal(found.transpose(1, 2, 0), tile), \
                "GTiff reads other pixels of tile %d of %s" % (i, slab)
        count += 1
    return count
