/* A mask rule that trusts the host to refuse a band that a scene does not have, as it may. */
#include "compose_plugin.h"

#include <stdlib.h>
#include <string.h>

struct above {
    double limit;
    char band[64];
};

static compose_status create(const compose_host *host, const compose_value *values, uint32_t count, void **instance) {
    struct above *self = calloc(1, sizeof *self);
    (void)host;
    (void)count;
    strncpy(self->band, values[0].text, sizeof self->band - 1);
    self->limit = values[1].number;
    *instance = self;
    return COMPOSE_OK;
}

static compose_status plan(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan) {
    const struct above *self = instance;
    (void)host;
    plan->bands[0] = (uint32_t)compose_find_band(scene, self->band);
    plan->band_count = 1;
    return COMPOSE_OK;
}

static compose_status mark(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *marks) {
    const struct above *self = instance;
    const compose_plane *plane = &input->planes[0];
    for (int64_t row = 0; row < input->window.height; row++) {
        for (int64_t col = 0; col < input->window.width; col++) {
            int valid = compose_valid_row(plane, row)[col];
            /* A setting of type band may name codes as well. */
            double number = plane->type == COMPOSE_F32 ? (double)compose_f32_row(plane, row)[col]
                                                       : (double)compose_u32_row(plane, row)[col];
            compose_u8_out(marks, row)[col] = valid && number > self->limit;
        }
    }
    return host->cancelled(host) ? COMPOSE_CANCELLED : COMPOSE_OK;
}

static const compose_setting settings[] = {
    {.key = "band", .doc = "The band.", .type = COMPOSE_BAND, .required = 1},
    {.key = "limit", .doc = "Larger numbers are marked.", .type = COMPOSE_FLOAT, .default_value = {.is_set = 1, .number = 900}},
};

static const compose_mask_rule rule = {
    .about = {.id = "planted-band", .version = "1.0.0", .summary = "Marks numbers above a limit.", .settings = settings,
              .setting_count = 2},
    .create = create,
    .destroy = free,
    .plan = plan,
    .mark = mark,
};

static uint32_t count(void) {
    return 1;
}

static const compose_mask_rule *get(uint32_t index) {
    return index == 0 ? &rule : NULL;
}

static const compose_mask_factory rules = {count, get};

static const void *get_factory(const char *id) {
    return compose_same(id, COMPOSE_MASK_RULES) ? &rules : NULL;
}

const compose_entry compose_plugin_entry = {COMPOSE_ABI_MAJOR, COMPOSE_ABI_MINOR, get_factory};
