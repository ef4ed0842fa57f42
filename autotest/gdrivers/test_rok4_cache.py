# SPDX-License-Identifier: MIT
"""Caches, files that change meanwhile, memory, threads and processes."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from osgeo import gdal

import rok4_decode
import rok4_make
import rok4_tms
from rok4_util import (SANITIZED, Watch, in_threads, open_dataset, pixels_of,
                       read_compressed)

HERE = os.path.dirname(os.path.abspath(__file__))


def make(root, fmt="TIFF_ZIP_UINT8", image=None, name="N", channels=3,
         **more):
    tms = rok4_tms.quadtree("Q")
    rok4_tms.write(str(root), tms)
    return rok4_make.Pyramid(root, name, tms, fmt, channels, levels=[
        rok4_make.Level("4", (8, 8, 15, 15), (4, 4), image=image, **more),
        rok4_make.Level("3", (4, 4, 7, 7), (4, 4))])


def window(dataset, x, y, w, h):
    return dataset.ReadAsArray(x, y, w, h).transpose(1, 2, 0)


def test_opening_reads_descriptor_and_tms_only(tmp_path):
    """Once each and nothing else of the pyramid; slabs only when asked."""
    path = make(tmp_path / "p").write()
    shutil.move(str(tmp_path / "p" / "Q.json"), str(tmp_path / "Q.json"))
    watch = Watch(tmp_path)
    dataset = open_dataset(path, "TMS_DIRECTORY=" + str(tmp_path))
    # GDAL itself opens the name once for its header.
    opened = watch.opened()
    assert opened.count(str(tmp_path / "Q.json")) == 1
    assert opened.count(path) <= 2
    assert len(opened) == opened.count(path) + 1
    dataset.GetGeoTransform()
    dataset.GetSpatialRef()
    dataset.GetRasterBand(1).GetOverview(0).XSize
    dataset.GetRasterBand(1).GetMaskFlags()
    assert watch.opened() == []
    watch.close()


def test_second_read_touches_no_file(tmp_path):
    """Neither dataset- nor band-level reads, nor overviews."""
    path = make(tmp_path).write()
    dataset = open_dataset(path)
    band = dataset.GetRasterBand(1)
    first = window(dataset, 30, 30, 200, 300)
    overview = band.GetOverview(0).ReadAsArray()
    watch = Watch(tmp_path)
    np.testing.assert_array_equal(window(dataset, 30, 30, 200, 300), first)
    np.testing.assert_array_equal(window(dataset, 64, 70, 100, 9),
                                  first[40:49, 34:134])
    np.testing.assert_array_equal(band.GetOverview(0).ReadAsArray(), overview)
    assert watch.opened() == []
    shutil.rmtree(str(tmp_path / "N"))
    np.testing.assert_array_equal(window(dataset, 30, 30, 200, 300), first)
    np.testing.assert_array_equal(
        band.ReadAsArray(30, 30, 200, 300), first[:, :, 0])
    assert watch.opened() == []
    watch.close()


def test_block_reads_open_no_slab_twice_for_its_bands(tmp_path):
    """Reading one block of each band decodes the tile once."""
    path = make(tmp_path).write()
    dataset = open_dataset(path)
    watch = Watch(tmp_path)
    blocks = [dataset.GetRasterBand(i).ReadBlock(1, 1) for i in (1, 2, 3)]
    assert len([f for f in watch.opened() if f.endswith(".tif")]) == 1
    assert len(set(map(bytes, blocks))) == 3
    watch.close()


@pytest.mark.parametrize("how", ["rename", "in place", "grown"])
def test_replaced_slab_is_noticed(tmp_path, how):
    """Never an old index with new bytes: what is read after the replacement
    and was not in the cache is the new slab's."""
    old = make(tmp_path / "old", name="N")
    old.write()
    new = make(tmp_path / "new", image=rok4_make.pattern(
        (512, 512, 3), 9, seed=77))
    new.write()
    path = make(tmp_path / "p").write()
    dataset = open_dataset(path)
    np.testing.assert_array_equal(window(dataset, 0, 0, 64, 64),
                                  old.image_of(old.levels[0])[:64, :64])
    source = new.slab_file(new.levels[0], 2, 2)
    target = source.replace(str(tmp_path / "new"), str(tmp_path / "p"))
    if how == "rename":
        shutil.copy(source, target + ".tmp")
        os.replace(target + ".tmp", target)
    else:
        with open(source, "rb") as file:
            data = file.read()
        with open(target, "r+b") as file:
            file.write(data + (b"x" * 1000 if how == "grown" else b""))
            file.truncate()
        os.utime(target, (1, 1))
    np.testing.assert_array_equal(window(dataset, 64, 64, 190, 190),
                                  new.image_of(new.levels[0])[64:254,
                                                              64:254])


