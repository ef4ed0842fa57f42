/* SPDX-License-Identifier: MIT */
/* Names of what a TIFF file holds as numbers. */
#ifndef COGX_NAMES_H
#define COGX_NAMES_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Each returns NULL for what it does not know. Pure. */
const char *cogx_tag_name(uint16_t code);                /* "ImageWidth" */
const char *cogx_type_name(uint16_t type);               /* "SHORT" */
const char *cogx_compression_name(uint16_t compression); /* "DEFLATE" */

#ifdef __cplusplus
}
#endif

#endif
