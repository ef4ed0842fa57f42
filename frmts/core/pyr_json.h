/* SPDX-License-Identifier: MIT */
/* Typed access to JSON text; every error names the JSON path. */
#ifndef PYR_JSON_H
#define PYR_JSON_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* A parsed document. Freed with pyr_json_free. One thread at a time. */
struct pyr_json;

/* A value inside a document, with the path it was reached by: borrowed, valid
 * until the document is freed. */
struct pyr_json_node
{
    const void *value;
    char path[96]; /* "levels[3].storage.type"; cut when longer */
};

/* Parses text[nbytes] (no NUL needed; a UTF-8 byte order mark is skipped).
 * PYR_LIMIT beyond PYR_MAX_JSON_BYTES, PYR_CORRUPT for a syntax error (the
 * text names the byte), for a NUL character even when escaped, for nesting
 * deeper than cJSON takes, or where the top value is no object, PYR_NOMEM.
 * Of a key that stands twice in an object, the first counts. Takes at most 40
 * bytes of memory for each byte of text. */
enum pyr_result pyr_json_parse(const char *text, size_t nbytes,
                               struct pyr_json **out_json,
                               struct pyr_json_node *out_root,
                               struct pyr_error *err) PYR_MUST_CHECK;
void pyr_json_free(struct pyr_json *json);

/* Members of an object. Each returns PYR_NOT_FOUND with the text "PATH is
 * missing" when there is no such member, and PYR_CORRUPT with "PATH is a
 * string, expected an object" and the like when it has another type. Strings
 * are borrowed, NUL-terminated, and PYR_LIMIT when longer than max_bytes. */
enum pyr_result pyr_json_object(const struct pyr_json_node *parent,
                                const char *key, struct pyr_json_node *out_node,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_json_array(const struct pyr_json_node *parent,
                               const char *key, struct pyr_json_node *out_node,
                               size_t *out_count,
                               struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_json_string(const struct pyr_json_node *parent,
                                const char *key, size_t max_bytes,
                                const char **out_text,
                                struct pyr_error *err) PYR_MUST_CHECK;
enum pyr_result pyr_json_double(const struct pyr_json_node *parent,
                                const char *key, double *out_value,
                                struct pyr_error *err) PYR_MUST_CHECK;
/* A number without fraction, in [min, max]; |min| and |max| <= 2^53. Outside:
 * PYR_CORRUPT, "PATH is 0, expected 1 .. 16". */
enum pyr_result pyr_json_int(const struct pyr_json_node *parent,
                             const char *key, int64_t min, int64_t max,
                             int64_t *out_value,
                             struct pyr_error *err) PYR_MUST_CHECK;

/* The object at index of an array reached with pyr_json_array. */
enum pyr_result pyr_json_item_object(const struct pyr_json_node *array,
                                     size_t index,
                                     struct pyr_json_node *out_node,
                                     struct pyr_error *err) PYR_MUST_CHECK;
/* The number at index. */
enum pyr_result pyr_json_item_double(const struct pyr_json_node *array,
                                     size_t index, double *out_value,
                                     struct pyr_error *err) PYR_MUST_CHECK;

/* True when the object has the member, of any type but null. */
bool pyr_json_has(const struct pyr_json_node *parent, const char *key);

#define PYR_JSON_EXCERPT_BYTES 64

/* Writes what of text can be put in a message to excerpt, and returns excerpt:
 * its beginning in well-formed UTF-8, "..." when cut, '?' for each control
 * character or malformed byte. */
const char *pyr_json_excerpt(const char *text,
                             char excerpt[PYR_JSON_EXCERPT_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
