# SPDX-License-Identifier: MIT
"""Pyramids that are updated on every storage become those that become of files
by the same: in place, with links, in update mode, in their overviews."""

import os
import subprocess

import numpy as np
import pytest
from osgeo import gdal

import pyramids
import rok4_objects
import rok4_write
from both import PATCH_PX, both, valid, with_s3  # noqa: F401 (fixtures)
from rok4_util import Errors, config, open_dataset


def update_in_place(both, *options):
    """A patch within, one that makes limits grow."""
    both.create(rok4_write.source(rok4_write.noise(3), mask=valid()), *options)
    for px, size in ((PATCH_PX, (30, 40)), ((70 * 64, 44 * 64), (90, 70))):
        patch = rok4_write.source(rok4_write.noise(3, size, seed=px[0]), px,
                                  mask=valid(size))
        both.create(patch, "UPDATE_MODE=INPLACE", small=False)
        both.check()


def test_update_in_place(both):
    update_in_place(both, "MASK=YES")


@pytest.mark.parametrize("option", ["COMPRESS=JPEG", "ADD_ALPHA=YES",
                                    "OVERVIEW_RESAMPLING=CUBIC"])
def test_update_in_place_of_others(with_s3, option):
    update_in_place(with_s3, option)


def listing(text):
    """{tray/pyramid/slab} of a list, whatever the numbers of its roots."""
    head, _, body = text.decode().partition("#\n")
    roots = dict(line.split("=") for line in head.splitlines())
    return sorted("%s/%s" % (roots[line.split("/")[0]], line.split("/")[1])
                  for line in body.splitlines())


def test_update_with_links(object_storage, tmp_path):
    """Slabs that the source does not touch are links to the ancestor's, or
    copies; of an ancestor with links, to the slabs that these lead to."""
    storage = object_storage
    source = rok4_write.source(rok4_write.noise(3, (300, 300)))
    patch = rok4_write.source(rok4_write.noise(3, (20, 20), seed=3), PATCH_PX)
    last = rok4_write.source(rok4_write.noise(3, (20, 20), seed=4),
                             (PATCH_PX[0] + 200, PATCH_PX[1] + 100))
    local = {name: str(tmp_path / (name + ".json"))
             for name in ("old", "link", "next", "copy")}
    for where in (local, {name: storage.path(name + ".json")
                          for name in local}):
        rok4_write.create(where["old"], source)
        rok4_write.create(where["link"], patch, "ANCESTOR=" + where["old"],
                          small=False)
        rok4_write.create(where["next"], last,
                          "ANCESTOR=ROK4:" + where["link"],
                          small=False)
        rok4_write.create(where["copy"], last, "ANCESTOR=" + where["link"],
                          "UPDATE_MODE=COPY", small=False)
    for name in local:
        found = {key: storage.get(key) for key in storage.list(name + "/")}
        expected = rok4_objects.objects_of(local[name], storage.type,
                                           storage.tray, name)
        listed = expected.pop(name + ".list")
        expected.pop(name + ".json")
        assert found == expected
        assert listing(storage.get(name + ".list")) == listing(listed)
        ours = pyramids.seen(storage.path(name + ".json"))
        theirs = pyramids.seen(local[name])
        assert ours[0] == theirs[0]
        pyramids.assert_same_levels(ours[1], theirs[1])
    links = [key for key in storage.list("next/")
             if storage.get(key).startswith(b"SYMLINK#")]
    assert links and {storage.get(key).split(b"/")[1] for key in links} == {
        b"old", b"link"}
    cogs = []
    for name in (storage.path("next.json"), local["next"]):
        cogs.append(str(tmp_path / ("%d.tif" % len(cogs))))
        assert gdal.Translate(cogs[-1], name, format="COGX", creationOptions=[
            "LOSSLESS_COPY=YES"]) is not None
    ours, theirs = (gdal.Open(name).ReadAsArray() for name in cogs)
    np.testing.assert_array_equal(ours, theirs)
    assert "has no such links" in rok4_write.refuse(
        storage.path("hard.json"), patch, "UPDATE_MODE=HLINK",
        "ANCESTOR=" + storage.path("old.json"), small=False)


