//! The tree and its proofs against the definitions of RFC 6962, at every small size.

use std::cell::Cell;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::*;
use crate::domain::TreeHash;

/// The definitions of RFC 6962, section 2.1, word for word; what was computed once is remembered.
mod naive {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use super::*;

    thread_local! {
        /// Roots by first leaf and number of leaves; no leaf stands twice in a tree of these tests.
        static KNOWN: RefCell<HashMap<(TreeHash, usize), TreeHash>> = RefCell::default();
    }

    fn split(leaves: &[TreeHash]) -> (&[TreeHash], &[TreeHash]) {
        leaves.split_at(leaves.len().next_power_of_two() / 2)
    }

    pub fn root(leaves: &[TreeHash]) -> TreeHash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            [first, ..] => {
                let place = (*first, leaves.len());
                if let Some(known) = KNOWN.with_borrow(|known| known.get(&place).copied()) {
                    return known;
                }
                let (left, right) = split(leaves);
                let root = node_hash(&root(left), &root(right));
                KNOWN.with_borrow_mut(|known| known.insert(place, root));
                root
            }
        }
    }

    pub fn path(index: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = split(leaves);
        let (mut path, other) = match index.checked_sub(left.len()) {
            None => (path(index, left), right),
            Some(index) => (path(index, right), left),
        };
        path.push(root(other));
        path
    }

    pub fn consistency(old: usize, leaves: &[TreeHash], known: bool) -> Vec<TreeHash> {
        if old == leaves.len() {
            return if known {
                Vec::new()
            } else {
                vec![root(leaves)]
            };
        }
        let (left, right) = split(leaves);
        let (mut proof, other) = match old.checked_sub(left.len()) {
            Some(old) if old > 0 => (consistency(old, right, false), left),
            _ => (consistency(old, left, known), right),
        };
        proof.push(root(other));
        proof
    }
}

/// Every size that the proofs are tried at: more than one tile.
const SIZE_MAX: u64 = 300;

pub(super) fn leaves(count: u64) -> Vec<TreeHash> {
    let leaf = |n: u64| leaf_hash(&[&n.to_be_bytes(), &[1, 2][..]].concat());
    (0..count).map(leaf).collect()
}

/// A small number as a place in a list.
fn at(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

/// Every proof that is one change away: a bit, a hash less, a hash more; of large trees, where
/// they would be too many, those at one place.
fn tampered(proof: &[TreeHash], size: u64, seed: u64) -> Vec<Vec<TreeHash>> {
    let mut all = vec![[proof, &[TreeHash([7; 32])]].concat()];
    let places = match (size, proof.len()) {
        (131.., 1..) => {
            let place = at(seed) % proof.len();
            place..place + 1
        }
        (_, all) => 0..all,
    };
    for place in places {
        let mut flipped = proof.to_vec();
        flipped[place].0[place % 32] ^= 1;
        all.push(flipped);
        let mut shorter = proof.to_vec();
        shorter.remove(place);
        all.push(shorter);
    }
    all
}

/// Tiles of a tree in memory.
struct CutTiles<'a>(&'a MemoryTree);

impl Tiles for CutTiles<'_> {
    type Error = NodeMissing;

    fn hashes(&self, tile: &TileId) -> Result<Vec<TreeHash>, NodeMissing> {
        let level = tile.kind().tree_level();
        let nodes = tile.first()..tile.end();
        nodes.map(|index| self.0.node(level, index)).collect()
    }
}

#[test]
fn hashes_are_those_of_rfc_6962() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(empty_root().to_string(), empty);
    let leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    assert_eq!(leaf_hash(b"").to_string(), leaf);
    // The tree of eight leaves of the reference tests of Certificate Transparency.
    let data: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let data = data.map(|text| hex::decode(text).unwrap());
    let root = root_of_leaves(data.iter().map(Vec::as_slice));
    let expected = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328";
    assert_eq!(root.to_string(), expected);
}