def test_slab_that_appears_and_goes(tmp_path):
    """Absence is not remembered against a tile not read yet."""
    pyramid = make(tmp_path)
    path = pyramid.write()
    slab = pyramid.slab_file(pyramid.levels[0], 3, 2)
    os.rename(slab, slab + ".away")
    dataset = open_dataset(path)
    assert (window(dataset, 256, 0, 64, 64) == 255).all()
    os.rename(slab + ".away", slab)
    fresh = open_dataset(path)
    np.testing.assert_array_equal(
        window(fresh, 256, 0, 256, 256),
        pyramid.image_of(pyramid.levels[0])[:256, 256:])


def test_readers_and_a_writer(tmp_path):
    """Many reads while another process replaces slabs: every tile is wholly
    of one version."""
    flat = [np.full((512, 512, 3), 10 + i, np.uint8) for i in range(2)]
    for i in range(2):
        flat[i][::2, ::2] = 200 + i  # other lengths of compressed bytes
        flat[i][:64 * (i + 1), :64, 0] += np.arange(64, dtype=np.uint8)
        make(tmp_path / ("v%d" % i), image=flat[i]).write()
    path = make(tmp_path / "p", image=flat[0]).write()
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent("""
        import os, shutil, sys, time
        root, end, i = sys.argv[1], time.time() + 4, 0
        while time.time() < end:
            i += 1
            for name in ("22", "32", "23", "33"):
                part = "N/DATA/4/00/00/%s.tif" % name
                shutil.copy("%s/v%d/%s" % (root, i % 2, part),
                            root + "/p/tmp")
                os.replace(root + "/p/tmp", root + "/p/" + part)
        """), str(tmp_path)])
    reads, seen = 0, set()
    while writer.poll() is None:
        dataset = open_dataset(path, "NUM_THREADS=2")
        for tile in ((0, 0), (3, 1), (4, 4), (7, 7), (2, 6), (5, 0)):
            x, y = tile[0] * 64, tile[1] * 64
            found = window(dataset, x, y, 64, 64)
            which = [i for i in range(2) if (
                found == flat[i][y:y + 64, x:x + 64]).all()]
            assert len(which) == 1, tile
            seen.add(which[0])
            reads += 1
    assert writer.returncode == 0
    assert seen == {0, 1} and reads > 100


def run(code, *args, **environment):
    """A process of its own with the driver loaded."""
    out = subprocess.run(
        [sys.executable, "-c", "import sys\nsys.path.insert(0, %r)\n" % HERE +
         "import conftest, rok4_util\nfrom osgeo import gdal\n" +
         textwrap.dedent(code)] + list(map(str, args)),
        env=dict(os.environ, **environment), capture_output=True, text=True,
        timeout=120, check=False)
    assert out.returncode == 0, out.stderr
    return out.stdout


MEMORY = """
    import resource
    def peak():
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) // 1024
    dataset = gdal.OpenEx(sys.argv[1], open_options=[
        "NUM_THREADS=2", "TMS_DIRECTORY=" + sys.argv[2]])
    width, height = dataset.RasterXSize, dataset.RasterYSize
    dataset.ReadRaster(0, 0, 300, 300)
    before = peak()
    if sys.argv[3] == "dataset":
        for y in range(0, height, 256):
            assert dataset.ReadRaster(0, y, width, 256)
    else:
        band = dataset.GetRasterBand(1)
        for y in range(height // 256):
            for x in range(width // 256):
                assert band.ReadBlock(x, y)
    print(peak() - before)
    """


@pytest.mark.parametrize("way", ["dataset", "blocks"])
def test_cachemax_is_respected(tmp_path, way):
    """256 MB of pixels through caches of 16 MB: beyond them under 64 MB."""
    tms = rok4_tms.quadtree("Q", tile=(256, 256))
    rok4_tms.write(str(tmp_path), tms)
    path = rok4_make.Pyramid(
        tmp_path, "N", tms, "TIFF_ZIP_UINT8", 1, levels=[rok4_make.Level(
            "4", (0, 0, 63, 63), (16, 16), shared=True,
            image=np.broadcast_to(np.full((1, 1, 1), 5, np.uint8),
                                  (16384, 16384, 1)))]).write()
    grown = int(run(MEMORY, path, tmp_path, way, GDAL_CACHEMAX="16"))
    if not SANITIZED:
        assert grown < 16 + 64


