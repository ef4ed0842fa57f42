/* SPDX-License-Identifier: MIT */
/* The rows engine: what can be done when. */
#include "pyr_rows_priv.h"

#include "pyr_alloc.h"

uint32_t pyr_rows_possible(const struct pyr_rows *rows, uint32_t level,
                           uint32_t ready)
{
    const uint32_t in_px = rows->options->sizes[level].height_px;
    const uint32_t out_px = rows->options->sizes[level + 1].height_px;
    uint32_t low = 0; /* these can be made */
    uint32_t high = out_px;
    if (ready == in_px)
        return out_px;
    while (low < high)
    {
        const uint32_t middle = low + (high - low) / 2;
        uint32_t first = 0;
        uint32_t end = 0;
        pyr_kernel_reach(&rows->rules[0], in_px, out_px, middle, 1, &first,
                         &end);
        if (end <= ready)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool add_work(struct pyr_rows *rows, struct pyr_rows_work work)
{
    if (rows->nworks == rows->capacity)
    {
        const size_t wanted = rows->capacity == 0 ? 64 : rows->capacity * 2;
        void *const grown =
            pyr_realloc(rows->works, wanted * sizeof(*rows->works));
        if (grown == NULL)
            return false;
        rows->works = grown;
        rows->capacity = wanted;
    }
    rows->works[rows->nworks++] = work;
    return true;
}

/* The end of the current row of tiles, in pixels. */
static uint32_t strip_end(const struct pyr_rows *rows,
                          const struct pyr_rows_level *level)
{
    return level->row + 1 == level->nrows
               ? level->size.height_px
               : (level->row + 1) * rows->tile_height_px;
}

static bool plan_encode(struct pyr_rows *rows, uint32_t number, bool *out_any)
{
    struct pyr_rows_level *const level = &rows->levels[number];
    const struct pyr_rows_strip *const strip = pyr_rows_current(level);
    for (uint32_t col = 0; col < level->ncols; col++)
    {
        const struct pyr_rows_work work = {
            .encode = true, .level = number, .col = col};
        if ((strip->holds[col] & PYR_HOLDS_BODY) != 0 && !add_work(rows, work))
            return false;
    }
    level->encoded = true;
    *out_any = true;
    return true;
}

/* Rows of the next level's strip, of what holds data: the others stay empty. */
static bool plan_reduce(struct pyr_rows *rows, uint32_t number, uint32_t end,
                        bool *out_any)
{
    struct pyr_rows_level *const next = &rows->levels[number + 1];
    struct pyr_rows_strip *const strip = pyr_rows_current(next);
    for (uint32_t col = 0; col < next->ncols; col++)
    {
        const struct pyr_rows_work work = {
            .level = number, .col = col, .first = next->ready, .end = end};
        bool all = false;
        const bool holds =
            pyr_rows_source_holds(rows, number, col, next->ready, end, &all);
        if (!holds && (strip->holds[col] & PYR_HOLDS_BODY) == 0)
            continue;
        if (!pyr_rows_need_block(rows, next, strip, col) ||
            !add_work(rows, work))
            return false;
    }
    next->ready = end;
    *out_any = true;
    return true;
}

/* What a level can do. *out_any: something was planned, if not work. Levels are
 * asked from the coarsest on, so that what is planned for a level's strip is
 * not seen there before the next plan, when it is done. */
static bool plan_level(struct pyr_rows *rows, uint32_t number, bool *out_any)
{
    struct pyr_rows_level *const level = &rows->levels[number];
    const bool last = number + 1 == rows->options->nlevels;
    bool busy = false;
    bool waits = false;
    if (level->ready != strip_end(rows, level))
        return true;
    if (!level->encoded && !plan_encode(rows, number, &busy))
        return false;
    if (!last)
    {
        const struct pyr_rows_level *const next = level + 1;
        const uint32_t possible = pyr_rows_possible(rows, number, level->ready);
        const uint32_t room = strip_end(rows, next);
        const uint32_t end = possible < room ? possible : room;
        if (next->ready < end && !plan_reduce(rows, number, end, &busy))
            return false;
        waits = next->ready < possible;
    }
    *out_any |= busy;
    /* The image's own strips follow on each other as they are read. */
    if (busy || waits || number == 0 || level->row + 1 == level->nrows)
        return true;
    *out_any = true;
    return pyr_rows_advance(rows, level);
}

enum pyr_result pyr_rows_plan(struct pyr_rows *rows)
{
    rows->nworks = 0;
    rows->next = 0;
    rows->ndone = 0;
    while (rows->nworks == 0)
    {
        bool any = false;
        for (uint32_t i = rows->options->nlevels; i-- > 0;)
            if (!plan_level(rows, i, &any))
                return PYR_NOMEM;
        if (!any)
        {
            rows->finished = true;
            break;
        }
    }
    return PYR_OK;
}
