# SPDX-License-Identifier: MIT
"""BuildOverviews and gdaladdo: coarser levels built, rebuilt, removed."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from osgeo import gdal

import rok4_tms
import rok4_util
import rok4_write
from rok4_util import Errors, open_dataset
from rok4_write import Model, create, decoded, noise, source, strict, tree


def bottom_only(tmp_path, *options, pixels=None, name="a", **more):
    pixels = noise(3) if pixels is None else pixels
    return create(tmp_path / (name + ".json"), source(pixels, **more),
                  "TOP_LEVEL=5", *options)


def create_whole(tmp_path, dataset, *options):
    """A pyramid of the same name with all levels."""
    place = tmp_path / "whole"
    place.mkdir()
    return create(place / "a.json", dataset, *options)


def open_update(path):
    dataset = gdal.OpenEx(path, gdal.OF_UPDATE)
    assert dataset is not None, gdal.GetLastErrorMsg()
    return dataset


def build(path, method, factors, update=True, callback=None):
    """The messages of a BuildOverviews, and whether it succeeded."""
    dataset = open_update(path) if update else open_dataset(path)
    with Errors() as errors:
        done = dataset.BuildOverviews(method, factors, callback=callback)
    del dataset
    return done == 0, errors.texts()


def built(path, method, factors, **more):
    done, texts = build(path, method, factors, **more)
    assert done and not texts, texts


def level_ids(path):
    return [level["id"] for level in rok4_write.descriptor(path)["levels"]]


def recorded(path):
    return rok4_write.descriptor(path)["gdal_rok4"]["overview_resampling"]


@pytest.mark.parametrize("update", [True, False])
@pytest.mark.parametrize("method", ["AVERAGE", "NEAREST", "MODE", "RMS"])
def test_as_created(method, update, tmp_path):
    """What CreateCopy builds at once, byte for byte."""
    path = bottom_only(tmp_path)
    built(path, method.lower(), [2, 4, 8], update=update)
    whole = create_whole(tmp_path, source(noise(3)),
                   "OVERVIEW_RESAMPLING=" + method)
    rok4_write.same_slabs(path, whole)
    assert rok4_write.descriptor(path) == rok4_write.descriptor(whole)
    with open(path[:-5] + ".list", encoding="utf-8") as ours, \
            open(whole[:-5] + ".list", encoding="utf-8") as theirs:
        assert ours.read().split("\n")[1:] == theirs.read().split("\n")[1:]
    strict(path)


@pytest.mark.parametrize("kind", ["mask", "alpha", "nodata", "float"])
def test_what_does_not_count(kind, tmp_path):
    valid = rok4_write.noise(1)[:, :, 0] > 100
    bands = {"mask": 3, "alpha": 4, "nodata": 1, "float": 1}[kind]
    dtype = np.float32 if kind == "float" else np.uint8
    pixels = noise(bands, dtype=dtype)
    more, options = {}, []
    if kind == "mask":
        more, options = {"mask": valid}, ["MASK=YES"]
    elif kind == "alpha":
        pixels[:, :, 3] = np.where(valid, pixels[:, :, 3], 0)
        more = {"alpha": True}
    else:
        nodata = -99999 if kind == "float" else 255
        pixels[~valid] = nodata
        more = {"nodata": nodata}
    path = bottom_only(tmp_path, *options, pixels=pixels, **more)
    built(path, "average", [2, 4, 8])
    whole = create_whole(tmp_path, source(pixels, **more),
                   *options)
    rok4_write.same_slabs(path, whole)


@pytest.mark.parametrize("method", ["BILINEAR", "CUBIC", "CUBICSPLINE",
                                    "LANCZOS", "GAUSS"])
def test_methods_of_gdal(method, tmp_path):
    """Within the data, as GDAL makes overviews of the same pixels."""
    pixels = noise(3, (256, 256))
    path = create(tmp_path / "a.json", source(pixels, px=(64 * 64, 44 * 64)),
                  "TOP_LEVEL=5")
    built(path, method, [2, 4])
    assert recorded(path) == method
    other = source(pixels)
    other.BuildOverviews(method, [2])
    found = open_dataset(path)
    for i in range(3):
        ours = found.GetRasterBand(i + 1).GetOverview(0).ReadAsArray()
        theirs = other.GetRasterBand(i + 1).GetOverview(0).ReadAsArray()
        assert np.abs(ours.astype(int) - theirs)[8:-8, 8:-8].max() <= 1
    assert found.GetRasterBand(1).GetOverviewCount() == 2


def test_dataset_sees_its_levels(tmp_path):
    """Without opening it again; bands of former overviews stay usable."""
    path = bottom_only(tmp_path)
    dataset = open_update(path)
    band = dataset.GetRasterBand(2)
    assert band.GetOverviewCount() == 0
    assert dataset.BuildOverviews("AVERAGE", [2, 4]) == 0
    assert band.GetOverviewCount() == 2
    first = band.GetOverview(0)
    seen = first.ReadAsArray()
    assert dataset.BuildOverviews("NEAREST", [2, 4, 8]) == 0
    assert band.GetOverviewCount() == 3
    first.Checksum()
    fresh = open_dataset(path)
    for i in range(3):
        np.testing.assert_array_equal(
            band.GetOverview(i).ReadAsArray(),
            fresh.GetRasterBand(2).GetOverview(i).ReadAsArray())
    assert (band.GetOverview(0).ReadAsArray() != seen).any()
    assert '"id":"2"' in dataset.GetMetadata_List("json:ROK4")[0]
    assert dataset.BuildOverviews("NEAREST", []) == 0
    assert band.GetOverviewCount() == 0


def test_pixels_written_before(tmp_path):
    """What was written to the dataset is in the levels, too."""
    path = bottom_only(tmp_path)
    dataset = open_update(path)
    whole = dataset.ReadAsArray()
    whole[:, 40:90, 50:150] = 7
    for i in range(3):
        dataset.GetRasterBand(i + 1).WriteArray(whole[i])
    assert dataset.BuildOverviews("AVERAGE", [2, 4, 8]) == 0
    del dataset
    dataset = open_dataset(path)
    found = dataset.GetRasterBand(1).GetOverview(0).ReadAsArray()
    assert (found[20:45, 25:75] == 7).all()


def test_through_a_band(tmp_path):
    path = bottom_only(tmp_path)
    with Errors() as errors:
        dataset = open_dataset(path)
        assert dataset.BuildOverviews("AVERAGE", [2, 4]) == 0
        overview = dataset.GetRasterBand(1).GetOverview(0).GetDataset()
        assert overview is None or overview.BuildOverviews("NEAREST", [2])
    assert not os.path.exists(path + ".ovr")
    assert len(errors.failures) <= 1


def test_gaps_are_filled(tmp_path):
    """Other tools know pyramids without gaps only."""
    path = bottom_only(tmp_path)
    built(path, "average", [8])
    assert level_ids(path) == ["2", "3", "4", "5"]
    whole = create_whole(tmp_path, source(noise(3)))
    rok4_write.same_slabs(path, whole)


def test_one_level_of_several(tmp_path):
    """Only the level asked for is made, of the one before."""
    path = create(tmp_path / "a.json", source(noise(3)))
    before = rok4_write.slabs(path)
    built(path, "nearest", [4])
    after = rok4_write.slabs(path)
    assert sorted(before) == sorted(after)
    changed = {key.split("/")[1] for key in before
               if before[key] != after[key]}
    assert changed == {"3"}
    pyramid = decoded(path)
    fine, coarse = pyramid.level("4"), pyramid.level("3")
    pixels = pyramid.level_array(fine)
    x = coarse.limits[0] * 128 - fine.limits[0] * 64
    y = coarse.limits[1] * 128 - fine.limits[1] * 64
    found = pyramid.level_array(coarse)[max(0, -y) // 2:, max(0, -x) // 2:]
    wanted = pixels[max(0, y)::2, max(0, x)::2]
    height, width = (min(a, b) for a, b in
                     zip(found.shape[:2], wanted.shape[:2]))
    np.testing.assert_array_equal(found[:height, :width],
                                  wanted[:height, :width])


def test_clean(tmp_path):
    """Levels and their slabs go, the rest stays as it is."""
    path = create(tmp_path / "a.json", source(noise(3)), "MD5=YES")
    bottom = bottom_only(tmp_path, "MD5=YES", name="b")
    built(path, "nearest", [])
    assert level_ids(path) == ["5"]
    rok4_write.same_slabs(path, bottom)
    assert sorted(os.listdir(tmp_path / "a" / "DATA")) == ["5"]
    for extension in (".list", ".md5"):
        with open(path[:-5] + extension, encoding="utf-8") as ours, \
                open(bottom[:-5] + extension, encoding="utf-8") as theirs:
            assert ours.read().replace("/a", "/b") == theirs.read()
    strict(path)
    before = tree(tmp_path)
    built(path, "nearest", [])
    assert tree(tmp_path) == before


def test_none_writes_no_slab(tmp_path):
    """As in GDAL: levels that are there, and empty."""
    path = bottom_only(tmp_path)
    before = rok4_write.slabs(path)
    built(path, "none", [2, 4])
    assert rok4_write.slabs(path) == before
    assert level_ids(path) == ["3", "4", "5"]
    assert recorded(path) == "AVERAGE"


def test_companions_stay_away(tmp_path):
    path = bottom_only(tmp_path, "LIST=NO")
    built(path, "average", [2, 4, 8])
    assert sorted(os.listdir(tmp_path)) == ["a", "a.json"]


@pytest.mark.parametrize("method, factors, word", [
    ("average", [3], "there are: 2, 4, 8, 16, 32"),
    ("average", [2, 64], "no level of the tile matrix set has ratio 64"),
    ("average", [1], "ratio 1"), ("AVERAGE_MAGPHASE", [2], "MAGPHASE"),
    ("wrong", [2], "wrong")])
def test_refused(method, factors, word, tmp_path):
    path = bottom_only(tmp_path)
    before = tree(tmp_path)
    done, texts = build(path, method, factors)
    assert not done and len(texts) == 1 and word in texts[0], texts
    assert tree(tmp_path) == before


def test_some_bands(tmp_path):
    """gdaladdo -b; Python has no way to it."""
    path = bottom_only(tmp_path)
    before = tree(tmp_path)
    done = run_gdaladdo("-b", "1", path, "2")
    assert done.returncode != 0 and "all bands" in done.stderr
    assert tree(tmp_path) == before


def test_slabs_elsewhere(tmp_path):
    """Slabs that are not the pyramid's own are not touched."""
    for name in ("t64_zip_uint8_rgb.json", "t64_zip_uint8_rgb"):
        place = os.path.join(rok4_util.DATA, name)
        (shutil.copytree if os.path.isdir(place) else shutil.copy)(
            place, tmp_path / name)
    path = str(tmp_path / "t64_zip_uint8_rgb.json")
    other = str(tmp_path / "other.json")
    os.rename(path, other)
    before = tree(tmp_path)
    for factors in ([2], []):
        done, texts = build(other, "average", factors, update=False)
        assert not done and len(texts) == 1, texts
    assert tree(tmp_path) == before


