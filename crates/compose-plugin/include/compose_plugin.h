/*
 * compose_plugin.h: mask rules, scores and fill strategies for compose, from a shared library.
 *
 * This header is the specification. A plugin is a shared library that exports one symbol,
 * `compose_plugin_entry`, and whatever language it is written in, this is the C that it speaks.
 * It is clean as C11 and as C++17. docs/plugins.md leads from nothing to a running plugin.
 *
 *
 * WHAT A PLUGIN CAN SUPPLY
 *
 *   mask rule   says which pixels of a scene are unusable. Called on the scene's native grid.
 *   score       says how good each pixel of a scene is. Called on the scene's native grid; the fill strategy
 *               `best-score` takes, of all donors that see a pixel, the one with the highest score.
 *   fill        computes or chooses replacements. Called on the grid of the result, after every donor was
 *               masked and brought onto it.
 *
 *
 * THE LIFE OF A PLUGIN
 *
 *   1. compose loads the library because a rules file names it, reads `compose_plugin_entry`, and compares the
 *      versions. Nothing is called before they fit.
 *   2. `get_factory` is asked for each kind of factory, and the factories for their kinds.
 *   3. Reading the rules file, compose checks the settings of a table against the kind's declaration (type,
 *      range, unknown keys: told with file and line), and calls `create` with them. That instance is destroyed
 *      again; it only shows whether the settings are accepted.
 *   4. For every scene (a fill: for every output), `create` and then, once, `plan`. No pixel has been read.
 *   5. For every block of pixels, `mark`, `rate` or `fill`, from as many threads as `plan` allowed. Where one
 *      instance is not enough, more are made, each with `create` and `plan`; all must answer alike.
 *   6. `destroy`. The library stays loaded until the program ends.
 *
 *   An instance serves one scene (a fill: one output) from its `plan` on. It may keep what it found there.
 *
 *
 * WHO OWNS WHAT
 *
 *   Each side frees what it allocated; nothing is freed across the border. Pointers that compose passes are
 *   valid until the called function returns, `host` and its functions excepted, which are valid for ever.
 *   Pointers that a plugin returns (entry, factories, descriptors and all they point to) must be valid, and
 *   the same, for as long as the library is loaded: make them static and const.
 *   Text is UTF-8 and ends with a zero byte.
 *
 *
 * THREADS
 *
 *   Every function carries one of these tags:
 *
 *   [thread-safe]     may be called from any thread, and by several at once.
 *   [calling thread]  only from the thread in which the host has called the plugin, until that call returns.
 *   [exclusive]       no other call is made on the same instance meanwhile.
 *   [declared]        as the plan's `threads` says: see enum compose_threads.
 *
 *   No function of a plugin is called from within another (there is no re-entry).
 *
 *
 * FAILURE
 *
 *   A function that returns compose_status tells why it failed with host->set_error before it returns anything
 *   but COMPOSE_OK. The run then ends, nothing is written, and the user reads that message with the plugin, its
 *   version, the scene and the block. No exception, no longjmp and no unwinding may cross the border. What
 *   cannot be contained: a plugin that writes where it may not, frees memory of the host or overflows its
 *   stack takes the program with it, as any code in the process would. `compose plugin check` finds such
 *   faults beforehand, in a process of its own.
 *
 *
 * THE SAME ANSWER EVERYWHERE
 *
 *   The result of a run does not depend on the size of blocks, the number of threads or the order of calls, and
 *   a plugin must keep that so: what it writes for a pixel may depend on the settings, on the scene's facts, on
 *   the pixel and on neighbours no farther away than the halo that it planned, and on nothing else. Not on
 *   samples that are not valid either: these are arbitrary.
 *
 *
 * VERSIONS
 *
 *   The interface has a version of its own, which is not that of compose. A plugin that was built against
 *   major M, minor N runs in every host of the same major with minor N or higher. Another major is refused.
 *   Structs of one major never change, neither in size nor in meaning; what is new comes as an extension: a
 *   text that names it (`draft/…` while it may still change), asked for with get_extension, which returns NULL
 *   where it is not known. This version defines no extension.
 */
#ifndef COMPOSE_PLUGIN_H
#define COMPOSE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COMPOSE_ABI_MAJOR 1u
#define COMPOSE_ABI_MINOR 0u

