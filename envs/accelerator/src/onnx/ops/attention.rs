//! Attention that comes as one operator, taken apart into what it computes: scores, softmax, and sums of values.
//!
//! All of its forms come down to the same sizes: heads of queries that share fewer heads of keys and values (grouped
//! queries), and keys and values that are partly kept from steps before (the past, or cache).

use super::super::call::{Call, Fault, Outcome, Part, Source, unsupported, wrong};
use super::super::value::{Numbers, Shape, elements};
use crate::gemm::{Gemm, product, sum};
use crate::layer::Op;

/// Sizes of an attention.
#[derive(Clone, Copy)]
struct Sizes {
    /// Texts.
    batch: u64,
    /// Heads of the queries.
    heads: u64,
    /// Heads of the keys and values.
    shared: u64,
    queries: u64,
    /// Keys, those kept included.
    keys: u64,
    /// Length of a query and a key of one head.
    head: u64,
    /// Length of a value of one head.
    value: u64,
}

impl Sizes {
    /// Scores, softmax, and the sum of the values, reading queries and keys, and values.
    fn parts(&self, query_key: Vec<Source>, values: Source, first: usize) -> Result<Vec<Part>, Fault> {
        // heads that share their keys are more rows of one product
        let rows = product("rows", &[divided(self.heads, self.shared, "the heads")?, self.queries])?;
        let batch = product("the batch", &[self.batch, self.shared])?;
        let scores = Gemm {
            m: rows,
            n: self.keys,
            k: self.head,
        };
        let sums = Gemm {
            m: rows,
            n: self.value,
            k: self.keys,
        };
        let elements = product("scores", &[batch, rows, self.keys])?;
        let after = |part: usize| Source::Part(first + part);
        Ok(vec![
            Part::new(".scores", Op::MatMul { batch, gemm: scores }, query_key),
            Part::new(".softmax", Op::Softmax { elements }, vec![after(0)]),
            Part::new(".values", Op::MatMul { batch, gemm: sums }, vec![after(1), values]),
        ])
    }

    /// The shapes of keys and values as they are kept.
    fn kept(&self, keys: u64) -> [Shape; 2] {
        [self.head, self.value].map(|width| vec![self.batch, self.shared, keys, width])
    }

    /// The width of the output.
    fn width(&self) -> Result<u64, Fault> {
        Ok(product("the output", &[self.heads, self.value])?)
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
        Some(_) => packed(call, 4),
        None => standard(call),
    }
}

/// `QAttention` of ONNX Runtime: scales and offsets stand between the bias and the past.
pub(super) fn quantised(call: &Call) -> Result<Outcome, Fault> {
    packed(call, 8)
}

