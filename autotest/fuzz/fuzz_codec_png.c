/* SPDX-License-Identifier: MIT */
/* Fuzz target: PNG tiles. */
#include "fuzz_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    static const enum pyr_codec codecs[2] = {PYR_CODEC_PNG, PYR_CODEC_PNG};
    fuzz_codec(codecs, data, nbytes);
    return 0;
}
