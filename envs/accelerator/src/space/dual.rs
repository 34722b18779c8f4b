//! Numbers that carry their derivatives (forward mode), so that one formula gives values and exact gradients.

use std::ops::{Add, Div, Mul, Sub};

/// What the cost formulas need of a number.
pub trait Real: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> {
    /// A number without derivatives.
    fn constant(value: f64) -> Self;

    /// The number itself.
    fn value(self) -> f64;

    /// Two to this power.
    fn exp2(self) -> Self;

    /// Logarithm to base 2.
    fn log2(self) -> Self;

    /// Rounded up to a multiple of `block`; numbers with derivatives stay as they are.
    fn blocks(self, block: f64) -> Self;

    /// Rounded up to a whole number; numbers with derivatives stay as they are.
    fn whole(self) -> Self;

    /// The nearest whole number; numbers with derivatives stay as they are.
    fn nearest(self) -> Self;

    /// The larger one.
    fn larger(self, other: Self) -> Self {
        if other.value() > self.value() { other } else { self }
    }

    /// The smaller one.
    fn smaller(self, other: Self) -> Self {
        if other.value() < self.value() { other } else { self }
    }
}

impl Real for f64 {
    fn constant(value: f64) -> Self {
        value
    }
    fn value(self) -> f64 {
        self
    }
    fn exp2(self) -> Self {
        self.exp2()
    }
    fn log2(self) -> Self {
        self.log2()
    }
    fn blocks(self, block: f64) -> Self {
        (self / block).ceil() * block
    }
    fn whole(self) -> Self {
        (self - 1e-9).ceil() // quotients of whole numbers come out whole
    }
    fn nearest(self) -> Self {
        self.round()
    }
}

/// A number with its derivatives by `N` variables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<const N: usize> {
    /// The number.
    pub value: f64,
    /// Its derivatives.
    pub slopes: [f64; N],
}

impl<const N: usize> Dual<N> {
    /// The variable number `at`.
    pub fn variable(value: f64, at: usize) -> Self {
        let mut slopes = [0.0; N];
        slopes[at] = 1.0;
        Self { value, slopes }
    }

    /// A function of this number, with its value and its derivative.
    fn chain(self, value: f64, slope: f64) -> Self {
        let slopes = self.slopes.map(|own| slope * own);
        Self { value, slopes }
    }

    /// `value`, whose derivatives are `a` times this number's plus `b` times the other's.
    fn combine(self, other: Self, value: f64, a: f64, b: f64) -> Self {
        let slopes = std::array::from_fn(|i| a * self.slopes[i] + b * other.slopes[i]);
        Self { value, slopes }
    }
}

impl<const N: usize> Add for Dual<N> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.combine(other, self.value + other.value, 1.0, 1.0)
    }
}

impl<const N: usize> Sub for Dual<N> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.combine(other, self.value - other.value, 1.0, -1.0)
    }
}

impl<const N: usize> Mul for Dual<N> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.combine(other, self.value * other.value, other.value, self.value)
    }
}

impl<const N: usize> Div for Dual<N> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        self.combine(other, value, 1.0 / other.value, -value / other.value)
    }
}

impl<const N: usize> Real for Dual<N> {
    fn constant(value: f64) -> Self {
        let slopes = [0.0; N];
        Self { value, slopes }
    }
    fn value(self) -> f64 {
        self.value
    }
    fn exp2(self) -> Self {
        let value = self.value.exp2();
        self.chain(value, std::f64::consts::LN_2 * value)
    }
    fn log2(self) -> Self {
        let slope = std::f64::consts::LOG2_E / self.value;
        self.chain(self.value.log2(), slope)
    }
    fn blocks(self, _block: f64) -> Self {
        self
    }
    fn whole(self) -> Self {
        self
    }
    fn nearest(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_follow_the_rules() {
        let (x, y) = (Dual::<2>::variable(3.0, 0), Dual::<2>::variable(2.0, 1));
        assert_eq!((x * y + x).slopes, [3.0, 3.0]);
        assert_eq!((x / y).slopes, [0.5, -0.75]);
        assert_eq!((x - y).larger(y).value, 2.0);
        let round_trip = (x * y).log2().exp2();
        assert!((round_trip.value - 6.0).abs() < 1e-12);
        assert!((round_trip.slopes[0] - 2.0).abs() < 1e-12);
    }
}
