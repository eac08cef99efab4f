"""What compose is to reach, and whether it does. Standard library only."""
import re
import statistics

# Nanoseconds of the median per output pixel and band at 12 dates, in cache: the published figure of a sorting
# network over lanes (AVX2). With libdeflate both ways it makes the ceiling of what native code can reach.
KERNEL_NS = 13
PIXELS = {"S": 1024**2, "Q": 2048**2, "M": 4096**2}
BANDS = 6
MB_DEFAULT, MB_LOW = 400, 220
# The most by which memory may be over the limit.
OVER = 1.05


RASTERIO = "rasterio by blocks"
# Stacks of section cliff, with their limits from the lowest to one under which nothing is short.
STACKS = {
    "d200": ["200MB", "384MB", "2GB"],
    "t200": ["200MB", "1GB"],
    "i40": ["384MB", "1GB"],
    "qi": ["200MB", "384MB", "1GB"],
    "s60": ["200MB", "384MB", "2GB"],
    "k40": ["384MB", "2GB"],
}


def median(numbers):
    return statistics.median(numbers)


def ratio(found, ours, theirs, key="cpu"):
    """Median over the rounds of ours / the sum of theirs; None where something is missing or failed."""
    rows = [found.get(name) for name in (ours, *theirs)]
    if not all(r and not r["rc"] for r in rows):
        return None
    over, under = rows[0][key], [r[key] for r in rows[1:]]
    rounds = min(len(r) for r in (over, *under))
    return median([over[i] / sum(r[i] for r in under) for i in range(rounds)])


def megabytes(limit):
    """A limit as `--mem-limit` has it, in MB of 10⁶ bytes; the program counts in powers of two."""
    number, unit = re.fullmatch(r"(\d+)(MB|GB)", limit).groups()
    return int(number) * dict(MB=1 << 20, GB=1 << 30)[unit] / 1e6


def tiles(said):
    """Tiles that the plan says are decoded and that were, where both were printed (`-v`)."""
    planned = re.search(r"(\d+) tiles, (?:each|(\d+) of them|many of them) decoded", said)
    counted = re.search(r"(\d+) tiles were decoded", said)
    if not (planned and counted):
        return {}
    return dict(planned=int(planned[1]) + int(planned[2] or 0), counted=int(counted[1]))


def seconds(row):
    """Median of the wall time; None where nothing was measured or the program failed."""
    return median(row["wall"]) if row and not row["rc"] else None


def exact(answer):
    return answer.get("exact") == 1


def acceptable(job, answer):
    """J1 to J3 are exact; the resampled J4 may be off by 1 in 2 samples of 1000."""
    if "error" in answer:
        return False
    close = answer["exact"] >= 0.998 and not answer["off_more"] and not answer["nodata"]
    return exact(answer) or (job == "J4" and close)


def agreement(answer):
    if "error" in answer:
        return answer["error"]
    if exact(answer):
        return answer.get("told", "exact")
    # Not rounded to 100.
    text = f"{min(100 * answer['exact'], 99.999):.3f} % exact, {share(answer, 'off_by_1')} off by 1"
    text += f", {share(answer, 'off_more')} by more" if answer["off_more"] else ""
    return text + (f", {answer['nodata']} nodata or not" if answer["nodata"] else "")


def share(answer, key):
    return f"{100 * answer[key] / answer['samples']:.3f} %"


def ours(groups):
    """(group, name, row) of every run of compose."""
    for g in groups:
        for name, r in g["found"].items():
            if r["kind"] == "ours":
                yield g, name, r


def wrong_answers(groups):
    wrong = []
    for g, name, r in ours(groups):
        if not acceptable(r["job"], r.get("answer", dict(error="no answer"))):
            wrong.append(f"{g['section']}, {g['size']}, {name}: {agreement(r.get('answer', dict(error='no answer')))}")
    return wrong


def find(groups, section, size):
    return next((g["found"] for g in groups if (g["section"], g["size"]) == (section, size)), {})


def ceiling(found, size):
    """CPU of J3 as a multiple of the native ceiling."""
    rows = [found.get(f"J3 {name}") for name in ("compose", "deflate", "encdef")]
    if not all(r and not r["rc"] for r in rows):
        return None
    kernel = PIXELS[size] * BANDS * KERNEL_NS / 1e9
    return median([c / (d + e + kernel) for c, d, e in zip(*(r["cpu"] for r in rows))])


