//! The files that a robot consists of: its own, what it includes, and the meshes, textures and other files that it names.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::coefficient::attribute;
use super::error::{ModelError, unknown};
use super::limits;

/// Attributes that name a file, by element.
const TEXTURE: [&str; 7] = [
    "file",
    "fileright",
    "fileleft",
    "fileup",
    "filedown",
    "filefront",
    "fileback",
];

/// The files of a robot.
#[derive(Clone, Debug)]
pub(super) struct Files {
    model: PathBuf,
    /// All of them, the model first.
    all: Vec<PathBuf>,
    attaches: bool,
}

/// Where the compiler settings of a file, and of those that it includes, say that meshes and textures are. Which of them MuJoCo
/// takes depends on where an include stands; files that are there are taken from all of them.
#[derive(Clone, Debug, Default)]
struct Folders {
    mesh: Vec<PathBuf>,
    texture: Vec<PathBuf>,
    strip: bool,
}

/// A file that is named in another one.
#[derive(Clone, Debug)]
enum Named {
    Include(String),
    Attach(String),
    Mesh(String),
    Texture(String),
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
        let mut search = Search {
            found: vec![model.into()],
            seen: BTreeSet::new(),
            attaches: false,
        };
        search.robot(model, &text).map_err(refuse)?;
        Ok(Self {
            model: model.into(),
            all: search.found,
            attaches: search.attaches,
        })
    }

    /// The robot's file.
    pub(super) fn model(&self) -> &Path {
        &self.model
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        self.model.parent().unwrap_or(Path::new(""))
    }

    /// All files.
    pub(super) fn all(&self) -> &[PathBuf] {
        &self.all
    }

    /// Whether other robots' files are attached to it.
    pub(super) fn attaches(&self) -> bool {
        self.attaches
    }

    /// Where all of them are, and their paths relative to the deepest folder that holds them all.
    ///
    /// # Errors
    /// No current folder for paths that start there.
    pub(super) fn placed(&self) -> std::io::Result<Vec<(PathBuf, PathBuf)>> {
        let whole = self
            .all
            .iter()
            .map(|path| std::path::absolute(path).map(|path| tidy(&path)));
        let whole: Vec<PathBuf> = whole.collect::<std::io::Result<_>>()?;
        let beside = whole[0].parent().unwrap_or(Path::new("/")).to_path_buf();
        let common = whole.iter().skip(1).fold(beside, |common, path| {
            let shared = common.components().zip(path.components()).take_while(|(a, b)| a == b);
            shared.map(|(part, _)| part).collect()
        });
        let inside = |path: PathBuf| (path.clone(), path.strip_prefix(&common).unwrap_or(&path).to_path_buf());
        Ok(whole.into_iter().map(inside).collect())
    }

    /// Copies all of them, each in the same place relative to the others.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn copy_to(&self, folder: &Path) -> std::io::Result<PathBuf> {
        let placed = self.placed()?;
        for (original, inside) in &placed {
            let target = folder.join(inside);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::copy(original, &target)?;
        }
        Ok(folder.join(&placed[0].1))
    }
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
    attaches: bool,
}

