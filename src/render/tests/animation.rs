use super::*;

/// Size, number of frames and their delays (hundredths of a second) as a decoder reads them.
fn decode(bytes: &[u8]) -> ((u16, u16), Vec<u16>) {
    let mut decoder = gif::DecodeOptions::new().read_info(bytes).unwrap();
    let mut delays = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        delays.push(frame.delay);
    }
    ((decoder.width(), decoder.height()), delays)
}

#[test]
fn animations_have_a_frame_per_moment_and_hold_the_shorter_motion() {
    let (long, short) = (motion(7), motion(3));
    let clips = [
        Clip {
            title: "a",
            scenes: &long,
        },
        Clip {
            title: "b",
            scenes: &short,
        },
    ];
    let mut bytes = Vec::new();
    animate(&clips, (160, 90), 20, &mut bytes).unwrap();
    let (size, delays) = decode(&bytes);
    assert_eq!(size, (160, 90));
    assert_eq!(delays, [5, 5, 5, 5, 5, 5, 120]);
}

#[test]
fn changes_add_up_to_the_last_picture() {
    let scenes = motion(6);
    let mut bytes = Vec::new();
    animate(
        &[Clip {
            title: "t",
            scenes: &scenes,
        }],
        (120, 90),
        10,
        &mut bytes,
    )
    .unwrap();
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes.as_slice()).unwrap();
    let mut shown = vec![0u8; 120 * 90 * 3];
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        for (i, pixel) in frame.buffer.chunks_exact(4).enumerate() {
            let (x, y) = (i % usize::from(frame.width), i / usize::from(frame.width));
            let at = (usize::from(frame.top) + y) * 120 + usize::from(frame.left) + x;
            if pixel[3] > 0 {
                shown[3 * at..3 * at + 3].copy_from_slice(&pixel[..3]);
            }
        }
    }
    let last = with_path(&scenes, 5);
    let exact = picture(
        &[Panel {
            title: "t",
            scene: &last,
        }],
        (120, 90),
    )
    .unwrap();
    let errors = shown.iter().zip(&exact.rgb).map(|(a, b)| u32::from(a.abs_diff(*b)));
    let mean = f64::from(errors.sum::<u32>()) / exact.rgb.len() as f64;
    assert!(mean < 2.0, "mean error of the palette: {mean}");
}

#[test]
fn animations_have_the_same_bytes_with_any_number_of_threads() {
    let scenes = motion(5);
    let bytes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut out = Vec::new();
        let clips = [Clip {
            title: "t",
            scenes: &scenes,
        }];
        pool.install(|| animate(&clips, (96, 64), 10, &mut out)).unwrap();
        out
    };
    assert_eq!(bytes(1), bytes(3));
}
