//! The language in which a parameter says what of the robot's file it changes.
//!
//! ```text
//! edit   = [ factor "*" ] target
//! target = KIND ":" PATTERN "." FIELD [ "[" INDEX "]" ]        geom:*_foot.size[0]
//!        | "tendon" ":" PATTERN "." "coef" "[" JOINT "]"       tendon:flexor.coef[joint_2]
//!        | "option" "." FIELD [ "[" INDEX "]" ]                option.gravity[2]
//!        | VERB "(" HOLDER ":" PATTERN ")"                     length(body:*_thigh)
//! ```
//! The number in the file becomes the factor times the parameter's value. `*` and `?` in a pattern stand for any characters
//! and for one. A verb's holder is a body, or a geom or joint of it, for bodies without a name.

/// Kinds of elements whose numbers can be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Body,
    Geom,
    Joint,
    Site,
    Actuator,
    Tendon,
    Mesh,
    Equality,
    Option,
}

impl Kind {
    pub(super) const ALL: [Kind; 9] = [
        Kind::Body,
        Kind::Geom,
        Kind::Joint,
        Kind::Site,
        Kind::Actuator,
        Kind::Tendon,
        Kind::Mesh,
        Kind::Equality,
        Kind::Option,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Body => "body",
            Kind::Geom => "geom",
            Kind::Joint => "joint",
            Kind::Site => "site",
            Kind::Actuator => "actuator",
            Kind::Tendon => "tendon",
            Kind::Mesh => "mesh",
            Kind::Equality => "equality",
            Kind::Option => "option",
        }
    }
}

/// Edits with physics in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Verb {
    /// Stretches a body along its main shape's axis; the value is the length of that shape, m.
    Length,
    /// Sets a body's mass, kg.
    Mass,
    /// Scales all lengths of a body; the value is the factor.
    Scale,
    /// Scales a body's shapes across its axis; the value is the radius of its main shape, m.
    Thickness,
}

impl Verb {
    const ALL: [Verb; 4] = [Verb::Length, Verb::Mass, Verb::Scale, Verb::Thickness];

    pub(super) fn name(self) -> &'static str {
        match self {
            Verb::Length => "length",
            Verb::Mass => "mass",
            Verb::Scale => "scale",
            Verb::Thickness => "thickness",
        }
    }
}

/// What an edit changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// A number of elements of one kind.
    Number {
        kind: Kind,
        pattern: String,
        field: String,
        index: Option<usize>,
    },
    /// How much a joint pulls at a fixed tendon.
    Coefficient { tendon: String, joint: String },
    /// A body's shape or mass.
    Verb { verb: Verb, holder: Kind, pattern: String },
}

/// An edit as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edit {
    pub(super) factor: f64,
    pub(super) target: Target,
}

/// Reads an edit.
///
/// # Errors
/// Where (first character: column 1) it goes wrong, and what would be right.
pub(super) fn parse(text: &str) -> Result<Edit, String> {
    let (factor, rest) = factor(text)?;
    let target = rest.trim();
    let start = text.len() - rest.trim_start().len();
    let parser = Parser {
        whole: text,
        start,
        target,
    };
    let factor = factor.unwrap_or(1.0);
    parser.target().map(|target| Edit { factor, target })
}

/// Splits `0.5 * ` off. Names may hold a `*` too, so only what reads as a number is a factor.
fn factor(text: &str) -> Result<(Option<f64>, &str), String> {
    let Some((head, rest)) = text.split_once('*') else {
        return Ok((None, text));
    };
    match head.trim().parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor != 0.0 => Ok((Some(factor), rest)),
        Ok(_) => Err(format!(
            "column 1: the factor is {}; it must be a finite number other than 0",
            head.trim()
        )),
        Err(_) => Ok((None, text)),
    }
}

/// An index and the byte at which it begins.
type Index<'a> = Option<(&'a str, usize)>;

struct Parser<'a> {
    whole: &'a str,
    start: usize,
    target: &'a str,
}

impl<'a> Parser<'a> {
    /// A complaint about the character at this byte of the target.
    fn at<T>(&self, byte: usize, complaint: impl AsRef<str>) -> Result<T, String> {
        let end = (self.start + byte).min(self.whole.len());
        let column = self.whole.get(..end).unwrap_or(self.whole).chars().count() + 1;
        Err(format!("column {column}: {}", complaint.as_ref()))
    }

    fn target(&self) -> Result<Target, String> {
        let text = self.target;
        if text.is_empty() {
            return self.at(
                0,
                "nothing is named; an edit reads `geom:foot.size[0]` or `length(body:thigh)`",
            );
        }
        match (text.find('('), text.find(':')) {
            (Some(open), colon) if colon.is_none_or(|colon| open < colon) => self.verb(open),
            (_, Some(colon)) => self.number(colon),
            (_, None) => self.option(),
        }
    }

    fn verb(&self, open: usize) -> Result<Target, String> {
        let name = self.target[..open].trim();
        let Some(verb) = Verb::ALL.into_iter().find(|verb| verb.name() == name) else {
            let verbs = Verb::ALL.map(Verb::name);
            return self.at(0, super::error::unknown("verb", name, verbs));
        };
        let Some(inside) = self.target[open + 1..].strip_suffix(')') else {
            return self.at(self.target.len(), "`)` is missing");
        };
        let Some((kind, pattern)) = inside.split_once(':') else {
            return self.at(open + 1, format!("`{name}` is of a body: `{name}(body:NAME)`"));
        };
        let holder = match kind.trim() {
            "body" => Kind::Body,
            "geom" => Kind::Geom,
            "joint" => Kind::Joint,
            other => {
                let reason =
                    format!("`{name}` is of a `body`, or of the body of a `geom` or `joint`, not of `{other}`");
                return self.at(open + 1, reason);
            }
        };
        let pattern = self.named(pattern, open + 2 + kind.len())?;
        Ok(Target::Verb { verb, holder, pattern })
    }

