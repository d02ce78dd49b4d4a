//! The rules of each action, one file a resource.
//!
//! A rule reads rows, refuses or changes them, and says what the command created. Its refusals
//! come after all checks of `decide`; of several that hold, the one that stands earlier in
//! [`Reason`] answers. Refusing in the middle is harmless: the changes of a refused command are
//! dropped whole.

mod charter;
mod contributions;
mod costs;
mod failures;
mod found;
mod grants;
mod keys;
mod parties;
mod payouts;
mod policies;
mod pools;
mod possession;
mod requests;
mod revenue;
mod settlements;
#[cfg(test)]
mod tests;
mod uses;
mod valuations;

use super::decide::{Rules, Stop, refuse};
use super::rows::ThingKind;
use crate::domain::{Action, Reason};

pub(crate) use contributions::GENERATION_MAX;
pub(crate) use found::found;
#[cfg(test)]
pub(crate) use uses::PERIOD_USES_MAX;

/// Runs the rules of the command's action; returns what it created, at least one
/// [`ThingKind::Nothing`].
pub(crate) fn run(rules: &mut Rules<'_>) -> Result<Vec<ThingKind>, Stop> {
    match &rules.submission.command.action {
        Action::Found(_) => refuse(Reason::AlreadyFounded, "the ledger is founded"),
        Action::AmendCharter(amend) => charter::amend(rules, amend),
        Action::Upgrade(upgrade) => charter::upgrade(rules, upgrade),
        Action::AdmitParty(admit) => parties::admit(rules, admit),
        Action::RotateKey(rotate) => keys::rotate(rules, rotate),
        Action::RevokeKey(revoke) => keys::revoke(rules, revoke),
        Action::ReplaceKey(replace) => keys::replace(rules, replace),
        Action::RecordContribution(item) => contributions::record(rules, item),
        Action::RecordContributions(bulk) => contributions::record_many(rules, bulk),
        Action::WithdrawContribution(withdraw) => contributions::withdraw(rules, withdraw),
        Action::GrantUse(grant) => grants::grant(rules, grant),
        Action::RevokeUse(revoke) => grants::revoke(rules, revoke),
        Action::PublishPolicy(publish) => policies::publish(rules, publish),
        Action::OpenPool(open) => pools::open(rules, open),
        Action::DeclareUse(declaration) => uses::declare(rules, declaration),
        Action::PostRevenue(revenue) => revenue::post(rules, revenue),
        Action::ClaimCost(claim) => costs::claim(rules, claim),
        Action::ApproveCost(approval) => costs::approve(rules, approval),
        Action::FreezePeriod(freeze) => pools::freeze(rules, freeze),
        Action::ImportWeights(import) => valuations::import(rules, import),
        Action::CommitReveal(commit) => requests::commit(rules, commit),
        Action::StartValuation(start) => requests::start(rules, start),
        Action::FinishValuation(finish) => requests::finish(rules, finish),
        Action::Settle(settle) => settlements::settle(rules, settle),
        Action::IssuePayout(payout) => payouts::issue(rules, payout),
        Action::SettlePayout(settled) => payouts::settle(rules, settled),
        Action::FailPayout(failed) => payouts::fail(rules, failed),
    }
}
