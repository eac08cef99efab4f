"""A long series of dates, each withheld in turn and composed from the others of its year: what composites keep of a day.

`compose evaluate` needs 100 hidden pixels in one scene; this one has 61. So each date that is clear everywhere is left out
of the stack, composed as a day without a scene, and compared with what it showed.
"""
import array
import datetime as dt
import os
import struct
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH, BANDS = 61, 6
FMASK = 7                       # 0 clear, 1 water, 2 shadow, 3 snow, 4 cloud, 255 fill
EVERY = 3                       # of the clear dates, one in so many
DAYS = 366                      # the stack of a date: others so near
FILLS = {
    "nearest-date": 'strategy = "nearest-date"',
    "interpolate": 'strategy = "interpolate"\nextrapolate = "nearest"',
    "median-stack": 'strategy = "median-stack"',
    "percentile": 'strategy = "percentile"\npercentile = 40',
    "medoid": 'strategy = "medoid"',
    "geomedian": 'strategy = "geomedian"',
}
RULES = """
[scenes]
path    = [{paths}]
pattern = '(?P<id>L[ET]\\d{{7}}(?P<year>\\d{{4}})(?P<doy>\\d{{3}}).*)_stack'
bands   = {{ blue = 1, green = 2, red = 3, nir = 4, swir1 = 5, swir2 = 6, fmask = 8 }}
quality = "fmask"
nodata  = -9999

[target]
date = {date}

[[mask]]
name   = "no clear look"
kind   = "values"
values = [2, 3, 4, 255]

[[fill]]
{fill}

[output]
path       = "{out}"
compress   = "none"
provenance = false
sidecar    = false
"""
TITLE = "### Colorado, Landsat 5 and 7, a series of 61 pixels"


def section(compose, work, markdown, number):
    """The heading, and the table or why there is none."""
    shared = Path(os.environ.get("COMPOSE_SHARED", ROOT / "../shared")) / "data/yatsm_p035r032/p035r032_subset.tar.gz"
    if not shared.is_file():
        return f"{TITLE}\n\nThis set was absent."
    folder = work / "series"
    if not folder.is_dir():
        with tarfile.open(shared) as tar:
            tar.extractall(folder, filter="data")
    scenes = sorted((day(path), path) for path in folder.rglob("*_stack"))
    clear = [(date, truth) for date, path in scenes if (truth := read_clear(path))]
    clear = clear[::EVERY]
    rows = [row(name, fill, compose, (folder, scenes, clear)) for name, fill in FILLS.items()]
    copy = rows[0][1]
    rows = [[f"`{name}`", number(rmse / copy), number(rmse, 4), number(bias, 4), number(100 * filled, 1)]
            for name, rmse, bias, filled in rows]
    head = ["strategy", "RMSE / copy", "RMSE", "bias", "filled %"]
    said = (f"{len(clear)} of {len(scenes)} dates, each withheld and composed from those within {DAYS} days; "
            "errors in reflectance.")
    return f"{TITLE}\n\n{said}\n\n{markdown(head, rows)}"


def day(path):
    year_and_day = path.name[9:16]
    return dt.datetime.strptime(year_and_day, "%Y%j").date()


def bands_of(path):
    """The bands of a scene, as ENVI stores them: int16, band after band."""
    samples = array.array("h", path.read_bytes())
    return [samples[band * WIDTH:(band + 1) * WIDTH] for band in range(BANDS + 2)]


def read_clear(path):
    """Samples of a scene that is clear in every pixel, band after band; None of another."""
    bands = bands_of(path)
    usable = all(code in (0, 1) for code in bands[FMASK]) and all(s != -9999 for band in bands[:BANDS] for s in band)
    return bands[:BANDS] if usable else None


def row(name, fill, compose, stack):
    """Of one strategy: name, root of the mean squared error, mean error, and the share of pixels that it filled."""
    folder, scenes, clear = stack
    squares, errors, filled, total = 0.0, 0.0, 0, 0
    out, rules = folder / "out.tif", folder / "rules.toml"
    for date, truth in clear:
        paths = [str(p.resolve()) for other, p in scenes if other != date and abs((other - date).days) <= DAYS]
        rules.write_text(RULES.format(paths=", ".join(f'"{p}"' for p in paths), date=date, fill=fill, out=out.resolve()))
        compose("--quiet", "--rules", rules, "--overwrite")
        for ours, theirs in zip(read_plain(out), truth):
            known = [(a - b) * 1e-4 for a, b in zip(ours, theirs) if a != -9999]
            squares += sum(e * e for e in known)
            errors += sum(known)
            filled += len(known)
            total += WIDTH
    return name, (squares / filled) ** 0.5, errors / filled, filled / total


def read_plain(path):
    """The bands of a GeoTIFF of one row: int16, not compressed, a tile for each band."""
    data = path.read_bytes()
    assert data[:4] == b"II*\0", f"{path} is no little-endian TIFF"
    first, = struct.unpack_from("<I", data, 4)
    count, = struct.unpack_from("<H", data, first)
    tags = {}
    for entry in range(count):
        tag, kind, number, value = struct.unpack_from("<HHII", data, first + 2 + 12 * entry)
        tags[tag] = (kind, number, value)
    kind, number, at = tags[324]                                    # TileOffsets
    assert (kind, number, tags[259][2] & 0xFFFF) == (4, BANDS, 1), f"{path}: not one plain tile for each band"
    offsets = struct.unpack_from(f"<{number}I", data, at)
    return [struct.unpack_from(f"<{WIDTH}h", data, offset) for offset in offsets]
