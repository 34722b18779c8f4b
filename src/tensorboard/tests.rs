use super::*;
use std::fs;
use wire::next_field;

/// Step and summary of each event that has one, over all event files in their order.
fn summaries(folder: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let mut rest = &bytes[..];
        while let Some((event, _)) = records::next(&mut rest) {
            let step = number(event, summary::EVENT_STEP).unwrap_or(0);
            found.extend(blob(event, summary::EVENT_SUMMARY).map(|s| (step, s.to_vec())));
        }
        assert!(rest.is_empty(), "every record has the right checksums");
    }
    found
}

fn blob(mut message: &[u8], wanted: u32) -> Option<&[u8]> {
    let mut fields = std::iter::from_fn(|| next_field(&mut message));
    fields.find(|field| field.0 == wanted).map(|field| field.2)
}

fn number(mut message: &[u8], wanted: u32) -> Option<u64> {
    let mut fields = std::iter::from_fn(|| next_field(&mut message));
    fields.find(|field| field.0 == wanted).map(|field| field.1)
}

fn tag(summary: &[u8]) -> String {
    let value = blob(summary, 1).unwrap();
    String::from_utf8(blob(value, 1).unwrap().to_vec()).unwrap()
}

fn doubles(message: &[u8], field: u32) -> Vec<f64> {
    let bytes = blob(message, field).unwrap().chunks_exact(8);
    bytes
        .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

#[test]
fn messages_have_the_bytes_that_protocol_buffers_prescribe() {
    // protobuf.dev, "Encoding": field 1 = 150 is 08 96 01, field 2 = "testing" is 12 07 and the text.
    let message = Message::new().number(1, 150).text(2, "testing");
    assert_eq!(message.bytes(), b"\x08\x96\x01\x12\x07testing");
    let nested = Message::new().message(3, &Message::new().number(1, 150));
    assert_eq!(nested.bytes(), b"\x1a\x03\x08\x96\x01");
}

#[test]
fn a_scalar_is_in_the_file_while_the_board_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    board.scalar("train/return", 7, 1.5);
    let found = summaries(folder.path());
    assert_eq!(
        (found.len(), found[0].0, tag(&found[0].1)),
        (1, 7, "train/return".into())
    );
    let value = blob(&found[0].1, 1).unwrap();
    assert_eq!(blob(value, 2).unwrap(), 1.5f32.to_le_bytes());
}

#[test]
fn steps_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    for step in 0..1000 {
        board.scalar("x", step, step as f64);
    }
    drop(board);
    let steps: Vec<u64> = summaries(folder.path()).iter().map(|s| s.0).collect();
    assert_eq!(steps, (0..1000).collect::<Vec<_>>());
}

#[test]
fn no_step_appears_twice_after_a_resume() {
    let folder = tempfile::tempdir().unwrap();
    let steps = |tag_wanted: &str| -> Vec<u64> {
        let found = summaries(folder.path());
        let tagged = found.iter().filter(|(_, s)| tag(s) == tag_wanted);
        tagged.map(|(step, _)| *step).collect()
    };
    let mut board = Board::open(folder.path(), 0);
    for step in 1..=9 {
        board.scalar("often", step, 0.0);
    }
    board.scalar("seldom", 8, 0.0);
    drop(board);
    let torn = fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let length = fs::metadata(&torn).unwrap().len();
    fs::File::options()
        .write(true)
        .open(&torn)
        .unwrap()
        .set_len(length - 3)
        .unwrap();

    let mut board = Board::open(folder.path(), 6);
    assert_eq!(
        (steps("often"), steps("seldom")),
        ((1..=6).collect(), vec![])
    );
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
fn a_run_that_died_before_its_first_checkpoint_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut board = Board::open(folder.path(), 0);
        board.text("experiment", 0, "# Reach");
        board.scalar("x", 1, 0.0);
    }
    assert_eq!(summaries(folder.path()).len(), 2);
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
        let message = summary::histogram("h", values);
        let value = blob(message.bytes(), 1).unwrap();
        let histogram = blob(value, 5).unwrap();
        let (limits, counts) = (doubles(histogram, 6), doubles(histogram, 7));
        assert_eq!(limits.len(), counts.len());
        assert_eq!(counts.iter().sum::<f64>(), finite, "{values:?}");
        assert!(
            limits.is_sorted() && limits.iter().all(|l| l.is_finite()),
            "{limits:?}"
        );
        let mut low = f64::NEG_INFINITY;
        for (limit, count) in limits.iter().zip(&counts) {
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
    let found = summaries(folder.path());
    let image = blob(blob(&found[0].1, 1).unwrap(), 4).unwrap();
    assert_eq!((number(image, 1), number(image, 2)), (Some(3), Some(2)));
    let map = tiny_skia::Pixmap::decode_png(blob(image, 4).unwrap()).unwrap();
    let colours: Vec<u8> = map
        .pixels()
        .iter()
        .flat_map(|p| [p.red(), p.green(), p.blue()])
        .collect();
    assert_eq!((map.width(), map.height(), colours), (2, 3, rgb));
}

#[test]
fn settings_and_final_figures_are_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut board = Board::open(folder.path(), 0);
    let values = [("rate".to_owned(), Value::from(0.1))];
    board.hparams(&values, &["final/success"]);
    board.result(9, &[("final/success", 0.9)]);
    board.finish();
    let tags: Vec<String> = summaries(folder.path()).iter().map(|s| tag(&s.1)).collect();
    assert_eq!(
        tags,
        [
            "_hparams_/experiment",
            "_hparams_/session_start_info",
            "final/success",
            "_hparams_/session_end_info"
        ]
    );
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
    assert!(summaries(folder.path()).is_empty());
}
