//! What a start accepts, mends and refuses.

use super::*;

/// Batches that fill three small segments and a part of a fourth.
pub(in super::super) const FILL: [&[usize]; 12] = [
    &[120, 130],
    &[200],
    &[700],
    &[50; 5],
    &[900, 60],
    &[10],
    &[11, 12],
    &[1200],
    &[2000, 8, 2100],
    &[14],
    &[2000],
    &[13; 3],
];

pub(super) fn last_segment(disk: &SimDisk) -> String {
    let segments = disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".seg"));
    let used = segments.filter(|name| disk.bytes(name).iter().any(|byte| *byte != 0));
    used.max().unwrap()
}

/// The offset where the last batch of a segment starts, and that after it.
fn last_batch(disk: &SimDisk, name: &str) -> (usize, usize) {
    let bytes = disk.bytes(name);
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let end = (end / 512 + 1) * 512;
    let starts = (1..end / 512).map(|sector| sector * 512);
    let start = starts.filter(|at| bytes[*at + 4] == 4 && bytes[*at..][..4] == [16, 0, 0, 0]);
    (start.max().unwrap(), end)
}

fn index_at(maker: &Maker, batch: usize) -> Evidence {
    let (size, root, _) = &maker.checkpoints[batch];
    evidence(EvidenceSource::Index, *size, *root)
}

#[test]
fn evidence_of_any_size_of_the_log_is_accepted() {
    let (disk, maker) = log_of(SMALL, &FILL);
    for (size, root, _) in &maker.checkpoints {
        for source in [EvidenceSource::Index, EvidenceSource::Guard] {
            let log = open(&disk, SMALL, &[evidence(source, *size, *root)]).unwrap();
            compare(log.reader().as_ref(), &maker);
        }
    }
    let fresh = evidence(EvidenceSource::Index, 0, TreeHash([0; 32]));
    assert!(open(&disk, SMALL, &[fresh]).is_ok());
}

#[test]
fn a_longer_or_another_log_was_seen() {
    let (disk, maker) = log_of(SMALL, &FILL);
    let (end, root, _) = maker.checkpoints.last().unwrap();
    let mut wrong = vec![(end + 1, *root), (end + 1000, *root)];
    let other = TreeHash([3; 32]);
    wrong.extend(maker.checkpoints.iter().map(|(size, ..)| (*size, other)));
    wrong.push((2, maker.checkpoints[2].1));
    wrong.push((1, maker.checkpoints[2].1));
    for (size, root) in wrong {
        for source in [EvidenceSource::Index, EvidenceSource::Guard] {
            let refused = open(&disk, SMALL, &[evidence(source, size, root)]);
            let error = refused.err().unwrap();
            assert!(
                matches!(error, StartError::Rollback { .. }),
                "{size}: {error}"
            );
            assert!(error.to_string().starts_with("ROLLBACK"));
        }
    }
}

#[test]
fn an_older_copy_of_the_segments_is_a_rollback_by_the_page() {
    let (disk, mut maker) = log_of(SMALL, &FILL);
    let older = disk.copy();
    let mut log = open(&disk, SMALL, &[]).unwrap();
    append(&mut log, &maker.next(&[10])).unwrap();
    drop(log);
    for name in older.names().iter().filter(|name| name.ends_with(".seg")) {
        disk.put(name, older.bytes(name));
    }
    let error = open(&disk, SMALL, &[]).err().unwrap();
    assert!(matches!(error, StartError::Rollback { .. }), "{error}");
    // An unreadable page counts as none.
    disk.put("high-water", vec![0; 512]);
    assert!(open(&disk, SMALL, &[]).is_ok());
}

#[test]
fn a_folder_whose_segments_are_all_gone_is_a_rollback_and_not_an_empty_one() {
    let (disk, maker) = log_of(SMALL, &FILL);
    for name in disk.names().iter().filter(|name| name.ends_with(".seg")) {
        disk.take(name);
    }
    let refused = |error: Option<StartError>| {
        let error = error.unwrap();
        assert!(matches!(error, StartError::Rollback { .. }), "{error}");
    };
    refused(open(&disk, SMALL, &[]).err());
    refused(SegmentLog::create(Arc::new(disk.clone()), SMALL, LEDGER).err());
    disk.take("high-water");
    refused(open(&disk, SMALL, &[index_at(&maker, 0)]).err());
    assert!(matches!(open(&disk, SMALL, &[]), Err(StartError::Empty)));
}

