//! A machine that is larger in any way is not slower: what fitted the smaller one can still be done.
//!
//! Tiles are chosen by a closed form, which the event simulation does not follow to the last percent.

use crate::platform::EngineModel;
use crate::simulation::{Options, evaluate};
use crate::{Platform, zoo};

/// One way in which a machine can grow.
type Grow = fn(&mut Platform, u64);

/// Ways to grow, with the sizes that are tried of each; how much slower a larger array may be by the closed form's
/// errors, anything else by a percent.
const ARRAY: f64 = 0.02;
const WAYS: [(&str, Grow, &[u64]); 7] = [
    (
        "rows",
        |p, size| set(p, Some(size), None),
        &[16, 24, 32, 64, 96, 128, 200, 256],
    ),
    (
        "columns",
        |p, size| set(p, None, Some(size)),
        &[16, 24, 32, 64, 96, 128, 200, 256],
    ),
    ("engines", |p, size| p.engine.count = size as u16, &[1, 2, 3, 5, 8, 16]),
    ("input buffer", |p, size| p.buffers.input_kib *= size, &[1, 2, 3, 8]),
    ("weight buffer", |p, size| p.buffers.weight_kib *= size, &[1, 2, 3, 8]),
    ("output buffer", |p, size| p.buffers.output_kib *= size, &[1, 2, 3, 8]),
    (
        "bandwidth",
        |p, size| p.memory.bandwidth_gb_per_s = size as f64,
        &[1, 2, 4, 8, 12, 32],
    ),
];

fn set(platform: &mut Platform, more_rows: Option<u64>, more_cols: Option<u64>) {
    if let EngineModel::Systolic { rows, cols, .. } = &mut platform.engine.model {
        *rows = more_rows.unwrap_or(*rows);
        *cols = more_cols.unwrap_or(*cols);
    }
}

#[test]
fn a_larger_machine_is_never_slower() {
    for (name, size) in [
        ("resnet18", &[128, 128][..]),
        ("mobilenetv2", &[128, 128]),
        ("bert", &[64]),
    ] {
        let network = zoo::entry(name).unwrap().build_with(Some(size), 1).unwrap();
        for preset in ["gemmini", "fpga", "tpu"] {
            for (what, grow, sizes) in WAYS {
                let mut least = u64::MAX;
                for &size in sizes {
                    let mut platform = Platform::preset(preset).unwrap();
                    grow(&mut platform, size);
                    let time = evaluate(&platform, &network, &Options::default()).unwrap().picoseconds;
                    let most = if matches!(what, "rows" | "columns") {
                        ARRAY
                    } else {
                        0.01
                    };
                    let slower = time as f64 / least as f64 - 1.0;
                    assert!(
                        slower <= most,
                        "{name} on {preset}, {what} {size}: {:.2} % slower",
                        100.0 * slower
                    );
                    least = least.min(time);
                }
            }
        }
    }
}
