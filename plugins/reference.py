#!/usr/bin/env python3
"""The plugins' answers, computed a second time by other means: numpy, scipy and rasterio, one whole image at once.

    reference.py PLUGIN OUTDIR   write the expected image, NAME.tif, and where each pixel came from, NAME_source.npy
    reference.py expected        write expected.json beside this script

NAME_source.npy is what examples/reference.py says: int16, the scene's index in the order (date, id); 1000 + the
number of the stage where a pixel was computed from several; -1 for a gap.

In the rules files of this folder all scenes lie on one grid, so that every pixel is copied or computed from copies,
and every number must be equal. This file shares no code with the plugins or the program and reads no rules file: the
rules are written out again in PLUGINS. Scenes are read, and images made, as by examples/reference.py.
"""
import datetime as dt
import json
import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # no __pycache__ in examples
sys.path.insert(0, str(HERE.parent / "examples"))
import reference as examples  # noqa: E402  (before this file, which has the same name)

BLUE, GREEN, RED, NIR = range(4)


def exeter_in_august(is_masked):
    scenes = examples.in_order(s for s in examples.exeter(is_masked) if s.day >= dt.date(2024, 8, 1))
    assert len({(s.transform, s.crs.to_wkt(), s.masked.shape) for s in scenes}) == 1
    return scenes


def reflectance(scene, band):
    """Baseline 04.00 and later: number * 0.0001 - 0.1."""
    return scene.data[band].astype(np.float64) * 0.0001 + -0.1


# ---- ndvi-max, cloud-distance: scores -----------------------------------------------------------------------------

def ndvi(scene):
    red, nir = reflectance(scene, RED), reflectance(scene, NIR)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.clip((nir - red) / (nir + red), -1, 1)
    return np.where(nir + red > 0, index, -np.inf).astype(np.float32)


def cloud_distance(reach):
    def score(scene):
        cloud = (scene.quality >> 14) >= 2               # pre-collection BQA: bits 14-15 are the cloud confidence
        assert cloud.any()
        return (np.minimum(distance_transform_edt(~cloud), reach) / reach).astype(np.float32)
    return score


def best_score(canvas, donors, score):
    """Of donors with one score the first gives."""
    scores = np.stack([np.where(d.valid, score(d), -np.inf) for d in donors])
    winner = np.where(scores.max(axis=0) > -np.inf, scores.argmax(axis=0), -1)
    n = {d.id: canvas.put(winner == k, d.data, canvas.order.index(d.id), False) for k, d in enumerate(donors)}
    canvas.filled.append({"filled": sum(n.values()), "from": n})


# ---- hot-haze: a mask ---------------------------------------------------------------------------------------------

def square_sum(a, radius):
    """Sum over the square around each pixel: columns first, from the top, then rows, from the left."""
    height, width = a.shape
    a = np.pad(a, radius)
    columns = sum(a[k:k + height] for k in range(2 * radius + 1))
    return sum(columns[:, k:k + width] for k in range(2 * radius + 1))


def hot_haze(scene, limit, radius):
    """Zhu and Woodcock 2012: blue - 0.5 red - 0.08 > 0, here of a mean over valid pixels."""
    hot = np.where(scene.has_data, reflectance(scene, BLUE) - 0.5 * reflectance(scene, RED), 0.0)
    count = square_sum(scene.has_data.astype(np.int64), radius)
    return (square_sum(hot, radius) > limit * count) & scene.has_data


def grow(mask, radius, has_data):
    """By a Euclidean disc; pixels without data neither grow nor are grown into."""
    near = distance_transform_edt(~(mask & has_data)) <= radius
    return mask | (near & has_data)


# ---- linear-in-time: a fill ---------------------------------------------------------------------------------------

def nearest_look(looks, shape):
    """Index into looks (the nearest first) of the first that sees a pixel, or -1."""
    first = np.full(shape, -1)
    for k, look in reversed(list(enumerate(looks))):
        first[look.valid] = k
    return first


