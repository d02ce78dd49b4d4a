//! Names of accounts, and that booking neither makes nor loses money whatever is posted.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::Currency;

fn account(name: &str) -> Account {
    name.parse().unwrap()
}

fn posting(name: &str, amount: i64) -> Posting {
    Posting::new(account(name), amount)
}

#[test]
fn every_kind_of_account_has_one_name_that_reads_back() {
    let cny: Currency = "CNY".parse().unwrap();
    let (pool, party) = ("solar".parse().unwrap(), "school".parse().unwrap());
    let mut all: Vec<Account> = Vec::new();
    all.extend(
        PoolAccount::ALL
            .iter()
            .map(|kind| Account::of_pool(*kind, &pool, cny)),
    );
    all.extend(
        PartyAccount::ALL
            .iter()
            .map(|kind| Account::of_party(*kind, &party, cny)),
    );
    all.extend(
        OwnerAccount::ALL
            .iter()
            .map(|kind| Account::of_owner(*kind, &party, cny)),
    );
    let names: std::collections::BTreeSet<String> = all.iter().map(Account::to_string).collect();
    assert_eq!(names.len(), all.len());
    assert!(names.contains("payable/school/CNY") && names.contains("pool-deficit/solar/CNY"));
    for one in &all {
        assert_eq!(account(&one.to_string()), *one);
    }
}

#[test]
fn other_texts_name_no_account() {
    for bad in [
        "",
        "payable",
        "payable/school",
        "payable/school/cny",
        "payable/school/CNY/x",
        "payable/School/CNY",
        "wages/school/CNY",
        "payable//CNY",
    ] {
        let error = bad.parse::<Account>().unwrap_err();
        assert_eq!(error.text, bad);
    }
}

#[test]
fn accounts_order_by_their_names() {
    let mut names = vec![
        "tax/a-b/CNY",
        "tax/ab/CNY",
        "carried/ab/USD",
        "carried/ab/CNY",
    ];
    let mut accounts: Vec<Account> = names.iter().map(|name| account(name)).collect();
    names.sort_unstable();
    accounts.sort();
    let sorted: Vec<String> = accounts.iter().map(Account::to_string).collect();
    assert_eq!(sorted, names);
}

#[test]
fn postings_run_on_from_the_balance_before() {
    let mut balances = BTreeMap::from([(account("carried/school/CNY"), 70)]);
    let postings = vec![
        posting("carried/school/CNY", -70),
        posting("payable/school/CNY", 0),
        posting("payable/school/CNY", 100),
        posting("revenue/solar/CNY", -30),
    ];
    let booked = post(postings, &mut balances).unwrap();
    let shown: Vec<(u32, String, i64)> = booked
        .iter()
        .map(|one| (one.number, one.posting.account.to_string(), one.balance))
        .collect();
    let expected = [
        (0, "carried/school/CNY".to_owned(), 0),
        (1, "payable/school/CNY".to_owned(), 100),
        (2, "revenue/solar/CNY".to_owned(), -30),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_does_not_hold_is_refused_whole() {
    let refused = |postings: &[(&str, i64)]| {
        let postings = postings.iter().map(|(name, amount)| posting(name, *amount));
        let error = post(postings.collect(), &mut BTreeMap::new()).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refused(&[("cash/solar/CNY", -5), ("revenue/solar/CNY", 4)]),
        "the postings in CNY sum to -1, not to zero"
    );
    // Two currencies do not make up for each other.
    assert_eq!(
        refused(&[("cash/solar/USD", 5), ("revenue/solar/CNY", -5)]),
        "the postings in CNY sum to -5, not to zero"
    );
    assert_eq!(
        refused(&[("cash/solar/CNY", 5), ("payable/school/CNY", -5)]),
        "the balance of payable/school/CNY would be -5, on the wrong side of zero"
    );
    assert_eq!(
        refused(&[("debt/school/CNY", 5), ("revenue/solar/CNY", -5)]),
        "the balance of debt/school/CNY would be 5, on the wrong side of zero"
    );
    assert_eq!(
        refused(&[
            ("cash/solar/CNY", -i64::MAX),
            ("revenue/solar/CNY", i64::MAX),
            ("revenue/solar/CNY", i64::MAX),
            ("cash/solar/CNY", -i64::MAX),
        ]),
        "the balance of revenue/solar/CNY would be beyond 64 bits"
    );
}

#[test]
fn only_the_balance_in_the_end_has_a_side() {
    let postings = vec![
        posting("payable/school/CNY", -5),
        posting("payable/school/CNY", 9),
        posting("cash/solar/CNY", -4),
    ];
    assert!(post(postings, &mut BTreeMap::new()).is_ok());
}

const NAMES: [&str; 6] = [
    "cash/solar/CNY",
    "revenue/solar/CNY",
    "payable/school/CNY",
    "carried/school/CNY",
    "debt/school/CNY",
    "cash/solar/USD",
];

fn movement() -> impl Strategy<Value = Vec<Posting>> {
    let name = || prop::sample::select(&NAMES[..5]);
    let pair = (name(), name(), -1_000_i64..1_000);
    prop::collection::vec(pair, 0..6).prop_map(|pairs| {
        let both = pairs
            .into_iter()
            .flat_map(|(from, to, amount)| [posting(from, -amount), posting(to, amount)]);
        both.collect()
    })
}

proptest! {
    /// Whatever is posted, and whatever of it is refused: all balances sum to zero, each is the
    /// sum of its postings, and each stands on its side.
    #[test]
    fn balances_are_the_sums_of_postings(entries in prop::collection::vec(movement(), 0..20)) {
        let mut balances: BTreeMap<Account, i64> = BTreeMap::new();
        let mut sums: BTreeMap<Account, i64> = BTreeMap::new();
        for postings in entries {
            let mut after = balances.clone();
            let Ok(booked) = post(postings, &mut after) else {
                continue;
            };
            balances = after;
            for (place, one) in booked.iter().enumerate() {
                prop_assert_eq!(one.number as usize, place);
                let sum = sums.entry(one.posting.account.clone()).or_default();
                *sum += one.posting.amount;
                prop_assert_eq!(*sum, one.balance);
            }
        }
        let moved: BTreeMap<_, _> = balances.iter().filter(|(_, balance)| **balance != 0).collect();
        let summed: BTreeMap<_, _> = sums.iter().filter(|(_, sum)| **sum != 0).collect();
        prop_assert_eq!(moved, summed);
        prop_assert_eq!(balances.values().sum::<i64>(), 0);
        for (account, balance) in &balances {
            prop_assert!(account.side().allows(*balance), "{} {}", account, balance);
        }
    }

    /// Postings that do not sum to zero are refused in whichever currency it is.
    #[test]
    fn one_unit_more_is_refused(postings in movement(), name in prop::sample::select(&NAMES[..])) {
        let mut postings = postings;
        postings.push(posting(name, 1));
        let error = post(postings, &mut BTreeMap::new()).unwrap_err();
        let unbalanced = matches!(error, BookError::Unbalanced { sum: 1, .. });
        prop_assert!(unbalanced, "{}", error);
    }
}
