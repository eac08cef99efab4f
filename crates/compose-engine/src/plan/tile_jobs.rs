//! An output narrowed to one of its tiles, and which tiles can have pixels.

use crate::plan::ids::SceneId;
use crate::plan::tiles::mosaic_path;
use crate::plan::{Job, Tile, Tiling};
use compose_core::Window;
use std::path::{Path, PathBuf};

/// The ending of GDAL's virtual rasters.
pub const VRT: &str = "vrt";
/// The ending of the tile indexes that GDAL's driver GTI reads.
pub const TILE_INDEX: &str = "gti.fgb";

impl Job {
    /// The tiles that may have pixels, row by row; none where the output is one image.
    pub fn tiles(&self) -> impl Iterator<Item = Tile> {
        let tiling = self.tiling.iter();
        tiling.flat_map(|of| of.tiles().filter(|tile| self.may_have_pixels(of, *tile)))
    }

    /// Whether pixels may be where no scene is: without a value for gaps every pixel must be filled, and some strategies
    /// are called without a donor.
    pub fn may_have_pixels_anywhere(&self) -> bool {
        self.cast.nodata.is_none() || self.has_fill_of_all_donors()
    }

    /// Whether the result of a fill depends on donors that have no pixel near.
    pub fn has_fill_of_all_donors(&self) -> bool {
        self.fills.iter().any(|stage| stage.bound.planned().needs().all_donors)
    }

    /// Whether a tile may have pixels.
    fn may_have_pixels(&self, tiling: &Tiling, tile: Tile) -> bool {
        let reached = || self.scenes_on(tiling.window(tile, &self.view.grid)).next().is_some();
        self.area_in(tile) > 0 && (self.may_have_pixels_anywhere() || reached())
    }

    /// The number of pixels of a tile that the area takes: all of them where there is none.
    pub fn area_in(&self, tile: Tile) -> u64 {
        let all =
            || self.tiling.as_ref().map_or(self.part, |of| of.window(tile, &self.view.grid)).pixels() as u64;
        self.area.as_ref().map_or_else(all, |area| area.in_tile(tile))
    }

    /// The output narrowed to a tile. Its order of work is still that of the whole.
    pub fn narrowed(&self, tile: Tile) -> Self {
        let mut job = self.clone();
        if let Some(tiling) = &self.tiling {
            job.part = tiling.window(tile, &self.view.grid);
            job.output = job.output.for_tile(&tiling.id(tile));
            job.tile = Some(tile);
        }
        job
    }

    /// The scenes that can have a part in the pixels of a part of the grid, in their order.
    pub fn scenes_on(&self, part: Window) -> impl Iterator<Item = SceneId> {
        (0..self.view.scenes.len()).map(SceneId).filter(move |scene| self.reaches(*scene, part))
    }

    /// The likely cost of a tile, in pixels: its own, and those of each scene on it.
    pub fn cost(&self, tile: Tile) -> u64 {
        let part = self.tiling.as_ref().map_or(self.part, |tiling| tiling.window(tile, &self.view.grid));
        let around = part.expand(self.margin());
        let reaches = self.scenes_on(part).filter_map(|scene| self.view.scenes[scene].reach);
        let inside = reaches.filter_map(|reach| reach.intersect(around));
        part.pixels() as u64 + inside.map(|window| window.pixels() as u64).sum::<u64>()
    }

    /// The same for what the area takes of a tile: tiles are shared out by it.
    pub fn cost_in_area(&self, tile: Tile) -> u64 {
        let cost = self.cost(tile);
        let Some(tiling) = self.tiling.as_ref().filter(|_| self.area.is_some()) else { return cost };
        let share = self.area_in(tile) as f64 / tiling.window(tile, &self.view.grid).pixels() as f64;
        (cost as f64 * share).ceil() as u64
    }

    /// The files over all tiles, with the settings that they follow from: the report, and an index for each raster.
    pub fn mosaic_files(&self) -> Vec<(&'static str, PathBuf)> {
        let report = self.mosaic_report().map(|path| ("sidecar", path));
        let rasters = ["path", "provenance", "mask", "uncertainty"];
        let files = self.output.files_by_setting().filter(|(setting, _)| rasters.contains(setting));
        let indexes = files
            .flat_map(|(setting, path)| [VRT, TILE_INDEX].map(|ending| (setting, mosaic_path(path, ending))));
        let collection = self.output.collection.clone().map(|path| ("stac", path));
        let all = report.into_iter().chain(indexes).chain(collection);
        if self.tiling.is_some() { all.collect() } else { Vec::new() }
    }

    /// The report of all tiles together.
    pub fn mosaic_report(&self) -> Option<PathBuf> {
        self.output.sidecar.as_deref().map(|path: &Path| mosaic_path(path, "json"))
    }

    /// The output as memory is planned for: narrowed to the costliest tile, or the whole where there are none.
    pub fn costliest(&self) -> Self {
        let tiles = self.tiling.iter().flat_map(Tiling::tiles).filter(|tile| self.area_in(*tile) > 0);
        let tile = tiles.max_by_key(|tile| self.cost(*tile));
        tile.map_or_else(|| self.clone(), |tile| self.narrowed(tile))
    }
}