def linear_in_time(canvas, donors, day, max_gap_days, takes_nearest):
    distance = lambda s: abs((s.day - day).days)
    assert all(s.day != day for s in donors)
    before = sorted((s for s in donors if s.day < day), key=distance)
    after = sorted((s for s in donors if s.day > day), key=distance)
    b, a = (nearest_look(looks, canvas.source.shape) for looks in (before, after))
    computed, copied = 0, {}
    stage = len(canvas.filled) + 1
    for i, early in enumerate(before):
        for k, late in enumerate(after):
            days = (late.day - early.day).days
            if days <= max_gap_days:
                start, end = early.data.astype(np.float64), late.data.astype(np.float64)
                values = (start + (end - start) * ((day - early.day).days / days)).astype(np.float32)
                computed += canvas.put((b == i) & (a == k), values, examples.STATISTIC + stage, True)
    for looks, mine, others in ((before, b, a), (after, a, b)):
        for k, look in enumerate(looks if takes_nearest else []):
            where = (mine == k) & (others == -1)
            copied[look.id] = canvas.put(where, look.data, canvas.order.index(look.id), False)
    canvas.filled.append({"filled": computed + sum(copied.values()), "computed": computed, "from": copied})


# ---- the rules files ----------------------------------------------------------------------------------------------

def canvas_for(scenes, target=None):
    """An empty image on the grid that all scenes share, or one with what is clear in the target."""
    canvas = examples.Canvas(scenes, *scenes[0].data.shape, np.uint16, 0)
    if target is not None:
        canvas.observed = canvas.put(target.valid, target.data, canvas.order.index(target.id), False)
    return canvas


def run_ndvi_max():
    scenes = exeter_in_august(examples.scl)
    canvas = canvas_for(scenes)
    best_score(canvas, scenes, ndvi)
    return scenes, {"exe_august_2024_greenest": canvas}


def run_cloud_distance():
    scenes = examples.in_order(examples.tahiti(examples.cloud_maybe))
    canvas = canvas_for(scenes)
    best_score(canvas, scenes, cloud_distance(30))
    return scenes, {"tahiti_2013_far_from_clouds": canvas}


def run_hot_haze():
    scenes = exeter_in_august(examples.scl)
    for s in scenes:
        s.masked = s.masked | grow(hot_haze(s, 0.06, 2), 2, s.has_data)   # 40 m are 2 pixels
    canvas = canvas_for(scenes, scenes[0])
    donors = examples.by_distance(scenes[1:], scenes[0].day)
    n = {d.id: canvas.put(d.valid, d.data, canvas.order.index(d.id), False) for d in donors}
    canvas.filled.append({"filled": sum(n.values()), "from": n})
    return scenes, {"exe_2024-08-01_without_haze": canvas}


def run_linear_in_time():
    scenes = exeter_in_august(examples.scl)
    target = scenes[1]
    canvas = canvas_for(scenes, target)
    linear_in_time(canvas, [s for s in scenes if s is not target], target.day, 30, True)
    return scenes, {"exe_2024-08-16_filled": canvas}


PLUGINS = {
    "ndvi-max": run_ndvi_max,
    "hot-haze": run_hot_haze,
    "linear-in-time": run_linear_in_time,
    "cloud-distance": run_cloud_distance,
}


def write(name, out):
    scenes, images = PLUGINS[name]()
    out.mkdir(parents=True, exist_ok=True)
    for image, canvas in images.items():
        examples.write(out / f"{image}.tif", canvas.image, canvas.nodata, scenes[0].transform, scenes[0].crs)
        np.save(out / f"{image}_source.npy", canvas.source)


def expected():
    everything = {}
    for name, run in PLUGINS.items():
        scenes, images = run()
        everything[name] = {"rules": f"{name}/{name}.toml", "scenes": [examples.scene_facts(s) for s in scenes],
                            "images": {k: examples.image_facts(c, True) for k, c in images.items()}}
    (HERE / "expected.json").write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["expected"]:
        expected()
    elif len(sys.argv) == 3 and sys.argv[1] in PLUGINS:
        write(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
