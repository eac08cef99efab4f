"""The way of the lesson: earthpy's stack, mask_pixels and crop_all with numpy, all in memory, one donor (J1):
earthpy_np.py J1 DATA OUT."""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import earthpy.mask as em
import earthpy.spatial as es
import numpy as np
import rasterio

from common import load, profile

job, data, out = sys.argv[1:4]
m = load(data)
tmp = out + ".crop"
os.makedirs(tmp, exist_ok=True)
T, D = m["by_id"][m["target"]], m["by_id"][m["donor"]]
stack, meta = es.stack([T["files"][b] for b in m["bands"]], nodata=0)
bounds = rasterio.transform.array_bounds(meta["height"], meta["width"], meta["transform"])
with rasterio.open(T["files"]["QA_PIXEL"]) as q:
    qa = q.read(1)
vals = [int(v) for v in np.unique(qa) if v & m["mask_bits"]]
masked = em.mask_pixels(stack, qa, vals=vals)
clip = es.extent_to_json(list(bounds))
cropped = es.crop_all([D["files"][b] for b in m["bands"]], tmp, [clip], overwrite=True)
donor, _ = es.stack(sorted(cropped))
copy = np.copy(masked)
copy[masked.mask] = donor[masked.mask]
with rasterio.open(out, "w", **profile(m)) as o:
    o.write(copy)
shutil.rmtree(tmp)
