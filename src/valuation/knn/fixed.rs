//! Sums of real numbers, rounded down exactly to a multiple of 2^-62.
//!
//! A sum is kept as an integer of 120 bits after the point and the number of terms that are a
//! little more than their integer. So it is known to lie in an interval about 2^-100 wide; unless
//! a multiple of 2^-62 lies in it, which happens to sums that are such a multiple and hardly
//! ever else, its floor is known too.

/// How many bits after the point a term is kept with.
pub const TERM_BITS: u32 = 120;

/// How many of these are cut off in the end.
const CUT_BITS: u32 = TERM_BITS - super::UNIT_BITS;

/// A number that is not negative, rounded down to a multiple of 2^-120.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Term {
    /// The multiple.
    pub floor: i128,
    /// Whether the number is the multiple.
    pub is_exact: bool,
}

impl Term {
    /// A number above zero and below 2^-120.
    pub const TINY: Self = Self {
        floor: 0,
        is_exact: false,
    };

    /// Returns whether the number is below 2^-62.
    pub fn is_below_unit(self) -> bool {
        self.floor >> CUT_BITS == 0
    }
}

/// A sum of terms, each added or taken away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum {
    floors: i128,
    /// How many terms were added that are more than their floor.
    above: u32,
    /// How many were taken away.
    below: u32,
}

impl Sum {
    /// Adds a term times `sign`, which is 1, 0 or -1.
    pub fn add(&mut self, term: Term, sign: i8) {
        self.floors += i128::from(sign) * term.floor;
        if !term.is_exact {
            match sign {
                1 => self.above = self.above.saturating_add(1),
                -1 => self.below = self.below.saturating_add(1),
                _ => {}
            }
        }
    }

    /// Returns the lowest and the highest that the floor can be, in multiples of 2^-62.
    pub fn floor_bounds(&self) -> (i128, i128) {
        let low = self.floors - i128::from(self.below);
        let mut high = self.floors + i128::from(self.above);
        if self.above > 0 || self.below > 0 {
            // The sum lies strictly between the two.
            high -= 1;
        }
        (low >> CUT_BITS, high >> CUT_BITS)
    }

    /// Returns the floor in multiples of 2^-62, if the sum is known to be such a multiple plus
    /// something that is no such multiple, smaller than 2^-62 and of the sign given (0: nothing).
    pub fn floor_beside(&self, sign: i8) -> Option<i128> {
        let multiple = self.floors >> CUT_BITS;
        let is_exact = self.above == 0 && self.below == 0 && multiple << CUT_BITS == self.floors;
        is_exact.then(|| multiple - i128::from(sign < 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_the_floor() {
        let term = |floor, is_exact| Term { floor, is_exact };
        let unit = 1i128 << CUT_BITS;
        let mut sum = Sum::default();
        sum.add(term(5 * unit, true), 1);
        assert_eq!(sum.floor_bounds(), (5, 5));
        assert_eq!(sum.floor_beside(-1), Some(4));
        assert_eq!(sum.floor_beside(1), Some(5));
        // A little more than five units and a little less than two: three or a little more or less.
        sum.add(term(0, false), 1);
        assert_eq!(sum.floor_bounds(), (5, 5));
        sum.add(term(2 * unit, false), -1);
        assert_eq!(sum.floor_bounds(), (2, 3));
        assert_eq!(sum.floor_beside(0), None);
        sum.add(term(7, true), 1);
        assert_eq!(sum.floor_bounds(), (3, 3));
        sum.add(term(9 * unit, true), -1);
        assert_eq!(sum.floor_bounds(), (-6, -6));
        assert!(term(unit - 1, false).is_below_unit() && !term(unit, true).is_below_unit());
    }
}
