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
            origin: Origin::Constant { float, content },
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
        let size = match tensor.kind {
            1 | 6 => 4,
            7 | 11 => 8,
            2 | 9 => 1,
            _ => 0,
        };
        let content = match count <= LONGEST_CONTENT as u64 {
            true => content(tensor, count, float, size),
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

/// The numbers of a tensor, each of `size` bytes where they are raw; `None` where they are elsewhere or of a type that
/// no shape is made of.
fn content(tensor: &Tensor, count: u64, float: bool, size: usize) -> Option<Numbers> {
    if tensor.raw.is_empty() || size == 0 {
        let listed = match float {
            true => Numbers::Floats(tensor.floats.clone()),
            false => Numbers::Ints(tensor.ints.clone()),
        };
        return (listed.len() as u64 == count).then_some(listed);
    }
    if tensor.raw.len() as u64 != count.checked_mul(size as u64)? {
        return None;
    }
    let parts = tensor.raw.chunks_exact(size);
    let four = |part: &[u8]| part.try_into().map(i32::from_le_bytes).unwrap_or_default();
    let eight = |part: &[u8]| part.try_into().map(i64::from_le_bytes).unwrap_or_default();
    Some(match (float, size) {
        (true, 4) => Numbers::Floats(
            parts
                .map(|p| f64::from(f32::from_bits(four(p).cast_unsigned())))
                .collect(),
        ),
        (true, _) => Numbers::Floats(parts.map(|p| f64::from_bits(eight(p).cast_unsigned())).collect()),
        (false, 8) => Numbers::Ints(parts.map(eight).collect()),
        (false, 4) => Numbers::Ints(parts.map(|p| i64::from(four(p))).collect()),
        (false, _) => Numbers::Ints(tensor.raw.iter().map(|&byte| i64::from(byte)).collect()),
    })
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
