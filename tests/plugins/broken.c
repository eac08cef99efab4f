/* A mask rule, a score and a fill strategy that do little, and that -D breaks in one way each. */
#include "compose_plugin.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef MAJOR
#define MAJOR COMPOSE_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR COMPOSE_ABI_MINOR
#endif
#ifndef MASK_ID
#define MASK_ID "broken-mask"
#endif
#ifndef HALO
#define HALO 0
#endif
#ifndef BAND
#define BAND 0
#endif

static int instance_of_all;

static compose_status create(const compose_host *host, const compose_value *values, uint32_t count, void **instance) {
    (void)host;
    (void)values;
    (void)count;
#ifdef REFUSE_SETTINGS
    host->set_error(host, "limit and level do not go together");
    return COMPOSE_ERROR;
#endif
    *instance = &instance_of_all;
    return COMPOSE_OK;
}

static void destroy(void *instance) {
    (void)instance;
}

static compose_status plan(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan) {
    (void)instance;
    (void)host;
    (void)scene;
#ifdef OWN_ARRAY
    static uint32_t mine[1] = {1};
    plan->bands = mine;
#else
    plan->bands[0] = BAND;
#endif
    plan->band_count = 1;
#ifdef BAND_COUNT
    plan->band_count = BAND_COUNT;
#endif
    plan->halo = HALO;
#ifdef NOT_DETERMINISTIC
    plan->deterministic = 0;
#endif
#ifdef THREADS
    plan->threads = THREADS;
#endif
    return COMPOSE_OK;
}

static compose_status mark(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *marks) {
    (void)instance;
    (void)host;
#ifdef FAIL
    host->set_error(host, "the model file is missing");
    return COMPOSE_ERROR;
#endif
#ifdef FAIL_SILENTLY
    return 7;
#endif
#ifdef CANCEL
    return COMPOSE_CANCELLED;
#endif
#ifdef EXIT
    exit(0);
#endif
#ifdef MISSING_SYMBOL
    extern int compose_test_nowhere(void);
    compose_test_nowhere();
#endif
#ifdef LOG
    host->log(host, COMPOSE_LOG_WARNING, "the band is very dark");
#endif
#ifdef SLOW
    sleep(10);
#endif
#ifdef PATIENT
    for (int i = 0; i < 300 && !host->cancelled(host); i++) {
        usleep(10000);
    }
    if (host->cancelled(host)) {
        return COMPOSE_CANCELLED;
    }
#endif
    for (int64_t row = 0; row < input->window.height; row++) {
        uint8_t *out = compose_u8_out(marks, row);
        for (int64_t col = 0; col < input->window.width; col++) {
#ifdef SKIP
            if (input->window.col + col == 2 && input->window.row + row == 1) {
                continue;
            }
#endif
#ifdef MARK
            out[col] = MARK;
#else
            out[col] = 0;
#endif
        }
    }
#ifdef BEYOND
    compose_u8_out(marks, input->window.height)[0] = 1;
#endif
    return COMPOSE_OK;
}

static compose_status rate(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *scores) {
    (void)instance;
    (void)host;
    for (int64_t row = 0; row < input->window.height; row++) {
        for (int64_t col = 0; col < input->window.width; col++) {
#ifdef SCORE
            compose_f32_out(scores, row)[col] = SCORE;
#else
            compose_f32_out(scores, row)[col] = compose_f32_row(&input->planes[0], row)[col];
#endif
        }
    }
    return COMPOSE_OK;
}

static compose_status plan_fill(void *instance, const compose_host *host, const compose_stack *stack,
                                compose_fill_plan *plan) {
    (void)instance;
    (void)host;
    (void)stack;
    (void)plan;
#ifdef OWN_DONORS
    static uint32_t mine[1] = {1};
    plan->donors = mine;
    plan->donor_count = 1;
#endif
#ifdef DONOR_COUNT
    plan->donor_count = DONOR_COUNT;
#endif
#ifdef DONOR
    plan->donors[0] = DONOR;
    plan->donor_count = 1;
#endif
#ifdef FILL_HALO
    plan->halo = FILL_HALO;
#endif
#ifdef ONE_BY_ONE
    plan->temporal = COMPOSE_ONE_BY_ONE;
#endif
    return COMPOSE_OK;
}