/* In the declaration of compose_plugin_entry below; nothing is needed at its definition. */
#if defined(_WIN32)
#define COMPOSE_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define COMPOSE_EXPORT __attribute__((visibility("default")))
#else
#define COMPOSE_EXPORT
#endif

/* Returned by functions that can fail. Any other value counts as COMPOSE_ERROR. */
typedef int32_t compose_status;
enum {
    COMPOSE_OK = 0,
    /* It failed, and host->set_error said why. */
    COMPOSE_ERROR = 1,
    /* host->cancelled returned 1 and the function gave up. Needs no message. */
    COMPOSE_CANCELLED = 2
};

/* ------------------------------------------------------------------------------------------------ the host */

enum compose_log_level { COMPOSE_LOG_INFO = 0, COMPOSE_LOG_WARNING = 1 };

/* What compose does for a plugin. The same pointer is passed to every call. */
typedef struct compose_host compose_host;
struct compose_host {
    /* The interface that the host speaks: the plugin's own major, and its own minor or a higher one. */
    uint32_t abi_major;
    uint32_t abi_minor;
    /* Name and version of the program, for messages. */
    const char *name;
    const char *version;
    /* The host's own. */
    void *context;
    /* Says why the current call fails. The text is copied. Of several, the last counts; where the call then
       returns COMPOSE_OK, none does. [calling thread] */
    void (*set_error)(const compose_host *host, const char *message);
    /* Tells the user something that is no failure; a text is shown once. [thread-safe] */
    void (*log)(const compose_host *host, uint32_t level, const char *message);
    /* 1 once the user has asked to stop. Ask every few milliseconds in long calls, and return
       COMPOSE_CANCELLED. A plugin that never asks may be cut off with the program. [thread-safe] */
    uint32_t (*cancelled)(const compose_host *host);
    /* The extension of that name, or NULL. [thread-safe] */
    const void *(*get_extension)(const compose_host *host, const char *id);
};

/* ------------------------------------------------------------------------------------------------ settings */

enum compose_setting_type {
    COMPOSE_INT = 0,    /* a whole number */
    COMPOSE_FLOAT = 1,  /* a number; whole numbers are accepted */
    COMPOSE_BOOL = 2,   /* true or false */
    COMPOSE_STRING = 3, /* any text */
    COMPOSE_CHOICE = 4, /* one of the texts in `choices` */
    COMPOSE_BAND = 5,   /* name or alias of a band; the host refuses, with file and line, what a scene lacks */
    COMPOSE_LIST = 6    /* a list whose elements are all of `element` type */
};

/* The value of a setting. Which member counts follows from the declaration. */
typedef struct compose_value {
    /* 1 where the rules file or a default says a value, else 0; the rest is then zero. */
    uint32_t is_set;
    /* COMPOSE_CHOICE: index into `choices`. COMPOSE_LIST: number of elements. Else 0. */
    uint32_t count;
    int64_t integer;                    /* COMPOSE_INT; COMPOSE_BOOL: 0 or 1 */
    double number;                      /* COMPOSE_FLOAT, finite */
    const char *text;                   /* COMPOSE_STRING, COMPOSE_CHOICE, COMPOSE_BAND; else NULL */
    const struct compose_value *items;  /* COMPOSE_LIST: `count` values; NULL where there is none */
} compose_value;

/* The declaration of a setting. */
typedef struct compose_setting {
    /* The key in the rules file: a-z, 0-9 and -, beginning with a letter. Not one of the words that tables of
       rules files have themselves: name, kind, strategy, score, plugin, any, all, not, open, close, shrink, grow. */
    const char *key;
    /* One line for the user: what it means, and its unit. */
    const char *doc;
    uint32_t type;    /* enum compose_setting_type */
    uint32_t element; /* COMPOSE_LIST: the type of its elements, COMPOSE_INT, _FLOAT, _STRING or _BAND; else 0 */
    /* The value where the rules file says none. is_set = 0: with `required`, the rules file must say one;
       without, the plugin sees is_set = 0. A default list may have items. */
    compose_value default_value;
    uint32_t required;
    uint32_t choice_count;
    /* COMPOSE_CHOICE: `choice_count` texts; else NULL. */
    const char *const *choices;
    /* COMPOSE_INT, COMPOSE_FLOAT and lists of them: smallest and largest value; both 0 where there is no
       limit (0 to 0 cannot be said), -HUGE_VAL or HUGE_VAL for an open end. Numbers of a list are held to it one
       by one. */
    double min;
    double max;
} compose_setting;

