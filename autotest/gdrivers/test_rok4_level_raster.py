# SPDX-License-Identifier: MIT
"""Coarser levels of grids that do not double, level by level."""

import math

import numpy as np
import pytest
from osgeo import gdal

import rok4_decode
import rok4_tms
import rok4_write
from rok4_write import create, noise

TILE = 64
# Ratios to the finest level, and by how much each corner is off, in CRS units.
STEPS = [(7.5, 3.3), (3, -11.0), (2.5, 0), (4 / 3, 0), (1, 0)]
CORNER = (1000, 9000)
CELL = 10
# The source begins at this pixel of the finest level.
OFFSET = 70


def irregular(tmp_path):
    matrices = []
    for i, (ratio, shift) in enumerate(STEPS):
        size = int(TILE * 40 / ratio / TILE) + 2
        matrices.append(rok4_tms.matrix(
            i, CELL * ratio, (CORNER[0] + shift, CORNER[1] - shift),
            (TILE, TILE), (size, size)))
    tms = rok4_tms.tms("IRR", "EPSG:3857", matrices)
    rok4_tms.write(str(tmp_path), tms)


def dataset_of(pixels, nodata=None, alpha=False, mask=None):
    height, width, bands = pixels.shape
    dataset = gdal.GetDriverByName("MEM").Create(
        "", width, height, bands,
        gdal.GDT_Byte if pixels.dtype == np.uint8 else gdal.GDT_Float32)
    dataset.SetGeoTransform((CORNER[0] + OFFSET * CELL, CELL, 0,
                             CORNER[1] - OFFSET * CELL, 0, -CELL))
    dataset.SetProjection("EPSG:3857")
    for i in range(bands):
        band = dataset.GetRasterBand(i + 1)
        band.WriteArray(pixels[:, :, i])
        if nodata is not None:
            band.SetNoDataValue(nodata)
    if alpha:
        dataset.GetRasterBand(bands).SetColorInterpretation(gdal.GCI_AlphaBand)
    if mask is not None:
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(
            np.where(mask, 255, 0).astype(np.uint8))
    return dataset


def make(tmp_path, dataset, *options):
    irregular(tmp_path)
    path = create(tmp_path / "a.json", dataset, "TILING_SCHEME=IRR",
                  "BOTTOM_LEVEL=4", "TMS_DIRECTORY=" + str(tmp_path),
                  *options, small=False)
    rok4_write.rok4_strict.check_pyramid(path, str(tmp_path))
    return rok4_decode.Pyramid(path, str(tmp_path))


class Fine:
    """A decoded level as source of the next: pixels, what counts, place."""

    def __init__(self, pyramid, id_, rule):
        level = pyramid.level(id_)
        self.pixels = pyramid.level_array(level)
        ratio, shift = STEPS[int(id_)]
        self.ratio = ratio
        # In cells of level 4, from the corner of its matrix.
        self.left = shift / CELL + level.limits[0] * TILE * ratio
        self.top = shift / CELL + level.limits[1] * TILE * ratio
        if rule == "mask":
            self.valid = pyramid.level_array(level, True)[:, :, 0] != 0
        elif rule == "alpha":
            self.valid = self.pixels[:, :, -1] != 0
        elif rule == "nodata":
            self.valid = self.pixels[:, :, 0] != pyramid_nodata(pyramid)[0]
        else:
            self.valid = np.ones(self.pixels.shape[:2], bool)


def pyramid_nodata(pyramid):
    text = rok4_write.descriptor(pyramid.path)["raster_specifications"]
    return [int(v) for v in text["nodata"].split(",")]


def suitable(i):
    """The level that level i is made of: the coarsest of at least twice the
    resolution, else the finest."""
    ratio = STEPS[i][0]
    for j in range(i + 1, 5):
        if ratio / STEPS[j][0] >= 2 - 1e-6:
            return j
    return 4


def weights(start, ratio, count, size):
    """[count][size] shares of pixels that lie in larger ones."""
    out = np.zeros((count, size))
    for i in range(count):
        low, high = start + i * ratio, start + (i + 1) * ratio
        for px in range(math.floor(low + 1e-6), math.ceil(high - 1e-6)):
            if 0 <= px < size:
                out[i, px] = min(high, px + 1) - max(low, px)
    return out


