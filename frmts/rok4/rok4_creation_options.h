// SPDX-License-Identifier: MIT
// Creation options of the ROK4 driver: their list, and their values.
#ifndef ROK4_CREATION_OPTIONS_H
#define ROK4_CREATION_OPTIONS_H

#include "rok4_dataset.h"

#include "pyr_encode.h"
#include "rok4_format.h"

#include "cpl_string.h"

#include <string>

// The list that the driver shows (DMD_CREATIONOPTIONLIST).
extern const char *const ROK4_CREATION_OPTIONS;

enum class Rok4Strategy
{
    Auto,
    Lower,
    Upper
};

enum class Rok4Choice
{
    Auto,
    Yes,
    No
};

// How an existing pyramid takes part (UPDATE_MODE).
enum class Rok4UpdateMode
{
    None, // a new pyramid
    InPlace,
    SymbolicLinks,
    HardLinks,
    Copy
};

// Values as given; what was not given has its default, or is empty where the
// default depends on source or pyramid.
struct Rok4CreationOptions
{
    std::string tilingScheme{};
    std::string tmsDirectory{};
    std::string bottomLevel{};
    std::string topLevel{};
    Rok4Strategy strategy = Rok4Strategy::Auto;
    std::string compress{}; // NONE, JPEG, PNG, DEFLATE, LZW, PACKBITS
    int quality = 0;        // 75 or 90; 0: not given
    int zlevel = 6;
    unsigned tilesPerWidth = 0;  // 0: not given
    unsigned tilesPerHeight = 0; // 0: not given
    int pathDepth = -1;          // -1: not given
    std::string nodata{};
    bool addAlpha = false;
    std::string warpResampling{};       // upper case
    std::string overviewResampling{};   // upper case
    Rok4Choice mask = Rok4Choice::Auto; // not given: NO, or the pyramid's
    unsigned nthreads = 1;
    bool list = true;
    Rok4Choice md5 = Rok4Choice::Auto; // not given: NO, or as it is there
    bool sparse = false;
    std::string ancestor{};
    Rok4UpdateMode updateMode = Rok4UpdateMode::None;
    bool overwrite = false;
    bool resume = false;
    Rok4Choice losslessCopy = Rok4Choice::Auto;

    // False, with an error, for a value that cannot be.
    bool Parse(CSLConstList options);
};

// The format in which COMPRESS and QUALITY store samples of a type; false, with
// an error that names what is possible.
bool Rok4ChooseFormat(const Rok4CreationOptions &options,
                      enum pyr_sample sample, unsigned bands,
                      enum rok4_format *format);

// Tiles of a format: codec, quality, level.
struct pyr_encoding Rok4EncodingOf(enum rok4_format format, int zlevel);

// The ROK4 name of a GDAL resampling method, for the descriptor.
const char *Rok4InterpolationOf(const std::string &warpResampling);

#endif
