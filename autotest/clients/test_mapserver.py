# SPDX-License-Identifier: MIT
"""MapServer answers GetMap from the overview that the request calls for."""

import os

import numpy as np
import pytest

from client_util import (extent, gtiff_copy, map_server, quadtree_pyramid,
                         reference)
from rok4_util import Watch, fixture


@pytest.fixture
def mapserver(tmp_path):
    return map_server(tmp_path)


def test_getmap_reads_the_right_overview(tmp_path, mapserver):
    """Pixels of the level, and no slab of another one is opened."""
    pyramid = quadtree_pyramid(tmp_path, limits=(8, 8, 23, 23))
    ref = reference(pyramid.path)
    watch = Watch(tmp_path / "N")
    for i, level in enumerate(ref.levels):
        for window in ((0, 0) + level.size, (9, 21, 70, 50)):
            picture = mapserver(pyramid.path, extent(level, window),
                                window[2:])
            x, y, width, height = window
            np.testing.assert_array_equal(
                picture, ref.overview(ref.levels[0], level)[
                    y:y + height, x:x + width], str((i, window)))
            opened = {os.path.relpath(name, str(tmp_path / "N")).split("/")[1]
                      for name in watch.opened()}
            assert opened == {level.id_}
    watch.close()


def test_getmap_beyond_the_edges(tmp_path, mapserver):
    """Background where there is no pyramid; the rest in place, within the
    pixel that MapServer rounds by, as for a GeoTIFF."""
    pyramid = quadtree_pyramid(tmp_path)
    ref = reference(pyramid.path)
    level = ref.levels[1]
    copy = gtiff_copy(ref, tmp_path / "copy.tif")
    picture, peer = (mapserver(path, extent(level, (-40, -30, 330, 320)),
                               (330, 320)) for path in (pyramid.path, copy))
    np.testing.assert_array_equal(picture, peer)
    there = (picture != (10, 20, 30)).any(axis=2)
    assert there[30:285, 40:295].all()
    there[29:287, 39:297] = False
    assert not there.any()


@pytest.mark.parametrize("name,srs,places", [
    ("t64_zip_uint8_rgb", "EPSG:4326", (2.0, 40, 5.5, 43.0)),
    ("lamb93_jpg90", "EPSG:3857", (-300000, 5600000, 800000, 6400000)),
    ("t64_png_uint8_rgba", "EPSG:2154", (400000, 6000000, 900000, 6400000))])
def test_getmap_in_another_projection(tmp_path, mapserver, name, srs, places):
    """The picture that a GeoTIFF with the same pixels gives."""
    ref = reference(name)
    if name.startswith("t64"):
        from osgeo import osr
        base = ref.levels[0]
        source, target = osr.SpatialReference(), osr.SpatialReference()
        for system, text in ((source, ref.tms["crs"]), (target, srs)):
            system.SetFromUserInput(text)
            system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        places = osr.CoordinateTransformation(source, target).TransformBounds(
            *extent(base, (0, 0) + base.size), 21)
    copy = gtiff_copy(ref, tmp_path / "copy.tif")
    pictures = [mapserver(path, places, (300, 280), srs)
                for path in (fixture(name), copy)]
    assert pictures[0].std() > 10
    np.testing.assert_array_equal(*pictures)


def test_getmap_of_terrain(tmp_path, mapserver):
    """Gray from 0 to 1000 m; nodata is left out."""
    ref = reference("lamb93mnt_zip_float32")
    base = ref.levels[0]
    values = ref.level_array(base)[:, :, 0]
    picture = mapserver(
        fixture("lamb93mnt_zip_float32"), extent(base, (0, 0) + base.size),
        base.size, "EPSG:2154", 'PROCESSING "SCALE=0,1000"')
    valid = values != -99999
    assert (picture[~valid] == (10, 20, 30)).all()
    gray = np.clip(values / 1000 * 256, 0, 255)
    assert np.abs(picture[valid][:, 0] - gray[valid]).max() <= 2
