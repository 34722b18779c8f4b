//! The robot's file as text: written with all digits, and the coefficients of fixed tendons, which MuJoCo lets nobody change
//! but in the text.

use std::path::Path;

use mujoco_rs::error::MjEditError;
use mujoco_rs::wrappers::MjSpec;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

use super::error::said;

/// Digits that a double needs to be read back as the same number.
const DIGITS: i32 = 17;

unsafe extern "C" {
    /// Digits with which MuJoCo writes numbers from now on, in this thread.
    #[link_name = "_mjPRIVATE__set_xml_precision"]
    fn set_xml_precision(precision: i32);
}

/// A compiled file as MJCF.
///
/// # Errors
/// MuJoCo's own.
pub(super) fn save(spec: &MjSpec) -> Result<String, String> {
    // SAFETY: it sets a number.
    unsafe { set_xml_precision(DIGITS) };
    let mut size = 1 << 18;
    for _ in 0..3 {
        match spec.save_xml_string(size) {
            Err(MjEditError::XmlBufferTooSmall { required_size }) => size = required_size + 1,
            other => return other.map_err(said),
        }
    }
    Err("the edited file cannot be written".into())
}

/// A compiled file with other coefficients: `(tendon, joint, coefficient)`. `folder` is where its meshes are found.
///
/// # Errors
/// MuJoCo's own; a coefficient that is not in the text.
pub(super) fn rewrite(spec: &MjSpec, folder: &Path, coefficients: &[(String, String, f64)]) -> Result<MjSpec, String> {
    let text = replace(&save(spec)?, coefficients)?;
    let mut anew = MjSpec::from_xml_string(&text).map_err(said)?;
    anew.set_modelfiledir(folder.to_str().ok_or("the path of the robot's folder is not UTF-8")?);
    Ok(anew)
}

fn replace(text: &str, coefficients: &[(String, String, f64)]) -> Result<String, String> {
    let (mut reader, mut writer) = (Reader::from_str(text), Writer::new(Vec::new()));
    let (mut tendon, mut replaced) = (None, 0);
    let lost = |error: &dyn std::fmt::Display| format!("the edited file cannot be read back: {error}");
    loop {
        let event = reader.read_event().map_err(|error| lost(&error))?;
        let event = match event {
            Event::Eof => break,
            Event::Start(tag) if tag.name().as_ref() == "fixed" => {
                tendon = attribute(&tag, "name");
                Event::Start(tag)
            }
            Event::End(tag) if tag.name().as_ref() == "fixed" => {
                tendon = None;
                Event::End(tag)
            }
            Event::Empty(tag) if tag.name().as_ref() == "joint" && tendon.is_some() => {
                let joint = attribute(&tag, "joint");
                let wanted =
                    |(t, j, _): &&(String, String, f64)| Some(t) == tendon.as_ref() && Some(j) == joint.as_ref();
                match coefficients.iter().find(wanted) {
                    Some((_, joint, value)) => {
                        replaced += 1;
                        let mut tag = BytesStart::new("joint");
                        tag.push_attribute(("joint", joint.as_str()));
                        tag.push_attribute(("coef", format!("{value:?}").as_str()));
                        Event::Empty(tag)
                    }
                    None => Event::Empty(tag),
                }
            }
            other => other,
        };
        writer.write_event(event).map_err(|error| lost(&error))?;
    }
    match replaced >= coefficients.len() {
        true => String::from_utf8(writer.into_inner()).map_err(|error| lost(&error)),
        false => Err("a tendon's coefficient got lost in the edited file".into()),
    }
}

/// An attribute's value with its entities resolved.
pub(super) fn attribute(tag: &BytesStart, name: &str) -> Option<String> {
    let raw = tag.try_get_attribute(name).ok()??;
    quick_xml::escape::unescape(&raw.value).ok().map(Into::into)
}
