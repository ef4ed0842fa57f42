# SPDX-License-Identifier: MIT
"""Nodata values, masks, holes and the statistics that depend on them."""

import numpy as np
import pytest
from osgeo import gdal

import rok4_decode
import rok4_make
import rok4_tms
from rok4_util import (Errors, bands_of, fixture, masks_of, open_dataset,
                       pixels_of, read_bands, refused)

VALID, PER_DATASET = gdal.GMF_ALL_VALID, gdal.GMF_PER_DATASET
ALPHA, NODATA = gdal.GMF_ALPHA, gdal.GMF_NODATA


def checker(height, width):
    """A mask: 255 where the sum of 16-pixel cells is even, 63 in a corner."""
    px_y, px_x = np.mgrid[0:height, 0:width]
    mask = np.where((px_x // 16 + px_y // 16) % 2 == 0, 255, 0)
    mask = mask.astype(np.uint8)
    mask[:8, :8] = 63
    mask[8:16, :8] = 1
    return mask


def make(tmp_path, channels, masks=False, fmt="TIFF_ZIP_UINT8", nodata=None,
         fine=None, coarse=None, name="N"):
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(tmp_path), tms)
    levels = [rok4_make.Level("4", (8, 8, 11, 11), **(fine or {})),
              rok4_make.Level("3", (4, 4, 5, 5), **(coarse or {}))]
    if masks:
        levels[0].mask = checker(256, 256)
        levels[1].mask = checker(128, 128)
    return rok4_make.Pyramid(tmp_path, name, tms, fmt, channels, nodata,
                             levels=levels).write()


def flags(dataset):
    return {band.GetMaskFlags() for band in bands_of(dataset)}


def nodata_of(dataset):
    return [band.GetNoDataValue() for band in bands_of(dataset)]


def test_one_band(tmp_path):
    for fmt, text, value in (("TIFF_ZIP_UINT8", "0", 0),
                             ("TIFF_ZIP_UINT8", "255,7", 255),
                             ("TIFF_RAW_FLOAT32", "-99999", -99999)):
        dataset = open_dataset(make(tmp_path, 1, fmt=fmt, nodata=text))
        assert nodata_of(dataset) == [value]
        assert flags(dataset) == {NODATA}
        assert dataset.GetMetadata().get("NODATA_VALUES") is None
        overview = dataset.GetRasterBand(1).GetOverview(0)
        assert overview.GetNoDataValue() == value


def test_many_bands_have_none(tmp_path):
    """255 in each band is paper and snow in real data."""
    dataset = open_dataset(make(tmp_path, 3))
    assert nodata_of(dataset) == [None] * 3
    assert flags(dataset) == {VALID}
    assert dataset.GetMetadataItem("NODATA_VALUE", "ROK4") == "255,255,255"


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha(tmp_path, channels):
    dataset = open_dataset(make(tmp_path, channels, masks=True))
    assert nodata_of(dataset) == [None] * channels
    assert [b.GetMaskFlags() for b in bands_of(dataset)] == (
        [ALPHA | PER_DATASET] * (channels - 1) + [VALID])
    alpha = bands_of(dataset)[-1].ReadAsArray()
    np.testing.assert_array_equal(
        dataset.GetRasterBand(1).GetMaskBand().ReadAsArray(), alpha)
    # Asked for, the masks count.
    dataset = open_dataset(make(tmp_path, channels, masks=True), "MASK=YES")
    assert dataset.GetRasterBand(1).GetMaskFlags() == PER_DATASET
    np.testing.assert_array_equal(
        dataset.GetRasterBand(1).GetMaskBand().ReadAsArray() != 0,
        checker(256, 256) != 0)


def test_masks(tmp_path):
    path = make(tmp_path, 3, masks=True)
    for options in ([], ["MASK=YES"]):
        dataset = open_dataset(path, *options)
        assert flags(dataset) == {PER_DATASET}
        np.testing.assert_array_equal(masks_of(bands_of(dataset)),
                                      checker(256, 256) != 0)
        np.testing.assert_array_equal(masks_of(bands_of(dataset, 0)),
                                      checker(128, 128) != 0)
        mask = dataset.GetRasterBand(1).GetMaskBand()
        assert mask.DataType == gdal.GDT_Byte
        assert mask.GetOverviewCount() == 1
        np.testing.assert_array_equal(
            mask.ReadAsArray(17, 33, 100, 90) != 0,
            checker(256, 256)[33:123, 17:117] != 0)
        block = np.frombuffer(mask.ReadBlock(0, 0), np.uint8)
        np.testing.assert_array_equal(block.reshape(64, 64) != 0,
                                      checker(64, 64) != 0)
    dataset = open_dataset(path, "MASK=NO")
    assert flags(dataset) == {VALID}


def test_masks_of_one_band(tmp_path):
    """AUTO: the band's nodata; MASK=YES: the masks."""
    path = make(tmp_path, 1, masks=True, fmt="TIFF_ZIP_FLOAT32")
    dataset = open_dataset(path)
    assert nodata_of(dataset) == [-99999] and flags(dataset) == {NODATA}
    dataset = open_dataset(path, "MASK=YES")
    assert flags(dataset) == {PER_DATASET}
    np.testing.assert_array_equal(masks_of(bands_of(dataset)),
                                  checker(256, 256) != 0)
    with Errors() as errors:
        gdal.OpenEx(path, open_options=["MASK=perhaps"])
    assert any("MASK" in text for text in errors.texts())


def test_mask_without_masks(tmp_path):
    dataset = open_dataset(make(tmp_path, 3), "MASK=YES")
    assert flags(dataset) == {VALID}


def test_masks_of_holes(tmp_path):
    """Absent data: mask 0. Data without its mask slab: fully valid."""
    path = make(tmp_path, 3, masks=True,
                fine={"absent": {(4, 5)}, "empty": {(10, 8)},
                      "absent_masks": {(5, 5)}})
    dataset = open_dataset(path)
    expected = checker(256, 256) != 0
    expected[128:, :128] = False
    expected[:64, 128:192] = False
    expected[128:, 128:] = True
    np.testing.assert_array_equal(masks_of(bands_of(dataset)), expected)
    pixels = pixels_of(dataset)
    assert (pixels[128:, :128] == 255).all()
    assert (pixels[:64, 128:192] == 255).all()


def test_holes_hold_the_descriptors_values(tmp_path):
    """Each band its own; in overviews, blocks and resampled reads too."""
    path = make(tmp_path, 3, nodata="10,20,30",
                fine={"absent": {(4, 4)}}, coarse={"empty": {(4, 4)}})
    dataset = open_dataset(path)
    for i, value in enumerate((10, 20, 30)):
        band = dataset.GetRasterBand(i + 1)
        assert (band.ReadAsArray(0, 0, 128, 128) == value).all()
        assert set(band.ReadBlock(1, 1)) == {value}
        overview = band.GetOverview(0)
        assert (overview.ReadAsArray(0, 0, 64, 64) == value).all()
        assert set(overview.ReadBlock(0, 0)) == {value}
        assert (band.ReadAsArray(0, 0, 100, 100, 50, 50,
                                 resample_alg=gdal.GRIORA_Average) ==
                value).all()
    window = dataset.ReadAsArray(100, 100, 60, 60)
    assert (window[0, :28, :28] == 10).all()
    assert (window[2, :28, :28] == 30).all()
    whole = pixels_of(open_dataset(path, "NODATA=NONE"))
    np.testing.assert_array_equal(
        window, whole[100:160, 100:160].transpose(2, 0, 1))


def test_nodata_out_of_range(tmp_path):
    """Values that the sample type lacks: clamped, never wrapped."""
    path = make(tmp_path, 1, nodata="-99999", fine={"absent": {(4, 4)}})
    dataset = open_dataset(path)
    assert set(np.unique(dataset.ReadAsArray(0, 0, 128, 128))) == {0}
    path = make(tmp_path, 1, nodata="70000", fine={"absent": {(4, 4)}})
    dataset = open_dataset(path)
    assert set(np.unique(dataset.ReadAsArray(0, 0, 128, 128))) == {255}


@pytest.mark.parametrize("option,band_values,pixel_values", [
    ("AUTO", [None] * 3, None), ("BAND", [1, 2, 3], None),
    ("PIXEL", [None] * 3, "1 2 3"), ("NONE", [None] * 3, None)])
def test_nodata_option(tmp_path, option, band_values, pixel_values):
    path = make(tmp_path, 3, nodata="1,2,3", fine={"absent": {(4, 4)}})
    dataset = open_dataset(path, "NODATA=" + option)
    assert nodata_of(dataset) == band_values
    assert dataset.GetMetadataItem("NODATA_VALUES") == pixel_values
    assert dataset.GetMetadataItem("NODATA_VALUE", "ROK4") == "1,2,3"
    expected = {"AUTO": VALID, "NONE": VALID, "BAND": NODATA,
                "PIXEL": NODATA | PER_DATASET}[option]
    assert flags(dataset) == {expected}
    # The hole's pixels are the descriptor's whatever the option says.
    assert (dataset.ReadAsArray(0, 0, 9, 9).max(axis=(1, 2)) ==
            [1, 2, 3]).all()
    if option in ("BAND", "PIXEL"):
        mask = dataset.GetRasterBand(1).GetMaskBand().ReadAsArray()
        assert (mask[:128, :128] == 0).all() and (mask[:, 128:] != 0).all()


def test_nodata_option_one_band(tmp_path):
    path = make(tmp_path, 1, fmt="TIFF_RAW_FLOAT32")
    assert nodata_of(open_dataset(path, "NODATA=NONE")) == [None]
    assert nodata_of(open_dataset(path, "NODATA=BAND")) == [-99999]
    message = refused(path, "NODATA=sometimes")
    assert "NODATA" in message and "sometimes" in message


def terrain(tmp_path, absent=()):
    """Terrain from 100 to 900 with half of it nodata, and upper levels
    averaged with the nodata in them, as the reference does without masks."""
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(tmp_path), tms)
    px_y, px_x = np.mgrid[0:512, 0:512]
    image = (500 + 400 * np.sin(px_x / 40.0) * np.cos(px_y / 31.0))
    image = image.astype(np.float32)
    image[(px_x // 3 + px_y // 5) % 2 == 0] = -99999
    image = image[:, :, None]
    levels, pixels, limits = [], image, [8, 8, 15, 15]
    for id_ in ("5", "4", "3", "2"):
        levels.append(rok4_make.Level(id_, tuple(limits), (2, 2), 2, pixels))
        pixels = rok4_make.halved(pixels, np.float32)
        limits = [v // 2 for v in limits]
    levels[0].absent = absent
    pyramid = rok4_make.Pyramid(tmp_path, "T", tms, "TIFF_ZIP_FLOAT32", 1,
                                levels=levels)
    valid = image[image != -99999]
    return pyramid.write(), valid


def test_statistics_of_terrain(tmp_path, monkeypatch):
    """Approximate statistics must not see averages of nodata."""
    path, valid = terrain(tmp_path)
    with Errors() as errors:
        for approx in (True, False):
            dataset = open_dataset(path)
            band = dataset.GetRasterBand(1)
            low, high, mean, deviation = band.ComputeStatistics(approx)
            assert low >= valid.min() - 1e-3 and high <= valid.max() + 1e-3
            # A sample of the tiles, when approximate.
            assert mean == pytest.approx(valid.mean(),
                                         abs=100 if approx else 0.01)
            assert deviation == pytest.approx(valid.std(),
                                              rel=0.4 if approx else 1e-4)
            low, high = band.ComputeRasterMinMax(approx)
            assert low >= valid.min() - 1e-3 and high <= valid.max() + 1e-3
    assert errors.failures == []


def test_histogram_of_terrain(tmp_path):
    path, valid = terrain(tmp_path)
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(1)
    low, high, _, counts = band.GetDefaultHistogram(force=1)
    assert low > -100 and high < 2000 and sum(counts) > 0
    counts = band.GetHistogram(-100000, 1000, 101, approx_ok=1,
                               include_out_of_range=1)
    assert sum(counts[:-1]) == 0 and counts[-1] > 0


def test_statistics_with_holes(tmp_path):
    path, valid = terrain(tmp_path, absent={(4, 4), (6, 7)})
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(1)
    low, high, mean, _ = band.ComputeStatistics(True)
    assert valid.min() - 1e-3 <= low < mean < high <= valid.max() + 1e-3


def test_statistics_of_fixtures(moved):
    """Terrain of the reference tools: no value near -99999."""
    for name in ("t64_zip_float32", "lamb93mnt_zip_float32"):
        path = moved(name)
        dataset = open_dataset(path)
        values = pixels_of(dataset)
        values = values[values != -99999]
        low, high, mean, _ = dataset.GetRasterBand(1).ComputeStatistics(True)
        assert values.min() <= low <= high <= values.max()


def test_masked_resampling_ignores_invalid_pixels(tmp_path):
    """Average of a masked dataset: GDAL leaves masked pixels out."""
    image = np.full((128, 128, 3), 100, np.uint8)
    image[checker(128, 128) == 0] = 250
    path = make(tmp_path, 3, masks=True, coarse={"image": image})
    dataset = open_dataset(path, "TILEMATRIX=3")
    found = dataset.ReadAsArray(0, 0, 128, 128, buf_xsize=75, buf_ysize=75,
                                resample_alg=gdal.GRIORA_Average)
    assert set(np.unique(found)) <= {0, 100}
    assert (found == 100).mean() > 0.5


def test_overview_masks_follow_the_level(tmp_path, tms_directory):
    """Outside a coarse level's limits its mask is 0."""
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(tmp_path), tms)
    path = rok4_make.Pyramid(tmp_path, "N", tms, channels=3, levels=[
        rok4_make.Level("4", (8, 8, 11, 11), mask=checker(256, 256)),
        rok4_make.Level("3", (4, 4, 5, 4), mask=checker(64, 128))]).write()
    dataset = open_dataset(path)
    reference = rok4_decode.Pyramid(path, tmp_path)
    expected = reference.overview(*reference.levels, mask=True)[:, :, 0] != 0
    assert not expected[64:].any() and expected[:64].any()
    np.testing.assert_array_equal(masks_of(bands_of(dataset, 0)), expected)
    np.testing.assert_array_equal(read_bands(bands_of(dataset, 0))[64:], 255)


def test_fixture_without_alpha_or_masks_is_valid():
    dataset = open_dataset(fixture("t64_jpg_uint8_rgb"))
    assert flags(dataset) == {VALID}