def test_interrupted(tmp_path):
    path = bottom_only(tmp_path)
    before = tree(tmp_path)
    done, texts = build(path, "average", [2, 4, 8],
                        callback=lambda fraction, *_: fraction < 0.3)
    assert not done and len(texts) == 1, texts
    assert tree(tmp_path) == before


def test_progress(tmp_path):
    seen = []
    path = create(tmp_path / "a.json", source(noise(3)))
    built(path, "average", [2, 8],
          callback=lambda fraction, *_: seen.append(fraction) or 1)
    assert seen == sorted(seen) and seen[-1] == 1 and len(seen) > 2


def test_threads_do_not_matter(tmp_path):
    paths = [bottom_only(tmp_path, name=name) for name in "ab"]
    for path, threads in zip(paths, ("1", "4")):
        with rok4_util.config(GDAL_NUM_THREADS=threads):
            built(path, "cubic", [2, 4, 8])
    rok4_write.same_slabs(*paths)


def test_in_memory(tmp_path):
    created = create("/vsimem/o/a.json", source(noise(3)), "TOP_LEVEL=5")
    built(created, "average", [2, 4, 8])
    dataset = open_dataset(created)
    assert dataset.GetRasterBand(1).GetOverviewCount() == 3
    whole = open_dataset(create(tmp_path / "a.json", source(noise(3))))
    for i in range(3):
        np.testing.assert_array_equal(
            dataset.GetRasterBand(1).GetOverview(i).ReadAsArray(),
            whole.GetRasterBand(1).GetOverview(i).ReadAsArray())
    dataset = None
    gdal.RmdirRecursive("/vsimem/o")


