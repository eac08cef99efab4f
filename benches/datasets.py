"""The data sets of the benchmark by name, made when they are first wanted and kept with what they were made from."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

SIZES = {
    "S": dict(size=1024, dates=8),
    "S12": dict(size=1024, dates=12),
    "S64": dict(size=1024, dates=64),
    "Q": dict(size=2048, dates=12),
    "M": dict(size=4096, dates=12),
    # One large scene and a donor for it, as wide as a tile of Sentinel-2 and in tiles as its COGs have.
    "X": dict(size=10980, dates=2, bands=3, blocksize=1024, one_zone=True),
}

# Other ways in which the pixels of a size may lie on disk; "interleaved" has 12 bands and the codes in one file.
LAYOUTS = {
    "zstd": dict(compress="zstd"),
    "lzw": dict(compress="lzw"),
    "striped": dict(layout="striped"),
    "interleaved": dict(layout="interleaved", bands=12),
}


def parameters(name):
    """What gen.py is told: `Q`, or `Q-lzw` for a size in another layout."""
    size, _, layout = name.partition("-")
    only_tiled = dict(one_zone=True) if layout else {}
    return SIZES[size] | (LAYOUTS[layout] | only_tiled if layout else {})


class Data:
    """Data sets and right answers below a folder."""

    def __init__(self, work):
        self.work = work

    def path(self, name):
        """The folder of a data set; it is made where it is missing or was made from other parameters."""
        wanted, folder, note = parameters(name), f"{self.work}/data/{name}", f"{self.work}/data/{name}.json"
        if read(note) != wanted:
            print(f"making {name}: {wanted}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            options = []
            for key, value in wanted.items():
                options += [f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)])
            subprocess.run([sys.executable, f"{HERE}/gen.py", "--out", folder, *options], check=True)
            for job in ("J1", "J2", "J3", "J4"):
                remove(f"{self.work}/ref/{name}_{job}.tif")
            with open(note, "w") as f:
                json.dump(wanted, f)
        return folder

    def answer(self, name, job):
        """The right answer, computed where it is missing."""
        data, ref = self.path(name), f"{self.work}/ref/{name}_{job}.tif"
        if not os.path.exists(ref):
            print(f"computing the right answer of {job} on {name}", flush=True)
            os.makedirs(f"{self.work}/ref", exist_ok=True)
            with tempfile.TemporaryDirectory(dir=f"{self.work}/ref") as draft:
                subprocess.run([sys.executable, f"{HERE}/oracle.py", data, job, f"{draft}/ref.tif"], check=True)
                os.rename(f"{draft}/ref.tif", ref)
        return ref


def read(path):
    try:
        with open(path) as f:
            return json.load(f)
    except (OSError, ValueError):
        return None


def remove(path):
    if os.path.exists(path):
        os.unlink(path)
