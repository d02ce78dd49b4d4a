//! Shapley values of owners, each of whom comes or stays away with all of its rows.
//!
//! The utility is that of KNN-Shapley. It is the sum over matching rows x of `1/K` if x counts:
//! if its owner o is there and fewer than K rows of those who are there are nearer. So each row is
//! a game of its own (`provider_game`), and values are sums over these games. With p other owners
//! that have nearer rows and `omega(s) = s! (p-s)! / (p+1)!`, o gains omega(s) for every set of s
//! of them with fewer than K nearer rows together with its own, and each of them loses
//! omega(s + 1) for every set of s others that it alone brings to K.
//!
//! The method is exact and polynomial. Each gain and each loss, all positive, is taken as the
//! largest multiple of 2^-62 not above it before it is added.

use std::num::NonZero;
use std::ops::{AddAssign, SubAssign};

use num_bigint::BigInt;
use num_rational::BigRational;

use super::neighbours::{Counted, Sight, Visited, Visitor, units_at, visit_neighbours};
use super::provider_game::{Count, Sets, Space};
use super::rational::least_common_multiple;
use super::{KnnError, Problem, UNIT_BITS};

/// Values of owners as integers over one denominator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerValues {
    /// The value of each owner, in the order of the training table's distinct owners, times the
    /// denominator.
    pub values: Vec<i128>,
    /// `2^62` times the number of validation rows.
    pub denominator: NonZero<u128>,
    /// The number of adjacent pairs of equal distance, summed over validation rows.
    pub ties: u64,
}

/// Returns the Shapley value of every owner, in integers over `2^62 * validation rows`.
///
/// # Errors
/// A table without owners; a distance that is not finite.
pub fn provider_shapley(problem: &Problem<'_>) -> Result<OwnerValues, KnnError> {
    let owners = Owners::of(problem)?;
    let neighbours = problem.neighbours.get();
    let visited = match Small::fitting(&owners, neighbours) {
        Some(small) => visit(problem, &owners, &small)?,
        None => visit(problem, &owners, &Large { neighbours })?,
    };
    Ok(OwnerValues {
        values: visited.state,
        denominator: problem.denominator(),
        ties: visited.ties,
    })
}

/// Returns the Shapley value of every owner as a rational, without rounding.
///
/// # Errors
/// A table without owners; a distance that is not finite.
pub fn provider_shapley_exact(problem: &Problem<'_>) -> Result<Vec<BigRational>, KnnError> {
    let owners = Owners::of(problem)?;
    let whole = least_common_multiple(1..=u64::try_from(owners.count).unwrap_or(u64::MAX));
    let visited = visit(
        problem,
        &owners,
        &Exact {
            whole: whole.clone(),
        },
    )?;
    let denominator = whole * problem.neighbours.get() * BigInt::from(problem.validation.rows());
    let values = visited.state.into_iter();
    Ok(values
        .map(|value| BigRational::new(value, denominator.clone()))
        .collect())
}

struct Owners<'a> {
    of_row: &'a [u32],
    count: usize,
    /// `min(K, N)`: from so many nearer rows on, it does not matter how many.
    cap: usize,
}

impl<'a> Owners<'a> {
    fn of(problem: &'a Problem<'_>) -> Result<Self, KnnError> {
        let owners = problem.train.owners().ok_or(KnnError::NoOwners)?;
        let neighbours = usize::try_from(problem.neighbours.get()).unwrap_or(usize::MAX);
        Ok(Self {
            of_row: owners.numbers(),
            count: owners.distinct().len(),
            cap: neighbours.min(problem.train.rows()),
        })
    }
}

/// `omega(s)` for s from 0, as numerators over one denominator.
struct Weights<Number> {
    numerators: Vec<Number>,
    denominator: Number,
}

