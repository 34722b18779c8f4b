use tiny_skia::Pixmap;

use super::curves::{CURVE_POINTS, Summary};
use super::*;

fn axes(title: &str) -> Axes {
    let (x, y) = ("environment steps".into(), "true success".into());
    Axes {
        title: title.into(),
        x,
        y,
        range: Some((0.0, 1.0)),
        ..Axes::default()
    }
}

fn curve(name: &str, values: &[f64]) -> Curve {
    let seed = |&v: &f64| vec![(0.0, 0.0), (1e5, v), (2e5, v)];
    Curve {
        name: name.into(),
        seeds: values.iter().map(seed).collect(),
    }
}

fn rows() -> Vec<Row> {
    let estimate = Estimate {
        value: 0.5,
        low: 0.25,
        high: 0.75,
    };
    vec![Row {
        name: "morph".into(),
        estimate,
        seeds: vec![0.4, 0.6],
    }]
}

#[test]
fn curves_are_quartiles_over_the_seeds_where_all_have_data() {
    let seeds = vec![
        vec![(0.0, 0.0), (2.0, 2.0)],
        vec![(1.0, 5.0), (3.0, 5.0)],
        vec![(0.0, 3.0), (1.0, 3.0), (2.0, 7.0)],
    ];
    // Only 1 <= x <= 2 is covered by all; the first seed is 1 at x = 1 by interpolation.
    let summary = |x, low, center, high| Summary { x, low, center, high };
    let median = summarise(&seeds, Center::Median, false);
    assert_eq!(median, [summary(1.0, 2.0, 3.0, 4.0), summary(2.0, 3.5, 5.0, 6.0)]);
    assert_eq!(summarise(&[], Center::Median, false), []);
    assert_eq!(summarise(&[vec![(0.0, 1.0)], vec![]], Center::Median, false), []);
}

#[test]
fn long_curves_are_thinned_but_keep_their_end() {
    let seed: Vec<_> = (0..1000).map(|i| (f64::from(i), 1.0)).collect();
    let points = summarise(&[seed], Center::InterquartileMean, false);
    assert!(points.len() <= CURVE_POINTS);
    assert_eq!((points[0].x, points[points.len() - 1].x), (0.0, 999.0));
}

#[test]
fn the_front_holds_what_no_other_point_beats() {
    let points = [(1.0, 5.0), (2.0, 3.0), (3.0, 4.0), (4.0, 1.0), (2.0, 3.5)];
    assert_eq!(pareto_front(&points, (Better::Lower, Better::Lower)), [0, 1, 3]);
    assert_eq!(pareto_front(&points, (Better::Lower, Better::Higher)), [0]);
    assert_eq!(pareto_front(&points, (Better::Higher, Better::Higher)), [0, 2, 3]);
}

#[test]
fn figures_name_axes_methods_and_seeds_and_are_deterministic() {
    let draw = || {
        let curves = [curve("morph", &[0.5, 0.9, 1.0]), curve("fixed", &[0.1, 0.2])];
        learning_curves(&axes("reach2d"), &curves, Center::Median).unwrap()
    };
    let svg = draw().svg();
    for text in [
        "reach2d",
        "environment steps",
        "true success",
        "morph (n = 3)",
        "fixed (n = 2)",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    assert!(
        svg.contains("#0072b2") && svg.contains("#d55e00"),
        "one colour per method"
    );
    assert_eq!(svg, draw().svg());
    assert_eq!(draw().png().unwrap(), draw().png().unwrap());
    let names = intervals(&axes("final"), &rows()).unwrap().svg();
    assert!(names.contains("morph (n = 2)"));
}

#[test]
fn pngs_decode_at_two_pixels_per_unit_and_show_the_interval() {
    let image = Pixmap::decode_png(&intervals(&axes(""), &rows()).unwrap().png().unwrap()).unwrap();
    assert_eq!(image.width(), 1280);
    let [r, g, b, _] = palette::SERIES[0];
    let colored = |p: &tiny_skia::PremultipliedColorU8| [p.red(), p.green(), p.blue()] == [r, g, b];
    assert!(image.pixels().iter().filter(|p| colored(p)).count() > 200);
}

#[test]
fn nothing_to_draw_is_an_error_and_bad_numbers_are_left_out() {
    let none = learning_curves(&axes("a"), &[curve("x", &[])], Center::Median);
    assert!(matches!(none, Err(PlotError::Empty(_))));
    assert!(matches!(intervals(&axes("a"), &[]), Err(PlotError::Empty(_))));
    let mut log = axes("a");
    log.log_x = true;
    let bad = [Series {
        name: "x".into(),
        points: vec![(0.0, 1.0), (f64::NAN, 1.0)],
    }];
    assert!(matches!(scatter(&log, &bad, None), Err(PlotError::Empty(_))));
    let one = [Series {
        name: "x".into(),
        points: vec![(10.0, 0.5), (f64::INFINITY, 1.0)],
    }];
    let better = Some((Better::Lower, Better::Higher));
    assert!(scatter(&log, &one, better).unwrap().svg().contains("Pareto front"));
}

#[test]
fn a_run_that_ended_early_keeps_its_last_value() {
    let curves = vec![vec![(1.0, 0.2), (2.0, 1.0)], vec![(1.0, 0.0), (4.0, 0.5)], Vec::new()];
    let longer = held(curves.clone());
    assert_eq!(longer[0], [(1.0, 0.2), (2.0, 1.0), (4.0, 1.0)]);
    assert_eq!(longer[1..], curves[1..]);
}

#[test]
fn a_figure_in_a_page_has_the_pages_colours_and_a_name() {
    let mut axes = axes("<far>");
    axes.marks = vec![(1e5, "fine-tune".into())];
    let series = [Series {
        name: "true".into(),
        points: vec![(0.0, 0.0), (2e5, 1.0)],
    }];
    let svg = lines(&axes, &series).unwrap().inline();
    assert!(
        svg.contains("aria-label=\"&lt;far&gt;: true success, against environment steps\""),
        "{svg}"
    );
    assert!(
        svg.contains("var(--s0, #0072b2)") && svg.contains("var(--ink,") && svg.contains(">fine-tune<"),
        "{svg}"
    );
    assert!(!svg.contains("#ffffff") && !svg.contains(" width=\"640\""), "{svg}");
}

#[test]
fn the_best_so_far_holds_until_there_is_a_better_one() {
    let found = summarise(&[vec![(1.0, 9.0), (4.0, 3.0)]], Center::Median, true);
    let points: Vec<(f64, f64)> = found.iter().map(|p| (p.x, p.center)).collect();
    assert_eq!(points, [(1.0, 9.0), (4.0, 9.0), (4.0, 3.0)]);
}

#[test]
fn names_that_are_too_long_are_cut_so_that_there_is_room_for_data() {
    let mut long = rows();
    long[0].name = "a name ".repeat(40);
    let svg = intervals(&axes(""), &long).unwrap().svg();
    assert!(svg.contains("…</text>") && !svg.contains("=\"-"), "{svg}");
}
