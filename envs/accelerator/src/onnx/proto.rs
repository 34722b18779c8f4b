//! The messages of an ONNX file, as far as shapes and costs need them (numbers of fields from onnx.proto).
//!
//! Names and raw data are borrowed from the file. Weights are not decoded: of a tensor with more than
//! [`LONGEST_CONTENT`] numbers only the shape is kept.

use super::wire::{Field, Fields, Malformed};

/// Tensors of at most so many numbers are decoded: shapes, axes and scales are far shorter.
pub(super) const LONGEST_CONTENT: usize = 4096;

/// What a file may hold: a node or tensor counts 16, a name, dimension or number 1. The largest of published models
/// hold a few hundred thousand.
const BUDGET: usize = 1 << 24;

/// Bodies of control flow may lie in each other so deep.
const DEEPEST: usize = 32;

#[derive(Default)]
pub(super) struct Model<'a> {
    /// Version of the standard operators; 0 where the file names none.
    pub opset: i64,
    pub graph: Option<Graph<'a>>,
    /// Operators that the model defines itself.
    pub functions: Vec<Function<'a>>,
}

/// An operator that a model defines itself, as a graph of others.
#[derive(Default)]
pub(super) struct Function<'a> {
    pub domain: &'a str,
    pub name: &'a str,
    /// Version of the standard operators in it.
    pub opset: i64,
    /// What is done if an attribute is not given.
    pub defaults: Vec<Attribute<'a>>,
    /// Nodes; inputs and outputs are names only.
    pub graph: Graph<'a>,
}

#[derive(Default)]
pub(super) struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    pub initializers: Vec<Tensor<'a>>,
    pub inputs: Vec<ValueInfo<'a>>,
    pub outputs: Vec<ValueInfo<'a>>,
    pub value_info: Vec<ValueInfo<'a>>,
}

#[derive(Default)]
pub(super) struct Node<'a> {
    pub name: &'a str,
    pub op: &'a str,
    /// Whose operator it is; empty for ONNX's own.
    pub domain: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub attributes: Vec<Attribute<'a>>,
}

#[derive(Default)]
pub(super) struct Attribute<'a> {
    pub name: &'a str,
    pub float: Option<f64>,
    pub int: Option<i64>,
    pub text: &'a [u8],
    pub tensor: Option<Tensor<'a>>,
    pub floats: Vec<f64>,
    pub ints: Vec<i64>,
    /// The body of control flow.
    pub graph: Option<Box<Graph<'a>>>,
    /// The attribute of the function that gives the value, in a function's body.
    pub reference: &'a str,
}

#[derive(Default)]
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    pub dims: Vec<i64>,
    /// TensorProto.DataType.
    pub kind: i64,
    pub raw: &'a [u8],
    /// Numbers that are not in `raw`, at most [`LONGEST_CONTENT`] of them.
    pub ints: Vec<i64>,
    /// As `ints`.
    pub floats: Vec<f64>,
    /// The file that holds the numbers, and from which byte on; none where they are here.
    pub outside: Option<(&'a str, u64)>,
}

pub(super) struct ValueInfo<'a> {
    pub name: &'a str,
    /// Its dimensions; `None` where even their number is unknown.
    pub shape: Option<Vec<Dim<'a>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dim<'a> {
    Known(i64),
    Named(&'a str),
    Unknown,
}

/// Reads a file.
///
/// # Errors
/// Bytes that are no message, or more items than any model has.
pub(super) fn model(bytes: &[u8]) -> Result<Model<'_>, Malformed> {
    let mut reader = Reader { left: BUDGET, depth: 0 };
    let mut model = Model::default();
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        match number {
            7 => model.graph = Some(reader.graph(field.bytes()?)?),
            8 => opset(field.bytes()?, &mut model.opset)?,
            25 => model.functions.push(reader.function(field.bytes()?)?),
            _ => {}
        }
    }
    Ok(model)
}

