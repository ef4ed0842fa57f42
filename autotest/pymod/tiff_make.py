# SPDX-License-Identifier: MIT
"""Builds TIFF files byte by byte, in any order of their parts."""

import math
import struct

SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 3, 4, 5, 7, 16
SIZES = {1: 1, 2: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1, LONG8: 8}
LETTERS = {1: "B", SHORT: "H", LONG: "I", LONG8: "Q"}

STRUCTURE = {"LAYOUT": "IFDS_BEFORE_DATA", "BLOCK_ORDER": "ROW_MAJOR",
             "BLOCK_LEADER": "SIZE_AS_UINT4",
             "BLOCK_TRAILER": "LAST_4_BYTES_REPEATED",
             "KNOWN_INCOMPATIBLE_EDITION": "NO\n "}
MASKED = dict(STRUCTURE, MASK_INTERLEAVED_WITH_IMAGERY="YES")


class Image:
    """One directory: tiles of so many bytes each, None for those left out."""

    def __init__(self, width, height, tile=(64, 64), subtype=0, bands=1,
                 bits=8, planar=1, sparse=(), strips=0, extra=(), nbytes=None,
                 tags=()):
        self.width, self.height = width, height
        self.tile = (width, strips) if strips else tile
        self.strips = strips
        self.subtype, self.bands, self.bits = subtype, bands, bits
        self.planar, self.extra, self.more = planar, extra, tags
        self.ncols = math.ceil(width / self.tile[0])
        self.nrows = math.ceil(height / self.tile[1])
        self.ntiles = self.ncols * self.nrows * (bands if planar == 2 else 1)
        self.sparse = set(sparse)
        samples = 1 if planar == 2 else bands
        self.nbytes = nbytes or (
            (self.tile[0] * samples * bits + 7) // 8 * self.tile[1])
        self.offsets = [0] * self.ntiles
        self.counts = [0] * self.ntiles

    def tags(self, long):
        photometric = 4 if self.subtype & 4 else 2 if self.bands > 2 else 1
        out = {254: (LONG, [self.subtype]), 256: (LONG, [self.width]),
               257: (LONG, [self.height]),
               258: (SHORT, [self.bits] * self.bands), 259: (SHORT, [1]),
               262: (SHORT, [photometric]), 277: (SHORT, [self.bands]),
               284: (SHORT, [self.planar])}
        if self.strips:
            out.update({278: (LONG, [self.strips]),
                        273: (long, self.offsets), 279: (long, self.counts)})
        else:
            out.update({322: (LONG, [self.tile[0]]),
                        323: (LONG, [self.tile[1]]),
                        324: (long, self.offsets), 325: (long, self.counts)})
        if self.extra:
            out[338] = (SHORT, list(self.extra))
        out.update(dict(self.more))
        return sorted(out.items())


class Tiff:
    """A file in the making. Parts are put one after the other; link() makes the
    chain of directories at the end."""

    def __init__(self, big=False, order="<"):
        self.big, self.order = big, order
        self.bytes = bytearray({"<": b"II", ">": b"MM"}[order])
        self.bytes += self.pack("H", 43 if big else 42)
        self.bytes += self.pack("HHQ", 8, 0, 0) if big else self.pack("I", 0)
        self.word = "Q" if big else "I"
        self.structure = {}
        self.where = {}

    def pack(self, letters, *values):
        return struct.pack(self.order + letters, *values)

    def ghost(self, entries):
        self.structure = entries
        text = "".join("%s=%s\n" % item for item in entries.items())
        self.bytes += ("GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" %
                       len(text)).encode() + text.encode()

    def pad(self, nbytes):
        self.bytes += bytes(nbytes)

    def directory(self, image, name=None):
        """The directory, and right behind it what does not fit into it."""
        self.bytes += bytes(len(self.bytes) % 2)
        tags = image.tags(LONG8 if self.big else LONG)
        at = len(self.bytes)
        entry, inline = (20, 8) if self.big else (12, 4)
        ntags_bytes = 8 if self.big else 2
        size = ntags_bytes + entry * len(tags) + inline
        self.where[name if name is not None else id(image)] = at
        self.bytes += bytes(size)
        self.bytes[at:at + ntags_bytes] = self.pack(
            "Q" if self.big else "H", len(tags))
        for i, (code, (kind, values)) in enumerate(tags):
            start = at + ntags_bytes + i * entry
            self.bytes[start:start + entry - inline] = self.pack(
                "HH" + self.word, code, kind, len(values))
            nbytes = SIZES[kind] * len(values)
            place = start + entry - inline
            if nbytes > inline:
                self.bytes[place:place + inline] = self.pack(
                    self.word, len(self.bytes))
                place = len(self.bytes)
                self.bytes += bytes(nbytes)
            if values is image.offsets:
                image.offsets_at = (place, kind)
            elif values is image.counts:
                image.counts_at = (place, kind)
            else:
                self.bytes[place:place + nbytes] = self.pack(
                    "%d%s" % (len(values), LETTERS[kind]), *values)
        image.link_at = at + size - inline

    def tile(self, image, index, leader=None, trailer=None):
        """One tile with its leader and trailer where they are promised."""
        if index in image.sparse:
            return
        body = bytes((7 * index + i) % 251 for i in range(64))
        body = (body * (image.nbytes // 64 + 1))[:image.nbytes]
        if "BLOCK_LEADER" in self.structure:
            self.bytes += struct.pack(
                "<I", len(body) if leader is None else leader)
        image.offsets[index] = len(self.bytes)
        image.counts[index] = len(body)
        self.bytes += body
        if "BLOCK_TRAILER" in self.structure:
            self.bytes += body[-4:] if trailer is None else trailer

    def tiles(self, image, mask=None, order=None):
        for i in order or range(image.ntiles):
            self.tile(image, i)
            if mask is not None and i < mask.ntiles:
                self.tile(mask, i)

    def link(self, *images, last=0):
        """Chains the directories, and writes the tables of tiles."""
        places = [self.where[id(image)] for image in images] + [last]
        at = 8 if self.big else 4
        for image, place in zip(list(images) + [None], places):
            size = 8 if self.big else 4
            self.bytes[at:at + size] = self.pack(self.word, place)
            if image is not None:
                at = image.link_at
        for image in images:
            self.table(image)
        return self

    def table(self, image):
        for (place, kind), values in ((image.offsets_at, image.offsets),
                                      (image.counts_at, image.counts)):
            packed = self.pack("%d%s" % (len(values), LETTERS[kind]), *values)
            self.bytes[place:place + len(packed)] = packed

    def save(self, path):
        with open(path, "wb") as stream:
            stream.write(self.bytes)


def read(data):
    """(order, big, [{code: (place of the first value, type, count)}]) of a
    file."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    word, entry, inline = ("Q", 20, 8) if big else ("I", 12, 4)
    at = struct.unpack_from(order + word, data, 8 if big else 4)[0]
    out = []
    while at:
        ntags = struct.unpack_from(order + ("Q" if big else "H"), data, at)[0]
        at += 8 if big else 2
        tags = {}
        for _ in range(ntags):
            code, kind, count = struct.unpack_from(order + "HH" + word, data,
                                                   at)
            place = at + entry - inline
            if SIZES.get(kind, 8) * count > inline:
                place = struct.unpack_from(order + word, data, place)[0]
            tags[code] = (place, kind, count)
            at += entry
        out.append(tags)
        at = struct.unpack_from(order + word, data, at)[0]
    return order, big, out


def values(data, directory, code):
    """The numbers of a tag of directory number `directory`."""
    order, _, directories = read(data)
    place, kind, count = directories[directory][code]
    return list(struct.unpack_from("%s%d%s" % (order, count, LETTERS[kind]),
                                   data, place))


def patch(data, directory, code, index, value):
    """A copy in which one number is another."""
    order, _, directories = read(data)
    place, kind, _ = directories[directory][code]
    out = bytearray(data)
    struct.pack_into(order + LETTERS[kind], out, place + SIZES[kind] * index,
                     value)
    return bytes(out)
