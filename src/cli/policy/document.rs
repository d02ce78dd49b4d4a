//! A policy as people write it: the policy of the offline calculators, and three keys more.

use std::path::Path;

use serde::Serialize;

use crate::cli::CommandError;
use crate::domain::json::{Json, Path as Place};
use crate::domain::{
    ContentHash, OBJECTION_DAYS_MAX, Policy, PolicyName, PolicyTerms, Rejection,
    TIME_ZONE_BYTES_MAX, Violation,
};
use crate::wire::policy_hash;

/// The keys that a published policy has beside its terms.
const OWN_KEYS: [&str; 3] = ["name", "time_zone", "objection_days"];

/// A policy that was read, and its hash.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) policy_hash: ContentHash,
    pub(super) policy: Policy,
}

/// Reads a policy from its file.
pub(super) fn read(path: &Path) -> Result<Document, CommandError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    let policy = parse(&text).map_err(|violations| {
        let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
        CommandError::input(format!("{shown} is no policy:\n  {}", lines.join("\n  ")))
    })?;
    Ok(Document {
        policy_hash: policy_hash(&policy),
        policy,
    })
}

fn parse(text: &str) -> Result<Policy, Vec<Violation>> {
    let json = Json::parse(text).map_err(|violation| vec![violation])?;
    let Json::Object(entries) = json else {
        return Err(vec![Violation::new("", "is not an object")]);
    };
    let (own, terms): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|(key, _)| OWN_KEYS.contains(&key.as_str()));
    let mut found = Vec::new();
    let own = Json::Object(own);
    let root = Place::Root;
    let fields = own.fields(&root, &OWN_KEYS, &mut found);
    let mut policy = None;
    if let Some(fields) = fields {
        let name = fields.required("name", &mut found);
        let name = name.and_then(|name| name.text(&fields.path("name"), &mut found));
        let name = name.and_then(|text| match text.parse::<PolicyName>() {
            Ok(name) => Some(name),
            Err(error) => {
                found.push(Violation::new("name", error.to_string()));
                None
            }
        });
        let zone = fields.required("time_zone", &mut found);
        let zone = zone.and_then(|zone| zone.text(&fields.path("time_zone"), &mut found));
        if zone.is_some_and(|zone| zone.is_empty() || zone.len() > TIME_ZONE_BYTES_MAX) {
            let form = format!("has 1 to {TIME_ZONE_BYTES_MAX} bytes, such as Asia/Shanghai");
            found.push(Violation::new("time_zone", form));
        }
        let days = fields.required("objection_days", &mut found);
        let range = 0..=i128::from(OBJECTION_DAYS_MAX);
        let path = fields.path("objection_days");
        let days = days.and_then(|days| days.integer(range, &path, &mut found));
        policy = name.zip(zone).zip(days);
    }
    let terms = PolicyTerms::read(&Json::Object(terms), &root, &mut found);
    for mut violation in terms.violations("") {
        violation.path = violation.path.trim_start_matches('.').to_owned();
        if !found.iter().any(|one| one.path == violation.path) {
            found.push(violation);
        }
    }
    match policy {
        Some(((name, zone), objection_days)) if found.is_empty() => Ok(Policy {
            name,
            time_zone: zone.to_owned(),
            objection_days,
            terms,
        }),
        _ => Err(found),
    }
}

/// Returns the refusal of a policy that a server would refuse, if any.
pub(super) fn refused(document: &Document) -> Option<Rejection> {
    use crate::domain::{Action, Command, LedgerId, Nonce, PublishPolicy, UnixMillis};
    let command = Command {
        ledger: Some(LedgerId([1; 32])),
        actor: "operator".parse().ok()?,
        nonce: Nonce([1; 16]),
        created_at: UnixMillis(1),
        action: Action::from(PublishPolicy {
            policy: document.policy.clone(),
            policy_hash: document.policy_hash,
        }),
    };
    let bytes = crate::wire::encode_command(&command);
    crate::wire::decode_command(&bytes).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"name": "plain", "time_zone": "Asia/Shanghai", "objection_days": 7,
        "operator_fee": {"bps": 500}, "cost_recovery": {"tier_cap_bps": 4000,
        "classes": ["direct", "labelling"]}, "minimum_payout": null}"#;

    fn said(text: &str) -> Vec<String> {
        let violations = parse(text).unwrap_err();
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reads_the_calculators_policy_and_three_keys_more() {
        let policy = parse(GOOD).unwrap();
        assert_eq!((policy.name.as_str(), policy.objection_days), ("plain", 7));
        assert_eq!(policy.terms.operator_fee.as_ref().unwrap().bps, 500);
        let document = Document {
            policy_hash: policy_hash(&policy),
            policy,
        };
        assert!(refused(&document).is_none());
    }

    #[test]
    fn names_everything_that_is_wrong_at_once() {
        assert_eq!(
            said(
                r#"{"name": "X", "objection_days": -1, "resrve": {"bps": 1}, "reserve": {"bps": 10001}}"#
            ),
            [
                "name: the name of a policy is 2 to 39 of a-z, 0-9 and -, beginning with a \
                 letter; not \"X\"",
                "time_zone: is missing",
                "objection_days: -1 is not in 0..3650",
                "resrve: is not a known key; known are operator_fee, regulated_ceiling, \
                 cost_recovery, public_interest, floor, owner_cap_bps, upstream, offset_max_bps, \
                 reserve, minimum_payout",
                "reserve.bps: 10001 is not in 0..10000",
            ]
        );
        assert_eq!(said("[]"), ["is not an object"]);
        let twice = GOOD.replace("labelling", "direct");
        assert_eq!(
            said(&twice),
            ["cost_recovery.classes[1]: the class \"direct\" stands twice"]
        );
    }
}
