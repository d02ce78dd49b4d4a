//! The explained steps: for each amount its inputs, by name and number.
//!
//! The fields of each reason stand in the order of their bytes, because they are written to the
//! canonical form in the order in which they are declared.

use serde::Serialize;

use super::scenario::Id;

/// One step's amount, for the pool, a contribution or a party.
///
/// The amounts of a party's lines of steps 4 to 14, with what was carried in, sum to the amount of
/// its line of step 15: what leaves it is negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number of the step, 1 to 16.
    pub step: u8,
    /// What the step did.
    pub name: LineName,
    /// The contribution, where the step looks at one.
    pub contribution: Option<Id>,
    /// The party, where the step looks at one.
    pub party: Option<Id>,
    /// Minor units; negative where a contribution or party gives up something.
    pub amount: i64,
    /// The inputs that the amount follows from.
    pub because: Because,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineName {
    /// Step 1, for the pool.
    NetRevenue,
    /// Step 2, for the pool.
    OperatorFee,
    /// Step 3, for the pool: what goes on.
    RegulatedCeiling,
    /// Step 4, for the pool: what there is for costs.
    CostBudget,
    /// Step 4, for a claim: what comes back.
    CostRecovery,
    /// Step 5, for the pool.
    PublicInterest,
    /// Step 6, for the pool.
    ProfitLayer,
    /// Step 6, for the pool.
    FloorBudget,
    /// Step 7, for a contribution: its share by weight, before any cap.
    ValueShare,
    /// Step 8, for a contribution: what the cap takes, or what others' excess gives.
    OwnerCap,
    /// Step 9, for a contribution: what came up one edge.
    UpstreamReceived,
    /// Step 9, for a contribution: what went up one edge, negative.
    UpstreamPassed,
    /// Step 10, for a party: its owner's top-up.
    FloorTopUp,
    /// Step 11, for a party: the contested part of its top-up, negative.
    HeldTopUp,
    /// Step 11, for a contribution: the contested part of its costs, negative.
    HeldCost,
    /// Step 11, for a contribution: the contested part of what it keeps, negative.
    HeldProfit,
    /// Step 12, for a party, negative.
    WithholdingTax,
    /// Step 13, for a party, negative.
    Offset,
    /// Step 14, for a party, negative.
    Reserve,
    /// Step 15, for a party: all that is left, to be paid out.
    Payable,
    /// Step 15, for a party: all that is left, too little to be paid out.
    Carried,
    /// Step 16, for the pool.
    NextProfitLayer,
}

