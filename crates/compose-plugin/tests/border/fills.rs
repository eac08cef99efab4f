//! Fill strategies.

use crate::host::{Canvas, Host, Image, Instance, Size, bands, grid, integer, kind, list, scene};
use crate::kinds::ENTRY;
use compose_plugin::{COMPUTED, GAP, abi};
use std::ptr;

/// A stack of three scenes and two bands of the result.
struct Stack {
    _bands: Vec<abi::Band>,
    scenes: Vec<abi::Scene>,
    raw: abi::Stack,
}

fn stack(joint: bool) -> Stack {
    let bands = bands().to_vec();
    let scenes = [Some(0), Some(1), None].map(|day| scene(&bands, day)).to_vec();
    let raw = abi::Stack {
        scenes: scenes.as_ptr(),
        scene_count: 3,
        target: 1,
        has_target_day: 1,
        target_day: 1,
        band_count: 2,
        joint: joint.into(),
        reference: 1,
        reserved: 0,
        grid: grid(),
    };
    Stack { _bands: bands, scenes, raw }
}

struct Planned {
    instance: Instance,
    kind: &'static abi::FillKind,
    donors: Vec<u32>,
    plan: abi::FillPlan,
}

fn planned(host: &Host, id: &str, values: &[abi::Value], stack: &Stack) -> Result<Planned, String> {
    let kind = kind(&ENTRY, abi::FILLS, |kind: &abi::FillKind| &kind.about, id);
    let instance = Instance::new(host, kind.create, kind.destroy, values)?;
    let mut donors = vec![0, 2, 77];
    let mut plan = abi::FillPlan {
        donors: donors.as_mut_ptr(),
        donor_capacity: 3,
        donor_count: 2,
        temporal: abi::WHOLE_STACK,
        halo: 0,
        wants_target: 0,
        threads: abi::THREADS_PER_INSTANCE,
        deterministic: 1,
        reserved: 0,
    };
    host.answer(unsafe { kind.plan.unwrap()(instance.raw, host.raw(), &stack.raw, &mut plan) })?;
    donors.truncate(plan.donor_count as usize);
    Ok(Planned { instance, kind, donors, plan })
}

/// Values of both bands, and sources as many as there are gaps.
type Filled = (Vec<Vec<f32>>, Vec<Vec<u32>>);

fn fill(
    host: &Host,
    planned: &Planned,
    stack: &Stack,
    size: Size,
    looks: &[[Image<f32>; 2]],
    target: Option<&[Image<f32>; 2]>,
    gaps: &[Image<u8>],
) -> Result<Filled, String> {
    let planes = |images: &[Image<f32>; 2]| [0, 1].map(|b| images[b].plane(abi::PLANE_F32, b as u32));
    let look_planes: Vec<_> = looks.iter().map(planes).collect();
    let donors: Vec<_> = look_planes
        .iter()
        .zip(&planned.donors)
        .map(|(planes, &scene_index)| {
            let scene = &raw const stack.scenes[scene_index as usize];
            abi::Donor { scene, planes: planes.as_ptr(), scene_index, exact: 1 }
        })
        .collect();
    let target = target.map(planes);
    let gaps: Vec<_> = gaps
        .iter()
        .map(|gaps| abi::Plane { valid: ptr::null(), valid_stride: 0, ..gaps.plane(abi::PLANE_U8, 0) })
        .collect();
    let input = abi::FillInput {
        stack: &stack.raw,
        window: size.window(),
        halo: size.halo as u32,
        donor_count: donors.len() as u32,
        donors: donors.as_ptr(),
        target: target.as_ref().map_or(ptr::null(), |planes| planes.as_ptr()),
        gaps: gaps.as_ptr(),
        gap_count: gaps.len() as u32,
        reserved: 0,
    };
    let mut values: Vec<_> = (0..2).map(|_| Canvas::new(size, -1.0f32)).collect();
    let mut sources: Vec<_> = gaps.iter().map(|_| Canvas::new(size, GAP)).collect();
    let value_outputs: Vec<_> = values.iter_mut().map(|values| values.output(abi::PLANE_F32)).collect();
    let source_outputs: Vec<_> = sources.iter_mut().map(|sources| sources.output(abi::PLANE_U32)).collect();
    let output = abi::FillOutput { values: value_outputs.as_ptr(), sources: source_outputs.as_ptr() };
    let run = planned.kind.run.unwrap();
    host.answer(unsafe { run(planned.instance.raw, host.raw(), &input, &output) })?;
    Ok((values.iter().map(Canvas::pixels).collect(), sources.iter().map(Canvas::pixels).collect()))
}

