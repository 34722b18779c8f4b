//! Pictures of the pressing hand.

use super::hand::{FINGERS, Hand, LINK_RADIUS, PALM_RADIUS};
use super::machine::PALM_HALF_HEIGHT;
use super::state::State;
use super::task::{BOX_HALF, BUTTON_HALF};
use crate::hand3d::parts::Placed;
use tandem_core::scene::{Role, Scene, Shape, View};

/// Radius of the ball that marks a contact, m.
const CONTACT_RADIUS: f32 = 0.005;

/// The current state: table, palm, fingers, box, button, contacts.
pub fn scene(state: &State, design: &[f64]) -> Scene {
    let mut shapes = vec![(
        Role::Wall,
        Shape::Cuboid {
            center: [0.0, 0.0, -0.01],
            half: [0.26, 0.16, 0.01],
            rotation: [0.0, 0.0, 0.0, 1.0],
        },
    )];
    let mut caption = String::new();
    if let (Some(sight), Some(palm)) = (state.sight(), state.palm_height()) {
        let cuboid = |(center, rotation): Placed, half: [f64; 3]| Shape::Cuboid {
            center,
            half: half.map(|h| h as f32),
            rotation,
        };
        shapes.push((Role::Object, cuboid(sight.object, BOX_HALF)));
        shapes.push((Role::Button, cuboid(sight.button, BUTTON_HALF)));
        shapes.push((
            Role::Base,
            Shape::Cylinder {
                center: [0.0, 0.0, palm],
                radius: PALM_RADIUS as f32,
                half_height: PALM_HALF_HEIGHT as f32,
                rotation: [0.0, 0.0, 0.0, 1.0],
            },
        ));
        fingers(state, design, palm, &mut shapes);
        let radius = CONTACT_RADIUS;
        let contacts = state.contacts().into_iter();
        let contacts = contacts.map(|center| Shape::Sphere { center, radius });
        shapes.extend(contacts.map(|shape| (Role::Contact, shape)));
        let grip = sight.grip(palm);
        // + 0: no -0
        let [lift, pressed] = [1e3 * grip.lift, (1e4 * grip.press).round() / 10.0].map(|mm| mm + 0.0);
        caption = format!("lift {:.0} mm, button {pressed:.1} mm", lift.round() + 0.0);
    }
    Scene {
        view: View::Camera {
            eye: [0.3, -0.42, 0.3],
            target: [0.02, 0.0, 0.06],
            up: [0.0, 0.0, 1.0],
            fov: 35.0,
            floor: Some(-0.02), // the table's lower side
        },
        shapes,
        caption,
    }
}

/// Both links and the joints of every finger.
fn fingers(state: &State, design: &[f64], palm: f32, shapes: &mut Vec<(Role, Shape)>) {
    let radius = LINK_RADIUS as f32;
    for i in 0..FINGERS {
        let (Some(hand), Some([knuckle, tip])) = (Hand::new(design), state.finger(i)) else {
            return;
        };
        let [x, y, _] = hand.fingers[i].root().map(|v| v as f32);
        let root = [x, y, palm];
        for (a, b) in [(root, knuckle), (knuckle, tip)] {
            shapes.push((Role::Link, Shape::Capsule { a, b, radius }));
        }
        for center in [root, knuckle] {
            let radius = 1.15 * radius;
            shapes.push((Role::Joint, Shape::Sphere { center, radius }));
        }
    }
}
