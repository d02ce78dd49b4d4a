//! Publishing policies.
//!
//! A policy is known by its hash and cannot be published twice; its name is for people, and
//! several policies may share one, as the terms of a pool change from year to year.

use crate::domain::{PublishPolicy, Reason, Rejection};
use crate::ledger::decide::{Rules, Stop, refuse};
use crate::ledger::rows::{PolicyPublishedRow, PolicyRow, ThingKind};

pub(super) fn publish(
    rules: &mut Rules<'_>,
    publish: &PublishPolicy,
) -> Result<Vec<ThingKind>, Stop> {
    let policy = &publish.policy;
    let violations = policy.terms.violations("publish_policy.policy");
    if !violations.is_empty() {
        return Err(Rejection::with_violations(Reason::InvalidArgument, violations).into());
    }
    let policy_hash = publish.policy_hash;
    if rules.state.get::<PolicyRow>(&policy_hash)?.is_some() {
        let message = format!("the policy {policy_hash} is published already");
        return refuse(Reason::NameTaken, message);
    }
    let row = PolicyRow {
        id: rules.submission.id.thing(0),
        published_at: rules.index(),
        policy: policy.clone(),
    };
    rules.state.put(&policy_hash, &row);
    let listed = PolicyPublishedRow { policy_hash };
    rules.state.put(&rules.first_locator(), &listed);
    Ok(vec![ThingKind::Policy])
}
