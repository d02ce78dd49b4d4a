//! What a start walks through, and how it compares that with the evidence.

use crate::domain::TreeHash;
use crate::keys::StrictVerifier;
use crate::merkle::{Frontier, open_checkpoint_of_all};

use super::evidence::{Evidence, EvidenceSource, LogKeys};
use super::fault::LogFault;
use super::format::{Damage, Place};
use super::scan::Cut;
use super::segments::Found;
use super::shared::segment_name;
use super::start_error::StartError;
use super::tree_files::{TreeChanges, TreeFiles};
use super::verify::{SegmentEnd, Visitor, Walk};

/// What a start looks for while it walks.
struct StartVisitor<'a> {
    files: &'a TreeFiles,
    changes: TreeChanges,
    fault: Option<LogFault>,
    keys: &'a mut dyn LogKeys,
    evidence: &'a [Evidence],
    contradicted: Option<(Evidence, TreeHash)>,
}

/// How much is collected for the files of the tree before it is written.
const CHANGES_BYTES: usize = 4 * 1024 * 1024;

impl StartVisitor<'_> {
    fn flush(&mut self) {
        if let Err(fault) = self.files.write(&self.changes) {
            self.fault = Some(fault);
        }
        self.changes.clear();
    }
}

impl Visitor for StartVisitor<'_> {
    fn entry(&mut self, index: u64, place: Place, leaf: &[u8]) {
        self.changes.place(index, place);
        self.keys.entry(index, leaf);
    }

    fn node(&mut self, level: u32, index: u64, hash: TreeHash) {
        self.changes.node(level, index, &hash);
    }

    fn tree(&mut self, tree: &Frontier) {
        // Size 0 has one root only, whatever somebody with nothing to say puts there.
        let here = self.evidence.iter().filter(|e| e.size > 0);
        let here = here.filter(|e| e.size == tree.size());
        for evidence in here {
            let root = tree.root();
            if root != evidence.root {
                self.contradicted = Some((evidence.clone(), root));
            }
        }
    }

    fn checkpoint(&mut self, _: Place, _: u64, _: u64, _: &str) {
        if self.changes.bytes() >= CHANGES_BYTES {
            self.flush();
        }
    }
}

/// Returns which of the segments holds an entry.
fn holder(found: &[Found], index: u64) -> usize {
    let after = found.partition_point(|segment| segment.header.first_index <= index);
    after.saturating_sub(1)
}

/// Walks what a start reads in full, and compares with the evidence.
pub(super) fn verify(
    found: &[Found],
    files: &TreeFiles,
    evidence: &[Evidence],
    keys: &mut dyn LogKeys,
) -> Result<(Walk, SegmentEnd), StartError> {
    let last = found.len().saturating_sub(1);
    let last_first = found.last().map_or(0, |last| last.header.first_index);
    let applied = evidence
        .iter()
        .filter(|e| e.source == EvidenceSource::Index);
    let applied = applied.map(|e| e.size).max().unwrap_or_default();
    let covered = files.covered(last_first)?;
    let first = last.min(holder(found, applied)).min(holder(found, covered));
    let (first, walk, end) = match walk_from(found, first, files, evidence, keys)? {
        // The last segment has no whole batch yet, so the last batch stands in an earlier one.
        (walk, _) if walk.last_note.is_none() && first > 0 => {
            let first = holder(found, last_first.saturating_sub(1));
            let (walk, end) = walk_from(found, first, files, evidence, keys)?;
            (first, walk, end)
        }
        (walk, end) => (first, walk, end),
    };
    compare_older(found, first, evidence)?;
    let last = found.last().map(Found::name).unwrap_or_default();
    compare_newer(&last, walk.tree.size(), &end, evidence)?;
    Ok((walk, end))
}

/// Walks all segments from one on.
fn walk_from(
    found: &[Found],
    first: usize,
    files: &TreeFiles,
    evidence: &[Evidence],
    keys: &mut dyn LogKeys,
) -> Result<(Walk, SegmentEnd), StartError> {
    let (before, walked) = found.split_at_checked(first).unwrap_or((found, &[]));
    let mut walk = walk_after(before);
    let mut visitor = StartVisitor {
        files,
        changes: TreeChanges::default(),
        fault: None,
        keys,
        evidence,
        contradicted: None,
    };
    visitor.tree(&walk.tree);
    let mut end = None;
    let mut bytes = Vec::new();
    for segment in walked {
        segment.read(&mut bytes)?;
        let damaged = |damage| StartError::damaged(segment.name(), damage);
        let ended = walk.segment(&segment.header, &bytes, &mut visitor);
        let ended = ended.map_err(damaged)?;
        if segment.footer.is_some()
            && let SegmentEnd::Open(tail) = &ended
        {
            let what = "the log goes on in the next segment, but this one has no footer here";
            return Err(damaged(Damage::new(tail.offset, what)));
        }
        end = Some(ended);
    }
    visitor.flush();
    if let Some((evidence, root)) = visitor.contradicted {
        return Err(rollback(&evidence, format!("the root {root} there")));
    }
    match visitor.fault {
        Some(fault) => Err(fault.into()),
        None => Ok((walk, end.ok_or(StartError::Empty)?)),
    }
}

