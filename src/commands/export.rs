//! `tandem export`: writes the learnt machine and its policy for other simulators.

use std::path::Path;

use crate::cli::ExportArgs;
use crate::destination;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::export::{mjcf, onnx, urdf};
use crate::output::out;
use crate::run_folder::RunFolder;

/// Runs the command.
///
/// # Errors
/// A run without a checkpoint, a problem without a machine, a machine that the format cannot say, or a file that
/// cannot be written.
pub fn run(args: &ExportArgs) -> Result<(), Error> {
    let learnt = Learnt::open_present(&RunFolder::view(&args.run)?)?;
    let problem = &learnt.instance.problem;
    let design = match args.start {
        true => learnt.hardware().space().start(),
        false => learnt.design(),
    };
    let mechanism = problem.mechanism(&design)?;
    let machine = || {
        let name = &problem.spec().name;
        let why = format!("problem `{name}` has no machine to export; its policy can be written with --policy");
        mechanism.as_ref().ok_or(Error::Input(why))
    };
    let mut files: Vec<(&Path, Vec<u8>)> = Vec::new();
    if let Some(path) = &args.mjcf {
        let io = |error: std::io::Error| Error::Run(format!("cannot write XML: {error}"));
        files.push((path, mjcf::write(machine()?).map_err(io)?.into_bytes()));
    }
    if let Some(path) = &args.urdf {
        let refused = |error: urdf::UrdfError| Error::Input(format!("--urdf: {error}"));
        files.push((path, urdf::write(machine()?).map_err(refused)?.into_bytes()));
    }
    if let Some(path) = &args.policy {
        let title = &learnt.experiment.title;
        let bytes = onnx::write(&learnt.policy, problem.spec(), title, mechanism.as_ref());
        files.push((path, bytes));
    }
    for (path, bytes) in files {
        destination::write(path, &bytes)?;
        if !destination::is_stdout(path) {
            out!("{}", path.display())?;
        }
    }
    Ok(())
}
