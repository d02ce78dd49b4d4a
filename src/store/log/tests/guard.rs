//! The guard: what it refuses, and what a crash may leave of it.

use super::super::testing::{Failure, Operation};
use super::start::FILL;
use super::*;

/// A guarded log: its disk, the guard's, and who made it.
fn guarded_log(shapes: &[&[usize]]) -> (SimDisk, SimDisk, Maker) {
    let (disk, other, mut maker) = (SimDisk::new(), SimDisk::new(), Maker::new());
    let place = guard_on(&other);
    let log = SegmentLog::create_guarded(Arc::new(disk.clone()), SMALL, LEDGER, &place);
    let mut log = log.unwrap();
    for sizes in shapes {
        append(&mut log, &maker.next(sizes)).unwrap();
    }
    (disk, other, maker)
}

fn start(disk: &SimDisk, guard: &SimDisk) -> Result<SegmentLog, StartError> {
    open_guarded(disk, &[], &Guarding::Kept(guard_on(guard)))
}

fn refused(disk: &SimDisk, guard: &SimDisk) -> StartError {
    let before: Vec<_> = disk.names().iter().map(|name| disk.bytes(name)).collect();
    let error = start(disk, guard).err().expect("it is refused");
    let after: Vec<_> = disk.names().iter().map(|name| disk.bytes(name)).collect();
    assert!(before == after, "a refused start has changed the folder");
    error
}

#[test]
fn a_guarded_log_goes_on_after_each_start() {
    let (disk, guard, mut maker) = guarded_log(&[]);
    for sizes in FILL {
        let mut log = start(&disk, &guard).unwrap();
        append(&mut log, &maker.next(sizes)).unwrap();
        compare(log.reader().as_ref(), &maker);
    }
    assert_eq!(guard.bytes("guard").len(), 8192);
    assert_eq!(start(&disk, &guard).unwrap().size(), maker.tree.size());
}

#[test]
fn the_older_copy_of_a_whole_folder_is_refused_until_its_segments_are_back() {
    let (disk, guard, mut maker) = guarded_log(&FILL[..5]);
    let older = disk.copy();
    for sizes in &FILL[5..] {
        let mut log = start(&disk, &guard).unwrap();
        append(&mut log, &maker.next(sizes)).unwrap();
    }
    // Its page and its segments agree with each other, so nothing within it tells.
    assert!(open(&older.copy(), SMALL, &[]).is_ok());
    let error = refused(&older, &guard);
    let StartError::Rollback { source_name, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*source_name, EvidenceSource::Guard);
    assert!(
        error
            .to_string()
            .starts_with("ROLLBACK: the guard has seen 23"),
        "{error}"
    );
    // Going on under another guard does not clear it either: the roots part.
    let (other, fork) = (SimDisk::new(), older.copy());
    let mut log = open_guarded(&fork, &[], &Guarding::New(guard_on(&other))).unwrap();
    let mut forger = Maker::new();
    forger.leaves.clone_from(&maker.leaves);
    forger.checkpoints.clone_from(&maker.checkpoints);
    forger.cut(log.size());
    while log.size() < maker.tree.size() {
        append(&mut log, &forger.next(&[7])).unwrap();
    }
    drop(log);
    assert!(matches!(
        refused(&fork, &guard),
        StartError::Rollback { .. }
    ));
    for name in disk.names().iter().filter(|name| name.ends_with(".seg")) {
        older.put(name, disk.bytes(name));
    }
    compare(start(&older, &guard).unwrap().reader().as_ref(), &maker);
}

#[test]
fn a_guard_may_have_missed_one_batch_and_no_more() {
    let (disk, guard, mut maker) = guarded_log(&FILL[..3]);
    for sizes in &FILL[3..] {
        let before = guard.copy();
        // A log that ends in another segment than its last batch, too.
        let mut log = start(&disk, &guard).unwrap();
        append(&mut log, &maker.next(sizes)).unwrap();
        let crashed = disk.copy();
        append(&mut log, &maker.next(&[9])).unwrap();
        drop(log);
        let log = start(&crashed, &before.copy()).unwrap();
        assert_eq!(log.size(), maker.tree.size() - 1);
        let error = refused(&disk, &before);
        let StartError::Guard(GuardError::Behind { size, found, .. }) = &error else {
            panic!("{error}");
        };
        assert_eq!((*size < *found - 1, *found), (true, maker.tree.size()));
        assert!(error.to_string().starts_with("ROLLBACK"), "{error}");
    }
}

