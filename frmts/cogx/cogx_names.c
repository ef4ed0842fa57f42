/* SPDX-License-Identifier: MIT */
/* Names of what a TIFF file holds as numbers. */
#include "cogx_names.h"

struct name
{
    uint16_t code;
    const char *text;
};

/* TIFF 6.0 and its supplements, GeoTIFF, GDAL, and what EXIF adds; ascending.
 */
static const struct name TAGS[] = {{254, "NewSubfileType"},
                                   {255, "SubfileType"},
                                   {256, "ImageWidth"},
                                   {257, "ImageLength"},
                                   {258, "BitsPerSample"},
                                   {259, "Compression"},
                                   {262, "PhotometricInterpretation"},
                                   {263, "Threshholding"},
                                   {264, "CellWidth"},
                                   {265, "CellLength"},
                                   {266, "FillOrder"},
                                   {269, "DocumentName"},
                                   {270, "ImageDescription"},
                                   {271, "Make"},
                                   {272, "Model"},
                                   {273, "StripOffsets"},
                                   {274, "Orientation"},
                                   {277, "SamplesPerPixel"},
                                   {278, "RowsPerStrip"},
                                   {279, "StripByteCounts"},
                                   {280, "MinSampleValue"},
                                   {281, "MaxSampleValue"},
                                   {282, "XResolution"},
                                   {283, "YResolution"},
                                   {284, "PlanarConfiguration"},
                                   {285, "PageName"},
                                   {286, "XPosition"},
                                   {287, "YPosition"},
                                   {288, "FreeOffsets"},
                                   {289, "FreeByteCounts"},
                                   {290, "GrayResponseUnit"},
                                   {291, "GrayResponseCurve"},
                                   {292, "T4Options"},
                                   {293, "T6Options"},
                                   {296, "ResolutionUnit"},
                                   {297, "PageNumber"},
                                   {301, "TransferFunction"},
                                   {305, "Software"},
                                   {306, "DateTime"},
                                   {315, "Artist"},
                                   {316, "HostComputer"},
                                   {317, "Predictor"},
                                   {318, "WhitePoint"},
                                   {319, "PrimaryChromaticities"},
                                   {320, "ColorMap"},
                                   {321, "HalftoneHints"},
                                   {322, "TileWidth"},
                                   {323, "TileLength"},
                                   {324, "TileOffsets"},
                                   {325, "TileByteCounts"},
                                   {326, "BadFaxLines"},
                                   {327, "CleanFaxData"},
                                   {328, "ConsecutiveBadFaxLines"},
                                   {330, "SubIFDs"},
                                   {332, "InkSet"},
                                   {333, "InkNames"},
                                   {334, "NumberOfInks"},
                                   {336, "DotRange"},
                                   {337, "TargetPrinter"},
                                   {338, "ExtraSamples"},
                                   {339, "SampleFormat"},
                                   {340, "SMinSampleValue"},
                                   {341, "SMaxSampleValue"},
                                   {342, "TransferRange"},
                                   {343, "ClipPath"},
                                   {344, "XClipPathUnits"},
                                   {345, "YClipPathUnits"},
                                   {346, "Indexed"},
                                   {347, "JPEGTables"},
                                   {351, "OPIProxy"},
                                   {400, "GlobalParametersIFD"},
                                   {401, "ProfileType"},
                                   {402, "FaxProfile"},
                                   {403, "CodingMethods"},
                                   {404, "VersionYear"},
                                   {405, "ModeNumber"},
                                   {433, "Decode"},
                                   {434, "DefaultImageColor"},
                                   {512, "JPEGProc"},
                                   {513, "JPEGInterchangeFormat"},
                                   {514, "JPEGInterchangeFormatLength"},
                                   {515, "JPEGRestartInterval"},
                                   {517, "JPEGLosslessPredictors"},
                                   {518, "JPEGPointTransforms"},
                                   {519, "JPEGQTables"},
                                   {520, "JPEGDCTables"},
                                   {521, "JPEGACTables"},
                                   {529, "YCbCrCoefficients"},
                                   {530, "YCbCrSubSampling"},
                                   {531, "YCbCrPositioning"},
                                   {532, "ReferenceBlackWhite"},
                                   {559, "StripRowCounts"},
                                   {700, "XMP"},
                                   {32781, "ImageID"},
                                   {33432, "Copyright"},
                                   {33434, "ExposureTime"},
                                   {33437, "FNumber"},
                                   {33550, "ModelPixelScale"},
                                   {33723, "IPTC"},
                                   {33920, "IntergraphMatrix"},
                                   {33922, "ModelTiepoint"},
                                   {34264, "ModelTransformation"},
                                   {34377, "Photoshop"},
                                   {34665, "ExifIFD"},
                                   {34675, "ICCProfile"},
                                   {34732, "ImageLayer"},
                                   {34735, "GeoKeyDirectory"},
                                   {34736, "GeoDoubleParams"},
                                   {34737, "GeoAsciiParams"},
                                   {34850, "ExposureProgram"},
                                   {34853, "GPSIFD"},
                                   {34855, "ISOSpeedRatings"},
                                   {36864, "ExifVersion"},
                                   {36867, "DateTimeOriginal"},
                                   {36868, "DateTimeDigitized"},
                                   {37121, "ComponentsConfiguration"},
                                   {37122, "CompressedBitsPerPixel"},
                                   {37377, "ShutterSpeedValue"},
                                   {37378, "ApertureValue"},
                                   {37379, "BrightnessValue"},
                                   {37380, "ExposureBiasValue"},
                                   {37381, "MaxApertureValue"},
                                   {37382, "SubjectDistance"},
                                   {37383, "MeteringMode"},
                                   {37384, "LightSource"},
                                   {37385, "Flash"},
                                   {37386, "FocalLength"},
                                   {37500, "MakerNote"},
                                   {37510, "UserComment"},
                                   {37520, "SubSecTime"},
                                   {37521, "SubSecTimeOriginal"},
                                   {37522, "SubSecTimeDigitized"},
                                   {37724, "ImageSourceData"},
                                   {40960, "FlashpixVersion"},
                                   {40961, "ColorSpace"},
                                   {40962, "PixelXDimension"},
                                   {40963, "PixelYDimension"},
                                   {40965, "InteroperabilityIFD"},
                                   {41486, "FocalPlaneXResolution"},
                                   {41487, "FocalPlaneYResolution"},
                                   {41488, "FocalPlaneResolutionUnit"},
                                   {41495, "SensingMethod"},
                                   {41728, "FileSource"},
                                   {41729, "SceneType"},
                                   {41985, "CustomRendered"},
                                   {41986, "ExposureMode"},
                                   {41987, "WhiteBalance"},
                                   {41988, "DigitalZoomRatio"},
                                   {41989, "FocalLengthIn35mmFilm"},
                                   {41990, "SceneCaptureType"},
                                   {42016, "ImageUniqueID"},
                                   {42032, "CameraOwnerName"},
                                   {42033, "BodySerialNumber"},
                                   {42034, "LensSpecification"},
                                   {42035, "LensMake"},
                                   {42036, "LensModel"},
                                   {42037, "LensSerialNumber"},
                                   {42112, "GDAL_METADATA"},
                                   {42113, "GDAL_NODATA"},
                                   {50674, "LercParameters"},
                                   {50706, "DNGVersion"},
                                   {50707, "DNGBackwardVersion"},
                                   {50708, "UniqueCameraModel"},
                                   {50838, "ImageJMetadataByteCounts"},
                                   {50839, "ImageJMetadata"},
                                   {50844, "RPCCoefficient"},
                                   {50908, "TIFF_RSID"},
                                   {50909, "GEO_METADATA"}};

