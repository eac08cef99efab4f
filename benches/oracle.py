#!/usr/bin/env python3
"""The right answer, in plain numpy and exact whole numbers: nothing here is shared with the program.

    oracle.py DATA JOB OUT

A pixel of a scene is valid where it is inside the scene, (QA & mask bits) == 0, and the sample is not 0.
J1  the target where valid, else the donor's sample as it is (its QA is not read), 0 outside
J2  the target where valid, else the valid scene nearest in |days| (tie: the earlier), else 0; all bands together
J3  per band the median of the valid samples; of an even number the mean of the middle two, halves up; none: 0
J4  J3 with the last scene taken from utm12, masked on its own grid and then resampled (see warp_masked)
mosaic  J2 of scenes that lie side by side; OUT_provenance.tif has source (number of the scene by date), stage and age
tdom, bap, bap-clouds  see rules.py
"""
import datetime as dt
import sys

import numpy as np
import rasterio

import rules
from common import blocks, load, meets, number, offset, profile, read_win


def warp_masked(m, s, win):
    """Scene s of another system on target window `win`: masked on its own grid, then bilinear over valid taps.

    Exact coordinates (pyproj, float64) of every target pixel's centre. A pixel is valid where its nearest native
    pixel is; its value is sum(w v) / sum(w) over the valid ones of the four taps. Values and validity by band."""
    from pyproj import Transformer

    a, b = m["grid"]["transform"], s["transform"]
    r, c, h, w = win
    x = a[2] + a[0] * (c + np.arange(w) + 0.5)
    y = a[5] + a[4] * (r + np.arange(h) + 0.5)
    there = Transformer.from_crs(m["grid"]["crs"], s["crs"], always_xy=True)
    sx, sy = there.transform(*np.meshgrid(x, y))
    px, py = (sx - b[2]) / b[0], (sy - b[5]) / b[4]  # pixel (0, 0) spans 0..1

    def pad(band, fill):
        return np.pad(s["pixels"](band), 2, constant_values=fill)  # outside the scene is unusable

    qa = (pad("QA_PIXEL", 1) & m["mask_bits"]) == 0
    height, width = qa.shape

    def clip(i, n):
        return np.clip(i + 2, 0, n - 1)

    nr, nc = clip(np.floor(py).astype(int), height), clip(np.floor(px).astype(int), width)
    r0, c0 = np.floor(py - 0.5).astype(int), np.floor(px - 0.5).astype(int)
    fy, fx = py - 0.5 - r0, px - 0.5 - c0
    vals, ok = {}, {}
    for k in m["bands"]:
        v = pad(k, 0)
        good = qa & (v != 0)
        num, den = np.zeros(px.shape), np.zeros(px.shape)
        for dr, wr in ((0, 1 - fy), (1, fy)):
            for dc, wc in ((0, 1 - fx), (1, fx)):
                i, j = clip(r0 + dr, height), clip(c0 + dc, width)
                wt = wr * wc * good[i, j]
                num += wt * v[i, j]
                den += wt
        ok[k] = good[nr, nc] & (den > 0)
        vals[k] = np.where(ok[k], num / np.where(den > 0, den, 1), 0)
    return vals, ok


def sources(m):
    """id -> {band: arguments of read_win} of scenes on the target's lattice; others get a reader of whole bands."""
    out = {}
    for s in m["scenes"]:
        opened = {path: rasterio.open(path) for path in set(s["files"].values())}
        ds = {k: opened[s["files"][k]] for k in m["bands"] + ["QA_PIXEL"]}
        if s["crs"] != m["grid"]["crs"]:
            cache = {}

            def pixels(k, s=s, ds=ds, cache=cache):
                return cache.setdefault(k, ds[k].read(number(s, k)))

            s["pixels"] = pixels
        else:
            out[s["id"]] = {k: (d, offset(m, s), 1 if k == "QA_PIXEL" else 0, number(s, k)) for k, d in ds.items()}
    return out