impl<Number: Count> Weights<Number> {
    /// The weights for `others` owners and s up to `largest`, with the falling factorial
    /// `(p+1) p ... (p-largest+1)` as denominator.
    fn falling(others: u64, largest: u64) -> Self {
        let largest = largest.min(others);
        let mut product = Number::from(1);
        let mut numerators: Vec<Number> = vec![product.clone()];
        for factor in others.saturating_sub(largest).saturating_add(1)..=others {
            product = product.times(&factor.into());
            numerators.push(product.clone());
        }
        numerators.reverse();
        let mut factorial = Number::from(1);
        for (size, numerator) in (0u64..).zip(&mut numerators) {
            factorial = factorial.times(&size.max(1).into());
            *numerator = numerator.times(&factorial);
        }
        Self {
            numerators,
            denominator: product.times(&others.saturating_add(1).into()),
        }
    }
}

/// In which numbers a game is computed and its outcome added up.
trait Arithmetic: Sync {
    type Count: Count;
    type Sum: Clone
        + Default
        + Send
        + Counted
        + for<'n> AddAssign<&'n Self::Sum>
        + for<'n> SubAssign<&'n Self::Sum>;

    /// Returns the weights for `others` owners and s up to `largest`.
    fn weights(&self, others: u64, largest: u64) -> Weights<Self::Count>;

    /// Returns a K-th of a probability, `numerator` over the denominator of the weights.
    fn amount(&self, numerator: Self::Count, weights: &Weights<Self::Count>) -> Self::Sum;
}

/// In multiples of 2^-62, where 128 bits hold every product.
struct Small {
    neighbours: u64,
}

impl Small {
    fn fitting(owners: &Owners<'_>, neighbours: u64) -> Option<Self> {
        let others = u64::try_from(owners.count).ok()?.saturating_sub(1);
        let largest = u64::try_from(owners.cap).ok()?;
        let weights = Weights::<BigInt>::falling(others, largest);
        (weights.denominator.bits() < u64::from(u128::BITS)).then_some(Self { neighbours })
    }
}

impl Arithmetic for Small {
    type Count = u128;
    type Sum = i128;

    fn weights(&self, others: u64, largest: u64) -> Weights<u128> {
        Weights::falling(others, largest)
    }

    fn amount(&self, numerator: u128, weights: &Weights<u128>) -> i128 {
        let units = floor_in_units(numerator, weights.denominator);
        i128::try_from(units / u128::from(self.neighbours.max(1))).unwrap_or(0)
    }
}

/// Returns `floor(2^62 * numerator / denominator)` of a fraction of at most 1, the denominator
/// below 2^127.
fn floor_in_units(numerator: u128, denominator: u128) -> u128 {
    let denominator = denominator.max(1);
    let mut whole = numerator / denominator;
    let mut rest = numerator % denominator;
    let mut bits = UNIT_BITS;
    while bits > 0 {
        // The rest is below the denominator, so it can be moved by as many places.
        let step = denominator.leading_zeros().min(bits);
        rest <<= step;
        let digits = rest / denominator;
        whole = (whole << step) | digits;
        rest -= digits * denominator;
        bits -= step;
    }
    whole
}

/// In multiples of 2^-62, by integers of any size.
struct Large {
    neighbours: u64,
}

impl Arithmetic for Large {
    type Count = BigInt;
    type Sum = i128;

    fn weights(&self, others: u64, largest: u64) -> Weights<BigInt> {
        Weights::falling(others, largest)
    }

    fn amount(&self, numerator: BigInt, weights: &Weights<BigInt>) -> i128 {
        let divisor = &weights.denominator * self.neighbours;
        i128::try_from((numerator << UNIT_BITS) / divisor).unwrap_or(0)
    }
}

/// Without rounding, in fractions of `K whole`.
struct Exact {
    /// The least common multiple of 1 to the number of owners: `(p+1) C(p,s)` divides it for
    /// every p below that number, and `omega(s)` is its inverse.
    whole: BigInt,
}

impl Arithmetic for Exact {
    type Count = BigInt;
    type Sum = BigInt;

    fn weights(&self, others: u64, largest: u64) -> Weights<BigInt> {
        let Weights {
            mut numerators,
            denominator,
        } = Weights::<BigInt>::falling(others, largest);
        for numerator in &mut numerators {
            *numerator = &*numerator * &self.whole / &denominator;
        }
        Weights {
            numerators,
            denominator: self.whole.clone(),
        }
    }

