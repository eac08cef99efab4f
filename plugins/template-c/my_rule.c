/*
 * my-rule: a mask rule for compose.
 *
 * It marks a pixel where the mean reflectance of the pixels around it is larger than a limit. Change it from top to
 * bottom: settings, plan, mark. compose_plugin.h says everything else.
 */
#include "compose_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- 1. settings: the keys of the rules file. compose checks types and ranges before `create`. ---- */

enum { BAND, LIMIT, SETTING_COUNT };

static const compose_setting settings[SETTING_COUNT] = {
    [BAND] = {.key = "band",
              .doc = "The band to read.",
              .type = COMPOSE_BAND,
              .required = 1},
    [LIMIT] = {.key = "limit",
               .doc = "Pixels with a larger mean reflectance are marked.",
               .type = COMPOSE_FLOAT,
               .default_value = {.is_set = 1, .number = 0.3},
               .min = 0.0,
               .max = 1.0},
};

/* Pixels that are looked at on each side: 1 is a square of 3 by 3. */
enum { RADIUS = 1 };

/* What one scene needs: made by `create`, completed by `plan`, then only read. */
struct my_rule {
    char *band;
    double limit;
    double scale;
    double offset;
};

static void destroy(void *instance) {
    struct my_rule *self = instance;
    if (self != NULL) {
        free(self->band);
        free(self);
    }
}

static compose_status create(const compose_host *host, const compose_value *values, uint32_t count,
                             void **instance) {
    (void)count; /* as many as are declared */
    struct my_rule *self = calloc(1, sizeof *self);
    char *band = malloc(strlen(values[BAND].text) + 1);
    if (self == NULL || band == NULL) {
        free(self);
        free(band);
        host->set_error(host, "out of memory");
        return COMPOSE_ERROR;
    }
    /* Texts are copied: those of `values` are gone when this returns. */
    self->band = strcpy(band, values[BAND].text);
    self->limit = values[LIMIT].number;
    *instance = self;
    return COMPOSE_OK;
}

/* ---- 2. plan: which bands are read, and how far around a pixel. No pixel has been read yet. ---- */

static compose_status plan(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan) {
    struct my_rule *self = instance;
    int32_t index = compose_find_band(scene, self->band);
    if (index < 0 || scene->bands[index].role != COMPOSE_DATA || !scene->bands[index].has_scale) {
        char message[256];
        snprintf(message, sizeof message, "band \"%s\" is no measurement of known scale", self->band);
        host->set_error(host, message);
        return COMPOSE_ERROR;
    }
    self->scale = scene->bands[index].scale;
    self->offset = scene->bands[index].offset;
    plan->bands[0] = (uint32_t)index;
    plan->band_count = 1;
    plan->halo = RADIUS;
    /* `mark` only reads the instance, so that any number of threads may be in it. */
    plan->threads = COMPOSE_THREADS_ANY;
    return COMPOSE_OK;
}

/* ---- 3. mark: 1 or 0 for every pixel of a block. ---- */

/* Whether the pixel at (row, col) is to be marked. Row and column may be RADIUS pixels outside the block. */
static int is_marked(const struct my_rule *self, const compose_plane *plane, int64_t row, int64_t col) {
    double sum = 0.0;
    int count = 0;
    for (int64_t r = row - RADIUS; r <= row + RADIUS; r++) {
        const float *samples = compose_f32_row(plane, r);
        const uint8_t *valid = compose_valid_row(plane, r);
        for (int64_t c = col - RADIUS; c <= col + RADIUS; c++) {
            /* A sample that is not valid (nodata, outside the scene) is arbitrary. */
            if (valid[c] == 1) {
                sum += samples[c] * self->scale + self->offset;
                count++;
            }
        }
    }
    return compose_valid_row(plane, row)[col] == 1 && sum > self->limit * count;
}

static compose_status mark(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *marks) {
    const struct my_rule *self = instance;
    for (int64_t row = 0; row < input->window.height; row++) {
        if (host->cancelled(host)) {
            return COMPOSE_CANCELLED;
        }
        uint8_t *out = compose_u8_out(marks, row);
        for (int64_t col = 0; col < input->window.width; col++) {
            out[col] = (uint8_t)is_marked(self, &input->planes[0], row, col);
        }
    }
    return COMPOSE_OK;
}

/* ---- 4. what the library has: one mask rule. ---- */

static const compose_mask_rule rule = {
    .about = {.id = "my-rule",
              .version = "0.1.0",
              .summary = "Marks pixels whose surroundings are brighter than a limit.",
              .settings = settings,
              .setting_count = SETTING_COUNT},
    .create = create,
    .destroy = destroy,
    .plan = plan,
    .mark = mark,
};

static uint32_t count(void) {
    return 1;
}

static const compose_mask_rule *get(uint32_t index) {
    return index == 0 ? &rule : NULL;
}

static const compose_mask_factory rules = {.count = count, .get = get};

static const void *get_factory(const char *id) {
    return compose_same(id, COMPOSE_MASK_RULES) ? &rules : NULL;
}

/* The one symbol that compose looks for. */
const compose_entry compose_plugin_entry = {COMPOSE_ABI_MAJOR, COMPOSE_ABI_MINOR, get_factory};
