//! Energy and area of the parts of an accelerator, as tables with their sources.
//!
//! All energies are dynamic, in pJ, for 8-bit integers at the nominal clock. Rules that hold for every table:
//!
//! - a multiplier's energy and area grow with the square of the width of its operands, an adder's with the width;
//! - a buffer's energy per access grows linearly with its size up to 2 MiB, with the square root beyond (the linear
//!   fit was made inside 1 kB to 2 MB);
//! - the supply follows the clock, V/V0 = 0.6 + 0.4 f/f0 (assumed; f0 = 1 GHz), dynamic energy on the chip goes with
//!   V², leakage with V, energy of the memory with neither;
//! - leakage is 12.4 mW per mm² of chip: Accelergy's 32-bit adder and multiplier leak 0.0024 + 0.08 pJ per cycle,
//!   taken as 1 ns, on 278 + 6350 µm².

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::number_format::NumberFormat;

/// One table. In a platform file it may leave out what is as in the first of [`TECHNOLOGIES`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Technology {
    /// Its name in platform files.
    pub name: Cow<'static, str>,
    /// Where its numbers come from, and what is borrowed from elsewhere.
    pub source: Cow<'static, str>,
    /// A multiply-accumulate.
    pub mac_pj: f64,
    /// The operand registers of a multiply-accumulate.
    pub register_pj: f64,
    /// A byte read from or written to the input or weight buffer.
    pub scratchpad: Sram,
    /// A 32-bit partial sum read or written; the size is that of a column's bank.
    pub accumulator: Sram,
    /// A byte read from memory.
    pub memory_read_pj: f64,
    /// A byte written to memory.
    pub memory_write_pj: f64,
    /// A multiply-accumulate cell, mm².
    pub cell_mm2: f64,
}

impl Default for Technology {
    fn default() -> Self {
        Self {
            name: "own".into(),
            source: "the platform's file; what it leaves out is as in dosa40".into(),
            ..TECHNOLOGIES[0].clone()
        }
    }
}

/// Energy of an access against the size of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sram {
    /// Part that does not depend on the size, pJ.
    pub fixed_pj: f64,
    /// Part per KiB, pJ.
    pub per_kib_pj: f64,
}

/// Largest energy, pJ, and area, mm², of a table of one's own.
pub(crate) const LARGEST: f64 = 1e6;
/// Size from which a buffer's energy follows a square root, KiB.
const ROOT_FROM_KIB: f64 = 2048.0;
/// Clock at which the tables hold, MHz (assumed).
pub(crate) const NOMINAL_MHZ: f64 = 1000.0;
/// Leakage per area, W/mm².
pub(crate) const LEAKAGE_W_PER_MM2: f64 = 0.0124;

const DOSA_SCRATCHPAD: Sram = Sram {
    fixed_pj: 0.49,
    per_kib_pj: 0.02513,
};
const DOSA_ACCUMULATOR: Sram = Sram {
    fixed_pj: 1.94,
    per_kib_pj: 0.1005,
};
const DOSA_CELL_MM2: f64 = 4.05e-4;

