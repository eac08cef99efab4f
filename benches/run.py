#!/usr/bin/env python3
"""The benchmark: compose beside GDAL's floor and what a user would take instead, on the same files, in turns.

    make bench                          sizes S and Q: jobs, options, memory, inputs at S
    make bench SIZES="S Q M"            other sizes
    make bench ONLY="jobs inputs"       some sections
    make bench ALL=1                    everything, at all sizes
    make bench DOCS=1                   puts the table into docs/performance.md as well

    run.py [--sizes S Q M] [--only SECTION ...] [--all] [--rounds 3] [--keep] [--quick] [--docs docs/performance.md]

Sections: jobs (J1 to J4 beside the peers), options (validity, provenance), memory, inputs (other layouts and
compressions), scaling (dates and area), and those of cases.py: cliff (stacks that the memory limit does not hold),
mosaic, seamless (and rules that compare), cog, s2tile (and the start of the program). Data, right answers, results and
the table go to --work (target/bench); data is made once, but the large stacks of `cliff` and `s2tile` are removed after
their section unless --keep. Exit status 1 where an answer of compose is wrong or it failed; a target of time or memory
that is missed is only said. Figures of one group are taken in turns, round by round; ratios are medians of theirs.
"""
import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time

import cases
import targets
from datasets import HERE, LAYOUTS, Data, remove
from measure import measure

# Scripts that are started from here leave no compiled files in the source tree.
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
SECTIONS = ["jobs", "options", "memory", "inputs", "scaling", *cases.SECTIONS]
USUAL = SECTIONS[:4]
LOW = ["--mem-limit", "200MB"]


