# SPDX-License-Identifier: MIT
"""How CreateCopy sees a source: whether it lies on the grid, its bottom level,
the tiles that it meets, and which of its pixels are valid."""

import numpy as np
import pytest
from osgeo import gdal

import rok4_tms
import rok4_util
import rok4_write
from rok4_bottom import (FIVE, change, contrast, made, part, set_crs,
                         tiles)
from rok4_write import PX, SIZE, create, decoded, noise, source

def is_kept(path, dataset, pixels, px=PX, **how):
    """Whether a copy has the very pixels of the source, and no more."""
    level, found, valid = made(path, dataset, *FIVE, **how)
    size = pixels.shape[:2]
    if level.limits != tiles(px, size):
        return False
    return (np.array_equal(part(level, found, px, size), pixels) and
            part(level, valid, px, size).all() and
            valid.sum() == size[0] * size[1])


# ---- On the grid ----


@pytest.mark.parametrize("shift,kept", [
    ((.005, 0), True), ((-.005, .005), True), ((0, -.009), True),
    ((.02, 0), False), ((0, -.02), False), ((.5, .5), False)])
def test_shifted(shift, kept, tmp_path):
    """Within a hundredth of a pixel, a source is on the grid."""
    pixels = contrast()
    dataset = source(pixels, (PX[0] + shift[0], PX[1] + shift[1]))
    assert is_kept(tmp_path / "a.json", dataset, pixels) == kept


@pytest.mark.parametrize("factor,kept", [(1 + 2e-5, True), (1 - 2e-5, True),
                                         (1 + 1e-4, False), (1 - 1e-4, False)])
def test_cell_size(factor, kept, tmp_path):
    """Over all of its 310 columns, too."""
    pixels = contrast()
    cell = rok4_write.matrix_of()["cellSize"] * factor
    dataset = source(pixels, cell=cell)
    assert is_kept(tmp_path / "a.json", dataset, pixels) == kept


@pytest.mark.parametrize("term", ["t2", "t4"])
@pytest.mark.parametrize("skew,kept", [(1e-5, True), (1e-4, False)])
def test_skew(skew, kept, term, tmp_path):
    pixels = contrast()
    cell = rok4_write.matrix_of()["cellSize"]
    dataset = change(source(pixels), **{term: skew * cell})
    assert is_kept(tmp_path / "a.json", dataset, pixels) == kept


def test_turned(tmp_path):
    """South up, or turned by a quarter: what is resampled are pixels of the
    grid all the same."""
    pixels = contrast(3)
    cell = rok4_write.matrix_of()["cellSize"]
    dataset = source(pixels[::-1])
    top = dataset.GetGeoTransform()[3]
    change(dataset, t3=top - SIZE[0] * cell, t5=cell)
    level, found, valid = made(tmp_path / "a.json", dataset, *FIVE)
    np.testing.assert_array_equal(part(level, found), pixels)
    assert valid.sum() == SIZE[0] * SIZE[1] and part(level, valid).all()
    dataset = source(pixels.transpose(1, 0, 2))
    change(dataset, t1=0, t2=cell, t4=-cell, t5=0)
    level, found, valid = made(tmp_path / "b.json", dataset, *FIVE)
    np.testing.assert_array_equal(part(level, found), pixels)
    assert valid.sum() == SIZE[0] * SIZE[1] and part(level, valid).all()


@pytest.mark.parametrize("level,px", [
    ("5", (17 * 256 + 3, 12 * 256 + 5)), ("12", (2072 * 256, 1408 * 256 + 9)),
    ("17", (66300 * 256 + 37, 45000 * 256 + 101)),
    ("21", (1061000 * 256 + 255, 720000 * 256 + 1))])
def test_rounded_cell_sizes(level, px, tmp_path):
    """The cell sizes of PM are rounded, and a source's are not; those of a
    world file are rounded more."""
    pixels = contrast(1, (90, 120))
    dataset = source(pixels, px, level, "PM")
    half = 20037508.342789244
    cell = half / 128 / 2 ** int(level)
    for transform in ((-half + px[0] * cell, cell, 0,
                       half - px[1] * cell, 0, -cell),
                      (round(-half + px[0] * cell, 3), round(cell, 6), 0,
                       round(half - px[1] * cell, 3), 0, -round(cell, 6))):
        dataset.SetGeoTransform(transform)
        path = tmp_path / "a.json"
        at, found, valid = made(path, dataset, "TILING_SCHEME=PM",
                                "TOP_LEVEL=" + level, "OVERWRITE=YES",
                                "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2",
                                small=False)
        assert at.id_ == level
        assert at.limits == tiles(px, (90, 120), 256)
        np.testing.assert_array_equal(part(at, found, px, (90, 120)), pixels)
        assert valid.sum() == 90 * 120


