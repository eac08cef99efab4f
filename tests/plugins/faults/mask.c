/*
 * A mask rule: marks pixels that are brighter than `limit` in the mean of their neighbours. Sound as it stands;
 * -DFAULT_… plants one fault.
 */
#include "compose_plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAND, LIMIT, RADIUS, MODE };

static const char *const modes[] = {"mean", "first"};

static const compose_setting settings[] = {
    [BAND] = {.key = "band", .doc = "The band to read.", .type = COMPOSE_BAND,
              .default_value = {.is_set = 1, .text = "red"}},
    [LIMIT] = {.key = "limit", .doc = "Brighter pixels are marked (reflectance).", .type = COMPOSE_FLOAT,
               .default_value = {.is_set = 1, .number = 0.3}, .min = 0, .max = 1},
    [RADIUS] = {.key = "radius", .doc = "Pixels looked at on each side.", .type = COMPOSE_INT,
                .default_value = {.is_set = 1, .integer = 2}, .min = 0, .max = 20},
    [MODE] = {.key = "mode", .doc = "What is compared.", .type = COMPOSE_CHOICE,
              .default_value = {.is_set = 1, .count = 0}, .choice_count = 2, .choices = modes},
};

struct rule {
    char band[64];
    const char *lent;
    double limit;
    int64_t radius;
    uint32_t mode;
    float sample_limit;
    int calls;
};

static compose_status refuse(const compose_host *host, const char *why) {
    host->set_error(host, why);
    return COMPOSE_ERROR;
}

static compose_status create(const compose_host *host, const compose_value *values, uint32_t count, void **out) {
    (void)count;
#ifdef FAULT_CRASH_AT_THE_LARGEST_RADIUS
    if (values[RADIUS].integer == 20) {
        abort();
    }
#endif
    if (strlen(values[BAND].text) > 63) {
        return refuse(host, "the band's name is too long");
    }
    struct rule *rule = calloc(1, sizeof *rule);
    if (rule == NULL) {
        return refuse(host, "no memory");
    }
    strcpy(rule->band, values[BAND].text);
    rule->lent = values[BAND].text;
    rule->limit = values[LIMIT].number;
    rule->radius = values[RADIUS].integer;
    rule->mode = values[MODE].count;
    *out = rule;
    return COMPOSE_OK;
}

static void destroy(void *instance) {
#ifdef FAULT_FREES_TWICE
    free(instance);
#endif
    free(instance);
}

static compose_status plan(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan) {
    struct rule *rule = instance;
#ifdef FAULT_REFUSES_EVERYTHING
    (void)rule, (void)scene, (void)plan;
    return refuse(host, "needs the moon");
#endif
#ifdef FAULT_KEEPS_TEXT
    int32_t band = compose_find_band(scene, rule->lent);
#else
    int32_t band = compose_find_band(scene, rule->band);
#endif
    if (band < 0) {
        return refuse(host, "there is no such band");
    }
    const compose_band *facts = &scene->bands[band];
    if (!facts->has_scale || facts->role != COMPOSE_DATA) {
#ifdef FAULT_NEEDS_A_SCALE_SILENTLY
        return COMPOSE_ERROR;
#else
        return refuse(host, "the band's scale is not known");
#endif
    }
    rule->sample_limit = (float)((rule->limit - facts->offset) / facts->scale);
    plan->bands[plan->band_count++] = (uint32_t)band;
    plan->halo = (uint32_t)rule->radius;
    plan->threads = COMPOSE_THREADS_ANY;
#ifdef FAULT_BAND_999
    plan->bands[0] = 999;
#endif
#ifdef FAULT_SAME_BAND_TWICE
    plan->bands[plan->band_count++] = (uint32_t)band;
#endif
#ifdef FAULT_NO_BAND
    plan->band_count = 0;
#endif
#ifdef FAULT_MORE_BANDS_THAN_ROOM
    for (uint32_t b = 0; b < 40; b++) {
        plan->bands[b] = (uint32_t)band;
    }
#endif
#ifdef FAULT_HALO_100000
    plan->halo = 100000;
#endif
#ifdef FAULT_HALO_TOO_SMALL
    plan->halo = 0;
#endif
#ifdef FAULT_THREADS_7
    plan->threads = 7;
#endif
#ifdef FAULT_PLANS_ANOTHER_TIME_OTHERWISE
    static uint32_t calls;
    plan->halo += calls++ % 2;
#endif
#ifdef FAULT_NEEDS_A_DATE
    static const int32_t *nothing;
    if (!scene->has_day) {
        plan->halo += (uint32_t)*(volatile const int32_t *)nothing;
    }
#endif
    return COMPOSE_OK;
}

