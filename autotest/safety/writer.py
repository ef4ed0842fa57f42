# SPDX-License-Identifier: MIT
"""Writes pyramids in child processes that are killed, or whose calls fail.

As a program: a server that reads one JSON job a line from stdin, forks, and
answers one JSON line. The driver is loaded once, before the forks, with the
library of kill_at.c in front of it."""

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 60
# As in kill_at.c.
COUNT, KILL, KILL_TORN, FAIL, FAIL_ON = range(5)
ALL_KINDS = "owrulmds"


def paint(dataset, windows, numpy):
    """windows: [x, y, width, height, seed]."""
    for x, y, width, height, seed in windows:
        rng = numpy.random.default_rng(seed)
        pixels = rng.integers(1, 255, (dataset.RasterCount, height, width),
                              dtype=numpy.uint8)
        if dataset.WriteArray(pixels, x, y) != 0:
            return False
    return True


def do(step, gdal, numpy):
    """One command; whether it succeeded."""
    what, path = step["do"], step["path"]
    options = step.get("options", [])
    driver = gdal.GetDriverByName(step.get("driver", "ROK4"))
    if what == "copy":
        source = gdal.OpenEx(step["source"])
        calls = []

        def progress(fraction, text, data):
            calls.append(fraction)
            return int(len(calls) <= step.get("interrupt", 1 << 30))

        made = driver.CreateCopy(path, source, options=options,
                                 callback=progress)
        step["calls"] = calls
        return made is not None
    if what == "create":
        width, height = step["size"]
        made = driver.Create(path, width, height, step.get("bands", 1),
                             options=options)
        if made is None:
            return False
        made.SetGeoTransform(step["transform"])
        if not paint(made, step["windows"], numpy):
            return False
        made = None
        return not gdal.GetLastErrorMsg()
    if what == "paint":
        dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_UPDATE |
                              gdal.OF_VERBOSE_ERROR, open_options=options)
        if dataset is None or not paint(dataset, step["windows"], numpy):
            return False
        dataset = None
        return not gdal.GetLastErrorMsg()
    if what == "overviews":
        access = gdal.OF_UPDATE if step.get("update", True) else 0
        dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR |
                              access)
        if dataset is None:
            return False
        done = dataset.BuildOverviews(step.get("method", "AVERAGE"),
                                      step["factors"])
        dataset = None
        return done == 0 and not gdal.GetLastErrorMsg()
    if what == "statistics":
        dataset = gdal.OpenEx(path, gdal.OF_RASTER)
        return dataset.GetRasterBand(1).ComputeStatistics(False) is not None
    if what == "delete":
        return driver.Delete(path) == 0
    if what == "rename":
        return driver.Rename(step["to"], path) == 0
    if what == "copyfiles":
        return driver.CopyFiles(step["to"], path) == 0
    if what == "look":
        return look(step, gdal)
    raise ValueError(what)


def look(step, gdal):
    """Reads all levels: step["sums"] = [[checksum of each band] of each]."""
    dataset = gdal.OpenEx(step["path"], gdal.OF_RASTER)
    if dataset is None:
        return False
    sums = []
    for i in range(dataset.GetRasterBand(1).GetOverviewCount() + 1):
        bands = [dataset.GetRasterBand(j + 1)
                 for j in range(dataset.RasterCount)]
        if i > 0:
            bands = [band.GetOverview(i - 1) for band in bands]
        sums.append([band.Checksum() for band in bands])
    step["sums"] = sums
    return True


def open_files():
    """What is open, but for databases that PROJ keeps."""
    out = []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink("/proc/self/fd/" + name)
        except OSError:  # the directory itself, while it was read
            continue
        if not target.endswith(".db"):
            out.append(target)
    return out


def running_threads():
    return len(os.listdir("/proc/self/task"))


