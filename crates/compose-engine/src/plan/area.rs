//! The area of an output: which file it is asked from, and which pixels of the grid it takes.

use crate::error::EngineError;
use crate::options::Options;
use crate::plan::inside::{Inside, Point};
use crate::plan::tiles::{Tile, Tiling};
use crate::rules::Rules;
use compose_core::{Grid, Window};
use compose_io::area::{AreaFile, Choice, Polygon, files_of};
use compose_io::crs::CrsRegistry;
use compose_io::files::{Digest, Watched};
use std::path::PathBuf;

/// The polygons that an output is limited to, as their file holds them.
#[derive(Clone, Debug)]
pub struct AreaSource {
    /// The file, its layer, its polygons.
    pub file: AreaFile,
    /// What was chosen of it.
    pub choice: Choice,
    /// Whether every pixel is taken that is touched.
    pub touch: bool,
    /// The file, and what is read with it.
    pub files: Vec<PathBuf>,
    /// The same, as they were before they were read.
    pub watched: Watched,
}

/// The pixels of a grid that an output is limited to.
#[derive(Debug)]
pub struct Area {
    /// Which pixels they are.
    pub inside: Inside,
    /// How many they are.
    pub pixels: u64,
    /// How many polygons hold them.
    pub polygons: usize,
    /// The SHA-256 of the vertices in pixels, and of how they are taken: two areas that have it in common are the same.
    pub sha256: String,
    /// Per tile of the output: how many of its pixels are inside, row by row.
    of_tiles: Option<(usize, Vec<u64>)>,
}

/// Whether the command line asks for the area, not the rules file.
fn by_option(options: &Options) -> bool {
    options.area.is_some()
}

/// A mistake about the area, at the setting or the option that it is about. `key` is one of `[grid]`.
pub fn refuse(rules: &Rules, options: &Options, key: &str, message: &str) -> EngineError {
    if by_option(options) {
        let option = if key == "area" { "--area".to_owned() } else { format!("--area-{key}") };
        let message = message.strip_prefix("area: ").unwrap_or(message).to_owned();
        return EngineError::Option { option, message };
    }
    EngineError::at(&rules.file, &rules.grid.spans.of(key), &format!("[grid] {message}"))
}

/// The file that is asked for, with what is chosen of it, and whether what is touched is taken.
fn asked(rules: &Rules, options: &Options) -> Result<Option<(PathBuf, Choice, bool)>, EngineError> {
    if let Some(file) = &options.area {
        let choice = Choice { layer: options.area_layer.clone(), filter: options.area_filter.clone() };
        let other = [("--bounds", options.bounds.is_some()), ("--like", options.like.is_some())];
        return match other.into_iter().find(|(_, said)| *said) {
            Some((other, _)) => {
                Err(refuse(rules, options, "area", &format!("beside {other}; expected one or the other")))
            }
            None => Ok(Some((file.clone(), choice, options.area_touch))),
        };
    }
    // A grid on the command line replaces that of the rules file.
    if options.says_grid() {
        return Ok(None);
    }
    let said = &rules.grid.value;
    let Some(file) = &said.area else {
        let lost = [
            ("layer", said.layer.is_some()),
            ("filter", said.filter.is_some()),
            ("touch", said.touch.is_some()),
        ];
        return match lost.into_iter().find(|(_, said)| *said) {
            Some((key, _)) => {
                Err(refuse(rules, options, key, &format!("says {key} and no area, which it is about")))
            }
            None => Ok(None),
        };
    };
    let other = [("bounds", said.bounds.is_some()), ("like", said.like.is_some())];
    if let Some((other, _)) = other.into_iter().find(|(_, said)| *said) {
        return Err(refuse(
            rules,
            options,
            "area",
            &format!("says area and also {other}; expected one or the other"),
        ));
    }
    if said.snap == Some(false) {
        let message = "says area and snap = false: the bounds of an area are moved outward to whole pixels; remove snap";
        return Err(refuse(rules, options, "snap", message));
    }
    let choice = Choice { layer: said.layer.clone(), filter: said.filter.clone() };
    Ok(Some((rules.file.resolve(file), choice, said.touch == Some(true))))
}

