"""rasterio by blocks and bottleneck's nanmedian, one process, one thread: rio_block.py JOB DATA OUT.

Jobs: J1 to J4, and mosaic, J2 of scenes side by side, which writes the record of sources as well."""
import contextlib
import datetime as dt
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bottleneck as bn
import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from common import blocks, load, meets, number, offset, profile, read_win

job, data, out = sys.argv[1:4]
m = load(data, job)


def sources():
    """id -> {band: (dataset, offset, fill, number)}: plain datasets on the target's lattice, a WarpedVRT elsewhere."""
    g, found = m["grid"], {}
    opened = {path: rasterio.open(path) for s in m["scenes"] for path in set(s["files"].values())}
    for s in m["scenes"]:
        found[s["id"]] = d = {}
        for k in m["bands"] + ["QA_PIXEL"]:
            fill, ds = int(k == "QA_PIXEL"), opened[s["files"][k]]
            if s["crs"] == g["crs"]:
                d[k] = (ds, offset(m, s), fill, number(s, k))
                continue
            how = Resampling.nearest if k == "QA_PIXEL" else Resampling.bilinear
            grid = dict(crs=g["crs"], transform=Affine(*g["transform"]), width=g["width"], height=g["height"])
            d[k] = (WarpedVRT(ds, **grid, resampling=how, src_nodata=fill, nodata=fill), (0, 0), fill, 1)
    return found


src = sources()
ids = [s["id"] for s in m["scenes"]]
day = {s["id"]: dt.date.fromisoformat(s["date"]) for s in m["scenes"]}
date = day[m["target"]] if m["target"] else dt.date.fromisoformat(m["date"])
near = sorted(ids, key=lambda i: (abs((day[i] - date).days), day[i]))


def one_block(win):
    def read(i, k):
        ds, off, fill, band = src[i][k]
        return read_win(ds, off, win, fill, band)

    def bad(i):
        return (read(i, "QA_PIXEL") & m["mask_bits"]) != 0

    res = np.zeros((len(m["bands"]), *win[2:]), np.uint16)
    if job == "J1":
        masked = bad(m["target"])
        for b, k in enumerate(m["bands"]):
            res[b] = np.where(masked, read(m["donor"], k), read(m["target"], k))
    elif job == "J2":
        todo = np.ones(win[2:], bool)
        for i in near:
            use = ~bad(i) & todo
            if use.any():
                for b, k in enumerate(m["bands"]):
                    np.copyto(res[b], read(i, k), where=use)
                todo &= ~use
            if not todo.any():
                break
    else:
        masked = np.stack([bad(i) for i in ids])
        for b, k in enumerate(m["bands"]):
            st = np.stack([read(i, k) for i in ids]).astype("float32")
            st[masked | (st == 0)] = np.nan
            res[b] = np.nan_to_num(bn.nanmedian(st, axis=0)) + 0.5
    return res


def one_window(win):
    """Pixels and record (source, stage, age) of a mosaic, from the scenes that meet the window."""
    def read(i, k):
        ds, off, fill, band = src[i][k]
        return read_win(ds, off, win, fill, band)

    res, told = np.zeros((len(m["bands"]), *win[2:]), np.uint16), np.full((3, *win[2:]), 65535, np.uint16)
    todo = np.ones(win[2:], bool)
    for i in near:
        if not meets(m, m["by_id"][i], win):
            continue
        use = ((read(i, "QA_PIXEL") & m["mask_bits"]) == 0) & todo
        if use.any():
            pixels = [read(i, k) for k in m["bands"]]
            for a in pixels:
                use &= a != 0
            for b, a in enumerate(pixels):
                np.copyto(res[b], a, where=use)
            for code, value in zip(told, (ids.index(i), 1, abs((day[i] - date).days))):
                code[use] = value
            todo &= ~use
        if not todo.any():
            break
    return res, told


record = out.removesuffix(".tif") + "_provenance.tif"
with rasterio.open(out, "w", **profile(m)) as o, contextlib.ExitStack() as more:
    if job == "mosaic":
        codes = more.enter_context(rasterio.open(record, "w", **profile(m, count=3, nodata=65535)))
    for win in blocks(m):
        r, c, h, w = win
        place = Window(c, r, w, h)
        if job == "mosaic":
            pixels, told = one_window(win)
            o.write(pixels, window=place)
            codes.write(told, window=place)
        else:
            o.write(one_block(win), window=place)