LAMBERT = ["IGNF:LAMB93", "EPSG:2154", "EPSG:2154+5720",
           "+proj=lcc +lat_0=46.5 +lon_0=3 +lat_1=49 +lat_2=44 +x_0=700000 "
           "+y_0=6600000 +ellps=GRS80 +units=m"]


@pytest.mark.parametrize("grid", ["IGNF:LAMB93", "EPSG:2154"])
def test_names_of_a_crs(grid, tmp_path):
    """One CRS by several names and definitions: nothing is resampled, on the
    grid, and nothing is transformed off it."""
    definition = dict(rok4_tms.lamb93_10cm(), id="L", crs=grid)
    rok4_tms.write(str(tmp_path / "tms"), definition)
    pixels = contrast(3, (60, 70))
    cell = .8
    off = []
    with rok4_util.config(ROK4_TMS_DIRECTORY=str(tmp_path / "tms")):
        level = next(m["id"] for m in definition["tileMatrices"]
                     if abs(m["cellSize"] - cell) < 1e-9)
        few = ["TILING_SCHEME=L", "TILES_PER_WIDTH=1", "TILES_PER_HEIGHT=1",
               "TOP_LEVEL=" + level]
        for i, name in enumerate(LAMBERT):
            dataset = set_crs(source(pixels, (812500, 6500000), level, "L"),
                              name)
            at, found, valid = made(tmp_path / ("%d.json" % i), dataset, *few,
                                    small=False)
            assert valid.sum() == 60 * 70
            np.testing.assert_array_equal(
                part(at, found, (812500, 6500000), (60, 70)), pixels)
            change(dataset, t0=dataset.GetGeoTransform()[0] + .3)
            off.append(rok4_write.slabs(create(
                tmp_path / ("off%d.json" % i), dataset, *few, small=False)))
    assert all(other == off[0] for other in off)


def test_other_crs(tmp_path):
    """Numbers that would fit mean nothing in another CRS."""
    pixels = contrast()
    dataset = set_crs(source(pixels), "EPSG:3395")
    assert not is_kept(tmp_path / "a.json", dataset, pixels)


# ---- Levels and limits ----


@pytest.mark.parametrize("resolution,levels", [
    # Of 1000, 500, 250, 100, 75, 50, 25, 5 and 1 m: AUTO, LOWER, UPPER.
    (61, "445"), (59, "545"), (75.001, "444"), (12, "667"), (10, "767"),
    (79, "434"), (0.3, "888"), (3000, "000"), (160, "323"), (40, "556"),
    (39, "656")])
def test_level(resolution, levels, tmp_path):
    """AUTO is the nearest with a ratio of 0.8 to 1.6, or by ratio when there is
    none; LOWER and UPPER are those around, where there are any."""
    name = "LAMB93_1M_MNT"
    dataset = source(noise(1, (12, 12)), (6500, 55000), "3", name)
    change(dataset, t1=resolution, t5=-resolution)
    for strategy, level in zip(("AUTO", "LOWER", "UPPER"), levels):
        path = create(tmp_path / (strategy + ".json"), dataset,
                      "TILING_SCHEME=" + name, "TOP_LEVEL=" + level,
                      "TILES_PER_WIDTH=1", "TILES_PER_HEIGHT=1",
                      "ZOOM_LEVEL_STRATEGY=" + strategy, small=False)
        assert [at.id_ for at in decoded(path).levels] == [level]


def bottom_id(path, dataset, *options):
    create(path, dataset, "TILING_SCHEME=T64", "TILES_PER_WIDTH=2",
           "TILES_PER_HEIGHT=2", "TOP_LEVEL=3", *options, small=False)
    return decoded(path).levels[0].id_


def test_level_of_a_source_on_the_grid(tmp_path):
    """Its own, whatever the strategy; another one on demand."""
    dataset = source(noise(1))
    for strategy in ("AUTO", "LOWER", "UPPER"):
        assert bottom_id(tmp_path / (strategy + ".json"), dataset,
                         "ZOOM_LEVEL_STRATEGY=" + strategy) == "5"
    assert bottom_id(tmp_path / "6.json", dataset, "BOTTOM_LEVEL=6") == "6"
    # Of pixels that are not square, the mean counts.
    cell = rok4_write.matrix_of()["cellSize"]
    wide = change(source(noise(1)), t1=4 * cell)
    assert bottom_id(tmp_path / "wide.json", wide) == "4"