/* What every kind says of itself. */
typedef struct compose_descriptor {
    /* What the rules file calls it (`kind = "hot-haze"`): a-z, 0-9 and -, beginning with a letter; not the name
       of a built-in kind. It goes into the record of where pixels came from, so never reuse one. */
    const char *id;
    /* Version of the plugin, such as "1.0.2". */
    const char *version;
    /* One sentence: what it does. */
    const char *summary;
    /* Markdown for `compose kinds ID`, or NULL for a page made from what is declared here. */
    const char *page;
    /* `setting_count` declarations; NULL where there is none. Values come in the same order. */
    const compose_setting *settings;
    uint32_t setting_count;
    uint32_t reserved; /* 0 */
} compose_descriptor;

/* ------------------------------------------------------------------------------------------- scenes, planes */

/* A north-up (or south-up) raster grid. */
typedef struct compose_grid {
    int64_t width;  /* pixels */
    int64_t height; /* pixels */
    /* x = geotransform[0] + col * geotransform[1], y = geotransform[3] + row * geotransform[5], at the corners
       of pixels, in map units; [2] and [4] are 0. */
    double geotransform[6];
    /* Metres in a map unit; 0 where the map's unit is an angle, or unknown. */
    double metres_per_unit;
    const char *crs_name; /* "EPSG:32613", or "" */
    const char *crs_wkt;  /* WKT, or "" */
} compose_grid;

enum compose_role {
    COMPOSE_DATA = 0,   /* measurements: planes of type COMPOSE_F32 */
    COMPOSE_QUALITY = 1 /* codes: planes of type COMPOSE_U32 */
};

/* A value of a field that has a name. */
typedef struct compose_class {
    const char *name; /* such as "medium", or "cloud-shadow" */
    uint32_t value;
    uint32_t reserved;
} compose_class;

/* A field of a quality band's codes. Its value is (code >> first_bit) & ((1 << bits) - 1), or the whole code where
   `bits` is 32. */
typedef struct compose_field {
    const char *name; /* such as "cloud-confidence" */
    uint32_t first_bit;
    uint32_t bits;
    /* Values with a name; none for a plain flag, where 1 means the field's name. */
    const compose_class *classes;
    uint32_t class_count;
    /* 1 where a higher value means more of it, so that "at least medium" makes sense. */
    uint32_t is_ladder;
} compose_field;

/* One band of a scene. */
typedef struct compose_band {
    const char *name; /* as in the rules file: "B4" */
    const char *const *aliases; /* other names: "red"; `alias_count` of them */
    uint32_t alias_count;
    uint32_t role;            /* enum compose_role */
    const char *sample_type;  /* on disk: "uint16" */
    /* Quality bands whose layout is known: its name and its fields; else "" and none. */
    const char *layout;
    const compose_field *fields;
    uint32_t field_count;
    /* 1 where scale and offset are known. physical value = sample * scale + offset; reflectance runs from 0
       to 1. Samples in planes are as stored: they are not scaled. */
    uint32_t has_scale;
    double scale;
    double offset;
    /* The band's own grid. */
    compose_grid grid;
} compose_band;

/* One scene: what is known without reading a pixel. */
typedef struct compose_scene {
    const char *id;
    const char *sensor; /* such as "OLI", or "" */
    uint32_t has_day;
    int32_t day;        /* days since 1970-01-01 */
    /* The grid of its first data band. */
    compose_grid grid;
    /* Every band that can be read; the first `wanted_count` are those of the result, in order. */
    const compose_band *bands;
    uint32_t band_count;
    uint32_t wanted_count;
    int32_t quality_band; /* index of the main quality band, or -1 */
    uint32_t reserved;
} compose_scene;

/* Pixels (col, row) … (col + width - 1, row + height - 1) of a grid; col and row may lie outside it. Width and
   height are 1 or more. */
typedef struct compose_window {
    int64_t col;
    int64_t row;
    int64_t width;
    int64_t height;
} compose_window;

enum compose_type {
    COMPOSE_U8 = 0, /* uint8_t */
    COMPOSE_F32 = 1, /* float */
    COMPOSE_U32 = 2  /* uint32_t */
};

/*
 * One plane of pixels to read. Pixels of a row are neighbours in memory; rows are `stride` bytes apart, which
 * may be more than a row's pixels need. Samples are aligned as their type wants it, and `stride` keeps them so;
 * rows of `valid` may be any number of bytes apart.
 *
 * `data` and `valid` point at the pixel under the first pixel of the output. Rows -halo … height + halo - 1 and
 * columns -halo … width + halo - 1 may be read, no others. Where the scene ends, pixels are there and not valid.
 */
