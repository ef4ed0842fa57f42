# SPDX-License-Identifier: MIT
"""Bad and borderline TMS files and sizes: see rok4_bad.py."""

import copy
import json
import os

import rok4_make
import rok4_tms
from rok4_bad import MISSING, Case, base, set_in

M = ("tileMatrices", 4)


def change(title, path, new, expect="open", words=None):
    def build(place):
        pyramid = base(place)
        name = pyramid.write()
        value = copy.deepcopy(pyramid.definition)
        set_in(value, path, new)
        rok4_tms.write(str(place), value)
        return name
    return Case("tms: " + title, build, expect,
                path[-1] if words is None else words)


def members():
    for path in (("crs",), ("tileMatrices",), M + ("id",), M + ("cellSize",),
                 M + ("pointOfOrigin",), M + ("tileWidth",),
                 M + ("tileHeight",), M + ("matrixWidth",),
                 M + ("matrixHeight",)):
        yield change("%s missing" % path[-1], path, MISSING)
    for value in (0, -1, -0.0, "1", [1], {}, 1e300, 1e-300):
        yield change("cellSize %r" % (value,), M + ("cellSize",), value)
    for key in ("tileWidth", "tileHeight"):
        for value in (0, -64, 1e9, 16385, 2.5, "64", 1e300, 2 ** 32):
            yield change("%s %r" % (key, value), M + (key,), value)
    for key in ("matrixWidth", "matrixHeight"):
        for value in (0, -3, 1e12, "8", 2.5, 2 ** 31):
            yield change("%s %r" % (key, value), M + (key,), value)
    for value in (3, [], [1], ["0", "0"], [1e300, 0], {}, [None, None]):
        yield change("pointOfOrigin %r" % (value,), M + ("pointOfOrigin",),
                     value)
    for value in ([], {}, "x", [3], [{}], 7):
        yield change("tileMatrices %r" % (value,), ("tileMatrices",), value,
                     words="tileMatrices")
    for value in ("", 7, [], {}, "x" * 200000):
        yield change("crs %.20r" % (value,), ("crs",), value)
    yield change("id a number", M + ("id",), 4, words="id")
    yield change("level missing", M + ("id",), "four", words="4")
    yield change("an id twice", M + ("id",), "3", words="3")
    yield change("crs nobody knows", ("crs",), "EPSG:999999", "any")
    yield change("crs garbage", ("crs",), "\x01\x02[[[[(((", "any")
    yield change("crs a file", ("crs",), "/etc/passwd", "any")
    yield change("crs an address", ("crs",), "http://127.0.0.1:9/x", "any")
    yield change("control: one more member", ("more",), [1], "ok")
    yield change("control: orderedAxes odd", ("orderedAxes",), 3, "ok")
    yield change("control: no scale", M + ("scaleDenominator",), MISSING,
                 "ok")


def whole(title, data, expect="open", words="Q"):
    def build(place):
        name = base(place).write()
        text = json.dumps(rok4_tms.quadtree("Q")).encode()
        with open(os.path.join(str(place), "Q.json"), "wb") as file:
            file.write(data(text) if callable(data) else data)
        return name
    return Case("tms: " + title, build, expect, words)


