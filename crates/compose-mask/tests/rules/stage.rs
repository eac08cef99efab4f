//! A small scene in memory, and an engine that runs one rule over it.

use compose_core::{
    BandFacts, BandRole, BoundMask, Crs, CrsUnit, DataType, Day, Grid, MaskBinding, MaskInput, Plane,
    SceneFacts, SettingsTable, Transform, ValidityMode, Window, quality,
};
use compose_mask::{KINDS, evaluation_grid, parse_rule};
use ndarray::{Array2, s};
use std::sync::Arc;

/// Pixels of one band: data with validity, or codes with what is inside.
#[derive(Clone)]
pub enum Pixels {
    Data(Array2<f32>, Array2<u8>),
    Codes(Array2<u32>, Array2<u8>),
}

pub struct Stage {
    pub scene: SceneFacts,
    pub pixels: Vec<Pixels>,
    /// For rules that compare.
    pub others: Vec<Other>,
    pub validity: ValidityMode,
}

/// Another scene: its wanted bands.
pub struct Other {
    pub facts: SceneFacts,
    pub pixels: Vec<Pixels>,
}

/// A UTM grid with pixels of this size in metres.
pub fn grid(width: usize, height: usize, dx: f64, dy: f64) -> Grid {
    let crs = Crs { wkt: "utm".into(), label: "EPSG:32613".into(), unit: CrsUnit::Metres(1.0) };
    let transform = Transform { x0: 0.0, dx, y0: 0.0, dy: -dy };
    Grid { width, height, transform, crs: Some(Arc::new(crs)) }
}

impl Stage {
    /// An empty scene on a grid.
    pub fn new(grid: Grid, day: Option<Day>) -> Self {
        let scene = SceneFacts {
            id: "scene".into(),
            day,
            sensor: None,
            sun: None,
            grid,
            bands: Vec::new(),
            wanted: 0,
            quality: None,
        };
        Self { scene, pixels: Vec::new(), others: Vec::new(), validity: ValidityMode::Joint }
    }

    /// Adds a band on the scene's grid; data bands come before quality bands in a scene, so add them first.
    pub fn add(&mut self, name: &str, dtype: DataType, pixels: Pixels) -> &mut BandFacts {
        let role = match pixels {
            Pixels::Data(..) => BandRole::Data,
            Pixels::Codes(..) => BandRole::Quality,
        };
        match role {
            BandRole::Data => self.scene.wanted += 1,
            BandRole::Quality => self.scene.quality = self.scene.quality.or(Some(self.scene.bands.len())),
        }
        let (name, grid) = (name.to_string(), self.scene.grid.clone());
        let aliases = Vec::new();
        self.pixels.push(pixels);
        self.scene.bands.push(BandFacts {
            name,
            aliases,
            role,
            grid,
            dtype,
            scale_offset: None,
            layout: None,
            beside: false,
        });
        self.scene.bands.last_mut().unwrap()
    }

    /// One quality band of this layout.
    pub fn of_codes(codes: &Array2<u32>, layout: &str, dx: f64, dy: f64) -> Self {
        let mut stage = Self::new(grid(codes.ncols(), codes.nrows(), dx, dy), None);
        let inside = Array2::ones(codes.dim());
        let band = stage.add("QA", DataType::UInt16, Pixels::Codes(codes.clone(), inside));
        band.layout = quality::find(layout).ok();
        stage
    }

    /// A rule of the rules file, bound to this scene; the message where it is refused.
    pub fn bind(&self, toml: &str) -> Result<Arc<dyn BoundMask>, String> {
        self.binding(toml).map(|binding| binding.alone())
    }

    /// The same, before it is known whether there is anything to compare with.
    pub fn binding(&self, toml: &str) -> Result<MaskBinding, String> {
        let table = toml::de::DeTable::parse(toml).map_err(|e| e.to_string())?.into_inner();
        let table = SettingsTable::new(0..toml.len(), table);
        let rule = parse_rule(table, "mask", &KINDS.iter().collect::<Vec<_>>()).map_err(|problems| {
            let said: Vec<&str> = problems.iter().map(|p| p.message.trim_start_matches("mask: ")).collect();
            said.join("\n")
        })?;
        rule.bind(&self.scene).map_err(|e| e.to_string())
    }

