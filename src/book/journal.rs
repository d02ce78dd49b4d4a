//! The book as text for other people's bookkeeping programs: Beancount and hledger.
//!
//! Both are told every balance that the book has, so that they check it by their own arithmetic.
//! A credit is positive in the book and negative there, so every sign changes.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Account, Holder, OwnerAccount, PartyAccount, PoolAccount};
use super::posting::Booked;
use crate::domain::{Money, UnixMillis};

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// What one entry of the log booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The index of the entry.
    pub index: u64,
    /// When it was recorded.
    pub recorded_at: UnixMillis,
    /// What the entry did, such as `Settle`; letters only.
    pub what: String,
    /// Its postings in their order.
    pub postings: Vec<Booked>,
}

/// Returns transactions, in the order of their entries, as a ledger for Beancount 3. It ends with
/// an assertion of every balance.
pub fn beancount(transactions: &[Transaction]) -> String {
    let mut text = String::from("option \"title\" \"fenrun\"\n");
    let Some((first, last)) = transactions.first().zip(transactions.last()) else {
        return text;
    };
    text.push('\n');
    let paths = accounts(transactions).map(|account| path(account, capital));
    for path in paths.collect::<BTreeSet<_>>() {
        text.push_str(&format!("{} open {path}\n", date(first.recorded_at)));
    }
    let mut balances = BTreeMap::new();
    for transaction in transactions {
        let Transaction { index, what, .. } = transaction;
        let date = date(transaction.recorded_at);
        text.push_str(&format!("\n{date} * \"{what}\"\n  entry: {index}\n"));
        for booked in &transaction.postings {
            let account = &booked.posting.account;
            let amount = shown(account, booked.posting.amount);
            text.push_str(&format!("  {}  {amount}\n", path(account, capital)));
            balances.insert(account, booked.balance);
        }
    }
    let next = UnixMillis(last.recorded_at.0.saturating_add(DAY_MS));
    text.push('\n');
    for (account, balance) in balances {
        let amount = shown(account, balance);
        let (number, currency) = amount.split_once(' ').unwrap_or_default();
        let (date, path) = (date(next), path(account, capital));
        text.push_str(&format!("{date} balance {path}  {number} ~ 0 {currency}\n"));
    }
    text
}

/// Returns transactions, in the order of their entries, as a journal for hledger. Every posting
/// asserts the balance after it.
pub fn hledger(transactions: &[Transaction]) -> String {
    let mut text = String::new();
    let currencies = accounts(transactions).map(|account| account.currency);
    for currency in currencies.collect::<BTreeSet<_>>() {
        let thousand = 10_i64.saturating_pow(currency.exponent().saturating_add(3));
        let money = Money {
            minor_units: thousand,
            currency,
        };
        let decimal = money.decimal();
        let mark = if decimal.contains('.') { "" } else { "." };
        text.push_str(&format!("commodity {decimal}{mark} {currency}\n"));
    }
    let paths = accounts(transactions).map(|account| path(account, str::to_owned));
    for path in paths.collect::<BTreeSet<_>>() {
        text.push_str(&format!("account {path}\n"));
    }
    for transaction in transactions {
        let Transaction { index, what, .. } = transaction;
        let date = date(transaction.recorded_at);
        text.push_str(&format!("\n{date} * ({index}) {what}\n"));
        for booked in &transaction.postings {
            let account = &booked.posting.account;
            let amount = shown(account, booked.posting.amount);
            let balance = shown(account, booked.balance);
            let path = path(account, str::to_owned);
            text.push_str(&format!("    {path}  {amount} = {balance}\n"));
        }
    }
    text
}

/// Returns each account once, ascending by name.
fn accounts(transactions: &[Transaction]) -> impl Iterator<Item = &Account> {
    let all = transactions.iter().flat_map(|one| &one.postings);
    let all: BTreeSet<&Account> = all.map(|booked| &booked.posting.account).collect();
    all.into_iter()
}

/// Returns the path of an account: a class of the five that both programs have, kind and holder.
fn path(account: &Account, letter: impl Fn(&str) -> String) -> String {
    let parts = [class(account), account.kind(), account.holder_name()];
    parts.map(letter).join(":")
}

