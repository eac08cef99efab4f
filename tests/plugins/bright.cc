// A mask rule in C++17.
#include "compose_plugin.h"

#include <memory>
#include <new>

namespace {

struct Bright {
    double limit = 0.0;
};

compose_status create(const compose_host *host, const compose_value *values, uint32_t, void **instance) {
    auto *self = new (std::nothrow) Bright;
    if (self == nullptr) {
        host->set_error(host, "out of memory");
        return COMPOSE_ERROR;
    }
    self->limit = values[0].number;
    *instance = self;
    return COMPOSE_OK;
}

void destroy(void *instance) {
    delete static_cast<Bright *>(instance);
}

compose_status plan(void *, const compose_host *, const compose_scene *, compose_scene_plan *plan) {
    plan->bands[0] = 0;
    plan->band_count = 1;
    plan->threads = COMPOSE_THREADS_ANY;
    return COMPOSE_OK;
}

compose_status mark(void *instance, const compose_host *host, const compose_scene_input *input,
                    const compose_output *marks) {
    const auto *self = static_cast<const Bright *>(instance);
    for (int64_t row = 0; row < input->window.height; row++) {
        if (host->cancelled(host) != 0) {
            return COMPOSE_CANCELLED;
        }
        const float *samples = compose_f32_row(&input->planes[0], row);
        const uint8_t *valid = compose_valid_row(&input->planes[0], row);
        uint8_t *out = compose_u8_out(marks, row);
        for (int64_t col = 0; col < input->window.width; col++) {
            out[col] = valid[col] != 0 && static_cast<double>(samples[col]) > self->limit;
        }
    }
    return COMPOSE_OK;
}

compose_setting limit() {
    compose_setting setting{};
    setting.key = "limit";
    setting.doc = "Larger numbers are marked.";
    setting.type = COMPOSE_FLOAT;
    setting.default_value.is_set = 1;
    setting.default_value.number = 105.0;
    return setting;
}

const compose_setting settings[] = {limit()};

const compose_mask_rule rule = {
    {"bright", "1.0.0", "Marks numbers above a limit.", nullptr, settings, 1, 0}, create, destroy, plan, mark, nullptr,
};

uint32_t count() {
    return 1;
}

const compose_mask_rule *get(uint32_t index) {
    return index == 0 ? &rule : nullptr;
}

const compose_mask_factory rules = {count, get};

const void *get_factory(const char *id) {
    return compose_same(id, COMPOSE_MASK_RULES) != 0 ? &rules : nullptr;
}

}  // namespace

const compose_entry compose_plugin_entry = {COMPOSE_ABI_MAJOR, COMPOSE_ABI_MINOR, get_factory};
