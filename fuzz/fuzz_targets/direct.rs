//! Any bytes as a GeoTIFF: what is read directly is what GDAL reads, or is left to it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| compose_io::fuzz_direct(bytes));
