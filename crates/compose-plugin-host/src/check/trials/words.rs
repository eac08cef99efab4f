//! Trials without pixels, or with few: what a kind says of itself, its settings, its plans.

#![allow(unsafe_code)]

use crate::check::bench::{Bench, factory_of};
use crate::check::call::Call;
use crate::check::findings::{Fault, Line};
use crate::check::fixtures::Theme;
use crate::check::sample_settings;
use crate::check::setup::Plan;
use crate::check::stop::{End, Stop};
use crate::instance::Instance;
use crate::open::{KindSort, RawKind};
use compose_core::Window;
use compose_plugin::abi;
use std::ffi::{CStr, c_void};

/// Names that no plugin of this version knows.
const UNKNOWN: [&CStr; 4] = [c"", c"compose.mask-rules/2", c"compose.nothing/1", c"draft/nothing"];

/// Few pixels, for calls that only show whether something happens.
pub const SMALL: Window = Window { col: 40, row: 31, width: 9, height: 7 };

pub fn descriptor(bench: &Bench) -> Result<(), End> {
    let kind = &bench.kind;
    let get_factory = bench.get_factory.ok_or_else(|| End::Untried("get_factory is null".into()))?;
    for name in UNKNOWN {
        Line::Step(format!("get_factory({name:?})")).say();
        // SAFETY: called as the header says.
        if !unsafe { get_factory(name.as_ptr()) }.is_null() {
            let found = format!("get_factory({name:?}) is not NULL");
            return Err(
                Fault::new(found, "NULL for every name that is not known", "compare the whole name").into()
            );
        }
    }
    Line::Step("get_factory and get, twice".into()).say();
    // SAFETY: called as the header says; what comes back for a factory's name is one.
    let twice = [(); 2].map(|()| unsafe { get_factory(factory_of(kind.sort).as_ptr()) });
    // SAFETY: as above.
    let kinds = twice.map(|factory| unsafe { kind_at(factory, kind.sort, bench.index) });
    if twice[0] != twice[1] || kinds[0] != kinds[1] {
        let found = "get_factory or get returns another pointer the second time";
        return Err(Fault::new(found, "the same pointer each time", "make factories and kinds static").into());
    }
    let (about, extension) = match &kind.raw {
        RawKind::Scene(raw) => (&raw.about, raw.get_extension),
        RawKind::Fill(raw) => (&raw.about, raw.get_extension),
    };
    if let Some(get_extension) = extension {
        Line::Step("get_extension".into()).say();
        // SAFETY: called as the header says.
        if UNKNOWN.iter().any(|name| !unsafe { get_extension(name.as_ptr()) }.is_null()) {
            let found = "get_extension is not NULL for a name that is not known";
            return Err(
                Fault::new(found, "NULL", "compare the whole name, or leave get_extension out").into()
            );
        }
    }
    if about.reserved != 0 {
        let found = format!("reserved is {}", about.reserved);
        return Err(Fault::new(found, "0", "use designated initialisers, so that the rest is 0").into());
    }
    if let Some(setting) = kind.declared.settings.iter().find(|setting| setting.doc.is_empty()) {
        let found = format!("setting \"{}\" has an empty doc", setting.key);
        return Err(Fault::new(found, "one line for the user", "say what it means, and its unit").into());
    }
    Ok(())
}

/// The pointer to a kind.
///
/// # Safety
/// `factory` is null, or a factory of kinds of this sort.
unsafe fn kind_at(factory: *const c_void, sort: KindSort, index: u32) -> *const c_void {
    if factory.is_null() {
        return factory;
    }
    // SAFETY: by the caller's promise, here and below; the index is below the count.
    unsafe {
        match sort {
            KindSort::Fill => {
                (*factory.cast::<abi::Factory<abi::FillKind>>()).get.map_or(factory, |get| get(index).cast())
            }
            _ => {
                (*factory.cast::<abi::Factory<abi::SceneKind>>()).get.map_or(factory, |get| get(index).cast())
            }
        }
    }
}

