// SPDX-License-Identifier: MIT
// A dataset that Create() makes: it becomes a file when it is closed.
#ifndef CLOSING_DATASET_H
#define CLOSING_DATASET_H

#include "gdal_compat.h"

// What is set is kept in memory, as a PAM dataset does. The destructor of a
// derived class calls FlushCache(true), while its functions are still there.
class ClosingDataset : public GDALPamDataset
{
  public:
    // At closing, publishes.
    GDALCompatFlush FlushCache(bool atClosing = false) override;
#if GDAL_COMPAT_HAS_CLOSE
    CPLErr GDAL_COMPAT_CLOSE(progress, progressData) override;
#endif
    // Nothing is its own so far; what stands there is another's.
    char **GetFileList() override;

  protected:
    // Of a raster that is written to.
    ClosingDataset(int width, int height);

    // The band of the mask, or nullptr.
    virtual GDALRasterBand *OwnMask() = 0;
    // Makes the file of all that was written.
    virtual CPLErr Publish() = 0;
    // Drops what was written, published or not.
    virtual void Drop() = 0;

    // Nothing is to be published: it could not be made.
    void GiveUp()
    {
        m_ended = true;
    }
    bool HasEnded() const // published or not
    {
        return m_ended;
    }
    bool IsPublished() const
    {
        return m_published;
    }

  private:
    bool m_ended = false;
    bool m_published = false;
};

#endif