class Bench:
    """What is being measured, and where it goes."""

    def __init__(self, a):
        self.work, self.rounds, self.keeps = a.work, a.rounds, a.keep
        self.data = Data(a.work, a.quick)
        self.groups = []
        for folder in ("out", "data", "ref"):
            os.makedirs(f"{self.work}/{folder}", exist_ok=True)

    def ours(self, size, job, name=None, options=(), **more):
        return self.peer("compose", size, job, name, options, **more)

    def peer(self, peer, size, job, name=None, options=(), answer=None, **more):
        """A contender that writes an image: its answer is held against the right one, that of `answer` or its own job.

        More: `once`; `records`: its record of sources is compared as well; `check`: what compare.py is told;
        `against`: the contender that its seconds are divided by in the table."""
        out = f"{self.work}/out/{size}_{(name or f'{job} {peer}').replace(' ', '_')}.tif"
        cmd = [sys.executable, f"{HERE}/peers/{peer}.py", job, self.data.path(size), out, *options]
        ref, kind = self.data.answer(size, answer or job), "ours" if peer == "compose" else "peer"
        told = dict(name=name or f"{job} {peer}", job=job, cmd=cmd, out=out, ref=ref, kind=kind, once=False)
        if peer == "compose":
            said = dict(zip(options, options[1:]))
            told["limit"] = targets.megabytes(said.get("--mem-limit", "384MB"))
        return told | more

    def plan(self, size, job, name, options):
        """compose says what it would do, and writes nothing."""
        toml = f"{self.work}/out/plan.tif"
        cmd = [sys.executable, f"{HERE}/peers/compose.py", job, self.data.path(size), toml, *options, "--plan"]
        return dict(name=name, job=job, cmd=cmd, out=None, kind="plan", once=False)

    def floor(self, size, job, modes="decode,encode"):
        """The floors, counted inside their process: `J3 decode`, `J3 encode`, …"""
        cmd = [sys.executable, f"{HERE}/floor.py", modes, self.data.path(size), job, self.data.answer(size, job)]
        return dict(name=f"{job} floor", job=job, cmd=cmd, out=None, kind="floor", once=False)

    def drop(self, name):
        """Removes a large data set, unless all is kept."""
        if not self.keeps:
            self.data.drop(name)

    def group(self, section, size, contenders, rounds=None):
        """Runs the contenders in turns and keeps what was measured."""
        print(f"{section}, {size}:", flush=True)
        found = {}
        for turn in range(min(rounds or self.rounds, 2 if section in cases.SECTIONS else self.rounds)):
            for c in contenders:
                if turn == 0 or not (c["once"] or c["name"] in found and found[c["name"]]["rc"]):
                    self.once(c, found)
        for c in contenders:
            r = found.get(c["name"])
            if r and r["rc"] == 0 and c["out"]:
                r["answer"] = self.answer(c)
            if c["out"]:
                remove(c["out"])
                remove(record(c["out"]))
        self.keep_group(section, size, found)

    def answer(self, c):
        """What compare.py says of a contender's image, and of its record where that is asked for."""
        def compared(out, ref):
            cmd = [sys.executable, f"{HERE}/compare.py", out, ref, *c.get("check", ())]
            told = subprocess.run(cmd, capture_output=True)
            return json.loads(told.stdout or "null") or dict(error="no image that can be read")

        found = compared(c["out"], c["ref"])
        codes = compared(record(c["out"]), record(c["ref"])) if c.get("records") else dict(exact=1)
        if not targets.exact(codes):
            found = dict(error=f"provenance: {targets.agreement(codes)}")
        return found

    def keep_group(self, section, size, found):
        """Says what was measured, and keeps it."""
        for name, r in found.items():
            print("  " + line(name, r), flush=True)
        self.groups = [g for g in self.groups if (g["section"], g["size"]) != (section, size)]
        self.groups.append(dict(section=section, size=size, found=found))

    def once(self, c, found):
        """One run of a contender."""
        if c["out"]:
            remove(c["out"])
        log = f"{self.work}/out/{c['name'].replace(' ', '_')}.log"
        r = measure(c["cmd"], log)
        with open(log, errors="replace") as f:
            said = f.read().strip()
        parts = {c["name"]: r}
        if r["rc"] == 0 and c["kind"] == "floor":
            parts = {f"{c['job']} {mode}": dict(v, rc=0, mb=0) for mode, v in json.loads(said.splitlines()[-1]).items()}
        for name, part in parts.items():
            kept = found.setdefault(name, dict(job=c["job"], kind=c["kind"], rc=0, wall=[], cpu=[], mb=[]))
            kept |= {key: c[key] for key in ("limit", "against") if key in c}
            kept |= targets.tiles(said)
            kept["rc"] = part["rc"]
            for key in ("wall", "cpu", "mb"):
                kept[key].append(round(part[key], 4))
        if r["rc"]:
            print(f"  {c['name']} failed with status {r['rc']}:\n" + said[-2000:], flush=True)
            found[c["name"]]["answer"] = dict(error=f"failed with status {r['rc']}")


def record(image):
    return image.removesuffix(".tif") + "_provenance.tif"


def line(name, r):
    cpu, wall = targets.median(r["cpu"]), targets.median(r["wall"])
    text = f"{name:24} CPU {cpu:7.2f} s   wall {wall:7.2f} s"
    if max(r["mb"]):
        text += f"   {max(r['mb']):5.0f} MB"
    return text + (f"   {targets.agreement(r['answer'])}" if "answer" in r else "")


def jobs(b, size):
    contenders = [b.floor(size, "J1"), b.floor(size, "J3", "decode,encode,deflate,encdef")]
    for job in ("J1", "J2", "J3", "J4"):
        contenders += [b.ours(size, job), b.peer("rio_block", size, job)]
    # These take long; once is enough to tell.
    contenders += [b.peer("earthpy_np", size, "J1"), b.peer("odc_stac", size, "J3", once=True)]
    b.group("jobs", size, contenders)


def options(b, size):
    joint, record = ["--validity", "joint"], ["--provenance"]
    contenders = [b.ours(size, "J3", "plain")]
    contenders += [b.ours(size, "J3", "joint", joint), b.ours(size, "J3", "provenance", record)]
    b.group("options", size, [*contenders, b.ours(size, "J3", "joint and provenance", joint + record)])