pub fn settings(bench: &Bench) -> Result<(), End> {
    let (kind, declared) = (&bench.kind, bench.kind.declared);
    let fixture = bench.fixture(bench.usual()[0]);
    let own = !bench.from_user && declared.settings.iter().all(|setting| !setting.required);
    match kind.create(&bench.first) {
        Err(Stop::Refused(why)) if own => {
            let found = format!("refuses its own defaults: {why}");
            let advice = "change the defaults, or make the setting required";
            return Err(Fault::new(found, "defaults that are accepted", advice).into());
        }
        Err(Stop::Refused(_)) | Ok(_) => {}
        Err(other) => return Err(other.into()),
    }
    let mut all = vec![bench.first.clone()];
    all.extend(sample_settings::varied(declared, &bench.first));
    all.extend(sample_settings::drawn(declared));
    let mut accepted = None;
    for settings in &all {
        let instance = match kind.create(settings) {
            Ok(instance) => instance,
            Err(Stop::Refused(_)) => continue,
            Err(other) => return Err(other.into()),
        };
        accepted.get_or_insert(settings);
        kept_pointers(bench, settings, &instance)?;
        match kind.set_up(settings, &fixture) {
            Ok((setup, instance)) => refusable(kind.take(&instance, &setup, &Call::of(SMALL)).map(|_| ()))?,
            Err(stop) => refusable(Err(stop))?,
        }
    }
    let Some(settings) = accepted else {
        return Err(End::Untried("refused all settings; give --rules FILE with settings that fit".into()));
    };
    // A plugin that frees memory twice, or memory of others, fails when many calls reuse it.
    let mut alive: Vec<Instance> = Vec::new();
    for nth in 0..1000 {
        alive.push(kind.create(settings)?);
        if nth % 3 != 0 {
            drop(alive.swap_remove(nth / 2 % alive.len()));
        }
    }
    Ok(())
}

/// Held against an instance whose settings stay as they were: whether one that was made with lent text still
/// looks at it.
fn kept_pointers(bench: &Bench, settings: &sample_settings::Settings, spoiled: &Instance) -> Result<(), End> {
    let fixture = bench.fixture(bench.usual()[0]);
    let kept = || {
        let (instance, _values) = bench.kind.create_and_keep(settings)?;
        bench.kind.plan(&instance, &fixture)
    };
    let like = |a: &Result<Plan, Stop>, b: &Result<Plan, Stop>| match (a, b) {
        (Ok(a), Ok(b)) => a == b,
        (Ok(_), Err(Stop::Refused(_))) | (Err(Stop::Refused(_)), Ok(_)) => false,
        _ => true,
    };
    let first = kept();
    // A plan that differs in any case is the trial `plan`'s.
    let differ = !like(&first, &bench.kind.plan(spoiled, &fixture)) && like(&first, &kept());
    if differ {
        let found = format!(
            "looks at text of its settings after create has returned ({})",
            bench.kind.described(settings)
        );
        let expected = "values are valid until create returns";
        return Err(Fault::new(found, expected, "copy what is needed later").into());
    }
    Ok(())
}

/// A refusal with a reason is an answer, too.
fn refusable(result: Result<(), Stop>) -> Result<(), End> {
    match result {
        Ok(()) | Err(Stop::Refused(_)) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

pub fn plan(bench: &Bench) -> Result<(), End> {
    let mut planned = 0;
    let (mut why, mut partly) = (String::new(), None);
    let mut all = vec![bench.first.clone()];
    all.extend(bench.variations());
    for theme in bench.usual() {
        let fixture = bench.fixture(*theme);
        for settings in &all {
            match bench.kind.set_up(settings, &fixture) {
                Ok((setup, _)) => {
                    planned += 1;
                    bench.kind.instance(&setup)?;
                    scene_apart(&setup.plan)?;
                }
                Err(Stop::Refused(said)) => {
                    if *settings == bench.first && partly.is_none() {
                        partly = Some(format!("{}: refused: {said}", theme.describe()));
                    }
                    why = said;
                }
                Err(other) => return Err(other.into()),
            }
        }
    }
    if planned == 0 {
        let why = format!("refused every made-up scene: \"{why}\"; give --rules FILE with settings that fit");
        return Err(End::Untried(why));
    }
    // It may be meant, or the author may never have tried such scenes.
    partly.map_or(Ok(()), |said| Err(End::NotApplicable(said)))
}

/// The mistake of a plan that can never be meant.
fn scene_apart(plan: &Plan) -> Result<(), End> {
    match plan {
        Plan::Fill(plan) if plan.donors.is_empty() && !plan.wants_target => {
            let found = "plan: asks for no donor and not for the target, so there is nothing to fill from";
            Err(Fault::new(found, "pixels to look at", "leave the donors as they come, or name some").into())
        }
        _ => Ok(()),
    }
}

pub fn facts(bench: &Bench) -> Result<(), End> {
    for theme in Theme::POOR {
        let fixture = bench.fixture(theme);
        let (setup, instance) = match bench.kind.set_up(&bench.first, &fixture) {
            Ok(found) => found,
            Err(Stop::Refused(_)) => continue,
            Err(other) => return Err(other.into()),
        };
        bench.kind.instance(&setup)?;
        match bench.kind.take(&instance, &setup, &Call::of(SMALL)) {
            Ok(taken) => taken.content.or(taken.trespass).map_or(Ok(()), Err)?,
            Err(stop) => refusable(Err(stop))?,
        }
    }
    Ok(())
}
