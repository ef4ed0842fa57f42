# SPDX-License-Identifier: MIT
"""Bad and borderline pyramids: what they are made of, and the descriptor's.

expect: "ok" a control; "open" fails at opening; "read" opens, and reading
fails; "fail" either; "any" succeeds or fails with a message."""

import copy
import json
import os

import rok4_make
import rok4_tms

LIMITS = (8, 8, 9, 9)


class Case:
    """build(place) writes the pyramid and returns the name to open; words
    must all be in one of the messages; near: windows that stay readable,
    with their pixels, as (window, array)."""

    def __init__(self, title, build, expect, words=(), near=(), options=(),
                 config=None):
        self.title, self.build, self.expect = title, build, expect
        self.words = (words,) if isinstance(words, str) else tuple(words)
        self.near, self.options = near, list(options)
        self.config = config or {}


def base(place, codec="ZIP", channels=1, kind="UINT8", tile=(64, 64),
         **more):
    """A pyramid of one slab with 2x2 tiles at level 4."""
    tms = rok4_tms.quadtree("Q", tile=tile)
    rok4_tms.write(str(place), tms)
    return rok4_make.Pyramid(
        place, "N", tms, "TIFF_%s_%s" % (codec, kind), channels,
        levels=[rok4_make.Level("4", LIMITS, (2, 2), 2, **more)])


def set_in(value, path, new):
    """Sets value[path[0]][path[1]]...; new None removes."""
    for key in path[:-1]:
        value = value[key]
    if new is None:
        del value[path[-1]]
    else:
        value[path[-1]] = new


MISSING = None


def descriptor_case(title, changes, expect, words=(), **more):
    """changes: (path, new value) pairs applied to a good descriptor."""
    def build(place):
        pyramid = base(place)
        pyramid.write()
        value = copy.deepcopy(pyramid.descriptor())
        for path, new in changes:
            set_in(value, path, new)
        return "ROK4:" + pyramid.write_descriptor(value)
    return Case("descriptor: " + title, build, expect, words, **more)


def text_case(title, make_text, expect, words=(), raw=None):
    """make_text(descriptor text) gives the file's text or bytes."""
    def build(place):
        pyramid = base(place)
        path = pyramid.write()
        with open(path, "rb") as file:
            data = make_text(file.read())
        with open(path, "wb") as file:
            file.write(data)
        return "ROK4:" + path
    return Case("text: " + title, build, expect, words)


L = ("levels", 0)
S = L + ("storage",)
T = L + ("tile_limits",)
R = ("raster_specifications",)


def one(title, path, new, expect="open", words=()):
    return descriptor_case(title, [(path, new)], expect, words or path[-1])


def required():
    for path in (("tile_matrix_set",), ("format",), ("levels",), L + ("id",),
                 S, S + ("type",), T, L + ("tiles_per_width",),
                 L + ("tiles_per_height",), R, R + ("channels",),
                 R + ("nodata",), R + ("photometric",),
                 S + ("image_directory",), S + ("path_depth",),
                 T + ("min_row",), T + ("max_row",), T + ("min_col",),
                 T + ("max_col",)):
        yield one("%s missing" % ".".join(map(str, path)), path, MISSING)


def numbers():
    for key in ("tiles_per_width", "tiles_per_height"):
        for value in (0, -1, -2147483648, 2147483648, 1e300, 2.5, "2",
                      [2], True, 1 << 20):
            yield one("%s is %r" % (key, value), L + (key,), value, "open",
                      "tiles")
    yield descriptor_case(
        "slab of 2^22 tiles", [(L + ("tiles_per_width",), 2048),
                               (L + ("tiles_per_height",), 2048)],
        "open", "tiles")
    for value in (0, 5, -1, 1e9, 1e300, -1e300, 2.5, "3", [3], {}):
        yield one("channels %r" % value, R + ("channels",), value)
    for value in (-1, 17, 1e9, 1e300, 2.5, "2", [], True):
        yield one("path_depth %r" % value, S + ("path_depth",), value)
    for key in ("min_row", "max_row", "min_col", "max_col"):
        for value in ("8", 8.5, [8], {}):
            yield one("%s %r" % (key, value), T + (key,), value)
    for key, value in (("min_row", 10), ("min_col", 10), ("max_row", 7),
                       ("max_col", 3)):
        yield one("limits swapped by %s" % key, T + (key,), value, "open",
                  "limits")
    for value in (1e300, 2 ** 53):
        yield one("max_col %g" % value, T + ("max_col",), value, "any")


