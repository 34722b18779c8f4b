//! Platforms that come with Tandem.

use super::Platform;

/// A platform that comes with Tandem.
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its JSON file.
    pub json: &'static str,
}

/// The platforms. Sizes are those of the machines they are named after as far as published; what is not (DMA,
/// latencies, dispatch) is a plausible value, not a claim about the machine.
pub const PLATFORMS: [Preset; 4] = [
    Preset {
        name: "gemmini",
        about: "Gemmini-like: 16x16 weight stationary at 1 GHz, 256 KiB scratchpad, 64 KiB accumulator, 8 GB/s",
        json: include_str!("../../platforms/gemmini.json"),
    },
    Preset {
        name: "tpu",
        about: "TPU-like, after the first one: 256x256 weight stationary at 700 MHz, 24 MiB and 4 MiB of buffers, 34 GB/s",
        json: include_str!("../../platforms/tpu.json"),
    },
    Preset {
        name: "fpga",
        about: "FPGA-like: 32x64 weight stationary at 250 MHz, 640 KiB of buffers, 12.8 GB/s behind a 128-bit bus",
        json: include_str!("../../platforms/fpga.json"),
    },
    Preset {
        name: "cpu",
        about: "one core of a desktop processor as a roofline, not calibrated: 16 MACs of fp32 per cycle at 3 GHz, 20 GB/s",
        json: include_str!("../../platforms/cpu.json"),
    },
];

impl Platform {
    /// The preset of a name.
    pub fn preset(name: &str) -> Option<Self> {
        let preset = PLATFORMS.iter().find(|preset| preset.name == name)?;
        serde_json::from_str(preset.json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_right_and_named_as_listed() {
        for preset in &PLATFORMS {
            let platform = Platform::preset(preset.name).unwrap();
            assert_eq!(platform.name, preset.name);
            assert_eq!(platform.check(), Ok(()));
            assert!(platform.area().total() > 0.0);
            let written = serde_json::to_string(&platform).unwrap();
            assert_eq!(serde_json::from_str::<Platform>(&written).unwrap(), platform);
        }
        assert_eq!(Platform::preset("nothing"), None);
    }
}
