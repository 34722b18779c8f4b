//! ONNX files for tests, written with `rten-onnx`, which shares nothing with the reader under test.

use rten_onnx::onnx::{
    AttributeProto, DataType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

/// An attribute.
#[derive(Clone, Copy, Debug)]
pub enum Attr<'a> {
    Int(&'a str, i64),
    Ints(&'a str, &'a [i64]),
    Floats(&'a str, &'a [f32]),
    Text(&'a str, &'a str),
    Tensor(&'a str, &'a [i64]),
    Body(&'a str, &'a GraphProto),
}

pub use Attr::{Body, Floats, Int, Ints, Tensor, Text};

/// A dimension of an input.
#[derive(Clone, Copy, Debug)]
pub enum Size<'a> {
    Of(i64),
    Named(&'a str),
    Open,
}

/// A file under construction.
pub struct File(pub ModelProto);

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn names(list: &str) -> Vec<String> {
    // a dot is an input that is left out
    list.split_whitespace()
        .map(|name| if name == "." { String::new() } else { name.to_owned() })
        .collect()
}

fn tensor(name: &str, dims: &[i64], kind: DataType) -> TensorProto {
    TensorProto {
        name: some(name),
        dims: dims.to_vec(),
        data_type: Some(kind),
        ..TensorProto::default()
    }
}

fn info(name: &str, dims: &[Size]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|dim| match *dim {
            Size::Of(value) => Dimension {
                dim_value: Some(value),
                dim_param: None,
            },
            Size::Named(name) => Dimension {
                dim_value: None,
                dim_param: some(name),
            },
            Size::Open => Dimension::default(),
        })
        .collect();
    ValueInfoProto {
        name: some(name),
        r#type: Some(TypeProto {
            tensor_type: Some(TypeProtoTensor {
                elem_type: Some(DataType::FLOAT),
                shape: Some(TensorShapeProto { dim }),
            }),
            ..TypeProto::default()
        }),
    }
}

/// An attribute as the file has it.
fn attribute(attr: &Attr) -> AttributeProto {
    let named = |name: &str| AttributeProto {
        name: some(name),
        ..AttributeProto::default()
    };
    match *attr {
        Attr::Int(name, i) => AttributeProto {
            i: Some(i),
            ..named(name)
        },
        Attr::Ints(name, ints) => AttributeProto {
            ints: ints.to_vec(),
            ..named(name)
        },
        Attr::Floats(name, floats) => AttributeProto {
            floats: floats.to_vec(),
            ..named(name)
        },
        Attr::Text(name, text) => AttributeProto {
            s: some(text),
            ..named(name)
        },
        Attr::Tensor(name, ints) => AttributeProto {
            t: Some(TensorProto {
                int64_data: ints.to_vec(),
                ..tensor("", &[ints.len() as i64], DataType::INT64)
            }),
            ..named(name)
        },
        Attr::Body(name, graph) => AttributeProto {
            g: Some(graph.clone()),
            ..named(name)
        },
    }
}

impl File {
    pub fn new(opset: i64) -> Self {
        Self(ModelProto {
            ir_version: Some(8),
            graph: Some(GraphProto::default()),
            opset_import: vec![OperatorSetIdProto {
                domain: None,
                version: Some(opset),
            }],
            ..ModelProto::default()
        })
    }

    pub fn graph(&mut self) -> &mut GraphProto {
        self.0.graph.as_mut().unwrap()
    }

    /// An input of known size.
    pub fn input(self, name: &str, dims: &[i64]) -> Self {
        let dims: Vec<Size> = dims.iter().map(|&dim| Size::Of(dim)).collect();
        self.open_input(name, &dims)
    }

    /// An input with open sizes.
    pub fn open_input(mut self, name: &str, dims: &[Size]) -> Self {
        self.graph().input.push(info(name, dims));
        self
    }

    /// States the shape of a value in between.
    pub fn stated(mut self, name: &str, dims: &[i64]) -> Self {
        let dims: Vec<Size> = dims.iter().map(|&dim| Size::Of(dim)).collect();
        self.graph().value_info.push(info(name, &dims));
        self
    }

    pub fn output(mut self, name: &str) -> Self {
        self.graph().output.push(info(name, &[]));
        self
    }

    /// Weights without their numbers, as a file has them that keeps these elsewhere.
    pub fn weight(mut self, name: &str, dims: &[i64]) -> Self {
        self.graph().initializer.push(tensor(name, dims, DataType::FLOAT));
        self
    }

    /// A list of whole numbers.
    pub fn ints(mut self, name: &str, ints: &[i64]) -> Self {
        self.graph().initializer.push(TensorProto {
            int64_data: ints.to_vec(),
            ..tensor(name, &[ints.len() as i64], DataType::INT64)
        });
        self
    }

    /// A node; names are separated by blanks.
    pub fn node(mut self, op: &str, inputs: &str, outputs: &str, attributes: &[Attr]) -> Self {
        let name = format!("the_{}", outputs.split_whitespace().next().unwrap_or(""));
        self.graph().node.push(NodeProto {
            op_type: some(op),
            name: Some(name),
            input: names(inputs),
            output: names(outputs),
            attribute: attributes.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        self
    }

    /// Says whose operator the last node is.
    pub fn of_domain(mut self, domain: &str) -> Self {
        if let Some(node) = self.graph().node.last_mut() {
            node.domain = some(domain);
        }
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.write_buf().unwrap()
    }
}
