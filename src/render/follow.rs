//! Still pictures of motions that a camera follows: what stays in sight of one camera that stands still.

use tandem_core::{Scene, View};

use super::mesh::{add_scaled, dot, subtract};

/// How long the path in the picture is at most, in distances of the camera that follows.
const PATH: f32 = 0.5;
/// The most moments of it that are told apart.
pub(super) const MOMENTS: usize = 4;
/// How much farther away the camera stands that sees this path.
const BACK: f32 = 1.9;

/// The last part of a motion that one camera sees as a whole, and that camera; none if the camera does not move anyway. Whatever
/// the length of the path, the camera stands back by the same factor, so that motions side by side have one scale.
pub(super) fn last_stretch(scenes: &[Scene]) -> Option<(&[Scene], View)> {
    let last = scenes.last()?;
    let View::Camera {
        eye,
        target: end,
        up,
        fov,
        floor,
    } = last.view
    else {
        return None;
    };
    if scenes.iter().all(|scene| scene.view == last.view) {
        return None;
    }
    let offset = subtract(eye, end);
    let room = PATH * dot(offset, offset).sqrt();
    let near = |scene: &&Scene| match scene.view {
        View::Camera { target, .. } => {
            let way = subtract(target, end);
            dot(way, way) <= room * room
        }
        _ => false,
    };
    let count = scenes.iter().rev().take_while(near).count().max(1);
    let stretch = &scenes[scenes.len() - count..];
    let View::Camera { target: start, .. } = stretch[0].view else {
        return None;
    };
    let target = add_scaled(start, 0.5, subtract(end, start));
    let view = View::Camera {
        eye: add_scaled(target, BACK, offset),
        target,
        up,
        fov,
        floor,
    };
    Some((stretch, view))
}
