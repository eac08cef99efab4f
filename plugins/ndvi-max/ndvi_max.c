/*
 * ndvi-max: a score for compose, the greenest look.
 *
 * NDVI = (nir - red) / (nir + red), Rouse et al. 1974, "Monitoring vegetation systems in the Great Plains with
 * ERTS", NASA SP-351. Cloud, haze and shadow make it smaller, so that the largest of many looks is a clear one:
 * Holben 1986, doi:10.1080/01431168608948945.
 */
#include "compose_plugin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Settings, in the order in which `create` gets their values. */
enum { RED, NIR, UNSCALED, SETTING_COUNT };

static const compose_setting settings[SETTING_COUNT] = {
    [RED] = {.key = "red",
             .doc = "The red band.",
             .type = COMPOSE_BAND,
             .default_value = {.is_set = 1, .text = "red"}},
    [NIR] = {.key = "nir",
             .doc = "The near-infrared band.",
             .type = COMPOSE_BAND,
             .default_value = {.is_set = 1, .text = "nir"}},
    [UNSCALED] = {.key = "unscaled",
                  .doc = "Take a band whose scale is not known as it is stored, instead of refusing it.",
                  .type = COMPOSE_BOOL,
                  .default_value = {.is_set = 1, .integer = 0}},
};

/* physical value = sample * scale + offset */
struct line {
    double scale;
    double offset;
};

struct ndvi {
    char *red;
    char *nir;
    int unscaled;
    struct line of_red;
    struct line of_nir;
};

/* ---- before pixels ---- */

/* Texts of settings are compose's own and go when `create` returns, so they are copied. */
static char *copy_text(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

static void destroy(void *instance) {
    struct ndvi *self = instance;
    if (self != NULL) {
        free(self->red);
        free(self->nir);
        free(self);
    }
}

static compose_status create(const compose_host *host, const compose_value *values, uint32_t count,
                             void **instance) {
    (void)count; /* compose passes one value for each setting that is declared */
    struct ndvi *self = calloc(1, sizeof *self);
    if (self != NULL) {
        self->red = copy_text(values[RED].text);
        self->nir = copy_text(values[NIR].text);
        self->unscaled = values[UNSCALED].integer != 0;
    }
    if (self == NULL || self->red == NULL || self->nir == NULL) {
        destroy(self);
        host->set_error(host, "out of memory");
        return COMPOSE_ERROR;
    }
    *instance = self;
    return COMPOSE_OK;
}

static compose_status refuse(const compose_host *host, const char *band, const char *why) {
    char message[512];
    snprintf(message, sizeof message, "band \"%s\" %s", band, why);
    host->set_error(host, message);
    return COMPOSE_ERROR;
}

/* Finds a band, asks for it, and keeps what its numbers mean. NDVI does not change with a common scale, but it
   does with an offset: without either it would be a number that looks right and is not. */
static compose_status plan_band(const struct ndvi *self, const compose_host *host, const compose_scene *scene,
                                const char *name, compose_scene_plan *plan, struct line *line) {
    int32_t index = compose_find_band(scene, name);
    if (index < 0) {
        return refuse(host, name, "is not in the scene");
    }
    const compose_band *band = &scene->bands[index];
    if (band->role != COMPOSE_DATA) {
        return refuse(host, name, "holds codes, no measurements");
    }
    if (!band->has_scale && !self->unscaled) {
        return refuse(host, name,
                      "has no known scale and offset, on which NDVI depends; say scale and offset in [scenes], or "
                      "unscaled = true to take the numbers as they are stored");
    }
    line->scale = band->has_scale ? band->scale : 1.0;
    line->offset = band->has_scale ? band->offset : 0.0;
    plan->bands[plan->band_count++] = (uint32_t)index;
    return COMPOSE_OK;
}

static compose_status plan(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan) {
    struct ndvi *self = instance;
    if (plan_band(self, host, scene, self->red, plan, &self->of_red) != COMPOSE_OK ||
        plan_band(self, host, scene, self->nir, plan, &self->of_nir) != COMPOSE_OK) {
        return COMPOSE_ERROR;
    }
    /* Two names may mean one band, and no band may be asked for twice. */
    if (plan->bands[0] == plan->bands[1]) {
        return refuse(host, self->nir, "is taken for red and for nir");
    }
    /* `rate` only reads what is kept here. */
    plan->threads = COMPOSE_THREADS_ANY;
    return COMPOSE_OK;
}

/* ---- pixels ---- */

static float ndvi(double red, double nir) {
    double sum = nir + red;
    if (!(sum > 0.0)) {
        return -HUGE_VALF;
    }
    double index = (nir - red) / sum;
    /* A reflectance that noise has put below 0 leads beyond 1 and -1, and would win over every real one. */
    return (float)(index > 1.0 ? 1.0 : index < -1.0 ? -1.0 : index);
}

static compose_status rate(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *scores) {
    const struct ndvi *self = instance;
    for (int64_t row = 0; row < input->window.height; row++) {
        if (host->cancelled(host)) {
            return COMPOSE_CANCELLED;
        }
        /* Planes come in the order in which `plan` asked for bands. Where one of them is not valid anything may
           be written, so that no look at `valid` is needed. */
        const float *red = compose_f32_row(&input->planes[0], row);
        const float *nir = compose_f32_row(&input->planes[1], row);
        float *out = compose_f32_out(scores, row);
        for (int64_t col = 0; col < input->window.width; col++) {
            out[col] = ndvi(red[col] * self->of_red.scale + self->of_red.offset,
                            nir[col] * self->of_nir.scale + self->of_nir.offset);
        }
    }
    return COMPOSE_OK;
}

/* ---- what the library has ---- */

static const compose_score score = {
    .about = {.id = "ndvi-max",
              .version = "1.0.0",
              .summary = "Rates a pixel by its NDVI: the greener, the better.",
              .settings = settings,
              .setting_count = SETTING_COUNT},
    .create = create,
    .destroy = destroy,
    .plan = plan,
    .rate = rate,
};

static uint32_t count(void) {
    return 1;
}

static const compose_score *get(uint32_t index) {
    return index == 0 ? &score : NULL;
}

static const compose_score_factory scores = {.count = count, .get = get};

static const void *get_factory(const char *id) {
    return compose_same(id, COMPOSE_SCORES) ? &scores : NULL;
}

const compose_entry compose_plugin_entry = {COMPOSE_ABI_MAJOR, COMPOSE_ABI_MINOR, get_factory};
