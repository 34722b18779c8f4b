mod animation;
mod shapes;

use super::*;

const LEVEL: [f32; 4] = [0.0, 0.0, 0.0, 1.0];
const UP: [f32; 3] = [0.0, 0.0, 1.0];

/// A two-link arm at this angle, a wall on the right and a goal.
fn arm(angle: f32) -> Scene {
    let elbow = [angle.cos(), angle.sin(), 0.0];
    let tip = [elbow[0] + (2.0 * angle).cos(), elbow[1] + (2.0 * angle).sin(), 0.0];
    let radius = 0.06;
    let shapes = vec![
        (
            Role::Wall,
            Shape::Cuboid {
                center: [2.3, 0.0, 0.0],
                half: [0.1, 1.0, 0.1],
                rotation: LEVEL,
            },
        ),
        (
            Role::Goal,
            Shape::Sphere {
                center: [0.0, 1.8, 0.0],
                radius: 0.15,
            },
        ),
        (
            Role::Link,
            Shape::Capsule {
                a: [0.0; 3],
                b: elbow,
                radius,
            },
        ),
        (
            Role::Link,
            Shape::Capsule {
                a: elbow,
                b: tip,
                radius,
            },
        ),
        (
            Role::Joint,
            Shape::Sphere {
                center: [0.0; 3],
                radius: 0.05,
            },
        ),
        (
            Role::Joint,
            Shape::Sphere {
                center: elbow,
                radius: 0.05,
            },
        ),
    ];
    let view = View::Plane {
        min: [-2.5, -2.5],
        max: [2.5, 2.5],
    };
    Scene {
        view,
        shapes,
        caption: format!("angle {angle:.2} rad"),
    }
}

/// Every shape under a camera, above the ground.
fn still_life() -> Scene {
    let turned = [0.0, 0.0, 0.382_683_43, 0.923_879_5];
    let shapes = vec![
        (
            Role::Base,
            Shape::Cuboid {
                center: [-0.5, 0.3, 0.2],
                half: [0.2, 0.2, 0.2],
                rotation: turned,
            },
        ),
        (
            Role::Object,
            Shape::Cylinder {
                center: [0.5, 0.4, 0.3],
                radius: 0.2,
                half_height: 0.3,
                rotation: LEVEL,
            },
        ),
        (
            Role::Button,
            Shape::Sphere {
                center: [0.5, -0.4, 0.2],
                radius: 0.2,
            },
        ),
        (
            Role::Link,
            Shape::Capsule {
                a: [-0.6, -0.4, 0.1],
                b: [0.0, -0.4, 0.6],
                radius: 0.1,
            },
        ),
    ];
    let view = View::Camera {
        eye: [0.0, -3.0, 1.8],
        target: [0.0, 0.0, 0.2],
        up: UP,
        fov: 35.0,
        floor: Some(0.0),
    };
    Scene {
        view,
        shapes,
        caption: String::new(),
    }
}

fn motion(frames: usize) -> Vec<Scene> {
    (0..frames).map(|i| arm(0.1 * i as f32)).collect()
}

fn close(pixel: Option<[u8; 3]>, color: canvas::Color, tolerance: u8) -> bool {
    pixel.is_some_and(|p| (0..3).all(|i| p[i].abs_diff(color[i]) <= tolerance))
}

#[test]
fn png_of_a_picture_decodes_to_the_same_pixels() {
    let scene = arm(0.3);
    let image = picture(
        &[Panel {
            title: "arm",
            scene: &scene,
        }],
        (200, 160),
    )
    .unwrap();
    let decoded = tiny_skia::Pixmap::decode_png(&image.png().unwrap()).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (200, 160));
    let rgb: Vec<u8> = decoded
        .pixels()
        .iter()
        .flat_map(|p| [p.red(), p.green(), p.blue()])
        .collect();
    assert_eq!(rgb, image.rgb);
}

#[test]
fn planar_shapes_appear_in_their_colour_where_they_are() {
    let mut scene = arm(0.0); // stretched along x
    scene.caption.clear();
    let image = picture(
        &[Panel {
            title: "",
            scene: &scene,
        }],
        (410, 410),
    )
    .unwrap();
    // Margins of 5 pixels leave 400 for 5 m: 80 pixels per metre around (205, 205).
    let at = |x: f32, y: f32| image.pixel((205.0 + 80.0 * x) as u32, (205.0 - 80.0 * y) as u32);
    assert!(close(at(2.3, 0.5), palette::of(Role::Wall, 0, 1), 2));
    assert!(close(at(0.5, 0.0), palette::of(Role::Link, 0, 2), 2));
    assert!(close(at(1.5, 0.0), palette::of(Role::Link, 1, 2), 2));
    assert!(close(at(0.0, 1.8), palette::of(Role::Goal, 0, 1), 2));
    assert!(close(at(0.0, 0.0), canvas::rgb(0xffffff), 2), "a joint's dot");
    assert!(close(at(-1.55, 1.45), palette::PAPER, 2));
    assert_eq!(image.pixel(410, 0), None);
}

#[test]
fn a_picture_without_metres_has_no_scale() {
    let blank = |view: View| {
        let scene = Scene {
            view,
            shapes: Vec::new(),
            caption: String::new(),
        };
        let panel = Panel {
            title: "",
            scene: &scene,
        };
        let image = picture(&[panel], (210, 210)).unwrap();
        let inside = (10..200).flat_map(|x| (10..200).map(move |y| (x, y)));
        let mut pixels = inside.map(|(x, y)| image.pixel(x, y));
        pixels.all(|pixel| close(pixel, palette::PAPER, 1))
    };
    let (min, max) = ([0.0; 2], [10.0, 8.0]);
    assert!(blank(View::Chart { min, max }));
    assert!(!blank(View::Plane { min, max }));
}

