//! Every operation of the disk made to fail once, and every subset of unsynced sectors dropped.
//!
//! A run makes a log with its guard, fills segments and reopens it. One operation fails in one of
//! the ways that [`Failure`] names. Then the process is killed (what can be read stays), or the
//! power fails (each sector that was not synced is old or new). The judge is always the same: the
//! log opens again, has every batch whose append returned `Ok`, at most the one batch more that was
//! not answered, contradicts no root that was shown, and goes on.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::testing::{Failure, Operation};
use super::*;

const FAILURES: [Failure; 3] = [Failure::Clean, Failure::AfterPersisting, Failure::Halfway];
/// How many losses of power are tried for each failing operation.
const CRASHES: u64 = 2;

/// The batches of a run: they fill a segment, and a second one in part.
const RUN: [&[usize]; 6] = [&[120, 130], &[700], &[2100], &[50; 5], &[900, 60], &[10]];
/// After these many batches the run reopens the log.
const REOPEN: [usize; 2] = [2, 5];

/// A run that is over, or was ended by a failure.
struct Run {
    maker: Maker,
    /// The size and root that were answered.
    answered: (u64, TreeHash),
    /// The size that the last append would have led to.
    attempted: u64,
}

fn index_of(answered: (u64, TreeHash)) -> Vec<Evidence> {
    vec![evidence(EvidenceSource::Index, answered.0, answered.1)]
}

/// Opens the log with its guard and the index of a run.
fn reopen(disk: &SimDisk, run: &Run) -> Result<SegmentLog, StartError> {
    let guarding = Guarding::Kept(guard_on(disk));
    open_guarded(disk, &index_of(run.answered), &guarding)
}

/// A log with its guard, of these batches.
fn guarded_log_of(shapes: &[&[usize]]) -> (SimDisk, Maker) {
    let (disk, mut maker) = (SimDisk::new(), Maker::new());
    let place = guard_on(&disk);
    let log = SegmentLog::create_guarded(Arc::new(disk.clone()), SMALL, LEDGER, &place);
    let mut log = log.unwrap();
    for sizes in shapes {
        append(&mut log, &maker.next(sizes)).unwrap();
    }
    drop(log);
    (disk, maker)
}

/// Does the run up to the first failure.
fn run(disk: &SimDisk) -> Run {
    let mut run = Run {
        maker: Maker::new(),
        answered: (0, crate::merkle::empty_root()),
        attempted: 0,
    };
    let place = guard_on(disk);
    let created = SegmentLog::create_guarded(Arc::new(disk.clone()), SMALL, LEDGER, &place);
    let Ok(mut log) = created else { return run };
    for (number, sizes) in RUN.iter().enumerate() {
        if REOPEN.contains(&number) {
            drop(log);
            match reopen(disk, &run) {
                Ok(reopened) => log = reopened,
                Err(_) => return run,
            }
        }
        let made = run.maker.next(sizes);
        run.attempted = run.maker.tree.size();
        if let Err(fault) = append(&mut log, &made) {
            assert_eq!(log.size(), run.answered.0);
            let again = log.append(&made.batch());
            if !fault.leaves_log_usable() {
                assert!(matches!(again, Err(LogFault::Poisoned)), "{again:?}");
                compare_answered(log.reader().as_ref(), &run);
                return run;
            }
            // Nothing was written and the disk is well again.
            again.unwrap();
        }
        run.answered = (log.size(), log.tree().root());
    }
    run
}

fn compare_answered(reader: &dyn LogReader, run: &Run) {
    let (size, root) = run.answered;
    assert_eq!(reader.size(), size);
    for index in 0..size {
        let leaf = &run.maker.leaves[usize::try_from(index).unwrap()];
        assert_eq!(reader.leaf(index).unwrap(), *leaf);
    }
    let at = crate::merkle::root_at(size, &ReaderNodes(reader)).unwrap();
    assert_eq!(at, root);
}

/// Opens what is left, holds it to what was answered, and goes on with other entries.
fn judge(disk: &SimDisk, run: &Run) -> (Maker, u64) {
    let mut maker = Maker::new();
    let opened = reopen(disk, run);
    let mut log = match opened {
        // A founding that was cut before its guard or its segment had a name.
        Err(StartError::Empty) if run.answered.0 == 0 => {
            let (disk, place) = (Arc::new(disk.clone()), guard_on(disk));
            SegmentLog::create_guarded(disk, SMALL, LEDGER, &place).unwrap()
        }
        Ok(log) => log,
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    };
    let size = log.size();
    let (answered, attempted) = (run.answered.0, run.attempted);
    assert!(
        size == answered || size == attempted,
        "{size}: {answered}, {attempted}"
    );
    maker.leaves.clone_from(&run.maker.leaves);
    maker.checkpoints.clone_from(&run.maker.checkpoints);
    maker.cut(size);
    compare(log.reader().as_ref(), &maker);
    assert_eq!(
        disk.unsynced_segments(),
        0,
        "something is readable and not durable"
    );
    for sizes in [&[33, 44][..], &[2000], &[1; 20]] {
        append(&mut log, &maker.next(sizes)).unwrap();
    }
    compare(log.reader().as_ref(), &maker);
    let after = log.size();
    (maker, after)
}

/// Judges, loses power without a sync, and judges that what was answered since is there too.
fn judge_twice(disk: &SimDisk, run: &Run, rng: &mut ChaCha8Rng) {
    let (maker, size) = judge(disk, run);
    let again = Run {
        answered: (size, maker.tree.root()),
        attempted: size,
        maker,
    };
    judge(&disk.crash(&mut |_| rng.next_u32() & 1 == 1), &again);
}

