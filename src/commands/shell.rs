//! `tandem completions` and `tandem man`: from the definitions that the command line is read with.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::atomic;
use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::error::Error;
use crate::output::{self, out, program};

/// Prints the completions of a shell.
///
/// # Errors
/// Standard output that cannot be written.
pub fn completions(args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), program(), &mut script);
    Ok(output::text(String::from_utf8_lossy(&script))?)
}

/// Writes the manual: a page of the program and one of each command.
///
/// # Errors
/// A folder that cannot be written.
pub fn man(args: &ManArgs) -> Result<(), Error> {
    atomic::create_folders(&args.out).map_err(|error| cannot(&args.out, &error))?;
    let mut command = Cli::command()
        .display_name(program())
        .bin_name(program())
        .disable_help_subcommand(true);
    command.build();
    let mut names = vec![page(&command, &args.out, &program())?];
    for inner in command.get_subcommands() {
        let name = format!("{}-{}", program(), inner.get_name());
        names.push(page(&inner.clone().display_name(name.clone()), &args.out, &name)?);
    }
    out!("{} pages in {}", names.len(), args.out.display())?;
    Ok(out!("read one        man {}", args.out.join(&names[0]).display())?)
}

/// Writes one page; its file's name.
fn page(command: &Command, folder: &Path, name: &str) -> Result<String, Error> {
    let file = format!("{name}.1");
    let path = folder.join(&file);
    let mut text = Vec::new();
    let made = Man::new(command.clone()).render(&mut text);
    made.and_then(|()| atomic::write(&path, &text))
        .map_err(|error| cannot(&path, &error))?;
    Ok(file)
}

fn cannot(path: &Path, error: &std::io::Error) -> Error {
    Error::Run(format!("cannot write {}: {error}", path.display()))
}