/// The version of the standard operators; other domains keep theirs to themselves.
fn opset(bytes: &[u8], version: &mut i64) -> Result<(), Malformed> {
    let (mut domain, mut number) = ("", 0);
    let mut fields = Fields::new(bytes);
    while let Some((tag, field)) = fields.next()? {
        match tag {
            1 => domain = field.text()?,
            2 => number = field.int()?,
            _ => {}
        }
    }
    if standard(domain).is_empty() {
        *version = number;
    }
    Ok(())
}

/// ONNX's own domain has two names, one of them empty.
fn standard(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

struct Reader {
    left: usize,
    depth: usize,
}

impl Reader {
    fn pay(&mut self, price: usize) -> Result<(), Malformed> {
        match self.left.checked_sub(price) {
            Some(left) => self.left = left,
            None => return Err(Malformed("it has more items than any model")),
        }
        Ok(())
    }

    fn function<'a>(&mut self, bytes: &'a [u8]) -> Result<Function<'a>, Malformed> {
        self.pay(16)?;
        let mut function = Function::default();
        let mut fields = Fields::new(bytes);
        let named = |name| ValueInfo { name, shape: None };
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => function.name = field.text()?,
                4 => function.graph.inputs.push(named(field.text()?)),
                5 => function.graph.outputs.push(named(field.text()?)),
                7 => function.graph.nodes.push(self.node(field.bytes()?)?),
                9 => opset(field.bytes()?, &mut function.opset)?,
                10 => function.domain = standard(field.text()?),
                11 => function.defaults.push(self.attribute(field.bytes()?)?),
                _ => {}
            }
        }
        Ok(function)
    }

    /// The body of control flow.
    fn body<'a>(&mut self, bytes: &'a [u8]) -> Result<Box<Graph<'a>>, Malformed> {
        if self.depth == DEEPEST {
            return Err(Malformed("its control flow is nested too deep"));
        }
        self.depth += 1;
        let graph = self.graph(bytes);
        self.depth -= 1;
        graph.map(Box::new)
    }

    fn graph<'a>(&mut self, bytes: &'a [u8]) -> Result<Graph<'a>, Malformed> {
        let mut graph = Graph::default();
        let mut fields = Fields::new(bytes);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => graph.nodes.push(self.node(field.bytes()?)?),
                5 => graph.initializers.push(self.tensor(field.bytes()?)?),
                11 => graph.inputs.push(self.value_info(field.bytes()?)?),
                12 => graph.outputs.push(self.value_info(field.bytes()?)?),
                13 => graph.value_info.push(self.value_info(field.bytes()?)?),
                15 => graph.initializers.push(self.sparse(field.bytes()?)?),
                _ => {}
            }
        }
        Ok(graph)
    }

    fn node<'a>(&mut self, bytes: &'a [u8]) -> Result<Node<'a>, Malformed> {
        self.pay(16)?;
        let mut node = Node::default();
        let mut fields = Fields::new(bytes);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 | 2 => {
                    self.pay(1)?;
                    let names = if number == 1 {
                        &mut node.inputs
                    } else {
                        &mut node.outputs
                    };
                    names.push(field.text()?);
                }
                3 => node.name = field.text()?,
                4 => node.op = field.text()?,
                5 => node.attributes.push(self.attribute(field.bytes()?)?),
                7 => node.domain = standard(field.text()?),
                _ => {}
            }
        }
        Ok(node)
    }

    fn attribute<'a>(&mut self, bytes: &'a [u8]) -> Result<Attribute<'a>, Malformed> {
        self.pay(16)?;
        let mut attribute = Attribute::default();
        let mut fields = Fields::new(bytes);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => attribute.name = field.text()?,
                2 => attribute.float = Some(field.float()?),
                3 => attribute.int = Some(field.int()?),
                4 => attribute.text = field.bytes()?,
                5 => attribute.tensor = Some(self.tensor(field.bytes()?)?),
                7 => field.floats::<4>(|x| {
                    self.pay(1)?;
                    attribute.floats.push(x);
                    Ok(())
                })?,
                8 => field.ints(|i| {
                    self.pay(1)?;
                    attribute.ints.push(i);
                    Ok(())
                })?,
                6 => attribute.graph = Some(self.body(field.bytes()?)?),
                21 => attribute.reference = field.text()?,
                _ => {}
            }
        }
        Ok(attribute)
    }

    fn tensor<'a>(&mut self, bytes: &'a [u8]) -> Result<Tensor<'a>, Malformed> {
        self.pay(16)?;
        let mut tensor = Tensor::default();
        let mut fields = Fields::new(bytes);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => field.ints(|dim| {
                    self.pay(1)?;
                    tensor.dims.push(dim);
                    Ok(())
                })?,
                2 => tensor.kind = field.int()?,
                4 => field.floats::<4>(|x| keep(&mut tensor.floats, x))?,
                10 => field.floats::<8>(|x| keep(&mut tensor.floats, x))?,
                5 | 7 | 11 => field.ints(|i| keep(&mut tensor.ints, i))?,
                8 => tensor.name = field.text()?,
                9 => tensor.raw = field.bytes()?,
                13 => outside(field.bytes()?, &mut tensor.outside)?,
                _ => {}
            }
        }
        Ok(tensor)
    }

    /// A tensor stored as its values that are not zero; the shape is that of the dense one.
    fn sparse<'a>(&mut self, bytes: &'a [u8]) -> Result<Tensor<'a>, Malformed> {
        let mut dense = Tensor::default();
        let mut fields = Fields::new(bytes);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => {
                    let values = self.tensor(field.bytes()?)?;
                    (dense.name, dense.kind) = (values.name, values.kind);
                }
                3 => field.ints(|dim| {
                    self.pay(1)?;
                    dense.dims.push(dim);
                    Ok(())
                })?,
                _ => {}
            }
        }
        Ok(dense)
    }

    fn value_info<'a>(&mut self, bytes: &'a [u8]) -> Result<ValueInfo<'a>, Malformed> {
        self.pay(16)?;
        let mut info = ValueInfo { name: "", shape: None };
        let mut fields = Fields::new(bytes);
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => info.name = field.text()?,
                2 => info.shape = self.shape(field.bytes()?)?,
                _ => {}
            }
        }
        Ok(info)
    }

    /// Type, tensor type, shape: a message in a message in a message.
    fn shape<'a>(&mut self, kind: &'a [u8]) -> Result<Option<Vec<Dim<'a>>>, Malformed> {
        let Some(tensor) = last(kind, 1)? else {
            return Ok(None);
        };
        let Some(shape) = last(tensor, 2)? else {
            return Ok(None);
        };
        let mut dims = Vec::new();
        let mut fields = Fields::new(shape);
        while let Some((number, field)) = fields.next()? {
            if number == 1 {
                self.pay(1)?;
                dims.push(dim(field)?);
            }
        }
        Ok(Some(dims))
    }
}

