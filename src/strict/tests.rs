use super::*;
use serde::Deserialize;
use tandem_core::Stream;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Experiment {
    name: String,
    ppo: Ppo,
    #[serde(default)]
    walls: Vec<Wall>,
    #[serde(default)]
    world: Option<World>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ppo {
    rate: f64,
    epochs: usize,
    #[serde(default)]
    normalise: bool,
    #[serde(default)]
    extra: Value,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wall {
    x: f32,
    count: u32,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum World {
    Arm { links: usize },
    Hand { fingers: usize },
}

const GOOD: &str = r#"{
  "name": "quick",
  "ppo": {
    "rate": 3e-4,
    "epochs": 4
  },
  "walls": [
    {"x": 1, "count": 2},
    {"x": -0.5, "count": 1}
  ],
  "world": {"kind": "arm", "links": 3}
}"#;

fn sets(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(p, v)| (p.to_string(), v.to_string())).collect()
}

fn message(text: &str, pairs: &[(&str, &str)]) -> String {
    let error = load::<Experiment>(text, "e.json", &sets(pairs)).unwrap_err();
    let message = error.to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

/// The message after replacing one part of the good text.
fn wrong(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from));
    message(&GOOD.replacen(from, to, 1), &[])
}

#[test]
fn a_good_file_is_read_whole_also_with_a_byte_order_mark() {
    let plain: Experiment = load(GOOD, "e.json", &[]).unwrap();
    assert_eq!((plain.ppo.rate, plain.walls[1].x), (3e-4, -0.5));
    assert_eq!(plain.world, Some(World::Arm { links: 3 }));
    let marked: Experiment = load(&format!("\u{feff}{GOOD}"), "e.json", &[]).unwrap();
    assert_eq!(plain, marked);
}

#[test]
fn the_value_tree_is_the_one_that_serde_json_reads() {
    let text = r#" {"a":[1,-2.5e-3,"x\n\u00e9\"",true,false,null,{},[]],"ü":{"b":18446744073709551615}} "#;
    let located = Located::parse(text, "e.json", &[]).unwrap();
    assert_eq!(*located.value(), serde_json::from_str::<Value>(text).unwrap());
}

#[test]
fn unknown_keys_name_the_nearest_valid_one() {
    assert_eq!(
        wrong("\"rate\": 3e-4", "\"rate\": 3e-4, \"epoch\": 1"),
        "e.json:4:19: ppo.epoch: unknown key `epoch`; did you mean `epochs`? Valid keys: rate, epochs, normalise, extra"
    );
    let far = wrong("\"name\"", "\"zzz\": 1, \"name\"");
    assert_eq!(
        far,
        "e.json:2:3: zzz: unknown key `zzz`; Valid keys: name, ppo, walls, world"
    );
    let in_list = wrong("\"x\": -0.5", "\"x\": -0.5, \"y\": 1");
    assert!(
        in_list.starts_with("e.json:9:17: walls[1].y: unknown key `y`"),
        "{in_list}"
    );
    let in_tagged = wrong("\"links\": 3", "\"links\": 3, \"link\": 3");
    assert!(
        in_tagged.starts_with("e.json:11:40: world.link: unknown key"),
        "{in_tagged}"
    );
    let variant = wrong("\"arm\"", "\"arms\"");
    assert!(
        variant.contains("unknown value `arms`; did you mean `arm`? Valid values: arm, hand"),
        "{variant}"
    );
}