def test_updating_a_pyramid_with_links(object_storage, tmp_path):
    """In place: slabs that are touched become its own, the ancestor's stay."""
    storage = object_storage
    source = rok4_write.source(rok4_write.noise(3, (300, 300)))
    patch = rok4_write.source(rok4_write.noise(3, (20, 20), seed=3), PATCH_PX)
    more = rok4_write.source(rok4_write.noise(3, (60, 60), seed=4),
                             (PATCH_PX[0] + 100, PATCH_PX[1] + 60))
    rok4_write.create(storage.path("old.json"), source)
    rok4_write.create(storage.path("N.json"), patch,
                      "ANCESTOR=" + storage.path("old.json"), small=False)
    before = {key: storage.get(key) for key in storage.list("old")}
    rok4_write.create(storage.path("N.json"), more, "UPDATE_MODE=INPLACE",
                      small=False)
    assert {key: storage.get(key) for key in storage.list("old")} == before
    rok4_write.create(tmp_path / "N.json", source)
    for one in (patch, more):
        rok4_write.create(tmp_path / "N.json", one, "UPDATE_MODE=INPLACE",
                          small=False)
    pyramids.assert_same_levels(pyramids.seen(storage.path("N.json"))[1],
                                pyramids.seen(tmp_path / "N.json")[1])


# Datasets that are written to.


def test_update_mode(both):
    """Windows within and beyond what there is."""
    both.create(rok4_write.source(rok4_write.noise(3)))

    def paint(path):
        dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_UPDATE,
                              open_options=["EXTENT_METHOD=MATRIX"])
        for i, px in enumerate((PATCH_PX, (71 * 64 + 3, 43 * 64))):
            pixels = rok4_write.noise(3, (50, 120), seed=i)
            assert dataset.WriteArray(pixels.transpose(2, 0, 1),
                                      *px) == gdal.CE_None
        assert dataset.ReadAsArray(*PATCH_PX, 120, 50) is not None
        dataset = None
    both.do(paint)
    both.check()


def test_update_mode_that_changes_nothing(both):
    both.create(rok4_write.source(rok4_write.noise(3)))
    before = both.storage.get_all()
    both.do(lambda path: gdal.OpenEx(path, gdal.OF_UPDATE).ReadAsArray())
    assert both.storage.get_all() == before


def test_create(both):
    """Windows of a new pyramid; the descriptor comes when it is closed."""
    pixels = rok4_write.noise(3, (200, 300))
    seen = []

    def make(path):
        dataset = gdal.GetDriverByName("ROK4").Create(
            path, 300, 200, 3, options=rok4_write.SMALL)
        rok4_write.place(dataset, PATCH_PX)
        for row in range(0, 200, 50):
            dataset.WriteArray(
                pixels[row:row + 50].transpose(2, 0, 1), 0, row)
        seen.append("N.json" in both.storage.list())
        dataset = None
    both.do(make)
    assert seen == [False, False]
    both.check()


def overviews(both, method, factors):
    both.create(rok4_write.source(rok4_write.noise(3)), "TOP_LEVEL=5")

    def build(path, some=factors):
        dataset = gdal.OpenEx(path, gdal.OF_UPDATE)
        assert dataset.BuildOverviews(method, some) == gdal.CE_None
        dataset = None
    both.do(build)
    both.check()
    dataset = open_dataset(both.paths[1])
    assert dataset.GetRasterBand(1).GetOverviewCount() == len(factors)
    dataset = None
    for some in ([2], []):
        both.do(lambda path, some=some: build(path, some))
        both.check()


def test_overviews(both):
    """Made where there are none, and all but one removed, and that too."""
    overviews(both, "AVERAGE", [2, 4])


def test_overviews_of_many_pixels(with_s3):
    overviews(with_s3, "CUBIC", [2, 4, 8])


