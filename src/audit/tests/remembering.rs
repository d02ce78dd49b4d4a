//! An audit that goes on where an earlier one has stopped, and files of memory that are not whole.

use super::{Shown, scenario, told};
use crate::audit::{Auditor, Ended, Memory, MemoryError, Report, Verdict};
use crate::domain::KeptReceipt;
use crate::keys::StrictVerifier;

/// Audits the first `size` entries of what is shown, from what is remembered on.
fn audit(shown: &Shown, size: usize, memory: Option<Memory>, kept: &[KeptReceipt]) -> Ended {
    let newest = shown.note_by(size, &[0]);
    let (pins, blobs) = (shown.pins.clone(), shown.blobs.clone());
    let mut auditor = match memory {
        Some(memory) => Auditor::resume(pins, blobs, kept, Some(&newest), memory),
        None => Auditor::new(pins, blobs, kept, Some(&newest)),
    };
    let first = usize::try_from(auditor.taken()).unwrap();
    let mut notes: Vec<(u64, String)> = shown
        .notes
        .range(first as u64 + 1..)
        .filter(|(at, _)| **at < size as u64)
        .map(|(size, note)| (*size, note.clone()))
        .collect();
    notes.extend((first < size).then(|| (size as u64, newest.clone())));
    auditor.push(first as u64, shown.leaves[first..size].to_vec(), &notes);
    auditor.end(Ok(&[]))
}

fn well(ended: Ended) -> (Report, Memory) {
    assert_eq!(told(&ended.report), Vec::<String>::new());
    (ended.report, ended.memory.unwrap())
}

#[test]
fn audits_in_any_two_steps_come_to_what_one_comes_to() {
    let shown = Shown::of(&scenario());
    let size = shown.leaves.len();
    let (whole, remembered) = well(audit(&shown, size, None, &[]));
    assert_eq!(whole.resumed_at, 0);
    for first in 1..=size {
        let (_, memory) = well(audit(&shown, first, None, &[]));
        let bytes = memory.to_bytes();
        let read = Memory::from_bytes(&bytes, &shown.pins, &StrictVerifier).unwrap();
        assert_eq!(read.0, memory);
        assert_eq!(read.1.size, first as u64);
        let kept = [shown.receipt(0), shown.receipt(size - 1)];
        let (report, memory) = well(audit(&shown, size, Some(read.0), &kept));
        assert_eq!(report.resumed_at, first as u64);
        assert_eq!(report.checked.entries, (size - first) as u64);
        assert_eq!((report.size, report.root), (whole.size, whole.root));
        assert_eq!(memory, remembered, "in two steps, the first of {first}");
    }
}

#[test]
fn receipts_of_entries_before_the_memory_are_held_against_it() {
    let honest = Shown::of(&scenario());
    let mut other = honest.clone();
    other.change(11, |command| command.nonce.0[0] ^= 1);
    other.sign();
    let (_, memory) = well(audit(&other, 12, None, &[]));
    let report = audit(&other, 13, Some(memory), &[honest.receipt(11)]).report;
    let at = "checkpoint of size 13: RECEIPT_CONTRADICTED";
    assert_eq!(
        told(&report),
        ["receipt of entry 11: RECEIPT_CONTRADICTED", at]
    );
}

#[test]
fn a_log_that_was_told_anew_is_not_gone_on_from() {
    let honest = Shown::of(&scenario());
    let mut other = honest.clone();
    other.change(11, |command| command.nonce.0[0] ^= 1);
    other.sign();
    let (_, memory) = well(audit(&honest, 12, None, &[]));
    let ended = audit(&other, 13, Some(memory.clone()), &[]);
    assert_eq!(told(&ended.report), ["checkpoint of size 13: ROOT_DIFFERS"]);
    assert_eq!(ended.memory, None);
    // Replayed from its beginning it is a log in itself, and still not the one remembered.
    let mut tree = memory;
    tree.forget_replay();
    let ended = audit(&other, 13, Some(tree), &[]);
    assert_eq!(told(&ended.report), ["checkpoint of size 12: LOG_FORKED"]);
    assert_eq!(ended.memory, None);
}

#[test]
fn after_a_finding_the_tree_is_remembered_and_all_is_replayed_again() {
    let mut shown = Shown::of(&scenario());
    shown.change(8, |command| command.created_at.0 = 1);
    shown.sign();
    let ended = audit(&shown, 13, None, &[]);
    assert_eq!(told(&ended.report), ["entry 8: ENTRY_REFUSED"]);
    let memory = ended.memory.unwrap();
    assert_eq!((memory.leaves.len(), memory.replayed()), (13, 0));
    let again = audit(&shown, 13, Some(memory), &[]);
    assert_eq!(told(&again.report), ["entry 8: ENTRY_REFUSED"]);
    assert_eq!(again.report.verdict(), Verdict::Different);
}

#[test]
fn a_file_of_memory_that_is_not_whole_is_never_used() {
    let shown = Shown::of(&scenario());
    let (_, memory) = well(audit(&shown, 13, None, &[]));
    let bytes = memory.to_bytes();
    let read = |bytes: &[u8]| Memory::from_bytes(bytes, &shown.pins, &StrictVerifier);
    for place in 0..bytes.len() {
        let mut spoilt = bytes.clone();
        spoilt[place] ^= 1 << (place % 8);
        let error = read(&spoilt).unwrap_err();
        let expected = match place {
            0..8 => matches!(error, MemoryError::NotOne),
            8..12 => matches!(error, MemoryError::Version(_)),
            _ => matches!(error, MemoryError::Damaged),
        };
        assert!(expected, "byte {place}: {error}");
    }
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "cut at {length}");
    }
    let mut pins = shown.pins.clone();
    pins.ledger.0[0] ^= 1;
    let error = Memory::from_bytes(&bytes, &pins, &StrictVerifier).unwrap_err();
    assert!(matches!(error, MemoryError::OtherLedger(_)), "{error}");
    let mut pins = shown.pins.clone();
    pins.log_keys[0].key = crate::ledger::testing::public_key("log", 1);
    let error = Memory::from_bytes(&bytes, &pins, &StrictVerifier).unwrap_err();
    assert!(matches!(error, MemoryError::Checkpoint(_)), "{error}");
    let mut other = memory;
    other.leaves[3].0[0] ^= 1;
    let error = read(&other.to_bytes()).unwrap_err();
    assert!(matches!(error, MemoryError::Form(_)), "{error}");
}
