"""compose on a job of the benchmark: writes a rules file from the data set's scenes.json, then runs $COMPOSE.

    COMPOSE=target/release/compose python3 benches/peers/compose.py JOB DATA OUT [options] [arguments for compose]

Jobs: J1 one donor copied as it is, J2 nearest date, J3 median of all dates, J4 the same with one scene in the
neighbouring UTM zone; mosaic: J2 of scenes side by side, near: J2 with the scene of that day as the target, seamless:
the same gaps, tdom: J2 with that mask as well, bap and bap-clouds: the best score. As in the right answers, validity is
per band in J1, J3 and J4, joint in the others, and no provenance is written, unless the options say so. Arguments that
are not known here, such as `--mem-limit 200MB`, go to compose, and so does what $COMPOSE_ARGS holds.
"""
import argparse
import json
import os
import shlex

MASK = 'any = ["fill", "dilated-cloud", "cirrus", "cloud", "cloud-shadow"]'
FILLS = {
    "J1": 'strategy = "single-donor"\ndonor = "{donor}"\ndonor-mask = "ignore"',
    "J2": 'strategy = "nearest-date"',
    "J3": 'strategy = "median-stack"',
    "J4": 'strategy = "median-stack"',
    "mosaic": 'strategy = "nearest-date"',
    "near": 'strategy = "nearest-date"',
    "seamless": 'strategy = "seamless"',
    "tdom": 'strategy = "nearest-date"',
    "bap": 'strategy = "best-score"\nscore = { kind = "bap", day-of-year = [60, 190, 320] }',
    "bap-clouds": 'strategy = "best-score"\nscore = { kind = "bap", day-of-year = [60, 190, 320], '
                  'clouds = ["cloud", "cloud-shadow"], required-distance = "9000 m" }',
}
PER_BAND = ("J1", "J3", "J4")
WITH_TARGET = ("J1", "near", "seamless")
WITH_DAY = ("J2", "mosaic", "tdom", "bap", "bap-clouds")
# `tdom` needs reflectance.
REFLECTANCE = "scale = 0.0000275\noffset = -0.2"
TDOM = '\n[[mask]]\nname = "dark"\nkind = "tdom"\nnir = "B5"\nswir1 = "B6"\n'


def rules(a):
    with open(os.path.join(a.data, "scenes.json")) as f:
        m = json.load(f)
    if a.job == "J4":
        m["scenes"] = m["scenes"][:-1] + [m["utm12"]]
    g = m["grid"]
    t = g["transform"]
    width, height = (a.pixels, a.pixels) if a.pixels else (g["width"], g["height"])
    bounds = [t[2], t[5] + t[4] * height, t[2] + t[0] * width, t[5]]
    # -- user code begin
    text = f"""
[scenes]
bands = {json.dumps(m["bands"])}
quality = "QA_PIXEL"
layout = "landsat-c2-l89"
nodata = 0
validity = "{a.validity or ("per-band" if a.job in PER_BAND else "joint")}"
{REFLECTANCE if a.job == "tdom" else ""}

[grid]
crs = "{g["crs"]}"
bounds = {bounds}
resolution = {t[0]}
resampling = "{a.resampling}"

[[mask]]
name = "fill, cloud, shadow, cirrus"
kind = "bits"
{MASK}

[[fill]]
{FILLS[a.job].replace("{donor}", str(m["donor"]))}

[output]
nodata = 0
format = "{a.format}"
provenance = {"true" if a.provenance else "false"}
sidecar = false
"""
    if a.job == "tdom":
        text += TDOM
    if a.job in WITH_TARGET:
        text += f'\n[target]\nscene = "{m["target"]}"\n'
    if a.job in WITH_DAY:
        date = m.get("date") or next(s["date"] for s in m["scenes"] if s["id"] == m["target"])
        text += f"\n[target]\ndate = {date}\n"
    for s in m["scenes"]:
        text += f'\n[[scene]]\nid = "{s["id"]}"\ndate = {s["date"]}\n' + files(s, os.path.abspath(a.data))
    # -- user code end
    return text


def files(s, data):
    """The scene's file, or one for each band."""
    if "numbers" in s:
        path = next(iter(s["files"].values()))
        numbers = ", ".join(f"{k} = {n}" for k, n in s["numbers"].items())
        return f'file = "{data}/{path}"\nbands = {{ {numbers} }}\n'
    return "[scene.files]\n" + "".join(f'{k} = "{data}/{v}"\n' for k, v in s["files"].items())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                allow_abbrev=False)
    p.add_argument("job", choices=FILLS)
    p.add_argument("data")
    p.add_argument("out")
    p.add_argument("--validity", choices=["joint", "per-band"], help="instead of the job's own")
    p.add_argument("--provenance", action="store_true", help="write the record of sources as well")
    p.add_argument("--format", choices=["gtiff", "cog"], default="gtiff")
    p.add_argument("--pixels", type=int, help="width and height of a grid that begins where the data's does")
    p.add_argument("--resampling", default=os.environ.get("RESAMPLING", "bilinear"))
    a, rest = p.parse_known_args()
    path = a.out + ".toml"
    with open(path, "w") as f:
        f.write(rules(a))
    program = os.environ.get("COMPOSE", "compose")
    extra = rest + shlex.split(os.environ.get("COMPOSE_ARGS", ""))
    os.execvp(program, [program, "--rules", path, "--output", a.out, "--overwrite", *extra])


if __name__ == "__main__":
    main()