@pytest.mark.parametrize("settled", ["settled", "settled_as_for_rok4"])
def test_statistics(object_storage, settled):
    """They go to a sidecar object, and are dropped with the pixels that they
    are of."""
    storage = object_storage
    path = "ROK4:" + storage.path("N.json")
    with getattr(storage, settled)():
        rok4_write.create(path, rok4_write.source(rok4_write.noise(3)))
        dataset = open_dataset(path)
        expected = dataset.GetRasterBand(1).ComputeStatistics(False)
        dataset = None
        assert b"STATISTICS_MEAN" in storage.get("N.json.aux.xml")
        gdal.VSICurlClearCache()
        dataset = open_dataset(path)
        assert dataset.GetRasterBand(1).GetStatistics(
            False, False) == pytest.approx(expected, rel=1e-12)
        assert dataset.GetFileList() == [
            storage.path("N" + end) for end in (".json", ".list",
                                                ".json.aux.xml")]
        dataset = None
        rok4_write.create(path, rok4_write.source(
            rok4_write.noise(3, (20, 20)), PATCH_PX), "UPDATE_MODE=INPLACE",
            small=False)
        assert b"STATISTICS_" not in (storage.get("N.json.aux.xml") or b"")
        with config(ROK4_ALLOW_DELETE="YES"):
            assert gdal.GetDriverByName("ROK4").Delete(path) == gdal.CE_None
    assert storage.list() == []


# Metadata in the sidecar, of the pyramid and of another way to see it.
BANDED = "NODATA=BAND"


@pytest.fixture(params=["S3", "SWIFT_V1"])
def with_author(make_storage, request):
    """A storage, the name of a pyramid there that has metadata, and its
    sidecar."""
    storage = make_storage(request.param)
    path = "ROK4:" + storage.path("N.json")
    with storage.settled(), config(ROK4_OBJECT_ATTEMPTS_WAIT="0.01"):
        rok4_write.create(path, rok4_write.source(rok4_write.noise(3)))
        open_dataset(path).SetMetadataItem("AUTHOR", "IGN")
        open_dataset(path, BANDED).SetMetadataItem("SURVEY", "2026")
        kept = storage.get("N.json.aux.xml")
        assert b"AUTHOR" in kept and b"SURVEY" in kept
        yield storage, path, kept


def test_metadata_that_cannot_be_read(with_author):
    """That is said, and what is there is not written over."""
    storage, path, kept = with_author
    with storage.through(rates={"503": 1}, match="GET.*aux.xml") as proxy:
        dataset = open_dataset(path)
        with Errors() as errors:
            assert dataset.GetMetadataItem("AUTHOR") is None
            dataset.GetRasterBand(1).ComputeStatistics(False)
            dataset = None
        assert "N.json.aux.xml: cannot be" in errors.warnings[0]
        assert "is not kept" in errors.warnings[1]
        assert len(errors.warnings) == 2 and not errors.failures
        assert {one.method for one in proxy.requests()} == {"GET"}
    assert storage.get("N.json.aux.xml") == kept


@pytest.mark.parametrize("options", [(), (BANDED,)])
def test_metadata_through_faults(with_author, options):
    """A fault that passes is not noticed, wherever it comes."""
    storage, path, _ = with_author
    for number in range(6):
        for method in ("GET", "PUT"):
            name = "%s%d" % (method, number)
            with storage.through(rates={"503": 1}, first=1,
                                 match=method + ".*aux.xml"):
                dataset = open_dataset(path, *options)
                with Errors() as errors:
                    dataset.SetMetadataItem("NAME", name)
                    dataset = None
                assert not errors.texts()
            with storage.settled():
                for some in ((), (BANDED,)):
                    found = open_dataset(path, *some).GetMetadata()
                    assert found.get("AUTHOR") == (None if some else "IGN")
                    assert found.get("SURVEY") == ("2026" if some else None)
                    if some == options:
                        assert found["NAME"] == name


