//! The terms of a policy: which steps of the settlement it takes, and with what numbers.
//!
//! A step that a policy leaves out is `None`; nothing else says whether a step runs. Amounts are
//! in minor units of the pool's currency, rates in basis points from 0 to 10,000.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Violation;

/// The whole, in basis points.
pub const BASIS_POINTS_MAX: u32 = 10_000;
/// The longest name of a cost class, in bytes.
pub const CLASS_BYTES_MAX: usize = 128;
/// The longest path of derivation, in edges, when a policy sets no limit of its own.
pub const DEPTH_MAX_DEFAULT: u32 = 64;
/// The smallest weight that a floor asks for when the policy does not say.
pub const MIN_WEIGHT_DEFAULT: u64 = 1;

/// The terms of a policy, one field a step, in the order in which the steps run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTerms {
    /// What the operator takes first.
    pub operator_fee: Option<OperatorFee>,
    /// The regulated limit on what may be distributed.
    pub regulated_ceiling: Option<RegulatedCeiling>,
    /// How approved costs come back.
    pub cost_recovery: Option<CostRecovery>,
    /// What goes to the public-interest fund.
    pub public_interest: Option<PublicInterest>,
    /// The floor under what an eligible owner receives.
    pub floor: Option<Floor>,
    /// The most that one owner gets of what is shared, in basis points.
    pub owner_cap_bps: Option<u32>,
    /// The limits of upstream shares; without them the limits are 10,000 and 64.
    pub upstream: Option<UpstreamLimits>,
    /// The most that is kept back for a debt, in basis points of what is unheld; none counts as 0.
    pub offset_max_bps: Option<u32>,
    /// What is set aside for later corrections.
    pub reserve: Option<Reserve>,
    /// The smallest amount that is paid out, in minor units; none counts as 0.
    pub minimum_payout: Option<i64>,
}

/// The operator's fee: `min(bps(net, bps) + flat, cap, net)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorFee {
    /// The part of the net revenue, in basis points.
    pub bps: u32,
    /// A fixed amount on top, in minor units.
    #[serde(default)]
    pub flat: i64,
    /// The most that is taken, in minor units.
    #[serde(default)]
    pub cap: Option<i64>,
}

/// The regulated ceiling on what goes on to the providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegulatedCeiling {
    /// The most that goes on in one period, in minor units; the rest is over-recovery.
    pub maximum_revenue: i64,
}

/// How approved costs come back before anything is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostRecovery {
    /// The most of the net revenue that goes to costs, in basis points.
    pub tier_cap_bps: u32,
    /// The classes of cost in the order in which they are paid, without repetition.
    pub classes: Vec<String>,
}

/// What goes to the public-interest fund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicInterest {
    /// The part of what is left after costs, in basis points.
    pub bps: u32,
}

/// The floor under what an eligible owner receives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// The part of the profit layer set aside for top-ups, in basis points.
    pub budget_bps: u32,
    /// What an eligible owner is topped up to, in minor units.
    pub amount: i64,
    /// The weight that an owner must at least have.
    #[serde(default = "min_weight_default")]
    pub min_weight: u64,
}

/// The limits that a policy sets on upstream shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamLimits {
    /// The most that one contribution may pass up in sum, in basis points.
    #[serde(default = "stack_max_default")]
    pub stack_max_bps: u32,
    /// The longest path of derivation, in edges.
    #[serde(default = "depth_max_default")]
    pub depth_max: u32,
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            stack_max_bps: BASIS_POINTS_MAX,
            depth_max: DEPTH_MAX_DEFAULT,
        }
    }
}

/// What is set aside for later corrections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// The part of what is unheld and not offset, in basis points.
    pub bps: u32,
}

fn min_weight_default() -> u64 {
    MIN_WEIGHT_DEFAULT
}

fn stack_max_default() -> u32 {
    BASIS_POINTS_MAX
}

fn depth_max_default() -> u32 {
    DEPTH_MAX_DEFAULT
}

impl PolicyTerms {
    /// Returns everything that is wrong with the terms; `root` is the path they stand at.
    ///
    /// Wrong are rates above 10,000, negative amounts, and classes of cost that are empty, longer
    /// than 128 bytes or repeated.
    pub fn violations(&self, root: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        for (place, rate) in self.rates() {
            if rate > BASIS_POINTS_MAX {
                found.push(Violation::new(
                    format!("{root}.{place}"),
                    format!("{rate} is not in 0..{BASIS_POINTS_MAX} basis points"),
                ));
            }
        }
        for (place, amount) in self.amounts() {
            if amount < 0 {
                found.push(Violation::new(
                    format!("{root}.{place}"),
                    format!("{amount} is negative"),
                ));
            }
        }
        if let Some(recovery) = &self.cost_recovery {
            recovery.class_violations(root, &mut found);
        }
        found
    }

