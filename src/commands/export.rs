//! `tandem export`: the learnt machine and its policy for other simulators.

use std::path::Path;

use crate::atomic;
use crate::cli::ExportArgs;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::export::{mjcf, onnx, urdf};
use crate::run_folder::RunFolder;

/// Runs the command.
///
/// # Errors
/// A run without a judged pair, a problem without a machine, a machine that the format cannot say, or a file that
/// cannot be written.
pub fn run(args: &ExportArgs) -> Result<(), Error> {
    let learnt = Learnt::open(&RunFolder::view(&args.run)?)?;
    let problem = &learnt.instance.problem;
    let mut files: Vec<(&Path, Vec<u8>)> = Vec::new();
    if args.mjcf.is_some() || args.urdf.is_some() {
        let design = match args.start {
            true => learnt.hardware().space().start(),
            false => learnt.design(),
        };
        let mechanism = problem.mechanism(&design)?.ok_or_else(|| {
            let name = &problem.spec().name;
            Error::Input(format!(
                "problem `{name}` has no machine to export; its policy can be written with --policy"
            ))
        })?;
        let io = |error: std::io::Error| Error::Run(format!("cannot write XML: {error}"));
        if let Some(path) = &args.mjcf {
            files.push((path, mjcf::write(&mechanism).map_err(io)?.into_bytes()));
        }
        if let Some(path) = &args.urdf {
            let refused = |error: urdf::UrdfError| Error::Input(format!("--urdf: {error}"));
            files.push((path, urdf::write(&mechanism).map_err(refused)?.into_bytes()));
        }
    }
    if let Some(path) = &args.policy {
        let title = &learnt.experiment.title;
        files.push((path, onnx::write(&learnt.policy, problem.spec(), title)));
    }
    for (path, bytes) in files {
        atomic::write(path, &bytes)
            .map_err(|error| Error::Run(format!("cannot write {}: {error}", path.display())))?;
        println!("{}", path.display());
    }
    Ok(())
}
