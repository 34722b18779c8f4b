//! What flows along the edges of a graph: shapes, and the contents of the small constants that shapes are made of.

use super::proto::{LONGEST_CONTENT, Tensor};
use crate::gemm::{TooLarge, product};

/// Most directions of a tensor.
const LARGEST_RANK: usize = 64;

/// Largest size along one direction: 2⁴⁰.
pub(super) const LARGEST_DIM: u64 = 1 << 40;

/// The sizes of a tensor.
pub(super) type Shape = Vec<u64>;

/// A tensor, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub shape: Shape,
    pub origin: Origin,
}

/// Where a tensor comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// The same for every input: a weight, or a number of the model.
    Constant {
        /// Whether it holds numbers with a fraction, as weights are.
        float: bool,
        /// Its contents, where they are known and few.
        content: Option<Numbers>,
        /// Which of the model's tensors it is, in whatever shape; none where that does not matter.
        tensor: Option<usize>,
    },
    /// Computed from the input by this layer; none where it is the input itself.
    Computed(Option<usize>),
}

/// The contents of a constant, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    Ints(Vec<i64>),
    Floats(Vec<f64>),
}

impl Numbers {
    pub fn is_float(&self) -> bool {
        matches!(self, Self::Floats(_))
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Ints(ints) => ints.len(),
            Self::Floats(floats) => floats.len(),
        }
    }
}

impl Value {
    pub fn constant(shape: Shape, float: bool, content: Option<Numbers>) -> Self {
        // contents that are not those of the shape, or too many, are not kept
        let count = elements(&shape).unwrap_or(u64::MAX);
        let content = content.filter(|c| c.len() <= LONGEST_CONTENT && c.len() as u64 == count);
        Self {
            shape,
            origin: Origin::Constant {
                float,
                content,
                tensor: None,
            },
        }
    }

    /// The same constant as this one of the model's tensors.
    pub fn being(mut self, number: Option<usize>) -> Self {
        if let Origin::Constant { tensor, .. } = &mut self.origin {
            *tensor = number;
        }
        self
    }

    /// Which of the model's tensors it is.
    pub fn tensor(&self) -> Option<usize> {
        match self.origin {
            Origin::Constant { tensor, .. } => tensor,
            Origin::Computed(_) => None,
        }
    }

    /// A list of whole numbers, such as a shape.
    pub fn ints(ints: Vec<i64>) -> Self {
        Self::constant(vec![ints.len() as u64], false, Some(Numbers::Ints(ints)))
    }

    pub fn computed(shape: Shape, maker: Option<usize>) -> Self {
        Self {
            shape,
            origin: Origin::Computed(maker),
        }
    }

    /// The layer that made it.
    pub fn maker(&self) -> Option<usize> {
        match self.origin {
            Origin::Computed(maker) => maker,
            Origin::Constant { .. } => None,
        }
    }

    /// Whether it is a constant of numbers with a fraction, as weights are.
    pub fn is_float(&self) -> bool {
        matches!(self.origin, Origin::Constant { float: true, .. })
    }

    pub fn is_constant(&self) -> bool {
        matches!(self.origin, Origin::Constant { .. })
    }

    pub fn content(&self) -> Option<&Numbers> {
        match &self.origin {
            Origin::Constant { content, .. } => content.as_ref(),
            Origin::Computed(_) => None,
        }
    }

    /// The constant that a tensor of the file is.
    pub fn of_tensor(tensor: &Tensor) -> Result<Self, String> {
        let shape = shape(&tensor.dims)?;
        let count = elements(&shape).map_err(|error| error.to_string())?;
        let float = is_float(tensor.kind);
        let content = match count <= LONGEST_CONTENT as u64 {
            true => content(tensor, count, float),
            false => None,
        };
        Ok(Self::constant(shape, float, content))
    }
}

/// Whether a type of the file's (TensorProto.DataType) has numbers with a fraction: single, double, half, brain, and
/// those of eight and four bits.
pub(super) fn is_float(kind: i64) -> bool {
    matches!(kind, 1 | 10 | 11 | 16..=20 | 23 | 24)
}

/// Bytes of a number of a type of the file's, as far as shapes are made of them.
pub(super) fn width(kind: i64) -> Option<usize> {
    match kind {
        2 | 3 | 9 => Some(1),
        4 | 5 | 10 | 16 => Some(2),
        1 | 6 | 12 => Some(4),
        7 | 11 | 13 => Some(8),
        _ => None,
    }
}

/// The numbers of a tensor; `None` where they are elsewhere or of a type that no shape is made of.
fn content(tensor: &Tensor, count: u64, float: bool) -> Option<Numbers> {
    let numbers = if !tensor.raw.is_empty() {
        numbers(tensor.kind, tensor.raw)?
    } else if !float {
        Numbers::Ints(tensor.ints.clone())
    } else if tensor.floats.is_empty() && matches!(tensor.kind, 10 | 16) {
        // halves are listed as the whole numbers that their bits are
        let bits = tensor.ints.iter().map(|&bits| half(tensor.kind, bits as u16));
        Numbers::Floats(bits.collect())
    } else {
        Numbers::Floats(tensor.floats.clone())
    };
    (numbers.len() as u64 == count).then_some(numbers)
}

