# SPDX-License-Identifier: MIT
"""Does one step of writer.py, which is told as JSON; 7 when it fails. Prints
the peak of its memory in KiB."""

import json
import os
import re
import sys

import numpy
from osgeo import gdal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import writer  # noqa: E402

gdal.DontUseExceptions()
done = writer.do(json.loads(sys.argv[1]), gdal, numpy)
with open("/proc/self/status", encoding="ascii") as status:
    print(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))
sys.exit(0 if done else 7)
