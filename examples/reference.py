#!/usr/bin/env python3
"""The examples' answers, computed a second time by other means: numpy, rasterio and pyproj, one whole image at once.

    reference.py landsat8|lesson|lesson-bits|sentinel2-repair|sentinel2-median|stac-repair OUTDIR
                            write the expected image(s), NAME.tif, and where each pixel came from, NAME_source.npy
    reference.py expected   write expected.json and sentinel2/expected/ beside this script

NAME_source.npy is int16, one value per pixel: the scene's index in the order (date, id), where the pixel is a copy
or a resampled sample of one scene; 1000 + the number of the stage (from 1) for a statistic over several; -1 for a gap.

The rules, in the words of ARCHITECTURE.md: a scene is masked on its own grid before anything moves; a pixel is
observed when it is valid in every band; a scene on the target's lattice is pasted by a whole-pixel shift; any other is
resampled, bilinear over the valid ones of the four taps, at exact coordinates, valid where the native pixel that
contains the centre is valid; computed values are rounded once, half away from zero, clamped, and step over nodata.

This file shares no code with the engine and reads no rules file: the rules are written out again in EXAMPLES.
"""
import datetime as dt
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from pyproj import CRS, Transformer
from rasterio.transform import Affine

HERE = Path(__file__).resolve().parent
GAP, STATISTIC = -1, 1000


# ---- scenes -------------------------------------------------------------------------------------------------------

@dataclass
class Scene:
    id: str
    day: dt.date
    data: np.ndarray        # bands, rows, columns; the file's own type
    quality: np.ndarray
    has_data: np.ndarray    # no band is nodata
    masked: np.ndarray      # by the mask rule, on the native grid
    transform: object
    crs: object

    @property
    def valid(self):
        return self.has_data & ~self.masked


@dataclass
class Aligned:
    """A scene on the target grid."""
    scene: Scene
    values: np.ndarray      # the file's own type where pasted, float32 where resampled
    valid: np.ndarray
    has_data: np.ndarray
    exact: bool


def load(id, day, band_files, quality_file, is_masked):
    """band_files, quality_file: (path, number of the band in it)."""
    data, has_data = [], True
    for path, number in band_files:
        with rasterio.open(path) as f:
            data.append(f.read(number))
            has_data = has_data & (data[-1] != f.nodata)
            transform, crs = f.transform, f.crs
    with rasterio.open(quality_file[0]) as f:
        quality = f.read(quality_file[1])
    return Scene(id, day, np.stack(data), quality, has_data, is_masked(quality), transform, crs)


def tahiti(is_masked):
    scenes = []
    for id in ("LC80530722013137LGN01", "LC80530722013233LGN00"):
        path = lambda b: HERE / "landsat8/scenes" / id / f"{id}_{b}.TIF"
        day = dt.datetime.strptime(id[9:16], "%Y%j").date()
        scenes.append(load(id, day, [(path(f"B{b}"), 1) for b in range(1, 8)], (path("BQA"), 1), is_masked))
    return scenes


def lesson(is_masked):
    scenes = []
    for folder, id, suffix in (
        ("LC080340322016070701T1-SC20180214145604/crop", "LC08_L1TP_034032_20160707_20170221_01_T1", "_crop"),
        ("cs-test-landsat", "LC08_L1TP_034032_20160621_20170221_01_T1", ""),
    ):
        path = lambda b: HERE / "lesson" / folder / f"{id}_{b}{suffix}.tif"
        day = dt.datetime.strptime(id.split("_")[3], "%Y%m%d").date()
        scenes.append(load(id, day, [(path(f"sr_band{b}"), 1) for b in range(2, 8)], (path("pixel_qa"), 1), is_masked))
    return scenes


def exeter(is_masked):
    scenes = []
    for path in (HERE / "sentinel2/scenes").glob("*.tif"):
        id = path.name[:14]
        with rasterio.open(path) as f:
            number = {name: i + 1 for i, name in enumerate(f.descriptions)}
        bands = [(path, number[b]) for b in ("B02", "B03", "B04", "B08")]
        scenes.append(load(id, dt.date.fromisoformat(id[4:]), bands, (path, number["SCL"]), is_masked))
    return scenes


