//! The inputs of a model: which of them are weights, and the sizes that the file leaves open.

use std::collections::{BTreeMap, HashSet};

use super::Options;
use super::ops;
use super::order;
use super::proto::{Dim, Graph, ValueInfo};
use super::value::{Shape, Value, size};
use crate::input::quote;

/// Sizes of dimensions, as far as they are known.
pub(super) struct Sizes<'a> {
    named: BTreeMap<&'a str, u64>,
    /// The batch that the file was made for and the one that is asked for, where they differ.
    pub rebatched: Option<(u64, u64)>,
    pub notes: Vec<String>,
}

impl<'a> Sizes<'a> {
    /// The sizes that the user names and the batch give; `steps` are inputs whose first dimension are steps in time.
    ///
    /// # Errors
    /// A size of a dimension that no input has, or a batch where none has one.
    pub fn of(data: &[&ValueInfo<'a>], steps: &HashSet<&str>, options: &'a Options) -> Result<Self, String> {
        check_names(data, options)?;
        let mut sizes = Self {
            named: options.dims.iter().map(|(name, &size)| (name.as_str(), size)).collect(),
            rebatched: None,
            notes: Vec::new(),
        };
        sizes.name_batches(data, steps, options)?;
        Ok(sizes)
    }

    /// The first dimension of the inputs is the batch: what is asked for, or 1 where the file leaves it open.
    fn name_batches(
        &mut self,
        data: &[&ValueInfo<'a>],
        steps: &HashSet<&str>,
        options: &Options,
    ) -> Result<(), String> {
        let mut batched = false;
        let mut known = None;
        for info in data {
            if options.dims.contains_key(&place(info.name, 0)) {
                batched = true; // it is named by its place
                continue;
            }
            let Some(first) = info.shape.as_ref().and_then(|dims| dims.first()) else {
                continue;
            };
            let input = quote(info.name);
            match *first {
                _ if steps.contains(info.name) => continue,
                Dim::Named(name) if self.named.contains_key(name) => {
                    batched |= is_batch(name);
                    continue;
                }
                Dim::Named(name) if is_batch(name) => {
                    self.named.insert(name, options.batch.unwrap_or(1));
                    if options.batch.is_none() {
                        let name = quote(name);
                        self.notes
                            .push(format!("dimension {name} of input {input} is open; 1 is taken"));
                    }
                }
                Dim::Named(_) => continue,
                Dim::Known(size @ 1..) => known = known.or(Some((size.cast_unsigned(), info.name))),
                _ if options.batch.is_none() => {
                    self.notes
                        .push(format!("the first dimension of input {input} is open; 1 is taken"));
                }
                _ => {}
            }
            batched = true;
        }
        if options.batch.is_some() && !batched {
            return Err(without_batch(data, steps));
        }
        self.rebatched = known.and_then(|(old, input)| {
            let new = options.batch.filter(|new| *new != old)?;
            if old > 1 {
                let input = quote(input);
                self.notes.push(format!(
                    "the first dimension of input {input} is taken for the batch: {new}, not {old}"
                ));
            }
            Some((old, new))
        });
        Ok(())
    }

    /// The shape of an input.
    ///
    /// # Errors
    /// A size that the file leaves open and nobody names.
    pub fn shape(&self, info: &ValueInfo, steps: &HashSet<&str>, options: &Options) -> Result<Shape, String> {
        let input = quote(info.name);
        let dims = match &info.shape {
            Some(dims) => dims.clone(),
            None => self.unstated(info, options)?,
        };
        let mut shape = Vec::new();
        for (at, dim) in dims.iter().enumerate() {
            let placed = options.dims.get(&place(info.name, at)).copied();
            let batch = at == 0 && !steps.contains(info.name);
            let known = placed.or(match *dim {
                Dim::Known(value @ 1..) if batch => Some(self.rebatch(at, size(value)?)),
                Dim::Known(value @ 1..) => Some(size(value)?),
                Dim::Named(name) => self.named.get(name).copied(),
                _ if batch => Some(options.batch.unwrap_or(1)),
                _ => None,
            });
            let Some(known) = known else {
                let name = match *dim {
                    Dim::Named(name) => name.to_owned(),
                    _ => place(info.name, at),
                };
                return Err(format!(
                    "input {input}: the size of dimension {} is open; name it, as in `--dim {name}=128`",
                    quote(&name)
                ));
            };
            shape.push(size(known.cast_signed()).map_err(|reason| format!("input {input}: {reason}"))?);
        }
        if shape.contains(&0) {
            return Err(format!("input {input}: a size is 0"));
        }
        Ok(shape)
    }

    /// The dimensions of an input of which the file does not even tell how many there are: those that the user names.
    fn unstated(&self, info: &ValueInfo, options: &Options) -> Result<Vec<Dim<'static>>, String> {
        let count = (0..)
            .take_while(|&at| options.dims.contains_key(&place(info.name, at)))
            .count();
        match count {
            0 => Err(format!(
                "input {} has no shape in the file; name all its sizes, as in `--dim {1}.0=1 --dim {1}.1=64`",
                quote(info.name),
                info.name
            )),
            count => Ok(vec![Dim::Unknown; count]),
        }
    }

    fn rebatch(&self, at: usize, size: u64) -> u64 {
        match self.rebatched {
            Some((old, new)) if at == 0 && size == old => new,
            _ => size,
        }
    }

    /// The shape that the file states for a value in between, where it is complete.
    pub fn stated(&self, info: &ValueInfo) -> Option<Shape> {
        let dims = info.shape.as_ref()?.iter().enumerate();
        dims.map(|(at, dim)| match *dim {
            Dim::Known(value @ 1..) => size(value).ok().map(|size| self.rebatch(at, size)),
            Dim::Named(name) => self.named.get(name).copied(),
            _ => None,
        })
        .collect()
    }
}

/// Sizes must be of dimensions that there are.
fn check_names(data: &[&ValueInfo], options: &Options) -> Result<(), String> {
    let mut known = HashSet::new();
    for info in data {
        for (at, dim) in info.shape.iter().flatten().enumerate() {
            known.insert(place(info.name, at));
            if let Dim::Named(name) = dim {
                known.insert((*name).to_owned());
            }
        }
    }
    let shapeless = |name: &str| {
        let inputs = data.iter().filter(|info| info.shape.is_none());
        inputs.into_iter().any(|info| {
            let at = name.strip_prefix(info.name).and_then(|rest| rest.strip_prefix('.'));
            at.is_some_and(|at| at.parse::<u8>().is_ok())
        })
    };
    let mut wanted = options.dims.keys();
    if let Some(name) = wanted.find(|name| !known.contains(*name) && !shapeless(name)) {
        let mut there: Vec<String> = known.into_iter().map(|name| quote(&name)).collect();
        there.sort();
        there.truncate(8);
        return Err(format!(
            "no dimension is called {}; there are {}",
            quote(name),
            there.join(", ")
        ));
    }
    Ok(())
}

/// Whether a first dimension of this name is the batch: by its name, or because exporters give such names to all
/// dimensions (`unk__7`, `s0`, `x_dim_0`).
fn is_batch(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "n",
        "b",
        "bs",
        "bsz",
        "nb",
        "none",
        "?",
        "-1",
        "samples",
        "num_samples",
        "images",
        "examples",
    ];
    let name = name.to_lowercase();
    let numbered = |prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    NAMES.contains(&name.as_str())
        || name.contains("batch")
        || name.contains("dim_0")
        || name.contains("dynamic_axes_1")
        || numbered("unk__")
        || numbered("s")
        || numbered("d")
}

