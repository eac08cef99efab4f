"""What numpy, scipy and scikit-image make of the arrays that tests/reference.rs reads.

    python crates/compose-evaluate/tests/reference.py          # rewrite data/expected.json
    python crates/compose-evaluate/tests/reference.py cut      # cut data/exeter.u16 and data/pixels.u8 again (rasterio)

data/exeter.u16  two dates of examples/sentinel2, bands B02 B03 B04 of 64 x 64 pixels each: (date, band, row, col),
                 little-endian uint16. The first date is the truth; 0.75 x the second + 100.5 is the fill.
data/pixels.u8   (row, col): 1 in the gap, 2 clear, +4 where the fill has a value.

It shares no code with the crate: masks are boolean arrays, and sums are numpy's.
"""

import json
import sys
from pathlib import Path

import numpy as np
from skimage.metrics import structural_similarity

HERE = Path(__file__).parent
DATA = HERE / "data"
SIDE, BANDS = 64, 3


def cut():
    import rasterio
    from rasterio.windows import Window

    scenes = HERE.parents[2] / "examples/sentinel2/scenes"
    names = ["exe_2024-08-26_12-21-11.tif", "exe_2024-08-01_12-21-19.tif"]
    window = Window(150, 120, SIDE, SIDE)
    cuts = [rasterio.open(scenes / name).read([1, 2, 3], window=window) for name in names]
    np.stack(cuts).astype("<u2").tofile(DATA / "exeter.u16")

    row, col = np.mgrid[:SIDE, :SIDE]
    hidden = (row - 30) ** 2 + (col - 34) ** 2 <= 12**2  # inside
    hidden |= (row - 60) ** 2 + (col - 3) ** 2 <= 9**2  # over two edges
    hidden |= (row + col) % 29 < 3  # stripes
    unknown = (row < 14) & (col > 40)
    clear = ~hidden & ~unknown
    hidden &= ~unknown
    got = ~((row > 26) & (row < 32) & (col > 22) & (col < 38))  # what the fill left open
    (hidden * 1 + clear * 2 + got * 4).astype("u1").tofile(DATA / "pixels.u8")


def ssim(truth, fill, hidden, clear, filled):
    known = hidden | clear
    spread = truth[known].max() - truth[known].min()
    x = np.where(known, truth, truth[known].mean())
    y = np.where(filled, fill, x)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, similar = structural_similarity(x, y, data_range=spread, full=True, **options)
    return similar[filled].mean()


def jump(truth, fill, clear, filled):
    ours, true = 0.0, 0.0
    for axis in (0, 1):
        for step in (-1, 1):
            inside = np.ones(truth.shape, bool)
            edge = -1 if step == 1 else 0
            inside[(edge, slice(None)) if axis == 0 else (slice(None), edge)] = False
            pairs = filled & inside & np.roll(clear, -step, axis)
            beside = np.roll(truth, -step, axis)
            ours += np.abs(fill - beside)[pairs].sum()
            true += np.abs(truth - beside)[pairs].sum()
    return ours / true


def angle(truth, fill):
    # Extended precision: the arc cosine halves the digits near 0.
    t, f = truth.astype(np.longdouble), fill.astype(np.longdouble)
    cosine = (t * f).sum(0) / np.sqrt((t * t).sum(0) * (f * f).sum(0))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean())


def expected():
    dates = np.fromfile(DATA / "exeter.u16", "<u2").reshape(2, BANDS, SIDE, SIDE).astype(float)
    pixels = np.fromfile(DATA / "pixels.u8", "u1").reshape(SIDE, SIDE)
    truth, fill = dates[0], dates[1] * 0.75 + 100.5
    hidden, clear, got = pixels & 1 > 0, pixels & 2 > 0, pixels & 4 > 0
    filled, whole = hidden & got, (hidden | clear) & got
    # In clear pixels the product holds the truth, but for one that a fault changed.
    product = np.where(clear, truth, fill)
    product[:, 20, 60] += 40

    bands = []
    for t, f, p in zip(truth, fill, product):
        error = (f - t)[filled]
        bands.append(
            {
                "rmse": np.sqrt((error**2).mean()),
                "mae": np.abs(error).mean(),
                "bias": error.mean(),
                "correlation": np.corrcoef(t[filled], f[filled])[0, 1],
                "ssim": ssim(t, f, hidden, clear, filled),
                "jump": jump(t, f, clear, filled),
                "whole_rmse": np.sqrt((((p - t)[whole]) ** 2).mean()),
            }
        )
    relative = [band["rmse"] / t[filled].mean() for band, t in zip(bands, truth)]
    return {
        "hidden": int(hidden.sum()),
        "filled": int(filled.sum()),
        "fill_rate": filled.sum() / hidden.sum(),
        "mean": {key: np.mean([band[key] for band in bands]) for key in bands[0]},
        "sam": angle(truth[:, filled], fill[:, filled]),
        "ergas": 100 * np.sqrt(np.mean(np.square(relative))),
        "bands": bands,
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["cut"]:
        cut()
    (DATA / "expected.json").write_text(json.dumps(expected(), indent=1, default=float) + "\n")
