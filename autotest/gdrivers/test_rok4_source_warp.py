# SPDX-License-Identifier: MIT
"""Sources off the grid through CreateCopy: the same as gdalwarp makes, but for
its approximation of coordinates (an eighth of a pixel) and the edge; warped
VRT, which are never resampled twice; what is valid then."""

import json

import numpy as np
import pytest
from osgeo import gdal

import rok4_util
import rok4_write
from rok4_bottom import (FIVE, LAMBERT_SIZE as SIZE, METHODS, compare,
                         contrast, gdalwarp, lambert, made, part, warp_vrt,
                         waves)
from rok4_write import create, noise


# ---- Methods, levels, threads ----


@pytest.mark.parametrize("level", ["4", "5", "6"])
@pytest.mark.parametrize("method", METHODS)
def test_methods(method, level, tmp_path):
    """Coarser and finer than the source, too."""
    dataset = lambert(waves())
    at, found, valid = made(tmp_path / "a.json", dataset,
                            "BOTTOM_LEVEL=" + level, "TOP_LEVEL=" + level,
                            "WARP_RESAMPLING=" + METHODS[method])
    assert at.id_ == level
    compare((found, valid), gdalwarp(dataset, at, method),
            share=.05 if method == "near" else .01,
            edge=.01 if method == "average" else .004)
    assert (found[~valid] == 255).all()


@pytest.mark.parametrize("vrt", [False, True])
def test_threads(vrt, tmp_path):
    """The same bytes with two."""
    for method in ("CUBIC", "AVERAGE"):
        for threads in ("1", "2"):
            dataset = lambert(noise(3, SIZE))
            if vrt:
                dataset = warp_vrt(dataset, dstSRS="EPSG:4326")
            create(tmp_path / (method + threads + ".json"), dataset,
                   "MASK=YES", "WARP_RESAMPLING=" + method,
                   "NUM_THREADS=" + threads)
        rok4_write.same_slabs(tmp_path / (method + "1.json"),
                              tmp_path / (method + "2.json"))


def test_slabs_do_not_matter(tmp_path):
    """Nor does what is warped at once."""
    dataset = lambert(noise(3, SIZE))
    one = made(tmp_path / "a.json", dataset, *FIVE)
    other = made(tmp_path / "b.json", dataset, *FIVE, "TILES_PER_WIDTH=16",
                 "TILES_PER_HEIGHT=16")
    compare(one[1:], other[1:], atol=1, share=.001, edge=1e-4)


# ---- Warped VRT ----


OFF = [dict(dstSRS="EPSG:3857"), dict(dstSRS="EPSG:4326"),
       dict(dstSRS="EPSG:2154", xRes=3700, yRes=3500),
       dict(dstSRS="EPSG:3857", xRes=4000, yRes=4000),
       dict(dstSRS="EPSG:32631"), dict(dstSRS="EPSG:3857", errorThreshold=0)]


@pytest.mark.parametrize("method", ["near", "bilinear", "cubic"])
@pytest.mark.parametrize("options", OFF, ids=range(len(OFF)))
def test_unwrapped(options, method, tmp_path):
    """A VRT off our grid gives way to its source, with its method: much closer
    to one warp than two warps are."""
    dataset = lambert(contrast(3, SIZE))
    vrt = warp_vrt(dataset, resampleAlg=method, **options)
    level, found, valid = made(tmp_path / "a.json", vrt, *FIVE)
    assert level.id_ == "5"
    text = rok4_write.descriptor(tmp_path / "a.json")["gdal_rok4"]
    assert text["warp_resampling"] == METHODS[method]
    expected, covered = gdalwarp(
        dataset, level, method,
        errorThreshold=options.get("errorThreshold", .125))
    twice, again = gdalwarp(vrt, level, method)
    both = valid & covered & again
    assert both.sum() > .97 * covered.sum()

    def distance(pixels):
        return np.abs(pixels[both].astype(float) - expected[both]).mean()
    assert distance(found) < 1 and distance(twice) > 10


def on_grid(size=(150, 120), px=(4100, 2830)):
    """A part of level 5 as options of gdalwarp."""
    matrix = rok4_write.matrix_of()
    cell = matrix["cellSize"]
    left = matrix["pointOfOrigin"][0] + px[0] * cell
    top = matrix["pointOfOrigin"][1] - px[1] * cell
    return dict(dstSRS="EPSG:3857", width=size[1], height=size[0],
                outputBounds=(left, top - size[0] * cell,
                              left + size[1] * cell, top))