def reader(path, seed, results):
    dataset = open_dataset(path, "NUM_THREADS=2")
    rng = np.random.default_rng(seed)
    for _ in range(40):
        x, y = (int(v) for v in rng.integers(0, 400, 2))
        w, h = (int(v) for v in rng.integers(1, 112, 2))
        results.append(((x, y, w, h), window(dataset, x, y, w, h)))


@pytest.mark.parametrize("fmt", ["TIFF_ZIP_UINT8", "TIFF_JPG_UINT8"])
def test_two_threads_two_handles(tmp_path, fmt):
    path = make(tmp_path, fmt).write()
    whole = pixels_of(open_dataset(path))
    results = [[], [], []]
    threads = [threading.Thread(target=reader, args=(path, i, results[i]))
               for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert len(result) == 40
        for (x, y, w, h), pixels in result:
            np.testing.assert_array_equal(pixels, whole[y:y + h, x:x + w])


def test_handle_moves_between_threads(tmp_path):
    path = make(tmp_path).write()
    dataset = open_dataset(path, "NUM_THREADS=2")
    out = []
    for _ in range(3):
        thread = threading.Thread(
            target=lambda: out.append(pixels_of(dataset)))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(out[0], out[2])


@pytest.mark.parametrize("first", ["read before", "only opened"])
def test_fork(tmp_path, first):
    """A child of fork reads through the handle it inherits, and the parent
    goes on: no deadlock on threads that fork does not copy."""
    if "libtsan" in os.environ.get("LD_PRELOAD", ""):
        return
    pyramid = make(tmp_path)
    path = pyramid.write()
    expected = pixels_of(open_dataset(path))
    dataset = open_dataset(path, "NUM_THREADS=2")
    if first == "read before":
        window(dataset, 0, 0, 300, 300)
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        status = 1
        try:
            if (pixels_of(dataset) == expected).all():
                fresh = open_dataset(path, "NUM_THREADS=2")
                status = 0 if (pixels_of(fresh) == expected).all() else 2
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    np.testing.assert_array_equal(pixels_of(dataset), expected)


def test_many_handles(tmp_path):
    """Open and close, in both orders, with and without reading."""
    path = make(tmp_path).write()
    before = len(os.listdir("/proc/self/fd"))
    handles = [open_dataset(path, "NUM_THREADS=2") for _ in range(50)]
    for handle in handles[::2]:
        handle.ReadAsArray(0, 0, 80, 80)
    del handles[::3]
    handles.reverse()
    while handles:
        handles.pop()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


@pytest.mark.skipif(int(gdal.VersionInfo()) < 3070000,
                    reason="GDAL 3.6 has no ReadCompressedData")
@pytest.mark.parametrize("kind", ["JPG", "PNG"])
def test_compressed_data(tmp_path, kind):
    """ReadCompressedData gives whole tiles as they are stored."""
    path = make(tmp_path, "TIFF_%s_UINT8" % kind).write()
    reference = rok4_decode.Pyramid(path, tmp_path)
    dataset = open_dataset(path)
    wish = {"JPG": b"JPEG", "PNG": b"PNG"}[kind]
    assert read_compressed(dataset, wish, 64, 128, 64, 64) == \
        reference.tile_bytes(reference.levels[0], 9, 10)
    for place in ((1, 0, 64, 64), (0, 0, 128, 64)):
        assert read_compressed(dataset, wish, *place) is None
    assert read_compressed(dataset, b"WEBP", 64, 128, 64, 64) is None


def test_thread_safe_opening(tmp_path):
    """One handle, many threads, where libgdal has it (3.10)."""
    if not hasattr(gdal, "OF_THREAD_SAFE"):
        assert int(gdal.VersionInfo()) < 3100000
        return
    path = make(tmp_path).write()
    expected = pixels_of(open_dataset(path))
    dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_THREAD_SAFE)
    assert dataset is not None
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(30):
            x, y = (int(v) for v in rng.integers(0, 400, 2))
            found = window(dataset, x, y, 100, 90)
            if not (found == expected[y:y + 90, x:x + 100]).all():
                wrong.append(seed)

    in_threads(work, 4)
    assert not wrong
