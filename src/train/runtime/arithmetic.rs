//! The arithmetic of this machine, on which the last bits of a training depend.

/// Describes what the last bits of results on the CPU depend on: the processor's model, which decides the
/// blocking of matrix products, and its vector instructions.
///
/// ```
/// assert!(driftmill::train::arithmetic().starts_with(std::env::consts::ARCH));
/// ```
pub fn arithmetic() -> String {
    let mut parts = vec![std::env::consts::ARCH.to_owned()];
    parts.extend(model());
    parts.extend(vector_instructions().map(str::to_owned));
    parts.join(", ")
}

/// The name of the processor's model, where the system tells it.
fn model() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The widest vector instructions that kernels use.
#[cfg(target_arch = "x86_64")]
fn vector_instructions() -> Option<&'static str> {
    if std::arch::is_x86_feature_detected!("avx512f") {
        Some("AVX-512")
    } else if std::arch::is_x86_feature_detected!("avx2") {
        Some("AVX2")
    } else {
        None
    }
}

/// The widest vector instructions that kernels use.
#[cfg(not(target_arch = "x86_64"))]
fn vector_instructions() -> Option<&'static str> {
    None
}
