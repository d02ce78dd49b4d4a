//! Whatever is changed in a segment is found, and where it was changed is named.

use super::*;

/// The smallest segments: each holds one or two small batches.
const TINY: LogOptions = LogOptions {
    segment_bytes: SEGMENT_BYTES_MIN,
    prepare_ahead: false,
};

fn check_all(disk: &SimDisk) -> FsckReport {
    fsck(
        Arc::new(disk.clone()),
        &Guarding::Off,
        &mut LogOnly(keys().0),
    )
    .unwrap()
}

fn segments(disk: &SimDisk) -> Vec<String> {
    let names = disk.names().into_iter();
    names.filter(|name| name.ends_with(".seg")).collect()
}

/// Three segments, the last one with room.
fn small_log() -> (SimDisk, Maker) {
    log_of(TINY, &[&[100, 110], &[120], &[600], &[90]])
}

#[test]
fn a_log_that_is_well_has_no_findings() {
    for options in [TINY, SMALL] {
        let shapes: [&[usize]; 5] = [&[100, 110], &[120], &[600], &[50; 4], &[90]];
        let (disk, maker) = log_of(options, &shapes);
        let report = check_all(&disk);
        assert_eq!(report.findings, []);
        assert!(report.is_well());
        assert_eq!(report.entries, maker.tree.size());
        assert_eq!(report.checkpoints, shapes.len() as u64);
        assert_eq!(report.root, Some(maker.tree.root()));
        assert_eq!(report.ledger, Some(LEDGER));
    }
    let empty = fsck(
        Arc::new(SimDisk::new()),
        &Guarding::Off,
        &mut LogOnly(Vec::new()),
    );
    assert!(matches!(empty, Err(StartError::Empty)));
}

#[test]
fn every_flipped_byte_of_a_segment_is_found_at_its_file() {
    let (disk, _) = small_log();
    let names = segments(&disk);
    assert_eq!(names.len(), 3);
    for name in names {
        let whole = disk.bytes(&name);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            disk.put(&name, bytes);
            let report = check_all(&disk);
            let first = report.findings.first();
            let first = first.unwrap_or_else(|| panic!("{name} at {at} was not found"));
            assert_eq!(first.file, name, "byte {at}: {first}");
            assert!(first.offset <= at as u64, "byte {at}: {first}");
        }
        disk.put(&name, whole);
    }
    assert_eq!(check_all(&disk).findings, []);
}

#[test]
fn every_flipped_byte_is_found_by_a_start_that_reads_everything() {
    let (disk, maker) = small_log();
    for name in segments(&disk) {
        let whole = disk.bytes(&name);
        for at in 0..whole.len() {
            let changed = disk.copy();
            let mut bytes = whole.clone();
            bytes[at] ^= 0x80 >> (at % 8);
            changed.put(&name, bytes);
            // A start refuses, or it takes a byte beyond the end for a write that was cut.
            if let Ok(log) = open(&changed, TINY, &[]) {
                compare(log.reader().as_ref(), &maker);
                assert!(
                    changed.bytes(&name) == whole,
                    "{name} at {at} is still there"
                );
            }
        }
    }
}

#[test]
fn cut_missing_exchanged_and_older_segments_are_found() {
    let (disk, mut maker) = small_log();
    let names = segments(&disk);
    for name in &names {
        let whole = disk.bytes(name);
        for cut in [0, 100, 512, 513, 1024, 4095] {
            let changed = disk.copy();
            changed.put(name, whole[..cut].to_vec());
            assert!(!check_all(&changed).is_well(), "{name} cut to {cut}");
            assert!(open(&changed, TINY, &[]).is_err());
        }
        let changed = disk.copy();
        changed.put(name, [whole.as_slice(), &[0; 512]].concat());
        assert!(!check_all(&changed).is_well(), "{name} longer");
        let changed = disk.copy();
        changed.take(name);
        assert!(!check_all(&changed).is_well(), "{name} missing");
        for other in names.iter().filter(|other| *other != name) {
            let changed = disk.copy();
            changed.put(name, disk.bytes(other));
            changed.put(other, whole.clone());
            assert!(
                !check_all(&changed).is_well(),
                "{name} and {other} exchanged"
            );
            assert!(open(&changed, TINY, &[]).is_err());
        }
    }
    let older = disk.copy();
    let mut log = open(&disk, TINY, &[]).unwrap();
    for _ in 0..3 {
        append(&mut log, &maker.next(&[90])).unwrap();
    }
    drop(log);
    assert!(check_all(&disk).is_well());
    let last = names.last().unwrap();
    assert_ne!(older.bytes(last), disk.bytes(last));
    disk.put(last, older.bytes(last));
    assert!(!check_all(&disk).is_well());
    assert!(open(&disk, TINY, &[]).is_err());
    for name in segments(&disk).iter().filter(|name| !names.contains(name)) {
        disk.take(name);
    }
    let report = check_all(&disk);
    assert!(!report.is_well());
    assert_eq!(report.findings[0].file, "high-water");
}