#[test]
fn one_spoiled_page_is_a_cut_write_and_two_are_refused() {
    let (disk, guard, maker) = guarded_log(&FILL[..4]);
    let spoiled = |pages: &[usize], with: u8| {
        let mut bytes = guard.bytes("guard");
        for page in pages {
            bytes[*page..*page + 4096].fill(with);
        }
        let spoiled = guard.copy();
        spoiled.put("guard", bytes);
        spoiled
    };
    for with in [0, 0xa5] {
        for page in [0, 4096] {
            let guard = spoiled(&[page], with);
            assert_eq!(start(&disk, &guard).unwrap().size(), maker.tree.size());
            // The start has made the spoiled page good: it was the older or the newer one.
            assert_eq!(start(&disk, &guard).unwrap().size(), maker.tree.size());
        }
        let error = refused(&disk, &spoiled(&[0, 4096], with));
        let expected = matches!(error, StartError::Guard(GuardError::Unreadable { .. }));
        assert!(expected, "{error}");
    }
    for cut in [0, 511, 512 + 4095] {
        let shorter = guard.copy();
        shorter.put("guard", guard.bytes("guard")[..cut].to_vec());
        assert_eq!(start(&disk, &shorter).is_ok(), cut >= 512, "{cut}");
    }
}

#[test]
fn pages_that_contradict_each_other_are_refused() {
    let (disk, guard, _) = guarded_log(&FILL[..2]);
    let (other, others, _) = guarded_log(&FILL[..2]);
    drop(start(&other, &others).unwrap());
    let page = |size, root: u8, ledger: u8| {
        let page = super::super::format::Page {
            ledger: if ledger == 0 {
                LEDGER
            } else {
                LedgerId([ledger; 32])
            },
            size,
            root: TreeHash([root; 32]),
        };
        page.encode(super::super::format::PageKind::Guard)
    };
    for pages in [
        [page(3, 1, 0), page(3, 2, 0)],
        [page(2, 1, 0), page(3, 1, 9)],
    ] {
        let mut bytes = guard.bytes("guard");
        bytes[..512].copy_from_slice(&pages[0]);
        bytes[4096..4608].copy_from_slice(&pages[1]);
        let bad = guard.copy();
        bad.put("guard", bytes);
        let error = refused(&disk, &bad);
        let expected = matches!(error, StartError::Guard(GuardError::Unreadable { .. }));
        assert!(expected, "{error}");
    }
}

#[test]
fn a_missing_guard_is_made_only_when_that_is_asked_for() {
    let (disk, guard, maker) = guarded_log(&FILL[..3]);
    let unmounted = SimDisk::new();
    let error = refused(&disk, &unmounted);
    assert!(
        matches!(error, StartError::Guard(GuardError::Missing { .. })),
        "{error}"
    );
    assert!(unmounted.names().is_empty());
    let new = Guarding::New(guard_on(&guard));
    let error = open_guarded(&disk, &[], &new).err().unwrap();
    assert!(
        matches!(error, StartError::Guard(GuardError::Exists { .. })),
        "{error}"
    );
    drop(open_guarded(&disk, &[], &Guarding::New(guard_on(&unmounted))).unwrap());
    assert_eq!(start(&disk, &unmounted).unwrap().size(), maker.tree.size());
}

#[test]
fn a_guard_serves_one_ledger() {
    let (_, guard, _) = guarded_log(&FILL[..3]);
    let (disk, _, _) = guarded_log(&FILL[..3]);
    let other = LedgerId([0x77; 32]);
    let place = guard_on(&guard);
    let again = SegmentLog::create_guarded(Arc::new(SimDisk::new()), SMALL, other, &place);
    let error = again.err().unwrap();
    assert!(
        matches!(error, StartError::Guard(GuardError::Exists { .. })),
        "{error}"
    );
    let fresh = SimDisk::new();
    let made =
        SegmentLog::create_guarded(Arc::new(SimDisk::new()), SMALL, other, &guard_on(&fresh));
    drop(made.unwrap());
    let error = refused(&disk, &fresh);
    assert!(
        matches!(error, StartError::Guard(GuardError::OfAnother { .. })),
        "{error}"
    );
    // A founding that was cut before its first entry may be repeated, with another ledger.
    let again =
        SegmentLog::create_guarded(Arc::new(SimDisk::new()), SMALL, LEDGER, &guard_on(&fresh));
    assert!(again.is_ok());
}

