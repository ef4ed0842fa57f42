# SPDX-License-Identifier: MIT
"""What CreateCopy refuses: the message names what is possible, nothing is left
on the disk, and what stood there stands there still, byte for byte."""

import os
import shutil

import numpy as np
import pytest
from osgeo import gdal

import rok4_tms
import rok4_util
import rok4_write
from rok4_write import Stop, create, noise, refuse, source

FORMATS = ["NONE", "DEFLATE", "LZW", "PACKBITS"]


def without_crs():
    dataset = gdal.GetDriverByName("MEM").Create("", 64, 64)
    dataset.SetGeoTransform((0, 4000, 0, 0, 0, -4000))
    return dataset


def without_transform():
    dataset = source(noise(1))
    out = gdal.GetDriverByName("MEM").Create("", 64, 64)
    out.SetProjection(dataset.GetProjection())
    return out


def signed_bytes():
    dataset = source(noise(1))
    dataset.GetRasterBand(1).SetMetadataItem("PIXELTYPE", "SIGNEDBYTE",
                                             "IMAGE_STRUCTURE")
    return dataset


def mixed_types():
    dataset = source(noise(1, (64, 64)))
    dataset.AddBand(gdal.GDT_Float32)
    return dataset


# Sources, options, and what the message names.
CASES = {
    "uint16": (lambda: source(noise(1).astype(np.uint16)), [],
               ["UInt16", "Float32", "-ot Byte -scale"]),
    "int16": (lambda: source(noise(1).astype(np.int16)), [],
              ["Int16", "Float32", "-ot Byte -scale"]),
    "int32": (lambda: source(noise(1).astype(np.int32)), [],
              ["Int32", "Float32", "-ot Byte -scale"]),
    "float64": (lambda: source(noise(1).astype(np.float64)), [],
                ["Float64", "Float32", "-ot Byte -scale"]),
    "complex": (lambda: source(noise(1).astype(np.complex64)), [],
                ["CFloat32", "Float32", "-ot Byte -scale"]),
    "signed bytes": (signed_bytes, [], ["signed", "Float32"]),
    "mixed types": (mixed_types, [], ["Byte", "Float32", "-ot"]),
    "5 bands": (lambda: source(noise(5)), [], ["5 bands", "1 to 4", "-b"]),
    "no band": (lambda: gdal.GetDriverByName("MEM").Create("", 8, 8, 0), [],
                ["band"]),
    "no CRS": (without_crs, [], ["CRS", "-a_srs"]),
    "no transform": (without_transform, [], []),
    "outside": (lambda: source(noise(1), (200 * 64, 5)), [], ["outside"]),
    "outside a level": (lambda: source(noise(1), (-5000, 5)), [],
                        ["outside"]),
    "JPEG of 1 band": (lambda: source(noise(1)), ["COMPRESS=JPEG"],
                       ["JPEG", "3 bands", "PNG"]),
    "JPEG of 2 bands": (lambda: source(noise(2)), ["COMPRESS=JPEG"],
                        ["JPEG", "3 bands", "PNG"]),
    "JPEG of 4 bands": (lambda: source(noise(4)), ["COMPRESS=JPEG"],
                        ["JPEG", "3 bands", "PNG"]),
    "JPEG with alpha": (lambda: source(noise(3)),
                        ["COMPRESS=JPEG", "ADD_ALPHA=YES"],
                        ["JPEG", "3 bands", "PNG"]),
    "JPEG of floats": (lambda: source(noise(3, dtype=np.float32)),
                       ["COMPRESS=JPEG"], FORMATS),
    "PNG of floats": (lambda: source(noise(1, dtype=np.float32)),
                      ["COMPRESS=PNG"], FORMATS),
}
# Options with a value that is none, and what the message names.
VALUES = {
    "TILING_SCHEME=NOWHERE": ["NOWHERE"],
    "TILING_SCHEME=../T64": [],
    "TILING_SCHEME=": [],
    "BOTTOM_LEVEL=99": ["99"],
    "BOTTOM_LEVEL=x": ["BOTTOM_LEVEL"],
    "TOP_LEVEL=99": ["99"],
    "TOP_LEVEL=7": ["TOP_LEVEL", "5"],
    "ZOOM_LEVEL_STRATEGY=BEST": ["AUTO", "LOWER", "UPPER"],
    "COMPRESS=ZSTD": ["NONE", "JPEG", "PNG", "DEFLATE", "LZW", "PACKBITS"],
    "QUALITY=75": ["COMPRESS=JPEG"],
    "ZLEVEL=0": ["1", "12"],
    "ZLEVEL=13": ["1", "12"],
    "ZLEVEL=high": ["1", "12"],
    "TILES_PER_WIDTH=0": ["TILES_PER_WIDTH"],
    "TILES_PER_WIDTH=-2": ["TILES_PER_WIDTH"],
    "TILES_PER_HEIGHT=0": ["TILES_PER_HEIGHT"],
    "TILES_PER_HEIGHT=99999999999": ["TILES_PER_HEIGHT"],
    "TILES_PER_HEIGHT=1.5": ["TILES_PER_HEIGHT"],
    "PATH_DEPTH=0": ["PATH_DEPTH", "1"],
    "PATH_DEPTH=9": ["PATH_DEPTH", "8"],
    "NODATA=256": ["0 to 255"],
    "NODATA=-1": ["0 to 255"],
    "NODATA=1.5": ["integer"],
    "NODATA=none": ["integer"],
    "NODATA=nan": ["integer"],
    "NODATA=1,x": ["integer"],
    "NODATA=1,2,3,4,5": ["NODATA"],
    "ADD_ALPHA=maybe": ["YES", "NO"],
    "MASK=maybe": ["YES", "NO"],
    "NUM_THREADS=0": ["NUM_THREADS"],
    "LIST=maybe": ["YES", "NO"],
    "MD5=maybe": ["YES", "NO"],
    "SPARSE_OK=maybe": ["YES", "NO"],
    "ANCESTOR=/nowhere/a.json": ["/nowhere/a.json"],
    "UPDATE_MODE=SLINK": ["ANCESTOR"],
    "UPDATE_MODE=MOVE": ["SLINK", "HLINK", "COPY", "INPLACE"],
    "OVERWRITE=maybe": ["YES", "NO"],
    "RESUME=maybe": ["YES", "NO"],
    "LOSSLESS_COPY=maybe": ["AUTO", "YES", "NO"],
}


