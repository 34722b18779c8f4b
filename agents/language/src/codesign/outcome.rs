//! The last word on a co-design: the winner and the front on text that no search saw.

use serde::{Deserialize, Serialize};
use tandem_attention::{GainCell, cost, design};
use tandem_core::Design;

use super::judge::{Home, Split};
use super::point::{Origin, Point, front};
use super::{Codesign, LanguageError};

/// The chip of the last judgement in tensors: none that a search used.
const FINAL_CHIP: u64 = u64::MAX;

/// What a co-design found. Losses are those of the tensor model unless named otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The control on the circuit that both started with.
    pub control: Point,
    /// The model on the circuit that was found.
    pub winner: Point,
    /// The winner's circuit.
    pub circuit: GainCell,
    /// Losses of control and winner on chips with noise and mismatch, cell for cell.
    pub chips: Vec<[f64; 2]>,
    /// The winner with one parameter as it was at the start, scalers adapted.
    pub reverted: Vec<Reverted>,
    /// Circuits that no other beats in loss, energy, time and area, judged with the model as it is at the end; by energy.
    pub front: Vec<Point>,
}

/// A winner with one parameter put back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reverted {
    /// Name of the parameter.
    pub parameter: String,
    /// Its value in the start design and in the winner.
    pub values: [f64; 2],
    /// Other parameters that had to follow it, so that the circuit can be built.
    pub with: Vec<String>,
    /// What it does, or why it cannot be built.
    pub point: Result<Point, String>,
}

impl Codesign {
    /// Judges the winner, its variants and the front on the final text.
    ///
    /// # Errors
    /// A circuit outside the design space; nothing that was judged before is.
    pub fn outcome(&mut self) -> Result<Outcome, LanguageError> {
        self.judge.chip = FINAL_CHIP;
        let home_circuit = self.circuit(&self.state.home)?;
        let home = self.judge.home(&self.model.model, &home_circuit)?;
        let control_home = self.judge.home(&self.control.model, &self.base)?;
        let control = self.control_point(&control_home)?;
        let best = &self.state.points[self.best()];
        let (design, origin) = (best.design.clone(), best.origin);
        let circuit = self.circuit(&design)?;
        let winner = self.final_point(&home, &design, control.loss, origin)?;
        let mut chips = Vec::new();
        for chip in 0..u64::from(self.settings.chips) {
            let own = &mut self.control.model;
            let first = self.judge.cell_for_cell(own, &control_home, &self.base, chip)?;
            let model = &mut self.model.model;
            chips.push([first, self.judge.cell_for_cell(model, &home, &circuit, chip)?]);
        }
        let reverted = self.reverted(&home, &design, control.loss)?;
        let front = self.judged_front(&home, control.loss)?;
        Ok(Outcome {
            control,
            winner,
            circuit,
            chips,
            reverted,
            front,
        })
    }

    fn control_point(&mut self, home: &Home) -> Result<Point, LanguageError> {
        let model = &mut self.control.model;
        let judged = self.judge.judge(model, home, &self.base, Split::Final)?;
        Ok(Point {
            design: self.space.start(),
            loss: judged.loss,
            excess: 0.0,
            cost: cost::cost(&self.base, &judged.activity),
            origin: Origin::Start,
        })
    }

    fn final_point(
        &mut self,
        home: &Home,
        design: &[f64],
        control: f64,
        origin: Origin,
    ) -> Result<Point, LanguageError> {
        let circuit = self.circuit(design)?;
        let model = &mut self.model.model;
        let judged = self.judge.judge(model, home, &circuit, Split::Final)?;
        Ok(Point {
            design: design.to_vec(),
            loss: judged.loss,
            excess: judged.loss - control,
            cost: cost::cost(&circuit, &judged.activity),
            origin,
        })
    }

    fn reverted(&mut self, home: &Home, found: &Design, control: f64) -> Result<Vec<Reverted>, LanguageError> {
        let start = self.space.start();
        let mut all = Vec::new();
        for i in 0..start.len() {
            if found[i] == start[i] {
                continue;
            }
            let mut back = found.clone();
            back[i] = start[i];
            let mended = design::mend(&self.space, &back, &self.base);
            if mended[i] == start[i] {
                back = mended;
            }
            let point = match self.circuit(&back)?.check() {
                Err(error) => Err(error.to_string()),
                Ok(()) => match self.final_point(home, &back, control, Origin::Change) {
                    Err(LanguageError::Circuit(error)) => Err(error.to_string()),
                    other => Ok(other?),
                },
            };
            let name = |i: usize| self.space.parameters[i].name.clone();
            let followed = (0..start.len()).filter(|&j| j != i && back[j] != found[j]);
            all.push(Reverted {
                parameter: name(i),
                values: [start[i], found[i]],
                with: followed.map(name).collect(),
                point,
            });
        }
        Ok(all)
    }

    /// The front, judged anew.
    fn judged_front(&mut self, home: &Home, control: f64) -> Result<Vec<Point>, LanguageError> {
        let mut members = Vec::new();
        for place in front(&self.state.points) {
            let point = &self.state.points[place];
            let (design, origin) = (point.design.clone(), point.origin);
            members.push(self.final_point(home, &design, control, origin)?);
        }
        let kept = front(&members);
        Ok(kept.into_iter().map(|i| members[i].clone()).collect())
    }
}
