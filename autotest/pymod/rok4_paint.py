# SPDX-License-Identifier: MIT
"""Pyramids of all kinds that something is painted on, for tests."""

import numpy as np

import rok4_strict
import rok4_write
from rok4_write import Model, create, decoded, noise, source, strict

SIZE = (500, 600)
# What is painted: within the pyramid; over its edge; apart from it.
PLACES = {"inside": (66 * 64 + 10, 46 * 64 + 20), "edge": (73 * 64, 50 * 64),
          "apart": (90 * 64 + 5, 60 * 64 + 5), "before": (60 * 64, 43 * 64)}
PATCH = (90, 100)


class Kind:
    """Bands, and what tells which pixels are valid."""

    def __init__(self, bands, rule, dtype=np.uint8, options=()):
        self.bands, self.rule, self.dtype = bands, rule, dtype
        self.options = list(options)
        value = -99999 if dtype == np.float32 else 255
        self.nodata = [value] * bands
        if bands in (2, 4):
            self.nodata[-1] = 0

    def picture(self, size, seed):
        """Pixels as a source has them, and which of them are valid."""
        pixels = noise(self.bands, size, self.dtype, seed)
        px_y, px_x = np.mgrid[0:size[0], 0:size[1]]
        valid = (px_x - 40) ** 2 + (px_y - 40) ** 2 > 25 ** 2
        if self.bands in (2, 4):
            pixels[:, :, -1] = np.where(valid, 200 + px_x % 50, 0)
        elif self.rule == "nodata":
            pixels[~valid] = self.nodata[0]
        elif self.rule == "all":
            valid[:] = True
        return pixels, valid

    def source(self, size, seed, px, path=""):
        pixels, valid = self.picture(size, seed)
        mask = valid if self.rule == "mask" else None
        nodata = self.nodata[0] if self.rule == "nodata" else None
        return source(pixels, px, mask=mask, nodata=nodata,
                      alpha=self.bands in (2, 4), path=path)

    def model(self, *parts, **shape):
        """parts: (size, seed, px) each, one painted over another."""
        left = min(px[0] for _, _, px in parts)
        top = min(px[1] for _, _, px in parts)
        right = max(px[0] + size[1] for size, _, px in parts)
        bottom = max(px[1] + size[0] for size, _, px in parts)
        out = Model(self.nodata, self.rule, px=(left, top),
                    size=(bottom - top, right - left), dtype=self.dtype,
                    **shape)
        for size, seed, px in parts:
            pixels, valid = self.picture(size, seed)
            out.paint(pixels, px, valid)
        return out


KINDS = {"gray": Kind(1, "nodata"), "rgb": Kind(3, "all"),
         "graya": Kind(2, "alpha"),
         "rgba": Kind(4, "alpha", options=["COMPRESS=PNG"]),
         "rgb mask": Kind(3, "mask", options=["MASK=YES"]),
         "float": Kind(1, "nodata", np.float32, ["COMPRESS=NONE"]),
         "float mask": Kind(1, "mask", np.float32, ["MASK=YES"])}


def make(path, kind):
    return create(path, kind.source(SIZE, 1, rok4_write.PX), *kind.options)


def touched(px, size=PATCH, nlevels=4):
    """Slabs of 2 x 2 tiles that a patch and its parents meet."""
    out = set()
    tiles = [px[0] // 64, px[1] // 64, (px[0] + size[1] - 1) // 64,
             (px[1] + size[0] - 1) // 64]
    for i in range(nlevels):
        c0, r0, c1, r1 = (t >> (i + 1) for t in tiles)
        out |= {(5 - i, col, row) for row in range(r0, r1 + 1)
                for col in range(c0, c1 + 1)}
    return out


def place_of(key):
    """(level, column, row) of DATA/<level>/<path>.tif."""
    _, id_, path = key.split("/", 2)
    return (int(id_),) + rok4_strict.slab_place(path, 2)


def check_models(path, kind, model):
    """Where alpha is 0 the colours do not count."""
    strict(path)
    if kind.rule != "alpha":
        model.check(path, masks=kind.rule == "mask")
        return
    pyramid = decoded(path)
    for level, (pixels, _) in zip(pyramid.levels, model.levels()):
        wanted = model.window(pixels, level)
        found = pyramid.level_array(level)
        np.testing.assert_array_equal(found[:, :, -1], wanted[:, :, -1])
        seen = wanted[:, :, -1] != 0
        np.testing.assert_array_equal(found[seen], wanted[seen])
