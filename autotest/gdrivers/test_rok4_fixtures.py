# SPDX-License-Identifier: MIT
"""Every pyramid made by ROK4's own tools, every tile of every level."""

import os
import shutil

import numpy as np
import pytest
from osgeo import gdal, osr

import rok4_decode
import rok4_util
from rok4_util import (assert_pixels, bands_of, fixture, masks_of,
                       open_dataset, pixels_of, read_bands)

NAMES = rok4_util.FIXTURES
MASKED = ["pm_png_mask", "t64_zip_mask"]


@pytest.fixture
def reference(tms_directory):
    return lambda name: rok4_decode.Pyramid(fixture(name), tms_directory)


def test_fixtures_are_all_there():
    assert len(NAMES) >= 34


@pytest.mark.parametrize("name", NAMES)
def test_levels_are_overviews(name, reference):
    pyramid = reference(name)
    dataset = open_dataset(fixture(name))
    base = pyramid.levels[0]
    assert (dataset.RasterXSize, dataset.RasterYSize) == base.size
    assert dataset.RasterCount == pyramid.channels
    assert_pixels(pixels_of(dataset), pyramid.level_array(base),
                  pyramid.codec)
    first = dataset.GetRasterBand(1)
    assert first.GetOverviewCount() == len(pyramid.levels) - 1
    for i, level in enumerate(pyramid.levels[1:]):
        expected = pyramid.overview(base, level)
        bands = bands_of(dataset, i)
        assert ((bands[0].XSize, bands[0].YSize) ==
                rok4_decode.overview_size(base, level))
        assert_pixels(read_bands(bands), expected, pyramid.codec)


@pytest.mark.parametrize("name", NAMES)
def test_levels_alone(name, reference):
    pyramid = reference(name)
    for i, level in enumerate(pyramid.levels):
        dataset = open_dataset(fixture(name), "TILEMATRIX=" + level.id_)
        assert (dataset.RasterXSize, dataset.RasterYSize) == level.size
        np.testing.assert_allclose(dataset.GetGeoTransform(),
                                   level.geotransform, rtol=1e-12, atol=1e-9)
        assert_pixels(pixels_of(dataset), pyramid.level_array(level),
                      pyramid.codec)
        count = dataset.GetRasterBand(1).GetOverviewCount()
        assert count == len(pyramid.levels) - 1 - i
        for j, coarser in enumerate(pyramid.levels[i + 1:]):
            assert_pixels(read_bands(bands_of(dataset, j)),
                          pyramid.overview(level, coarser), pyramid.codec)


