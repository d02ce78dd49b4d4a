//! Comparing what the log gives with what the server says, account by account.

use std::collections::BTreeMap;

use super::finding::{Finding, FindingKind, Place};
use crate::domain::Money;

/// The balance of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountBalance {
    /// The account's name: kind/holder/currency.
    pub name: String,
    /// The balance; credit is positive.
    pub balance: Money,
    /// The index of the entry of its last posting.
    pub last_index: u64,
}

/// Finds every account that is not the same on both sides, ascending by name.
pub(super) fn compare_accounts(
    replayed: &[AccountBalance],
    shown: &[AccountBalance],
) -> Vec<Finding> {
    let by_name = |accounts: &[AccountBalance]| -> BTreeMap<String, String> {
        let shown =
            |one: &AccountBalance| format!("{} as of entry {}", one.balance, one.last_index);
        let each = |one: &AccountBalance| (one.name.clone(), shown(one));
        accounts.iter().map(each).collect()
    };
    let (replayed, shown) = (by_name(replayed), by_name(shown));
    let mut names: Vec<&String> = replayed.keys().chain(shown.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut findings = Vec::new();
    for name in names {
        let (expected, found) = (replayed.get(name), shown.get(name));
        if expected == found {
            continue;
        }
        let message = match (expected, found) {
            (Some(_), None) => "the server does not show the account",
            (None, _) => "the log has no such account",
            _ => "the server shows another balance than the log gives",
        };
        let absent = "no account".to_owned();
        let place = Place::Account(name.clone());
        let finding = Finding::new(FindingKind::AccountDiffers, place, message);
        findings.push(finding.differs(expected.unwrap_or(&absent), found.unwrap_or(&absent)));
    }
    findings
}
