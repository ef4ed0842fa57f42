/* SPDX-License-Identifier: MIT */
/* Tests of rok4_format: names of formats, storages and photometrics. */
#include "rok4_format.h"
#include "unit.h"

static void test_formats(void)
{
    int at;
    for (at = ROK4_RAW_UINT8; at <= ROK4_PBF_MVT; at++)
    {
        const enum rok4_format format = (enum rok4_format)at;
        const char *name = rok4_format_name(format);
        enum rok4_format found = ROK4_PBF_MVT;
        CHECK_INT(rok4_format_find(name, &found), PYR_OK);
        CHECK_INT(found, format);
        CHECK((strstr(ROK4_RASTER_FORMATS, name) != NULL) ==
              (format != ROK4_PBF_MVT));
        if (format == ROK4_PBF_MVT)
            continue;
        CHECK((rok4_format_sample(format) == PYR_SAMPLE_FLOAT32) ==
              (strstr(name, "_FLOAT32") != NULL));
        CHECK((rok4_format_codec(format) == PYR_CODEC_RAW) ==
              (strstr(name, "_RAW_") != NULL));
        CHECK((rok4_format_codec(format) == PYR_CODEC_JPEG) ==
              (strstr(name, "_JPG") != NULL));
        CHECK((rok4_format_codec(format) == PYR_CODEC_PNG) ==
              (strstr(name, "_PNG_") != NULL));
        CHECK((rok4_format_codec(format) == PYR_CODEC_LZW) ==
              (strstr(name, "_LZW_") != NULL));
        CHECK((rok4_format_codec(format) == PYR_CODEC_DEFLATE) ==
              (strstr(name, "_ZIP_") != NULL));
        CHECK((rok4_format_codec(format) == PYR_CODEC_PACKBITS) ==
              (strstr(name, "_PKB_") != NULL));
    }
    CHECK_STR(rok4_format_name(ROK4_JPG90_UINT8), "TIFF_JPG90_UINT8");
    CHECK_STR(rok4_format_name(ROK4_PBF_MVT), "TIFF_PBF_MVT");
}

static void test_unknown_formats(void)
{
    static const char *const names[] = {"",
                                        "TIFF_RAW_INT8",
                                        "TIFF_RAW_UINT16",
                                        "TIFF_JPG_FLOAT32",
                                        "TIFF_PNG_FLOAT32",
                                        "tiff_raw_uint8",
                                        "TIFF_RAW_UINT8 ",
                                        "TIFF_RAW_UINT",
                                        "RAW"};
    enum rok4_format format = ROK4_PKB_UINT8;
    size_t at;
    for (at = 0; at < sizeof names / sizeof names[0]; at++)
        CHECK_INT(rok4_format_find(names[at], &format), PYR_NOT_FOUND);
    CHECK_INT(format, ROK4_PKB_UINT8);
}

static void test_storages(void)
{
    static const enum rok4_storage storages[] = {
        ROK4_STORAGE_FILE, ROK4_STORAGE_S3, ROK4_STORAGE_CEPH,
        ROK4_STORAGE_SWIFT};
    enum rok4_storage found = ROK4_STORAGE_FILE;
    size_t at;
    for (at = 0; at < sizeof storages / sizeof storages[0]; at++)
    {
        CHECK_INT(rok4_storage_find(rok4_storage_name(storages[at]), &found),
                  PYR_OK);
        CHECK_INT(found, storages[at]);
    }
    CHECK_INT(rok4_storage_find("SWIFT", &found), PYR_OK);
    CHECK_INT(found, ROK4_STORAGE_SWIFT);
    CHECK_INT(rok4_storage_find("file", &found), PYR_NOT_FOUND);
    CHECK_INT(rok4_storage_find("", &found), PYR_NOT_FOUND);
    CHECK_INT(found, ROK4_STORAGE_SWIFT);
}

static void test_photometrics(void)
{
    enum rok4_photometric found = ROK4_PHOTOMETRIC_MASK;
    CHECK_INT(rok4_photometric_find("gray", &found), PYR_OK);
    CHECK_INT(found, ROK4_PHOTOMETRIC_GRAY);
    CHECK_INT(rok4_photometric_find("RGB", &found), PYR_OK);
    CHECK_INT(found, ROK4_PHOTOMETRIC_RGB);
    CHECK_INT(rok4_photometric_find("Mask", &found), PYR_OK);
    CHECK_INT(found, ROK4_PHOTOMETRIC_MASK);
    CHECK_INT(rok4_photometric_find("rg", &found), PYR_NOT_FOUND);
    CHECK_INT(rok4_photometric_find("rgba", &found), PYR_NOT_FOUND);
    CHECK_INT(rok4_photometric_find("", &found), PYR_NOT_FOUND);
    CHECK_INT(rok4_photometric_find("grey", &found), PYR_NOT_FOUND);
    CHECK_INT(found, ROK4_PHOTOMETRIC_MASK);
}

int main(void)
{
    RUN(test_formats);
    RUN(test_unknown_formats);
    RUN(test_storages);
    RUN(test_photometrics);
    return unit_report();
}
