# SPDX-License-Identifier: MIT
"""What a reader sees of a pyramid, to be compared with the same elsewhere."""

import functools
import json

import numpy as np
from osgeo import gdal

import rok4_make
import rok4_tms
import rok4_util
import rok4_write
from rok4_util import bands_of, read_bands

def described(dataset):
    """All but pixels, and but where slabs are."""
    record = json.loads(dataset.GetMetadata_List("json:ROK4")[0])
    for level in record["descriptor"]["levels"]:
        level["masks"] = bool({"mask_directory", "mask_prefix"} &
                              set(level.pop("storage")))
    out = {"record": record,
           "size": (dataset.RasterXSize, dataset.RasterYSize),
           "transform": dataset.GetGeoTransform(),
           "crs": dataset.GetProjection()}
    for domain in ("", "ROK4", "IMAGE_STRUCTURE"):
        out["metadata " + domain] = dataset.GetMetadata(domain)
    out["bands"] = [
        (band.DataType, band.GetBlockSize(), band.GetNoDataValue(),
         band.GetColorInterpretation(), band.GetMaskFlags(),
         [(band.GetOverview(i).XSize, band.GetOverview(i).YSize)
          for i in range(band.GetOverviewCount())])
        for band in bands_of(dataset)]
    return out


def levels_of(dataset):
    """[(pixels, masks)] of all bands, from the finest level on."""
    out = []
    count = dataset.GetRasterBand(1).GetOverviewCount()
    for overview in [None] + list(range(count)):
        bands = bands_of(dataset, overview)
        out.append((read_bands(bands), read_bands([
            band.GetMaskBand() for band in bands])))
    return out


def seen(path, *options):
    """(described, levels_of) of what opens there."""
    dataset = rok4_util.open_dataset(path, *options)
    with rok4_util.Errors() as errors:
        out = described(dataset), levels_of(dataset)
    assert not errors.texts()
    return out


@functools.lru_cache(maxsize=None)
def seen_in_files(name, *options):
    """The same of a fixture, as files on the disk."""
    return seen(rok4_util.fixture(name), *options)


def assert_same_levels(found, expected):
    """Pixels and masks, to the bit."""
    assert len(found) == len(expected)
    for i, (ours, theirs) in enumerate(zip(found, expected)):
        for what, left, right in zip(("pixels", "masks"), ours, theirs):
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(
                left, right, "%s of level %d from the finest" % (what, i))


def assert_same(path, name, *options, **here):
    """The pyramid at path is read as the fixture of that name. here: options
    for the one at path only."""
    more = ["%s=%s" % item for item in here.items()]
    found = seen(path, *options, *more)
    expected = seen_in_files(name, *options)
    assert found[0] == expected[0]
    assert_same_levels(found[1], expected[1])


def failure(dataset, *window):
    """The message of a read that must fail, and give nothing."""
    with rok4_util.Errors() as errors:
        assert dataset.ReadAsArray(*window) is None
    # GDAL adds its own where it reads block by block.
    assert errors.failures, "no message"
    return errors.failures[0]


def refused_by_rok4(path, *options):
    """The message of an opening that the driver must refuse."""
    with rok4_util.Errors() as errors:
        dataset = gdal.OpenEx(str(path), gdal.OF_RASTER,
                              allowed_drivers=["ROK4"],
                              open_options=list(options))
    assert dataset is None
    assert len(errors.failures) == 1, errors.texts()
    return errors.failures[0]


def part_of(name, slab_col, slab_row):
    """The part of a fixture's finest level that a slab has."""
    level = max(seen_in_files(name)[0]["record"]["descriptor"]["levels"],
                key=lambda level: int(level["id"]))
    limits, tile = level["tile_limits"], seen_in_files(name)[0]["bands"][0][1]
    part = []
    for slab, size, first, side in (
            (slab_row, level["tiles_per_height"], limits["min_row"], tile[1]),
            (slab_col, level["tiles_per_width"], limits["min_col"], tile[0])):
        part.append(slice(max(slab * size - first, 0) * side,
                          ((slab + 1) * size - first) * side))
    return tuple(part)


def mosaic(root, name="mosaic", fmt="TIFF_RAW_UINT8", slabs=(8, 8), side=4,
           level="5", definition=None, seed=0):
    """Writes a pyramid of one level, RGB noise on waves, of so many slabs of
    side x side tiles. Returns its path and pixels [height][width][3]. Of T64,
    where tiles have 64 pixels a side, or of another TMS."""
    definition = definition or rok4_write.load_tms("T64")
    first = 4 * side
    limits = (first, first, first + slabs[0] * side - 1,
              first + slabs[1] * side - 1)
    tile = rok4_tms.level_of(definition, level)
    image = rok4_make.pattern(
        (slabs[1] * side * tile["tileHeight"],
         slabs[0] * side * tile["tileWidth"], 3), smooth="JPG" in fmt,
        seed=seed)
    made = rok4_make.Pyramid(str(root), name, definition, fmt, 3, levels=[
        rok4_make.Level(level, limits, (side, side), image=image)])
    made.write()
    return made.path, image


def fixture_dataset(name):
    return rok4_util.open_dataset(rok4_util.fixture(name))
