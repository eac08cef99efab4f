//! The setup of trials: a kind, made-up scenes and settings that fit them.

use super::fixtures::{Fixture, Fixtures, Theme};
use super::kind::Kind;
use super::sample_settings::{self, Settings};
use super::setup::Setup;
use super::stop::{End, Stop};
use crate::descriptor::SettingKind;
use crate::instance::Instance;
use crate::open::KindSort;
use compose_plugin::abi;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

type GetFactory = Option<unsafe extern "C" fn(*const c_char) -> *const c_void>;

/// A kind, and what is tried with it.
pub struct Bench {
    pub kind: Kind,
    /// Whether the user gave settings.
    pub from_user: bool,
    pub first: Settings,
    pub get_factory: GetFactory,
    /// Its index in its factory.
    pub index: u32,
    fixtures: Arc<Fixtures>,
}

/// Variations of settings, beside the first, that pixels are looked at with.
const VARIATIONS: usize = 5;
/// A larger halo is tried with settings, not with every trial of pixels.
const WIDE: usize = 128;

impl Bench {
    pub fn new(
        kind: Kind,
        from_user: Option<Settings>,
        get_factory: GetFactory,
        index: u32,
        fixtures: Arc<Fixtures>,
    ) -> Self {
        let first = sample_settings::first(kind.declared, from_user.as_ref());
        Self { kind, from_user: from_user.is_some(), first, get_factory, index, fixtures }
    }

    /// Every choice, every switch and some settings at random: nothing at the edge of what is allowed.
    pub fn variations(&self) -> Vec<Settings> {
        let declared = self.kind.declared;
        let is_switch = |kind: &SettingKind| matches!(kind, SettingKind::Choice(_) | SettingKind::Bool);
        let switches = sample_settings::varied(declared, &self.first).into_iter().filter(|settings| {
            let mut changed = (0..settings.len()).filter(|nth| settings[*nth] != self.first[*nth]);
            changed.all(|nth| is_switch(&declared.settings[nth].kind))
        });
        let switches: Vec<Settings> = switches.collect();
        // Not all of many choices: evenly among them.
        let step = switches.len().div_ceil(VARIATIONS).max(1);
        let drawn = sample_settings::drawn(declared);
        switches.into_iter().step_by(step).chain(drawn).collect()
    }

    pub fn fixture(&self, theme: Theme) -> Arc<Fixture> {
        let named = sample_settings::bands(self.kind.declared, &[&self.first]);
        self.fixtures.of(theme, &named)
    }

    /// The themes that differ for this sort of kind.
    pub fn usual(&self) -> &'static [Theme] {
        if self.kind.sort == KindSort::Fill { &Theme::USUAL } else { &Theme::USUAL[..2] }
    }

    /// The settings of trials with pixels: the first settings in every fixture that they fit, and some others in one.
    pub fn setups(&self) -> Result<Vec<(Setup, Instance)>, End> {
        let fixtures: Vec<Arc<Fixture>> = self.usual().iter().map(|theme| self.fixture(*theme)).collect();
        let mut why = None;
        let mut setups: Vec<(Setup, Instance)> = Vec::new();
        let mut try_on =
            |settings: &Settings, fixture: &Arc<Fixture>| match self.kind.set_up(settings, fixture) {
                Ok(found) => Some(found),
                Err(Stop::Refused(said)) => {
                    why.get_or_insert(format!(
                        "refused every made-up scene: \"{said}\"; give --rules FILE with settings that fit"
                    ));
                    None
                }
                Err(Stop::Fault(_) | Stop::Cancelled) => {
                    why.get_or_insert("it has no plan: see the trials settings and plan".to_owned());
                    None
                }
                Err(Stop::Internal(said)) => {
                    why.get_or_insert(said);
                    None
                }
            };
        setups.extend(fixtures.iter().filter_map(|fixture| try_on(&self.first, fixture)));
        let wanted = setups.len().max(1) + VARIATIONS;
        for settings in self.variations() {
            let fixture = setups.first().map_or(&fixtures[0], |(setup, _)| &setup.fixture).clone();
            if setups.len() < wanted {
                setups.extend(try_on(&settings, &fixture).filter(|(setup, _)| setup.plan.halo() <= WIDE));
            }
        }
        if setups.is_empty() {
            return Err(End::Untried(why.unwrap_or_else(|| "no settings to try".into())));
        }
        Ok(setups)
    }

    /// As above, where two answers can be compared.
    pub fn comparable(&self) -> Result<Vec<(Setup, Instance)>, End> {
        let mut setups = self.setups()?;
        setups.retain(|(setup, _)| setup.plan.deterministic());
        if setups.is_empty() {
            return Err(End::NotApplicable("plans as not deterministic".into()));
        }
        Ok(setups)
    }
}

/// The factory that kinds of this sort come from.
pub fn factory_of(sort: KindSort) -> &'static std::ffi::CStr {
    match sort {
        KindSort::MaskRule => abi::MASK_RULES,
        KindSort::Score => abi::SCORES,
        KindSort::Fill => abi::FILLS,
    }
}
