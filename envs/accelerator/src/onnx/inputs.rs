//! The inputs of a model: which of them are weights, and the sizes that the file leaves open.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Options;
use super::ops;
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
    /// The sizes that the user names and the batch give.
    ///
    /// # Errors
    /// A size of a dimension that no input has.
    pub fn of(data: &[&ValueInfo<'a>], options: &'a Options) -> Result<Self, String> {
        let mut known = HashSet::new();
        for info in data {
            for (at, dim) in info.shape.iter().flatten().enumerate() {
                known.insert(place(info.name, at));
                if let Dim::Named(name) = dim {
                    known.insert((*name).to_owned());
                }
            }
        }
        if let Some((name, _)) = options.dims.iter().find(|(name, _)| !known.contains(*name)) {
            let mut there: Vec<String> = known.into_iter().map(|name| quote(&name)).collect();
            there.sort();
            there.truncate(8);
            return Err(format!(
                "no dimension is called {}; there are {}",
                quote(name),
                there.join(", ")
            ));
        }
        let mut sizes = Self {
            named: options.dims.iter().map(|(name, &size)| (name.as_str(), size)).collect(),
            rebatched: None,
            notes: Vec::new(),
        };
        sizes.name_batches(data, options);
        Ok(sizes)
    }

    /// The first dimension of the inputs is the batch: what is asked for, or 1 where the file leaves it open.
    fn name_batches(&mut self, data: &[&ValueInfo<'a>], options: &Options) {
        let first = |info: &ValueInfo<'a>| info.shape.as_ref().and_then(|dims| dims.first().copied());
        for info in data {
            if let Some(Dim::Named(name)) = first(info)
                && !self.named.contains_key(name)
            {
                self.named.insert(name, options.batch.unwrap_or(1));
                if options.batch.is_none() {
                    self.notes.push(format!(
                        "dimension {} of input {} is open; 1 is taken",
                        quote(name),
                        quote(info.name)
                    ));
                }
            }
        }
        let known = data.iter().find_map(|info| match first(info) {
            Some(Dim::Known(size @ 1..)) => Some(size.cast_unsigned()),
            _ => None,
        });
        self.rebatched = known.zip(options.batch).filter(|(old, new)| old != new);
    }

    /// The shape of an input.
    ///
    /// # Errors
    /// A size that the file leaves open and nobody names.
    pub fn shape(&self, info: &ValueInfo, options: &Options) -> Result<Shape, String> {
        let input = quote(info.name);
        let Some(dims) = &info.shape else {
            return Err(format!("input {input} has no shape"));
        };
        let mut shape = Vec::new();
        for (at, dim) in dims.iter().enumerate() {
            let placed = options.dims.get(&place(info.name, at)).copied();
            let known = placed.or(match *dim {
                Dim::Known(value @ 1..) => Some(self.rebatch(at, size(value)?)),
                Dim::Named(name) => self.named.get(name).copied(),
                _ if at == 0 => Some(options.batch.unwrap_or(1)),
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

/// How a dimension without a name is called: the input and its place.
fn place(input: &str, at: usize) -> String {
    format!("{input}.{at}")
}

/// Initialisers and inputs as values, by name; and what had to be assumed.
///
/// # Errors
/// Shapes that are wrong or open.
pub(super) fn values<'a>(
    graph: &Graph<'a>,
    options: &'a Options,
) -> Result<(HashMap<&'a str, Value>, Sizes<'a>), String> {
    let mut values = HashMap::new();
    for tensor in &graph.initializers {
        let value =
            Value::of_tensor(tensor).map_err(|reason| format!("initialiser {}: {reason}", quote(tensor.name)))?;
        values.insert(tensor.name, value);
    }
    let weights = weights(graph);
    let others: Vec<&ValueInfo> = graph.inputs.iter().filter(|i| !values.contains_key(i.name)).collect();
    let (weights, data): (Vec<&ValueInfo>, Vec<&ValueInfo>) =
        others.into_iter().partition(|info| weights.contains(info.name));
    let sizes = Sizes::of(&data, options)?;
    for info in data {
        let shape = sizes.shape(info, options)?;
        values.insert(info.name, Value::computed(shape, None));
    }
    for info in weights {
        let dims = info.shape.iter().flatten().map(|dim| match *dim {
            Dim::Known(value) => size(value),
            _ => Err("a size is open".to_owned()),
        });
        let shape = dims
            .collect::<Result<Shape, _>>()
            .map_err(|reason| format!("weights {}: {reason}", quote(info.name)))?;
        values.insert(info.name, Value::constant(shape, true, None));
    }
    Ok((values, sizes))
}

/// Inputs that only ever stand where an operator takes its weights, in models that come without them.
fn weights<'a>(graph: &Graph<'a>) -> HashSet<&'a str> {
    let (mut weights, mut data) = (HashSet::new(), HashSet::new());
    for node in &graph.nodes {
        let places = ops::weights(node.op);
        for (at, name) in node.inputs.iter().enumerate() {
            let set = if places.contains(&at) { &mut weights } else { &mut data };
            set.insert(*name);
        }
    }
    weights.retain(|name| !data.contains(name));
    weights
}
