//! Returns freed heap memory to the system.

/// Returns free memory to the system (malloc_trim(3)). After a survey glibc would keep some tens of MB, which no `--mem-limit`
/// counts.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    // SAFETY: malloc_trim may be called at any time, and touches free memory alone.
    unsafe {
        libc::malloc_trim(0);
    }
}
