//! What one run results in, sorted by id and ready to be booked.

use super::lines::Line;
use super::scenario::Id;

/// The result of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to share: only the deficit is booked.
    Stopped(Stopped),
    /// The whole waterfall ran.
    Settled(Box<Settlement>),
}

/// A run whose net revenue was not above zero; all other balances stay as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// The net revenue in minor units, zero or negative.
    pub net: i64,
    /// The deficit that the next run opens with, `-net`.
    pub pool_deficit: i64,
}

/// A run that went through all steps; amounts are minor units and not negative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Step 1: receipts less refunds, chargebacks and the opening deficit.
    pub net: i64,
    /// Step 2: what the operator takes.
    pub operator_fee: i64,
    /// Step 3: the over-recovery carried out.
    pub over_recovery: i64,
    /// Step 4: the sum of all costs that came back.
    pub cost_recovered: i64,
    /// Step 5: what goes to the public-interest fund.
    pub public_interest: i64,
    /// Step 6: what is left, with the opening profit layer.
    pub profit_layer: i64,
    /// Step 6: the part of the profit layer set aside for top-ups.
    pub floor_budget: i64,
    /// Step 6: the part of the profit layer that is shared by value.
    pub shared: i64,
    /// Steps 7 and 8: what found nobody to go to.
    pub undistributed: i64,
    /// Step 16: what the next run opens with.
    pub next_profit_layer: i64,
    /// Every claim of the scenario, by ascending id.
    pub claims: Vec<ClaimResult>,
    /// Every contribution of the scenario, by ascending id.
    pub contributions: Vec<ContributionResult>,
    /// The top-ups above zero, by ascending owner.
    pub top_ups: Vec<TopUp>,
    /// Every party of the scenario, by ascending id.
    pub parties: Vec<PartyResult>,
    /// Why each amount is what it is, by step, contribution and party.
    pub lines: Vec<Line>,
}

/// What came back on one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimResult {
    /// The claim's id.
    pub id: Id,
    /// The contribution that the cost was spent on.
    pub contribution: Id,
    /// The party that is paid back.
    pub party: Id,
    /// What came back in this run.
    pub paid: i64,
    /// What is outstanding after it.
    pub outstanding: i64,
}

/// What one contribution earned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionResult {
    /// The contribution's id.
    pub id: Id,
    /// The party that made it.
    pub party: Id,
    /// Its share after the owner cap (step 8).
    pub share: i64,
    /// What it keeps after upstream shares (step 9).
    pub after_upstream: i64,
    /// The costs on it that came back.
    pub cost: i64,
    /// The contested part of `cost`.
    pub held_cost: i64,
    /// The contested part of `after_upstream`.
    pub held_profit: i64,
}

/// What one owner was topped up by, above zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopUp {
    /// The owner.
    pub owner: Id,
    /// The party that it goes to, the owner's lowest by id.
    pub party: Id,
    /// How much, contested part included.
    pub amount: i64,
    /// The contested part.
    pub held: i64,
}

/// What one party is owed and why it is not more;
/// `payable + carried + held + offset + reserve + tax = cost + profit + carried in`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyResult {
    /// The party's id.
    pub id: Id,
    /// Its beneficial owner.
    pub owner: Id,
    /// What earlier runs carried for it.
    pub carried_in: i64,
    /// The costs that came back, contested ones included.
    pub cost: i64,
    /// What it keeps after upstream shares, with its top-up, contested parts included.
    pub profit: i64,
    /// What can be paid out now.
    pub payable: i64,
    /// What waits for a later run because it is below the minimum payout.
    pub carried: i64,
    /// The contested part of the costs.
    pub held_cost: i64,
    /// The contested part of the profit.
    pub held_profit: i64,
    /// What is kept back for the owner's debt.
    pub offset: i64,
    /// What is set aside.
    pub reserve: i64,
    /// The tax withheld.
    pub tax: i64,
}
