//! Matrix products.

use super::super::call::{Call, Fault, Outcome, unsupported, wrong};
use super::super::value::{Value, broadcast, elements};
use crate::conv::Conv;
use crate::gemm::{Gemm, product};
use crate::input::quote;
use crate::layer::Op;

/// `MatMul`, `MatMulInteger` and `FusedMatMul` of ONNX Runtime.
pub(super) fn matmul(call: &Call) -> Result<Outcome, Fault> {
    matrices(call, 1)
}

/// `QLinearMatMul`: matrix, its scale and offset, matrix.
pub(super) fn quantised(call: &Call) -> Result<Outcome, Fault> {
    matrices(call, 3)
}

/// The product of stacks of matrices as numpy's `matmul` has it: vectors get a direction of 1 that is taken away again.
fn matrices(call: &Call, right: usize) -> Result<Outcome, Fault> {
    let mut a = call.shape_of_rank(0, 1)?.to_vec();
    let mut b = call.shape_of_rank(right, 1)?.to_vec();
    let (row, column) = (a.len() == 1, b.len() == 1);
    if row {
        a.insert(0, 1);
    }
    if column {
        b.push(1);
    }
    for (shape, turn) in [(&mut a, "transA"), (&mut b, "transB")] {
        let rank = shape.len();
        if call.flag(turn) {
            shape.swap(rank - 2, rank - 1);
        }
    }
    let (stack_a, [m, k]) = halves(&a);
    let (stack_b, [inner, n]) = halves(&b);
    if k != inner {
        return wrong(format!("matrices of {a:?} and {b:?} cannot be multiplied"));
    }
    let stack = broadcast(stack_a, stack_b)?;
    let mut shape = stack.clone();
    shape.extend((!row).then_some(m));
    shape.extend((!column).then_some(n));
    let op = product_op(call, right, [stack_a, stack_b, &stack], Gemm { m, n, k })?;
    Ok(Outcome::layer(shape, op))
}

/// The stack and the sizes of its matrices.
fn halves(shape: &[u64]) -> (&[u64], [u64; 2]) {
    match shape {
        [stack @ .., rows, cols] => (stack, [*rows, *cols]),
        _ => (shape, [1, 1]),
    }
}

fn product_op(call: &Call, right: usize, stacks: [&[u64]; 3], gemm: Gemm) -> Result<Op, Fault> {
    let [stack_a, stack_b, stack] = stacks;
    let Gemm { m, n, k } = gemm;
    let (times, of_a, of_b) = (elements(stack)?, elements(stack_a)?, elements(stack_b)?);
    let linear = |rows: [u64; 2], outputs| {
        Ok::<_, Fault>(Op::Linear {
            rows: product("rows", &rows)?,
            inputs: k,
            outputs,
            bias: false,
        })
    };
    match (call.constant(0), call.constant(right)) {
        // the same weights for all of the stack
        (false, true) if of_b == 1 => linear([times, m], n),
        (true, false) if of_a == 1 => linear([times, n], m),
        // weights of their own for each matrix: groups that do not see each other
        (false, true) if of_b == times => Ok(grouped(times, m, k, n)?),
        (true, false) if of_a == times => Ok(grouped(times, n, k, m)?),
        // one matrix for all of the stack: the stack is more rows
        _ if of_b == 1 => Ok(Op::MatMul {
            batch: 1,
            gemm: Gemm {
                m: product("rows", &[times, m])?,
                n,
                k,
            },
        }),
        _ => Ok(Op::MatMul { batch: times, gemm }),
    }
}

fn grouped(groups: u64, rows: u64, inputs: u64, outputs: u64) -> Result<Op, Fault> {
    Ok(Op::Conv(Conv {
        groups,
        bias: false,
        ..Conv::same(
            product("channels", &[groups, inputs])?,
            product("channels", &[groups, outputs])?,
            [rows, 1],
            1,
        )
    }))
}

/// `Gemm`: a product of two matrices and a bias.
pub(super) fn gemm(call: &Call) -> Result<Outcome, Fault> {
    product_and_bias(call, 1, 2)
}

/// `QGemm` of ONNX Runtime: each matrix is followed by its scale and offset.
pub(super) fn quantised_gemm(call: &Call) -> Result<Outcome, Fault> {
    product_and_bias(call, 3, 6)
}

/// The product of the first input and that at `right`, with a bias at `third`.
fn product_and_bias(call: &Call, right: usize, third: usize) -> Result<Outcome, Fault> {
    let matrix = |at, turn| match (call.shape(at)?, call.flag(turn)) {
        (&[rows, cols], false) => Ok([rows, cols]),
        (&[rows, cols], true) => Ok([cols, rows]),
        (shape, _) => wrong(format!("{shape:?} is not a matrix")),
    };
    let ([m, k], [inner, n]) = (matrix(0, "transA")?, matrix(right, "transB")?);
    if k != inner {
        return wrong(format!("matrices of {m} x {k} and {inner} x {n} cannot be multiplied"));
    }
    let bias = call.constant(third);
    let scalar_before_seven = |value: &Value| call.opset < 7 && call.flag("broadcast") && value.shape.len() <= 2;
    if let Some(value) = call.get(third)
        && broadcast(&value.shape, &[m, n]) != Ok(vec![m, n])
        && !scalar_before_seven(value)
    {
        return wrong(format!("a bias of {:?} does not fit {m} x {n}", value.shape));
    }
    let linear = |rows, outputs| Op::Linear {
        rows,
        inputs: k,
        outputs,
        bias,
    };
    let op = match (call.constant(0), call.constant(right)) {
        (true, false) => linear(n, m),
        (false, false) => Op::MatMul {
            batch: 1,
            gemm: Gemm { m, n, k },
        },
        _ => linear(m, n),
    };
    Ok(Outcome::layer(vec![m, n], op))
}

