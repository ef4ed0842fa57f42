# SPDX-License-Identifier: MIT
"""Sets the scene for readers that are not ours: the plugin of the build tree,
the tile matrix sets, and the reference library in an environment of its own."""

import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "autotest", "pymod"))

if "GDAL_DRIVER_PATH" not in os.environ:
    found = glob.glob(os.path.join(ROOT, "build", "dev", "**",
                                   "gdal_ROK4.so"), recursive=True)
    if found:
        os.environ["GDAL_DRIVER_PATH"] = os.path.dirname(found[0])
for key in ("GDAL_NUM_THREADS", "GDAL_CACHEMAX", "CPL_DEBUG"):
    os.environ.pop(key, None)

import pytest  # noqa: E402
from osgeo import gdal  # noqa: E402

gdal.DontUseExceptions()

import rok4_library  # noqa: E402
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


@pytest.fixture(scope="session")
def library():
    """The reference library, or a skip that says why there is none."""
    build = os.environ.get("ROK4_BUILD_DIR", os.path.join(ROOT, "build"))
    place = os.path.join(build, "rok4-library")
    made = subprocess.run([os.path.join(HERE, "make_library.sh"), place],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if made.returncode:
        lines = made.stdout.strip().splitlines() or ["no output"]
        pytest.skip("the rok4 library cannot be installed: " + lines[-1])
    return rok4_library.Library(os.path.join(place, "bin", "python3"))


@pytest.fixture
def moved(tmp_path):
    """Copies a fixture to a directory of its own; returns the descriptor."""
    def copy(name):
        place = tmp_path / "moved"
        shutil.copytree(rok4_util.fixture(name)[:-5], place / name,
                        symlinks=True)
        shutil.copy(rok4_util.fixture(name)[:-5] + ".list", place)
        return shutil.copy(rok4_util.fixture(name), place)
    return copy
