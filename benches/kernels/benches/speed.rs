//! Samples (pixels × bands) per second of every kernel and of the plain loop beside it, on one thread. `make kernels`
//! runs all; `make kernels K=median` those whose names hold `median`.

#![expect(clippy::ptr_arg, reason = "divan hands out references to what the list of arguments holds")]

use divan::{Bencher, counter::ItemsCount};
use kernels::{Size, assert_equal, make, names};

const SIZE: Size = Size { side: 512, bands: 6 };

fn main() {
    divan::main();
}

#[divan::bench(args = names(), max_time = 0.5)]
fn fast(bencher: Bencher<'_, '_>, name: &String) {
    let mut work = make(name, SIZE);
    assert_equal(name, &mut *work);
    bencher.counter(ItemsCount::new(work.samples())).bench_local(|| work.fast());
}

#[divan::bench(args = names(), max_time = 0.5, sample_count = 3)]
fn plain(bencher: Bencher<'_, '_>, name: &String) {
    let mut work = make(name, SIZE);
    bencher.counter(ItemsCount::new(work.samples())).bench_local(|| work.plain());
}