def means(fine, level, i, nodata, alpha):
    """(pixels, valid) by area of what counts; alpha is of all."""
    ratio, shift = STEPS[i]
    step = ratio / fine.ratio
    height, width = level.size[1], level.size[0]
    left = (shift / CELL + level.limits[0] * TILE * ratio - fine.left) / \
        fine.ratio
    top = (shift / CELL + level.limits[1] * TILE * ratio - fine.top) / \
        fine.ratio
    rows = weights(top, step, height, fine.pixels.shape[0])
    columns = weights(left, step, width, fine.pixels.shape[1])
    area = rows @ fine.valid.astype(float) @ columns.T
    out = np.empty((height, width, fine.pixels.shape[2]))
    for band in range(out.shape[2]):
        samples = np.where(fine.valid, fine.pixels[:, :, band], 0)
        total = rows @ samples.astype(float) @ columns.T
        own = step * step if alpha and band == out.shape[2] - 1 else \
            np.maximum(area, 1e-12)
        out[:, :, band] = np.where(area > 1e-9, total / own, nodata[band])
    if alpha:
        out[out[:, :, -1] < 0.5] = nodata  # rounded to transparent
    return out, area > 1e-9


def holes(size):
    px_y, px_x = np.mgrid[0:size, 0:size]
    valid = (px_x - 200) ** 2 + (px_y - 260) ** 2 > 70 ** 2
    valid &= (px_x % 13 != 0) | (px_y % 7 != 0)
    valid[:, 420:500] = False
    return valid


@pytest.mark.parametrize("kind", ["gray", "float", "rgb", "mask", "alpha"])
def test_means(kind, tmp_path):
    """Ratios 3, 2.5 and 1.33: each pixel is the mean of what counts."""
    size = 640
    bands = {"gray": 1, "float": 1, "rgb": 3, "mask": 3, "alpha": 4}[kind]
    pixels = noise(bands, (size, size),
                   np.float32 if kind == "float" else np.uint8)
    valid, more, options = holes(size), {}, ["OVERVIEW_RESAMPLING=AVERAGE"]
    rule = {"gray": "nodata", "float": "nodata", "rgb": "all"}.get(kind, kind)
    if rule == "nodata":
        nodata = -99999 if kind == "float" else 255
        pixels[~valid] = nodata
        more = {"nodata": nodata}
    elif kind == "mask":
        more, options = {"mask": valid}, options + ["MASK=YES"]
    elif kind == "alpha":
        pixels[:, :, 3] = np.where(valid, np.maximum(pixels[:, :, 3], 40), 0)
        more = {"alpha": True}
    pyramid = make(tmp_path, dataset_of(pixels, **more), *options)
    assert [level.id_ for level in pyramid.levels] == ["4", "3", "2", "1", "0"]
    fill = pyramid_nodata(pyramid)
    if kind == "alpha":
        fill[3] = 0
    for i in (3, 2, 1, 0):
        level = pyramid.level(str(i))
        found = pyramid.level_array(level)
        fine = Fine(pyramid, str(suitable(i)), rule)
        wanted, counts = means(fine, level, i, fill, kind == "alpha")
        if kind == "mask":
            mask = pyramid.level_array(level, True)[:, :, 0] != 0
            np.testing.assert_array_equal(mask, counts)
        if kind == "rgb":
            # Tiles are absent or there as a whole: the rest of those at the
            # edge counts, and has nodata.
            assert (counts | (found == fill).all(axis=2)).all()
        np.testing.assert_allclose(found, wanted, rtol=1e-5,
                                   atol=0.01 if kind == "float" else 0.501,
                                   err_msg="level %d" % i)


@pytest.mark.parametrize("method", ["BILINEAR", "CUBIC", "LANCZOS", "GAUSS",
                                    "MODE", "RMS", "NEAREST"])
def test_no_seams(method, tmp_path):
    """A plane stays a plane, whatever the blocks it is made in: values differ
    from those of the middle of each pixel by what rounding does."""
    size = 1300
    px_y, px_x = np.mgrid[0:size, 0:size].astype(np.float64)
    plane = (px_x * 3 + px_y * 2).astype(np.float32)[:, :, None]
    pyramid = make(tmp_path, dataset_of(plane),
                   "OVERVIEW_RESAMPLING=" + method)
    # What a whole pixel more or less makes; RMS of a slope is above its mean.
    slack = {"BILINEAR": 0.1, "CUBIC": 0.1, "LANCZOS": 0.4}.get(method, 1.5)
    for i in (3, 2, 1, 0):
        level = pyramid.level(str(i))
        found = pyramid.level_array(level)[:, :, 0]
        ratio, shift = STEPS[i]
        x = shift / CELL + ratio * (
            level.limits[0] * TILE + np.arange(found.shape[1]) + .5)
        y = shift / CELL + ratio * (
            level.limits[1] * TILE + np.arange(found.shape[0]) + .5)
        in_x = (x > OFFSET + 40) & (x < OFFSET + size - 40)
        in_y = (y > OFFSET + 40) & (y < OFFSET + size - 40)
        wanted = (x[None, :] - OFFSET - .5) * 3 + (y[:, None] - OFFSET - .5) * 2
        got = found[np.ix_(in_y, in_x)]
        wanted = wanted[np.ix_(in_y, in_x)]
        assert got.size > 1000
        # Finer levels add their own displacement.
        limit = slack * 5 * ratio if slack > 1 else slack * ratio
        assert np.abs(got - wanted).max() <= limit, "level %d" % i