def test_metadata_that_cannot_be_written(with_author, tmp_path):
    """It goes where GDAL has been told to put it then, or that is said."""
    storage, path, kept = with_author
    with storage.through(rates={"503": 1}, match="PUT.*aux.xml"):
        dataset = open_dataset(path)
        with Errors() as errors:
            dataset.SetMetadataItem("NAME", "lost")
            dataset = None
        assert len(errors.warnings) == len(errors.texts()) == 1
        assert "is not kept" in errors.warnings[0]
        # GDAL asks once in a process where that is.
        for _ in range(2):
            done = subprocess.run(
                ["gdalinfo", "-stats", path], text=True, capture_output=True,
                check=True, env=storage.environment(
                    GDAL_PAM_PROXY_DIR=str(tmp_path),
                    ROK4_OBJECT_ATTEMPTS_WAIT="0.01"))
            assert "AUTHOR=IGN" in done.stdout
            assert not done.stderr
        assert os.path.basename(tmp_path) in done.stdout
    assert len(list(tmp_path.glob("*.aux.xml"))) == 1
    assert storage.get("N.json.aux.xml") == kept


def test_statistics_of_who_may_not_list(s3, ceph):
    """There may be a sidecar that he may not read: it is not written over,
    unless that is known."""
    path = "ROK4:" + s3.path("N.json")
    rok4_write.create(path, rok4_write.source(rok4_write.noise(3)))
    ceph.allow(s3.tray, ["s3:GetObject", "s3:PutObject"])
    for missing, kept in (("NO", False), ("YES", True)):
        with config(ROK4_MISSING_ON_403=missing,
                    **ceph.s3_options("reader")):
            gdal.VSICurlClearCache()
            dataset = open_dataset(path)
            with Errors() as errors:
                dataset.GetRasterBand(1).ComputeStatistics(False)
                dataset = None
        assert len(errors.warnings) == (not kept)
        assert all("is not kept" in one for one in errors.warnings)
        assert ("N.json.aux.xml" in s3.list()) == kept


def test_metadata_that_is_taken_away(with_author):
    storage, path, _ = with_author
    with storage.settled():
        open_dataset(path).SetMetadata({})
        assert open_dataset(path, BANDED).GetMetadataItem("SURVEY") == "2026"
        open_dataset(path, BANDED).SetMetadata({})
    assert b"AUTHOR" not in (storage.get("N.json.aux.xml") or b"")


def test_statistics_of_an_update_that_fails(with_author):
    """They are gone before the first slab is another one."""
    storage, path, _ = with_author
    with storage.settled():
        dataset = open_dataset(path)
        dataset.GetRasterBand(1).ComputeStatistics(False)
        dataset = None
    assert b"STATISTICS_" in storage.get("N.json.aux.xml")
    with storage.through(rates={"503": 1}, match="PUT.*DATA"):
        rok4_write.refuse(
            path, rok4_write.source(rok4_write.noise(3, (20, 20)), PATCH_PX),
            "UPDATE_MODE=INPLACE", small=False)
    now = storage.get("N.json.aux.xml")
    assert b"AUTHOR" in now and b"STATISTICS_" not in now


def test_update_where_statistics_cannot_be_read(with_author):
    """Nothing is replaced then: they would be those of other pixels."""
    storage, path, _ = with_author
    patch = rok4_write.source(rok4_write.noise(3, (20, 20)), PATCH_PX)
    with storage.settled():
        dataset = open_dataset(path)
        dataset.GetRasterBand(1).ComputeStatistics(False)
        dataset = None
    before = storage.get_all()
    with storage.through(rates={"503": 1}, match="GET.*aux.xml"):
        assert "aux.xml" in rok4_write.refuse(
            path, patch, "UPDATE_MODE=INPLACE", small=False)
    assert storage.get_all() == before
    with storage.settled():
        rok4_write.create(path, patch, "UPDATE_MODE=INPLACE", small=False)
    now = storage.get("N.json.aux.xml")
    assert b"AUTHOR" in now and b"SURVEY" in now
    assert b"STATISTICS_" not in now
