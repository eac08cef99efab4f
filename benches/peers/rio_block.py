"""rasterio by blocks and bottleneck's nanmedian, one process, one thread: rio_block.py JOB DATA OUT."""
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

from common import blocks, load, offset, profile, read_win

job, data, out = sys.argv[1:4]
m = load(data, job)


def sources():
    """id -> {band: (dataset, offset, fill)}: plain datasets on the target's lattice, a WarpedVRT elsewhere."""
    g, found = m["grid"], {}
    for s in m["scenes"]:
        found[s["id"]] = d = {}
        for k in m["bands"] + ["QA_PIXEL"]:
            fill, ds = int(k == "QA_PIXEL"), rasterio.open(s["files"][k])
            if s["crs"] == g["crs"]:
                d[k] = (ds, offset(m, s), fill)
                continue
            how = Resampling.nearest if k == "QA_PIXEL" else Resampling.bilinear
            grid = dict(crs=g["crs"], transform=Affine(*g["transform"]), width=g["width"], height=g["height"])
            d[k] = (WarpedVRT(ds, **grid, resampling=how, src_nodata=fill, nodata=fill), (0, 0), fill)
    return found


src = sources()
ids = [s["id"] for s in m["scenes"]]
day = {s["id"]: dt.date.fromisoformat(s["date"]) for s in m["scenes"]}
near = sorted(ids, key=lambda i: (abs((day[i] - day[m["target"]]).days), day[i]))


def one_block(win):
    def read(i, k):
        ds, off, fill = src[i][k]
        return read_win(ds, off, win, fill)

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


with rasterio.open(out, "w", **profile(m)) as o:
    for win in blocks(m):
        r, c, h, w = win
        o.write(one_block(win), window=Window(c, r, w, h))