def memory(b, size):
    all_jobs = ("J3",) if size == "S64" else ("J1", "J2", "J3", "J4")
    contenders = [b.ours(size, job, f"{job} default") for job in all_jobs]
    b.group("memory", size, contenders + [b.ours(size, job, f"{job} 200MB", LOW) for job in all_jobs])


def inputs(b, size):
    for layout in LAYOUTS:
        name = f"{size}-{layout}"
        b.group("inputs", name, [b.ours(name, "J3"), b.floor(name, "J3")])


def large(b):
    b.group("inputs", "X", [b.ours("X", "J1"), b.floor("X", "J1")])


def scaling(b):
    few, many = b.ours("S", "J3", "S, 8 dates"), b.ours("S64", "J3", "S64, 64 dates")
    small, wide = b.ours("S12", "J3", "S12, 12 dates"), b.ours("M", "J3", "M, 12 dates")
    b.group("scaling", "S to M", [few, many, small, wide])


def carry_out(b, a):
    only = a.only or (SECTIONS if a.all else USUAL)
    largest = a.sizes[-1]
    if "jobs" in only:
        for size in a.sizes:
            jobs(b, size)
    if "options" in only:
        options(b, "Q" if "Q" in a.sizes else largest)
    if "memory" in only:
        memory(b, largest)
        if a.all:
            memory(b, "S64")
    if "inputs" in only:
        inputs(b, "Q" if a.all else "S")
        if a.all:
            large(b)
    if "scaling" in only:
        scaling(b)
    for name, section in cases.SECTIONS.items():
        if name in only:
            start = time.monotonic()
            section(b, a.all)
            minutes = (time.monotonic() - start) / 60
            print(f"{name} took {minutes:.1f} minutes, data and right answers included", flush=True)


def about(a):
    """What was measured, and on what."""
    version = subprocess.run([os.environ.get("COMPOSE", "compose"), "--version"], capture_output=True, text=True)
    code = "import rasterio as r; print('rasterio', r.__version__, 'with GDAL', r.__gdal_version__)"
    peers = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as f:
            model = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), model)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return dict(program=version.stdout.strip().splitlines()[0], peers=peers.stdout.strip(), model=model, cores=cores,
                rounds=a.rounds, load=round(os.getloadavg()[0], 1))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--work", default="target/bench")
    p.add_argument("--sizes", nargs="+", choices=["S", "Q", "M"])
    p.add_argument("--only", nargs="+", choices=SECTIONS, help="these sections")
    p.add_argument("--all", action="store_true", help="every section at every size")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--keep", action="store_true", help="keep large data, and results of groups that are not run now")
    p.add_argument("--quick", action="store_true", help="small data of the same kinds below WORK/quick, for trials")
    p.add_argument("--docs", help="a document whose marked section the table replaces")
    a = p.parse_args()
    if not shutil.which(os.environ.get("COMPOSE", "compose")):
        p.error("no program compose; say where it is: COMPOSE=target/release/compose")
    if a.quick and a.docs:
        p.error("--quick measures nothing that belongs into a document")
    a.sizes = a.sizes or (["S", "Q", "M"] if a.all else ["S", "Q"])
    a.work = os.path.abspath(a.work) + ("/quick" if a.quick else "")
    b, results = Bench(a), f"{a.work}/results.json"
    if a.keep and os.path.exists(results):
        with open(results) as f:
            # Results of an earlier version of these scripts say less, and are not kept.
            b.groups = [g for g in json.load(f)["groups"] if all("kind" in r for r in g["found"].values())]
    told = about(a)
    carry_out(b, a)
    with open(results, "w") as f:
        json.dump(dict(about=told, groups=b.groups), f, indent=1)
    docs = ["--docs", a.docs] if a.docs else []
    subprocess.run([sys.executable, f"{HERE}/table.py", results, "--out", f"{b.work}/table.md", *docs], check=True)
    wrong = targets.wrong_answers(b.groups)
    for text in wrong:
        print(f"WRONG: {text}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
