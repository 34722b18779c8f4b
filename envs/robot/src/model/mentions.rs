//! What the text of a robot's file says of other files, and of how many copies of what there will be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::coefficient::attribute;
use super::limits;

/// Attributes of a texture that name a file.
const TEXTURE: [&str; 7] = [
    "file",
    "fileright",
    "fileleft",
    "fileup",
    "filedown",
    "filefront",
    "fileback",
];

/// What a robot's file and those that it includes say besides which files they name.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Where meshes and textures are. Which of these folders MuJoCo takes depends on where an include stands; files that are
    /// there are taken from all of them.
    pub(super) mesh: Vec<PathBuf>,
    pub(super) texture: Vec<PathBuf>,
    pub(super) strip: bool,
    /// How many copies of each attached robot there will be, by its name in `<attach>`.
    pub(super) attached: BTreeMap<String, f64>,
}

/// A file that a text names, as it is written there.
#[derive(Clone, Debug)]
pub(super) enum Named {
    Include(String),
    Attach(String),
    Mesh(String),
    Texture(String),
}

/// Where a file is named.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The folder of the text.
    pub(super) folder: PathBuf,
    /// How many copies of the element there will be.
    pub(super) copies: f64,
}

/// A file that is named somewhere.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    pub(super) what: Named,
    pub(super) place: Place,
}

/// The files that a text names. Text that is no XML is left for MuJoCo to complain about.
///
/// # Errors
/// Copies of an element in such numbers that no memory would do.
pub(super) fn scan(text: &str, place: &Place, said: &mut Said) -> Result<Vec<Mention>, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut named = Vec::new();
    let mut copies = vec![place.copies];
    loop {
        let (tag, opens) = match reader.read_event() {
            Ok(Event::Start(tag)) => (tag, true),
            Ok(Event::Empty(tag)) => (tag, false),
            Ok(Event::End(_)) => {
                copies.truncate(copies.len().saturating_sub(1).max(1));
                continue;
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => continue,
        };
        let outside = copies.last().copied().unwrap_or(1.0);
        let files = look(&tag, outside, said)?;
        named.extend(files.into_iter().map(|what| {
            let folder = place.folder.clone();
            let place = Place {
                folder,
                copies: outside,
            };
            Mention { what, place }
        }));
        let inside = few(outside * count(&tag)?)?;
        if opens {
            copies.push(inside);
        }
    }
    Ok(named)
}

/// Copies of copies of an element, if no memory is too small for them.
fn few(copies: f64) -> Result<f64, String> {
    match copies <= limits::COPIES {
        true => Ok(copies),
        false => Err(format!(
            "copies of copies of an element come to more than {} of it",
            limits::COPIES
        )),
    }
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

/// What an element says, of which there will be so many copies, and the files that it names.
fn look(tag: &BytesStart, copies: f64, said: &mut Said) -> Result<Vec<Named>, String> {
    let file = |name: &str| attribute(tag, name);
    let named = match tag.name().as_ref() {
        "compiler" => {
            let folder = |name: &str| file(name).map(PathBuf::from);
            let all = folder("assetdir");
            said.mesh.extend(folder("meshdir").or(all.clone()));
            said.texture.extend(folder("texturedir").or(all));
            said.strip = file("strippath").map_or(said.strip, |strip| strip == "true");
            None
        }
        "attach" => {
            let sum = said.attached.entry(file("model").unwrap_or_default()).or_default();
            *sum = few(*sum + copies)?;
            None
        }
        "include" => file("file").map(Named::Include),
        "model" => file("file").map(Named::Attach),
        "mesh" => file("file").or(file("filename")).map(Named::Mesh),
        "hfield" | "skin" | "flexcomp" => file("file").map(Named::Mesh),
        "texture" => {
            return Ok(TEXTURE
                .iter()
                .filter_map(|name| file(name))
                .map(Named::Texture)
                .collect());
        }
        _ => None,
    };
    Ok(named.into_iter().collect())
}
