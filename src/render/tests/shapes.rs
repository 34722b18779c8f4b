//! Meshes, ellipsoids, colours of one's own, floors and cameras that follow.

use std::sync::Arc;

use super::*;
use tandem_core::Mesh;

/// A look from the front at the origin, over a floor if there is one; one metre in the middle is 100 pixels of 240.
fn front(shapes: Vec<(Role, Shape)>, floor: Option<f32>) -> Scene {
    let view = View::Camera {
        eye: [0.0, -10.0, 0.0],
        target: [0.0; 3],
        up: UP,
        fov: 2.0 * (0.12f32).atan().to_degrees(),
        floor,
    };
    Scene {
        view,
        shapes,
        caption: String::new(),
    }
}

/// The picture without its margin of 3 pixels.
fn draw(scene: &Scene) -> Image {
    picture(&[Panel { title: "", scene }], (246, 246)).unwrap()
}

/// The colour at a place (m) in the plane through the origin.
fn at(image: &Image, x: f32, z: f32) -> [u8; 3] {
    image
        .pixel((123.0 + 100.0 * x) as u32, (123.0 - 100.0 * z) as u32)
        .unwrap()
}

fn is_red([r, g, b]: [u8; 3]) -> bool {
    i32::from(r) > i32::from(g) + 50 && i32::from(r) > i32::from(b) + 50
}

const RED: Role = Role::Painted([220, 30, 30, 255]);

#[test]
fn a_box_of_triangles_looks_like_a_box() {
    let (half, center, rotation) = (
        [0.4, 0.3, 0.2],
        [0.1, 0.2, 0.1],
        [0.182_574, 0.365_148, 0.547_723, 0.730_297],
    );
    let mesh = Arc::new(Mesh::cuboid(half));
    let shapes = [
        Shape::Cuboid { center, half, rotation },
        Shape::Mesh {
            mesh,
            position: center,
            rotation,
        },
    ];
    let [solid, surface] = shapes.map(|shape| draw(&front(vec![(RED, shape)], Some(-0.6))));
    let differences = solid.rgb.iter().zip(&surface.rgb).map(|(a, b)| a.abs_diff(*b));
    let wrong = differences.filter(|&difference| difference > 3).count();
    assert!(wrong < solid.rgb.len() / 1000, "{wrong} of {} bytes", solid.rgb.len());
    assert!(is_red(at(&surface, 0.1, 0.1)));
}

/// Turned by 90 degrees about y, the axis of 0.8 m points up.
#[test]
fn an_ellipsoid_reaches_as_far_as_its_half_axes() {
    let half = 0.5f32.sqrt();
    let ellipsoid = Shape::Ellipsoid {
        center: [0.0; 3],
        half: [0.8, 0.5, 0.3],
        rotation: [0.0, half, 0.0, half],
    };
    let image = draw(&front(vec![(RED, ellipsoid)], None));
    for (x, z, inside) in [
        (0.0, 0.75, true),
        (0.0, 0.85, false),
        (0.26, 0.0, true),
        (0.35, 0.0, false),
        (0.27, 0.6, false),
    ] {
        assert_eq!(is_red(at(&image, x, z)), inside, "({x}, {z})");
    }
}

#[test]
fn in_the_plane_meshes_and_ellipsoids_are_their_outlines() {
    let rotation = LEVEL;
    let mesh = Shape::Mesh {
        mesh: Arc::new(Mesh::cuboid([0.5, 0.25, 0.1])),
        position: [-1.0, 0.0, 0.0],
        rotation,
    };
    let ellipse = Shape::Ellipsoid {
        center: [1.0, 0.0, 0.0],
        half: [0.5, 0.25, 0.1],
        rotation,
    };
    let scene = Scene {
        view: View::Plane {
            min: [-2.0; 2],
            max: [2.0; 2],
        },
        shapes: vec![(RED, mesh), (RED, ellipse)],
        caption: String::new(),
    };
    let image = picture(
        &[Panel {
            title: "",
            scene: &scene,
        }],
        (406, 406),
    )
    .unwrap();
    let red = |x: f32, y: f32| {
        is_red(
            image
                .pixel((203.0 + 99.0 * x) as u32, (203.0 - 99.0 * y) as u32)
                .unwrap(),
        )
    };
    assert!(red(-1.0, 0.0) && red(-1.45, 0.2) && !red(-1.0, 0.3));
    assert!(red(1.0, 0.2) && red(1.45, 0.0) && !red(1.45, 0.2));
}

