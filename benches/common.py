"""Shared by the scripts of the benchmark: the manifest of a data set, whole-pixel windows, how answers are written."""
import json
import os
import resource

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

OUT = dict(
    driver="GTiff", dtype="uint16", nodata=0, tiled=True, blockxsize=512, blockysize=512,
    compress="deflate", predictor=2, interleave="pixel", num_threads=2, bigtiff="if_safer",
)


# A stack of 200 dates is a thousand open files.
_, MOST = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))


def load(data, job="J3"):
    """The manifest of data set `data`, with the scenes of `job` and absolute paths."""
    with open(f"{data}/scenes.json") as f:
        m = json.load(f)
    if job == "J4":
        m["scenes"] = m["scenes"][:-1] + [m["utm12"]]
    for s in m["scenes"]:
        s["files"] = {k: os.path.abspath(f"{data}/{v}") for k, v in s["files"].items()}
    m["by_id"] = {s["id"]: s for s in m["scenes"]}
    return m


def number(s, band):
    """Number of a band in its file."""
    return s.get("numbers", {}).get(band, 1)


def profile(m, **kw):
    """How an answer is written."""
    g = m["grid"]
    place = dict(crs=g["crs"], transform=Affine(*g["transform"]), width=g["width"], height=g["height"])
    return dict(OUT, count=len(m["bands"]), **place) | kw


def offset(m, s):
    """Column and row of the target grid's origin in scene s (whole pixels)."""
    a, b = m["grid"]["transform"], s["transform"]
    return round((a[2] - b[2]) / a[0]), round((b[5] - a[5]) / a[0])


def meets(m, s, win):
    """Whether scene s has pixels in a target-grid window (row, col, height, width)."""
    r, c, h, w = win
    x, y = offset(m, s)
    return c + x < s["width"] and c + x + w > 0 and r + y < s["height"] and r + y + h > 0


def read_win(ds, off, win, fill, band=1):
    """Target-grid window (row, col, height, width) from an open dataset of another extent; `fill` outside."""
    r, c, h, w = win
    x0, y0 = c + off[0], r + off[1]
    xa, ya, xb, yb = max(x0, 0), max(y0, 0), min(x0 + w, ds.width), min(y0 + h, ds.height)
    if (xa, ya, xb, yb) == (x0, y0, x0 + w, y0 + h):
        return ds.read(band, window=Window(x0, y0, w, h))
    out = np.full((h, w), fill, np.uint16)
    if xa < xb and ya < yb:
        out[ya - y0:yb - y0, xa - x0:xb - x0] = ds.read(band, window=Window(xa, ya, xb - xa, yb - ya))
    return out


def blocks(m, b=512):
    """Windows (row, col, height, width) that cover the target grid."""
    height, width = m["grid"]["height"], m["grid"]["width"]
    return [(r, c, min(b, height - r), min(b, width - c)) for r in range(0, height, b) for c in range(0, width, b)]
