//! The `tandem` binary: everything is in the library, and a program with problems of its own looks like this one.

use std::process::ExitCode;

fn main() -> ExitCode {
    tandem::App::new().run()
}
