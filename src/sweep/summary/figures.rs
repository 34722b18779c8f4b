//! Plots: learning curves and performance profiles of each experiment, profiles over all.

use std::path::{Path, PathBuf};

use super::{Group, MOST_PAIRED, Summary, best};
use crate::error::Error;
use crate::plot::{Axes, Band, Center, Curve, Figure, PlotError, bands, held, learning_curves};
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
        let all = match experiment {
            Some(name) => self.groups.iter().filter(|group| group.experiment == name).count(),
            None => self.overall.len(),
        };
        let axes = Axes {
            title: format!(
                "{}: share of runs above a true success, with its 95 % band{}",
                experiment.unwrap_or("all experiments"),
                which(all)
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
    let curves: Vec<Curve> = drawn
        .iter()
        .map(|group| Curve {
            name: group.label(),
            seeds: held(group.runs.iter().map(|run| run.curve.clone()).collect()),
        })
        .collect();
    let axes = Axes {
        title: format!(
            "{experiment}: median over seeds, band between quartiles{}",
            which(groups.len())
        ),
        x: "environment steps".into(),
        y: "true success".into(),
        range: Some((0.0, 1.0)),
        ..Axes::default()
    };
    learning_curves(&axes, &curves, Center::Median)
}

/// Says that of so many not all are drawn.
fn which(all: usize) -> String {
    match all > MOST_PAIRED {
        true => format!(", the best {MOST_PAIRED} of {all}"),
        false => String::new(),
    }
}
