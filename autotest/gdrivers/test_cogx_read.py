# SPDX-License-Identifier: MIT
"""COGX: over HTTP: how many requests and bytes opening and reading take."""

import json
import os
import random

import numpy as np
import pytest
from osgeo import gdal

from cogx_util import advise, make_cog, open_cogx, picture
from rok4_util import Errors, Server, config, in_threads

SIZE, TILE = 4096, 256
FILES = {"plain.tif": ["COMPRESS=JPEG", "BLOCKSIZE=256"],
         "mask.tif": ["COMPRESS=JPEG", "BLOCKSIZE=256"],
         "zip.tif": ["COMPRESS=DEFLATE", "BLOCKSIZE=256", "LEVEL=1"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("served")
    pixels = picture(SIZE, SIZE)
    mask = np.full((SIZE, SIZE), 255, np.uint8)
    mask[:, 1000:1100] = 0
    mask[3000:, :] = 0
    for name, options in FILES.items():
        make_cog(place / name, pixels, *options,
                 mask=mask if name == "mask.tif" else None)
    return place


@pytest.fixture
def server(place):
    server = Server(place)
    server.http.delay = 0.02
    gdal.VSICurlClearCache()
    yield server
    server.close()


def reference(place, name):
    dataset = gdal.OpenEx(str(place / name), allowed_drivers=["GTiff"])
    assert dataset is not None
    return dataset


def tiles(count, seed=5):
    """Places of so many different tiles."""
    side = SIZE // TILE
    chosen = random.Random(seed).sample(range(side * side), count)
    return [(i % side * TILE, i // side * TILE) for i in chosen]


@pytest.mark.parametrize("name", sorted(FILES))
def test_opening_takes_one_request(server, place, name):
    dataset = open_cogx(server.url(name))
    assert server.take()[:3] == (1, 65536, 1)
    # Everything that GTiff tells of the file is in what was read.
    expected = reference(place, name)
    assert dataset.GetGeoTransform() == expected.GetGeoTransform()
    assert dataset.GetProjection() == expected.GetProjection()
    for i in range(1, 4):
        band, other = dataset.GetRasterBand(i), expected.GetRasterBand(i)
        assert band.GetOverviewCount() == other.GetOverviewCount() > 2
        assert band.GetMaskFlags() == other.GetMaskFlags()
        band.GetMaskBand().GetOverviewCount()
    assert gdal.Info(dataset)
    assert server.take()[0] == 0


def test_nothing_is_looked_for_beside_the_file(server):
    with config(GDAL_DISABLE_READDIR_ON_OPEN=None):
        dataset = open_cogx(server.url("mask.tif"))
        assert dataset.ReadAsArray(0, 0, 500, 500) is not None
        assert dataset.GetRasterBand(1).GetMaskBand().Checksum() >= 0
        dataset = None
    assert {(r[0], r[1]) for r in server.requests} == {("GET", "/mask.tif")}


def test_http_name_needs_no_prefix_of_gdal(server):
    dataset = open_cogx(server.url("plain.tif")[len("/vsicurl/"):])
    assert server.take()[0] == 1
    assert dataset.RasterXSize == SIZE


def test_object_storage(server, place):
    """The same over another file system of GDAL's."""
    (place / "bucket").mkdir()
    os.link(str(place / "mask.tif"), str(place / "bucket" / "a.tif"))
    host = server.url("")[len("/vsicurl/http://"):-1]
    with config(AWS_S3_ENDPOINT=host, AWS_HTTPS="NO", AWS_REGION="us-east-1",
                AWS_VIRTUAL_HOSTING="FALSE", AWS_NO_SIGN_REQUEST="YES",
                AWS_EC2_METADATA_DISABLED="YES"):
        dataset = open_cogx("/vsis3/bucket/a.tif")
        assert server.take()[:2] == (1, 65536)
        found = dataset.ReadAsArray(1111, 777, 1024, 1024)
        requests, _, rounds, _ = server.take()
        assert requests <= 5 and rounds <= 1
        with Errors() as errors:
            assert gdal.OpenEx("COGX:/vsis3/bucket/no.tif") is None
        assert len(errors.failures) == 1
    np.testing.assert_array_equal(
        found, reference(place, "mask.tif").ReadAsArray(1111, 777, 1024, 1024))


def test_user_settings_are_left_alone(server):
    with config(CPL_VSIL_CURL_USE_HEAD=None, GDAL_PAM_ENABLED=None):
        open_cogx(server.url("plain.tif")).ReadAsArray(0, 0, 300, 300)
        for key in ("CPL_VSIL_CURL_USE_HEAD", "GDAL_PAM_ENABLED", "VSI_CACHE",
                    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES",
                    "GDAL_INGESTED_BYTES_AT_OPEN"):
            assert gdal.GetConfigOption(key) is None
            assert gdal.GetThreadLocalConfigOption(key) is None


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_tile(server, place, name):
    dataset = open_cogx(server.url(name))
    server.take()
    found = dataset.ReadAsArray(2560, 1280, TILE, TILE)
    requests, nbytes, rounds, _ = server.take()
    assert (requests, rounds) == (1, 1)
    assert nbytes < 250000
    np.testing.assert_array_equal(
        found, reference(place, name).ReadAsArray(2560, 1280, TILE, TILE))
    # And once more, out of what GDAL or we keep.
    dataset.FlushCache()
    dataset.ReadAsArray(2560, 1280, TILE, TILE)
    assert server.take()[0] == 0


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("per_band", [False, True])
def test_window(server, place, name, per_band):
    """A window of 1024 x 1024 pixels, off the tiles' edges, cold."""
    window = (1111, 777, 1024, 1024)
    dataset = open_cogx(server.url(name))
    server.take()
    expected = reference(place, name)
    if per_band:
        found = [dataset.GetRasterBand(i).ReadAsArray(*window)
                 for i in (1, 2, 3)]
    else:
        found = dataset.ReadAsArray(*window)
    requests, nbytes, rounds, _ = server.take()
    # Five rows of five tiles, each row a range.
    assert requests <= 5 and rounds <= 2
    assert nbytes <= 1.3 * 25 * os.path.getsize(str(place / name)) / 256
    np.testing.assert_array_equal(found, expected.ReadAsArray(*window))


def test_window_and_mask_come_in_the_same_ranges(server, place):
    window = (900, 2500, 1024, 1024)
    dataset = open_cogx(server.url("mask.tif"))
    server.take()
    expected = reference(place, "mask.tif")
    np.testing.assert_array_equal(dataset.ReadAsArray(*window),
                                  expected.ReadAsArray(*window))
    assert server.take()[0] <= 5
    found = dataset.GetRasterBand(1).GetMaskBand().ReadAsArray(*window)
    assert server.take()[0] == 0
    np.testing.assert_array_equal(
        found, expected.GetRasterBand(1).GetMaskBand().ReadAsArray(*window))
    assert set(np.unique(found)) == {0, 255}


@pytest.mark.parametrize("name", sorted(FILES))
def test_overview(server, place, name):
    """512 x 512 pixels of a window: of an overview."""
    dataset = open_cogx(server.url(name))
    server.take()
    arguments = {"buf_xsize": 512, "buf_ysize": 512}
    found = dataset.ReadAsArray(1024, 0, 2048, 2048, **arguments)
    _, nbytes, rounds, _ = server.take()
    assert rounds <= 1
    assert nbytes < 2 * 9 * os.path.getsize(str(place / name)) / 256
    np.testing.assert_array_equal(
        found, reference(place, name).ReadAsArray(1024, 0, 2048, 2048,
                                                  **arguments))
    overview = dataset.GetRasterBand(2).GetOverview(1)
    found = overview.ReadAsArray(512, 512, 512, 512)
    assert server.take()[2] <= 1
    expected = reference(place, name)
    np.testing.assert_array_equal(
        found, expected.GetRasterBand(2).GetOverview(1).ReadAsArray(
            512, 512, 512, 512))


@pytest.mark.parametrize("method", [
    gdal.GRIORA_Bilinear, gdal.GRIORA_Cubic, gdal.GRIORA_Lanczos,
    gdal.GRIORA_Average, gdal.GRIORA_Mode])
@pytest.mark.parametrize("name", ["mask.tif", "zip.tif"])
@pytest.mark.parametrize("size", [400, 1500])
def test_resampled_window(server, place, name, method, size):
    """The tiles around the window, which the method looks at, come at once."""
    dataset = open_cogx(server.url(name))
    server.take()
    arguments = {"buf_xsize": size, "buf_ysize": size,
                 "resample_alg": method}
    found = dataset.ReadAsArray(1024, 1024, 1024, 1024, **arguments)
    assert server.take()[2] <= 2
    np.testing.assert_array_equal(
        found, reference(place, name).ReadAsArray(1024, 1024, 1024, 1024,
                                                  **arguments))


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("by_band", [False, True])
def test_advised_tiles(server, place, name, by_band):
    """64 tiles anywhere are fetched together, with their masks."""
    dataset = open_cogx(server.url(name))
    server.take()
    chosen = tiles(64)
    for x, y in chosen:
        target = dataset.GetRasterBand(1) if by_band else dataset
        assert target.AdviseRead(x, y, TILE, TILE) == gdal.CE_None
    assert server.take()[0] == 0
    expected = reference(place, name)
    for x, y in chosen:
        np.testing.assert_array_equal(
            dataset.ReadAsArray(x, y, TILE, TILE),
            expected.ReadAsArray(x, y, TILE, TILE))
        if name == "mask.tif":
            np.testing.assert_array_equal(
                dataset.GetRasterBand(1).GetMaskBand().ReadAsArray(
                    x, y, TILE, TILE),
                expected.GetRasterBand(1).GetMaskBand().ReadAsArray(
                    x, y, TILE, TILE))
    requests, nbytes, rounds, most = server.take()
    assert requests <= 64 and rounds <= 3 and most <= 32
    assert nbytes <= 1.6 * 64 * os.path.getsize(str(place / name)) / 256


def test_advised_overview_tiles(server, place):
    dataset = open_cogx(server.url("zip.tif"))
    server.take()
    windows = [(x, y, 1024, 1024) for x, y in ((0, 0), (3072, 0), (0, 3072))]
    for x, y, width, height in windows:
        advise(dataset, x, y, width, height, 256, 256)
    overview = dataset.GetRasterBand(1).GetOverview(0)
    overview.AdviseRead(700, 700, 300, 300)
    expected = reference(place, "zip.tif")
    for window in windows:
        np.testing.assert_array_equal(
            dataset.ReadAsArray(*window, buf_xsize=256, buf_ysize=256),
            expected.ReadAsArray(*window, buf_xsize=256, buf_ysize=256))
    np.testing.assert_array_equal(
        overview.ReadAsArray(700, 700, 300, 300),
        expected.GetRasterBand(1).GetOverview(0).ReadAsArray(
            700, 700, 300, 300))
    requests, _, rounds, _ = server.take()
    assert requests <= 5 and rounds <= 1


def test_advising_beyond_the_raster(server):
    dataset = open_cogx(server.url("plain.tif"))
    for target in (dataset, dataset.GetRasterBand(2)):
        with Errors() as errors:
            assert target.AdviseRead(4000, 0, 200, 200) == gdal.CE_Failure
        assert errors.failures == [
            "COGX: AdviseRead of 200 x 200 pixels at 4000, 0: beyond the "
            "raster of 4096 x 4096"]


def test_many_tiles_by_one_read(server, place):
    dataset = open_cogx(server.url("plain.tif"))
    server.take()
    found = dataset.ReadAsArray(0, 1024, 2048, 2048)
    requests, _, rounds, most = server.take()
    assert requests <= 8 and rounds <= 1 and most > 1
    np.testing.assert_array_equal(
        found, reference(place, "plain.tif").ReadAsArray(0, 1024, 2048, 2048))


def test_sampled_window_fetches_only_what_it_samples(server, place):
    """Nearest neighbour with few pixels and no overviews: few tiles."""
    path = make_cog(place / "none.tif", picture(SIZE, SIZE, 1), "BLOCKSIZE=128",
                    "COMPRESS=DEFLATE", "OVERVIEWS=NONE")
    dataset = open_cogx(server.url("none.tif"))
    server.take()
    found = dataset.ReadAsArray(buf_xsize=8, buf_ysize=8)
    requests, nbytes, rounds, _ = server.take()
    assert requests <= 64 and rounds <= 3
    assert nbytes < 0.15 * os.path.getsize(path)
    np.testing.assert_array_equal(
        found, gdal.Open(path).ReadAsArray(buf_xsize=8, buf_ysize=8))


def test_blocks_are_read_ahead(server, place):
    """A band read block by block in its order: few requests."""
    dataset = open_cogx(server.url("zip.tif"))
    server.take()
    band = dataset.GetRasterBand(2)
    expected = reference(place, "zip.tif")
    other = expected.GetRasterBand(2)
    for row in range(4):
        for col in range(SIZE // TILE):
            assert band.ReadBlock(col, row) == other.ReadBlock(col, row)
    assert server.take()[0] <= 20


def test_statistics(server, place):
    dataset = open_cogx(server.url("plain.tif"))
    server.take()
    with config(GDAL_PAM_ENABLED="NO"):
        expected = reference(place, "plain.tif")
        wanted = expected.GetRasterBand(1).ComputeStatistics(False)
    found = dataset.GetRasterBand(1).ComputeStatistics(False)
    assert found == wanted
    assert dataset.GetRasterBand(1).GetStatistics(
        False, False) == pytest.approx(found)
    assert server.take()[0] <= 30
    with Errors() as errors:
        dataset = None
    assert errors.texts() == []
    assert not [name for name in os.listdir(str(place)) if "aux" in name]


def test_network_statistics(server):
    with config(CPL_VSIL_NETWORK_STATS_ENABLED="YES"):
        gdal.NetworkStatsReset()
        dataset = open_cogx(server.url("plain.tif"))
        dataset.ReadAsArray(1111, 777, 1024, 1024)
        dataset.ReadAsArray(0, 3000, 100, 100)
        requests, nbytes, _, _ = server.take()
        told = json.loads(gdal.NetworkStatsGetAsSerializedJSON())
    assert told["methods"]["GET"]["downloaded_bytes"] == nbytes
    assert 3 <= told["methods"]["GET"]["count"] <= requests
    assert set(told["methods"]) == {"GET"}


def test_debug_tells_requests_and_bytes(server):
    with Errors() as errors, config(CPL_DEBUG="COGX"):
        dataset = open_cogx(server.url("plain.tif") + "?secret=1")
        dataset.ReadAsArray(1111, 777, 1024, 1024)
        requests, nbytes, _, _ = server.take()
        dataset = None
    told = [text for kind, _, text in errors if kind == gdal.CE_Debug]
    assert "COGX: %s?...: %d requests, %d bytes" % (
        server.url("plain.tif"), requests, nbytes) in told


@pytest.mark.parametrize("option, value", [
    ("FIRST_READ_SIZE", "16384"), ("FIRST_READ_SIZE", "1048576")])
def test_first_read_size(server, place, option, value):
    dataset = open_cogx(server.url("plain.tif"), option + "=" + value)
    requests, nbytes, _, _ = server.take()
    assert requests == 1
    assert nbytes == min(int(value), os.path.getsize(str(place / "plain.tif")))
    found = dataset.ReadAsArray(2048, 2048, 512, 512)
    assert server.take()[2] <= 2
    np.testing.assert_array_equal(
        found, reference(place, "plain.tif").ReadAsArray(2048, 2048, 512, 512))


def test_header_beyond_the_first_read(server, place):
    """Tables of many tiles: opening and a window take one request more each,
    all directories one."""
    path = make_cog(place / "small.tif", picture(8192, 4096, 1),
                    "BLOCKSIZE=128", "COMPRESS=DEFLATE", "LEVEL=1")
    dataset = open_cogx(server.url("small.tif"), "FIRST_READ_SIZE=16384")
    assert server.take()[0] <= 2
    assert dataset.GetRasterBand(1).GetOverviewCount() == 6
    assert server.take()[0] <= 1
    dataset = open_cogx(server.url("small.tif"), "FIRST_READ_SIZE=16384")
    server.take()
    found = dataset.ReadAsArray(7000, 3500, 1024, 500)
    assert server.take()[2] <= 2
    np.testing.assert_array_equal(
        found, gdal.Open(path).ReadAsArray(7000, 3500, 1024, 500))


def test_tables_of_a_million_tiles(server, place):
    """Only the parts that a window needs are read."""
    path = str(place / "huge.tif")
    made = gdal.GetDriverByName("GTiff").Create(
        path, 262144, 262144, 1, options=[
            "TILED=YES", "SPARSE_OK=YES", "BIGTIFF=YES", "COMPRESS=DEFLATE"])
    pixels = picture(1000, 1000, 1)
    for x, y in ((100000, 200000), (3000, 262144 - 1000)):
        made.GetRasterBand(1).WriteArray(pixels[0], x, y)
    del made
    dataset = open_cogx(server.url("huge.tif"))
    assert server.take()[0] <= 2
    for x, y in ((100000, 200000), (3000, 262144 - 1000)):
        np.testing.assert_array_equal(dataset.ReadAsArray(x, y, 1000, 1000),
                                      pixels[0])
        _, nbytes, rounds, _ = server.take()
        assert rounds <= 2
        assert nbytes < 3000000
    assert (dataset.ReadAsArray(50000, 50000, 300, 300) == 0).all()
    assert server.take()[1] < 100000


def test_merge_gap(server):
    counts = []
    for gap in ("0", "16384", "16777216"):
        dataset = open_cogx(server.url("plain.tif"), "MERGE_GAP=" + gap)
        server.take()
        dataset.ReadAsArray(1111, 777, 1024, 1024)
        counts.append(server.take()[:2])
    # Row-major tiles have no gaps in a row; rows have large ones.
    assert [count[0] for count in counts] == [5, 5, 1]
    assert counts[2][1] > counts[0][1]


def test_requests_in_flight(server):
    most = []
    for bound in ("1", "8", "64"):
        dataset = open_cogx(server.url("plain.tif"),
                            "REQUESTS_IN_FLIGHT=" + bound, "MERGE_GAP=0")
        server.take()
        for x, y in tiles(48):
            dataset.AdviseRead(x, y, TILE, TILE)
        assert dataset.ReadAsArray(0, 0, 16, 16) is not None
        most.append(server.take()[3])
    assert most[0] == 1
    assert 4 < most[1] <= 8
    assert 8 < most[2] <= 64


def test_cache_size(server, place):
    """A small cache: more is fetched, what is read is the same."""
    window = (0, 0, 2048, 2048)
    expected = reference(place, "zip.tif").ReadAsArray(*window)
    dataset = open_cogx(server.url("zip.tif"), "CACHE_SIZE=1048576")
    server.take()
    np.testing.assert_array_equal(dataset.ReadAsArray(*window), expected)
    _, nbytes, rounds, _ = server.take()
    assert rounds > 4
    assert nbytes <= 1.2 * os.path.getsize(str(place / "zip.tif")) / 4
    # Advised tiles that do not fit all together.
    chosen = tiles(64)
    for x, y in chosen:
        dataset.AdviseRead(x, y, TILE, TILE)
    for x, y in chosen:
        np.testing.assert_array_equal(
            dataset.ReadAsArray(x, y, TILE, TILE),
            reference(place, "zip.tif").ReadAsArray(x, y, TILE, TILE))


@pytest.mark.parametrize("threads", ["1", "4", "ALL_CPUS"])
def test_threads(server, place, threads):
    dataset = open_cogx(server.url("plain.tif"), "NUM_THREADS=" + threads)
    np.testing.assert_array_equal(
        dataset.ReadAsArray(), reference(place, "plain.tif").ReadAsArray())


def test_progress_and_interruption_of_a_read_in_parts(server, place):
    told = []

    def progress(fraction, _, wish):
        told.append(fraction)
        return wish == "go" or fraction < 0.5

    dataset = open_cogx(server.url("zip.tif"), "CACHE_SIZE=1048576",
                        "NUM_THREADS=1")
    found = dataset.ReadAsArray(callback=progress, callback_data="go")
    np.testing.assert_array_equal(found,
                                  reference(place, "zip.tif").ReadAsArray())
    assert told == sorted(told) and told[-1] == pytest.approx(1)
    dataset.FlushCache()
    with Errors():
        assert dataset.ReadAsArray(callback=progress,
                                   callback_data="stop") is None


def test_thread_safe_opening(server, place):
    """One handle, many threads, where libgdal has it (3.10)."""
    if not hasattr(gdal, "OF_THREAD_SAFE"):
        assert int(gdal.VersionInfo()) < 3100000
        return
    expected = reference(place, "plain.tif").ReadAsArray()
    dataset = gdal.OpenEx("COGX:" + server.url("plain.tif"),
                          gdal.OF_RASTER | gdal.OF_THREAD_SAFE)
    assert dataset is not None
    wrong = []

    def work(seed):
        for x, y in tiles(5, seed):
            found = dataset.ReadAsArray(x, y, TILE, TILE)
            if not (found == expected[:, y:y + TILE, x:x + TILE]).all():
                wrong.append(seed)

    in_threads(work, 3)
    assert not wrong


def test_handles_in_threads(server, place):
    """Each its own handle."""
    expected = reference(place, "zip.tif").ReadAsArray()
    wrong = []

    def work(seed):
        dataset = open_cogx(server.url("zip.tif"), "NUM_THREADS=2",
                            "CACHE_SIZE=1048576")
        for x, y in tiles(10, seed):
            x, y = min(x, SIZE - 600), min(y, SIZE - 600)
            found = dataset.ReadAsArray(x, y, 600, 600)
            if not (found == expected[:, y:y + 600, x:x + 600]).all():
                wrong.append(seed)

    in_threads(work, 4)
    assert not wrong
