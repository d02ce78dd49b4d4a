//! The game of one row among owners: how often its owner gains by it, and whom it displaces.
//!
//! The row, of owner o, counts for a set of owners if o is in it and fewer than K rows of the
//! set's members are nearer. With `c_j` the number of owner j's rows nearer than the row, all that
//! matters is how many sets of s other owners have w nearer rows together: a table of at most K
//! by K numbers, the product of `1 + x y^c_j` over owners, cut off at `y^K`. Owners of equal
//! `c_j` lose the same.

use std::ops::{AddAssign, SubAssign};

use num_bigint::BigInt;

/// How sets are counted.
pub trait Count:
    Clone
    + Default
    + Send
    + Sync
    + for<'n> AddAssign<&'n Self>
    + for<'n> SubAssign<&'n Self>
    + From<u64>
{
    /// Returns the product.
    fn times(&self, other: &Self) -> Self;
}

impl Count for u128 {
    fn times(&self, other: &Self) -> Self {
        self * other
    }
}

impl Count for BigInt {
    fn times(&self, other: &Self) -> Self {
        self * other
    }
}

/// For every s and w, how many sets of s owners have w nearer rows together.
#[derive(Debug, Clone)]
pub struct Sets<Number> {
    /// One after the other for every s, the counts for w from 0.
    counts: Vec<Number>,
    /// How many w there are: nearer rows from this number on do not matter.
    width: usize,
}

impl<Number: Count> Sets<Number> {
    /// The empty set alone; `width` is K, and there are `owners` in all.
    pub fn empty(width: usize, owners: usize) -> Self {
        let sizes = width.min(owners.saturating_add(1)).max(1);
        let mut counts = vec![Number::default(); sizes.saturating_mul(width)];
        if let Some(empty) = counts.first_mut() {
            *empty = Number::from(1);
        }
        Self { counts, width }
    }

    /// Adds an owner with `nearer` rows, at least 1; with `width` or more it changes nothing.
    pub fn add(&mut self, nearer: usize) {
        let mut sizes = self.counts.chunks_exact_mut(self.width).rev();
        let Some(mut larger) = sizes.next() else {
            return;
        };
        for smaller in sizes {
            for (sum, more) in larger.iter_mut().skip(nearer).zip(smaller.iter()) {
                *sum += more;
            }
            larger = smaller;
        }
    }

    /// Takes away an owner that was added with as many rows.
    pub fn remove(&mut self, nearer: usize) {
        let mut sizes = self.counts.chunks_exact_mut(self.width);
        let Some(mut smaller) = sizes.next() else {
            return;
        };
        for larger in sizes {
            for (sum, less) in larger.iter_mut().skip(nearer).zip(smaller.iter()) {
                *sum -= less;
            }
            smaller = larger;
        }
    }

    /// Sums up over w, so that a count is of sets with at most w nearer rows.
    pub fn sum_up(&self, sums: &mut Self) {
        sums.width = self.width;
        sums.counts.clone_from(&self.counts);
        for counts in sums.counts.chunks_exact_mut(self.width) {
            let mut sum = Number::default();
            for count in counts {
                sum += &*count;
                count.clone_from(&sum);
            }
        }
    }

    /// On sums: returns for each s how many sets have at most `limit` nearer rows.
    pub fn at_most(&self, limit: usize) -> impl Iterator<Item = &Number> {
        let sizes = self.counts.chunks_exact(self.width);
        sizes.filter_map(move |counts| counts.get(limit))
    }

    /// On sums: finds for each s how many sets without one owner of `nearer` rows, at least 1,
    /// have at most `limit` nearer rows, and more than that with it.
    ///
    /// Let G be sets without the owner: `G_s(t) = F_s(t) - G_{s-1}(t - nearer)`.
    pub fn displacing<'s>(
        &self,
        limit: usize,
        nearer: usize,
        space: &'s mut Space<Number>,
    ) -> &'s [Number] {
        let Space { without, displaced } = space;
        without.clear();
        without.resize(self.counts.len() / self.width.max(1), Number::default());
        let steps = limit.checked_div(nearer).unwrap_or(0);
        for step in (0..=steps).rev() {
            if step == 0 {
                // So far this is `G` at `limit - nearer`.
                displaced.clone_from(without);
            }
            let t = limit.saturating_sub(step.saturating_mul(nearer));
            let mut smaller = Number::default();
            for (count, all) in without.iter_mut().zip(self.at_most(t)) {
                let mut here = all.clone();
                here -= &smaller;
                smaller = std::mem::replace(count, here);
            }
        }
        for (count, within) in displaced.iter_mut().zip(without) {
            let below = std::mem::replace(count, within.clone());
            *count -= &below;
        }
        displaced
    }
}

/// Space for [`Sets::displacing`], used again.
#[derive(Debug, Default)]
pub struct Space<Number> {
    without: Vec<Number>,
    displaced: Vec<Number>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// For every s how many sets of owners with these rows have a sum that `fits`.
    fn by_enumeration(owners: &[usize], fits: impl Fn(usize) -> bool) -> Vec<u128> {
        let mut counts = vec![0u128; owners.len() + 1];
        for set in 0..1usize << owners.len() {
            let members = owners.iter().enumerate().filter(|(j, _)| set >> j & 1 == 1);
            let (mut size, mut sum) = (0, 0);
            for (_, nearer) in members {
                size += 1;
                sum += nearer;
            }
            if fits(sum) {
                counts[size] += 1;
            }
        }
        counts
    }

    fn same(found: &[u128], expected: &[u128]) -> bool {
        let zeros = std::iter::repeat(&0u128);
        let length = found.len().max(expected.len());
        let padded = |counts: &[u128]| -> Vec<u128> {
            counts
                .iter()
                .chain(zeros.clone())
                .take(length)
                .copied()
                .collect()
        };
        padded(found) == padded(expected)
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_sets(
            owners in proptest::collection::vec(1usize..7, 1..9),
            width in 1usize..6,
            limit in 0usize..6,
        ) {
            let limit = limit.min(width - 1);
            let mut sets = Sets::<u128>::empty(width, owners.len());
            for nearer in &owners {
                sets.add(*nearer);
            }
            let mut sums = sets.clone();
            sets.sum_up(&mut sums);
            let found: Vec<u128> = sums.at_most(limit).copied().collect();
            prop_assert!(same(&found, &by_enumeration(&owners, |sum| sum <= limit)));
            for (j, nearer) in owners.iter().enumerate() {
                let mut others = owners.clone();
                others.remove(j);
                let expected = by_enumeration(&others, |sum| sum <= limit && sum + nearer > limit);
                let mut space = Space::default();
                let displaced = sums.displacing(limit, (*nearer).min(width), &mut space);
                prop_assert!(same(displaced, &expected), "{displaced:?} {expected:?}");
                let mut without = sets.clone();
                without.remove(*nearer);
                without.sum_up(&mut sums);
                let found: Vec<u128> = sums.at_most(limit).copied().collect();
                prop_assert!(same(&found, &by_enumeration(&others, |sum| sum <= limit)));
                sets.sum_up(&mut sums);
            }
        }
    }
}
