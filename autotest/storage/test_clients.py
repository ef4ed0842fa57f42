# SPDX-License-Identifier: MIT
"""Terrain on S3 in programs that are not ours: QGIS without a screen,
gdalinfo, rasterio, MapServer. What they ask the storage for is counted."""

import collections
import os
import re
import sys

import numpy as np
import pytest

import rok4_objects
from rok4_doc import ROOT
from rok4_util import config

sys.path.append(os.path.join(ROOT, "autotest", "clients"))

from client_util import (checksums, draw_in_qgis, extent,  # noqa: E402
                         map_server, program, reference, run)

NAME = "lamb93mnt_zip_float32"
BACKGROUND = (10, 20, 30)
NODATA = -99999


@pytest.fixture
def terrain(s3):
    """The pyramid on S3: (its path, as the independent reader sees it)."""
    return rok4_objects.put(s3, NAME), reference(NAME)


def values_of(pyramid, level):
    """Of the finest level, or of one as its overview."""
    base = pyramid.levels[0]
    return (pyramid.level_array(base) if level is base
            else pyramid.overview(base, level))[:, :, 0]


def slabs_of(requests):
    """{slab: how often it was asked for}"""
    return collections.Counter(
        request.name for request in requests
        if request.name and re.search("/(DATA|MASK)_", request.name))


def slabs_of_level(storage, level):
    return {name for name in storage.list()
            if name.startswith("%s/DATA_%s_" % (NAME, level.id_))}


def whole(pyramid, level, **more):
    """A job for QGIS: the pyramid, at the scale of a level."""
    base = pyramid.levels[0]
    return dict(more, extent=extent(base, (0, 0) + base.size),
                size=level.size if level is base else
                pyramid.overview(base, level).shape[1::-1])


# QGIS.


def assert_sane_stretch(report, values):
    """Between the least and the largest height, and near what most have."""
    valid = values[values != NODATA]
    low, high = report["stretch"]
    span = valid.max() - valid.min()
    assert valid.min() - 0.01 <= low <= np.percentile(valid, 2) + span / 20
    assert valid.max() + 0.01 >= high >= np.percentile(valid, 98) - span / 20


def gray(values, stretch):
    low, high = stretch
    shade = np.clip((values - low) / (high - low) * 255, 0, 255)
    return np.where((values == NODATA)[:, :, None], BACKGROUND,
                    shade[:, :, None])


def hillshade(values, cell, factor):
    """Horn's slopes, light from north-west and 45 degrees; a neighbour without
    data counts as high as the pixel itself."""
    heights = np.pad(values.astype(float), 1, "edge")
    rows, columns = values.shape

    def beside(down, right):
        found = heights[1 + down:1 + down + rows, 1 + right:1 + right +
                        columns]
        return np.where(found == NODATA, values, found)
    weights = (1, -1), (2, 0), (1, 1)
    slope_x = factor / (8 * cell) * sum(
        weight * (beside(down, 1) - beside(down, -1))
        for weight, down in weights)
    slope_y = factor / (8 * cell) * sum(
        weight * (beside(1, right) - beside(-1, right))
        for weight, right in weights)
    light = np.sin(np.pi / 4) + 0.5 * (slope_x + slope_y)
    return np.clip(254 * light / np.sqrt(1 + slope_x ** 2 + slope_y ** 2), 0,
                   255)


def test_qgis(terrain, s3, ceph, tmp_path):
    """As a user of QGIS meets it who may read and list: a layer with
    overviews, a picture with a stretch that shows it, at each scale from the
    level of that scale. Nothing is written, and each slab is asked for twice
    at most: its head, and the rest."""
    path, pyramid = terrain
    ceph.allow(s3.tray, ["s3:GetObject", "s3:ListBucket"])
    coarsest = slabs_of_level(s3, pyramid.levels[-1])
    before = s3.list()
    for level in pyramid.levels:
        values = values_of(pyramid, level)
        with s3.watched() as asked:
            keys = ceph.s3_options("reader")
            keys["AWS_S3_ENDPOINT"] = s3.options["AWS_S3_ENDPOINT"]
            report, = draw_in_qgis(tmp_path, [whole(
                pyramid, level, path=path)], **keys)
            requests = asked()
        assert report["valid"] and report["crs"] == "IGNF:LAMB93"
        assert report["nodata"] == [NODATA]
        assert report["overviews"] == [[384, 384], [192, 192]]
        assert_sane_stretch(report, values_of(pyramid, pyramid.levels[0]))
        assert np.abs(report["picture"] - gray(
            values, report["stretch"])).max() <= 2
        assert report["picture"].std() > 40
        counts = collections.Counter(
            (request.method, request.name) for request in requests)
        assert counts[("LIST", None)] <= 2
        # It is opened three times, once for a look at its sublayers.
        assert counts[("GET", NAME + ".json")] <= 6
        assert not any(method == "HEAD" for method, _ in counts)
        slabs = slabs_of(requests)
        # The stretch is found with the coarsest level.
        assert set(slabs) == coarsest | slabs_of_level(s3, level)
        once_more = coarsest if level is pyramid.levels[-1] else set()
        assert all(count <= 2 * (1 + (name in once_more))
                   for name, count in slabs.items())
        assert len(requests) <= 10 + sum(slabs.values())
        assert s3.list() == before


