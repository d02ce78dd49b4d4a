//! Games that are not what they declare, and methods that do not fit.

use super::plan;
use crate::valuation::games::{Bounds, Coalition, UNIT, Utility, UtilityError, Value};
use crate::valuation::sampling::{Method, SamplingError};

/// A game of a function, as an evaluator would be.
struct Scored<Score> {
    players: usize,
    bounds: Bounds,
    score: Score,
}

impl<Score: Fn(&Coalition) -> Result<i64, UtilityError> + Sync> Utility for Scored<Score> {
    fn players(&self) -> usize {
        self.players
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn utility(&self, coalition: &Coalition) -> Result<i64, UtilityError> {
        (self.score)(coalition)
    }
}

fn game(
    monotone: bool,
    score: impl Fn(&Coalition) -> Result<i64, UtilityError> + Sync,
) -> impl Utility {
    Scored {
        players: 4,
        bounds: Bounds {
            low: 0,
            high: UNIT,
            monotone,
        },
        score,
    }
}

const METHODS: [(Method, Value); 4] = [
    (Method::Permutation, Value::Shapley),
    (Method::Stratified, Value::Shapley),
    (Method::SampleReuse, Value::Banzhaf),
    (Method::LeverageShap, Value::Shapley),
];

#[test]
fn a_utility_outside_of_the_bounds_is_refused() {
    let two = Coalition::from_mask(0b0110);
    let lying = game(false, |coalition| {
        Ok(if *coalition == two { UNIT + 1 } else { 0 })
    });
    for (method, value) in METHODS {
        let error = method.estimate(&lying, value, &plan(1, 3000)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the utility of {1, 2} is 1000000001 billionths, outside of the declared \
             0..1000000000",
            "{method}"
        );
    }
}

#[test]
fn a_game_that_is_not_monotone_is_refused_where_that_matters() {
    let two = Coalition::from_mask(0b0110);
    let utility = |coalition: &Coalition| match coalition.members().count() {
        0 => 0,
        _ if *coalition == two => 1,
        _ => UNIT / 2,
    };
    let falling = game(true, |coalition| Ok(utility(coalition)));
    for (method, value) in &METHODS[..2] {
        let error = method
            .estimate(&falling, *value, &plan(1, 3000))
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the utility of {1, 2} is lower than before"),
            "{method}: {error}"
        );
    }
}

#[test]
fn a_utility_that_cannot_be_had_ends_it() {
    let failing = game(false, |coalition| {
        if coalition.contains(2) && !coalition.contains(1) {
            return Err(UtilityError::Missing {
                coalition: coalition.clone(),
                reason: "the worker went away".to_owned(),
            });
        }
        Ok(0)
    });
    for (method, value) in METHODS {
        let error = method
            .estimate(&failing, value, &plan(1, 3000))
            .unwrap_err();
        assert!(
            error.to_string().ends_with(": the worker went away"),
            "{method}: {error}"
        );
    }
}

#[test]
fn values_and_bounds_that_do_not_fit_are_refused() {
    let zero = game(false, |_| Ok(0));
    let told = |method: Method, value| method.estimate(&zero, value, &plan(1, 100)).unwrap_err();
    assert_eq!(
        told(Method::Permutation, Value::Banzhaf).to_string(),
        "permutation does not estimate banzhaf"
    );
    assert_eq!(
        told(Method::Stratified, Value::LeaveOneOut).to_string(),
        "stratified does not estimate leave-one-out"
    );
    let wide = Scored {
        players: 2,
        bounds: Bounds {
            low: i64::MIN,
            high: i64::MAX,
            monotone: false,
        },
        score: |_: &Coalition| Ok(0),
    };
    let error = Method::Permutation.estimate(&wide, Value::Shapley, &plan(1, 100));
    assert_eq!(error, Err(SamplingError::WideBounds));
}

/// A regression needs coalitions that tell all players apart.
#[test]
fn too_few_coalitions_are_refused() {
    let many = Scored {
        players: 200,
        bounds: Bounds {
            low: 0,
            high: UNIT,
            monotone: false,
        },
        score: |_: &Coalition| Ok(0),
    };
    let error = Method::LeverageShap.estimate(&many, Value::Shapley, &plan(1, 64));
    assert_eq!(error, Err(SamplingError::TooFew { coalitions: 32 }));
    assert!(!Method::LeverageShap.may_settle() && Method::Permutation.may_settle());
}

#[test]
fn methods_are_found_by_name() {
    for method in Method::ALL {
        assert_eq!(method.to_string().parse(), Ok(method));
    }
    assert!("exact".parse::<Method>().is_err());
}
