//! `tandem export`: writes the learnt machine and its policy for other simulators.

use std::path::{Path, PathBuf};

use tandem_core::{Mechanism, ModelFile};

use crate::atomic;
use crate::cli::ExportArgs;
use crate::destination;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::export::{mjcf, onnx, players, urdf};
use crate::output::{note, out};
use crate::registry;
use crate::run_folder::RunFolder;

/// Runs the command.
///
/// # Errors
/// A run without a checkpoint, a problem without a machine, a machine that the format cannot say, or a file that
/// cannot be written.
pub fn run(args: &ExportArgs) -> Result<(), Error> {
    let files = [&args.mjcf, &args.urdf, &args.policy];
    let to_stdout = destination::check_all(&files, false, "--mjcf, --urdf and --policy")?;
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
    let experiment = registry::resolved(&learnt.experiment, &learnt.instance)?;
    let policy = learnt.policy.for_design(learnt.hardware().space(), &design);
    let policy = || onnx::write(&policy, problem.spec(), &experiment, mechanism.as_ref());
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    let own = problem.model_file(&design)?;
    if let Some(path) = &args.mjcf {
        match &own {
            Some(own) => beside(path, own, &mut files),
            None => files.push((path.clone(), mjcf_of(machine()?)?)),
        }
    }
    if let Some(path) = &args.urdf {
        let refused = |error: urdf::UrdfError| Error::Input(format!("--urdf: {error}"));
        files.push((path.clone(), urdf::write(machine()?).map_err(refused)?.into_bytes()));
    }
    if let Some(path) = &args.policy {
        files.push((path.clone(), policy()));
    }
    if let Some(folder) = &args.out {
        if let Some(own) = &own {
            files.push((folder.join(&own.path), own.xml.clone().into_bytes()));
            files.extend(own.files.iter().map(|(path, bytes)| (folder.join(path), bytes.clone())));
        }
        if let Some(mechanism) = &mechanism {
            files.push((folder.join("machine.xml"), mjcf_of(mechanism)?));
            match urdf::write(mechanism) {
                Ok(text) => files.push((folder.join("machine.urdf"), text.into_bytes())),
                Err(error) => note!("no URDF: {error}"),
            }
        }
        files.push((folder.join("policy.onnx"), policy()));
        let scripts = players::scripts(&problem.spec().name).into_iter();
        files.extend(scripts.map(|(name, text)| (folder.join(name), text.into())));
        for (path, _) in &files {
            let folder = atomic::folder_of(path);
            std::fs::create_dir_all(folder)
                .map_err(|error| Error::Run(format!("cannot make {}: {error}", folder.display())))?;
        }
    }
    for (path, bytes) in files {
        destination::write(&path, &bytes)?;
        if !to_stdout {
            out!("{}", path.display())?;
        }
    }
    Ok(())
}

/// A robot's own file at this path, and what belongs to it where it looks for it from there.
fn beside(path: &Path, own: &ModelFile, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    files.push((path.to_owned(), own.xml.clone().into_bytes()));
    let (to, from) = (atomic::folder_of(path), atomic::folder_of(&own.path));
    for (file, bytes) in &own.files {
        match file.strip_prefix(from).or(file.strip_prefix(".")) {
            Ok(inside) => files.push((to.join(inside), bytes.clone())),
            Err(_) => note!(
                "{} lies outside the robot's folder; --out FOLDER writes it too",
                file.display()
            ),
        }
    }
}

fn mjcf_of(mechanism: &Mechanism) -> Result<Vec<u8>, Error> {
    let io = |error: std::io::Error| Error::Run(format!("cannot write XML: {error}"));
    Ok(mjcf::write(mechanism).map_err(io)?.into_bytes())
}
