//! What the C library keeps of freed memory.

/// Gives the memory back that is free: after a survey glibc would keep some tens of MB of it, which no `--mem-limit` counts
/// (malloc_trim(3)).
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    // SAFETY: malloc_trim may be called at any time, and touches free memory alone.
    unsafe {
        libc::malloc_trim(0);
    }
}
