//! The run: the steps in their order.

use crate::domain::{AllotError, Violation};

use super::lines::{Because, Line, LineName};
use super::outcome::{Outcome, Settlement, Stopped};
use super::run::Run;
use super::scenario::{Id, Scenario};
use super::{conserve, floor, hold, layers, payout, recovery, revenue, shares, upstream};

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// The scenario is refused; all that is wrong with it, at least one thing.
    #[error("the settlement is refused: {}", list(.0))]
    Refused(Vec<Violation>),
    /// The core broke a rule of its own; nothing may be booked.
    #[error("the settlement failed by a fault of this program; keep its input and report it")]
    Fault(#[from] Fault),
}

/// A rule of its own that the core broke; no input may cause one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Money appeared or vanished.
    #[error("the run does not conserve: {came_in} came in and {goes_out} goes out")]
    NotConserved {
        /// Net revenue and everything carried in, in minor units.
        came_in: i128,
        /// Everything that is booked, in minor units.
        goes_out: i128,
    },
    /// A party gets more or less than it earned.
    #[error("what the party {party} gets is not what it earned")]
    PartyNotConserved {
        /// The party.
        party: Id,
    },
    /// An amount was to be divided by nothing.
    #[error("an amount could not be divided")]
    Division(#[source] AllotError),
}

impl From<Vec<Violation>> for SettleError {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Refused(violations)
    }
}

impl From<Violation> for SettleError {
    fn from(violation: Violation) -> Self {
        Self::Refused(vec![violation])
    }
}

fn list(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// Runs a policy over one pool and period.
///
/// # Errors
/// [`SettleError::Refused`] with everything that is wrong with the scenario, found before anything
/// is computed, or with an amount that turned out to be beyond 63 bits.
pub fn settle(scenario: &Scenario) -> Result<Outcome, SettleError> {
    let run = Run::new(scenario)?;
    let net = run.revenue.net;
    if net <= 0 {
        // The check of the sums leaves room for the sign.
        let pool_deficit = net.saturating_neg();
        return Ok(Outcome::Stopped(Stopped { net, pool_deficit }));
    }
    let mut result = Settlement::default();
    revenue::net(&run, &mut result);
    let left = revenue::operator_fee(&run, &mut result);
    let left = revenue::ceiling(&run, left, &mut result)?;
    let (left, costs) = recovery::pay(&run, left, &mut result)?;
    let left = layers::public_interest(&run, left, &mut result);
    layers::profit_layer(&run, left, &mut result)?;
    let shares = shares::share(&run, &mut result)?;
    let upstream = upstream::pass(&run, &shares.contributions, &mut result);
    let raises = floor::top_up(&run, &shares, &upstream, &mut result)?;
    let topped_up = raises
        .iter()
        .fold(0i64, |sum, raise| sum.saturating_add(raise.amount));
    let earned = hold::set_aside(&run, &costs, &shares, &upstream, &raises, &mut result);
    payout::pay_out(&run, &earned, &mut result)?;
    layers::next_profit_layer(topped_up, &mut result);
    conserve::check(&run, &result)?;
    Ok(Outcome::Settled(Box::new(result)))
}

impl Settlement {
    /// Adds a line about the pool as a whole.
    pub(super) fn pool_line(&mut self, step: u8, name: LineName, amount: i64, because: Because) {
        self.lines.push(Line {
            step,
            name,
            contribution: None,
            party: None,
            amount,
            because,
        });
    }

    /// Adds a line about a party.
    pub(super) fn party_line(
        &mut self,
        step: u8,
        name: LineName,
        party: &Id,
        amount: i64,
        because: Because,
    ) {
        let party = Some(party.clone());
        self.lines.push(Line {
            step,
            name,
            contribution: None,
            party,
            amount,
            because,
        });
    }
}
