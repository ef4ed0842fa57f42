// SPDX-License-Identifier: MIT
// TIFF files over GDAL's virtual file systems, for the core's parser.
#include "vsi_tiff.h"

#include "vsi_io.h"

#include <cstring>
#include <memory>
#include <new>
#include <vector>

struct vsi_tiff
{
    struct pyr_io io = vsi_io_make();
    struct pyr_file *file = nullptr;
    std::vector<uint8_t> head{};

    vsi_tiff() = default;
    vsi_tiff(const vsi_tiff &) = delete;
    vsi_tiff &operator=(const vsi_tiff &) = delete;
    ~vsi_tiff()
    {
        if (file != nullptr)
            io.close(file);
    }
};

namespace
{

constexpr size_t HEAD_BYTES = 32768;

enum pyr_result ReadRange(const vsi_tiff *tiff, uint64_t offset, void *bytes,
                          size_t nbytes, struct pyr_error *err)
{
    struct pyr_error local = {""};
    const struct pyr_extent range = {offset, nbytes};
    uint8_t *const buffer = static_cast<uint8_t *>(bytes);
    return tiff->io.read(tiff->file, 1, &range, &buffer,
                         err != nullptr ? err : &local);
}

enum pyr_result Read(void *user, uint64_t offset, void *bytes, size_t nbytes,
                     struct pyr_error *err)
{
    const auto *const tiff = static_cast<const vsi_tiff *>(user);
    const size_t kept = tiff->head.size();
    if (offset <= kept && nbytes <= kept - offset)
    {
        if (nbytes != 0)
            memcpy(bytes, tiff->head.data() + offset, nbytes);
        return PYR_OK;
    }
    return ReadRange(tiff, offset, bytes, nbytes, err);
}

} // namespace

enum pyr_result vsi_tiff_open(const char *path, struct vsi_tiff **out_file,
                              struct pyr_error *err)
{
    struct pyr_error local = {""};
    struct pyr_error *const told = err != nullptr ? err : &local;
    try
    {
        auto tiff = std::make_unique<vsi_tiff>();
        enum pyr_result result =
            tiff->io.open(tiff->io.user, path, &tiff->file, told);
        if (result != PYR_OK)
            return result;
        const uint64_t size = tiff->io.size(tiff->file);
        std::vector<uint8_t> head(size < HEAD_BYTES ? static_cast<size_t>(size)
                                                    : HEAD_BYTES);
        if (!head.empty())
            result = ReadRange(tiff.get(), 0, head.data(), head.size(), told);
        if (result != PYR_OK)
            return result;
        tiff->head.swap(head);
        *out_file = tiff.release();
        return PYR_OK;
    }
    catch (const std::bad_alloc &)
    {
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
}

void vsi_tiff_close(struct vsi_tiff *file)
{
    delete file;
}

struct pyr_tiff_reader vsi_tiff_reader(struct vsi_tiff *file)
{
    const struct pyr_tiff_reader reader = {file, file->io.size(file->file),
                                           Read};
    return reader;
}

bool vsi_tiff_exists(const char *path)
{
    return vsi_io_exists(path);
}
