# SPDX-License-Identifier: MIT
"""QGIS without a screen: one layer with its overviews, drawn in place and in
colour, and terrain with a stretch that shows it."""

import numpy as np
import pytest
from osgeo import gdal

from client_util import (averaged_terrain, draw_in_qgis, extent, gtiff_copy,
                         quadtree_pyramid, reference)
from rok4_util import fixture

BACKGROUND = (10, 20, 30)
GRAY, RED, GREEN, BLUE, ALPHA = 1, 3, 4, 5, 6

@pytest.fixture
def qgis(tmp_path):
    return lambda *jobs: draw_in_qgis(tmp_path, jobs)


def whole(pyramid, size=None):
    base = pyramid.levels[0]
    return {"path": pyramid.path, "extent": extent(base, (0, 0) + base.size),
            "size": size or base.size}


def assert_alike(picture, expected):
    """Each pixel is what is expected there or one pixel beside: QGIS rounds
    coordinates so, whatever the driver."""
    height, width = picture.shape[:2]
    picture = picture.astype(float).reshape(height, width, -1)
    expected = np.asarray(expected, float).reshape(height, width, -1)
    padded = np.pad(expected, ((1, 1), (1, 1), (0, 0)), "edge")
    best = np.full((height, width), np.inf)
    for dy in range(3):
        for dx in range(3):
            shifted = padded[dy:dy + height, dx:dx + width]
            np.minimum(best, np.abs(picture - shifted).max(axis=2), best)
    assert best.max() <= 2


LAYERS = [("t64_zip_uint8_rgb", "EPSG:3857", [RED, GREEN, BLUE]),
          ("t64_png_uint8_rgba", "EPSG:3857", [RED, GREEN, BLUE, ALPHA]),
          ("t64_lzw_uint8_graya", "EPSG:3857", [GRAY, ALPHA]),
          ("pm_jpg_world16", "EPSG:3857", [RED, GREEN, BLUE]),
          ("lamb93_jpg90", "IGNF:LAMB93", [RED, GREEN, BLUE]),
          ("lamb93mnt_zip_float32", "IGNF:LAMB93", [GRAY])]


def test_one_layer_with_overviews(qgis, moved):
    jobs = [{"path": moved(name)} for name, _, _ in LAYERS]
    for (name, crs, colours), report in zip(LAYERS, qgis(*jobs)):
        pyramid = reference(name)
        base = pyramid.levels[0]
        assert report["valid"] and report["nested"] == [], name
        assert report["sublayers"] == [["gdal", "ROK4"]]
        assert report["size"] == list(base.size)
        assert report["crs"] == crs
        np.testing.assert_allclose(report["extent"],
                                   extent(base, (0, 0) + base.size))
        sizes = [pyramid.overview(base, level).shape[1::-1]
                 for level in pyramid.levels[1:]]
        assert report["overviews"] == [list(s) for s in sizes if min(s) > 32]
        assert report["overviews"]
        assert report["colours"] == colours
        assert report["renderer"] == ("singlebandgray" if len(colours) < 3
                                      else "multibandcolor")
        assert report["nodata"] == ([-99999] if pyramid.channels == 1
                                    else [None] * pyramid.channels)


def test_drawn_from_the_right_overview(tmp_path, qgis):
    """Every level at its own scale, pixel by pixel."""
    ref = reference(quadtree_pyramid(tmp_path).path)
    jobs = [{"path": ref.path, "size": level.size,
             "extent": extent(level, (0, 0) + level.size)}
            for level in ref.levels]
    for level, report in zip(ref.levels, qgis(*jobs)):
        np.testing.assert_array_equal(
            report["picture"], ref.overview(ref.levels[0], level))


@pytest.mark.parametrize("name", ["t64_zip_uint8_rgb", "t64_jpg90_uint8_rgb",
                                  "lamb93_jpg90", "t64_zip_uint8_rgba"])
