# SPDX-License-Identifier: MIT
"""Copying pyramids without decoding them (LOSSLESS_COPY), and when they are
decoded all the same."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from osgeo import gdal

import rok4_util
import rok4_write
from rok4_util import fixture, open_dataset
from rok4_write import (create, decoded, descriptor, noise, refuse,
                        slabs, source)

NAMES = rok4_util.FIXTURES
JPEG = "t64_jpg_uint8_rgb"
MASKED = "t64_zip_mask"


def same_but_name(path, other):
    """Descriptors say the same, but for the place of the slabs and the order
    of members."""
    left, right = descriptor(path), descriptor(other)
    left.pop("gdal_rok4", None)
    right.pop("gdal_rok4", None)
    for one in (left, right):
        for level in one["levels"]:
            for key in ("image_directory", "mask_directory"):
                if key in level["storage"]:
                    level["storage"][key] = level["storage"][key].split(
                        "/", 1)[1]
        one["levels"].sort(key=lambda level: level["id"])
    assert left == right


@pytest.mark.parametrize("name", NAMES)
def test_fixtures(name, tmp_path):
    """Slabs are the same bytes, links become slabs, absent ones stay so."""
    path = create(tmp_path / "copy.json", open_dataset(fixture(name)),
                  "LOSSLESS_COPY=YES", small=False)
    rok4_write.same_slabs(path, fixture(name))
    same_but_name(path, fixture(name))
    assert not any(os.path.islink(os.path.join(path[:-5], key))
                   for key in slabs(path))
    # be4's pyramids have slabs outside of the limits: not ours to judge.
    assert os.path.exists(path[:-5] + ".list")


def run(*arguments):
    return subprocess.run(
        [str(a) for a in arguments], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
        env=dict(os.environ, ROK4_TMS_DIRECTORY=gdal.GetConfigOption(
            "ROK4_TMS_DIRECTORY")))


@pytest.mark.skipif(rok4_util.SANITIZED, reason="starts GDAL's programs")
@pytest.mark.parametrize("name", [JPEG, MASKED, "t64_zip_uint8_rgba",
                                  "t64_zip_float32", "pm_jpg_world16"])
def test_gdal_translate(name, tmp_path):
    """Plain, and through an untouched VRT."""
    done = run("gdal_translate", "-of", "ROK4", fixture(name),
               tmp_path / "a.json")
    assert done.returncode == 0, done.stdout
    rok4_write.same_slabs(tmp_path / "a.json", fixture(name))
    vrt = str(tmp_path / "x.vrt")
    assert run("gdal_translate", "-of", "VRT", fixture(name),
               vrt).returncode == 0
    done = run("gdal_translate", "-of", "ROK4", vrt, tmp_path / "b.json",
               "-co", "LOSSLESS_COPY=YES")
    assert done.returncode == 0, done.stdout
    rok4_write.same_slabs(tmp_path / "b.json", fixture(name))


@pytest.mark.parametrize("change", [
    ["-b", "1"], ["-b", "3", "-b", "2", "-b", "1"],
    ["-srcwin", "0", "0", "64", "64"], ["-a_nodata", "3"],
    ["-ot", "Float32"], ["-scale", "0", "255", "0", "100"],
    ["-outsize", "50%", "50%"], ["-a_srs", "EPSG:2154"],
    ["-a_ullr", "0", "1000000", "1000000", "0"]])
def test_touched_vrt(change, tmp_path):
    """A VRT that changes anything is not the pyramid."""
    vrt = gdal.Translate(str(tmp_path / "x.vrt"), fixture(JPEG),
                         options=["-of", "VRT"] + change)
    assert vrt is not None
    message = refuse(tmp_path / "a.json", vrt, "LOSSLESS_COPY=YES",
                     small=False)
    assert "LOSSLESS_COPY=YES" in message


def test_vrt_of_two(tmp_path):
    vrt = gdal.BuildVRT(str(tmp_path / "x.vrt"),
                        [fixture(JPEG), fixture("t64_jpg90_uint8_rgb")])
    vrt.FlushCache()
    message = refuse(tmp_path / "a.json", vrt, "LOSSLESS_COPY=YES",
                     small=False)
    assert "LOSSLESS_COPY=YES" in message


@pytest.mark.parametrize("options", [
    ["TILES_PER_WIDTH=3"], ["TILES_PER_HEIGHT=5", "TILES_PER_WIDTH=1"],
    ["PATH_DEPTH=4"], ["TILES_PER_WIDTH=16", "TILES_PER_HEIGHT=16",
                       "PATH_DEPTH=1"]])
@pytest.mark.parametrize("name", [JPEG, MASKED, "t64_zip_hole",
                                  "t64_png_uint8_rgba", "t64_lzw_float32"])
def test_tiles(name, options, tmp_path):
    """Other slabs of the same encoded tiles."""
    path = create(tmp_path / "a.json", open_dataset(fixture(name)),
                  "LOSSLESS_COPY=YES", *options, small=False)
    old, new = decoded(fixture(name)), decoded(path)
    wanted = {o.split("=")[0]: int(o.split("=")[1]) for o in options}
    count = 0
    for one, other in zip(old.levels, new.levels):
        assert other.slab == (wanted.get("TILES_PER_WIDTH", 2),
                              wanted.get("TILES_PER_HEIGHT", 2))
        assert other.depth == wanted.get("PATH_DEPTH", 2)
        assert one.limits == other.limits
        c0, r0, c1, r1 = one.limits
        for mask in ((False, True) if one.mask_directory else (False,)):
            for row in range(r0, r1 + 1):
                for col in range(c0, c1 + 1):
                    data = old.tile_bytes(one, col, row, mask)
                    if data is not None:
                        assert data == new.tile_bytes(other, col, row, mask)
                        count += 1
        np.testing.assert_array_equal(old.level_array(one),
                                      new.level_array(other))
    assert count > 0
    rok4_write.strict(path)


def test_levels(tmp_path):
    """TOP_LEVEL, BOTTOM_LEVEL, and a source that is opened at a level."""
    first = create(tmp_path / "a.json",
                   open_dataset(fixture(JPEG), "TILEMATRIX=4"),
                   "LOSSLESS_COPY=YES", "TOP_LEVEL=3", small=False)
    assert [lv.id_ for lv in decoded(first).levels] == ["4", "3"]
    other = create(tmp_path / "b.json", open_dataset(fixture(JPEG)),
                   "LOSSLESS_COPY=YES", "TOP_LEVEL=3", "BOTTOM_LEVEL=4",
                   small=False)
    for path in (first, other):
        assert [lv.id_ for lv in decoded(path).levels] == ["4", "3"]
        for id_ in ("4", "3"):
            assert slabs(path, id_) == slabs(fixture(JPEG), id_)


def test_masks_are_left_out(tmp_path):
    path = create(tmp_path / "a.json", open_dataset(fixture(MASKED)),
                  "LOSSLESS_COPY=YES", "MASK=NO", small=False)
    expected = {key: data for key, data in slabs(fixture(MASKED)).items()
                if key.startswith("DATA")}
    assert slabs(path) == expected
    assert "mask_format" not in descriptor(path)
    rok4_write.strict(path)


@pytest.mark.parametrize("options,same", [
    (["COMPRESS=JPEG"], True), (["COMPRESS=JPEG", "QUALITY=75"], True),
    (["NODATA=255"], True), (["TILING_SCHEME=T64"], True),
    (["MASK=NO"], True), (["ADD_ALPHA=NO"], True),
    (["BOTTOM_LEVEL=5"], True), (["LIST=NO", "MD5=YES"], True),
    (["COMPRESS=JPEG", "QUALITY=90"], False), (["COMPRESS=PNG"], False),
    (["NODATA=3"], False), (["ADD_ALPHA=YES"], False),
    (["MASK=YES"], False), (["RESAMPLING=NEAREST"], False),
    (["OVERVIEW_RESAMPLING=AVERAGE"], True),
    (["WARP_RESAMPLING=LANCZOS"], True),
    (["OVERVIEW_RESAMPLING=MODE"], False), (["TILING_SCHEME=PM"], False),
    (["BOTTOM_LEVEL=6"], False), (["TOP_LEVEL=0"], False), (["ZLEVEL=9"], False),
    (["LOSSLESS_COPY=NO"], False)])
def test_options(options, same, tmp_path):
    """Those that change pixels or encoding encode anew."""
    small = [] if any(o.startswith("TILING_SCHEME") for o in options) else [
        "TILING_SCHEME=T64"]
    compress = [] if any(o.startswith(("COMPRESS", "ADD_ALPHA"))
                         for o in options) or same else ["COMPRESS=JPEG"]
    path = create(tmp_path / "a.json", open_dataset(fixture(JPEG)),
                  *options, *small, *compress, "TILES_PER_WIDTH=2",
                  "TILES_PER_HEIGHT=2", small=False)
    old = slabs(fixture(JPEG), "5")
    new = slabs(path, "5")
    assert (bool(new) and all(old.get(key) == data
                              for key, data in new.items())) == same
    if not same and "LOSSLESS_COPY=NO" not in options:
        message = refuse(tmp_path / "b.json", open_dataset(fixture(JPEG)),
                         *options, *small, "LOSSLESS_COPY=YES", small=False)
        assert "LOSSLESS_COPY=YES" in message


def test_open_options(tmp_path):
    """Options that show other pixels than the stored ones."""
    for options in (["MASK=NO"], ["NODATA=NONE"], ["EXTENT_METHOD=MATRIX"]):
        path = tmp_path / "a.json"
        create(path, open_dataset(fixture(MASKED), *options), small=False)
        old, new = decoded(fixture(MASKED)), decoded(path)
        np.testing.assert_array_equal(
            old.level_array(old.levels[0]),
            cropped(new, old.levels[0]), str(options))
        shutil.rmtree(str(tmp_path / "a"))
        os.remove(str(path))


def cropped(pyramid, wanted):
    level = pyramid.level(wanted.id_)
    c0, r0 = wanted.limits[0] - level.limits[0], \
        wanted.limits[1] - level.limits[1]
    width, height = wanted.size
    return pyramid.level_array(level)[r0 * 64:r0 * 64 + height,
                                      c0 * 64:c0 * 64 + width]


def test_unknown_members(moved, tmp_path):
    """What others wrote into a descriptor goes along."""
    path = moved(JPEG)
    text = descriptor(path)
    text["producer"] = {"name": "somebody", "year": 2024}
    with open(path, "w", encoding="utf-8") as file:
        rok4_write.json.dump(text, file)
    new = create(tmp_path / "a.json", open_dataset(path), small=False)
    assert descriptor(new)["producer"] == text["producer"]


def test_damaged_slab(moved, tmp_path):
    """Half a slab is an error, not a hole."""
    path = moved(JPEG)
    slab = os.path.join(path[:-5], "DATA", "5", "00", "00", "XN.tif")
    os.truncate(slab, 3000)
    before = rok4_write.tree(tmp_path)
    for options in ([], ["TILES_PER_WIDTH=3"]):
        message = refuse(tmp_path / "a.json", open_dataset(path), *options,
                         small=False)
        assert "XN.tif" in message
        assert rok4_write.tree(tmp_path) == before


def test_vsimem(tmp_path):
    """To memory and back."""
    first = create("/vsimem/rok4_copy/a.json", open_dataset(fixture(JPEG)),
                   small=False)
    back = create(tmp_path / "b.json", open_dataset(first), small=False)
    rok4_write.same_slabs(back, fixture(JPEG))
    gdal.RmdirRecursive("/vsimem/rok4_copy")


def test_update_while_open(tmp_path):
    """What was written to a source that is open in update mode counts."""
    path = create(tmp_path / "a.json", source(noise(1)))
    opened = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_UPDATE)
    if opened is None:
        pytest.skip("no update mode")
    pixels = np.full((64, 64), 9, np.uint8)
    opened.GetRasterBand(1).WriteArray(pixels, 64, 64)
    new = create(tmp_path / "b.json", opened, "LOSSLESS_COPY=YES",
                 small=False)
    opened = None
    found = decoded(new)
    level = found.levels[0]
    np.testing.assert_array_equal(
        found.level_array(level)[64:128, 64:128, 0], pixels)
    rok4_write.same_slabs(new, path)


# ---- The same through pixels ----


ENCODE = {"RAW": ["COMPRESS=NONE"], "ZIP": ["COMPRESS=DEFLATE"],
          "LZW": ["COMPRESS=LZW"], "PKB": ["COMPRESS=PACKBITS"],
          "PNG": ["COMPRESS=PNG"], "JPG": ["COMPRESS=JPEG"],
          "JPG90": ["COMPRESS=JPEG", "QUALITY=90"]}


@pytest.mark.parametrize("name", NAMES)
def test_round_trip(name, tmp_path):
    """Each fixture through pixels, on its grid, in its format: the bottom level
    is exact where the format is lossless; coarser ones are within the
    reference's truncation, where it has not averaged nodata; headers are the
    same bytes."""
    old = decoded(fixture(name))
    first = old.levels[0]
    options = ENCODE[old.codec] + [
        "TILES_PER_WIDTH=%d" % first.slab[0],
        "TILES_PER_HEIGHT=%d" % first.slab[1],
        "PATH_DEPTH=%d" % first.depth,
        "TILING_SCHEME=" + old.descriptor["tile_matrix_set"],
        "TOP_LEVEL=" + old.levels[-1].id_, "BOTTOM_LEVEL=" + first.id_]
    if first.mask_directory:
        options.append("MASK=YES")
    path = create(tmp_path / "a.json", open_dataset(fixture(name)),
                  "LOSSLESS_COPY=NO", *options, small=False)
    new = decoded(path)
    lossless = not old.codec.startswith("JPG")
    assert new.descriptor["format"] == old.descriptor["format"]
    assert [lv.id_ for lv in new.levels] == [lv.id_ for lv in old.levels]
    if lossless:
        np.testing.assert_array_equal(new.level_array(new.levels[0]),
                                      old.level_array(first))
        check_coarser(old, new)
    headers = {data[:2048] for key, data in slabs(path).items()
               if key.startswith("DATA") and first.slab != (1, 1)}
    expected = {data[:2048] for key, data in slabs(fixture(name)).items()
                if key.startswith("DATA") and first.slab != (1, 1)}
    assert headers == expected


def absolute(level, array):
    """A level's array at the place that it has in the level, from an even
    tile on: (left, top, array)."""
    c0, r0 = level.limits[:2]
    return c0 * level.tile[0], r0 * level.tile[1], array


def check_coarser(old, new):
    """Where all that went into a pixel is valid; everywhere for picks."""
    picks = old.descriptor["tile_matrix_set"] == "LAMB93_1M_MNT"
    clean, count = None, 0
    for i, level in enumerate(old.levels):
        expected = old.level_array(level)
        clean = cleaner(old, level, expected, clean)
        shown = new.level(level.id_)
        found, expected, good = overlap(shown, new.level_array(shown), level,
                                        expected, clean[2])
        if picks:
            np.testing.assert_array_equal(found, expected, level.id_)
        if old.dtype == np.uint8:
            difference = np.abs(found.astype(int) - expected)[good]
            assert not difference.size or difference.max() <= i, level.id_
        else:
            np.testing.assert_allclose(found[good], expected[good],
                                       rtol=1e-5, atol=1e-3)
        count += i > 0 and good.sum()
    assert count > 0 or picks or len(old.levels) == 1


def overlap(one, array, level, *others):
    """What two levels with other limits have in common."""
    width, height = level.tile
    both = [max(a, b) for a, b in zip(one.limits[:2], level.limits[:2])] + [
        min(a, b) for a, b in zip(one.limits[2:], level.limits[2:])]

    def cut(limits, pixels):
        c0, r0 = both[0] - limits[0], both[1] - limits[1]
        return pixels[r0 * height:(r0 + both[3] - both[1] + 1) * height,
                      c0 * width:(c0 + both[2] - both[0] + 1) * width]
    return [cut(one.limits, array)] + [cut(level.limits, other)
                                       for other in others]


def cleaner(old, level, pixels, finer):
    """(left, top, which pixels are made of valid ones only) of a level."""
    if old.channels in (2, 4):
        good = pixels[:, :, -1] != 0
    else:
        good = (pixels != old.nodata).any(axis=2)
    left, top, good = absolute(level, good)
    if finer is None:
        return left, top, good
    four = np.zeros((good.shape[0] * 2, good.shape[1] * 2), bool)
    y, x = finer[1] - 2 * top, finer[0] - 2 * left
    source = finer[2][max(0, -y):, max(0, -x):]
    window = four[max(0, y):, max(0, x):][:source.shape[0],
                                          :source.shape[1]]
    window[:] = source[:window.shape[0], :window.shape[1]]
    all_four = four[::2, ::2] & four[1::2, ::2] & four[::2, 1::2] & \
        four[1::2, 1::2]
    return left, top, good & all_four


def test_source_is_not_touched(tmp_path):
    """Neither the pyramid nor its directory."""
    shutil.copytree(fixture(MASKED)[:-5], str(tmp_path / "in" / MASKED))
    shutil.copy(fixture(MASKED), str(tmp_path / "in"))
    before = rok4_write.tree(tmp_path / "in")
    create(tmp_path / "a.json", open_dataset(tmp_path / "in" /
                                             (MASKED + ".json")),
           small=False)
    assert rok4_write.tree(tmp_path / "in") == before