@pytest.mark.parametrize("crs,corner,size", [
    ("EPSG:4326", (2, 47), .04), ("EPSG:4326", (2, 69), .05),
    ("EPSG:32631", (400000, 7600000), 1900), ("EPSG:2154", (6e5, 7e6), 5000)])
def test_level_in_another_crs(crs, corner, size, tmp_path):
    """The resolution is the one that gdalwarp would choose."""
    dataset = source(noise(1, (80, 60)))
    dataset.SetGeoTransform((corner[0], size, 0, corner[1], 0, -size))
    set_crs(dataset, crs)
    resolution = gdal.AutoCreateWarpedVRT(
        dataset, None,
        source(noise(1)).GetProjection()).GetGeoTransform()[1]
    ratios = {m["id"]: resolution / m["cellSize"]
              for m in rok4_write.load_tms()["tileMatrices"]}
    wanted = min((abs(ratio - 1), level) for level, ratio in ratios.items()
                 if .8 <= ratio <= 1.6)[1]
    assert bottom_id(tmp_path / "a.json", dataset) == wanted


@pytest.mark.parametrize("px,size,cell,limits", [
    # On the grid: one tile, and a pixel more on each side.
    ((4160, 2880), (64, 64), 1, (65, 45, 65, 45)),
    ((4159, 2880), (64, 65), 1, (64, 45, 65, 45)),
    ((4160, 2879), (65, 64), 1, (65, 44, 65, 45)),
    ((4160, 2880), (65, 64), 1, (65, 45, 65, 46)),
    ((4160, 2880), (64, 65), 1, (65, 45, 66, 45)),
    ((4160.004, 2880.004), (64, 64), 1, (65, 45, 65, 45)),
    ((4159.996, 2879.996), (64, 64), 1, (65, 45, 65, 45)),
    # Off the grid: 50 pixels of 1.28 are a tile, and may stand out by a bit.
    ((4160, 2880), (50, 50), 1.28, (65, 45, 65, 45)),
    ((4160.005, 2879.995), (50, 50), 1.28, (65, 45, 65, 45)),
    ((4160.1, 2880), (50, 50), 1.28, (65, 45, 66, 45)),
    ((4160, 2879.9), (50, 50), 1.28, (65, 44, 65, 45)),
    ((4160, 2880), (50, 100), 1.28, (65, 45, 66, 45))])
def test_limits(px, size, cell, limits, tmp_path):
    """The tiles that a source meets, none more; borders belong to one tile."""
    dataset = source(noise(1, size), px,
                     cell=cell * rok4_write.matrix_of()["cellSize"])
    path = create(tmp_path / "a.json", dataset, *FIVE)
    assert decoded(path).levels[0].limits == limits


# ---- Validity ----


def check_validity(path, dataset, pixels, valid, nodata, *options, keep=False):
    """Pixels that are valid are as they were; the others, unless keep says
    that they stay, have the nodata values, as has the rest."""
    level, found, mask = made(path, dataset, *FIVE, *options)
    at = part(level, found)
    np.testing.assert_array_equal(part(level, mask), valid)
    assert mask.sum() == valid.sum()
    assert decoded(path).nodata.tolist() == list(nodata)
    if not keep:
        pixels = np.where(valid[:, :, None], pixels,
                          np.array(nodata, pixels.dtype))
    np.testing.assert_array_equal(at, pixels)
    rest = np.ones(mask.shape, bool)
    part(level, rest)[:] = False
    assert (found[rest] == np.array(nodata, found.dtype)).all()


def spot(rows, cols, size=SIZE):
    out = np.ones(size, bool)
    out[rows, cols] = False
    return out


HOLE = spot(np.s_[20:50], np.s_[30:200])
NAN = float("nan")


def with_nodata(pixels, *values):
    """A dataset with a nodata value by band, None for none."""
    dataset = source(pixels)
    for i, value in enumerate(values):
        if value is not None:
            dataset.GetRasterBand(i + 1).SetNoDataValue(value)
    return dataset


@pytest.mark.parametrize("values", [(9, 9, 9), (10, 20, 30), (10, 0, 255)])
def test_nodata_of_all_bands(values, tmp_path):
    """Only a pixel whose bands all have their value is not valid."""
    pixels = noise(3)
    pixels[~HOLE] = values
    for i, value in enumerate(values):
        pixels[100 + i, :, i] = value
        pixels[105 + i] = values
        pixels[105 + i, :, i] ^= 1
    check_validity(tmp_path / "a.json", with_nodata(pixels, *values), pixels,
                   HOLE, values)
    check_validity(tmp_path / "b.json", with_nodata(pixels, *values), pixels,
                   HOLE, (3, 2, 1), "NODATA=3,2,1")


