//! A log that changes its key is audited across the change, by who pinned either key.

use super::{Shown, told};
use crate::ledger::testing::{Scenario, public_key};

/// The change of keys is entry 7; batches end at 3, 6, 9 and 10.
fn changed() -> Shown {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record digits@1 -> ok
         operator amend 500000 key=log#1 -> ok
         provider record digits@2 -> ok
         provider record digits@3 -> ok",
    );
    assert_eq!(scenario.accepted.len(), 11);
    let mut shown = Shown::of(&scenario);
    shown.notes.insert(9, shown.note_by(9, &[0, 1]));
    shown.notes.insert(11, shown.note_by(11, &[1]));
    shown.newest = Some(shown.note_by(11, &[1]));
    // Who connects learns the key before the audit.
    let mut learned = shown.pins.log_keys[0].clone();
    learned.key = public_key("log", 1);
    shown.pins.log_keys.push(learned);
    shown
}

#[test]
fn an_audit_passes_across_a_change_of_keys() {
    let shown = changed();
    for part in 1..=shown.leaves.len() {
        let report = shown.audit_in(part, &[shown.receipt(4)]);
        assert_eq!(told(&report), Vec::<String>::new(), "in parts of {part}");
        assert_eq!(report.checked.checkpoints, 4);
    }
    // Who has only the new key knows the old one from the ledger's id.
    let mut newcomer = shown;
    newcomer.pins.log_keys.remove(0);
    assert_eq!(newcomer.found(), Vec::<String>::new());
}

#[test]
fn a_checkpoint_by_the_wrong_key_is_found() {
    for (size, numbers) in [
        (6, &[1][..]),
        (9, &[0]),
        (9, &[1]),
        (11, &[0]),
        (11, &[2]),
        (9, &[0, 2]),
    ] {
        let mut shown = changed();
        shown
            .notes
            .insert(size as u64, shown.note_by(size, numbers));
        let expected = format!("checkpoint of size {size}: CHECKPOINT_INVALID");
        assert_eq!(shown.found(), [expected], "signed by {numbers:?}");
    }
}