#[test]
fn a_folder_without_segments_is_refused_by_its_guard() {
    let (_, guard, _) = guarded_log(&FILL[..3]);
    let error = start(&SimDisk::new(), &guard).err().unwrap();
    assert!(matches!(error, StartError::Rollback { .. }), "{error}");
    let error = start(&SimDisk::new(), &SimDisk::new()).err().unwrap();
    assert!(matches!(error, StartError::Empty), "{error}");
}

#[test]
fn the_guard_is_durable_before_anybody_sees_the_batch() {
    let (disk, guard, mut maker) = guarded_log(&FILL[..3]);
    let mut log = start(&disk, &guard).unwrap();
    let made = maker.next(&[40]);
    append(&mut log, &made).unwrap();
    // Power fails: what was not synced is lost on both disks.
    let (lost, seen) = (disk.crash(&mut |_| false), guard.crash(&mut |_| false));
    assert_eq!(start(&lost, &seen).unwrap().size(), maker.tree.size());
    let shown = log.size();
    for (failing, expected) in [(0, Operation::Write), (1, Operation::Sync)] {
        let (disk, guard) = (disk.copy(), guard.copy());
        let mut log = start(&disk, &guard).unwrap();
        let reader = log.reader();
        guard.fail_at(failing, Failure::Clean);
        let mut other = Maker::new();
        other.leaves.clone_from(&maker.leaves);
        other.checkpoints.clone_from(&maker.checkpoints);
        other.cut(shown);
        let made = other.next(&[41]);
        let fault = log.append(&made.batch()).unwrap_err();
        assert!(!fault.leaves_log_usable(), "{fault}");
        assert_eq!(guard.heal(), Some(expected));
        assert_eq!((log.size(), reader.size()), (shown, shown));
        assert!(matches!(log.append(&made.batch()), Err(LogFault::Poisoned)));
        drop(log);
        // The batch was durable before the guard was asked.
        let seen = guard.crash(&mut |_| false);
        let log = start(&disk.crash(&mut |_| false), &seen).unwrap();
        assert_eq!(log.size(), shown + 1);
    }
}

#[test]
fn fsck_compares_the_log_with_its_guard() {
    let (disk, guard, mut maker) = guarded_log(&FILL[..5]);
    let older = disk.copy();
    let mut log = start(&disk, &guard).unwrap();
    append(&mut log, &maker.next(&[60])).unwrap();
    drop(log);
    let check = |disk: &SimDisk, guard: &SimDisk| {
        let guarding = Guarding::Kept(guard_on(guard));
        let keys = &mut LogOnly(keys().0);
        fsck(Arc::new(disk.clone()), &guarding, keys).unwrap()
    };
    assert_eq!(check(&disk, &guard).findings, []);
    let found = check(&older, &guard).findings;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].file == "guard" && !found[0].mends_itself,
        "{found:?}"
    );
    let found = check(&disk, &SimDisk::new()).findings;
    assert!(found[0].what.starts_with("there is no guard"), "{found:?}");
}

#[test]
fn a_guard_serves_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let place = GuardPlace::at(&folder.path().join("ledger.guard")).unwrap();
    let disk = SimDisk::new();
    let first = SegmentLog::create_guarded(Arc::new(disk.clone()), SMALL, LEDGER, &place);
    let copy = disk.copy();
    let kept = Guarding::Kept(place);
    let error = open_guarded(&copy, &[], &kept).err().unwrap().to_string();
    assert!(
        error.contains("ledger.guard is in use by another process"),
        "{error}"
    );
    // The same once the first has been started again.
    drop(first);
    let again = open_guarded(&disk, &[], &kept).unwrap();
    assert!(open_guarded(&copy, &[], &kept).is_err());
    drop(again);
    assert!(open_guarded(&copy, &[], &kept).is_ok());
}