/// Why a batch cannot be set, and what can.
fn without_batch(data: &[&ValueInfo], steps: &HashSet<&str>) -> String {
    let first = data.iter().find_map(|info| {
        let dims = info.shape.as_ref()?;
        let name = |at: usize| match dims.get(at) {
            Some(Dim::Named(name)) => (*name).to_owned(),
            _ => place(info.name, at),
        };
        let input = quote(info.name);
        Some(match (dims.len(), steps.contains(info.name)) {
            (0, _) => return None,
            (_, true) => format!(
                "the first dimension of input {input} are steps in time; name the batch, as in `--dim {}=8`",
                name(1)
            ),
            _ => format!(
                "the first dimension of input {input} is called {}; name it, as in `--dim {}=8`",
                quote(&name(0)),
                name(0)
            ),
        })
    });
    let reason = first.unwrap_or_else(|| "no input has a dimension".into());
    format!("`--batch`: no input has a batch: {reason}")
}

/// How a dimension without a name is called: the input and its place.
fn place(input: &str, at: usize) -> String {
    format!("{input}.{at}")
}

/// Values with their names.
type Named<'a> = Vec<(&'a str, Value)>;

/// Initialisers and inputs as values, in the order of the file; and what had to be assumed.
///
/// # Errors
/// Shapes that are wrong or open.
pub(super) fn values<'a>(graph: &Graph<'a>, options: &'a Options) -> Result<(Named<'a>, Sizes<'a>), String> {
    let mut values = Vec::new();
    for tensor in &graph.initializers {
        let value =
            Value::of_tensor(tensor).map_err(|reason| format!("initialiser {}: {reason}", quote(tensor.name)))?;
        values.push((tensor.name, value));
    }
    let given: HashSet<&str> = graph.initializers.iter().map(|tensor| tensor.name).collect();
    let weights = weights(graph);
    let others: Vec<&ValueInfo> = graph.inputs.iter().filter(|i| !given.contains(i.name)).collect();
    let (weights, data): (Vec<&ValueInfo>, Vec<&ValueInfo>) =
        others.into_iter().partition(|info| weights.contains(info.name));
    let steps = steps(graph);
    let sizes = Sizes::of(&data, &steps, options)?;
    for info in data {
        let shape = sizes.shape(info, &steps, options)?;
        values.push((info.name, Value::computed(shape, None)));
    }
    for info in weights {
        let dims = info.shape.iter().flatten().map(|dim| match *dim {
            Dim::Known(value) => size(value),
            _ => Err("a size is open".to_owned()),
        });
        let shape = dims
            .collect::<Result<Shape, _>>()
            .map_err(|reason| format!("weights {}: {reason}", quote(info.name)))?;
        values.push((info.name, Value::constant(shape, true, None)));
    }
    Ok((values, sizes))
}

