//! `tandem report`: pages that need nothing else, of runs that are whole, unfinished, damaged or several.

mod browser;
mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use browser::Browser;
use common::{adapted, copy, copy_all, finished, tandem, tiny, write};
use serde_json::json;

/// The page of what lies in `run` of this folder.
#[track_caller]
fn page(folder: &Path, run: &str) -> String {
    tandem(folder, &["report", run, "--out", "page.html"]).ended(0);
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.len() < 3 << 20, "{} bytes", page.len());
    for outside in ["src=\"http", "href=\"http", "url(", "@import", "fetch("] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
    page
}

#[test]
fn the_page_of_a_run_says_what_was_learnt_and_how_to_repeat_it() {
    let page = page(finished(), "run");
    for part in [
        "Replay",
        "Learning",
        "Proxy gap",
        "Design",
        "link_1_length (m)",
        "Evaluation",
        "true success",
        "Cost",
        "queries of the hardware model",
        "Configuration",
        "Reproduce",
        "tandem evaluate run",
        "in the true machine",
    ] {
        assert!(page.contains(part), "no {part:?}");
    }
    assert!(!page.contains("class=\"notice\" role"), "nothing to warn of");
}

#[test]
fn the_same_run_gives_the_same_page_in_its_folder_or_on_standard_output() {
    let (folder, _) = copy();
    tandem(folder.path(), &["report", "run"]).ended(0);
    let first = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    let said = tandem(folder.path(), &["report", "run", "--out", "-", "--threads", "1"]).ended(0);
    assert!(said.out == first);
}

#[test]
fn names_from_an_experiment_are_text_not_markup() {
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = tiny("fixed");
    experiment["title"] = json!("</script><script>alert('title')</script> & \"more\"");
    experiment["schedule"]["env_steps"] = json!(400);
    write(&folder.path().join("e.json"), &experiment);
    tandem(folder.path(), &["train", "e.json", "--out", "<run>"]).ended(0);
    let page = page(folder.path(), "<run>");
    assert!(!page.contains("<script>alert") && !page.contains("<run>"));
    assert!(page.contains("&lt;script&gt;alert(&#39;title&#39;)") && page.contains("&quot;more&quot;"));
}

#[test]
fn an_unfinished_run_says_how_to_go_on() {
    let (folder, run) = copy();
    fs::remove_file(run.join("evaluation/final.json")).unwrap();
    let page = page(folder.path(), "run");
    assert!(page.contains("not finished") && page.contains("tandem train --resume run"));
    assert!(page.contains("Replay"), "the best pair so far can be watched");
}

#[test]
fn what_is_damaged_is_said_on_the_page_or_in_one_line() {
    let (folder, run) = copy();
    let rows = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    fs::write(
        run.join("metrics.jsonl"),
        rows.replacen("\"iteration\":2", "\"itera", 1),
    )
    .unwrap();
    let html = page(folder.path(), "run");
    assert!(
        html.contains("class=\"notice\"") && html.contains("metrics.jsonl"),
        "{html}"
    );
    fs::write(run.join("experiment.json"), "{").unwrap();
    let said = tandem(folder.path(), &["report", "run"]).ended(1);
    assert!(
        said.err.contains("experiment.json is damaged") && said.err.lines().count() == 1,
        "{}",
        said.err
    );
    tandem(folder.path(), &["report", "nowhere"])
        .ended(2)
        .saying(&["no such run folder"]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    tandem(folder.path(), &["report", "empty"])
        .ended(2)
        .saying(&["is no run folder"]);
}

#[test]
fn a_folder_of_runs_is_a_comparison_over_seeds() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("tiny.json"), &tiny("fixed"));
    let words = [
        "compare",
        "tiny.json",
        "--methods",
        "fixed,gaussian",
        "--seeds",
        "2",
        "--out",
        "all",
    ];
    tandem(
        folder.path(),
        &[&words[..], &["--set", "schedule.env_steps=1500"]].concat(),
    )
    .ended(0);
    let html = page(folder.path(), "all");
    for part in [
        "Comparison: tiny",
        "4 runs",
        "fixed (n = 2)",
        "gaussian (n = 2)",
        "IQM",
        "tiny-gaussian-s1",
        "steps to success",
    ] {
        assert!(html.contains(part), "no {part:?}");
    }
    assert!(!html.contains("known design"), "none was given");
    // settings that differ become axes
    let mut other = tiny("fixed");
    other["ppo"]["rate"] = json!(0.0007);
    other["schedule"]["env_steps"] = json!(1500);
    write(&folder.path().join("other.json"), &other);
    tandem(
        folder.path(),
        &["train", "other.json", "--out", "all/tiny-fixed-s9", "--set", "seed=9"],
    )
    .ended(0);
    let html = page(folder.path(), "all");
    assert!(
        html.contains("rate 0.0007") && html.contains("ppo.rate 0.0007") && html.contains("Settings of each run"),
        "{html}"
    );
    // control alone on a known design is the measure of the others
    let known = [
        "--set",
        "method=fixed",
        "--set",
        "methods.fixed.design=[0.5,0.5,0.5,0.5,0.5]",
    ];
    let words = [
        "train",
        "tiny.json",
        "--set",
        "schedule.env_steps=1500",
        "--out",
        "all/known",
    ];
    tandem(folder.path(), &[&words[..], &known].concat()).ended(0);
    let html = page(folder.path(), "all");
    for part in ["fixed, known design", "price of not knowing the design"] {
        assert!(html.contains(part), "no {part:?}");
    }
    // and one that cannot be read is left out with a word
    fs::write(folder.path().join("all/tiny-fixed-s0/meta.json"), "{}").unwrap();
    assert!(page(folder.path(), "all").contains("One run is left out"));
}

