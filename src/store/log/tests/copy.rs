//! Copies of a log that goes on: what they have, and what they refuse.

use super::start::FILL;
use super::*;

fn copy_to(source: &SimDisk, target: &SimDisk) -> Result<CopiedLog, CopyError> {
    let to = CopyTo::Backup;
    let copied = copy_log(source, target, &Guarding::Off, &mut keys(), to)?;
    copied.finish(target)?;
    Ok(copied)
}

#[test]
fn a_copy_has_what_was_shown_and_grows_with_the_log() {
    let (disk, mut maker) = log_of(SMALL, &[]);
    let mut log = open(&disk, SMALL, &[]).unwrap();
    let backup = SimDisk::new();
    for sizes in FILL {
        append(&mut log, &maker.next(sizes)).unwrap();
        let copied = copy_to(&disk, &backup).unwrap();
        assert_eq!(
            (copied.size, copied.root),
            (maker.tree.size(), maker.tree.root())
        );
        assert!((1..=2).contains(&copied.written), "{copied:?}");
        assert_eq!(copy_to(&disk, &backup).unwrap().written, 0);
        assert_eq!(backup.unsynced_segments(), 0);
        // It opens by itself, and so does a copy of it that is to be run.
        let data = SimDisk::new();
        let to = CopyTo::DataFolder;
        let restored = copy_log(&backup, &data, &Guarding::Off, &mut keys(), to).unwrap();
        restored.finish(&data).unwrap();
        for disk in [backup.copy(), data] {
            compare(open(&disk, SMALL, &[]).unwrap().reader().as_ref(), &maker);
        }
    }
}

#[test]
fn what_a_writer_has_not_shown_is_left_out() {
    let (disk, mut maker) = log_of(SMALL, &FILL[..6]);
    let size = maker.tree.size();
    let mut log = open(&disk, SMALL, &[]).unwrap();
    // Durable, but nobody has been shown it: the power may fail before.
    log.append(&maker.next(&[30]).batch()).unwrap();
    let backup = SimDisk::new();
    assert_eq!(copy_to(&disk, &backup).unwrap().size, size);
    maker.cut(size);
    compare(open(&backup, SMALL, &[]).unwrap().reader().as_ref(), &maker);
    // A batch that is being written is none of the copy's business either.
    let name = super::start::last_segment(&disk);
    let mut bytes = disk.bytes(&name);
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end] ^= 1;
    disk.put(&name, bytes);
    let again = SimDisk::new();
    assert_eq!(copy_to(&disk, &again).unwrap().size, size);
}

#[test]
fn an_interrupted_copy_is_the_older_one_or_the_newer_one() {
    let (disk, maker) = log_of(SMALL, &FILL);
    let (older, older_maker) = log_of(SMALL, &FILL[..4]);
    let before = SimDisk::new();
    copy_to(&older, &before).unwrap();
    let mut failed = 0;
    for operation in 0.. {
        let backup = before.copy();
        backup.fail_at(operation, super::super::testing::Failure::Halfway);
        let copied = copy_to(&disk, &backup);
        if backup.heal().is_none() {
            assert_eq!(copied.unwrap().size, maker.tree.size());
            break;
        }
        failed += 1;
        let lost = backup.crash(&mut |_| false);
        for backup in [backup, lost] {
            let data = SimDisk::new();
            let restored = copy_to(&backup, &data).unwrap().size;
            let sizes = [older_maker.tree.size(), maker.tree.size()];
            assert!(
                sizes.contains(&restored),
                "operation {operation}: {restored}"
            );
            // It is finished by doing it again.
            assert_eq!(copy_to(&disk, &backup).unwrap().size, maker.tree.size());
        }
    }
    assert!(failed > 10, "{failed}");
}

#[test]
fn other_targets_are_refused_and_not_touched() {
    let (disk, maker) = log_of(SMALL, &FILL);
    let (older, _) = log_of(SMALL, &FILL[..4]);
    let refused = |source: &SimDisk, target: &SimDisk| {
        let before: Vec<_> = target
            .names()
            .iter()
            .map(|name| target.bytes(name))
            .collect();
        let error = copy_to(source, target).unwrap_err();
        let after: Vec<_> = target
            .names()
            .iter()
            .map(|name| target.bytes(name))
            .collect();
        assert!(before == after, "{error}");
        error
    };
    let foreign = SimDisk::new();
    foreign.put("/notes", b"of somebody".to_vec());
    assert!(matches!(refused(&disk, &foreign), CopyError::Foreign));
    let newer = SimDisk::new();
    copy_to(&disk, &newer).unwrap();
    let size = maker.tree.size();
    let error = refused(&older, &newer);
    assert!(
        matches!(error, CopyError::Newer { there, .. } if there == size),
        "{error}"
    );
    // Another history of the same length.
    let (mut fork, other) = (Maker::new(), SimDisk::new());
    let mut log = create(&other, SMALL);
    for sizes in FILL {
        let longer: Vec<usize> = sizes.iter().map(|size| size + 1).collect();
        append(&mut log, &fork.next(&longer)).unwrap();
    }
    let error = refused(&other, &newer);
    assert!(matches!(error, CopyError::Differs { .. }), "{error}");
    let unshown = SimDisk::new();
    drop(create(&unshown, SMALL));
    assert!(matches!(
        refused(&unshown, &SimDisk::new()),
        CopyError::NotShown
    ));
}

#[test]
fn damage_is_not_copied() {
    let (disk, _) = log_of(SMALL, &FILL[..6]);
    for name in disk.names().iter().filter(|name| name.ends_with(".seg")) {
        let whole = disk.bytes(name);
        let used = whole
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        for at in (0..used).step_by(11).filter(|at| whole[*at] != 0) {
            let bad = disk.copy();
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            bad.put(name, bytes);
            let copied = copy_to(&bad, &SimDisk::new());
            assert!(copied.is_err(), "byte {at} of {name}");
        }
    }
}
