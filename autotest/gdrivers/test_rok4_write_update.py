# SPDX-License-Identifier: MIT
"""Painting on a pyramid that is there: UPDATE_MODE=INPLACE."""

import os

import numpy as np
import pytest
from osgeo import gdal

import rok4_util
import rok4_write
from rok4_paint import (KINDS, PATCH, PLACES, SIZE, check_models, make,
                        place_of, touched)
from rok4_write import (Model, create, decoded, descriptor, noise, refuse,
                        slabs, source, strict)

@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("name", KINDS)
def test_in_place(name, where, tmp_path):
    """The pixels of a full rebuild; only the slabs touched and those above them
    are written; limits grow."""
    kind, px = KINDS[name], PLACES[where]
    path = make(tmp_path / "a.json", kind)
    before = slabs(path)
    tiles = {tile: data for tile, data in each_tile(path)}
    inodes = {key: os.stat(os.path.join(path[:-5], key)).st_ino
              for key in before}
    create(path, kind.source(PATCH, 2, px), "UPDATE_MODE=INPLACE",
           small=False)
    model = kind.model((SIZE, 1, rok4_write.PX), (PATCH, 2, px))
    check_models(path, kind, model)

    after = slabs(path)
    assert set(before) <= set(after)
    kept = {key for key in before if inodes[key] == os.stat(
        os.path.join(path[:-5], key)).st_ino}
    assert all(before[key] == after[key] for key in kept)
    written = {place_of(key) for key in set(after) - kept}
    assert written == touched(px)
    # Within them, tiles that were not touched are the same bytes.
    left, top = px[0] // 64, px[1] // 64
    right, bottom = (px[0] + PATCH[1] - 1) // 64, (px[1] + PATCH[0] - 1) // 64
    for (plane, id_, col, row), data in each_tile(path):
        i = 5 - int(id_)
        if ((plane, id_, col, row) in tiles and not (
                left >> i <= col <= right >> i and
                top >> i <= row <= bottom >> i)):
            assert tiles[plane, id_, col, row] == data


def each_tile(path):
    pyramid = decoded(path)
    for level in pyramid.levels:
        c0, r0, c1, r1 = level.limits
        for plane in ((False, True) if level.mask_directory else (False,)):
            for row in range(r0, r1 + 1):
                for col in range(c0, c1 + 1):
                    data = pyramid.tile_bytes(level, col, row, plane)
                    if data is not None:
                        yield (plane, level.id_, col, row), data


def test_in_place_jpeg(tmp_path):
    """Tiles that are not touched are not encoded again; parents are made of
    what can be had: decoded tiles where nothing changed."""
    pixels = noise(3, SIZE, seed=1)
    path = create(tmp_path / "a.json", source(pixels), "COMPRESS=JPEG")
    tiles = dict(each_tile(path))
    px = PLACES["inside"]
    create(path, source(noise(3, PATCH, seed=2), px), "UPDATE_MODE=INPLACE",
           small=False)
    strict(path)
    changed = {key for key, data in each_tile(path) if tiles[key] != data}
    assert {key[2:] for key in changed if key[1] == "5"} == {
        (col, row) for col in (66, 67) for row in (46, 47)}
    whole = Model([255] * 3, "all", size=SIZE).paint(pixels)
    whole.paint(noise(3, PATCH, seed=2), px)
    pyramid = decoded(path)
    for level, (expected, _) in zip(pyramid.levels, whole.levels()):
        difference = np.abs(pyramid.level_array(level).astype(int) -
                            whole.window(expected, level))
        assert difference.mean() < 6


def test_in_place_twice(tmp_path):
    """The same again changes nothing; nor does a source without data."""
    kind, px = KINDS["gray"], PLACES["inside"]
    path = make(tmp_path / "a.json", kind)
    create(path, kind.source(PATCH, 2, px), "UPDATE_MODE=INPLACE")
    before = rok4_write.tree(tmp_path)
    create(path, kind.source(PATCH, 2, px), "UPDATE_MODE=INPLACE")
    assert rok4_write.tree(tmp_path) == before
    empty = source(np.full(PATCH, 7, np.uint8), px, nodata=7)
    create(path, empty, "UPDATE_MODE=INPLACE")
    assert rok4_write.tree(tmp_path) == before


