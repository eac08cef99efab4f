#!/usr/bin/env python3
"""Cuts the scenes of this folder out of the catalogue that they come from.

    make_subset.py SOURCE    SOURCE: tests/testdata/sentinel2/full_products of mapchete/mapchete-eo at bcea0fbf

The bands of the source are JPEG 2000 codestreams without a georeference, 915 x 915 pixels of 120 m. Here they are GeoTIFFs of
the part where both tiles of a pass overlap. The items are those of the source: `proj:shape` speaks of the
10980 x 10980 pixels of the product, assets that are not here point to the network, and
`earthsearch:boa_offset_applied` is true beside an offset of -0.1.
"""
import json
import shutil
import sys
from pathlib import Path

import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

HERE = Path(__file__).resolve().parent
# Upper left corner of the tiles, and the rows that are kept: 240 columns from column 240 on.
TILES = {"33TWL": (5100000, 0, 200), "33TWM": (5200020, 700, 215)}
LEFT, SIZE, FIRST, COLUMNS = 499980, 120, 240, 240


def cut(source, path, tile):
    top, first, rows = TILES[tile]
    transform = Affine(SIZE, 0, LEFT + SIZE * FIRST, 0, -SIZE, top - SIZE * first)
    with rasterio.open(source) as f:
        pixels = f.read(1, window=Window(FIRST, first, COLUMNS, rows))
    profile = dict(driver="GTiff", width=COLUMNS, height=rows, count=1, dtype=pixels.dtype, crs="EPSG:32633",
                   transform=transform, compress="deflate", predictor=2, tiled=True, blockxsize=128, blockysize=128)
    with rasterio.open(path, "w", **profile) as out:
        out.write(pixels, 1)


def main(source):
    shutil.copy(source / "catalog.json", HERE / "catalog.json")
    collection = HERE / "sentinel-2-l2a"
    collection.mkdir(exist_ok=True)
    shutil.copy(source / "sentinel-2-l2a/collection.json", collection / "collection.json")
    for item in sorted((source / "sentinel-2-l2a").glob("S2*")):
        folder = collection / item.name
        folder.mkdir(exist_ok=True)
        shutil.copy(item / f"{item.name}.json", folder)
        tile = item.name.split("_")[1]
        for band in ("B02", "B03", "B04", "B08", "SCL"):
            cut(item / f"{band}.tif", folder / f"{band}.tif", tile)
        if (item / "MSK_CLDPRB_20m.jp2").exists():
            cut(item / "MSK_CLDPRB_20m.jp2", folder / "MSK_CLDPRB_20m.tif", tile)


main(Path(sys.argv[1]))
