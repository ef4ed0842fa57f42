/* SPDX-License-Identifier: MIT */
/* How far one write to a pyramid has come: the content of its state file. */
#include "rok4_state.h"

#include "pyr_alloc.h"
#include "pyr_json_write.h"
#include "rok4_files.h"

#include <string.h>

#define VERSION 1

static const char *const phase_names[] = {"build", "swap", "place", "clean"};
static const char *const mode_names[] = {"new", "overwrite", "update", "remove",
                                         "move"};

enum pyr_result rok4_state_init(enum rok4_state_mode mode, const char *identity,
                                struct rok4_state *out_state,
                                struct pyr_error *err)
{
    struct rok4_state state = {.phase = ROK4_STATE_BUILD, .mode = mode};
    const size_t nbytes = strlen(identity);
    if (nbytes > ROK4_STATE_MAX_IDENTITY_BYTES)
        return pyr_fail(err, PYR_LIMIT,
                        "source and options take %zu bytes of text, at most "
                        "%u can be remembered",
                        nbytes, ROK4_STATE_MAX_IDENTITY_BYTES);
    state.identity = pyr_strndup(identity, nbytes);
    if (state.identity == NULL)
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    *out_state = state;
    return PYR_OK;
}

void rok4_state_clear(struct rok4_state *state)
{
    const struct rok4_state none = {0};
    for (uint32_t i = 0; i < state->ndropped; i++)
        pyr_free(state->dropped[i]);
    pyr_free(state->dropped);
    pyr_free(state->identity);
    pyr_free(state->from);
    *state = none;
}

