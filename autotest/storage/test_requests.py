# SPDX-License-Identifier: MIT
"""What a pyramid costs in requests: opening, reading, writing."""

import collections
import time

import numpy as np
import pytest
from osgeo import gdal

import fault_proxy
import pyramids
import rok4_objects
import rok4_util
import rok4_write
from rok4_util import config, open_dataset

PLAIN = "t64_zip_uint8_rgb"
HEAD_BYTES = 131072  # what a slab is opened with
ON_NETWORKS = "S3", "SWIFT_V1", "HTTP"  # where the proxy adds latency


def told(requests, since=0):
    """[(method, name)], but for tokens."""
    return [(one.method, one.name) for one in requests[since:]
            if one.name or one.method != "GET"]


def put_mosaic(storage, tmp_path, **how):
    """Name and pixels of a pyramid of 8 x 8 slabs of 4 x 4 tiles of 12 KB, of
    which a slab's opening brings ten."""
    path, image = pyramids.mosaic(tmp_path, **how)
    rok4_objects.put(storage, path)
    return rok4_objects.Files(path).name + ".json", image


def assert_window(found, image, window):
    px_x, px_y, width, height = window
    np.testing.assert_array_equal(
        found.transpose(1, 2, 0),
        image[px_y:px_y + height, px_x:px_x + width])


# Opening.


def test_opening(counted_storage):
    """One GET of the descriptor; what is in it costs nothing more, and neither
    does closing."""
    storage = counted_storage
    rok4_objects.put(storage, PLAIN)
    with storage.watched() as asked:
        dataset = open_dataset("ROK4:" + storage.path(PLAIN + ".json"))
        assert told(asked()) == [("GET", PLAIN + ".json")]
        band = dataset.GetRasterBand(1)
        assert dataset.GetGeoTransform() and dataset.GetProjection()
        assert band.GetOverviewCount() == 3 and band.GetMaskFlags()
        assert band.GetColorInterpretation() == gdal.GCI_RedBand
        dataset = band = None
        assert told(asked()) == [("GET", PLAIN + ".json")]


def test_opening_with_tms(counted_storage):
    """One GET more for a TMS in the tray."""
    storage = counted_storage
    rok4_objects.put(storage, PLAIN)
    with open(rok4_util.DATA + "/tms/T64.json", "rb") as file:
        text = file.read()
    storage.put("tms/T64.json", text)
    with storage.watched() as asked:
        open_dataset("ROK4:" + storage.path(PLAIN + ".json"),
                     "TMS_DIRECTORY=" + storage.path("tms"))
        assert told(asked()) == [("GET", PLAIN + ".json"),
                                 ("GET", "tms/T64.json")]
    # Beside the descriptor, it is looked for last.
    storage.put("T64.json", text)
    with storage.watched() as asked, config(ROK4_TMS_DIRECTORY="/nowhere"):
        open_dataset("ROK4:" + storage.path(PLAIN + ".json"))
        assert told(asked()) == [("GET", PLAIN + ".json"),
                                 ("GET", "T64.json")]


# What is asked for a bare path: as it comes, and with
# GDAL_DISABLE_READDIR_ON_OPEN=EMPTY_DIR. All but one GET is GDAL's, before any
# driver is asked; ours reads the descriptor again, since GDAL does not tell
# whether it has got all of it.
BARE = {
    "S3": (["LIST", "GET", "GET"], ["GET", "GET"]),
    "SWIFT_V1": (["LIST", "GET", "GET"], ["GET", "GET"]),
    "SWIFT_V3": (["LIST", "GET", "GET"], ["GET", "GET"]),
    "RADOS": (["GET", "GET"], ["GET", "GET"]),
    "HTTP": (["HEAD", "GET", "GET"], ["HEAD", "GET", "GET"])}


def test_opening_by_a_bare_path(counted_storage):
    """GDAL itself lists the directory, or asks for the size."""
    storage = counted_storage
    rok4_objects.put(storage, PLAIN)
    for readdir, expected in zip((None, "EMPTY_DIR"), BARE[storage.kind]):
        with config(GDAL_DISABLE_READDIR_ON_OPEN=readdir), \
                storage.watched() as asked:
            open_dataset(storage.path(PLAIN + ".json"))
            found = told(asked())
            assert sorted(method for method, _ in found) == sorted(expected)
            assert {name for method, name in found if method != "LIST"} == {
                PLAIN + ".json"}


