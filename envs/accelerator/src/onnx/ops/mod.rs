//! Operators: the shapes of their outputs, and the layers that they cost.

mod attention;
mod conv;
mod copy;
mod pointwise;
mod pool;
mod product;
mod view;
mod window;

use super::call::{Call, Fault, Outcome, unsupported};
use super::proto::Node;
use super::value::{Value, is_float};

pub(super) use pointwise::elementwise;

type Rule = fn(&Call) -> Result<Outcome, Fault>;

/// Operators by name. Those of ONNX Runtime that are common stand among ONNX's own; none of them shares a name with
/// another meaning but `Attention`, whose rule tells them apart.
const RULES: &[(&[&str], Rule)] = &[
    (&["Conv", "FusedConv"], conv::conv),
    (&["ConvInteger"], conv::integer),
    (&["QLinearConv"], conv::quantised),
    (&["ConvTranspose"], conv::transposed),
    (&["DeformConv"], conv::deformed),
    (&["MatMul", "MatMulInteger", "FusedMatMul"], product::matmul),
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
    (&["BatchNormalization", "SpatialBN"], pointwise::batch_norm),
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
        pointwise::norm,
    ),
    (
        &["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"],
        pointwise::skip_norm,
    ),
    (&["Softmax", "LogSoftmax", "Hardmax"], pointwise::softmax),
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
            "BiasGelu",
            "FastGelu",
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
            "QuickGelu",
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
            "Shrink",
        ],
        pointwise::function,
    ),
    (
        &[
            "Identity",
            "Dropout",
            "Cast",
            "CastLike",
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
    (&["Resize", "Upsample"], copy::resize),
    (&["DepthToSpace"], copy::depth_to_space),
    (&["SpaceToDepth"], copy::space_to_depth),
    (&["OneHot"], copy::one_hot),
    (&["TopK"], copy::top),
    (&["RoiAlign", "GridSample"], copy::sample),
    (&["Attention"], attention::attention),
    (&["MultiHeadAttention"], attention::multi_head),
    (&["LSTM", "GRU", "RNN"], attention::recurrent),
];

/// What a node does.
///
/// # Errors
/// Inputs or attributes that are not right, or an operator without a rule.
pub(super) fn apply(call: &Call) -> Result<Outcome, Fault> {
    match RULES.iter().find(|(names, _)| names.contains(&call.node.op)) {
        Some((_, rule)) => rule(call),
        None => unsupported("the operator is not supported"),
    }
}

/// What a node gives that is a constant by nature; `None` for other nodes.
pub(super) fn constant(call: &Call) -> Option<Result<Value, Fault>> {
    match call.node.op {
        "Constant" => Some(view::constant(call)),
        "ConstantOfShape" => Some(view::constant_of_shape(call)),
        _ => None,
    }
}

/// The inputs of an operator that hold its weights. A model without its weights may have inputs in their place.
pub(super) fn weights(op: &str) -> &'static [usize] {
    match op {
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

/// Whether an operator of weights gives weights: what compares or counts gives no numbers that are learnt.
pub(super) fn keeps_float(node: &Node) -> bool {
    match node.op {
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Not" | "And" | "Or" | "Xor" | "IsNaN"
        | "IsInf" | "ArgMax" | "ArgMin" | "Shape" | "Size" | "NonZero" => false,
        "Cast" => {
            let to = node.attributes.iter().find(|attribute| attribute.name == "to");
            to.and_then(|to| to.int).is_none_or(is_float)
        }
        _ => true,
    }
}
