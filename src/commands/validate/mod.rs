//! `tandem validate`: the accelerator models against reference data.

mod host;

use std::path::Path;

use serde_json::{Value, json};
use tandem_accelerator::{Accuracy, gemmini, loopnest, scalesim};

use crate::cli::{ValidateArgs, ValidateWhat};
use crate::commands::print_json;
use crate::error::Error;
use crate::output::out;

/// Mismatches that are printed; the rest are counted.
const SHOWN: usize = 10;

/// Runs the command. A model that is off is a result, not an error.
///
/// # Errors
/// Data that is not right.
pub fn run(args: &ValidateArgs) -> Result<(), Error> {
    match args.what {
        ValidateWhat::Scalesim => run_scalesim(args),
        ValidateWhat::Timeloop => run_timeloop(args),
        ValidateWhat::Gemmini => run_gemmini(args),
        ValidateWhat::Host => host::run(args),
    }
}

fn data(args: &ValidateArgs) -> Result<&Path, Error> {
    let missing = || Error::Input("name the reference data with --data PATH".into());
    args.data.as_deref().ok_or_else(missing)
}

fn run_scalesim(args: &ValidateArgs) -> Result<(), Error> {
    let comparison = scalesim::compare(data(args)?)?;
    if args.json {
        let mut document = document(&comparison.accuracy);
        document["exact"] = json!(comparison.exact);
        document["left_out"] = json!(comparison.user_rows);
        return print_json(&document);
    }
    out!(
        "SCALE-Sim: {} of {} rows exact",
        comparison.exact,
        comparison.accuracy.rows
    )?;
    if comparison.user_rows > 0 {
        out!("{} rows with stalls (USER) left out", comparison.user_rows)?;
    }
    for mismatch in comparison.mismatches.iter().take(SHOWN) {
        out!(
            "  {}: {} cycles, the tool has {}",
            mismatch.row,
            mismatch.ours,
            mismatch.theirs
        )?;
    }
    print_accuracy("total_cycles", &comparison.accuracy)?;
    Ok(())
}

fn run_timeloop(args: &ValidateArgs) -> Result<(), Error> {
    let comparison = loopnest::compare(data(args)?)?;
    if args.json {
        let mut document = document(&comparison.latency);
        document["exact"] = json!(comparison.exact);
        document["energy"] = self::document(&comparison.energy);
        document["area"] = self::document(&comparison.area);
        return print_json(&document);
    }
    out!(
        "Timeloop: cycles of {} of {} rows exact",
        comparison.exact,
        comparison.latency.rows
    )?;
    print_accuracy("cycles", &comparison.latency)?;
    print_accuracy("energy", &comparison.energy)?;
    print_accuracy("area", &comparison.area)?;
    Ok(())
}

fn run_gemmini(args: &ValidateArgs) -> Result<(), Error> {
    let calibration = args.calibration.as_deref();
    let comparison = gemmini::compare(data(args)?, calibration)?;
    if args.json {
        let mut document = document(&comparison.plain);
        document["rank_correlation"] = json!(comparison.rank_correlation);
        document["constants"] = json!(gemmini::Constants::DOSA);
        document["calibrated"] = json!(comparison.calibrated.map(|it| self::document(&it)));
        document["cross_validated"] = json!(calibration.is_none());
        document["fitted"] = json!(comparison.fitted);
        document["left_out"] = json!(comparison.left_out);
        return print_json(&document);
    }
    out!("Gemmini: {} layer runs", comparison.plain.rows)?;
    if comparison.left_out > 0 {
        out!("{} rows without measured cycles left out", comparison.left_out)?;
    }
    print_accuracy("shipped constants", &comparison.plain)?;
    out!("rank correlation {:.4}", comparison.rank_correlation)?;
    let Some(calibrated) = &comparison.calibrated else {
        out!("too few layers to calibrate; name other rows with --calibration")?;
        return Ok(());
    };
    match calibration {
        Some(path) => print_accuracy(&format!("calibrated on {}", path.display()), calibrated)?,
        None => {
            let folds = gemmini::FOLDS;
            let how = format!("calibrated, layers in {folds} folds, each predicted from the others");
            print_accuracy(&how, calibrated)?;
        }
    }
    Ok(())
}

/// The keys that scripts read.
fn document(accuracy: &Accuracy) -> Value {
    json!({
        "rows": accuracy.rows,
        "mean_abs_error_percent": accuracy.mean_abs_error_percent,
        "median_abs_error_percent": accuracy.median_abs_error_percent,
        "total_accuracy_percent": accuracy.total_accuracy_percent,
    })
}

fn print_accuracy(what: &str, accuracy: &Accuracy) -> Result<(), Error> {
    out!(
        "{what}: mean error {:.4} %, median {:.4} %, accuracy of the sum {:.4} %",
        accuracy.mean_abs_error_percent,
        accuracy.median_abs_error_percent,
        accuracy.total_accuracy_percent
    )?;
    Ok(())
}