# ---- gdaladdo ----

def run_gdaladdo(*arguments):
    return subprocess.run(
        ["gdaladdo", "--config", "ROK4_TMS_DIRECTORY",
         gdal.GetConfigOption("ROK4_TMS_DIRECTORY"), *arguments],
        capture_output=True, text=True, check=False)


def gdaladdo(*arguments):
    done = run_gdaladdo(*arguments)
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr


def test_gdaladdo_without_factors(tmp_path):
    """All levels of the TMS, as CreateCopy makes them."""
    pixels = noise(1, (700, 900))
    path = create(tmp_path / "a.json", source(pixels), "TOP_LEVEL=5")
    gdaladdo("-r", "rms", path)
    assert level_ids(path) == ["0", "1", "2", "3", "4", "5"]
    whole = create(tmp_path / "b.json", source(pixels), "TOP_LEVEL=0",
                   "OVERVIEW_RESAMPLING=RMS")
    rok4_write.same_slabs(path, whole)
    gdaladdo(path)
    assert recorded(path) == "NEAREST"
    whole = create(tmp_path / "c.json", source(pixels), "TOP_LEVEL=0",
                   "OVERVIEW_RESAMPLING=NEAREST")
    rok4_write.same_slabs(path, whole)


def test_gdaladdo(tmp_path):
    path = bottom_only(tmp_path)
    gdaladdo("-r", "average", path, "2", "4", "8")
    Model([255] * 3, "all").paint(noise(3)).check(path)
    gdaladdo("-ro", path, "2", "4", "8")
    Model([255] * 3, "all").paint(noise(3)).check(path, "NEAREST")
    gdaladdo("-clean", path)
    assert level_ids(path) == ["5"]
    assert not os.path.exists(path + ".ovr")


