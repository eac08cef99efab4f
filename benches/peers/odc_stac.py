"""The way of the Open Data Cube: odc-stac loads, xarray and dask compute a lazy median: odc_stac.py J3 DATA OUT."""
import datetime as dt
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import dask
import odc.stac
import pystac
import rioxarray  # noqa: F401  (gives arrays their `rio`)
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine
from rasterio.warp import transform_bounds

from common import load

job, data, out = sys.argv[1:4]
m = load(data, job)


def item(s):
    """The scene as the catalogue has it that a user would start from."""
    t = Affine(*s["transform"])
    west, south, east, north = transform_bounds(
        s["crs"], "EPSG:4326", t.c, t.f + t.e * s["height"], t.c + t.a * s["width"], t.f)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    properties = {"proj:epsg": int(s["crs"][5:]), "proj:code": s["crs"], "proj:transform": s["transform"],
                  "proj:shape": [s["height"], s["width"]]}
    schema = "https://stac-extensions.github.io"
    it = pystac.Item(
        s["id"], dict(type="Polygon", coordinates=[ring]), [west, south, east, north],
        dt.datetime.fromisoformat(s["date"]), properties,
        stac_extensions=[f"{schema}/projection/v2.0.0/schema.json", f"{schema}/raster/v1.1.0/schema.json"])
    for k, f in s["files"].items():
        a = pystac.Asset(f, media_type="image/tiff; application=geotiff", roles=["data"])
        a.extra_fields["raster:bands"] = [dict(nodata=int(k == "QA_PIXEL"), data_type="uint16")]
        it.add_asset(k, a)
    return it


g = m["grid"]
box = GeoBox((g["height"], g["width"]), Affine(*g["transform"]), g["crs"])
dask.config.set(scheduler="threads", num_workers=2)
ds = odc.stac.load([item(s) for s in m["scenes"]], bands=m["bands"] + ["QA_PIXEL"], geobox=box, groupby="id",
                   chunks=dict(x=1024, y=1024), resampling={"*": "bilinear", "QA_PIXEL": "nearest"})
bad = (ds.QA_PIXEL & m["mask_bits"]) != 0
med = []
for k in m["bands"]:
    seen = ds[k].astype("float32").where(~bad & (ds[k] != 0))
    med.append((seen.median("time", skipna=True).fillna(0) + 0.5).astype("uint16"))
arr = xr.concat(med, "band").transpose("band", "y", "x").rio.write_nodata(0)
arr = arr.rio.write_crs(g["crs"]).rio.write_transform(Affine(*g["transform"]))
arr.rio.to_raster(out, tiled=True, blockxsize=512, blockysize=512, compress="deflate", predictor=2, num_threads=2,
                  windowed=True, lock=threading.Lock())