def slovenia():
    """Items of examples/stac. Masked by the scene classification, or where the cloud probability is 40 % or more."""
    scenes = []
    for path in (HERE / "stac/sentinel-2-l2a").glob("*/*.json"):
        item = json.loads(path.read_text())
        read = lambda name: rasterio.open(path.parent / f"{name}.tif")
        with read("B02") as f:
            transform, crs = f.transform, f.crs
        data = np.stack([read(item["assets"][key]["href"][:3]).read(1) for key in ("blue", "green", "red", "nir")])
        nodata = item["assets"]["blue"]["raster:bands"][0]["nodata"]
        quality, probability = read("SCL").read(1), read("MSK_CLDPRB_20m").read(1)
        day = dt.datetime.fromisoformat(item["properties"]["datetime"].rstrip("Z")).date()
        masked = np.isin(quality, SCL_VALUES) | (probability >= 40)
        scenes.append(Scene(item["id"], day, data, quality, (data != nodata).all(axis=0), masked, transform, crs))
    return scenes


# ---- alignment ----------------------------------------------------------------------------------------------------

def align(scene, grid, masked=True):
    """scene on grid = (transform, crs, height, width); masked=False ignores its mask, never its nodata."""
    transform, crs, height, width = grid
    valid = scene.valid if masked else scene.has_data
    if scene.crs == crs and (scene.transform.a, scene.transform.e) == (transform.a, transform.e):
        col, row = (transform.c - scene.transform.c) / transform.a, (transform.f - scene.transform.f) / transform.e
        if col != int(col) or row != int(row):
            return resampled(scene, valid, grid)
        cut = lambda a: paste(a, int(row), int(col), height, width)
        return Aligned(scene, cut(scene.data), cut(valid), cut(scene.has_data), True)
    return resampled(scene, valid, grid)


def resampled(scene, valid, grid):
    row, col = pixel_positions(scene, grid)
    values, ok = bilinear(scene.data, valid, row, col)
    return Aligned(scene, values, ok, nearest(scene.has_data, row, col), False)


def paste(a, row, col, height, width):
    """The window of a that starts at (row, col), zero (False) where it leaves a."""
    out = np.zeros(a.shape[:-2] + (height, width), a.dtype)
    r0, r1 = max(row, 0), min(row + height, a.shape[-2])
    c0, c1 = max(col, 0), min(col + width, a.shape[-1])
    if r0 < r1 and c0 < c1:
        out[..., r0 - row:r1 - row, c0 - col:c1 - col] = a[..., r0:r1, c0:c1]
    return out


def pixel_positions(scene, grid):
    """Where the centre of every target pixel lies in the scene, in pixels: pixel (0, 0) spans 0..1."""
    transform, crs, height, width = grid
    x, y = np.meshgrid(transform.c + transform.a * (np.arange(width) + 0.5),
                       transform.f + transform.e * (np.arange(height) + 0.5))
    to_scene = Transformer.from_crs(CRS.from_wkt(crs.to_wkt()), CRS.from_wkt(scene.crs.to_wkt()), always_xy=True)
    x, y = to_scene.transform(x, y)
    return (y - scene.transform.f) / scene.transform.e, (x - scene.transform.c) / scene.transform.a


def at(a, row, col):
    """a[row, col], zero (False) outside."""
    inside = (row >= 0) & (row < a.shape[0]) & (col >= 0) & (col < a.shape[1])
    return np.where(inside, a[np.clip(row, 0, a.shape[0] - 1), np.clip(col, 0, a.shape[1] - 1)], a.dtype.type(0))


def nearest(a, row, col):
    return at(a, np.floor(row).astype(int), np.floor(col).astype(int))


def bilinear(data, valid, row, col):
    """Sum(w v) / sum(w) over the valid taps; valid where the pixel that contains the centre is."""
    r0, c0 = np.floor(row - 0.5).astype(int), np.floor(col - 0.5).astype(int)
    fr, fc = row - 0.5 - r0, col - 0.5 - c0
    total, weights = np.zeros((len(data),) + row.shape), np.zeros(row.shape)
    for dr, wr in ((0, 1 - fr), (1, fr)):
        for dc, wc in ((0, 1 - fc), (1, fc)):
            w = wr * wc * at(valid, r0 + dr, c0 + dc)
            weights += w
            for b, band in enumerate(data):
                total[b] += w * at(band, r0 + dr, c0 + dc)
    ok = nearest(valid, row, col)
    assert (weights[ok] > 0).all()
    return (total / np.where(weights > 0, weights, 1)).astype(np.float32), ok


# ---- fills --------------------------------------------------------------------------------------------------------

