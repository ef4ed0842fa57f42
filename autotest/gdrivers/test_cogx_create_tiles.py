# SPDX-License-Identifier: MIT
"""Create of COGX: tiles are encoded once, while pixels are still being written,
so that what waits on the disk is never larger than the file."""

import contextlib

import numpy as np
import pytest
from osgeo import gdal
from osgeo_utils.samples import validate_cloud_optimized_geotiff

import cogx_make
import rok4_util
from cogx_spool import Spool, cache

SIDE = 512
# Beyond the memory for blocks, which is 64 MB where GDAL's cache is small.
WIDTH, HEIGHT = 7000, 6200
LERC = ["COMPRESS=LERC", "MAX_Z_ERROR=1"]
CODECS = {"JPEG": ["COMPRESS=JPEG"], "WEBP": ["COMPRESS=WEBP"], "LERC": LERC,
          "DEFLATE": [], "ZSTD": ["COMPRESS=ZSTD"], "NONE": ["COMPRESS=NONE"]}


def has(codec):
    return "'%s'" % codec in gdal.GetDriverByName("COGX").GetMetadataItem(
        "DMD_CREATIONOPTIONLIST").replace("<Value>", "'").replace(
            "</Value>", "'")


def skip_without(options):
    for option in options:
        if option.startswith("COMPRESS=") and not has(option[9:]):
            pytest.skip("libtiff is built without it")


