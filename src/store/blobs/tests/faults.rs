//! Disks that fail at any operation, lose what was not synced, or are full.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::sim_store::SimStore;
use super::*;
use crate::store::log::testing::{Failure, SimDisk};

fn open(disk: &SimDisk) -> Result<Blobs, BlobFault> {
    let store = SimStore(disk.clone());
    Blobs::over(
        Arc::new(disk.clone()),
        Arc::new(store),
        BlobLimits::default(),
    )
}

/// Who uploads what in each scenario; some of it twice, by another party, or by the ledger.
fn scenario() -> Vec<(Bytes, Option<PartyName>)> {
    let (school, clinic) = (Some(party("school")), Some(party("clinic")));
    vec![
        (content(1, 700), school.clone()),
        (content(2, 20_000), clinic.clone()),
        (content(1, 700), clinic),
        (content(3, 10_000), None),
        (content(4, 0), school.clone()),
        (content(2, 20_000), school),
    ]
}

/// Uploads what the scenario says; returns what was answered.
fn upload_all(blobs: &Blobs) -> Vec<(Bytes, Option<PartyName>)> {
    let mut answered = Vec::new();
    for (bytes, party) in scenario() {
        let uploaded = match &party {
            Some(party) => blocking(put(blobs, &bytes, party)).unwrap(),
            None => blobs.put_attachment(&bytes).map(drop),
        };
        if uploaded.is_ok() {
            answered.push((bytes, party));
        }
    }
    answered
}

/// Everything that was answered is there, and everything that is there is right.
fn check(blobs: &Blobs, answered: &[(Bytes, Option<PartyName>)], when: &str) {
    for (bytes, party) in answered {
        let hash = ContentHash::of(bytes);
        let found = blobs.attachment(&hash).unwrap();
        assert_eq!(found.as_ref(), Some(bytes), "{when}");
        if let Some(party) = party {
            assert!(blobs.uploaded_by(&hash, party), "{when}");
        }
    }
    for (bytes, _) in scenario() {
        let found = blobs.attachment(&ContentHash::of(&bytes)).unwrap();
        assert!(found.is_none_or(|found| found == bytes), "{when}");
    }
}

/// Returns what a process that starts shows.
fn shown(blobs: &Blobs) -> Vec<(Bytes, Option<PartyName>)> {
    let mut shown = scenario();
    shown.retain(|(bytes, party)| {
        let hash = ContentHash::of(bytes);
        match party {
            Some(party) => blobs.uploaded_by(&hash, party),
            None => blobs.size(&hash).is_some(),
        }
    });
    shown
}

#[test]
fn a_disk_that_fails_at_any_operation_keeps_what_was_answered() {
    let kinds = [Failure::Clean, Failure::AfterPersisting, Failure::Halfway];
    for failure in kinds {
        for operation in 0.. {
            let when = format!("{failure:?} at operation {operation}");
            let disk = SimDisk::new();
            let blobs = open(&disk).unwrap();
            disk.fail_at(operation, failure);
            let answered = upload_all(&blobs);
            check(&blobs, &answered, &when);
            drop(blobs);
            if disk.heal().is_none() {
                assert!(operation > 30, "{operation} operations in all");
                assert_eq!(answered.len(), scenario().len());
                break;
            }
            for seed in 0..4 {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                let mut keep = |_: &str| random.next_u32() % 2 == 0;
                let after = disk.crash(&mut keep);
                let when = format!("{when}, then a loss of power, seed {seed}");
                let blobs = open(&after).unwrap();
                check(&blobs, &answered, &when);
            }
            // The next process shows what reads; nothing of that may be lost later.
            let blobs = open(&disk).unwrap();
            check(&blobs, &answered, &when);
            let shown = shown(&blobs);
            let after = disk.crash(&mut |_| false);
            let when = format!("{when}, then a start, then a loss of power");
            check(&open(&after).unwrap(), &shown, &when);
            assert_eq!(upload_all(&blobs).len(), scenario().len(), "{when}");
        }
    }
}