def test_metadata(counted_storage):
    """A sidecar file is asked for once metadata is. Of plain HTTP, GDAL does
    not tell why there is none: that is asked for."""
    methods = ["GET", "HEAD"] if counted_storage.kind == "HTTP" else ["GET"]
    storage = counted_storage
    rok4_objects.put(storage, PLAIN)
    with storage.watched() as asked:
        dataset = open_dataset("ROK4:" + storage.path(PLAIN + ".json"))
        before = len(asked())
        assert dataset.GetMetadataItem("TMS") == "T64"
        assert told(asked(), before) == [
            (method, PLAIN + ".json.aux.xml") for method in methods]
        before = len(asked())
        dataset.GetMetadata("ROK4")
        dataset.GetRasterBand(1).GetMetadata()
        assert told(asked(), before) == []
        dataset.GetFileList()
        assert {name for _, name in told(asked(), before)} == {
            PLAIN + ".list", PLAIN + ".json.aux.xml"}


def test_metadata_of_another_view(counted_storage):
    """The sidecar has nothing for it: nothing else is looked for."""
    storage = counted_storage
    rok4_objects.put(storage, PLAIN)
    storage.put(PLAIN + ".json.aux.xml", b"<PAMDataset><Metadata><MDI key='A'>"
                b"b</MDI></Metadata></PAMDataset>")
    with storage.watched() as asked:
        dataset = open_dataset("ROK4:" + storage.path(PLAIN + ".json"),
                               "NODATA=PIXEL")
        before = len(asked())
        assert dataset.GetMetadataItem("A") is None
        assert told(asked(), before) == [("GET", PLAIN + ".json.aux.xml")]


# Reading.


def test_window(counted_storage, tmp_path):
    """Cold: one GET for each slab, and one for each run of tiles that it did
    not bring. Warm: none."""
    storage = counted_storage
    name, image = put_mosaic(storage, tmp_path)
    window = 100, 300, 500, 600  # of 3 x 3 slabs
    with storage.watched() as asked:
        dataset = open_dataset("ROK4:" + storage.path(name))
        before = len(asked())
        assert_window(dataset.ReadAsArray(*window), image, window)
        found = asked()[before:]
        assert {one.method for one in found} == {"GET"}
        heads = [one for one in found if one.range == (0, HEAD_BYTES)]
        assert len(heads) == len({one.name for one in heads}) == 9
        runs = collections.Counter(one.name for one in found
                                   if one.range != (0, HEAD_BYTES))
        assert set(runs) <= {one.name for one in heads}
        # A run of each row of tiles, at most.
        assert max(runs.values()) <= 4
        before = len(asked())
        for part in (window, (150, 320, 7, 9), (110, 310, 450, 580)):
            assert_window(dataset.ReadAsArray(*part), image, part)
        assert told(asked(), before) == []
        # More of slabs that are open: no more of their beginnings.
        more = 0, 0, 768, 768
        assert_window(dataset.ReadAsArray(*more), image, more)
        found = asked()[before:]
        assert not {one.name for one in found if one.range == (0, HEAD_BYTES)
                    } & {one.name for one in heads}


def test_overviews(counted_storage):
    """All levels: each slab once."""
    storage = counted_storage
    rok4_objects.put(storage, PLAIN)
    slabs = [name for name in storage.list() if "/DATA" in name]
    sizes = {name: len(storage.get(name)) for name in slabs}
    with storage.watched() as asked:
        dataset = open_dataset("ROK4:" + storage.path(PLAIN + ".json"))
        before = len(asked())
        pyramids.levels_of(dataset)
        found = asked()[before:]
        count = collections.Counter(one.name for one in found)
        assert set(count) == set(slabs)
        for name in slabs:
            assert count[name] == 1 + (sizes[name] > HEAD_BYTES), name


def test_slabs_that_are_not_there(counted_storage):
    """One GET for each, once."""
    storage = counted_storage
    name = "t64_zip_hole"
    rok4_objects.put(storage, name)
    with storage.watched() as asked:
        dataset = open_dataset("ROK4:" + storage.path(name + ".json"))
        for _ in range(2):
            assert dataset.ReadAsArray() is not None
        count = collections.Counter(one for one in told(asked())
                                    if "/DATA" in one[1])
        absent = {key for key in count if storage.get(key[1]) is None}
        assert absent and all(count[key] == 1 for key in absent)