    fn amount(&self, numerator: BigInt, _: &Weights<BigInt>) -> BigInt {
        numerator
    }
}

fn visit<Numbers: Arithmetic>(
    problem: &Problem<'_>,
    owners: &Owners<'_>,
    numbers: &Numbers,
) -> Result<Visited<Vec<Numbers::Sum>>, KnnError> {
    visit_neighbours(problem, &Games { owners, numbers })
}

struct Games<'a, Numbers> {
    owners: &'a Owners<'a>,
    numbers: &'a Numbers,
}

impl<Numbers: Arithmetic> Visitor for Games<'_, Numbers> {
    type State = Vec<Numbers::Sum>;

    fn start(&self) -> Self::State {
        vec![Numbers::Sum::default(); self.owners.count]
    }

    fn visit(&self, values: &mut Self::State, sight: &Sight<'_>) {
        let mut walk = Walk::new(self.owners, self.numbers, values);
        for neighbour in sight.near_to_far {
            let owner = self.owners.of_row.get(neighbour.row()).copied();
            let owner = owner.and_then(|owner| usize::try_from(owner).ok());
            walk.pass(owner.unwrap_or(usize::MAX), neighbour.matches());
            if walk.all_null() {
                break;
            }
        }
        walk.finish();
    }

    fn merge(&self, mut one: Self::State, other: Self::State) -> Self::State {
        for (value, more) in one.iter_mut().zip(&other) {
            *value += more;
        }
        one
    }

    fn sum_of(&self, values: &Self::State, places: &[usize]) -> i128 {
        units_at(values, places)
    }
}

/// What is known of an owner on the way from near to far.
#[derive(Clone, Default)]
struct Passed<Sum> {
    /// How many of its rows were passed, at most K.
    nearer: usize,
    /// What owners of as many rows had lost when it became one of them.
    lost_before: Sum,
}

/// Owners that have equally many nearer rows.
#[derive(Clone, Default)]
struct Class<Sum> {
    owners: usize,
    /// What each owner that was always one of them has lost.
    lost: Sum,
}

/// The way from near to far at one validation row.
struct Walk<'a, Numbers: Arithmetic> {
    numbers: &'a Numbers,
    values: &'a mut [Numbers::Sum],
    cap: usize,
    owners: Vec<Passed<Numbers::Sum>>,
    /// By the number of nearer rows.
    classes: Vec<Class<Numbers::Sum>>,
    /// How many owners have nearer rows.
    present: usize,
    sets: Sets<Numbers::Count>,
    sums: Sets<Numbers::Count>,
    space: Space<Numbers::Count>,
    /// The weights last needed, and for how many owners.
    weights: (usize, Weights<Numbers::Count>),
}

impl<'a, Numbers: Arithmetic> Walk<'a, Numbers> {
    fn new(owners: &Owners<'_>, numbers: &'a Numbers, values: &'a mut [Numbers::Sum]) -> Self {
        let sets = Sets::empty(owners.cap, owners.count);
        Self {
            numbers,
            values,
            cap: owners.cap,
            owners: vec![Passed::default(); owners.count],
            classes: vec![Class::default(); owners.cap.saturating_add(1)],
            present: 0,
            sums: sets.clone(),
            sets,
            space: Space::default(),
            weights: (0, numbers.weights(0, 0)),
        }
    }

    /// Returns whether all rows to come are null: every owner has K nearer ones itself.
    fn all_null(&self) -> bool {
        let capped = self.classes.last().map_or(0, |class| class.owners);
        capped == self.owners.len()
    }

    /// Passes the next row.
    fn pass(&mut self, owner: usize, matches: bool) {
        let Some(nearer) = self.owners.get(owner).map(|passed| passed.nearer) else {
            return;
        };
        if nearer >= self.cap {
            return;
        }
        if nearer > 0 {
            self.sets.remove(nearer);
            self.leave_class(owner, nearer);
        }
        if matches {
            self.play(owner, nearer);
        }
        let nearer = nearer.saturating_add(1);
        self.sets.add(nearer);
        self.join_class(owner, nearer);
    }

