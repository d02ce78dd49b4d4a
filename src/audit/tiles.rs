//! Tiles of a static log, compared with what its entries give, or with each other.

use super::auditor::Pins;
use super::finding::{Finding, FindingKind, Place};
use super::receipts::chain;
use super::report::Report;
use crate::domain::{TreeHash, Verifier};
use crate::merkle::{TILE_WIDTH, TileId, TileKind, empty_root, open_checkpoint, root_of};

/// Gives the bytes of a tile, or says why they cannot be had.
pub type ReadTile<'a> = dyn FnMut(&TileId) -> Result<Vec<u8>, String> + 'a;

/// Compares every hash tile of the tree over `leaves` that reaches past the first `from` of them.
pub fn check_tiles(leaves: &[TreeHash], from: u64, read: &mut ReadTile<'_>, report: &mut Report) {
    let size = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
    let mut level = leaves.to_vec();
    let mut checked = from;
    for kind in TileKind::levels(size) {
        for tile in TileId::of_size(kind, size, 0).filter(|tile| tile.end() > checked) {
            let expected = part(&level, &tile);
            match read(&tile) {
                Ok(found) => compare(&tile, expected, &found, report),
                Err(why) => differs(&tile, format!("it cannot be read: {why}"), report),
            }
        }
        level = above(&level);
        checked = checked.checked_div(TILE_WIDTH).unwrap_or_default();
    }
}

/// Audits the hash tiles of a log alone: that they are those of the tree that its checkpoint signs.
/// What the entries say is not looked at.
pub fn audit_tree(
    pins: &Pins,
    note: &str,
    read: &mut ReadTile<'_>,
    verifier: &dyn Verifier,
) -> Report {
    let origin = pins.log_keys.first().map(|key| key.name.clone());
    let mut report = Report::new(pins.ledger, origin, empty_root());
    let checkpoint = match open_checkpoint(note.as_bytes(), &pins.log_keys, verifier) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            let kind = FindingKind::CheckpointInvalid;
            report.find(Finding::new(kind, Place::Log, chain(&error)));
            return report;
        }
    };
    report.size = checkpoint.size;
    report.root = checkpoint.root;
    report.checked.checkpoints = 1;
    report.leave_out("entries", "the tree alone was asked for");
    let mut leaves: Vec<TreeHash> = Vec::new();
    for tile in TileId::of_size(TileKind::Hashes(0), checkpoint.size, 0) {
        let hashes = read(&tile).and_then(|bytes| hashes_of(&tile, &bytes));
        match hashes {
            Ok(hashes) => leaves.extend(hashes),
            Err(why) => {
                differs(&tile, why, &mut report);
                return report;
            }
        }
    }
    let root = root_of(&leaves);
    if root != checkpoint.root {
        let message = "the tiles of level 0 have another root than the checkpoint says";
        let place = Place::Checkpoint(checkpoint.size);
        let finding = Finding::new(FindingKind::RootDiffers, place, message);
        report.find(finding.differs(checkpoint.root, root));
    }
    check_tiles(&leaves, 0, read, &mut report);
    report
}

/// Returns the hashes of a tile by their number in its level.
fn part<'a>(level: &'a [TreeHash], tile: &TileId) -> &'a [TreeHash] {
    let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let hashes = level.get(place(tile.first())..place(tile.end()));
    hashes.unwrap_or_default()
}

/// Returns the hashes of the tiles one level up: roots of 256 each.
fn above(level: &[TreeHash]) -> Vec<TreeHash> {
    let width = usize::try_from(TILE_WIDTH).unwrap_or(usize::MAX);
    level.chunks_exact(width).map(root_of).collect()
}

fn hashes_of(tile: &TileId, bytes: &[u8]) -> Result<Vec<TreeHash>, String> {
    let (hashes, rest) = bytes.as_chunks::<{ TreeHash::SIZE }>();
    let width = u64::try_from(hashes.len()).unwrap_or(u64::MAX);
    if width != tile.width() || !rest.is_empty() {
        let (found, wanted) = (bytes.len(), tile.width().saturating_mul(32));
        return Err(format!("it has {found} bytes, and its name says {wanted}"));
    }
    Ok(hashes.iter().map(|hash| TreeHash(*hash)).collect())
}

fn compare(tile: &TileId, expected: &[TreeHash], bytes: &[u8], report: &mut Report) {
    let found = match hashes_of(tile, bytes) {
        Ok(found) => found,
        Err(why) => return differs(tile, why, report),
    };
    report.checked.tiles = report.checked.tiles.saturating_add(1);
    let unequal = expected.iter().zip(&found).zip(0_u64..);
    let first = unequal
        .filter(|((expected, found), _)| expected != found)
        .map(|((expected, found), number)| (expected, found, number))
        .next();
    if let Some((expected, found, number)) = first {
        let message = format!("its hash {number} is another than the entries give");
        let place = Place::Tile(tile.to_string());
        let finding = Finding::new(FindingKind::TileDiffers, place, message);
        report.find(finding.differs(expected, found));
    }
}

fn differs(tile: &TileId, message: String, report: &mut Report) {
    let place = Place::Tile(tile.to_string());
    report.find(Finding::new(FindingKind::TileDiffers, place, message));
}
