//! Founding, the order of checks, the charter, parties and keys.

use crate::ledger::state_hash;
use crate::ledger::testing::Scenario;
use crate::ledger::testing::public_key;
use crate::ledger::{CharterRow, KeyRow, KeyState, LogKeyRow, PartyRow};

#[test]
fn founding_is_the_first_entry_and_only_that() {
    let mut scenario = Scenario::default();
    scenario.check(
        "school record digits@1 -> KEY_UNKNOWN
         operator !by:other#0 found -> KEY_UNKNOWN
         operator !signature found -> SIGNATURE_INVALID
         operator !ledger found -> LEDGER_MISMATCH
         school !by:operator#0 found -> ACTOR_MISMATCH
         operator !late found -> TIME_WINDOW
         operator found -> ok
         operator !again -> again at 0
         operator found -> ALREADY_FOUNDED
         operator admit school provider -> ok
         school found -> NOT_PERMITTED",
    );
}

#[test]
fn the_fields_of_the_founding_are_checked() {
    let mut scenario = Scenario::default();
    let good = scenario.found();
    let mut cases = vec![good.clone(); 5];
    cases[0].time_window_ms = 0;
    cases[1].approvals = vec![42];
    cases[2].rules_version = 2;
    cases[3].log_key = good.operator_key;
    cases[4].origin = "other.example".parse().unwrap();
    let answers: Vec<String> = cases
        .into_iter()
        .map(|found| {
            // The proof of possession is over the nonce, so each case starts anew.
            let mut scenario = Scenario::default();
            let signed = scenario.sign("operator", found.clone());
            let mut signed = signed;
            signed.command.created_at = scenario.now();
            crate::ledger::testing::answer_text(&scenario.send(&signed))
        })
        .collect();
    assert_eq!(
        answers,
        [
            "INVALID_ARGUMENT found.time_window_ms",
            "INVALID_ARGUMENT found.approvals",
            "RULES_VERSION_UNKNOWN",
            "KEY_TAKEN",
            "POSSESSION_INVALID",
        ]
    );
    assert_eq!(scenario.answer("operator", good), "ok");
}

#[test]
fn checks_come_in_their_order() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "lab !by:ghost#0 !signature amend 5 -> KEY_UNKNOWN
         lab !by:log#0 !signature amend 5 -> KEY_UNKNOWN
         lab !signature !ledger amend 5 -> SIGNATURE_INVALID
         lab !by:provider !ledger amend 5 -> LEDGER_MISMATCH
         lab !by:provider !late amend 5 -> ACTOR_MISMATCH
         lab rotate -> ok
         lab !by:lab#0 !late amend 5 -> KEY_INACTIVE
         lab !by:lab#0 !signature amend 5 -> SIGNATURE_INVALID
         lab !by:lab#0 amend 5 -> KEY_INACTIVE
         lab !late amend 5 -> TIME_WINDOW
         lab !early amend 5 -> TIME_WINDOW
         lab !edge amend 5 -> NOT_PERMITTED
         lab amend 5 -> NOT_PERMITTED
         operator amend 5 -> INVALID_ARGUMENT amend_charter.time_window_ms",
    );
}

#[test]
fn a_command_sent_again_gets_its_first_index_whatever_became_of_the_key() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "lab rotate -> ok
         lab !again -> again at 7
         operator amend 1000 -> ok
         operator revoke lab -> ok
         lab !again -> again at 7
         lab !again !late -> again at 7
         lab !again !signature -> SIGNATURE_INVALID
         lab !again !ledger -> LEDGER_MISMATCH
         lab !again !by:provider -> ACTOR_MISMATCH
         lab revoke lab#0 -> KEY_INACTIVE",
    );
}

#[test]
fn the_charter_changes_from_the_next_entry_on() {
    let mut scenario = Scenario::founded();
    scenario.check(
        "operator !edge amend 1000 -> ok
         operator !edge amend 86400000 -> ok
         operator amend 86400001 -> INVALID_ARGUMENT amend_charter.time_window_ms
         operator !edge amend 999 -> INVALID_ARGUMENT amend_charter.time_window_ms
         operator upgrade 1 -> RULES_VERSION_UNKNOWN
         operator upgrade 2 -> RULES_VERSION_UNKNOWN",
    );
}

#[test]
fn parties_are_admitted_on_their_own_application() {
    let mut scenario = Scenario::founded();
    scenario.check(
        "operator admit school provider payer -> ok
         operator admit school provider -> NAME_TAKEN
         operator admit school provider key=school#0 terms=others -> NAME_TAKEN
         operator admit lab provider key=school#0 -> KEY_TAKEN
         operator admit lab provider key=school#0 terms=others -> KEY_TAKEN
         operator admit lab provider key=log#0 -> KEY_TAKEN
         operator admit lab provider terms=others -> APPLICATION_INVALID
         operator admit lab provider ledger=other -> APPLICATION_INVALID
         operator admit lab provider signature=bad -> APPLICATION_INVALID
         school admit lab provider -> NOT_PERMITTED
         operator admit lab provider -> ok",
    );
    let school = scenario
        .row::<PartyRow>(&"school".parse().unwrap())
        .unwrap();
    assert_eq!(
        (school.admitted_at, school.beneficial_owner.as_str()),
        (1, "school")
    );
}

