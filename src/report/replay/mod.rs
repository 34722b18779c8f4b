//! Recorded episodes in a compact form that a page replays.
//!
//! A film is cut into *tracks*: the n-th shape of the same kind, role and colour in each scene is one track. A shape is a row of
//! numbers, stored as whole multiples of a step: a capsule its two ends and radius, and so on (`numbers`). Numbers that
//! never change are stored once; the others as differences from moment to moment, seven bits to a byte, in Base64.
//! Surfaces of triangles are stored once for all films. `assets/decode.js` reads it back.

mod meshes;
mod stream;

use serde::Serialize;
use tandem_core::{Role, Scene, Shape, View};

use crate::render::{framed, palette};
use meshes::Meshes;
use stream::Stream;

/// Largest replay in a page, bytes.
pub const MOST: usize = 1_800_000;
/// Steps of length per extent of what is seen.
const STEPS: f32 = 8192.0;
/// Steps of the numbers of a unit quaternion.
const TURNS: f32 = 4096.0;
/// Longest distance between stored moments, in control steps.
const LONGEST_STRIDE: usize = 16;

/// A recorded episode of one machine.
pub struct Film {
    /// What is shown, for example `learnt design`.
    pub title: String,
    /// How it ended.
    pub outcome: String,
    /// One scene per moment.
    pub scenes: Vec<Scene>,
}

/// Films that are shown side by side.
pub struct Episode {
    /// For example `episode 1`.
    pub label: String,
    /// They begin together.
    pub films: Vec<Film>,
}

/// A replay as the page holds it.
pub struct Replay {
    /// JSON.
    pub data: String,
    /// Every so manieth moment is stored.
    pub stride: usize,
    /// How many of the episodes are in it.
    pub episodes: usize,
}

#[derive(Serialize)]
struct Data {
    /// Seconds between stored moments.
    dt: f64,
    /// Every so manieth moment is stored.
    stride: usize,
    episodes: Vec<EpisodeData>,
    meshes: Vec<meshes::MeshData>,
}

#[derive(Serialize)]
struct EpisodeData {
    label: String,
    films: Vec<FilmData>,
}

