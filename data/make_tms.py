#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes data/tms/*.json from the parameters of each tile matrix set."""

import math
import os
import sys

# Metres (or degrees) on the ground by scale denominator: OGC's pixel of
# 0.28 mm, and the length of a degree of the WGS 84 equator.
PIXEL_M = 0.00028
DEGREE_M = 111319.492

METRES = ("X", "Y")
DEGREES = ("Lon", "Lat")


def halves(cell, nlevels):
    """Cell sizes of a quadtree, from the coarsest, to 15 digits."""
    return [float("%.15g" % (cell / 2 ** i)) for i in range(nlevels)]


def tree(finest, nlevels, odd=None):
    """Number of tiles along one axis, from the coarsest level: half as many,
    rounded up, at each level above the finest; `odd` holds the levels whose
    published number is another, {level: number}."""
    sizes = [finest]
    for level in reversed(range(nlevels - 1)):
        sizes.append((odd or {}).get(level, math.ceil(sizes[-1] / 2)))
    return sizes[::-1]


def family(cells, widths, heights, origin=(0, 12000000), tile=256,
           axes=METRES, corner_px=0):
    """The levels that several sets share. corner_px: by how many pixels of
    the level its corner stands outside the origin."""
    return {
        "axes": axes,
        "levels": [
            (cell, (origin[0] - corner_px * cell, origin[1] + corner_px * cell),
             tile, width, height)
            for cell, width, height in zip(cells, widths, heights)],
    }


def shifted(shape, shift):
    """Like shape, but all origins moved by shift (x, y)."""
    return dict(shape, levels=[
        (cell, (x + shift[0], y + shift[1]), tile, width, height)
        for cell, (x, y), tile, width, height in shape["levels"]])


# --- Shapes: what is left of a set without its name and its CRS -------------

EQUATOR_M = 2 * math.pi * 6378137  # of the sphere of Web Mercator


def mercator(nlevels):
    sides = tree(1 << (nlevels - 1), nlevels)
    cells = halves(EQUATOR_M / 256, nlevels)
    cells[11] = 76.4370282851762  # as published: its 16th digit is a 5
    return family(cells, sides, sides,
                  (-EQUATOR_M / 2, EQUATOR_M / 2))


def degrees(nlevels):
    return family(halves(0.703125, nlevels), tree(1 << nlevels, nlevels),
                  tree(1 << (nlevels - 1), nlevels), (-180, 90), axes=DEGREES)


# France's national grids: cell sizes are those of the product at the finest
# level, doubled upwards; tiles count from (0, 12000000).

def france_10cm_doubled(nlevels):
    """Finest cell 10 cm (22 levels) or 5 cm (23)."""
    factor = 1 << (nlevels - 22)
    return family(
        halves(209715.2, nlevels), tree(50400 * factor, nlevels),
        tree(420409 * factor, nlevels, {19: 105102, 18: 52552}))


def france_1m_doubled(nlevels, finest, corner_m=0):
    """Finest cell 1 m (18 levels), 50 cm (19) or 25 cm (20)."""
    return shifted(
        family(halves(131072, nlevels),
               tree(finest[0], nlevels, {12: 157, 10: 39, 6: 2}),
               tree(finest[1], nlevels, {17: 42040, 13: 2627, 12: 1313,
                                         11: 656, 5: 10, 2: 1})),
        (-corner_m, corner_m))


def france_25m_doubled(nlevels, finest):
    """Finest cell 25 m (13 levels) or 12.5 m (14)."""
    return family(halves(102400, nlevels), tree(finest[0], nlevels),
                  tree(finest[1], nlevels, {8: 84}))


def terrain(span_x, span_y):
    """Terrain models: cell sizes are integer multiples of finer ones, and the
    centre of the top-left pixel stands at (0, 12000000) on each level."""
    cells = [1000, 500, 250, 100, 75, 50, 25, 5, 1]
    return family(cells, [math.ceil(span_x / (cell * 256)) for cell in cells],
                  [math.ceil(span_y / (cell * 256)) for cell in cells],
                  corner_px=0.5)


