//! Banzhaf values of rows: the mean gain over all sets of the other rows, each as likely.
//!
//! With the rows from near to far and `P_i` the probability that fewer than K of `i - 1` fair
//! coins show heads: `s_N = (m_N/K) P_N`, `s_i = s_{i+1} + ((m_i - m_{i+1})/K) P_i` (the utility
//! as in KNN-Shapley; compare Wang and Jia, "Data Banzhaf", arXiv 2205.15466).
//!
//! Each value at a validation row is taken as the largest multiple of 2^-62 not above it, exactly.
//! `K s_i` is a sum of `P_i` with alternating signs, and `P_i` never grows: the sum has the sign
//! of its first term and is not larger.

use num_bigint::{BigInt, BigUint};

use super::fixed::{Sum, TERM_BITS, Term};
use super::neighbours::Sight;
use super::row_shapley::Shares;
use super::runs::{RowMethod, Run, sum_rows};
use super::{ExactRowValues, KnnError, ONE, Problem, RowValues, UNIT_BITS};

/// Returns the Banzhaf value of every training row, in integers over `2^62 * validation rows`.
///
/// # Errors
/// A distance that is not finite.
pub fn row_banzhaf(problem: &Problem<'_>) -> Result<RowValues, KnnError> {
    let visited = sum_rows(problem, &Banzhaf::new(problem))?;
    Ok(RowValues::new(problem, visited))
}

/// Returns the Banzhaf value of every training row as a rational, without rounding.
///
/// # Errors
/// A distance that is not finite.
pub fn row_banzhaf_exact(problem: &Problem<'_>) -> Result<ExactRowValues, KnnError> {
    let rows = problem.train.rows();
    let coins = Coins::new(problem.neighbours.get()).take(rows);
    let shares = coins
        .zip((0..rows).rev())
        .map(|(favourable, missing)| BigInt::from(favourable) << missing)
        .collect();
    let visited = sum_rows(problem, &Shares::<BigInt> { shares })?;
    let all = BigInt::from(problem.neighbours.get()) << rows.saturating_sub(1);
    Ok(ExactRowValues::new(problem, visited, all))
}

/// For 0, 1, 2... coins, how many of their `2^coins` outcomes show fewer than K heads.
struct Coins {
    neighbours: u64,
    coins: u64,
    favourable: BigUint,
    /// Outcomes with K - 1 heads; kept once there are as many coins.
    just: BigUint,
}

impl Coins {
    fn new(neighbours: u64) -> Self {
        Self {
            neighbours,
            coins: 0,
            favourable: 1u8.into(),
            just: 1u8.into(),
        }
    }

    fn skip_to_last_certain(neighbours: u64) -> Self {
        let coins = neighbours.saturating_sub(1);
        Self {
            neighbours,
            coins,
            favourable: BigUint::from(1u8) << coins,
            just: 1u8.into(),
        }
    }
}

impl Iterator for Coins {
    type Item = BigUint;

    fn next(&mut self) -> Option<BigUint> {
        let found = self.favourable.clone();
        self.favourable <<= 1;
        let heads = self.neighbours.saturating_sub(1);
        if self.coins >= heads {
            self.favourable -= &self.just;
            self.just *= self.coins.saturating_add(1);
            self.just /= self.coins.saturating_add(1).saturating_sub(heads).max(1);
        }
        self.coins = self.coins.saturating_add(1);
        Some(found)
    }
}

struct Banzhaf {
    neighbours: u64,
    /// `P_i` for the nearest places; for those beyond it is below 2^-120.
    probabilities: Vec<Term>,
}

impl Banzhaf {
    fn new(problem: &Problem<'_>) -> Self {
        let neighbours = problem.neighbours.get();
        let rows = u64::try_from(problem.train.rows()).unwrap_or(u64::MAX);
        let certain = Term {
            floor: 1 << TERM_BITS,
            is_exact: true,
        };
        let mut probabilities: Vec<Term> = (1..neighbours)
            .take(problem.train.rows())
            .map(|_| certain)
            .collect();
        for (favourable, coins) in
            Coins::skip_to_last_certain(neighbours).zip(neighbours.saturating_sub(1)..rows)
        {
            let zeros = favourable.trailing_zeros().unwrap_or(0);
            let floor = (favourable << TERM_BITS) >> coins;
            let term = Term {
                floor: i128::try_from(floor).unwrap_or(0),
                is_exact: coins <= zeros.saturating_add(u64::from(TERM_BITS)),
            };
            if term.floor == 0 {
                break;
            }
            probabilities.push(term);
        }
        Self {
            neighbours,
            probabilities,
        }
    }

    /// Returns `floor(2^62 * K * s_i)` at the farthest row of a run, by integers of any size.
    fn floor_by_definition(&self, sight: &Sight<'_>, run: Run) -> i128 {
        let mut sum = BigInt::from(0);
        let mut coins = Coins::new(self.neighbours).skip(run.last.saturating_sub(1));
        let mut rest = sight.near_to_far.iter().skip(run.last.saturating_sub(1));
        let mut here = rest.next();
        while let Some(row) = here {
            here = rest.next();
            let farther = here.is_some_and(|row| row.matches());
            let favourable = BigInt::from(coins.next().unwrap_or_default());
            sum <<= 1;
            match (row.matches(), farther) {
                (true, false) => sum += favourable,
                (false, true) => sum -= favourable,
                _ => {}
            }
        }
        let coins = sight.near_to_far.len().saturating_sub(1);
        // Shifting right rounds down, also below zero.
        i128::try_from((sum << UNIT_BITS) >> coins).unwrap_or(0)
    }
}

/// `K s_i`, from the farthest run to the nearest.
#[derive(Default)]
struct Walk {
    sum: Sum,
    /// The terms nearer than all that are not exact.
    near: Sum,
    /// The sign of the terms from the nearest that is not exact on, and whether they are small.
    far: Option<(i8, bool)>,
}

impl RowMethod for Banzhaf {
    type Number = i128;
    type Walk = Walk;

    fn begin(&self, _: &Sight<'_>) -> Walk {
        Walk::default()
    }

    fn value(&self, walk: &mut Walk, sight: &Sight<'_>, run: Run) -> i128 {
        let change = run.change();
        if change == 0 {
            return 0;
        }
        let place = self.probabilities.get(run.last.saturating_sub(1));
        let term = place.copied().unwrap_or(Term::TINY);
        walk.sum.add(term, change);
        if term.is_exact {
            walk.near.add(term, change);
        } else {
            walk.near = Sum::default();
            walk.far = Some((change, term.is_below_unit()));
        }
        let beside = match walk.far {
            None => walk.near.floor_beside(0),
            Some((sign, true)) => walk.near.floor_beside(sign),
            Some((_, false)) => None,
        };
        let floor = beside.unwrap_or_else(|| {
            let (low, high) = walk.sum.floor_bounds();
            // The sum is between 0 and 1 if the run matches, and else between -1 and 0; it is 1
            // only if it is exact.
            let one = i128::from(ONE);
            let (least, most) = match (run.matches, walk.far) {
                (true, None) => (0, one),
                (true, Some(_)) => (0, one - 1),
                (false, _) => (-one, -1),
            };
            let (low, high) = (low.clamp(least, most), high.clamp(least, most));
            if low == high {
                low
            } else {
                self.floor_by_definition(sight, run)
            }
        });
        floor.div_euclid(i128::from(self.neighbours))
    }
}
