//! The colours of all pictures.

use tandem_core::Role;

use super::canvas::{Color, mix, rgb};

/// The page around the panels.
pub(crate) const PAGE: Color = rgb(0xeef1f5);
/// The ground of a panel.
pub(crate) const PAPER: Color = rgb(0xfbfcfd);
/// Lines of the grid.
pub(crate) const GRID: Color = rgb(0xe9edf2);
/// Titles and outlines.
pub(crate) const INK: Color = rgb(0x1f2937);
/// Captions and scale bars.
pub(crate) const QUIET: Color = rgb(0x64748b);

/// The ground under a camera.
pub(super) const GROUND: Color = rgb(0xf1f4f8);
/// Behind everything, at eye level.
pub(super) const HORIZON: Color = rgb(0xe3e9f0);
/// Behind everything, above.
pub(super) const SKY: Color = rgb(0xf8fafc);

/// Base to tip: indigo, blue, teal, amber, orange.
const LINKS: [Color; 5] = [
    rgb(0x4f5bd5),
    rgb(0x2f8fd0),
    rgb(0x22a699),
    rgb(0xf2be22),
    rgb(0xf29727),
];

/// Colours of methods in plots, distinguishable with the common colour blindnesses (after Okabe and Ito 2008).
pub(crate) const SERIES: [Color; 8] = [
    rgb(0x0072b2),
    rgb(0xd55e00),
    rgb(0x009e73),
    rgb(0xcc79a7),
    rgb(0x7a5195),
    rgb(0x56b4e9),
    rgb(0xb58900),
    rgb(0x4d4d4d),
];

/// Colour of a shape; `index` of `count` is the position of a link in its chain.
pub(crate) fn of(role: Role, index: usize, count: usize) -> Color {
    match role {
        Role::Link => {
            let at = (LINKS.len() - 1) as f32 * index as f32 / (count.max(2) - 1) as f32;
            let left = (at as usize).min(LINKS.len() - 2);
            mix(LINKS[left], LINKS[left + 1], at - left as f32)
        }
        Role::Joint => rgb(0xe8ecf1),
        Role::Base => rgb(0x475569),
        Role::Wall => rgb(0x94a3b8),
        Role::Goal => rgb(0xe11d48),
        Role::Object => rgb(0xd6a35c),
        Role::Button => rgb(0xef4444),
        Role::Trace => rgb(0xf43f5e),
        Role::Contact => rgb(0x16a34a),
        Role::Tendon => rgb(0xb4234a),
        Role::Limb { depth, deepest } => of(Role::Link, usize::from(depth), usize::from(deepest) + 1),
        Role::Painted(color) => color,
    }
}
