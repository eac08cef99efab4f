/*
 * A score: how much darker a pixel is than the mean of its neighbours. Sound as it stands; -DFAULT_… plants one
 * fault.
 */
#include "compose_plugin.h"

#include <math.h>
#include <stdlib.h>

struct score {
    uint32_t mark;
    int calls;
};

static compose_status create(const compose_host *host, const compose_value *values, uint32_t count, void **out) {
    (void)values, (void)count;
    struct score *score = calloc(1, sizeof *score);
    if (score == NULL) {
        host->set_error(host, "no memory");
        return COMPOSE_ERROR;
    }
    *out = score;
    return COMPOSE_OK;
}

static void destroy(void *instance) { free(instance); }

static compose_status plan(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan) {
    (void)instance, (void)host, (void)scene;
    plan->bands[plan->band_count++] = 0;
    if (scene->wanted_count > 1) {
        plan->bands[plan->band_count++] = 1;
    }
    plan->halo = 1;
#ifdef FAULT_STATIC_SUM
    plan->threads = COMPOSE_THREADS_PER_INSTANCE;
#else
    plan->threads = COMPOSE_THREADS_ANY;
#endif
#ifdef FAULT_NOT_DETERMINISTIC
    plan->deterministic = 0;
#endif
    return COMPOSE_OK;
}

#ifdef FAULT_STATIC_SUM
static volatile double sum;
#endif

static float one(const compose_plane *plane, int64_t row, int64_t col) {
#ifndef FAULT_STATIC_SUM
    double sum;
#endif
    int64_t count = 0;
    sum = 0;
    for (int64_t y = row - 1; y <= row + 1; y++) {
        for (int64_t x = col - 1; x <= col + 1; x++) {
            if ((y != row || x != col) && compose_valid_row(plane, y)[x]) {
                sum += compose_f32_row(plane, y)[x];
                count++;
            }
        }
    }
#ifdef FAULT_NAN_WITHOUT_NEIGHBOURS
    double mean = sum / (double)count;
#else
    double mean = count == 0 ? 0 : sum / (double)count;
#endif
    return (float)(mean - compose_f32_row(plane, row)[col]);
}

static compose_status rate(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *scores) {
    struct score *score = instance;
    const compose_plane *plane = &input->planes[0];
    (void)score;
    for (int64_t row = 0; row < input->window.height; row++) {
        if (host->cancelled(host)) {
            return COMPOSE_CANCELLED;
        }
        float *out = compose_f32_out(scores, row);
        for (int64_t col = 0; col < input->window.width; col++) {
            out[col] = compose_valid_row(plane, row)[col] ? one(plane, row, col) : -HUGE_VALF;
#ifdef FAULT_DRIFTS
            out[col] += (float)(score->calls / 8);
#endif
        }
#ifdef FAULT_SKIPS_EVERY_FIFTH_ROW
        if ((input->window.row + row) % 5 == 0) {
            for (int64_t col = 0; col < input->window.width; col++) {
                out[col] = NAN;
            }
        }
#endif
#ifdef FAULT_IGNORES_VALID_STRIDE
        for (int64_t col = 0; col < input->window.width; col++) {
            out[col] += plane->valid[row * input->window.width + col];
        }
#endif
    }
    score->calls++;
    return COMPOSE_OK;
}

static const compose_score score = {
    .about = {.id = "planted-score", .version = "1.0.0", .summary = "Rates how dark a pixel is."},
    .create = create,
    .destroy = destroy,
    .plan = plan,
    .rate = rate,
};

static uint32_t count(void) { return 1; }
static const compose_score *get(uint32_t index) { return index == 0 ? &score : NULL; }

static const void *get_factory(const char *id) {
    static const compose_score_factory factory = {count, get};
    return compose_same(id, COMPOSE_SCORES) ? &factory : NULL;
}

const compose_entry compose_plugin_entry = {COMPOSE_ABI_MAJOR, COMPOSE_ABI_MINOR, get_factory};
