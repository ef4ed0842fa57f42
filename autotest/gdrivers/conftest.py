# SPDX-License-Identifier: MIT
"""Puts the plugin of the build tree before the tests.

GDAL_DRIVER_PATH says where it is; by default the dev preset's build. A test
run without the driver fails: it never skips."""

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
os.environ.pop("GDAL_PAM_PROXY_DIR", None)
for key in ("ROK4_TMS_DIRECTORY", "GDAL_NUM_THREADS"):
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


@pytest.fixture(scope="session")
def tms_directory(tmp_path_factory):
    """A directory with every TMS that fixtures and tests name."""
    place = tmp_path_factory.mktemp("tms")
    for definition in (rok4_tms.pm(), rok4_tms.lamb93_10cm(),
                       rok4_tms.lamb93_1m_mnt(), rok4_tms.degrees()):
        rok4_tms.write(str(place), definition)
    shutil.copy(os.path.join(rok4_util.DATA, "tms", "T64.json"), str(place))
    return str(place)


@pytest.fixture(autouse=True)
def environment(tms_directory):
    """Every test starts with the TMS directory, and waits little for servers
    that fail."""
    with rok4_util.config(ROK4_TMS_DIRECTORY=tms_directory,
                          ROK4_OBJECT_ATTEMPTS_WAIT="0.01",
                          GDAL_NUM_THREADS=None):
        yield


@pytest.fixture
def moved(tmp_path):
    """Copies a fixture to a directory of its own; returns the descriptor."""
    def copy(name, place=None):
        place = str(place or tmp_path / "moved")
        os.makedirs(place, exist_ok=True)
        source = rok4_util.fixture(name)
        shutil.copy(source, place)
        shutil.copytree(source[:-5], os.path.join(place, name))
        return os.path.join(place, name + ".json")
    return copy
