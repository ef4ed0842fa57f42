# SPDX-License-Identifier: MIT
"""Small writes to pyramids, each with what stands there before, what another
command would make of it, and what may stand there once it was killed."""

import os
import shutil

import numpy as np

import rok4_tms
import rok4_write

NAME = "p"
# Below the pyramid's directory and beside it: nobody else's business.
FOREIGN = ["p.txt", "other.json", ".p.json.part", "p/read.me",
           "p/DATA/notes.txt", "p/DATA/5/index.html", "p/DATA/5/00/a.tif.bak"]
SMALL = rok4_write.SMALL
MORE = ["LIST=YES", "MD5=YES", "NUM_THREADS=2"]


class Scene:
    """before: steps that make the directory; command: what is killed; other:
    what is done then instead. swaps: the old pyramid is replaced as a whole;
    places: slabs are replaced one by one; moves: from this name."""

    def __init__(self, name, before, command, other, swaps=False,
                 places=False, foreign=False, gone=False, follow=True):
        self.name, self.before, self.command = name, before, command
        self.other, self.swaps, self.places = other, swaps, places
        self.foreign, self.gone, self.follow = foreign, gone, follow

    def __repr__(self):
        return self.name


def copy(source, *options, path="p.json", small=True):
    keys = [option.split("=")[0] for option in options]
    small = [option for option in (SMALL if small else [])
             if option.split("=")[0] not in keys]
    return {"do": "copy", "source": source, "path": path,
            "options": small + list(options)}


def inplace(source, *options):
    return copy(source, "UPDATE_MODE=INPLACE", *options, small=False)


def ancestor(mode, source="b"):
    return copy(source, "UPDATE_MODE=" + mode, "ANCESTOR=@old/a.json", *MORE,
                small=False)


def transform_of(px_x, px_y):
    """Of a raster with its corner at a pixel of level 5 of T64."""
    cell, edge = 4891.969810251281, 20037508.3427892
    return [px_x * cell - edge, cell, 0, edge - px_y * cell, 0, -cell]


OLD = copy("a", *MORE)
ELDER = copy("a", *MORE, path="old/a.json")
FRESH = copy("c", "COMPRESS=LZW", "NUM_THREADS=1")
STATISTICS = {"do": "statistics", "path": "p.json"}
PAINT = {"do": "paint", "path": "p.json",
         "windows": [[10, 10, 100, 50, 1], [150, 100, 70, 60, 2]]}
REPLACED = dict(FRESH, options=FRESH["options"] + ["OVERWRITE=YES"])

SCENES = [
    Scene("create", [], copy("a", *MORE), FRESH),
    Scene("create-one-thread", [], copy("a", "NUM_THREADS=1", "COMPRESS=NONE"),
          FRESH),
    Scene("create-mask", [], copy("m", "MASK=YES", *MORE), FRESH),
    # With a tile matrix set that only the sources' directory has.
    Scene("create-tms", [],
          copy("a", "TILING_SCHEME=%/OWN.json", *MORE), FRESH),
    Scene("create-jpeg-cubic", [],
          copy("rgb", "COMPRESS=JPEG", "OVERVIEW_RESAMPLING=CUBIC", *MORE),
          FRESH),
    Scene("overwrite", [OLD], copy("b", "OVERWRITE=YES", "COMPRESS=PNG",
                                   "LIST=YES"),
          REPLACED,
          swaps=True, foreign=True),
    Scene("inplace", [OLD], inplace("b", *MORE), inplace("c", "MD5=YES"),
          places=True, foreign=True),
    Scene("inplace-mask", [copy("m", "MASK=YES", *MORE)],
          inplace("n", "MASK=YES", *MORE), inplace("c", "MD5=YES"),
          places=True),
    Scene("inplace-levels", [copy("a", "TOP_LEVEL=4", *MORE)],
          inplace("b", "TOP_LEVEL=1", *MORE), inplace("c", "MD5=YES"),
          places=True),
    # Statistics are not those of the new pixels.
    Scene("inplace-statistics", [OLD, STATISTICS], inplace("b", *MORE),
          inplace("c", "MD5=YES"), places=True),
    Scene("update-statistics", [OLD, STATISTICS], PAINT, inplace("c"),
          places=True),
    Scene("slink", [ELDER], ancestor("SLINK"), FRESH),
    Scene("hlink", [ELDER], ancestor("HLINK"), FRESH),
    Scene("links-copied", [ELDER], ancestor("COPY"), FRESH),
    Scene("copied", [ELDER], copy("@old/a.json", "LIST=YES", small=False),
          FRESH),
    Scene("rebuilt", [ELDER],
          copy("@old/a.json", "TILES_PER_WIDTH=3", "LIST=YES", small=False),
          FRESH),
    Scene("overviews", [copy("a", "TOP_LEVEL=5", *MORE)],
          {"do": "overviews", "path": "p.json", "factors": [2, 4]},
          inplace("c", "MD5=YES"), places=True, foreign=True),
    Scene("overviews-clean", [OLD],
          {"do": "overviews", "path": "p.json", "factors": [],
           "method": "NONE"},
          inplace("c", "MD5=YES"), places=True, foreign=True, gone=True),
    Scene("update", [OLD], PAINT, inplace("c", "MD5=YES"), places=True, foreign=True),
    Scene("delete", [OLD],
          {"do": "delete", "path": "p.json",
           "config": {"ROK4_ALLOW_DELETE": "YES"}}, REPLACED,
          swaps=True, foreign=True, gone=True),
    Scene("create-paint", [],
          {"do": "create", "path": "p.json", "size": [256, 192],
           "windows": [[0, 0, 256, 192, 5]], "options": SMALL + MORE,
           "transform": transform_of(64 * 64, 48 * 64)},
          FRESH),
]

