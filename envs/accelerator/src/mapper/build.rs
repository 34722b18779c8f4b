//! From a choice of the search to a mapping with its cost.

use super::dram::Lead;
use super::inside::Inside;
use super::loops::Loops;
use super::{MapError, Mapped};
use crate::loopnest::{Counting, Dim, Loop, Machine, Mapping};

/// All that a mapping follows from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// How much of each loop the scratchpad's tile holds.
    pub extents: [u64; 7],
    /// Rows and columns.
    pub spread: [u64; 2],
    /// P, Q and N of the accumulator's tile.
    pub in_bank: [u64; 3],
    pub lead: Lead,
    pub inside: Inside,
}

/// Loops of a level in time, inner ones first, as factors; those that run once are left out.
fn loops_in_time(inner_first: &[(Dim, u64)]) -> Vec<Loop> {
    let many = inner_first.iter().rev().filter(|(_, factor)| *factor > 1);
    let part = |&(dim, factor)| Loop {
        dim,
        factor,
        spatial: false,
    };
    many.map(part).collect()
}

impl Loops {
    /// The mapping of a choice, costed by the machine's own model.
    ///
    /// # Errors
    /// A mapping that the machine refuses, which a choice of the search is not.
    pub fn mapped(&self, choice: &Choice, machine: &Machine, counting: &Counting) -> Result<Mapped, MapError> {
        let mapping = self.mapping(choice);
        let cost = machine.cost_counted(&self.shape, &mapping, counting);
        let cost = cost.map_err(|error| MapError::Size(error.to_string()))?;
        Ok(Mapped {
            picojoules: machine.picojoules(&cost.accesses),
            cycles: cost.cycles,
            mapping,
        })
    }

    fn mapping(&self, choice: &Choice) -> Mapping {
        let held = |dim: Dim| choice.extents[dim as usize];
        let [rows, columns] = choice.spread;
        let outputs = (Dim::K, held(Dim::K) / columns);
        let sums = [
            (Dim::R, held(Dim::R)),
            (Dim::S, held(Dim::S)),
            (Dim::C, held(Dim::C) / rows),
        ];
        let dims = [Dim::P, Dim::Q, Dim::N];
        let in_bank = match choice.inside {
            Inside::Accumulate => choice.in_bank,
            Inside::Stream | Inside::WeightsStay => [1; 3],
            Inside::Whole => dims.map(held),
        };
        let registers: [_; 3] = std::array::from_fn(|at| (dims[at], in_bank[at]));
        let pixels: [_; 3] = std::array::from_fn(|at| (dims[at], held(dims[at]) / in_bank[at]));
        let (accumulator, scratchpad) = match choice.inside {
            Inside::Accumulate | Inside::Stream => (sums.to_vec(), [&pixels[..], &[outputs]].concat()),
            Inside::WeightsStay => (Vec::new(), [&pixels[..], &sums, &[outputs]].concat()),
            Inside::Whole => ([&sums[..], &[outputs]].concat(), Vec::new()),
        };
        let dram = choice.lead.order().into_iter();
        let dram: Vec<_> = dram
            .map(|dim| (dim, self.shape.sizes[dim as usize] / held(dim)))
            .collect();
        let mut levels = [&registers[..], &accumulator, &scratchpad, &dram].map(loops_in_time);
        for (level, dim, factor) in [(1, Dim::C, rows), (2, Dim::K, columns)] {
            if factor > 1 {
                levels[level].push(Loop {
                    dim,
                    factor,
                    spatial: true,
                });
            }
        }
        Mapping { levels }
    }
}
