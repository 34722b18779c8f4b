//! Operators of ONNX Runtime (`com.microsoft`): quantised ones, and several of ONNX's in one.

use super::super::call::{Call, Fault, Outcome, Part, Source, unsupported, wrong};
use super::super::value::{Value, broadcast, elements, shape};
use super::{Rule, attention, conv, copy, norm, pointwise, pool, product, recurrent};
use crate::gemm::{product as times, sum};
use crate::layer::Op;

/// Operators by name.
pub(super) const RULES: &[(&[&str], Rule)] = &[
    (&["FusedConv"], fused_conv),
    (&["NhwcConv", "NhwcFusedConv"], conv::channels_last),
    (&["FusedMatMul", "TransposeMatMul"], fused_matmul),
    (&["FusedMatMulActivation", "FusedGemm", "GemmFastGelu"], activated),
    (&["GemmFloat8"], product::gemm),
    (&["QGemm"], product::quantised_gemm),
    (
        &["DynamicQuantizeMatMul", "MatMulInteger16", "MatMulIntegerToFloat"],
        product::matmul,
    ),
    (&["MatMulNBits", "MatMulBnb4"], few_bits),
    (&["MatMulFpQ4"], four_bits),
    (&["Attention"], attention::attention),
    (&["QAttention"], attention::quantised),
    (
        &["MultiHeadAttention", "DecoderMaskedMultiHeadAttention"],
        attention::multi_head,
    ),
    (&["GroupQueryAttention"], attention::grouped),
    (&["RotaryEmbedding", "GemmaRotaryEmbedding"], attention::rotation),
    (&["DynamicQuantizeLSTM"], recurrent::quantised),
    (&["EmbedLayerNormalization", "QEmbedLayerNormalization"], embed),
    (
        &["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"],
        norm::skip_norm,
    ),
    (&["GroupNorm", "SkipGroupNorm"], norm::group),
    (&["BiasGelu", "FastGelu", "BiasAdd"], pointwise::combine),
    (
        &["QuickGelu", "QLinearSigmoid", "QLinearLeakyRelu", "BiasDropout"],
        pointwise::function,
    ),
    (&["BiasSplitGelu"], split_gelu),
    (&["QLinearAdd", "QLinearMul"], |call| pair(call, &[0, 3])),
    (&["QLinearWhere"], |call| pair(call, &[0, 1, 4])),
    (&["QLinearSoftmax", "BiasSoftmax"], norm::softmax),
    (&["QLinearReduceMean"], pool::reduce_mean),
    (
        &["QLinearAveragePool", "QLinearGlobalAveragePool", "NhwcMaxPool"],
        pool::channels_last,
    ),
    (&["QLinearConcat"], concat),
    (&["ExpandDims"], expand_dims),
];

/// Rows with weights that are packed into few bits: their sizes are attributes.
fn few_bits(call: &Call) -> Result<Outcome, Fault> {
    let (inputs, outputs) = (call.count("K", None)?, call.count("N", None)?);
    let bias = call.node.op == "MatMulNBits" && call.get(5).is_some();
    rows(call, inputs, outputs, bias)
}

/// The same, their sizes are an input.
fn four_bits(call: &Call) -> Result<Outcome, Fault> {
    match shape(call.ints_of(2)?)?[..] {
        [inputs, outputs] => rows(call, inputs, outputs, false),
        _ => wrong("the shape of the weights must be two sizes"),
    }
}

fn rows(call: &Call, inputs: u64, outputs: u64, bias: bool) -> Result<Outcome, Fault> {
    let mut to = call.shape_of_rank(0, 1)?.to_vec();
    let Some(last) = to.pop().filter(|last| *last == inputs) else {
        return wrong(format!("rows of {:?} and weights for {inputs}", call.shape(0)?));
    };
    let rows = elements(&to)?;
    to.push(outputs);
    let op = Op::Linear {
        rows,
        inputs: last,
        outputs,
        bias,
    };
    Ok(Outcome::layer(to, op))
}

/// The outcome with a function of each value behind it.
fn then_activation(outcome: Outcome) -> Result<Outcome, Fault> {
    let elements = elements(&outcome.shapes[0])?;
    Ok(outcome.then(".activation", Op::activation(elements)))
}