#[test]
fn missing_and_shorter_segments_are_damage() {
    let (disk, _) = log_of(SMALL, &FILL);
    let last = last_segment(&disk);
    let segments = disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".seg"));
    for name in segments {
        let gone = disk.copy();
        gone.take(&name);
        let error = open(&gone, SMALL, &[]).err().unwrap();
        if name < last {
            assert!(
                matches!(error, StartError::Damaged { .. }),
                "{name}: {error}"
            );
        } else {
            assert!(
                matches!(error, StartError::Rollback { .. }),
                "{name}: {error}"
            );
        }
        let whole = disk.bytes(&name);
        for cut in [
            0,
            1,
            511,
            512,
            513,
            2000,
            whole.len() - 512,
            whole.len() - 1,
        ] {
            let shorter = disk.copy();
            shorter.put(&name, whole[..cut].to_vec());
            let error = open(&shorter, SMALL, &[]).err();
            assert!(error.is_some(), "{name} cut to {cut}");
        }
    }
}

#[test]
fn a_cut_last_batch_is_taken_away_unless_it_was_shown() {
    let (disk, maker) = log_of(SMALL, &FILL);
    let name = last_segment(&disk);
    let (start, end) = last_batch(&disk, &name);
    let without = maker.checkpoints.len() - 2;
    let sectors = (end - start) / 512;
    for missing in 1u32..(1 << sectors) {
        let mut bytes = disk.bytes(&name);
        for sector in 0..sectors {
            if missing >> sector & 1 == 1 {
                bytes[start + sector * 512..][..512].fill(0);
            }
        }
        let torn = disk.copy();
        torn.put(&name, bytes.clone());
        let all = missing.count_ones() as usize == sectors;
        // The page says that the batch was shown.
        let error = open(&torn, SMALL, &[index_at(&maker, without)])
            .err()
            .unwrap();
        match error {
            StartError::Rollback { .. } => assert!(all),
            StartError::Damaged { offset, .. } => {
                assert!(!all);
                assert_eq!(offset, start as u64);
            }
            other => panic!("{other}"),
        }
        torn.take("high-water");
        let error = open(&torn, SMALL, &[index_at(&maker, without + 1)]);
        assert!(error.is_err());
        let log = open(&torn, SMALL, &[index_at(&maker, without)]).unwrap();
        assert_eq!(log.size(), maker.checkpoints[without].0);
        assert_eq!(log.tree().root(), maker.checkpoints[without].1);
        assert!(torn.bytes(&name)[start..].iter().all(|byte| *byte == 0));
        assert_eq!(torn.unsynced_segments(), 0);
    }
}