#[test]
fn what_is_half_opaque_lets_through_what_is_behind() {
    let ball = |alpha: u8| {
        let (center, radius) = ([0.0; 3], 0.5);
        let shape = Shape::Sphere { center, radius };
        let image = draw(&front(vec![(Role::Painted([220, 30, 30, alpha]), shape)], None));
        let [r, g, _] = at(&image, 0.0, 0.0);
        i32::from(r) - i32::from(g)
    };
    assert!(ball(255) > 2 * ball(128) - 60 && ball(128) > ball(40) && ball(40) > 10);
}

#[test]
fn limbs_at_one_depth_have_one_colour_from_root_to_tip() {
    let color = |depth| palette::of(Role::Limb { depth, deepest: 2 }, 0, 1);
    assert_eq!(color(0), palette::of(Role::Link, 0, 3));
    assert_eq!(color(2), palette::of(Role::Link, 2, 3));
    assert_eq!(palette::of(Role::Limb { depth: 0, deepest: 0 }, 0, 1), color(0));
}

/// Below the horizon there is the floor with the ball's shadow, or nothing but sky.
#[test]
fn there_is_a_floor_only_where_there_is_one() {
    let ball = |floor| {
        let (center, radius) = ([0.0, 0.0, 0.5], 0.3);
        let mut scene = front(vec![(RED, Shape::Sphere { center, radius })], floor);
        if let View::Camera { eye, .. } = &mut scene.view {
            eye[2] = 4.0;
        }
        draw(&scene)
    };
    let shaded = |image: &Image| {
        image
            .rgb
            .chunks(3)
            .filter(|p| p[0].abs_diff(p[1]) < 20 && p[0] < 200)
            .count()
    };
    let (with, without) = (shaded(&ball(Some(0.0))), shaded(&ball(None)));
    assert!(
        with > 500 && without < 50,
        "{with} and {without} grey pixels; the ball's rim is greyish"
    );
}

#[test]
fn a_camera_is_held_as_its_up_says() {
    let (center, radius) = ([0.5, 0.0, 0.0], 0.2);
    let mut scene = front(vec![(RED, Shape::Sphere { center, radius })], None);
    let View::Camera { up, .. } = &mut scene.view else {
        unreachable!("the front is a camera");
    };
    *up = [1.0, 0.0, 0.0];
    assert!(is_red(at(&draw(&scene), 0.0, 0.5)), "x is up");
    let View::Camera { up, .. } = &mut scene.view else {
        unreachable!("the front is a camera");
    };
    *up = [0.0, 3.0, 0.0];
    let refused = picture(
        &[Panel {
            title: "",
            scene: &scene,
        }],
        (64, 64),
    );
    assert!(matches!(refused, Err(RenderError::View(_))), "up along the gaze");
}

/// A ball that runs 30 m, and the camera with it.
fn run() -> Vec<Scene> {
    let moment = |i: usize| {
        let x = 0.5 * i as f32;
        let (center, radius) = ([x, 0.0, 0.0], 0.3);
        let mut scene = front(vec![(RED, Shape::Sphere { center, radius })], None);
        if let View::Camera { eye, target, .. } = &mut scene.view {
            (eye[0], target[0]) = (x, x);
        }
        scene
    };
    (0..=60).map(moment).collect()
}

#[test]
fn a_still_of_a_run_is_its_last_stretch_from_one_place() {
    let scenes = run();
    let (stretch, view) = follow::last_stretch(&scenes).unwrap();
    assert_eq!(
        stretch.len(),
        11,
        "half the camera's distance of 10 m, in steps of half a metre"
    );
    let View::Camera { target, .. } = view else {
        unreachable!("the run is seen by a camera");
    };
    assert_eq!(target, [27.5, 0.0, 0.0], "the middle between 25 and 30 m");
    let stands = vec![scenes[0].clone(); 5];
    assert!(follow::last_stretch(&stands).is_none(), "a camera that stands still");
    let clip = [Clip {
        title: "",
        scenes: &scenes,
    }];
    let image = overlay(&clip, (246, 246), 6).unwrap();
    let reddish = |x: u32| image.pixel(x, 123).is_some_and(|[r, g, _]| r > g && r - g > 8);
    let balls = (1..246).filter(|&x| reddish(x) && !reddish(x - 1)).count();
    assert_eq!(balls, 4, "three pale ones and the present one");
}