class Picture:
    """Bands that compress somewhat, of any size, without keeping them."""

    def __init__(self, bands, dtype):
        self.bands, self.dtype = bands, np.dtype(dtype)
        rng = np.random.default_rng(1)
        steps = rng.integers(-3, 4, (1024, 1024)).cumsum(axis=1) * 0.3
        steps = (steps - steps.min()) / (steps.max() - steps.min())
        self.texture = steps * 180 + 20 + rng.random((1024, 1024)) * 6

    def window(self, x, y, width, height):
        rows = np.arange(y, y + height) % 1024
        cols = np.arange(x, x + width)
        cols = (cols + cols // 1024 * 13) % 1024
        values = self.texture[np.ix_(rows, cols)]
        return np.stack([values + 8 * band for band in range(self.bands)]
                        ).astype(self.dtype)


KINDS = {gdal.GDT_Byte: "u1", gdal.GDT_Float32: "f4"}


def create(path, width, height, bands=3, kind=gdal.GDT_Byte, options=()):
    dataset = gdal.GetDriverByName("COGX").Create(
        str(path), width, height, bands, kind, options=list(options))
    assert dataset is not None, gdal.GetLastErrorMsg()
    return dataset


def windows(width, height, across, down):
    return [(x, y, min(across, width - x), min(down, height - y))
            for y in range(0, height, down) for x in range(0, width, across)]


def write(dataset, picture, parts):
    for x, y, width, height in parts:
        assert dataset.WriteArray(picture.window(x, y, width, height),
                                  x, y) == gdal.CE_None


def orders(width, height):
    shuffled = windows(width, height, SIDE, SIDE)
    np.random.default_rng(2).shuffle(shuffled)
    return {"rows": windows(width, height, width, 50),
            "any": [tuple(int(i) for i in part) for part in shuffled]}


def copied(path, picture, width, height, options, kind=gdal.GDT_Byte,
           change=None):
    """What CreateCopy makes of the same pixels."""
    source = gdal.GetDriverByName("MEM").Create("", width, height,
                                                picture.bands, kind)
    write(source, picture, windows(width, height, width, 512))
    if change:
        change(source)
    return cogx_make.write("COGX", path, source, *options)


def check_valid(path):
    _, errors, _ = validate_cloud_optimized_geotiff.validate(
        str(path), full_check=True)
    assert errors == []


def sums(dataset):
    """Of the full resolution, and of its mask."""
    bands = [dataset.GetRasterBand(i + 1) for i in range(dataset.RasterCount)]
    found = [band.Checksum() for band in bands]
    if bands[0].GetMaskFlags() == gdal.GMF_PER_DATASET:
        found.append(bands[0].GetMaskBand().Checksum())
    return found


def opened(path):
    return gdal.OpenEx(str(path), gdal.OF_RASTER, allowed_drivers=["GTiff"])


@contextlib.contextmanager
def watched(folder):
    """What is written in there must wait in less than it takes at the end."""
    spool = Spool(folder)
    with cache(16):
        yield spool
    spool.stop()
    size = sum(entry.stat().st_size for entry in folder.iterdir())
    assert spool.nsamples > 20
    assert spool.most_spool <= size
    assert spool.most <= 2 * size


@pytest.mark.parametrize("codec, order", [(codec, "rows") for codec in CODECS]
                         + [("JPEG", "any"), ("DEFLATE", "any"),
                            ("NONE", "any")])
def test_disk(tmp_path, codec, order):
    options = CODECS[codec]
    skip_without(options)
    if rok4_util.SANITIZED and (codec, order) != ("JPEG", "rows"):
        pytest.skip("takes long")
    kind = gdal.GDT_Float32 if codec == "LERC" else gdal.GDT_Byte
    bands = 1 if codec == "LERC" else 3
    width, height = WIDTH, HEIGHT
    folder = tmp_path / "written"
    folder.mkdir()
    path = folder / "a.tif"
    picture = Picture(bands, KINDS[kind])
    with watched(folder) as spool:
        dataset = create(path, width, height, bands, kind, options)
        write(dataset, picture, orders(width, height)[order])
        dataset = None
    # That much did not fit into memory.
    assert codec in ("JPEG", "WEBP") or spool.most_spool > 10 << 20
    check_valid(path)
    # Each tile was encoded once: it is what a copy has.
    assert sums(opened(path)) == sums(copied(
        tmp_path / "copy.tif", picture, width, height, options, kind))


# Some of these tests take a minute under sanitizers, with nothing new to find.
lengthy = pytest.mark.skipif(rok4_util.SANITIZED, reason="takes long")


@lengthy
def test_disk_without_overviews(tmp_path):
    picture = Picture(3, "u1")
    with watched(tmp_path):
        dataset = create(tmp_path / "a.tif", WIDTH, HEIGHT,
                         options=["OVERVIEWS=NONE"])
        write(dataset, picture, orders(WIDTH, HEIGHT)["rows"])
        dataset = None
    check_valid(tmp_path / "a.tif")


@lengthy
def test_disk_of_bands(tmp_path):
    """One after the other: without loss, even so."""
    picture = Picture(3, "u1")
    with watched(tmp_path):
        dataset = create(tmp_path / "a.tif", WIDTH, HEIGHT)
        for band in range(3):
            for x, y, width, height in windows(WIDTH, HEIGHT, WIDTH, 300):
                dataset.GetRasterBand(band + 1).WriteArray(
                    picture.window(x, y, width, height)[band], x, y)
        dataset = None
    check_valid(tmp_path / "a.tif")


@lengthy
def test_disk_with_mask(tmp_path):
    """Which GDAL's cache hands on at other times than the image."""
    folder = tmp_path / "written"
    folder.mkdir()
    picture = Picture(3, "u1")

    def mask_of(x, y, width, height):
        return ((picture.window(x, y, width, height)[0] > 60) * 255).astype(
            np.uint8)

    def add_mask(dataset):
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        mask = dataset.GetRasterBand(1).GetMaskBand()
        for part in windows(WIDTH, HEIGHT, WIDTH, 512):
            mask.WriteArray(mask_of(*part), part[0], part[1])
    with watched(folder):
        dataset = create(folder / "a.tif", WIDTH, HEIGHT,
                         options=["COMPRESS=JPEG"])
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        mask = dataset.GetRasterBand(1).GetMaskBand()
        for part in orders(WIDTH, HEIGHT)["any"]:
            write(dataset, picture, [part])
            mask.WriteArray(mask_of(*part), part[0], part[1])
        mask = None
        dataset = None
    check_valid(folder / "a.tif")
    assert sums(opened(folder / "a.tif")) == sums(copied(
        tmp_path / "copy.tif", picture, WIDTH, HEIGHT, ["COMPRESS=JPEG"],
        change=add_mask))


@pytest.mark.parametrize("codec", list(CODECS))
def test_masks(tmp_path, codec):
    """Of every codec: the same file as a copy, but for overviews of what is
    lossy."""
    options = CODECS[codec] + ["SPARSE_OK=YES"]
    skip_without(options)
    picture = Picture(3, "u1")

    def add_mask(dataset):
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        mask = dataset.GetRasterBand(1).GetMaskBand()
        mask.WriteArray(np.full((700, 600), 200, np.uint8), 300, 400)
    dataset = create(tmp_path / "a.tif", 1500, 1300, options=options)
    add_mask(dataset)
    write(dataset, picture, windows(1500, 1300, 400, 500))
    dataset = None
    ours = opened(tmp_path / "a.tif")
    check_valid(tmp_path / "a.tif")
    assert sums(ours) == sums(copied(tmp_path / "b.tif", picture, 1500, 1300,
                                     options, change=add_mask))
    if codec in ("DEFLATE", "ZSTD", "NONE"):
        assert (tmp_path / "a.tif").read_bytes() == \
            (tmp_path / "b.tif").read_bytes()


def test_same_bytes(tmp_path):
    """Whatever the threads, GDAL's cache and the order."""
    picture = Picture(3, "u1")
    width, height = 5000, 4700
    found = set()
    for threads, megabytes, order in ((1, 16, "rows"), (4, 16, "any"),
                                      (2, 400, "any")):
        path = tmp_path / ("%d.tif" % len(found))
        with cache(megabytes):
            dataset = create(path, width, height, options=[
                "COMPRESS=JPEG", "STATISTICS=YES",
                "NUM_THREADS=%d" % threads])
            write(dataset, picture, orders(width, height)[order])
            dataset = None
        found.add(path.read_bytes())
        path.unlink()
    assert len(found) == 1


@pytest.mark.parametrize("codec", ["JPEG", "LERC", "NONE"])
def test_overviews_are_of_what_is_stored(tmp_path, codec):
    picture = Picture(1, "u1")
    width, height = 1500, 1300
    lossless = ["OVERVIEW_COMPRESS=DEFLATE", "OVERVIEW_PREDICTOR=NO",
                "RESAMPLING=AVERAGE"]
    options = CODECS[codec] + (
        ["MAX_Z_ERROR_OVERVIEW=0"] if codec == "LERC" else [])
    skip_without(options)
    dataset = create(tmp_path / "a.tif", width, height, 1,
                     options=options + lossless)
    write(dataset, picture, windows(width, height, 700, 300))
    dataset = None
    ours = opened(tmp_path / "a.tif")
    again = cogx_make.write(
        "COGX", tmp_path / "b.tif", ours, "OVERVIEWS=IGNORE_EXISTING",
        "LOSSLESS_COPY=NO", "COMPRESS=DEFLATE", "RESAMPLING=AVERAGE")
    band, other = ours.GetRasterBand(1), again.GetRasterBand(1)
    assert band.GetOverviewCount() == other.GetOverviewCount() == 2
    assert band.Checksum() == other.Checksum()
    for i in range(2):
        assert np.array_equal(band.GetOverview(i).ReadAsArray(),
                              other.GetOverview(i).ReadAsArray())


@pytest.mark.parametrize("size", [256, 592, 1024, 1040, 2048])
@pytest.mark.parametrize("codec", ["JPEG", "NONE"])
def test_block_sizes(tmp_path, codec, size):
    """Tiles of several blocks, or of blocks that are none of theirs."""
    picture = Picture(3, "u1")
    options = CODECS[codec] + ["BLOCKSIZE=%d" % size]
    for width, height in ((2100, 1700), (300, 2500), (2500, 40)):
        path = tmp_path / ("%d.tif" % width)
        dataset = create(path, width, height, options=options)
        parts = windows(width, height, 333, 222)
        np.random.default_rng(3).shuffle(parts)
        write(dataset, picture, [tuple(int(i) for i in p) for p in parts])
        dataset = None
        ours = opened(path)
        assert ours.GetRasterBand(1).GetBlockSize() == [size, size]
        check_valid(path)
        assert sums(ours) == sums(copied(tmp_path / "copy.tif", picture, width,
                                         height, options))


def test_rewriting_is_without_loss_till_the_end(tmp_path):
    picture = Picture(3, "u1")
    width, height = 5000, 4700
    rng = np.random.default_rng(5)
    patches = [(int(rng.integers(0, width - 40)),
                int(rng.integers(0, height - 30))) for _ in range(30)]
    noise = rng.integers(0, 255, (3, 30, 40)).astype(np.uint8)
    with cache(16):
        dataset = create(tmp_path / "a.tif", width, height,
                         options=["COMPRESS=JPEG", "QUALITY=50"])
        write(dataset, picture, orders(width, height)["rows"])
        # Out of memory by now: what is read is what was stored.
        first = dataset.ReadAsArray(0, 0, 512, 512).astype(int)
        error = np.abs(first - picture.window(0, 0, 512, 512)).mean()
        assert 0 < error < 8
        for x, y in patches:
            dataset.WriteArray(noise, x, y)
        # Everything passes through memory.
        for part in windows(width, height, width, 512):
            dataset.ReadAsArray(*part)
        for x, y in patches[-5:]:
            assert np.array_equal(dataset.ReadAsArray(x, y, 40, 30), noise)
        dataset = None
    check_valid(tmp_path / "a.tif")
    ours = opened(tmp_path / "a.tif")
    touched = {(x0 // SIDE, y0 // SIDE) for x, y in patches
               for x0 in (x, x + 39) for y0 in (y, y + 29)}
    if (0, 0) not in touched:
        assert np.array_equal(ours.ReadAsArray(0, 0, 512, 512), first)
    once = copied(tmp_path / "copy.tif", picture, width, height,
                  ["COMPRESS=JPEG", "QUALITY=50"])
    for x, y, across, down in windows(width, height, SIDE, SIDE):
        if (x // SIDE, y // SIDE) not in touched:
            assert np.array_equal(ours.ReadAsArray(x, y, across, down),
                                  once.ReadAsArray(x, y, across, down))


def test_written_twice_is_encoded_once(tmp_path):
    picture = Picture(3, "u1")
    other = Picture(3, "u1")
    other.texture = other.texture[::-1].copy()
    width, height = 5000, 4700
    with cache(16):
        dataset = create(tmp_path / "a.tif", width, height,
                         options=["COMPRESS=JPEG"])
        write(dataset, other, orders(width, height)["any"])
        write(dataset, picture, orders(width, height)["rows"])
        dataset = None
    assert sums(opened(tmp_path / "a.tif")) == sums(copied(
        tmp_path / "copy.tif", picture, width, height, ["COMPRESS=JPEG"]))


def as_alpha(dataset):
    band = dataset.GetRasterBand(dataset.RasterCount)
    band.SetColorInterpretation(gdal.GCI_AlphaBand)
    return band


def alpha_of(x, y, width, height):
    rows, cols = np.mgrid[y:y + height, x:x + width]
    return ((rows // 90 + cols // 70) % 3 > 0).astype(np.uint8) * 255


@pytest.mark.parametrize("side", [700, 4400])
def test_alpha_becomes_the_mask_of_jpeg(tmp_path, side):
    picture = Picture(4, "u1")

    def paint(dataset):
        band = as_alpha(dataset)
        for part in windows(side, side, side, 300):
            if dataset.GetDriver().ShortName != "MEM":
                write(dataset, picture, [part])
            band.WriteArray(alpha_of(*part), part[0], part[1])
    with cache(16):
        dataset = create(tmp_path / "a.tif", side, side, 4,
                         options=["COMPRESS=JPEG"])
        paint(dataset)
        dataset = None
    ours = opened(tmp_path / "a.tif")
    assert ours.RasterCount == 3
    check_valid(tmp_path / "a.tif")
    assert sums(ours) == sums(copied(tmp_path / "copy.tif", picture, side,
                                     side, ["COMPRESS=JPEG"], change=paint))


@pytest.mark.parametrize("codec", ["JPEG", "DEFLATE"])
@pytest.mark.parametrize("side", [700, pytest.param(5000, marks=lengthy)])
def test_nodata_becomes_a_mask(tmp_path, side, codec):
    """Of what was written, not of what lossy tiles have there."""
    options = CODECS[codec] + ["NODATA_TO_MASK=YES"]
    picture = Picture(3, "u1")

    def pixels(*part):
        values = picture.window(*part)
        values[:, alpha_of(*part) == 0] = 1
        return values

    def paint(dataset):
        for i in range(3):
            dataset.GetRasterBand(i + 1).SetNoDataValue(1)
        for part in windows(side, side, side, 300):
            dataset.WriteArray(pixels(*part), part[0], part[1])
    with cache(16):
        dataset = create(tmp_path / "a.tif", side, side, options=options)
        paint(dataset)
        dataset = None
    ours = opened(tmp_path / "a.tif")
    check_valid(tmp_path / "a.tif")
    theirs = copied(tmp_path / "copy.tif", picture, side, side, options,
                    change=paint)
    assert cogx_make.shown(ours) == cogx_make.shown(theirs)
    assert sums(ours) == sums(theirs)
    assert ours.GetRasterBand(1).GetNoDataValue() is None
    mask = ours.GetRasterBand(1).GetMaskBand()
    assert np.array_equal(mask.ReadAsArray(), alpha_of(0, 0, side, side))


@pytest.mark.parametrize("sparse", ["YES", "NO"])
@pytest.mark.parametrize("codec", ["JPEG", "DEFLATE", "NONE"])
def test_what_is_not_written(tmp_path, codec, sparse):
    """Parts of tiles, and whole ones, have the nodata value."""
    options = CODECS[codec] + ["SPARSE_OK=" + sparse]
    picture = Picture(1, "u1")
    width, height = 3000, 2000
    dataset = create(tmp_path / "a.tif", width, height, 1, options=options)
    dataset.GetRasterBand(1).SetNoDataValue(255)
    write(dataset, picture, [(1100, 600, 100, 700)])
    dataset = None
    ours = opened(tmp_path / "a.tif")
    expected = np.full((height, width), 255, np.uint8)
    expected[600:1300, 1100:1200] = picture.window(1100, 600, 100, 700)[0]
    found = ours.ReadAsArray().astype(int)
    assert np.abs(found - expected).max() <= (90 if codec == "JPEG" else 0)
    assert (found[:512] == 255).all() and (found[:, :1024] == 255).all()
    check_valid(tmp_path / "a.tif")
    offset = ours.GetRasterBand(1).GetMetadataItem("BLOCK_OFFSET_0_0", "TIFF")
    assert (offset is None) == (sparse == "YES")
    there = ours.GetRasterBand(1).GetMetadataItem("BLOCK_OFFSET_2_1", "TIFF")
    assert there is not None and there != offset


def test_statistics(tmp_path):
    picture = Picture(2, "f4")
    skip_without(LERC)
    dataset = create(tmp_path / "a.tif", 1500, 1300, 2, gdal.GDT_Float32,
                     LERC + ["STATISTICS=YES"])
    write(dataset, picture, windows(1500, 1300, 600, 600))
    dataset = None
    ours = opened(tmp_path / "a.tif")
    for i in range(2):
        band = ours.GetRasterBand(i + 1)
        values = band.ReadAsArray().astype(float)
        told = [float(band.GetMetadataItem("STATISTICS_" + item)) for item in
                ("MINIMUM", "MAXIMUM", "MEAN", "STDDEV")]
        assert told == pytest.approx([values.min(), values.max(),
                                      values.mean(), values.std()], rel=1e-6)


@lengthy
def test_what_is_set_late(tmp_path):
    """That a band is alpha changes LERC's tiles: they are encoded anew."""
    skip_without(LERC)
    picture = Picture(4, "u1")
    side = 4400
    with cache(16):
        dataset = create(tmp_path / "a.tif", side, side, 4,
                         options=["COMPRESS=LERC"])
        write(dataset, picture, windows(side, side, side, 512))
        with rok4_util.Errors() as errors:
            as_alpha(dataset)
            dataset = None
    assert not errors.failures
    check_valid(tmp_path / "a.tif")
    ours = opened(tmp_path / "a.tif")
    assert ours.GetRasterBand(4).GetColorInterpretation() == gdal.GCI_AlphaBand
    assert sums(ours) == sums(copied(
        tmp_path / "copy.tif", picture, side, side, ["COMPRESS=LERC"],
        change=as_alpha))


@pytest.mark.parametrize("what", ["alpha", "nodata"])
def test_masks_that_are_set_late(tmp_path, what):
    """Pixels wait without loss where a mask may still be made of them."""
    side = 4400
    options = ["COMPRESS=JPEG", "NODATA_TO_MASK=YES"]
    picture = Picture(4 if what == "alpha" else 3, "u1")
    hole = (1000, 900, 300, 200)

    def dig(dataset):
        for band in ([4] if what == "alpha" else [1, 2, 3]):
            dataset.GetRasterBand(band).WriteArray(
                np.zeros((hole[3], hole[2]), np.uint8), hole[0], hole[1])

    def tell(dataset):
        if what == "alpha":
            as_alpha(dataset)
        else:
            for band in (1, 2, 3):
                dataset.GetRasterBand(band).SetNoDataValue(0)

    def change(dataset):
        dig(dataset)
        tell(dataset)
    with cache(16):
        dataset = create(tmp_path / "a.tif", side, side, picture.bands,
                         options=options)
        dig(dataset)
        parts = [part for part in windows(side, side, 100, 100) if not (
            1000 <= part[0] < 1300 and 900 <= part[1] < 1100)]
        write(dataset, picture, parts)
        tell(dataset)
        dataset = None
    ours = opened(tmp_path / "a.tif")
    mask = ours.GetRasterBand(1).GetMaskBand().ReadAsArray()
    assert (mask == 0).sum() == hole[2] * hole[3]
    if what == "nodata":
        assert sums(ours) == sums(copied(tmp_path / "copy.tif", picture, side,
                                         side, options, change=change))


def test_fill(tmp_path):
    """Which goes to blocks by another way than windows."""
    with cache(16):
        dataset = create(tmp_path / "a.tif", 5000, 4700, 3,
                         options=["COMPRESS=JPEG"])
        for i in range(3):
            dataset.GetRasterBand(i + 1).Fill(100 + i)
        assert (dataset.ReadAsArray(700, 700, 50, 50)[1] // 4 == 25).all()
        dataset = None
    ours = opened(tmp_path / "a.tif")
    for i in range(3):
        low, high = ours.GetRasterBand(i + 1).ComputeRasterMinMax()
        assert abs(low - 100 - i) <= 2 and abs(high - 100 - i) <= 2


def test_reprojected_while_it_is_made(tmp_path):
    """Tiles of the file are none of those that were written."""
    like = cogx_make.source(700, 600, 3)
    options = ["COMPRESS=JPEG", "TILING_SCHEME=GoogleMapsCompatible"]
    dataset = create(tmp_path / "a.tif", 700, 600, options=options)
    dataset.SetSpatialRef(like.GetSpatialRef())
    dataset.SetGeoTransform(like.GetGeoTransform())
    dataset.WriteArray(like.ReadAsArray())
    dataset = None
    theirs = cogx_make.write("COGX", tmp_path / "b.tif", like, *options)
    assert sums(opened(tmp_path / "a.tif")) == sums(theirs)