@pytest.fixture(scope="module")
def furniture(tmp_path_factory, tms_directory):
    """A directory with a pyramid and files of others."""
    place = tmp_path_factory.mktemp("room") / "room"
    os.mkdir(str(place))
    with rok4_util.config(ROK4_TMS_DIRECTORY=tms_directory):
        create(place / "old.json", source(noise(3, seed=3)), "MASK=YES",
               "MD5=YES")
    (place / "other.txt").write_text("mine")
    (place / "old" / "other.txt").write_text("mine")
    os.mkdir(str(place / "empty"))
    return place


@pytest.fixture
def room(furniture, tmp_path):
    """A copy of it, and what checks that it is as it was."""
    place = tmp_path / "room"
    shutil.copytree(str(furniture), str(place))
    before = rok4_write.tree(place)

    def check():
        after = rok4_write.tree(place)
        assert sorted(after) == sorted(before)
        assert all(after[key] == before[key] for key in before)
    return place, check


@pytest.mark.parametrize("case", CASES)
def test_source(case, room):
    place, check = room
    make, options, names = CASES[case]
    for path in ("new.json", "old.json", "empty/new.json",
                 "missing/new.json"):
        message = refuse(place / path, make(), *options, *(
            ["OVERWRITE=YES"] if path == "old.json" else []))
        missing = [name for name in names if name not in message]
        assert not missing, message
        check()


def run_quietly(path, dataset, option):
    """GDAL itself warns of values that are not in the list."""
    options = [o for o in rok4_write.SMALL
               if o.split("=")[0] != option.split("=")[0]]
    with rok4_util.Errors() as errors:
        done = gdal.GetDriverByName("ROK4").CreateCopy(
            str(path), dataset, options=options + [option])
    assert done is None
    assert len(errors.failures) == 1, errors.texts()
    return errors.failures[0]


@pytest.mark.parametrize("option", [o for o in VALUES
                                    if o != "TILING_SCHEME="])
def test_value(option, room):
    place, check = room
    for path in ("new.json", "missing/new.json"):
        message = run_quietly(place / path, source(noise(1)), option)
        missing = [name for name in VALUES[option] if name not in message]
        assert not missing, message
        name, value = option.split("=")
        assert name in message or value in message, message
        check()


@pytest.mark.parametrize("name", [
    "new", "new.tif", ".json", "a b/../.json", "dir/", ""])
def test_name(name, room):
    """What no slab directory can be named after."""
    place, check = room
    path = os.path.join(str(place), name) if name else ""
    message = refuse(path, source(noise(1)))
    assert "NAME.json" in message or "path" in message
    check()


def test_existing(room):
    """Without OVERWRITE=YES nothing that looks like a pyramid is touched."""
    place, check = room
    dataset = source(noise(1))
    assert "OVERWRITE=YES" in refuse(place / "old.json", dataset)
    check()
    # An update in place of what is not there.
    assert "new.json" in refuse(place / "new.json", dataset,
                                "UPDATE_MODE=INPLACE")
    check()
    refuse(place / "old.json", dataset, "UPDATE_MODE=INPLACE",
           "OVERWRITE=YES")
    check()