    fn rates(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let upstream = self.upstream.as_ref();
        [
            (
                "operator_fee.bps",
                self.operator_fee.as_ref().map(|fee| fee.bps),
            ),
            (
                "cost_recovery.tier_cap_bps",
                self.cost_recovery.as_ref().map(|costs| costs.tier_cap_bps),
            ),
            (
                "public_interest.bps",
                self.public_interest.as_ref().map(|part| part.bps),
            ),
            (
                "floor.budget_bps",
                self.floor.as_ref().map(|floor| floor.budget_bps),
            ),
            ("owner_cap_bps", self.owner_cap_bps),
            (
                "upstream.stack_max_bps",
                upstream.map(|limits| limits.stack_max_bps),
            ),
            ("offset_max_bps", self.offset_max_bps),
            (
                "reserve.bps",
                self.reserve.as_ref().map(|reserve| reserve.bps),
            ),
        ]
        .into_iter()
        .filter_map(|(place, rate)| rate.map(|rate| (place, rate)))
    }

    fn amounts(&self) -> impl Iterator<Item = (&'static str, i64)> {
        let fee = self.operator_fee.as_ref();
        let ceiling = self.regulated_ceiling.as_ref();
        [
            ("operator_fee.flat", fee.map(|fee| fee.flat)),
            ("operator_fee.cap", fee.and_then(|fee| fee.cap)),
            (
                "regulated_ceiling.maximum_revenue",
                ceiling.map(|ceiling| ceiling.maximum_revenue),
            ),
            (
                "floor.amount",
                self.floor.as_ref().map(|floor| floor.amount),
            ),
            ("minimum_payout", self.minimum_payout),
        ]
        .into_iter()
        .filter_map(|(place, amount)| amount.map(|amount| (place, amount)))
    }
}

impl CostRecovery {
    fn class_violations(&self, root: &str, found: &mut Vec<Violation>) {
        let mut seen = BTreeSet::new();
        for (position, class) in self.classes.iter().enumerate() {
            let path = || format!("{root}.cost_recovery.classes[{position}]");
            if class.is_empty() || class.len() > CLASS_BYTES_MAX {
                found.push(Violation::new(
                    path(),
                    format!(
                        "a class has 1 to {CLASS_BYTES_MAX} bytes, not {}",
                        class.len()
                    ),
                ));
            }
            if !seen.insert(class.as_str()) {
                found.push(Violation::new(
                    path(),
                    format!("the class {class:?} stands twice"),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> PolicyTerms {
        serde_json::from_str(json).unwrap()
    }

    fn check(json: &str, expected: &[&str]) {
        let found: Vec<String> = read(json)
            .violations("policy")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn an_absent_key_leaves_its_step_out() {
        assert_eq!(read("{}"), PolicyTerms::default());
        assert_eq!(read(r#"{"reserve": null}"#), PolicyTerms::default());
        let terms = read(
            r#"{"operator_fee": {"bps": 1}, "upstream": {}, "floor": {"budget_bps": 2, "amount": 3}}"#,
        );
        assert_eq!(
            terms.operator_fee,
            Some(OperatorFee {
                bps: 1,
                flat: 0,
                cap: None
            })
        );
        assert_eq!(terms.upstream, Some(UpstreamLimits::default()));
        assert_eq!(terms.floor.unwrap().min_weight, 1);
        assert!(serde_json::from_str::<PolicyTerms>(r#"{"resrve": null}"#).is_err());
        assert!(serde_json::from_str::<PolicyTerms>(r#"{"reserve": {}}"#).is_err());
    }

    #[test]
    fn terms_come_back_from_json_and_from_packed_bytes() {
        let terms = read(r#"{"owner_cap_bps": 10000, "operator_fee": {"bps": 1, "cap": 0}}"#);
        assert_eq!(read(&serde_json::to_string(&terms).unwrap()), terms);
        let packed = postcard::to_allocvec(&terms).unwrap();
        assert_eq!(postcard::from_bytes::<PolicyTerms>(&packed).unwrap(), terms);
    }

    #[test]
    fn each_term_out_of_its_range_is_named() {
        check(r#"{"owner_cap_bps": 10000, "minimum_payout": 0}"#, &[]);
        check(
            r#"{"owner_cap_bps": 10001, "reserve": {"bps": 10001}, "minimum_payout": -1}"#,
            &[
                "policy.owner_cap_bps: 10001 is not in 0..10000 basis points",
                "policy.reserve.bps: 10001 is not in 0..10000 basis points",
                "policy.minimum_payout: -1 is negative",
            ],
        );
        check(
            r#"{"cost_recovery": {"tier_cap_bps": 1, "classes": ["a", "", "a"]}}"#,
            &[
                "policy.cost_recovery.classes[1]: a class has 1 to 128 bytes, not 0",
                "policy.cost_recovery.classes[2]: the class \"a\" stands twice",
            ],
        );
    }
}
