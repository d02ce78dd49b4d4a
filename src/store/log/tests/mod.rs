//! Tests of the log in segments: the contract on a real and on a simulated disk, starts, damage.

use std::sync::Arc;

use crate::domain::{LedgerId, Signer, TreeHash};
use crate::merkle::VerifierKey;

use super::conformance::{Made, Maker, check, compare};
use super::testing::SimDisk;
use super::*;

mod copy;
mod cosigned;
mod faults;
mod flips;
mod guard;
mod start;
mod vectors;

pub(super) const LEDGER: LedgerId = LedgerId([0x1e; 32]);

/// Segments that hold one batch with the largest entry, and a few more.
pub(super) const OPTIONS: LogOptions = LogOptions {
    segment_bytes: 72 * 1024,
    prepare_ahead: false,
};

/// Segments that hold a handful of small batches.
pub(super) const SMALL: LogOptions = LogOptions {
    segment_bytes: 16 * 512,
    prepare_ahead: false,
};

pub(super) fn keys() -> FixedKeys {
    let maker = Maker::new();
    let name = maker.origin.clone();
    let key = maker.key.public_key();
    FixedKeys(vec![VerifierKey { name, key }])
}

pub(super) fn open(
    disk: &SimDisk,
    options: LogOptions,
    evidence: &[Evidence],
) -> Result<SegmentLog, StartError> {
    SegmentLog::open(Arc::new(disk.clone()), options, evidence, &mut keys())
}

pub(super) fn create(disk: &SimDisk, options: LogOptions) -> SegmentLog {
    SegmentLog::create(Arc::new(disk.clone()), options, LEDGER).unwrap()
}

/// The guard's place: on the disk of the log where tests make operations fail.
pub(super) fn guard_on(disk: &SimDisk) -> GuardPlace {
    GuardPlace::on(Arc::new(disk.clone()), "guard")
}

pub(super) fn open_guarded(
    disk: &SimDisk,
    evidence: &[Evidence],
    guarding: &Guarding,
) -> Result<SegmentLog, StartError> {
    let disk = Arc::new(disk.clone());
    SegmentLog::open_guarded(disk, SMALL, evidence, &mut keys(), guarding)
}

/// Appends a batch and notes that it was shown.
pub(super) fn append(log: &mut SegmentLog, made: &Made) -> Result<(), LogFault> {
    log.append(&made.batch())?;
    let (size, root) = (log.size(), log.tree().root());
    log.published(size, &root);
    Ok(())
}

/// A log of batches of these sizes on a new disk, and who made it.
pub(super) fn log_of(options: LogOptions, shapes: &[&[usize]]) -> (SimDisk, Maker) {
    let (disk, mut maker) = (SimDisk::new(), Maker::new());
    let mut log = create(&disk, options);
    for sizes in shapes {
        append(&mut log, &maker.next(sizes)).unwrap();
    }
    (disk, maker)
}

pub(super) fn evidence(source: EvidenceSource, size: u64, root: TreeHash) -> Evidence {
    Evidence { source, size, root }
}

#[test]
fn keeps_the_contract_on_a_simulated_disk() {
    check(&mut || Box::new(create(&SimDisk::new(), OPTIONS)));
}

#[test]
fn keeps_the_contract_on_a_real_disk() {
    let folders = tempfile::tempdir().unwrap();
    for (number, prepare_ahead) in [(0, false), (1, true)] {
        let mut count = 0;
        check(&mut || {
            count += 1;
            let folder = folders.path().join(format!("{number}-{count}"));
            let disk = Arc::new(DataFolder::create(&folder).unwrap());
            let options = LogOptions {
                prepare_ahead,
                ..OPTIONS
            };
            Box::new(SegmentLog::create(disk, options, LEDGER).unwrap())
        });
    }
}

#[test]
fn a_log_is_the_same_after_each_reopening() {
    let (disk, mut maker) = log_of(SMALL, &[]);
    for round in 0..60usize {
        let mut log = open(&disk, SMALL, &[]).unwrap();
        compare(log.reader().as_ref(), &maker);
        append(&mut log, &maker.next(&vec![100; 1 + round % 7])).unwrap();
        compare(log.reader().as_ref(), &maker);
    }
    assert!(disk.names().len() > 20, "{:?}", disk.names());
    let log = open(&disk, SMALL, &[]).unwrap();
    assert_eq!(log.tree(), maker.tree);
    assert_eq!(log.ledger(), LEDGER);
    let founding = read_founding(&disk).unwrap();
    assert_eq!(founding, (LEDGER, maker.leaves[0].clone()));
}

