//! `tandem render`: start design and learnt design at work, side by side.

use std::path::Path;

use crate::cli::RenderArgs;
use crate::destination;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::film::{clips, start_and_learnt, still};
use crate::judge::Starts;
use crate::output::out;
use crate::render::animate;
use crate::run_folder::RunFolder;

/// Runs the command.
///
/// # Errors
/// A run without a judged pair, a file that is neither .png nor .gif, or one that cannot be written.
pub fn run(args: &RenderArgs) -> Result<(), Error> {
    for path in &args.out {
        kind(path)?;
        destination::check(path)?;
    }
    let mut learnt = Learnt::open(&RunFolder::view(&args.run)?)?;
    let starts = Starts {
        name: "picture",
        seed: learnt.experiment.seed,
        episodes: 1,
    };
    let fps = (1.0 / learnt.instance.problem.spec().control_dt)
        .round()
        .clamp(1.0, 50.0) as u32;
    let design = learnt.design();
    let problem = &mut *learnt.instance.problem;
    let films = start_and_learnt(problem, &learnt.policy, &design, starts, args.episode)?;
    let size = (films.len() as u32 * args.size, args.size);
    for path in &args.out {
        let bytes = match kind(path)? {
            Kind::Png => still(&films, size)?.png()?,
            Kind::Gif => {
                let mut bytes = Vec::new();
                animate(&clips(&films), size, fps, &mut bytes)?;
                bytes
            }
        };
        destination::write(path, &bytes)?;
        if !destination::is_stdout(path) {
            out!("{}", path.display())?;
        }
    }
    Ok(())
}

enum Kind {
    Png,
    Gif,
}

fn kind(path: &Path) -> Result<Kind, Error> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("png") => Ok(Kind::Png),
        Some("gif") => Ok(Kind::Gif),
        _ if !destination::is_plain(path) => Ok(Kind::Png),
        _ => Err(Error::Input(format!("{}: name a .png or a .gif", path.display()))),
    }
}
