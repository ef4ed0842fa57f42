/* SPDX-License-Identifier: MIT */
/* Fuzz target: LZW and PackBits tiles. */
#include "fuzz_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    static const enum pyr_codec codecs[2] = {PYR_CODEC_LZW, PYR_CODEC_PACKBITS};
    fuzz_codec(codecs, data, nbytes);
    return 0;
}
