//! Physical machines have converged at their shipped step: `tandem bench convergence` in short form.

use tandem::bench::convergence::{BAR, cases};

#[test]
fn arms_have_converged_at_their_shipped_step_and_rapier_agrees() {
    let cases = cases("reach2d").unwrap();
    assert_eq!(cases.len(), 7, "all presets");
    for case in cases
        .iter()
        .filter(|case| ["reach2d near", "reach2d passage", "reach2d far-torque"].contains(&&*case.name()))
    {
        for row in case.measure(Some(4)).unwrap() {
            let (name, off) = (
                format!("{}, {}, {}", case.name(), row.design, row.machine),
                row.deviation.trajectory,
            );
            match &*row.machine {
                // another engine's contacts are others, and single episodes part at them
                "other engine" if case.name() == "reach2d passage" => {
                    assert!(row.deviation.total_return < BAR, "{name}")
                }
                _ => assert!(off <= BAR, "{name}: {off}"),
            }
        }
    }
}
