# SPDX-License-Identifier: MIT
"""Where COGX writes, and what becomes of files that are there."""

import os
import subprocess
import sys

import numpy as np
from osgeo import gdal

import cogx_make
import rok4_util


def copy(path, dataset, *options, **more):
    return gdal.GetDriverByName("COGX").CreateCopy(
        str(path), dataset, options=list(options), **more)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def add_sidecar(path):
    path.with_name(path.name + ".aux.xml").write_text(
        "<PAMDataset><Metadata><MDI key='A'>b</MDI></Metadata></PAMDataset>")


def test_interrupted(tmp_path):
    path = tmp_path / "a.tif"
    for most in (0, 0.3, 0.95):
        with rok4_util.Errors() as errors:
            made = copy(path, cogx_make.source(2000, 2000),
                        callback=lambda done, *_: done < most)
        assert made is None
        assert len(errors.failures) == 1
        assert errors[-1][1] == gdal.CPLE_UserInterrupt
        assert names(tmp_path) == []


def test_progress(tmp_path):
    seen = []
    assert copy(tmp_path / "a.tif", cogx_make.source(2000, 2000),
                callback=lambda done, *_: seen.append(done) or 1)
    assert seen == sorted(seen)
    assert seen[0] == 0 and seen[-1] == 1


def test_existing_stays_until_the_new_one_is_complete(tmp_path):
    for name in ("a.tif", "COGX:a.tif"):
        path = tmp_path / "a.tif"
        assert copy(path, cogx_make.source(bands=1))
        before = path.stat().st_ino
        seen = []
        name = name.replace("a.tif", str(path))
        with rok4_util.Errors():
            assert copy(name, cogx_make.source(),
                        callback=lambda done, *_: 0) is None
        assert path.stat().st_ino == before
        assert copy(name, cogx_make.source(),
                    callback=lambda done, *_: seen.append(
                        done < 1 and path.stat().st_ino == before) or 1)
        assert all(seen[:-1])
        assert path.stat().st_ino != before
        assert gdal.Open(str(path)).RasterCount == 3


def test_existing_of_gdal_translate(tmp_path):
    path = tmp_path / "a.tif"
    source = tmp_path / "source.tif"
    cogx_make.write("GTiff", source, cogx_make.source())
    assert copy(path, cogx_make.source(bands=1))
    before = path.stat().st_ino
    run = ["gdal_translate", "-q", "-of", "COGX", str(source), str(path)]
    done = subprocess.run(run + ["-co", "COMPRESS=JPEG", "-ot", "Float32"],
                          capture_output=True)
    assert done.returncode != 0
    assert path.stat().st_ino == before
    subprocess.run(run, check=True)
    assert gdal.Open(str(path)).RasterCount == 3


def test_what_belonged_to_an_old_file_goes(tmp_path):
    path = tmp_path / "a.tif"
    assert copy(path, cogx_make.source(bands=1), "OVERVIEWS=NONE")
    add_sidecar(path)
    old = gdal.Open(str(path))
    old.BuildOverviews("NEAREST", [2])
    old = None
    assert names(tmp_path) == ["a.tif", "a.tif.aux.xml", "a.tif.ovr"]
    assert copy(path, cogx_make.source(bands=1))
    assert names(tmp_path) == ["a.tif"]


def test_onto_itself(tmp_path):
    path = tmp_path / "a.tif"
    assert copy(path, cogx_make.source())
    assert copy(path, gdal.Open(str(path)))
    assert np.array_equal(gdal.Open(str(path)).ReadAsArray(),
                          cogx_make.source().ReadAsArray())
    assert names(tmp_path) == ["a.tif"]


def test_in_memory():
    assert copy("/vsimem/cogx/a.tif", cogx_make.source())
    assert gdal.ReadDir("/vsimem/cogx") == ["a.tif"]
    assert np.array_equal(gdal.Open("/vsimem/cogx/a.tif").ReadAsArray(),
                          cogx_make.source().ReadAsArray())
    gdal.RmdirRecursive("/vsimem/cogx")


