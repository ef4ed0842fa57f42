# SPDX-License-Identifier: MIT
"""Opens rasters in QGIS, without a screen, and reports what it makes of them.

Usage: qgis_render.py JOBS.json
JOBS is a list of {"path", and optionally "png", "extent", "size", "crs",
"hillshade", "points", "credentials"}; prints a list of what QGIS says of each.
The pictures are drawn with the style that QGIS gives a layer when a user adds
it, or as a hillshade with that factor for heights. points: where values are
asked for. credentials: of the connection, which QGIS tells GDAL from 3.40 on
for the directory that the layer is in."""

import json
import os
import sys

from osgeo import gdal
from qgis.core import (QgsApplication, QgsContrastEnhancement,
                       QgsCoordinateReferenceSystem, QgsHillshadeRenderer,
                       QgsMapRendererParallelJob, QgsMapSettings, QgsPointXY,
                       QgsProviderRegistry, QgsRaster,
                       QgsRasterBandStats, QgsRasterLayer, QgsRectangle)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor


def stretch_of(layer):
    renderer = layer.renderer()
    if renderer.type() != "singlebandgray":
        return None
    enhancement = renderer.contrastEnhancement()
    if (enhancement is None or enhancement.contrastEnhancementAlgorithm() ==
            QgsContrastEnhancement.NoEnhancement):
        return None
    return [enhancement.minimumValue(), enhancement.maximumValue()]


def draw(layer, job):
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setBackgroundColor(QColor(10, 20, 30))
    settings.setOutputSize(QSize(*job["size"]))
    settings.setDestinationCrs(
        QgsCoordinateReferenceSystem(job["crs"]) if job.get("crs")
        else layer.crs())
    settings.setExtent(QgsRectangle(*job["extent"]))
    settings.setFlag(QgsMapSettings.Antialiasing, False)
    rendering = QgsMapRendererParallelJob(settings)
    rendering.start()
    rendering.waitForFinished()
    assert rendering.renderedImage().save(job["png"])
    return [error.message for error in rendering.errors()]


def report(job):
    for key, value in job.get("credentials", {}).items():
        gdal.SetPathSpecificOption(os.path.dirname(job["path"]), key, value)
    sublayers = QgsProviderRegistry.instance().querySublayers(job["path"])
    layer = QgsRasterLayer(job["path"], "layer", "gdal")
    out = {"valid": layer.isValid(),
           "sublayers": [[s.providerKey(), s.driverName()]
                         for s in sublayers]}
    if not layer.isValid():
        return out
    provider = layer.dataProvider()
    extent = layer.extent()
    nbands = provider.bandCount()
    out.update(
        size=[provider.xSize(), provider.ySize()], bands=nbands,
        extent=[extent.xMinimum(), extent.yMinimum(), extent.xMaximum(),
                extent.yMaximum()],
        crs=layer.crs().authid(), renderer=layer.renderer().type(),
        nested=list(provider.subLayers()),
        overviews=overviews_of(provider),
        nodata=[provider.sourceNoDataValue(i + 1)
                if provider.sourceHasNoDataValue(i + 1) else None
                for i in range(nbands)],
        colours=[provider.colorInterpretation(i + 1) for i in range(nbands)],
        stretch=stretch_of(layer),
        statistics=statistics_of(provider),
        values=[value_at(provider, point) for point in job.get("points", ())])
    if job.get("hillshade"):
        shaded = QgsHillshadeRenderer(provider, 1, 315, 45)
        shaded.setZFactor(job["hillshade"])
        layer.setRenderer(shaded)
    if job.get("png"):
        out["errors"] = draw(layer, job)
    del provider, layer
    return out


def statistics_of(provider):
    """Of the first band, from a sample as in the layer's properties."""
    stats = provider.bandStatistics(
        1, QgsRasterBandStats.Min | QgsRasterBandStats.Max |
        QgsRasterBandStats.Mean, provider.extent(), 250000)
    return [stats.minimumValue, stats.maximumValue, stats.mean]


def value_at(provider, point):
    """Of the first band, as a click on the map tells it; None for nodata."""
    return provider.identify(QgsPointXY(*point),
                             QgsRaster.IdentifyFormatValue).results()[1]


def overviews_of(provider):
    """Sizes that QGIS lists as existing; it asks for those above 32."""
    out = []
    for pyramid in provider.buildPyramidList():
        if hasattr(pyramid, "getExists"):
            exists, sides = pyramid.getExists(), (pyramid.getXDim(),
                                                  pyramid.getYDim())
        else:
            exists, sides = pyramid.exists, (pyramid.xDim, pyramid.yDim)
        if exists:
            out.append(sides)
    return out


def main():
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    with open(sys.argv[1], encoding="utf-8") as file:
        jobs = json.load(file)
    print(json.dumps([report(job) for job in jobs]))
    # QGIS crashes when layers outlive exitQgis(), whatever their driver.
    sys.stdout.flush()
    os._exit(0)


main()