/// One row of pixels; none is not valid, or beyond the row.
fn image(size: Size, pixels: [Option<f32>; 4]) -> Image<f32> {
    let at = move |row, col| if row == 0 { *pixels.get(usize::try_from(col).ok()?)? } else { None };
    Image::new(size, f32::NAN, at)
}

fn gaps(size: Size, pixels: [u8; 4]) -> Image<u8> {
    Image::new(Size { halo: 0, ..size }, 9, move |_, col| Some(pixels[col as usize]))
}

const ROW: Size = Size { width: 4, height: 1, halo: 0 };

#[test]
fn a_fill_computes_from_all_donors_band_by_band() {
    let (host, stack) = (Host::new(), stack(false));
    let mean = planned(&host, "plain-mean", &[], &stack).unwrap();
    assert_eq!((mean.donors.as_slice(), mean.plan.temporal), ([0, 2].as_slice(), abi::WHOLE_STACK));
    assert_eq!((mean.plan.threads, mean.plan.wants_target), (abi::THREADS_ANY, 0));
    let looks = [
        [image(ROW, [Some(1.0), None, Some(5.0), None]), image(ROW, [Some(8.0); 4])],
        [image(ROW, [Some(2.0), Some(3.0), Some(6.0), None]), image(ROW, [None; 4])],
    ];
    let gaps = [gaps(ROW, [1, 1, 0, 1]), gaps(ROW, [0, 0, 1, 0])];
    let (values, sources) = fill(&host, &mean, &stack, ROW, &looks, None, &gaps).unwrap();
    assert_eq!(values, [[1.5, 3.0, -1.0, -1.0], [-1.0, -1.0, 8.0, -1.0]]);
    assert_eq!(sources, [[COMPUTED, COMPUTED, GAP, GAP], [GAP, GAP, COMPUTED, GAP]]);
}

#[test]
fn where_the_stack_is_joint_all_bands_share_gaps_and_sources() {
    let (host, stack) = (Host::new(), stack(true));
    let mean = planned(&host, "plain-mean", &[], &stack).unwrap();
    let looks = [[image(ROW, [Some(1.0); 4]), image(ROW, [Some(2.0); 4])]];
    let (values, sources) =
        fill(&host, &mean, &stack, ROW, &looks, None, &[gaps(ROW, [0, 1, 0, 0])]).unwrap();
    assert_eq!((values[0][1], values[1][1]), (1.0, 2.0));
    assert_eq!(sources, [[GAP, COMPUTED, GAP, GAP]]);
}

#[test]
fn a_fill_chooses_donors_and_reads_the_target_with_its_halo() {
    let (host, stack, size) = (Host::new(), stack(true), Size { halo: 2, ..ROW });
    let scenes = [integer(2), integer(0)];
    let pick = planned(&host, "pick", &[list(&scenes)], &stack).unwrap();
    assert_eq!(pick.donors, [2, 0]);
    let plan = &pick.plan;
    assert_eq!((plan.temporal, plan.halo, plan.wants_target), (abi::ONE_BY_ONE, 2, 1));

    let looks = [
        [image(size, [None, Some(1.0), None, Some(1.0)]), image(size, [Some(1.0); 4])],
        [image(size, [Some(1.0), Some(1.0), None, None]), image(size, [Some(1.0); 4])],
    ];
    let number = |row: isize, col: isize| (row == -2).then_some(col as f32 * 10.0);
    let target = [Image::new(size, f32::NAN, |_, _| None), Image::new(size, f32::NAN, number)];
    let gaps = [gaps(size, [1; 4])];
    let (values, sources) = fill(&host, &pick, &stack, size, &looks, Some(&target), &gaps).unwrap();
    assert_eq!(sources, [[1, 0, GAP, 0]]);
    assert_eq!(values, [[-1.0; 4], [21.0, 31.0, 41.0, 51.0]]);
    let without = fill(&host, &pick, &stack, size, &looks, None, &gaps);
    assert_eq!(without.unwrap_err(), "no target");
}

#[test]
fn a_plan_refuses_donors_that_it_cannot_have() {
    let (host, stack) = (Host::new(), stack(true));
    let refused = |scenes: &[abi::Value]| planned(&host, "pick", &[list(scenes)], &stack).err().unwrap();
    assert_eq!(refused(&[integer(0), integer(1)]), "donor 1 is the target");
    assert_eq!(refused(&[integer(3)]), "donor 3 is not in a stack of 3 scenes");
    assert_eq!(refused(&[integer(2), integer(2)]), "donor 2 is named twice");
}
