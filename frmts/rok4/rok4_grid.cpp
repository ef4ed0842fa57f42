// SPDX-License-Identifier: MIT
// The tile matrix set that a new pyramid is made on.
#include "rok4_grid.h"

#include "pyr_alloc.h"
#include "rok4_dataset.h"
#include "rok4_tms.h"

#include "cpl_conv.h"

namespace
{

bool IsPath(const std::string &scheme)
{
    return scheme.find('/') != std::string::npos ||
           EQUAL(CPLGetExtension(scheme.c_str()), "json");
}

// The text of a set that is looked for by name.
enum pyr_result Find(const struct pyr_io &io, const std::string &name,
                     const std::string &directory, const std::string &path,
                     std::string *text, struct pyr_error *err)
{
    struct rok4_open_options options = {};
    options.tms_directory = directory.empty() ? nullptr : directory.c_str();
    options.global_tms_directory =
        CPLGetConfigOption("ROK4_TMS_DIRECTORY", nullptr);
    char *found = nullptr;
    char *place = nullptr;
    size_t nbytes = 0;
    const enum pyr_result result =
        rok4_tms_find(&io, name.c_str(), path.c_str(), &options, &found,
                      &nbytes, &place, err);
    if (result != PYR_OK)
        return result;
    text->assign(found, nbytes);
    pyr_free(found);
    pyr_free(place);
    return PYR_OK;
}

enum pyr_result LoadFile(const struct pyr_io &io, const std::string &file,
                         std::string *text, struct pyr_error *err)
{
    char *found = nullptr;
    size_t nbytes = 0;
    const enum pyr_result result = io.load(
        io.user, file.c_str(), PYR_MAX_JSON_BYTES, &found, &nbytes, err);
    if (result != PYR_OK)
        return result;
    text->assign(found, nbytes);
    pyr_free(found);
    return PYR_OK;
}

} // namespace

Rok4Grid::~Rok4Grid()
{
    pyr_grid_free(m_grid);
}

bool Rok4Grid::Load(const struct pyr_io &io, const std::string &scheme,
                    const std::string &directory, const std::string &path)
{
    struct pyr_error err = {""};
    const bool isPath = IsPath(scheme);
    m_name = isPath ? CPLGetBasename(scheme.c_str()) : scheme;
    enum pyr_result result = PYR_OK;
    if (!pyr_grid_name_safe(m_name.c_str()))
        result = pyr_fail(&err, PYR_USAGE, "no name of a tile matrix set");
    else
        result = isPath ? LoadFile(io, scheme, &m_text, &err)
                        : Find(io, m_name, directory, path, &m_text, &err);
    if (result == PYR_OK)
        result = pyr_grid_parse(m_text.c_str(), m_text.size(), &m_grid, &err);
    if (result != PYR_OK)
        Rok4Report(
            CE_Failure, result,
            CPLSPrintf("TILING_SCHEME=%s: %s", scheme.c_str(), err.text));
    return result == PYR_OK;
}

bool Rok4IsGridFound(const struct pyr_io &io, const std::string &name,
                     const std::string &text, const std::string &path)
{
    std::string found;
    return Find(io, name, "", path, &found, nullptr) == PYR_OK && found == text;
}
