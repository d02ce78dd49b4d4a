//! A batch: what one sync makes durable, and everybody who waits for it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::attachments::Produced;
use super::receipt::Receipt;
use crate::domain::{ENTRY_BYTES_MAX, Entry, Rejection, TreeHash, UnixMillis};
use crate::ledger::Changes;
use crate::merkle::{Frontier, Nodes, ProveError, Prover, leaf_hash};
use crate::store::log::{BATCH_ENTRIES_BYTES_MAX, FRAME_BYTES_OVERHEAD};

/// The most entries of one batch.
pub const BATCH_ENTRIES_MAX: usize = 4_096;

// A batch can always take one more entry than none.
const _: () = assert!(ENTRY_BYTES_MAX + FRAME_BYTES_OVERHEAD <= BATCH_ENTRIES_BYTES_MAX);

/// What a submitter is told when all that its answer rests on is durable.
#[derive(Debug)]
pub(super) enum Answer {
    /// The command is recorded.
    Recorded(Receipt),
    /// It was recorded before, at this index.
    Repeated(u64),
    /// It is refused.
    Refused(Rejection),
}

/// Where an answer goes; a submitter that is gone is not missed.
pub(super) type Reply = oneshot::Sender<Answer>;

/// What was decided about one submission.
#[derive(Debug)]
enum Decided {
    /// It is the entry at this place of the batch.
    Entry(usize),
    Repeated(u64),
    Refused(Rejection),
}

/// Entries that follow each other, their changes, and the answers that wait for them.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) first_index: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) leaves: Vec<Bytes>,
    pub(super) changes: Arc<Changes>,
    /// Attachments that the rules computed, to be stored before the entries.
    pub(super) produced: Produced,
    bytes: usize,
    entries_max: usize,
    waiting: Vec<(Reply, Decided)>,
}

impl Batch {
    /// Returns an empty batch after `first_index` entries, for at most `entries_max` entries and
    /// answers.
    pub(super) fn after(first_index: u64, entries_max: usize) -> Self {
        Self {
            first_index,
            entries: Vec::new(),
            leaves: Vec::new(),
            changes: Arc::default(),
            produced: Vec::new(),
            bytes: 0,
            entries_max,
            waiting: Vec::new(),
        }
    }

    /// Returns the index that the next entry gets.
    pub(super) fn next_index(&self) -> u64 {
        // No log reaches 2^64 entries; saturating keeps the sum defined.
        self.first_index.saturating_add(self.leaves.len() as u64)
    }

    /// Says whether nobody waits for this batch.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.leaves.is_empty()
    }

    /// Returns how many more entries and answers it takes, if they are short.
    pub(super) fn room(&self) -> usize {
        self.entries_max.saturating_sub(self.waiting.len())
    }

    /// Says whether an entry of any size may still be added.
    pub(super) fn has_room(&self) -> bool {
        let largest = ENTRY_BYTES_MAX.saturating_add(FRAME_BYTES_OVERHEAD);
        self.room() > 0 && self.bytes.saturating_add(largest) <= BATCH_ENTRIES_BYTES_MAX
    }

    /// Adds an accepted entry.
    pub(super) fn accept(&mut self, reply: Reply, entry: Entry, leaf: Bytes, changes: Changes) {
        self.waiting
            .push((reply, Decided::Entry(self.leaves.len())));
        let framed = leaf.len().saturating_add(FRAME_BYTES_OVERHEAD);
        self.bytes = self.bytes.saturating_add(framed);
        self.leaves.push(leaf);
        self.entries.push(entry);
        // Nobody else holds them yet: they are shared when the batch is handed over.
        Arc::make_mut(&mut self.changes).merge(changes);
    }

    /// Adds a submission that was recorded before.
    pub(super) fn repeat(&mut self, reply: Reply, index: u64) {
        self.waiting.push((reply, Decided::Repeated(index)));
    }

    /// Adds a refusal; it waits like all answers, because it may rest on entries of this batch.
    pub(super) fn refuse(&mut self, reply: Reply, rejection: Rejection) {
        self.waiting.push((reply, Decided::Refused(rejection)));
    }

    /// Returns an empty batch that follows this one.
    pub(super) fn following(&self) -> Self {
        Self::after(self.next_index(), self.entries_max)
    }

    /// Returns when the last entry was recorded; none where there is no entry.
    pub(super) fn recorded_at(&self) -> Option<UnixMillis> {
        self.entries.last().map(|entry| entry.recorded_at)
    }

    /// Answers everybody: what was decided is durable.
    pub(super) fn answer(
        self,
        tree: &BatchTree,
        checkpoint: &Arc<str>,
    ) -> Result<(), ProveError<NodeOutside>> {
        let mut prover = match self.leaves.is_empty() {
            true => None,
            false => Some(Prover::new(tree.after.size(), tree)?),
        };
        for (reply, decided) in self.waiting {
            let answer = match decided {
                Decided::Entry(place) => {
                    let index = self.first_index.saturating_add(place as u64);
                    let (Some(entry), Some(prover)) = (self.entries.get(place), &mut prover) else {
                        continue;
                    };
                    let proof = prover.inclusion(index)?;
                    Answer::Recorded(Receipt::of(index, entry, proof, Arc::clone(checkpoint)))
                }
                Decided::Repeated(index) => Answer::Repeated(index),
                Decided::Refused(rejection) => Answer::Refused(rejection),
            };
            // Whoever no longer waits finds the entry by sending the command again.
            let _ = reply.send(answer);
        }
        Ok(())
    }

    /// Tells everybody that nothing is known about what was decided.
    pub(super) fn fail(self, rejection: &Rejection) {
        for (reply, _) in self.waiting {
            let _ = reply.send(Answer::Refused(rejection.clone()));
        }
    }
}

