# SPDX-License-Identifier: MIT
"""rasterio: the pyramid as Python programs see it."""

import numpy as np
import pytest

from client_util import gtiff_copy, quadtree_pyramid, reference
from rok4_util import fixture

rasterio = pytest.importorskip("rasterio",
                               reason="python3-rasterio is not installed")
from rasterio.enums import ColorInterp, MaskFlags, Resampling  # noqa: E402
from rasterio.vrt import WarpedVRT  # noqa: E402
from rasterio.windows import Window, from_bounds  # noqa: E402


def whole(name, mask=False):
    pyramid = reference(name)
    array = pyramid.level_array(pyramid.levels[0], mask)
    return array.transpose(2, 0, 1)


def test_profile():
    base = reference("t64_zip_uint8_rgba").levels[0]
    with rasterio.open(fixture("t64_zip_uint8_rgba")) as source:
        assert source.driver == "ROK4"
        assert (source.width, source.height) == base.size
        assert np.allclose(source.transform.to_gdal(), base.geotransform,
                           rtol=1e-12)
        assert source.crs.to_epsg() == 3857
        assert source.colorinterp == (ColorInterp.red, ColorInterp.green,
                                      ColorInterp.blue, ColorInterp.alpha)
        assert source.block_shapes == [base.tile[::-1]] * 4
        assert source.dtypes == ("uint8",) * 4
        assert source.profile["tiled"]
        assert source.tags()["TMS"] == "T64"
        assert source.tags(ns="ROK4")
        assert source.nodata is None


@pytest.mark.parametrize("name", [
    "t64_zip_uint8_rgb", "t64_png_uint8_graya", "t64_lzw_float32",
    "t64_raw_4x2_depth3", "lamb93mnt_zip_float32"])
def test_windows_and_blocks(name):
    expected = whole(name)
    with rasterio.open(fixture(name)) as source:
        np.testing.assert_array_equal(source.read(), expected)
        window = Window(50, 31, 99, 77)
        np.testing.assert_array_equal(source.read(window=window),
                                      expected[:, 31:108, 50:149])
        bounds = source.window_bounds(window)
        np.testing.assert_array_equal(
            source.read(window=from_bounds(*bounds, source.transform)),
            expected[:, 31:108, 50:149])
        outside = source.read(1, window=Window(-10, -20, 40, 50),
                              boundless=True, fill_value=7)
        assert (outside[:20] == 7).all() and (outside[:, :10] == 7).all()
        inside = np.where(expected[0, :30, :30] == source.nodata, 7,
                          expected[0, :30, :30])
        np.testing.assert_array_equal(outside[20:, 10:], inside)
        for (row, column), block in source.block_windows(1):
            rows, columns = block.toslices()
            np.testing.assert_array_equal(
                source.read(source.count, window=block),
                expected[-1, rows, columns], str((row, column)))


def test_sample():
    """Values at coordinates."""
    expected = whole("t64_zip_uint8_rgb")
    with rasterio.open(fixture("t64_zip_uint8_rgb")) as source:
        places = [(3, 200), (100, 9), (63, 64)]
        found = list(source.sample([source.xy(*place) for place in places]))
        for (row, column), values in zip(places, found):
            np.testing.assert_array_equal(values, expected[:, row, column])


def test_overviews(tmp_path):
    pyramid = quadtree_pyramid(tmp_path)
    ref = reference(pyramid.path)
    with rasterio.open(pyramid.path) as source:
        assert source.overviews(1) == [2, 4, 8]
        shape = (3, source.height // 4, source.width // 4)
        np.testing.assert_array_equal(
            source.read(out_shape=shape).transpose(1, 2, 0),
            ref.overview(ref.levels[0], ref.levels[2]))
    for i, level in enumerate(ref.levels[1:]):
        with rasterio.open(pyramid.path, overview_level=i) as source:
            np.testing.assert_array_equal(
                source.read().transpose(1, 2, 0),
                ref.overview(ref.levels[0], level))
        for name, options in ((pyramid.path, {"TILEMATRIX": level.id_}),
                              ('ROK4:"%s":%s' % (pyramid.path, level.id_),
                               {})):
            with rasterio.open(name, **options) as source:
                np.testing.assert_array_equal(
                    source.read().transpose(1, 2, 0), ref.level_array(level))


def test_masks():
    expected = whole("t64_zip_mask", mask=True)[0]
    with rasterio.open(fixture("t64_zip_mask")) as source:
        assert source.mask_flag_enums == ([MaskFlags.per_dataset],) * 3
        np.testing.assert_array_equal(source.dataset_mask(), expected)
        np.testing.assert_array_equal(source.read_masks(2), expected)
        masked = source.read(masked=True)
        assert (masked.mask == (expected == 0)).all()
        np.testing.assert_array_equal(masked.data, whole("t64_zip_mask"))


def test_nodata():
    values = whole("t64_zip_float32")[0]
    with rasterio.open(fixture("t64_zip_float32")) as source:
        assert source.nodata == -99999
        assert source.mask_flag_enums == ([MaskFlags.nodata],)
        masked = source.read(1, masked=True)
        np.testing.assert_array_equal(masked.mask, values == -99999)
    with rasterio.open(fixture("t64_zip_uint8_rgb")) as source:
        assert source.mask_flag_enums == ([MaskFlags.all_valid],) * 3
    with rasterio.open(fixture("t64_zip_uint8_graya")) as source:
        assert source.mask_flag_enums[0] == [MaskFlags.per_dataset,
                                             MaskFlags.alpha]


@pytest.mark.parametrize("options", [
    {"crs": "EPSG:4326", "resampling": Resampling.bilinear},
    {"crs": "EPSG:2154", "resampling": Resampling.cubic}])
def test_warped_vrt(tmp_path, options):
    """The same as of a GeoTIFF with the same pixels."""
    results = []
    peer = gtiff_copy(reference("t64_zip_uint8_rgb"), tmp_path / "copy.tif")
    for path in (fixture("t64_zip_uint8_rgb"), peer):
        with rasterio.open(path) as source, WarpedVRT(source,
                                                      **options) as warped:
            results.append(warped.read())
            results.append(warped.read(out_shape=(3, 90, 70)))
    assert results[0].std() > 20
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[3])
