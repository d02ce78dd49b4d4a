//! Cosignatures after a restart, with their file as it was, lost, or damaged.

use super::*;

/// A log over several segments whose every second batch is cosigned, and what was kept.
fn cosigned_log() -> (SimDisk, Maker, Vec<(u64, String)>) {
    let (disk, mut maker, mut kept) = (SimDisk::new(), Maker::new(), Vec::new());
    let mut log = create(&disk, SMALL);
    for number in 0..40 {
        append(&mut log, &maker.next(&[300, 200])).unwrap();
        if number % 2 == 0 {
            let lines = format!("\u{2014} witness {number}\n");
            log.cosign(log.size(), &lines).unwrap();
            kept.push((log.size(), lines));
        }
    }
    let segments = disk
        .names()
        .iter()
        .filter(|name| name.ends_with(".seg"))
        .count();
    assert!(segments > 5, "{segments}");
    (disk, maker, kept)
}

#[track_caller]
fn compare_cosigned(log: &SegmentLog, kept: &[(u64, String)]) {
    let reader = log.reader();
    for size in 0..=log.size() {
        let expected = kept.iter().find(|(at, _)| *at == size);
        let expected = expected.map(|(_, lines)| lines.clone());
        assert_eq!(reader.cosignatures(size).unwrap(), expected, "{size}");
    }
    let span = kept.first().map(|first| (first.0, kept.last().unwrap().0));
    assert_eq!(reader.cosigned(), span);
}

#[test]
fn cosignatures_outlive_a_restart_whatever_became_of_their_file() {
    let (disk, mut maker, mut kept) = cosigned_log();
    let name = "tree/cosigned";
    let whole = disk.bytes(name);
    assert_eq!(whole.len(), kept.len() * 20);
    let mut spoiled: Vec<Option<Vec<u8>>> = vec![Some(whole.clone()), None, Some(Vec::new())];
    spoiled.push(Some(whole[..whole.len() - 20].to_vec()));
    spoiled.push(Some([&whole[..], &whole[..20]].concat()));
    for place in (0..whole.len()).step_by(7) {
        let mut flipped = whole.clone();
        flipped[place] ^= 4;
        spoiled.push(Some(flipped));
    }
    for bytes in spoiled {
        match bytes {
            Some(bytes) => disk.put(name, bytes),
            None => disk.take(name),
        }
        let log = open(&disk, SMALL, &[]).unwrap();
        compare_cosigned(&log, &kept);
        compare(log.reader().as_ref(), &maker);
        assert_eq!(disk.bytes(name), whole);
    }
    // It goes on.
    let mut log = open(&disk, SMALL, &[]).unwrap();
    append(&mut log, &maker.next(&[100])).unwrap();
    log.cosign(log.size(), "more\n").unwrap();
    kept.push((log.size(), "more\n".to_owned()));
    drop(log);
    compare_cosigned(&open(&disk, SMALL, &[]).unwrap(), &kept);
}

#[test]
fn cosignatures_that_were_cut_are_no_fault() {
    let (disk, mut maker, mut kept) = cosigned_log();
    let mut log = open(&disk, SMALL, &[]).unwrap();
    append(&mut log, &maker.next(&[100])).unwrap();
    log.cosign(log.size(), "lost\n").unwrap();
    drop(log);
    // Their sector never came to the disk.
    let segments: Vec<String> = disk.names();
    let with_it = segments
        .iter()
        .filter(|name| name.ends_with(".seg"))
        .find(|name| {
            let bytes = disk.bytes(name);
            bytes.windows(5).any(|five| five == b"lost\n")
        });
    let name = with_it.unwrap().clone();
    let mut bytes = disk.bytes(&name);
    let at = bytes.windows(5).position(|five| five == b"lost\n").unwrap();
    let sector = at / 512 * 512;
    bytes[sector..sector + 512].fill(0);
    disk.put(&name, bytes);
    let mut log = open(&disk, SMALL, &[]).unwrap();
    compare_cosigned(&log, &kept);
    compare(log.reader().as_ref(), &maker);
    log.cosign(log.size(), "again\n").unwrap();
    kept.push((log.size(), "again\n".to_owned()));
    compare_cosigned(&log, &kept);
}
