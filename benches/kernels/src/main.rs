//! `kernels count [NAME …]` runs each kernel once as the program does it and once plainly, each as one call of
//! [`measured`], for `.ci/instructions` to count. Prints a line for each call, in order: name, way, samples.
//! `kernels list` prints the names of all kernels.

use kernels::{Size, Work, assert_equal, make};

/// Small enough to be run by an interpreter.
const SIZE: Size = Size { side: 256, bands: 2 };

/// One of the two ways of a kernel.
type Way = fn(&mut dyn Work);

/// What is counted: the counter looks for it by this name.
#[inline(never)]
fn measured(work: &mut dyn Work, way: Way) {
    std::hint::black_box(way)(work);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, names)) if command == "count" => {
            let names = if names.is_empty() { kernels::to_count() } else { names.to_vec() };
            names.iter().for_each(|name| count(name));
        }
        Some((command, [])) if command == "list" => println!("{}", kernels::names().join("\n")),
        _ => panic!("kernels count [NAME …] | kernels list"),
    }
}

fn count(name: &str) {
    let mut work = make(name, SIZE);
    // Also makes what is made at the first call only, such as the choice of instructions.
    assert_equal(name, &mut *work);
    let ways: [(&str, Way); 2] = [("fast", |work| work.fast()), ("plain", |work| work.plain())];
    for (way, run) in ways {
        measured(&mut *work, run);
        println!("{name} {way} {}", work.samples());
    }
}
