use super::*;
use std::fs;

use protobuf::Message;
use tensorboard_proto::event::Event;
use tensorboard_proto::plugin_hparams::HParamsPluginData;
use tensorboard_proto::summary::Summary_Value;

/// Step and value of each summary, over all event files in their order.
fn values(folder: &Path) -> Vec<(i64, Summary_Value)> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let mut rest = &bytes[..];
        while let Some((event, _)) = records::next(&mut rest) {
            let event = Event::parse_from_bytes(event).unwrap();
            let logged = event.get_summary().get_value().iter();
            found.extend(logged.map(|value| (event.get_step(), value.clone())));
        }
        assert!(rest.is_empty(), "every record has the right checksums");
    }
    found
}

fn tags(folder: &Path) -> Vec<String> {
    let found = values(folder).into_iter();
    found.map(|(_, value)| value.get_tag().to_owned()).collect()
}

/// The content of the only value of an hparams summary.
fn hparams(value: &Summary_Value) -> HParamsPluginData {
    let data = value.get_metadata().get_plugin_data();
    assert_eq!(data.get_plugin_name(), "hparams");
    HParamsPluginData::parse_from_bytes(data.get_content()).unwrap()
}

#[test]
fn a_scalar_is_in_the_file_while_the_board_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    board.scalar("train/return", 7, 1.5);
    let found = values(folder.path());
    assert_eq!(found.len(), 1);
    let (step, value) = &found[0];
    assert_eq!((*step, value.get_tag()), (7, "train/return"));
    assert_eq!(value.get_simple_value(), 1.5);
}

#[test]
fn steps_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    for step in 0..1000 {
        board.scalar("x", step, step as f64);
    }
    drop(board);
    let steps: Vec<i64> = values(folder.path()).iter().map(|s| s.0).collect();
    assert_eq!(steps, (0..1000).collect::<Vec<_>>());
}

#[test]
fn no_step_appears_twice_after_a_resume() {
    let folder = tempfile::tempdir().unwrap();
    let steps = |tag: &str| -> Vec<i64> {
        let found = values(folder.path());
        let tagged = found.iter().filter(|(_, value)| value.get_tag() == tag);
        tagged.map(|(step, _)| *step).collect()
    };
    let mut board = Board::open(folder.path(), 0);
    for step in 1..=9 {
        board.scalar("often", step, 0.0);
    }
    board.scalar("seldom", 8, 0.0);
    drop(board);
    let torn = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let length = fs::metadata(&torn).unwrap().len();
    fs::File::options()
        .write(true)
        .open(&torn)
        .unwrap()
        .set_len(length - 3)
        .unwrap();

    let mut board = Board::open(folder.path(), 6);
    assert_eq!((steps("often"), steps("seldom")), ((1..=6).collect(), vec![]));
    for step in 7..=12 {
        board.scalar("often", step, 1.0);
    }
    drop(board);
    assert_eq!(steps("often"), (1..=12).collect::<Vec<_>>());
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "the second writer has its own file"
    );
}

#[test]
fn the_result_of_a_finished_run_that_is_resumed_is_on_record_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut board = Board::open(folder.path(), 9);
        board.result(9, &[("final/success", 0.9)]);
    }
    assert_eq!(tags(folder.path()), ["final/success", "_hparams_/session_end_info"]);
}

#[test]
fn a_run_that_died_before_its_first_checkpoint_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut board = Board::open(folder.path(), 0);
        board.text("experiment", 0, "# Reach");
        board.scalar("x", 1, 0.0);
    }
    assert_eq!(tags(folder.path()), ["experiment", "x"]);
}

