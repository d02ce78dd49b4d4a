//! Values of tables: equal to their definitions, and under the axioms.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::naive::naive;
use super::random::{Choices, values};
use crate::valuation::games::*;

fn exact(table: &UtilityTable, value: Value) -> Vec<BigRational> {
    Game::Table(table.clone()).exact(value).unwrap().values
}

fn in_units(billionths: i128) -> BigRational {
    BigRational::new(billionths.into(), UNIT.into())
}

#[test]
fn tables_have_the_values_of_their_definitions() {
    for seed in 0..2000u64 {
        let mut choices = Choices::new(seed);
        let players = 1 + choices.below(if seed % 100 == 0 { 6 } else { 4 });
        let table = choices.table(players);
        for value in values() {
            let expected = naive(&table, value);
            assert_eq!(exact(&table, value), expected, "seed {seed}, {value}");
        }
    }
}

/// With more players than one block of the pass has bits, and the largest utilities there are.
#[test]
fn large_tables_have_the_values_of_their_definitions() {
    for (players, seed) in [(12, 1), (13, 2), (14, 3)] {
        let table = Choices::new(seed).table(players);
        for value in [Value::Banzhaf, Value::LeaveOneOut] {
            assert_eq!(exact(&table, value), naive(&table, value), "seed {seed}");
        }
        let highest = UtilityTable::new(players, vec![i64::MAX; 1 << players]).unwrap();
        let zeros = vec![BigRational::zero(); players];
        for value in values() {
            assert_eq!(exact(&highest, value), zeros, "{value}");
        }
    }
}

/// The fold of the literature, as a second way to the same integers.
#[test]
fn large_tables_have_the_values_of_the_fold() {
    for (players, seed) in [(5, 4), (12, 5), (13, 6)] {
        let table = Choices::new(seed).table(players);
        let weights = Value::Shapley.size_weights(players).unwrap();
        let weight = |size: Option<usize>| match size {
            Some(size) => weights.weight(size),
            None => BigRational::zero(),
        };
        let weighted = |mask: usize| {
            let size = usize::try_from(mask.count_ones()).unwrap();
            let utility = BigInt::from(table.utilities()[mask]);
            let below = weight(size.checked_sub(1));
            (
                (&below + weight(Some(size))) * &utility,
                weight(Some(size)) * &utility,
            )
        };
        let mut folded: Vec<BigRational> = (0..1 << players).map(|mask| weighted(mask).0).collect();
        let all: BigRational = (0..1 << players).map(|mask| weighted(mask).1).sum();
        let mut expected = vec![BigRational::zero(); players];
        for player in (0..players).rev() {
            let upper = folded.split_off(1 << player);
            expected[player] = (upper.iter().sum::<BigRational>() - &all) / in_units(1).recip();
            for (lower, upper) in folded.iter_mut().zip(upper) {
                *lower += upper;
            }
        }
        assert_eq!(exact(&table, Value::Shapley), expected, "seed {seed}");
    }
}

#[test]
fn shapley_values_sum_to_what_all_gain() {
    for seed in 0..300 {
        let mut choices = Choices::new(seed);
        let players = 1 + choices.below(8);
        let table = choices.table(players);
        let utilities = table.utilities();
        let gain = i128::from(utilities[utilities.len() - 1]) - i128::from(utilities[0]);
        let sum: BigRational = exact(&table, Value::Shapley).into_iter().sum();
        assert_eq!(sum, in_units(gain), "seed {seed}");
    }
}

/// A player that is never any different from another gets the same; one that never makes a
/// difference gets nothing.
#[test]
fn equal_players_get_the_same_and_null_players_nothing() {
    for seed in 0..300 {
        let mut choices = Choices::new(seed);
        let players = 3 + choices.below(4);
        let inner = choices.table(players - 1);
        // Player 0 is null, 1 and 2 are alike.
        let utility = |mask: usize| {
            let (one, two) = (mask >> 1 & 1, mask >> 2 & 1);
            let sorted = (one | two) | (one & two) << 1 | mask >> 3 << 2;
            inner.utilities()[sorted]
        };
        let utilities = (0..1 << players).map(utility).collect();
        let table = UtilityTable::new(players, utilities).unwrap();
        for value in values() {
            let values = exact(&table, value);
            assert!(values[0].is_zero(), "seed {seed}, {value}");
            assert_eq!(values[1], values[2], "seed {seed}, {value}");
        }
    }
}

#[test]
fn values_are_linear() {
    for seed in 0..300 {
        let mut choices = Choices::new(seed);
        let players = 1 + choices.below(6);
        let mut small = || {
            let utilities =
                (0..1 << players).map(|_| i64::try_from(choices.below(1000)).unwrap() - 500);
            utilities.collect::<Vec<i64>>()
        };
        let (one, other) = (small(), small());
        let both = one.iter().zip(&other).map(|(a, b)| 3 * a - 7 * b).collect();
        let table = |utilities| UtilityTable::new(players, utilities).unwrap();
        let (one, other, both) = (table(one), table(other), table(both));
        let number = |number: i32| BigRational::from_integer(number.into());
        for value in values() {
            let parts = exact(&one, value).into_iter().zip(exact(&other, value));
            let expected: Vec<BigRational> =
                parts.map(|(a, b)| a * number(3) - b * number(7)).collect();
            assert_eq!(exact(&both, value), expected, "seed {seed}, {value}");
        }
    }
}

#[test]
fn weights_are_allotted_over_positive_values() {
    let ratio = |a: i64, b: i64| BigRational::new(a.into(), b.into());
    let check = |values: &[BigRational], expected: &[u64]| {
        assert_eq!(player_weights(values).unwrap(), expected);
    };
    check(
        &[ratio(2, 3), ratio(1, 6), ratio(1, 6)],
        &[666_666_666_667, 166_666_666_667, 166_666_666_666],
    );
    check(&[ratio(-5, 1), ratio(1, 7)], &[0, 1_000_000_000_000]);
    check(&[ratio(0, 1), ratio(-1, 9)], &[0, 0]);
    check(&[], &[]);
}

#[test]
fn tables_of_other_sizes_are_refused() {
    let told = |players, utilities| {
        let violations = UtilityTable::new(players, utilities).unwrap_err();
        violations
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(2, vec![0; 3]),
        ["utility: has 3 numbers; a game of 2 players has 4, one a coalition"]
    );
    assert_eq!(
        told(0, vec![0]),
        ["players: 0 is not in 1..24, which a table takes"]
    );
    assert_eq!(
        told(25, vec![]),
        ["players: 25 is not in 1..24, which a table takes"]
    );
    let table = UtilityTable::new(1, vec![0, 5]).unwrap();
    let beyond = table.utility(&Coalition::from_mask(2)).unwrap_err();
    assert_eq!(
        beyond.to_string(),
        "there is no utility for {1}: the table has 1 players"
    );
}
