//! A kind's functions, called as the header allows, and judged at once.

mod fills;
mod scenes;

use super::call::Call;
use super::findings::Fault;
use super::fixtures::Fixture;
use super::kind::Kind;
use super::setup::{Plan, Setup, Taken};
use super::stop::Stop;
use crate::descriptor::Value;
use crate::instance::Instance;
use crate::open::RawKind;
use crate::settings::Values;
use std::sync::Arc;

impl Kind {
    /// Has an instance plan for a fixture.
    pub fn plan(&self, instance: &Instance, fixture: &Fixture) -> Result<Plan, Stop> {
        match &self.raw {
            RawKind::Scene(raw) => scenes::plan(self, raw, instance, fixture).map(Plan::Scene),
            RawKind::Fill(raw) => fills::plan(self, raw, instance, fixture).map(Plan::Fill),
        }
    }

    /// Tries settings on a fixture.
    pub fn set_up(
        &self,
        settings: &[Option<Value>],
        fixture: &Arc<Fixture>,
    ) -> Result<(Setup, Instance), Stop> {
        self.check_bands(settings, fixture)?;
        let instance = self.create(settings)?;
        let plan = self.plan(&instance, fixture)?;
        Ok((Setup { settings: settings.to_vec(), fixture: fixture.clone(), plan }, instance))
    }

    /// A setting of type `band` is held against the scenes by the host, so a plan need not do it.
    fn check_bands(&self, settings: &[Option<Value>], fixture: &Fixture) -> Result<(), Stop> {
        let values = Values::new(settings.to_vec());
        let all = match self.raw {
            RawKind::Scene(_) => &fixture.scenes[..1],
            RawKind::Fill(_) => &fixture.scenes[..],
        };
        all.iter().try_for_each(|scene| {
            let among = if matches!(self.raw, RawKind::Fill(_)) { scene.wanted } else { scene.bands.len() };
            values.check_bands(self.declared, scene, among).map_err(|e| Stop::Refused(e.to_string()))
        })
    }

    /// One more instance, which must plan as the others did.
    pub fn instance(&self, setup: &Setup) -> Result<Instance, Stop> {
        let (again, instance) = self.set_up(&setup.settings, &setup.fixture)?;
        if again.plan != setup.plan {
            let found = format!(
                "two instances with the same settings and scenes plan differently ({})",
                self.described(&setup.settings)
            );
            let advice = "look for memory that is not set, and for globals that change";
            return Err(Fault::new(found, "the same plan for the same settings and scenes", advice).into());
        }
        Ok(instance)
    }

    /// Has an instance look at pixels.
    pub fn take(&self, instance: &Instance, setup: &Setup, call: &Call) -> Result<Taken, Stop> {
        let at = instance.as_ptr();
        match (&self.raw, &setup.plan) {
            (RawKind::Scene(raw), Plan::Scene(plan)) => scenes::take(self, raw, at, (setup, plan), call),
            (RawKind::Fill(raw), Plan::Fill(plan)) => fills::take(self, raw, at, (setup, plan), call),
            _ => Err(Stop::Internal("a plan of another sort".into())),
        }
    }
}