def of_jobs(groups):
    """(what, limit, measured) of the jobs, times."""
    m, q = find(groups, "jobs", "M"), find(groups, "jobs", "Q")
    floor3, floor1 = ["J3 decode", "J3 encode"], ["J1 decode", "J1 encode"]
    busy = m.get("J3 compose")
    yield "J3 at M: CPU / GDAL's decoding and encoding", 1.0, ratio(m, "J3 compose", floor3)
    yield "J3 at M: CPU / native ceiling", 1.2, ceiling(m, "M")
    yield "J3 at M: wall / CPU", 0.55, median([w / c for w, c in zip(busy["wall"], busy["cpu"])]) if busy else None
    yield "J3 at Q: CPU / rasterio by blocks", 0.5, ratio(q, "J3 compose", ["J3 rio_block"])
    yield "J3 at Q: wall / rasterio by blocks", 0.33, ratio(q, "J3 compose", ["J3 rio_block"], "wall")
    yield "J1 at M: CPU / GDAL's decoding and encoding", 1.0, ratio(m, "J1 compose", floor1)
    yield "J1 at M: wall / earthpy", 0.3, ratio(m, "J1 compose", ["J1 earthpy_np"], "wall")
    yield "J1 at Q: wall / earthpy", 0.35, ratio(q, "J1 compose", ["J1 earthpy_np"], "wall")
    yield "J2 at M: CPU / J3", 0.7, ratio(m, "J2 compose", ["J3 compose"])
    yield "J4 at Q: CPU / J3", 1.3, ratio(q, "J4 compose", ["J3 compose"])


def of_the_rest(groups):
    """(what, limit, measured) of the other sections."""
    scaling = find(groups, "scaling", "S to M")
    for what, large, small, times in (("8 to 64 dates at S", "S64, 64 dates", "S, 8 dates", 8),
                                      ("16 times the area (S to M, 12 dates)", "M, 12 dates", "S12, 12 dates", 16)):
        r = ratio(scaling, large, [small])
        yield f"{what}: CPU / proportional", 1.15, r and r / times
    options = find(groups, "options", "Q")
    for name in ("joint", "provenance", "joint and provenance"):
        yield f"J3 at Q, {name}: CPU / without", 1.15, ratio(options, name, ["plain"])
    layouts = {g["size"]: g["found"] for g in groups if g["section"] == "inputs"}
    for size in list(layouts) or ["Q-zstd", "Q-lzw", "Q-striped", "Q-interleaved", "X"]:
        job = "J1" if size == "X" else "J3"
        found = layouts.get(size, {})
        own = ratio(found, f"{job} compose", [f"{job} decode", f"{job} encode"])
        yield f"{job} on {size}: CPU / its own floor", 1.3, own


def of_cliff(groups):
    """(what, limit, measured) of stacks that the memory limit does not hold."""
    for stack, limits in STACKS.items():
        found = find(groups, "cliff", stack)
        for limit in limits[:-1]:
            yield f"{stack}, {limit}: CPU / with {limits[-1]}", 2.0, ratio(found, limit, [limits[-1]])
        against = [ratio(found, limit, [RASTERIO]) for limit in limits]
        most = None if None in against else max(against)
        yield f"{stack}: CPU / rasterio by blocks, the most of all limits", 1.0, most
    runs = [(r["counted"], r["planned"], g["size"], name) for g, name, r in ours(groups) if "counted" in r]
    apart = max(((max(a / b, b / a), f" ({size}, {name})") for a, b, size, name in runs), default=(None, ""))
    yield "tiles decoded, counted and forecast: larger / smaller, the most" + apart[1], 1.2, apart[0]