    /// What the rule marks, in windows of `tile` rows and columns, each with the halo that the rule asks for.
    pub fn marked(&self, rule: &dyn BoundMask, tile: (usize, usize)) -> Array2<u8> {
        let (height, width) = (self.scene.grid.height, self.scene.grid.width);
        let mut out = Array2::zeros((height, width));
        for row in (0..height).step_by(tile.0) {
            for col in (0..width).step_by(tile.1) {
                let (h, w) = (tile.0.min(height - row), tile.1.min(width - col));
                let window = Window { col: col as i64, row: row as i64, width: w, height: h };
                out.slice_mut(s![row..row + h, col..col + w]).assign(&self.window(rule, window));
            }
        }
        out
    }

    fn window(&self, rule: &dyn BoundMask, window: Window) -> Array2<u8> {
        let (halo, wide) = (rule.halo(), window.expand(rule.halo()));
        let all: Vec<Pixels> = self.pixels.iter().map(|p| p.cut(wide)).collect();
        let planes: Vec<Plane<'_>> = rule.bands().iter().map(|b| all[*b].plane()).collect();
        let shape = (wide.height, wide.width);
        let neutral = if rule.needs_neutral() { self.neutral(&all, shape) } else { Array2::zeros(shape) };
        let (scene, grid) = (&self.scene, evaluation_grid(&self.scene, rule.bands()));
        let blocks = self.blocks(rule, wide);
        let stack = blocks.as_ref().map(|blocks| self.compared(rule, blocks));
        let neutral = neutral.view();
        let input = MaskInput { scene, grid, window: wide, planes: &planes, neutral, stack: stack.as_ref() };
        let mut marked = Array2::zeros(shape);
        rule.mark(&input, marked.view_mut()).unwrap();
        marked.slice(s![halo..halo + window.height, halo..halo + window.width]).to_owned()
    }

    /// 1 outside every band, at fill codes, and where every data band is missing.
    fn neutral(&self, all: &[Pixels], shape: (usize, usize)) -> Array2<u8> {
        Array2::from_shape_fn(shape, |at| {
            let mut data = all.iter().filter_map(|p| match p {
                Pixels::Data(_, valid) => Some(valid[at] == 0),
                Pixels::Codes(..) => None,
            });
            let missing = self.scene.wanted > 0 && data.all(|missing| missing);
            let unjudged = all.iter().zip(&self.scene.bands).any(|(p, band)| match p {
                Pixels::Data(..) => false,
                Pixels::Codes(codes, inside) => {
                    inside[at] == 0 || band.layout.is_some_and(|l| l.is_fill(codes[at]))
                }
            });
            u8::from(missing || unjudged)
        })
    }
}

impl Pixels {
    /// A window that may reach beyond the raster, where nothing is valid or inside.
    pub fn cut(&self, window: Window) -> Self {
        match self {
            Self::Data(values, valid) => Self::Data(cut(values, window), cut(valid, window)),
            Self::Codes(codes, inside) => Self::Codes(cut(codes, window), cut(inside, window)),
        }
    }

    fn plane(&self) -> Plane<'_> {
        match self {
            Self::Data(values, valid) => Plane::Data { values: values.view(), valid: valid.view() },
            Self::Codes(codes, inside) => Plane::Quality { codes: codes.view(), inside: inside.view() },
        }
    }
}

fn cut<T: Copy + Default>(whole: &Array2<T>, window: Window) -> Array2<T> {
    Array2::from_shape_fn((window.height, window.width), |(row, col)| {
        let at = (usize::try_from(window.row + row as i64), usize::try_from(window.col + col as i64));
        let (Ok(row), Ok(col)) = at else { return T::default() };
        whole.get((row, col)).copied().unwrap_or_default()
    })
}