typedef struct compose_plane {
    const void *data;
    /* 1 where the pixel may be used: inside the raster, not nodata, and (in fills) not masked; else 0, and
       the sample is arbitrary (but memory that may be read). A valid float is never NaN, never infinite. */
    const uint8_t *valid;
    int64_t stride;       /* bytes */
    int64_t valid_stride; /* bytes */
    uint32_t type;        /* enum compose_type */
    uint32_t band;        /* index into the bands of its scene; 0 and without meaning for gaps */
} compose_plane;

/* One plane of pixels to write: rows 0 … height - 1, columns 0 … width - 1 of the output, and no others. Rows do
   not overlap, nor do planes, nor any plane to read; alignment is as for planes to read. What they hold
   beforehand is said at each function, and may be read. */
typedef struct compose_output {
    void *data;
    int64_t stride; /* bytes */
    uint32_t type;  /* enum compose_type */
    uint32_t reserved;
} compose_output;

/* ---------------------------------------------------------------------------------------------------- plans */

enum compose_threads {
    /* One call into this library at a time, whatever the instance. The slowest choice: for code with globals. */
    COMPOSE_THREADS_ONE = 0,
    /* One call at a time on an instance; the host makes an instance for every worker. */
    COMPOSE_THREADS_PER_INSTANCE = 1,
    /* Any number of calls at a time on one instance. */
    COMPOSE_THREADS_ANY = 2
};

/* The largest halo that a plan may ask for, in pixels. */
#define COMPOSE_MAX_HALO 1024u

/* What a mask rule or score wants of its scene. The host fills in the defaults that are named here. */
typedef struct compose_scene_plan {
    /* Indices of the bands to read are written to where this points, without repeats; planes come in this order.
       The pointer and the capacity stay as they are. Room for band_capacity. */
    uint32_t *bands;
    uint32_t band_capacity; /* the scene's band_count */
    uint32_t band_count;    /* 0; at least one band must be asked for */
    uint32_t halo;          /* 0: pixels of context needed on each side */
    uint32_t threads;       /* COMPOSE_THREADS_PER_INSTANCE */
    /* 1. Say 0 where two calls with the same pixels may differ (in the last bits, say): the user is told. */
    uint32_t deterministic;
    uint32_t reserved;
} compose_scene_plan;

enum compose_temporal {
    /* `fill` is called with one donor after the other, as long as there are gaps. */
    COMPOSE_ONE_BY_ONE = 0,
    /* `fill` is called once, with all donors. */
    COMPOSE_WHOLE_STACK = 1
};

/* What is known of the stack that a fill works on. */
typedef struct compose_stack {
    /* Every scene of the run, by date and then id; those without a date come last. */
    const compose_scene *scenes;
    uint32_t scene_count;
    /* Index of the scene that is repaired; -1 where every pixel of the result is composed. */
    int32_t target;
    /* The day that distances are measured from: the target's, or the one that the rules file says. */
    uint32_t has_target_day;
    int32_t target_day;
    /* Number of bands of the result; band k is bands[k] of every scene. */
    uint32_t band_count;
    /* 1: a pixel is a gap in all bands or in none. 0: every band has gaps of its own. */
    uint32_t joint;
    /* Index of the scene in whose numbers all planes of a fill are: band k has the scale and offset of its
       bands[k]. The target, where there is one. */
    uint32_t reference;
    uint32_t reserved;
    /* Grid of the result. */
    compose_grid grid;
} compose_stack;

/* What a fill wants of the stack. The host fills in the defaults that are named here. */
typedef struct compose_fill_plan {
    /* Indices of the donors wanted are written to where this points, in order, without repeats, never the target.
       By default every scene but the target, in the stack's order. The pointer and the capacity stay as they
       are. Room for donor_capacity. */
    uint32_t *donors;
    uint32_t donor_capacity; /* the stack's scene_count */
    uint32_t donor_count;
    uint32_t temporal;      /* COMPOSE_WHOLE_STACK */
    uint32_t halo;          /* 0 */
    uint32_t wants_target;  /* 0; 1: the target's own pixels come along, where there is a target */
    uint32_t threads;       /* COMPOSE_THREADS_PER_INSTANCE */
    uint32_t deterministic; /* 1 */
    uint32_t reserved;
} compose_fill_plan;