def of_cases(groups):
    """(what, limit, measured) of the other hard cases."""
    m = find(groups, "mosaic", "9 and 100 scenes")
    yield "mosaic: 100 scenes, CPU / 9 scenes", 12.0, ratio(m, "100 scenes", ["9 scenes"])
    yield "mosaic: 100 scenes, CPU / rasterio by blocks", 0.7, ratio(m, "100 scenes", [RASTERIO])
    yield "mosaic: 30 000² px, CPU / the grid of the scenes", 1.3, ratio(m, "30 000² px", ["100 scenes"])
    peaks = ratio(m, "30 000² px", ["100 scenes"], "mb")
    yield "mosaic: 30 000² px, peak memory / the grid of the scenes", 1.1, peaks
    plan = m.get("plan of 10⁶ × 10⁶ px")
    yield "mosaic: plan of 10⁶ × 10⁶ px, seconds (wall)", 1.0, seconds(plan)
    q = find(groups, "seamless", "Q")
    yield "seamless at M: CPU / nearest-date", 2.0, ratio(find(groups, "seamless", "M"), "seamless", ["nearest-date"])
    yield "mask tdom at Q: CPU / plain mask", 1.8, ratio(q, "tdom", ["plain mask"])
    yield "bap at Q with clouds within 9 km: CPU / without", 1.8, ratio(q, "bap, clouds within 9 km", ["bap"])
    for size, jobs in (("Q", ("J1", "J3")), ("m100", ("mosaic",))):
        for job in jobs:
            yield f"{job} at {size}, COG: CPU / GTiff", 1.15, ratio(find(groups, "cog", size), f"{job} COG", [job])
    t = find(groups, "s2tile", "T")
    yield "seamless on a tile of Sentinel-2: CPU / nearest-date", 2.0, ratio(t, "seamless", ["nearest-date"])
    start = find(groups, "s2tile", "start").get("compose --version")
    yield "compose --version: seconds (wall)", 0.06, seconds(start)


def of_memory(groups):
    """(what, limit, measured) in MB."""
    default = megabytes("384MB")
    plain = [(max(r["mb"]), g["size"], name) for g, name, r in ours(groups) if r["limit"] == default and not r["rc"]]
    most = max(plain, default=None)
    yield "peak by default, of all runs" + (f" ({most[1]}, {most[2]})" if most else ""), MB_DEFAULT, most and most[0]
    for size in ("M", "S64"):
        low = [max(r["mb"]) for name, r in find(groups, "memory", size).items() if "200MB" in name and not r["rc"]]
        yield f"peak at {size} with --mem-limit 200MB", MB_LOW, max(low, default=None)


def of_limits(groups):
    """(what, limit, measured): memory over what it was limited to, of all runs."""
    runs = [(max(r["mb"]) / r["limit"], g, name) for g, name, r in ours(groups) if not r["rc"]]
    most = max(runs, key=lambda run: run[0], default=None)
    what = f" ({most[1]['section']}, {most[1]['size']}, {most[2]})" if most else ""
    yield "peak / memory limit, the most of all runs" + what, OVER, most and most[0]


def rows(groups):
    """(what, target, measured, verdict) as text."""
    pure = [*of_jobs(groups), *of_the_rest(groups), *of_cliff(groups), *of_cases(groups), *of_limits(groups)]
    for unit, found in (("", pure), (" MB", of_memory(groups))):
        for what, limit, measured in found:
            digits = 0 if unit else 2
            if measured is None:
                yield what, f"≤ {limit}{unit}", "", "not measured"
            elif measured <= limit:
                yield what, f"≤ {limit}{unit}", f"{measured:.{digits}f}{unit}", "holds"
            else:
                by = f"missed by {100 * (measured / limit - 1):.0f} %"
                yield what, f"≤ {limit}{unit}", f"{measured:.{digits}f}{unit}", by
    for job in ("J1", "J2", "J3", "J4", "near", "mosaic", "seamless", "tdom", "bap", "bap-clouds"):
        got = [r.get("answer", dict(error="no answer")) for _, _, r in ours(groups) if r["job"] == job]
        target = {"J4": "99.8 % exact, none off by more than 1", "seamless": "observed pixels exact"}.get(job, "exact")
        if not got:
            yield f"{job}: answers", target, "", "not measured"
            continue
        worst = min(got, key=lambda a: a.get("exact", -1))
        right = all(acceptable(job, a) for a in got)
        yield f"{job}: answers, {len(got)} runs", target, agreement(worst), "holds" if right else "WRONG"
