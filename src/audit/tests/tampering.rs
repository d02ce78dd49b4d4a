//! Each way of tampering with a log is found, and the entry is named.

use super::{Shown, scenario, told};
use crate::audit::{Auditor, FINDINGS_MAX, Verdict};
use crate::domain::{Action, KeptReceipt, UnixMillis};

#[test]
fn an_honest_log_is_equal_in_parts_of_any_size() {
    let shown = Shown::of(&scenario());
    let size = shown.leaves.len();
    let first = shown.audit_in(1, &[]);
    assert_eq!(told(&first), Vec::<String>::new());
    assert_eq!(first.verdict(), Verdict::Equal);
    assert_eq!(first.checked.entries, size as u64);
    assert_eq!(first.checked.commands, size as u64);
    assert_eq!(first.checked.checkpoints, shown.notes.len() as u64);
    for part in 2..=size {
        assert_eq!(shown.audit_in(part, &[]), first, "in parts of {part}");
    }
}

#[test]
fn receipts_of_an_honest_log_agree() {
    let shown = Shown::of(&scenario());
    let kept: Vec<_> = (0..shown.leaves.len())
        .map(|index| shown.receipt(index))
        .collect();
    let report = shown.audit_in(4, &kept);
    assert_eq!(told(&report), Vec::<String>::new());
    assert_eq!(report.checked.receipts, shown.leaves.len() as u64);
}

#[test]
fn any_flipped_byte_is_found_at_its_entry() {
    let honest = Shown::of(&scenario());
    for index in 0..honest.leaves.len() {
        // A prime step, so that every part of an entry is met in some entry.
        for place in (index % 7..honest.leaves[index].len()).step_by(7) {
            let mut shown = honest.clone();
            let mut leaf = shown.leaves[index].to_vec();
            leaf[place] ^= 1 << (place % 8);
            shown.leaves[index] = leaf.into();
            let found = shown.found();
            let at = format!("entry {index}: ");
            let roots = found.iter().filter(|one| one.ends_with("ROOT_DIFFERS"));
            assert_eq!(roots.count(), 1, "byte {place} of entry {index}: {found:?}");
            // The recorded time is under no signature, so only the root betrays it.
            let in_time = (1..9).contains(&place);
            let named = found.iter().any(|one| one.starts_with(&at));
            assert!(named || in_time, "byte {place} of entry {index}: {found:?}");
        }
    }
}

#[test]
fn two_entries_in_another_order_are_found() {
    let mut shown = Shown::of(&scenario());
    shown.leaves.swap(8, 9);
    let found = shown.found();
    assert!(
        found.contains(&"entry 9: TIME_REVERSED".to_owned()),
        "{found:?}"
    );
    // Signed anew, the order is still not that of the times.
    shown.sign();
    assert_eq!(
        shown.found(),
        ["entry 8: ENTRY_REFUSED", "entry 9: TIME_REVERSED"]
    );
}

#[test]
fn a_shorter_log_is_found() {
    let honest = Shown::of(&scenario());
    let mut shown = honest.clone();
    assert_eq!(shown.leaves.len(), 13);
    shown.leaves.truncate(11);
    assert_eq!(
        shown.found(),
        ["log: LOG_TRUNCATED", "entry 9: NOT_COVERED"]
    );
    // Signed anew it is consistent in itself; only who kept a receipt can tell.
    shown.sign();
    assert_eq!(shown.found(), Vec::<String>::new());
    let report = shown.audit_in(4, &[honest.receipt(12)]);
    assert_eq!(told(&report), ["receipt of entry 12: RECEIPT_CONTRADICTED"]);
    shown.leaves.clear();
    assert_eq!(shown.found()[1], "log: LOG_TRUNCATED");
}

#[test]
fn entries_left_out_are_found() {
    let shown = Shown::of(&scenario());
    let mut auditor = Auditor::new(shown.pins.clone(), shown.blobs.clone(), &[], None);
    auditor.push(0, shown.leaves[..2].to_vec(), &[]);
    auditor.push(3, shown.leaves[3..].to_vec(), &[]);
    auditor.push(2, shown.leaves[2..3].to_vec(), &[]);
    let report = auditor.finish(Ok(&[]));
    assert_eq!(
        told(&report),
        ["entry 2: ORDER_WRONG", "entry 0: NOT_COVERED"]
    );
}

/// The operator rewrites one of its own commands and signs everything with the real keys.
#[test]
fn a_log_signed_anew_is_exposed_by_receipts_alone() {
    let honest = Shown::of(&scenario());
    let amended = 7;
    let mut shown = honest.clone();
    shown.change(amended, |command| {
        let Action::AmendCharter(amend) = &mut command.action else {
            panic!("entry {amended} amends the charter");
        };
        amend.time_window_ms = 900_000;
    });
    shown.sign();
    assert_eq!(shown.found(), Vec::<String>::new());

    // A provider's receipt of another entry shows that the past was changed.
    let last = honest.leaves.len() - 1;
    let report = shown.audit_in(4, &[honest.receipt(8)]);
    let at = format!("checkpoint of size {}: RECEIPT_CONTRADICTED", last + 1);
    assert_eq!(told(&report), std::slice::from_ref(&at));
    // The receipt of the entry itself shows what was changed.
    let report = shown.audit_in(4, &[honest.receipt(amended)]);
    assert_eq!(
        told(&report),
        ["receipt of entry 7: RECEIPT_CONTRADICTED".to_owned(), at]
    );
    let message = &report.findings[0].message;
    assert!(
        message.contains("amend_charter.time_window_ms is 900000, not 500000"),
        "{message}"
    );
}