def strings():
    for value in ("TIFF_ZIP_UINT16", "tiff_zip_uint8", "TIFF_ZIP_INT8", "",
                  "TIFF_JPG_FLOAT32", "TIFF_PNG_FLOAT32", "ZIP", 8,
                  "TIFF_ZIP_UINT8 ", "A" * 2000):
        yield one("format %.20r" % (value,), ("format",), value)
    yield one("format of vectors", ("format",), "TIFF_PBF_MVT", "open",
              "vector pyramid")
    for value in (255, [255], {}, ""):
        yield one("nodata %r" % (value,), R + ("nodata",), value,
                  "any" if value == "" else "open")
    yield descriptor_case(
        "too few nodata values", [(R + ("channels",), 3),
                                  (R + ("nodata",), "255,255"),
                                  (R + ("photometric",), "rgb")],
        "open", "nodata")
    for value in ("x", "1.7", "99999999999999999999", "-", " 7 "):
        yield one("nodata %r" % value, R + ("nodata",), value, "any")
    for value in (7, [], "cmyk", ""):
        yield one("photometric %r" % (value,), R + ("photometric",), value,
                  "any" if isinstance(value, str) else "open")
    yield one("type FTP", S + ("type",), "FTP", "open", "FTP")
    yield one("type file", S + ("type",), "file", "any")
    yield one("type 3", S + ("type",), 3)
    yield one("id a number", L + ("id",), 4, "open", "id")
    yield one("id unknown", L + ("id",), "99", "open", "99")
    yield one("id empty", L + ("id",), "", "open", "id")
    yield one("id of 10000 bytes", L + ("id",), "4" * 10000, "open", "id")
    for value in (7, [], ""):
        yield one("image_directory %r" % (value,), S + ("image_directory",),
                  value, "any" if value == "" else "open")
    yield one("image_directory of 5000 bytes", S + ("image_directory",),
              "d/" * 2500)
    yield one("image_directory with NUL", S + ("image_directory",),
              "N/DATA/4\0/../../..", "any")
    yield one("mask_directory a number", S + ("mask_directory",), 5, "any")
    yield one("interpolation a number", R + ("interpolation",), 5, "any")
    yield one("mask_format unknown", ("mask_format",), "TIFF_RAW_UINT8",
              "any")


def tms_names():
    for value in ("", ".", "..", "../Q", "/etc/passwd", "a/b", "x<y>",
                  "N" * 300, "no such set", "Q\n", "..\\Q", "C:Q", "~",
                  ".json", "%s%n%s", "$HOME"):
        yield one("TMS %.20r" % value, ("tile_matrix_set",), value, "open",
                  "matrix")
    # One suffix is cut, and the reference tries the rest as a file name.
    yield one("TMS Q.json.json", ("tile_matrix_set",), "Q.json.json", "any")
    for value in (7, ["Q"], {}, True):
        yield one("TMS %r" % (value,), ("tile_matrix_set",), value)


def levels():
    def duplicate(place):
        pyramid = base(place)
        pyramid.write()
        value = pyramid.descriptor()
        value["levels"] *= 2
        return "ROK4:" + pyramid.write_descriptor(value)

    def many(place):
        pyramid = base(place)
        value = pyramid.descriptor()
        value["levels"] *= 4000
        return "ROK4:" + pyramid.write_descriptor(value)

    yield Case("descriptor: a level twice", duplicate, "open", "4")
    yield Case("descriptor: 4000 levels", many, "open", "level")
    for value in ([], {}, "levels", 3, [3], ["4"], [[]], [{}]):
        yield one("levels %r" % (value,), ("levels",), value, "open",
                  "level")
    for path, name in ((R, "raster_specifications"), (S, "storage"),
                       (T, "tile_limits")):
        for value in ([], "x", 3):
            yield one("%s %r" % (name, value), path, value)


