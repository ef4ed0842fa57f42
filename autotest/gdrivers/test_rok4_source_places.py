# SPDX-License-Identifier: MIT
"""All ways to say where a source's pixels lie, through CreateCopy; and through
gdalwarp."""

import os
import subprocess

import numpy as np
import pytest
from osgeo import gdal, osr

import rok4_util
import rok4_write
from rok4_bottom import (FIVE, LAMBERT_SIZE as SIZE, bottom, compare,
                         gdalwarp, lambert, made, set_crs, warp_vrt, waves)
from rok4_write import SMALL, source


def unplaced(pixels):
    dataset = gdal.GetDriverByName("MEM").Create(
        "", pixels.shape[1], pixels.shape[0], pixels.shape[2])
    for i in range(pixels.shape[2]):
        dataset.GetRasterBand(i + 1).WriteArray(pixels[:, :, i])
    return dataset


@pytest.mark.parametrize("options", [{}, dict(tps=True),
                                     dict(polynomialOrder=1)])
@pytest.mark.parametrize("crs", ["", "EPSG:3857"])
def test_control_points(crs, options, tmp_path):
    """Without a geotransform, a CRS does not count; the VRT tells how."""
    dataset = lambert(waves())
    left, cell, _, top, _, _ = dataset.GetGeoTransform()
    points = [gdal.GCP(left + cell * px_x + 9000 * (px_y == 100),
                       top - cell * px_y, 0, px_x, px_y)
              for px_x in (0, 120, 240) for px_y in (0, 100, 200)]
    copy = unplaced(waves())
    if crs:
        set_crs(copy, crs)
    copy.SetGCPs(points, dataset.GetSpatialRef())
    for name, one in (("a", copy), ("b", warp_vrt(
            copy, dstSRS="EPSG:3857", resampleAlg="bilinear", **options))):
        level, found, valid = made(tmp_path / (name + ".json"), one, *FIVE,
                                   "WARP_RESAMPLING=BILINEAR")
        how = options if name == "b" else {}
        compare((found, valid), gdalwarp(copy, level, "bilinear", **how),
                edge=.01)


@pytest.mark.parametrize("srs", ["EPSG:4326", "EPSG:3857"])
def test_coordinate_operation(srs, tmp_path):
    """The operation of a VRT leads to its own CRS: it is kept with that, and
    gives way with another one."""
    dataset = lambert(waves())
    shifted = gdal.GetDriverByName("MEM").CreateCopy("", dataset)
    left, cell, _, top, _, _ = dataset.GetGeoTransform()
    steps = ("+proj=pipeline +step %s +inv +proj=lcc +lat_0=46.5 +lon_0=3 "
             "+lat_1=49 +lat_2=44 +x_0=700000 +y_0=6600000 +ellps=GRS80 ")
    if srs == "EPSG:3857":
        # Ten pixels to the east, to be recognised.
        steps %= "+proj=affine +xoff=33000 +step"
        steps += "+step +proj=webmerc +ellps=WGS84"
        shifted.SetGeoTransform((left + 33000, cell, 0, top, 0, -cell))
    else:
        steps %= ""
        steps += ("+step +proj=unitconvert +xy_in=rad +xy_out=deg "
                  "+step +proj=axisswap +order=2,1")
    vrt = warp_vrt(dataset, dstSRS=srs, resampleAlg="bilinear",
                   coordinateOperation=steps)
    level, found, valid = made(tmp_path / "a.json", vrt, *FIVE)
    compare((found, valid), gdalwarp(shifted, level, "bilinear"), edge=.01)


RPC = {"LINE_OFF": "100", "SAMP_OFF": "120", "LINE_SCALE": "100",
       "SAMP_SCALE": "120", "LAT_OFF": "46.5", "LONG_OFF": "3",
       "LAT_SCALE": "3", "LONG_SCALE": "4.5", "HEIGHT_OFF": "0",
       "HEIGHT_SCALE": "5000",
       "LINE_NUM_COEFF": "0 0.02 -1 0.05 0.03" + 15 * " 0",
       "LINE_DEN_COEFF": "1" + 19 * " 0",
       "SAMP_NUM_COEFF": "0 1 0.03 0.1 0.02" + 15 * " 0",
       "SAMP_DEN_COEFF": "1" + 19 * " 0"}