    /// Plays the game of a matching row; its owner is in no class and not among the sets.
    fn play(&mut self, owner: usize, nearer: usize) {
        if self.weights.0 != self.present {
            let others = u64::try_from(self.present).unwrap_or(u64::MAX);
            let largest = u64::try_from(self.cap).unwrap_or(u64::MAX);
            self.weights = (self.present, self.numbers.weights(others, largest));
        }
        let weights = &self.weights.1;
        let limit = self.cap.saturating_sub(1).saturating_sub(nearer);
        self.sets.sum_up(&mut self.sums);
        let gain = weighted(self.sums.at_most(limit), &weights.numerators);
        if let Some(value) = self.values.get_mut(owner) {
            *value += &self.numbers.amount(gain, weights);
        }
        let larger = weights.numerators.get(1..).unwrap_or_default();
        for (nearer, class) in self.classes.iter_mut().enumerate().skip(1) {
            if class.owners > 0 {
                let displaced = self.sums.displacing(limit, nearer, &mut self.space);
                let loss = weighted(displaced.iter(), larger);
                class.lost += &self.numbers.amount(loss, weights);
            }
        }
    }

    fn leave_class(&mut self, owner: usize, nearer: usize) {
        self.present = self.present.saturating_sub(1);
        if let Some(class) = self.classes.get_mut(nearer) {
            class.owners = class.owners.saturating_sub(1);
            if let (Some(passed), Some(value)) =
                (self.owners.get_mut(owner), self.values.get_mut(owner))
            {
                *value += &passed.lost_before;
                *value -= &class.lost;
            }
        }
    }

    fn join_class(&mut self, owner: usize, nearer: usize) {
        self.present = self.present.saturating_add(1);
        if let (Some(passed), Some(class)) =
            (self.owners.get_mut(owner), self.classes.get_mut(nearer))
        {
            class.owners = class.owners.saturating_add(1);
            passed.nearer = nearer;
            passed.lost_before.clone_from(&class.lost);
        }
    }

    /// Counts what owners have lost as members of their last class.
    fn finish(mut self) {
        for owner in 0..self.owners.len() {
            let nearer = self.owners.get(owner).map_or(0, |passed| passed.nearer);
            if nearer > 0 {
                self.leave_class(owner, nearer);
            }
        }
    }
}

fn weighted<'n, Number: Count + 'n>(
    counts: impl Iterator<Item = &'n Number>,
    weights: &[Number],
) -> Number {
    let mut sum = Number::default();
    for (count, weight) in counts.zip(weights) {
        sum += &count.times(weight);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_those_of_large_integers() {
        let large = |numerator: u128, denominator: u128| {
            u128::try_from((BigInt::from(numerator) << UNIT_BITS) / denominator).unwrap()
        };
        for bits in [1, 2, 40, 63, 64, 65, 100, 126] {
            let denominator = (1u128 << bits) - 1;
            for numerator in [0, 1, denominator / 3, denominator - 1, denominator] {
                let found = floor_in_units(numerator, denominator);
                assert_eq!(
                    found,
                    large(numerator, denominator),
                    "{numerator}/{denominator}"
                );
            }
        }
    }

    #[test]
    fn weights_are_inverse_counts() {
        let weights = Weights::<u128>::falling(4, 9);
        // 5 C(4, s) = 5, 20, 30, 20, 5.
        let inverse = weights
            .numerators
            .iter()
            .map(|weight| weights.denominator / weight);
        assert_eq!(inverse.collect::<Vec<_>>(), [5, 20, 30, 20, 5]);
        let cut = Weights::<u128>::falling(4, 2);
        let inverse = cut.numerators.iter().map(|weight| cut.denominator / weight);
        assert_eq!(inverse.collect::<Vec<_>>(), [5, 20, 30]);
    }
}