/* --------------------------------------------------------------------------------------- mask rule and score */

/* Pixels for `mark` and `rate`. */
typedef struct compose_scene_input {
    /* The scene that was planned for. */
    const compose_scene *scene;
    /* The grid of the planes: that of the bands asked for where they share one, else the scene's own, onto
       which the other bands were brought by nearest neighbour. */
    const compose_grid *grid;
    /* Where the output lies on `grid`. */
    compose_window window;
    uint32_t halo; /* as planned */
    uint32_t plane_count;
    /* One for each band asked for, in that order. */
    const compose_plane *planes;
} compose_scene_input;

/* Makes an instance, which may be NULL where nothing need be kept. `values` are `count` settings, in the order of
   their declarations; they are valid until the call returns. Where it fails, destroy is not called. [thread-safe] */
typedef compose_status (*compose_create)(const compose_host *host, const compose_value *values, uint32_t count,
                                         void **instance);
/* Frees an instance. [exclusive] */
typedef void (*compose_destroy)(void *instance);

typedef struct compose_mask_rule {
    compose_descriptor about;
    compose_create create;
    compose_destroy destroy;
    /* First call on an instance. [exclusive] */
    compose_status (*plan)(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan);
    /* Writes 1 where a pixel is unusable and 0 where it is not, for every pixel of `marks` (COMPOSE_U8); a
       pixel that is not written, or holds another number, is an error. Marks where no plane is valid are
       dropped. [declared] */
    compose_status (*mark)(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *marks);
    /* An extension of this kind, or NULL. May itself be NULL. [thread-safe] */
    const void *(*get_extension)(const char *id);
} compose_mask_rule;

typedef struct compose_score {
    compose_descriptor about;
    compose_create create;
    compose_destroy destroy;
    /* First call on an instance. [exclusive] */
    compose_status (*plan)(void *instance, const compose_host *host, const compose_scene *scene,
                           compose_scene_plan *plan);
    /* Writes how good each pixel is, for every pixel of `scores` (COMPOSE_F32): higher is better, HUGE_VALF is best,
       -HUGE_VALF means "never take this one". NaN is an error, except where a plane that was asked for is not valid:
       there anything may be written, and the pixel is not taken. [declared] */
    compose_status (*rate)(void *instance, const compose_host *host, const compose_scene_input *input,
                           const compose_output *scores);
    /* An extension of this kind, or NULL. May itself be NULL. [thread-safe] */
    const void *(*get_extension)(const char *id);
} compose_score;

/* ----------------------------------------------------------------------------------------------------- fill */

/* In `sources` of a fill: stays a gap. */
#define COMPOSE_GAP 0xFFFFFFFFu
/* In `sources` of a fill: computed; the value counts. */
#define COMPOSE_COMPUTED 0xFFFFFFFEu

/* A donor's pixels on the grid of the result, masked. */
typedef struct compose_donor {
    const compose_scene *scene;
    /* One per band of the result, COMPOSE_F32, in the numbers of the stack's `reference`. Where the stack is
       `joint`, all have the same `valid`. */
    const compose_plane *planes;
    uint32_t scene_index; /* in the stack */
    /* 1 where samples are the donor's own, neither resampled nor converted. */
    uint32_t exact;
} compose_donor;

/* Pixels for `fill`. */
typedef struct compose_fill_input {
    const compose_stack *stack;
    /* Where the output lies on the stack's grid. */
    compose_window window;
    uint32_t halo; /* as planned */
    uint32_t donor_count;
    /* One donor or all of them, as planned, in the order planned. Donors that do not meet the grid are left
       out, so the k-th need not be the k-th that was planned: see scene_index. */
    const compose_donor *donors;
    /* The target's own pixels with its mask, one plane per band, COMPOSE_F32; NULL unless planned and there. */
    const compose_plane *target;
    /* Gaps, COMPOSE_U8, 1 where a replacement is wanted; `valid` is NULL, and there is no halo. One plane where
       the stack is `joint`, else one per band. What is written elsewhere is not looked at. */
    const compose_plane *gaps;
    uint32_t gap_count;
    uint32_t reserved;
} compose_fill_input;

