#!/usr/bin/env python3
"""The table of a benchmark run, as markdown: table.py RESULTS.json [--out FILE] [--docs DOCUMENT].

Prints it, writes it to FILE, and puts it between `<!-- table -->` and `<!-- /table -->` of DOCUMENT.
"""
import argparse
import json

import targets
from targets import median, ratio

PEERS = {"compose": "**compose**", "rio_block": "rasterio by blocks", "odc_stac": "odc-stac", "earthpy_np": "earthpy"}
FLOORS = {
    "decode": "GDAL decodes",
    "encode": "GDAL encodes",
    "deflate": "libdeflate decodes",
    "encdef": "libdeflate encodes",
}
MEANT = {
    "options": "Validity and provenance, J3",
    "memory": "Memory",
    "inputs": "Other inputs",
    "scaling": "Dates and area, J3",
}
HARD = {
    "cliff": "Stacks that the memory limit does not hold, J3",
    "mosaic": "Mosaics",
    "seamless": "Seamless, and rules that compare or measure distances",
    "cog": "Cloud Optimised GeoTIFF",
    "s2tile": "A tile of Sentinel-2: 10980², 6 dates, 4 bands, tiles of 1024²",
}
# What the stacks are.
ABOUT = {
    "d200": "200 dates, 1280², 4 bands, tiles of 1024²",
    "t200": "200 dates, 1024², 4 bands, tiles of 512²",
    "i40": "40 dates, 1536², 6 bands and codes pixel-interleaved, tiles of 512²",
    "qi": "12 dates, 2048², 13 bands and codes pixel-interleaved, tiles of 512²",
    "s60": "60 dates, 1024², 4 bands, strips",
    "k40": "40 dates, 2048², 2 bands, tiles of 2048²",
}


def number(value, digits=2):
    return "" if value is None else f"{value:.{digits}f}"


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


def figures(r):
    """CPU, wall, wall / CPU, MB."""
    busy = median([w / c for w, c in zip(r["wall"], r["cpu"])])
    return [number(median(r["cpu"])), number(median(r["wall"])), number(busy), number(max(r["mb"]) or None, 0)]


def floor_of(job):
    """J2 and J4 are held against the floor of J3: what J2 may leave unread depends on the clouds."""
    floor = "J1" if job == "J1" else "J3"
    return [f"{floor} decode", f"{floor} encode"]


def of_jobs(size, found):
    rows = []
    for job in ("J1", "J2", "J3", "J4"):
        for who, label in (PEERS | FLOORS).items():
            name = f"{job} {who}"
            r = found.get(name)
            if not r:
                continue
            if r["rc"]:
                rows.append([job, label, *[""] * 7, "failed"])
            elif who in FLOORS:
                rows.append([job, f"*{label}*", *figures(r)[:3], *[""] * 5])
            else:
                against = [ratio(found, name, floor_of(job)), ratio(found, name, [f"{job} rio_block"]),
                           ratio(found, name, [f"{job} rio_block"], "wall")]
                rows.append([job, label, *figures(r), *map(number, against), targets.agreement(r["answer"])])
    head = ["job", "", "CPU s", "wall s", "wall / CPU", "peak MB", "CPU / floor", "CPU / rasterio", "wall / rasterio",
            "answer"]
    g = {"S": "1024², 8 dates", "Q": "2048², 12 dates", "M": "4096², 12 dates"}[size]
    return f"### {size}: {g}, 6 bands\n\n" + markdown(head, rows)


def of_others(section, groups):
    rows = []
    for g in groups:
        base = {"options": ["plain"]}.get(section)
        for name, r in g["found"].items():
            if name.endswith((" decode", " encode")):
                continue
            if r["rc"]:
                rows.append([g["size"], name, *[""] * 5, "failed"])
                continue
            against = ratio(g["found"], name, base or floor_of(r["job"]))
            told = targets.agreement(r["answer"])
            rows.append([g["size"], name.removesuffix(" compose"), *figures(r), number(against), told])
    what = {"options": "CPU / plain", "inputs": "CPU / its floor"}.get(section, "")
    head = ["data", "", "CPU s", "wall s", "wall / CPU", "peak MB", what, "answer"]
    if not what:
        head.pop(6)
        for r in rows:
            r.pop(6)
    return f"### {MEANT[section]}\n\n" + markdown(head, rows)


def of_hard(section, groups):
    """The tables of cases.py: each seconds' ratio is to the contender that is named beside it."""
    rows, tiles = [], section == "cliff"
    for g in groups:
        for name, r in g["found"].items():
            label = f"*{name}*" if r["kind"] == "peer" else name
            if r["rc"]:
                rows.append([g["size"], label, *[""] * (5 + tiles), "failed"])
                continue
            cpu, wall, _, mb = figures(r)
            against = r.get("against")
            over = ratio(g["found"], name, [against]) if against and against != name else None
            row = [g["size"], label, cpu, wall, mb, number(r.get("limit"), 0), f"{over:.2f} × {against}" if over else ""]
            if tiles:
                row.append(f"{r['planned']}, {r['counted']}" if "counted" in r else "")
            rows.append([*row, targets.agreement(r["answer"]) if "answer" in r else ""])
    head = ["data", "", "CPU s", "wall s", "peak MB", "limit MB", "CPU"]
    head += ["tiles decoded: forecast, counted", "answer"] if tiles else ["answer"]
    told = "".join(f"{stack}: {ABOUT[stack]}.\n" for stack in (g["size"] for g in groups) if stack in ABOUT)
    return f"### {HARD[section]}\n\n" + (f"{told}\n" if told else "") + markdown(head, rows)


def page(results):
    a, groups = results["about"], results["groups"]
    parts = [f"{a['program']}; peers: {a['peers']}. {a['model']}, {a['cores']} cores; medians of {a['rounds']} rounds, "
             f"warm page cache, load {a['load']} before the first."]
    told = list(targets.rows(groups))
    known = [row for row in told if row[3] != "not measured"]
    parts.append("### Targets\n\n" + markdown(["target", "", "measured", ""], known))
    if len(known) < len(told):
        missing = "; ".join(f"{what} {target}" for what, target, _, verdict in told if verdict == "not measured")
        parts.append(f"Not measured (`make bench ALL=1` measures everything): {missing}.")
    parts += [of_jobs(g["size"], g["found"]) for g in groups if g["section"] == "jobs"]
    for section in [*MEANT, *HARD]:
        these = [g for g in groups if g["section"] == section]
        if these:
            parts.append((of_others if section in MEANT else of_hard)(section, these))
    return "\n\n".join(parts) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("results")
    p.add_argument("--out")
    p.add_argument("--docs")
    a = p.parse_args()
    with open(a.results) as f:
        text = page(json.load(f))
    print("\n" + text)
    if a.out:
        with open(a.out, "w") as f:
            f.write(text)
    if a.docs:
        with open(a.docs) as f:
            before, rest = f.read().split("<!-- table -->\n", 1)
        _, after = rest.split("<!-- /table -->", 1)
        with open(a.docs, "w") as f:
            f.write(f"{before}<!-- table -->\n\n{text}\n<!-- /table -->{after}")


if __name__ == "__main__":
    main()
