/* SPDX-License-Identifier: MIT */
/* How far one write to a pyramid has come: the content of its state file. */
#ifndef ROK4_STATE_H
#define ROK4_STATE_H

#include "pyr.h"

#ifdef __cplusplus
extern "C"
{
#endif

/* What is done to the pyramid. */
enum rok4_state_mode
{
    ROK4_STATE_NEW,
    ROK4_STATE_OVERWRITE,
    ROK4_STATE_UPDATE,
    ROK4_STATE_REMOVE,
    ROK4_STATE_MOVE /* of another name to this one */
};

/* In this order; each is finished before the next is written down. */
enum rok4_state_phase
{
    ROK4_STATE_BUILD, /* slabs are collected: the pyramid is untouched */
    ROK4_STATE_SWAP,  /* the old one is put aside */
    ROK4_STATE_PLACE, /* the new one is put in its place, descriptor last */
    ROK4_STATE_CLEAN  /* published; what is left over is removed */
};

#define ROK4_STATE_MAX_IDENTITY_BYTES (1u << 20)

/* Owns its texts. */
struct rok4_state
{
    enum rok4_state_phase phase;
    enum rok4_state_mode mode;
    bool list;
    bool md5;
    char *identity; /* never NULL once it is initialised */
    char *from;     /* ROK4_STATE_MOVE: the descriptor beside it, that it was */
    char **dropped; /* dropped[ndropped], ids of levels */
    uint32_t ndropped;
};

/* PYR_NOMEM; PYR_LIMIT for an identity beyond the limit above. Cleared with
 * rok4_state_clear, which a fresh {0} takes too. */
enum pyr_result rok4_state_init(enum rok4_state_mode mode, const char *identity,
                                struct rok4_state *out_state,
                                struct pyr_error *err) PYR_MUST_CHECK;
void rok4_state_clear(struct rok4_state *state);

/* Adds a level to drop. PYR_NOMEM, PYR_LIMIT. */
enum pyr_result rok4_state_drop(struct rok4_state *state, const char *level_id,
                                struct pyr_error *err) PYR_MUST_CHECK;
/* True for a path below the pyramid's directory ("DATA/5/...") of such a
 * level. */
bool rok4_state_drops(const struct rok4_state *state, const char *relative);

/* The state as JSON, NUL-terminated, freed with pyr_free. PYR_NOMEM,
 * PYR_LIMIT beyond PYR_MAX_JSON_BYTES. */
enum pyr_result rok4_state_format(const struct rok4_state *state,
                                  char **out_text, size_t *out_nbytes,
                                  struct pyr_error *err) PYR_MUST_CHECK;

/* The reverse, of a text that anybody may have written: as of pyr_json_parse,
 * and PYR_UNSUPPORTED for one of a later version. Pure. */
enum pyr_result rok4_state_parse(const char *text, size_t nbytes,
                                 struct rok4_state *out_state,
                                 struct pyr_error *err) PYR_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
