//! `tandem bench`: measures speed, learning and selectivity on this machine.

use serde_json::json;

use super::print_json;
use crate::bench::{Entry, attention, convergence, kernels, learning, physics, robot, selectivity, simulate, training};
use crate::cli::{BenchArgs, BenchWhat};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::output::{note, out};
use crate::registry;
use crate::statistics::Estimate;

/// Runs the command.
///
/// # Errors
/// A measurement that cannot be made; `--only` that leaves nothing; [`Error::Run`] when a bar of `learning` is
/// missed, after the results are out.
pub fn run(args: &BenchArgs) -> Result<(), Error> {
    match args.what {
        BenchWhat::Training => run_training(args),
        BenchWhat::Physics => run_physics(args),
        BenchWhat::Convergence => run_convergence(args),
        BenchWhat::Learning => run_learning(args),
        BenchWhat::Selectivity => run_selectivity(args),
        BenchWhat::Attention => run_attention(args),
        BenchWhat::Simulate => run_simulate(args),
        BenchWhat::Robot => run_robot(args),
        BenchWhat::Kernels => run_kernels(args),
    }
}

fn run_training(args: &BenchArgs) -> Result<(), Error> {
    let cases = training::CASES.iter().filter(|case| case.name.contains(&args.only));
    let mut entries = Vec::new();
    for case in cases {
        let speed = case.measure()?;
        if !args.json {
            print_speed(case, &speed)?;
        }
        entries.extend(speed.entries());
    }
    finish(args, &entries)
}

fn run_robot(args: &BenchArgs) -> Result<(), Error> {
    let missing = || Error::Input("`bench robot` needs a robot: --experiment FILE".into());
    let experiment = Experiment::read(args.experiment.as_ref().ok_or_else(missing)?, &[])?;
    let entries = robot::measure(&registry::robot(&experiment)?)?;
    if !args.json {
        for entry in &entries {
            out!("{:24} {:>10.0} {}", entry.name, entry.value, entry.unit)?;
        }
    }
    finish(args, &entries)
}

fn run_kernels(args: &BenchArgs) -> Result<(), Error> {
    let mut entries = Vec::new();
    for case in &training::CASES {
        if !case.name.contains(&args.only) {
            continue;
        }
        let price = kernels::measure(case.name, args.rounds as usize)?;
        if !args.json {
            out!("{price}")?;
        }
        entries.extend(price.entries());
    }
    finish(args, &entries)
}

fn print_speed(case: &training::Case, speed: &training::Speed) -> Result<(), Error> {
    out!(
        "{:14} {:>9.0} environment steps/s   {}",
        case.name,
        speed.steps_per_second,
        case.about
    )?;
    let total: f64 = speed.parts.iter().map(|(_, seconds)| seconds).sum();
    for (part, seconds) in &speed.parts {
        let share = 100.0 * seconds / total;
        out!("  {part:12} {:>9.1} ms per iteration  {share:5.1} %", 1e3 * seconds)?;
    }
    out!("  first fit    {:>9.2} s, once, not counted above", speed.first_fit)?;
    Ok(())
}

fn run_attention(args: &BenchArgs) -> Result<(), Error> {
    let entries: Vec<Entry> = attention::measure()?
        .into_iter()
        .filter(|entry| entry.name.contains(&args.only))
        .collect();
    if !args.json {
        for entry in &entries {
            out!("{:34} {:>10.3} {}", entry.name, entry.value, entry.unit)?;
        }
    }
    finish(args, &entries)
}

fn run_physics(args: &BenchArgs) -> Result<(), Error> {
    let cases = physics::CASES.into_iter().filter(|case| case.name.contains(&args.only));
    let mut entries = Vec::new();
    for case in cases {
        let scene = physics::Scene::measure(case, rayon::current_num_threads())?;
        let name = scene.name;
        if !args.json {
            for rate in [scene.one, scene.all] {
                out!(
                    "{name:10} {:2} threads  {:>9.0} control steps/s, {:>10.0} substeps/s, bare machine {:>9.0}, ratio {:.3}",
                    rate.threads,
                    rate.full,
                    rate.full * rate.substeps as f64,
                    rate.bare,
                    rate.full / rate.bare
                )?;
            }
            out!("{name:10} scaling     {:.2}", scene.all.full / scene.one.full)?;
        }
        entries.extend(scene.entries());
    }
    finish(args, &entries)
}

