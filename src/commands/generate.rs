//! `tandem generate`: text from an adapted language model.

use serde_json::json;
use tandem_core::Stream;
use tandem_language::Stage;

use super::print_json;
use crate::adaptation;
use crate::cli::GenerateArgs;
use crate::error::Error;
use crate::output::{note, out};

/// Runs the command.
///
/// # Errors
/// A folder that is no run of `tandem adapt`, a stage that is not finished, characters that the model does not know.
pub fn run(args: &GenerateArgs) -> Result<(), Error> {
    if !(args.temperature >= 0.0 && args.temperature.is_finite()) {
        let text = format!("--temperature is {}; it must be 0 or more", args.temperature);
        return Err(Error::Input(text));
    }
    let (_, mut chain) = adaptation::view(&args.run)?;
    let finished = chain.finished().to_vec();
    let stage = choose(args, &finished, chain.result())?;
    let mut stream = Stream::new(args.seed, "language/generate", 0);
    let count = args.characters as usize;
    let text = chain.generate(stage, &args.prompt, count, args.temperature, &mut stream)?;
    if args.json {
        return print_json(&json!({
            "stage": stage.name(), "attention": stage.mode().name(), "prompt": args.prompt, "text": text,
            "temperature": args.temperature, "seed": args.seed,
        }));
    }
    note!("model of the stage {}", stage.name());
    out!("{}{text}", args.prompt)?;
    Ok(())
}

fn choose(args: &GenerateArgs, finished: &[Stage], result: Option<Stage>) -> Result<Stage, Error> {
    let names = || {
        let names: Vec<&str> = finished.iter().map(|stage| stage.name()).collect();
        names.join(", ")
    };
    match &args.stage {
        Some(name) => finished
            .iter()
            .copied()
            .find(|stage| stage.name() == name)
            .ok_or_else(|| Error::Input(format!("--stage {name}: finished stages are {}", names()))),
        None => result.ok_or_else(|| {
            let run = args.run.display();
            Error::Input(format!(
                "{run}: no stage is finished yet; `tandem adapt --resume {run}` goes on"
            ))
        }),
    }
}
