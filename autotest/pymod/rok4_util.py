# SPDX-License-Identifier: MIT
"""What the driver tests share: opening, errors, watching files, HTTP."""

import contextlib
import ctypes
import functools
import http.server
import os
import re
import struct
import threading
import time

import numpy as np
from osgeo import gdal

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DATA = os.path.join(ROOT, "autotest", "data")

# Memory is not measured then, and tsan allows no threads behind a fork.
SANITIZED = "san.so" in os.environ.get("LD_PRELOAD", "")

# Fixtures that the driver must open, by name of the descriptor.
FIXTURES = sorted(f[:-5] for f in os.listdir(DATA)
                  if f.endswith(".json") and not f.startswith("pm_mvt"))


def fixture(name):
    return os.path.join(DATA, name + ".json")


class Errors(list):
    """Collects (class, number, text) of every CPLError raised inside."""

    def __enter__(self):
        gdal.PushErrorHandler(
            lambda kind, number, text: self.append((kind, number, text)))
        return self

    def __exit__(self, *exc):
        gdal.PopErrorHandler()

    def texts(self, kind=None):
        return [text for k, _, text in self
                if k != gdal.CE_Debug and (kind is None or k == kind)]

    @property
    def failures(self):
        return self.texts(gdal.CE_Failure)

    @property
    def warnings(self):
        return self.texts(gdal.CE_Warning)


def open_dataset(path, *options):
    """Opens with any driver, as users do; fails the test with the message."""
    with Errors() as errors:
        dataset = gdal.OpenEx(str(path), gdal.OF_RASTER,
                              open_options=list(options))
    assert dataset is not None, errors.texts()
    assert dataset.GetDriver().ShortName == "ROK4"
    return dataset


def refused(path, *options):
    """The messages of an opening that must fail."""
    with Errors() as errors:
        dataset = gdal.OpenEx(str(path), gdal.OF_RASTER,
                              open_options=list(options))
    assert dataset is None
    assert len(errors.failures) == 1, errors.texts()
    return errors.failures[0]


def pixels_of(dataset):
    """[height][width][bands] through the dataset's RasterIO."""
    array = dataset.ReadAsArray()
    assert array is not None, gdal.GetLastErrorMsg()
    return array[:, :, None] if array.ndim == 2 else array.transpose(1, 2, 0)


def bands_of(dataset, overview=None):
    """The bands of the dataset or of one of its overviews."""
    bands = [dataset.GetRasterBand(i + 1)
             for i in range(dataset.RasterCount)]
    if overview is None:
        return bands
    return [band.GetOverview(overview) for band in bands]


def read_bands(bands):
    """[height][width][bands], band by band."""
    arrays = [band.ReadAsArray() for band in bands]
    assert all(a is not None for a in arrays), gdal.GetLastErrorMsg()
    return np.stack(arrays, axis=2)


def masks_of(bands):
    """Valid or not, [height][width], the same for every band."""
    masks = [band.GetMaskBand().ReadAsArray() for band in bands]
    for mask in masks[1:]:
        assert (mask == masks[0]).all()
    return masks[0] != 0


def assert_pixels(found, expected, codec=""):
    """Equal, or for JPEG within 1 per sample."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    if codec.startswith("JPG"):
        difference = np.abs(found.astype(int) - expected.astype(int))
        assert difference.max() <= 1
    else:
        np.testing.assert_array_equal(found, expected)


def memory_copy(dataset):
    """A MEM dataset with the same pixels, overviews, nodata and bands."""
    first = dataset.GetRasterBand(1)
    copy = gdal.GetDriverByName("MEM").Create(
        "", dataset.RasterXSize, dataset.RasterYSize, dataset.RasterCount,
        first.DataType)
    for i, band in enumerate(bands_of(dataset)):
        target = copy.GetRasterBand(i + 1)
        target.WriteArray(band.ReadAsArray())
        target.SetColorInterpretation(band.GetColorInterpretation())
        if band.GetNoDataValue() is not None:
            target.SetNoDataValue(band.GetNoDataValue())
    factors = [round(first.XSize / first.GetOverview(i).XSize)
               for i in range(first.GetOverviewCount())]
    if factors:
        copy.BuildOverviews("NONE", factors)
    for i, band in enumerate(bands_of(dataset)):
        for j in range(len(factors)):
            overview = copy.GetRasterBand(i + 1).GetOverview(j)
            overview.WriteArray(band.GetOverview(j).ReadAsArray())
            overview.SetColorInterpretation(band.GetColorInterpretation())
    return copy


@contextlib.contextmanager
def config(**options):
    """GDAL configuration options, None to unset, for the block."""
    old = {key: gdal.GetConfigOption(key) for key in options}
    for key, value in options.items():
        gdal.SetConfigOption(key, value)
    try:
        yield
    finally:
        for key, value in old.items():
            gdal.SetConfigOption(key, value)


class Watch:
    """Names of the files opened below directories, through inotify."""

    IN_OPEN, IN_NONBLOCK, IN_ISDIR = 0x20, 0o4000, 0x40000000

    def __init__(self, *directories):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(self.IN_NONBLOCK)
        assert self.fd >= 0
        self.places = {}
        for top in directories:
            for place, _, _ in os.walk(str(top)):
                number = self.libc.inotify_add_watch(
                    self.fd, os.fsencode(place), self.IN_OPEN)
                assert number >= 0
                self.places[number] = place
        self.opened()

    def opened(self):
        """Files opened since the last call, in order, directories apart."""
        out = []
        while True:
            try:
                events = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                return out
            at = 0
            while at < len(events):
                number, mask, _, length = struct.unpack_from("iIII", events,
                                                             at)
                name = events[at + 16:at + 16 + length].rstrip(b"\0")
                if name and not mask & self.IN_ISDIR:
                    out.append(os.path.join(self.places[number],
                                            os.fsdecode(name)))
                at += 16 + length

    def close(self):
        os.close(self.fd)


def in_threads(work, count):
    """work(0) .. work(count - 1), each in a thread of its own, to their end."""
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@functools.lru_cache(maxsize=None)
def libgdal():
    """The library that the bindings have loaded: they do not offer all."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        names = {line.split()[-1] for line in maps if "libgdal.so" in line}
    return ctypes.CDLL(names.pop())