@pytest.mark.parametrize("options", [{}, dict(transformerOptions=[
    "RPC_HEIGHT=2500"]), dict(transformerOptions=["RPC_DEM=dem"])])
def test_rational_polynomials(options, tmp_path):
    """RPC bring their own CRS; heights come from the VRT."""
    dataset = unplaced(waves())
    dataset.SetMetadata(RPC, "RPC")
    options = dict(options)
    if "RPC_DEM=dem" in options.get("transformerOptions", []):
        dem = gdal.GetDriverByName("GTiff").Create(
            str(tmp_path / "dem.tif"), 60, 50, 1, gdal.GDT_Float32)
        dem.SetGeoTransform((-3, .2, 0, 51, 0, -.2))
        set_crs(dem, "EPSG:4326")
        px_y, px_x = np.mgrid[0:50, 0:60]
        dem.GetRasterBand(1).WriteArray(1000 + 30. * px_x + 10 * px_y)
        dem = None
        options["transformerOptions"] = ["RPC_DEM=" +
                                         str(tmp_path / "dem.tif")]
    if not options:
        level, found, valid = made(tmp_path / "a.json", dataset, *FIVE,
                                   "WARP_RESAMPLING=BILINEAR")
        compare((found, valid),
                gdalwarp(dataset, level, "bilinear", rpc=True), edge=.01)
    for name, srs in (("b", "EPSG:3857"), ("c", "EPSG:4326")):
        vrt = warp_vrt(dataset, dstSRS=srs, resampleAlg="bilinear", rpc=True,
                       **options)
        level, found, valid = made(tmp_path / (name + ".json"), vrt, *FIVE)
        expected = gdalwarp(dataset, level, "bilinear", rpc=True, **options)
        compare((found, valid), expected, edge=.01)


def test_geolocation_array(tmp_path):
    """Longitude and latitude of each pixel; on a curve."""
    px_y, px_x = np.mgrid[0:SIZE[0], 0:SIZE[1]].astype(float)
    lon = -1 + .035 * px_x + .004 * px_y + .3 * np.sin(px_y / 100)
    lat = 49 - .03 * px_y + .002 * px_x
    for name, values in (("lon", lon), ("lat", lat)):
        array = gdal.GetDriverByName("GTiff").Create(
            str(tmp_path / (name + ".tif")), SIZE[1], SIZE[0], 1,
            gdal.GDT_Float64)
        array.GetRasterBand(1).WriteArray(values)
        array = None
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4326)
    dataset = unplaced(waves())
    dataset.SetMetadata({
        "X_DATASET": str(tmp_path / "lon.tif"), "X_BAND": "1",
        "Y_DATASET": str(tmp_path / "lat.tif"), "Y_BAND": "1",
        "PIXEL_OFFSET": "0", "LINE_OFFSET": "0", "PIXEL_STEP": "1",
        "LINE_STEP": "1", "SRS": crs.ExportToWkt(),
        "GEOREFERENCING_CONVENTION": "PIXEL_CENTER"}, "GEOLOCATION")
    for name, one in (("a", dataset), ("b", warp_vrt(
            dataset, dstSRS="EPSG:4326", resampleAlg="bilinear",
            geoloc=True))):
        level, found, valid = made(tmp_path / (name + ".json"), one, *FIVE,
                                   "WARP_RESAMPLING=BILINEAR")
        compare((found, valid),
                gdalwarp(dataset, level, "bilinear", geoloc=True), edge=.01)


@pytest.mark.parametrize("crs,corner,cell,size,wanted", [
    ("EPSG:4326", (-180, 90), .75, (240, 480), "1"),
    ("EPSG:4326", (-180, 85), 1, (170, 360), "0"),
    ("EPSG:4326", (0, 60), 1, (120, 360), "1"),
    ("EPSG:32760", (300000, 8100000), 5000, (120, 250), "5"),
    ("EPSG:3832", (2000000, 1000000), 9000, (150, 250), "4")])
