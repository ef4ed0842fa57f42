/* SPDX-License-Identifier: MIT */
/* Tests of cogx_cover: what it says of rectangles in any order is what a map of
 * pixels says. */
#include "cogx_cover.h"
#include "pyr_alloc.h"
#include "unit.h"

#define WIDTH 48u
#define HEIGHT 32u

static struct cogx_cover *cover_of(uint32_t bands)
{
    struct cogx_cover *cover = NULL;
    CHECK_INT(cogx_cover_new(WIDTH, HEIGHT, bands, 3, &cover), PYR_OK);
    return cover;
}

static void fills_up_by_rows(void)
{
    struct cogx_cover *cover = cover_of(2);
    for (uint32_t row = 0; row < HEIGHT; row++)
    {
        const struct cogx_rect rect = {0, row, WIDTH, row + 1};
        CHECK(!cogx_cover_is_full(cover));
        cogx_cover_add(cover, 1, &rect);
        cogx_cover_add(cover, 0, &rect);
    }
    CHECK(cogx_cover_is_full(cover));
    cogx_cover_free(cover);
}

static void takes_what_is_larger(void)
{
    const struct cogx_rect rect = {0, 0, 4000, 5000};
    struct cogx_cover *cover = cover_of(3);
    for (uint32_t band = 0; band < 3; band++)
    {
        CHECK(!cogx_cover_is_full(cover));
        cogx_cover_add(cover, band, &rect);
        cogx_cover_add(cover, band, &rect);
    }
    CHECK(cogx_cover_is_full(cover));
    cogx_cover_free(cover);
    cogx_cover_free(NULL);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* A grid of windows that do not meet tiles' corners, in any order. */
static void fills_up_by_windows(void)
{
    struct cogx_rect windows[20];
    uint32_t count = 0;
    uint32_t state = 5;
    for (uint32_t y = 0; y < HEIGHT; y += 9)
        for (uint32_t x = 0; x < WIDTH; x += 11)
            windows[count++] = (struct cogx_rect){x, y, x + 11, y + 9};
    for (unsigned round = 0; round < 200; round++)
    {
        struct cogx_cover *cover = cover_of(1);
        for (uint32_t i = count; i > 0; i--)
        {
            const uint32_t chosen = next_random(&state) % i;
            const struct cogx_rect rect = windows[chosen];
            windows[chosen] = windows[i - 1];
            windows[i - 1] = rect;
            CHECK(!cogx_cover_is_full(cover));
            cogx_cover_add(cover, 0, &rect);
        }
        CHECK(cogx_cover_is_full(cover));
        cogx_cover_free(cover);
    }
}

/* Never full before all is there; and full then, but for many small pieces. */
static void is_never_full_too_early(void)
{
    uint32_t state = 11;
    unsigned nfull = 0;
    for (unsigned round = 0; round < 300; round++)
    {
        struct cogx_cover *cover = cover_of(1);
        uint8_t map[HEIGHT][WIDTH] = {{0}};
        size_t left = (size_t)WIDTH * HEIGHT;
        for (unsigned i = 0; i < 3000 && left > 0; i++)
        {
            const uint32_t x = next_random(&state) % WIDTH;
            const uint32_t y = next_random(&state) % HEIGHT;
            const struct cogx_rect rect = {
                x, y, x + 1 + next_random(&state) % (round + 1),
                y + 1 + next_random(&state) % (round + 1)};
            for (uint32_t row = y; row < rect.end_y && row < HEIGHT; row++)
                for (uint32_t col = x; col < rect.end_x && col < WIDTH; col++)
                {
                    left -= map[row][col] == 0;
                    map[row][col] = 1;
                }
            cogx_cover_add(cover, 0, &rect);
            CHECK(left == 0 || !cogx_cover_is_full(cover));
        }
        nfull += cogx_cover_is_full(cover);
        cogx_cover_free(cover);
    }
    CHECK(nfull > 200);
}

static void expects_blocks(void)
{
    struct cogx_cover *cover = cover_of(2);
    CHECK(!cogx_cover_expects(cover));
    cogx_cover_expect(cover, 1, 2, true);
    cogx_cover_expect(cover, 1, 2, true);
    cogx_cover_expect(cover, 0, 2, true);
    CHECK(cogx_cover_is_expected(cover, 1, 2));
    CHECK(!cogx_cover_is_expected(cover, 1, 1));
    cogx_cover_expect(cover, 1, 2, false);
    cogx_cover_expect(cover, 1, 0, false);
    CHECK(cogx_cover_expects(cover));
    CHECK(!cogx_cover_is_expected(cover, 1, 2));
    cogx_cover_expect(cover, 0, 2, false);
    CHECK(!cogx_cover_expects(cover));
    cogx_cover_free(cover);
}

static void survives_lack_of_memory(void)
{
    struct cogx_cover *cover = NULL;
    for (unsigned long nth = 1; nth <= 4; nth++)
    {
        pyr_alloc_fail_nth(nth);
        CHECK_INT(cogx_cover_new(WIDTH, HEIGHT, 2, 1, &cover), PYR_NOMEM);
        pyr_alloc_fail_nth(0);
    }
    cover = cover_of(1);
    for (uint32_t i = 0; i < WIDTH; i += 2)
    {
        const struct cogx_rect rect = {i, i % HEIGHT, i + 1, i % HEIGHT + 1};
        pyr_alloc_fail_nth(1);
        cogx_cover_add(cover, 0, &rect);
        pyr_alloc_fail_nth(0);
    }
    const struct cogx_rect all = {0, 0, WIDTH, HEIGHT};
    CHECK(!cogx_cover_is_full(cover));
    cogx_cover_add(cover, 0, &all);
    CHECK(cogx_cover_is_full(cover));
    cogx_cover_free(cover);
}

int main(void)
{
    RUN(fills_up_by_rows);
    RUN(takes_what_is_larger);
    RUN(fills_up_by_windows);
    RUN(is_never_full_too_early);
    RUN(expects_blocks);
    RUN(survives_lack_of_memory);
    return unit_report();
}
