//! Reading the terms of a policy from a JSON document, with all violations by path.
//!
//! A key that is null counts as absent; an absent step is left out.

use std::ops::RangeInclusive;

use super::json::{Fields, Json, Path};
use super::policy::{
    BASIS_POINTS_MAX, CostRecovery, DEPTH_MAX_DEFAULT, Floor, MIN_WEIGHT_DEFAULT, OperatorFee,
    PolicyTerms, PublicInterest, RegulatedCeiling, Reserve, UpstreamLimits,
};
use super::violation::Violation;

const KEYS: [&str; 10] = [
    "operator_fee",
    "regulated_ceiling",
    "cost_recovery",
    "public_interest",
    "floor",
    "owner_cap_bps",
    "upstream",
    "offset_max_bps",
    "reserve",
    "minimum_payout",
];

impl PolicyTerms {
    /// Reads the terms at a path of a document; what cannot be read is noted and left out.
    ///
    /// Classes that are empty, too long or repeated are found by [`PolicyTerms::violations`].
    pub fn read(json: &Json, path: &Path, found: &mut Vec<Violation>) -> Self {
        let Some(fields) = json.fields(path, &KEYS, found) else {
            return Self::default();
        };
        let mut terms = Terms { fields, found };
        Self {
            operator_fee: terms.step("operator_fee", &["bps", "flat", "cap"], |fee| {
                let flat = fee.amount("flat").unwrap_or(0);
                let cap = fee.amount("cap");
                Some(OperatorFee {
                    bps: fee.require("bps")?.rate("bps")?,
                    flat,
                    cap,
                })
            }),
            regulated_ceiling: terms.step("regulated_ceiling", &["maximum_revenue"], |ceiling| {
                let maximum_revenue = ceiling
                    .require("maximum_revenue")?
                    .amount("maximum_revenue")?;
                Some(RegulatedCeiling { maximum_revenue })
            }),
            cost_recovery: terms.step("cost_recovery", &["tier_cap_bps", "classes"], |costs| {
                let tier_cap_bps = costs
                    .require("tier_cap_bps")
                    .and_then(|c| c.rate("tier_cap_bps"));
                let classes = costs.require("classes").and_then(|c| c.names("classes"));
                Some(CostRecovery {
                    tier_cap_bps: tier_cap_bps?,
                    classes: classes?,
                })
            }),
            public_interest: terms.step("public_interest", &["bps"], |part| {
                Some(PublicInterest {
                    bps: part.require("bps")?.rate("bps")?,
                })
            }),
            floor: terms.step("floor", &["budget_bps", "amount", "min_weight"], |floor| {
                let min_weight = floor.number("min_weight", 0..=u64::MAX.into());
                let budget_bps = floor
                    .require("budget_bps")
                    .and_then(|f| f.rate("budget_bps"));
                let amount = floor.require("amount").and_then(|f| f.amount("amount"));
                let min_weight = min_weight.unwrap_or(MIN_WEIGHT_DEFAULT);
                Some(Floor {
                    budget_bps: budget_bps?,
                    amount: amount?,
                    min_weight,
                })
            }),
            owner_cap_bps: terms.rate("owner_cap_bps"),
            upstream: terms.step("upstream", &["stack_max_bps", "depth_max"], |limits| {
                let stack_max_bps = limits.rate("stack_max_bps").unwrap_or(BASIS_POINTS_MAX);
                let depth_max = limits.number("depth_max", 0..=u32::MAX.into());
                let depth_max = depth_max.unwrap_or(DEPTH_MAX_DEFAULT);
                Some(UpstreamLimits {
                    stack_max_bps,
                    depth_max,
                })
            }),
            offset_max_bps: terms.rate("offset_max_bps"),
            reserve: terms.step("reserve", &["bps"], |reserve| {
                Some(Reserve {
                    bps: reserve.require("bps")?.rate("bps")?,
                })
            }),
            minimum_payout: terms.amount("minimum_payout"),
        }
    }
}

