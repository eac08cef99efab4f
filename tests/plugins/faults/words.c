/*
 * A score that says the wrong things of itself: -DFAULT_… says which. Sound as it stands.
 */
#include "compose_plugin.h"

#ifndef ID
#define ID "planted-words"
#endif
#ifndef KEY
#define KEY "weight"
#endif
#ifndef DOC
#define DOC "Multiplies."
#endif
#ifndef DEFAULT
#define DEFAULT 1
#endif
#ifndef MARK
#define MARK rate
#endif
#ifndef COUNT
#define COUNT 1
#endif
#ifndef MAJOR
#define MAJOR COMPOSE_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR COMPOSE_ABI_MINOR
#endif
#ifndef RESERVED
#define RESERVED 0
#endif
#ifndef ENTRY
#define ENTRY compose_plugin_entry
#endif

static const compose_setting settings[] = {
    {.key = KEY, .doc = DOC, .type = COMPOSE_FLOAT, .default_value = {.is_set = 1, .number = DEFAULT}, .min = 0,
     .max = 5},
};

static compose_status create(const compose_host *host, const compose_value *values, uint32_t count, void **out) {
    (void)count;
#ifdef FAULT_REFUSES_ITS_DEFAULTS
    host->set_error(host, "weight must be larger");
    return values[0].number > 4 ? COMPOSE_OK : COMPOSE_ERROR;
#endif
    (void)host;
    *out = (void *)(values[0].number > 2 ? settings : 0);
    return COMPOSE_OK;
}

static void destroy(void *instance) { (void)instance; }

static compose_status plan(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan) {
    (void)instance, (void)host, (void)scene;
    plan->bands[plan->band_count++] = 0;
    return COMPOSE_OK;
}

static compose_status rate(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *scores) {
    (void)host;
    for (int64_t row = 0; row < input->window.height; row++) {
        for (int64_t col = 0; col < input->window.width; col++) {
            compose_f32_out(scores, row)[col] = instance == 0 ? 1.0f : 2.0f;
        }
    }
    return COMPOSE_OK;
}

#define SCORE(id_) \
    {.about = {.id = id_, .version = "1.0.0", .summary = "Says the same of all pixels.", .settings = settings, \
               .setting_count = COUNT, .reserved = RESERVED}, \
     .create = create, .destroy = destroy, .plan = plan, .rate = MARK}

static const compose_score scores[] = {SCORE(ID), SCORE("planted-words")};

#ifdef TWO
static uint32_t count(void) { return 2; }
#else
static uint32_t count(void) { return 1; }
#endif
static const compose_score *get(uint32_t index) { return &scores[index]; }

static const void *get_factory(const char *id) {
    static const compose_score_factory factory = {count, get};
    return compose_same(id, COMPOSE_SCORES) ? &factory : 0;
}

COMPOSE_EXPORT const compose_entry ENTRY = {MAJOR, MINOR, get_factory};
