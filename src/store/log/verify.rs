//! Walks whole segments and holds each batch to its checkpoint.

use crate::domain::TreeHash;
use crate::merkle::{Checkpoint, Frontier, SignedNote, leaf_hash};

use super::format::{BatchView, Damage, Footer, Header, NoteHash, Place, note_hash};
use super::scan::{Scan, Step, Tail};

/// Hears of everything that a walk has found to be right, in order.
pub(super) trait Visitor {
    /// An entry of a batch whose root is right.
    fn entry(&mut self, index: u64, place: Place, leaf: &[u8]);
    /// A node of the tree; it may belong to a batch whose root turns out to be wrong.
    fn node(&mut self, level: u32, index: u64, hash: TreeHash);
    /// The tree after each entry; likewise.
    fn tree(&mut self, _: &Frontier) {}
    /// A checkpoint that is that of the entries before it; its batch begins at the first index.
    fn checkpoint(&mut self, _: Place, _first_index: u64, _size: u64, _: &str) {}
}

/// The last batch with a checkpoint that a walk has met, or the last batch of cosignatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastBatch {
    /// Where it starts.
    pub(super) place: Place,
    /// Its bytes in the segment.
    pub(super) bytes: usize,
}

/// A note and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastNote {
    /// The place of its frame.
    pub(super) place: Place,
    /// The text.
    pub(super) note: String,
    /// The size of the log before the batch that it ends.
    pub(super) first_index: u64,
}

/// How a segment ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SegmentEnd {
    /// With its footer, which fits the tree.
    Footer {
        /// Where it stands.
        place: Place,
        /// The bytes that it takes, in whole sectors.
        bytes: usize,
    },
    /// Without one.
    Open(Tail),
}

/// What is known of the log at the point that a walk has reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    /// The tree of all entries so far.
    pub(super) tree: Frontier,
    /// The hash of the last checkpoint note; zeros where there is none.
    pub(super) last_note_hash: NoteHash,
    /// The last note that this walk has met.
    pub(super) last_note: Option<LastNote>,
    /// The last batch that this walk has met.
    pub(super) last_batch: Option<LastBatch>,
}

impl Walk {
    /// Begins behind a footer.
    pub(super) fn after(footer: &Footer) -> Self {
        Self {
            tree: footer.tree.clone(),
            last_note_hash: footer.last_note,
            ..Self::default()
        }
    }

    /// Checks that a segment's header follows what is known.
    ///
    /// # Errors
    /// What differs.
    pub(super) fn enter(&self, header: &Header) -> Result<(), Damage> {
        if header.first_index != self.tree.size() {
            let (found, expected) = (header.first_index, self.tree.size());
            let what = format!("the segment begins with entry {found}, but {expected} follows");
            return Err(Damage::new(0, what));
        }
        if header.previous != self.last_note_hash {
            let what = "the header does not continue the last checkpoint of the segment before";
            return Err(Damage::new(0, what));
        }
        Ok(())
    }

    /// Walks through a segment, given all of its bytes, and returns how it ends.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(super) fn segment(
        &mut self,
        header: &Header,
        bytes: &[u8],
        visitor: &mut dyn Visitor,
    ) -> Result<SegmentEnd, Damage> {
        self.enter(header)?;
        let mut scan = Scan::new(header.segment, header.first_index, bytes);
        loop {
            match scan.step()? {
                Step::Batch(batch) => self.batch(&batch, visitor)?,
                Step::End(tail) => return Ok(SegmentEnd::Open(tail)),
                Step::Footer {
                    place,
                    footer,
                    bytes,
                } => {
                    self.footer(place, &footer)?;
                    let bytes = bytes.len();
                    return Ok(SegmentEnd::Footer { place, bytes });
                }
            }
        }
    }

    fn footer(&self, place: Place, footer: &Footer) -> Result<(), Damage> {
        if *footer == self.expected_footer() {
            return Ok(());
        }
        let what = "the footer says another size, root or checkpoint than the entries before it";
        Err(Damage::new(place.offset, what))
    }

    /// Returns the footer that a segment would have that ends here.
    pub(super) fn expected_footer(&self) -> Footer {
        Footer {
            tree: self.tree.clone(),
            last_note: self.last_note_hash,
        }
    }

    fn batch(&mut self, batch: &BatchView<'_>, visitor: &mut dyn Visitor) -> Result<(), Damage> {
        let first_index = self.tree.size();
        for (_, leaf) in &batch.entries {
            let hash = leaf_hash(leaf);
            self.tree.push_with(hash, |level, index, hash| {
                visitor.node(level, index, hash);
            });
            visitor.tree(&self.tree);
        }
        if let Some((place, note)) = batch.checkpoint {
            self.hold_to(place, note)?;
            for (index, (place, leaf)) in (first_index..).zip(&batch.entries) {
                visitor.entry(index, *place, leaf);
            }
            visitor.checkpoint(place, first_index, self.tree.size(), note);
            self.last_note_hash = note_hash(note.as_bytes());
            let note = note.to_owned();
            self.last_note = Some(LastNote {
                place,
                note,
                first_index,
            });
        }
        self.last_batch = Some(LastBatch {
            place: batch.place,
            bytes: batch.start.size(),
        });
        Ok(())
    }

    /// Checks that a note says the size and root of the tree.
    fn hold_to(&self, place: Place, note: &str) -> Result<(), Damage> {
        let damaged = |what: String| Damage::new(place.offset, what);
        let parsed = SignedNote::parse(note.as_bytes());
        let parsed = parsed.map_err(|error| damaged(format!("no checkpoint: {error}")))?;
        let checkpoint: Result<Checkpoint, _> = parsed.text().parse();
        let checkpoint = checkpoint.map_err(|error| damaged(format!("no checkpoint: {error}")))?;
        let (size, root) = (self.tree.size(), self.tree.root());
        if checkpoint.size == size && checkpoint.root == root {
            return Ok(());
        }
        Err(damaged(format!(
            "the checkpoint says size {} and root {}, but the entries give {size} and {root}",
            checkpoint.size, checkpoint.root
        )))
    }
}
