//! What the C library keeps of freed memory.

/// From so many bytes on, an allocation is mapped by itself, and goes back to the system as soon as it is freed. Left to
/// itself, glibc raises this limit with every large block that is freed, up to 32 MB; what it then keeps for later is counted
/// in no `--mem-limit` (mallopt(3), M_MMAP_THRESHOLD).
///
/// Smaller limits cost time: a quarter of this made jobs of the benchmark a tenth dearer.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_FROM: i32 = 1 << 20;

/// Free bytes at the end of the heap that are kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = 4 << 20;

/// Lets large blocks go back to the system when they are freed. To be called before there are threads.
pub fn give_back_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    // SAFETY: mallopt takes plain numbers and is called once, while the program has one thread.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}
