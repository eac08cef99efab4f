#!/usr/bin/env python3
"""Makes deterministic scenes that look like Landsat Collection 2.

    gen.py --out DIR [--size 1024] [--dates 8] [--bands 6] [--layout tiled] [--compress deflate] ...

Writes uint16 GeoTIFFs and DIR/scenes.json, which names the target grid, the target scene, the donor and the mask;
every peer and every check reads that file. The same arguments give the same pixels, whatever the layout:

  tiled        one file a band, tiles of --blocksize
  striped      one file a band, strips as GDAL makes them
  interleaved  one file a scene, pixel-interleaved, tiles of --blocksize; the last band is QA_PIXEL

Geometry (all whole pixels on one 30 m UTM 13N lattice):
  target grid  size x size, the exact extent of the target scene
  target       scene T//2
  donor        scene T//2+1: its extent contains the target's
  others       shifted by up to 80 px each way, a few px larger or smaller, so that tiles never line up
  utm12        the last scene once more, warped (nearest) to UTM 12N (not with --one-zone)
Content: static fractal terrain x seasonal gain + noise of the sensor (deflate with predictor 2 makes 1.7-2.0 of it,
as of real surface reflectance), clouds on 10-45 % of each date (27-66 % masked in all), shadows displaced from
clouds, dilated rim, cirrus, snow, water, triangles of fill. A sample is >= 1 wherever QA is not fill, and 0 exactly
where QA is fill (value 1). QA has the real bit layout.
"""
import argparse
import datetime as dt
import json
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.warp import Resampling, calculate_default_transform, reproject

RES, X0, Y0, CRS, CRS2 = 30.0, 405015.0, 4505015.0, "EPSG:32613", "EPSG:32612"
PAD = 128  # the world is the target grid plus PAD px on each side
BANDS = [2, 3, 4, 5, 6, 7, 1, 8, 9, 10, 11, 12, 13]
MEAN = [8600, 9300, 9600, 14500, 13500, 11200, 8300, 9000, 7400, 20000, 20000, 12000, 10000]
QA = dict(fill=1, clear=21824, water=21952, dilated=21826, cloud=22280, shadow=23888, snow=30048, cirrus=54596,
          cirrus_cloud=55052)
MASK_BITS = 0b11111  # fill, dilated, cirrus, cloud, shadow


def fractal(n, rng, coarse, octaves, persist=0.55):
    """Sum of linearly up-sampled white noise, float32, about zero mean and unit deviation."""
    out = np.zeros((n, n), np.float32)
    amp = 1.0
    for o in range(octaves):
        step = max(2, coarse >> o)
        m = n // step + 3
        g = rng.standard_normal((m, m)).astype(np.float32)
        x = np.arange(n, dtype=np.float32) / step
        i = x.astype(np.int32)
        f = (x - i).astype(np.float32)
        rows = g[i] * (1 - f)[:, None] + g[i + 1] * f[:, None]
        out += amp * (rows[:, i] * (1 - f) + rows[:, i + 1] * f)
        amp *= persist
        if step == 2:
            break
    out /= out[::7, ::7].std()
    return out


def shift(a, dy, dx):
    b = np.zeros_like(a)
    n = a.shape[0]
    to = np.s_[max(dy, 0):n + min(dy, 0), max(dx, 0):n + min(dx, 0)]
    b[to] = a[max(-dy, 0):n + min(-dy, 0), max(-dx, 0):n + min(-dx, 0)]
    return b


def dilate(a, r):
    b = a.copy()
    for d in (r, -r):
        b |= shift(a, d, 0)
        b |= shift(a, 0, d)
    return b


