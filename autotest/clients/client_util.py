# SPDX-License-Identifier: MIT
"""What the tests of other programs share: running them, peers to compare
with, pyramids made for a test."""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import urllib.parse

import numpy as np
import pytest
from osgeo import gdal, osr
from PIL import Image

import rok4_decode
import rok4_make
import rok4_tms
from rok4_util import fixture


HERE = os.path.dirname(os.path.abspath(__file__))


def program(name):
    """Path of a program; skips the test where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip("%s is not installed" % name)
    return path


def run(*command, timeout=120, **environment):
    """Standard output and error of a program that must succeed."""
    out = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True,
        env=dict(os.environ, **environment), timeout=timeout, check=False)
    assert out.returncode == 0, "%s\n%s%s" % (command, out.stdout, out.stderr)
    return out.stdout, out.stderr


def draw_in_qgis(place, jobs, **environment):
    """What QGIS says of each job (see qgis_render.py), and the pictures. It
    writes statistics next to what it opens: give it copies."""
    if importlib.util.find_spec("qgis") is None:
        pytest.skip("python3-qgis is not installed")
    for i, job in enumerate(jobs):
        if "size" in job:
            job["png"] = str(place / ("qgis%d.png" % i))
    listed = place / "jobs.json"
    listed.write_text(json.dumps(jobs))
    out = run(sys.executable, os.path.join(HERE, "qgis_render.py"), listed,
              QT_QPA_PLATFORM="offscreen", HOME=str(place),
              XDG_RUNTIME_DIR=str(place), **environment)[0]
    reports = json.loads(out[out.index("[{"):])
    for job, report in zip(jobs, reports):
        if "png" in job:
            assert report["errors"] == []
            report["picture"] = np.array(
                Image.open(job["png"]).convert("RGB"))
    return reports


MAP = """
MAP
  NAME "m"
  SIZE 100 100
  MAXSIZE 4096
  EXTENT -20037508 -20037508 20037508 20037508
  IMAGECOLOR 10 20 30
  PROJECTION "init=epsg:3857" END
  %s
  WEB
    METADATA
      "ows_enable_request" "*"
      "ows_srs" "EPSG:3857 EPSG:4326 EPSG:2154"
      "ows_title" "m"
      "ows_onlineresource" "http://localhost/"
    END
  END
  LAYER
    NAME "pyramid"
    TYPE RASTER
    STATUS ON
    DATA "%s"
    PROJECTION AUTO END
    METADATA "ows_title" "pyramid" END
    %s
  END
END
"""


def map_server(place):
    """MapServer, which draws a file: map(path, bbox, size, srs, more words of
    the layer, {option of GDAL: value}); skips the test where there is none."""
    mapserv = shutil.which("mapserv", path=os.environ["PATH"] +
                           ":/usr/lib/cgi-bin")
    if mapserv is None:
        pytest.skip("cgi-mapserver is not installed")
    conf = place / "mapserver.conf"
    conf.write_text('CONFIG\n ENV\n MS_MAP_PATTERN "."\n END\nEND\n')

    def draw(path, bbox, size, srs="EPSG:3857", words="", config=None):
        mapfile = place / "m.map"
        mapfile.write_text(MAP % ("\n".join(
            'CONFIG "%s" "%s"' % pair for pair in (config or {}).items()),
            path, words))
        query = urllib.parse.urlencode({
            "SERVICE": "WMS", "VERSION": "1.1.1", "REQUEST": "GetMap",
            "LAYERS": "pyramid", "STYLES": "", "FORMAT": "image/png",
            "SRS": srs, "BBOX": ",".join("%.17g" % v for v in bbox),
            "WIDTH": size[0], "HEIGHT": size[1], "map": mapfile})
        out = subprocess.run([mapserv, "-nh", "-conf", str(conf),
                              "QUERY_STRING=" + query], capture_output=True,
                             timeout=60, check=False)
        assert out.stdout[:4] == b"\x89PNG", out.stdout[:2000] + out.stderr
        return np.array(Image.open(io.BytesIO(out.stdout)).convert("RGB"))
    return draw


def extent(level, window):
    """Of a window (x, y, width, height) in pixels of a level."""
    crs_x, crs_y = level.corner
    x, y, width, height = window
    return [crs_x + x * level.cell, crs_y - (y + height) * level.cell,
            crs_x + (x + width) * level.cell, crs_y - y * level.cell]


def reference(name_or_path):
    """The independent reader, for a fixture or a path."""
    path = str(name_or_path)
    path = path if os.sep in path else fixture(path)
    return rok4_decode.Pyramid(path, os.environ["ROK4_TMS_DIRECTORY"])


def pixels(path, *options):
    """[height][width][bands] of any file."""
    dataset = gdal.OpenEx(str(path), gdal.OF_RASTER,
                          open_options=list(options))
    assert dataset is not None, gdal.GetLastErrorMsg()
    array = dataset.ReadAsArray()
    return array[:, :, None] if array.ndim == 2 else array.transpose(1, 2, 0)


def checksums(array):
    """GDAL's checksum of each band of [height][width][bands]."""
    out = []
    for i in range(array.shape[2]):
        band = np.ascontiguousarray(array[:, :, i])
        code = gdal.GDT_Float32 if band.dtype == np.float32 else gdal.GDT_Byte
        copy = gdal.GetDriverByName("MEM").Create(
            "", band.shape[1], band.shape[0], 1, code)
        copy.GetRasterBand(1).WriteArray(band)
        out.append(copy.GetRasterBand(1).Checksum())
    return out