@pytest.mark.parametrize("values", [
    (9, None, 9), (None, 9, 9), (-9999, -9999, -9999), (256, 9, 9),
    (7.5, 9, 9)])
def test_nodata_that_no_pixel_has(values, tmp_path):
    """A band without a nodata value, or with one that it cannot hold, always
    has data."""
    pixels = noise(3)
    pixels[~HOLE] = 9
    level, found, valid = made(tmp_path / "a.json",
                               with_nodata(pixels, *values), *FIVE)
    assert part(level, valid).all()
    np.testing.assert_array_equal(part(level, found), pixels)


@pytest.mark.parametrize("value,stored", [
    (-9999, -9999), (NAN, -99999), (-3.4028234663852886e38, -99999),
    (-3.4028235e38, -99999), (0.5, -99999), (None, -99999)])
def test_nodata_of_floats(value, stored, tmp_path):
    """NaN is never valid, nor is the least of all floats, rounded or not; what
    a descriptor cannot hold is rewritten."""
    pixels = noise(1, dtype=np.float32)
    valid = spot(np.s_[60:70], np.s_[:])
    if value is not None:
        pixels[~HOLE] = max(value, float(np.finfo(np.float32).min))
        valid &= HOLE
    pixels[60:70] = NAN
    source(pixels, nodata=value, path=tmp_path / "source.tif")
    check_validity(tmp_path / "a.json",
                   gdal.Open(str(tmp_path / "source.tif")), pixels, valid,
                   [stored])


def test_floats_of_two_colours(tmp_path):
    """NaN and the nodata value go together; a lone one is rewritten."""
    pixels = noise(3, dtype=np.float32)
    pixels[~HOLE] = (-1, NAN, -3)
    pixels[100:110, :, 0] = -1
    pixels[120:130, :, 1] = NAN
    expected = pixels.copy()
    expected[120:130, :, 1] = -2
    check_validity(tmp_path / "a.json", with_nodata(pixels, -1, -2, -3),
                   expected, HOLE, (-1, -2, -3))


def test_nodata_values_metadata(tmp_path):
    """NODATA_VALUES is GDAL's way to the same."""
    pixels = noise(3)
    pixels[~HOLE] = (1, 2, 3)
    pixels[100:110, :, 0] = 1
    dataset = source(pixels)
    dataset.SetMetadataItem("NODATA_VALUES", "1 2 3")
    check_validity(tmp_path / "a.json", dataset, pixels, HOLE, [255] * 3)


def test_mask_of_a_band(tmp_path):
    """A mask of the band alone, and any value but 0 is valid."""
    pixels = noise(1)
    dataset = source(pixels)
    band = dataset.GetRasterBand(1)
    band.CreateMaskBand(0)
    band.GetMaskBand().WriteArray(np.where(HOLE, 1, 0).astype(np.uint8))
    check_validity(tmp_path / "a.json", dataset, pixels, HOLE, [255])


@pytest.mark.parametrize("bands", [2, 4])
def test_alpha(bands, tmp_path):
    """0 is not valid, all else is; colours below stay as they are."""
    pixels = noise(bands)
    pixels[:, :, -1] = np.where(HOLE, 255, 0)
    pixels[80:90, :, -1] = 1
    nodata = [255] * (bands - 1) + [0]
    for i, told in enumerate((True, False)):
        check_validity(tmp_path / ("%d.json" % i),
                       source(pixels, alpha=told), pixels, HOLE, nodata,
                       keep=True)


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("how", ["nodata", "mask", "none"])
def test_added_alpha(how, colours, tmp_path):
    """ADD_ALPHA=YES makes it of what tells validity."""
    pixels = noise(colours)
    pixels[~HOLE] = 7
    valid = np.ones(SIZE, bool) if how == "none" else HOLE
    dataset = source(pixels, nodata=7 if how == "nodata" else None,
                     mask=HOLE if how == "mask" else None)
    fill = 7 if how == "nodata" else 255
    alpha = np.where(valid, 255, 0).astype(np.uint8)[:, :, None]
    check_validity(tmp_path / "a.json", dataset,
                   np.concatenate([pixels, alpha], axis=2), valid,
                   [fill] * colours + [0], "ADD_ALPHA=YES")