/* The row of means of one row: of the sums of columns, for which there is room in `sums` and `counts`. */
static void means(const struct rule *rule, const compose_plane *plane, int64_t row, int64_t width, double *sums,
                  int32_t *counts, float *out) {
    int64_t r = rule->mode == 0 ? rule->radius : 0;
    int64_t columns = width + 2 * r;
    for (int64_t x = 0; x < columns; x++) {
        sums[x] = 0;
        counts[x] = 0;
    }
    for (int64_t y = row - r; y <= row + r; y++) {
        const float *values = compose_f32_row(plane, y) - r;
        const uint8_t *valid = compose_valid_row(plane, y) - r;
        for (int64_t x = 0; x < columns; x++) {
#ifdef FAULT_READS_INVALID
            int counted = 1;
            (void)valid;
#else
            int counted = valid[x] != 0;
#endif
            sums[x] += counted ? values[x] : 0.0f;
            counts[x] += counted;
        }
    }
    for (int64_t col = 0; col < width; col++) {
        double sum = 0;
        int32_t count = 0;
        for (int64_t x = col; x <= col + 2 * r; x++) {
            sum += sums[x];
            count += counts[x];
        }
        out[col] = count == 0 ? -HUGE_VALF : (float)(sum / (double)count);
    }
}

#ifdef FAULT_STATIC_SCRATCH
static float scratch[1 << 16];
#endif