/// ONNX Runtime's: input, weights of queries, keys and values side by side, their bias; the past is an input of keys and
/// values one after the other.
fn packed(call: &Call, past: usize) -> Result<Outcome, Fault> {
    let (&[batch, tokens, width], &[inputs, all]) = (call.shape(0)?, call.shape(1)?) else {
        return wrong("a text of batch, tokens and width and a matrix of weights are needed");
    };
    if width != inputs {
        return wrong(format!("rows of {width} and weights for {inputs}"));
    }
    let before = match call.get(past).map(|past| past.shape.as_slice()) {
        None => 0,
        Some(&[2, _, _, before, _]) => before,
        Some(shape) => {
            return wrong(format!(
                "a past of {shape:?} is not of two, batch, heads, tokens and width"
            ));
        }
    };
    let heads = call.count("num_heads", None)?;
    let widths = match call.ints("qkv_hidden_sizes") {
        Some(&[query, _, value]) if query > 0 && value > 0 => [query.cast_unsigned(), value.cast_unsigned()],
        Some(_) => return wrong("`qkv_hidden_sizes` must be three sizes"),
        None => [all / 3; 2],
    };
    let sizes = Sizes {
        batch,
        heads,
        shared: heads,
        queries: tokens,
        keys: sum("keys", [before, tokens])?,
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
    outcome.parts[0].suffix = ".qkv".into();
    outcome.parts[0].reads = vec![Source::Input(0)];
    rotary(call, &sizes, tokens, &mut outcome)?;
    let last = outcome.parts.len() - 1;
    let parts = sizes.parts(vec![Source::Part(last), Source::Input(past)], Source::Part(0), last + 1)?;
    outcome.parts.extend(parts);
    let [keys, _] = sizes.kept(sizes.keys);
    outcome.shapes.push([&[2], &keys[..]].concat());
    Ok(outcome)
}

/// The rotation of queries and new keys, where it is part of the attention: a function of each value.
fn rotary(call: &Call, sizes: &Sizes, new: u64, outcome: &mut Outcome) -> Result<(), Fault> {
    if !call.flag("do_rotary") {
        return Ok(());
    }
    let queries = product("queries", &[sizes.batch, sizes.heads, sizes.queries, sizes.head])?;
    let keys = product("keys", &[sizes.batch, sizes.shared, new, sizes.head])?;
    let op = Op::activation(sum("values", [queries, keys])?);
    let reads = match outcome.parts.len().checked_sub(1) {
        Some(last) => vec![Source::Part(last)],
        None => vec![Source::Input(0), Source::Input(1)],
    };
    outcome.parts.push(Part::new(".rotary", op, reads));
    Ok(())
}

/// Inputs of an attention whose queries, keys and values are there already, by place.
struct Places {
    query: usize,
    key: usize,
    value: usize,
    past: usize,
}

/// `MultiHeadAttention` of ONNX Runtime: queries, keys, values, each of batch, tokens and width, or packed.
pub(super) fn multi_head(call: &Call) -> Result<Outcome, Fault> {
    let past = if call.node.op.starts_with("DecoderMasked") {
        5
    } else {
        6
    };
    let heads = call.count("num_heads", None)?;
    separate(call, heads, heads, past)
}

/// `GroupQueryAttention` of ONNX Runtime: fewer heads of keys and values than of queries.
pub(super) fn grouped(call: &Call) -> Result<Outcome, Fault> {
    let heads = call.count("num_heads", None)?;
    separate(call, heads, call.count("kv_num_heads", None)?, 3)
}

/// ONNX's: queries, keys and values, their heads apart or side by side; fewer heads of keys than of queries are shared.
fn standard(call: &Call) -> Result<Outcome, Fault> {
    if call.shape(0)?.len() == 4 {
        return separate(call, call.shape(0)?[1], call.shape_of_rank(1, 4)?[1], 4);
    }
    let heads = call.count("q_num_heads", None)?;
    separate(call, heads, call.count("kv_num_heads", Some(heads))?, 4)
}

/// Tokens, and the width of a head, of keys or values: of batch, tokens and all heads, or of batch, heads, tokens and width.
fn tokens(shape: &[u64], heads: u64, what: &str) -> Result<[u64; 2], Fault> {
    match *shape {
        [_, tokens, width] => Ok([tokens, divided(width, heads, what)?]),
        [_, own, tokens, width] if own == heads => Ok([tokens, width]),
        _ => wrong(format!("{what} of shape {shape:?} does not have {heads} heads")),
    }
}

fn separate(call: &Call, heads: u64, shared: u64, past: usize) -> Result<Outcome, Fault> {
    let places = Places {
        query: 0,
        key: 1,
        value: 2,
        past,
    };
    let (sizes, new) = sizes(call, heads, shared, &places)?;
    let apart = call.shape(0)?.len() == 4;
    let shape = match apart {
        true => vec![sizes.batch, heads, sizes.queries, sizes.value],
        false => vec![sizes.batch, sizes.queries, sizes.width()?],
    };
    let mut outcome = Outcome::view(shape);
    rotary(call, &sizes, new, &mut outcome)?;
    let rotated = outcome.parts.len();
    let mut query_key = match rotated {
        0 => vec![Source::Input(places.query), Source::Input(places.key)],
        _ => vec![Source::Part(0)],
    };
    query_key.push(Source::Input(past));
    outcome
        .parts
        .extend(sizes.parts(query_key, Source::Input(places.value), rotated)?);
    if let Some(values) = outcome.parts.last_mut() {
        values.reads.push(Source::Input(past + 1));
    }
    // a cache may have room for more than there is so far
    let room = call.get(past).and_then(|past| past.shape.get(2)).copied().unwrap_or(0);
    outcome.shapes.extend(sizes.kept(sizes.keys.max(room)));
    outcome.shapes.push(vec![sizes.batch, heads, sizes.queries, sizes.keys]);
    Ok(outcome)
}

/// Sizes of an attention by its inputs, and how many keys are new.
fn sizes(call: &Call, heads: u64, shared: u64, places: &Places) -> Result<(Sizes, u64), Fault> {
    let query = call.shape_of_rank(places.query, 3)?;
    let (key, value) = (call.get(places.key), call.get(places.value));
    let (queries, head, [new, width]) = match (query, key, value) {
        // heads, queries with keys and values, width
        (&[_, tokens, own, 3, width], None, None) if own == heads => (tokens, width, [tokens, width]),
        // all of them side by side
        (&[_, tokens, width], None, None) => {
            let each = divided(
                width,
                sum("heads", [heads, shared, shared])?,
                "queries, keys and values",
            )?;
            (tokens, each, [tokens, each])
        }
        (&[_, tokens, width], Some(key), value) => {
            let head = divided(width, heads, "a query")?;
            let kept = match (key.shape.as_slice(), value) {
                (&[_, keys, own, 2, width], None) if own == shared => [keys, width],
                (_, Some(value)) => [
                    tokens_of(&key.shape, shared)?,
                    self::tokens(&value.shape, shared, "a value")?[1],
                ],
                _ => return unsupported(format!("keys of {:?} without values", key.shape)),
            };
            (tokens, head, kept)
        }
        (&[_, own, tokens, width], Some(key), Some(value)) if own == heads => {
            let keys = tokens_of(&key.shape, shared)?;
            (tokens, width, [keys, self::tokens(&value.shape, shared, "a value")?[1]])
        }
        _ => return wrong(format!("queries of {query:?} do not go with keys and values")),
    };
    let before = match call.get(places.past) {
        Some(past) => self::tokens(&past.shape, shared, "the past")?[0],
        None => 0,
    };
    // the runtime's cache may be larger than what is in it, whose length is then an input
    let total = match call.node.op {
        "GroupQueryAttention" => length(call, 6),
        "DecoderMaskedMultiHeadAttention" => length(call, 7).map(|past| past.saturating_add(1)),
        _ => None,
    };
    let sizes = Sizes {
        batch: query[0],
        heads,
        shared,
        queries,
        keys: match total {
            Some(total) => total.max(new),
            None => sum("keys", [before, new])?,
        },
        head,
        value: width,
    };
    Ok((sizes, new))
}

fn tokens_of(key: &[u64], heads: u64) -> Result<u64, Fault> {
    Ok(tokens(key, heads, "a key")?[0])
}

/// A length that an input states.
fn length(call: &Call, at: usize) -> Option<u64> {
    match call.get(at)?.content()? {
        Numbers::Ints(ints) if ints.len() == 1 => u64::try_from(ints[0]).ok(),
        _ => None,
    }
}

/// `RotaryEmbedding`: pairs of values turned by angles from tables, which are not learnt.
pub(super) fn rotation(call: &Call) -> Result<Outcome, Fault> {
    let shape = call.shape(0)?.to_vec();
    let op = Op::activation(elements(&shape)?);
    Ok(Outcome::layer(shape, op))
}
