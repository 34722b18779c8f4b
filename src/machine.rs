//! What a run's bytes depend on beside the experiment and the seed: the processor, the kernels that compute on it,
//! the C library, the numbers of threads. `tandem check --machine` prints it, `meta.json` keeps it.

use std::fmt;

use serde::{Deserialize, Serialize};
use tandem_learning::libtorch::{self, Kernels};

/// The machine on which this process runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, as it calls itself.
    pub processor: String,
    /// Its architecture, `x86_64`.
    pub architecture: String,
    /// What it can do beyond the architecture, as far as it matters to numbers: `avx2`, `fma`, `avx512f`, ...
    pub capabilities: Vec<String>,
    /// The widest vectors that Tandem's products and tanh use. No matter for their bits.
    pub vectors: String,
    /// The kernels in use.
    pub kernels: Kernels,
    /// Version of libtorch.
    pub libtorch: String,
    /// The C library, whose exponentials and sines worlds use: `glibc 2.36`.
    pub libc: String,
    /// Numbers of threads.
    pub threads: Threads,
}

/// Numbers of threads. Results do not depend on the first one, and the second one is fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threads {
    /// Over which Tandem spreads environments, shards and designs.
    pub tandem: usize,
    /// Of one call of libtorch.
    pub libtorch: usize,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        Self {
            processor: processor(),
            architecture: std::env::consts::ARCH.into(),
            capabilities: capabilities(),
            vectors: libtorch::vectors().into(),
            kernels: libtorch::kernels(),
            libtorch: libtorch::version(),
            libc: libc(),
            threads: Threads {
                tandem: rayon::current_num_threads(),
                libtorch: tch::get_num_threads().max(0) as usize,
            },
        }
    }

    /// The warning when a run that began on this machine is resumed on another one; nothing where both are of
    /// one kind.
    pub fn goes_on_at(&self, now: &Self) -> Option<String> {
        let kind = |m: &Self| (m.processor.clone(), m.capabilities.clone());
        let changes = self.changes(now);
        if changes.is_empty() && kind(self) == kind(now) {
            return None;
        }
        let from_to = match self.processor == now.processor {
            true => format!("this run began on another {}", self.processor),
            false => format!("this run began on {} and goes on on {}", self.processor, now.processor),
        };
        Some(match (changes.is_empty(), now.kernels.reproducible) {
            (true, true) => format!("{from_to}; it ends in the same bytes as there"),
            (true, false) => {
                format!("{from_to}; the kernels are those of each processor, so it may end in other bytes than there")
            }
            (false, _) => format!(
                "{from_to}; it may end in other bytes than there: {}",
                changes.join(", ")
            ),
        })
    }

    /// What differs and decides bytes.
    fn changes(&self, now: &Self) -> Vec<String> {
        let (a, b) = (&self.kernels, &now.kernels);
        [
            ("architecture", &self.architecture, &now.architecture),
            ("libtorch", &self.libtorch, &now.libtorch),
            ("C library", &self.libc, &now.libc),
            ("products by", &a.products, &b.products),
            ("ATen's kernels", &a.aten, &b.aten),
            ("MKL's branch", &a.mkl, &b.mkl),
            ("oneDNN's instructions", &a.onednn, &b.onednn),
        ]
        .into_iter()
        .filter(|(_, was, is)| was != is)
        .map(|(what, was, is)| format!("{what} {was} -> {is}"))
        .collect()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernels = &self.kernels;
        let bytes = match kernels.reproducible {
            true => "those of every x86-64 processor with AVX2, with this C library",
            false => "those of this kind of processor only",
        };
        let products = format!("{}, vectors of {}", kernels.products, self.vectors);
        let threads = format!(
            "{} (results do not depend on it), libtorch {}",
            self.threads.tandem, self.threads.libtorch
        );
        for (name, value) in [
            ("processor", self.processor.as_str()),
            ("architecture", &self.architecture),
            ("capabilities", &self.capabilities.join(" ")),
            ("bytes of a run", bytes),
            ("products, tanh", &products),
            ("ATen's kernels", &kernels.aten),
            ("MKL's branch", &kernels.mkl),
            ("oneDNN's most", &kernels.onednn),
            ("libtorch", &self.libtorch),
            ("C library", &self.libc),
            ("threads", &threads),
        ] {
            writeln!(f, "{name:15}  {value}")?;
        }
        Ok(())
    }
}

/// The processor's name: `cpuid` leaves 0x80000002 to 0x80000004 (Intel 64 and IA-32 manual, volume 2A).
#[cfg(target_arch = "x86_64")]
pub fn processor() -> String {
    use std::arch::x86_64::__cpuid;
    const NAME: std::ops::RangeInclusive<u32> = 0x8000_0002..=0x8000_0004;
    if __cpuid(0x8000_0000).eax < *NAME.end() {
        return "unknown".into();
    }
    let words = NAME.map(__cpuid).flat_map(|r| [r.eax, r.ebx, r.ecx, r.edx]);
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    let name = String::from_utf8_lossy(&bytes);
    let words = name.trim_matches('\0').split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

/// The processor's name is not known here.
#[cfg(not(target_arch = "x86_64"))]
pub fn processor() -> String {
    "unknown".into()
}

fn capabilities() -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! list {
            ($($name:tt),*) => {
                $(if is_x86_feature_detected!($name) {
                    found.push($name.into());
                })*
            };
        }
        list!(
            "sse4.2",
            "avx",
            "avx2",
            "fma",
            "f16c",
            "avx512f",
            "avx512dq",
            "avx512bw",
            "avx512vl",
            "avx512vnni",
            "avx512bf16",
            "avx512fp16",
            "avxvnni"
        );
    }
    found.shrink_to_fit();
    found
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn libc() -> String {
    unsafe extern "C" {
        fn gnu_get_libc_version() -> *const std::ffi::c_char;
    }
    // SAFETY: glibc returns a constant text.
    let version = unsafe { std::ffi::CStr::from_ptr(gnu_get_libc_version()) };
    format!("glibc {}", version.to_string_lossy())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn libc() -> String {
    std::env::consts::OS.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resume_on_another_kind_of_processor_says_what_it_means_for_the_bytes() {
        let here = Machine::here();
        assert_eq!(here.goes_on_at(&here), None);
        let mut there = here.clone();
        there.processor = "another processor".into();
        there.kernels.reproducible = true;
        let mut now = here.clone();
        now.kernels.reproducible = true;
        let said = there.goes_on_at(&now).unwrap();
        assert!(
            said.contains("another processor") && said.contains("same bytes"),
            "{said}"
        );
        there.kernels.aten = "DEFAULT".into();
        let said = there.goes_on_at(&now).unwrap();
        assert!(said.contains("other bytes") && said.contains("DEFAULT"), "{said}");
        (there.kernels, now.kernels.reproducible) = (now.kernels.clone(), false);
        let said = there.goes_on_at(&now).unwrap();
        assert!(said.contains("other bytes"), "{said}");
    }

    #[test]
    fn threads_and_width_of_vectors_are_not_worth_a_word() {
        let here = Machine::here();
        let mut there = here.clone();
        there.threads.tandem += 3;
        there.vectors = "AVX2".into();
        assert_eq!(there.goes_on_at(&here), None);
    }

    #[test]
    fn this_machine_is_described() {
        let text = Machine::here().to_string();
        for word in ["processor", "ATen", "MKL", "libtorch", "threads"] {
            assert!(text.contains(word), "{text}");
        }
    }
}