#[test]
fn a_language_models_run_has_a_page_too() {
    let folder = tempfile::tempdir().unwrap();
    copy_all(&adapted().join("run"), &folder.path().join("run"));
    let page = page(folder.path(), "run");
    assert!(page.contains("Stages") && page.contains("perplexity") && page.contains("data:image/png;base64"));
}

/// In a real browser: nothing on the console, the film moves, and the keyboard is enough.
#[test]
fn the_replay_moves_and_obeys_the_keyboard() {
    let Some(mut browser) = Browser::start() else {
        eprintln!("skipped: no chromium here (Debian: apt-get install chromium)");
        return;
    };
    page(finished(), "run");
    browser.open(&finished().join("page.html"));
    browser.run("document.getElementById('player').focus()");
    let moment = "Number(document.getElementById('player').dataset.moment)";
    assert_eq!(browser.number(moment), 0.0);
    browser.press("ArrowRight");
    browser.press("ArrowRight");
    assert_eq!(browser.until(moment, |now| now == 2.0), 2.0, "two steps");
    browser.press("ArrowLeft");
    assert_eq!(browser.until(moment, |now| now == 1.0), 1.0);
    let picture = "document.querySelector('#player canvas').toDataURL().length + \
                   [...document.querySelector('#player canvas').toDataURL()].reduce((sum, c, i) => (sum * 31 + c.charCodeAt(0)) % 1e9, 0)";
    let still = browser.number(picture);
    browser.press(" ");
    assert!(browser.until(moment, |now| now > 1.5) > 1.5, "it plays");
    browser.press(" ");
    let paused = browser.number(moment);
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(browser.number(moment), paused, "it pauses");
    assert!(browser.number(picture) != still, "another moment looks different");
    browser.press("End");
    let last = browser.number("Number(document.getElementById('replay-time').max)");
    assert_eq!(browser.until(moment, |now| now == last), last);
    let drawn = browser.number(picture);
    browser.press("+");
    std::thread::sleep(Duration::from_millis(100));
    assert!(browser.number(picture) != drawn, "it zooms");
    browser.press("0");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(browser.number(picture), drawn, "and comes back");
    let unnamed = "[...document.querySelectorAll('button, select, input')].filter((c) => !(c.getAttribute('aria-label') || \
                   c.closest('label')?.textContent)).length";
    assert_eq!(browser.number(unnamed), 0.0, "every control has a name");
    let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.number(overflow), 0.0, "nothing is wider than the page");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// A page is made in seconds, also of a run of many rows.
#[test]
fn a_long_run_is_reported_in_seconds() {
    let (folder, run) = copy();
    let rows = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let last = rows.lines().last().unwrap();
    let more: String = (0..20_000)
        .map(|i| last.replacen("\"env_steps\":", &format!("\"env_steps\":{i}"), 1) + "\n")
        .collect();
    fs::write(run.join("metrics.jsonl"), rows.clone() + &more).unwrap();
    let begun = Instant::now();
    page(folder.path(), "run");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
