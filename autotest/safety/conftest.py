# SPDX-License-Identifier: MIT
"""The plugin of the build tree, the tile matrix set, and a process that writes
and can be killed."""

import glob
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "autotest", "pymod"))

if "GDAL_DRIVER_PATH" not in os.environ:
    found = glob.glob(os.path.join(ROOT, "build", "dev", "**",
                                   "gdal_ROK4.so"), recursive=True)
    if found:
        os.environ["GDAL_DRIVER_PATH"] = os.path.dirname(found[0])
os.environ.pop("GDAL_PAM_PROXY_DIR", None)
for key in ("GDAL_NUM_THREADS", "GDAL_CACHEMAX", "CPL_DEBUG"):
    os.environ.pop(key, None)

import pytest  # noqa: E402
from osgeo import gdal  # noqa: E402

gdal.DontUseExceptions()

import rok4_util  # noqa: E402
import writer as writing  # noqa: E402


def pytest_sessionstart(session):
    if gdal.GetDriverByName("ROK4") is None:
        pytest.exit("no ROK4 driver in GDAL_DRIVER_PATH=%s" %
                    os.environ.get("GDAL_DRIVER_PATH"), returncode=3)


@pytest.fixture(scope="session")
def place():
    """A directory in memory, where the system has that: a thousand builds are
    made durable there."""
    shared = "/dev/shm"
    fast = os.path.isdir(shared) and os.access(shared, os.W_OK)
    path = tempfile.mkdtemp(prefix="rok4-safety-",
                            dir=shared if fast else None)
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def tms_directory(place):
    path = os.path.join(place, "tms")
    os.makedirs(path)
    shutil.copy(os.path.join(rok4_util.DATA, "tms", "T64.json"), path)
    os.environ["ROK4_TMS_DIRECTORY"] = path
    gdal.SetConfigOption("ROK4_TMS_DIRECTORY", path)
    return path


@pytest.fixture(scope="session")
def writer(place, tms_directory):
    process = writing.Writer(writing.build(place))
    yield process
    process.close()
