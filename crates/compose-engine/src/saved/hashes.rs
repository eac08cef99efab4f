//! Which scenes decide the pixels of a window, and by what: hashes that change when, and only when, one of these does.

use super::form::{SavedNodata, SavedPlace, SavedPlan, SavedScene};
use compose_core::Window;
use compose_io::files::Digest;
use serde::Serialize;

/// Everything about a scene that decides pixels of an output.
#[derive(Serialize)]
struct Deciding<'a> {
    scene: &'a SavedScene,
    place: &'a SavedPlace,
    nodata: Vec<&'a SavedNodata>,
}

impl SavedPlan {
    /// The scenes, by index, that may have pixels on a window of the grid of an output, and those that mask rules compare
    /// them with. No other scene decides pixels there, but for what the survey learned of those that it reads
    /// ([`super::SavedOutput::surveyed`]).
    pub fn scenes_on(&self, output: usize, window: Window) -> Vec<usize> {
        let places = &self.outputs[output].scenes;
        let reaches = |place: &&SavedPlace| {
            let [col, row, width, height] = place.reach?;
            let reach = Window { col, row, width: width as usize, height: height as usize };
            reach.intersect(window)
        };
        let on = places.iter().filter(|place| reaches(place).is_some());
        let mut scenes: Vec<usize> =
            on.flat_map(|place| place.compared_with.iter().copied().chain([place.scene])).collect();
        scenes.sort_unstable();
        scenes.dedup();
        scenes
    }

    /// The hash of everything about a scene that decides pixels of an output: its files, what their headers say, how it
    /// comes to the grid, and the nodata that the survey found.
    pub fn scene_hash(&self, output: usize, scene: usize) -> String {
        let nodata = self.survey.nodata.iter().filter(|of| of.scene == scene).collect();
        let deciding =
            Deciding { scene: &self.scenes[scene], place: &self.outputs[output].scenes[scene], nodata };
        Digest::of_bytes(serde_json::to_string(&deciding).unwrap_or_default().as_bytes()).sha256
    }
}