#[test]
fn other_bytes_after_the_end_are_damage() {
    let (disk, _) = log_of(SMALL, &FILL);
    disk.take("high-water");
    let name = last_segment(&disk);
    let (_, end) = last_batch(&disk, &name);
    let size = disk.bytes(&name).len();
    for at in (end..size).step_by(7) {
        let mut bytes = disk.bytes(&name);
        bytes[at] = 1;
        let bad = disk.copy();
        bad.put(&name, bytes);
        let error = open(&bad, SMALL, &[]).err();
        if at < end + 512 {
            let Some(StartError::Damaged { file, offset, .. }) = error else {
                panic!("{at}: {error:?}");
            };
            assert_eq!((file, offset), (name.clone(), end as u64));
        } else {
            // Its first sector is zeros and some byte after it is not: a batch that was cut.
            assert!(error.is_none(), "{at}: {error:?}");
            assert!(bad.bytes(&name)[end..].iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn bytes_far_beyond_the_end_are_damage() {
    let options = LogOptions {
        segment_bytes: 12 << 20,
        prepare_ahead: false,
    };
    let (disk, _) = log_of(options, &[&[100]]);
    let name = last_segment(&disk);
    let (_, end) = last_batch(&disk, &name);
    for (at, torn) in [
        (end + BATCH_BYTES_MAX - 1, true),
        (end + BATCH_BYTES_MAX, false),
    ] {
        let mut bytes = disk.bytes(&name);
        bytes[at] = 1;
        let bad = disk.copy();
        bad.put(&name, bytes);
        assert_eq!(open(&bad, options, &[]).is_ok(), torn);
    }
}

#[test]
fn the_last_checkpoint_must_be_signed_by_the_log() {
    let (disk, maker) = log_of(SMALL, &FILL);
    let other = VerifierKey {
        name: maker.origin.clone(),
        key: crate::keys::SecretKey::from_seed(&[8; 32]).public_key(),
    };
    let mut keys = FixedKeys(vec![other]);
    let refused = SegmentLog::open(Arc::new(disk), SMALL, &[], &mut keys);
    let error = refused.err().unwrap();
    assert!(matches!(error, StartError::Damaged { .. }), "{error}");
}

#[test]
fn keys_hear_of_everything_past_the_index() {
    struct Heard(FixedKeys, Vec<u64>);
    impl LogKeys for Heard {
        fn entry(&mut self, index: u64, _: &[u8]) {
            self.1.push(index);
        }
        fn keys(&self, first_index: u64, size: u64) -> Vec<VerifierKey> {
            assert_eq!(self.1.last(), Some(&(size - 1)));
            self.0.keys(first_index, size)
        }
    }
    let (disk, maker) = log_of(SMALL, &FILL);
    for batch in 0..maker.checkpoints.len() {
        let applied = index_at(&maker, batch);
        let mut heard = Heard(keys(), Vec::new());
        let disk = Arc::new(disk.copy());
        SegmentLog::open(disk, SMALL, std::slice::from_ref(&applied), &mut heard).unwrap();
        let first = *heard.1.first().unwrap();
        assert!(first <= applied.size);
        assert!(heard.1.iter().copied().eq(first..maker.tree.size()));
    }
}

#[test]
fn lost_and_damaged_tree_files_are_made_again() {
    let (disk, maker) = log_of(SMALL, &FILL);
    let end = index_at(&maker, maker.checkpoints.len() - 1);
    let tree: Vec<String> = disk.names();
    let tree: Vec<&String> = tree
        .iter()
        .filter(|name| name.starts_with("tree/"))
        .collect();
    assert!(tree.len() > 4, "{tree:?}");
    for name in tree {
        let whole = disk.bytes(name);
        let mut changed = vec![None, Some(Vec::new()), Some(vec![0; whole.len()])];
        changed.push(Some(whole[..whole.len() / 2].to_vec()));
        changed.push(Some([whole.as_slice(), &[1; 100]].concat()));
        // In steps of five every byte of a record has its turn.
        changed.extend((0..whole.len()).step_by(5).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            Some(bytes)
        }));
        for bytes in changed {
            let bad = disk.copy();
            match bytes {
                None => bad.take(name),
                Some(bytes) => bad.put(name, bytes),
            }
            let log = open(&bad, SMALL, std::slice::from_ref(&end)).unwrap();
            let reader = log.reader();
            compare(reader.as_ref(), &maker);
            for level in 0..6 {
                for index in 0..log.size() >> level {
                    reader.node(level, index).unwrap();
                }
            }
            assert!(bad.bytes(name) == whole, "{name} was not made again");
        }
    }
}

#[test]
fn everything_at_the_end_is_durable_after_a_start() {
    for batches in 1..=FILL.len() {
        let (disk, maker) = log_of(SMALL, &FILL[..batches]);
        drop(open(&disk, SMALL, &[]).unwrap());
        assert_eq!(disk.unsynced_segments(), 0);
        let lost = disk.crash(&mut |_| false);
        compare(open(&lost, SMALL, &[]).unwrap().reader().as_ref(), &maker);
    }
}