def texts():
    yield text_case("empty file", lambda t: b"", "open")
    yield text_case("a brace", lambda t: b"{", "open")
    yield text_case("cut in half", lambda t: t[:len(t) // 2], "open")
    yield text_case("last brace missing", lambda t: t[:-1], "open")
    yield text_case("garbage behind", lambda t: t + b"}garbage", "any")
    yield text_case("an array", lambda t: b"[" + t + b"]", "open")
    yield text_case("a string", lambda t: b'"tile_matrix_set"', "open")
    yield text_case("random bytes", lambda t: bytes(range(256)) * 8, "open")
    yield text_case("UTF-16", lambda t: t.decode().encode("utf-16"), "open")
    yield text_case("NUL in the middle",
                    lambda t: t.replace(b",", b"\0,", 1), "open")
    yield text_case("NaN", lambda t: t.replace(b'"max_col": 9',
                                               b'"max_col": NaN'), "open")
    for depth in (100, 5000, 1000000):
        yield text_case("nested %d deep" % depth, lambda t, d=depth: t.replace(
            b"{", b'{"x":' + b"[" * d + b"]" * d + b",", 1),
            "any" if depth < 5000 else "open")
    yield text_case("nested objects", lambda t: b'{"levels":' * 300000,
                    "open")
    yield text_case("5 MB of blanks", lambda t: b" " * 5000000 + t, "open")
    yield text_case("64 MB", lambda t: t + b" " * (64 << 20), "open")
    yield text_case("member twice", lambda t: t[:-1] +
                    b',"format":"TIFF_RAW_UINT8"}', "any")
    yield text_case("long string", lambda t: t[:-1] + b',"x":"' +
                    b"y" * 1000000 + b'"}', "ok")
    yield text_case("bad escape", lambda t: t[:-1] + b',"x":"\\u12"}',
                    "open")
    yield text_case("bad UTF-8", lambda t: t[:-1] + b',"x":"\xff\xfe"}',
                    "any")
    yield text_case("huge number", lambda t: t.replace(
        b'"max_col": 9', b'"max_col": ' + b"9" * 5000), "any")


def controls():
    for path, new in ((R + ("photometric",), "GRAY"),
                      (R + ("nodata",), "255,1,2,3,4"),
                      (("tile_matrix_set",), "Q.json"),
                      (R + ("interpolation",), MISSING),
                      (("unknown",), {"a": [1, {"b": None}]}),
                      (L + ("unknown",), [[[[]]]]),
                      (T + ("max_col",), 9.0), (R + ("photometric",), "mask"),
                      (R + ("interpolation",), "bogus")):
        yield one("control %s %r" % (".".join(map(str, path)), new), path,
                  new, "ok")
    for codec in ("RAW", "ZIP", "LZW", "PKB", "PNG", "JPG", "JPG90"):
        yield Case("control: " + codec,
                   lambda place, c=codec: base(place, c).write(), "ok")
    for codec in ("RAW", "ZIP", "LZW", "PKB"):
        yield Case("control: float " + codec, lambda place, c=codec: base(
            place, c, kind="FLOAT32").write(), "ok")
    yield text_case("control: byte order mark", lambda t: b"\xef\xbb\xbf" + t,
                    "ok")
    yield text_case("control: blanks around",
                    lambda t: b"\r\n\t " + t + b"\n\n", "ok")
    yield text_case("control: 2000 unknown members", lambda t: t[:-1] + b"," +
                    json.dumps({"k%d" % i: i for i in range(2000)}
                               ).encode()[1:], "ok")


def missing_files():
    def no_file(place):
        return "ROK4:" + os.path.join(str(place), "nothing.json")

    def a_directory(place):
        return "ROK4:" + str(place)

    yield Case("files: no descriptor", no_file, "open", "nothing.json")
    yield Case("files: a directory", a_directory, "open")


def cases():
    for group in (required, numbers, strings, tms_names, levels, texts,
                  controls, missing_files):
        yield from group()
