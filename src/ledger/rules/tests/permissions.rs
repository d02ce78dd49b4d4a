//! Every action asked for by every role: allowed means that its rules are reached.

use crate::domain::{ActionKind, Role};
use crate::ledger::permission::{Permission, permission};
use crate::ledger::testing::{Scenario, answer_text, sample};

const ROLES: [(Role, char); 6] = [
    (Role::Operator, 'O'),
    (Role::Provider, 'P'),
    (Role::Payer, 'Y'),
    (Role::Evaluator, 'E'),
    (Role::Auditor, 'A'),
    (Role::Service, 'S'),
];

/// The roles that may ask, by action; a role that is not named may not.
const TABLE: &str = "
    Found                O
    AmendCharter         O
    Upgrade              O
    AdmitParty           O
    RotateKey            OPYEAS
    RevokeKey            OPYEAS
    ReplaceKey           O
    RecordContribution   P
    RecordContributions  P
    WithdrawContribution P
    GrantUse             P
    RevokeUse            P
    PublishPolicy        O
    OpenPool             O
    DeclareUse           Y
    PostRevenue          OY
    ClaimCost            P
    ApproveCost          O
    ImportWeights        E
    CommitReveal         YEA
    StartValuation       O
    FinishValuation      S
    FreezePeriod         O
    Settle               O
    IssuePayout          O
    SettlePayout         O
    FailPayout           O
";

#[test]
fn every_action_by_every_role() {
    let mut found = String::from("\n");
    for kind in ActionKind::ALL {
        let allowed = ROLES
            .iter()
            .filter(|(role, _)| permission(*kind).allows(&[*role]));
        let letters: String = allowed.map(|(_, letter)| letter).collect();
        found.push_str(&format!("    {:<20} {letters}\n", kind.name()));
    }
    assert_eq!(found, TABLE);
}

#[test]
fn the_door_lets_through_whom_the_table_names() {
    let mut scenario = Scenario::peopled();
    for kind in ActionKind::ALL {
        for (role, _) in ROLES {
            let name = serde_json::to_value(role).unwrap();
            let name = name.as_str().unwrap();
            let action = sample(&mut scenario, name, *kind);
            assert_eq!(action.kind(), *kind);
            let signed = scenario.sign(name, action);
            let answer = answer_text(&scenario.decide(&signed).unwrap());
            let allowed = permission(*kind).allows(&[role]);
            assert_eq!(
                answer != "NOT_PERMITTED",
                allowed,
                "{name} {}: {answer}",
                kind.name()
            );
        }
    }
}

#[test]
fn one_role_of_several_is_enough_and_none_is_not() {
    for kind in ActionKind::ALL {
        let everyone = permission(*kind) == Permission::EveryParty;
        assert_eq!(permission(*kind).allows(&[]), everyone, "{}", kind.name());
        let all = ROLES.map(|(role, _)| role);
        assert!(permission(*kind).allows(&all), "{}", kind.name());
    }
}
