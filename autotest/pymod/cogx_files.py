# SPDX-License-Identifier: MIT
"""GeoTIFFs, valid and broken in one way each, for validators: FILES maps a name
to the function that makes the file at a path."""

import struct

import numpy
from osgeo import gdal, osr

import tiff_make
from tiff_make import MASKED, STRUCTURE, Image, Tiff

FILES = {}


def made(function):
    FILES[function.__name__] = function
    return function


def source(width=700, height=600, bands=1, mask=False, dtype=gdal.GDT_Byte,
           nodata=None):
    out = gdal.GetDriverByName("MEM").Create("", width, height, bands, dtype)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(2154)
    out.SetProjection(crs.ExportToWkt())
    out.SetGeoTransform((700000, 2, 0, 6600000, 0, -2))
    pixels = numpy.add.outer(numpy.arange(height), numpy.arange(width)) % 199
    for i in range(bands):
        out.GetRasterBand(i + 1).WriteArray(pixels + i)
        if nodata is not None:
            out.GetRasterBand(i + 1).SetNoDataValue(nodata)
    if mask:
        out.CreateMaskBand(gdal.GMF_PER_DATASET)
        valid = numpy.full((height, width), 255, "u1")
        valid[:height // 3, :width // 2] = 0
        out.GetRasterBand(1).GetMaskBand().WriteArray(valid)
    return out


def gtiff(path, *options, driver="GTiff", overviews=(), config=None, **kwargs):
    """What GDAL writes, with overviews added later."""
    for key, value in (config or {}).items():
        gdal.SetConfigOption(key, value)
    gdal.GetDriverByName(driver).CreateCopy(path, source(**kwargs),
                                            options=list(options))
    if overviews:
        opened = gdal.Open(path, gdal.GA_Update)
        opened.BuildOverviews("NEAREST", list(overviews))
        opened = None
    for key in config or {}:
        gdal.SetConfigOption(key, None)


def cog(path, *options, **kwargs):
    gtiff(path, "BLOCKSIZE=128", *options, driver="COG", **kwargs)


def load(path):
    with open(path, "rb") as stream:
        return stream.read()


def store(path, data):
    with open(path, "wb") as stream:
        stream.write(data)


TILED = ("TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=128")


def simple(name, *options, **kwargs):
    FILES[name] = lambda path: gtiff(path, *options, **kwargs)


def simple_cog(name, *options, **kwargs):
    FILES[name] = lambda path: cog(path, *options, **kwargs)


# What GDAL writes.
simple("striped_512", width=512, height=512)
simple("striped_513", width=513, height=513)
simple("striped_1024", width=1024, height=600)
simple("striped_1025", width=1025, height=600)
simple("striped_1025_overviews", width=1025, height=600, overviews=(2, 4))
simple("striped_narrow_tall", width=100, height=3000)
simple("striped_one_strip", "BLOCKYSIZE=3000", "COMPRESS=LZW", width=600,
       height=3000)
simple("striped_overview", width=2200, height=20, overviews=(2,),
       config={"GDAL_TIFF_OVR_BLOCKSIZE": "128"})
simple("tiled_small", *TILED, width=300, height=300)
simple("tiled_512", *TILED, width=512, height=512)
simple("tiled_513", *TILED, width=513, height=512)
simple("tiled_wide_tile", "TILED=YES", "BLOCKXSIZE=1040", "BLOCKYSIZE=16",
       width=1040, height=600)
simple("tiled_overviews_later", *TILED, overviews=(2, 4))
simple("tiled_overviews_later_big_tiff", *TILED, "BIGTIFF=YES",
       overviews=(2, 4))
simple("overviews_wrong_order", *TILED, overviews=(4, 2))
simple("big_endian", *TILED, "ENDIANNESS=BIG", overviews=(2,))
simple("planes", *TILED, "INTERLEAVE=BAND", bands=3, overviews=(2,))
simple("sparse_all", *TILED, "SPARSE_OK=YES", width=400, height=400)
simple("internal_mask", *TILED, mask=True, overviews=(2,),
       config={"GDAL_TIFF_INTERNAL_MASK": "YES"})
simple("external_overviews", *TILED, overviews=(2, 4),
       config={"TIFF_USE_OVR": "YES"})
simple("external_mask", *TILED, mask=True, width=300, height=300,
       config={"GDAL_TIFF_INTERNAL_MASK": "NO"})
simple("copy_src_overviews", *TILED, "COPY_SRC_OVERVIEWS=YES", width=300,
       height=300)
simple("copy_src_overviews_strips", "COPY_SRC_OVERVIEWS=YES", width=300,
       height=300)
simple("copy_src_overviews_one_strip", "COPY_SRC_OVERVIEWS=YES",
       "BLOCKYSIZE=300", width=300, height=300)
simple_cog("cog")
simple_cog("cog_big_tiff", "BIGTIFF=YES")
simple_cog("cog_jpeg", "COMPRESS=JPEG", bands=3)
simple_cog("cog_mask", mask=True)
simple_cog("cog_mask_jpeg", "COMPRESS=JPEG", bands=3, mask=True)
simple_cog("cog_sparse", "SPARSE_OK=YES", nodata=0)
simple_cog("cog_no_overviews", "OVERVIEWS=NONE")
simple_cog("cog_small", width=100, height=100)
simple_cog("cog_one_pixel", width=1, height=1)
simple_cog("cog_alpha", "ADD_ALPHA=YES", "TARGET_SRS=EPSG:4326", bands=3)


@made
def cog_updated(path):
    cog(path)
    opened = gdal.Open(path, gdal.GA_Update)
    opened.GetRasterBand(1).WriteArray(numpy.full((300, 300), 77, "u1"))
    opened.SetMetadataItem("a", "longer than what was there before")
    opened = None


@made
def cog_metadata_updated(path):
    cog(path)
    opened = gdal.Open(path, gdal.GA_Update)
    opened.SetMetadataItem("a", "b" * 500)
    opened = None


@made
def cog_and_external_overviews(path):
    cog(path)
    store(path + ".ovr", load(path))


@made
def cog_with_sidecar(path):
    cog(path)
    store(path + ".aux.xml", b"<PAMDataset><Metadata/></PAMDataset>")


def entry_changed(name, old, new):
    """A COG in which an entry of its structural metadata is another one."""
    def make(path):
        cog(path, mask="MASK" in old)
        data = load(path)
        assert data.count(old.encode()) == 1 and len(old) == len(new)
        store(path, data.replace(old.encode(), new.encode()))
    FILES[name] = make


entry_changed("cog_edited", "EDITION=NO\n ", "EDITION=YES\n")
entry_changed("cog_no_order", "BLOCK_ORDER", "BLOCK_ODDER")
entry_changed("cog_no_leader", "BLOCK_LEADER", "BLOCK_LADDER")
entry_changed("cog_no_trailer", "BLOCK_TRAILER", "BLOCK_TRAINER")
entry_changed("cog_no_mask_promise", "MASK_INTERLEAVED", "MUSK_INTERLEAVED")
entry_changed("cog_structure_renamed", "GDAL_STRUCTURAL", "GDEL_STRUCTURAL")
entry_changed("cog_structure_size", "SIZE=000140", "SIZE=000142")
entry_changed("cog_structure_no_size", "SIZE=000140", "SIZE=ABC140")
entry_changed("cog_structure_huge", "SIZE=000140", "SIZE=999999")


def cog_patched(name, change, **kwargs):
    """A COG changed by change(data, directories) -> data."""
    def make(path):
        cog(path, **kwargs)
        store(path, change(load(path)))
    FILES[name] = make


def flip(at):
    def change(data):
        out = bytearray(data)
        out[at(data)] ^= 0x55
        return bytes(out)
    return change


def tile_at(directory, index):
    return lambda data: tiff_make.values(data, directory, 324)[index]


def tile_end(directory, index):
    return lambda data: (tiff_make.values(data, directory, 324)[index] +
                         tiff_make.values(data, directory, 325)[index])


def swapped(directory, first, second):
    """Two tiles in each other's place."""
    def change(data):
        for code in (324, 325):
            numbers = tiff_make.values(data, directory, code)
            data = tiff_make.patch(data, directory, code, first,
                                   numbers[second])
            data = tiff_make.patch(data, directory, code, second,
                                   numbers[first])
        return data
    return change


def same_as(directory, code, index, delta):
    def change(data):
        number = tiff_make.values(data, directory, code)[index]
        return tiff_make.patch(data, directory, code, index, number + delta)
    return change


cog_patched("leader_flipped", flip(lambda d: tile_at(0, 3)(d) - 4))
cog_patched("leader_flipped_first", flip(lambda d: tile_at(0, 0)(d) - 1))
cog_patched("leader_flipped_overview", flip(lambda d: tile_at(1, 2)(d) - 3))
cog_patched("leader_flipped_mask", flip(lambda d: tile_at(1, 2)(d) - 3),
            mask=True)
cog_patched("trailer_flipped", flip(tile_end(0, 5)))
cog_patched("trailer_flipped_mask", flip(tile_end(3, 0)), mask=True)
cog_patched("last_bytes_flipped", flip(lambda d: tile_end(1, 1)(d) - 1))
cog_patched("tiles_swapped", swapped(0, 1, 2))
cog_patched("first_tiles_swapped", swapped(0, 0, 4))
cog_patched("tiles_swapped_overview", swapped(1, 1, 2))
cog_patched("masks_swapped", swapped(1, 1, 2), mask=True)
cog_patched("mask_moved", same_as(1, 324, 3, 1), mask=True)
cog_patched("tile_shorter", same_as(0, 325, 3, -1))
cog_patched("tile_out_of_file", same_as(0, 324, 3, 1 << 28))
cog_patched("truncated_last_trailer", lambda d: d[:-2])
cog_patched("truncated", lambda d: d[:len(d) * 2 // 3])
cog_patched("truncated_header", lambda d: d[:300])
cog_patched("main_directory_missing", lambda d: d[:4] + bytes(4) + d[8:])
def table_moved(data):
    """The table of tiles is said to stand beyond the file."""
    at = data.index(struct.pack("<HHI", 324, tiff_make.LONG, 30)) + 8
    return data[:at] + struct.pack("<I", 1 << 28) + data[at + 4:]


cog_patched("table_out_of_file", table_moved)
cog_patched("second_directory_missing_size",
            lambda d: d.replace(struct.pack("<HHII", 257, 3, 1, 300),
                                struct.pack("<HHII", 65000, 3, 1, 300)))


# Built byte by byte.
def build(path, big=False, order="<", ghost=STRUCTURE, mask=False, gap=0,
          main=None, small=None, swap_directories=False, swap_data=False,
          data_first=False, mask_kwargs=None, small_mask=True, interleave=True,
          subtype=1, sub_directories=False, odd=False):
    """An image of 4 x 3 tiles, an overview of 2 x 2, masks perhaps."""
    tiff = Tiff(big, order)
    if ghost is not None:
        tiff.ghost(ghost)
    tiff.pad(gap)
    main = main or Image(256, 192)
    small = small or Image(128, 96, subtype=subtype)
    masks = []
    if mask:
        options = dict(subtype=4, bits=1, **(mask_kwargs or {}))
        masks.append(Image(main.width, main.height, **options))
        if small_mask:
            options["subtype"] = 5
            masks.append(Image(small.width, small.height, **options))
    images = [main] + masks[:1] + [small] + masks[1:]

    def directories():
        for image in reversed(images) if swap_directories else images:
            tiff.directory(image)

    def data():
        pairs = [(main, masks[0] if masks else None),
                 (small, masks[1] if len(masks) > 1 else None)]
        for image, its_mask in pairs if swap_data else reversed(pairs):
            tiff.tiles(image, its_mask if interleave else None)
            if its_mask and not interleave:
                tiff.tiles(its_mask)
    if data_first:
        data()
        directories()
    else:
        directories()
        data()
    tiff.link(*images)
    tiff.save(path)


def built(name, **kwargs):
    FILES[name] = lambda path: build(path, **kwargs)


built("built")
built("built_big_tiff", big=True)
built("built_big_endian", order=">")
built("built_big_endian_big_tiff", big=True, order=">")
built("built_no_structure", ghost=None)
built("built_odd_structure", ghost=dict(STRUCTURE, A="B"))
built("built_gap", gap=10)
built("built_gap_no_structure", ghost=None, gap=8)
built("built_gap_2_no_structure", ghost=None, gap=2)
built("built_mask", ghost=MASKED, mask=True)
built("built_mask_big_tiff", ghost=MASKED, mask=True, big=True, order=">")
built("built_mask_not_interleaved", ghost=MASKED, mask=True, interleave=False)
built("built_mask_no_promise", mask=True, interleave=False)
built("built_mask_main_only", ghost=MASKED, mask=True, small_mask=False)
built("built_mask_promised_only", ghost=MASKED)
built("built_mask_other_tiles", ghost=MASKED, mask=True,
      mask_kwargs={"tile": (32, 32)})
built("built_mask_strips", ghost=MASKED, mask=True,
      mask_kwargs={"strips": 64})
built("built_mask_sparse", ghost=MASKED, mask=True,
      mask_kwargs={"sparse": [0, 2, 3]})
built("built_image_sparse_mask_not", ghost=MASKED, mask=True,
      main=Image(256, 192, sparse=[1, 2, 5]))
built("built_alpha_promised", ghost=MASKED,
      main=Image(256, 192, bands=2, extra=[2]),
      small=Image(128, 96, subtype=1, bands=2, extra=[2]))
built("built_alpha_planes_promised", ghost=MASKED,
      main=Image(256, 192, bands=2, planar=2, extra=[2]),
      small=Image(128, 96, subtype=1, bands=2, planar=2, extra=[2]))
built("built_sparse", main=Image(256, 192, sparse=[0, 5, 6]))
built("built_sparse_overview", small=Image(128, 96, subtype=1,
                                           sparse=range(4)))
built("built_all_sparse", main=Image(256, 192, sparse=range(12)),
      small=Image(128, 96, subtype=1, sparse=range(4)))
built("built_small_tiles", main=Image(256, 192, nbytes=2))
built("built_directories_swapped", swap_directories=True)
built("built_data_swapped", swap_data=True)
built("built_data_first", data_first=True, ghost=None)
built("built_overview_larger", small=Image(300, 96, subtype=1))
built("built_overview_same", small=Image(256, 192, subtype=1))
built("built_overview_other_bands", small=Image(128, 96, subtype=1, bands=3))
built("built_overview_strips", main=Image(2300, 80, tile=(256, 64)),
      small=Image(1150, 40, subtype=1, strips=8))
built("built_overview_strips_narrow", main=Image(1200, 80, tile=(256, 64)),
      small=Image(600, 40, subtype=1, strips=40))
built("built_second_page", subtype=0)
built("built_planes", main=Image(256, 192, bands=3, planar=2),
      small=Image(128, 96, subtype=1, bands=3, planar=2))
built("built_strips", main=Image(256, 192, strips=64),
      small=Image(128, 96, subtype=1, strips=64))
built("built_rgba", main=Image(256, 192, bands=4, extra=[2]),
      small=Image(128, 96, subtype=1, bands=4, extra=[2]))


@made
def built_leader_missing_at_start(path):
    tiff = Tiff()
    tiff.ghost(STRUCTURE)
    image = Image(64, 64)
    tiff.directory(image)
    tiff.tiles(image)
    image.offsets[0] = 2
    tiff.link(image).save(path)


@made
def built_mask_of_sparse_swapped(path):
    """Masks of tiles that are left out, the second before the first."""
    tiff = Tiff()
    tiff.ghost(MASKED)
    image, mask = Image(256, 64, sparse=[1, 2]), Image(256, 64, subtype=4)
    tiff.directory(image)
    tiff.directory(mask)
    for index, which in ((0, image), (0, mask), (2, mask), (1, mask),
                         (3, image), (3, mask)):
        tiff.tile(which, index)
    tiff.link(image, mask).save(path)


@made
def built_coarsest_directory_second(path):
    tiff = Tiff()
    tiff.ghost(STRUCTURE)
    images = [Image(256, 256), Image(128, 128, subtype=1),
              Image(64, 64, subtype=1)]
    for i in (0, 2, 1):
        tiff.directory(images[i])
    for image in reversed(images):
        tiff.tiles(image)
    tiff.link(*images).save(path)


@made
def built_overview_before_its_directory(path):
    tiff = Tiff()
    tiff.ghost(STRUCTURE)
    image, small = Image(256, 256), Image(128, 128, subtype=1)
    tiff.directory(image)
    tiff.tiles(small)
    tiff.directory(small)
    tiff.tiles(image)
    tiff.link(image, small).save(path)


@made
def built_three_levels_middle_late(path):
    """The middle overview's data stand first."""
    tiff = Tiff()
    tiff.ghost(STRUCTURE)
    images = [Image(256, 256), Image(128, 128, subtype=1),
              Image(64, 64, subtype=1)]
    for image in images:
        tiff.directory(image)
    for i in (1, 2, 0):
        tiff.tiles(images[i])
    tiff.link(*images).save(path)


@made
def built_loop(path):
    """The chain of directories never ends."""
    tiff = Tiff()
    image, small = Image(64, 64), Image(32, 32, subtype=1)
    tiff.directory(image)
    tiff.directory(small)
    tiff.tiles(small)
    tiff.tiles(image)
    tiff.link(image, small, last=tiff.where[id(image)]).save(path)


@made
def built_many_overviews(path):
    """More overviews than GDAL takes, the last ones in the wrong order."""
    tiff = Tiff()
    images = [Image(64, 64)] + [Image(60 - i, 60 - i, subtype=1)
                                for i in range(34)]
    for image in images:
        tiff.directory(image)
    for image in images[1:]:
        tiff.tiles(image)
    tiff.tiles(images[0])
    tiff.link(*images).save(path)


@made
def built_sub_directories(path):
    """An overview that only a tag of the main directory leads to."""
    tiff = Tiff()
    small = Image(128, 96, subtype=1)
    main = Image(256, 192, tags=[(330, (tiff_make.LONG, [0]))])
    tiff.directory(main)
    tiff.directory(small)
    tiff.tiles(main)
    tiff.tiles(small)
    tiff.link(main)
    tiff.table(small)
    data = tiff_make.patch(bytes(tiff.bytes), 0, 330, 0, tiff.where[id(small)])
    store(path, data)


@made
def no_tiff(path):
    store(path, b"no TIFF at all, but some text\n")


@made
def empty(path):
    store(path, b"")