@pytest.mark.parametrize("method,kernel", [
    ("near", []), ("average", []), ("bilinear", ["XSCALE=0.8", "YSCALE=0.7"]),
    ("cubic", ["XSCALE=0.8", "YSCALE=0.7"])])
@pytest.mark.parametrize("file", [False, True])
@pytest.mark.parametrize("px,inside", [((4060, 2830), True),
                                       ((4000, 2790), False)])
def test_on_our_grid(px, inside, file, method, kernel, tmp_path):
    """A VRT on our grid is used as it is, whatever WARP_RESAMPLING says: the
    very pixels of gdalwarp, when it approximates neither coordinates nor the
    scale of kernels. From 3.13 it sums up CUBIC at such a scale in floats: how
    halves are rounded depends on what is warped at once, in its own VRT, too."""
    dataset = lambert(contrast(3, SIZE),
                      str(tmp_path / "source.tif") if file else "")
    wanted = dict(on_grid(px=px), resampleAlg=method, errorThreshold=0,
                  warpOptions=kernel)
    alone = rok4_util.pixels_of(gdal.Warp(
        "", dataset, format="MEM", dstAlpha=True, **wanted))
    vrt = warp_vrt(dataset, **wanted)
    level, found, valid = made(tmp_path / "a.json", vrt, *FIVE,
                               "WARP_RESAMPLING=LANCZOS")
    assert level.limits == (px[0] // 64, px[1] // 64, (px[0] + 119) // 64,
                            (px[1] + 149) // 64)
    found, valid = (part(level, a, px, (150, 120)) for a in (found, valid))
    assert (alone[:, :, 3] != 0).all() == inside
    np.testing.assert_array_equal(valid, alone[:, :, 3] != 0)
    differs = (found != alone[:, :, :3]) & valid[:, :, None]
    if method == "cubic" and int(gdal.VersionInfo()) >= 3130000:
        exact = rok4_util.pixels_of(gdal.Warp(
            "", dataset, format="MEM", dstAlpha=True,
            workingType=gdal.GDT_Float64, outputType=gdal.GDT_Float64,
            **wanted))[differs.nonzero()]
        for pixels in (found, alone):
            assert (np.abs(pixels[differs.nonzero()] - exact) < .505).all()
        assert len(exact) <= 10
    else:
        assert not differs.any()


def test_other_method(tmp_path):
    """WARP_RESAMPLING goes before the VRT's own when that is unwrapped."""
    dataset = lambert(waves())
    vrt = warp_vrt(dataset, dstSRS="EPSG:4326", resampleAlg="cubic")
    one = made(tmp_path / "a.json", vrt, *FIVE, "WARP_RESAMPLING=NEAREST")
    assert set(np.unique(one[1][one[2]])) <= set(np.unique(waves()))
    compare(one[1:], gdalwarp(dataset, one[0], "near"), share=.05)


def test_extent_of_a_vrt(tmp_path):
    """-te is somebody's wish: pixels whose centres are within."""
    dataset = lambert(waves())
    cell = rok4_write.matrix_of()["cellSize"]
    wanted = on_grid()
    left, low, right, top = wanted["outputBounds"]
    bounds = (left + .3 * cell, low - .2 * cell, right + .7 * cell,
              top + .4 * cell)
    vrt = warp_vrt(dataset, dstSRS="EPSG:3857", outputBounds=bounds,
                   width=100, height=90)
    level, _, valid = made(tmp_path / "a.json", vrt, *FIVE)
    rows, cols = np.where(valid)
    col, row = level.limits[:2]
    assert (cols.min() + col * 64, rows.min() + row * 64) == (4100, 2830)
    assert (cols.max() + col * 64, rows.max() + row * 64) == (4220, 2979)


# ---- Validity ----


SPOT = np.s_[60:100, 90:150]
CUTLINE = {"type": "FeatureCollection", "crs": {
    "type": "name", "properties": {"name": "EPSG:2154"}}, "features": [{
        "type": "Feature", "properties": {}, "geometry": {
            "type": "Polygon", "coordinates": [[
                [400000, 6850000], [900000, 6800000], [650000, 6350000],
                [400000, 6850000]]]}}]}


@pytest.mark.parametrize("options", [
    {}, {"cropToCutline": True}, {"cutlineBlend": 20}])
def test_cutline(options, tmp_path):
    """Also when the VRT is unwrapped."""
    dataset = lambert(waves())
    line = str(tmp_path / "cut.json")
    with open(line, "w", encoding="utf-8") as file:
        json.dump(CUTLINE, file)
    line_only = {k: v for k, v in options.items() if k != "cropToCutline"}
    for name, srs in (("a", "EPSG:3857"), ("b", "EPSG:4326")):
        vrt = warp_vrt(dataset, dstSRS=srs, resampleAlg="bilinear",
                       cutlineDSName=line, **options)
        level, found, valid = made(tmp_path / (name + ".json"), vrt, *FIVE)
        expected = gdalwarp(dataset, level, "bilinear", cutlineDSName=line,
                            **line_only)
        assert .1 < expected[1].mean() < .8
        compare((found, valid), expected, edge=.01)


def holed(how, bands, dtype=np.uint8):
    """A source with a hole; nothing tells of it with "srcnodata"."""
    pixels = waves(bands, dtype)
    if how in ("nodata", "srcnodata"):
        pixels[SPOT] = 0
        pixels[10:20] = np.maximum(pixels[10:20], 1)
        return lambert(pixels, nodata=0 if how == "nodata" else None)
    valid = np.ones(SIZE, bool)
    valid[SPOT] = False
    if how == "mask":
        return lambert(pixels, mask=valid)
    alpha = np.where(valid, 255, 0).astype(np.uint8)[:, :, None]
    return lambert(np.concatenate([pixels, alpha], axis=2), alpha=True)


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("how", ["nodata", "mask", "alpha"])
def test_holes(how, bands, tmp_path):
    """What tells validity is resampled with the rest, and colours are mixed
    with valid ones only."""
    dataset = holed(how, bands)
    level, found, valid = made(tmp_path / "a.json", dataset, *FIVE,
                               "WARP_RESAMPLING=BILINEAR")
    expected = gdalwarp(dataset, level, "bilinear")
    assert found.shape[2] == bands + (how == "alpha")
    compare((found, valid), expected)
    if how == "alpha":
        assert ((found[:, :, -1] != 0) == valid).all()
    else:
        assert (found[~valid] == (0 if how == "nodata" else 255)).all()
        _, added, other = made(tmp_path / "b.json", dataset, *FIVE,
                               "WARP_RESAMPLING=BILINEAR", "ADD_ALPHA=YES")
        np.testing.assert_array_equal(other, valid)
        np.testing.assert_array_equal(added[:, :, -1] == 255, valid)
        np.testing.assert_array_equal(added[:, :, :-1][valid], found[valid])


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("how,options,fill", [
    ("srcnodata", dict(srcNodata=0), 0),
    ("srcnodata", dict(srcNodata=0, dstNodata=200), 200),
    ("srcnodata", dict(srcNodata=0, dstAlpha=True), None),
    ("nodata", {}, 0), ("nodata", dict(dstAlpha=True), None),
    ("mask", {}, 255), ("alpha", {}, None)])
def test_holes_of_a_vrt(how, options, fill, bands, tmp_path):
    """-srcnodata, -dstnodata and -dstalpha are honoured."""
    dataset = holed(how, bands)
    vrt = warp_vrt(dataset, dstSRS="EPSG:4326", resampleAlg="bilinear",
                   **options)
    level, found, valid = made(tmp_path / "a.json", vrt, *FIVE)
    only = {k: v for k, v in options.items() if k == "srcNodata"}
    compare((found, valid), gdalwarp(dataset, level, "bilinear", **only))
    assert found.shape[2] == bands + (fill is None)
    if fill is None:
        assert ((found[:, :, -1] != 0) == valid).all()
    else:
        assert (found[~valid] == fill).all()


@pytest.mark.parametrize("vrt", [False, True])
def test_nodata_of_one_band(vrt, tmp_path):
    """A pixel of which one band has the nodata value is one like others; this
    band becomes nodata in a VRT that does not say UNIFIED_SRC_NODATA."""
    pixels = np.full(SIZE + (3,), 100, np.uint8)
    pixels[SPOT] = 0
    pixels[120:160, :, 1] = 0
    dataset = lambert(pixels, nodata=0)
    one = warp_vrt(dataset, dstSRS="EPSG:4326") if vrt else dataset
    _, found, valid = made(tmp_path / "a.json", one, *FIVE,
                           "WARP_RESAMPLING=BILINEAR", "NODATA=7")
    assert (found[~valid] == 7).all()
    colours = found[valid]
    assert (colours[:, 0::2] == 100).all()
    known, counts = np.unique(colours[:, 1], return_counts=True)
    assert known[0] == (7 if vrt else 0) and known[-1] == 100
    assert .15 < counts[0] / len(colours) < .25


def test_floats(tmp_path):
    """Neither the nodata value nor NaN is mixed in, nor made by chance."""
    pixels = waves(1, np.float32) * 10
    pixels[SPOT] = -9999
    pixels[150:160] = np.nan
    for i, value in enumerate((-9999, None)):
        dataset = lambert(pixels, nodata=value)
        for name, one in (("fresh", dataset),
                          ("vrt", warp_vrt(dataset, dstSRS="EPSG:4326",
                                           resampleAlg="bilinear"))):
            _, found, valid = made(tmp_path / ("%s%d.json" % (name, i)), one,
                                   *FIVE, "WARP_RESAMPLING=BILINEAR")
            assert (found[~valid] == (value or -99999)).all()
            low = 270 if value else -9999
            assert low <= found[valid].min() and found[valid].max() < 2290


COLOURS = {0: (10, 20, 30, 255), 1: (200, 100, 50, 255), 2: (7, 8, 9, 255),
           3: (60, 70, 80, 255)}


def indexed(**how):
    px_y, px_x = np.mgrid[0:SIZE[0], 0:SIZE[1]]
    indexes = ((px_x // 31 + px_y // 27) % 4).astype(np.uint8)
    return lambert(indexes, palette=COLOURS, **how)


@pytest.mark.parametrize("nodata", [None, 3])
@pytest.mark.parametrize("vrt", [False, True])
def test_palette(vrt, nodata, tmp_path):
    """Colours, by the nearest, or mixed on demand; never indexes."""
    dataset = indexed(nodata=nodata)
    one = warp_vrt(dataset, dstSRS="EPSG:4326") if vrt else dataset
    level, found, valid = made(tmp_path / "a.json", one, *FIVE)
    assert found.shape[2] == 3
    known = {COLOURS[i][:3] for i in range(4) if i != nodata}
    assert {tuple(c) for c in np.unique(found[valid], axis=0)} == known
    indexes, covered = gdalwarp(dataset, level, "near")
    table = np.array([COLOURS[i][:3] for i in range(4)], np.uint8)
    compare((found, valid), (table[indexes[:, :, 0] % 4], covered), share=.03,
            edge=.03)
    _, mixed, _ = made(tmp_path / "b.json", one, *FIVE,
                       "WARP_RESAMPLING=CUBIC")
    assert vrt or len(np.unique(mixed[valid], axis=0)) > 20


def test_transparent_palette(tmp_path):
    colours = dict(COLOURS)
    colours[2] = (7, 8, 9, 0)
    colours[1] = (200, 100, 50, 128)
    dataset = lambert(indexed().ReadAsArray(), palette=colours)
    _, found, valid = made(tmp_path / "a.json", dataset, *FIVE)
    assert found.shape[2] == 4
    assert set(np.unique(found[:, :, 3])) == {0, 128, 255}
    np.testing.assert_array_equal(found[:, :, 3] != 0, valid)
    # JPEG has three bands: transparent colours are not valid, others opaque.
    _, lossy, same = made(tmp_path / "b.json", dataset, *FIVE,
                          "COMPRESS=JPEG")
    assert lossy.shape[2] == 3
    np.testing.assert_array_equal(same, valid)


def test_mask_beside_jpeg(tmp_path):
    dataset = holed("mask", 3)
    _, plain, valid = made(tmp_path / "a.json", dataset, *FIVE)
    level, lossy, same = made(tmp_path / "b.json", dataset, *FIVE,
                              "COMPRESS=JPEG", "QUALITY=90")
    np.testing.assert_array_equal(same, valid)
    np.testing.assert_array_equal(lossy, rok4_write.through_jpeg(plain, 90))