static const struct name TYPES[] = {
    {1, "BYTE"},     {2, "ASCII"},      {3, "SHORT"},     {4, "LONG"},
    {5, "RATIONAL"}, {6, "SBYTE"},      {7, "UNDEFINED"}, {8, "SSHORT"},
    {9, "SLONG"},    {10, "SRATIONAL"}, {11, "FLOAT"},    {12, "DOUBLE"},
    {13, "IFD"},     {16, "LONG8"},     {17, "SLONG8"},   {18, "IFD8"}};

/* As in GDAL's creation options, as far as it has them. */
static const struct name COMPRESSIONS[] = {
    {1, "NONE"},          {2, "CCITTRLE"},
    {3, "CCITTFAX3"},     {4, "CCITTFAX4"},
    {5, "LZW"},           {6, "OJPEG"},
    {7, "JPEG"},          {8, "DEFLATE"},
    {9, "JBIG_BW"},       {10, "JBIG_COLOR"},
    {32766, "NEXT"},      {32771, "CCITTRLEW"},
    {32773, "PACKBITS"},  {32809, "THUNDERSCAN"},
    {32908, "PIXARFILM"}, {32909, "PIXARLOG"},
    {32946, "DEFLATE"},   {34661, "JBIG"},
    {34676, "SGILOG"},    {34677, "SGILOG24"},
    {34712, "JP2000"},    {34887, "LERC"},
    {34925, "LZMA"},      {50000, "ZSTD"},
    {50001, "WEBP"},      {50002, "JXL"},
    {52546, "JXL"}};

static const char *find(const struct name *names, size_t nnames, uint16_t code)
{
    for (size_t i = 0; i < nnames; i++)
        if (names[i].code == code)
            return names[i].text;
    return NULL;
}

#define FIND(names, code) find(names, sizeof(names) / sizeof(names[0]), code)

const char *cogx_tag_name(uint16_t code)
{
    return FIND(TAGS, code);
}

const char *cogx_type_name(uint16_t type)
{
    return FIND(TYPES, type);
}

const char *cogx_compression_name(uint16_t compression)
{
    return FIND(COMPRESSIONS, compression);
}
