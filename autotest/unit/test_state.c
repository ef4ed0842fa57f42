/* SPDX-License-Identifier: MIT */
/* Tests of state files: every member there and back, and what is no state. */
#include "pyr_alloc.h"
#include "rok4_state.h"
#include "unit.h"

static struct pyr_error err;

#define WHOLE                                                                  \
    "{\"rok4_state\": 1, \"phase\": \"place\", \"mode\": \"move\", "           \
    "\"list\": 1, \"md5\": 0, \"from\": \"a.json\", "                          \
    "\"dropped\": [{\"id\": \"3\"}, {\"id\": \"L\\\"4\"}], "                   \
    "\"identity\": \"one\\u000atwo \\\\ \xC3\xA9\"}\n"

static enum pyr_result parse(const char *text, struct rok4_state *state)
{
    const struct rok4_state none = {0};
    *state = none;
    err.text[0] = '\0';
    return rok4_state_parse(text, strlen(text), state, &err);
}

static void test_round_trip(void)
{
    struct rok4_state state;
    char *text = NULL;
    size_t nbytes = 0;
    CHECK_INT(parse(WHOLE, &state), PYR_OK);
    CHECK_INT(state.phase, ROK4_STATE_PLACE);
    CHECK_INT(state.mode, ROK4_STATE_MOVE);
    CHECK(state.list && !state.md5);
    CHECK_STR(state.from, "a.json");
    CHECK_INT(state.ndropped, 2);
    CHECK_STR(state.dropped[1], "L\"4");
    CHECK_STR(state.identity, "one\ntwo \\ \xC3\xA9");

    CHECK_INT(rok4_state_format(&state, &text, &nbytes, &err), PYR_OK);
    rok4_state_clear(&state);
    CHECK_INT(strlen(text), nbytes);
    CHECK_INT(parse(text, &state), PYR_OK);
    CHECK_STR(state.identity, "one\ntwo \\ \xC3\xA9");
    CHECK_STR(state.dropped[1], "L\"4");
    CHECK_INT(state.phase, ROK4_STATE_PLACE);
    rok4_state_clear(&state);
    rok4_state_clear(&state);
    pyr_free(text);
}

static void test_modes_and_phases(void)
{
    for (int mode = ROK4_STATE_NEW; mode <= ROK4_STATE_REMOVE; mode++)
        for (int phase = ROK4_STATE_BUILD; phase <= ROK4_STATE_CLEAN; phase++)
        {
            struct rok4_state state = {0};
            struct rok4_state again;
            char *text = NULL;
            size_t nbytes = 0;
            CHECK_INT(
                rok4_state_init((enum rok4_state_mode)mode, "", &state, &err),
                PYR_OK);
            state.phase = (enum rok4_state_phase)phase;
            CHECK_INT(rok4_state_format(&state, &text, &nbytes, &err), PYR_OK);
            CHECK_INT(parse(text, &again), PYR_OK);
            CHECK_INT(again.mode, mode);
            CHECK_INT(again.phase, phase);
            rok4_state_clear(&state);
            rok4_state_clear(&again);
            pyr_free(text);
        }
}

/* Text of a state in which one piece is another. */
static enum pyr_result parse_with(const char *piece, const char *other)
{
    static char text[2000];
    struct rok4_state state;
    const char *const at = strstr(WHOLE, piece);
    CHECK(at != NULL);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - WHOLE), WHOLE,
                   other, at + strlen(piece));
    const enum pyr_result result = parse(text, &state);
    CHECK((result == PYR_OK) == (err.text[0] == '\0'));
    CHECK(result == PYR_OK || state.identity == NULL);
    rok4_state_clear(&state);
    return result;
}

