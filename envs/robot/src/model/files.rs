//! The files that a robot consists of: its own, what it includes, and the meshes, textures and other files that it names.
//!
//! All paths here are absolute and without `..`: MuJoCo goes up a folder by dropping its name, also where that is a link.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::error::{ModelError, unknown};
use super::limits;
use super::mentions::{Mention, Named, Place, Said, scan};

/// The files of a robot.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// All of them, the model first.
    all: Vec<PathBuf>,
    attaches: bool,
}

impl Files {
    /// Looks for the files of a robot. What is not found is left for MuJoCo to complain about.
    ///
    /// # Errors
    /// A robot's file that cannot be read.
    pub(super) fn of(model: &Path) -> Result<Self, ModelError> {
        let refuse = |reason: String| ModelError::File {
            path: model.into(),
            reason,
        };
        let text = read(model).map_err(refuse)?;
        let known = model
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("xml") || end.eq_ignore_ascii_case("urdf"));
        if !known {
            return Err(refuse(
                "a robot's file is MJCF or URDF and ends in `.xml` or `.urdf`".into(),
            ));
        }
        if model.to_str().is_none_or(|path| path.contains('\0')) {
            return Err(refuse("its path is not UTF-8, which MuJoCo cannot open".into()));
        }
        let model = whole(model).map_err(|error| refuse(error.to_string()))?;
        let mut search = Search {
            found: vec![model.clone()],
            seen: BTreeSet::new(),
            open: Vec::new(),
            attaches: false,
        };
        search.robot(&model, &text, 1.0).map_err(refuse)?;
        Ok(Self {
            attaches: search.attaches,
            all: search.found,
        })
    }

    /// The robot's file.
    pub(super) fn model(&self) -> &Path {
        &self.all[0]
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        folder_of(self.model())
    }

    /// All files, the robot's own first.
    pub(super) fn all(&self) -> &[PathBuf] {
        &self.all
    }

    /// Whether other robots' files are attached to it.
    pub(super) fn attaches(&self) -> bool {
        self.attaches
    }

    /// All of them, each with its path relative to the deepest folder that holds them all.
    pub(super) fn placed(&self) -> Vec<(&Path, &Path)> {
        let common = self.all.iter().fold(self.folder().to_path_buf(), |common, path| {
            let shared = common.components().zip(path.components()).take_while(|(a, b)| a == b);
            shared.map(|(part, _)| part).collect()
        });
        self.all
            .iter()
            .map(|path| (path.as_path(), path.strip_prefix(&common).unwrap_or(path)))
            .collect()
    }

    /// Copies all of them, each in the same place relative to the others.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn copy_to(&self, folder: &Path) -> std::io::Result<PathBuf> {
        let placed = self.placed();
        for (original, inside) in &placed {
            let target = folder.join(inside);
            std::fs::create_dir_all(folder_of(&target))?;
            std::fs::copy(original, &target)?;
        }
        Ok(folder.join(placed[0].1))
    }
}

/// An absolute path to a file, without `..`.
fn whole(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if path.components().any(|part| part == Component::ParentDir) => {
            Ok(folder.canonicalize()?.join(name)) // above a link is what lies above the place it leads to
        }
        _ => Ok(path),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// A path without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(path),
        _ => format!("cannot be read: {error}"),
    })?;
    if !size.is_file() {
        return Err("is no file".into());
    }
    if size.len() > limits::TEXT {
        return Err(format!(
            "has {} bytes; a robot's file has at most {}",
            size.len(),
            limits::TEXT
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    match bytes.contains(&0) {
        true => Err("is no text".into()),
        false => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// There is no such file; which one was meant.
fn missing(path: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let beside = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut robots: Vec<String> = beside.filter_map(|entry| name(&entry.path())).collect();
    robots.retain(|name| name.ends_with(".xml") || name.ends_with(".urdf"));
    robots.sort();
    match (folder.is_dir(), robots.is_empty()) {
        (false, _) => "there is no such file, and no such folder".into(),
        (true, true) => "there is no such file, and no other robot's beside it".into(),
        (true, false) => unknown(
            "file",
            &name(path).unwrap_or_default(),
            robots.iter().map(String::as_str),
        ),
    }
}

struct Search {
    found: Vec<PathBuf>,
    seen: BTreeSet<PathBuf>,
    /// The robot that is being read and those that attach it, from the first one.
    open: Vec<PathBuf>,
    attaches: bool,
}

impl Search {
    /// A robot's file, of which there will be so many copies, and all that belongs to it.
    fn robot(&mut self, path: &Path, text: &str, copies: f64) -> Result<(), String> {
        if self.open.iter().any(|open| open == path) {
            return Err(format!("{} is attached to itself", path.display()));
        }
        if !self.seen.insert(path.into()) {
            return Ok(());
        }
        self.open.push(path.into());
        let mut said = Said::default();
        let base = folder_of(path);
        let folder = base.into();
        let place = Place { folder, copies };
        let named = self.texts(base, text, place, &mut said)?;
        let attached = said.attached.values().fold(copies, |most, &copies| copies.max(most));
        for Mention { what, .. } in named {
            match what {
                Named::Mesh(file) => self.asset(base, &said.mesh, said.strip, &file),
                Named::Texture(file) => self.asset(base, &said.texture, said.strip, &file),
                Named::Attach(file) => {
                    self.attaches = true;
                    if let Some(file) = self.find(&[base.join(&file)]) {
                        self.robot(&file, &part(&file)?, attached)?;
                    }
                }
                Named::Include(_) => {}
            }
        }
        self.open.pop();
        Ok(())
    }

    /// The files that a text and what it includes name. Included files are pasted into it, so their paths start where its do.
    fn texts(&mut self, base: &Path, text: &str, place: Place, said: &mut Said) -> Result<Vec<Mention>, String> {
        let mut named = scan(text, &place, said)?;
        let mut next = 0;
        while let Some(Mention { what, place }) = named.get(next).cloned() {
            next += 1;
            let Named::Include(file) = what else { continue };
            if let Some(file) = self.find(&[base.join(&file), place.folder.join(&file)])
                && self.seen.insert(file.clone())
            {
                let folder = folder_of(&file).into();
                let place = Place { folder, ..place };
                named.extend(scan(&part(&file)?, &place, said)?);
            }
        }
        Ok(named)
    }

    /// A mesh or texture, in all folders where it could be meant.
    fn asset(&mut self, base: &Path, folders: &[PathBuf], strip: bool, file: &str) {
        let bare = Path::new(file).file_name().map_or(file.into(), PathBuf::from);
        let file = if strip { &bare } else { Path::new(file) };
        for folder in folders.iter().map(PathBuf::as_path).chain([Path::new("")]) {
            self.find(&[base.join(folder).join(file), base.join(folder).join(&bare)]);
        }
    }

    /// Takes the first of these that is a file.
    fn find(&mut self, places: &[PathBuf]) -> Option<PathBuf> {
        let file = places.iter().map(|place| tidy(place)).find(|place| place.is_file())?;
        if !self.found.contains(&file) {
            self.found.push(file.clone());
        }
        Some(file)
    }
}

/// The text of a file that belongs to a robot's.
fn part(path: &Path) -> Result<String, String> {
    read(path).map_err(|reason| format!("{}: {reason}", path.display()))
}