@pytest.mark.parametrize("name", NAMES)
def test_dataset(name, reference):
    pyramid = reference(name)
    dataset = open_dataset(fixture(name))
    base = pyramid.levels[0]
    np.testing.assert_allclose(dataset.GetGeoTransform(), base.geotransform,
                               rtol=1e-12, atol=1e-9)
    wanted = osr.SpatialReference()
    wanted.SetFromUserInput(pyramid.tms["crs"])
    wanted.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    srs = dataset.GetSpatialRef()
    assert srs.IsSame(wanted)
    assert (srs.GetAxisMappingStrategy() == osr.OAMS_TRADITIONAL_GIS_ORDER)
    authority, code = pyramid.tms["crs"].split(":")
    assert srs.GetAuthorityName(None) == authority
    assert srs.GetAuthorityCode(None) == code
    colours = {1: [gdal.GCI_GrayIndex],
               2: [gdal.GCI_GrayIndex, gdal.GCI_AlphaBand],
               3: [gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand],
               4: [gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand,
                   gdal.GCI_AlphaBand]}[pyramid.channels]
    kind = gdal.GDT_Float32 if pyramid.dtype == np.float32 else gdal.GDT_Byte
    for band, colour in zip(bands_of(dataset), colours):
        assert band.GetColorInterpretation() == colour
        assert band.DataType == kind
        assert tuple(band.GetBlockSize()) == base.tile
    # GDAL lists what it may delete: never the TMS, never slabs.
    files = [os.path.basename(f) for f in dataset.GetFileList()]
    assert files == [name + ".json", name + ".list"]
    assert dataset.GetMetadata("SUBDATASETS") == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_block(name, reference):
    """ReadBlock, with whole blocks: sizes are multiples of the tile."""
    pyramid = reference(name)
    level = pyramid.levels[min(1, len(pyramid.levels) - 1)]
    dataset = open_dataset(fixture(name), "TILEMATRIX=" + level.id_)
    expected = pyramid.level_array(level)
    width, height = level.tile
    for i, band in enumerate(bands_of(dataset)):
        for row in range(level.size[1] // height):
            for col in range(level.size[0] // width):
                data = band.ReadBlock(col, row)
                found = np.frombuffer(data, pyramid.dtype)
                tile = expected[row * height:(row + 1) * height,
                                col * width:(col + 1) * width, i]
                assert_pixels(found.reshape(height, width),
                              np.ascontiguousarray(tile), pyramid.codec)


@pytest.mark.parametrize("name", MASKED)
def test_masks(name, reference):
    pyramid = reference(name)
    dataset = open_dataset(fixture(name))
    base = pyramid.levels[0]
    for i, level in enumerate(pyramid.levels):
        expected = pyramid.overview(base, level, mask=True)[:, :, 0] != 0
        bands = bands_of(dataset, i - 1 if i else None)
        assert all(b.GetMaskFlags() == gdal.GMF_PER_DATASET for b in bands)
        np.testing.assert_array_equal(masks_of(bands), expected)
        mask = bands[0].GetMaskBand()
        assert set(np.unique(mask.ReadAsArray())) <= {0, 255}
        alone = open_dataset(fixture(name), "TILEMATRIX=" + level.id_)
        np.testing.assert_array_equal(
            masks_of(bands_of(alone)),
            pyramid.level_array(level, mask=True)[:, :, 0] != 0)
    mask = dataset.GetRasterBand(1).GetMaskBand()
    assert mask.GetOverviewCount() == len(pyramid.levels) - 1
    for i, level in enumerate(pyramid.levels[1:]):
        np.testing.assert_array_equal(
            mask.GetOverview(i).ReadAsArray() != 0,
            pyramid.overview(base, level, mask=True)[:, :, 0] != 0)


def test_masks_have_holes(reference):
    """The comparisons above would not notice masks that are all valid."""
    for name in MASKED:
        pyramid = reference(name)
        mask = pyramid.level_array(pyramid.levels[0], mask=True)
        assert 0 < (mask == 0).mean() < 1


def test_hole(reference):
    """Absent slabs: the descriptor's values, all valid without masks."""
    pyramid = reference("t64_zip_hole")
    dataset = open_dataset(fixture("t64_zip_hole"))
    level = pyramid.levels[0]
    absent = [(col, row) for row in range(44, 51) for col in range(65, 75)
              if pyramid.tile_bytes(level, col, row) is None]
    assert 0 < len(absent) < 70
    col, row = absent[0]
    window = dataset.ReadAsArray((col - 65) * 64, (row - 44) * 64, 64, 64)
    assert (window == 0).all()
    assert dataset.GetRasterBand(1).GetMaskFlags() == gdal.GMF_ALL_VALID


def test_links(moved, tmp_path, reference):
    """Relative symbolic links to the slabs of another pyramid; then links
    whose target is gone: an error, for the data are lost, not absent."""
    place = tmp_path / "linked"
    for name in ("t64_zip_uint8_rgb", "t64_upd_slink"):
        shutil.copytree(fixture(name)[:-5], str(place / name), symlinks=True)
        shutil.copy(fixture(name), str(place))
    link = place / "t64_upd_slink" / "DATA" / "5" / "00" / "00" / "WM.tif"
    assert link.is_symlink()
    pyramid = reference("t64_upd_slink")
    dataset = open_dataset(place / "t64_upd_slink.json")
    np.testing.assert_array_equal(pixels_of(dataset),
                                  pyramid.level_array(pyramid.levels[0]))
    dataset = None
    shutil.rmtree(str(place / "t64_zip_uint8_rgb"))
    dataset = open_dataset(place / "t64_upd_slink.json")
    with rok4_util.Errors() as errors:
        assert dataset.ReadAsArray(0, 0, 64, 64) is None
    assert len(errors.failures) == 1 and "WM.tif" in errors.failures[0]


def test_updated_pyramids_are_alike(moved, tmp_path):
    """be4's update modes give the same pixels; hlink and copy hold the same
    bytes as inject, under another name."""
    inject = pixels_of(open_dataset(fixture("t64_inject")))
    slink = pixels_of(open_dataset(fixture("t64_upd_slink")))
    np.testing.assert_array_equal(inject, slink)
    path = moved("t64_inject")
    renamed = path.replace("t64_inject.json", "t64_upd_hlink.json")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(renamed, "w", encoding="utf-8") as file:
        file.write(text.replace("t64_inject/", "t64_upd_hlink/"))
    os.makedirs(renamed[:-5])
    for place, _, files in os.walk(path[:-5]):
        for file in files:
            source = os.path.join(place, file)
            target = source.replace("t64_inject", "t64_upd_hlink")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.link(source, target)
    np.testing.assert_array_equal(pixels_of(open_dataset(renamed)), inject)


@pytest.mark.parametrize("name", ["t64_jpg_uint8_rgb", "t64_zip_1x1",
                                  "t64_raw_4x2_depth3"])
def test_moved(name, moved, tmp_path, reference):
    """Moved with its own directory, with stale roots in the list."""
    pyramid = reference(name)
    path = moved(name, tmp_path / "été with spaces" / "a'b")
    dataset = open_dataset(path)
    assert_pixels(pixels_of(dataset), pyramid.level_array(pyramid.levels[0]),
                  pyramid.codec)


def test_vector_descriptor():
    message = rok4_util.refused(fixture("pm_mvt"))
    assert "vector pyramid" in message
