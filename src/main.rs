//! The `tandem` binary: everything is in the library, and a program with problems of its own has the same form.

use std::process::ExitCode;

fn main() -> ExitCode {
    tandem::App::new().run()
}