def terrain(a):
    """The static world, made once and kept in .npy files, which the workers map."""
    n = a.size + 2 * PAD
    rng = np.random.default_rng(a.seed)
    base = [fractal(n, rng, n // 4, 9), fractal(n, rng, n // 8, 8), fractal(n, rng, 64, 6)]
    for b in range(a.bands):
        w = rng.normal(0, 1, 3)
        t = MEAN[b] * (1 + 0.10 * (w[0] * base[0] + w[1] * base[1] + 0.6 * base[2]) / 1.6)
        np.save(f"{a.out}/.t{b}.npy", np.clip(t, 7300, 40000).astype(np.uint16))
    np.save(f"{a.out}/.elev.npy", base[0].astype(np.float16))
    np.save(f"{a.out}/.noise.npy", rng.standard_normal((1024, 1024)).astype(np.float32))


def write(path, arrays, transform, crs, nodata, a):
    """One file with these bands, in the layout asked for."""
    height, width = arrays[0].shape
    o = dict(driver="GTiff", dtype="uint16", count=len(arrays), width=width, height=height, crs=crs,
             transform=transform, nodata=nodata, tiled=a.layout != "striped", interleave="pixel")
    if a.layout != "striped":
        o.update(blockxsize=a.blocksize, blockysize=a.blocksize)
    if a.compress != "none":
        o.update(compress=a.compress, predictor=2)
    with rasterio.open(path, "w", **o) as d:
        d.write(np.stack(arrays))


def write_scene(folder, sid, bands, qa, transform, crs, a):
    """All files of a scene; their names by band and, where a file has several bands, their numbers."""
    os.makedirs(f"{a.out}/{folder}", exist_ok=True)
    names = [f"B{BANDS[b]}" for b in range(a.bands)]
    if a.layout == "interleaved":
        path = f"{folder}/{sid}.TIF"
        write(f"{a.out}/{path}", [*bands, qa], transform, crs, 0, a)
        names.append("QA_PIXEL")
        return dict(files={k: path for k in names}, numbers={k: i + 1 for i, k in enumerate(names)})
    files = {k: f"{folder}/{sid}_SR_{k}.TIF" for k in names} | {"QA_PIXEL": f"{folder}/{sid}_QA_PIXEL.TIF"}
    for k, pixels in zip(names, bands):
        write(f"{a.out}/{files[k]}", [pixels], transform, crs, 0, a)
    write(f"{a.out}/{files['QA_PIXEL']}", [qa], transform, crs, 1, a)
    return dict(files=files)


def quality(a, t, meta, rng, elev, cf):
    """Codes of the whole world on date t, and where snow, cloud and shadow are."""
    n = a.size + 2 * PAD
    s = np.sort(cf[::9, ::9].ravel())
    cloud = cf > s[int((1 - meta["cloud_fraction"]) * (len(s) - 1))]
    rim = dilate(cloud, 4) & ~cloud
    dy, dx = int(rng.integers(20, 60)), int(rng.integers(-60, -20))
    shadow = shift(cloud, dy, dx) & ~cloud & ~rim
    cirrus = fractal(n, rng, max(64, n // 3), 4) > 1.8
    snow = np.asarray(elev) > (2.2 if t % 4 else 1.4)
    water = np.asarray(elev) < -1.9
    qa = np.full((n, n), QA["clear"], np.uint16)
    for m, k in ((water, "water"), (snow, "snow"), (cirrus, "cirrus"), (shadow, "shadow"), (rim, "dilated"),
                 (cloud, "cloud"), (cloud & cirrus, "cirrus_cloud")):
        qa[m] = QA[k]
    return qa, snow, cloud, shadow


def outside(a, h, w):
    """The triangles of fill in the corners: edges turned by about 12 degrees."""
    yy = np.arange(h, dtype=np.float32)[:, None]
    xx = np.arange(w, dtype=np.float32)[None, :]
    k, off = 0.21, 0.045 * a.size
    u = np.minimum(np.minimum(xx + k * yy - off, yy - k * xx + off * 0.9),
                   np.minimum((w - 1 - xx) + k * (h - 1 - yy) - off, (h - 1 - yy) - k * (w - 1 - xx) + off * 0.9))
    return u < 0


def scene(job):
    a, t, meta = job
    rng = np.random.default_rng([a.seed, 77, t])
    n = a.size + 2 * PAD
    elev = np.load(f"{a.out}/.elev.npy", mmap_mode="r")
    noise = np.load(f"{a.out}/.noise.npy")
    cf = fractal(n, rng, max(64, n // 6), 7)
    qa, snow, cloud, shadow = quality(a, t, meta, rng, elev, cf)
    r0, c0, h, w = meta["win"]
    fill = outside(a, h, w)
    win = np.s_[r0:r0 + h, c0:c0 + w]
    qa = qa[win]
    qa[fill] = QA["fill"]
    cl, sh, sn, cfw = cloud[win], shadow[win], snow[win], cf[win]
    tr = Affine(RES, 0, X0 + RES * (c0 - PAD), 0, -RES, Y0 - RES * (r0 - PAD))
    season = 1 + 0.08 * np.sin(2 * np.pi * t / 8.0)
    outs = []
    for b in range(a.bands):
        g = np.load(f"{a.out}/.t{b}.npy", mmap_mode="r")[win].astype(np.float32)
        g *= season
        oy, ox = rng.integers(0, 1024, 2)
        nz = np.roll(noise, (int(oy), int(ox)), (0, 1))
        nz = np.tile(nz, (h // 1024 + 1, w // 1024 + 1))[:h, :w]
        g += np.float32(a.noise) * nz
        g[sh] *= 0.86
        g[sn] = np.maximum(g[sn], 26000 + 800 * nz[sn])
        g[cl] = (21000 + 2500 * b % 4000) + 3000 * cfw[cl] + 1.5 * a.noise * nz[cl]
        v = np.clip(g, 1, 65535).astype(np.uint16)
        v[fill] = 0
        outs.append(v)
    m = {k: v for k, v in meta.items() if k not in ("win", "last")}
    m |= dict(crs=CRS, width=w, height=h, transform=list(tr)[:6])
    m["masked_fraction"] = round(float(((qa & MASK_BITS) != 0).mean()), 4)
    m |= write_scene(m["id"], m["id"], outs, qa, tr, CRS, a)
    return m, other_zone(a, m, outs, qa, tr) if meta["last"] and not a.one_zone else None


def other_zone(a, m, outs, qa, tr):
    """The scene once more in the neighbouring zone."""
    h, w = qa.shape
    edges = (tr.c, tr.f - h * RES, tr.c + w * RES, tr.f)
    t2, w2, h2 = calculate_default_transform(CRS, CRS2, w, h, *edges, resolution=RES)
    t2 = Affine(RES, 0, round(t2.c / RES) * RES + 15, 0, -RES, round(t2.f / RES) * RES + 15)

    def warp(pixels, nodata):
        dst = np.full((h2, w2), nodata, np.uint16)
        reproject(pixels, dst, src_transform=tr, src_crs=CRS, src_nodata=nodata, dst_transform=t2, dst_crs=CRS2,
                  dst_nodata=nodata, resampling=Resampling.nearest)
        return dst

    files = write_scene(f"utm12/{m['id']}", m["id"], [warp(o, 0) for o in outs], warp(qa, 1), t2, CRS2, a)
    return dict(m, crs=CRS2, width=w2, height=h2, transform=list(t2)[:6], **files)


def plan(a):
    """Dates, extents and cloud cover of all scenes."""
    rng = np.random.default_rng([a.seed, 5])
    metas, first = [], dt.date(2021, 4, 5)
    for t in range(a.dates):
        day = first + dt.timedelta(days=16 * t + (8 if t % 3 == 2 else 0))  # uneven gaps, no date twice
        sid = f"LC08_L2SP_034032_{day:%Y%m%d}_{day + dt.timedelta(days=10):%Y%m%d}_02_T1"
        if t == a.dates // 2:
            win = (PAD, PAD, a.size, a.size)
        elif t == a.dates // 2 + 1:
            win = (PAD - 100, PAD - 90, a.size + 200, a.size + 180)
        else:
            r, c = rng.integers(-80, 81, 2)
            dh, dw = rng.integers(-30, 31, 2)
            win = (PAD + int(r), PAD + int(c), a.size + int(dh), a.size + int(dw))
        cloud = round(0.10 + 0.35 * float(rng.random()), 3)
        metas.append(dict(id=sid, date=f"{day:%Y-%m-%d}", win=win, last=t == a.dates - 1, cloud_fraction=cloud))
    return metas


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--size", type=int, default=1024)
    p.add_argument("--dates", type=int, default=8)
    p.add_argument("--bands", type=int, default=6)
    p.add_argument("--layout", default="tiled", choices=["tiled", "striped", "interleaved"])
    p.add_argument("--compress", default="deflate", choices=["deflate", "zstd", "lzw", "none"])
    p.add_argument("--blocksize", type=int, default=512)
    p.add_argument("--noise", type=float, default=70.0, help="deviation of the noise: sets how much deflate gains")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--one-zone", action="store_true", help="leave the scene of the neighbouring zone out")
    p.add_argument("--jobs", type=int, default=2)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    metas = plan(a)
    terrain(a)
    with ProcessPoolExecutor(a.jobs) as ex:
        made = list(ex.map(scene, [(a, t, m) for t, m in enumerate(metas)]))
    for f in os.listdir(a.out):
        if f.startswith(".") and f.endswith(".npy"):
            os.unlink(f"{a.out}/{f}")
    target = a.dates // 2
    donor = target + 1 if target + 1 < a.dates else target - 1
    manifest = dict(
        grid=dict(crs=CRS, transform=[RES, 0, X0, 0, -RES, Y0], width=a.size, height=a.size),
        bands=[f"B{BANDS[b]}" for b in range(a.bands)], mask_bits=MASK_BITS, nodata=0, compress=a.compress,
        layout=a.layout, target=metas[target]["id"], donor=metas[donor]["id"], scenes=[m for m, _ in made],
        utm12=made[-1][1],
    )
    with open(f"{a.out}/scenes.json", "w") as f:
        json.dump(manifest, f, indent=1)
    sizes = [os.path.getsize(p) for p in {f"{a.out}/{f}" for m, _ in made for f in m["files"].values()}]
    raw = sum(m["width"] * m["height"] * 2 * (a.bands + 1) for m, _ in made)
    print(f"{a.out}: {a.dates} scenes, {sum(sizes) / 1e6:.0f} MB on disk, {raw / 1e6:.0f} MB of pixels")


if __name__ == "__main__":
    main()