def test_around_the_world(crs, corner, cell, size, wanted, tmp_path):
    """The whole of it, and both sides of the antimeridian: the level is then
    that of the source's own pixels."""
    px_y, px_x = np.mgrid[0:size[0], 0:size[1]]
    pixels = np.stack([128 + 100 * np.sin(px_x / 23) * np.cos(px_y / (19 + i))
                       for i in range(3)], axis=2).astype(np.uint8)
    dataset = source(pixels)
    dataset.SetGeoTransform((corner[0], cell, 0, corner[1], 0, -cell))
    set_crs(dataset, crs)
    level, found, valid = made(
        tmp_path / "a.json", dataset, "TILING_SCHEME=T64", "TOP_LEVEL=0",
        "WARP_RESAMPLING=BILINEAR", small=False)
    assert level.id_ == wanted
    matrix = rok4_write.matrix_of(level.id_)
    assert level.limits[0::2] == (0, matrix["matrixWidth"] - 1)
    compare((found, valid), gdalwarp(dataset, level, "bilinear"), edge=1e-3)


# ---- By command ----


@pytest.mark.skipif(rok4_util.SANITIZED, reason="starts GDAL's programs")
@pytest.mark.parametrize("options", [
    [], ["-r", "cubic", "-t_srs", "EPSG:3857", "-tr", "6000", "6000"],
    ["-t_srs", "EPSG:4326", "-te", "1", "45", "4", "48", "-r", "average"],
    ["-te_srs", "EPSG:4326", "-te", "1", "45", "4", "48", "-t_srs",
     "EPSG:3857", "-multi", "-wo", "NUM_THREADS=2"]])
def test_command(options, tmp_path):
    """gdalwarp's own options; the file is the same as from gdal.Warp with a
    source in memory."""
    lambert(waves(), str(tmp_path / "source.tif"))
    creation = SMALL + FIVE + ["MASK=YES"]
    place = str(tmp_path / "source.tif")
    arguments = ["gdalwarp", "-q", "-of", "ROK4", *options, place,
                 str(tmp_path / "a.json")]
    for option in creation:
        arguments += ["-co", option]
    subprocess.run(arguments, check=True, env=dict(
        os.environ, ROK4_TMS_DIRECTORY=gdal.GetConfigOption(
            "ROK4_TMS_DIRECTORY")))
    memory = lambert(waves())
    made_of = gdal.Warp(str(tmp_path / "b.json"), memory, format="ROK4",
                        options=gdal.ParseCommandLine(" ".join(options)),
                        creationOptions=creation)
    assert made_of is not None
    made_of = None
    rok4_write.same_slabs(tmp_path / "a.json", tmp_path / "b.json")
    level, found, valid = bottom(tmp_path / "a.json")
    method = options[options.index("-r") + 1] if "-r" in options else "near"
    expected = gdalwarp(memory, level, method)
    inside = valid & expected[1]
    assert inside.any()
    difference = np.abs(found[inside].astype(int) - expected[0][inside])
    assert (difference > 2).mean() <= (.05 if method == "near" else .01)


@pytest.mark.parametrize("command", [False, True])
def test_several_sources(command, tmp_path):
    """GDAL puts them into a file of its own first, on the grid of the first
    one; it is gone when all is done."""
    names = []
    for i in range(2):
        names.append(str(tmp_path / ("%d.tif" % i)))
        half = lambert(waves()[:, i * 120:i * 120 + 120], names[-1])
        half.SetGeoTransform((300000 + i * 120 * 3300, 3300, 0, 6900000, 0,
                              -3300))
        half = None
    out = str(tmp_path / "a.json")
    creation = SMALL + FIVE + ["MASK=YES"]
    if command and not rok4_util.SANITIZED:
        arguments = ["gdalwarp", "-q", "-of", "ROK4", "-t_srs", "EPSG:3857",
                     "-r", "bilinear", *names, out]
        for option in creation:
            arguments += ["-co", option]
        subprocess.run(arguments, check=True, env=dict(
            os.environ, ROK4_TMS_DIRECTORY=gdal.GetConfigOption(
                "ROK4_TMS_DIRECTORY")))
    else:
        assert gdal.Warp(out, names, format="ROK4", dstSRS="EPSG:3857",
                         resampleAlg="bilinear",
                         creationOptions=creation) is not None
    assert sorted(os.listdir(str(tmp_path))) == [
        "0.tif", "1.tif", "a", "a.json", "a.list"]
    level, found, valid = bottom(out)
    expected = gdalwarp(lambert(waves()), level, "bilinear")
    assert (valid | ~expected[1]).mean() > .995
    both = valid & expected[1]
    assert np.abs(found.astype(int) - expected[0])[both].mean() < 10