#[test]
fn every_inclusion_proof_up_to_300_leaves() {
    let leaves = leaves(SIZE_MAX);
    let tree: MemoryTree = leaves.iter().copied().collect();
    for size in 1..=SIZE_MAX {
        let these = &leaves[..at(size)];
        let root = naive::root(these);
        assert_eq!(root_at(size, &tree).unwrap(), root);
        let mut prover = Prover::new(size, &tree).unwrap();
        assert_eq!(prover.root(), root);
        let tiles = CutTiles(&tree);
        let nodes = TileNodes {
            tiles: &tiles,
            size,
        };
        let mut from_tiles = Prover::new(size, &nodes).unwrap();
        for index in 0..size {
            let leaf = &leaves[at(index)];
            let proof = inclusion_proof(index, size, &tree).unwrap();
            assert_eq!(proof, naive::path(at(index), these));
            assert_eq!(proof, prover.inclusion(index).unwrap());
            assert_eq!(proof, from_tiles.inclusion(index).unwrap());
            assert_eq!(verify_inclusion(index, size, leaf, &proof, &root), Ok(()));
            for bad in tampered(&proof, size, index) {
                assert!(verify_inclusion(index, size, leaf, &bad, &root).is_err());
            }
            let wrong = leaf_hash(b"wrong");
            assert!(verify_inclusion(index, size, &wrong, &proof, &root).is_err());
            assert!(verify_inclusion(index, size, leaf, &proof, &wrong).is_err());
            if size > 1 {
                assert!(verify_inclusion(index ^ 1, size, leaf, &proof, &root).is_err());
            }
        }
        let beyond = ProveError::IndexBeyondTree { index: size, size };
        assert_eq!(inclusion_proof(size, size, &tree), Err(beyond.clone()));
        assert_eq!(prover.inclusion(size), Err(beyond));
    }
}

#[test]
fn every_consistency_proof_up_to_300_leaves() {
    let leaves = leaves(SIZE_MAX);
    let tree: MemoryTree = leaves.iter().copied().collect();
    for new in 0..=SIZE_MAX {
        let these = &leaves[..at(new)];
        let new_root = naive::root(these);
        let tiles = CutTiles(&tree);
        let nodes = TileNodes {
            tiles: &tiles,
            size: new,
        };
        let mut from_tiles = Prover::new(new, &nodes).unwrap();
        for old in 1..=new {
            let old_root = naive::root(&these[..at(old)]);
            let proof = consistency_proof(old, new, &tree).unwrap();
            assert_eq!(proof, naive::consistency(at(old), these, true));
            assert_eq!(proof, from_tiles.consistency(old).unwrap());
            let check = |proof: &[TreeHash], old_root, new_root| {
                verify_consistency(old, new, proof, old_root, new_root)
            };
            assert_eq!(check(&proof, &old_root, &new_root), Ok(()));
            for bad in tampered(&proof, new, old) {
                assert!(check(&bad, &old_root, &new_root).is_err());
            }
            let wrong = leaf_hash(b"wrong");
            assert!(check(&proof, &wrong, &new_root).is_err());
            assert!(check(&proof, &old_root, &wrong).is_err());
        }
        let reversed = consistency_proof(new + 1, new, &tree);
        assert!(matches!(reversed, Err(ProveError::SizesReversed { .. })));
        let empty = consistency_proof(0, new, &tree);
        assert_eq!(empty, Err(ProveError::OldTreeEmpty));
        let (old_root, new_root) = (empty_root(), naive::root(these));
        let empty = verify_consistency(0, new, &[], &old_root, &new_root);
        assert_eq!(empty, Err(ProofError::OldTreeEmpty));
    }
}

#[test]
fn a_frontier_can_be_stored_and_goes_on() {
    let leaves = leaves(130);
    let mut frontier = Frontier::new();
    for (index, leaf) in leaves.iter().enumerate() {
        assert_eq!(frontier.root(), naive::root(&leaves[..index]));
        let (size, hashes) = (frontier.size(), frontier.hashes().to_vec());
        frontier = Frontier::from_parts(size, hashes.clone()).unwrap();
        let more = [hashes, vec![*leaf]].concat();
        let error = FrontierError::Count {
            size,
            expected: more.len() - 1,
            found: more.len(),
        };
        assert_eq!(Frontier::from_parts(size, more), Err(error));
        frontier.push_with(*leaf, |level, index, hash| {
            let start = at(index << level);
            assert_eq!(hash, naive::root(&leaves[start..start + (1 << level)]));
        });
    }
    assert_eq!(frontier.root(), root_of(&leaves));
}