static compose_status mark(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *marks) {
    struct rule *rule = instance;
    const compose_plane *plane = &input->planes[0];
    int64_t width = input->window.width, height = input->window.height;
    (void)host;
#ifdef FAULT_LOOPS_FOR_EVER
    for (volatile int go = 1; go;) {
        sleep(1);
    }
#endif
#ifdef FAULT_IGNORES_CANCEL_AND_LOOPS
    while (host->cancelled(host)) {
        sleep(1);
    }
#endif
#ifdef FAULT_FAILS_SILENTLY
    return COMPOSE_ERROR;
#endif
#ifdef FAULT_STATUS_7
    return refuse(host, "seven") + 6;
#endif
#ifdef FAULT_CANCELLED_UNASKED
    return COMPOSE_CANCELLED;
#endif
#ifdef FAULT_EXITS
    exit(0);
#endif
#ifdef FAULT_CRASHES_AT_ONE_PIXEL
    if (width == 1 && height == 1) {
        *(volatile int *)NULL = 1;
    }
#endif
#ifdef FAULT_REFUSES_SMALL_BLOCKS
    if (width * height < 20) {
        return refuse(host, "too small");
    }
#endif
#ifdef FAULT_STATIC_SCRATCH
    float *row_means = scratch;
#else
    float *row_means = malloc((size_t)width * sizeof *row_means);
    if (row_means == NULL) {
        return refuse(host, "no memory");
    }
#endif
    size_t columns = (size_t)(width + 2 * rule->radius);
    double *sums = malloc(columns * (sizeof *sums + sizeof(int32_t)));
    if (sums == NULL) {
        return refuse(host, "no memory");
    }
    int32_t *counts = (int32_t *)(sums + columns);
    for (int64_t row = 0; row < height; row++) {
        if (host->cancelled(host)) {
            free(sums);
#ifndef FAULT_STATIC_SCRATCH
            free(row_means);
#endif
            return COMPOSE_CANCELLED;
        }
        means(rule, plane, row, width, sums, counts, row_means);
#ifdef FAULT_IGNORES_STRIDE
        uint8_t *out = (uint8_t *)marks->data + row * width;
#else
        uint8_t *out = compose_u8_out(marks, row);
#endif
        for (int64_t col = 0; col < width; col++) {
            out[col] = compose_valid_row(plane, row)[col] && row_means[col] > rule->sample_limit;
        }
#ifdef FAULT_DEPENDS_ON_THE_ORIGIN
        if (row == 0) {
            memset(out, 1, (size_t)width);
        }
#endif
#ifdef FAULT_DEPENDS_ON_THE_SIZE
        out[0] |= (uint8_t)(width > 40);
#endif
#ifdef FAULT_COUNTS_ITS_CALLS
        out[0] ^= (uint8_t)(rule->calls & 1);
#endif
#ifdef FAULT_ROW_TOO_LONG
        out[width] = 1;
#endif
#ifdef FAULT_LEAVES_A_COLUMN
        out[width - 1] = 0xB7; /* what the host has put there */
#endif
#ifdef FAULT_MARKS_WITH_2
        out[0] = (uint8_t)(out[0] * 2);
#endif
    }
    rule->calls++;
#ifdef FAULT_LEAVES_A_ROW
    memset(compose_u8_out(marks, height - 1), 0xB7, (size_t)width);
#endif
#ifdef FAULT_WRITES_AFTER_THE_END
    compose_u8_out(marks, height - 1)[width] = 1;
#endif
#ifdef FAULT_WRITES_BEFORE_THE_START
    compose_u8_out(marks, 0)[-1] = 1;
#endif
#ifdef FAULT_READS_PAST_THE_END
    volatile float beyond = compose_f32_row(plane, height - 1 + rule->radius)[width + rule->radius];
    (void)beyond;
#endif
#ifdef FAULT_CHANGES_ITS_INPUT
    ((float *)plane->data)[0] += 1.0f;
#endif
    free(sums);
#ifndef FAULT_STATIC_SCRATCH
    free(row_means);
#endif
    return COMPOSE_OK;
}

#ifdef FAULT_CRASHES_WHEN_LOADED
__attribute__((constructor)) static void loaded(void) { abort(); }
#endif
#ifdef FAULT_CRASHES_AT_THE_END
__attribute__((destructor)) static void ended(void) { abort(); }
#endif

static const compose_mask_rule rule = {
    .about = {.id = "planted-mask", .version = "1.0.0", .summary = "Marks what is bright.", .settings = settings,
              .setting_count = sizeof settings / sizeof settings[0]},
    .create = create,
    .destroy = destroy,
    .plan = plan,
    .mark = mark,
};

static uint32_t count(void) { return 1; }

#ifdef FAULT_ANOTHER_POINTER
static const compose_mask_rule *get(uint32_t index) {
    (void)index;
    compose_mask_rule *copy = malloc(sizeof *copy);
    *copy = rule;
    return copy;
}
#else
static const compose_mask_rule *get(uint32_t index) { return index == 0 ? &rule : NULL; }
#endif

static const void *get_factory(const char *id) {
    static const compose_mask_factory factory = {count, get};
#ifdef FAULT_ANY_FACTORY
    return strcmp(id, COMPOSE_SCORES) == 0 || strcmp(id, COMPOSE_FILLS) == 0 ? NULL : &factory;
#else
    return compose_same(id, COMPOSE_MASK_RULES) ? &factory : NULL;
#endif
}

const compose_entry compose_plugin_entry = {COMPOSE_ABI_MAJOR, COMPOSE_ABI_MINOR, get_factory};