#[test]
fn a_batch_of_another_log_is_found_by_its_root() {
    // The frames are whole and stand where they stood, but belong to a log with another entry 0.
    let (disk, _) = small_log();
    let mut other = Maker::new();
    other.cut(0);
    let changed = SimDisk::new();
    let mut log = create(&changed, TINY);
    append(&mut log, &other.next(&[100, 110])).unwrap();
    append(&mut log, &other.next(&[120])).unwrap();
    drop(log);
    let name = &segments(&disk)[0];
    let (ours, theirs) = (disk.bytes(name), changed.bytes(name));
    let second = [ours[..1024].to_vec(), theirs[1024..].to_vec()].concat();
    let mixed = disk.copy();
    mixed.put(name, second);
    let report = check_all(&mixed);
    assert!(
        report.findings[0].what.contains("checkpoint says"),
        "{:?}",
        report.findings
    );
}

#[test]
fn wrong_signatures_and_tree_files_are_named() {
    let (disk, maker) = small_log();
    let other = VerifierKey {
        name: maker.origin.clone(),
        key: crate::keys::SecretKey::from_seed(&[8; 32]).public_key(),
    };
    let report = fsck(
        Arc::new(disk.clone()),
        &Guarding::Off,
        &mut LogOnly(vec![other]),
    )
    .unwrap();
    assert_eq!(report.findings.len(), maker.checkpoints.len());
    for name in [
        "tree/level-00",
        "tree/level-01",
        "tree/places",
        "high-water",
    ] {
        let changed = disk.copy();
        let mut bytes = disk.bytes(name);
        bytes[5] ^= 1;
        changed.put(name, bytes);
        let report = check_all(&changed);
        assert!(report.is_well());
        assert_eq!(
            (report.findings.len(), report.findings[0].file.as_str()),
            (1, name)
        );
    }
    for name in disk.names().iter().filter(|name| name.starts_with("tree/")) {
        disk.take(name);
    }
    let report = check_all(&disk);
    assert!(report.is_well());
    assert_eq!(report.findings[0].file, "tree");
}

#[test]
fn the_caller_hears_of_every_entry_and_adds_its_own_findings() {
    struct Caller(LogOnly, Vec<Vec<u8>>);
    impl LogKeys for Caller {
        fn entry(&mut self, index: u64, _: &[u8]) {
            assert_eq!(index, self.1.len() as u64);
        }
        fn keys(&self, first_index: u64, size: u64) -> Vec<VerifierKey> {
            self.0.keys(first_index, size)
        }
    }
    impl FsckCaller for Caller {
        fn check(&mut self, index: u64, leaf: &[u8]) -> Vec<String> {
            self.1.push(leaf.to_vec());
            (index == 2)
                .then(|| "is odd".to_owned())
                .into_iter()
                .collect()
        }
        fn beside(&mut self) -> Vec<FsckFinding> {
            vec![FsckFinding {
                file: "blobs/aa/aa".to_owned(),
                offset: 0,
                what: "has another hash".to_owned(),
                mends_itself: false,
            }]
        }
    }
    let (disk, maker) = small_log();
    let mut caller = Caller(LogOnly(keys().0), Vec::new());
    let report = fsck(Arc::new(disk.clone()), &Guarding::Off, &mut caller).unwrap();
    assert_eq!(caller.1, maker.leaves);
    let shown: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 2);
    assert!(shown[0].starts_with("segments/0000000000.seg at "));
    assert!(shown[0].ends_with(": entry 2: is odd"));
    assert_eq!(shown[1], "blobs/aa/aa at 0: has another hash");
}

#[test]
fn findings_have_a_limit() {
    struct Many(LogOnly);
    impl LogKeys for Many {
        fn entry(&mut self, _: u64, _: &[u8]) {}
        fn keys(&self, first_index: u64, size: u64) -> Vec<VerifierKey> {
            self.0.keys(first_index, size)
        }
    }
    impl FsckCaller for Many {
        fn check(&mut self, _: u64, _: &[u8]) -> Vec<String> {
            vec!["is wrong".to_owned(); FSCK_FINDINGS_MAX]
        }
        fn beside(&mut self) -> Vec<FsckFinding> {
            Vec::new()
        }
    }
    let (disk, _) = small_log();
    let report = fsck(Arc::new(disk), &Guarding::Off, &mut Many(LogOnly(keys().0))).unwrap();
    assert_eq!(report.findings.len(), FSCK_FINDINGS_MAX);
}
