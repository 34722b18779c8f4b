//! The guide's page about `--json` (`docs/guide/json.md`) against what the commands print.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::documents::{keys, promised};
use common::{finished, tandem};

/// Keys of what these commands print, taken together.
fn printed(commands: &[&[&str]]) -> BTreeSet<String> {
    let print = |command: &&[&str]| keys(&tandem(finished(), &[*command, &["--json"]].concat()).ended(0).json());
    commands.iter().flat_map(print).collect()
}

#[test]
fn documents_have_the_keys_of_the_guide_and_no_others() {
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quickstart.json");
    let quickstart = quickstart.to_str().unwrap();
    let sections: [(&str, &[&[&str]]); 8] = [
        ("`evaluate RUN`", &[&["evaluate", "run", "--episodes", "8"]]),
        (
            "`evaluate RUN --simulator mujoco`",
            &[&["evaluate", "run", "--episodes", "8", "--simulator", "mujoco"]],
        ),
        (
            "`evaluate RUN --sensitivity`",
            &[&["evaluate", "run", "--episodes", "8", "--sensitivity"]],
        ),
        ("`check FILE`", &[&["check", quickstart]]),
        (
            "`list WHAT` and `explain KEY`",
            &[&["list", "problems"], &["explain", "schedule.env_steps"]],
        ),
        (
            "`simulate NETWORK`",
            &[
                &["simulate", "resnet18", "--platform", "gemmini"],
                &["simulate", "resnet18", "--platform", "gemmini,fpga"],
            ],
        ),
        ("`map NETWORK`", &[&["map", "resnet18"]]),
        ("`bench WHAT`", &[&["bench", "selectivity", "--only", "near"]]),
    ];
    for (heading, commands) in sections {
        let promised = promised("guide/json.md", &format!("## {heading}\n"), "\n## ");
        assert_eq!(printed(commands), promised, "{heading}");
    }
}
