"""What .ci/matrix needs besides a shell: cargo's list of programs, composed examples, and how two GDALs' answers differ."""

import array
import json
import pathlib
import re
import sqlite3
import struct
import subprocess
import sys
import zlib

# Rules file below examples, and by how much a sample may differ where PROJ moved it: nothing where nothing is resampled.
EXAMPLES = {
    "landsat8/landsat8": 0,
    "landsat8/seamless": 0,
    "lesson/lesson": 0,
    "lesson/lesson-bits": 0,
    "brumadinho/brumadinho": 0,
    "sentinel2/repair": 1,
    "sentinel2/median": 1,
    "sentinel2/seamless": 1,
}
# At most so many samples may be moved at all: 276 of 474 360 are, between PROJ 9.1 and 9.7.
MOVED = 0.002
TYPES = {(1, 8): "B", (1, 16): "H", (2, 16): "h"}
FIELDS = {1: "B", 3: "H", 4: "I", 16: "Q"}


def programs():
    """Lines of cargo on standard input; folder, program and filter of the tests that are run."""
    for line in sys.stdin:
        said = json.loads(line)
        if said.get("executable") and said.get("profile", {}).get("test"):
            folder = pathlib.Path(said["manifest_path"]).parent
            name, kind = said["target"]["name"], said["target"]["kind"][0]
            if (folder.name, kind) in [("compose-io", "lib"), ("compose", "test")]:
                print(folder, said["executable"], "examples::" if name == "compose" else "")


def compose(program, folder):
    """Composes every example, uncompressed, each into a folder of its own."""
    for name in EXAMPLES:
        place = pathlib.Path(folder, name)
        place.mkdir(parents=True, exist_ok=True)
        rules = pathlib.Path("examples", f"{name}.toml")
        output = "{id}.tif" if "[target]" in rules.read_text() else "all.tif"
        command = [program, "--rules", rules, "--output", place / output, "--overwrite", "--quiet"]
        subprocess.run(command + ["--co", "COMPRESS=NONE", "--co", "TILED=NO"], check=True)


def samples(path):
    """All samples of a TIFF, block by block as they lie in it (TIFF 6.0, sections 2, 8 and 15); 8 is deflate."""
    data = path.read_bytes()
    order = "<" if data[:2] == b"II" else ">"
    assert struct.unpack_from(order + "H", data, 2)[0] == 42, f"{path}: no classic TIFF"
    at = struct.unpack_from(order + "I", data, 4)[0]
    tags = {}
    for n in range(struct.unpack_from(order + "H", data, at)[0]):
        entry = at + 2 + 12 * n
        tag, kind, count = struct.unpack_from(order + "HHI", data, entry)
        if kind in FIELDS:
            layout = f"{order}{count}{FIELDS[kind]}"
            start = entry + 8 if struct.calcsize(layout) <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
            tags[tag] = struct.unpack_from(layout, data, start)
    codec, predictor = tags.get(259, (1,))[0], tags.get(317, (1,))[0]
    assert (codec, predictor) in [(1, 1), (8, 1)], f"{path}: compressed by {codec}, predictor {predictor}"
    unpack = zlib.decompress if codec == 8 else bytes
    out = array.array(TYPES[tags.get(339, (1,))[0], tags[258][0]])
    starts, lengths = (tags[273], tags[279]) if 273 in tags else (tags[324], tags[325])
    for start, length in zip(starts, lengths):
        out.frombytes(unpack(data[start : start + length]))
    if (order == "<") != (sys.byteorder == "little"):
        out.byteswap()
    return out


def beside(ours, theirs, most):
    """How many of how many samples differ, and what is wrong with that."""
    a, b = samples(ours), samples(theirs)
    if len(a) != len(b):
        return 0, len(a), f"{theirs}: {len(b)} samples, not {len(a)}"
    pairs = [(x, y) for x, y in zip(a, b) if x != y]
    far = [p for p in pairs if abs(p[0] - p[1]) > most]
    if far or len(pairs) > MOVED * len(a):
        worst = ", ".join(f"{x} and {y}" for x, y in (far or pairs)[:3])
        return len(pairs), len(a), f"{theirs}: {len(pairs)} of {len(a)} samples differ, {len(far)} too much: {worst}"
    return len(pairs), len(a), None


def told(gdal, log, here, made, proj):
    """One closing line for a GDAL, after what failed on it and what could not be tested; 1 where something failed."""
    text = pathlib.Path(log).read_text(errors="replace")
    results = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed", text, re.M)
    passed, failed = (sum(int(result[n]) for result in results) for n in (0, 1))
    wrong = [f"test {name}" for name in re.findall(r"^test (\S+) \.\.\. FAILED$", text, re.M)]
    if not results or len(results) != len(pathlib.Path(here).with_name("programs").read_text().splitlines()):
        wrong.append(f"a test program came to no end: {log}")
    moved = all_samples = images = 0
    for name, most in EXAMPLES.items():
        # Uncertainties are floats behind a predictor, and follow the samples that they belong to.
        files = sorted(pathlib.Path(here, name).glob("*.tif"))
        for ours in (path for path in files if not path.stem.endswith("_uncertainty")):
            differ, count, why = beside(ours, pathlib.Path(made, name, ours.name), most)
            moved, all_samples, images = moved + differ, all_samples + count, images + 1
            wrong += [why] if why else []
    reports = [json.loads(path.read_text()) for path in sorted(pathlib.Path(made).glob("*/*/*.json"))]
    if not reports or any(gdal not in json.dumps(report) for report in reports):
        wrong.append(f"the reports do not say GDAL {gdal}")
    for line in sorted(set(re.findall(r"^(GDAL .*: not tested)$", text, re.M))):
        print(f"matrix: {line}")
    for line in wrong:
        print(f"matrix: GDAL {gdal}: {line}")
    database = sqlite3.connect(f"file:{proj}/proj.db?mode=ro", uri=True)
    (version,) = database.execute("select value from metadata where key = 'PROJ.VERSION'").fetchone()
    print(
        f"matrix: GDAL {gdal}, PROJ {version}: {passed} tests passed, {failed} failed;"
        f" {images} images, {moved} of {all_samples} samples differ; {'FAILED' if wrong or failed else 'holds'}"
    )
    return bool(wrong or failed)


if __name__ == "__main__":
    work = {"programs": programs, "compose": compose, "told": told}[sys.argv[1]]
    sys.exit(work(*sys.argv[2:]) or 0)