def test_foreign_file(room):
    """A file that is no pyramid is not overwritten, nor taken for one. (Those
    that another driver recognises GDAL deletes before we are asked.)"""
    place, _ = room
    (place / "foreign.json").write_text('{"settings": [1, 2]}')
    before = rok4_write.tree(place)
    dataset = source(noise(1))
    for options in ([], ["OVERWRITE=YES"], ["UPDATE_MODE=INPLACE"]):
        message = refuse(place / "foreign.json", dataset, *options)
        assert "foreign.json" in message
        assert rok4_write.tree(place) == before


def test_slabs_without_descriptor(room):
    """Slabs in the way of a new pyramid."""
    place, _ = room
    os.rename(str(place / "old.json"), str(place / "aside"))
    before = rok4_write.tree(place)
    message = refuse(place / "old.json", source(noise(1)))
    assert "old" in message and "slabs" in message
    assert rok4_write.tree(place) == before


def test_file_in_the_way(room):
    """A file, or a link, where the directory of slabs belongs."""
    place, _ = room
    (place / "new").write_text("mine")
    os.symlink("empty", str(place / "linked"))
    before = rok4_write.tree(place)
    assert "no directory" in refuse(place / "new.json", source(noise(1)))
    assert "link" in refuse(place / "linked.json", source(noise(1)))
    assert rok4_write.tree(place) == before


def test_unwritable(room):
    if os.geteuid() == 0:
        place = "/proc/rok4-test"
    else:
        place = str(room[0] / "empty")
        os.chmod(place, 0o500)
    refuse(place + "/new.json", source(noise(1)))
    room[1]()


def test_tms_in_the_way(room, tmp_path):
    """Another set of that name beside the pyramid; and a pyramid that would
    have to be where its set goes."""
    place, _ = room
    file = rok4_tms.write(str(tmp_path / "elsewhere"),
                          rok4_tms.quadtree("MINE"))
    (place / "MINE.json").write_text("{}")
    before = rok4_write.tree(place)
    message = refuse(place / "new.json", source(noise(1)),
                     "TILING_SCHEME=" + file)
    assert "MINE.json" in message
    assert rok4_write.tree(place) == before
    (place / "MINE.json").unlink()
    before = rok4_write.tree(place)
    refuse(place / "MINE.json", source(noise(1)), "TILING_SCHEME=" + file)
    assert rok4_write.tree(place) == before


def broken_source(tmp_path):
    """A tiled GeoTIFF whose last tile is cut off."""
    path = str(tmp_path / "broken.tif")
    good = source(noise(3, (700, 900)))
    gdal.GetDriverByName("GTiff").CreateCopy(
        path, good, options=["TILED=YES", "COMPRESS=DEFLATE"])
    os.truncate(path, os.path.getsize(path) * 3 // 4)
    return gdal.Open(path)


@pytest.mark.parametrize("options", [
    [], ["COMPRESS=JPEG", "OVERVIEW_RESAMPLING=CUBIC"], ["OVERWRITE=YES"],
    ["UPDATE_MODE=INPLACE"], ["BOTTOM_LEVEL=6", "TOP_LEVEL=2"]])
def test_broken_source(options, room, tmp_path):
    """A block that cannot be read: an error that names source and place."""
    place, check = room
    name = "old.json" if options and options[0] in (
        "OVERWRITE=YES", "UPDATE_MODE=INPLACE") else "new.json"
    with rok4_util.config(GTIFF_IGNORE_READ_ERRORS="NO"):
        message = refuse(place / name, broken_source(tmp_path), *options)
    assert "broken.tif" in message
    check()


@pytest.mark.parametrize("fraction", [0, 0.3, 0.6, 0.94])
@pytest.mark.parametrize("options", [
    [], ["COMPRESS=JPEG", "OVERVIEW_RESAMPLING=CUBIC"], ["OVERWRITE=YES"],
    ["UPDATE_MODE=INPLACE"], ["BOTTOM_LEVEL=6", "TOP_LEVEL=2"]])
def test_interrupted(fraction, options, room):
    """Nothing is left behind."""
    place, check = room
    name = "old.json" if options and options[0] in (
        "OVERWRITE=YES", "UPDATE_MODE=INPLACE") else "new.json"
    message = refuse(place / name, source(noise(3, (300, 400))), *options,
                     callback=Stop(fraction))
    assert "interrupted" in message.lower()
    check()


def test_interrupted_copy(room):
    place, check = room
    opened = rok4_util.open_dataset(place / "old.json")
    for options in (["LOSSLESS_COPY=YES"],
                    ["LOSSLESS_COPY=YES", "PATH_DEPTH=3"]):
        message = refuse(place / "new.json", opened, *options, small=False,
                         callback=Stop(0.3))
        assert "interrupted" in message.lower()
        check()


def test_itself(room):
    """A pyramid is not copied onto itself."""
    place, check = room
    opened = rok4_util.open_dataset(place / "old.json")
    refuse(place / "old.json", opened, small=False)
    check()
