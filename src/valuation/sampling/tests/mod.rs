//! Estimates against exact values, and the promises about randomness.

mod coverage;
mod refusals;
mod repeatable;

use std::num::NonZero;

use num_rational::BigRational;
use num_traits::Signed;

use super::{Estimate, Method, Plan, Stop};
use crate::valuation::games::{
    Airport, Coverage, Game, Glove, UNIT, Unit, UtilityTable, Value, WeightedVoting, nearest,
};

/// Returns a plan of one look at 95 %.
pub fn plan(seed: u64, evaluations_max: u64) -> Plan<'static> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Plan {
        seed: bytes,
        failure: NonZero::new(50_000_000).unwrap(),
        stop: Stop::Evaluations,
        evaluations_max,
        progress: &|_| {},
    }
}

fn whole(numbers: &[i128]) -> Vec<i128> {
    numbers
        .iter()
        .map(|number| number * i128::from(UNIT))
        .collect()
}

/// Games whose gains vary in different ways.
pub fn games() -> Vec<Game> {
    let quota = 51 * i128::from(UNIT);
    let vote = WeightedVoting::new(quota, &whole(&[40, 30, 20, 9, 1])).unwrap();
    let unit = |weight: i128, holders: &[usize]| Unit {
        weight: weight * 100_000_000,
        holders: holders.to_vec(),
    };
    let units = [unit(5, &[0, 1]), unit(3, &[2]), unit(7, &[0, 2, 3])];
    // Gains of both signs, and a utility of nobody that is not 0.
    let waves = (0..16i64).map(|mask| (mask * mask * 37 % 101 - 50) * 10_000_000);
    vec![
        Game::WeightedVoting(vote),
        Game::Airport(Airport::new(&whole(&[1, 2, 2, 7])).unwrap()),
        Game::Glove(Glove::new(2, 3).unwrap()),
        Game::Coverage(Coverage::new(4, &units).unwrap()),
        Game::Table(UtilityTable::new(4, waves.collect()).unwrap()),
    ]
}

/// Methods with the values that they estimate.
pub fn methods() -> Vec<(Method, Value)> {
    vec![
        (Method::Permutation, Value::Shapley),
        (Method::Stratified, Value::Shapley),
        (Method::Stratified, Value::Banzhaf),
        (Method::Stratified, Value::Beta(4, 1)),
        (Method::SampleReuse, Value::Banzhaf),
    ]
}

/// Returns whether all intervals hold the exact values, which rounding to `f64` moves by less than
/// the ends are rounded outward.
pub fn covers(estimate: &Estimate, exact: &[f64]) -> bool {
    let intervals = estimate.intervals.as_ref().unwrap();
    assert_eq!(intervals.len(), exact.len());
    let mut pairs = intervals.iter().zip(exact);
    pairs.all(|(interval, value)| (interval.low..=interval.high).contains(value))
}

/// Returns the exact values as numbers.
pub fn exact(game: &Game, value: Value) -> Vec<f64> {
    game.exact(value)
        .unwrap()
        .values
        .iter()
        .map(nearest)
        .collect()
}

/// With many evaluations estimates come close, by every method.
#[test]
fn estimates_come_close() {
    for game in games() {
        let bounds = crate::valuation::games::Utility::bounds(&game);
        let range = (bounds.high - bounds.low) as f64 / UNIT as f64;
        let leverage = (Method::LeverageShap, Value::Shapley);
        for (method, value) in methods().into_iter().chain([leverage]) {
            let exact = game.exact(value).unwrap().values;
            let estimate = method.estimate(&game, value, &plan(1, 20_000)).unwrap();
            for (found, truth) in estimate.values.iter().zip(&exact) {
                let off = nearest(&(found - truth).abs());
                assert!(
                    off < 0.05 * range,
                    "{method}, {value}: {off} of {range}, {game:?}"
                );
            }
        }
    }
}

/// What does not vary needs no luck: additive games are exact, also by regression.
#[test]
fn additive_games_are_estimated_exactly() {
    let worth = whole(&[3, -1, 0, 5, 2]);
    let game = Game::Additive(crate::valuation::games::Additive::new(&worth).unwrap());
    for (method, value) in methods() {
        if method == Method::SampleReuse {
            continue;
        }
        let estimate = method.estimate(&game, value, &plan(2, 1)).unwrap();
        assert_eq!(
            estimate.values,
            game.exact(value).unwrap().values,
            "{method}"
        );
    }
    let regressed = Method::LeverageShap
        .estimate(&game, Value::Shapley, &plan(2, 500))
        .unwrap();
    let sum: BigRational = regressed.values.iter().sum();
    assert_eq!(sum.to_string(), "9");
    for (found, truth) in regressed.values.iter().zip([3.0, -1.0, 0.0, 5.0, 2.0]) {
        assert!((nearest(found) - truth).abs() < 1e-9, "{found}");
    }
}

#[test]
fn one_player_gets_everything() {
    let game = Game::Table(UtilityTable::new(1, vec![-UNIT, 2 * UNIT]).unwrap());
    for (method, value) in methods() {
        let estimate = method.estimate(&game, value, &plan(3, 5000)).unwrap();
        assert!(covers(&estimate, &[3.0]), "{method}");
    }
    let estimate = Method::LeverageShap
        .estimate(&game, Value::Shapley, &plan(3, 100))
        .unwrap();
    assert_eq!(estimate.values, [BigRational::from_integer(3.into())]);
}