/// The inputs of one line, by name and number; units are those of the scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Because {
    /// `receipts - refunds - chargebacks - opening_deficit`.
    NetRevenue {
        /// The sum of chargebacks.
        chargebacks: i64,
        /// The deficit carried in.
        opening_deficit: i64,
        /// The sum of receipts.
        receipts: i64,
        /// The sum of refunds.
        refunds: i64,
    },
    /// `min(bps(net, bps) + flat, cap, net)`.
    OperatorFee {
        /// The rate of the fee.
        bps: u32,
        /// The most that is taken, if there is a limit.
        #[serde(skip_serializing_if = "Option::is_none")]
        cap: Option<i64>,
        /// The fixed amount.
        flat: i64,
        /// The net revenue.
        net: i64,
    },
    /// `left + over_recovery_in - over_recovery_out`, at most the maximum.
    RegulatedCeiling {
        /// What the operator's fee left.
        left: i64,
        /// The ceiling, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        maximum_revenue: Option<i64>,
        /// The over-recovery carried in.
        over_recovery_in: i64,
        /// The over-recovery carried out.
        over_recovery_out: i64,
    },
    /// `min(bps(net, tier_cap_bps), left)`.
    CostBudget {
        /// What is left after step 3.
        left: i64,
        /// The net revenue.
        net: i64,
        /// The limit for all costs together.
        tier_cap_bps: u32,
    },
    /// `outstanding` if the class fits into its budget, else `allot` by what is outstanding.
    CostRecovery {
        /// The claim.
        claim: Id,
        /// The class of cost.
        class: Id,
        /// What is left of the budget when the class has its turn.
        class_budget: i64,
        /// The sum outstanding in the class; it may be beyond 64 bits.
        class_outstanding: u128,
        /// 1 if one of the units left over by the division went here.
        leftover_unit: u8,
        /// What was outstanding on the claim.
        outstanding: i64,
    },
    /// `bps(left, bps)`.
    PublicInterest {
        /// The rate.
        bps: u32,
        /// What is left after costs.
        left: i64,
    },
    /// `left + opening`.
    ProfitLayer {
        /// What is left after step 5.
        left: i64,
        /// The profit layer carried in.
        opening: i64,
    },
    /// `bps(profit_layer, budget_bps)`; `shared` is the rest.
    FloorBudget {
        /// The rate of the budget.
        budget_bps: u32,
        /// The profit layer.
        profit_layer: i64,
        /// What is shared by value.
        shared: i64,
    },
    /// `allot(owner_share, weights of the owner's contributions)`, where the owner's share is
    /// `allot(distributed, owners' weights)`.
    ValueShare {
        /// What is shared by value.
        distributed: i64,
        /// 1 if one of the units left over by the division within the owner went here.
        leftover_unit: u8,
        /// The owner.
        owner: Id,
        /// 1 if one of the units left over by the division among owners went to this owner.
        owner_leftover_unit: u8,
        /// The owner's share.
        owner_share: i64,
        /// The weights of the owner's contributions.
        owner_weight: u64,
        /// All weights.
        total_weight: u64,
        /// The weight of the contribution.
        weight: u64,
    },
    /// `share_after - share_before`.
    OwnerCap {
        /// The most that one owner gets.
        cap: i64,
        /// The owner.
        owner: Id,
        /// The owner's share after the cap and the others' excess.
        owner_share_after: i64,
        /// The owner's share before.
        owner_share_before: i64,
        /// The contribution's share after.
        share_after: i64,
        /// The contribution's share before.
        share_before: i64,
    },
    /// `bps(holds, bps)` of what the child holds.
    UpstreamReceived {
        /// The rate of the edge.
        bps: u32,
        /// The child that it comes from.
        child: Id,
        /// The part of it that is contested.
        contested: i64,
        /// What the child holds when its turn comes.
        holds: i64,
        /// 1 if the child belongs to another owner, so that it counts against the floor.
        other_owner: u8,
    },
    /// `bps(holds, bps)` of what the contribution holds.
    UpstreamPassed {
        /// The rate of the edge.
        bps: u32,
        /// The part of it that is contested.
        contested: i64,
        /// What the contribution holds when its turn comes.
        holds: i64,
        /// The parent that it goes to.
        parent: Id,
    },
    /// `need` if all needs fit into the budget, else `allot` by need;
    /// `need = max(0, floor - share - received)`.
    FloorTopUp {
        /// What there is for top-ups.
        budget: i64,
        /// The floor.
        floor: i64,
        /// 1 if one of the units left over by the division went here.
        leftover_unit: u8,
        /// What the owner needs to reach the floor.
        need: i64,
        /// The needs of all eligible owners; it may be beyond 64 bits.
        needs: u128,
        /// The owner.
        owner: Id,
        /// What came up from contributions of other owners.
        received: i64,
        /// The owner's share after step 8.
        share: i64,
    },
    /// `ceil(top_up * owner_held_profit / owner_profit)`, or all of it where there is no profit
    /// and a contribution carries a hold.
    HeldTopUp {
        /// The contested part of the owner's profit.
        owner_held_profit: i64,
        /// The owner's profit after step 9.
        owner_profit: i64,
        /// The top-up.
        top_up: i64,
    },
    /// `ceil(cost * fraction)`.
    HeldCost {
        /// The costs that came back.
        cost: i64,
        /// The sum of the holds, at most 1/1; absent where it takes more than 64 bits.
        #[serde(skip_serializing_if = "Option::is_none")]
        fraction: Option<Id>,
    },
    /// `min(kept, max(0, contested - contested_passed))`, where
    /// `contested = contested_received + ceil((holds - contested_received) * fraction)`.
    HeldProfit {
        /// The contested part of what the contribution holds.
        contested: i64,
        /// What was contested of what it passed up.
        contested_passed: i64,
        /// What had come up contested.
        contested_received: i64,
        /// The sum of its holds, at most 1/1; absent where it takes more than 64 bits.
        #[serde(skip_serializing_if = "Option::is_none")]
        fraction: Option<Id>,
        /// What the contribution holds when its turn comes.
        holds: i64,
        /// What it keeps after passing up.
        kept: i64,
    },
    /// `bps(unheld_profit, bps)`.
    WithholdingTax {
        /// The rate.
        bps: u32,
        /// The profit that is not contested.
        unheld_profit: i64,
    },
    /// `allot(min(debt, limits), limit of each party)`.
    Offset {
        /// The owner's debt.
        debt: i64,
        /// 1 if one of the units left over by the division went here.
        leftover_unit: u8,
        /// The most that is kept back from this party.
        limit: i64,
        /// The limits of all the owner's parties; it may be beyond 64 bits.
        limits: u128,
        /// The limit's rate.
        offset_max_bps: u32,
        /// The owner.
        owner: Id,
        /// The tax.
        tax: i64,
        /// Costs and profit that are not contested.
        unheld: i64,
    },
    /// `min(bps(unheld - offset, bps), unheld - offset - tax)`.
    Reserve {
        /// The rate.
        bps: u32,
        /// What is kept back for a debt.
        offset: i64,
        /// The tax.
        tax: i64,
        /// Costs and profit that are not contested.
        unheld: i64,
    },
    /// `carried_in + left`, payable if it is above zero and at least the minimum.
    Payout {
        /// What earlier runs carried.
        carried_in: i64,
        /// What is left of this run after tax, offset and reserve.
        left: i64,
        /// The smallest amount that is paid out.
        minimum_payout: i64,
    },
    /// `undistributed + unused_floor_budget`.
    NextProfitLayer {
        /// What found nobody to go to.
        undistributed: i64,
        /// What the top-ups left of the floor budget.
        unused_floor_budget: i64,
    },
}
