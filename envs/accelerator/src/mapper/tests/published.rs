//! Optima of AccelForge, and of enumerations and another branch and bound beside it, to 1e-9.

use std::path::Path;

use super::super::{Metric, optimum};
use super::layer;
use crate::loopnest::{Counting, Machine, Rule, Shape};

/// A table of `testdata/accelforge` as rows of fields, header first.
fn table(name: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/accelforge")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

/// Calls `check` for each row, with a function from a column's name to its text.
fn each_row(name: &str, mut check: impl FnMut(&dyn Fn(&str) -> String)) -> usize {
    let rows = table(name);
    let (header, rows) = rows.split_first().unwrap();
    for row in rows {
        let at = |column: &str| header.iter().position(|name| name == column).unwrap();
        check(&|column| row[at(column)].clone());
    }
    rows.len()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

fn counts<const N: usize>(row: &dyn Fn(&str) -> String, columns: [&str; N]) -> [u64; N] {
    columns.map(|column| row(column).parse().unwrap())
}

fn metric(name: &str) -> Metric {
    match name {
        "energy" => Metric::Energy,
        "cycles" => Metric::Cycles,
        "product" => Metric::Edp,
        other => panic!("{other}"),
    }
}

/// Words of DRAM, cycles as they are: how these tables count.
fn words(rule: Rule) -> Counting {
    Counting {
        whole_cycles: false,
        ..Counting::new(rule, 1.0)
    }
}

/// The least value of a metric.
fn least(shape: &Shape, machine: &Machine, rule: Rule, metric: Metric) -> f64 {
    let answer = optimum(shape, machine, &words(rule), metric, &|| false).unwrap();
    assert!(answer.proved);
    let found = answer.found;
    match metric {
        Metric::Energy => found.picojoules,
        Metric::Cycles => found.cycles,
        Metric::Edp => found.picojoules * found.cycles,
    }
}

fn assert_near(ours: f64, theirs: f64, what: &str) {
    assert!((ours / theirs - 1.0).abs() < 1e-9, "{what}: {ours} {theirs}");
}

/// A machine with so many words per bank and in the scratchpad.
fn machine(side: u64, bank: u64, scratchpad: u64) -> Machine {
    Machine {
        side,
        accumulator_kb: (4 * bank * side) as f64 / 1024.0,
        scratchpad_kb: scratchpad as f64 / 1024.0,
    }
}

#[test]
fn accelforges_optima_of_layers_are_met_under_its_rule_and_beaten_under_timeloops() {
    let rows = each_row("optima.csv", |row| {
        let shape = match row("layer").as_str() {
            "mm64" => layer([64, 1, 64, 64, 1, 1, 1], [1; 2]),
            "mm512" => layer([512, 1, 512, 512, 1, 1, 1], [1; 2]),
            "mv1x1024x4096" => layer([1, 1, 1024, 4096, 1, 1, 1], [1; 2]),
            "conv14" => layer([14, 14, 256, 1024, 1, 1, 1], [1; 2]),
            "conv14mm" => layer([196, 1, 256, 1024, 1, 1, 1], [1; 2]),
            "conv56" => layer([56, 56, 64, 64, 3, 3, 1], [1; 2]),
            other => panic!("{other}"),
        };
        let machine = Machine {
            side: 16,
            accumulator_kb: number(&row("acc_kb")),
            scratchpad_kb: number(&row("sp_kb")),
        };
        let what = format!("{} {} {machine:?}", row("layer"), row("metric"));
        let metric = metric(&row("metric"));
        let hierarchy = least(&shape, &machine, Rule::Hierarchy, metric);
        assert_near(hierarchy, number(&row("forge_value")), &what);
        assert_near(hierarchy, number(&row("own_order")), &what);
        let timeloop = least(&shape, &machine, Rule::Timeloop, metric);
        assert_near(timeloop, number(&row("own_tandem")), &what);
        assert!(timeloop <= hierarchy * (1.0 + 1e-12), "{what}");
    });
    assert_eq!(rows, 36);
}

#[test]
fn enumerated_optima_of_random_products_are_met() {
    let rows = each_row("agree.csv", |row| {
        let [p, c, k, side, bank, scratchpad] = counts(row, ["p", "c", "k", "side", "bank_words", "sp_words"]);
        let shape = layer([p, 1, c, k, 1, 1, 1], [1; 2]);
        let machine = machine(side, bank, scratchpad);
        let what = format!("{shape:?} {machine:?}");
        for (rule, column) in [(Rule::Timeloop, "enum_tandem"), (Rule::Hierarchy, "enum_order")] {
            let ours = least(&shape, &machine, rule, metric(&row("metric")));
            assert_near(ours, number(&row(column)), &what);
        }
    });
    assert_eq!(rows, 120);
}

#[test]
fn enumerated_optima_of_random_convolutions_are_met() {
    let rows = each_row("agree_conv.csv", |row| {
        let [p, q, c, k, r, s] = counts(row, ["p", "q", "c", "k", "r", "s"]);
        let [stride, side, bank, scratchpad] = counts(row, ["stride", "side", "bank_words", "sp_words"]);
        let shape = layer([p, q, c, k, r, s, 1], [stride; 2]);
        let machine = machine(side, bank, scratchpad);
        for (rule, column) in [(Rule::Timeloop, "own_tandem"), (Rule::Hierarchy, "own_order")] {
            let ours = least(&shape, &machine, rule, Metric::Energy);
            assert_near(ours, number(&row(column)), &format!("{shape:?} {machine:?}"));
        }
    });
    assert_eq!(rows, 28);
}

#[test]
fn resnet50_is_mapped_as_by_another_branch_and_bound() {
    let rows = each_row("resnet50.csv", |row| {
        let [p, q, c, k, r, s, stride] = counts(row, ["p", "q", "c", "k", "r", "s", "stride"]);
        let shape = layer([p, q, c, k, r, s, 1], [stride; 2]);
        let machine = Machine {
            side: 16,
            accumulator_kb: number(&row("acc_kb")),
            scratchpad_kb: number(&row("sp_kb")),
        };
        for (metric, column) in [(Metric::Energy, "least_pj"), (Metric::Edp, "least_product")] {
            let ours = least(&shape, &machine, Rule::Timeloop, metric);
            assert_near(ours, number(&row(column)), &format!("{} {machine:?}", row("layer")));
        }
    });
    assert_eq!(rows, 48);
}
