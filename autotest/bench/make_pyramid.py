#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the pictures of the read benchmark, each as GeoTIFF and as ROK4.

Both hold the very same encoded tiles (but for PNG, which GeoTIFF has not), at
every level, so that a difference in time is one of the readers:

    DIR/jpg.tif   DIR/jpg.json   DIR/jpg/DATA/...    RGB, JPEG quality 75
    DIR/zip.tif   DIR/zip.json   DIR/zip/DATA/...    RGB, deflate
                  DIR/png.json   DIR/png/DATA/...    RGB, PNG
    DIR/float.tif DIR/float.json DIR/float/DATA/...  terrain, deflate
"""

import argparse
import json
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from osgeo import gdal, osr

gdal.UseExceptions()

TILE = 256  # pixels
SLAB = 16  # tiles
CELL = 0.2  # metres per pixel of the finest level
ORIGIN = (500000.0, 6000000.0)
THREADS = str(os.cpu_count())
GTIFF_OPTIONS = [
    "TILED=YES",
    f"BLOCKXSIZE={TILE}",
    f"BLOCKYSIZE={TILE}",
    "INTERLEAVE=PIXEL",
    "BIGTIFF=YES",
    f"NUM_THREADS={THREADS}",
]
JPEG_OPTIONS = [
    "COMPRESS=JPEG",
    "PHOTOMETRIC=YCBCR",
    "JPEG_QUALITY=75",
    "JPEGTABLESMODE=0",  # each tile a JPEG file of its own, as in ROK4
]
ZIP_OPTIONS = ["COMPRESS=DEFLATE", "PREDICTOR=1", "ZLEVEL=6"]


# ---- Pictures ----


def doubled(field):
    """The field at twice the resolution, bilinear between cell centres."""
    for axis in (0, 1):
        f = np.moveaxis(field, axis, 0)
        before = np.concatenate((f[:1], f[:-1]))
        after = np.concatenate((f[1:], f[-1:]))
        out = np.empty((2 * f.shape[0],) + f.shape[1:], np.float32)
        out[0::2] = 0.75 * f + 0.25 * before
        out[1::2] = 0.75 * f + 0.25 * after
        field = np.moveaxis(out, 0, axis)
    return np.ascontiguousarray(field)


def white(rng, shape):
    """Noise in [-1, 1), whose bytes come faster than a normal law's."""
    noise = rng.integers(-128, 128, shape, np.int8).astype(np.float32)
    noise /= 128
    return noise