/// `FusedConv`: a convolution, the sum with another image, and a function of each value.
fn fused_conv(call: &Call) -> Result<Outcome, Fault> {
    let mut outcome = conv::conv(call)?;
    if call.get(3).is_some() {
        let op = Op::sum(elements(&outcome.shapes[0])?);
        outcome
            .parts
            .push(Part::new(".sum", op, vec![Source::Part(0), Source::Input(3)]));
    }
    match call.text("activation", "") {
        "" => Ok(outcome),
        _ => then_activation(outcome),
    }
}

fn fused_matmul(call: &Call) -> Result<Outcome, Fault> {
    match call.flag("transBatchA") || call.flag("transBatchB") {
        true => unsupported("a product whose batch is turned"),
        false => product::matmul(call),
    }
}

/// A product with a function of each value behind it.
fn activated(call: &Call) -> Result<Outcome, Fault> {
    then_activation(match call.node.op {
        "FusedGemm" => product::gemm(call)?,
        "FusedMatMulActivation" => fused_matmul(call)?,
        _ => product::matmul(call)?,
    })
}

/// A function of quantised operands at these places, between which scales and offsets stand.
fn pair(call: &Call, operands: &[usize]) -> Result<Outcome, Fault> {
    let mut to = Vec::new();
    for &at in operands {
        to = broadcast(&to, call.shape(at)?)?;
    }
    let op = pointwise::elementwise(call, &to)?;
    Ok(Outcome::layer(to, op))
}

/// `QLinearConcat`: the output's scale and offset, then each part with its own.
fn concat(call: &Call) -> Result<Outcome, Fault> {
    let parts: Vec<&Value> = (2..call.inputs.len())
        .step_by(3)
        .filter_map(|at| call.get(at))
        .collect();
    copy::joined(&parts, call.int("axis").unwrap_or(0))
}

/// `EmbedLayerNormalization`: rows of tables of words, places and segments, their sum, a layer norm.
fn embed(call: &Call) -> Result<Outcome, Fault> {
    let (&[batch, tokens], &[words, width]) = (call.shape(0)?, call.shape(2)?) else {
        return wrong("numbers of words of batch and tokens and a table are needed");
    };
    let count = times("tokens", &[batch, tokens])?;
    let values = times("values", &[count, width])?;
    let mut outcome = Outcome::view(vec![batch, tokens, width]);
    let mut tables = vec![(2, words)];
    for at in [3, 4] {
        if let Some(&[rows, _]) = call.get(at).map(|table| table.shape.as_slice()) {
            tables.push((at, rows));
        }
    }
    for &(at, rows) in &tables {
        let op = Op::Embedding {
            rows,
            width,
            tokens: count,
        };
        let part = Part::new(format!(".table{}", at - 2), op, vec![Source::Input(0)]);
        outcome.parts.push(Part {
            weights: Some((at, 0)),
            ..part
        });
    }
    let read = tables.len() as u64;
    let op = Op::Elementwise {
        operands: read,
        inputs: times("values", &[values, read])?,
        elements: values,
        parameters: 0,
    };
    let reads = (0..tables.len()).map(Source::Part).collect();
    outcome.parts.push(Part::new(".sum", op, reads));
    let mut outcome = outcome.then(".norm", norm::layer_norm(values, sum("parameters", [width, width])?));
    outcome.shapes.push(vec![batch]);
    outcome.shapes.push(vec![batch, tokens, width]);
    Ok(outcome)
}

/// `BiasSplitGelu`: one half of the values times a function of the other.
fn split_gelu(call: &Call) -> Result<Outcome, Fault> {
    let mut to = call.shape_of_rank(0, 1)?.to_vec();
    if let Some(last) = to.last_mut() {
        *last /= 2;
    }
    let op = pointwise::elementwise(call, &to)?;
    Ok(Outcome::layer(to, op))
}

/// `ExpandDims`: a size of 1 at a place that an input names.
fn expand_dims(call: &Call) -> Result<Outcome, Fault> {
    let mut to = call.shape(0)?.to_vec();
    match *call.ints_of(1)? {
        [at] => {
            let at = super::super::call::axis(at, to.len() + 1)?;
            to.insert(at, 1);
            Ok(Outcome::view(to))
        }
        _ => wrong("the axis must be one number"),
    }
}
