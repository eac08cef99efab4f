#!/usr/bin/env python3
"""Makes scenes that lie side by side, each overlapping its neighbours: mosaic.py --out DIR [--side 10] ...

SIDE x SIDE scenes of SCENE px on one lattice, OVERLAP px of each shared with the next; four 16-bit bands and quality
codes, one file a band, deflate in tiles of 256 px. Clouds on a quarter of each, triangles of fill in its corners,
another date each, in no order of place. Writes scenes.json as gen.py does, with a day to measure from and no target.
The same arguments give the same pixels.
"""
import argparse
import datetime as dt
import json
import os
import types
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from rasterio.transform import Affine

from gen import BANDS, CRS, MASK_BITS, MEAN, QA, RES, X0, Y0, dilate, fractal, outside, write_scene

COUNT = 4


def scene(job):
    a, number, day = job
    n, step = a.scene, a.scene - a.overlap
    row, col = divmod(number, a.side)
    rng = np.random.default_rng([a.seed, number])
    ground, haze = fractal(n, rng, n // 4, 8), fractal(n, rng, n // 6, 6)
    cloud = haze > np.quantile(haze[::9, ::9], 0.75)
    codes = np.full((n, n), QA["clear"], np.uint16)
    codes[dilate(cloud, 4)] = QA["dilated"]
    codes[cloud] = QA["cloud"]
    fill = outside(types.SimpleNamespace(size=n), n, n)
    codes[fill] = QA["fill"]
    bands = []
    for b in range(COUNT):
        pixels = MEAN[b] * (1 + 0.06 * ground) + 70 * rng.standard_normal((n, n), np.float32)
        pixels = np.clip(np.where(cloud, pixels + 15000, pixels), 1, 65535).astype(np.uint16)
        pixels[fill] = 0
        bands.append(pixels)
    place = Affine(RES, 0, X0 + RES * step * col, 0, -RES, Y0 - RES * step * row)
    sid = f"{day:%Y%m%d}_{row:02}_{col:02}"
    how = types.SimpleNamespace(out=a.out, layout="tiled", compress="deflate", blocksize=256, bands=COUNT)
    return dict(id=sid, date=f"{day:%Y-%m-%d}", crs=CRS, width=n, height=n, transform=list(place)[:6],
                **write_scene(sid, sid, bands, codes, place, CRS, how))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--side", type=int, default=10)
    p.add_argument("--scene", type=int, default=1000)
    p.add_argument("--overlap", type=int, default=222)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    days = np.random.default_rng([a.seed, 5]).permutation(a.side**2)
    first = dt.date(2021, 4, 5)
    work = [(a, i, first + dt.timedelta(days=int(d))) for i, d in enumerate(days)]
    with ProcessPoolExecutor(2) as ex:
        scenes = sorted(ex.map(scene, work), key=lambda s: s["date"])
    size = (a.scene - a.overlap) * (a.side - 1) + a.scene
    grid = dict(crs=CRS, transform=[RES, 0, X0, 0, -RES, Y0], width=size, height=size)
    middle = first + dt.timedelta(days=a.side**2 // 2)
    manifest = dict(grid=grid, bands=[f"B{BANDS[b]}" for b in range(COUNT)], mask_bits=MASK_BITS, nodata=0,
                    scenes=scenes, target=None, donor=None, date=f"{middle:%Y-%m-%d}")
    with open(f"{a.out}/scenes.json", "w") as f:
        json.dump(manifest, f, indent=1)
    print(f"{a.out}: {len(scenes)} scenes on {size} x {size} px")


if __name__ == "__main__":
    main()
