//! Intervals hold what they promise, and say something.

use super::{covers, exact, games, methods, plan};
use crate::valuation::games::{UNIT, Utility, Value};
use crate::valuation::sampling::{Method, MoneyRule, Plan, Stop};

/// Of 1,000 runs at 95 %, at least so many must hold all values at once: fewer have a chance
/// below 0.2 % if each holds with 95 %.
const HOLD_MIN: usize = 929;

/// A thousand runs of each method, over all games.
#[test]
fn intervals_hold_all_players_at_once() {
    for (method, value) in methods() {
        let games = games();
        let runs_each = 1000 / games.len() as u64;
        let held: usize = games
            .iter()
            .map(|game| {
                let exact = exact(game, value);
                let holds = |seed: &u64| {
                    let estimate = method.estimate(game, value, &plan(*seed, 200)).unwrap();
                    covers(&estimate, &exact)
                };
                (0..runs_each).filter(holds).count()
            })
            .sum();
        assert!(held >= HOLD_MIN, "{method}, {value}: {held} of 1000");
    }
}

/// A thousand runs each that stop as soon as they can, after several looks.
#[test]
fn intervals_hold_at_the_look_that_stops() {
    let pair = [
        (Method::Permutation, Value::Shapley),
        (Method::SampleReuse, Value::Banzhaf),
    ];
    for (method, value) in pair {
        let game = &games()[3];
        let exact = exact(game, value);
        let holds = |seed: &u64| {
            let stopping = Plan {
                stop: Stop::HalfWidth(300_000_000),
                ..plan(*seed, u64::MAX)
            };
            let estimate = method.estimate(game, value, &stopping).unwrap();
            assert!(estimate.reached);
            covers(&estimate, &exact)
        };
        let held = (0..1000u64).filter(holds).count();
        assert!(held >= HOLD_MIN, "{method}, {value}: {held} of 1000");
    }
}

/// Half widths shrink like those of known variances, up to a small factor.
#[test]
fn intervals_say_something() {
    for (method, value) in methods() {
        for game in games() {
            let bounds = game.bounds();
            let range = (bounds.high - bounds.low) as f64 / UNIT as f64;
            let widest = |evaluations| {
                let estimate = method
                    .estimate(&game, value, &plan(1, evaluations))
                    .unwrap();
                let intervals = estimate.intervals.unwrap();
                intervals
                    .iter()
                    .fold(0.0, |most: f64, one| most.max(one.half_width))
            };
            let (few, many) = (widest(2_000), widest(32_000));
            assert!(
                many < few / 3.5,
                "{method}, {value}: {few}, {many}, {game:?}"
            );
            assert!(
                many < 0.1 * range,
                "{method}, {value}: {many} of {range}, {game:?}"
            );
        }
    }
}

#[test]
fn sampling_stops_when_it_is_enough() {
    let game = &games()[1];
    let run = |stop, evaluations_max| {
        let plan = Plan {
            stop,
            ..plan(9, evaluations_max)
        };
        Method::Permutation
            .estimate(game, Value::Shapley, &plan)
            .unwrap()
    };
    let narrow = run(Stop::HalfWidth(100_000_000), u64::MAX);
    let intervals = narrow.intervals.as_ref().unwrap();
    assert!(narrow.reached && intervals.iter().all(|one| one.half_width <= 0.1));
    let cut = run(Stop::HalfWidth(100_000_000), 1000);
    assert!(!cut.reached && cut.evaluations <= 1000 && cut.evaluations > 900);
    let rule = MoneyRule {
        amount: 10_000,
        within: 500,
    };
    let money = run(Stop::Money(rule), u64::MAX);
    assert!(money.reached && rule.is_met(&money.values, &money.intervals.unwrap()));
    let spent = run(Stop::Evaluations, 1000);
    assert!(spent.reached);
}
