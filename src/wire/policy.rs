//! Policies: `PublishPolicy` and the document that it publishes.

use prost::Message;

use super::fields::{Fields, Read};
use super::proto;
use crate::domain::{
    ContentHash, CostClass, CostRecovery, DEPTH_MAX_DEFAULT, Floor, OBJECTION_DAYS_MAX,
    OperatorFee, Policy, PolicyName, PolicyTerms, PublicInterest, PublishPolicy, RegulatedCeiling,
    Reserve, TIME_ZONE_BYTES_MAX, UpstreamLimits, Violation,
};

/// Returns the hash by which a policy is known: BLAKE3 of its serialized bytes.
pub fn policy_hash(policy: &Policy) -> ContentHash {
    ContentHash::of(&proto::Policy::from(policy).encode_to_vec())
}

impl Read for PublishPolicy {
    type Message = proto::PublishPolicy;

    fn read(message: proto::PublishPolicy, fields: &mut Fields<'_>) -> Option<Self> {
        let policy = fields.message::<Policy>("policy", message.policy)?;
        Some(Self {
            policy_hash: policy_hash(&policy),
            policy,
        })
    }
}

impl From<&PublishPolicy> for proto::PublishPolicy {
    fn from(publication: &PublishPolicy) -> Self {
        Self {
            policy: Some((&publication.policy).into()),
        }
    }
}

impl Read for Policy {
    type Message = proto::Policy;

    fn read(message: proto::Policy, fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.parse::<PolicyName>("name", &message.name);
        if !is_time_zone(&message.time_zone) {
            let form = format!(
                "is 1 to {TIME_ZONE_BYTES_MAX} of A-Z, a-z, 0-9, _, +, / and -, with a letter, \
                 such as Asia/Shanghai"
            );
            fields.wrong("time_zone", form);
        }
        let objection_days = fields.within(
            "objection_days",
            message.objection_days,
            &(0..=OBJECTION_DAYS_MAX),
            " days",
        );
        let time_zone = message.time_zone.clone();
        let terms = PolicyTerms::from(message);
        fields.wrong_as(|root| terms_violations(&terms, root));
        Some(Self {
            name: name?,
            time_zone,
            objection_days,
            terms,
        })
    }
}

fn is_time_zone(text: &str) -> bool {
    (1..=TIME_ZONE_BYTES_MAX).contains(&text.len())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+/-".contains(&byte))
}

/// Adds what only the message can say to what the terms find wrong with themselves.
fn terms_violations(terms: &PolicyTerms, root: &str) -> Vec<Violation> {
    let mut found = terms.violations(root);
    for violation in &mut found {
        // The cap is one number among the terms and a message of its own in the policy.
        if violation.path == format!("{root}.owner_cap_bps") {
            violation.path = format!("{root}.owner_cap.bps");
        }
    }
    let depth = terms.upstream.as_ref().map_or(0, |limits| limits.depth_max);
    if depth > DEPTH_MAX_DEFAULT {
        found.push(Violation::new(
            format!("{root}.upstream.depth_max"),
            format!("{depth} is not in 0 to {DEPTH_MAX_DEFAULT} edges"),
        ));
    }
    let classes = terms.cost_recovery.iter().flat_map(|costs| &costs.classes);
    for (position, class) in classes.enumerate() {
        if let Err(error) = class.parse::<CostClass>() {
            found.push(Violation::new(
                format!("{root}.cost_recovery.classes[{position}]"),
                error.to_string(),
            ));
        }
    }
    found
}

impl From<proto::Policy> for PolicyTerms {
    fn from(message: proto::Policy) -> Self {
        Self {
            operator_fee: message.operator_fee.map(|fee| OperatorFee {
                bps: fee.bps,
                flat: fee.flat,
                cap: fee.cap,
            }),
            regulated_ceiling: message.regulated_ceiling.map(|ceiling| RegulatedCeiling {
                maximum_revenue: ceiling.maximum_revenue,
            }),
            cost_recovery: message.cost_recovery.map(|recovery| CostRecovery {
                tier_cap_bps: recovery.tier_cap_bps,
                classes: recovery.classes,
            }),
            public_interest: message
                .public_interest
                .map(|part| PublicInterest { bps: part.bps }),
            floor: message.floor.map(|floor| Floor {
                budget_bps: floor.budget_bps,
                amount: floor.amount,
                min_weight: floor.min_weight,
            }),
            owner_cap_bps: message.owner_cap.map(|cap| cap.bps),
            upstream: message.upstream.map(|limits| UpstreamLimits {
                stack_max_bps: limits.stack_max_bps,
                depth_max: limits.depth_max,
            }),
            offset_max_bps: Some(message.offset_max_bps).filter(|bps| *bps != 0),
            reserve: message.reserve.map(|reserve| Reserve { bps: reserve.bps }),
            minimum_payout: Some(message.minimum_payout).filter(|amount| *amount != 0),
        }
    }
}

impl From<&Policy> for proto::Policy {
    fn from(policy: &Policy) -> Self {
        let terms = &policy.terms;
        let fee = terms.operator_fee.as_ref();
        let ceiling = terms.regulated_ceiling.as_ref();
        let recovery = terms.cost_recovery.as_ref();
        let public_interest = terms.public_interest.as_ref();
        let floor = terms.floor.as_ref();
        let upstream = terms.upstream.as_ref();
        Self {
            name: policy.name.as_str().to_owned(),
            time_zone: policy.time_zone.clone(),
            objection_days: policy.objection_days,
            operator_fee: fee.map(|fee| proto::OperatorFee {
                bps: fee.bps,
                flat: fee.flat,
                cap: fee.cap,
            }),
            regulated_ceiling: ceiling.map(|ceiling| proto::RegulatedCeiling {
                maximum_revenue: ceiling.maximum_revenue,
            }),
            cost_recovery: recovery.map(|recovery| proto::CostRecovery {
                tier_cap_bps: recovery.tier_cap_bps,
                classes: recovery.classes.clone(),
            }),
            public_interest: public_interest.map(|part| proto::PublicInterest { bps: part.bps }),
            floor: floor.map(|floor| proto::Floor {
                budget_bps: floor.budget_bps,
                amount: floor.amount,
                min_weight: floor.min_weight,
            }),
            owner_cap: terms.owner_cap_bps.map(|bps| proto::OwnerCap { bps }),
            upstream: upstream.map(|limits| proto::Upstream {
                stack_max_bps: limits.stack_max_bps,
                depth_max: limits.depth_max,
            }),
            offset_max_bps: terms.offset_max_bps.unwrap_or(0),
            reserve: terms
                .reserve
                .as_ref()
                .map(|reserve| proto::Reserve { bps: reserve.bps }),
            minimum_payout: terms.minimum_payout.unwrap_or(0),
        }
    }
}
