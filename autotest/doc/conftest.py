# SPDX-License-Identifier: MIT
"""Puts the plugin of the build tree before the tests of the documentation."""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "autotest", "pymod"))

if "GDAL_DRIVER_PATH" not in os.environ:
    found = glob.glob(os.path.join(ROOT, "build", "dev", "gdalplugins"))
    if found:
        os.environ["GDAL_DRIVER_PATH"] = found[0]
# The programs of the same build come before installed ones.
BUILD = os.environ.get("ROK4_BUILD_DIR", os.path.join(ROOT, "build", "dev"))
os.environ["PATH"] = os.pathsep.join(
    [os.path.join(BUILD, "apps"), os.environ.get("PATH", "")])
for key in ("ROK4_TMS_DIRECTORY", "ROK4_ALLOW_OUTSIDE_PATHS",
            "GDAL_NUM_THREADS"):
    os.environ.pop(key, None)

import pytest  # noqa: E402
from osgeo import gdal  # noqa: E402

gdal.DontUseExceptions()


def pytest_sessionstart(session):
    if gdal.GetDriverByName("ROK4") is None:
        pytest.exit("no ROK4 driver in GDAL_DRIVER_PATH=%s" %
                    os.environ.get("GDAL_DRIVER_PATH"), returncode=3)