impl Search {
    /// A robot's file and all that belongs to it. Included files are pasted into it, so their paths start where its do.
    fn robot(&mut self, path: &Path, text: &str) -> Result<(), String> {
        if !self.seen.insert(tidy(path)) {
            return Ok(());
        }
        let base = path.parent().unwrap_or(Path::new(""));
        let mut folders = Folders::default();
        let mut named = scan(text, &mut folders)?;
        let mut next = 0;
        while next < named.len() {
            if let (Named::Include(file), from) = named[next].clone() {
                let beside = from.unwrap_or_else(|| base.to_path_buf());
                if let Some(file) = self.find(&[base.join(&file), beside.join(&file)])
                    && self.seen.insert(tidy(&file))
                {
                    let inner = scan(&read(&file)?, &mut folders)?;
                    let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
                    named.extend(inner.into_iter().map(|(what, _)| (what, Some(folder.clone()))));
                }
            }
            next += 1;
        }
        for (what, _) in named {
            let mut look_in = |folders: &Folders, said: &[PathBuf], file: &str| {
                let bare = Path::new(file).file_name().map_or(file.into(), PathBuf::from);
                let file = if folders.strip { &bare } else { Path::new(file) };
                for folder in said.iter().map(PathBuf::as_path).chain([Path::new("")]) {
                    self.find(&[base.join(folder).join(file), base.join(folder).join(&bare)]);
                }
            };
            match what {
                Named::Mesh(file) => look_in(&folders, &folders.mesh, &file),
                Named::Texture(file) => look_in(&folders, &folders.texture, &file),
                Named::Attach(file) => {
                    self.attaches = true;
                    if let Some(file) = self.find(&[base.join(&file)]) {
                        self.robot(&file, &read(&file)?)?;
                    }
                }
                Named::Include(_) => {}
            }
        }
        Ok(())
    }

    /// Takes the first of these that is a file.
    fn find(&mut self, places: &[PathBuf]) -> Option<PathBuf> {
        let file = places.iter().find(|place| place.is_file())?;
        if !self.found.iter().any(|known| tidy(known) == tidy(file)) {
            self.found.push(file.clone());
        }
        Some(file.clone())
    }
}

type Mention = (Named, Option<PathBuf>);

/// The files that a text names. Text that is no XML is left for MuJoCo to complain about.
///
/// # Errors
/// Copies of an element in such numbers that no memory would do.
fn scan(text: &str, folders: &mut Folders) -> Result<Vec<Mention>, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut named = Vec::new();
    let mut copies = vec![];
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                look(&tag, folders, &mut named);
                copies.push(count(&tag)?);
                if copies.iter().product::<f64>() > limits::COPIES {
                    return Err(format!(
                        "copies of copies of an element come to more than {} of it",
                        limits::COPIES
                    ));
                }
            }
            Ok(Event::Empty(tag)) => {
                look(&tag, folders, &mut named);
                count(&tag)?;
            }
            Ok(Event::End(_)) => drop(copies.pop()),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(named.into_iter().map(|what| (what, None)).collect())
}

/// How many copies an element stands for; on the way, whether its numbers can be had at all.
fn count(tag: &BytesStart) -> Result<f64, String> {
    limits::check_tag(tag.name().as_ref(), |name| attribute(tag, name))?;
    let counted = matches!(tag.name().as_ref(), "replicate" | "flexcomp" | "composite");
    let Some(text) = attribute(tag, "count").filter(|_| counted) else {
        return Ok(1.0);
    };
    let counts = text
        .split_whitespace()
        .map(|count| count.parse::<f64>().unwrap_or(1.0).max(1.0));
    let copies: f64 = counts.product();
    match copies <= limits::COPIES {
        true => Ok(copies),
        false => Err(format!(
            "`count=\"{text}\"` asks for more than {} copies of an element",
            limits::COPIES
        )),
    }
}

fn look(tag: &BytesStart, folders: &mut Folders, named: &mut Vec<Named>) {
    match tag.name().as_ref() {
        "compiler" => {
            let folder = |name: &str| attribute(tag, name).map(PathBuf::from);
            let all = folder("assetdir");
            folders.mesh.extend(folder("meshdir").or(all.clone()));
            folders.texture.extend(folder("texturedir").or(all));
            folders.strip = attribute(tag, "strippath").map_or(folders.strip, |strip| strip == "true");
        }
        "include" => named.extend(attribute(tag, "file").map(Named::Include)),
        "model" => named.extend(attribute(tag, "file").map(Named::Attach)),
        "mesh" => named.extend(attribute(tag, "file").or(attribute(tag, "filename")).map(Named::Mesh)),
        "hfield" | "skin" | "flexcomp" => named.extend(attribute(tag, "file").map(Named::Mesh)),
        "texture" => named.extend(
            TEXTURE
                .iter()
                .filter_map(|name| attribute(tag, name))
                .map(Named::Texture),
        ),
        _ => {}
    }
}
