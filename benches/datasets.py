"""The data sets of the benchmark by name, made when they are first wanted and kept with what they were made from."""
import glob
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
    # Stacks of which a row of tiles is more than the memory limit holds.
    "d200": dict(size=1280, dates=200, bands=4, blocksize=1024, one_zone=True),
    "t200": dict(size=1024, dates=200, bands=4, one_zone=True),
    "i40": dict(size=1536, dates=40, bands=6, layout="interleaved", one_zone=True),
    "qi": dict(size=2048, dates=12, bands=13, layout="interleaved", one_zone=True),
    "s60": dict(size=1024, dates=60, bands=4, layout="striped", one_zone=True),
    "k40": dict(size=2048, dates=40, bands=2, blocksize=2048, one_zone=True),
    # Scenes side by side, each overlapping its neighbours: mosaic.py makes them.
    "m9": dict(side=3),
    "m100": dict(side=10),
    # Six dates of a tile of Sentinel-2.
    "T": dict(size=10980, dates=6, bands=4, blocksize=1024, one_zone=True),
}

# Other ways in which the pixels of a size may lie on disk; "interleaved" has 12 bands and the codes in one file.
LAYOUTS = {
    "zstd": dict(compress="zstd"),
    "lzw": dict(compress="lzw"),
    "striped": dict(layout="striped"),
    "interleaved": dict(layout="interleaved", bands=12),
}


def smaller(wanted):
    """The same data set for a trial of the scripts: a quarter of the width, at most eight dates."""
    if "side" in wanted:
        return dict(wanted, scene=250, overlap=56)
    return dict(wanted, size=wanted["size"] // 4, dates=min(wanted["dates"], 8))


def parameters(name):
    """What gen.py or mosaic.py is told: `Q`, or `Q-lzw` for a size in another layout."""
    size, _, layout = name.partition("-")
    only_tiled = dict(one_zone=True) if layout else {}
    return SIZES[size] | (LAYOUTS[layout] | only_tiled if layout else {})


class Data:
    """Data sets and right answers below a folder."""

    def __init__(self, work, quick=False):
        self.work, self.quick = work, quick

    def path(self, name):
        """The folder of a data set; it is made where it is missing or was made from other parameters."""
        wanted, folder, note = parameters(name), f"{self.work}/data/{name}", f"{self.work}/data/{name}.json"
        wanted = smaller(wanted) if self.quick else wanted
        if read(note) != wanted:
            print(f"making {name}: {wanted}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            options = []
            for key, value in wanted.items():
                options += [f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)])
            maker = "mosaic.py" if "side" in wanted else "gen.py"
            subprocess.run([sys.executable, f"{HERE}/{maker}", "--out", folder, *options], check=True)
            self.forget_answers(name)
            with open(note, "w") as f:
                json.dump(wanted, f)
        return folder

    def forget_answers(self, name):
        for ref in glob.glob(f"{self.work}/ref/{name}_*.tif"):
            remove(ref)

    def drop(self, name):
        """Removes a data set and its answers."""
        shutil.rmtree(f"{self.work}/data/{name}", ignore_errors=True)
        remove(f"{self.work}/data/{name}.json")
        self.forget_answers(name)

    def answer(self, name, job):
        """The right answer, computed where it is missing."""
        data, ref = self.path(name), f"{self.work}/ref/{name}_{job}.tif"
        if not os.path.exists(ref):
            print(f"computing the right answer of {job} on {name}", flush=True)
            os.makedirs(f"{self.work}/ref", exist_ok=True)
            with tempfile.TemporaryDirectory(dir=f"{self.work}/ref") as draft:
                subprocess.run([sys.executable, f"{HERE}/oracle.py", data, job, f"{draft}/ref.tif"], check=True)
                for made in sorted(os.listdir(draft)):  # ref.tif, and for a mosaic ref_provenance.tif
                    os.rename(f"{draft}/{made}", ref.removesuffix(".tif") + made.removeprefix("ref"))
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