#[derive(Serialize)]
struct FilmData {
    title: String,
    outcome: String,
    frames: usize,
    /// Length of a step, m.
    unit: f32,
    view: ViewData,
    /// Captions where they change: moment and text.
    captions: Vec<(usize, String)>,
    tracks: Vec<TrackData>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum ViewData {
    /// Corners, and whether units are metres.
    Plane { min: [f32; 2], max: [f32; 2], metres: bool },
    /// From the point looked at to the eye; the point over time.
    Camera {
        eye: [f32; 3],
        up: [f32; 3],
        fov: f32,
        floor: Option<f32>,
        target: Stream,
    },
}

#[derive(Serialize)]
struct TrackData {
    /// Kind of shape: index into the kinds of `decode.js`.
    kind: u8,
    role: &'static str,
    color: String,
    opacity: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh: Option<usize>,
    /// First moment and the one after the last, of each stretch in which it is there.
    there: Vec<[usize; 2]>,
    stream: Stream,
}

/// The episodes in at most `most` bytes: of long ones every second moment, or every fourth, and so on; then fewer of them.
/// `control_dt` is the time between scenes, s. `None` where there is nothing to see.
pub fn replay(episodes: &[Episode], control_dt: f64, most: usize) -> Option<Replay> {
    let visible = |episode: &&Episode| {
        episode
            .films
            .iter()
            .any(|film| film.scenes.iter().any(|s| !s.shapes.is_empty()))
    };
    let shown: Vec<&Episode> = episodes.iter().filter(visible).collect();
    for kept in (1..=shown.len()).rev() {
        let strides = std::iter::successors(Some(1), |stride| Some(2 * stride));
        for stride in strides.take_while(|&stride| stride <= LONGEST_STRIDE) {
            let data = encode(&shown[..kept], control_dt, stride);
            let data = serde_json::to_string(&data).ok()?;
            if data.len() <= most {
                return Some(Replay {
                    data,
                    stride,
                    episodes: kept,
                });
            }
        }
    }
    None
}

fn encode(episodes: &[&Episode], control_dt: f64, stride: usize) -> Data {
    let mut meshes = Meshes::default();
    let episodes = episodes.iter().map(|episode| EpisodeData {
        label: episode.label.clone(),
        films: episode
            .films
            .iter()
            .map(|film| encode_film(film, stride, &mut meshes))
            .collect(),
    });
    Data {
        dt: control_dt * stride as f64,
        stride,
        episodes: episodes.collect(),
        meshes: meshes.finish(),
    }
}

fn encode_film(film: &Film, stride: usize, meshes: &mut Meshes) -> FilmData {
    let last = film.scenes.len().saturating_sub(1);
    let chosen = film
        .scenes
        .iter()
        .enumerate()
        .filter(|(i, _)| i % stride == 0 || *i == last);
    let scenes: Vec<&Scene> = chosen.map(|(_, scene)| scene).collect();
    let unit = extent(&film.scenes) / STEPS;
    FilmData {
        title: film.title.clone(),
        outcome: film.outcome.clone(),
        frames: scenes.len(),
        unit,
        view: view(&scenes, unit),
        captions: captions(&scenes),
        tracks: tracks(&scenes, unit, meshes),
    }
}

/// How much there is to see, m.
fn extent(scenes: &[Scene]) -> f32 {
    let extent = match scenes.first().map(|scene| &scene.view) {
        Some(View::Plane { min, max } | View::Chart { min, max }) => (max[0] - min[0]).max(max[1] - min[1]),
        Some(View::Camera { eye, target, .. }) => (0..3).map(|i| (eye[i] - target[i]).powi(2)).sum::<f32>().sqrt(),
        None => 1.0,
    };
    if extent.is_finite() && extent > 0.0 {
        extent
    } else {
        1.0
    }
}

fn view(scenes: &[&Scene], unit: f32) -> ViewData {
    match scenes.first().map(|scene| &scene.view) {
        Some(&View::Camera {
            eye,
            target,
            up,
            fov,
            floor,
        }) => {
            let targets = scenes.iter().map(|scene| match scene.view {
                View::Camera { target, .. } => target.map(|x| steps(x, unit)).to_vec(),
                _ => vec![0; 3],
            });
            ViewData::Camera {
                eye: std::array::from_fn(|i| eye[i] - target[i]),
                up,
                fov,
                floor,
                target: Stream::new(&targets.collect::<Vec<_>>()),
            }
        }
        Some(&View::Plane { min, max }) => plane(framed(scenes[0], [min, max]), true),
        Some(&View::Chart { min, max }) => plane([min, max], false),
        None => plane([[-1.0; 2], [1.0; 2]], false),
    }
}

fn plane([min, max]: [[f32; 2]; 2], metres: bool) -> ViewData {
    ViewData::Plane { min, max, metres }
}

fn captions(scenes: &[&Scene]) -> Vec<(usize, String)> {
    let mut captions: Vec<(usize, String)> = Vec::new();
    for (i, scene) in scenes.iter().enumerate() {
        if captions.last().is_none_or(|(_, text)| *text != scene.caption) {
            captions.push((i, scene.caption.clone()));
        }
    }
    captions
}

/// What makes shapes of two moments the same thing.
#[derive(Clone, PartialEq)]
struct Key {
    kind: u8,
    role: &'static str,
    color: [u8; 4],
    mesh: Option<usize>,
    /// Which one of those that are alike.
    number: usize,
}

/// A track while it is collected.
struct Track {
    key: Key,
    /// Its place in the drawing order where it first appears.
    place: usize,
    there: Vec<[usize; 2]>,
    rows: Vec<Vec<i32>>,
}

fn tracks(scenes: &[&Scene], unit: f32, meshes: &mut Meshes) -> Vec<TrackData> {
    let mut tracks: Vec<Track> = Vec::new();
    for (moment, scene) in scenes.iter().enumerate() {
        let links = scene.shapes.iter().filter(|(role, _)| *role == Role::Link).count();
        let mut link = 0;
        let mut seen: Vec<Key> = Vec::new();
        for (place, (role, shape)) in scene.shapes.iter().enumerate() {
            let color = palette::of(*role, link, links);
            link += usize::from(*role == Role::Link);
            let (kind, row) = numbers(shape, unit);
            if row.contains(&i32::MAX) {
                continue; // not finite, or far outside
            }
            let mesh = match shape {
                Shape::Mesh { mesh, .. } => Some(meshes.index(mesh)),
                _ => None,
            };
            let mut key = Key {
                kind,
                role: name(*role),
                color,
                mesh,
                number: 0,
            };
            while seen.contains(&key) {
                key.number += 1;
            }
            seen.push(key.clone());
            let at = tracks.iter().position(|track| track.key == key).unwrap_or_else(|| {
                tracks.push(Track {
                    key,
                    place,
                    there: Vec::new(),
                    rows: Vec::new(),
                });
                tracks.len() - 1
            });
            tracks[at].add(moment, row);
        }
    }
    tracks.sort_by_key(|track| track.place); // stable
    tracks.iter().map(Track::data).collect()
}

impl Track {
    fn add(&mut self, moment: usize, mut row: Vec<i32>) {
        if let (Some(before), Some(turn)) = (self.rows.last(), turn(self.key.kind)) {
            // q and -q are the same orientation; the nearer one is smooth
            let along: i64 = (turn..turn + 4).map(|i| i64::from(row[i]) * i64::from(before[i])).sum();
            if along < 0 {
                row[turn..turn + 4].iter_mut().for_each(|x| *x = -*x);
            }
        }
        self.rows.push(row);
        match self.there.last_mut() {
            Some([_, end]) if *end == moment => *end += 1,
            _ => self.there.push([moment, moment + 1]),
        }
    }

