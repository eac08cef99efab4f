"""compose on a benchmark job: writes a rules file for the job from scenes.json, then runs $COMPOSE (default: compose).

    COMPOSE=target/release/compose python3 benches/peers/compose.py JOB DATA OUT

DATA is a folder with a scenes.json (grid, bands, scenes with files, target, donor). Jobs: J1 one donor copied as it is,
J2 nearest date, J3 median of all dates, J4 the same with one scene in the neighbouring UTM zone. Provenance off and
per-band validity, as in the reference answer. $COMPOSE_ARGS is added to the command line.
"""
import json, os, shlex, sys

MASK = 'any = ["fill", "dilated-cloud", "cirrus", "cloud", "cloud-shadow"]'
FILLS = {
    "J1": 'strategy = "single-donor"\ndonor = "{donor}"\ndonor-mask = "ignore"',
    "J2": 'strategy = "nearest-date"',
    "J3": 'strategy = "median-stack"',
    "J4": 'strategy = "median-stack"',
}


def rules(job, data):
    with open(os.path.join(data, "scenes.json")) as f:
        m = json.load(f)
    if job == "J4":
        m["scenes"] = m["scenes"][:-1] + [m["utm12"]]
    g = m["grid"]
    a = g["transform"]
    bounds = [a[2], a[5] + a[4] * g["height"], a[2] + a[0] * g["width"], a[5]]
    # -- user code begin
    text = f"""
[scenes]
bands = {json.dumps(m["bands"])}
quality = "QA_PIXEL"
layout = "landsat-c2-l89"
nodata = 0
validity = "{"joint" if job == "J2" else "per-band"}"

[grid]
crs = "{g["crs"]}"
bounds = {bounds}
resolution = {a[0]}
resampling = "{os.environ.get("RESAMPLING", "bilinear")}"

[[mask]]
name = "fill, cloud, shadow, cirrus"
kind = "bits"
{MASK}

[[fill]]
{FILLS[job].format(donor=m["donor"])}

[output]
nodata = 0
provenance = false
sidecar = false
"""
    if job == "J1":
        text += f'\n[target]\nscene = "{m["target"]}"\n'
    if job == "J2":
        text += f'\n[target]\ndate = {date_of(m, m["target"])}\n'
    for s in m["scenes"]:
        text += f'\n[[scene]]\nid = "{s["id"]}"\ndate = {s["date"]}\n[scene.files]\n'
        text += "".join(f'{k} = "{os.path.abspath(os.path.join(data, v))}"\n' for k, v in s["files"].items())
    # -- user code end
    return text


def date_of(m, scene_id):
    return next(s["date"] for s in m["scenes"] if s["id"] == scene_id)


def main(job, data, out):
    if job not in FILLS:
        sys.exit(f"compose has no strategy for {job} yet; jobs: {', '.join(FILLS)}")
    path = out + ".toml"
    with open(path, "w") as f:
        f.write(rules(job, data))
    program = os.environ.get("COMPOSE", "compose")
    extra = shlex.split(os.environ.get("COMPOSE_ARGS", ""))
    os.execvp(program, [program, "--rules", path, "--output", out, "--overwrite", *extra])


if __name__ == "__main__":
    main(*sys.argv[1:4])