    fn number(&self, colon: usize) -> Result<Target, String> {
        let kind = self.kind(colon)?;
        let (path, index) = self.index()?;
        let Some(dot) = path.rfind('.').filter(|&dot| dot > colon) else {
            let reason = format!("which number of the {}? `{path}.FIELD` is missing", kind.name());
            return self.at(path.len(), reason);
        };
        let pattern = self.named(&path[colon + 1..dot], colon + 1)?;
        let field = path[dot + 1..].trim().to_string();
        if kind == Kind::Tendon && field == "coef" {
            return match index {
                Some((joint, _)) if !joint.trim().is_empty() => Ok(Target::Coefficient {
                    tendon: pattern,
                    joint: joint.trim().into(),
                }),
                _ => self.at(self.target.len(), "`coef` needs the joint: `coef[JOINT]`"),
            };
        }
        let index = self.whole_number(index)?;
        Ok(Target::Number {
            kind,
            pattern,
            field,
            index,
        })
    }

    fn option(&self) -> Result<Target, String> {
        let (path, index) = self.index()?;
        match path.split_once('.') {
            Some((kind, field)) if kind.trim() == "option" => Ok(Target::Number {
                kind: Kind::Option,
                pattern: String::new(),
                field: field.trim().into(),
                index: self.whole_number(index)?,
            }),
            _ => self.at(
                0,
                "`KIND:` is missing; an edit reads `geom:foot.size[0]` or `length(body:thigh)`",
            ),
        }
    }

    fn kind(&self, colon: usize) -> Result<Kind, String> {
        let name = self.target[..colon].trim();
        let known = Kind::ALL.into_iter().filter(|&kind| kind != Kind::Option);
        match known.clone().find(|kind| kind.name() == name) {
            Some(kind) => Ok(kind),
            None if name == "option" => self.at(colon, "`option` has no name: `option.FIELD`"),
            None => self.at(0, super::error::unknown("kind", name, known.map(Kind::name))),
        }
    }

    fn named(&self, pattern: &str, byte: usize) -> Result<String, String> {
        match pattern.trim() {
            "" => self.at(byte, "a name is missing; `*` stands for all"),
            pattern => Ok(pattern.into()),
        }
    }

    /// Splits `[INDEX]` off the end; the index comes with the byte at which it begins.
    fn index(&self) -> Result<(&'a str, Index<'a>), String> {
        let Some(inside) = self.target.strip_suffix(']') else {
            return Ok((self.target, None));
        };
        match inside.rfind('[') {
            Some(open) => Ok((&inside[..open], Some((&inside[open + 1..], open + 1)))),
            None => self.at(self.target.len() - 1, "`]` without `[`"),
        }
    }

    fn whole_number(&self, index: Index) -> Result<Option<usize>, String> {
        match index.map(|(text, byte)| (text.trim().parse(), byte)) {
            None => Ok(None),
            Some((Ok(number), _)) => Ok(Some(number)),
            Some((Err(_), byte)) => self.at(byte, "an index is a whole number, and 0 is the first"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(kind: Kind, pattern: &str, field: &str, index: Option<usize>) -> Target {
        let (pattern, field) = (pattern.into(), field.into());
        Target::Number {
            kind,
            pattern,
            field,
            index,
        }
    }

    #[test]
    fn every_form_is_read() {
        let target = |text: &str| parse(text).unwrap().target;
        assert_eq!(
            target("geom:*_foot.size[0]"),
            number(Kind::Geom, "*_foot", "size", Some(0))
        );
        assert_eq!(
            target("option.gravity[2]"),
            number(Kind::Option, "", "gravity", Some(2))
        );
        assert_eq!(
            target("joint:leg.knee.damping"),
            number(Kind::Joint, "leg.knee", "damping", None)
        );
        let (tendon, joint) = ("flexor".into(), "joint_2".into());
        assert_eq!(
            target("tendon:flexor.coef[joint_2]"),
            Target::Coefficient { tendon, joint }
        );
        let (verb, holder, pattern) = (Verb::Length, Kind::Body, "*_thigh".into());
        assert_eq!(target("length(body:*_thigh)"), Target::Verb { verb, holder, pattern });
        let scaled = parse("0.5 * geom:foot.size[0]").unwrap();
        assert_eq!(
            (scaled.factor, scaled.target),
            (0.5, number(Kind::Geom, "foot", "size", Some(0)))
        );
    }

    #[test]
    fn complaints_point_at_the_column() {
        let complaint = |text: &str| parse(text).unwrap_err();
        assert!(complaint("goem:foot.size[0]").starts_with("column 1: there is no kind `goem`; did you mean `geom`?"));
        assert!(complaint("lenght(body:a)").contains("did you mean `length`?"));
        assert!(complaint("geom:foot.size[x]").starts_with("column 16: an index"));
        assert!(complaint("length(body:a").starts_with("column 14: `)`"));
        assert!(complaint("length(site:a)").starts_with("column 8:"));
        assert!(complaint("2 * geom:.size").starts_with("column 10: a name is missing"));
        assert!(complaint("0 * geom:a.size").starts_with("column 1: the factor"));
        assert!(complaint("geom:foot").starts_with("column 10: which number"));
        assert!(complaint("").starts_with("column 1: nothing"));
        assert!(complaint("é]").starts_with("column 2:"));
    }
}