#[test]
fn a_start_that_fails_loses_nothing() {
    for failure in [Failure::Clean, Failure::AfterPersisting, Failure::Halfway] {
        for operation in 0.. {
            let when = format!("{failure:?} at operation {operation} of a start");
            let disk = SimDisk::new();
            let answered = upload_all(&open(&disk).unwrap());
            disk.fail_at(operation, failure);
            let failed = open(&disk).is_err();
            if disk.heal().is_none() {
                assert!(!failed && operation > 3);
                break;
            }
            assert!(failed, "{when}");
            for keeps in [true, false] {
                let after = disk.crash(&mut |_| keeps);
                check(&open(&after).unwrap(), &answered, &when);
            }
            check(&open(&disk).unwrap(), &answered, &when);
        }
    }
}

#[test]
fn after_a_mark_that_failed_no_uploads_until_the_next_start() {
    let disk = SimDisk::new();
    let blobs = open(&disk).unwrap();
    let party = party("school");
    let bytes = content(1, 100);
    // Create, size, write, sync, rename, sync of the folder, and then the mark's write.
    disk.fail_at(6, Failure::Clean);
    let failed = blocking(put(&blobs, &bytes, &party)).unwrap().unwrap_err();
    assert!(matches!(failed, BlobError::Fault(BlobFault::Marks(_))));
    assert_eq!(failed.rejection().reason, Reason::StoreFault);
    disk.heal();
    let refused = blocking(put(&blobs, &bytes, &party)).unwrap().unwrap_err();
    assert!(matches!(refused, BlobError::Fault(BlobFault::MarksFailed)));
    assert_eq!(blobs.size(&ContentHash::of(&bytes)), None);
    let blobs = open(&disk).unwrap();
    blocking(put(&blobs, &bytes, &party)).unwrap().unwrap();
}

#[test]
fn a_full_disk_refuses_uploads_and_keeps_nothing_of_them() {
    let disk = SimDisk::new();
    let blobs = open(&disk).unwrap();
    let party = party("school");
    let small = content(1, 1000);
    blocking(put(&blobs, &small, &party)).unwrap().unwrap();
    let used = disk.used();
    disk.limit_room(Some(used + 5000));
    let large = content(2, 3_000_000);
    let refused = blocking(put(&blobs, &large, &party)).unwrap().unwrap_err();
    assert_eq!(refused.rejection().reason, Reason::NoSpace);
    assert_eq!(disk.used(), used, "nothing is kept");
    assert_eq!(blobs.used_by(&party), 1000);
    assert_eq!(
        blobs.attachment(&ContentHash::of(&small)).unwrap(),
        Some(small)
    );
    blocking(put(&blobs, &content(3, 2000), &party))
        .unwrap()
        .unwrap();
    disk.limit_room(None);
    blocking(put(&blobs, &large, &party)).unwrap().unwrap();
}

#[test]
fn marks_that_are_damaged_or_missing_are_refused() {
    let disk = SimDisk::new();
    upload_all(&open(&disk).unwrap());
    let marks = disk.bytes("uploads");
    assert_eq!(marks.len(), 128 * scenario().len());
    let damaged = |at: usize| {
        let disk = disk.copy();
        let mut bytes = marks.clone();
        bytes[at] ^= 1;
        disk.put("uploads", bytes);
        open(&disk)
    };
    let last = 128 * (scenario().len() - 1);
    for at in 0..last {
        let refused = damaged(at).unwrap_err();
        let expected = (at / 128 * 128) as u64;
        assert!(matches!(refused, BlobFault::MarksDamaged { offset } if offset == expected));
    }
    // The last may be torn: then it was never answered.
    let blobs = damaged(last).unwrap();
    let (bytes, party) = scenario().pop().unwrap();
    assert!(!blobs.uploaded_by(&ContentHash::of(&bytes), &party.unwrap()));
    for length in [last + 1, last + 127] {
        let disk = disk.copy();
        disk.put("uploads", marks[..length].to_vec());
        assert!(open(&disk).is_ok());
    }
    disk.take("uploads");
    assert!(matches!(open(&disk), Err(BlobFault::MarksMissing)));
}