def test_modes_are_of_whole_pixels(tmp_path):
    """No pixel is mixed of the bands of others."""
    rng = np.random.default_rng(3)
    colours = np.array([[10, 20, 30], [10, 99, 30], [200, 20, 31]], np.uint8)
    pixels = colours[rng.integers(0, 3, (320, 320))]
    pyramid = make(tmp_path, dataset_of(pixels), "OVERVIEW_RESAMPLING=MODE")
    known = {tuple(c) for c in colours} | {(255, 255, 255)}
    for i in range(4):
        found = pyramid.level_array(pyramid.level(str(i)))
        assert {tuple(c) for c in found.reshape(-1, 3)} <= known


def test_an_update_equals_a_rebuild(tmp_path):
    """Blocks stand at fixed places: a part that is built again comes out as
    with the whole."""
    pixels = noise(1, (640, 640), np.float32)
    pyramid = make(tmp_path, dataset_of(pixels), "OVERVIEW_RESAMPLING=LANCZOS")
    part = np.ascontiguousarray(pixels[200:330, 300:420] + 5)
    patch = dataset_of(part)
    patch.SetGeoTransform((CORNER[0] + (OFFSET + 300) * CELL, CELL, 0,
                           CORNER[1] - (OFFSET + 200) * CELL, 0, -CELL))
    create(pyramid.path, patch, "UPDATE_MODE=INPLACE",
           "TMS_DIRECTORY=" + str(tmp_path), small=False)
    pixels[200:330, 300:420] = part
    place = tmp_path / "b"
    place.mkdir()
    whole = make(place, dataset_of(pixels), "OVERVIEW_RESAMPLING=LANCZOS")
    for level, other in zip(pyramid.levels, whole.levels):
        np.testing.assert_array_equal(pyramid.level_array(level),
                                      whole.level_array(other),
                                      "level " + level.id_)


def test_picks_of_whole_ratios(tmp_path):
    """LAMB93_1M_MNT by default: the coinciding pixel, with its nodata."""
    size = 1500
    pixels = noise(1, (size, size), np.float32)
    pixels[300:700, 200:900] = -99999
    dataset = gdal.GetDriverByName("MEM").Create("", size, size, 1,
                                                 gdal.GDT_Float32)
    dataset.SetGeoTransform((699999.5, 1, 0, 6600000.5, 0, -1))
    dataset.SetProjection("IGNF:LAMB93")
    dataset.GetRasterBand(1).SetNoDataValue(-99999)
    dataset.GetRasterBand(1).WriteArray(pixels[:, :, 0])
    path = create(tmp_path / "a.json", dataset,
                  "TILING_SCHEME=LAMB93_1M_MNT", "BOTTOM_LEVEL=8",
                  small=False)
    text = rok4_write.descriptor(path)
    assert text["gdal_rok4"]["overview_resampling"] == "NEAREST"
    pyramid = rok4_write.decoded(path)
    cells = (1, 5, 25, 50, 75, 100, 250, 500, 1000)
    assert len(pyramid.levels) == len(cells)
    for level, cell in zip(pyramid.levels, cells):
        found = pyramid.level_array(level)[:, :, 0]
        # Centres stand at multiples of the cell size, from x 0 and y 12000000.
        x = (level.limits[0] * 256 +
             np.arange(found.shape[1])) * cell - 700000
        y = (level.limits[1] * 256 +
             np.arange(found.shape[0])) * cell - (12000000 - 6600000)
        wanted = np.full(found.shape, -99999, np.float32)
        in_x, in_y = (x >= 0) & (x < size), (y >= 0) & (y < size)
        wanted[np.ix_(in_y, in_x)] = pixels[np.ix_(y[in_y], x[in_x])][:, :, 0]
        np.testing.assert_array_equal(found, wanted, "cell %d" % cell)


def test_lossy(tmp_path):
    """JPEG on such a grid: coarser levels are made before it is encoded, so
    that they are those of a lossless pyramid, encoded once."""
    pixels = noise(3, (400, 400))
    lossy = make(tmp_path, dataset_of(pixels), "COMPRESS=JPEG")
    place = tmp_path / "b"
    place.mkdir()
    exact = make(place, dataset_of(pixels), "COMPRESS=DEFLATE")
    for level, other in zip(lossy.levels, exact.levels):
        np.testing.assert_array_equal(
            lossy.level_array(level),
            rok4_write.through_jpeg(exact.level_array(other), 75))
