/* SPDX-License-Identifier: MIT */
/* Which pixels of a tile have been written: what is missing, as rectangles. */
#include "cogx_cover.h"

#include "pyr_alloc.h"

#include <string.h>

/* Of a band; more are not kept apart. */
#define MOST_RECTS 64u
#define FIRST_RECTS 4u

/* What is missing of a band: rects[count], which do not overlap. */
struct missing
{
    struct cogx_rect *rects;
    uint32_t count;
    uint32_t room;
};

struct cogx_cover
{
    uint32_t bands;
    uint32_t nblocks;
    uint32_t nmissing; /* bands of which something is */
    size_t nexpected;
    bool *expected; /* [bands][nblocks] */
    struct missing missing[];
};

enum pyr_result cogx_cover_new(uint32_t width_px, uint32_t height_px,
                               uint32_t bands, uint32_t nblocks,
                               struct cogx_cover **out_cover)
{
    const struct cogx_rect all = {0, 0, width_px, height_px};
    struct cogx_cover *cover = pyr_calloc(
        1, sizeof(*cover) + (size_t)bands * sizeof(cover->missing[0]));
    if (!cover)
        return PYR_NOMEM;
    cover->bands = bands;
    cover->nblocks = nblocks;
    cover->nmissing = bands;
    cover->expected =
        pyr_calloc((size_t)bands * nblocks, sizeof(*cover->expected));
    if (!cover->expected)
    {
        cogx_cover_free(cover);
        return PYR_NOMEM;
    }
    for (uint32_t i = 0; i < bands; i++)
    {
        struct missing *missing = &cover->missing[i];
        missing->rects = pyr_malloc(FIRST_RECTS * sizeof(all));
        if (!missing->rects)
        {
            cogx_cover_free(cover);
            return PYR_NOMEM;
        }
        missing->rects[0] = all;
        missing->count = 1;
        missing->room = FIRST_RECTS;
    }
    *out_cover = cover;
    return PYR_OK;
}

void cogx_cover_free(struct cogx_cover *cover)
{
    for (uint32_t i = 0; cover && i < cover->bands; i++)
        pyr_free(cover->missing[i].rects);
    if (cover)
        pyr_free(cover->expected);
    pyr_free(cover);
}

static bool meet(const struct cogx_rect *left, const struct cogx_rect *right)
{
    return left->px_x < right->end_x && right->px_x < left->end_x &&
           left->px_y < right->end_y && right->px_y < left->end_y;
}

/* What is left of a rectangle that another one meets: above, below, left and
 * right of it. Returns how many. */
static uint32_t cut(const struct cogx_rect *whole, const struct cogx_rect *hole,
                    struct cogx_rect out[4])
{
    const uint32_t top = hole->px_y > whole->px_y ? hole->px_y : whole->px_y;
    const uint32_t bottom =
        hole->end_y < whole->end_y ? hole->end_y : whole->end_y;
    uint32_t count = 0;

    if (whole->px_y < top)
        out[count++] =
            (struct cogx_rect){whole->px_x, whole->px_y, whole->end_x, top};
    if (bottom < whole->end_y)
        out[count++] =
            (struct cogx_rect){whole->px_x, bottom, whole->end_x, whole->end_y};
    if (whole->px_x < hole->px_x)
        out[count++] = (struct cogx_rect){whole->px_x, top, hole->px_x, bottom};
    if (hole->end_x < whole->end_x)
        out[count++] =
            (struct cogx_rect){hole->end_x, top, whole->end_x, bottom};
    return count;
}

/* Replaces a rectangle by parts of it; false where there is no room. */
static bool replace(struct missing *missing, uint32_t number,
                    const struct cogx_rect *parts, uint32_t nparts)
{
    const uint32_t count = missing->count - 1 + nparts;

    if (count > missing->room)
    {
        const uint32_t room = 2 * missing->room;
        struct cogx_rect *rects =
            count > MOST_RECTS
                ? NULL
                : pyr_realloc(missing->rects, room * sizeof(*rects));
        if (!rects)
            return false;
        missing->rects = rects;
        missing->room = room;
    }
    missing->rects[number] = missing->rects[--missing->count];
    for (uint32_t i = 0; i < nparts; i++)
        missing->rects[missing->count++] = parts[i];
    return true;
}

void cogx_cover_add(struct cogx_cover *cover, uint32_t band,
                    const struct cogx_rect *rect)
{
    struct missing *missing = &cover->missing[band];

    /* From the last on: what is added, or takes a place, was looked at. */
    for (uint32_t i = missing->count; i-- > 0;)
    {
        struct cogx_rect parts[4];
        const struct cogx_rect whole = missing->rects[i];
        if (meet(&whole, rect))
            (void)replace(missing, i, parts, cut(&whole, rect, parts));
        if (missing->count == 0)
            cover->nmissing--;
    }
}

void cogx_cover_expect(struct cogx_cover *cover, uint32_t band, uint32_t block,
                       bool expected)
{
    bool *now = &cover->expected[(size_t)band * cover->nblocks + block];

    if (expected && !*now)
        cover->nexpected++;
    if (!expected && *now)
        cover->nexpected--;
    *now = expected;
}

bool cogx_cover_is_expected(const struct cogx_cover *cover, uint32_t band,
                            uint32_t block)
{
    return cover->expected[(size_t)band * cover->nblocks + block];
}

bool cogx_cover_is_full(const struct cogx_cover *cover)
{
    return cover->nmissing == 0;
}

bool cogx_cover_expects(const struct cogx_cover *cover)
{
    return cover->nexpected > 0;
}