def _write(bands, array):
    for i, band in enumerate(bands):
        band.WriteArray(np.ascontiguousarray(array[:, :, i]))


def gtiff_copy(pyramid, path, mask=False):
    """A GeoTIFF with the pixels, place and overviews that the independent
    reader finds, for programs to do with it what they do with the pyramid."""
    base = pyramid.levels[0]
    width, height = base.size
    code = gdal.GDT_Float32 if pyramid.dtype == np.float32 else gdal.GDT_Byte
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES")
    photometric = [] if pyramid.channels < 3 else ["PHOTOMETRIC=RGB"]
    copy = gdal.GetDriverByName("GTiff").Create(
        str(path), width, height, pyramid.channels, code,
        ["TILED=YES"] + photometric)
    copy.SetGeoTransform(base.geotransform)
    srs = osr.SpatialReference()
    srs.SetFromUserInput(pyramid.tms["crs"])
    srs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    copy.SetSpatialRef(srs)
    bands = [copy.GetRasterBand(i + 1) for i in range(pyramid.channels)]
    if pyramid.channels == 1:
        bands[0].SetNoDataValue(float(pyramid.nodata[0]))
    if pyramid.channels in (2, 4):
        bands[-1].SetColorInterpretation(gdal.GCI_AlphaBand)
    _write(bands, pyramid.level_array(base))
    if mask:
        copy.CreateMaskBand(gdal.GMF_PER_DATASET)
        bands[0].GetMaskBand().WriteArray(
            pyramid.level_array(base, mask=True)[:, :, 0])
    else:
        factors = [round(level.cell / base.cell)
                   for level in pyramid.levels[1:]]
        copy.BuildOverviews("NONE", factors)
        for i, level in enumerate(pyramid.levels[1:]):
            _write([band.GetOverview(i) for band in bands],
                   pyramid.overview(base, level))
    del copy, bands
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", None)
    return str(path)


def quadtree_pyramid(root, name="N", fmt="TIFF_ZIP_UINT8", channels=3,
                     limits=(8, 8, 15, 15), levels=(5, 4, 3, 2), **more):
    """A pyramid in EPSG:3857 near the origin with tiles of 64 pixels, where
    every level has a picture of its own; limits are those of the finest."""
    definition = rok4_tms.quadtree("CLIENTS")
    rok4_tms.write(os.environ["ROK4_TMS_DIRECTORY"], definition)
    entries = []
    for id_ in levels:
        shift = levels[0] - id_
        entries.append(rok4_make.Level(
            str(id_), tuple(value >> shift for value in limits), (4, 4)))
    pyramid = rok4_make.Pyramid(root, name, definition, fmt, channels,
                                levels=entries, **more)
    pyramid.write()
    return pyramid


def averaged_terrain(root):
    """Hills with holes, whose upper levels are means in which -99999 counts
    as a height, as be4 makes them without masks."""
    definition = rok4_tms.quadtree("TERRAIN", nlevels=8)
    rok4_tms.write(os.environ["ROK4_TMS_DIRECTORY"], definition)
    hills = rok4_make.pattern((1024, 1024, 1), 0, np.float32)
    y, x = np.mgrid[0:1024, 0:1024]
    hills[(x // 7 + y // 5) % 3 == 0] = -99999
    hills[x + y < 700] = -99999
    levels, limits, image = [], (16, 16, 31, 31), hills
    for id_ in ("7", "6", "5", "4", "3"):
        levels.append(rok4_make.Level(id_, limits, (4, 4), image=image))
        limits = tuple(value >> 1 for value in limits)
        image = rok4_make.halved(image, np.float32)
    rok4_make.Pyramid(root, "hills", definition, "TIFF_ZIP_FLOAT32", 1,
                      nodata="-99999", levels=levels).write()
    return str(root / "hills.json")