def work(job):
    from osgeo import gdal
    import numpy
    errors, warnings = [], []

    def handler(kind, _, text):
        if kind >= gdal.CE_Failure:
            errors.append(text)
        elif kind == gdal.CE_Warning:
            warnings.append(text)

    gdal.PushErrorHandler(handler)
    for key, value in job.get("config", {}).items():
        gdal.SetConfigOption(key, value)
    if "file_limit" in job:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_limit"],) * 2)
    if "user" in job:
        os.setresgid(job["user"], job["user"], job["user"])
        os.setresuid(job["user"], job["user"], job["user"])
    library = ctypes.CDLL(None)
    arm = job.get("arm")
    steps = []
    before = open_files()
    for i, step in enumerate(job["steps"]):
        gdal.ErrorReset()
        if arm and i == job.get("arm_step", 0):
            log = arm.get("log")
            library.kill_at_arm(
                os.fsencode(arm["directory"]),
                arm.get("kinds", ALL_KINDS).encode(),
                ctypes.c_long(arm.get("nth", 0)),
                arm.get("action", COUNT), arm.get("errno", 0),
                os.fsencode(log) if log else None)
        done = do(step, gdal, numpy)
        steps.append(dict(step, done=bool(done)))
        if arm and i == job.get("arm_step", 0):
            library.kill_at_count.restype = ctypes.c_long
            steps[-1]["count"] = library.kill_at_count()
            library.kill_at_arm(b"", b"", ctypes.c_long(0), 0, 0, None)
        if not done and job.get("stop", True):
            break
    return {"steps": steps, "errors": errors, "warnings": warnings,
            "done": all(step["done"] for step in steps),
            "files": [name for name in open_files() if name not in before],
            "threads": running_threads()}


def serve():
    from osgeo import gdal
    import numpy  # noqa: F401 (loaded before the forks)
    gdal.DontUseExceptions()
    if gdal.GetDriverByName("ROK4") is None:
        sys.exit("no ROK4 driver")
    for line in sys.stdin:
        job = json.loads(line)
        ours, theirs = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(ours)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            try:
                text = json.dumps(work(job))
                with os.fdopen(theirs, "w") as out:
                    out.write(text)
                os._exit(0)
            except BaseException as error:  # reported through the pipe's end
                sys.stderr.write("%s: %r\n" % (job["steps"], error))
                os._exit(99)
        os.close(theirs)
        answer = gather(pid, ours, job)
        print(json.dumps(answer), flush=True)


def gather(pid, pipe, job):
    """Kills after job["delay"] seconds; a job that hangs, after SECONDS."""
    text, start = b"", time.monotonic()
    end = start + job.get("delay", SECONDS)
    late = False
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            os.kill(pid, signal.SIGKILL)
            late = "delay" not in job
            break
        part = os.read(pipe, 1 << 16)
        if not part:
            break
        text += part
    os.close(pipe)
    _, status, usage = os.wait4(pid, 0)
    answer = {"killed": os.WIFSIGNALED(status), "late": late,
              "status": status, "seconds": time.monotonic() - start,
              "peak": usage.ru_maxrss}
    if text and not answer["killed"]:
        answer.update(json.loads(text))
    return answer


class Writer:
    """The serving process."""

    def __init__(self, library):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, LD_PRELOAD=str(library),
                     OPENBLAS_NUM_THREADS="1"))

    def ask(self, *steps, **job):
        self.process.stdin.write(json.dumps(dict(job, steps=steps)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the server died (%s): %r" % (self.process.wait(), steps)
        answer = json.loads(line)
        assert not answer["late"], "hangs: %r" % (steps,)
        if answer["killed"]:
            assert os.WTERMSIG(answer["status"]) == signal.SIGKILL, answer
        else:
            assert answer["status"] == 0, answer
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def build(directory):
    """The library of kill_at.c."""
    library = os.path.join(str(directory), "kill_at.so")
    subprocess.check_call(["cc", "-O2", "-shared", "-fPIC", "-o", library,
                           os.path.join(HERE, "kill_at.c"), "-ldl"])
    return library


if __name__ == "__main__":
    serve()
