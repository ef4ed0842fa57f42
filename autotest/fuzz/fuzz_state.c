/* SPDX-License-Identifier: MIT */
/* Fuzz target: state files of interrupted writes. What is read can be written
 * and is read again as the same. */
#include "pyr_alloc.h"
#include "rok4_state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_same(const struct rok4_state *state)
{
    struct rok4_state again = {0};
    struct pyr_error err = {""};
    char *text = NULL;
    size_t nbytes = 0;
    require(rok4_state_format(state, &text, &nbytes, &err) == PYR_OK);
    require(rok4_state_parse(text, nbytes, &again, &err) == PYR_OK);
    require(again.phase == state->phase && again.mode == state->mode);
    require(again.list == state->list && again.md5 == state->md5);
    require(strcmp(again.identity, state->identity) == 0);
    require(again.ndropped == state->ndropped);
    /* Nothing may be removed or moved outside the pyramid's directory. */
    for (uint32_t i = 0; i < again.ndropped; i++)
    {
        require(strcmp(again.dropped[i], state->dropped[i]) == 0);
        require(strchr(again.dropped[i], '/') == NULL);
        require(strcmp(again.dropped[i], "..") != 0);
    }
    require(again.from == NULL || strchr(again.from, '/') == NULL);
    rok4_state_clear(&again);
    pyr_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t nbytes)
{
    struct rok4_state state = {0};
    struct pyr_error err = {""};
    if (rok4_state_parse((const char *)data, nbytes, &state, &err) == PYR_OK)
        check_same(&state);
    else
        require(err.text[0] != '\0' && state.identity == NULL);
    rok4_state_clear(&state);
    return 0;
}