/// The keys of a policy or of one of its steps, and what has been found so far.
struct Terms<'a, 'found> {
    fields: Fields<'a>,
    found: &'found mut Vec<Violation>,
}

impl<'a> Terms<'a, '_> {
    fn present(&self, key: &str) -> Option<&'a Json> {
        self.fields
            .optional(key)
            .filter(|value| **value != Json::Null)
    }

    /// Notes if a key is absent, and goes on only if it is there.
    fn require(&mut self, key: &str) -> Option<&mut Self> {
        if self.present(key).is_none() {
            self.found
                .push(self.fields.path(key).violation("is missing"));
            return None;
        }
        Some(self)
    }

    fn step<Step>(
        &mut self,
        key: &str,
        known: &[&str],
        read: impl FnOnce(&mut Terms) -> Option<Step>,
    ) -> Option<Step> {
        let value = self.present(key)?;
        let path = self.fields.path(key);
        let fields = value.fields(&path, known, self.found)?;
        read(&mut Terms {
            fields,
            found: self.found,
        })
    }

    fn number<Number: TryFrom<i128>>(
        &mut self,
        key: &str,
        range: RangeInclusive<i128>,
    ) -> Option<Number> {
        self.present(key)?
            .integer(range, &self.fields.path(key), self.found)
    }

    fn rate(&mut self, key: &str) -> Option<u32> {
        self.number(key, 0..=BASIS_POINTS_MAX.into())
    }

    fn amount(&mut self, key: &str) -> Option<i64> {
        self.number(key, 0..=i64::MAX.into())
    }

    fn names(&mut self, key: &str) -> Option<Vec<String>> {
        let path = self.fields.path(key);
        let items = self.present(key)?.list(&path, self.found)?;
        let mut names = Vec::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            let text = item.text(&Path::Item(&path, position), self.found);
            names.push(text.unwrap_or_default().to_owned());
        }
        Some(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (PolicyTerms, Vec<String>) {
        let mut found = Vec::new();
        let terms = PolicyTerms::read(
            &Json::parse(text).unwrap(),
            &Path::Key(&Path::Root, "policy"),
            &mut found,
        );
        (terms, found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn reads_what_the_derived_reader_reads() {
        let text = r#"{"operator_fee": {"bps": 5, "cap": 7}, "regulated_ceiling": null,
            "cost_recovery": {"tier_cap_bps": 4, "classes": ["a", "b"]},
            "public_interest": {"bps": 300}, "floor": {"budget_bps": 5, "amount": 4},
            "owner_cap_bps": 10000, "upstream": {"depth_max": 8}, "offset_max_bps": 0,
            "reserve": {"bps": 1}, "minimum_payout": 9223372036854775807}"#;
        let (terms, found) = read(text);
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(terms, serde_json::from_str(text).unwrap());
    }

    #[test]
    fn names_everything_that_is_wrong() {
        let (_, found) = read(
            r#"{"operator_fee": {"bps": 10001, "flat": -1, "cap": "x"}, "reserv": null,
            "cost_recovery": {"classes": [1]}, "floor": {"budget_bps": null}, "reserve": 5,
            "public_interest": {"bps": 1.0, "per": 1}}"#,
        );
        assert_eq!(
            found,
            [
                "policy.reserv: is not a known key; known are operator_fee, regulated_ceiling, \
                 cost_recovery, public_interest, floor, owner_cap_bps, upstream, offset_max_bps, \
                 reserve, minimum_payout",
                "policy.operator_fee.flat: -1 is not in 0..9223372036854775807",
                "policy.operator_fee.cap: is not an integer in 0..9223372036854775807",
                "policy.operator_fee.bps: 10001 is not in 0..10000",
                "policy.cost_recovery.tier_cap_bps: is missing",
                "policy.cost_recovery.classes[0]: is not a string",
                "policy.public_interest.per: is not a known key; known are bps",
                "policy.public_interest.bps: is not an integer in 0..10000",
                "policy.floor.budget_bps: is missing",
                "policy.floor.amount: is missing",
                "policy.reserve: is not an object",
            ]
        );
    }
}