    fn data(&self) -> TrackData {
        let [r, g, b, a] = self.key.color;
        TrackData {
            kind: self.key.kind,
            role: self.key.role,
            color: format!("#{r:02x}{g:02x}{b:02x}"),
            opacity: (f32::from(a) / 2.55).round() / 100.0,
            mesh: self.key.mesh,
            there: self.there.clone(),
            stream: Stream::new(&self.rows),
        }
    }
}

/// A length in steps; the largest whole number for what cannot be shown.
fn steps(length: f32, unit: f32) -> i32 {
    let steps = (length / unit).round();
    if steps.abs() < 1e9 { steps as i32 } else { i32::MAX }
}

/// Where the orientation begins in the numbers of a kind.
fn turn(kind: u8) -> Option<usize> {
    match kind {
        1 | 4 => Some(6),
        2 => Some(5),
        5 => Some(3),
        _ => None,
    }
}

/// A shape's kind and numbers: lengths, then the orientation where it has one.
///
/// | kind | numbers |
/// |---|---|
/// | 0 capsule | both ends, radius |
/// | 1 cuboid, 4 ellipsoid | centre, half extents, orientation |
/// | 2 cylinder | centre, radius, half height, orientation |
/// | 3 sphere | centre, radius |
/// | 5 surface | position, orientation |
fn numbers(shape: &Shape, unit: f32) -> (u8, Vec<i32>) {
    let (kind, lengths, rotation) = match shape {
        Shape::Capsule { a, b, radius } => (0, [&a[..], b, &[*radius]].concat(), None),
        Shape::Cuboid { center, half, rotation } => (1, [&center[..], half].concat(), Some(rotation)),
        Shape::Cylinder {
            center,
            radius,
            half_height,
            rotation,
        } => (2, [&center[..], &[*radius, *half_height]].concat(), Some(rotation)),
        Shape::Sphere { center, radius } => (3, [&center[..], &[*radius]].concat(), None),
        Shape::Ellipsoid { center, half, rotation } => (4, [&center[..], half].concat(), Some(rotation)),
        Shape::Mesh { position, rotation, .. } => (5, position.to_vec(), Some(rotation)),
    };
    let mut row: Vec<i32> = lengths.into_iter().map(|x| steps(x, unit)).collect();
    row.extend(rotation.into_iter().flatten().map(|&x| steps(x, 1.0 / TURNS)));
    (kind, row)
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Link => "link",
        Role::Joint => "joint",
        Role::Base => "base",
        Role::Wall => "wall",
        Role::Goal => "goal",
        Role::Object => "object",
        Role::Button => "button",
        Role::Trace => "trace",
        Role::Contact => "contact",
        Role::Tendon => "tendon",
        Role::Limb { .. } => "limb",
        Role::Painted(_) => "painted",
    }
}

#[cfg(test)]
mod tests;