/// Takes a number over, unless the tensor has more than are of use.
fn keep<T>(numbers: &mut Vec<T>, number: T) -> Result<(), Malformed> {
    if numbers.len() < LONGEST_CONTENT {
        numbers.push(number);
    }
    Ok(())
}

/// One of the entries that say where numbers lie that are not in the file: a key and a text.
fn outside<'a>(entry: &'a [u8], place: &mut Option<(&'a str, u64)>) -> Result<(), Malformed> {
    let (mut key, mut value) = ("", "");
    let mut fields = Fields::new(entry);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    let (file, offset) = place.unwrap_or_default();
    match key {
        "location" => *place = Some((value, offset)),
        "offset" => {
            let offset = value
                .parse()
                .map_err(|_| Malformed("the place of external data is no number"))?;
            *place = Some((file, offset));
        }
        _ => {}
    }
    Ok(())
}

/// The last of the fields of a number, which is what counts where there should be one.
fn last(message: &[u8], wanted: u64) -> Result<Option<&[u8]>, Malformed> {
    let mut found = None;
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        if number == wanted {
            found = Some(field.bytes()?);
        }
    }
    Ok(found)
}

fn dim(field: Field<'_>) -> Result<Dim<'_>, Malformed> {
    let mut dim = Dim::Unknown;
    let mut fields = Fields::new(field.bytes()?);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => dim = Dim::Known(field.int()?),
            2 if !field.bytes()?.is_empty() => dim = Dim::Named(field.text()?),
            _ => {}
        }
    }
    Ok(dim)
}