fn run_convergence(args: &BenchArgs) -> Result<(), Error> {
    let cases = convergence::cases(&args.only)?;
    if cases.is_empty() {
        return Err(Error::Input(format!("--only {}: there is no such preset", args.only)));
    }
    if !args.json {
        out!(
            "{:24} {:7} {:13} {:>11} {:>9} {:>9}  channel",
            "problem and preset",
            "design",
            "machine",
            "trajectory",
            "worst",
            "return"
        )?;
    }
    let mut rows = Vec::new();
    for case in &cases {
        let measured = case.measure(args.episodes.map(|n| n as usize))?;
        if !args.json {
            measured.iter().try_for_each(print_deviation)?;
        }
        rows.extend(measured);
    }
    if args.json {
        print_json(&convergence::document(&rows))?;
    }
    let missed = rows.iter().filter(|row| row.machine == "step / 1" && !row.converged);
    let mut missed: Vec<String> = missed.map(|row| format!("{} {}", row.problem, row.preset)).collect();
    missed.dedup();
    if !missed.is_empty() {
        let bar = 100.0 * convergence::BAR;
        note!("more than {bar} % off at the shipped step: {}", missed.join(", "));
    }
    Ok(())
}

fn print_deviation(row: &convergence::Row) -> Result<(), Error> {
    let deviation = &row.deviation;
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    out!(
        "{:24} {:7} {:13} {:>11} {:>9} {:>9}  {}",
        format!("{} {}", row.problem, row.preset),
        row.design,
        row.machine,
        percent(deviation.trajectory),
        percent(deviation.worst),
        percent(deviation.total_return),
        deviation.channel
    )?;
    Ok(())
}

fn run_learning(args: &BenchArgs) -> Result<(), Error> {
    let cases = learning::CASES.iter().filter(|case| case.name.contains(&args.only));
    let cases: Vec<&learning::Case> = cases.collect();
    let seeds = u64::from(args.seeds);
    let verdicts = learning::learn(&cases, seeds, rayon::current_num_threads(), |case, seed, scores| {
        note!("{} seed {seed}: {scores:.1?}", case.name);
    })?;
    if !args.json {
        out!(
            "{:30} {:>9} {:>10} {:>23} {:>10} {:>10}",
            "problem",
            "env steps",
            "mean",
            "95 % interval",
            "worst",
            "bar"
        )?;
        verdicts.iter().try_for_each(print_verdict)?;
    }
    let entries: Vec<Entry> = verdicts.iter().map(learning::Verdict::entry).collect();
    finish(args, &entries)?;
    let missed: Vec<&str> = verdicts.iter().filter(|v| !v.passed()).map(|v| v.name).collect();
    if missed.is_empty() {
        return Ok(());
    }
    Err(Error::Run(format!("the bar was missed: {}", missed.join(", "))))
}

fn print_verdict(verdict: &learning::Verdict) -> Result<(), Error> {
    let (sign, bar) = match verdict.bar {
        learning::Bar::AtLeast(bar) => (">=", bar),
        learning::Bar::AtMost(bar) => ("<=", bar),
    };
    let Some(estimate) = verdict.estimate() else {
        return Ok(());
    };
    let interval = format!("[{:.1}, {:.1}]", estimate.low, estimate.high);
    out!(
        "{:30} {:>9} {:>10.1} {interval:>23} {:>10.1} {:>10} {}",
        verdict.name,
        verdict.env_steps,
        estimate.value,
        verdict.worst(),
        format!("{sign} {bar}"),
        if verdict.passed() { "pass" } else { "FAIL" }
    )?;
    Ok(())
}

fn run_selectivity(args: &BenchArgs) -> Result<(), Error> {
    let mut entries = Vec::new();
    for (preset, selectivity) in selectivity::presets(&args.only) {
        let (entry, interval) = selectivity::measure(preset, selectivity, args.designs as usize)?;
        if !args.json {
            let percent = |end: fn(&Estimate) -> f64| 100.0 * interval.as_ref().map_or(f64::NAN, end);
            out!(
                "{preset:14} {:6.2} % [{:.2}, {:.2}] of {} random designs work",
                100.0 * entry.value,
                percent(|i| i.low),
                percent(|i| i.high),
                args.designs
            )?;
        }
        entries.push(entry);
    }
    finish(args, &entries)
}

fn run_simulate(args: &BenchArgs) -> Result<(), Error> {
    let cases = simulate::CASES.iter().filter(|case| case.name.contains(&args.only));
    let mut entries = Vec::new();
    for case in cases {
        let entry = case.measure()?;
        if !args.json {
            out!(
                "{:28} {:>14.4} {:10} {}",
                entry.name,
                entry.value,
                entry.unit,
                case.about
            )?;
        }
        entries.push(entry);
    }
    finish(args, &entries)
}

/// Prints the document, if it is asked for.
fn finish(args: &BenchArgs, entries: &[Entry]) -> Result<(), Error> {
    if entries.is_empty() {
        return Err(Error::Input(format!("--only {}: there is no such entry", args.only)));
    }
    if args.json {
        print_json(&json!({ "results": entries }))
    } else {
        Ok(())
    }
}