/// The tables. The areas of buffers and of what is not a cell are DOSA's at 40 nm in all of them.
pub static TECHNOLOGIES: [Technology; 5] = [
    Technology {
        name: Cow::Borrowed("dosa40"),
        source: Cow::Borrowed(
            "DOSA (MICRO 2023), fitted to Accelergy's tables at 40 nm, 8 bits; held against Timeloop by \
                 `tandem validate timeloop`",
        ),
        mac_pj: 0.5608,
        register_pj: 0.4875,
        scratchpad: DOSA_SCRATCHPAD,
        accumulator: DOSA_ACCUMULATOR,
        memory_read_pj: 100.0,
        memory_write_pj: 100.0,
        cell_mm2: DOSA_CELL_MM2,
    },
    Technology {
        name: Cow::Borrowed("zigzag_tpu_like"),
        source: Cow::Borrowed(
            "ZigZag's tpu_like accelerator file: MAC 0.04 pJ, 2 MB SRAM 416 and 378 pJ per 2048 bits, DRAM 700 and \
                 750 pJ per 64 bits; no area in it, DOSA's is used",
        ),
        mac_pj: 0.04,
        register_pj: 0.095,
        // one size only: 397 pJ per 256 bytes on average, whatever the buffer
        scratchpad: Sram {
            fixed_pj: 397.0 / 256.0,
            per_kib_pj: 0.0,
        },
        // two 16-bit partial sum registers
        accumulator: Sram {
            fixed_pj: 0.042,
            per_kib_pj: 0.0,
        },
        memory_read_pj: 700.0 / 8.0,
        memory_write_pj: 750.0 / 8.0,
        cell_mm2: DOSA_CELL_MM2,
    },
    Technology {
        name: Cow::Borrowed("aladdin40"),
        source: Cow::Borrowed(
            "Accelergy's Aladdin library, 40 nm: 32-bit multiplier 12.68 pJ and 6350 um2, 32-bit adder 0.21 pJ and \
                 278 um2, register bit 0.009 pJ and 5.98 um2; no SRAM or DRAM in it, DOSA's are used",
        ),
        mac_pj: 12.68 / 16.0 + 0.21,
        register_pj: 24.0 * 0.009,
        scratchpad: DOSA_SCRATCHPAD,
        accumulator: DOSA_ACCUMULATOR,
        memory_read_pj: 100.0,
        memory_write_pj: 100.0,
        // an 8-bit multiplier, a 32-bit adder, registers for two operands and a sum
        cell_mm2: 1e-6 * (6350.0 / 16.0 + 278.0 + 48.0 * 5.98),
    },
    Technology {
        name: Cow::Borrowed("horowitz45"),
        source: Cow::Borrowed(
            "Horowitz (ISSCC 2014), 45 nm, as usually quoted, not checked against the paper: 8-bit multiplication \
                 0.2 pJ, 32-bit addition 0.1 pJ, 64 bits of 8 KiB SRAM 10 pJ, of DRAM 1300 to 2600 pJ; cells are \
                 DOSA's, scaled to 45 nm",
        ),
        mac_pj: 0.3,
        register_pj: 0.06,
        // through 10 pJ at 8 KiB and 20 pJ at 32 KiB per 64 bits
        scratchpad: Sram {
            fixed_pj: 0.833,
            per_kib_pj: 0.0521,
        },
        accumulator: Sram {
            fixed_pj: 3.33,
            per_kib_pj: 0.208,
        },
        memory_read_pj: 1950.0 / 8.0,
        memory_write_pj: 1950.0 / 8.0,
        cell_mm2: DOSA_CELL_MM2 * 45.0 * 45.0 / (40.0 * 40.0),
    },
    Technology {
        name: Cow::Borrowed("eyeriss_rel"),
        source: Cow::Borrowed(
            "Eyeriss's relative costs as usually quoted, not checked against the paper: register file 1, buffer 6, \
                 DRAM 200 times a 16-bit MAC; that MAC is set to 1 pJ, so energies are relative",
        ),
        mac_pj: 0.25,
        register_pj: 0.5,
        scratchpad: Sram {
            fixed_pj: 3.0,
            per_kib_pj: 0.0,
        },
        accumulator: Sram {
            fixed_pj: 12.0,
            per_kib_pj: 0.0,
        },
        memory_read_pj: 100.0,
        memory_write_pj: 100.0,
        cell_mm2: DOSA_CELL_MM2,
    },
];