/* What a fill writes. */
typedef struct compose_fill_output {
    /* COMPOSE_F32, one per band of the result, in the numbers of the planes. Looked at where the source is
       COMPOSE_COMPUTED; must then be finite in every band that the source speaks for. The host rounds and clamps
       to the type of the result. */
    const compose_output *values;
    /* COMPOSE_U32, as many as gaps. COMPOSE_GAP (as it comes), COMPOSE_COMPUTED, or k: the pixel is donors[k]'s.
       The host then copies its samples itself, and they must be valid. */
    const compose_output *sources;
} compose_fill_output;

typedef struct compose_fill {
    compose_descriptor about;
    compose_create create;
    compose_destroy destroy;
    /* First call on an instance. [exclusive] */
    compose_status (*plan)(void *instance, const compose_host *host, const compose_stack *stack,
                           compose_fill_plan *plan);
    /* Fills gaps. A gap that cannot be filled is left as it is, for the next strategy. [declared] */
    compose_status (*fill)(void *instance, const compose_host *host, const compose_fill_input *input,
                           const compose_fill_output *output);
    /* An extension of this kind, or NULL. May itself be NULL. [thread-safe] */
    const void *(*get_extension)(const char *id);
} compose_fill;

/* ------------------------------------------------------------------------------------ factories and the entry */

#define COMPOSE_MASK_RULES "compose.mask-rules/1"
#define COMPOSE_SCORES "compose.scores/1"
#define COMPOSE_FILLS "compose.fills/1"

/* The kinds of one sort. `get` is called with 0 … count() - 1 and returns the same pointer each time.
   Both functions: [thread-safe] */
typedef struct compose_mask_factory {
    uint32_t (*count)(void);
    const compose_mask_rule *(*get)(uint32_t index);
} compose_mask_factory;

typedef struct compose_score_factory {
    uint32_t (*count)(void);
    const compose_score *(*get)(uint32_t index);
} compose_score_factory;

typedef struct compose_fill_factory {
    uint32_t (*count)(void);
    const compose_fill *(*get)(uint32_t index);
} compose_fill_factory;

/* The one exported symbol. */
typedef struct compose_entry {
    uint32_t abi_major; /* COMPOSE_ABI_MAJOR */
    uint32_t abi_minor; /* COMPOSE_ABI_MINOR */
    /* The factory of that name (a compose_…_factory), or NULL for every other name. [thread-safe] */
    const void *(*get_factory)(const char *id);
} compose_entry;

extern COMPOSE_EXPORT const compose_entry compose_plugin_entry;

#ifdef __cplusplus
}
#endif

/* ------------------------------------------------------------------------------------------------ in passing */

/* Not part of the interface: a few lines that most plugins in C need. */

/* Row `row` of a plane of floats (of codes, of a plane's validity): index it by column. */
static inline const float *compose_f32_row(const compose_plane *plane, int64_t row) {
    return (const float *)(const void *)((const char *)plane->data + row * plane->stride);
}
static inline const uint32_t *compose_u32_row(const compose_plane *plane, int64_t row) {
    return (const uint32_t *)(const void *)((const char *)plane->data + row * plane->stride);
}
static inline const uint8_t *compose_u8_row(const compose_plane *plane, int64_t row) {
    return (const uint8_t *)plane->data + row * plane->stride;
}
static inline const uint8_t *compose_valid_row(const compose_plane *plane, int64_t row) {
    return plane->valid + row * plane->valid_stride;
}
/* Row `row` of a plane to write. */
static inline float *compose_f32_out(const compose_output *out, int64_t row) {
    return (float *)(void *)((char *)out->data + row * out->stride);
}
static inline uint32_t *compose_u32_out(const compose_output *out, int64_t row) {
    return (uint32_t *)(void *)((char *)out->data + row * out->stride);
}
static inline uint8_t *compose_u8_out(const compose_output *out, int64_t row) {
    return (uint8_t *)out->data + row * out->stride;
}

/* 1 where both texts are the same. */
static inline int compose_same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Index of the band of that name or alias, or -1. */
static inline int32_t compose_find_band(const compose_scene *scene, const char *name) {
    for (uint32_t b = 0; b < scene->band_count; b++) {
        if (compose_same(scene->bands[b].name, name)) {
            return (int32_t)b;
        }
    }
    for (uint32_t b = 0; b < scene->band_count; b++) {
        for (uint32_t a = 0; a < scene->bands[b].alias_count; a++) {
            if (compose_same(scene->bands[b].aliases[a], name)) {
                return (int32_t)b;
            }
        }
    }
    return -1;
}

#endif
