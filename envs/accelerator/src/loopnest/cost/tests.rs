use std::io::Write;
use std::path::{Path, PathBuf};

use super::*;
use crate::loopnest::reference::{Columns, read_table};
use crate::loopnest::{Comparison, compare};
use crate::table::Table;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/timeloop/rows.csv")
}

fn shape(sizes: [u64; 7]) -> Shape {
    Shape {
        sizes,
        stride: [1, 1],
        dilation: [1, 1],
    }
}

const MACHINE: Machine = Machine {
    side: 16,
    accumulator_kb: 64.0,
    scratchpad_kb: 256.0,
};

#[test]
fn timeloops_rows_are_met() {
    let comparison = compare(&data()).unwrap();
    let Comparison {
        latency, energy, area, ..
    } = comparison;
    assert_eq!(latency.rows, 60);
    assert!(latency.mean_abs_error_percent < 0.1, "{latency:?}");
    assert!(energy.mean_abs_error_percent < 0.5, "{energy:?}");
    assert!(area.mean_abs_error_percent < 6.0, "{area:?}");
}

#[test]
fn the_smallest_machine_of_every_row_fits_the_one_it_ran_on() {
    let text = read_table(&data()).unwrap();
    let table = Table::parse(&text, "rows.csv").unwrap();
    let columns = Columns::of(&table).unwrap();
    let [side, entries, words] = table
        .columns(["arch.meshX", "arch.mem1_entries", "arch.mem2_entries"])
        .unwrap();
    for row in table.rows().map(Result::unwrap) {
        let (shape, mapping) = (columns.shape(&row).unwrap(), columns.mapping(&row).unwrap());
        let machine = Machine::smallest([(&shape, &mapping)]).unwrap();
        assert!(machine.side <= row.count(side).unwrap());
        assert!(1024.0 * machine.scratchpad_kb <= row.positive(words).unwrap());
        let bank = 1024.0 * machine.accumulator_kb / machine.side as f64 / 4.0;
        assert!(bank <= row.positive(entries).unwrap());
    }
    assert_eq!(Machine::smallest([]), None);
}

#[test]
fn the_slowest_part_sets_the_time() {
    for (sizes, mapping, bound) in [
        // 4 outputs come back for every input channel: each goes in and out of the accumulator once more
        (
            [1, 1, 64, 1, 64, 4, 1],
            "L3[WIO] C4 P64 - L2[WI] K4X - L1[O] C16 - L0[W] N1",
            Bound::Accumulator,
        ),
        (
            [1, 1, 1, 1, 256, 256, 1],
            "L3[WIO] K16 C16 - L2[WI] K16X - L1[O] C16X - L0[W] N1",
            Bound::Dram,
        ),
        (
            [1, 1, 1, 1, 1, 1, 1],
            "L3[WIO] N1 - L2[WI] N1 - L1[O] N1 - L0[W] N1",
            Bound::Compute,
        ),
    ] {
        let mapping = Mapping::parse(mapping).unwrap();
        let cost = MACHINE.cost(&shape(sizes), &mapping).unwrap();
        assert_eq!(cost.bound, bound, "{cost:?}");
        assert!(cost.cycles >= 1.0 && cost.energy_j > 0.0);
    }
}

#[test]
fn larger_buffers_cost_energy_and_area() {
    let mapping = "L3[WIO] N1 - L2[WI] K16X - L1[O] P64 C16X - L0[W] N1";
    let mapping = Mapping::parse(mapping).unwrap();
    let shape = shape([1, 1, 64, 1, 16, 16, 1]);
    let large = Machine {
        accumulator_kb: 128.0,
        scratchpad_kb: 512.0,
        ..MACHINE
    };
    let [a, b] = [MACHINE, large].map(|machine| machine.cost(&shape, &mapping).unwrap());
    assert_eq!(a.cycles, b.cycles);
    assert!(b.energy_j > a.energy_j && large.area_mm2() > MACHINE.area_mm2());
}

#[test]
fn a_mapping_that_does_not_fit_is_refused() {
    let mapping = Mapping::parse("L3[WIO] N1 - L2[WI] K32X - L1[O] N1 - L0[W] N1").unwrap();
    let error = MACHINE.cost(&shape([1, 1, 1, 1, 1, 32, 1]), &mapping).unwrap_err();
    assert!(matches!(error, MappingError::Side { factor: 32, .. }));
}

/// `bytes`, packed.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive of one file.
fn tar(bytes: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, "rows.csv", bytes).unwrap();
    archive.into_inner().unwrap()
}

#[test]
fn packed_tables_are_read_as_plain_ones() {
    let folder = tempfile::tempdir().unwrap();
    let plain = std::fs::read(data()).unwrap();
    let expected = compare(&data()).unwrap();
    for (name, bytes) in [("a.tar.gz", gzip(&tar(&plain))), ("a.csv.gz", gzip(&plain))] {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(compare(&path).unwrap(), expected);
        // cut short at any place: one error, never half a table
        for part in 1..8 {
            std::fs::write(&path, &bytes[..bytes.len() * part / 8]).unwrap();
            let error = compare(&path).unwrap_err().to_string();
            assert!(error.contains("cannot be unpacked"), "{error}");
        }
    }
}
