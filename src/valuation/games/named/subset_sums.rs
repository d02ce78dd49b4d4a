//! How many subsets of each size have a sum of weights below a limit, counted exactly.
//!
//! The sums below the limit are kept in ascending order, each with the number of subsets by size.
//! A player doubles the list at most: with the sums of before stand those that it joins. Only
//! sums that occur are kept, so that large weights cost no more than small ones. Numbers of
//! subsets have as many words as the number of players needs bits.

use num_bigint::BigUint;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

/// The numbers of subsets by size, for each sum below a limit.
#[derive(Debug)]
pub(super) struct SubsetSums {
    limit: i128,
    /// How many words a number of subsets has.
    words: usize,
    /// The number of players.
    players: usize,
    /// In ascending order.
    sums: Vec<i128>,
    /// For each sum and each size from 0 to all players, the number of subsets with at most this
    /// sum; a row for each sum.
    counts: Vec<u64>,
}

impl SubsetSums {
    /// Counts the subsets of weights, none of which is negative; `None` if the numbers take more
    /// than `words_max` words of 64 bits.
    pub(super) fn below(limit: i128, weights: &[i128], words_max: usize) -> Option<Self> {
        let mut sums = Self {
            limit,
            words: weights.len() / 64 + 1,
            players: 0,
            sums: vec![0],
            counts: Vec::new(),
        };
        sums.counts = vec![0; sums.words];
        if let Some(count) = sums.counts.first_mut() {
            *count = 1;
        }
        // The heaviest first: while they are few, so are their sums.
        let mut weights = weights.to_vec();
        weights.sort_unstable_by(|a, b| b.cmp(a));
        for weight in weights {
            sums.join(weight, words_max)?;
        }
        sums.accumulate();
        Some(sums)
    }

    /// Returns the words of one row.
    fn row_words(&self) -> usize {
        (self.players + 1) * self.words
    }

    fn join(&mut self, weight: i128, words_max: usize) -> Option<()> {
        let merged = merge(&self.sums, weight, self.limit);
        let old_row = self.row_words();
        let row = old_row + self.words;
        if merged.len().saturating_mul(row) > words_max {
            return None;
        }
        let old = |number: Option<usize>| {
            let start = number.map(|number| number * old_row);
            let row = start.and_then(|start| self.counts.get(start..start + old_row));
            row.unwrap_or_default()
        };
        let mut counts = vec![0; merged.len() * row];
        let rows = counts.par_chunks_exact_mut(row).zip(&merged);
        rows.for_each(|(counts, sum)| {
            for (count, old) in counts.iter_mut().zip(old(sum.without)) {
                *count = *old;
            }
            let (_, one_larger) = counts.split_at_mut(self.words);
            add_each(one_larger, old(sum.with), self.words);
        });
        self.sums = merged.into_iter().map(|sum| sum.sum).collect();
        self.counts = counts;
        self.players += 1;
        Some(())
    }

    /// Turns numbers of subsets with a sum into numbers with at most that sum.
    fn accumulate(&mut self) {
        let row = self.row_words();
        let mut rest = self.counts.as_mut_slice();
        while rest.len() > row {
            let (first, others) = rest.split_at_mut(row);
            if let Some(next) = others.get_mut(..row) {
                add_each(next, first, self.words);
            }
            rest = others;
        }
    }

    /// Returns, for each size of coalition of the others, in how many a player of this weight
    /// swings: their sum is below the limit and reaches it with the weight.
    ///
    /// Coalitions without the player are those of all players, less those with it, which are
    /// coalitions without it of one less and of a sum lower by its weight, and so on. What is
    /// added and subtracted wraps around; the result is not negative and fits.
    pub(super) fn swings(&self, weight: i128) -> Vec<BigUint> {
        let mut swings = vec![0u64; self.players * self.words];
        let mut bound = self.limit;
        let mut size = 0;
        while weight > 0 && bound > 0 && size < self.players {
            let upper = self.row_below(bound);
            let lower = self.row_below(bound - weight);
            let here = swings.get_mut(size * self.words..).unwrap_or_default();
            let (plus, minus) = if size % 2 == 0 {
                (upper, lower)
            } else {
                (lower, upper)
            };
            add_each(here, plus, self.words);
            subtract_each(here, minus, self.words);
            bound -= weight;
            size += 1;
        }
        let number = |words: &[u64]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            BigUint::from_bytes_le(&bytes)
        };
        swings.chunks_exact(self.words).map(number).collect()
    }

    /// Returns the numbers by size of subsets with a sum below a bound; nothing if there are none.
    fn row_below(&self, bound: i128) -> &[u64] {
        let row = self.row_words();
        let rows = self.sums.partition_point(|sum| *sum < bound);
        let last = rows.checked_sub(1).map(|last| last * row);
        let row = last.and_then(|start| self.counts.get(start..start + row));
        row.unwrap_or_default()
    }
}

/// A sum, and of which earlier ones it comes.
struct Merged {
    sum: i128,
    /// The number of the same sum, which it is without the player.
    without: Option<usize>,
    /// The number of the sum that it is with the player.
    with: Option<usize>,
}

/// Returns the ascending sums with a weight added or not, as far as they are below a limit.
fn merge(sums: &[i128], weight: i128, limit: i128) -> Vec<Merged> {
    let mut merged = Vec::with_capacity(sums.len());
    let mut without = sums.iter().copied().enumerate().peekable();
    let joined = sums.iter().map(|sum| sum + weight);
    let mut with = joined.take_while(|sum| *sum < limit).enumerate().peekable();
    loop {
        let sum = match (without.peek(), with.peek()) {
            (Some((_, a)), Some((_, b))) => *a.min(b),
            (Some((_, sum)), None) | (None, Some((_, sum))) => *sum,
            (None, None) => return merged,
        };
        merged.push(Merged {
            sum,
            without: without
                .next_if(|one| one.1 == sum)
                .map(|(number, _)| number),
            with: with.next_if(|one| one.1 == sum).map(|(number, _)| number),
        });
    }
}

/// Adds numbers of several words each, the lowest first; as far as both lists go.
fn add_each(sums: &mut [u64], numbers: &[u64], words: usize) {
    for (sum, number) in sums
        .chunks_exact_mut(words)
        .zip(numbers.chunks_exact(words))
    {
        let mut carry = false;
        for (sum, word) in sum.iter_mut().zip(number) {
            let (added, first) = sum.overflowing_add(*word);
            let (added, second) = added.overflowing_add(u64::from(carry));
            (*sum, carry) = (added, first || second);
        }
    }
}

/// Subtracts numbers of several words each, the lowest first; as far as both lists go.
fn subtract_each(sums: &mut [u64], numbers: &[u64], words: usize) {
    for (sum, number) in sums
        .chunks_exact_mut(words)
        .zip(numbers.chunks_exact(words))
    {
        let mut borrow = false;
        for (sum, word) in sum.iter_mut().zip(number) {
            let (less, first) = sum.overflowing_sub(*word);
            let (less, second) = less.overflowing_sub(u64::from(borrow));
            (*sum, borrow) = (less, first || second);
        }
    }
}
