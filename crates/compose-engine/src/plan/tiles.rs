//! An output in tiles: which there are, what they are called, what each is likely to cost.
//!
//! A tile is a part of the output's grid with files of its own. All tiles belong to one plan: its survey, its lattices and
//! its cells are those of the whole grid, so each tile has the pixels that its window of a single image would have.

use crate::rules::values::TileSize;
use compose_core::{Grid, Window};
use std::path::{Path, PathBuf};

/// Sides of tiles are multiples of this: of the blocks of the files, and of the cells of the fills that work in cells.
pub const STEP: usize = 256;

/// How an output is cut into tiles. They begin at the upper left corner of the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Width and height of a tile in pixels; those at the right and the lower edge may be smaller.
    pub size: (usize, usize),
    /// Tiles across and down.
    pub count: (usize, usize),
    /// Where a length was rounded to pixels: how.
    pub rounded: Option<String>,
}

/// A tile: its row and column, from 0 at the upper left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// From the top.
    pub row: usize,
    /// From the left.
    pub col: usize,
}

impl Tiling {
    /// Cuts a grid into tiles of the size that is asked for.
    ///
    /// # Errors
    /// The size is no multiple of 256 pixels; a length on a grid that is not in units of length.
    pub fn new(wanted: &TileSize, grid: &Grid) -> Result<Self, String> {
        let (size, rounded) = match wanted {
            TileSize::Pixels(side) => (Self::of_pixels(*side)?, None),
            TileSize::Metres(length, words) => Self::of_length(*length, words, grid)?,
        };
        let count = (grid.width.div_ceil(size.0), grid.height.div_ceil(size.1));
        Ok(Self { size, count, rounded })
    }

    fn of_pixels(side: usize) -> Result<(usize, usize), String> {
        if side.is_multiple_of(STEP) {
            return Ok((side, side));
        }
        let below = side / STEP * STEP;
        let advice = match below {
            0 => format!("{STEP}"),
            below => format!("{below} or {}", below.saturating_add(STEP)),
        };
        Err(format!("tile-size is {side}, expected a multiple of {STEP} pixels, such as {advice}"))
    }

    /// The size in pixels, rounded up to whole steps, and the remark about that.
    fn of_length(length: f64, words: &str, grid: &Grid) -> Result<((usize, usize), Option<String>), String> {
        let Some((x, y)) = grid.pixel_metres() else {
            return Err(format!(
                "tile-size is \"{words}\", and pixels of {} have no size in metres; expected pixels, such as 4096",
                grid.crs_label()
            ));
        };
        let pixels = |metres: f64| ((length / metres).ceil() as usize).max(1).next_multiple_of(STEP);
        let size = (pixels(x), pixels(y));
        let remark = format!("\"{words}\", rounded up to multiples of {STEP} pixels");
        Ok((size, Some(remark)))
    }

    /// All tiles, row by row.
    pub fn tiles(&self) -> impl Iterator<Item = Tile> + use<> {
        let (across, down) = self.count;
        (0..down).flat_map(move |row| (0..across).map(move |col| Tile { row, col }))
    }

    /// The part of the grid that a tile holds.
    pub fn window(&self, tile: Tile, grid: &Grid) -> Window {
        self.window_in(tile, (grid.width, grid.height))
    }

    /// The same on a grid of so many columns and rows.
    pub fn window_in(&self, tile: Tile, (width, height): (usize, usize)) -> Window {
        let (col, row) = (tile.col * self.size.0, tile.row * self.size.1);
        Window {
            col: col as i64,
            row: row as i64,
            width: self.size.0.min(width - col),
            height: self.size.1.min(height - row),
        }
    }

    /// Digits of the numbers in names: as many as the last row and column have, three at least.
    fn digits(&self) -> usize {
        (self.count.0.max(self.count.1) - 1).to_string().len().max(3)
    }

    /// The name of a tile: `r003_c012`.
    pub fn id(&self, tile: Tile) -> String {
        format!("r{}_c{}", self.number(tile.row), self.number(tile.col))
    }

    /// The tile of this name.
    pub fn find(&self, id: &str) -> Option<Tile> {
        let (row, col) = id.strip_prefix('r')?.split_once("_c")?;
        let tile = Tile { row: row.parse().ok()?, col: col.parse().ok()? };
        (tile.col < self.count.0 && tile.row < self.count.1 && self.id(tile) == id).then_some(tile)
    }

    fn number(&self, n: usize) -> String {
        format!("{n:0digits$}", digits = self.digits())
    }