impl AreaSource {
    /// Reads the polygons that rules or command line ask for; `None` where they ask for none.
    pub fn read(
        rules: &Rules,
        options: &Options,
        systems: &CrsRegistry,
    ) -> Result<Option<Self>, EngineError> {
        let Some((path, choice, touch)) = asked(rules, options)? else { return Ok(None) };
        let files = files_of(&path);
        let watched = Watched::new(files.iter().cloned());
        let file = AreaFile::read(&path, &choice, systems)
            .map_err(|e| refuse(rules, options, "area", &format!("area: {e}")))?;
        Ok(Some(Self { file, choice, touch, files, watched }))
    }

    /// The file and its layer, in words.
    pub fn told(&self) -> String {
        let filter =
            self.choice.filter.as_ref().map_or_else(String::new, |filter| format!(" where {filter}"));
        format!("{}, layer \"{}\"{filter}", self.file.path.display(), self.file.layer)
    }
}

/// What an area is on.
pub struct OnGrid<'a> {
    /// The grid.
    pub grid: &'a Grid,
    /// How it is cut into tiles.
    pub tiling: Option<&'a Tiling>,
    /// Where scenes lie on it.
    pub scenes: Vec<Window>,
}

impl Area {
    /// The pixels of a grid that lie within polygons on its map.
    ///
    /// # Errors
    /// No pixel does, or none where a scene lies: what follows the name of the area in a message.
    pub fn new(polygons: &[Polygon], touch: bool, on: &OnGrid<'_>) -> Result<Self, String> {
        let (grid, transform) = (on.grid, on.grid.transform);
        let pixel = |(x, y): &Point| transform.to_pixel(*x, *y);
        let in_pixels: Vec<Vec<Vec<Point>>> = polygons
            .iter()
            .map(|of| of.rings.iter().map(|ring| ring.iter().map(pixel).collect()).collect())
            .collect();
        let size = (grid.width, grid.height);
        let sha256 = hash(&in_pixels, touch);
        let inside = Inside::new(&in_pixels, size, touch);
        let of_tiles = on.tiling.map(|tiling| (tiling.count.0, inside.count_pieces(tiling.size)));
        let pixels = match &of_tiles {
            Some((_, counts)) => counts.iter().sum(),
            None => inside.count(Window::whole(grid.width, grid.height)),
        };
        if pixels == 0 {
            let advice =
                if touch { "" } else { "; touch = true (--area-touch) takes pixels that are touched" };
            return Err(format!("takes no pixel: within its polygons lies the centre of none{advice}"));
        }
        if !on.scenes.iter().any(|scene| inside.meets(*scene)) {
            return Err(format!("lies outside every scene; the grid around it is {grid}"));
        }
        Ok(Self { inside, pixels, polygons: polygons.len(), sha256, of_tiles })
    }

    /// The number of pixels of a tile that are inside.
    pub fn in_tile(&self, tile: Tile) -> u64 {
        let of = self.of_tiles.as_ref().and_then(|(across, counts)| counts.get(tile.row * across + tile.col));
        of.copied().unwrap_or(self.pixels)
    }

    /// The same of every tile, row by row.
    pub fn of_tiles(&self) -> Option<&[u64]> {
        self.of_tiles.as_ref().map(|(_, counts)| counts.as_slice())
    }
}

fn hash(polygons: &[Vec<Vec<Point>>], touch: bool) -> String {
    let mut bytes = vec![u8::from(touch)];
    for rings in polygons {
        bytes.extend((rings.len() as u64).to_le_bytes());
        for ring in rings {
            bytes.extend((ring.len() as u64).to_le_bytes());
            bytes.extend(ring.iter().flat_map(|(x, y)| [x.to_le_bytes(), y.to_le_bytes()].concat()));
        }
    }
    Digest::of_bytes(&bytes).sha256
}
