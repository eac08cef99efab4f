"""The cases that are hard: stacks that the memory limit does not hold, mosaics, repair without seams, Cloud Optimised
GeoTIFFs, and a whole tile of Sentinel-2. Each section stands alone; large stacks are removed after it unless `keep`.
Two rounds at most, of the tile of Sentinel-2 one."""
import os

from measure import measure
from targets import RASTERIO, STACKS

ODC = "odc-stac"
WIDE, VAST = 30_000, 1_000_000
STARTS = 20


def cliff(b, whole):
    for stack, limits in STACKS.items():
        most = limits[-1]
        contenders = [b.ours(stack, "J3", limit, ["-v", "--mem-limit", limit], against=most) for limit in limits]
        b.group("cliff", stack, [*contenders, b.peer("rio_block", stack, "J3", RASTERIO, once=True, against=most)])
        b.drop(stack)


def mosaic(b, whole):
    wide = WIDE // (4 if b.data.quick else 1)
    record = ["--provenance"]
    wider = ["--pixels", str(wide)]
    b.group("mosaic", "9 and 100 scenes", [
        b.ours("m9", "mosaic", "9 scenes", record, records=True),
        b.ours("m100", "mosaic", "100 scenes", record, records=True, against="9 scenes"),
        b.ours("m100", "mosaic", "30 000² px", record + wider, records=True, check=["--wider"], against="100 scenes"),
        b.peer("rio_block", "m100", "mosaic", RASTERIO, records=True, against="100 scenes"),
        b.plan("m100", "mosaic", "plan of 10⁶ × 10⁶ px", ["--pixels", str(VAST), "--mem-limit", "2GB"]),
    ])


def seamless(b, whole):
    filled = ["--filled", b.data.path("M")]
    b.group("seamless", "M", [
        b.ours("M", "near", "nearest-date", answer="J2"),
        b.ours("M", "seamless", "seamless", answer="J2", check=filled, against="nearest-date"),
    ])
    b.group("seamless", "Q", [
        b.ours("Q", "J2", "plain mask"),
        b.ours("Q", "tdom", "tdom", against="plain mask"),
        b.ours("Q", "bap", "bap"),
        b.ours("Q", "bap-clouds", "bap, clouds within 9 km", against="bap"),
    ])


def cog(b, whole):
    form, check = ["--format", "cog"], ["--cog"]
    pairs = [(b.ours("Q", job, job), b.ours("Q", job, f"{job} COG", form, check=check, against=job))
             for job in ("J1", "J3")]
    b.group("cog", "Q", [c for pair in pairs for c in pair])
    record = ["--provenance"]
    b.group("cog", "m100", [
        b.ours("m100", "mosaic", "mosaic", record, records=True),
        b.ours("m100", "mosaic", "mosaic COG", record + form, records=True, check=check, against="mosaic"),
    ])


def s2tile(b, whole):
    start(b)
    filled = ["--filled", b.data.path("T")]
    contenders = [
        b.ours("T", "J3", "median", against=RASTERIO),
        b.peer("rio_block", "T", "J3", RASTERIO),
        b.ours("T", "near", "nearest-date", answer="J2"),
        b.ours("T", "seamless", "seamless", answer="J2", check=filled, against="nearest-date"),
    ]
    if whole:
        contenders.append(b.peer("odc_stac", "T", "J3", ODC, against=RASTERIO))
    b.group("s2tile", "T", contenders, rounds=1)
    b.drop("T")


def start(b):
    """How long the program takes to start and end."""
    cmd = [os.environ.get("COMPOSE", "compose"), "--version"]
    row = dict(job="start", kind="plan", rc=0, wall=[], cpu=[], mb=[])
    for _ in range(STARTS):
        r = measure(cmd, f"{b.work}/out/start.log")
        row["rc"] = row["rc"] or r["rc"]
        for key in ("wall", "cpu", "mb"):
            row[key].append(round(r[key], 4))
    b.keep_group("s2tile", "start", {"compose --version": row})


SECTIONS = dict(cliff=cliff, mosaic=mosaic, seamless=seamless, cog=cog, s2tile=s2tile)
