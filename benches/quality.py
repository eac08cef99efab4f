#!/usr/bin/env python3
"""How good the fills are, on real scenes whose clear pixels are hidden: quality.py [--work DIR] [--docs FILE] [--only SET…]

Runs `compose evaluate` (the program that COMPOSE names) on every set, prints a table for each, and puts all of it between
`<!-- figures -->` and `<!-- /figures -->` of FILE, with pictures beside it in images/. Python's standard library alone is
needed. Sets that are not there are said to be absent.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import series

ROOT = Path(__file__).resolve().parent.parent
COPY, DEFAULT = "copy", "seamless"              # the first is always tried
STRATEGIES = ["median-stack", "medoid", "regress", "multi-regress", DEFAULT]
# Fewer filled pixels than this tell nothing; so few hidden ones are no case for `compose evaluate` either.
FEWEST = 100
CASES = ROOT / "crates/compose-evaluate/src/default_cases.toml"
# What a picture shows, small enough for a page.
PICTURES = """
[[case]]
name   = "stripes"
shape  = "stripes"
size   = 8
period = 33
angle  = 10
seed   = 1
[[case]]
name  = "disc"
shape = "disc"
size  = 112
seed  = 3
"""
MOST_BYTES = 150_000


@dataclass
class Set:
    """Scenes with rules, every one of them the target in turn."""
    name: str
    title: str
    rules: str
    donors: int | None          # at most so many for each case
    most_ratio: float           # what the default strategy should reach
    reflectance: bool           # whether errors are in units of reflectance
    picture: tuple[str, str, str] | None = None   # target, case, part of the grid


SETS = [
    Set("tahiti", "Tahiti, Landsat 8, two dates 96 days apart", "examples/landsat8/seamless.toml", None, 0.50, False,
        ("LC80530722013233LGN00", "stripes", "252435 -1963185 257835 -1958685")),
    Set("brumadinho", "Brumadinho, Landsat 8, two dates 16 days apart", "examples/brumadinho/brumadinho.toml", None, 0.50,
        True, ("LC08_L2SP_218074_20190130_20200829_02_T1", "disc", "585885 -2229285 594885 -2224785")),
    Set("exeter-one", "Exeter, Sentinel-2, one donor: the nearest of four", "examples/sentinel2/seamless.toml", 1, 0.50,
        True, None),
    Set("exeter", "Exeter, Sentinel-2, all four donors", "examples/sentinel2/seamless.toml", None, 0.55, True,
        ("exe_2024-08-01", "disc", "-3540 340 3540 3340")),
]


def compose(*arguments):
    program = os.environ.get("COMPOSE", str(ROOT / "target/release/compose"))
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"compose {' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def cases_of(of, folder):
    text = CASES.read_text()
    if of.donors:
        text = text.replace("[[case]]\n", f"[[case]]\ndonors = {of.donors}\n")
    path = folder / "cases.toml"
    path.write_text(text)
    return path


def evaluate(of, work):
    """The report of one set, as `compose evaluate` writes it."""
    folder = work / of.name
    folder.mkdir(parents=True, exist_ok=True)
    compose("evaluate", "--quiet", "--rules", ROOT / of.rules, "--cases", cases_of(of, folder), "--target", "each",
            "--strategies", ",".join(STRATEGIES), "--output", folder / "out", "--overwrite")
    return json.loads((folder / "out/evaluation.json").read_text())["evaluation"]


def paint(of, work, images):
    """A picture of the copy and of the default strategy: its file and its panels."""
    target, case, bounds = of.picture
    folder = work / f"{of.name}-picture"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cases.toml").write_text(PICTURES)
    compose("evaluate", "--quiet", "--rules", ROOT / of.rules, "--cases", folder / "cases.toml", "--target", target,
            "--strategies", "none", "--output", folder / "out", "--overwrite", *(["--bounds", bounds] if bounds else []))
    pictures = json.loads((folder / "out/evaluation.json").read_text())["pictures"]
    picture = next((p for p in pictures if p["case"] == case), None)
    if picture is None:
        sys.exit(f"{of.name}: {target} is not suited for the case {case}")
    file = images / f"quality-{of.name}.png"
    shutil.copyfile(folder / "out" / picture["file"], file)
    if file.stat().st_size > MOST_BYTES:
        print(f"{file} has {file.stat().st_size} bytes, expected {MOST_BYTES} at most", file=sys.stderr)
    return file.name, target, case, picture["panels"]


# ---- tables --------------------------------------------------------------------------------------------------------

def number(value, digits=3):
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def mean(numbers):
    return sum(numbers) / len(numbers) if numbers else None


class Line:
    """What one strategy reached in one set: a list of each figure over the cases that tell something."""

    def __init__(self, strategy, report):
        tried = [row for row in report["rows"] if row["strategy"] == strategy]
        rows = [row for row in tried if row["scores"]["filled"] >= FEWEST]
        known = lambda numbers: [number for number in numbers if number is not None]
        of_bands = lambda key: known(row["scores"]["mean"][key] for row in rows)
        self.strategy, self.tried, self.cases = strategy, len(tried), len(rows)
        self.ratios = known(row["ratio_to_copy"] for row in rows)
        self.jumps, self.biases, self.similarities = of_bands("jump"), of_bands("bias"), of_bands("ssim")
        self.angles = known(row["scores"]["sam"] for row in rows)
        self.filled = [100 * row["scores"]["fill_rate"] for row in tried]

    def cells(self, of):
        digits = 4 if of.reflectance else 1
        largest = max(self.biases, key=abs, default=None)
        name = f"**`{self.strategy}`**" if self.strategy == DEFAULT else f"`{self.strategy}`"
        return [name, number(mean(self.ratios)), number(max(self.ratios, default=None)), number(mean(self.jumps), 2),
                f"{number(min(self.jumps, default=None), 2)} to {number(max(self.jumps, default=None), 2)}",
                number(mean(self.biases), digits), number(largest, digits), number(mean(self.similarities)),
                number(mean(self.angles), 2), number(mean(self.filled), 1)]


HEAD = ["strategy", "RMSE / copy", "worst case", "jump", "jump, all cases", "bias", "largest bias", "SSIM", "SAM °",
        "filled %"]


def in_order(report):
    known = {row["strategy"] for row in report["rows"]}
    return [Line(name, report) for name in [COPY, *STRATEGIES] if name in known]


def table(of, report):
    lines = in_order(report)
    targets = {row["case"].split(" ")[0] for row in report["rows"]}
    unit = "reflectance" if of.reflectance else "numbers as stored"
    few = lines[0].tried - lines[0].cases
    left = f" ({few} more, in which the donors see fewer than {FEWEST} hidden pixels, left out)" if few else ""
    head = f"### {of.title}\n\n`{of.rules}`; {lines[0].cases} cases{left} on {len(targets)} targets; bias in {unit}."
    return f"{head}\n\n{markdown(HEAD, [line.cells(of) for line in lines])}"


def judge(of, report):
    """Lines of the table of targets: target, wanted, measured, whether it is met."""
    line = next(line for line in in_order(report) if line.strategy == DEFAULT)
    ratio, worst, jump = mean(line.ratios), max(line.ratios), mean(line.jumps)
    told = lambda what, wanted, measured, met: [of.title, what, wanted, measured, "met" if met else "**missed**"]
    outside = [jump for jump in line.jumps if not 0.85 <= jump <= 1.15]
    rows = [
        told("RMSE / copy, mean", f"≤ {of.most_ratio:.2f}", number(ratio), ratio <= of.most_ratio),
        told("RMSE / copy, worst case", "≤ 1.10", number(worst), worst <= 1.10),
        told("jump, mean", "0.95 to 1.05", number(jump, 2), 0.95 <= jump <= 1.05),
        told("jump, each case", "0.85 to 1.15", f"{len(outside)} of {len(line.jumps)} outside", not outside),
    ]
    if of.reflectance:
        largest = max(abs(bias) for bias in line.biases)
        rows.append(told("bias, each case", "≤ 0.010 either way", number(largest, 4), largest <= 0.01))
    return rows


def figures(work, images, only):
    chosen = [of for of in SETS if not only or of.name in only]
    tables, targets, pictures = [], [], []
    for of in chosen:
        print(f"{of.name} …", file=sys.stderr, flush=True)
        report = evaluate(of, work)
        tables.append(table(of, report))
        targets += judge(of, report)
        if of.picture:
            pictures.append((of, *paint(of, work, images)))
    parts = [f"{compose('--version').strip()}."]
    if targets:
        parts += ["### Targets of `seamless`", markdown(["set", "figure", "wanted", "measured", ""], targets), *tables]
    if not only or "series" in only:
        print("series …", file=sys.stderr, flush=True)
        parts.append(series.section(compose, work, markdown, number))
    if pictures:
        parts.append("### Pictures")
    for of, file, target, case, panels in pictures:
        parts.append(f"![{', '.join(panels)}](images/{file})\n\n*{of.title}, target `{target}`, case `{case}`: "
                     f"{', '.join(panels)}.*")
    return "\n\n".join(parts)


def put(document, text):
    start, end = "<!-- figures -->", "<!-- /figures -->"
    page = document.read_text()
    before, rest = page.split(start, 1)
    after = rest.split(end, 1)[1]
    document.write_text(f"{before}{start}\n\n{text}\n\n{end}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / "target/quality")
    parser.add_argument("--docs", type=Path, help="the page that gets the tables and pictures")
    parser.add_argument("--only", nargs="*", metavar="SET", help=f"some of {', '.join(s.name for s in SETS)}, series")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    images = (args.docs.parent if args.docs else args.work) / "images"
    images.mkdir(exist_ok=True)
    text = figures(args.work, images, args.only)
    if args.docs:
        put(args.docs, text)
    print(text)


if __name__ == "__main__":
    main()
