//! Plots: learning curves and performance profiles of each experiment, profiles over all.

use std::path::{Path, PathBuf};

use super::{Group, MOST_PAIRED, Summary, best};
use crate::error::Error;
use crate::plot::{Axes, Band, Center, Curve, Figure, PlotError, bands, learning_curves};
use crate::statistics::interquartile_mean;

impl Summary {
    /// Draws the plots; their paths.
    pub(super) fn draw(&self, folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let parts = self.experiments();
        let name = |what: &str, experiment: &str| match parts.len() {
            1 => format!("{what}.png"),
            _ => format!("{what}-{experiment}.png"),
        };
        let mut paths = Vec::new();
        let mut save = |name: String, figure: Result<Figure, PlotError>| {
            let failed = |error| Error::Run(format!("cannot draw {name}: {error}"));
            let path = folder.join(&name);
            figure.map_err(failed)?.save(&path)?;
            paths.push(path);
            Ok::<_, Error>(())
        };
        for (groups, _) in &parts {
            let experiment = &groups[0].experiment;
            if groups.iter().any(|group| !group.runs.is_empty()) {
                save(name("curves", experiment), curves(experiment, groups))?;
                save(name("profiles", experiment), self.profile_figure(Some(experiment)))?;
            }
        }
        if !self.overall.is_empty() {
            save("profiles-all.png".into(), self.profile_figure(None))?;
        }
        Ok(paths)
    }

    fn profile_figure(&self, experiment: Option<&str>) -> Result<Figure, PlotError> {
        let of = self
            .profiles
            .iter()
            .filter(|profile| profile.experiment.as_deref() == experiment);
        let band = |profile: &super::Profile| Band {
            name: profile.entrant.label.clone(),
            points: profile.points.clone(),
        };
        let axes = Axes {
            title: format!(
                "{}: share of runs above a true success, with its 95 % band",
                experiment.unwrap_or("all experiments")
            ),
            x: "true success".into(),
            y: "share of runs".into(),
            range: Some((0.0, 1.0)),
            ..Axes::default()
        };
        bands(&axes, &of.map(band).collect::<Vec<_>>())
    }
}

fn curves(experiment: &str, groups: &[Group]) -> Result<Figure, PlotError> {
    let drawn = best(groups, |group| interquartile_mean(&group.scores()));
    let which = match groups.len() > MOST_PAIRED {
        true => format!(", the best {MOST_PAIRED} of {}", groups.len()),
        false => String::new(),
    };
    let curves: Vec<Curve> = drawn
        .iter()
        .map(|group| Curve {
            name: group.label(),
            seeds: held(group.runs.iter().map(|run| run.curve.clone()).collect()),
        })
        .collect();
    let axes = Axes {
        title: format!("{experiment}: median over seeds, band between quartiles{which}"),
        x: "environment steps".into(),
        y: "true success".into(),
        range: Some((0.0, 1.0)),
        ..Axes::default()
    };
    learning_curves(&axes, &curves, Center::Median)
}

/// Curves that all reach as far as the longest: a run that ended early, since it was solved, keeps its last value.
fn held(mut curves: Vec<Vec<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let ends = curves.iter().filter_map(|curve| curve.last());
    let longest = ends.map(|&(x, _)| x).fold(0.0, f64::max);
    for curve in &mut curves {
        if let Some(&(x, y)) = curve.last()
            && x < longest
        {
            curve.push((longest, y));
        }
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::held;

    #[test]
    fn a_run_that_ended_early_keeps_its_last_value() {
        let curves = vec![vec![(1.0, 0.2), (2.0, 1.0)], vec![(1.0, 0.0), (4.0, 0.5)], Vec::new()];
        let longer = held(curves.clone());
        assert_eq!(longer[0], [(1.0, 0.2), (2.0, 1.0), (4.0, 1.0)]);
        assert_eq!(longer[1..], curves[1..]);
    }
}
