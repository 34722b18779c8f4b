//! Attention that comes as one operator, and recurrent layers: taken apart into what they compute.

use super::super::call::{Call, Fault, Outcome, Part, Source, unsupported, wrong};
use super::super::value::{Shape, elements};
use crate::gemm::{Gemm, product, sum};
use crate::layer::Op;

/// Sizes of an attention.
struct Sizes {
    /// Texts times heads of the queries.
    batch: u64,
    queries: u64,
    keys: u64,
    /// Length of a query and a key of one head.
    head: u64,
    /// Length of a value of one head.
    value: u64,
}

impl Sizes {
    /// Scores, softmax, and the sum of the values, reading queries and keys, and values.
    fn parts(&self, query_key: Vec<Source>, values: Source, first: usize) -> Result<Vec<Part>, Fault> {
        let scores = Gemm {
            m: self.queries,
            n: self.keys,
            k: self.head,
        };
        let sums = Gemm {
            m: self.queries,
            n: self.value,
            k: self.keys,
        };
        let elements = product("scores", &[self.batch, self.queries, self.keys])?;
        let batch = self.batch;
        Ok(vec![
            Part {
                suffix: ".scores",
                op: Op::MatMul { batch, gemm: scores },
                reads: query_key,
            },
            Part {
                suffix: ".softmax",
                op: Op::Softmax { elements },
                reads: vec![Source::Part(first)],
            },
            Part {
                suffix: ".values",
                op: Op::MatMul { batch, gemm: sums },
                reads: vec![Source::Part(first + 1), values],
            },
        ])
    }
}

fn divided(total: u64, by: u64, what: &str) -> Result<u64, Fault> {
    match total.checked_div(by) {
        Some(each) if each * by == total && each > 0 => Ok(each),
        _ => wrong(format!("{what} of {total} cannot be shared by {by} heads")),
    }
}

/// `Attention` of ONNX (from version 23) or of ONNX Runtime, told apart by what their second input is.
pub(super) fn attention(call: &Call) -> Result<Outcome, Fault> {
    match call.int("num_heads") {
        Some(_) => packed(call),
        None => standard(call),
    }
}

/// ONNX Runtime's: input, weights of queries, keys and values side by side, their bias.
fn packed(call: &Call) -> Result<Outcome, Fault> {
    let (&[batch, tokens, width], &[inputs, all]) = (call.shape(0)?, call.shape(1)?) else {
        return wrong("a text of batch, tokens and width and a matrix of weights are needed");
    };
    if width != inputs {
        return wrong(format!("rows of {width} and weights for {inputs}"));
    }
    if call.get(4).is_some() {
        return unsupported("an attention with a past");
    }
    let heads = call.count("num_heads", None)?;
    let widths = match call.ints("qkv_hidden_sizes") {
        Some(&[query, _, value]) if query > 0 && value > 0 => [query.cast_unsigned(), value.cast_unsigned()],
        Some(_) => return wrong("`qkv_hidden_sizes` must be three sizes"),
        None => [all / 3; 2],
    };
    let sizes = Sizes {
        batch: product("the batch", &[batch, heads])?,
        queries: tokens,
        keys: tokens,
        head: divided(widths[0], heads, "a query")?,
        value: divided(widths[1], heads, "a value")?,
    };
    let linear = Op::Linear {
        rows: product("rows", &[batch, tokens])?,
        inputs,
        outputs: all,
        bias: call.get(2).is_some(),
    };
    let mut outcome = Outcome::layer(vec![batch, tokens, widths[1]], linear);
    outcome.parts[0].suffix = ".qkv";
    let qkv = Source::Part(0);
    outcome.parts.extend(sizes.parts(vec![qkv], qkv, 1)?);
    Ok(outcome)
}

/// `MultiHeadAttention` of ONNX Runtime: queries, keys, values, each of batch, tokens and width.
pub(super) fn multi_head(call: &Call) -> Result<Outcome, Fault> {
    if call.get(1).is_none() || call.get(2).is_none() {
        return unsupported("queries, keys and values packed into one input");
    }
    let heads = call.count("num_heads", None)?;
    separate(call, heads, heads)
}

/// ONNX's: queries, keys and values, their heads apart or side by side; fewer heads of keys than of queries are shared.
fn standard(call: &Call) -> Result<Outcome, Fault> {
    if call.get(4).is_some() || call.get(5).is_some() {
        return unsupported("an attention with a past");
    }
    if let &[batch, heads, queries, head] = call.shape(0)? {
        let (&[_, _, keys, _], &[_, _, _, value]) = (call.shape(1)?, call.shape(2)?) else {
            return wrong("keys and values must have as many directions as queries");
        };
        let sizes = Sizes {
            batch: product("the batch", &[batch, heads])?,
            queries,
            keys,
            head,
            value,
        };
        return finish(vec![batch, heads, queries, value], &sizes);
    }
    let heads = call.count("q_num_heads", None)?;
    separate(call, heads, call.count("kv_num_heads", Some(heads))?)
}

fn separate(call: &Call, heads: u64, shared: u64) -> Result<Outcome, Fault> {
    let (&[batch, queries, width], &[_, keys, _], &[_, _, values]) = (call.shape(0)?, call.shape(1)?, call.shape(2)?)
    else {
        return unsupported("queries, keys or values of other than batch, tokens and width");
    };
    let value = divided(values, shared, "a value")?;
    let sizes = Sizes {
        batch: product("the batch", &[batch, heads])?,
        queries,
        keys,
        head: divided(width, heads, "a query")?,
        value,
    };
    finish(vec![batch, queries, product("the output", &[heads, value])?], &sizes)
}

fn finish(shape: Shape, sizes: &Sizes) -> Result<Outcome, Fault> {
    let mut outcome = Outcome::view(shape);
    let query_key = vec![Source::Input(0), Source::Input(1)];
    outcome.parts = sizes.parts(query_key, Source::Input(2), 0)?;
    Ok(outcome)
}

/// `LSTM`, `GRU` and `RNN`: the product with all inputs, the product with the state step after step, and the gates.
pub(super) fn recurrent(call: &Call) -> Result<Outcome, Fault> {
    let (&[steps, batch, width], &[directions, rows, inputs]) = (call.shape(0)?, call.shape(1)?) else {
        return wrong("an input of steps, batch and width, and weights for each direction are needed");
    };
    if inputs != width || call.int("layout").unwrap_or(0) != 0 {
        return unsupported(format!("weights for {inputs} inputs of {width}, or another layout"));
    }
    let hidden = call.count("hidden_size", None)?;
    if call.shape(2)? != [directions, rows, hidden] {
        return wrong(format!("recurrent weights of {:?}", call.shape(2)?));
    }
    let times = product("steps", &[steps, batch])?;
    let gates = product("gates", &[directions, rows])?;
    let linear = |inputs, bias| Op::Linear {
        rows: times,
        inputs,
        outputs: gates,
        bias,
    };
    let bias = call.get(3).is_some();
    let shape = vec![steps, directions, batch, hidden];
    let values = elements(&shape)?;
    let sums = product("gates", &[times, gates])?;
    let gate = Op::Elementwise {
        operands: 2,
        inputs: sum("gates", [sums, sums])?,
        elements: values,
        parameters: 0,
    };
    let mut outcome = Outcome::layer(shape, linear(width, bias))
        .then(".recurrent", linear(hidden, bias))
        .then(".gates", gate);
    outcome.parts[0].suffix = ".input";
    outcome.parts[2].reads = vec![Source::Part(0), Source::Part(1)];
    outcome.shapes.resize(3, vec![directions, batch, hidden]);
    Ok(outcome)
}