def test_small_slabs(counted_storage, tmp_path):
    """A slab that its opening brings whole costs one GET."""
    storage = counted_storage
    name, image = put_mosaic(storage, tmp_path, slabs=(4, 4), side=1)
    with storage.watched() as asked:
        dataset = open_dataset("ROK4:" + storage.path(name))
        before = len(asked())
        window = 0, 0, 256, 256
        assert_window(dataset.ReadAsArray(*window), image, window)
        found = told(asked(), before)
        assert len(found) == len(set(found)) == 16


def test_forgetting(counted_storage, tmp_path):
    """CACHE_TTL=0 opens slabs anew; a dataset knows nothing of another."""
    storage = counted_storage
    name, image = put_mosaic(storage, tmp_path, slabs=(1, 1), side=2)
    window = 0, 0, 64, 64
    with storage.watched() as asked:
        for option, count in (("CACHE_TTL=0", 2), ("CACHE_TTL=100", 1)):
            dataset = open_dataset("ROK4:" + storage.path(name), option)
            before = len(asked())
            for _ in range(2):
                assert_window(dataset.ReadAsArray(*window), image, window)
                time.sleep(0.01)  # what is younger than 1 ms is believed
            assert len(told(asked(), before)) == count


def seconds_of(storage, name, image, windows, *options, **rules):
    """How long reading takes, with a new dataset, and the requests of that."""
    with storage.watched(**rules) as asked:
        dataset = open_dataset("ROK4:" + storage.path(name), *options)
        before = len(asked())
        begun = time.monotonic()
        for window in windows[1:]:
            dataset.AdviseRead(*window)
        found = [dataset.ReadAsArray(*window) for window in windows]
        seconds = time.monotonic() - begun
        for pixels, window in zip(found, windows):
            assert_window(pixels, image, window)
        return seconds, asked()[before:]


def fastest(below, tries, *how, **rules):
    """Seconds of the first of so many tries that takes less than below, which
    others on the machine may hinder; else of the best one."""
    best = float("inf")
    for _ in range(tries):
        best = min(best, seconds_of(*how, **rules)[0])
        if best < below:
            break
    return best


@pytest.mark.parametrize("kind", ON_NETWORKS)
def test_two_rounds(make_storage, tmp_path, kind):
    """A cold window: the slabs' beginnings in one round, tiles in another."""
    storage = make_storage(kind)
    name, image = put_mosaic(storage, tmp_path)
    latency = 0.1
    for window in ((0, 0, 1024, 1024), (64, 192, 128, 64)):
        seconds = fastest(3 * latency, 4, storage, name, image, [window],
                          latency_s=latency)
        assert 2 * latency <= seconds < 3 * latency


def random_tiles():
    """A tile of each of the 64 slabs."""
    rng = np.random.default_rng(3)
    return [(256 * col + 64 * int(tile[0]), 256 * row + 64 * int(tile[1]),
             64, 64) for row in range(8) for col in range(8)
            for tile in (rng.integers(0, 4, 2),)]


@pytest.mark.parametrize("kind", ON_NETWORKS)
def test_random_tiles(make_storage, tmp_path, kind):
    """64 tiles in 64 slabs, announced: with 20 ms of latency at most 10 round
    trips of time, of which the servers take some on the same processors."""
    storage = make_storage(kind)
    name, image = put_mosaic(storage, tmp_path)
    latency = 0.02

    how = storage, name, image, random_tiles()
    for options, most in ([], 10), (["REQUESTS_IN_FLIGHT=32"], 8):
        assert fastest(most * latency, 20, *how, *options,
                       latency_s=latency) < most * latency


def test_first_read_size(counted_storage, tmp_path):
    """Whole slabs, or no more of them than is wanted."""
    storage = counted_storage
    name, image = put_mosaic(storage, tmp_path, slabs=(2, 2))
    corners = [(x, y, 64, 64) for x in (192, 448) for y in (192, 448)]
    for size, each in (("1048576", 1), ("1024", 2)):
        _, asked = seconds_of(storage, name, image, corners,
                              "FIRST_READ_SIZE=" + size)
        assert len(told(asked)) == 4 * each
        if each == 2:
            assert sum(one.range[1] for one in asked) < 4 * 30000


