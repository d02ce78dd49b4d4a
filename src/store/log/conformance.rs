//! One suite for every implementation of the log: what `contract` promises, as tests.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::domain::{Origin, TreeHash};
use crate::keys::SecretKey;
use crate::merkle::{
    Checkpoint, Frontier, Prover, inclusion_proof, leaf_hash, root_of, sign_checkpoint,
    verify_inclusion,
};

use super::batch::{Batch, BatchError};
use super::contract::{LogReader, LogStore, ReaderNodes};
use super::fault::LogFault;

/// A writer that makes batches: leaves of a size, hashed, with a signed checkpoint.
pub(super) struct Maker {
    pub(super) key: SecretKey,
    pub(super) origin: Origin,
    pub(super) tree: Frontier,
    pub(super) leaves: Vec<Bytes>,
    /// Size, root and note after each batch.
    pub(super) checkpoints: Vec<(u64, TreeHash, String)>,
    /// How often it was cut: entries made after a cut differ from those that they replace.
    cuts: u64,
}

/// What a [`Maker`] made: a batch that owns its parts.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) first_index: u64,
    pub(super) leaves: Vec<Bytes>,
    pub(super) hashes: Vec<TreeHash>,
    pub(super) checkpoint: String,
}

impl Made {
    pub(super) fn batch(&self) -> Batch<'_> {
        Batch {
            first_index: self.first_index,
            leaves: &self.leaves,
            hashes: &self.hashes,
            checkpoint: &self.checkpoint,
        }
    }
}

/// Returns `size` bytes that differ by `seed` and are never zero.
pub(super) fn leaf_bytes(seed: u64, size: usize) -> Bytes {
    let mut hash = blake3::Hasher::new();
    hash.update(&seed.to_be_bytes());
    let mut bytes = vec![0; size];
    hash.finalize_xof().fill(&mut bytes);
    bytes.iter_mut().for_each(|byte| *byte |= 1);
    Bytes::from(bytes)
}

impl Maker {
    pub(super) fn new() -> Self {
        Self {
            key: SecretKey::from_seed(&[7; 32]),
            origin: "log.example/fenrun".parse().unwrap(),
            tree: Frontier::new(),
            leaves: Vec::new(),
            checkpoints: Vec::new(),
            cuts: 0,
        }
    }

    /// Forgets what was made beyond `size`, where a batch ended.
    pub(super) fn cut(&mut self, size: u64) {
        self.leaves.truncate(usize::try_from(size).unwrap());
        self.checkpoints.retain(|(at, ..)| *at <= size);
        self.tree = Frontier::new();
        self.leaves
            .iter()
            .for_each(|leaf| self.tree.push(leaf_hash(leaf)));
        self.cuts += 1;
    }

    /// Makes the batch of leaves of these sizes that follows all made before.
    pub(super) fn next(&mut self, sizes: &[usize]) -> Made {
        let first_index = self.tree.size();
        let leaves: Vec<Bytes> = (first_index..)
            .zip(sizes)
            .map(|(index, size)| leaf_bytes(index + (self.cuts << 32), *size))
            .collect();
        let hashes: Vec<TreeHash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        hashes.iter().for_each(|hash| self.tree.push(*hash));
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: self.tree.size(),
            root: self.tree.root(),
        };
        let note = sign_checkpoint(&checkpoint, &[&self.key]);
        self.leaves.extend_from_slice(&leaves);
        let after = (checkpoint.size, checkpoint.root, note.clone());
        self.checkpoints.push(after);
        Made {
            first_index,
            leaves,
            hashes,
            checkpoint: note,
        }
    }
}

/// The sizes of batches that together meet short, long, single and many entries.
const SHAPES: [&[usize]; 7] = [
    &[1],
    &[200, 300],
    &[65_535],
    &[500; 40],
    &[511, 512, 513],
    &[1; 9],
    &[106; 3],
];

/// Runs the suite on logs that `fresh` makes, each empty.
pub(super) fn check(fresh: &mut dyn FnMut() -> Box<dyn LogStore>) {
    refuses_what_does_not_follow(fresh().as_mut());
    reads_what_was_appended(fresh().as_mut());
    keeps_cosignatures_between_batches(fresh().as_mut());
    readers_run_beside_the_writer(fresh().as_mut());
}