def fractal(rng, side, persistence, octaves=8):
    """Noise over side x side in octaves of 256 cells and less, each weaker by
    persistence than the one before."""
    field = white(rng, (side // 256, side // 256))
    gain = 1.0
    while field.shape[0] < side:
        field = doubled(field)
        gain *= persistence
        octaves -= 1
        if octaves > 0:
            field += gain * white(rng, field.shape)
    return field


def strips(side, rows):
    """Row ranges at half the resolution: (from, to) and with a row around."""
    for row in range(0, side // 2, rows // 2):
        end = row + rows // 2
        yield row, end, max(row - 1, 0), min(end + 1, side // 2)


def doubled_strip(field, row, end, halo_row, halo_end):
    strip = doubled(field[halo_row:halo_end])
    return strip[2 * (row - halo_row) : 2 * (end - halo_row)]


def photograph(rng, side, outputs):
    """An aerial picture: relief of light, parcels of a few hues with sharp
    borders, texture strong in some places (woods, roofs), weak in others."""
    half = side // 2
    light = fractal(rng, half, 0.85)
    parcel = fractal(rng, half, 0.5, octaves=4)
    roughness = np.clip(fractal(rng, half, 0.6, octaves=4) + 0.3, 0, 1)
    for row, end, *halo in strips(side, 2 * TILE):
        grey = doubled_strip(light, row, end, *halo)
        rough = doubled_strip(roughness, row, end, *halo)
        hue = np.round(3 * doubled_strip(parcel, row, end, *halo))
        grey = 112 + 36 * grey + 9 * hue
        grey += (5 + 45 * rough) * white(rng, grey.shape)
        tint = 11 * hue
        pixels = np.empty(grey.shape + (3,), np.float32)
        pixels[..., 0] = grey + tint
        pixels[..., 1] = grey + 8 - 0.3 * np.abs(tint)
        pixels[..., 2] = grey - tint - 12
        pixels = np.clip(pixels, 0, 255).astype(np.uint8)
        for output in outputs:
            write_rows(output, 2 * row, pixels)


def terrain(rng, side, outputs):
    """Heights in metres, whole centimetres."""
    height = fractal(rng, side // 2, 0.5)
    for row, end, *halo in strips(side, 2 * TILE):
        rows = 900 + 250 * doubled_strip(height, row, end, *halo)
        rows += 0.05 * white(rng, rows.shape)
        rows = np.round(rows, 2).astype(np.float32)
        for output in outputs:
            write_rows(output, 2 * row, rows[..., np.newaxis])


def write_rows(dataset, row, pixels):
    rows, width, bands = pixels.shape
    itemsize = pixels.itemsize
    dataset.WriteRaster(
        0, row, width, rows, pixels.tobytes(),
        buf_pixel_space=bands * itemsize,
        buf_line_space=width * bands * itemsize,
        buf_band_space=itemsize,
    )  # fmt: skip


def make_tiffs(paths_and_options, side, bands, data_type, paint):
    srs = osr.SpatialReference()
    srs.ImportFromEPSG(3857)
    outputs = []
    for path, options in paths_and_options:
        dataset = gdal.GetDriverByName("GTiff").Create(
            path, side, side, bands, data_type, GTIFF_OPTIONS + options
        )
        dataset.SetGeoTransform((ORIGIN[0], CELL, 0, ORIGIN[1], 0, -CELL))
        dataset.SetProjection(srs.ExportToWkt())
        outputs.append(dataset)
    paint(np.random.default_rng(2024), side, outputs)
    del dataset
    outputs.clear()

    ratios = [2**n for n in range(1, level_of(side) + 1)]
    for path, _ in paths_and_options:
        dataset = gdal.Open(path, gdal.GA_Update)
        dataset.BuildOverviews("AVERAGE", ratios)
        del dataset


# ---- ROK4 (doc/internals/slab-format.md) ----


def level_of(side):
    """The number, and id, of the level of that many pixels a side."""
    return (side // TILE).bit_length() - 1


def slab_header(bands, sample_bits, compression, photometric):
    entries = [
        (256, 4, 1, SLAB * TILE),
        (257, 4, 1, SLAB * TILE),
        (258, 3, bands, sample_bits if bands == 1 else 8),
        (259, 3, 1, compression),
        (262, 3, 1, photometric),
        (277, 3, 1, bands),
        (322, 4, 1, TILE),
        (323, 4, 1, TILE),
        (324, 4, SLAB * SLAB, 2048),
        (325, 4, SLAB * SLAB, 2048 + 4 * SLAB * SLAB),
        (339, 3, 1, 3 if sample_bits == 32 else 1),
    ]
    if photometric == 6:
        entries.append((530, 3, 2, 2 | 2 << 16))
    header = struct.pack("<2sHI4H", b"II", 42, 16, *[sample_bits] * 4)
    header += struct.pack("<H", len(entries))
    header += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return header.ljust(2048, b"\0")


def write_slab(path, header, tiles):
    """tiles: the encoded tiles by rows; b"" for a tile that is not there."""
    offset = len(header) + 8 * len(tiles)
    offsets, body = [], []
    for tile in tiles:
        padding = -offset % 16 if tile else 0
        offsets.append(offset + padding)
        body += [b"\0" * padding, tile]
        offset += padding + len(tile)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as slab:
        slab.write(header)
        slab.write(struct.pack(f"<{len(tiles)}I", *offsets))
        slab.write(struct.pack(f"<{len(tiles)}I", *map(len, tiles)))
        slab.writelines(body)


def as_is(tile):
    return tile


def png_chunk(name, body):
    crc = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)


def zip_to_png(tile):
    """As ROK4 writes PNG: one IDAT, level 5, no row filters."""
    pixels = np.frombuffer(zlib.decompress(tile), np.uint8)
    rows = pixels.reshape(TILE, TILE * 3)
    filters = np.zeros((TILE, 1), np.uint8)
    data = zlib.compress(np.hstack((filters, rows)).tobytes(), 5)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">2I5B", TILE, TILE, 8, 2, 0, 0, 0))
        + png_chunk(b"IDAT", data)
        + png_chunk(b"IEND", b"")
    )


def write_tms(directory, side):
    name = f"BENCH_{side}"
    top = level_of(side)
    matrices = [
        {
            "id": str(level),
            "cellSize": CELL * 2 ** (top - level),
            "scaleDenominator": CELL * 2 ** (top - level) / 0.00028,
            "pointOfOrigin": list(ORIGIN),
            "tileWidth": TILE,
            "tileHeight": TILE,
            "matrixWidth": 2**level,
            "matrixHeight": 2**level,
        }
        for level in range(top + 1)
    ]
    tms = {
        "id": name,
        "crs": "EPSG:3857",
        "orderedAxes": ["X", "Y"],
        "tileMatrices": matrices,
    }
    with open(os.path.join(directory, name + ".json"), "w") as file:
        json.dump(tms, file, indent=1)
    return name


def write_level(root, band, source, header, recode, pool):
    """The slabs of one level, from the tiles of one band of a GeoTIFF."""
    columns = band.XSize // TILE

    def stored(col, row):
        if col >= columns or row >= columns:
            return b""
        where = [
            int(band.GetMetadataItem(f"BLOCK_{what}_{col}_{row}", "TIFF"))
            for what in ("OFFSET", "SIZE")
        ]
        return os.pread(source, where[1], where[0])

    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for slab_row in range(0, columns, SLAB):
        for slab_col in range(0, columns, SLAB):
            tiles = [
                stored(slab_col + i % SLAB, slab_row + i // SLAB)
                for i in range(SLAB * SLAB)
            ]
            tiles = list(pool.map(lambda tile: tile and recode(tile), tiles))
            name = digits[slab_col // SLAB] + digits[slab_row // SLAB]
            write_slab(f"{root}/00/00/{name}.tif", header, tiles)


def make_pyramid(directory, name, tiff, pyramid_format, header, recode=as_is):
    dataset = gdal.Open(os.path.join(directory, tiff))
    base = dataset.GetRasterBand(1)
    bands = dataset.RasterCount
    bands_of_levels = [base] + [
        base.GetOverview(i) for i in range(base.GetOverviewCount())
    ]
    levels = []
    source = os.open(os.path.join(directory, tiff), os.O_RDONLY)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for band in bands_of_levels:
            level = level_of(band.XSize)
            image_directory = f"{name}/DATA/{level}"
            root = os.path.join(directory, image_directory)
            write_level(root, band, source, header, recode, pool)
            last = band.XSize // TILE - 1
            levels.append(
                {
                    "id": str(level),
                    "tiles_per_width": SLAB,
                    "tiles_per_height": SLAB,
                    "tile_limits": {
                        "min_row": 0,
                        "max_row": last,
                        "min_col": 0,
                        "max_col": last,
                    },
                    "storage": {
                        "type": "FILE",
                        "image_directory": image_directory,
                        "path_depth": 2,
                    },
                }
            )
    os.close(source)
    descriptor = {
        "tile_matrix_set": write_tms(directory, base.XSize),
        "format": pyramid_format,
        "raster_specifications": {
            "channels": bands,
            "nodata": ",".join(["255" if bands == 3 else "-99999"] * bands),
            "photometric": "rgb" if bands == 3 else "gray",
            "interpolation": "bicubic",
        },
        "levels": levels[::-1],
    }
    with open(os.path.join(directory, name + ".json"), "w") as file:
        json.dump(descriptor, file)
    check_jpeg_tables(dataset)


def check_jpeg_tables(dataset):
    """Tiles that share tables in the GeoTIFF would be no files of their own."""
    for i in range(dataset.GetRasterBand(1).GetOverviewCount() + 1):
        one = gdal.Open(f"GTIFF_DIR:{i + 1}:{dataset.GetDescription()}")
        if one.GetRasterBand(1).GetMetadataItem("JPEGTABLES", "TIFF"):
            raise SystemExit(f"directory {i + 1} has JPEG tables of its own")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", help="made if it is not there")
    parser.add_argument(
        "--size",
        type=int,
        default=16384,
        help="pixels a side of the RGB pictures, a power of two from 1024 on; "
        "the terrain has half of that",
    )
    args = parser.parse_args()
    side = args.size
    if side < 1024 or side & (side - 1) or side > 36 * SLAB * TILE:
        parser.error("--size must be a power of two from 1024 to 131072")
    os.makedirs(args.directory, exist_ok=True)

    def place(name):
        return os.path.join(args.directory, name)

    gdal.SetConfigOption("GDAL_NUM_THREADS", THREADS)
    gdal.SetConfigOption("GDAL_TIFF_OVR_BLOCKSIZE", str(TILE))
    outputs = [
        (place("jpg.tif"), JPEG_OPTIONS),
        (place("zip.tif"), ZIP_OPTIONS),
    ]
    make_tiffs(outputs, side, 3, gdal.GDT_Byte, photograph)
    outputs = [(place("float.tif"), ZIP_OPTIONS)]
    make_tiffs(outputs, side // 2, 1, gdal.GDT_Float32, terrain)

    for name, tiff, pyramid_format, header, recode in (
        ("jpg", "jpg.tif", "TIFF_JPG_UINT8", (3, 8, 7, 6), as_is),
        ("zip", "zip.tif", "TIFF_ZIP_UINT8", (3, 8, 8, 2), as_is),
        ("png", "zip.tif", "TIFF_PNG_UINT8", (3, 8, 8, 2), zip_to_png),
        ("float", "float.tif", "TIFF_ZIP_FLOAT32", (1, 32, 8, 1), as_is),
    ):
        make_pyramid(
            args.directory, name, tiff, pyramid_format,
            slab_header(*header), recode,
        )  # fmt: skip


if __name__ == "__main__":
    main()
