//! Random scenarios for the tests, each from a seed that a failing test prints.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::domain::{
    CostRecovery, Floor, OperatorFee, PolicyTerms, PublicInterest, RegulatedCeiling, Reserve,
    UpstreamLimits,
};

use super::scenario::*;

/// Returns the number of cases that a random test runs: `count`, times `FENRUN_TEST_FACTOR`.
pub(super) fn cases(count: u64) -> u64 {
    let factor = std::env::var("FENRUN_TEST_FACTOR").map_or(1, |factor| factor.parse().unwrap());
    count * factor
}

/// A source of choices.
pub(super) struct Choices(ChaCha8Rng);

impl Choices {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Returns a number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap()
    }

    /// Returns an amount up to 10^15, small ones as often as large ones.
    fn amount(&mut self) -> i64 {
        let digits = u32::try_from(self.below(16)).unwrap();
        i64::try_from(self.below(10u64.pow(digits)) + u64::from(digits > 12)).unwrap()
    }

    fn part_of(&mut self, amount: i64) -> i64 {
        i64::try_from(self.below(amount.unsigned_abs() + 1)).unwrap()
    }

    fn rate(&mut self) -> u32 {
        match self.below(6) {
            0 => 0,
            1 => 10_000,
            _ => u32::try_from(self.below(10_001)).unwrap(),
        }
    }

    fn some<Value>(&mut self, value: impl FnOnce(&mut Self) -> Value) -> Option<Value> {
        if self.one_in(4) {
            None
        } else {
            Some(value(self))
        }
    }

    pub(super) fn shuffle<Item>(&mut self, items: &mut [Item]) {
        for end in (1..items.len()).rev() {
            let other = self.index(end + 1);
            items.swap(end, other);
        }
    }

    fn policy(&mut self) -> PolicyTerms {
        PolicyTerms {
            operator_fee: self.some(|choices| OperatorFee {
                bps: choices.rate() / 4,
                flat: choices.amount() / 1_000_000,
                cap: choices.some(Self::amount),
            }),
            regulated_ceiling: self.some(|choices| RegulatedCeiling {
                maximum_revenue: choices.amount(),
            }),
            cost_recovery: self.some(|choices| CostRecovery {
                tier_cap_bps: choices.rate(),
                classes: vec!["direct".to_owned(), "labelling".to_owned()],
            }),
            public_interest: self.some(|choices| PublicInterest {
                bps: choices.rate() / 4,
            }),
            floor: self.some(|choices| Floor {
                budget_bps: choices.rate() / 2,
                amount: choices.amount(),
                min_weight: choices.below(3),
            }),
            owner_cap_bps: self.some(Self::rate),
            upstream: self.some(|_| UpstreamLimits::default()),
            offset_max_bps: self.some(Self::rate),
            reserve: self.some(|choices| Reserve {
                bps: choices.rate(),
            }),
            minimum_payout: self.some(|choices| choices.amount() / 1000),
        }
    }

    fn contributions(&mut self, parties: usize) -> Vec<Contribution> {
        // One in forty is a chain as deep as is allowed.
        let chain = self.one_in(40);
        let count = if chain { 65 } else { self.index(11) };
        let names: Vec<Id> = (0..count)
            .map(|n| Id::from(format!("{:02x}-{n}", self.below(256))))
            .collect();
        let mut contributions = Vec::new();
        for (n, name) in names.iter().enumerate() {
            let mut parents = Vec::new();
            let mut room = 10_000;
            for above in names.iter().take(n).rev().take(if chain { 1 } else { n }) {
                if chain || self.one_in(3) {
                    let upstream_bps = self.rate().min(room);
                    room -= upstream_bps;
                    parents.push(Parent {
                        id: above.clone(),
                        upstream_bps,
                    });
                }
            }
            let weight = match self.below(4) {
                0 => 0,
                1 => self.below(10),
                _ => self.amount().unsigned_abs(),
            };
            let party = format!("p{}", self.index(parties)).into();
            contributions.push(Contribution {
                id: name.clone(),
                party,
                weight,
                parents,
            });
        }
        contributions
    }

    fn claim(&mut self, id: Id, contributions: &[Contribution]) -> Claim {
        Claim {
            id,
            contribution: contributions[self.index(contributions.len())].id.clone(),
            class: if self.one_in(2) {
                "direct".into()
            } else {
                "labelling".into()
            },
            outstanding: self.amount(),
        }
    }

    fn hold(&mut self, contributions: &[Contribution]) -> Hold {
        let largest = if self.one_in(2) {
            10
        } else {
            HOLD_DENOMINATOR_MAX
        };
        let denominator = self.below(largest) + 1;
        Hold {
            contribution: contributions[self.index(contributions.len())].id.clone(),
            numerator: self.below(denominator + 1) / (self.below(3) + 1),
            denominator,
        }
    }
}

/// Returns the scenario of a seed.
pub(super) fn scenario(seed: u64) -> Scenario {
    let choices = &mut Choices::new(seed);
    let (owner_count, party_count) = (choices.index(5) + 1, choices.index(7) + 1);
    let contributions = choices.contributions(party_count);
    let (mut claims, mut holds) = (Vec::new(), Vec::new());
    if !contributions.is_empty() {
        for n in 0..choices.below(6) {
            claims.push(choices.claim(format!("k{n}").into(), &contributions));
        }
        for _ in 0..choices.below(5) {
            holds.push(choices.hold(&contributions));
        }
    }
    let receipt = choices.amount();
    let mut revenue = vec![Revenue {
        reference: "r".into(),
        kind: RevenueKind::Receipt,
        amount: receipt,
    }];
    for (reference, kind) in [("b", RevenueKind::Refund), ("c", RevenueKind::Chargeback)] {
        // One in ten may be more than came in, so that the run stops.
        let amount = if choices.one_in(10) {
            choices.amount()
        } else {
            choices.part_of(receipt) / 3
        };
        revenue.push(Revenue {
            reference: reference.into(),
            kind,
            amount,
        });
    }
    Scenario {
        currency: "CNY".into(),
        period: "2026-10".into(),
        policy: choices.policy(),
        revenue,
        opening: Opening {
            profit_layer: choices.some(Choices::amount).unwrap_or(0),
            pool_deficit: choices.part_of(receipt) / 3,
            over_recovery: choices.some(Choices::amount).unwrap_or(0),
        },
        owners: (0..owner_count)
            .map(|n| Owner {
                id: format!("w{n}").into(),
                floor_eligible: choices.one_in(2),
                debt: choices.some(Choices::amount).unwrap_or(0),
            })
            .collect(),
        parties: (0..party_count)
            .map(|n| Party {
                id: format!("p{n}").into(),
                owner: format!("w{}", choices.index(owner_count)).into(),
                tax_bps: choices.rate(),
                carried: choices.some(Choices::amount).unwrap_or(0),
            })
            .collect(),
        contributions,
        claims,
        holds,
    }
}
