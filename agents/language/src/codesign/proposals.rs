//! Which circuits are judged next: half of them by the proxy's gradient, half by random changes.

use tandem_attention::design;
use tandem_core::{Design, Scale};

use super::point::{Origin, front};
use super::proxy::{Goal, Proxy};
use super::{Codesign, LanguageError};

/// Parameters that change at random, on average.
const CHANGES: f64 = 2.0;
/// Size of a random change, on the logit.
const STEP: f64 = 1.5;
/// Deviation of the place where a descent starts, on the logit.
const SCATTER: f64 = 0.5;
/// Draws for a circuit that can be built and was not judged yet.
const TRIES: usize = 50;
/// Loss above the control's that a descent for the front may allow, in margins: drawn between these, evenly in ratio.
const LEVELS: [f64; 2] = [0.25, 8.0];

impl Codesign {
    /// The designs of a round, each with who proposed it.
    pub(super) fn propose(&mut self, proxy: Option<&Proxy>) -> Result<Vec<(Design, Origin)>, LanguageError> {
        let mut all: Vec<(Design, Origin)> = Vec::new();
        for index in 0..self.settings.candidates {
            for _ in 0..TRIES {
                let (raw, origin) = match proxy.filter(|_| index % 2 == 0) {
                    Some(proxy) => (self.downhill(proxy, index % 4 == 0)?, Origin::Proxy),
                    None => (self.changed(), Origin::Change),
                };
                let design = design::mend(&self.space, &raw, &self.base);
                let known = self.state.points.iter().map(|point| &point.design);
                let new = !known.chain(all.iter().map(|(d, _)| d)).any(|d| *d == design);
                if new && self.circuit(&design)?.check().is_ok() {
                    all.push((design, origin));
                    break;
                }
            }
        }
        Ok(all)
    }

    /// The best design or, every second time, a member of the front; the start before any is judged.
    fn parent(&mut self) -> Design {
        let points = &self.state.points;
        if points.is_empty() {
            return self.space.start();
        }
        let members = front(points);
        let place = match self.state.stream.below(2) {
            0 => self.best(),
            _ => members[self.state.stream.below(members.len())],
        };
        self.state.points[place].design.clone()
    }

    /// From a parent down the proxy: for energy within the margin, or for a mixture of costs at another level of loss.
    fn downhill(&mut self, proxy: &Proxy, for_energy: bool) -> Result<Design, LanguageError> {
        let parent = self.parent();
        let stream = &mut self.state.stream;
        let mut start = self.space.logits(&parent);
        start.iter_mut().for_each(|z| *z += SCATTER * stream.normal());
        let goal = match for_energy {
            true => Goal {
                weights: [1.0, 0.0, 0.0],
                allowed: self.allowed(),
            },
            false => {
                let level = stream.uniform(LEVELS[0].ln(), LEVELS[1].ln()).exp();
                Goal {
                    weights: [0, 1, 2].map(|_| -stream.unit().max(1e-9).ln()),
                    allowed: level * self.settings.margin.ln_1p(),
                }
            }
        };
        let mut found = self.space.values(&proxy.descend(&start, &goal)?);
        for (value, (kept, parameter)) in found.iter_mut().zip(parent.iter().zip(&self.space.parameters)) {
            // a choice is no matter of degree: it stays, and random changes try the others
            if matches!(parameter.scale, Scale::Choice(_)) {
                *value = *kept;
            }
        }
        Ok(found)
    }

    /// A parent with some parameters changed.
    fn changed(&mut self) -> Design {
        let parent = self.parent();
        let stream = &mut self.state.stream;
        let chance = CHANGES / parent.len() as f64;
        let parameters = self.space.parameters.iter().zip(parent);
        let change = |(parameter, value): (&tandem_core::Parameter, f64)| {
            if stream.unit() >= chance {
                return value;
            }
            if let Scale::Choice(options) = &parameter.scale {
                return stream.below(options.len()) as f64;
            }
            parameter.value(parameter.logit(value) + STEP * stream.normal())
        };
        parameters.map(change).collect()
    }
}