def test_in_place_any_order(tmp_path):
    """Sources apart from one another, in any order, make the same."""
    kind = KINDS["rgb"]
    parts = [(PATCH, i + 1, px) for i, px in enumerate(PLACES.values())]
    paths = []
    for order in (parts, parts[::-1]):
        path = tmp_path / ("%d.json" % len(paths))
        create(path, kind.source(*order[0]))
        for part in order[1:]:
            create(path, kind.source(*part), "UPDATE_MODE=INPLACE")
        kind.model(*order).check(path)
        paths.append(path)
    assert {key: level.limits for key, level in
            ((lv.id_, lv) for lv in decoded(paths[0]).levels)} == {
                lv.id_: lv.limits for lv in decoded(paths[1]).levels}
    rok4_write.same_slabs(*paths)


def composite(base, patch, px, patch_px, nodata):
    """One array of two, and its corner."""
    left, top = min(px[0], patch_px[0]), min(px[1], patch_px[1])
    right = max(px[0] + base.shape[1], patch_px[0] + patch.shape[1])
    bottom = max(px[1] + base.shape[0], patch_px[1] + patch.shape[0])
    out = np.full((bottom - top, right - left, 1), nodata, base.dtype)
    for pixels, (x, y) in ((base, px), (patch, patch_px)):
        out[y - top:y - top + pixels.shape[0],
            x - left:x - left + pixels.shape[1]] = pixels
    return out, (left, top)


def same_pixels(path, other):
    one, two = decoded(path), decoded(other)
    for level in one.levels:
        assert level.limits == two.level(level.id_).limits
        np.testing.assert_array_equal(
            one.level_array(level), two.level_array(two.level(level.id_)),
            "level " + level.id_)


@pytest.mark.parametrize("patch_px", [(66 * 64, 46 * 64),
                                      (66 * 64 + 10, 46 * 64 + 20),
                                      (73 * 64, 50 * 64)])
@pytest.mark.parametrize("method", ["NEAREST", "MODE", "RMS", "BILINEAR",
                                    "CUBIC", "CUBICSPLINE", "LANCZOS"])
def test_in_place_methods(method, patch_px, tmp_path):
    """What a method reaches beyond the tiles that are painted changes too."""
    base, patch = noise(1, SIZE, seed=1), noise(1, (128, 128), seed=2)
    options = ["OVERVIEW_RESAMPLING=" + method]
    path = create(tmp_path / "a.json", source(base, rok4_write.PX), *options)
    create(path, source(patch, patch_px), "UPDATE_MODE=INPLACE")
    both, px = composite(base, patch, rok4_write.PX, patch_px, 255)
    other = create(tmp_path / "b.json", source(both, px, nodata=255),
                   *options)
    same_pixels(path, other)
    strict(path)


@pytest.mark.parametrize("name,level", [
    ("LAMB93_1M_MNT", "2"), ("LAMB93_1M_MNT", "5"), ("LAMB93_1M_MNT", "6")])
def test_in_place_ratios(name, level, tmp_path):
    """On a grid whose levels do not halve."""
    base = noise(1, (400, 500), np.float32, 1)
    patch = noise(1, (90, 100), np.float32, 2)
    cell = rok4_write.matrix_of(level, name)["cellSize"]
    px = (int(650000 / cell), int((12000000 - 6400000) / cell))
    patch_px = (px[0] + 333, px[1] + 211)
    options = ["TILING_SCHEME=" + name, "TILES_PER_WIDTH=2",
               "TILES_PER_HEIGHT=2"]
    path = create(tmp_path / "a.json", source(base, px, level, name),
                  *options, small=False)
    create(path, source(patch, patch_px, level, name),
           "UPDATE_MODE=INPLACE", small=False)
    both, px = composite(base, patch, px, patch_px, -99999)
    other = create(tmp_path / "b.json", source(both, px, level, name),
                   *options, small=False)
    same_pixels(path, other)


def test_in_place_lossy_neighbours(tmp_path):
    """Lossy tiles beside those that are painted stay as they are."""
    path = create(tmp_path / "a.json", source(noise(3, SIZE, seed=1)),
                  "COMPRESS=JPEG", "OVERVIEW_RESAMPLING=CUBIC")
    tiles = dict(each_tile(path))
    create(path, source(noise(3, (128, 128), seed=2), (66 * 64, 46 * 64)),
           "UPDATE_MODE=INPLACE")
    changed = {key[1:] for key, data in each_tile(path)
               if tiles[key] != data}
    assert changed == {("5", col, row) for col in (66, 67)
                       for row in (46, 47)} | {
                           ("4", 33, 23), ("3", 16, 11), ("2", 8, 5)}