/// The nodes that a batch adds to the tree, and the right edge of what was before: all that
/// proofs of its entries need.
#[derive(Debug)]
pub(super) struct BatchTree {
    before: Frontier,
    pub(super) after: Frontier,
    /// By level, the index of the first node that the batch finished, and all that it finished.
    levels: Vec<(u64, Vec<TreeHash>)>,
}

/// A node that neither the batch nor the edge before it has; proofs of its entries need none.
#[derive(Debug, thiserror::Error)]
#[error("node {index} of level {level} is not next to the batch")]
pub(super) struct NodeOutside {
    level: u32,
    index: u64,
}

impl BatchTree {
    /// Appends leaves to a tree; returns the result and the hashes of the leaves.
    pub(super) fn append(before: &Frontier, leaves: &[Bytes]) -> (Self, Vec<TreeHash>) {
        let mut after = before.clone();
        let mut levels: Vec<(u64, Vec<TreeHash>)> = Vec::new();
        let mut hashes = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let hash = leaf_hash(leaf);
            hashes.push(hash);
            after.push_with(hash, |level, index, node| {
                // A level's first node is finished after that of the level below.
                match levels.get_mut(level as usize) {
                    Some((_, nodes)) => nodes.push(node),
                    None => levels.push((index, vec![node])),
                }
            });
        }
        let before = before.clone();
        let tree = Self {
            before,
            after,
            levels,
        };
        (tree, hashes)
    }

    fn find(&self, level: u32, index: u64) -> Option<TreeHash> {
        if let Some((first, nodes)) = self.levels.get(level as usize)
            && let Some(place) = index.checked_sub(*first)
        {
            return nodes.get(usize::try_from(place).ok()?).copied();
        }
        // On the edge of a tree of some size, level `l` has a node where bit `l` is one: the last.
        let rest = self.before.size().checked_shr(level)?;
        if rest & 1 == 0 || index != rest.checked_sub(1)? {
            return None;
        }
        let larger = rest.count_ones().checked_sub(1)?;
        self.before.hashes().get(larger as usize).copied()
    }
}

impl Nodes for BatchTree {
    type Error = NodeOutside;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, NodeOutside> {
        self.find(level, index).ok_or(NodeOutside { level, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{MemoryTree, inclusion_proof};

    #[test]
    fn a_batch_proves_its_entries_as_the_whole_tree_does() {
        let leaf = |index: u64| Bytes::from(index.to_be_bytes().to_vec());
        for before in 0..40 {
            let mut whole: MemoryTree = (0..before).map(|index| leaf_hash(&leaf(index))).collect();
            for count in [1, 2, 3, 7, 8, 33] {
                let leaves: Vec<Bytes> = (before..before + count).map(leaf).collect();
                let (tree, hashes) = BatchTree::append(whole.frontier(), &leaves);
                let mut after = whole.clone();
                hashes.iter().for_each(|hash| after.push(*hash));
                let mut prover = Prover::new(before + count, &tree).unwrap();
                assert_eq!(prover.root(), after.root());
                for index in before..before + count {
                    let expected = inclusion_proof(index, before + count, &after).unwrap();
                    assert_eq!(prover.inclusion(index).unwrap(), expected);
                }
            }
            whole.push(leaf_hash(&leaf(before)));
        }
    }
}