# ---- Grids that do not double ----

def irregular(tmp_path):
    """Cells of 1, 4/3, 2.5, 3 and 7.5, corners apart."""
    matrices = []
    for i, (ratio, shift) in enumerate(
            [(7.5, 3.3), (3, -11.0), (2.5, 0), (4 / 3, 0), (1, 0)]):
        size = int(64 * 40 / ratio / 64) + 2
        matrices.append(rok4_tms.matrix(
            i, 10 * ratio, (1000 + shift, 9000 - shift), (64, 64),
            (size, size)))
    tms = rok4_tms.tms("IRR", "EPSG:3857", matrices)
    rok4_tms.write(str(tmp_path), tms)
    return tms


def on_irregular(pixels, nodata=None):
    height, width, bands = pixels.shape
    dataset = gdal.GetDriverByName("MEM").Create(
        "", width, height, bands,
        gdal.GDT_Byte if pixels.dtype == np.uint8 else gdal.GDT_Float32)
    dataset.SetGeoTransform((1000 + 640, 10, 0, 9000 - 640, 0, -10))
    dataset.SetProjection("EPSG:3857")
    for i in range(bands):
        dataset.GetRasterBand(i + 1).WriteArray(pixels[:, :, i])
        if nodata is not None:
            dataset.GetRasterBand(i + 1).SetNoDataValue(nodata)
    return dataset


