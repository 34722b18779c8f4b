//! Plans: the manifest that they become, and what is refused.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::common::{tandem, write};
use crate::{folder, manifest, small};

#[test]
fn a_plan_becomes_a_manifest_with_one_complete_run_a_line() {
    let folder = folder(&small());
    let folder = folder.path();
    let said = tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    assert!(
        said.out.contains("6 runs planned") && said.out.contains("sweep run sw --tasks all"),
        "{}",
        said.out
    );
    let runs = manifest(folder);
    let names: Vec<&str> = runs.iter().map(|run| run["folder"].as_str().unwrap()).collect();
    let expected = [
        "fixed-s0",
        "fixed-s1",
        "gaussian-c0-s0",
        "gaussian-c0-s1",
        "gaussian-c1-s0",
        "gaussian-c1-s1",
    ];
    assert_eq!(
        names,
        expected.map(|name| format!("runs/tiny-{name}")),
        "`fixed` has no rate to vary"
    );
    assert_eq!(runs[4]["settings"], json!({"methods.gaussian.rate": 0.2}));
    let config = &runs[5]["config"];
    assert_eq!(
        (&config["methods"]["gaussian"]["rate"], &config["seed"]),
        (&json!(0.2), &json!(1))
    );
    assert_eq!(config["schedule"]["env_steps"], 2000);

    // the experiment may be edited afterwards: what was planned is complete
    let before = fs::read(folder.join("sw/manifest.jsonl")).unwrap();
    let again = tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    assert!(again.out.contains("planned in sw already"), "{}", again.out);
    let mut other = small();
    other["grid"]["methods.gaussian.rate"][1] = json!(0.3);
    write(&folder.join("other.json"), &other);
    let refused = tandem(folder, &["sweep", "plan", "other.json", "--out", "sw"]).ended(2);
    refused.saying(&[
        "sw holds another plan",
        "task 4",
        "methods.gaussian.rate is 0.2 there and 0.3 now",
        "--out",
    ]);
    other["seeds"] = json!(1);
    write(&folder.join("other.json"), &other);
    tandem(folder, &["sweep", "plan", "other.json", "--out", "sw"])
        .ended(2)
        .saying(&["another plan"]);
    assert_eq!(fs::read(folder.join("sw/manifest.jsonl")).unwrap(), before);
    let occupied = tandem(folder, &["sweep", "plan", "plan.json", "--out", "."]).ended(2);
    occupied.saying(&["is not empty and holds no sweep"]);
}

#[test]
fn what_is_wrong_in_a_plan_is_named_with_its_line() {
    for (plan, words) in [
        (
            "{\"experiments\": [\"tiny.json\"],\n\"sede\": 3}",
            &["plan.json:2:1: sede", "did you mean `seeds`"][..],
        ),
        (
            "{\"experiments\": [\"tiny.json\"],\n\"grid\": {\"ppo.rat\": [0.1]}}",
            &["plan.json:2:", "grid.ppo.rat", "did you mean `rate`"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"grid\": {\n\"ppo.rate\": [0.1,\n\"fast\"]}}",
            &["plan.json:3:1: grid.ppo.rate[1]", "expected a number"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"],\n\"list\": [{}, {\"ppo.clip\": -1}]}",
            &["plan.json:2:", "list[1].ppo.clip"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"methods\": [\"fixed\",\n\"mroph\"]}",
            &["plan.json:2:1", "`morph`"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"methods\": [\"fixed\",\n\"fixed\"]}",
            &["plan.json:2:1", "twice"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"seeds\": 0}",
            &["seeds", "from 1 to"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"seeds\": [1, 1]}",
            &["seeds", "different"],
        ),
        (
            "{\"experiments\": [\"none.json\"]}",
            &["none.json: there is no such file"],
        ),
        ("{\"experiments\": []}", &["at least one experiment"]),
        (
            "{\"experiments\": [\"tiny.json\", \"tiny.json\"]}",
            &["two experiments are named `tiny`"],
        ),
    ] {
        let folder = folder(&json!({}));
        let folder = folder.path();
        fs::write(folder.join("plan.json"), plan).unwrap();
        tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"])
            .ended(2)
            .saying(words);
        assert!(
            !folder.join("sw").exists(),
            "{plan}: a plan that is refused leaves nothing"
        );
    }
}

#[test]
fn shipped_plans_are_right() {
    let sweeps = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/sweeps");
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = fs::read_dir(sweeps)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    assert!(files.len() >= 2);
    for file in files {
        let words = [
            "sweep",
            "plan",
            file.to_str().unwrap(),
            "--out",
            file.file_stem().unwrap().to_str().unwrap(),
        ];
        let said = tandem(folder.path(), &words).ended(0).out;
        assert!(said.contains("runs planned"), "{said}");
    }
}