/// Returns a walk that stands behind these segments.
fn walk_after(before: &[Found]) -> Walk {
    let footer = before.last().and_then(|segment| segment.footer.as_ref());
    footer.map_or_else(Walk::default, Walk::after)
}

pub(super) fn rollback(evidence: &Evidence, found: String) -> StartError {
    StartError::Rollback {
        source_name: evidence.source,
        size: evidence.size,
        root: evidence.root,
        found,
    }
}

/// Compares evidence of sizes before the walk: each in its own segment.
fn compare_older(
    found: &[Found],
    walked_from: usize,
    evidence: &[Evidence],
) -> Result<(), StartError> {
    struct At<'a>(&'a Evidence, Option<TreeHash>);
    impl Visitor for At<'_> {
        fn entry(&mut self, _: u64, _: Place, _: &[u8]) {}
        fn node(&mut self, _: u32, _: u64, _: TreeHash) {}
        fn tree(&mut self, tree: &Frontier) {
            if tree.size() == self.0.size {
                self.1 = Some(tree.root());
            }
        }
    }
    let start = found.get(walked_from);
    let start = start.map_or(0, |segment| segment.header.first_index);
    for evidence in evidence.iter().filter(|e| e.size > 0 && e.size < start) {
        let holder = holder(found, evidence.size.saturating_sub(1));
        let (before, rest) = found.split_at_checked(holder).unwrap_or_default();
        let Some(segment) = rest.first() else {
            continue;
        };
        let mut walk = walk_after(before);
        let (mut bytes, mut at) = (Vec::new(), At(evidence, None));
        segment.read(&mut bytes)?;
        walk.segment(&segment.header, &bytes, &mut at)
            .map_err(|damage| StartError::damaged(segment.name(), damage))?;
        match at.1 {
            Some(root) if root == evidence.root => {}
            Some(root) => return Err(rollback(evidence, format!("the root {root} there"))),
            None => return Err(rollback(evidence, "no such size".to_owned())),
        }
    }
    Ok(())
}

/// Refuses a log that is shorter than some evidence.
fn compare_newer(
    last: &str,
    size: u64,
    end: &SegmentEnd,
    evidence: &[Evidence],
) -> Result<(), StartError> {
    let Some(newest) = evidence.iter().max_by_key(|e| e.size) else {
        return Ok(());
    };
    if newest.size <= size {
        return Ok(());
    }
    match end {
        // What was shown was durable, so no cut write explains these bytes.
        SegmentEnd::Open(tail) if matches!(tail.cut, Cut::Batch { .. }) => {
            let what = format!(
                "sectors of the batch after entry {size} are zeros, but {} has seen {} entries",
                newest.source, newest.size
            );
            let damage = Damage::new(tail.offset, what);
            Err(StartError::damaged(last.to_owned(), damage))
        }
        _ => Err(rollback(newest, format!("only {size} entries"))),
    }
}

/// Checks that the keys of the log in force have signed its last checkpoint.
pub(super) fn check_signature(walk: &Walk, keys: &dyn LogKeys) -> Result<(), StartError> {
    let Some(last) = &walk.last_note else {
        return Ok(());
    };
    match judge_signature(&last.note, last.first_index, walk.tree.size(), keys) {
        Ok(()) => Ok(()),
        Err(what) => {
            let damage = Damage::new(last.place.offset, what);
            let file = segment_name(last.place.segment);
            Err(StartError::damaged(file, damage))
        }
    }
}

/// Checks that the keys of the log in force have signed a checkpoint; says what is wrong.
pub(super) fn judge_signature(
    note: &str,
    first_index: u64,
    size: u64,
    keys: &dyn LogKeys,
) -> Result<(), String> {
    let required = keys.keys(first_index, size);
    let opened = open_checkpoint_of_all(note.as_bytes(), &required, &StrictVerifier);
    opened.map(|_| ()).map_err(|error| {
        let source = std::error::Error::source(&error);
        let because = source.map_or(String::new(), |source| format!(": {source}"));
        format!("the checkpoint at {size} is not the log's: {error}{because}")
    })
}