#[test]
fn a_receipt_that_proves_nothing_is_said_to() {
    let shown = Shown::of(&scenario());
    let honest = shown.receipt(3);
    let spoil = |spoil: fn(&mut KeptReceipt)| {
        let mut receipt = honest.clone();
        spoil(&mut receipt);
        let report = shown.audit_in(4, &[receipt]);
        assert_eq!(report.findings.len(), 1);
        report.findings[0].to_string()
    };
    for (expected, found) in [
        (
            "the signature in the receipt",
            spoil(|r| r.receipt.signature.0[0] ^= 1),
        ),
        (
            "its proof proves nothing",
            spoil(|r| r.receipt.recorded_at = UnixMillis(1)),
        ),
        ("its proof proves nothing", spoil(|r| r.receipt.index += 1)),
        (
            "its proof proves nothing",
            spoil(|r| r.receipt.inclusion_proof[0].0[0] ^= 1),
        ),
        (
            "its checkpoint is not one of the log",
            spoil(|r| r.receipt.checkpoint.insert(0, 'x')),
        ),
    ] {
        assert!(found.contains(expected), "{found}");
        assert!(found.contains("RECEIPT_INVALID"), "{found}");
    }
}

#[test]
fn checkpoints_of_others_are_found() {
    let honest = Shown::of(&scenario());
    let mut shown = honest.clone();
    let spoilt = shown.notes[&6].replace("log.example/test\n6", "log.example/test\n7");
    shown.notes.insert(6, spoilt);
    assert_eq!(shown.found(), ["checkpoint of size 6: CHECKPOINT_INVALID"]);
    let mut shown = honest.clone();
    shown.notes.insert(6, shown.notes[&3].clone());
    assert_eq!(shown.found(), ["checkpoint of size 6: CHECKPOINT_INVALID"]);
    let mut shown = honest.clone();
    shown.pins.log_keys[0].key = crate::ledger::testing::public_key("log", 1);
    let found = shown.found();
    assert_eq!(found[0], "log: CHECKPOINT_INVALID");
    assert!(
        found.contains(&"entry 0: FOUNDING_DIFFERS".to_owned()),
        "{found:?}"
    );
    let mut shown = honest;
    shown.pins.ledger.0[0] ^= 1;
    assert_eq!(shown.found(), ["entry 0: FOUNDING_DIFFERS"]);
}

#[test]
fn a_command_that_the_rules_refuse_ends_the_replay() {
    let mut shown = Shown::of(&scenario());
    shown.change(8, |command| command.created_at = UnixMillis(1));
    shown.sign();
    let report = shown.audit_in(4, &[]);
    assert_eq!(told(&report), ["entry 8: ENTRY_REFUSED"]);
    assert!(
        report.findings[0].message.contains("TIME_WINDOW"),
        "{:?}",
        report.findings
    );
    assert_eq!(report.checked.commands, 8);
    assert!(!report.complete);
    let not_checked = report.not_checked[0].to_string();
    assert!(
        not_checked.contains("the state after entry 8 is not known"),
        "{not_checked}"
    );
}

#[test]
fn a_report_lists_so_many_findings_and_counts_the_rest() {
    let mut shown = Shown::of(&scenario());
    let leaf = shown.leaves[5].clone();
    shown.leaves.extend(std::iter::repeat_n(leaf, FINDINGS_MAX));
    shown.sign();
    let report = shown.audit_in(50, &[]);
    assert_eq!(report.findings.len(), FINDINGS_MAX);
    assert!(report.findings_left_out > 0);
    let text = report.to_string();
    assert!(text.contains("more findings"), "{text}");
    assert_eq!(report.json()["findings_left_out"], report.findings_left_out);
}

#[test]
fn a_report_is_for_people_and_for_programs() {
    let mut shown = Shown::of(&scenario());
    shown.leaves.swap(8, 9);
    shown.sign();
    let report = shown.audit_in(4, &[]);
    let (ledger, root) = (report.ledger, report.root);
    let refused = &report.findings[0].message;
    assert!(refused.starts_with("the rules refuse RecordContribution: NOT_FOUND: "));
    let why = "the state after entry 8 is not known: the rules refuse it";
    let expected = format!(
        "ledger       {ledger}
log          log.example/test
size         13 entries, root {root}
checked      13 entries, 13 signatures, 5 checkpoints, 8 commands
not checked  accounts, invariants and later commands: {why}
finding      entry 8: ENTRY_REFUSED: {refused}
finding      entry 9: TIME_REVERSED: it is older than the entry before it
    expected 2025-10-09T08:53:29.000Z or later
    found    2025-10-09T08:53:28.000Z
verdict      not equal
"
    );
    assert_eq!(report.to_string(), expected);
    let json = report.json();
    assert_eq!(json["verdict"], "different");
    assert_eq!(json["checked"]["commands"], 8);
    assert_eq!(json["root"], root.to_string());
    let finding = serde_json::json!({
        "kind": "TIME_REVERSED",
        "place": "entry 9",
        "index": 9,
        "message": "it is older than the entry before it",
        "expected": "2025-10-09T08:53:29.000Z or later",
        "found": "2025-10-09T08:53:28.000Z",
    });
    assert_eq!(json["findings"][1], finding);
    assert_eq!(json["not_checked"][0]["why"], why);
}
