//! Tandem extended by other problems and methods: a crate that depends on this one has the whole command line.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use tandem::{App, MethodEntry};
//! # use tandem_learning::design::{Fixed, FixedSettings};
//!
//! fn main() -> ExitCode {
//!     App::new()
//!         .method(MethodEntry::new("mine", "what it does", |setup, _: FixedSettings| Fixed::new(setup)))
//!         .run()
//! }
//! ```

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::cli::{Cli, Command};
use crate::commands;
use crate::error::Error;
use crate::legible::legible;
use crate::output::{self, OutputError, note};
use crate::registry::{self, MethodEntry, ProblemEntry};

/// The program: Tandem's problems and methods, and those that are added.
#[derive(Default)]
pub struct App {
    problems: Vec<ProblemEntry>,
    methods: Vec<MethodEntry>,
}

impl App {
    /// Tandem as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem, which experiments name by `problem`.
    #[must_use]
    pub fn problem(mut self, entry: ProblemEntry) -> Self {
        self.problems.push(entry);
        self
    }

    /// Adds a method, which experiments name by `method`.
    #[must_use]
    pub fn method(mut self, entry: MethodEntry) -> Self {
        self.methods.push(entry);
        self
    }

    /// Reads the command line and runs the command.
    pub fn run(self) -> ExitCode {
        match registry::register(self.problems, self.methods) {
            Ok(()) => main(),
            Err(error) => error.report(),
        }
    }
}

/// Parses the command line, runs the command and turns an error into one message and an exit code.
fn main() -> ExitCode {
    let command = Cli::command().bin_name(output::program());
    let words = command.try_get_matches();
    let cli = match words.and_then(|words| Cli::from_arg_matches(&words)) {
        Ok(cli) => cli,
        Err(answer) => return show(&answer),
    };
    let threads = cli.threads.map_or(0, usize::from);
    match start(threads).and_then(|()| dispatch(&cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

/// Shows the help or version that was asked for, or what is wrong with the command line.
fn show(answer: &clap::Error) -> ExitCode {
    let code = ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2));
    let plain = answer.render().to_string();
    if answer.use_stderr() && legible(&plain) != plain {
        note!("{}", plain.trim_end()); // clap quotes arguments as they are
        return code;
    }
    match answer.print() {
        Err(error) if !answer.use_stderr() => Error::from(OutputError::new(error)).report(),
        _ => code,
    }
}

/// Sets up the thread pool, which is parallel over environments and shards.
fn start(threads: usize) -> Result<(), Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global()
        .map_err(|error| Error::Run(format!("no thread pool: {error}")))
}

fn dispatch(command: &Command) -> Result<(), Error> {
    match command {
        Command::Train(args) => commands::train::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Compare(args) => commands::compare::run(args),
        Command::Sweep(args) => commands::sweep::run(args),
        Command::Watch(args) => commands::watch::run(args),
        Command::Render(args) => commands::render::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Adapt(args) => commands::adapt::run(args),
        Command::Explore(args) => commands::explore::run(args),
        Command::Generate(args) => commands::generate::run(args),
        Command::Rollout(args) => commands::rollout::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Schema => commands::schema::run(),
        Command::Check(args) => commands::check::run(args),
        Command::List(args) => commands::list::run(args),
        Command::Simulate(args) => commands::simulate::run(args),
        Command::Calibrate(args) => commands::calibrate::run(args),
        Command::Map(args) => commands::map::run(args),
        Command::Search(args) => commands::search::run(args),
        Command::Validate(args) => commands::validate::run(args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Completions(args) => commands::shell::completions(args),
        Command::Man(args) => commands::shell::man(args),
    }
}
