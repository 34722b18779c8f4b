//! `tandem watch`.

use std::path::Path;
use std::process::Stdio;

use crate::common::tandem;
use crate::{folder, small};

/// What a program writes to a terminal of so many columns and lines; `None` where there is no `script` to make one.
fn on_a_terminal(folder: &Path, words: &str) -> Option<String> {
    let typed = format!("stty cols 60 rows 12; {} {words}", env!("CARGO_BIN_EXE_tandem"));
    let mut command = std::process::Command::new("script");
    command
        .args(["-qec", &typed, "/dev/null"])
        .current_dir(folder)
        .stdin(Stdio::null());
    let output = command.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn watching_shows_runs_and_sweeps_and_changes_nothing_of_the_terminal() {
    let folder = folder(&small());
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    tandem(folder, &["sweep", "run", "sw", "--tasks", "0,2"]).ended(0);
    let sweep = tandem(folder, &["watch", "sw"]).ended(0).out;
    assert!(sweep.contains("6 runs: 2 finished, 4 waiting"), "{sweep}");
    let row = sweep.lines().find(|line| line.contains("tiny-gaussian-c0-s0")).unwrap();
    assert!(row.contains("finished") && row.contains("100 %"), "{row}");
    let run = tandem(folder, &["watch", "sw/runs/tiny-gaussian-c0-s0"]).ended(0).out;
    for words in [
        "reach2d, gaussian, seed 0",
        "finished",
        "true success",
        "return",
        "link_1_length",
        "●",
    ] {
        assert!(run.contains(words), "no {words} in {run}");
    }
    assert!(
        !run.contains('\u{1b}') && !sweep.contains('\u{1b}'),
        "a file gets no escapes"
    );
    tandem(folder, &["watch", "."]).ended(2).saying(&["no run folder"]);

    let Some(mut drawn) = on_a_terminal(folder, "watch sw --every 0.1 & sleep 3; kill -INT $!; wait $!") else {
        eprintln!("left out: no `script` to make a terminal");
        return;
    };
    assert!(
        drawn.matches("6 runs: 2 finished").count() > 1,
        "it is drawn again: {drawn}"
    );
    // lines up and "clear from here" are all there is: no mode, cursor or screen that would have to be put back
    for lines in 1..12 {
        drawn = drawn.replace(&format!("\u{1b}[{lines}A\r\u{1b}[J"), "");
    }
    assert!(!drawn.contains('\u{1b}'), "{drawn:?}");
    let lines = drawn.lines().map(|line| line.trim_end_matches('\r').chars().count());
    assert!(lines.max() <= Some(60), "{drawn}");
}