/// Compares everything that a reader gives with what a maker made.
pub(super) fn compare(reader: &dyn LogReader, maker: &Maker) {
    let size = maker.leaves.len() as u64;
    assert_eq!(reader.size(), size);
    for (index, leaf) in (0..).zip(&maker.leaves) {
        assert_eq!(reader.leaf(index).unwrap(), *leaf, "entry {index}");
    }
    let mut notes = maker.checkpoints.iter().map(|(size, _, note)| (size, note));
    for at in 0..=size {
        let expected = maker.checkpoints.iter().find(|(size, ..)| *size == at);
        let expected = expected.map(|(_, _, note)| note.clone());
        assert_eq!(reader.checkpoint(at).unwrap(), expected, "size {at}");
    }
    let all = reader.checkpoints(0, size, usize::MAX).unwrap();
    assert_eq!(all.len(), maker.checkpoints.len());
    assert!(
        all.iter()
            .all(|(size, note)| notes.next() == Some((size, note)))
    );
    for (at, root, _) in &maker.checkpoints {
        let nodes = ReaderNodes(reader);
        assert_eq!(Prover::new(*at, &nodes).unwrap().root(), *root);
    }
    for level in 0..4 {
        let complete = size >> level;
        let one_by_one = (0..complete).map(|index| reader.node(level, index).unwrap());
        let one_by_one: Vec<TreeHash> = one_by_one.collect();
        assert_eq!(reader.nodes(level, 0, complete).unwrap(), one_by_one);
        assert!(reader.nodes(level, 0, complete + 1).is_err());
    }
    assert_outside(reader, size);
}

/// What lies beyond the end is an error of its own, on every method.
fn assert_outside(reader: &dyn LogReader, size: u64) {
    let beyond = |fault: LogFault| matches!(fault, LogFault::IndexBeyondLog { .. });
    assert!(beyond(reader.leaf(size).unwrap_err()));
    assert!(beyond(reader.leaf(u64::MAX).unwrap_err()));
    assert!(beyond(reader.leaves(size, size + 1, 1).unwrap_err()));
    assert!(beyond(reader.leaves(0, size + 1, 1).unwrap_err()));
    assert!(beyond(reader.checkpoint(size + 1).unwrap_err()));
    assert!(beyond(reader.checkpoints(0, size + 1, 1).unwrap_err()));
    for (level, index) in [(0, size), (0, u64::MAX), (63, 1), (64, 0), (u32::MAX, 0)] {
        let fault = reader.node(level, index).unwrap_err();
        assert!(matches!(fault, LogFault::NodeIncomplete { .. }), "{fault}");
    }
}

fn reads_what_was_appended(log: &mut dyn LogStore) {
    let mut maker = Maker::new();
    compare(log.reader().as_ref(), &maker);
    let reader = log.reader();
    for sizes in SHAPES {
        let made = maker.next(sizes);
        log.append(&made.batch()).unwrap();
        let (size, root, _) = maker.checkpoints.last().unwrap();
        log.published(*size, root);
        assert_eq!(log.size(), *size);
        compare(reader.as_ref(), &maker);
    }
    reads_ranges(reader.as_ref(), &maker);
}

fn keeps_cosignatures_between_batches(log: &mut dyn LogStore) {
    let mut maker = Maker::new();
    let reader = log.reader();
    assert_eq!(reader.cosigned(), None);
    let mut kept = Vec::new();
    for (number, sizes) in SHAPES.iter().chain(&SHAPES).enumerate() {
        log.append(&maker.next(sizes).batch()).unwrap();
        let size = log.size();
        if number % 3 > 0 {
            let lines = format!("\u{2014} witness {number}\n").repeat(number * 40);
            log.cosign(size, &lines).unwrap();
            // Those that come later for the same size, or a smaller one, are not kept.
            log.cosign(size, "later").unwrap();
            log.cosign(size - 1, "smaller").unwrap();
            kept.push((size, lines));
        }
        compare(reader.as_ref(), &maker);
    }
    for size in 0..=log.size() + 1 {
        let expected = kept.iter().find(|(at, _)| *at == size);
        let expected = expected.map(|(_, lines)| lines.clone());
        assert_eq!(reader.cosignatures(size).unwrap(), expected, "{size}");
    }
    let (first, last) = (kept.first().unwrap().0, kept.last().unwrap().0);
    assert_eq!(reader.cosigned(), Some((first, last)));
}