def test_spooled_to_a_file(tmp_path):
    rows, cols = 3000, 3000
    dataset = gdal.GetDriverByName("MEM").Create("", cols, rows, 8,
                                                 gdal.GDT_Byte)
    values = np.random.RandomState(1).randint(0, 256, (8, rows, cols))
    dataset.WriteArray(values.astype(np.uint8))
    assert copy(tmp_path / "a.tif", dataset)
    assert names(tmp_path) == ["a.tif"]
    assert np.array_equal(gdal.Open(str(tmp_path / "a.tif")).ReadAsArray(),
                          values)


def test_where_nothing_can_be_written():
    with rok4_util.Errors() as errors:
        assert copy("/proc/nothing/a.tif", cogx_make.source()) is None
    assert len(errors.failures) == 1
    assert "/proc/nothing/a.tif" in errors.failures[0]


def test_delete(tmp_path):
    path = tmp_path / "a.tif"
    for name in (str(path), "COGX:" + str(path)):
        assert copy(path, cogx_make.source(bands=1))
        add_sidecar(path)
        assert gdal.GetDriverByName("COGX").Delete(name) == gdal.CE_None
        assert names(tmp_path) == []


def test_other_files_are_not_claimed(tmp_path):
    path = tmp_path / "a.tif"
    assert copy(path, cogx_make.source())
    assert gdal.IdentifyDriver(str(path)).ShortName == "GTiff"
    assert gdal.Open(str(path)).GetDriver().ShortName == "GTiff"


def test_warped_by_gdalwarp(tmp_path):
    source = tmp_path / "source.tif"
    cogx_make.write("GTiff", source, cogx_make.source())
    for driver in ("COGX", "COG"):
        subprocess.run(["gdalwarp", "-q", "-of", driver, "-t_srs",
                        "EPSG:4326", str(source),
                        str(tmp_path / (driver + ".tif"))], check=True)
    ours = gdal.Open(str(tmp_path / "COGX.tif"))
    theirs = gdal.Open(str(tmp_path / "COG.tif"))
    assert ours.GetGeoTransform() == theirs.GetGeoTransform()
    assert np.array_equal(ours.ReadAsArray(), theirs.ReadAsArray())


KILLED = """
import os, sys
sys.path.insert(0, %r)
from osgeo import gdal
import cogx_make
gdal.GetDriverByName("COGX").CreateCopy(
    sys.argv[1], cogx_make.source(2000, 2000),
    callback=lambda done, *_: os._exit(9) if done > float(sys.argv[2]) else 1)
"""


def test_killed(tmp_path):
    path = tmp_path / "a.tif"
    program = KILLED % os.path.join(rok4_util.ROOT, "autotest", "pymod")
    for share in ("0.2", "0.93"):
        done = subprocess.run([sys.executable, "-c", program, str(path),
                               share])
        assert done.returncode == 9
        assert not path.exists()


def test_files_of_others_stay(tmp_path):
    """GTiff lists the metadata of a scene with each of its bands; what belongs to
    the file that is replaced goes."""
    path = tmp_path / "LC08_X_B1.TIF"
    scene = tmp_path / "LC08_X_MTL.txt"
    dataset = cogx_make.source(64, 64, 1)
    gdal.GetDriverByName("GTiff").CreateCopy(str(path), dataset)
    scene.write_text(
        "GROUP = L1_METADATA_FILE\n  GROUP = PRODUCT_METADATA\n"
        "    SPACECRAFT_ID = \"LANDSAT_8\"\n  END_GROUP = PRODUCT_METADATA\n"
        "END_GROUP = L1_METADATA_FILE\nEND\n", "utf-8")
    old = gdal.Open(str(path))
    old.GetRasterBand(1).ComputeStatistics(False)
    assert str(scene) in old.GetFileList()
    old = None
    assert (tmp_path / "LC08_X_B1.TIF.aux.xml").exists()
    gdal.GetDriverByName("COGX").CreateCopy(str(path), dataset)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "LC08_X_B1.TIF", "LC08_X_MTL.txt"]