#[test]
fn a_log_is_made_once() {
    let disk = SimDisk::new();
    assert!(matches!(open(&disk, SMALL, &[]), Err(StartError::Empty)));
    assert!(matches!(read_founding(&disk), Err(StartError::Empty)));
    // A founding that was cut before its first entry may be repeated, with another ledger.
    let other = SegmentLog::create(Arc::new(disk.clone()), SMALL, LedgerId([1; 32])).unwrap();
    assert_eq!(other.ledger(), LedgerId([1; 32]));
    assert!(matches!(read_founding(&disk), Err(StartError::Empty)));
    drop(other);
    let mut log = create(&disk, SMALL);
    assert_eq!(log.ledger(), LEDGER);
    append(&mut log, &Maker::new().next(&[50])).unwrap();
    drop(log);
    assert_eq!(entries_there(&disk), 1);
    let before = disk.names();
    let again = SegmentLog::create(Arc::new(disk.clone()), SMALL, LEDGER);
    let error = again.err().unwrap();
    assert!(matches!(error, StartError::NotEmpty { size: 1 }), "{error}");
    assert_eq!(disk.names(), before);
}

#[test]
fn sizes_of_segments_have_limits() {
    for found in [0, 512, 4095, 4097, (1 << 30) + 512] {
        let options = LogOptions {
            segment_bytes: found,
            ..SMALL
        };
        let refused = SegmentLog::create(Arc::new(SimDisk::new()), options, LEDGER);
        assert!(matches!(refused, Err(StartError::SegmentBytes { .. })));
    }
    assert!(LogOptions::default().segment_bytes > BATCH_BYTES_MAX as u64);
}

#[test]
fn a_batch_has_a_limit() {
    let (disk, mut maker) = log_of(SMALL, &[]);
    let mut log = open(&disk, SMALL, &[]).unwrap();
    let fault = log.append(&maker.next(&[5000]).batch()).unwrap_err();
    let expected = matches!(fault, LogFault::Batch(BatchError::TooLarge { .. }));
    assert!(expected && fault.leaves_log_usable(), "{fault}");
    let mut maker = Maker::new();
    let mut log = create(
        &SimDisk::new(),
        LogOptions {
            prepare_ahead: false,
            ..LogOptions::default()
        },
    );
    let many = maker.next(&vec![65_535; 128]);
    let fault = log.append(&many.batch()).unwrap_err();
    let expected = matches!(fault, LogFault::Batch(BatchError::TooLarge { .. }));
    assert!(expected, "{fault}");
    // As many as the writer is told to put into a batch fit, with room for a long note.
    let count = BATCH_ENTRIES_BYTES_MAX / (65_535 + FRAME_BYTES_OVERHEAD);
    log.append(&Maker::new().next(&vec![65_535; count]).batch())
        .unwrap();
}

#[test]
fn a_batch_of_zeros_is_refused() {
    let (disk, mut maker) = log_of(OPTIONS, &[]);
    let mut log = open(&disk, OPTIONS, &[]).unwrap();
    let good = maker.next(&[10]);
    let leaf = bytes::Bytes::from(vec![0; 1500]);
    let mut tree = crate::merkle::Frontier::new();
    let hash = crate::merkle::leaf_hash(&leaf);
    tree.push(hash);
    let checkpoint = crate::merkle::Checkpoint {
        origin: maker.origin.clone(),
        size: 1,
        root: tree.root(),
    };
    let made = Made {
        first_index: 0,
        leaves: vec![leaf],
        hashes: vec![hash],
        checkpoint: crate::merkle::sign_checkpoint(&checkpoint, &[&maker.key]),
    };
    let fault = log.append(&made.batch()).unwrap_err();
    let expected = matches!(fault, LogFault::Batch(BatchError::ZeroSector { .. }));
    assert!(expected && fault.leaves_log_usable(), "{fault}");
    log.append(&good.batch()).unwrap();
}

#[test]
fn without_room_reads_go_on_and_writes_once_there_is_room() {
    let (disk, mut maker) = log_of(SMALL, &[]);
    let mut log = open(&disk, SMALL, &[]).unwrap();
    disk.limit_room(Some(disk.used() + 2000));
    let refused = loop {
        let made = maker.next(&[300]);
        match append(&mut log, &made) {
            Ok(()) => {}
            Err(fault) => {
                let expected = matches!(fault, LogFault::NoSpace { .. });
                assert!(expected && fault.leaves_log_usable(), "{fault}");
                break made;
            }
        }
    };
    assert_eq!(log.size(), refused.first_index);
    assert!(log.size() > 1);
    assert_eq!(log.reader().leaf(0).unwrap(), maker.leaves[0]);
    assert!(log.append(&refused.batch()).is_err());
    disk.limit_room(None);
    append(&mut log, &refused).unwrap();
    compare(log.reader().as_ref(), &maker);
    drop(log);
    compare(open(&disk, SMALL, &[]).unwrap().reader().as_ref(), &maker);
}

#[test]
fn segments_that_are_no_longer_held_open_can_be_read() {
    let options = LogOptions {
        segment_bytes: SEGMENT_BYTES_MIN,
        prepare_ahead: false,
    };
    let (disk, mut maker) = log_of(options, &[]);
    let mut log = open(&disk, options, &[]).unwrap();
    for _ in 0..70 {
        append(&mut log, &maker.next(&[600])).unwrap();
    }
    compare(log.reader().as_ref(), &maker);
    drop(log);
    let log = open(&disk, options, &[]).unwrap();
    compare(log.reader().as_ref(), &maker);
}
