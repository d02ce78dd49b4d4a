//! Values by their definitions: Shapley's over all orders, the others over all coalitions.

use std::collections::BTreeMap;
use std::sync::Mutex;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use crate::valuation::games::{Coalition, UNIT, Utility, Value};

fn ratio(numerator: i128, denominator: i128) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

/// Returns every player's value from the definition.
pub fn naive(game: &impl Utility, value: Value) -> Vec<BigRational> {
    let players = game.players();
    let utility = |mask| game.utility(&Coalition::from_mask(mask)).unwrap();
    let utilities: Vec<i128> = (0..1u64 << players)
        .map(|mask| utility(mask).into())
        .collect();
    let gain = |player: usize, mask: usize| utilities[mask | 1 << player] - utilities[mask];
    let without =
        |player: usize| (0..1usize << players).filter(move |mask| mask >> player & 1 == 0);
    let one = BigRational::from_integer(UNIT.into());
    (0..players)
        .map(|player| {
            let mean = match value {
                Value::Shapley => over_orders(players, player, &gain),
                Value::Banzhaf => {
                    let sum: i128 = without(player).map(|mask| gain(player, mask)).sum();
                    ratio(sum, 1 << (players - 1))
                }
                Value::LeaveOneOut => {
                    let others = (1 << players) - 1 - (1 << player);
                    ratio(gain(player, others), 1)
                }
                Value::Beta(a, b) => {
                    let mut by_size = vec![0; players];
                    for mask in without(player) {
                        by_size[usize::try_from(mask.count_ones()).unwrap()] += gain(player, mask);
                    }
                    let terms = by_size.into_iter().zip(beta_weights(players, a, b));
                    terms.map(|(sum, weight)| weight * BigInt::from(sum)).sum()
                }
            };
            mean / &one
        })
        .collect()
}

/// Returns the mean gain of a player over all orders.
fn over_orders(players: usize, player: usize, gain: &impl Fn(usize, usize) -> i128) -> BigRational {
    let (mut sum, mut count) = (0, 0);
    let mut order: Vec<usize> = (0..players).collect();
    visit_orders(&mut order, 0, &mut |order| {
        let before = order.iter().take_while(|other| **other != player);
        sum += gain(player, before.fold(0, |mask, other| mask | 1 << other));
        count += 1;
    });
    ratio(sum, count)
}

fn visit_orders(order: &mut [usize], fixed: usize, visit: &mut impl FnMut(&[usize])) {
    if fixed == order.len() {
        return visit(order);
    }
    for next in fixed..order.len() {
        order.swap(fixed, next);
        visit_orders(order, fixed + 1, visit);
        order.swap(fixed, next);
    }
}

/// Returns the weights by size of a Beta value, each worked out once.
fn beta_weights(players: usize, a: u32, b: u32) -> Vec<BigRational> {
    type Known = BTreeMap<(usize, u32, u32), Vec<BigRational>>;
    static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());
    let compute = || {
        let (a, b, players) = (i128::from(a), i128::from(b), players as i128);
        let weight = |size| beta(size + b, players - 1 - size + a) / beta(b, a);
        (0..players).map(weight).collect()
    };
    let mut known = KNOWN.lock().unwrap();
    known.entry((players, a, b)).or_insert_with(compute).clone()
}

/// Returns the beta function as the integral of `t^(a-1) (1-t)^(b-1)`, the second power expanded.
fn beta(a: i128, b: i128) -> BigRational {
    let mut sum = BigRational::zero();
    let mut binomial = BigInt::one();
    for power in 0..b {
        let sign = if power % 2 == 0 { 1 } else { -1 };
        sum += BigRational::new(&binomial * sign, (a + power).into());
        binomial = binomial * (b - 1 - power) / (power + 1);
    }
    sum
}
