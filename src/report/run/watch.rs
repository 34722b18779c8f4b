//! Recorded episodes of a run: the replay and the still picture.

use rayon::prelude::*;
use tandem_core::{Problem, Scene};

use crate::error::Error;
use crate::evaluate::Learnt;
use crate::film::{designs, record, still};
use crate::judge::Starts;
use crate::report::number::number;
use crate::report::page::{Page, picture};
use crate::report::replay::{Episode, Film, MOST, Replay, replay};

/// Episodes that can be watched.
const EPISODES: u64 = 3;
/// Width and height of a machine in the still picture, pixels.
const STILL: u32 = 560;

/// The first episodes of the final judgement, on the start design and on the learnt one.
pub(super) fn episodes(learnt: &Learnt) -> Result<Vec<Episode>, Error> {
    let space = learnt.hardware().space().clone();
    let designs = designs(&space.start(), &learnt.design());
    let starts = Starts {
        name: "evaluation",
        seed: learnt.experiment.seed,
        episodes: EPISODES as usize,
    };
    let films: Vec<(u64, usize)> = (0..EPISODES)
        .flat_map(|e| (0..designs.len()).map(move |d| (e, d)))
        .collect();
    let policy = &learnt.policy;
    let play = |(episode, which): (u64, usize), mut problem: Box<dyn Problem>| {
        let (title, design) = &designs[which];
        let played = record(&mut *problem, policy, design, starts, episode)?;
        let solved = if played.success { "solved" } else { "not solved" };
        Ok(Film {
            title: (*title).into(),
            outcome: format!("{solved}, return {}", number(played.total_return)),
            scenes: played.scenes,
        })
    };
    let copies: Vec<_> = films
        .into_iter()
        .map(|film| (film, learnt.instance.problem.fresh()))
        .collect();
    let films: Vec<Film> = copies
        .into_par_iter()
        .map(|(film, problem)| play(film, problem))
        .collect::<Result<_, Error>>()?;
    let mut films = films.into_iter();
    let mut episodes = Vec::new();
    for number in 1..=EPISODES {
        let label = number.to_string();
        let films = films.by_ref().take(designs.len()).collect();
        episodes.push(Episode { label, films });
    }
    Ok(episodes)
}

/// The replay; its first episode as a still picture where no script runs, or where there is nothing to replay.
pub(super) fn watch(page: &mut Page, learnt: &Learnt, episodes: &[Episode]) -> Result<(), Error> {
    let still = still_of(episodes)?;
    let dt = learnt.instance.problem.spec().control_dt;
    match (replay(episodes, dt, MOST), still) {
        (Some(found), still) => {
            let about = about_replay(&learnt.experiment.problem, &found, episodes.len());
            let caption = format!("Episodes of the final judgement, as they happened in the true machine.{about}");
            page.replay(&caption, &found.data, &still.unwrap_or_default());
        }
        (None, Some(still)) => {
            let caption = "The first episode of the final judgement; earlier moments are pale.";
            page.section("Machine", caption, &still);
        }
        (None, None) => {}
    }
    Ok(())
}

/// The first episode as a picture, where there is something to draw.
fn still_of(episodes: &[Episode]) -> Result<Option<String>, Error> {
    let films: Vec<(&str, &[Scene])> = episodes
        .iter()
        .take(1)
        .flat_map(|episode| &episode.films)
        .map(|film| (film.title.as_str(), &film.scenes[..]))
        .collect();
    let mut scenes = films.iter().flat_map(|(_, scenes)| scenes.iter());
    if scenes.all(|scene| scene.shapes.is_empty()) {
        return Ok(None);
    }
    let png = still(&films, (STILL * films.len() as u32, STILL))?.png()?;
    let titles: Vec<&str> = films.iter().map(|(title, _)| *title).collect();
    Ok(Some(picture(&png, &titles.join(", beside "))))
}

/// What the parts of a chart mean; a machine needs no words.
fn what_is_drawn(problem: &str) -> &'static str {
    match problem {
        "accelerator" => {
            " Squares above: array (blue), accumulator (outline), scratchpad (sand) and memory interface (grey), by their area. \
             Bars below: the time of each layer; the line is that of the reference, so lower is better."
        }
        "attention" => {
            " Squares: the tokens that the window still holds, the newest left, keys above their values, filled where a number is \
             positive. Bars: the score of each answer, from the line at zero; the mark below them is the right one."
        }
        _ => "",
    }
}

/// What must be known of a replay that was to show `all` episodes: what is drawn, and what was left out to keep the page small.
pub fn about_replay(problem: &str, found: &Replay, all: usize) -> String {
    let mut text = String::new();
    if found.stride > 1 {
        text += &format!(
            " To keep the page small, every {}th control step is stored; the motion between is interpolated.",
            found.stride
        );
    }
    if found.episodes < all {
        text += &format!(" For the same reason, {} of {all} episodes are stored.", found.episodes);
    }
    text + what_is_drawn(problem)
}
