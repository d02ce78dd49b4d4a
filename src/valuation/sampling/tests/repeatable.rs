//! The same seed gives the same bits: with any number of threads, in debug and release.

use super::{games, methods, plan};
use crate::valuation::games::{Value, nearest};
use crate::valuation::sampling::{Estimate, Method};

fn all_methods() -> Vec<(Method, Value)> {
    let leverage = (Method::LeverageShap, Value::Shapley);
    methods().into_iter().chain([leverage]).collect()
}

fn run(method: Method, value: Value, seed: u64, threads: usize) -> Vec<Estimate> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| {
        let estimate = |game| method.estimate(game, value, &plan(seed, 2000)).unwrap();
        games().iter().map(estimate).collect()
    })
}

#[test]
fn threads_change_nothing() {
    for (method, value) in all_methods() {
        let one = run(method, value, 5, 1);
        for threads in [2, 7] {
            assert_eq!(run(method, value, 5, threads), one, "{method}, {value}");
        }
        assert_ne!(run(method, value, 6, 2), one, "{method}: the seed matters");
    }
}

/// Written down once; any build on any machine must print the same.
const FIXED: &[&str] = &[
    "permutation shapley 994 0.39919354838709675 0.18353619860834125..0.6148508981658523 \
     0.2701612903225806 0.0737291485185495..0.46659343212661175",
    "stratified shapley 902 0.3888888888888889 0.18659695703053206..0.5911808207472458 \
     0.2777777777777778 0.05360556978194145..0.5019499857736142",
    "stratified banzhaf 902 0.5972222222222222 0.2669582756923255..0.927486168752119 \
     0.4166666666666667 0.04887811622405258..0.7844552171092808",
    "stratified beta:4,1 902 0.326984126984127 0..0.723127438921596 \
     0.19047619047619047 0..0.6051248050155009",
    "sample-reuse banzhaf 994 0.6138475307135303 0.5111367671671125..0.716558294259948 \
     0.42453152727805543 0.31130209608622283..0.537760958469888",
    "leverage-shap shapley 994 0.3659303175082557 0.29579400646942405",
];

#[test]
fn the_bits_are_fixed() {
    for ((method, value), expected) in all_methods().into_iter().zip(FIXED) {
        let estimate = method.estimate(&games()[0], value, &plan(5, 1000)).unwrap();
        let mut found = format!("{method} {value} {}", estimate.evaluations);
        for (player, value) in estimate.values.iter().enumerate().take(2) {
            found.push_str(&format!(" {}", nearest(value)));
            if let Some(intervals) = &estimate.intervals {
                let interval = &intervals[player];
                found.push_str(&format!(" {}..{}", interval.low, interval.high));
            }
        }
        assert_eq!(found, *expected);
    }
}