# ---- Levels ----


def test_coarser_levels(tmp_path):
    """TOP_LEVEL adds levels above those that there are, for what is painted."""
    kind = KINDS["rgb"]
    path = create(tmp_path / "a.json", kind.source(SIZE, 1, rok4_write.PX),
                  "TOP_LEVEL=4")
    create(path, kind.source(PATCH, 2, PLACES["edge"]),
           "UPDATE_MODE=INPLACE", "TOP_LEVEL=2")
    assert [lv.id_ for lv in decoded(path).levels] == ["5", "4", "3", "2"]
    strict(path)


def test_own_levels(tmp_path):
    """Several sources, each with a level range of its own."""
    fine = noise(3, (128, 128), seed=1)
    path = create(tmp_path / "a.json", source(fine, (66 * 64, 46 * 64)),
                  "BOTTOM_LEVEL=5", "TOP_LEVEL=4")
    coarse = noise(3, (256, 192), seed=2)
    create(path, source(coarse, (14 * 64, 10 * 64), level="3"),
           "UPDATE_MODE=INPLACE", "BOTTOM_LEVEL=3", "TOP_LEVEL=2")
    strict(path)
    pyramid = decoded(path)
    assert [lv.id_ for lv in pyramid.levels] == ["5", "4", "3", "2"]
    model = Model([255] * 3, "all", nlevels=2, px=(66 * 64, 46 * 64),
                  size=(128, 128)).paint(fine, (66 * 64, 46 * 64))
    for level, (pixels, _) in zip(pyramid.levels, model.levels()):
        np.testing.assert_array_equal(pyramid.level_array(level),
                                      model.window(pixels, level))
    model = Model([255] * 3, "all", nlevels=2, px=(14 * 64, 10 * 64),
                  size=(256, 192), bottom=3).paint(coarse,
                                                   (14 * 64, 10 * 64))
    for level, (pixels, _) in zip(pyramid.levels[2:], model.levels()):
        np.testing.assert_array_equal(pyramid.level_array(level),
                                      model.window(pixels, level))


@pytest.mark.parametrize("name", ["gray", "rgba", "rgb mask"])
def test_finer_level(name, tmp_path):
    """BOTTOM_LEVEL below those that there are: coarser levels show it, and
    around it what they had."""
    kind = KINDS[name]
    path = make(tmp_path / "a.json", kind)
    old = decoded(path)
    old_bottom = old.level_array(old.levels[0])
    px = (67 * 128, 47 * 128)
    pixels, valid = kind.picture((128, 128), 2)
    valid[:] = True
    pixels = np.where(pixels == kind.nodata[0], 3, pixels).astype(kind.dtype)
    if kind.rule == "alpha":
        pixels[:, :, -1] = 255
    create(path, source(pixels, px, level="6", alpha=kind.rule == "alpha"),
           "UPDATE_MODE=INPLACE", "BOTTOM_LEVEL=6")
    strict(path)
    pyramid = decoded(path)
    assert [lv.id_ for lv in pyramid.levels] == ["6", "5", "4", "3", "2"]
    np.testing.assert_array_equal(pyramid.level_array(pyramid.levels[0]),
                                  pixels)
    model = Model(kind.nodata, kind.rule, nlevels=2, px=px, size=(128, 128),
                  bottom=6).paint(pixels, px)
    expected = old_bottom.copy()
    c0, r0 = pyramid.levels[1].limits[:2]
    at = np.s_[47 * 64 - r0 * 64:48 * 64 - r0 * 64,
               67 * 64 - c0 * 64:68 * 64 - c0 * 64]
    expected[at] = model.levels()[1][0][:64, :64]
    np.testing.assert_array_equal(pyramid.level_array(pyramid.levels[1]),
                                  expected)


def test_fixture_of_the_reference(moved, tmp_path):
    """A pyramid of the reference tools, painted on."""
    path = moved("t64_zip_uint8_rgb")
    old = decoded(path)
    limits = old.levels[0].limits
    px = (limits[0] * 64 + 70, limits[1] * 64 + 70)
    pixels = noise(3, (50, 60))
    expected = old.level_array(old.levels[0])
    expected[70:120, 70:130] = pixels
    create(path, source(pixels, px), "UPDATE_MODE=INPLACE", small=False)
    new = decoded(path)
    np.testing.assert_array_equal(new.level_array(new.levels[0]), expected)
    strict(path)
    assert "gdal_rok4" in descriptor(path)