    /// The path of a tile's file: `pattern` with `{tile}`, `{row}` and `{col}` filled in.
    pub fn path(&self, pattern: &Path, tile: Tile) -> PathBuf {
        path_of(pattern, &self.id(tile))
    }
}

/// The path of a file of the tile of this name: `pattern` with `{tile}`, `{row}` and `{col}` filled in.
pub fn path_of(pattern: &Path, id: &str) -> PathBuf {
    let (row, col) = id.strip_prefix('r').and_then(|numbers| numbers.split_once("_c")).unwrap_or_default();
    let name = pattern.file_name().unwrap_or_default().to_string_lossy();
    pattern.with_file_name(name.replace("{tile}", id).replace("{row}", row).replace("{col}", col))
}

/// What stands for a tile in the name of a file.
pub const WORDS: [&str; 3] = ["{tile}", "{row}", "{col}"];

/// Whether a pattern gives each tile a name of its own.
pub fn names_tiles(pattern: &str) -> bool {
    let name = pattern.rsplit(std::path::is_separator).next().unwrap_or_default();
    name.contains("{tile}") || (name.contains("{row}") && name.contains("{col}"))
}

/// The path of a file over all tiles: `mosaic` stands for what tells tiles apart, and the ending is another.
pub fn mosaic_path(pattern: &Path, ending: &str) -> PathBuf {
    let stem = pattern.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let places = || WORDS.iter().filter_map(|word| Some((stem.find(word)?, stem.rfind(word)? + word.len())));
    let first = places().map(|(first, _)| first).min().unwrap_or(stem.len());
    let end = places().map(|(_, end)| end).max().unwrap_or(stem.len());
    pattern.with_file_name(format!("{}mosaic{}.{ending}", &stem[..first], &stem[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::Transform;

    fn grid(width: usize, height: usize) -> Grid {
        Grid { width, height, transform: Transform { x0: 0.0, dx: 30.0, y0: 0.0, dy: -30.0 }, crs: None }
    }

    #[test]
    fn tiles_cover_the_grid_and_their_names_find_them() {
        let grid = grid(1000, 600);
        let tiling = Tiling::new(&TileSize::Pixels(256), &grid).unwrap();
        assert_eq!(tiling.count, (4, 3));
        let tiles: Vec<Tile> = tiling.tiles().collect();
        let pixels: usize = tiles.iter().map(|tile| tiling.window(*tile, &grid).pixels()).sum();
        assert_eq!((tiles.len(), pixels), (12, 600_000));
        for tile in &tiles {
            assert_eq!(tiling.find(&tiling.id(*tile)), Some(*tile));
        }
        assert_eq!(tiling.id(tiles[7]), "r001_c003");
        for wrong in ["", "r001", "r1_c3", "r001_c004", "r003_c000", "r001_c003 ", "x001_c003", "r-01_c003"] {
            assert_eq!(tiling.find(wrong), None, "{wrong}");
        }
        assert_eq!(tiling.path(Path::new("out/a_{tile}.tif"), tiles[7]), Path::new("out/a_r001_c003.tif"));
        assert_eq!(tiling.path(Path::new("{row}/{col}x{row}.tif"), tiles[7]), Path::new("{row}/003x001.tif"));
    }

    #[test]
    fn a_side_that_is_no_multiple_is_refused_with_the_nearest_that_are() {
        let grid = grid(1000, 600);
        let said = |side| Tiling::new(&TileSize::Pixels(side), &grid).unwrap_err();
        assert_eq!(said(500), "tile-size is 500, expected a multiple of 256 pixels, such as 256 or 512");
        assert_eq!(said(1), "tile-size is 1, expected a multiple of 256 pixels, such as 256");
        let huge = Tiling::new(&TileSize::Pixels(1 << 40), &grid).unwrap();
        assert_eq!(
            (huge.count, huge.window(Tile { row: 0, col: 0 }, &grid)),
            ((1, 1), Window::whole(1000, 600))
        );
        assert!(said(usize::MAX).contains("expected a multiple"));
    }

    #[test]
    fn a_file_over_all_tiles_has_a_name_like_theirs() {
        let path = |pattern: &str| mosaic_path(Path::new(pattern), "vrt").display().to_string();
        assert_eq!(path("out/{tile}.tif"), "out/mosaic.vrt");
        assert_eq!(path("a_{row}_{col}_masks.tif"), "a_mosaic_masks.vrt");
        assert_eq!(path("{col}{tile}{row}.tif"), "mosaic.vrt");
    }
}
