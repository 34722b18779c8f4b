//! The mean policy as an ONNX network: normaliser, perceptron, and the clipping that the problem does.
//!
//! ```text
//! observation [batch, obs] -> Sub -> Mul -> Clip -> (Gemm -> Tanh)* -> Gemm -> Clip -> command [batch, cmd]
//! ```
//!
//! A policy of options ends in `ArgMax` instead, `command [batch, 1]`. Names and units of all numbers stand in the
//! model's metadata (`observation`, `command`: JSON lists of `{name, unit}`), and so do the task (`task`, `horizon` in control
//! steps, `control_dt_s`) and what commands do to the exported machine's actuators (`control`).
//!
//! The messages are those of `onnx.proto3` (ONNX 1.15, IR version 8) that a perceptron needs.

use prost::Message;
use serde_json::{Value, json};
use tandem_core::mechanism::{Actuator, Control};
use tandem_core::{CommandSpace, Mechanism, Spec};
use tandem_learning::policy::{Head, PolicySnapshot};

use crate::experiment::Experiment;

/// Version of the file format.
const IR_VERSION: i64 = 8;
/// Version of the operators.
const OPSET: i64 = 17;
/// `TensorProto.DataType.FLOAT`.
const FLOAT: i32 = 1;
/// `AttributeProto.AttributeType`.
const INT: i32 = 2;

/// `ModelProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// Version of the format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// Who wrote it.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Version of who wrote it.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// What it is.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// Operators used.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<Opset>,
    /// Names, units and the like.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
}

/// `OperatorSetIdProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Opset {
    /// Whose operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Their version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// `StringStringEntryProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// Key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `GraphProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    /// Operations in order.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Weights.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Values>,
    /// Inputs.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<Port>,
    /// Outputs.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<Port>,
}

/// `NodeProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Names of its inputs.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of its outputs.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// What it does.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Its settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

/// `AttributeProto`, of whole numbers.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The number.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// Its type.
    #[prost(int32, tag = "20")]
    pub r#type: i32,
}

/// `TensorProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Values {
    /// Sizes.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// Type of the numbers.
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Its name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// The numbers, little-endian.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
}

/// `ValueInfoProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Port {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

/// `TypeProto`, of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct Type {
    /// The tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// `TypeProto.Tensor`.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// Type of the numbers.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Sizes.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    /// Sizes.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dim>,
}

/// `TensorShapeProto.Dimension`: a number, or a name.
#[derive(Clone, PartialEq, Message)]
pub struct Dim {
    /// The size.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// The size's name.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}

/// A graph that grows operation by operation.
#[derive(Default)]
struct Builder {
    graph: Graph,
    /// Name of the last operation's output.
    last: String,
}

impl Builder {
    fn constant(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        self.graph.initializer.push(Values {
            dims: dims.iter().map(|&d| d as i64).collect(),
            data_type: FLOAT,
            name: name.into(),
            raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        });
        name.into()
    }

    fn apply(&mut self, op: &str, output: &str, more: Vec<String>, attribute: Vec<Attribute>) {
        let mut input = vec![self.last.clone()];
        input.extend(more);
        self.graph.node.push(Node {
            input,
            output: vec![output.into()],
            name: format!("{output}_{}", op.to_lowercase()),
            op_type: op.into(),
            attribute,
        });
        self.last = output.into();
    }

