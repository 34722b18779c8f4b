//! Operators: the shapes of their outputs, and the layers that they cost.

mod attention;
mod conv;
mod copy;
mod norm;
mod other;
mod pointwise;
mod pool;
mod product;
mod recurrent;
mod resize;
mod runtime;
mod signal;
mod view;
mod window;

use super::call::{Call, Fault, Outcome, unsupported};
use super::proto::Node;
use super::value::{Value, is_float};
use crate::input::quote;

pub(super) use pointwise::elementwise;

type Rule = fn(&Call) -> Result<Outcome, Fault>;

/// ONNX's own operators by name, and those that ONNX Runtime keeps in its domain.
const RULES: &[(&[&str], Rule)] = &[
    (&["Conv"], conv::conv),
    (&["ConvInteger"], conv::integer),
    (&["QLinearConv"], conv::channels_last),
    (&["ConvTranspose"], conv::transposed),
    (&["DeformConv"], conv::deformed),
    (&["MatMul", "MatMulInteger"], product::matmul),
    (&["QLinearMatMul"], product::quantised),
    (&["Gemm"], product::gemm),
    (&["Einsum"], product::einsum),
    (&["MaxPool"], pool::max),
    (&["AveragePool", "LpPool"], pool::mean),
    (&["GlobalMaxPool"], pool::global_max),
    (&["GlobalAveragePool", "GlobalLpPool"], pool::global_mean),
    (
        &[
            "ReduceMean",
            "ReduceSum",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ReduceSumSquare",
            "ReduceLogSum",
            "ReduceLogSumExp",
        ],
        pool::reduce_mean,
    ),
    (&["ReduceMax", "ReduceMin"], pool::reduce_max),
    (&["ArgMax", "ArgMin"], pool::place),
    (&["BatchNormalization", "SpatialBN"], norm::batch_norm),
    (
        &[
            "LayerNormalization",
            "InstanceNormalization",
            "GroupNormalization",
            "RMSNormalization",
            "SimplifiedLayerNormalization",
            "LpNormalization",
            "MeanVarianceNormalization",
            "LRN",
        ],
        norm::norm,
    ),
    (&["Softmax", "LogSoftmax", "Hardmax"], norm::softmax),
    (
        &[
            "Add",
            "Sub",
            "Mul",
            "Div",
            "Pow",
            "Mod",
            "Min",
            "Max",
            "Mean",
            "Sum",
            "Where",
            "And",
            "Or",
            "Xor",
            "Equal",
            "Greater",
            "GreaterOrEqual",
            "Less",
            "LessOrEqual",
            "PRelu",
            "BitwiseAnd",
            "BitwiseOr",
            "BitwiseXor",
            "BitShift",
        ],
        pointwise::combine,
    ),
    (
        &[
            "Relu",
            "LeakyRelu",
            "Elu",
            "Selu",
            "Celu",
            "ThresholdedRelu",
            "Clip",
            "Sigmoid",
            "HardSigmoid",
            "HardSwish",
            "Swish",
            "Mish",
            "Tanh",
            "Gelu",
            "Softplus",
            "Softsign",
            "Erf",
            "Exp",
            "Log",
            "Sqrt",
            "Reciprocal",
            "Neg",
            "Abs",
            "Sign",
            "Floor",
            "Ceil",
            "Round",
            "Sin",
            "Cos",
            "Tan",
            "Asin",
            "Acos",
            "Atan",
            "Sinh",
            "Cosh",
            "Asinh",
            "Acosh",
            "Atanh",
            "Not",
            "BitwiseNot",
            "IsNaN",
            "IsInf",
            "CumSum",
            "CumProd",
            "Shrink",
            "Bernoulli",
        ],
        pointwise::function,
    ),
    (
        &[
            "Identity",
            "Dropout",
            "Cast",
            "CastLike",
            "BitCast",
            "QuantizeLinear",
            "DequantizeLinear",
        ],
        view::same,
    ),
    (&["DynamicQuantizeLinear"], view::dynamic_quantise),
    (&["Reshape"], view::reshape),
    (&["Flatten"], view::flatten),
    (&["Squeeze"], view::squeeze),
    (&["Unsqueeze"], view::unsqueeze),
    (&["Shape"], view::shape_of),
    (&["Size"], view::size_of),
    (&["Range"], view::range),
    (&["EyeLike", "RandomNormalLike", "RandomUniformLike"], view::shape_like),
    (&["Concat"], copy::concat),
    (&["Transpose"], copy::transpose),
    (&["Slice"], copy::slice),
    (&["Split"], copy::split),
    (&["Gather"], copy::gather),
    (&["GatherElements"], copy::gather_elements),
    (&["GatherND"], copy::gather_nd),
    (
        &["ScatterND", "ScatterElements", "Scatter", "Trilu", "ReverseSequence"],
        copy::whole,
    ),
    (&["Pad"], copy::pad),
    (&["Expand"], copy::expand),
    (&["Tile"], copy::tile),
    (&["Resize", "Upsample"], resize::resize),
    (&["DepthToSpace"], copy::depth_to_space),
    (&["SpaceToDepth"], copy::space_to_depth),
    (&["OneHot"], copy::one_hot),
    (&["TopK"], copy::top),
    (&["RoiAlign", "GridSample"], copy::sample),
    (&["Attention"], attention::attention),
    (&["RotaryEmbedding"], attention::rotation),
    (&["LSTM", "GRU", "RNN"], recurrent::recurrent),
    (&["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"], other::loss),
    (&["NonMaxSuppression"], other::suppression),
    (&["AffineGrid"], other::grid),
    (&["Col2Im"], other::columns),
    (&["CenterCropPad"], copy::crop),
    (&["Det"], other::determinant),
    (&["NonZero", "Unique", "Compress"], other::chosen),
    (&["MaxUnpool"], other::unpool),
    (&["DFT"], signal::dft),
    (&["STFT"], signal::stft),
    (&["HannWindow", "HammingWindow", "BlackmanWindow"], signal::window),
    (&["MelWeightMatrix"], signal::mel),
];

