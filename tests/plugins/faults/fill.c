/*
 * A fill: the mean of what donors see of a pixel; where only one does, its own pixel. Sound as it stands;
 * -DFAULT_… plants one fault, -DONE_BY_ONE takes the first donor that sees a pixel instead.
 */
#include "compose_plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static compose_status create(const compose_host *host, const compose_value *values, uint32_t count, void **out) {
    (void)host, (void)values, (void)count;
    *out = NULL;
    return COMPOSE_OK;
}

static void destroy(void *instance) { (void)instance; }

static compose_status plan(void *instance, const compose_host *host, const compose_stack *stack,
                           compose_fill_plan *plan) {
    (void)instance, (void)host, (void)stack;
    plan->threads = COMPOSE_THREADS_ANY;
#ifdef ONE_BY_ONE
    plan->temporal = COMPOSE_ONE_BY_ONE;
#endif
#ifdef FAULT_ASKS_FOR_THE_TARGET
    for (uint32_t d = 0; d < stack->scene_count; d++) {
        plan->donors[d] = d;
    }
    plan->donor_count = stack->scene_count;
#endif
#ifdef FAULT_ASKS_FOR_NOTHING
    plan->donor_count = 0;
#endif
    return COMPOSE_OK;
}

/* How many donors see the pixel in all of these bands, and the last of them. */
static uint32_t seen(const compose_fill_input *input, uint32_t plane, int64_t row, int64_t col, uint32_t *last) {
    uint32_t count = 0;
    for (uint32_t d = 0; d < input->donor_count; d++) {
        if (compose_valid_row(&input->donors[d].planes[plane], row)[col]) {
            *last = d;
            count++;
        }
    }
    return count;
}

static float mean(const compose_fill_input *input, uint32_t plane, uint32_t band, int64_t row, int64_t col) {
    double sum = 0;
    uint32_t count = 0;
    for (uint32_t d = 0; d < input->donor_count; d++) {
#ifndef FAULT_READS_INVALID
        if (compose_valid_row(&input->donors[d].planes[plane], row)[col])
#endif
        {
            sum += compose_f32_row(&input->donors[d].planes[band], row)[col];
            count++;
        }
    }
    return (float)(sum / (double)count);
}

static void pixel(const compose_fill_input *input, const compose_fill_output *out, uint32_t plane, int64_t row,
                  int64_t col) {
    uint32_t joint = input->stack->joint;
    uint32_t first = joint ? 0 : plane, end = joint ? input->stack->band_count : plane + 1, last = 0;
    uint32_t *source = &compose_u32_out(&out->sources[plane], row)[col];
    switch (seen(input, plane, row, col, &last)) {
#ifdef FAULT_NAN_WITHOUT_DONORS
    case 0:
        break;
#else
    case 0:
        return;
#endif
    case 1:
        *source = last;
#ifdef FAULT_DONOR_99
        *source = 99;
#endif
        return;
    default:
        break;
    }
#ifdef FAULT_NAMES_A_BLIND_DONOR
    *source = 0;
    return;
#endif
    *source = COMPOSE_COMPUTED;
    for (uint32_t band = first; band < end; band++) {
        float value = mean(input, plane, band, row, col);
#ifdef FAULT_TAKES_DONORS_FOR_THE_PLANNED_ONES
        value += (float)input->donor_count;
#endif
#ifdef FAULT_WRITES_INFINITY
        value = col % 7 == 0 ? HUGE_VALF : value;
#endif
#ifdef FAULT_FORGETS_A_BAND
        if (band == 1 && joint) {
            continue;
        }
#endif
        compose_f32_out(&out->values[band], row)[col] = value;
    }
}

static compose_status fill(void *instance, const compose_host *host, const compose_fill_input *input,
                           const compose_fill_output *out) {
    (void)instance;
#ifdef FAULT_CRASHES_WITHOUT_DONORS
    if (input->donor_count == 0) {
        *(volatile int *)NULL = 1;
    }
#endif
#ifdef FAULT_SHARED_COUNTER
    static uint32_t calls;
    calls++;
#endif
    for (uint32_t plane = 0; plane < input->gap_count; plane++) {
        for (int64_t row = 0; row < input->window.height; row++) {
            if (host->cancelled(host)) {
                return COMPOSE_CANCELLED;
            }
            const uint8_t *gaps = compose_u8_row(&input->gaps[plane], row);
            for (int64_t col = 0; col < input->window.width; col++) {
#ifdef FAULT_LOOKS_AT_OTHER_GAPS
                if (col > 0 && gaps[col] && gaps[col - 1]) {
                    continue;
                }
#endif
                if (gaps[col]) {
                    pixel(input, out, plane, row, col);
                }
            }
#ifdef FAULT_CHANGES_THE_GAPS
            memset((void *)gaps, 0, 1);
#endif
#ifdef FAULT_SOURCES_WITHOUT_STRIDE
            ((uint32_t *)out->sources[plane].data)[row * input->window.width] = COMPOSE_GAP;
#endif
#ifdef FAULT_VALUES_TOO_LONG
            compose_f32_out(&out->values[0], row)[input->window.width] = 1.0f;
#endif
#ifdef FAULT_SHARED_COUNTER
            compose_u32_out(&out->sources[plane], row)[0] = calls % 3 == 0 ? COMPOSE_GAP : 0;
#endif
        }
    }
    return COMPOSE_OK;
}

static const compose_fill strategy = {
    .about = {.id = "planted-fill", .version = "1.0.0", .summary = "Takes the mean."},
    .create = create,
    .destroy = destroy,
    .plan = plan,
    .fill = fill,
};

static uint32_t count(void) { return 1; }
static const compose_fill *get(uint32_t index) { return index == 0 ? &strategy : NULL; }

static const void *get_factory(const char *id) {
    static const compose_fill_factory factory = {count, get};
    return compose_same(id, COMPOSE_FILLS) ? &factory : NULL;
}

const compose_entry compose_plugin_entry = {COMPOSE_ABI_MAJOR, COMPOSE_ABI_MINOR, get_factory};
