//! Headers of a scene's files, and where those lie that do not say it themselves.

use super::DiscoverError;
use crate::FileHeader;
use crate::access::Access;
use crate::crs::CrsRegistry;
use crate::mtl::Mtl;
use crate::scene::{AssetFacts, FoundScene, ScenesQuery};
use compose_core::{Grid, Transform};
use std::sync::Arc;

/// Headers of a scene's files, each read once and only when asked for.
pub(super) struct Headers<'a> {
    scene: &'a FoundScene,
    systems: &'a CrsRegistry,
    access: &'a Access,
    read: Vec<Option<Arc<FileHeader>>>,
    /// The scene's MTL file, where files without a georeference take it from there.
    mtl: Option<Mtl>,
    /// Whether files without a georeference take that of the catalogue.
    trusts_the_catalogue: bool,
    /// Notes about files that took their georeference from the MTL file.
    pub(super) notes: Vec<String>,
}

impl<'a> Headers<'a> {
    pub(super) fn new(scene: &'a FoundScene, query: &'a ScenesQuery, systems: &'a CrsRegistry) -> Self {
        let path = scene.mtl.as_ref().filter(|_| !query.georeference_none);
        // One that cannot be read is remarked on where the sun is looked for.
        let mtl = path.and_then(|path| Mtl::read(path).ok());
        Self {
            scene,
            systems,
            access: &query.access,
            read: vec![None; scene.files.len()],
            mtl,
            trusts_the_catalogue: !query.georeference_none,
            notes: Vec::new(),
        }
    }

    pub(super) fn get(&mut self, file: usize) -> Result<Arc<FileHeader>, DiscoverError> {
        if let Some(header) = &self.read[file] {
            return Ok(Arc::clone(header));
        }
        self.refuse_what_is_not_there(file)?;
        let header = FileHeader::read(&self.scene.files[file].path, self.systems, self.access)?;
        let header = Arc::new(if header.georeferenced { header } else { self.placed(header, file)? });
        self.read[file] = Some(Arc::clone(&header));
        Ok(header)
    }

    /// The georeference that the catalogue gives: the file covers what the catalogue says, in pixels of its own.
    fn placed_by(&mut self, header: FileHeader, asset: &AssetFacts) -> Result<FileHeader, DiscoverError> {
        let whole =
            asset.shape.zip(asset.transform).zip(asset.crs.as_ref()).filter(|_| self.trusts_the_catalogue);
        let Some((([rows, columns], [a, b, c, d, e, f]), crs)) = whole else { return Ok(header) };
        let wrong = |why: String| DiscoverError::Asset {
            scene: self.scene.id.clone(),
            asset: asset.key.clone(),
            why: format!(
                "{} has no georeference, and the catalogue does not give it one: {why}",
                header.path.display()
            ),
        };
        if b != 0.0 || d != 0.0 || a == 0.0 || e == 0.0 {
            return Err(wrong("its proj:transform is rotated or without a pixel size".into()));
        }
        // PROJ opens files that its own strings name.
        if crs.contains('+') || crs.to_lowercase().contains("grids") {
            return Err(wrong(
                "its coordinate system is neither a code such as EPSG:32633 nor plain WKT".into(),
            ));
        }
        let crs = self.systems.from_user_input(crs).map_err(|error| wrong(error.to_string()))?;
        let (width, height) = (header.grid.width, header.grid.height);
        let (dx, dy) = (a * columns as f64 / width as f64, e * rows as f64 / height as f64);
        let grid = Grid { width, height, transform: Transform { x0: c, dx, y0: f, dy }, crs: Some(crs) };
        let note = format!("files without a georeference lie as the catalogue says: {grid}");
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
        Ok(FileHeader { grid, georeferenced: true, ..header })
    }

    /// Refuses an asset that is no file of this machine, by its name in the catalogue.
    fn refuse_what_is_not_there(&self, file: usize) -> Result<(), DiscoverError> {
        let file = &self.scene.files[file];
        let Some(asset) = file.asset.as_ref().filter(|_| self.scene.item.is_some()) else { return Ok(()) };
        let path = file.path.display();
        let text = path.to_string();
        let why = if let Some(flaw) = &asset.flaw {
            flaw.clone()
        } else if text.starts_with("/vsi") || text.contains("://") {
            format!("it is at an address ({path}), and only files of this machine are read; copy it here")
        } else if file.path.exists() {
            return Ok(());
        } else {
            format!("no such file: {path}")
        };
        Err(DiscoverError::Asset { scene: self.scene.id.clone(), asset: asset.key.clone(), why })
    }

    /// The georeference from the MTL file or the catalogue, for a file that has none.
    fn placed(&mut self, header: FileHeader, file: usize) -> Result<FileHeader, DiscoverError> {
        if let Some(asset) = self.scene.files[file].asset.as_ref().filter(|_| self.mtl.is_none()) {
            return self.placed_by(header, asset);
        }
        let size = (header.grid.width, header.grid.height);
        let Some(told) = self.mtl.as_ref().and_then(|mtl| mtl.grid(size, self.systems)) else {
            return Ok(header);
        };
        let mtl = self.scene.mtl.clone().unwrap_or_default();
        let grid = told.map_err(|why| DiscoverError::Georeference {
            path: header.path.clone(),
            mtl: mtl.clone(),
            why,
        })?;
        let note = format!("files without a georeference lie as {} says: {grid}", mtl.display());
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
        Ok(FileHeader { grid, georeferenced: true, ..header })
    }
}
