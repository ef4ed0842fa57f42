/* SPDX-License-Identifier: MIT */
/* JSON text in the making. */
#ifndef PYR_JSON_WRITE_H
#define PYR_JSON_WRITE_H

#include "pyr_json.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* Starts as {0}. The first failure is kept, and nothing is added after it: the
 * caller looks at the end. One thread at a time. */
struct pyr_json_text
{
    char *bytes;
    size_t nbytes;
    size_t room;
    enum pyr_result result; /* PYR_NOMEM, PYR_LIMIT beyond PYR_MAX_JSON_BYTES */
};

/* Objects and arrays: key NULL for the top value and for items of arrays. */
void pyr_json_begin_object(struct pyr_json_text *json, const char *key);
void pyr_json_end_object(struct pyr_json_text *json);
void pyr_json_begin_array(struct pyr_json_text *json, const char *key);
void pyr_json_end_array(struct pyr_json_text *json);

/* Members. Strings are escaped, and bytes beyond ASCII stay as they are. */
void pyr_json_add_string(struct pyr_json_text *json, const char *key,
                         const char *value);
void pyr_json_add_int(struct pyr_json_text *json, const char *key,
                      int64_t value);
void pyr_json_add_uint(struct pyr_json_text *json, const char *key,
                       uint64_t value);
void pyr_json_add_bool(struct pyr_json_text *json, const char *key, bool value);
/* Up to 17 digits; null where it is not finite. */
void pyr_json_add_double(struct pyr_json_text *json, const char *key,
                         double value);
void pyr_json_add_null(struct pyr_json_text *json, const char *key);

/* A value that is JSON text already. */
void pyr_json_add_text(struct pyr_json_text *json, const char *key,
                       const char *text);

/* The members of an object but those named in known[], which ends with NULL. A
 * number may lose digits beyond the 17th. */
void pyr_json_add_others(struct pyr_json_text *json,
                         const struct pyr_json_node *object,
                         const char *const *known);

/* Ends the text: on success *out_text has a NUL at its end and is freed with
 * pyr_free. Else nothing is left of it. */
enum pyr_result pyr_json_finish(struct pyr_json_text *json, char **out_text,
                                struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
