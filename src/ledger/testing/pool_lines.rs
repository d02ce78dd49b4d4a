//! The lines about policies, pools, uses, revenue and costs.

use super::lines::Words;
use super::*;
use crate::domain::{
    ApproveCost, ClaimCost, CostRecovery, DeclareUse, Floor, FreezePeriod, Money, OpenPool,
    OperatorFee, Period, PeriodKind, Policy, PolicyTerms, PoolName, PoolPolicy, PostRevenue,
    PublicInterest, PublishPolicy, RevenueKind, UpstreamLimits, UseClass, UseLine, UseMode,
    write_use_list,
};
use crate::wire::policy_hash;

impl Scenario {
    /// Returns the hash of the last policy of a name, and some unused hash where there is none.
    pub fn policy(&self, name: &str) -> ContentHash {
        let published = self.accepted.iter().rev();
        let mut of_name = published.filter_map(|signed| match &signed.command.action {
            Action::PublishPolicy(publish) => {
                (publish.policy.name.as_str() == name).then_some(publish.policy_hash)
            }
            _ => None,
        });
        of_name
            .next()
            .unwrap_or_else(|| ContentHash::of(name.as_bytes()))
    }

    /// Returns the id of the claim of a number, in the order in which they were made from 0, and
    /// some unused id where there is none.
    pub fn claim(&self, number: &str) -> ThingId {
        let claims = self.accepted.iter();
        let mut claims =
            claims.filter(|signed| matches!(signed.command.action, Action::ClaimCost(_)));
        let place: usize = number.parse().unwrap();
        claims
            .nth(place)
            .map_or(ThingId([7; 32]), |signed| signed.id.thing(0))
    }
}

/// Reads a verb about pools and its words; none where it is no such verb:
///
/// - `publish NAME [fee=BPS] [stack=BPS] [depth=EDGES] [classes=CLASS,...] [public=BPS] [floor=BPS]
///   [cap=BPS] [offset=BPS] [minimum=AMOUNT] [objection=DAYS]`; the floor is 4,000 minor units
/// - `open POOL [payer=] [evaluator=] [currency=] [kind=] [policies=PERIOD:POLICY,...]
///   [validation=TEXT]`; it is the payer's and evaluator's, in CNY, by month, and has the policy
///   `plain` from 2026-01 on
/// - `use POOL PERIOD CONTRIBUTION[:UNITS]... [class=] [mode=replace]`, or with `raw=TEXT` a list
///   as it stands, or with `list=missing` one that is not stored
/// - `post POOL PERIOD receipt|refund|chargeback AMOUNT CURRENCY REFERENCE`
/// - `claim CONTRIBUTION CLASS AMOUNT CURRENCY`, `approve NUMBER AMOUNT CURRENCY`
/// - `freeze POOL PERIOD`
pub(super) fn read_pool_action(
    scenario: &mut Scenario,
    verb: &str,
    words: &Words<'_>,
) -> Option<Action> {
    Some(match verb {
        "publish" => publish(words).into(),
        "open" => open(scenario, words).into(),
        "use" => declare(scenario, words).into(),
        "post" => Action::from(PostRevenue {
            pool: words.at(0).parse().unwrap(),
            period: words.at(1).parse().unwrap(),
            kind: named::<RevenueKind>(words.at(2)),
            amount: money(words, 3),
            reference: words.at(5).to_owned(),
        }),
        "claim" => Action::from(ClaimCost {
            contribution: scenario.contribution(words.at(0)),
            class: words.at(1).parse().unwrap(),
            amount: money(words, 2),
            evidence_hash: ContentHash::of(b"evidence"),
            note: String::new(),
        }),
        "approve" => Action::from(ApproveCost {
            claim: scenario.claim(words.at(0)),
            approved: money(words, 1),
            reason: String::new(),
        }),
        "freeze" => Action::from(FreezePeriod {
            pool: words.at(0).parse().unwrap(),
            period: words.at(1).parse().unwrap(),
        }),
        _ => return None,
    })
}