FRANCE_5CM = france_10cm_doubled(23)
FRANCE_10CM = france_10cm_doubled(22)
FRANCE_25CM = france_1m_doubled(20, (20160, 168162))
FRANCE_50CM = france_1m_doubled(19, (10080, 84081))
FRANCE_50CM_TERRAIN = france_1m_doubled(19, (10080, 84081), 0.25)
FRANCE_1M = france_1m_doubled(18, (5040, 42040))
FRANCE_1M_TERRAIN = france_1m_doubled(18, (5040, 42040), 0.5)
FRANCE_2M5 = family(halves(163840, 17), tree(2016, 17), tree(16816, 17))
FRANCE_10M = family(halves(163840, 15), tree(504, 15), tree(4204, 15))
FRANCE_12M5 = france_25m_doubled(14, (323, 2691))
FRANCE_25M = france_25m_doubled(13, (162, 1346))
EUROPE_2M5 = shifted(FRANCE_2M5, (-2700000, 0))

# The same for one UTM zone.
ZONE_10CM = family(halves(209715.2, 22), tree(21225, 22, {19: 5306}),
                   tree(321090, 22, {18: 40136}))
ZONE_1M = family(halves(131072, 18), tree(2123, 18), tree(32110, 18))
ZONE_2M5 = family(halves(163840, 17), tree(849, 17, {13: 106}),
                  tree(12844, 17, {11: 401, 5: 4}))
UTM1S_10CM = family(halves(209715.2, 22),
                    tree(22495, 22, {15: 351, 14: 175}),
                    tree(322695, 22, {15: 5042, 14: 2522}))

TERRAIN = terrain(1024000, 5888000)
TERRAIN_MARTINIQUE = terrain(1024000, 12800000)

# Lambert-93 with the cell sizes of Web Mercator's scales in France.
LAMBERT_SCALES = family(
    [104579.224549894, 52277.5323537905, 26135.4870785954, 13066.8913818,
     6533.2286041135, 3266.5595244627, 1633.2660045974, 816.629554986,
     408.3139146768, 204.1567415109, 102.0783167832, 51.0391448966,
     25.5195690743, 12.7597836936, 6.379891636, 3.1899457653, 1.5949728695,
     0.7974864315, 0.3987432149, 0.1993716073, 0.0996858037, 0.0498429018],
    tree(101121, 22, {12: 199, 10: 51, 8: 14, 7: 8, 6: 5, 3: 2, 2: 2, 1: 2,
                      0: 2}),
    tree(471125, 22, {18: 58892, 17: 29447, 15: 7363, 13: 1842, 12: 922,
                      11: 462, 10: 232, 9: 117, 6: 16, 5: 9, 1: 2, 0: 2}))

SWISS_28MM = family(
    [135.466937601, 67.7334688, 33.8667344, 16.9333672, 8.4666836, 4.2333418,
     2.1166709, 1.05833545, 0.529167725, 0.264583863, 0.132291931,
     0.066145966],
    tree(1506, 12), tree(1515, 12), (2462122.16, 1160775.62), 512)


# --- The sets ----------------------------------------------------------------

SETS = {
    "PM": ("EPSG:3857", mercator(22)),
    "PM_5cm": ("EPSG:3857", mercator(23)),
    "4326": ("EPSG:4326", degrees(20)),
    "WGS84G": ("IGNF:WGS84G", degrees(20)),
    "WGS84G_PO": ("IGNF:WGS84G", degrees(13)),
    "LAMB93": ("EPSG:2154", LAMBERT_SCALES),
    "LAMBE_50cm": ("IGNF:LAMBE", FRANCE_50CM),
    "SwissCH1903_28mm": ("EPSG:2056", SWISS_28MM),
    "2154_1M_MNT": ("EPSG:2154", FRANCE_1M_TERRAIN),
    "2154_50cm_MNT": ("EPSG:2154", FRANCE_50CM_TERRAIN),
    "LAMB93_1M_MNT": ("IGNF:LAMB93", TERRAIN),
    "UTM20W84MART_1M_MNT": ("IGNF:UTM20W84MART", TERRAIN_MARTINIQUE),
    "UTM20W84MART_2.5m": ("IGNF:UTM20W84MART", FRANCE_2M5),
    "UTM01SW84_10cm": ("IGNF:UTM01SW84", UTM1S_10CM),
    "WGS84UTM1S_10cm": ("IGNF:UTM01SW84", UTM1S_10CM),
}