#[test]
fn wrong_types_say_what_was_expected_and_what_was_found() {
    let cases = [
        (
            "3e-4",
            "\"fast\"",
            "e.json:4:5: ppo.rate: expected a number, got the text \"fast\"",
        ),
        ("3e-4", "null", "e.json:4:5: ppo.rate: expected a number, got null"),
        (
            "3e-4",
            "{\"a\": 1}",
            "e.json:4:5: ppo.rate: expected a number, got an object { ... }",
        ),
        (
            "\"epochs\": 4",
            "\"epochs\": 1e300",
            "e.json:5:5: ppo.epochs: expected a whole number of at least 0, got 1e+300",
        ),
        (
            "\"epochs\": 4",
            "\"epochs\": -7",
            "e.json:5:5: ppo.epochs: expected a whole number of at least 0, got -7",
        ),
        (
            "\"epochs\": 4",
            "\"epochs\": true",
            "e.json:5:5: ppo.epochs: expected a whole number of at least 0, got true",
        ),
        (
            "\"quick\"",
            "[1, 2]",
            "e.json:2:3: name: expected a text in double quotes, got a list of 2",
        ),
        (
            "{\"x\": 1, \"count\": 2}",
            "7",
            "e.json:8:5: walls[0]: expected an object { ... }, got 7",
        ),
        (
            "\"count\": 2",
            "\"count\": 5000000000",
            "e.json:8:14: walls[0].count: expected a whole number from 0 to 4294967295, got 5000000000",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(wrong(from, to), expected);
    }
    assert_eq!(
        message("[1]", &[]),
        "e.json:1:1: expected an object, { ... }, as the whole file"
    );
}

#[test]
fn missing_keys_point_at_the_object_that_lacks_them() {
    let text = GOOD.replace("\"rate\": 3e-4,", "");
    assert_eq!(message(&text, &[]), "e.json:3:3: ppo.rate: the key `rate` is missing");
    assert_eq!(message("{}", &[]), "e.json:1:1: name: the key `name` is missing");
}

#[test]
fn what_is_no_json_is_explained() {
    let cases = [
        (
            "3e-4",
            "NaN",
            "e.json:4:13: ppo.rate: `NaN` is not allowed; write a finite number",
        ),
        (
            "3e-4",
            "-Infinity",
            "e.json:4:13: ppo.rate: `-Infinity` is not allowed; write a finite number",
        ),
        ("3e-4", "1e999", "e.json:4:13: ppo.rate: the number 1e999 is too large"),
        ("3e-4", ".5", "e.json:4:13: ppo.rate: `.5` is no JSON number"),
        ("3e-4", "", "e.json:4:13: ppo.rate: expected a value, got `,`"),
        (
            "\"quick\"",
            "quick",
            "e.json:2:11: name: expected a value, got `quick`; texts stand in double quotes, \"quick\"",
        ),
        (
            "\"quick\"",
            "'quick'",
            "e.json:2:11: name: expected a value, got `'`; JSON strings stand in double quotes",
        ),
        ("\"quick\",", "\"quick\"", "e.json:3:3: expected `,` or `}`, got `\"`"),
        ("4\n", "4,\n", "e.json:5:16: ppo: remove the comma before `}`"),
        (
            "\"quick\",",
            "\"quick\", // fast",
            "e.json:2:20: expected a key in double quotes, got `/`; JSON has no comments",
        ),
        ("\"quick\"", "\"quick", "e.json:2:11: name: the closing `\"` is missing"),
        (
            "\"epochs\": 4",
            "\"rate\": 4",
            "e.json:5:5: ppo.rate: the key `rate` stands twice (first on line 4)",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(wrong(from, to), expected);
    }
    assert_eq!(
        message(" \n", &[]),
        "e.json:2:1: the file is empty; write a JSON object, { ... }"
    );
    assert_eq!(message("{} {}", &[]), "e.json:1:4: unexpected `{` after the end");
    let deep = "[".repeat(100_000);
    assert_eq!(message(&deep, &[]), "e.json:1:65: nested more than 64 levels deep");
}

#[test]
fn a_file_that_was_cut_anywhere_is_refused() {
    for (end, _) in GOOD.char_indices() {
        let text = message(&GOOD[..end], &[]);
        assert!(text.starts_with("e.json:"), "{text}");
    }
    let cut = message(&GOOD[..GOOD.find("4\n").unwrap() + 1], &[]);
    assert_eq!(cut, "e.json:5:15: ppo.epochs: the file ends too early, after `4`");
    let cut = message(&GOOD[..GOOD.find("\"walls\"").unwrap()], &[]);
    assert_eq!(
        cut,
        "e.json:7:3: the file ends too early: expected a key in double quotes (the innermost open bracket is on line 1)"
    );
}

#[test]
fn set_replaces_and_adds_values() {
    let pairs = [
        ("ppo.rate", "0.5"),
        ("name", "a b"),
        ("walls[1].count", "9"),
        ("walls.0.x", "7"),
        ("ppo.normalise", "true"),
        ("ppo.extra.deep.er", "[1]"),
    ];
    let read: Experiment = load(GOOD, "e.json", &sets(&pairs)).unwrap();
    assert_eq!((read.ppo.rate, &*read.name, read.ppo.normalise), (0.5, "a b", true));
    assert_eq!((read.walls[1].count, read.walls[0].x), (9, 7.0));
    assert_eq!(read.ppo.extra.to_string(), r#"{"deep":{"er":[1]}}"#);
    let last: Experiment = load(GOOD, "e.json", &sets(&[("name", "1st"), ("name", "2nd")])).unwrap();
    assert_eq!(last.name, "2nd");
}

#[test]
fn numbers_and_truth_values_may_be_written_as_people_type_them() {
    let read = |key: &str, value: &str| load::<Experiment>(GOOD, "e.json", &sets(&[(key, value)])).unwrap();
    for (text, value) in [("1e1", 10), ("2.5E2", 250), ("1_000", 1000), ("+7", 7)] {
        assert_eq!(read("ppo.epochs", text).ppo.epochs, value, "{text}");
    }
    assert_eq!(read("ppo.rate", ".5").ppo.rate, 0.5);
    assert!(read("ppo.normalise", "True").ppo.normalise && !read("ppo.normalise", "False").ppo.normalise);
    let file: Experiment = load(&GOOD.replace("\"epochs\": 4", "\"epochs\": 4e2"), "e.json", &[]).unwrap();
    assert_eq!(file.ppo.epochs, 400);
    let text = message(GOOD, &[("ppo.epochs", "1.5e0")]);
    assert!(
        text.ends_with("expected a whole number of at least 0, got 1.5"),
        "{text}"
    );
}

#[test]
fn a_wrong_value_in_a_tagged_part_is_blamed_itself() {
    let text = message(GOOD, &[("world.links", "abc")]);
    assert_eq!(
        text,
        "--set world.links=abc: world.links: expected a whole number of at least 0, got the text \"abc\""
    );
}

#[test]
fn a_bad_set_is_named_instead_of_a_line() {
    let cases = [
        (
            ("ppo.rat", "1"),
            "--set ppo.rat=1: ppo.rat: unknown key `rat`; did you mean `rate`? Valid keys: rate, epochs, normalise, extra",
        ),
        (
            ("pop.rate", "1"),
            "--set pop.rate=1: pop: unknown key `pop`; did you mean `ppo`? Valid keys: name, ppo, walls, world",
        ),
        (
            ("ppo.rate", "NaN"),
            "--set ppo.rate=NaN: ppo.rate: expected a number, got the text \"NaN\"",
        ),
        (("ppo", "3"), "--set ppo=3: ppo: expected an object { ... }, got 3"),
        (("name.x", "3"), "--set name.x=3: `name` is no object, so it has no `x`"),
        (
            ("walls[2].x", "3"),
            "--set walls[2].x=3: `walls` is a list of 2; `2` is no index from 0 to below that",
        ),
        (
            ("", "3"),
            "--set =3: write it as path=value, for example ppo.rate=0.001",
        ),
        (
            ("ppo..rate", "3"),
            "--set ppo..rate=3: write it as path=value, for example ppo.rate=0.001",
        ),
    ];
    for (pair, expected) in cases {
        assert_eq!(message(GOOD, &[pair]), expected);
    }
    let elsewhere = GOOD.replace("\"epochs\": 4", "\"epochs\": -4");
    assert!(message(&elsewhere, &[("ppo.rate", "1")]).starts_with("e.json:5:5: ppo.epochs"));
}

#[test]
fn later_checks_can_name_the_line_too() {
    let located = Located::parse(GOOD, "e.json", &sets(&[("ppo.epochs", "0")])).unwrap();
    assert_eq!(located.line_of("walls[1].x"), Some(9));
    assert_eq!(located.line_of("walls[2].x"), None);
    let error = located.fail_at("ppo.rate", "must be above 0");
    assert_eq!(error.to_string(), "e.json:4:5: ppo.rate: must be above 0");
    let error = located.fail_at("ppo.clip", "must be above 0"); // a default: the line of its object
    assert_eq!(error.to_string(), "e.json:3:3: ppo.clip: must be above 0");
    let error = located.fail_at("ppo.epochs", "must be above 0");
    assert_eq!(error.to_string(), "--set ppo.epochs=0: ppo.epochs: must be above 0");
}

#[test]
fn a_part_is_read_with_the_path_from_the_root() {
    let located = Located::parse(GOOD, "e.json", &sets(&[("walls[0].count", "x")])).unwrap();
    assert_eq!(located.read_at::<Ppo>("ppo").unwrap().epochs, 4);
    let error = located.read_at::<Wall>("ppo").unwrap_err().to_string();
    assert!(error.starts_with("e.json:4:5: ppo.rate: unknown key `rate`"), "{error}");
    let error = located.read_at::<Vec<Wall>>("walls").unwrap_err().to_string();
    assert!(
        error.starts_with("--set walls[0].count=x: walls[0].count: expected a whole"),
        "{error}"
    );
    let error = located.read_at::<Wall>("absent.part").unwrap_err().to_string();
    assert_eq!(error, "e.json:1:1: absent.part.x: the key `x` is missing");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let says = |path: &Path| Located::read_file(path, &[]).unwrap_err().to_string();
    assert!(says(folder.path()).ends_with("is a folder; name a JSON file"));
    let path = folder.path().join("e.json");
    assert!(says(&path).ends_with("e.json: there is no such file"));
    std::fs::write(&path, b"{\n \"a\": \"\xff\"}").unwrap();
    assert!(says(&path).ends_with("e.json:2:8: not UTF-8 text; save the file as UTF-8"));
}

#[test]
fn no_text_makes_it_panic_and_every_error_is_one_line() {
    let mut stream = Stream::new(1, "mutations", 0);
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "NaN", "-", "1e300", "null", "\u{feff}", "é", "\n", "\0", "\"rate\"",
        "//", "\\u12",
    ];
    for _ in 0..20_000 {
        let mut text: Vec<char> = GOOD.chars().collect();
        for _ in 0..=stream.below(4) {
            let (a, b) = (stream.below(text.len() + 1), stream.below(text.len() + 1));
            let piece = pieces[stream.below(pieces.len())];
            match stream.below(3) {
                0 => text.truncate(a),
                1 => drop(text.splice(a..a, piece.chars())),
                _ => drop(text.drain(a.min(b)..a.max(b).min(a.min(b) + 8))),
            }
        }
        let text: String = text.into_iter().collect();
        let tree = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}'));
        match load::<Experiment>(&text, "e.json", &[]) {
            Ok(_) => assert!(tree.is_ok(), "accepts what is no JSON: {text}"),
            Err(error) => {
                let message = error.to_string();
                assert!(message.starts_with("e.json:") && !message.contains('\n'), "{message}");
            }
        }
    }
}