def test_irregular(tmp_path):
    """Every ratio; the mean is of what counts, by area."""
    tms = irregular(tmp_path)
    pixels = noise(1, (640, 640), np.float32)
    pixels[100:200, 150:300] = -99999
    pixels[::7, ::5] = -99999
    path = create(tmp_path / "a.json", on_irregular(pixels, -99999),
                  "TILING_SCHEME=IRR", "BOTTOM_LEVEL=4", "TOP_LEVEL=4",
                  "TMS_DIRECTORY=" + str(tmp_path), small=False)
    done, texts = build(path, "average", [7])
    assert not done and "1.33333, 2.5, 3, 7.5" in texts[0]
    for factor, ids in ((1, None), (3, ["1", "2", "3", "4"]),
                        (8, ["0", "1", "2", "3", "4"])):
        done, texts = build(path, "average", [factor])
        assert done == (ids is not None), texts
        if ids:
            assert level_ids(path) == ids
    pyramid = rok4_write.rok4_decode.Pyramid(path, str(tmp_path))
    level = pyramid.level("3")
    found = pyramid.level_array(level)[:, :, 0]
    assert rok4_tms.level_of(tms, "3")["cellSize"] == pytest.approx(40 / 3)
    wanted = area_mean(pixels[:, :, 0], 4 / 3, 64, level.limits, found.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=0.01)


def area_mean(pixels, ratio, offset, limits, shape):
    """Means by area of the valid pixels, which begin at pixel offset."""
    def weights(first, count):
        out = np.zeros((count, pixels.shape[0]))
        for i in range(count):
            low = (first + i) * ratio - offset
            for px in range(int(np.floor(low + 1e-6)),
                            int(np.ceil(low + ratio - 1e-6))):
                if 0 <= px < pixels.shape[0]:
                    out[i, px] = min(low + ratio, px + 1) - max(low, px)
        return out
    rows = weights(limits[1] * 64, shape[0])
    columns = weights(limits[0] * 64, shape[1])
    valid = pixels != -99999
    total = rows @ np.where(valid, pixels, 0).astype(float) @ columns.T
    area = rows @ valid.astype(float) @ columns.T
    return np.where(area > 1e-9, total / np.maximum(area, 1e-9), -99999)


def test_whole_ratios(tmp_path):
    """LAMB93_1M_MNT, all nine levels: the coinciding pixel of the finest."""
    size = 2300
    pixels = noise(1, (size, size), np.float32)
    dataset = gdal.GetDriverByName("MEM").Create("", size, size, 1,
                                                 gdal.GDT_Float32)
    dataset.SetGeoTransform((699999.5, 1, 0, 6600000.5, 0, -1))
    dataset.SetProjection("IGNF:LAMB93")
    dataset.GetRasterBand(1).WriteArray(pixels[:, :, 0])
    path = create(tmp_path / "a.json", dataset,
                  "TILING_SCHEME=LAMB93_1M_MNT", "BOTTOM_LEVEL=8",
                  "TOP_LEVEL=8", small=False)
    built(path, "nearest", [5, 25, 50, 75, 100, 250, 500, 1000])
    pyramid = decoded(path)
    assert [level.id_ for level in pyramid.levels] == [
        str(i) for i in range(8, -1, -1)]
    for level, cell in zip(pyramid.levels,
                           (1, 5, 25, 50, 75, 100, 250, 500, 1000)):
        found = pyramid.level_array(level)[:, :, 0]
        # Centres stand at multiples of the cell size, from x 0 and y 12000000.
        columns = (level.limits[0] * 256 + np.arange(found.shape[1])) * cell
        rows = (level.limits[1] * 256 + np.arange(found.shape[0])) * cell
        x, y = columns - 700000, rows - (12000000 - 6600000)
        wanted = np.full(found.shape, -99999, np.float32)
        in_x, in_y = (x >= 0) & (x < size), (y >= 0) & (y < size)
        wanted[np.ix_(in_y, in_x)] = pixels[np.ix_(y[in_y], x[in_x])][:, :, 0]
        np.testing.assert_array_equal(found, wanted, "cell %d" % cell)
