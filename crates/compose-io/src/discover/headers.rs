//! Headers of a scene's files, and where those lie that do not say it themselves.

use super::DiscoverError;
use crate::FileHeader;
use crate::access::Access;
use crate::crs::CrsRegistry;
use crate::mtl::Mtl;
use crate::scene::{FoundScene, ScenesQuery};
use std::sync::Arc;

/// Headers of a scene's files, each read once and only when asked for.
pub(super) struct Headers<'a> {
    scene: &'a FoundScene,
    systems: &'a CrsRegistry,
    access: &'a Access,
    read: Vec<Option<Arc<FileHeader>>>,
    /// The scene's MTL file, where files without a georeference take it from there.
    mtl: Option<Mtl>,
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
            notes: Vec::new(),
        }
    }

    pub(super) fn get(&mut self, file: usize) -> Result<Arc<FileHeader>, DiscoverError> {
        if let Some(header) = &self.read[file] {
            return Ok(Arc::clone(header));
        }
        let header = FileHeader::read(&self.scene.files[file].path, self.systems, self.access)?;
        let header = Arc::new(if header.georeferenced { header } else { self.placed(header)? });
        self.read[file] = Some(Arc::clone(&header));
        Ok(header)
    }

    /// The georeference from the MTL file, for a file that has none.
    fn placed(&mut self, header: FileHeader) -> Result<FileHeader, DiscoverError> {
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