/// The domain of ONNX Runtime's own operators.
const RUNTIME: &str = "com.microsoft";

/// The rule of a node. Its domain decides what an operator is; ONNX Runtime writes some of its own without a domain,
/// and takes some of ONNX's under its own.
fn rule(node: &Node) -> Option<Rule> {
    let find = |rules: &[(&[&str], Rule)]| {
        let found = rules.iter().find(|(names, _)| names.contains(&node.op));
        found.map(|(_, rule)| *rule)
    };
    match node.domain {
        "" => find(RULES).or_else(|| find(runtime::RULES)),
        RUNTIME => find(runtime::RULES).or_else(|| find(RULES)),
        _ => None,
    }
}

/// Whether there is a rule for a node.
pub(super) fn known(node: &Node) -> bool {
    rule(node).is_some()
}

/// What a node does.
///
/// # Errors
/// Inputs or attributes that are not right, or an operator without a rule.
pub(super) fn apply(call: &Call) -> Result<Outcome, Fault> {
    match (rule(call.node), call.node.domain) {
        (Some(rule), _) => rule(call),
        (None, "") => unsupported("the operator is not supported"),
        (None, domain) => unsupported(format!("the operator of the domain {} is not supported", quote(domain))),
    }
}

/// What a node gives that is a constant by nature; `None` for other nodes.
pub(super) fn constant(call: &Call) -> Option<Result<Value, Fault>> {
    if !call.node.domain.is_empty() {
        return None;
    }
    match call.node.op {
        "Constant" => Some(view::constant(call)),
        "ConstantOfShape" => Some(view::constant_of_shape(call)),
        _ => None,
    }
}

/// The inputs of an operator that hold its weights. A model without its weights may have inputs in their place.
pub(super) fn weights(node: &Node) -> &'static [usize] {
    match node.op {
        _ if !known(node) => &[],
        "Conv"
        | "FusedConv"
        | "ConvTranspose"
        | "Gemm"
        | "LayerNormalization"
        | "InstanceNormalization"
        | "GroupNormalization" => &[1, 2],
        "BatchNormalization" => &[1, 2, 3, 4],
        "PRelu" | "RMSNormalization" => &[1],
        "LSTM" | "GRU" | "RNN" => &[1, 2, 3],
        _ => &[],
    }
}

/// Whether a node computes step after step.
pub(super) fn is_recurrent(node: &Node) -> bool {
    known(node) && matches!(node.op, "LSTM" | "GRU" | "RNN" | "DynamicQuantizeLSTM")
}

/// Whether what comes out of a node is the tensor that goes in, in another shape or format.
pub(super) fn same_tensor(node: &Node) -> bool {
    let same = [
        "Identity",
        "Cast",
        "CastLike",
        "Dropout",
        "Reshape",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Transpose",
        "QuantizeLinear",
        "DequantizeLinear",
    ];
    known(node) && same.contains(&node.op)
}

/// Whether an operator of weights gives weights: what compares or counts gives no numbers that are learnt.
pub(super) fn keeps_float(call: &Call) -> bool {
    match call.node.op {
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Not" | "And" | "Or" | "Xor" | "IsNaN"
        | "IsInf" | "ArgMax" | "ArgMin" | "Shape" | "Size" | "NonZero" => false,
        "Cast" => call.int("to").is_none_or(is_float),
        _ => true,
    }
}