/// What is had, or owed by somebody, is an asset; what was paid out is what the cash of the pools
/// no longer has.
fn class(account: &Account) -> &'static str {
    match account.holder {
        Holder::Pool(PoolAccount::Cash | PoolAccount::Deficit, _)
        | Holder::Party(PartyAccount::Paid, _)
        | Holder::Owner(OwnerAccount::Debt, _) => "assets",
        Holder::Pool(PoolAccount::OperatorFee, _) => "income",
        Holder::Pool(..) | Holder::Party(..) => "liabilities",
    }
}

/// Returns an amount of an account with its sign changed.
fn shown(account: &Account, minor_units: i64) -> String {
    let money = Money {
        minor_units: minor_units.saturating_neg(),
        currency: account.currency,
    };
    money.to_string()
}

/// Returns a word with a capital letter, as every part of a path of Beancount has.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Returns the day in UTC.
fn date(time: UnixMillis) -> String {
    time.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Posting, post};

    fn transactions() -> Vec<Transaction> {
        let mut balances = BTreeMap::new();
        let mut book = |index, what: &str, postings: &[(&str, i64)]| {
            let postings = postings
                .iter()
                .map(|(name, amount)| Posting::new(name.parse().unwrap(), *amount));
            Transaction {
                index,
                recorded_at: UnixMillis(1_760_000_000_000 + index * DAY_MS),
                what: what.to_owned(),
                postings: post(postings.collect(), &mut balances).unwrap(),
            }
        };
        vec![
            book(
                3,
                "PostRevenue",
                &[("cash/solar/CNY", -105), ("revenue/solar/CNY", 105)],
            ),
            book(
                4,
                "PostRevenue",
                &[("cash/wind/JPY", -7), ("revenue/wind/JPY", 7)],
            ),
            book(
                9,
                "Settle",
                &[("revenue/solar/CNY", -105), ("payable/a-b/CNY", 105)],
            ),
        ]
    }

    #[test]
    fn beancount_is_told_the_last_balances() {
        let expected = "option \"title\" \"fenrun\"

2025-10-12 open Assets:Cash:Solar
2025-10-12 open Assets:Cash:Wind
2025-10-12 open Liabilities:Payable:A-b
2025-10-12 open Liabilities:Revenue:Solar
2025-10-12 open Liabilities:Revenue:Wind

2025-10-12 * \"PostRevenue\"
  entry: 3
  Assets:Cash:Solar  1.05 CNY
  Liabilities:Revenue:Solar  -1.05 CNY

2025-10-13 * \"PostRevenue\"
  entry: 4
  Assets:Cash:Wind  7 JPY
  Liabilities:Revenue:Wind  -7 JPY

2025-10-18 * \"Settle\"
  entry: 9
  Liabilities:Revenue:Solar  1.05 CNY
  Liabilities:Payable:A-b  -1.05 CNY

2025-10-19 balance Assets:Cash:Solar  1.05 ~ 0 CNY
2025-10-19 balance Assets:Cash:Wind  7 ~ 0 JPY
2025-10-19 balance Liabilities:Payable:A-b  -1.05 ~ 0 CNY
2025-10-19 balance Liabilities:Revenue:Solar  0.00 ~ 0 CNY
2025-10-19 balance Liabilities:Revenue:Wind  -7 ~ 0 JPY
";
        assert_eq!(beancount(&transactions()), expected);
        assert_eq!(beancount(&[]), "option \"title\" \"fenrun\"\n");
    }

    #[test]
    fn hledger_is_told_each_balance() {
        let expected = "commodity 1000.00 CNY
commodity 1000. JPY
account assets:cash:solar
account assets:cash:wind
account liabilities:payable:a-b
account liabilities:revenue:solar
account liabilities:revenue:wind

2025-10-12 * (3) PostRevenue
    assets:cash:solar  1.05 CNY = 1.05 CNY
    liabilities:revenue:solar  -1.05 CNY = -1.05 CNY

2025-10-13 * (4) PostRevenue
    assets:cash:wind  7 JPY = 7 JPY
    liabilities:revenue:wind  -7 JPY = -7 JPY

2025-10-18 * (9) Settle
    liabilities:revenue:solar  1.05 CNY = 0.00 CNY
    liabilities:payable:a-b  -1.05 CNY = -1.05 CNY
";
        assert_eq!(hledger(&transactions()), expected);
        assert_eq!(hledger(&[]), "");
    }
}