def files():
    yield whole("empty file", b"")
    yield whole("not JSON", b"<xml/>")
    yield whole("an array", lambda t: b"[" + t + b"]")
    yield whole("cut", lambda t: t[:500])
    yield whole("1000000 deep", lambda t: b"[" * 1000000)
    yield whole("objects 300000 deep", b'{"tileMatrices":' * 300000)
    yield whole("5 MB", lambda t: t + b" " * 5000000)
    yield whole("zeros", bytes(3000))
    yield whole("control: byte order mark", lambda t: b"\xef\xbb\xbf" + t,
                "ok")

    def levels(place):
        pyramid = base(place)
        value = rok4_tms.quadtree("Q", nlevels=8)
        for i in range(5000):
            value["tileMatrices"].append(rok4_tms.matrix(
                "x%d" % i, 1.0, (0, 0), (64, 64), (1, 1)))
        rok4_tms.write(str(place), value)
        return pyramid.write()

    def directory(place):
        name = base(place).write()
        os.unlink(os.path.join(str(place), "Q.json"))
        os.mkdir(os.path.join(str(place), "Q.json"))
        return name

    def loop(place):
        name = base(place).write()
        path = os.path.join(str(place), "Q.json")
        os.unlink(path)
        os.symlink("Q.json", path)
        return name

    yield Case("tms: 5008 levels", levels, "open", "Q")
    yield Case("tms: a directory", directory, "open", "Q")
    yield Case("tms: a link to itself", loop, "open", "Q")


def sized(title, tile, matrix, limits, expect, words=(), fmt="RAW_UINT8",
          channels=1, more=()):
    def build(place):
        tms = rok4_tms.tms("Q", "EPSG:32631", [
            rok4_tms.matrix("0", 0.001, (0, 0), tile, matrix)] + list(more))
        rok4_tms.write(str(place), tms)
        levels = [rok4_make.Level("0", limits, (2, 2))]
        levels += [rok4_make.Level(m["id"], (0, 0, 0, 0)) for m in more]
        return rok4_make.Pyramid(place, "N", tms, "TIFF_" + fmt, channels,
                                 levels=levels).write_descriptor()
    return Case("size: " + title, build, expect, words)


def sizes():
    wide = 2 ** 25
    yield sized("control: 2^31-64 wide", (64, 64), (wide, 4),
                (0, 0, wide - 2, 1), "ok")
    yield sized("2^31 wide", (64, 64), (wide, 4), (0, 0, wide - 1, 1),
                "open", "pixels")
    yield sized("2^32 wide", (256, 64), (wide, 4), (0, 0, wide // 2 - 1, 1),
                "open", "pixels")
    yield sized("2^31 high", (64, 64), (4, wide), (0, 0, 1, wide - 1),
                "open", "pixels")
    yield sized("2^45 wide", (16384, 64), (2 ** 31 - 1, 4),
                (0, 0, 2 ** 31 - 2, 1), "open", "pixels")
    yield sized("control: 2^31 by 2^31 nearly", (64, 64), (wide, wide),
                (0, 0, wide - 2, wide - 2), "ok")
    yield sized("tile of 4 GB", (16384, 16384), (4, 4), (0, 0, 1, 1),
                "open", "tile", "RAW_FLOAT32", 4)
    yield sized("tile of 1 GB", (16384, 16384), (4, 4), (0, 0, 1, 1),
                "open", "tile", "RAW_UINT8", 4)
    yield sized("control: tiles of 2048", (2048, 2048), (4, 4), (0, 0, 1, 1),
                "ok")
    yield sized("control: tiles of one pixel", (1, 1), (300, 300),
                (0, 0, 200, 200), "ok")
    yield sized("control: tiles of one row", (256, 1), (300, 300),
                (0, 0, 20, 200), "ok")
    yield sized("control: a coarse level a million times coarser", (64, 64),
                (wide, wide), (0, 0, 3, 3), "ok",
                more=[rok4_tms.matrix("c", 1000.0, (0, 0), (64, 64),
                                      (64, 64))])
    yield sized("level far away from the others", (64, 64), (wide, wide),
                (0, 0, 3, 3), "any",
                more=[rok4_tms.matrix("c", 0.002, (1e14, -1e14), (64, 64),
                                      (64, 64))])
    yield sized("levels of the same cell size", (64, 64), (wide, wide),
                (0, 0, 3, 3), "any",
                more=[rok4_tms.matrix("c", 0.001, (0, 0), (64, 64),
                                      (64, 64))])


def cases():
    for group in (members, files, sizes):
        yield from group()
