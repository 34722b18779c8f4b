//! Which numbers of the file are designed already: no two edits may change the same.

use std::collections::HashMap;

use super::anatomy::Anatomy;
use super::edit::{Kind, Verb};
use super::resolve::{Action, Source};
use super::stretch::Stretch;

/// Something that only one parameter may change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Claim {
    Number(Kind, usize, String, usize),
    Coefficient(String, String),
    Along(usize),
    Across(usize),
    Mass(usize),
}

/// Notes down what is changed, and refuses what another edit changes already.
pub(super) fn claim(
    action: &Action,
    source: Source,
    place: &str,
    claims: &mut HashMap<Claim, String>,
) -> Result<(), String> {
    let wanted = match action {
        Action::Number {
            kind,
            element,
            field,
            index,
        } => {
            vec![Claim::Number(*kind, *element, field.clone(), *index)]
        }
        Action::Coefficient { tendon, joint } => vec![Claim::Coefficient(tendon.clone(), joint.clone())],
        Action::Stretch(stretch) => {
            let mut wanted = moved(stretch, source.anatomy);
            wanted.extend((stretch.verb != Verb::Thickness).then_some(Claim::Along(stretch.body)));
            wanted.extend((stretch.verb != Verb::Length).then_some(Claim::Across(stretch.body)));
            wanted
        }
        Action::Mesh { .. } => Vec::new(),
        Action::Mass { body } => vec![Claim::Mass(*body)],
    };
    for claim in wanted {
        let shared = matches!(action, Action::Stretch(_)) && matches!(claim, Claim::Number(..));
        // A body may be moved by two neighbours' stretches; marked so that a number edited by hand is not.
        let mark = if shared { format!("~{place}") } else { place.to_string() };
        match claims.insert(claim, mark) {
            Some(other) if !(shared && other.starts_with('~')) => {
                return Err(format!(
                    "it changes what `{}` changes already",
                    other.trim_start_matches('~')
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The raw numbers that a stretch writes.
fn moved(stretch: &Stretch, anatomy: &Anatomy) -> Vec<Claim> {
    let limb = &anatomy.bodies[stretch.body];
    let all = |kind: Kind, elements: &[usize], field: &'static str, count: usize| {
        let elements = elements.to_vec();
        (0..count).flat_map(move |index| {
            elements
                .clone()
                .into_iter()
                .map(move |element| Claim::Number(kind, element, field.into(), index))
        })
    };
    let mut claims = Vec::new();
    if stretch.verb != Verb::Length {
        claims.extend(all(Kind::Geom, &limb.geoms, "size", 1));
    }
    claims.extend(all(Kind::Geom, &limb.geoms, "size", 3).filter(|claim| !matches!(claim, Claim::Number(.., 0))));
    if stretch.verb != Verb::Thickness {
        claims.extend(all(Kind::Geom, &limb.geoms, "pos", 3));
        claims.extend(all(Kind::Geom, &limb.geoms, "fromto", 6));
        claims.extend(all(Kind::Site, &limb.sites, "pos", 3));
        claims.extend(all(Kind::Joint, &limb.joints, "pos", 3));
        claims.extend(all(Kind::Body, &limb.children, "pos", 3));
    }
    claims
}