def test_hillshade_in_qgis(terrain, s3, tmp_path):
    """The shade of the stored heights, to one gray, up to the edges of what is
    valid, at each scale: no spike anywhere."""
    path, pyramid = terrain
    reports = draw_in_qgis(tmp_path, [
        whole(pyramid, level, path=path, hillshade=4.0)
        for level in pyramid.levels], **s3.options)
    for level, report in zip(pyramid.levels, reports):
        values = values_of(pyramid, level)
        valid = values != NODATA
        assert (report["picture"][~valid] == BACKGROUND).all()
        found = report["picture"][valid][:, 0]
        expected = hillshade(values, level.cell, 4.0)[valid]
        assert np.abs(found - expected).max() < 1.01  # QGIS drops fractions
        assert found.min() > 100 and found.max() < 220
        assert found.std() > 2


def test_values_in_qgis(terrain, s3, tmp_path):
    """The value under a point is the stored one, or none."""
    path, pyramid = terrain
    base = pyramid.levels[0]
    values = values_of(pyramid, base)
    valid = np.argwhere(values != NODATA)
    places = [tuple(valid[i]) for i in range(0, len(valid), len(valid) // 20)]
    places += [tuple(np.argwhere(values == NODATA)[9])]
    crs_x, crs_y = base.corner
    points = [[crs_x + (column + 0.5) * base.cell,
               crs_y - (row + 0.5) * base.cell] for row, column in places]
    report, = draw_in_qgis(tmp_path, [{"path": path, "points": points}],
                           **s3.options)
    assert report["values"] == [
        None if values[place] == NODATA else float(values[place])
        for place in places]


def test_connection_of_qgis(terrain, s3, tmp_path):
    """Credentials that GDAL is told for the directory of the layer alone, as
    QGIS does from 3.40 on with those of a connection."""
    path, pyramid = terrain
    level = pyramid.levels[0]
    report, = draw_in_qgis(tmp_path, [whole(
        pyramid, level, path=path, credentials=s3.options)],
        **dict.fromkeys(s3.options, ""))
    assert np.abs(report["picture"] - gray(
        values_of(pyramid, level), report["stretch"])).max() <= 2


# Others.


def test_gdalinfo(terrain, s3):
    path, pyramid = terrain
    for name in (path, "ROK4:" + path,
                 "ROK4:" + s3.rok4_path(NAME + ".json")):
        said, _ = run(program("gdalinfo"), "-checksum", name, **s3.options)
        expected, = checksums(pyramid.level_array(pyramid.levels[0]))
        assert "Checksum=%d\n" % expected in said
        assert "Driver: ROK4/" in said


def test_rasterio(terrain, s3):
    """By GDAL's name, and by s3://, which rasterio makes one of GDAL's."""
    rasterio = pytest.importorskip("rasterio")
    path, pyramid = terrain
    expected = values_of(pyramid, pyramid.levels[0])
    session = rasterio.session.AWSSession(
        aws_access_key_id=s3.options["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=s3.options["AWS_SECRET_ACCESS_KEY"],
        region_name="default", endpoint_url=s3.options["AWS_S3_ENDPOINT"])
    with config(**dict.fromkeys(s3.options)):
        with rasterio.Env(session, AWS_HTTPS="NO",
                          AWS_VIRTUAL_HOSTING="FALSE"):
            for name in (path, s3.rok4_path(NAME + ".json")):
                with rasterio.open(name) as source:
                    assert source.driver == "ROK4"
                    np.testing.assert_array_equal(source.read(1), expected)


def test_mapserver(terrain, s3, tmp_path):
    """Gray from 0 to 1000 m, with the settings in the map file; one opening,
    and the slabs of the level that the picture has the scale of."""
    path, pyramid = terrain
    base = pyramid.levels[0]
    draw = map_server(tmp_path)
    values = values_of(pyramid, base)
    with s3.watched() as asked:
        picture = draw(path, extent(base, (0, 0) + base.size),
                       base.size, "EPSG:2154",
                       'PROCESSING "SCALE=0,1000"', s3.options)
        requests = asked()
    valid = values != NODATA
    assert (picture[~valid] == BACKGROUND).all()
    shade = np.clip(values / 1000 * 256, 0, 255)
    assert np.abs(picture[valid][:, 0] - shade[valid]).max() <= 2
    assert set(slabs_of(requests)) == slabs_of_level(s3, base)
    assert all(count <= 2 for count in slabs_of(requests).values())