def read_compressed(dataset, wish, *place):
    """The encoded bytes of a window, or None."""
    function = libgdal().GDALDatasetReadCompressedData
    function.argtypes = ([ctypes.c_void_p, ctypes.c_char_p] +
                         5 * [ctypes.c_int] + 4 * [ctypes.c_void_p])
    data = ctypes.c_void_p()
    size = ctypes.c_size_t()
    result = function(int(dataset.this), wish, *place, dataset.RasterCount,
                      None, ctypes.byref(data), ctypes.byref(size), None)
    return ctypes.string_at(data, size.value) if result == 0 else None


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self._answer(False)

    def do_GET(self):
        self._answer(True)

    def _answer(self, body):
        path = os.path.join(self.server.root,
                            self.path.split("?")[0].lstrip("/"))
        wanted = self.headers.get("Range")
        self.server.requests.append((self.command, self.path, wanted))
        self.server.agents.append(self.headers.get("User-Agent"))
        with self.server.under_way:
            time.sleep(self.server.delay)
            self._answer_file(path, wanted, body)

    def _answer_file(self, path, wanted, body):
        status = self.server.statuses.get(self.path)
        if status or not os.path.isfile(path):
            self.send_response(status or 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        file = open(path, "rb")
        total = os.fstat(file.fileno()).st_size
        match = self.server.ranges and re.match(r"bytes=(\d+)-(\d*)$",
                                                wanted or "")
        if match:
            first = int(match.group(1))
            last = min(int(match.group(2) or total), total - 1)
            if first > last:
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            file.seek(first)
            nbytes = last + 1 - first
            self.send_response(206)
            self.send_header("Content-Range",
                             "bytes %d-%d/%d" % (first, last, total))
        else:
            nbytes = total
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(nbytes))
        self.end_headers()
        with file:
            while body and nbytes > 0:
                data = file.read(min(nbytes, 1 << 20))
                self.wfile.write(data)
                nbytes -= len(data)


class UnderWay:
    """How many are inside at once, the most of them so far, and how often
    somebody came while nobody was inside."""

    def __init__(self):
        self.lock, self.count = threading.Lock(), 0
        self.most = self.rounds = 0

    def __enter__(self):
        with self.lock:
            self.rounds += self.count == 0
            self.count += 1
            self.most = max(self.most, self.count)

    def __exit__(self, *exc):
        with self.lock:
            self.count -= 1


class _Http(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Server:
    """Serves a directory on loopback, with ranges; requests is the log of
    (method, path, range), agents that of User-Agent; statuses maps paths to
    answers other than the file; delay is how many seconds every answer takes,
    without ranges every answer is the whole file."""

    def __init__(self, root):
        self.http = _Http(("127.0.0.1", 0), _Handler)
        self.http.root, self.http.requests = str(root), []
        self.http.agents, self.http.statuses = [], {}
        self.http.delay, self.http.ranges = 0, True
        self.http.under_way = UnderWay()
        self.thread = threading.Thread(target=self.http.serve_forever,
                                       args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def requests(self):
        return self.http.requests

    def take(self):
        """What was asked since the last call: (requests, bytes of their
        ranges, round trips, most at once)."""
        requests, under_way = self.http.requests, self.http.under_way
        nbytes = 0
        for _, _, wanted in requests:
            if wanted is None:
                continue
            first, last = wanted.split("=")[1].split("-")
            nbytes += int(last) - int(first) + 1
        taken = len(requests), nbytes, under_way.rounds, under_way.most
        del requests[:]
        under_way.rounds = under_way.most = 0
        return taken

    def url(self, name):
        return "/vsicurl/http://127.0.0.1:%d/%s" % (
            self.http.server_address[1], name)

    def close(self):
        self.http.shutdown()
        self.http.server_close()
