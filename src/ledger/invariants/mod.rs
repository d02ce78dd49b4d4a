//! What must hold between rows whatever was decided: one list, checked after a replay.
//!
//! The rules make these hold one entry at a time; here they are read off the rows alone, so that
//! a fault in a rule, or in the storage, shows even where every entry replays.

mod book;
#[cfg(test)]
mod book_tests;
mod contributions;
mod costs;
mod parties;
mod payouts;
mod pools;
#[cfg(test)]
mod tests;

use super::state::State;
use super::view::{View, ViewFault};

/// Something between rows that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which invariant, as a sentence that should be true.
    pub invariant: &'static str,
    /// What was found instead, and where.
    pub found: String,
}

/// The most findings of one invariant; the rest would say the same.
pub const FINDINGS_MAX: usize = 20;

/// Collects what one invariant finds.
struct Findings {
    invariant: &'static str,
    found: Vec<Finding>,
}

impl Findings {
    /// Notes what was found where `holds` is not true.
    fn expect(&mut self, holds: bool, found: impl FnOnce() -> String) {
        if !holds && self.found.len() < FINDINGS_MAX {
            self.found.push(Finding {
                invariant: self.invariant,
                found: found(),
            });
        }
    }
}

/// Goes through the rows and notes where the invariant does not hold.
type Check = fn(&State<'_>, &mut Findings) -> Result<(), ViewFault>;

/// All invariants, as sentences that should be true.
const INVARIANTS: &[(&str, Check)] = &[
    (
        "the charter's log key is active and serves the log",
        parties::charter,
    ),
    (
        "every key serves the log or a party, which has it",
        parties::keys,
    ),
    (
        "every party has an id, an admission and no key or the one active one",
        parties::parties,
    ),
    (
        "owners that are parties are their own owners",
        parties::owners,
    ),
    (
        "every key of a party is listed since its entry",
        parties::listed_keys,
    ),
    (
        "every contribution has its name, id and content hash, and only older parents",
        contributions::contributions,
    ),
    (
        "every name is that of the contribution that it points to",
        contributions::names,
    ),
    (
        "every content hash is that of the contribution that it points to",
        contributions::contents,
    ),
    (
        "every id is that of the thing that it points to",
        contributions::things,
    ),
    (
        "every grant is of a contribution, to a party that exists",
        contributions::grants,
    ),
    (
        "every policy has its hash and id, and is listed at its entry",
        pools::policies,
    ),
    (
        "every pool has its id, is listed, and names parties and policies that exist",
        pools::pools,
    ),
    (
        "every period is of its pool, stands as the pool says, and sums up what it took in",
        pools::periods,
    ),
    (
        "every use is of an older contribution, and counted in its period",
        pools::uses,
    ),
    (
        "every revenue is known by its reference and counted in its period",
        pools::revenue,
    ),
    (
        "every reference is that of the revenue that it points to",
        pools::references,
    ),
    (
        "every claim has its id, is on an older contribution, and decided within its amount",
        costs::claims,
    ),
    (
        "every claim that a contribution lists is on it",
        costs::listed,
    ),
    (
        "every balance is that of the last posting, on its side of zero; all sum to zero",
        book::accounts,
    ),
    (
        "the postings of every entry sum to zero, and run on from each other",
        book::postings,
    ),
    (
        "a pool's revenue account holds the revenue of its periods that are not settled",
        book::revenue,
    ),
    (
        "claims were lowered by what settlements paid back, and by no more",
        book::claims,
    ),
    (
        "every valuation has its id and is the evaluator's of its pool",
        book::valuations,
    ),
    (
        "every settlement has its id, its period and weights of its own period",
        book::settlements,
    ),
    (
        "a period is settled where it has a settlement, and only there",
        book::settled_periods,
    ),
    (
        "every payout has its id and references, and moved what its accounts hold",
        payouts::payouts,
    ),
    (
        "what waits for days of objection is part of what is payable",
        payouts::waiting,
    ),
];

/// Checks every invariant of the rows; returns what does not hold.
///
/// # Errors
/// Fails when the storage does, or when a row does not decode.
pub fn check_invariants(view: &dyn View) -> Result<Vec<Finding>, ViewFault> {
    let state = State::new(view);
    let mut all = Vec::new();
    for (invariant, check) in INVARIANTS {
        let mut findings = Findings {
            invariant,
            found: Vec::new(),
        };
        check(&state, &mut findings)?;
        all.append(&mut findings.found);
    }
    Ok(all)
}
