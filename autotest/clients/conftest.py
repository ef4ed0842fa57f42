# SPDX-License-Identifier: MIT
"""Sets the scene for programs that are not ours: the plugin of the build tree
and the tile matrix sets, through the environment that they inherit."""

import glob
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "autotest", "pymod"))

if "GDAL_DRIVER_PATH" not in os.environ:
    found = glob.glob(os.path.join(ROOT, "build", "dev", "**",
                                   "gdal_ROK4.so"), recursive=True)
    if found:
        os.environ["GDAL_DRIVER_PATH"] = os.path.dirname(found[0])
os.environ["LC_ALL"] = "C.UTF-8"
for key in ("GDAL_NUM_THREADS", "GDAL_CACHEMAX", "CPL_DEBUG"):
    os.environ.pop(key, None)

import pytest  # noqa: E402
from osgeo import gdal  # noqa: E402

gdal.DontUseExceptions()

import rok4_tms  # noqa: E402
import rok4_util  # noqa: E402


def pytest_sessionstart(session):
    if gdal.GetDriverByName("ROK4") is None:
        pytest.exit("no ROK4 driver in GDAL_DRIVER_PATH=%s" %
                    os.environ.get("GDAL_DRIVER_PATH"), returncode=3)


@pytest.fixture(scope="session", autouse=True)
def tms_directory(tmp_path_factory):
    """Every TMS that the fixtures name, found through the environment."""
    place = str(tmp_path_factory.mktemp("tms"))
    for definition in (rok4_tms.pm(), rok4_tms.lamb93_10cm(),
                       rok4_tms.lamb93_1m_mnt()):
        rok4_tms.write(place, definition)
    shutil.copy(os.path.join(rok4_util.DATA, "tms", "T64.json"), place)
    os.environ["ROK4_TMS_DIRECTORY"] = place
    return place


@pytest.fixture
def moved(tmp_path):
    """Copies a fixture to a directory of its own; returns the descriptor."""
    def copy(name):
        place = tmp_path / "moved"
        shutil.copytree(rok4_util.fixture(name)[:-5], place / name)
        return shutil.copy(rok4_util.fixture(name), place)
    return copy