#[test]
fn cameras_show_lit_bodies_their_shadow_and_the_ground() {
    let scene = still_life();
    let image = picture(
        &[Panel {
            title: "",
            scene: &scene,
        }],
        (320, 240),
    )
    .unwrap();
    // The view's middle is (0, 0, 0.2): the button, 0.5 m to the right and 0.4 m nearer, is at the lower right.
    let [r, g, b] = image.pixel(213, 151).unwrap();
    assert!(r > 150 && g < 130 && b < 130, "button: {r} {g} {b}");
    let brightness = |x, y| image.pixel(x, y).unwrap().iter().map(|&v| u32::from(v)).sum::<u32>();
    // The light comes from the left: the ground right of the button is darker than left of it.
    assert!(brightness(247, 166) + 60 < brightness(160, 205), "shadow");
    assert!(brightness(10, 20) > 600, "sky");
}

#[test]
fn a_nearer_body_hides_a_farther_one() {
    let sphere = |y: f32, role| {
        (
            role,
            Shape::Sphere {
                center: [0.0, y, 0.5],
                radius: 0.3,
            },
        )
    };
    let view = View::Camera {
        eye: [0.0, -4.0, 0.5],
        target: [0.0, 0.0, 0.5],
        up: UP,
        fov: 30.0,
        floor: Some(0.0),
    };
    for order in [[0, 1], [1, 0]] {
        let both = [sphere(-1.0, Role::Button), sphere(1.0, Role::Base)];
        let shapes = order.map(|i| both[i].clone()).to_vec();
        let scene = Scene {
            view: view.clone(),
            shapes,
            caption: String::new(),
        };
        let image = picture(
            &[Panel {
                title: "",
                scene: &scene,
            }],
            (120, 120),
        )
        .unwrap();
        let [r, g, _] = image.pixel(60, 60).unwrap();
        assert!(r > g + 60, "the red one is in front: {r} {g}");
    }
}

#[test]
fn overlays_show_where_the_machine_has_been() {
    let scenes = motion(12);
    let clip = [Clip {
        title: "",
        scenes: &scenes,
    }];
    let last = overlay(&clip, (400, 400), 0).unwrap();
    let ghosts = overlay(&clip, (400, 400), 3).unwrap();
    // The first moment lies along x; at (0.6, 0) m only its ghost is drawn.
    let at = (200 + (0.6 * 78.0) as u32, 189);
    let tinted = |image: &Image| {
        let p = image.pixel(at.0, at.1).unwrap();
        p.iter().max().unwrap() - p.iter().min().unwrap()
    };
    assert!(tinted(&last) < 12 && tinted(&ghosts) > 12);
    assert_eq!(filmstrip(&clip, (600, 150), 4).unwrap().width, 600);
}

#[test]
fn moments_are_even_and_include_both_ends() {
    let scenes = motion(11);
    let captions: Vec<_> = moments(&scenes, 3).iter().map(|s| s.caption.clone()).collect();
    assert_eq!(captions, ["angle 0.00 rad", "angle 0.50 rad", "angle 1.00 rad"]);
    assert_eq!(moments(&scenes, 1)[0].caption, "angle 1.00 rad");
    assert_eq!(moments(&scenes, 99).len(), 11);
}

#[test]
fn text_grows_with_its_size_and_is_drawn() {
    let narrow = text_width("distance 0.12 m", 10.0, false);
    assert!((text_width("distance 0.12 m", 20.0, false) - 2.0 * narrow).abs() < 1e-3);
    let mut canvas = Canvas::new(64, 32, canvas::rgb(0xffffff)).unwrap();
    let style = TextStyle {
        size: 28.0,
        color: palette::INK,
        bold: true,
        anchor: Anchor::Middle,
    };
    canvas.text([32.0, 27.0], style, "I");
    assert!(
        close(canvas.into_image().pixel(32, 17), palette::INK, 2),
        "the stem of the letter"
    );
}

#[test]
fn what_cannot_be_drawn_is_an_error_and_what_is_not_finite_is_left_out() {
    let scene = arm(0.0);
    let panel = [Panel {
        title: "",
        scene: &scene,
    }];
    assert!(matches!(picture(&panel, (0, 100)), Err(RenderError::Size { .. })));
    assert!(matches!(picture(&[], (100, 100)), Err(RenderError::Empty(_))));
    let clip = [Clip { title: "", scenes: &[] }];
    assert!(matches!(overlay(&clip, (100, 100), 3), Err(RenderError::Empty(_))));
    let scenes = motion(2);
    let clip = [Clip {
        title: "",
        scenes: &scenes,
    }];
    let fast = animate(&clip, (100, 100), 51, Vec::new());
    assert!(matches!(fast, Err(RenderError::FramesPerSecond(51))));

    let mut blind = still_life();
    blind.view = View::Camera {
        eye: [1.0; 3],
        target: [1.0; 3],
        up: UP,
        fov: 40.0,
        floor: None,
    };
    let panel = [Panel {
        title: "",
        scene: &blind,
    }];
    assert!(matches!(picture(&panel, (100, 100)), Err(RenderError::View(_))));

    let mut exploded = still_life();
    let lost = Shape::Sphere {
        center: [f32::NAN, 0.0, 1e30],
        radius: 0.1,
    };
    exploded.shapes.push((Role::Object, lost));
    let pictures = [still_life(), exploded].map(|scene| {
        picture(
            &[Panel {
                title: "",
                scene: &scene,
            }],
            (80, 60),
        )
        .unwrap()
    });
    assert_eq!(pictures[0], pictures[1]);
}