fn named<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_value(text.into()).expect(text)
}

pub(super) fn money(words: &Words<'_>, place: usize) -> Money {
    let text = format!("{} {}", words.at(place), words.at(place + 1));
    text.parse().unwrap()
}

fn publish(words: &Words<'_>) -> PublishPolicy {
    let number = |name| words.get(name).map(|text| text.parse::<u32>().unwrap());
    let (stack, depth) = (number("stack"), number("depth"));
    let limits = UpstreamLimits::default();
    let terms = PolicyTerms {
        operator_fee: number("fee").map(|bps| OperatorFee {
            bps,
            flat: 0,
            cap: None,
        }),
        cost_recovery: words.get("classes").map(|classes| CostRecovery {
            tier_cap_bps: 4_000,
            classes: classes.split(',').map(str::to_owned).collect(),
        }),
        upstream: (stack.is_some() || depth.is_some()).then(|| UpstreamLimits {
            stack_max_bps: stack.unwrap_or(limits.stack_max_bps),
            depth_max: depth.unwrap_or(limits.depth_max),
        }),
        public_interest: number("public").map(|bps| PublicInterest { bps }),
        floor: number("floor").map(|budget_bps| Floor {
            budget_bps,
            amount: 4_000,
            min_weight: 1,
        }),
        owner_cap_bps: number("cap"),
        offset_max_bps: number("offset"),
        minimum_payout: number("minimum").map(i64::from),
        ..PolicyTerms::default()
    };
    let policy = Policy {
        name: words.at(0).parse().unwrap(),
        time_zone: "UTC".to_owned(),
        objection_days: number("objection").unwrap_or(0),
        terms,
    };
    PublishPolicy {
        policy_hash: policy_hash(&policy),
        policy,
    }
}

fn open(scenario: &Scenario, words: &Words<'_>) -> OpenPool {
    let or = |name, default| words.get(name).unwrap_or(default);
    let policies = or("policies", "2026-01:plain");
    let policies = policies.split(',').filter(|text| !text.is_empty());
    let policies = policies.map(|text| {
        let (period, policy) = text.split_once(':').expect(text);
        PoolPolicy {
            from_period: period.parse().unwrap(),
            policy_hash: scenario.policy(policy),
        }
    });
    OpenPool {
        name: words.at(0).parse().unwrap(),
        payer: or("payer", "payer").parse().unwrap(),
        currency: or("currency", "CNY").parse().unwrap(),
        period_kind: named::<PeriodKind>(or("kind", "month")),
        evaluator: or("evaluator", "evaluator").parse().unwrap(),
        policies: policies.collect(),
        validation_hash: words
            .get("validation")
            .map(|text| ContentHash::of(text.as_bytes())),
    }
}

fn declare(scenario: &mut Scenario, words: &Words<'_>) -> DeclareUse {
    let lines = words.from(2).iter().map(|text| {
        let (name, units) = text.split_once(':').unwrap_or((text, "0"));
        UseLine {
            contribution: scenario.contribution(name),
            units: units.parse().unwrap(),
        }
    });
    let list = match words.get("raw") {
        Some(text) => text.replace('|', "\n"),
        None => write_use_list(&lines.collect::<Vec<_>>()),
    };
    let use_list = if words.get("list") == Some("missing") {
        ContentHash([8; 32])
    } else {
        scenario.attach(&list)
    };
    DeclareUse {
        pool: words.at(0).parse::<PoolName>().unwrap(),
        period: words.at(1).parse::<Period>().unwrap(),
        mode: match words.get("mode") {
            Some("replace") => UseMode::Replace,
            _ => UseMode::Add,
        },
        class: words
            .get("class")
            .map_or(UseClass::Commercial, named::<UseClass>),
        use_list,
    }
}
