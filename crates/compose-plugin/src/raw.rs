//! What the C side passes, as Rust has it.
//!
//! The host is trusted to keep to the header; where it passes a null pointer against the header, a build with
//! debug assertions says so.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};

/// A text of the host.
///
/// # Safety
/// `text` must point at a text that ends with a zero byte and lives unchanged for `'a`.
///
/// # Panics
/// Where it is not UTF-8.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> &'a str {
    debug_assert!(!text.is_null(), "the host passed a null pointer as a text");
    // SAFETY: the caller vouches for the text and its lifetime.
    unsafe { CStr::from_ptr(text) }.to_str().expect("a text of the host is not UTF-8")
}

/// `len` items of the host; `items` is not looked at where there are none.
///
/// # Safety
/// Where `len` is not 0, `items` must point at that many, which live unchanged for `'a`.
pub(crate) unsafe fn slice<'a, T>(items: *const T, len: u32) -> &'a [T] {
    if len == 0 {
        return &[];
    }
    debug_assert!(items.is_aligned() && !items.is_null(), "the host passed a bad pointer");
    // SAFETY: the caller vouches for the items and their lifetime.
    unsafe { std::slice::from_raw_parts(items, len as usize) }
}

/// A text for the host. C cannot say a zero byte within a text: it becomes U+FFFD.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{FFFD}")).unwrap_or_default()
}

/// A text that stays where it is for ever, as those of descriptors must.
pub(crate) fn leak_text(text: &str) -> *const c_char {
    c_string(text).into_raw()
}

/// Items that stay where they are for ever; NULL where there are none.
pub(crate) fn leak_slice<T>(items: Vec<T>) -> *const T {
    if items.is_empty() { std::ptr::null() } else { items.leak().as_ptr() }
}