def test_drawn_in_place_and_in_colour(tmp_path, qgis, moved, name):
    """With a margin, at a size between those of levels: as a GeoTIFF with the
    same pixels, and where the coordinates say."""
    ref = reference(moved(name))
    base = ref.levels[0]
    copy = gtiff_copy(ref, tmp_path / "copy.tif")
    width, height = base.size
    margin = extent(base, (-width // 8, -height // 8, width * 5 // 4,
                           height * 5 // 4))
    at_scale = {"size": [width * 5 // 4, height * 5 // 4], "extent": margin}
    between = {"size": [width * 3 // 7, height * 3 // 7], "extent": margin}
    ours, smaller, peer, smaller_peer = qgis(*(
        dict(job, path=path) for path in (ref.path, copy)
        for job in (at_scale, between)))
    for one, other in ((ours, peer), (smaller, smaller_peer)):
        difference = one["picture"].astype(int) - other["picture"]
        assert np.abs(difference).max() <= ("jpg" in name)
    pixels = ref.level_array(base)
    opacity = pixels[:, :, 3:] / 255.0 if ref.channels == 4 else 1
    expected = np.empty_like(ours["picture"], float)
    expected[:] = BACKGROUND
    inside = expected[height // 8:, width // 8:][:height, :width]
    inside[:] = pixels[:, :, :3] * opacity + (1 - opacity) * inside
    assert_alike(ours["picture"], expected)


def test_drawn_in_another_projection(tmp_path, qgis, moved):
    """The picture that a GeoTIFF with the same pixels gives."""
    jobs = []
    for name in ("t64_zip_uint8_rgb", "t64_png_uint8_rgba"):
        copy = gtiff_copy(reference(name), tmp_path / (name + ".tif"))
        for path in (moved(name), copy):
            jobs.append({"path": path, "crs": "EPSG:2154", "size": [330, 300],
                         "extent": [650000, 5950000, 1650000, 6950000]})
    reports = qgis(*jobs)
    for ours, peer in zip(reports[::2], reports[1::2]):
        assert (ours["picture"] != BACKGROUND).any(axis=2).mean() > 0.3
        np.testing.assert_array_equal(ours["picture"], peer["picture"])


def test_what_is_not_valid_is_transparent(qgis, moved):
    names = ["t64_zip_mask", "pm_png_mask", "t64_zip_uint8_rgba"]
    refs = [reference(moved(name)) for name in names]
    for ref, report in zip(refs, qgis(*(whole(ref) for ref in refs))):
        base = ref.levels[0]
        pixels = ref.level_array(base)
        if ref.channels == 4:
            opacity = pixels[:, :, 3:] / 255.0
        else:
            opacity = ref.level_array(base, mask=True) / 255.0
        assert_alike(report["picture"], pixels[:, :, :3] * opacity +
                     (1 - opacity) * BACKGROUND)
        assert len(np.unique(opacity)) > 1


def test_terrain_has_a_stretch_that_shows_it(tmp_path, qgis, moved):
    refs = [reference(averaged_terrain(tmp_path))]
    refs += [reference(moved(name)) for name in (
        "lamb93mnt_zip_float32", "t64_zip_float32", "t64_raw_float32")]
    coarse = refs[0].level_array(refs[0].levels[2])
    assert ((coarse > -99000) & (coarse < -1000)).any()
    for ref, report in zip(refs, qgis(*(whole(ref) for ref in refs))):
        values = ref.level_array(ref.levels[0])[:, :, 0]
        valid = values[values != -99999]
        low, high = report["stretch"]
        span = valid.max() - valid.min()
        assert valid.min() - 0.01 <= low <= np.percentile(valid, 2) + span / 20
        assert valid.max() + 0.01 >= high >= np.percentile(valid,
                                                           98) - span / 20
        least, most, mean = report["statistics"]
        assert valid.min() - 0.01 <= least < most <= valid.max() + 0.01
        assert abs(mean - valid.mean()) < 0.05 * span
        gray = np.clip((values - low) / (high - low) * 255, 0, 255)
        expected = np.where((values == -99999)[:, :, None], BACKGROUND,
                            gray[:, :, None])
        assert_alike(report["picture"], expected)
        assert report["picture"].std() > 40


def test_vector_pyramid_is_no_raster_layer(qgis):
    report, = qgis({"path": fixture("pm_mvt")})
    assert report == {"valid": False, "sublayers": []}


def test_file_of_cogx(tmp_path, qgis, moved):
    """Drawn from the image and from each overview, as GDAL reads them."""
    path = str(tmp_path / "cogx.tif")
    assert gdal.GetDriverByName("COGX").CreateCopy(
        path, gdal.Open(moved("lamb93_jpg90")),
        options=["COMPRESS=DEFLATE", "BLOCKSIZE=128"])
    dataset = gdal.Open(path)
    corner_x, cell, _, corner_y, _, _ = dataset.GetGeoTransform()
    width, height = dataset.RasterXSize, dataset.RasterYSize
    box = [corner_x, corner_y - height * cell, corner_x + width * cell,
           corner_y]
    band = dataset.GetRasterBand(1)
    overviews = [band.GetOverview(i) for i in range(band.GetOverviewCount())]
    # Without those that are not of the same shape.
    sizes = [[width, height]] + [
        [level.XSize, level.YSize] for level in overviews
        if level.XSize * height == level.YSize * width]
    reports = qgis(*({"path": path, "extent": box, "size": size}
                     for size in sizes))
    assert len(sizes) > 1
    for size, report in zip(sizes, reports):
        assert report["valid"] and report["crs"] == "IGNF:LAMB93"
        assert report["colours"] == [RED, GREEN, BLUE]
        assert len(report["overviews"]) == len(overviews)
        assert_alike(report["picture"], dataset.ReadAsArray(
            buf_xsize=size[0], buf_ysize=size[1]).transpose(1, 2, 0))
