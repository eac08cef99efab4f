"""Rules of the program in plain numpy, as their pages in docs/rules say them: nothing here is shared with it.

tdom        J2, and masked is also what is dark in near infrared and short-wave infrared beside the other clear looks
bap         the valid scene of the highest score (tie: the nearer in days), by season
bap-clouds  the same by season and by distance from clouds and their shadows, up to 9 km
"""
import numpy as np

from common import offset

NIR_SWIR, SCALE, OFFSET = ["B5", "B6"], 0.0000275, -0.2
Z, SUM, AT_LEAST, FLOOR, ERODE, DILATE = -1, 0.35, 5, 0.005, 1.5, 3.5
SEASON = (60, 190, 320)
CLOUDS = 0b11000  # cloud, cloud shadow
FAR, RES = 9000.0, 30.0


def disc(radius):
    r = int(radius)
    return [(y, x) for y in range(-r, r + 1) for x in range(-r, r + 1) if y * y + x * x <= radius * radius]


def moved(a, y, x, outside):
    """`a` with the pixel that lies (y, x) away brought to each place."""
    out = np.full_like(a, outside)
    h, w = a.shape
    out[max(-y, 0):h - max(y, 0), max(-x, 0):w - max(x, 0)] = a[max(y, 0):h + min(y, 0), max(x, 0):w + min(x, 0)]
    return out


def tdom(m, reader):
    """What the rule marks of a scene on the reader's window, as a function of the scene's id."""
    rim = 8
    wide = reader.around(rim)
    clear = {i: wide.joint(i) for i in m["by_id"]}
    looks = {i: np.stack([wide.pixels(i, k) * SCALE + OFFSET for k in NIR_SWIR]) for i in m["by_id"]}
    seen, stack = np.stack(list(clear.values())), np.stack(list(looks.values()))
    count = seen.sum(axis=0)
    mean = (stack * seen[:, None]).sum(axis=0) / np.maximum(count, 1)
    spread = np.sqrt((((stack - mean) ** 2) * seen[:, None]).sum(axis=0) / np.maximum(count, 1))
    spread = np.maximum(spread, FLOOR)

    def marked(i):
        judged = clear[i] & (count >= AT_LEAST)
        dark = judged & ((looks[i] - mean) / spread < Z).all(axis=0) & (looks[i].sum(axis=0) < SUM)
        kept, grown = dark.copy(), np.zeros_like(dark)
        for y, x in disc(ERODE):  # what cannot be judged does not erode
            kept &= moved(dark | ~judged, y, x, True)
        for y, x in disc(DILATE):
            grown |= moved(kept, y, x, False)
        return grown[rim:-rim, rim:-rim]

    return marked


def season(day):
    """The score of a day: 0.99 for the best, 0.01 for the first and last; over the turn of the year if nearer."""
    first, best, last = SEASON
    days = day.timetuple().tm_yday - best
    away = min((days - 365, days, days + 365), key=abs)
    sigma = (best - first if away < 0 else last - best) / np.sqrt(-2 * np.log(0.01 / 0.99))
    return 0.99 * np.exp(-(away**2) / (2 * sigma**2))


def far_from_clouds(m, src, i):
    """The score of every pixel of scene i by its distance from clouds, on the scene's own grid."""
    from scipy.ndimage import distance_transform_edt

    ds, _, _, band = src[i]["QA_PIXEL"]
    codes = ds.read(band)
    cloud = ((codes & CLOUDS) != 0) & ((codes & 1) == 0)
    d = np.minimum(distance_transform_edt(~cloud) * RES, FAR) if cloud.any() else np.full(cloud.shape, FAR)
    return 1 / (1 + np.exp(-10 / FAR * (d - FAR / 2)))


def on_window(scores, corner, win):
    """Scores of a scene on a window of the target grid; those of its edge beyond it, where no pixel is valid."""
    r, c, h, w = win
    rows = np.clip(np.arange(r, r + h) + corner[1], 0, scores.shape[0] - 1)
    cols = np.clip(np.arange(c, c + w) + corner[0], 0, scores.shape[1] - 1)
    return scores[np.ix_(rows, cols)]


def bap(m, rd, day, order, distances):
    """Pixels; `distances` keeps the scores by distance of the scenes (None: distance does not count)."""
    h, w = rd.win[2:]
    res, best = np.zeros((len(m["bands"]), h, w), np.uint16), np.zeros((h, w))
    for i in order:
        score, use = np.full((h, w), season(day[i])), rd.joint(i)
        if distances is not None:
            if i not in distances:
                distances[i] = far_from_clouds(m, rd.src, i)
            far = on_window(distances[i], offset(m, m["by_id"][i]), rd.win)
            use &= far >= 0.01
            score = (score + 0.4 * far) / 1.4
        use &= score > best
        for b, k in enumerate(m["bands"]):
            res[b][use] = rd.pixels(i, k)[use]
        best[use] = score[use]
    return res
