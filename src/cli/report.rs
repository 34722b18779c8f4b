//! Arguments of `report`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `tandem report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem report runs/far                        # writes runs/far/report.html
  tandem report runs/far --out far.html
  tandem report runs/compare-far                # a folder of several runs: methods over seeds

The page needs no network and no other file: curves, design, judgement, settings, and true episodes to be replayed.")]
pub struct ReportArgs {
    /// Run folder, or a folder that holds several
    pub run: PathBuf,
    /// Page to write; `-` for standard output [default: report.html in the folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
