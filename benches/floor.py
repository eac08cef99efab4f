#!/usr/bin/env python3
"""The floor of the work: what no program of this kind can skip.

    floor.py MODES DATA JOB REF        (MODES with commas between)

  decode   read, with GDAL, every tile of every input (bands and QA) that meets the target grid, once; two threads,
           a handle for each file
  encode   write the answer REF again, with GDAL: tiled, deflate, two threads; its pixels are in memory already
  deflate  the inputs' tiles with libdeflate and the predictor undone, two threads: what a decoder of one's own can
           reach (deflate, tiled, one band a file)
  encdef   predictor and libdeflate level 6 on the answer's tiles, two threads: the same of an encoder

Prints {mode: {"wall": s, "cpu": s}} as JSON, counted inside the process: imports and the loading of REF are left
out. J1 needs the target's bands and QA and the donor's bands, other jobs everything.
"""
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import rasterio
from rasterio.windows import Window

from common import blocks, load, number, offset, profile

THREADS = 2


def inputs(m, job):
    """(scene, file, numbers of its bands that the job reads)."""
    bands, qa = m["bands"], ["QA_PIXEL"]
    if job == "J1":
        by_scene = [(m["by_id"][m["target"]], bands + qa), (m["by_id"][m["donor"]], bands)]
    else:
        by_scene = [(s, bands + qa) for s in m["scenes"]]
    out = []
    for s, wanted in by_scene:
        numbers = {}
        for k in wanted:
            numbers.setdefault(s["files"][k], []).append(number(s, k))
        out += [(s, path, bands) for path, bands in numbers.items()]
    return out


def tiles(m, s, bw, bh):
    """(row, col) of the blocks of scene s that meet the target grid."""
    x, y = offset(m, s)
    width, height = m["grid"]["width"], m["grid"]["height"]
    if s["crs"] != m["grid"]["crs"]:
        x, y, width, height = 0, 0, s["width"], s["height"]
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + width, s["width"]), min(y + height, s["height"])
    return [(r, c) for r in range(y0 // bh, (y1 - 1) // bh + 1) for c in range(x0 // bw, (x1 - 1) // bw + 1)]


def decode(m, job):
    def one(item):
        s, path, bands = item
        with rasterio.open(path) as ds:
            bh, bw = ds.block_shapes[0]
            bh *= max(1, 512 // bh)  # strips are taken together, or the calls would cost more than the work
            for r, c in tiles(m, s, bw, bh):
                w = Window(c * bw, r * bh, min(bw, ds.width - c * bw), min(bh, ds.height - r * bh))
                ds.read(bands, window=w)

    with ThreadPoolExecutor(THREADS) as ex:
        list(ex.map(one, inputs(m, job)))


def deflate(m, job):
    import imagecodecs
    import tifffile

    def one(item):
        s, path, _ = item
        with tifffile.TiffFile(path) as t:
            page = t.pages[0]
            side = page.tilelength
            across = -(-page.imagewidth // side)
            for r, c in tiles(m, s, side, side):
                at = r * across + c
                raw = os.pread(t.filehandle.fileno(), page.databytecounts[at], page.dataoffsets[at])
                if raw:
                    b = imagecodecs.deflate_decode(raw, out=side * side * 2)
                    imagecodecs.delta_decode(np.frombuffer(b, np.uint16).reshape(side, side), axis=1)

    with ThreadPoolExecutor(THREADS) as ex:
        list(ex.map(one, inputs(m, job)))


def encode(m, answer):
    with tempfile.TemporaryDirectory() as folder:
        with rasterio.open(f"{folder}/out.tif", "w", **profile(m)) as o:
            for r, c, h, w in blocks(m):
                o.write(answer[:, r:r + h, c:c + w], window=Window(c, r, w, h))


def encdef(m, answer):
    import imagecodecs

    def one(win):
        r, c, h, w = win
        b = np.zeros((512, 512, answer.shape[0]), np.uint16)
        b[:h, :w] = answer[:, r:r + h, c:c + w].transpose(1, 2, 0)
        imagecodecs.deflate_encode(imagecodecs.delta_encode(b, axis=1).tobytes(), level=6)

    with ThreadPoolExecutor(THREADS) as ex:
        list(ex.map(one, blocks(m)))


def main(modes, data, job, ref):
    m = load(data, job)
    with rasterio.open(ref) as ds:
        answer = ds.read()
    out = {}
    for mode in modes.split(","):
        work, what = {"decode": (decode, job), "deflate": (deflate, job), "encode": (encode, answer),
                      "encdef": (encdef, answer)}[mode]
        wall, cpu = time.perf_counter(), time.process_time()
        work(m, what)
        out[mode] = dict(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)
    print(json.dumps(out))


if __name__ == "__main__":
    main(*sys.argv[1:5])