def median_u16(stack, valid):
    v = np.where(valid, stack, 65535).astype(np.uint16)
    v.sort(axis=0)
    n = valid.sum(axis=0)
    lo = np.take_along_axis(v, np.maximum((n - 1) // 2, 0)[None], 0)[0].astype(np.uint32)
    hi = np.take_along_axis(v, (np.minimum(n // 2, len(v) - 1))[None], 0)[0].astype(np.uint32)
    return np.where(n > 0, (lo + hi + 1) >> 1, 0).astype(np.uint16)


def median_float(stack, valid):
    """As median_u16 for float64: the mean of the two middle values, rounded once, halves up (all are >= 0)."""
    v = np.where(valid, stack, np.inf)
    v.sort(axis=0)
    n = valid.sum(axis=0)
    lo = np.take_along_axis(v, np.maximum((n - 1) // 2, 0)[None], 0)[0]
    hi = np.take_along_axis(v, np.minimum(n // 2, len(v) - 1)[None], 0)[0]
    with np.errstate(invalid="ignore"):
        return np.where(n > 0, np.floor((lo + hi) / 2 + 0.5), 0).astype(np.uint16)


class Reader:
    """Pixels of one window."""

    def __init__(self, m, src, win):
        self.m, self.src, self.win = m, src, win

    def pixels(self, i, k):
        ds, off, fill, band = self.src[i][k]
        return read_win(ds, off, self.win, fill, band)

    def ok(self, i):
        return (self.pixels(i, "QA_PIXEL") & self.m["mask_bits"]) == 0

    def joint(self, i):
        """Where the scene is valid in all bands."""
        use = self.ok(i)
        for k in self.m["bands"]:
            use &= self.pixels(i, k) != 0
        return use

    def around(self, rim):
        """The same with `rim` pixels more on each side."""
        r, c, h, w = self.win
        return Reader(self.m, self.src, (r - rim, c - rim, h + 2 * rim, w + 2 * rim))


def one_donor(m, rd):
    ok = rd.ok(m["target"])
    for k in m["bands"]:
        a = rd.pixels(m["target"], k)
        yield np.where(ok & (a != 0), a, rd.pixels(m["donor"], k))


def nearest(m, rd, order, marked=None):
    """Pixels, and the place in `order` of the scene that each is from (-1: none); `marked(i)` is masked as well."""
    h, w = rd.win[2:]
    res, took = np.zeros((len(m["bands"]), h, w), np.uint16), np.full((h, w), -1)
    for place, i in enumerate(order):
        if not meets(m, m["by_id"][i], rd.win):
            continue
        use = rd.joint(i) & (took < 0)
        if marked:
            use &= ~marked(i)
        for b, k in enumerate(m["bands"]):
            res[b][use] = rd.pixels(i, k)[use]
        took[use] = place
    return res, took


def record(took, order, day, date):
    """Source, stage and age of each pixel; 65535 where there is none."""
    by_date = sorted(order, key=lambda i: (day[i], i))
    source = np.array([by_date.index(i) for i in order] + [65535], np.uint16)
    age = np.array([abs((day[i] - date).days) for i in order] + [65535], np.uint16)
    return np.stack([source[took], np.where(took < 0, 65535, 1).astype(np.uint16), age[took]])


def median(m, rd, ids):
    ok = np.stack([rd.ok(i) for i in ids])
    for k in m["bands"]:
        st = np.stack([rd.pixels(i, k) for i in ids])
        yield median_u16(st, ok & (st != 0))


def median_of_zones(m, rd, ids):
    far = {s["id"]: warp_masked(m, s, rd.win) for s in m["scenes"] if s["id"] not in rd.src}
    for k in m["bands"]:
        st = [far[i][0][k] if i in far else rd.pixels(i, k).astype(np.float64) for i in ids]
        va = [far[i][1][k] if i in far else rd.ok(i) & (v != 0) for i, v in zip(ids, st)]
        yield median_float(np.stack(st), np.stack(va))


def mosaic(m, src, order, day, date, out):
    how = profile(m, count=3, nodata=65535)
    with (rasterio.open(out, "w", **profile(m)) as image,
          rasterio.open(out.removesuffix(".tif") + "_provenance.tif", "w", **how) as codes):
        for win in blocks(m, 1024):
            r, c, h, w = win
            place = rasterio.windows.Window(c, r, w, h)
            pixels, took = nearest(m, Reader(m, src, win), order)
            image.write(pixels, window=place)
            codes.write(record(took, order, day, date), window=place)


def main(data, job, out):
    m = load(data, job)
    src = sources(m)
    ids = [s["id"] for s in m["scenes"]]
    day = {s["id"]: dt.date.fromisoformat(s["date"]) for s in m["scenes"]}
    date = day[m["target"]] if m["target"] else dt.date.fromisoformat(m["date"])
    order = sorted(ids, key=lambda i: (abs((day[i] - date).days), day[i]))
    if job == "mosaic":
        return mosaic(m, src, order, day, date, out)
    distances = {}
    answer = {
        "J1": lambda rd: one_donor(m, rd),
        "J2": lambda rd: nearest(m, rd, order)[0],
        "tdom": lambda rd: nearest(m, rd, order, rules.tdom(m, rd))[0],
        "bap": lambda rd: rules.bap(m, rd, day, order, None),
        "bap-clouds": lambda rd: rules.bap(m, rd, day, order, distances),
        "J3": lambda rd: median(m, rd, ids),
        "J4": lambda rd: median_of_zones(m, rd, ids),
    }[job]
    with rasterio.open(out, "w", **profile(m)) as o:
        # A window of many dates is small, so that the whole stack of it fits into memory.
        for win in blocks(m, 1024 if len(ids) <= 64 else 512):
            r, c, h, w = win
            o.write(np.stack(list(answer(Reader(m, src, win)))), window=rasterio.windows.Window(c, r, w, h))


if __name__ == "__main__":
    main(*sys.argv[1:4])
