//! A mask rule that panics at the first pixel.
#![forbid(unsafe_code)]

use compose_plugin::{About, Error, Host, Marks, MaskRule, Scene, SceneInput, ScenePlan};

struct Panics;

impl MaskRule for Panics {
    type Settings = ();
    const ABOUT: About =
        About { id: "panics", version: env!("CARGO_PKG_VERSION"), summary: "Panics.", page: None };

    fn new((): ()) -> Result<Self, Error> {
        Ok(Panics)
    }

    fn plan(&mut self, _: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        plan.band(0);
        Ok(())
    }

    fn mark(&self, input: &SceneInput<'_>, marks: &mut Marks<'_>, _: &Host<'_>) -> Result<(), Error> {
        let row = marks.row(0);
        row[input.width() + 7] = 1;
        Ok(())
    }
}

compose_plugin::export! { mask_rules: [Panics], scores: [], fills: [] }