#[test]
fn owners_do_not_chain() {
    let mut scenario = Scenario::founded();
    scenario.check(
        "operator admit aa provider owner=holding -> ok
         operator admit bb provider owner=holding -> ok
         operator admit cc provider owner=aa -> INVALID_ARGUMENT admit_party.beneficial_owner
         operator admit holding provider owner=xx -> INVALID_ARGUMENT admit_party.beneficial_owner
         operator admit holding provider -> ok
         operator admit cc provider owner=holding -> ok
         operator admit dd provider owner=dd -> ok",
    );
}

#[test]
fn the_log_changes_its_key_by_an_entry() {
    let mut scenario = Scenario::founded();
    scenario.check(
        "operator amend 1000 key=log#0 -> KEY_TAKEN
         operator amend 1000 key=operator#0 -> KEY_TAKEN
         operator amend 1000 key=log#1 proof=stale -> POSSESSION_INVALID
         operator amend 999 key=log#1 -> INVALID_ARGUMENT amend_charter.time_window_ms
         operator amend 1000 key=log#1 -> ok
         operator amend 2000 -> ok
         operator amend 2000 key=log#0 -> KEY_TAKEN
         operator rotate key=log#1 -> KEY_TAKEN
         operator amend 2000 key=log#2 -> ok",
    );
    let charter = scenario.row::<CharterRow>(&()).unwrap();
    assert_eq!(charter.log_key, public_key("log", 2));
    let state = |number| scenario.row::<KeyRow>(&public_key("log", number)).unwrap();
    assert_eq!(state(0).state, KeyState::Rotated { at: 1 });
    assert_eq!(state(1).state, KeyState::Rotated { at: 3 });
    assert_eq!((state(2).state, state(2).since), (KeyState::Active, 3));
    let held = |index| scenario.row::<LogKeyRow>(&index).map(|row| row.public_key);
    let keys = [0, 1, 2].map(|number| Some(public_key("log", number)));
    assert_eq!([held(0), held(1), held(3)], keys);
    assert_eq!(held(2), None);
}

#[test]
fn keys_are_rotated_revoked_and_replaced() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "lab rotate key=provider#0 -> KEY_TAKEN
         lab rotate key=provider#0 proof=stale -> KEY_TAKEN
         lab rotate key=lab#0 -> KEY_TAKEN
         lab rotate key=log#0 -> KEY_TAKEN
         lab rotate proof=stale -> POSSESSION_INVALID
         lab rotate -> ok
         lab revoke lab#0 -> KEY_STATE
         lab revoke provider -> NOT_FOUND
         lab revoke ghost -> NOT_FOUND
         operator revoke ghost -> NOT_FOUND
         operator revoke log#0 -> NOT_FOUND
         lab revoke lab suspect=9 -> INVALID_ARGUMENT revoke_key.suspect_from
         lab revoke lab suspect=8 -> ok
         operator replace ghost -> NOT_FOUND
         operator replace lab key=lab#1 -> KEY_TAKEN
         operator replace lab proof=stale -> POSSESSION_INVALID
         provider replace lab -> NOT_PERMITTED
         operator replace lab -> ok
         lab !by:lab#1 rotate -> KEY_INACTIVE
         lab rotate -> ok
         operator replace lab -> ok
         lab rotate -> ok",
    );
    let states: Vec<KeyState> = (0..6)
        .map(|number| {
            scenario
                .row::<KeyRow>(&public_key("lab", number))
                .unwrap()
                .state
        })
        .collect();
    let suspect_from = Some(8);
    assert_eq!(
        states,
        [
            KeyState::Rotated { at: 7 },
            KeyState::Revoked {
                at: 8,
                suspect_from
            },
            KeyState::Rotated { at: 10 },
            KeyState::Replaced { at: 11 },
            KeyState::Rotated { at: 12 },
            KeyState::Active,
        ]
    );
}

#[test]
fn the_last_key_of_an_operator_stays() {
    let mut scenario = Scenario::founded();
    scenario.check(
        "operator revoke operator -> LAST_OPERATOR_KEY
         operator admit second operator auditor -> ok
         operator revoke operator -> ok
         second revoke second -> LAST_OPERATOR_KEY
         second replace operator -> ok
         second revoke second -> ok
         operator revoke operator -> LAST_OPERATOR_KEY",
    );
}

#[test]
fn a_replay_gives_the_same_rows() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "lab rotate -> ok
         operator amend 1000 -> ok
         operator revoke lab -> ok
         operator replace lab -> ok",
    );
    assert_eq!(scenario.replay(), state_hash(&scenario.view).unwrap());
}