/// `Einsum` of one or two operands: a stack of matrix products.
pub(super) fn einsum(call: &Call) -> Result<Outcome, Fault> {
    let equation: String = call.text("equation", "").split_whitespace().collect();
    let (left, output) = match equation.split_once("->") {
        Some((left, output)) => (left, Some(output)),
        None => (equation.as_str(), None),
    };
    let operands: Vec<&str> = left.split(',').collect();
    if operands.len() != call.inputs.len() || operands.len() > 2 {
        return unsupported(format!("the equation {}", quote(&equation)));
    }
    // three dots stand for as many directions as an operand has beside its letters
    let mut most = 0;
    let mut spelt = Vec::new();
    for (at, letters) in operands.iter().enumerate() {
        let own = letters.replace("...", "").chars().count();
        let dots = call.shape(at)?.len().saturating_sub(own);
        most = if letters.contains("...") { dots.max(most) } else { most };
        spelt.push(letters.replace("...", &dotted(dots)));
    }
    let output = match output {
        Some(output) => output.replace("...", &dotted(most)),
        // without an output: what stands once, in the order of the alphabet
        None => {
            let all: String = spelt.concat();
            let mut once: Vec<char> = all
                .chars()
                .filter(|c| !is_dot(*c) && all.matches(*c).count() == 1)
                .collect();
            once.sort_unstable();
            dotted(most).chars().chain(once).collect()
        }
    };
    let operands: Vec<&str> = spelt.iter().map(String::as_str).collect();
    let sizes = letters(call, &operands)?;
    let mut shape = Vec::new();
    for letter in output.chars() {
        match sizes.iter().find(|(known, _)| *known == letter) {
            Some(&(_, size)) => shape.push(size),
            None => return wrong(format!("{letter:?} is not among the operands")),
        }
    }
    let op = match operands[..] {
        [a, b] => contraction(call, &sizes, [a, b, &output])?,
        _ => Op::Copy {
            inputs: call.elements(0)?,
            outputs: elements(&shape)?,
        },
    };
    Ok(Outcome::layer(shape, op))
}

/// Letters for so many directions that an equation does not name, the last direction first in the alphabet.
fn dotted(directions: usize) -> String {
    (0..directions.min(64))
        .rev()
        .filter_map(|at| char::from_u32(0xe000 + at as u32))
        .collect()
}

fn is_dot(letter: char) -> bool {
    ('\u{e000}'..='\u{e040}').contains(&letter)
}

/// The letters of the operands with their sizes, as they come.
fn letters(call: &Call, operands: &[&str]) -> Result<Vec<(char, u64)>, Fault> {
    let mut sizes: Vec<(char, u64)> = Vec::new();
    for (at, letters) in operands.iter().enumerate() {
        let shape = call.shape(at)?;
        if letters.chars().count() != shape.len() {
            let letters = quote(letters);
            return wrong(format!("{letters} does not name the directions of {shape:?}"));
        }
        for (letter, &size) in letters.chars().zip(shape) {
            match sizes.iter().find(|(known, _)| *known == letter) {
                Some(&(letter, known)) if known != size && is_dot(letter) && (known == 1 || size == 1) => {
                    let larger = known.max(size);
                    sizes
                        .iter_mut()
                        .filter(|(own, _)| *own == letter)
                        .for_each(|own| own.1 = larger);
                }
                Some(&(_, known)) if known != size => {
                    return wrong(format!("{letter:?} is both {known} and {size}"));
                }
                Some(_) => {}
                None => sizes.push((letter, size)),
            }
        }
    }
    Ok(sizes)
}

/// The matrix products of an equation of two operands and an output.
fn contraction(call: &Call, sizes: &[(char, u64)], parts: [&str; 3]) -> Result<Op, Fault> {
    // the letters in the first operand, in the second, and in the output, or not
    let of = |wanted: [bool; 3]| {
        let chosen = sizes
            .iter()
            .filter(|(letter, _)| parts.map(|letters| letters.contains(*letter)) == wanted);
        let chosen: Vec<u64> = chosen.map(|(_, size)| *size).collect();
        product("the equation", &chosen)
    };
    let summed = [
        of([true, true, false])?,
        of([true, false, false])?,
        of([false, true, false])?,
    ];
    let gemm = Gemm {
        m: of([true, false, true])?,
        n: of([false, true, true])?,
        k: product("the equation", &summed)?,
    };
    let times = [of([true, true, true])?];
    // one matrix of weights has no stack
    let stack = |constant: bool| match constant && times == [1] {
        true => &[][..],
        false => &times[..],
    };
    let stacks = [stack(call.constant(0)), stack(call.constant(1)), &times];
    product_op(call, 1, stacks, gemm)
}