def add_sets(shape, suffix, prefixes):
    """One set for each prefix: an EPSG code, or a name of the IGNF registry."""
    for prefix in prefixes:
        authority = "EPSG" if prefix.isdigit() else "IGNF"
        SETS["%s_%s" % (prefix, suffix)] = ("%s:%s" % (authority, prefix),
                                            shape)


LAMBERT = ("2154", "LAMB93")
REUNION = ("2975", "RGR92UTM40S")
GUIANA = ("2972", "UTM22RGFG95")
MAYOTTE = ("4471", "RGM04UTM38S")

add_sets(LAMBERT_SCALES, "IGNF", LAMBERT)
add_sets(FRANCE_5CM, "5cm", LAMBERT)
add_sets(FRANCE_10CM, "10cm", LAMBERT)
add_sets(FRANCE_25CM, "25cm", LAMBERT)
add_sets(FRANCE_50CM, "50cm", LAMBERT + REUNION + GUIANA)
add_sets(FRANCE_1M, "1m", LAMBERT)
add_sets(FRANCE_2M5, "2.5m", LAMBERT)
add_sets(EUROPE_2M5, "2.5m_EUE", LAMBERT)
add_sets(FRANCE_10M, "10m", LAMBERT)
add_sets(FRANCE_12M5, "12.5m", LAMBERT + REUNION + GUIANA)
add_sets(FRANCE_25M, "25m", LAMBERT)
add_sets(ZONE_10CM, "10cm", REUNION + GUIANA + MAYOTTE + ("RGSPM06U21",))
add_sets(ZONE_1M, "1m", MAYOTTE)
add_sets(ZONE_2M5, "2.5m", REUNION + GUIANA + MAYOTTE +
         ("RGSPM06U21", "RGNCUTM58S", "RGPFUTM6S", "UTM39SW84", "UTM42SW84",
          "UTM43SW84"))
add_sets(TERRAIN, "1M_MNT", REUNION + MAYOTTE + ("RGSPM06U21",))


def number(value):
    return "%.15g" % value


def matrix_text(level, index, unit_m):
    cell, (x, y), tile, width, height = level
    return (
        '{"id":"%d","cellSize":%s,"scaleDenominator":%s,'
        '"pointOfOrigin":[%s,%s],"tileWidth":%d,"tileHeight":%d,'
        '"matrixWidth":%d,"matrixHeight":%d}'
        % (index, number(cell), number(cell * unit_m / PIXEL_M), number(x),
           number(y), tile, tile, width, height))


def tms_text(name, crs, shape):
    unit_m = DEGREE_M if shape["axes"] == DEGREES else 1
    lines = [matrix_text(level, index, unit_m)
             for index, level in enumerate(shape["levels"])]
    return (
        '{"id":"%s","crs":"%s","orderedAxes":["%s","%s"],"tileMatrices":[\n'
        "%s\n]}\n" % ((name, crs) + shape["axes"] + (",\n".join(lines),)))


def main():
    if len(sys.argv) > 2:
        sys.exit("usage: make_tms.py [DIRECTORY]")
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tms")
    directory = sys.argv[1] if len(sys.argv) == 2 else beside
    os.makedirs(directory, exist_ok=True)
    for name, (crs, shape) in SETS.items():
        path = os.path.join(directory, name + ".json")
        with open(path, "w", encoding="ascii", newline="\n") as stream:
            stream.write(tms_text(name, crs, shape))


if __name__ == "__main__":
    main()
