#!/usr/bin/env python3
"""Make the twin of the Earth Lab lesson's scene pair from the files in source/.

    make_twin.py            write the two scene folders beside this script
    make_twin.py --check    make the same pixels in memory, compare with the files, write nothing

Needs numpy and rasterio. Nothing is random. What comes out is NOT the lesson's data: see README.md.
"""
import sys
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

HERE = Path(__file__).resolve().parent
BANDS = range(2, 8)
NODATA = -32768
MASKED = [328, 392, 840, 904, 1350, 352, 368, 416, 432, 480, 864, 880, 928, 944, 992]  # the lesson's list

# (where the scene goes, suffix, source scene, top-left pixel and size of the window in it,
#  source of the quality codes, rectangles relabelled where the code is 322: (row, col, height, width, code))
TARGET = dict(
    stem="LC080340322016070701T1-SC20180214145604/crop/LC08_L1TP_034032_20160707_20170221_01_T1",
    suffix="_crop", scene="LC08_L2SP_218074_20190130_20200829_02_T1",
    row=110, col=80, height=177, width=246, codes="r4100_c180",
    relabel=[(64, 205, 20, 30, 324), (6, 150, 10, 40, 386), (6, 200, 10, 20, 834),
             (24, 200, 4, 6, 1350), (30, 200, 3, 5, 1352)],
)
DONOR = dict(
    stem="cs-test-landsat/LC08_L1TP_034032_20160621_20170221_01_T1",
    suffix="", scene="LC08_L2SP_218074_20190114_20200829_02_T1",
    row=0, col=0, height=300, width=400, codes="r4400_c500",
    # These lie under masked pixels of the target, so that the donor's own mask has to decide.
    relabel=[(140, 140, 4, 6, 1350), (140, 150, 3, 5, 1352), (250, 20, 20, 30, 324)],
)


def reflectance(dn):
    """Collection 2 numbers to int16 reflectance x 10000: round((dn * 2.75e-5 - 0.2) * 1e4), halves away from zero.

    Times 10000 this is (11 dn - 80000) / 40 exactly, so integers do it without a float. 0 is fill in Collection 2.
    """
    n = 11 * dn.astype(np.int64) - 80000
    value = np.sign(n) * ((2 * np.abs(n) + 40) // 80)
    assert value.min() > NODATA and value.max() <= 32767
    return np.where(dn == 0, NODATA, value).astype(np.int16)


def codes(spec):
    name = f"LC08_CU_027009_20130701_20170729_C01_V01_PIXELQA_{spec['codes']}.tif"
    with rasterio.open(HERE / "source/pixelqa" / name) as f:
        qa = f.read(1)
    assert qa.shape == (spec["height"], spec["width"])
    qa[np.isin(qa, [1, 992])] = 322  # fill, and the cirrus over most of that scene: here both become clear land
    for row, col, height, width, code in spec["relabel"]:
        part = qa[row:row + height, col:col + width]
        if code in (1350, 1352):
            assert (part == 322).all(), f"{code} must be planted on clear pixels only"
        part[part == 322] = code
    return qa


def files(spec):
    """name of the file -> (pixels, what rasterio needs to write them)"""
    out = {}
    window = Window(spec["col"], spec["row"], spec["width"], spec["height"])
    for band in BANDS:
        with rasterio.open(HERE / "source" / spec["scene"] / f"{spec['scene']}_SR_B{band}.TIF") as f:
            pixels, crs = reflectance(f.read(1, window=window)), f.crs
            transform = f.window_transform(window)
        profile = dict(driver="GTiff", width=spec["width"], height=spec["height"], count=1, dtype="int16",
                       crs=crs, transform=transform, nodata=NODATA, compress="lzw")
        out[f"{spec['stem']}_sr_band{band}{spec['suffix']}.tif"] = pixels, profile
    out[f"{spec['stem']}_pixel_qa{spec['suffix']}.tif"] = codes(spec), dict(profile, dtype="uint16", nodata=1)
    return out


def main():
    everything = {**files(TARGET), **files(DONOR)}
    differ = 0
    for name, (pixels, profile) in everything.items():
        path = HERE / name
        if "--check" in sys.argv[1:]:
            with rasterio.open(path) as f:
                same = (np.array_equal(f.read(1), pixels) and f.crs == profile["crs"] and f.nodata == profile["nodata"]
                        and f.transform == profile["transform"] and f.dtypes[0] == profile["dtype"])
            differ += not same
            print("same  " if same else "DIFFER", name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            with rasterio.open(path, "w", **profile) as f:
                f.write(pixels, 1)
    qa = everything[f"{TARGET['stem']}_pixel_qa{TARGET['suffix']}.tif"][0]
    by_list, by_bits = np.isin(qa, MASKED), (qa & (1 << 3 | 1 << 5)) != 0
    print(f"target {qa.shape[1]}x{qa.shape[0]}, codes {np.unique(qa).tolist()}")
    list_only, bits_only = np.unique(qa[by_list & ~by_bits]), np.unique(qa[by_bits & ~by_list])
    print(f"masked by the list {by_list.sum()}, by bits 3 and 5 {by_bits.sum()}, "
          f"by the list only {list_only.tolist()}, by bits only {bits_only.tolist()}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