impl Technology {
    /// The table of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TECHNOLOGIES.iter().find(|table| table.name == name)
    }

    /// Checks that all energies and areas are numbers that an accelerator can have.
    ///
    /// # Errors
    /// Path of the first that is not, within the table, and its value.
    pub fn check(&self) -> Result<(), (&'static str, f64)> {
        let numbers = [
            ("technology.mac_pj", self.mac_pj),
            ("technology.register_pj", self.register_pj),
            ("technology.scratchpad.fixed_pj", self.scratchpad.fixed_pj),
            ("technology.scratchpad.per_kib_pj", self.scratchpad.per_kib_pj),
            ("technology.accumulator.fixed_pj", self.accumulator.fixed_pj),
            ("technology.accumulator.per_kib_pj", self.accumulator.per_kib_pj),
            ("technology.memory_read_pj", self.memory_read_pj),
            ("technology.memory_write_pj", self.memory_write_pj),
            ("technology.cell_mm2", self.cell_mm2),
        ];
        match numbers.into_iter().find(|(_, value)| !(0.0..=LARGEST).contains(value)) {
            Some(wrong) => Err(wrong),
            None => Ok(()),
        }
    }

    /// A multiply-accumulate of this format with its operand registers, pJ.
    pub fn mac(&self, format: NumberFormat) -> f64 {
        self.mac_pj * format.multiplier() + self.register_pj * format.word_bytes() as f64
    }

    /// The area of a multiply-accumulate cell of this format, mm².
    pub fn cell(&self, format: NumberFormat) -> f64 {
        self.cell_mm2 * format.multiplier()
    }
}

impl Sram {
    /// Energy of an access to a buffer of this size, pJ.
    pub fn access_pj(&self, kib: f64) -> f64 {
        let linear = self.fixed_pj + self.per_kib_pj * kib.min(ROOT_FROM_KIB);
        linear * (kib / ROOT_FROM_KIB).max(1.0).sqrt()
    }
}

/// Supply voltage at no clock and its rise up to the nominal one, as multiples of the nominal one's (assumed).
pub(crate) const VOLTAGE: [f64; 2] = [0.6, 0.4];

/// Supply voltage at a clock, as a multiple of the nominal one.
pub fn voltage(clock_mhz: f64) -> f64 {
    VOLTAGE[0] + VOLTAGE[1] * clock_mhz / NOMINAL_MHZ
}

/// Leakage of a chip, W.
pub fn leakage_w(area_mm2: f64, clock_mhz: f64) -> f64 {
    LEAKAGE_W_PER_MM2 * area_mm2 * voltage(clock_mhz)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dosas_table_gives_its_published_figures() {
        let dosa = Technology::named("dosa40").unwrap();
        assert_eq!(dosa.mac(NumberFormat::Int8), 0.5608 + 0.4875);
        assert!((dosa.scratchpad.access_pj(256.0) - (0.49 + 0.02513 * 256.0)).abs() < 1e-12);
        assert!((dosa.accumulator.access_pj(4.0) - (1.94 + 0.402)).abs() < 1e-12);
    }

    #[test]
    fn horowitz_line_passes_through_its_points() {
        let table = Technology::named("horowitz45").unwrap();
        for (kib, picojoules) in [(8.0, 10.0), (32.0, 20.0)] {
            let per_word = 8.0 * table.scratchpad.access_pj(kib);
            assert!((per_word - picojoules).abs() < 0.02, "{per_word}");
        }
    }

    #[test]
    fn large_buffers_follow_a_square_root_without_a_jump() {
        let sram = DOSA_SCRATCHPAD;
        let [at, beyond, four] = [2048.0, 2048.001, 8192.0].map(|kib| sram.access_pj(kib));
        assert!((beyond / at - 1.0).abs() < 1e-6);
        assert!((four / at - 2.0).abs() < 1e-12);
    }

    #[test]
    fn wider_numbers_and_faster_clocks_cost_more() {
        for table in &TECHNOLOGIES {
            let [narrow, wide] = [NumberFormat::Int8, NumberFormat::Int16];
            assert!(table.mac(wide) > 2.0 * table.mac(narrow), "{}", table.name);
            assert!(table.cell(wide) > table.cell(narrow));
        }
        assert_eq!(voltage(1000.0), 1.0);
        assert!(leakage_w(2.0, 500.0) < leakage_w(2.0, 1000.0));
    }
}
