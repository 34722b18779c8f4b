//! Networks from ONNX files: the graph with our own shape inference, without weights.
//!
//! ```text
//! bytes -> messages (wire, proto, external) -> inputs with sizes -> order -> one rule per operator (ops) -> layers
//! ```
//!
//! Only shapes are needed, so weights are never decoded, files that keep them elsewhere need not be complete, and
//! models without any (weights as inputs, or as `ConstantOfShape`) are as good. Arithmetic on shapes is worked out
//! (`fold`); what depends on constants only is dropped; views (`Reshape`, `Cast`, ...) cost nothing.
//!
//! The reader of the file format is small and our own. Of the ready ones, `rten-onnx` 0.27 recurses as deep as a file
//! nests, copies all weights, allocates what a length declares, and does not read packed lists in attributes, which
//! writers of proto3 produce; tests use it as an independent writer.

mod call;
mod external;
mod fold;
mod import;
mod inputs;
mod ops;
mod order;
mod proto;
#[cfg(test)]
mod tests;
mod value;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;

use super::input::{InputError, read_large};
use super::layer::Network;

/// How a file is brought in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The batch: the first dimension of the inputs, whatever the file says. Without it the file's, 1 where it is open.
    pub batch: Option<u64>,
    /// Sizes of dimensions that the file names and leaves open; `INPUT.PLACE`, counted from 0, for those without a name
    /// and for those whose size in the file is to be another.
    pub dims: BTreeMap<String, u64>,
    /// What to do with operators that are not supported.
    pub unsupported: Unsupported,
    /// The branch that an `If` takes whose condition depends on data, `true` for `then`, by the node's name; the empty
    /// name is for all others. Without it the dearer branch is counted.
    pub branches: BTreeMap<String, bool>,
    /// How often a `Loop` runs, by the node's name; the empty name is for all others. Without it as often as the file says.
    pub trips: BTreeMap<String, u64>,
}

/// What to do with an operator that is not supported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unsupported {
    /// Refuse the model and name the node.
    #[default]
    Error,
    /// Count it as a function of each value: it reads its inputs and writes its outputs, whose shapes are those that
    /// the file states, otherwise that of its first input. A note of the network says so.
    Elementwise,
}

/// Reads a file.
///
/// # Errors
/// A file that cannot be read, or is wrong or not supported: one message that names the node.
pub fn read(path: &Path, options: &Options) -> Result<Network, InputError> {
    let origin = path.display().to_string();
    let bytes = read_large(path)?;
    let name = path
        .file_stem()
        .map_or(origin.clone(), |stem| stem.to_string_lossy().into());
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut network = parse_in(&bytes, &origin, Some(folder), options)?;
    network.name = name;
    Ok(network)
}

/// Reads the contents of a file; `origin` names it in messages and is the network's name.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], origin: &str, options: &Options) -> Result<Network, InputError> {
    parse_in(bytes, origin, None, options)
}

/// The same; small tensors that are kept elsewhere are looked for in `folder`.
fn parse_in(bytes: &[u8], origin: &str, folder: Option<&Path>, options: &Options) -> Result<Network, InputError> {
    let fail = |reason: String| InputError::file(origin, reason);
    let model = proto::model(bytes);
    let mut model = model.map_err(|malformed| fail(format!("is no complete ONNX file: {}", malformed.0)))?;
    if let Some(folder) = folder {
        external::fetch(&mut model, folder);
    }
    let mut network = import::import(&model, options).map_err(|reason| {
        let unbatched = Options {
            batch: None,
            ..options.clone()
        };
        let reason = match options.batch {
            // what is right without a batch has none, or not there
            Some(batch) if import::import(&model, &unbatched).is_ok() && !reason.starts_with("`--batch`") => format!(
                "with `--batch {batch}`, {reason}; without it the file is right: if the first dimension of its inputs is \
                 no batch, name the dimension that is, as in `--dim INPUT.1={batch}`"
            ),
            _ => reason,
        };
        fail(shortened(reason))
    })?;
    network.name = origin.to_owned();
    Ok(network)
}

/// A message stays readable whatever lists a file holds.
fn shortened(mut reason: String) -> String {
    const LONGEST: usize = 500;
    if let Some((end, _)) = reason.char_indices().nth(LONGEST) {
        reason.truncate(end);
        reason.push_str("...");
    }
    reason
}
