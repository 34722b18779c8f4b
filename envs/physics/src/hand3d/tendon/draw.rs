//! Pictures of the tendon hand.

use super::hand::{LINK_RADIUS, PALM_RADIUS};
use super::machine::{PALM_HALF_HEIGHT, Sight};
use super::object::{Kind, Object};
use super::state::State;
use tandem_core::scene::{Role, Scene, Shape, View};

/// Radius of the ball that marks a contact, m.
const CONTACT_RADIUS: f32 = 0.005;

/// The current state: table, object, palm, fingers, contacts.
pub fn scene(state: &State) -> Scene {
    let upright = [0.0, 0.0, 0.0, 1.0];
    let mut shapes = vec![(
        Role::Wall,
        Shape::Cuboid {
            center: [0.0, 0.0, -0.01],
            half: [0.2, 0.2, 0.01],
            rotation: upright,
        },
    )];
    let mut caption = String::new();
    if let Some(sight) = state.sight() {
        shapes.push((Role::Object, object_shape(&sight, state.object())));
        let palm = Shape::Cylinder {
            center: [0.0, 0.0, sight.palm],
            radius: PALM_RADIUS as f32,
            half_height: PALM_HALF_HEIGHT as f32,
            rotation: upright,
        };
        shapes.push((Role::Base, palm));
        for [root, knuckle, tip] in sight.fingers {
            let radius = LINK_RADIUS as f32;
            for (a, b) in [(root, knuckle), (knuckle, tip)] {
                shapes.push((Role::Link, Shape::Capsule { a, b, radius }));
            }
            for center in [root, knuckle] {
                let radius = 1.15 * radius;
                shapes.push((Role::Joint, Shape::Sphere { center, radius }));
            }
        }
        let radius = CONTACT_RADIUS;
        let balls = state
            .contacts()
            .into_iter()
            .map(|center| Shape::Sphere { center, radius });
        shapes.extend(balls.map(|ball| (Role::Contact, ball)));
        let lift = super::world::lift(state.object(), &sight);
        caption = format!("lift {:.0} mm", (1e3 * lift).round() + 0.0); // + 0: no -0
    }
    Scene {
        view: View::Camera {
            eye: [0.38, -0.46, 0.32],
            target: [0.0, 0.0, 0.11],
            up: [0.0, 0.0, 1.0],
            fov: 35.0,
            floor: Some(-0.02), // the table's lower side
        },
        shapes,
        caption,
    }
}

fn object_shape(sight: &Sight, object: &Object) -> Shape {
    let (center, rotation) = sight.object;
    let [w, h] = [object.half_width, object.half_height].map(|x| x as f32);
    match object.kind {
        Kind::Box => Shape::Cuboid {
            center,
            half: [w, w, h],
            rotation,
        },
        Kind::Sphere => Shape::Sphere { center, radius: w },
        Kind::Cylinder => Shape::Cylinder {
            center,
            radius: w,
            half_height: h,
            rotation,
        },
    }
}
