//! Robots that differ from episode to episode: numbers of the model that are multiplied by factors drawn for each.

use std::ops::Range;

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::{MjtBias, MjtGain, MjtObjBase as Kind};
use tandem_core::Stream;
use tandem_core::check::SettingError;

use super::Memory;
use super::event::Built;
use super::lookup::{find, name};
use super::params::{Builder, wrong};
use super::shared::Event;

/// Factors on the sliding friction of geoms.
pub fn friction(b: &mut Builder) -> Built {
    let patterns = b.patterns("geoms", Some("*"), "geoms, by pattern")?;
    factors(
        b,
        [0.7, 1.3],
        true,
        |model| find(model, Kind::mjOBJ_GEOM, &patterns, "geoms"),
        |model, id, factor| {
            model.geom_friction_mut()[id][0] *= factor;
        },
    )
}

/// Factors on masses, and on inertias with them.
pub fn body_mass(b: &mut Builder) -> Built {
    let patterns = b.patterns("bodies", Some("*"), "bodies, by pattern")?;
    factors(
        b,
        [0.9, 1.1],
        false,
        |model| find(model, Kind::mjOBJ_BODY, &patterns, "bodies"),
        |model, id, factor| {
            model.body_mass_mut()[id] *= factor;
            model.body_inertia_mut()[id] = model.body_inertia()[id].map(|i| i * factor);
        },
    )
}

/// Factors on the strength of actuators.
pub fn actuator_gain(b: &mut Builder) -> Built {
    let patterns = b.patterns("actuators", Some("*"), "actuators, by pattern")?;
    let found = |model: &MjModel| {
        let found = find(model, Kind::mjOBJ_ACTUATOR, &patterns, "actuators")?;
        match found.iter().find(|&&id| strengths(model, id).is_none()) {
            None => Ok(found),
            Some(&id) => {
                let name = name(model, Kind::mjOBJ_ACTUATOR, id);
                let reason = format!("`{name}` is no motor, servo or muscle, so that its gain is not known");
                Err(wrong("actuators", reason))
            }
        }
    };
    factors(b, [0.9, 1.1], false, found, |model, id, factor| {
        let Some([gain, bias]) = strengths(model, id) else {
            return;
        };
        // SAFETY: numbers stay numbers; no address or size is kept in them.
        let gains = unsafe { model.actuator_gainprm_mut() };
        gains[id][gain].iter_mut().for_each(|x| *x *= factor);
        model.actuator_biasprm_mut()[id][bias]
            .iter_mut()
            .for_each(|x| *x *= factor);
    })
}

/// Which of an actuator's parameters, of gain and of bias, its force is proportional to; `None` for other kinds of actuators.
fn strengths(model: &MjModel, id: usize) -> Option<[Range<usize>; 2]> {
    // A muscle's peak force, and the number from which that is derived where it is not given.
    const MUSCLE: Range<usize> = 2..4;
    let gain = match model.actuator_gaintype()[id] {
        MjtGain::mjGAIN_FIXED | MjtGain::mjGAIN_AFFINE => 0..3, // constant, by length, by velocity
        MjtGain::mjGAIN_MUSCLE => MUSCLE,
        _ => return None,
    };
    let bias = match model.actuator_biastype()[id] {
        MjtBias::mjBIAS_NONE | MjtBias::mjBIAS_AFFINE => 1..3, // a constant force is no feedback
        MjtBias::mjBIAS_MUSCLE => MUSCLE,
        _ => return None,
    };
    Some([gain, bias])
}

/// Numbers of the model that are multiplied by factors of an episode.
struct Factors<F> {
    ids: Vec<usize>,
    /// Slots of the factors: one for each number, or one for all.
    slots: Range<usize>,
    range: [f64; 2],
    apply: F,
}

impl<F: Fn(&mut MjModel, usize, f64) + Send + Sync> Event for Factors<F> {
    fn draw(&self, memory: &mut Memory, stream: &mut Stream) {
        let [low, high] = self.range;
        memory.kept[self.slots.clone()]
            .iter_mut()
            .for_each(|factor| *factor = stream.uniform(low, high));
    }

    fn changes_model(&self) -> bool {
        true
    }

    fn randomise(&self, model: &mut MjModel, memory: &Memory) {
        for (i, &id) in self.ids.iter().enumerate() {
            let factor = memory.kept[self.slots.start + i.min(self.slots.len() - 1)];
            (self.apply)(model, id, factor);
        }
    }
}

fn factors(
    b: &mut Builder,
    range: [f64; 2],
    together: bool,
    find: impl Fn(&MjModel) -> Result<Vec<usize>, SettingError>,
    apply: impl Fn(&mut MjModel, usize, f64) + Send + Sync + 'static,
) -> Built {
    let range = b.range("range", "1", range, "factors on what the file says, [low, high]")?;
    let together = b.flag("together", together, "one factor for all, instead of one for each")?;
    let ids = find(b.model()?)?;
    if range[0] <= 0.0 {
        return Err(wrong(
            "range",
            format!("begins at {}; factors must be above 0", range[0]),
        ));
    }
    let slots = b.shared.keep(if together { 1 } else { ids.len() });
    Ok(Box::new(Factors {
        ids,
        slots,
        range,
        apply,
    }))
}