static void test_refused(void)
{
    CHECK_INT(parse_with("\"rok4_state\": 1", "\"rok4_state\": 2"),
              PYR_UNSUPPORTED);
    CHECK_INT(parse_with("\"rok4_state\": 1, ", ""), PYR_NOT_FOUND);
    CHECK_INT(parse_with("\"place\"", "\"plaice\""), PYR_CORRUPT);
    CHECK_INT(parse_with("\"place\"", "2"), PYR_CORRUPT);
    CHECK_INT(parse_with("\"move\"", "\"\""), PYR_CORRUPT);
    CHECK_INT(parse_with("\"list\": 1", "\"list\": 2"), PYR_CORRUPT);
    CHECK_INT(parse_with("\"list\": 1, ", ""), PYR_NOT_FOUND);
    CHECK_INT(parse_with("\"from\": \"a.json\", ", ""), PYR_NOT_FOUND);
    CHECK_INT(parse_with("a.json", "../a.json"), PYR_CORRUPT);
    CHECK_INT(parse_with("a.json", "/etc/a.json"), PYR_CORRUPT);
    CHECK_INT(parse_with("\"3\"", "\"..\""), PYR_USAGE);
    CHECK_INT(parse_with("\"3\"", "\"a/b\""), PYR_USAGE);
    CHECK_INT(parse_with("{\"id\": \"3\"}", "3"), PYR_CORRUPT);
    CHECK_INT(parse_with("\"identity\"", "\"other\""), PYR_NOT_FOUND);
    CHECK_INT(parse_with(", \"mode\"", ", \"more\": null, \"mode\""), PYR_OK);
}

static void test_cut(void)
{
    struct rok4_state state;
    for (size_t i = 0; i < strlen(WHOLE) - 2; i++)
    {
        const struct rok4_state none = {0};
        state = none;
        CHECK(rok4_state_parse(WHOLE, i, &state, &err) != PYR_OK);
        CHECK(state.identity == NULL);
    }
}

static void test_limits(void)
{
    struct rok4_state state = {0};
    char *const identity = pyr_malloc(ROK4_STATE_MAX_IDENTITY_BYTES + 2);
    memset(identity, 'x', ROK4_STATE_MAX_IDENTITY_BYTES + 1);
    identity[ROK4_STATE_MAX_IDENTITY_BYTES + 1] = '\0';
    CHECK_INT(rok4_state_init(ROK4_STATE_NEW, identity, &state, &err),
              PYR_LIMIT);
    identity[ROK4_STATE_MAX_IDENTITY_BYTES] = '\0';
    CHECK_INT(rok4_state_init(ROK4_STATE_NEW, identity, &state, &err), PYR_OK);
    for (unsigned i = 0; i < PYR_MAX_LEVELS; i++)
        CHECK_INT(rok4_state_drop(&state, "x", &err), PYR_OK);
    CHECK_INT(rok4_state_drop(&state, "x", &err), PYR_LIMIT);
    rok4_state_clear(&state);
    pyr_free(identity);
}

static void test_drops(void)
{
    struct rok4_state state;
    CHECK_INT(parse(WHOLE, &state), PYR_OK);
    CHECK(rok4_state_drops(&state, "DATA/3/00.tif"));
    CHECK(rok4_state_drops(&state, "MASK/3"));
    CHECK(!rok4_state_drops(&state, "DATA/30/00.tif"));
    CHECK(!rok4_state_drops(&state, "DATA"));
    CHECK(!rok4_state_drops(&state, ""));
    rok4_state_clear(&state);
}

static void test_memory(void)
{
    for (unsigned long i = 1;; i++)
    {
        struct rok4_state state;
        char *text = NULL;
        size_t nbytes = 0;
        pyr_alloc_fail_nth(i);
        enum pyr_result result = parse(WHOLE, &state);
        if (result == PYR_OK)
            result = rok4_state_format(&state, &text, &nbytes, &err);
        pyr_alloc_fail_nth(0);
        rok4_state_clear(&state);
        pyr_free(text);
        if (result == PYR_OK)
            break;
        CHECK_INT(result, PYR_NOMEM);
    }
}

int main(void)
{
    RUN(test_round_trip);
    RUN(test_modes_and_phases);
    RUN(test_refused);
    RUN(test_cut);
    RUN(test_limits);
    RUN(test_drops);
    RUN(test_memory);
    return unit_report();
}