# ---- What does not go together ----


@pytest.mark.parametrize("option,names", [
    ("TILING_SCHEME=PM", ["PM", "T64"]), ("COMPRESS=LZW", ["LZW", "ZIP"]),
    ("MASK=YES", ["MASK=YES"]), ("TILES_PER_WIDTH=4", ["2 x 2"]),
    ("PATH_DEPTH=3", ["PATH_DEPTH=3", "2"]), ("NODATA=3", ["NODATA=3"]),
    ("TOP_LEVEL=6", ["TOP_LEVEL=6", "5"])])
def test_options_that_differ(option, names, tmp_path):
    """From those of the pyramid that is updated; its own may be said."""
    path = create(tmp_path / "a.json", source(noise(1)))
    before = rok4_write.tree(tmp_path)
    for options in (["UPDATE_MODE=INPLACE"], ["ANCESTOR=" + path]):
        target = path if options[0].startswith("UPDATE") else \
            tmp_path / "b.json"
        message = refuse(target, source(noise(1)), *options, option,
                         small=False)
        assert all(name in message for name in names), message
        assert rok4_write.tree(tmp_path) == before
    create(path, source(noise(1)), "UPDATE_MODE=INPLACE", "COMPRESS=DEFLATE",
           "MASK=NO", "NODATA=255", "PATH_DEPTH=2")


@pytest.mark.parametrize("pixels,names", [
    (noise(3), ["3", "1"]), (noise(1, dtype=np.float32), ["Float32", "Byte"]),
    (noise(1).astype(np.uint16), ["UInt16"])])
def test_sources_that_differ(pixels, names, tmp_path):
    path = create(tmp_path / "a.json", source(noise(1)))
    before = rok4_write.tree(tmp_path)
    message = refuse(path, source(pixels), "UPDATE_MODE=INPLACE")
    assert all(name in message for name in names), message
    assert rok4_write.tree(tmp_path) == before


def test_statistics(tmp_path):
    """Those in PAM are dropped, and nothing else of it."""
    path = create(tmp_path / "a.json", source(noise(1)))
    dataset = rok4_util.open_dataset(path)
    band = dataset.GetRasterBand(1)
    band.ComputeStatistics(False)
    band.GetDefaultHistogram(force=True)
    band.SetDescription("heights")
    old = band.GetStatistics(False, False)
    band = dataset = None
    assert os.path.exists(path + ".aux.xml")
    create(path, source(np.full((100, 100), 3, np.uint8)),
           "UPDATE_MODE=INPLACE")
    dataset = rok4_util.open_dataset(path)
    band = dataset.GetRasterBand(1)
    assert "STATISTICS_MINIMUM" not in band.GetMetadata()
    assert band.GetDefaultHistogram(force=False) is None
    assert band.GetDescription() == "heights"
    assert band.ComputeStatistics(False) != old
    assert gdal.GetLastErrorType() == gdal.CE_None


def test_recipe_is_repeated(tmp_path):
    """An update uses the methods that the pyramid was made with."""
    pixels = noise(1, (256, 256), seed=1)
    px = (66 * 64, 46 * 64)
    path = create(tmp_path / "a.json", source(pixels, px),
                  "RESAMPLING=NEAREST", "ZLEVEL=3")
    patch = noise(1, (64, 64), seed=2)
    create(path, source(patch, (67 * 64, 47 * 64)), "UPDATE_MODE=INPLACE",
           small=False)
    model = Model([255], "nodata", px=px, size=(256, 256)).paint(pixels, px)
    model.paint(patch, (67 * 64, 47 * 64)).check(path, "NEAREST")
    assert descriptor(path)["gdal_rok4"]["overview_resampling"] == "NEAREST"


def test_finer_level_alone(tmp_path):
    """TOP_LEVEL keeps it from those above."""
    path = create(tmp_path / "a.json", source(noise(1)))
    before = slabs(path)
    create(path, source(noise(1, (40, 40)), (67 * 128 + 10, 47 * 128 + 10),
                        "6"),
           "UPDATE_MODE=INPLACE", "BOTTOM_LEVEL=6", "TOP_LEVEL=6")
    after = slabs(path)
    assert {key for key in after if key not in before} == {
        "DATA/6/00/11/VB.tif"}
    assert all(after[key] == before[key] for key in before)
    strict(path)