/// Inputs that only ever stand where an operator takes its weights, in models that come without them.
fn weights<'a>(graph: &Graph<'a>) -> HashSet<&'a str> {
    let (mut weights, mut data) = (HashSet::new(), HashSet::new());
    for node in &graph.nodes {
        let places = ops::weights(node);
        for (at, name) in node.inputs.iter().enumerate() {
            let set = if places.contains(&at) { &mut weights } else { &mut data };
            set.insert(*name);
        }
        data.extend(order::captured(node));
    }
    weights.retain(|name| !data.contains(name));
    weights
}

/// Inputs whose first dimension are steps in time: those of recurrent operators, unless these take the batch first.
fn steps<'a>(graph: &Graph<'a>) -> HashSet<&'a str> {
    let recurrent = graph.nodes.iter().filter(|node| {
        let layout = node.attributes.iter().find(|attribute| attribute.name == "layout");
        let batch_first = layout.and_then(|layout| layout.int).is_some_and(|layout| layout != 0);
        ops::is_recurrent(node) && !batch_first
    });
    recurrent.filter_map(|node| node.inputs.first().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_known_by_their_names() {
        for name in ["batch", "batch_size", "N", "unk__615", "s0", "x_dim_0", "None"] {
            assert!(is_batch(name), "{name}");
        }
        for name in ["num_atoms", "seq", "tokens", "height", "nodes", "s", "points", "dim_1"] {
            assert!(!is_batch(name), "{name}");
        }
    }
}