    fn clip(&mut self, output: &str, bound: f32) {
        let low = self.constant(&format!("{output}_low"), &[], &[-bound]);
        let high = self.constant(&format!("{output}_high"), &[], &[bound]);
        self.apply("Clip", output, vec![low, high], Vec::new());
    }
}

/// The file of a policy; `experiment` is what it was trained for, with all settings, `machine` what it drives, where that can be
/// exported.
pub fn write(policy: &PolicySnapshot, spec: &Spec, experiment: &Experiment, machine: Option<&Mechanism>) -> Vec<u8> {
    let mut b = Builder {
        last: "observation".into(),
        ..Builder::default()
    };
    b.graph.name = spec.name.clone();
    if let Some((shift, factor, bound)) = policy.normaliser().affine() {
        let shift = b.constant("shift", &[1, shift.len()], shift);
        let factor = b.constant("factor", &[1, factor.len()], factor);
        b.apply("Sub", "shifted", vec![shift], Vec::new());
        b.apply("Mul", "scaled", vec![factor], Vec::new());
        b.clip("normalised", bound);
    }
    let layers = policy.actor_layers();
    for (index, (weights, bias)) in layers.iter().enumerate() {
        let outputs = bias.len();
        let sizes = [weights.len() / outputs.max(1), outputs];
        let w = b.constant(&format!("weights_{index}"), &sizes, weights);
        let c = b.constant(&format!("bias_{index}"), &[outputs], bias);
        b.apply("Gemm", &format!("sum_{index}"), vec![w, c], Vec::new());
        if index + 1 < layers.len() {
            b.apply("Tanh", &format!("hidden_{index}"), Vec::new(), Vec::new());
        }
    }
    finish(&mut b, policy.kind());
    b.graph.input = vec![port("observation", policy.observation_len())];
    b.graph.output = vec![port("command", policy.command_len())];
    let mut model = model(b.graph, spec, experiment);
    if let Some(machine) = machine {
        model.metadata_props.push(Entry {
            key: "control".into(),
            value: control(machine).to_string(),
        });
    }
    model.encode_to_vec()
}

/// What each command does to its actuator, see [`Control`].
fn control(machine: &Mechanism) -> Value {
    let entry = |servo: &Actuator| match &servo.control {
        Control::Rate(speed) => json!({"actuator": servo.name, "kind": "rate", "speed": speed}),
        Control::Offset { unit, nominal } => {
            json!({"actuator": servo.name, "kind": "offset", "unit": unit, "nominal": nominal})
        }
    };
    machine.actuators.iter().map(entry).collect()
}

/// The last operations: what the problem does with a policy's mean.
fn finish(b: &mut Builder, head: Head) {
    match head {
        Head::Gaussian => b.clip("command", 1.0),
        Head::Categorical => {
            let number = |name: &str, i: i64| Attribute {
                name: name.into(),
                i,
                r#type: INT,
            };
            b.apply(
                "ArgMax",
                "option",
                Vec::new(),
                vec![number("axis", 1), number("keepdims", 1)],
            );
            b.apply("Cast", "command", Vec::new(), vec![number("to", i64::from(FLOAT))]);
        }
    }
}

fn port(name: &str, width: usize) -> Port {
    let batch = Dim {
        dim_param: Some("batch".into()),
        ..Dim::default()
    };
    let width = Dim {
        dim_value: Some(width as i64),
        ..Dim::default()
    };
    Port {
        name: name.into(),
        r#type: Some(Type {
            tensor_type: Some(TensorType {
                elem_type: FLOAT,
                shape: Some(Shape {
                    dim: vec![batch, width],
                }),
            }),
        }),
    }
}

fn model(graph: Graph, spec: &Spec, experiment: &Experiment) -> Model {
    let command = match &spec.command {
        CommandSpace::Continuous(channels) => json!(channels),
        CommandSpace::Discrete(options) => {
            json!([{"name": "option", "unit": "1", "options": options}])
        }
    };
    let entry = |key: &str, value: String| Entry { key: key.into(), value };
    Model {
        ir_version: IR_VERSION,
        producer_name: "tandem".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!(
            "Mean policy of {}. Observations in the units of the metadata.",
            experiment.title
        ),
        graph: Some(graph),
        opset_import: vec![Opset {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: vec![
            entry("problem", spec.name.clone()),
            entry("control_dt_s", spec.control_dt.to_string()),
            entry("horizon", spec.horizon.to_string()),
            entry("task", experiment.task.to_string()),
            entry("observation", json!(spec.observation).to_string()),
            entry("command", command.to_string()),
        ],
    }
}
