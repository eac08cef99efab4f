//! Hides the symbols of the codecs inside the program from GDAL's libraries.
//!
//! GDAL's libraries call a codec library of the same name, perhaps of another version. A linker makes functions that
//! both have public, and the program's own would answer calls meant for the other.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg=-Wl,--exclude-libs,ALL");
    }
}
