#!/usr/bin/env python3
"""Holds an image against the right answer and prints what differs, as JSON.

    compare.py OUT REF

  exact     share of samples that are equal (1 only where all are)
  off_by_1  samples that differ by 1
  off_more  samples that differ by more
  nodata    samples where one of the two has nodata (0) and the other has not
  max       the largest difference, nodata left out
"""
import json
import sys

import numpy as np
import rasterio
from rasterio.windows import Window


def main(out, ref):
    n = same = off1 = more = nodata = largest = 0
    with rasterio.open(out) as a, rasterio.open(ref) as b:
        if (a.count, a.width, a.height, a.transform) != (b.count, b.width, b.height, b.transform):
            return dict(error=f"another grid: {a.count} bands of {a.width} x {a.height}")
        for r in range(0, b.height, 512):
            w = Window(0, r, b.width, min(512, b.height - r))
            x, y = np.nan_to_num(a.read(window=w)).astype(np.int32), b.read(window=w).astype(np.int32)
            d, z = np.abs(x - y), (x == 0) != (y == 0)
            n += d.size
            same += int((d == 0).sum())
            nodata += int(z.sum())
            off1 += int(((d == 1) & ~z).sum())
            more += int(((d > 1) & ~z).sum())
            largest = max(largest, int(np.where(z, 0, d).max()))
    return dict(samples=n, exact=same / n, off_by_1=off1, off_more=more, nodata=nodata, max=largest)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:3])))
