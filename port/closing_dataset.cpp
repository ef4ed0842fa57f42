// SPDX-License-Identifier: MIT
// A dataset that Create() makes: it becomes a file when it is closed.
#include "closing_dataset.h"

#include <algorithm>

ClosingDataset::ClosingDataset(int width, int height)
{
    nRasterXSize = width;
    nRasterYSize = height;
    eAccess = GA_Update;
}

GDALCompatFlush ClosingDataset::FlushCache(bool atClosing)
{
    CPLErr result = CE_None;
    if (OwnMask() != nullptr)
        result = OwnMask()->FlushCache(atClosing);
    for (int i = 0; i < nBands; i++)
        result = std::max(result, papoBands[i]->FlushCache(atClosing));
    if (atClosing && !m_ended)
    {
        m_ended = true;
        // A VRT over this one, gone, would take the last reference with it.
        Reference();
        if (result == CE_None && !bSuppressOnClose)
            result = Publish();
        Dereference();
        m_published = result == CE_None && !bSuppressOnClose;
        Drop();
    }
    return GDALCompatFlushed(
        std::max(result, GDALCompatFlushPam(this, atClosing)));
}

#if GDAL_COMPAT_HAS_CLOSE
CPLErr ClosingDataset::GDAL_COMPAT_CLOSE(progress, progressData)
{
    CPLErr result = CE_None;
    if (nOpenFlags != OPEN_FLAGS_CLOSED)
    {
        result = FlushCache(true);
        result = std::max(result, GDALPamDataset::GDAL_COMPAT_CLOSE_CALL(
                                      progress, progressData));
    }
    return result;
}
#endif

char **ClosingDataset::GetFileList()
{
    return nullptr;
}
