//! Static tiles: every byte of them is held against the entries, or against each other.

use std::collections::BTreeMap;

use crate::audit::{Pins, Report, Verdict, audit_tree, check_tiles};
use crate::domain::{LedgerId, TreeHash};
use crate::keys::StrictVerifier;
use crate::ledger::testing::{ORIGIN, secret_key};
use crate::merkle::{
    Checkpoint, TileId, TileKind, VerifierKey, leaf_hash, root_of, sign_checkpoint,
};

use super::told;

/// Tiles and the checkpoint of a log without a ledger.
struct Tree {
    leaves: Vec<TreeHash>,
    tiles: BTreeMap<TileId, Vec<u8>>,
    note: String,
}

impl Tree {
    fn of(size: u64) -> Self {
        let leaves: Vec<TreeHash> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut tiles = BTreeMap::new();
        let mut level = leaves.clone();
        for kind in TileKind::levels(size) {
            for tile in TileId::of_size(kind, size, 0) {
                let place = |number| usize::try_from(number).unwrap();
                let range = place(tile.first())..place(tile.end());
                let bytes = level[range].iter().flat_map(|hash| hash.0).collect();
                tiles.insert(tile, bytes);
            }
            level = level.chunks_exact(256).map(root_of).collect();
        }
        let checkpoint = Checkpoint {
            origin: ORIGIN.parse().unwrap(),
            size,
            root: root_of(&leaves),
        };
        Self {
            note: sign_checkpoint(&checkpoint, &[&secret_key("log", 0)]),
            leaves,
            tiles,
        }
    }

    fn audit_tree(&self) -> Report {
        let name = ORIGIN.parse().unwrap();
        let key = secret_key("log", 0);
        let key = crate::domain::Signer::public_key(&key);
        let pins = Pins {
            ledger: LedgerId([1; 32]),
            log_keys: vec![VerifierKey { name, key }],
        };
        let mut read = |tile: &TileId| self.read(tile);
        audit_tree(&pins, &self.note, &mut read, &StrictVerifier)
    }

    fn read(&self, tile: &TileId) -> Result<Vec<u8>, String> {
        let bytes = self.tiles.get(tile).cloned();
        bytes.ok_or_else(|| "there is none".to_owned())
    }

    /// Compares the tiles past the first `from` entries with the leaves.
    fn check(&self, from: u64) -> Report {
        let mut report = Tree::of(1).audit_tree();
        report.checked.tiles = 0;
        let mut read = |tile: &TileId| self.read(tile);
        check_tiles(&self.leaves, from, &mut read, &mut report);
        report
    }
}

#[test]
fn tiles_of_every_shape_are_those_of_their_entries() {
    for size in [1, 2, 255, 256, 257, 512, 65_536, 65_537, 66_000] {
        let tree = Tree::of(size);
        let report = tree.audit_tree();
        assert_eq!(told(&report), Vec::<String>::new(), "{size}");
        assert_eq!(report.verdict(), Verdict::Equal);
        let all = tree.tiles.len() as u64;
        assert_eq!(report.checked.tiles, all);
        assert_eq!(tree.check(0).checked.tiles, all);
        assert_eq!(tree.check(size).checked.tiles, 0);
    }
    // Tiles that an earlier audit has read are not read again.
    assert_eq!(Tree::of(700).check(300).checked.tiles, 2 + 1);
}

#[test]
fn a_changed_tile_is_named() {
    let honest = Tree::of(600);
    for tile in honest.tiles.keys() {
        let mut tree = Tree::of(600);
        let bytes = tree.tiles.get_mut(tile).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let expected = format!("{tile}: TILE_DIFFERS");
        assert_eq!(told(&tree.check(0)), std::slice::from_ref(&expected));
        assert_eq!(tree.audit_tree().verdict(), Verdict::Different);
        tree.tiles.get_mut(tile).unwrap().pop();
        assert_eq!(told(&tree.check(0)), std::slice::from_ref(&expected));
        tree.tiles.remove(tile);
        assert_eq!(told(&tree.check(0)), [expected]);
        assert_eq!(tree.audit_tree().verdict(), Verdict::Different);
    }
    let mut unsigned = Tree::of(3);
    unsigned.note = unsigned.note.replace("\n3\n", "\n4\n");
    let found = told(&unsigned.audit_tree());
    assert_eq!(found, ["log: CHECKPOINT_INVALID"]);
}
