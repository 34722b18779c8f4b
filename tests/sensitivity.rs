//! `tandem evaluate --sensitivity` as a user runs it: slopes against the numbers that they are made of.

mod common;

use serde_json::Value;

use common::{finished, tandem, threads_decide_nothing};

#[test]
fn every_parameter_is_moved_within_its_bounds_and_slopes_are_differences_by_the_way() {
    let folder = finished();
    let words = ["evaluate", "run", "--sensitivity", "--episodes", "8", "--seed", "3"];
    let json: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let document = tandem(folder, &json).ended(0).json();
    let design: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("run/design.json")).unwrap()).unwrap();
    let parameters = document["parameters"].as_array().unwrap();
    assert_eq!(parameters.len(), design["parameters"].as_array().unwrap().len());
    for (found, built) in parameters.iter().zip(design["parameters"].as_array().unwrap()) {
        let of = |key: &str| found[key].as_f64().unwrap();
        let [low, high] = ["low", "high"].map(|key| built[key].as_f64().unwrap());
        assert_eq!((&found["name"], &found["value"]), (&built["name"], &built["value"]));
        assert!(
            low <= of("lower") && of("lower") < of("higher") && of("higher") <= high,
            "{found}"
        );
        // a tenth of the range to either side, less where a bound is nearer
        assert!(of("higher") - of("lower") <= 0.2 * (high - low) + 1e-9, "{found}");
        let range = (of("higher") - of("lower")) / (high - low);
        for key in ["return", "success"] {
            let slope = (of(&format!("{key}_at_higher")) - of(&format!("{key}_at_lower"))) / range;
            let said = of(&format!("{key}_slope"));
            assert!(
                (said - slope).abs() <= 1e-6 * (1.0 + slope.abs()),
                "{key}: {slope}; {found}"
            );
            assert!(of(&format!("{key}_slope_low")) <= said && said <= of(&format!("{key}_slope_high")));
        }
    }
    let text = std::fs::read_to_string(folder.join("run/evaluation/sensitivity.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        document,
        "what is printed is what is stored"
    );
    threads_decide_nothing(folder, &json, &document);
    let table = tandem(folder, &words).ended(0).out;
    assert!(
        table.contains("return per range") && table.contains("link_1_length"),
        "{table}"
    );
    let picture = std::fs::read(folder.join("run/evaluation/sensitivity.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));

    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("run/design.json"), elsewhere.path().join("alone.json")).unwrap();
    let alone = tandem(elsewhere.path(), &["evaluate", "alone.json", "--sensitivity"]);
    alone.ended(2).saying(&["without a policy"]);
}
