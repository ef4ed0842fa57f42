# SPDX-License-Identifier: MIT
"""Finds the programs of the build tree. A run without them fails."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "autotest", "pymod"))

BUILD = os.environ.setdefault("ROK4_BUILD_DIR",
                              os.path.join(ROOT, "build", "dev"))
for key in ("GDAL_NUM_THREADS", "GDAL_CACHEMAX", "CPL_DEBUG"):
    os.environ.pop(key, None)

import pytest  # noqa: E402
from osgeo import gdal  # noqa: E402

gdal.DontUseExceptions()  # as in the script


@pytest.fixture(scope="session")
def coginfo():
    """Runs the program: (exit status, standard output, standard error)."""
    program = os.path.join(BUILD, "apps", "coginfo")
    assert os.path.exists(program), program

    def run(*arguments, **options):
        done = subprocess.run(
            [program] + [str(a) for a in arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=120, check=False, **options)
        assert done.returncode in (0, 1, 2), done.stderr
        return done.returncode, done.stdout, done.stderr
    return run