#[test]
fn histograms_count_every_finite_value_once() {
    let cases: [&[f64]; 5] = [
        &[1.0, 2.0, 2.5, -4.0, f64::NAN, 1e3],
        &[3.0; 8],
        &[],
        &[f64::MAX, -f64::MAX],
        &[0.0, f64::INFINITY],
    ];
    for values in cases {
        let finite = values.iter().filter(|v| v.is_finite()).count() as f64;
        let summary = summary::histogram("h", values);
        let histogram = summary.get_value()[0].get_histo();
        let (limits, counts) = (histogram.get_bucket_limit(), histogram.get_bucket());
        assert_eq!(limits.len(), counts.len());
        assert_eq!(counts.iter().sum::<f64>(), finite, "{values:?}");
        assert!(limits.is_sorted() && limits.iter().all(|l| l.is_finite()), "{limits:?}");
        let mut low = f64::NEG_INFINITY;
        for (limit, count) in limits.iter().zip(counts) {
            let inside = values
                .iter()
                .filter(|v| v.is_finite() && **v > low && **v <= *limit)
                .count() as f64;
            assert!(
                (inside - count).abs() <= 1.0,
                "rounding moves a value by one bucket at most"
            );
            low = *limit;
        }
    }
}

#[test]
fn images_are_png_files_of_the_right_size() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    let rgb: Vec<u8> = (0..3 * 2 * 3).collect();
    board.image("view", 3, 2, 3, &rgb);
    let found = values(folder.path());
    let image = found[0].1.get_image();
    assert_eq!((image.get_width(), image.get_height()), (2, 3));
    let map = tiny_skia::Pixmap::decode_png(image.get_encoded_image_string()).unwrap();
    let colours: Vec<u8> = map
        .pixels()
        .iter()
        .flat_map(|p| [p.red(), p.green(), p.blue()])
        .collect();
    assert_eq!((map.width(), map.height(), colours), (2, 3, rgb));
}

#[test]
fn a_text_is_a_tensor_of_one_string_for_the_page_text() {
    let folder = tempfile::tempdir().unwrap();
    Board::open(folder.path(), 0).text("experiment", 0, "# Reach");
    let found = values(folder.path());
    let (tensor, data) = (found[0].1.get_tensor(), found[0].1.get_metadata().get_plugin_data());
    assert_eq!(tensor.get_string_val(), [b"# Reach".to_vec()]);
    assert_eq!(tensor.get_tensor_shape().get_dim()[0].get_size(), 1);
    assert_eq!(data.get_plugin_name(), "text");
}

#[test]
fn settings_and_final_figures_are_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    let settings = [
        ("rate".to_owned(), Value::from(0.1)),
        ("method".to_owned(), Value::from("joint")),
        ("frozen".to_owned(), Value::from(true)),
    ];
    board.hparams(&settings, &["final/success"]);
    board.result(9, &[("final/success", 0.9)]);
    board.sync();
    let wanted = [
        "_hparams_/experiment",
        "_hparams_/session_start_info",
        "final/success",
        "_hparams_/session_end_info",
    ];
    assert_eq!(tags(folder.path()), wanted);

    let found = values(folder.path());
    let columns = hparams(&found[0].1);
    let columns = columns.get_experiment();
    let names: Vec<_> = columns.get_hparam_infos().iter().map(|i| i.get_name()).collect();
    assert_eq!(names, ["rate", "method", "frozen"]);
    let metric = columns.get_metric_infos()[0].get_name();
    assert_eq!(metric.get_tag(), "final/success");
    let row = hparams(&found[1].1);
    let row = row.get_session_start_info().get_hparams();
    assert_eq!(row["rate"].get_number_value(), 0.1);
    assert_eq!(row["method"].get_string_value(), "joint");
    assert!(row["frozen"].get_bool_value());
}

#[test]
fn errors_silence_the_board_and_never_reach_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut board = Board::open(&file.join("below"), 3);
    board.scalar("x", 1, 1.0);

    let mut board = Board::open(folder.path(), 0);
    board.image("view", 0, 2, 2, &[0; 5]);
    board.image("view", 0, 0, 0, &[]);
    board.scalar("x", 1, 1.0);
    drop(board);
    assert!(tags(folder.path()).is_empty());
}

#[test]
fn a_panic_while_logging_silences_the_board_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    board.log(0, || panic!("as the crate does where it refuses an argument"));
    board.scalar("x", 1, 1.0);
    assert!(tags(folder.path()).is_empty());
}

/// Linux's `/dev/full` takes no byte, as a full disk does.
#[test]
fn a_full_disk_silences_the_board() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    board.file = Some(File::options().write(true).open("/dev/full").unwrap());
    board.scalar("x", 1, 1.0);
    assert!(board.file.is_none());
    board.scalar("x", 2, 1.0);
    board.sync();
}