@pytest.mark.parametrize("kind", ["S3", "HTTP"])
def test_requests_in_flight(make_storage, tmp_path, kind):
    """Never more than the option says, whatever slabs and tiles there are."""
    storage = make_storage(kind)
    name, image = put_mosaic(storage, tmp_path)
    windows = [[(0, 0, 1200, 1100)], [(128, 128, 768, 768)], random_tiles()]
    for wanted in (None, 4):
        options = ["REQUESTS_IN_FLIGHT=%d" % wanted] if wanted else []
        most = 0
        for some in windows:
            _, asked = seconds_of(storage, name, image, some, *options,
                                  latency_s=0.03)
            most = max(most, fault_proxy.most_at_once(asked))
        assert most <= (wanted or 16)
        assert most > (wanted or 16) // 2


# Writing.


def written(requests):
    """{(method, what): count}: slabs are one kind of object."""
    return collections.Counter(
        (one.method, "slab" if "/DATA_" in one.name or "/MASK_" in one.name
         else one.name.partition("/")[0])
        for one in requests if one.name)


def test_building(object_storage):
    """A PUT for each slab, one for the list, one for the descriptor, which is
    the last; no slab is read. What else is asked does not grow with it."""
    storage = object_storage
    others = []
    for size in ((170, 310), (600, 700)):
        source = rok4_write.source(rok4_write.noise(3, size))
        with storage.watched() as asked:
            rok4_write.create("ROK4:" + storage.path("N.json"), source,
                              "OVERWRITE=YES")
            found = asked()
        nslabs = len(storage.list("N/"))
        puts = [one for one in found if one.method == "PUT"]
        assert len(puts) == nslabs + 2 >= 14
        assert len({one.name for one in puts}) == nslabs + 2
        assert [one.name for one in puts[-2:]] == ["N.list", "N.json"]
        assert written(found)["GET", "slab"] <= 1
        others.append(len(found) - len(puts))
    # Measured: 7 to 13. GDAL asks on its own what stands there.
    assert max(others) <= 20, others


def test_updating(object_storage):
    """In place: each slab that is touched is read once and put once."""
    storage = object_storage
    path = storage.path("N.json")
    rok4_write.create(path, rok4_write.source(rok4_write.noise(3)))
    patch = rok4_write.source(rok4_write.noise(3, (20, 20), seed=3),
                              px=(66 * 64 + 5, 46 * 64 + 5))
    with storage.watched() as asked:
        rok4_write.create(path, patch, "UPDATE_MODE=INPLACE", small=False)
        found = asked()
    puts = [one.name for one in found if one.method == "PUT"]
    touched = sorted(set(puts) - {"N.list", "N.json"})
    # The finest level's one, and its ancestors.
    assert [name.split("_")[1] for name in touched] == list("2345")
    assert len(puts) == len(touched) + 2 and puts[-1] == "N.json"
    opened = collections.Counter(one.name for one in found
                                 if one.method == "GET" and one.range and
                                 one.range[0] == 0)
    assert [opened[name] for name in touched] == 4 * [1]


def test_updating_with_open_options(make_storage):
    """They hold after what was written is published, too."""
    storage = make_storage("S3")
    path = "ROK4:" + storage.path("N.json")
    with storage.settled():
        rok4_write.create(path, rok4_write.source(rok4_write.noise(3)))
    with storage.watched() as asked:
        dataset = gdal.OpenEx(path, gdal.OF_UPDATE,
                              open_options=["FIRST_READ_SIZE=1024"])
        dataset.WriteArray(rok4_write.noise(3, (9, 9)).transpose(2, 0, 1), 5, 5)
        dataset.FlushCache()
        before = len(asked())
        dataset.ReadAsArray()
        slabs = [one for one in asked()[before:] if "/DATA_" in one.name]
        assert slabs and all(one.range[1] < 131072 for one in slabs)


def test_deleting(object_storage):
    """S3 deletes in batches. Of Swift, GDAL looks at each object first."""
    storage = object_storage
    path = storage.path("N.json")
    rok4_write.create(path, rok4_write.source(rok4_write.noise(3, (600, 700))))
    nobjects = len(storage.list())
    with storage.watched() as asked, config(ROK4_ALLOW_DELETE="YES"):
        assert gdal.GetDriverByName("ROK4").Delete(path) == gdal.CE_None
        found = collections.Counter(one.method for one in asked())
    assert storage.list() == []
    if storage.kind == "S3":
        assert found["POST"] <= 3 and found["DELETE"] == 0
    else:
        assert nobjects <= found["DELETE"] <= nobjects + 5
    looks = found["GET"] + found["HEAD"] + found["LIST"]
    assert looks <= 20 + (nobjects if storage.type == "SWIFT" else 0)
