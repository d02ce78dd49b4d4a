//! The lines about payouts.

use super::lines::Words;
use super::pool_lines::money;
use super::*;
use crate::domain::{FailPayout, IssuePayout, SettlePayout};

impl Scenario {
    /// Returns the id of the payout of a number, in the order in which they were issued from 0,
    /// and some unused id where there is none.
    pub fn payout(&self, number: &str) -> ThingId {
        let issued = self.accepted.iter();
        let mut issued =
            issued.filter(|signed| matches!(signed.command.action, Action::IssuePayout(_)));
        issued
            .nth(number.parse().unwrap())
            .map_or(ThingId([8; 32]), |signed| signed.id.thing(0))
    }
}

/// Reads a verb about payouts; none where it is no such verb:
///
/// - `pay PARTY AMOUNT CURRENCY REFERENCE`
/// - `paid NUMBER BANK-REFERENCE`, `unpaid NUMBER`
pub(super) fn read_payout_action(
    scenario: &Scenario,
    verb: &str,
    words: &Words<'_>,
) -> Option<Action> {
    Some(match verb {
        "pay" => Action::from(IssuePayout {
            party: words.at(0).parse().unwrap(),
            amount: money(words, 1),
            reference: words.at(3).to_owned(),
        }),
        "paid" => Action::from(SettlePayout {
            payout: scenario.payout(words.at(0)),
            bank_reference: words.at(1).to_owned(),
        }),
        "unpaid" => Action::from(FailPayout {
            payout: scenario.payout(words.at(0)),
            reason: "the account is closed".to_owned(),
        }),
        _ => return None,
    })
}
