# SPDX-License-Identifier: MIT
"""Sources for files of the COGX driver, and what GDAL reads of files."""

import numpy as np
from osgeo import gdal, osr

COMPLEX = (gdal.GDT_CInt16, gdal.GDT_CInt32, gdal.GDT_CFloat32,
           gdal.GDT_CFloat64)


def pixels(width, height, band, kind):
    rows, cols = np.mgrid[0:height, 0:width]
    values = (128 + 80 * np.sin(cols / (30.0 + band))
              + 40 * np.cos(rows / 17.0))
    if kind in COMPLEX:
        return values + 1j * values[::-1]
    return values.astype(np.uint8) if kind == gdal.GDT_Byte else values


def source(width=700, height=600, bands=3, kind=gdal.GDT_Byte, epsg=32631):
    """In memory; over the Rhone, with pixels of 10 m."""
    dataset = gdal.GetDriverByName("MEM").Create("", width, height, bands,
                                                 kind)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    dataset.SetSpatialRef(crs)
    dataset.SetGeoTransform([2, 0.001, 0, 49, 0, -0.001] if epsg == 4326
                            else [500000, 10, 0, 4600000, 0, -10])
    for band in range(bands):
        dataset.GetRasterBand(band + 1).WriteArray(
            pixels(width, height, band, kind))
    return dataset


def add_mask(dataset):
    """Without the pixels of the top left corner."""
    dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
    mask = dataset.GetRasterBand(1).GetMaskBand()
    mask.Fill(255)
    mask.WriteRaster(0, 0, 100, 80, bytes(100 * 80))
    return dataset


def with_alpha(**shape):
    """Red, green, blue and alpha, which the top left corner has not."""
    dataset = source(bands=4, **shape)
    for band, meaning in enumerate((gdal.GCI_RedBand, gdal.GCI_GreenBand,
                                    gdal.GCI_BlueBand, gdal.GCI_AlphaBand)):
        dataset.GetRasterBand(band + 1).SetColorInterpretation(meaning)
    alpha = dataset.GetRasterBand(4)
    alpha.Fill(255)
    alpha.WriteRaster(0, 0, 100, 80, bytes(100 * 80))
    return dataset


def domains(thing):
    found = {}
    for domain in thing.GetMetadataDomainList() or []:
        if domain in ("DERIVED_SUBDATASETS", "COG", "IFDS", "TMS"):
            continue
        items = thing.GetMetadata_Dict(domain)
        if domain.startswith("xml:"):
            items = thing.GetMetadata_List(domain)
        if domain == "IMAGE_STRUCTURE":
            for name in ("JPEGTABLESMODE", "OVERVIEW_RESAMPLING"):
                items.pop(name, None)
        found[domain] = items
    return found


def colours(band):
    table = band.GetColorTable()
    return table and [table.GetColorEntry(i) for i in range(table.GetCount())]


def shown(dataset):
    """All that GDAL tells of a file but its pixels."""
    crs = dataset.GetSpatialRef()
    found = {
        "size": (dataset.RasterXSize, dataset.RasterYSize),
        "metadata": domains(dataset),
        "transform": dataset.GetGeoTransform(can_return_null=True),
        "crs": crs and crs.ExportToWkt(),
        "gcps": [(g.GCPPixel, g.GCPLine, g.GCPX, g.GCPY, g.GCPZ)
                 for g in dataset.GetGCPs()],
    }
    for number in range(1, dataset.RasterCount + 1):
        band = dataset.GetRasterBand(number)
        found[number] = {
            "type": gdal.GetDataTypeName(band.DataType),
            "nodata": repr(band.GetNoDataValue()),
            "meaning": band.GetColorInterpretation(),
            "description": band.GetDescription(),
            "offset": band.GetOffset(), "scale": band.GetScale(),
            "unit": band.GetUnitType(), "names": band.GetCategoryNames(),
            "colours": colours(band), "mask": band.GetMaskFlags(),
            "block": band.GetBlockSize(),
            "overviews": [(band.GetOverview(i).XSize,
                           band.GetOverview(i).YSize)
                          for i in range(band.GetOverviewCount())],
            "metadata": domains(band),
        }
    return found


def write(driver, path, dataset, *options):
    """Copies, and opens the copy again with GTiff."""
    made = gdal.GetDriverByName(driver).CreateCopy(str(path), dataset,
                                                   options=list(options))
    assert made is not None, gdal.GetLastErrorMsg()
    made = None
    return gdal.OpenEx(str(path), gdal.OF_RASTER, allowed_drivers=["GTiff"])


def both(folder, dataset, *options, cog=None):
    """The copies of COGX, and of COG with the same options."""
    cog = list(options if cog is None else cog)
    # From 3.11 COG has this option; GDAL gives it the source's interleaving
    # where no codec is named.
    if "'INTERLEAVE'" in gdal.GetDriverByName("COG").GetMetadataItem(
            "DMD_CREATIONOPTIONLIST"):
        cog.append("INTERLEAVE=PIXEL")
    return (write("COGX", folder / "cogx.tif", dataset, *options),
            write("COG", folder / "cog.tif", dataset, *cog))