/// Numbers of a type of the file's from their bytes, the lowest first.
pub(super) fn numbers(kind: i64, raw: &[u8]) -> Option<Numbers> {
    let width = width(kind)?;
    if !raw.len().is_multiple_of(width) {
        return None;
    }
    let bits = raw.chunks_exact(width).map(|part| {
        let bytes = part.iter().rev();
        bytes.fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte))
    });
    Some(match kind {
        1 => Numbers::Floats(bits.map(|b| f64::from(f32::from_bits(b as u32))).collect()),
        11 => Numbers::Floats(bits.map(f64::from_bits).collect()),
        10 | 16 => Numbers::Floats(bits.map(|b| half(kind, b as u16)).collect()),
        3 => Numbers::Ints(bits.map(|b| i64::from(b as u8 as i8)).collect()),
        5 => Numbers::Ints(bits.map(|b| i64::from(b as u16 as i16)).collect()),
        6 => Numbers::Ints(bits.map(|b| i64::from(b as u32 as i32)).collect()),
        _ => Numbers::Ints(bits.map(u64::cast_signed).collect()),
    })
}

/// A number of 16 bits: half precision (10), or the upper half of single precision (16).
fn half(kind: i64, bits: u16) -> f64 {
    if kind == 16 {
        return f64::from(f32::from_bits(u32::from(bits) << 16));
    }
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction > 0.0 => f64::NAN,
        31 => f64::INFINITY,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Sizes as the file gives them.
pub(super) fn shape(dims: &[i64]) -> Result<Shape, String> {
    if dims.len() > LARGEST_RANK {
        return Err(format!("a shape of {} directions is not supported", dims.len()));
    }
    dims.iter().map(|&dim| size(dim)).collect()
}

/// One size as the file gives it.
pub(super) fn size(dim: i64) -> Result<u64, String> {
    match u64::try_from(dim) {
        Ok(size) if size <= LARGEST_DIM => Ok(size),
        _ => Err(format!("{dim} is not a size between 0 and {LARGEST_DIM}")),
    }
}

/// How many numbers a tensor has.
pub(super) fn elements(shape: &[u64]) -> Result<u64, TooLarge> {
    product("the number of values", shape)
}

/// The shape of values that are combined place by place: sizes of 1 are repeated
/// (<https://onnx.ai/onnx/repo-docs/Broadcasting.html>).
pub(super) fn broadcast(a: &[u64], b: &[u64]) -> Result<Shape, String> {
    let rank = a.len().max(b.len());
    let at = |shape: &[u64], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(own) => shape[own],
        None => 1,
    };
    let sizes = (0..rank).map(|axis| match (at(a, axis), at(b, axis)) {
        (x, y) if x == y => Ok(x),
        (1, y) => Ok(y),
        (x, 1) => Ok(x),
        _ => Err(format!("shapes {a:?} and {b:?} do not go together")),
    });
    sizes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_broadcast_as_numpy_does() {
        assert_eq!(broadcast(&[2, 3, 4, 5], &[]), Ok(vec![2, 3, 4, 5]));
        assert_eq!(broadcast(&[4, 5], &[2, 3, 4, 5]), Ok(vec![2, 3, 4, 5]));
        assert_eq!(broadcast(&[1, 4, 5], &[2, 3, 1, 1]), Ok(vec![2, 3, 4, 5]));
        assert_eq!(broadcast(&[3, 1, 0], &[1, 4, 1]), Ok(vec![3, 4, 0]));
        assert!(broadcast(&[2, 3], &[3, 2]).is_err());
    }

    #[test]
    fn halves_are_those_of_ieee_754() {
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_953_125),
            (0x0001, 2_f64.powi(-24)),
        ] {
            assert_eq!(half(10, bits), number);
        }
        assert!(half(10, 0x7c00).is_infinite() && half(10, 0x7e00).is_nan());
        assert_eq!(half(16, 0xbfc0), -1.5);
        assert_eq!(numbers(10, &[0, 0x40, 0, 0x3c]), Some(Numbers::Floats(vec![2.0, 1.0])));
        assert_eq!(numbers(3, &[0xff]), Some(Numbers::Ints(vec![-1])));
        assert_eq!(numbers(7, &[1]), None);
        let listed = Tensor {
            dims: vec![2],
            kind: 10,
            ints: vec![0x3c00, 0x4000],
            ..Tensor::default()
        };
        let content = Value::of_tensor(&listed).unwrap();
        assert_eq!(content.content(), Some(&Numbers::Floats(vec![1.0, 2.0])));
    }

    #[test]
    fn raw_and_listed_numbers_are_the_same() {
        let raw: Vec<u8> = [2_i64, -1].iter().flat_map(|i| i.to_le_bytes()).collect();
        let raw = Tensor {
            dims: vec![2],
            kind: 7,
            raw: &raw,
            ..Tensor::default()
        };
        let listed = Tensor {
            dims: vec![2],
            kind: 7,
            ints: vec![2, -1],
            ..Tensor::default()
        };
        assert_eq!(Value::of_tensor(&raw), Ok(Value::ints(vec![2, -1])));
        assert_eq!(Value::of_tensor(&listed), Ok(Value::ints(vec![2, -1])));
        // numbers kept in another file: the shape is all there is
        let outside = Tensor {
            dims: vec![4096, 4096],
            kind: 1,
            ..Tensor::default()
        };
        let value = Value::of_tensor(&outside).unwrap();
        assert_eq!((value.shape.as_slice(), value.content()), (&[4096, 4096][..], None));
        for dims in [vec![-1], vec![i64::MAX], vec![1 << 33; 2]] {
            assert!(
                Value::of_tensor(&Tensor {
                    dims,
                    ..Tensor::default()
                })
                .is_err()
            );
        }
    }
}
