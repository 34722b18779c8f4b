//! Networks by name or file.

use std::collections::BTreeMap;
use std::path::Path;

use thiserror::Error;

use super::input::{InputError, quote};
use super::layer::Network;
use super::onnx::{self, Unsupported};
use super::zoo::{self, SizeError};

/// How a network is brought in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Size of the input of a built-in network: height and width of an image, or number of tokens.
    pub input: Option<Vec<u64>>,
    /// Images or texts at a time; without it 1, or what the file says.
    pub batch: Option<u64>,
    /// Sizes of dimensions that an ONNX file leaves open, by their names.
    pub dims: BTreeMap<String, u64>,
    /// What to do with operators of an ONNX file that are not supported.
    pub unsupported: Unsupported,
    /// Branches of an ONNX file that are taken ([`onnx::Options::branches`]).
    pub branches: BTreeMap<String, bool>,
    /// How often loops of an ONNX file run ([`onnx::Options::trips`]).
    pub trips: BTreeMap<String, u64>,
}

/// Why there is no network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// Neither a name nor a file that is known.
    #[error("there is no network {name}; built in are {known}, or name an .onnx file")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A size that a built-in network cannot have.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// A file that is not right, or an option that this network does not take.
    #[error(transparent)]
    File(#[from] InputError),
}

/// The network of a built-in name or an `.onnx` file.
///
/// # Errors
/// An unknown name, options that do not belong to it, or a file that is not right.
pub fn open(name: &str, options: &Options) -> Result<Network, NetworkError> {
    if let Some(entry) = zoo::entry(name) {
        if !options.dims.is_empty() {
            return refuse(name, "named dimensions are for ONNX files; give `--input`");
        }
        if !options.branches.is_empty() || !options.trips.is_empty() {
            return refuse(name, "`--branch` and `--trips` are for ONNX files");
        }
        let batch = options.batch.unwrap_or(1);
        return Ok(entry.build_with(options.input.as_deref(), batch)?);
    }
    let path = Path::new(name);
    let extension = path.extension().and_then(|extension| extension.to_str());
    if !extension.is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) {
        return Err(NetworkError::Unknown {
            name: quote(name),
            known: zoo::NETWORKS.map(|entry| entry.name).join(", "),
        });
    }
    if options.input.is_some() {
        let reason = "`--input` is for built-in networks; name the file's open dimensions with `--dim`";
        return refuse(name, reason);
    }
    let options = onnx::Options {
        batch: options.batch,
        dims: options.dims.clone(),
        unsupported: options.unsupported,
        branches: options.branches.clone(),
        trips: options.trips.clone(),
    };
    Ok(onnx::read(path, &options)?)
}

fn refuse(network: &str, reason: &str) -> Result<Network, NetworkError> {
    Err(InputError::file(network, reason).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_are_told_apart() {
        let plain = Options::default();
        let open = |name: &str, options: &Options| open(name, options);
        assert_eq!(open("vgg16", &plain).unwrap(), zoo::named("vgg16").unwrap());
        let sized = Options {
            input: Some(vec![64, 64]),
            batch: Some(2),
            ..Options::default()
        };
        let network = open("resnet18", &sized).unwrap();
        assert_eq!(network.layers[0].reads(), Ok(2 * 64 * 64 * 3));
        let message = |name: &str, options: &Options| open(name, options).unwrap_err().to_string();
        assert!(message("nonet", &plain).contains("vgg16"));
        assert!(message("net.csv", &plain).contains("no network \"net.csv\""));
        assert!(message("absent.onnx", &plain).contains("there is no such file"));
        assert!(message("absent.ONNX", &sized).contains("`--dim`"));
        let named = Options {
            dims: [("seq".to_owned(), 8)].into(),
            ..Options::default()
        };
        assert!(message("bert", &named).contains("--input"));
        let small = Options {
            input: Some(vec![1, 1]),
            ..Options::default()
        };
        assert!(message("vgg16", &small).contains("too small"));
    }
}
