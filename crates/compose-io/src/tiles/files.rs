//! Files that are read directly, kept open between reads.

use super::BandRef;
use crate::IoError;
use crate::header::Fingerprint;
use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Files open at most. Opening one again takes microseconds, and a process may mostly have no more than 1024, on some
/// systems 256.
const MOST: usize = 64;

/// Open files, the first opened first.
#[derive(Default)]
pub(super) struct OpenFiles(Mutex<VecDeque<(Arc<PathBuf>, Arc<File>)>>);

impl OpenFiles {
    /// The file of a band, which is still the one that was planned when it is opened.
    pub fn get(&self, band: &BandRef) -> Result<Arc<File>, IoError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = open.iter().rev().find(|(path, _)| *path == band.path) {
            return Ok(file.clone());
        }
        let system = |cause| IoError::System { path: band.path.to_path_buf(), cause };
        if Fingerprint::of(&band.path)? != *band.fingerprint() {
            return Err(IoError::Changed { path: band.path.to_path_buf() });
        }
        let file = File::open(&*band.path).or_else(|cause| {
            // Perhaps there are too many: without those that only wait there are fewer.
            if open.is_empty() {
                return Err(cause);
            }
            open.clear();
            File::open(&*band.path)
        });
        let file = Arc::new(file.map_err(system)?);
        open.push_back((band.path.clone(), file.clone()));
        if open.len() > MOST {
            open.pop_front();
        }
        Ok(file)
    }
}