#[test]
fn one_failing_operation_loses_nothing_that_was_answered() {
    let mut met = Vec::new();
    for failure in FAILURES {
        for operation in 0.. {
            let disk = SimDisk::new();
            disk.fail_at(operation, failure);
            let run = run(&disk);
            let Some(failed) = disk.heal() else { break };
            if !met.contains(&failed) {
                met.push(failed);
            }
            for seed in 0..CRASHES {
                println!("operation {operation} ({failed:?}) fails {failure:?}, seed {seed}");
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let odds = 1 + u32::try_from(seed).unwrap();
                let crashed = disk.crash(&mut |_| !rng.next_u32().is_multiple_of(odds + 1));
                judge_twice(&crashed, &run, &mut rng);
            }
            println!("operation {operation} ({failed:?}) fails {failure:?}, killed");
            let mut rng = ChaCha8Rng::seed_from_u64(operation);
            judge_twice(&disk, &run, &mut rng);
        }
    }
    use Operation::{Create, Rename, SetSize, Sync, SyncFolder, Write};
    for expected in [Create, Rename, SetSize, Sync, SyncFolder, Write] {
        assert!(
            met.contains(&expected),
            "{expected:?} was never made to fail"
        );
    }
}

#[test]
fn a_start_that_fails_can_be_repeated() {
    for failure in FAILURES {
        for operation in 0.. {
            let (disk, maker) = guarded_log_of(&RUN);
            let run = Run {
                answered: (maker.tree.size(), maker.tree.root()),
                attempted: maker.tree.size(),
                maker,
            };
            disk.fail_at(operation, failure);
            drop(reopen(&disk, &run));
            if disk.heal().is_none() {
                break;
            }
            println!("operation {operation} of the start fails {failure:?}");
            let mut rng = ChaCha8Rng::seed_from_u64(operation);
            let crashed = disk.crash(&mut |_| rng.next_u32() & 1 == 1);
            judge_twice(&crashed, &run, &mut rng);
            judge_twice(&disk, &run, &mut rng);
        }
    }
}

/// The batch whose sync failed: the most sectors that are tried in all combinations.
const EXHAUSTIVE: [&[usize]; 3] = [&[700, 800], &[10], &[1600, 20]];

#[test]
fn any_subset_of_the_sectors_of_an_unsynced_batch_may_be_lost() {
    for sizes in EXHAUSTIVE {
        let (disk, mut maker) = guarded_log_of(&RUN[..2]);
        let answered = (maker.tree.size(), maker.tree.root());
        let guarding = Guarding::Kept(guard_on(&disk));
        let mut log = open_guarded(&disk, &[], &guarding).unwrap();
        let made = maker.next(sizes);
        let syncs = (0..).find(|operation| {
            let (copy, _) = guarded_log_of(&RUN[..2]);
            let guarding = Guarding::Kept(guard_on(&copy));
            let mut log = open_guarded(&copy, &[], &guarding).unwrap();
            copy.fail_at(*operation, Failure::Clean);
            assert!(log.append(&made.batch()).is_err());
            copy.heal() == Some(Operation::Sync)
        });
        disk.fail_at(syncs.unwrap(), Failure::Clean);
        assert!(!log.append(&made.batch()).unwrap_err().leaves_log_usable());
        drop(log);
        disk.heal();
        let run = Run {
            answered,
            attempted: maker.tree.size(),
            maker,
        };
        let sectors = disk.unsynced_segments();
        assert!((1..=6).contains(&sectors), "{sectors}");
        let mut kept_whole = 0;
        for kept in 0u32..1 << sectors {
            println!("sectors kept: {kept:b} of {sectors}");
            let mut bit = 0;
            let crashed = disk.crash(&mut |name| {
                let segment = name.ends_with(".seg");
                bit += u32::from(segment);
                segment && kept >> (bit - 1) & 1 == 1
            });
            let log = reopen(&crashed, &run).unwrap();
            kept_whole += u32::from(log.size() == run.attempted);
            drop(log);
            judge(&crashed, &run);
        }
        assert_eq!(kept_whole, 1, "only the whole batch is one");
        judge_twice(&disk, &run, &mut ChaCha8Rng::seed_from_u64(1));
    }
}

#[test]
fn a_cut_footer_is_taken_away_if_it_is_what_would_stand_there() {
    let cut = |change: fn(&mut [u8])| {
        // The footer of 2^15 - 1 entries has fifteen hashes, and takes two sectors.
        let (disk, mut maker) = (SimDisk::new(), Maker::new());
        let options = LogOptions {
            segment_bytes: 720 * 1024,
            prepare_ahead: false,
        };
        let mut log = create(&disk, options);
        append(&mut log, &maker.next(&vec![1; 32_767])).unwrap();
        let full = log.append(&maker.next(&[65_000; 10]).batch());
        full.unwrap();
        drop(log);
        disk.take("segments/0000000001.seg");
        disk.take("high-water");
        let name = "segments/0000000000.seg";
        let mut bytes = disk.bytes(name);
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        let footer = end / 512 * 512 - 512;
        change(&mut bytes[footer..]);
        disk.put(name, bytes);
        open(&disk, options, &[]).map(|log| {
            assert_eq!(log.size(), 32_767);
            assert_eq!(disk.unsynced_segments(), 0);
        })
    };
    assert!(cut(|_| {}).is_ok());
    assert!(cut(|footer| footer[..512].fill(0)).is_ok());
    assert!(cut(|footer| footer[512..1024].fill(0)).is_ok());
    assert!(cut(|footer| footer[..1024].fill(0)).is_ok());
    let changed = cut(|footer| {
        footer[512..1024].fill(0);
        footer[100] ^= 1;
    });
    assert!(matches!(changed, Err(StartError::Damaged { .. })));
    let changed = cut(|footer| footer[600] ^= 1);
    assert!(matches!(changed, Err(StartError::Damaged { .. })));
}
