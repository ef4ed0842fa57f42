// SPDX-License-Identifier: MIT
// What fuzz targets that go through GDAL share.
#ifndef FUZZ_GDAL_H
#define FUZZ_GDAL_H

#include <cstdint>
#include <cstdlib>

extern "C" void GDALRegister_ROK4();
extern "C" int LLVMFuzzerInitialize(int *argc, char ***argv);
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

#ifdef __SANITIZE_THREAD__
// GDAL takes its mutexes in more than one order when it makes them.
extern "C" __attribute__((visibility("default"))) const char *
__tsan_default_options();
extern "C" const char *__tsan_default_options()
{
    return "detect_deadlocks=0";
}
#endif

inline void Require(bool promise)
{
    if (!promise)
        abort();
}

#endif
