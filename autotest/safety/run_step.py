# SPDX-License-Identifier: MIT
"""Does one step of writer.py, which is told as JSON; 7 when it fails."""

import json
import os
import sys

import numpy
from osgeo import gdal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import writer  # noqa: E402

gdal.DontUseExceptions()
sys.exit(0 if writer.do(json.loads(sys.argv[1]), gdal, numpy) else 7)