enum pyr_result rok4_state_drop(struct rok4_state *state, const char *level_id,
                                struct pyr_error *err)
{
    if (!rok4_files_is_level(level_id))
        return pyr_fail(err, PYR_USAGE, "no level has the id \"%s\"", level_id);
    if (state->ndropped >= PYR_MAX_LEVELS)
        return pyr_fail(err, PYR_LIMIT, "more than %u levels to drop",
                        PYR_MAX_LEVELS);
    char *const copy = pyr_strdup(level_id);
    char **const grown = pyr_realloc(
        state->dropped, (state->ndropped + 1) * sizeof(*state->dropped));
    if (grown != NULL)
        state->dropped = grown;
    if (copy == NULL || grown == NULL)
    {
        pyr_free(copy);
        return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    state->dropped[state->ndropped++] = copy;
    return PYR_OK;
}

bool rok4_state_drops(const struct rok4_state *state, const char *relative)
{
    const char *const slash = strchr(relative, '/');
    const char *const level = slash != NULL ? slash + 1 : "";
    const size_t nbytes = strcspn(level, "/");
    for (uint32_t i = 0; i < state->ndropped; i++)
        if (strlen(state->dropped[i]) == nbytes &&
            memcmp(state->dropped[i], level, nbytes) == 0)
            return true;
    return false;
}

enum pyr_result rok4_state_format(const struct rok4_state *state,
                                  char **out_text, size_t *out_nbytes,
                                  struct pyr_error *err)
{
    struct pyr_json_text json = {0};
    char *text = NULL;
    pyr_json_begin_object(&json, NULL);
    pyr_json_add_int(&json, "rok4_state", VERSION);
    pyr_json_add_string(&json, "phase", phase_names[state->phase]);
    pyr_json_add_string(&json, "mode", mode_names[state->mode]);
    pyr_json_add_int(&json, "list", state->list);
    pyr_json_add_int(&json, "md5", state->md5);
    if (state->from != NULL)
        pyr_json_add_string(&json, "from", state->from);
    pyr_json_begin_array(&json, "dropped");
    for (uint32_t i = 0; i < state->ndropped; i++)
    {
        pyr_json_begin_object(&json, NULL);
        pyr_json_add_string(&json, "id", state->dropped[i]);
        pyr_json_end_object(&json);
    }
    pyr_json_end_array(&json);
    pyr_json_add_string(&json, "identity", state->identity);
    pyr_json_end_object(&json);
    const enum pyr_result result = pyr_json_finish(&json, &text, err);
    if (result != PYR_OK)
        return result;
    *out_text = text;
    *out_nbytes = strlen(text);
    return PYR_OK;
}

/* Number of the name that the member has. */
static enum pyr_result parse_name(const struct pyr_json_node *root,
                                  const char *key, const char *const *names,
                                  unsigned nnames, unsigned *out_number,
                                  struct pyr_error *err)
{
    const char *text = NULL;
    char excerpt[PYR_JSON_EXCERPT_BYTES];
    const enum pyr_result result =
        pyr_json_string(root, key, PYR_MAX_NAME_BYTES, &text, err);
    if (result != PYR_OK)
        return result;
    for (unsigned i = 0; i < nnames; i++)
        if (strcmp(text, names[i]) == 0)
        {
            *out_number = i;
            return PYR_OK;
        }
    return pyr_fail(err, PYR_CORRUPT, "%s is \"%s\", which is no %s", key,
                    pyr_json_excerpt(text, excerpt), key);
}

static enum pyr_result parse_flag(const struct pyr_json_node *root,
                                  const char *key, bool *out_flag,
                                  struct pyr_error *err)
{
    int64_t value = 0;
    const enum pyr_result result = pyr_json_int(root, key, 0, 1, &value, err);
    if (result == PYR_OK)
        *out_flag = value != 0;
    return result;
}

static enum pyr_result parse_dropped(const struct pyr_json_node *root,
                                     struct rok4_state *state,
                                     struct pyr_error *err)
{
    struct pyr_json_node array;
    struct pyr_json_node item;
    size_t count = 0;
    enum pyr_result result =
        pyr_json_array(root, "dropped", &array, &count, err);
    for (size_t i = 0; i < count && result == PYR_OK; i++)
    {
        const char *id = NULL;
        result = pyr_json_item_object(&array, i, &item, err);
        if (result == PYR_OK)
            result = pyr_json_string(&item, "id", PYR_MAX_NAME_BYTES, &id, err);
        if (result == PYR_OK)
            result = rok4_state_drop(state, id, err);
    }
    return result;
}

/* The members behind the version, into a state that is initialised. */
static enum pyr_result parse_members(const struct pyr_json_node *root,
                                     struct rok4_state *state,
                                     struct pyr_error *err)
{
    unsigned phase = 0;
    unsigned mode = 0;
    const char *from = NULL;
    enum pyr_result result =
        parse_name(root, "phase", phase_names,
                   sizeof(phase_names) / sizeof(phase_names[0]), &phase, err);
    if (result == PYR_OK)
        result =
            parse_name(root, "mode", mode_names,
                       sizeof(mode_names) / sizeof(mode_names[0]), &mode, err);
    if (result == PYR_OK)
        result = parse_flag(root, "list", &state->list, err);
    if (result == PYR_OK)
        result = parse_flag(root, "md5", &state->md5, err);
    if (result == PYR_OK)
        result = parse_dropped(root, state, err);
    if (result == PYR_OK && mode == ROK4_STATE_MOVE)
        result = pyr_json_string(root, "from", PYR_MAX_PATH_BYTES, &from, err);
    if (result != PYR_OK)
        return result;
    if (from != NULL)
    {
        if (strchr(from, '/') != NULL)
            return pyr_fail(err, PYR_CORRUPT, "from is no name of a file");
        state->from = pyr_strdup(from);
        if (state->from == NULL)
            return pyr_fail(err, PYR_NOMEM, "out of memory");
    }
    state->phase = (enum rok4_state_phase)phase;
    state->mode = (enum rok4_state_mode)mode;
    return PYR_OK;
}

enum pyr_result rok4_state_parse(const char *text, size_t nbytes,
                                 struct rok4_state *out_state,
                                 struct pyr_error *err)
{
    struct pyr_json *json = NULL;
    struct pyr_json_node root;
    struct rok4_state state = {0};
    const char *identity = NULL;
    int64_t version = 0;
    enum pyr_result result = pyr_json_parse(text, nbytes, &json, &root, err);
    if (result != PYR_OK)
        return result;
    result = pyr_json_int(&root, "rok4_state", 1, INT32_MAX, &version, err);
    if (result == PYR_OK && version > VERSION)
        result = pyr_fail(err, PYR_UNSUPPORTED,
                          "was written by a later version of the driver");
    if (result == PYR_OK)
        result = pyr_json_string(&root, "identity",
                                 ROK4_STATE_MAX_IDENTITY_BYTES, &identity, err);
    if (result == PYR_OK)
        result = rok4_state_init(ROK4_STATE_NEW, identity, &state, err);
    if (result == PYR_OK)
        result = parse_members(&root, &state, err);
    pyr_json_free(json);
    if (result == PYR_OK)
        *out_state = state;
    else
        rok4_state_clear(&state);
    return result;
}