class Canvas:
    """The image being made. Stages only ever write gaps."""

    def __init__(self, scenes, bands, height, width, dtype, nodata):
        self.order, self.nodata = [s.id for s in scenes], nodata
        self.image = np.full((bands, height, width), nodata, dtype)
        self.source = np.full((height, width), GAP, np.int16)
        self.observed, self.filled = 0, []

    def put(self, where, values, source, computed):
        where = where & (self.source == GAP)
        self.image[:, where] = to_type(values[:, where], self.image.dtype, self.nodata) if computed else values[:, where]
        self.source[where] = source
        return int(where.sum())

    def observe(self, aligned):
        self.observed = self.put(aligned.valid, aligned.values, self.order.index(aligned.scene.id), not aligned.exact)

    def one_by_one(self, donors):
        """Donors in the order of wanting."""
        n = {d.scene.id: self.put(d.valid, d.values, self.order.index(d.scene.id), not d.exact) for d in donors}
        self.filled.append({"filled": sum(n.values()), "from": n})

    def median(self, donors, at_least):
        """Per band, f64, an even count gives the mean of the two middle values."""
        valid = np.stack([d.valid for d in donors])
        count = valid.sum(axis=0)
        stack = np.stack([d.values.astype(np.float64) for d in donors])
        stack = np.where(valid[:, None], stack, np.inf)
        stack.sort(axis=0)
        low = np.maximum(count - 1, 0) // 2
        high = np.minimum(count // 2, len(donors) - 1)
        pick = lambda k: np.take_along_axis(stack, np.broadcast_to(k, stack.shape[1:])[None], axis=0)[0]
        with np.errstate(invalid="ignore"):
            middle = (pick(low) + pick(high)) / 2
        stage = len(self.filled) + 1
        self.filled.append({"filled": self.put(count >= at_least, middle, STATISTIC + stage, True)})


def to_type(values, dtype, nodata):
    """A computed value: rounded half away from zero, clamped, one aside where it would read as nodata."""
    info = np.iinfo(dtype)
    values = values.astype(np.float64)
    values = np.clip(np.sign(values) * np.floor(np.abs(values) + 0.5), info.min, info.max)
    aside = nodata - 1 if nodata == info.max else nodata + 1
    return np.where(values == nodata, aside, values).astype(dtype)


def by_distance(scenes, target_day):
    return sorted(scenes, key=lambda s: (abs((s.day - target_day).days), s.day, s.id))


def repair(scenes, target, stages):
    """stages: functions (canvas, donors, target, grid), donors in the order (date, id)."""
    grid = (target.transform, target.crs) + target.valid.shape
    dtype = target.data.dtype
    canvas = Canvas(scenes, len(target.data), *target.valid.shape, dtype, {"uint16": 0, "int16": -32768}[dtype.name])
    canvas.observe(align(target, grid))
    for stage in stages:
        stage(canvas, [s for s in scenes if s is not target], target, grid)
    return canvas


def single_donor(id, masked):
    def stage(canvas, donors, target, grid):
        canvas.one_by_one([align(d, grid, masked) for d in donors if d.id == id])
    return stage


def nearest_date(within_days=None):
    def stage(canvas, donors, target, grid):
        near = [d for d in donors if within_days is None or abs((d.day - target.day).days) <= within_days]
        canvas.one_by_one([align(d, grid) for d in by_distance(near, target.day)])
    return stage


def median_stack(at_least):
    def stage(canvas, donors, target, grid):
        canvas.median([align(d, grid) for d in donors], at_least)
    return stage


# ---- the examples -------------------------------------------------------------------------------------------------

LESSON_VALUES = [328, 392, 840, 904, 1350, 352, 368, 416, 432, 480, 864, 880, 928, 944, 992]
SCL_VALUES = [0, 1, 3, 8, 9, 10]
DONOR = "LC08_L1TP_034032_20160621_20170221_01_T1"

cloud_maybe = lambda qa: (qa >> 14) >= 2                 # pre-collection BQA: bits 14-15 are the cloud confidence
in_list = lambda qa: np.isin(qa, LESSON_VALUES)
cloud_or_shadow = lambda qa: (qa & (1 << 3 | 1 << 5)) != 0  # Collection 1 pixel_qa: bit 3 cloud shadow, bit 5 cloud
scl = lambda qa: np.isin(qa, SCL_VALUES)


def in_order(scenes):
    return sorted(scenes, key=lambda s: (s.day, s.id))


def landsat8():
    scenes = in_order(tahiti(cloud_maybe))
    return scenes, {f"{t.id}_filled": repair(scenes, t, [nearest_date()]) for t in scenes}


def lesson_with(is_masked, donor_masked, name):
    scenes = in_order(lesson(is_masked))
    return scenes, {name: repair(scenes, scenes[1], [single_donor(DONOR, donor_masked)])}


def sentinel2_repair():
    scenes = in_order(exeter(scl))
    stages = [nearest_date(within_days=14), median_stack(at_least=2)]
    return scenes, {"exe_2024-08-26_filled": repair(scenes, scenes[-1], stages)}


def stac_repair():
    scenes = in_order(slovenia())
    target = next(s for s in scenes if s.id == "S2B_33TWL_20230810_0_L2A")
    return scenes, {f"{target.id}_filled": repair(scenes, target, [nearest_date()])}


def sentinel2_median():
    scenes = in_order(exeter(scl))
    like = scenes[-1]
    grid = (like.transform, like.crs) + like.valid.shape
    canvas = Canvas(scenes, len(like.data), *like.valid.shape, np.uint16, 0)
    canvas.median([align(s, grid) for s in scenes], at_least=1)
    return scenes, {"exe_summer_2024_median": canvas}


EXAMPLES = {
    "landsat8": ("landsat8/landsat8.toml", landsat8),
    "lesson": ("lesson/lesson.toml", lambda: lesson_with(in_list, False, "lesson_filled")),
    "lesson-bits": ("lesson/lesson-bits.toml", lambda: lesson_with(cloud_or_shadow, True, "lesson_bits_filled")),
    "sentinel2-repair": ("sentinel2/repair.toml", sentinel2_repair),
    "stac-repair": ("stac/repair.toml", stac_repair),
    "sentinel2-median": ("sentinel2/median.toml", sentinel2_median),
}


# ---- what is written ----------------------------------------------------------------------------------------------

def write(path, image, nodata, transform, crs):
    height, width = image.shape[1:]
    where = dict(width=width, height=height, transform=transform, crs=crs)
    small = dict(compress="deflate", predictor=2, zlevel=9, interleave="band", blockysize=height)
    with rasterio.open(path, "w", driver="GTiff", count=len(image), dtype=image.dtype, nodata=nodata, **where, **small) as f:
        f.write(image)


def write_every_third_row(path, canvas, transform, crs):
    """Row k of the file is row 3k + 1 of the image, the middle one of three: enough for a test, and small."""
    rows = canvas.image[:, 1::3]
    assert 3 * rows.shape[1] - 1 <= canvas.image.shape[1]
    write(path, rows, canvas.nodata, Affine(transform.a, 0, transform.c, 0, 3 * transform.e, transform.f), crs)


def sha256(image):
    """Of the raw samples: band after band, row after row, little-endian, no padding."""
    return hashlib.sha256(image.astype(image.dtype.newbyteorder("<")).tobytes()).hexdigest()


def scene_facts(s):
    n = s.masked.size
    return {"id": s.id, "date": s.day.isoformat(), "width": s.masked.shape[1], "height": s.masked.shape[0],
            "masked": int(s.masked.sum()), "masked_percent": round(100 * s.masked.sum() / n, 3),
            "nodata": int((~s.has_data).sum()), "valid": int(s.valid.sum())}


def image_facts(canvas, exact):
    image, gap = canvas.image, canvas.source == GAP
    facts = {"width": image.shape[2], "height": image.shape[1], "bands": len(image),
             "dtype": image.dtype.name, "nodata": canvas.nodata,
             "observed": canvas.observed, "stages": canvas.filled, "open": int(gap.sum())}
    if exact:
        facts |= {"sha256": sha256(image), "source_sha256": sha256(canvas.source)}
    else:
        bands = [b[~gap] for b in image]
        facts["per_band"] = [{"mean": round(float(b.mean()), 6), "min": int(b.min()), "max": int(b.max())} for b in bands]
    return facts


def run(name, out):
    scenes, images = EXAMPLES[name][1]()
    out.mkdir(parents=True, exist_ok=True)
    for image, canvas in images.items():
        grid_of = next((s for s in scenes if image.startswith(s.id)), scenes[-1])  # the last is the target elsewhere
        write(out / f"{image}.tif", canvas.image, canvas.nodata, grid_of.transform, grid_of.crs)
        np.save(out / f"{image}_source.npy", canvas.source)


def expected():
    everything = {}
    for name, (rules, make) in EXAMPLES.items():
        scenes, images = make()
        warped = name.startswith("sentinel2")
        everything[name] = {"rules": rules, "scenes": [scene_facts(s) for s in scenes],
                            "images": {k: image_facts(c, not warped) for k, c in images.items()}}
        if name == "landsat8":
            everything[name]["masked_in_both"] = int((scenes[0].masked & scenes[1].masked).sum())
        if warped:
            for image, canvas in images.items():
                path = HERE / "sentinel2/expected" / f"{image}.tif"
                path.parent.mkdir(exist_ok=True)
                write_every_third_row(path, canvas, scenes[-1].transform, scenes[-1].crs)
                everything[name]["images"][image] |= {"file": f"sentinel2/expected/{image}.tif", "first_row": 1, "row_step": 3,
                                                      "equal_at_least": 0.998, "off_by_at_most": 1}
    (HERE / "expected.json").write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["expected"]:
        expected()
    elif len(sys.argv) == 3 and sys.argv[1] in EXAMPLES:
        run(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