# Of many steps.
WIDE = [
    Scene("wide", [], copy("wide", "TOP_LEVEL=4", *MORE), FRESH),
    Scene("wide-inplace", [copy("wide", "TOP_LEVEL=4", *MORE)],
          inplace("wider", *MORE), FRESH, places=True),
    Scene("wide-overwrite", [OLD],
          copy("wider", "TOP_LEVEL=5", "OVERWRITE=YES", "MASK=YES"), FRESH,
          swaps=True),
]

# Two pyramids are at stake.
RENAME = Scene("rename", [copy("a", *MORE, path="q.json")],
               {"do": "rename", "path": "q.json", "to": "p.json"}, FRESH)


def make_sources(directory):
    """GeoTIFFs beside the directory that is watched."""
    os.makedirs(directory)
    px, size = rok4_write.PX, rok4_write.SIZE
    out = {"directory": directory}
    rok4_tms.write(directory, dict(rok4_write.load_tms(), id="OWN"))

    def make(name, bands, at, size, seed, **how):
        path = os.path.join(directory, name + ".tif")
        pixels = rok4_write.noise(bands, size, seed=seed)
        # What has no valid pixel in a whole tile, too.
        rok4_write.source(pixels, px=at, path=path, **how)
        out[name] = path

    make("a", 1, px, size, 1, nodata=0)
    make("b", 1, (px[0] + 150, px[1] + 90), (150, 260), 2, nodata=0)
    make("c", 1, (px[0] - 70, px[1] - 30), (90, 130), 3, nodata=0)
    make("wide", 1, px, (400, 1500), 7)
    make("wider", 1, (px[0] + 900, px[1] + 90), (300, 900), 8)
    make("rgb", 3, px, size, 4)
    valid = np.zeros(size, bool)
    valid[20:, :250] = True
    make("m", 1, px, size, 5, mask=valid)
    make("n", 1, (px[0] + 150, px[1] + 90), (150, 260), 6,
         mask=np.arange(150 * 260).reshape(150, 260) % 3 > 0)
    return out


class Stage:
    """The directory in which a scene is played."""

    def __init__(self, place, writer, sources):
        self.top = os.path.join(place, "stage")
        self.saved = os.path.join(place, "saved")
        self.writer, self.sources = writer, sources
        self.path = os.path.join(self.top, NAME + ".json")

    def step(self, step):
        """With whole paths for names; "@" stands for the directory, "%" for
        that of the sources."""
        out = dict(step)
        out["path"] = os.path.join(self.top, step["path"])
        if "source" in step:
            out["source"] = self.sources.get(
                step["source"], step["source"].replace("@", self.top + "/"))
        if "options" in step:
            out["options"] = [option.replace("@", self.top + "/").replace(
                "%", self.sources["directory"]) for option in step["options"]]
        if "to" in step:
            out["to"] = os.path.join(self.top, step["to"])
        return out

    def run(self, *steps, **job):
        if "arm" in job:
            job["arm"] = dict(job["arm"], directory=self.top)
        config = dict(job.pop("config", {}))
        for step in steps:
            config.update(step.get("config", {}))
        return self.writer.ask(*(self.step(step) for step in steps),
                               config=config, **job)

    def begin(self, scene):
        """What stands there before; kept for reset."""
        for directory in (self.top, self.saved):
            shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(self.top)
        os.makedirs(os.path.join(self.top, "old"))
        for step in scene.before:
            answer = self.run(step)
            assert answer["done"], answer
        if scene.foreign:
            for name in FOREIGN:
                path = os.path.join(self.top, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write("foreign " + name)
        self.save()
        return rok4_write.tree(self.top)

    def save(self, to=None):
        to = to or self.saved
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.top, to, symlinks=True)

    def reset(self, to=None):
        shutil.rmtree(self.top)
        shutil.copytree(to or self.saved, self.top, symlinks=True)

    def tree(self):
        return rok4_write.tree(self.top)
