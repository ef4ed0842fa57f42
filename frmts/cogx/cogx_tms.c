/* SPDX-License-Identifier: MIT */
/* The levels of a GeoTIFF as an OGC tile matrix set. */
#include "cogx_tms.h"

#include "cogx_json.h"

#include <math.h>
#include <stdio.h>

/* Side of a pixel that scale denominators count with. */
#define STANDARD_PIXEL_M 0.28e-3
/* Of width and height of a square pixel, relative. */
#define SQUARE_TOLERANCE 1e-9

static enum pyr_result check_place(const struct cogx_tiff *file,
                                   const struct cogx_tms_place *place,
                                   struct pyr_error *err)
{
    const double *const geo = place->geotransform;
    for (int i = 0; i < 6; i++)
        if (!isfinite(geo[i]))
            return pyr_fail(err, PYR_UNSUPPORTED, "has no place on a map");
    if (!(geo[1] > 0) || !(geo[5] < 0) || geo[2] != 0 || geo[4] != 0)
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "is not north-up, which a tile matrix set has to be");
    if (fabs(geo[1] + geo[5]) > SQUARE_TOLERANCE * geo[1])
        return pyr_fail(err, PYR_UNSUPPORTED,
                        "has pixels that are no squares, which those of a tile "
                        "matrix set have to be");
    for (uint32_t i = 0; i < file->nlevels; i++)
        if (!file->levels[i].image.tiled)
            return pyr_fail(err, PYR_UNSUPPORTED,
                            "has a level that is not tiled");
    return PYR_OK;
}

static void add_point(struct pyr_json_text *json, const char *key, double crs_x,
                      double crs_y)
{
    pyr_json_begin_array(json, key);
    pyr_json_add_double(json, NULL, crs_x);
    pyr_json_add_double(json, NULL, crs_y);
    pyr_json_end_array(json);
}

static void add_matrix(struct pyr_json_text *json,
                       const struct cogx_raster *raster,
                       const struct cogx_tms_place *place, uint32_t number,
                       double cell_size)
{
    const double *const geo = place->geotransform;
    char id[16];
    (void)snprintf(id, sizeof(id), "%u", number);
    pyr_json_begin_object(json, NULL);
    pyr_json_add_string(json, "id", id);
    pyr_json_add_string(json, "identifier", id);
    pyr_json_add_double(json, "scaleDenominator",
                        cell_size * place->metres_per_unit / STANDARD_PIXEL_M);
    pyr_json_add_double(json, "cellSize", cell_size);
    pyr_json_add_string(json, "cornerOfOrigin", "topLeft");
    add_point(json, "pointOfOrigin", geo[0], geo[3]);
    add_point(json, "topLeftCorner", geo[0], geo[3]);
    pyr_json_add_uint(json, "tileWidth", raster->tile_width_px);
    pyr_json_add_uint(json, "tileHeight", raster->tile_height_px);
    pyr_json_add_uint(json, "matrixWidth", raster->ncols);
    pyr_json_add_uint(json, "matrixHeight", raster->nrows);
    pyr_json_end_object(json);
}

static void add_box(struct pyr_json_text *json, const struct cogx_tiff *file,
                    const struct cogx_tms_place *place)
{
    const struct cogx_raster *const raster = &file->levels[0].image;
    const double *const geo = place->geotransform;
    pyr_json_begin_object(json, "boundingBox");
    pyr_json_add_string(json, "type", "BoundingBoxType");
    pyr_json_add_string(json, "crs", place->crs);
    add_point(json, "lowerCorner", geo[0],
              geo[3] + geo[5] * (double)raster->height_px);
    add_point(json, "upperCorner", geo[0] + geo[1] * (double)raster->width_px,
              geo[3]);
    pyr_json_end_object(json);
}

enum pyr_result cogx_tms_json(const struct cogx_tiff *file,
                              const struct cogx_tms_place *place,
                              char **out_text, struct pyr_error *err)
{
    struct pyr_json_text json = {0};
    uint32_t number = 0;
    double coarser = INFINITY;
    const enum pyr_result result = check_place(file, place, err);
    if (result != PYR_OK)
        return result;
    pyr_json_begin_object(&json, NULL);
    pyr_json_add_string(&json, "type", "TileMatrixSetType");
    pyr_json_add_string(&json, "id", place->id);
    pyr_json_add_string(&json, "identifier", place->id);
    pyr_json_add_string(&json, "title", place->id);
    pyr_json_add_string(&json, "crs", place->crs);
    pyr_json_add_string(&json, "supportedCRS", place->crs);
    add_box(&json, file, place);
    pyr_json_begin_array(&json, "tileMatrices");
    for (uint32_t i = file->nlevels; i-- > 0;)
    {
        const double decimation = cogx_decimation_of(file, i);
        if (!(decimation < coarser))
            continue;
        coarser = decimation;
        add_matrix(&json, &file->levels[i].image, place, number++,
                   place->geotransform[1] * decimation);
    }
    pyr_json_end_array(&json);
    pyr_json_end_object(&json);
    return pyr_json_finish(&json, out_text, err);
}
