//! Physical machines have converged at their shipped step: `tandem bench convergence` in short form.

mod common;

use common::tandem;
use tandem::bench::convergence::{BAR, cases};

#[test]
fn arms_have_converged_at_their_shipped_step_and_rapier_agrees() {
    let cases = cases("reach2d").unwrap();
    assert_eq!(cases.len(), 8, "all presets");
    for case in cases.iter().filter(|case| {
        [
            "reach2d near",
            "reach2d passage",
            "reach2d far-30",
            "reach2d far-torque",
        ]
        .contains(&&*case.name())
    }) {
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

#[test]
fn evaluate_warns_of_a_machine_that_has_not_converged() {
    let folder = tempfile::tempdir().unwrap();
    // a policy that moves, on weak servos
    let experiment = r#"{"problem": "reach2d", "task": {"torque": 60, "substeps": SUBSTEPS}, "method": "fixed",
        "rollout": {"lanes": 32, "steps": 80}, "ppo": {"rate": 0.003}, "schedule": {"env_steps": 40000},
        "evaluation": {"every": 100, "episodes": 2}}"#;
    for (substeps, converged) in [("1", false), ("64", true)] {
        let (file, run) = (format!("{substeps}.json"), format!("run-{substeps}"));
        std::fs::write(folder.path().join(&file), experiment.replace("SUBSTEPS", substeps)).unwrap();
        tandem(folder.path(), &["train", &file, "--out", &run]).ended(0);
        let said = tandem(folder.path(), &["evaluate", &run, "--episodes", "4"]).ended(0);
        assert!(said.out.contains("same commands, half the step"), "{}", said.out);
        assert!(said.out.contains("return, half the step"), "{}", said.out);
        let warned = said.err.contains("has not converged at its step");
        assert_eq!(warned, !converged, "{substeps} steps: {}{}", said.out, said.err);
    }
}