/// Counts how often a node is read.
struct Counting<'a>(&'a MemoryTree, Cell<u64>);

impl Nodes for Counting<'_> {
    type Error = NodeMissing;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, NodeMissing> {
        self.1.set(self.1.get() + 1);
        self.0.node(level, index)
    }
}

#[test]
fn proofs_in_order_read_few_nodes() {
    let tree: MemoryTree = (0_u32..5000).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    let counting = Counting(&tree, Cell::new(0));
    let mut prover = Prover::new(4999, &counting).unwrap();
    for index in 3975..4999 {
        assert_eq!(prover.inclusion(index), inclusion_proof(index, 4999, &tree));
    }
    let reads = counting.1.get();
    assert!(reads < 2 * 1024 + 32, "{reads}");
}

#[test]
fn a_node_that_cannot_be_read_is_an_error() {
    let tree: MemoryTree = leaves(5).into_iter().collect();
    let missing = NodeMissing {
        level: 0,
        index: 7,
        size: 5,
    };
    assert_eq!(root_at(8, &tree), Err(ProveError::Nodes(missing)));
    assert!(tree.node(2, 0).is_ok());
    for (level, index) in [(2, 1), (3, 0), (u32::MAX, 0), (0, u64::MAX)] {
        assert!(tree.node(level, index).is_err());
    }
}

#[test]
fn numbers_at_the_end_of_their_range_are_answered() {
    let hash = TreeHash([3; 32]);
    let long = vec![hash; 64];
    for proof in [&[], &long[..1], &long[..63], &long] {
        for (a, b) in [
            (u64::MAX, u64::MAX),
            (u64::MAX - 1, u64::MAX),
            (0, u64::MAX),
            (0, 0),
        ] {
            let other = TreeHash([4; 32]);
            assert!(verify_inclusion(a, b, &hash, proof, &other).is_err());
            assert!(verify_consistency(a, b, proof, &hash, &other).is_err());
            assert!(verify_consistency(b, a, proof, &hash, &other).is_err());
        }
    }
}

/// Reads a list of vectors of transparency-dev/merkle.
fn vectors<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let bytes = std::fs::read(PathBuf::from(folder).join(name)).unwrap();
    let vectors: Vec<T> = serde_json::from_slice(&bytes).unwrap();
    assert!(vectors.len() > 50, "{}", vectors.len());
    vectors
}

/// Decodes a root. Where the content does not matter, vectors have a shorter text in its place.
fn any_root(text: &str) -> TreeHash {
    let mut bytes = STANDARD.decode(text).unwrap();
    bytes.resize(TreeHash::SIZE, 0);
    TreeHash::try_from(bytes.as_slice()).unwrap()
}

/// Decodes a hash; one of another length can only be refused, by the type already.
fn hash(text: &str) -> Option<TreeHash> {
    TreeHash::try_from(STANDARD.decode(text).unwrap().as_slice()).ok()
}

fn proof(list: Option<&Vec<String>>) -> Option<Vec<TreeHash>> {
    list.into_iter().flatten().map(|text| hash(text)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InclusionVector {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
    name: String,
}

#[test]
fn inclusion_vectors() {
    for vector in vectors::<InclusionVector>("merkle-inclusion.json") {
        let good = || {
            let (leaf, root) = (hash(&vector.leaf_hash)?, hash(&vector.root)?);
            let proof = proof(vector.proof.as_ref())?;
            verify_inclusion(vector.leaf_idx, vector.tree_size, &leaf, &proof, &root).ok()
        };
        assert_eq!(good().is_none(), vector.want_err, "{}", vector.name);
    }
}

#[derive(Deserialize)]
struct ConsistencyVector {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    #[serde(rename = "wantErr")]
    want_err: bool,
    name: String,
}

#[test]
fn consistency_vectors() {
    for vector in vectors::<ConsistencyVector>("merkle-consistency.json") {
        let good = || {
            let (old_root, new_root) = (any_root(&vector.root1), any_root(&vector.root2));
            let proof = proof(vector.proof.as_ref())?;
            let (old, new) = (vector.size1, vector.size2);
            verify_consistency(old, new, &proof, &old_root, &new_root).ok()
        };
        assert_eq!(good().is_none(), vector.want_err, "{}", vector.name);
    }
}
