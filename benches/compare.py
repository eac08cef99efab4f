#!/usr/bin/env python3
"""Holds an image against the right answer and prints what differs, as JSON.

    compare.py OUT REF [--wider] [--cog] [--filled DATA]

  exact     share of samples that are equal (1 only where all are)
  off_by_1  samples that differ by 1
  off_more  samples that differ by more
  nodata    samples where one of the two has nodata and the other has not
  max       the largest difference, nodata left out

--wider   OUT's grid goes on to the right and below: nothing but nodata must be there
--cog     OUT must be a Cloud Optimised GeoTIFF, with overviews where it is larger than a tile
--filled  REF tells only where there are pixels; those that the target of DATA shows must be the target's
"""
import argparse
import json

import numpy as np
import rasterio
from rasterio.windows import Window

from common import load, number, offset, read_win

SAMPLES = 1 << 21  # of one band that are compared at once


def observed(data):
    """A function: window -> what the target shows there, and where."""
    m = load(data)
    s = m["by_id"][m["target"]]
    opened = {k: rasterio.open(s["files"][k]) for k in [*m["bands"], "QA_PIXEL"]}

    def on(win):
        def read(k):
            return read_win(opened[k], offset(m, s), win, int(k == "QA_PIXEL"), number(s, k))

        pixels = np.stack([read(k) for k in m["bands"]])
        return pixels, ((read("QA_PIXEL") & m["mask_bits"]) == 0) & (pixels != 0).all(axis=0)

    return on


def refusal(a, b, wider, cog):
    """Why OUT cannot be compared, or is not what was asked for."""
    larger = wider and a.width >= b.width and a.height >= b.height
    if (a.count, a.transform, a.dtypes) != (b.count, b.transform, b.dtypes) or not larger and a.shape != b.shape:
        return f"another grid: {a.count} bands of {a.width} x {a.height} px of {a.dtypes[0]}"
    if a.nodata != b.nodata:
        return f"nodata is {a.nodata}, expected {b.nodata}"
    small = max(a.shape) <= max(a.block_shapes[0])
    if cog and (a.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") != "COG" or not (small or all(map(a.overviews, a.indexes)))):
        return "no Cloud Optimised GeoTIFF with overviews"
    return None


def expected(b, win):
    """REF on a window of OUT, nodata beyond."""
    r, c, h, w = win
    out = np.full((b.count, h, w), b.nodata, b.dtypes[0])
    here = b.read(window=Window(0, r, min(b.width, w), min(h, b.height - r))) if r < b.height else out[:, :0, :0]
    out[:, :here.shape[1], :here.shape[2]] = here
    return out


def main(out, ref, wider, cog, filled):
    n = same = off1 = more = nodata = largest = 0
    shown = observed(filled) if filled else None
    with rasterio.open(out) as a, rasterio.open(ref) as b:
        refused = refusal(a, b, wider, cog)
        if refused:
            return dict(error=refused)
        rows = max(1, min(512, SAMPLES // a.width))
        for r in range(0, a.height, rows):
            win = (r, 0, min(rows, a.height - r), a.width)
            x, y = a.read(window=Window(0, r, a.width, win[2])), expected(b, win)
            z = (x == b.nodata) != (y == b.nodata)
            if shown:
                pixels, seen = shown(win)
                y = np.where(seen, pixels, np.where(z, y, x))
            d = np.abs(x.astype(np.int32) - y.astype(np.int32))
            n += d.size
            same += int(((d == 0) & ~z).sum())
            nodata += int(z.sum())
            off1 += int(((d == 1) & ~z).sum())
            more += int(((d > 1) & ~z).sum())
            largest = max(largest, int(np.where(z, 0, d).max()))
    found = dict(samples=n, exact=same / n, off_by_1=off1, off_more=more, nodata=nodata, max=largest)
    return found | (dict(told="observed pixels exact, gaps filled where the right answer is") if filled else {})


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("ref")
    p.add_argument("--wider", action="store_true")
    p.add_argument("--cog", action="store_true")
    p.add_argument("--filled", metavar="DATA")
    print(json.dumps(main(**vars(p.parse_args()))))
