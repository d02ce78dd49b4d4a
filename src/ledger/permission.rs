//! Who may do what: one table over every action, asked before any rule.
//!
//! The table says which roles may ask at all. That a thing is the actor's own (its contribution,
//! its pool) is a rule of the action, and is answered as if the thing did not exist.

use crate::domain::{ActionKind, Role};

/// Who may ask for an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// A party with one of these roles.
    Roles(&'static [Role]),
    /// Every admitted party, for itself.
    EveryParty,
}

impl Permission {
    /// Says whether a party with these roles may ask.
    pub fn allows(self, roles: &[Role]) -> bool {
        match self {
            Self::Roles(allowed) => allowed.iter().any(|role| roles.contains(role)),
            Self::EveryParty => true,
        }
    }
}

/// Returns who may ask for an action.
pub fn permission(kind: ActionKind) -> Permission {
    use ActionKind as Kind;
    match kind {
        Kind::Found
        | Kind::AmendCharter
        | Kind::Upgrade
        | Kind::AdmitParty
        | Kind::ReplaceKey
        | Kind::PublishPolicy
        | Kind::OpenPool
        | Kind::ApproveCost
        | Kind::StartValuation
        | Kind::FreezePeriod
        | Kind::Settle
        | Kind::IssuePayout
        | Kind::SettlePayout
        | Kind::FailPayout => Permission::Roles(&[Role::Operator]),
        Kind::RotateKey | Kind::RevokeKey => Permission::EveryParty,
        Kind::RecordContribution
        | Kind::RecordContributions
        | Kind::WithdrawContribution
        | Kind::GrantUse
        | Kind::RevokeUse
        | Kind::ClaimCost => Permission::Roles(&[Role::Provider]),
        Kind::DeclareUse => Permission::Roles(&[Role::Payer]),
        Kind::PostRevenue => Permission::Roles(&[Role::Payer, Role::Operator]),
        Kind::ImportWeights => Permission::Roles(&[Role::Evaluator]),
        Kind::CommitReveal => Permission::Roles(&[Role::Payer, Role::Evaluator, Role::Auditor]),
        Kind::FinishValuation => Permission::Roles(&[Role::Service]),
    }
}
