# SPDX-License-Identifier: MIT
"""Opens and reads one dataset in a child process with limits.

As a program: a server that reads one JSON job a line from stdin, forks, and
answers one JSON line. The driver is loaded once, before the forks."""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

SECONDS = 20
ADDRESS_SPACE = 1 << 30
# The sanitizers reserve terabytes of addresses.
SANITIZED = "san.so" in os.environ.get("LD_PRELOAD", "")


def read_all(dataset, gdal):
    """Reads every level and mask in windows; (windows, failed windows,
    failures without a message)."""
    counts = [0, 0, 0]

    def note(answer):
        counts[0] += 1
        if answer is None:
            counts[1] += 1
            counts[2] += not gdal.GetLastErrorMsg()

    def windows(width, height):
        if width * height <= 1 << 22:
            for y in range(0, height, 256):
                for x in range(0, width, 256):
                    yield x, y, min(256, width - x), min(256, height - y)
        else:
            w, h = min(width, 128), min(height, 128)
            for x in (0, width // 2, width - w):
                for y in (0, height // 2, height - h):
                    yield min(x, width - w), min(y, height - h), w, h

    for window in windows(dataset.RasterXSize, dataset.RasterYSize):
        gdal.ErrorReset()
        note(dataset.ReadRaster(*window))
    first = dataset.GetRasterBand(1)
    for i in range(first.GetOverviewCount()):
        for j in range(dataset.RasterCount):
            band = dataset.GetRasterBand(j + 1).GetOverview(i)
            for window in windows(band.XSize, band.YSize):
                gdal.ErrorReset()
                note(band.ReadRaster(*window))
    if first.GetMaskFlags() == gdal.GMF_PER_DATASET:
        mask = first.GetMaskBand()
        for window in windows(mask.XSize, mask.YSize):
            gdal.ErrorReset()
            note(mask.ReadRaster(*window))
    gdal.ErrorReset()
    note(first.ReadBlock(0, 0))
    return counts


def work(job):
    from osgeo import gdal
    import zlib
    texts, answer = [], {"open": False}

    def handler(kind, number, text):
        if kind >= gdal.CE_Failure:
            texts.append(text)

    gdal.PushErrorHandler(handler)
    for key, value in job.get("config", {}).items():
        gdal.SetConfigOption(key, value)
    dataset = gdal.OpenEx(job["name"], gdal.OF_RASTER,
                          open_options=job.get("options", []))
    if dataset is not None:
        answer["open"] = True
        answer["near"] = []
        for x, y, w, h in job.get("near", []):
            data = dataset.ReadRaster(x, y, w, h)
            answer["near"].append(None if data is None else zlib.crc32(data))
        answer["near_errors"] = list(texts)
        gdal.GetDriverByName("MEM")
        gdal.Info(dataset, options=["-nofl", "-nomd"])
        answer["reads"] = read_all(dataset, gdal)
    answer["errors"] = texts[:20]
    return answer


def serve():
    from osgeo import gdal
    gdal.DontUseExceptions()
    if gdal.GetDriverByName("ROK4") is None:
        sys.exit("no ROK4 driver")
    for line in sys.stdin:
        job = json.loads(line)
        ours, theirs = os.pipe()
        start = time.time()
        pid = os.fork()
        if not pid:
            os.close(ours)
            if not SANITIZED:
                resource.setrlimit(resource.RLIMIT_AS,
                                   (ADDRESS_SPACE, ADDRESS_SPACE))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            try:
                with os.fdopen(theirs, "w") as out:
                    json.dump(work(job), out)
                os._exit(0)
            except BaseException as error:  # reported through the pipe's end
                sys.stderr.write("%s: %r\n" % (job["name"], error))
                os._exit(99)
        os.close(theirs)
        text = b""
        while True:
            left = start + SECONDS - time.time()
            if left <= 0 or not select.select([ours], [], [], left)[0]:
                os.kill(pid, signal.SIGKILL)
                break
            part = os.read(ours, 1 << 16)
            if not part:
                break
            text += part
        os.close(ours)
        status = os.waitpid(pid, 0)[1]
        answer = {"status": status, "seconds": time.time() - start}
        if not status:
            answer.update(json.loads(text))
        print(json.dumps(answer), flush=True)


class Server:
    """One serving process."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, OPENBLAS_NUM_THREADS="1"))

    def ask(self, job):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the server died: %r" % job
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


if __name__ == "__main__":
    serve()
