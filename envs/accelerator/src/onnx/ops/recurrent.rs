//! Recurrent operators, rolled out: a product with all inputs at once, then step after step the product with the state
//! and the gates, each of which needs the step before.

use super::super::call::{Call, Fault, Outcome, Part, Source, wrong};
use super::super::value::elements;
use crate::gemm::{product, sum};
use crate::layer::Op;

/// Steps that a sequence may have.
const MOST_STEPS: u64 = 1 << 16;

/// Sizes of a recurrent operator.
struct Sizes {
    steps: u64,
    batch: u64,
    width: u64,
    directions: u64,
    /// All gates of one direction, side by side.
    rows: u64,
    hidden: u64,
    bias: bool,
    /// Whether the batch comes first.
    batch_first: bool,
}

/// `LSTM`, `GRU` and `RNN`: input, weights and recurrent weights, each of direction, gates and inputs.
pub(super) fn recurrent(call: &Call) -> Result<Outcome, Fault> {
    let (&[directions, rows, inputs], recurrent) = (call.shape(1)?, call.shape(2)?) else {
        return wrong("weights for each direction are needed");
    };
    roll_out(call, [directions, rows, inputs], recurrent)
}

/// `DynamicQuantizeLSTM` of ONNX Runtime, whose weights have inputs before gates.
pub(super) fn quantised(call: &Call) -> Result<Outcome, Fault> {
    let (&[directions, inputs, rows], &[other, hidden, gates]) = (call.shape(1)?, call.shape(2)?) else {
        return wrong("weights for each direction are needed");
    };
    roll_out(call, [directions, rows, inputs], &[other, gates, hidden])
}

fn roll_out(call: &Call, [directions, rows, inputs]: [u64; 3], recurrent: &[u64]) -> Result<Outcome, Fault> {
    let batch_first = call.flag("layout");
    let (steps, batch, width) = match (call.shape(0)?, batch_first) {
        (&[steps, batch, width], false) | (&[batch, steps, width], true) => (steps, batch, width),
        (shape, _) => return wrong(format!("an input of {shape:?} is not of steps, batch and width")),
    };
    let hidden = call.count("hidden_size", recurrent.last().copied().filter(|size| *size > 0))?;
    if inputs != width {
        return wrong(format!("weights for {inputs} inputs and rows of {width}"));
    }
    if recurrent != [directions, rows, hidden] {
        return wrong(format!(
            "recurrent weights of {recurrent:?}, not {:?}",
            [directions, rows, hidden]
        ));
    }
    if steps == 0 || product("steps", &[steps, directions])? > MOST_STEPS {
        return wrong(format!(
            "{steps} steps in {directions} directions; there may be 1 to {MOST_STEPS}"
        ));
    }
    let sizes = Sizes {
        steps,
        batch,
        width,
        directions,
        rows,
        hidden,
        bias: call.get(3).is_some(),
        batch_first,
    };
    sizes.outcome(call)
}

impl Sizes {
    fn outcome(&self, call: &Call) -> Result<Outcome, Fault> {
        let Self {
            steps,
            batch,
            hidden,
            directions,
            ..
        } = *self;
        let (all, last) = match self.batch_first {
            true => (vec![batch, steps, directions, hidden], vec![batch, directions, hidden]),
            false => (vec![steps, directions, batch, hidden], vec![directions, batch, hidden]),
        };
        let input = Op::Linear {
            rows: product("steps", &[steps, batch])?,
            inputs: self.width,
            outputs: product("gates", &[directions, self.rows])?,
            bias: self.bias,
        };
        let mut outcome = Outcome::view(all);
        outcome.shapes.resize(3, last);
        outcome.parts.push(Part {
            weights: Some((1, 0)),
            ..Part::new(".input", input, vec![Source::Input(0)])
        });
        let (product, gate) = self.step(call)?;
        let mut ends = Vec::new();
        for direction in 0..directions as usize {
            for step in 0..steps {
                let at = outcome.parts.len();
                let before = match step {
                    0 => Source::Input(5), // the state that it starts with, if one is given
                    _ => Source::Part(at - 1),
                };
                let suffix = match directions {
                    1 => format!("{step}"),
                    _ => format!("{direction}.{step}"),
                };
                outcome.parts.push(Part {
                    weights: Some((2, direction)),
                    ..Part::new(format!(".recurrent.{suffix}"), product, vec![before])
                });
                let reads = vec![Source::Part(0), Source::Part(at)];
                outcome.parts.push(Part::new(format!(".gates.{suffix}"), gate, reads));
            }
            ends.push(Source::Part(outcome.parts.len() - 1));
        }
        // whoever reads the result waits for all directions
        if let (Some(part), [others @ .., _]) = (outcome.parts.last_mut(), ends.as_slice()) {
            part.reads.extend(others);
        }
        Ok(outcome)
    }

    /// The product with the state and the gates of one step in one direction.
    fn step(&self, call: &Call) -> Result<(Op, Op), Fault> {
        let product_op = match call.constant(2) {
            true => Op::Linear {
                rows: self.batch,
                inputs: self.hidden,
                outputs: self.rows,
                bias: self.bias,
            },
            false => Op::MatMul {
                batch: 1,
                gemm: crate::gemm::Gemm {
                    m: self.batch,
                    n: self.rows,
                    k: self.hidden,
                },
            },
        };
        let sums = product("gates", &[self.batch, self.rows])?;
        let gate = Op::Elementwise {
            operands: 2,
            inputs: sum("gates", [sums, sums])?,
            elements: elements(&[self.batch, self.hidden])?,
            parameters: 0,
        };
        Ok((product_op, gate))
    }
}