static compose_status fill(void *instance, const compose_host *host, const compose_fill_input *input,
                           const compose_fill_output *output) {
    (void)instance;
#ifdef FILL_FAIL
    host->set_error(host, "singular system");
    return COMPOSE_ERROR;
#else
    (void)host;
#endif
    for (int64_t row = 0; row < input->window.height; row++) {
        for (int64_t col = 0; col < input->window.width; col++) {
#ifdef VALUE
            compose_f32_out(&output->values[0], row)[col] = VALUE;
#endif
#ifdef SOURCE
            compose_u32_out(&output->sources[0], row)[col] = SOURCE;
#endif
        }
    }
    return COMPOSE_OK;
}

static const char *const choices[] = {"low", "high"};

static const compose_setting settings[] = {
    {.key = "limit", .doc = "A number.", .type = COMPOSE_FLOAT, .default_value = {.is_set = 1, .number = 5}, .min = 0, .max = 10},
    {.key = "level", .doc = "A word.", .type = COMPOSE_CHOICE, .default_value = {.is_set = 1}, .choices = choices, .choice_count = 2},
    {.key = "band", .doc = "A band.", .type = COMPOSE_BAND},
    {.key = "months", .doc = "A list.", .type = COMPOSE_LIST, .element = COMPOSE_INT, .min = 1, .max = 12},
#ifdef RESERVED_KEY
    {.key = "grow", .doc = "A key that there is already.", .type = COMPOSE_INT},
#endif
};

static const compose_mask_rule mask_rule = {
    .about = {.id = MASK_ID, .version = "1.2.3", .summary = "Marks nothing.", .settings = settings,
              .setting_count = sizeof settings / sizeof *settings},
    .create = create,
    .destroy = destroy,
    .plan = plan,
#ifndef NULL_MARK
    .mark = mark,
#endif
};

static const compose_score score = {
    .about = {.id = "broken-score", .version = "1.2.3", .summary = "Rates by the first band."},
    .create = create,
    .destroy = destroy,
    .plan = plan,
    .rate = rate,
};

static const compose_fill fill_kind = {
    .about = {.id = "broken-fill", .version = "1.2.3", .summary = "Fills nothing."},
    .create = create,
    .destroy = destroy,
    .plan = plan_fill,
    .fill = fill,
};

#ifndef KINDS
#define KINDS 1
#endif

static uint32_t count(void) {
    return KINDS;
}

static const compose_mask_rule *get_mask_rule(uint32_t index) {
    (void)index;
    return &mask_rule;
}

static const compose_score *get_score(uint32_t index) {
    (void)index;
    return &score;
}

static const compose_fill *get_fill(uint32_t index) {
    (void)index;
    return &fill_kind;
}

static const compose_mask_factory mask_rules = {count, get_mask_rule};
static const compose_score_factory scores = {count, get_score};
static const compose_fill_factory fills = {count, get_fill};

static const void *get_factory(const char *id) {
#ifdef NOTHING
    (void)id;
    return NULL;
#else
    return compose_same(id, COMPOSE_MASK_RULES) ? (const void *)&mask_rules
           : compose_same(id, COMPOSE_SCORES)   ? (const void *)&scores
           : compose_same(id, COMPOSE_FILLS)    ? (const void *)&fills
                                                : NULL;
#endif
}

const compose_entry compose_plugin_entry = {MAJOR, MINOR,
#ifdef NULL_FACTORY
                                                           NULL
#else
                                                           get_factory
#endif
};
