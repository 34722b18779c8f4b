//! Tandem extended by other problems and methods: a crate that depends on this one has the whole command line.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use tandem::{App, MethodEntry};
//! # use tandem_agents::design::{Fixed, FixedSettings};
//!
//! fn main() -> ExitCode {
//!     App::new()
//!         .method(MethodEntry::new("mine", "what it does", |setup, _: FixedSettings| Fixed::new(setup)))
//!         .run()
//! }
//! ```

use std::process::ExitCode;

use crate::cli;
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
            Ok(()) => cli::main(),
            Err(error) => error.report(),
        }
    }
}