fn reads_ranges(reader: &dyn LogReader, maker: &Maker) {
    let size = maker.leaves.len();
    for first in 0..size {
        for (end, bytes_max) in [
            (size, 1),
            (size, 1_100),
            (first + 1, 9_000),
            (size, 1 << 30),
        ] {
            let leaves = reader.leaves(first as u64, end as u64, bytes_max).unwrap();
            let expected = &maker.leaves[first..first + leaves.len()];
            assert_eq!(leaves, expected);
            let sum: usize = leaves.iter().map(Bytes::len).sum();
            assert!(leaves.len() == 1 || sum <= bytes_max);
            let next = maker.leaves[..end].get(first + leaves.len());
            assert!(next.is_none_or(|next| sum + next.len() > bytes_max));
        }
        let after = first as u64;
        let two = reader.checkpoints(after, size as u64, 2).unwrap();
        let expected = maker.checkpoints.iter().filter(|(at, ..)| *at > after);
        assert!(
            two.iter()
                .map(|(at, _)| at)
                .eq(expected.map(|(at, ..)| at).take(2))
        );
    }
    assert!(reader.checkpoints(3, 3, 9).unwrap().is_empty());
    assert!(reader.checkpoints(9, 3, 9).unwrap().is_empty());
}

fn refuses_what_does_not_follow(log: &mut dyn LogStore) {
    let mut maker = Maker::new();
    let mut refused = |made: &Made, expected: fn(&BatchError) -> bool| {
        let size = log.size();
        let fault = log.append(&made.batch()).unwrap_err();
        assert!(fault.leaves_log_usable());
        assert_eq!(log.size(), size);
        match fault {
            LogFault::Batch(error) => assert!(expected(&error), "{error}"),
            other => panic!("{other}"),
        }
    };
    let first = maker.next(&[10, 20]);
    let second = maker.next(&[30]);
    refused(&second, |e| matches!(e, BatchError::Position { .. }));
    let mut bad = first.clone();
    bad.checkpoint = second.checkpoint.clone();
    refused(&bad, |e| matches!(e, BatchError::CheckpointDiffers { .. }));
    let mut bad = first.clone();
    bad.checkpoint.pop();
    refused(&bad, |e| matches!(e, BatchError::Note(_)));
    let mut bad = first.clone();
    bad.hashes.pop();
    refused(&bad, |e| matches!(e, BatchError::Hashes { .. }));
    let mut bad = first.clone();
    (bad.leaves, bad.hashes) = (Vec::new(), Vec::new());
    refused(&bad, |e| matches!(e, BatchError::Empty));
    for size in [0, 65_536] {
        let bad = Maker::new().next(&[size]);
        refused(&bad, |e| matches!(e, BatchError::EntryBytes { .. }));
    }
    log.append(&first.batch()).unwrap();
    let fault = log.append(&first.batch()).unwrap_err();
    assert!(fault.leaves_log_usable());
    log.append(&second.batch()).unwrap();
    compare(log.reader().as_ref(), &maker);
}

/// Readers in two threads see whole batches only, and can prove all that they see.
fn readers_run_beside_the_writer(log: &mut dyn LogStore) {
    let mut maker = Maker::new();
    let batches: Vec<Made> = (1..40).map(|n| maker.next(&vec![100 + n; n])).collect();
    let writing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let reader = log.reader();
            let (maker, writing) = (&maker, &writing);
            scope.spawn(move || {
                while writing.load(Ordering::Acquire) {
                    look_at_the_end(reader.as_ref(), maker);
                }
            });
        }
        let appended = batches
            .iter()
            .try_for_each(|made| log.append(&made.batch()));
        // Readers must end also when an append fails.
        writing.store(false, Ordering::Release);
        appended.unwrap();
    });
    let hashes: Vec<TreeHash> = maker.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    assert_eq!(root_of(&hashes), maker.tree.root());
    compare(log.reader().as_ref(), &maker);
}

fn look_at_the_end(reader: &dyn LogReader, maker: &Maker) {
    let size = reader.size();
    let Some(last) = size.checked_sub(1) else {
        return;
    };
    let known = maker.checkpoints.iter().find(|(at, ..)| *at == size);
    let (_, root, note) = known.expect("a size within a batch was shown");
    assert_eq!(reader.checkpoint(size).unwrap().as_ref(), Some(note));
    let middle = last / 2;
    let leaf = reader.leaf(middle).unwrap();
    let proof = inclusion_proof(middle, size, &ReaderNodes(reader)).unwrap();
    verify_inclusion(middle, size, &leaf_hash(&leaf), &proof, root).unwrap();
}
