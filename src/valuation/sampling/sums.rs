//! What is kept of the values that were drawn: integers that add up in any order.

/// The values drawn from one distribution.
///
/// Some of them come in pairs, whose squared differences tell the variance: half of one is the
/// variance on average.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stratum {
    /// How many values.
    pub(super) count: u64,
    /// Their sum.
    pub(super) sum: i128,
    /// How many pairs.
    pub(super) pairs: u64,
    /// The sum of the squared differences in the pairs: the low 128 bits, and those above.
    squares: (u128, u64),
}

impl Stratum {
    /// Adds two values as a pair. They differ by less than 2^63.
    pub(super) fn add_pair(&mut self, one: i64, other: i64) {
        self.count += 2;
        self.sum += i128::from(one) + i128::from(other);
        self.add_difference(one, other);
    }

    /// Adds one value, which makes a pair with the one that waits, if one does.
    pub(super) fn add(&mut self, value: i64, waiting: &mut Option<i64>) {
        self.count += 1;
        self.sum += i128::from(value);
        match waiting.take() {
            Some(other) => self.add_difference(value, other),
            None => *waiting = Some(value),
        }
    }

    fn add_difference(&mut self, one: i64, other: i64) {
        let difference = u128::from(one.abs_diff(other));
        self.pairs += 1;
        self.add_squares((difference * difference, 0));
    }

    fn add_squares(&mut self, (low, high): (u128, u64)) {
        let (sum, carried) = self.squares.0.overflowing_add(low);
        self.squares = (sum, self.squares.1 + high + u64::from(carried));
    }

    /// Returns the sum of the squared differences.
    pub(super) fn squares(&self) -> f64 {
        const TWO_TO_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
        self.squares.1 as f64 * TWO_TO_128 + self.squares.0 as f64
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.pairs += other.pairs;
        self.add_squares(other.squares);
    }
}

/// The strata of every player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums {
    strata: Vec<Stratum>,
    per_player: usize,
}

impl Sums {
    pub(super) fn new(players: usize, per_player: usize) -> Self {
        Self {
            strata: vec![Stratum::default(); players * per_player],
            per_player: per_player.max(1),
        }
    }

    /// Returns each player's strata.
    pub(super) fn players(&self) -> impl Iterator<Item = &[Stratum]> {
        self.strata.chunks_exact(self.per_player)
    }

    /// Returns each player's strata, to add to.
    pub(super) fn players_mut(&mut self) -> impl Iterator<Item = &mut [Stratum]> {
        self.strata.chunks_exact_mut(self.per_player)
    }

    /// Adds the values of others.
    pub(super) fn merge(mut self, other: &Self) -> Self {
        for (stratum, more) in self.strata.iter_mut().zip(&other.strata) {
            stratum.merge(more);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_differences_add_up() {
        let mut stratum = Stratum::default();
        for _ in 0..8 {
            stratum.add_pair(i64::MIN / 2, i64::MAX / 2);
        }
        let mut twice = stratum;
        twice.merge(&stratum);
        let expected = 16.0 * (2f64.powi(63) - 1.0).powi(2);
        assert_eq!(twice.squares(), expected);
        assert_eq!((twice.count, twice.pairs, twice.sum), (32, 16, -16));
    }

    #[test]
    fn single_values_pair_up_as_they_come() {
        let (mut stratum, mut waiting) = (Stratum::default(), None);
        for value in [1, 4, 9] {
            stratum.add(value, &mut waiting);
        }
        assert_eq!((stratum.count, stratum.pairs, waiting), (3, 1, Some(9)));
        assert_eq!(stratum.squares(), 9.0);
    }
}
