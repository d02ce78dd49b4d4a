//! Ten thousand single bytes changed at random: in segments, tiles, blobs, checkpoints and proof
//! files. Every change of what they mean is found, and the finding names the place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use fenrun::audit::{Absent, Auditor, Pins, Report, Sources, audit_tree, check_tiles};
use fenrun::domain::{ContentHash, LedgerId, Role, Signer, TreeHash};
use fenrun::engine::{
    Clock, Engine, EngineLimits, EngineOptions, GivenSigners, ManualClock, MemoryAttachments,
    SignedBytes, found,
};
use fenrun::keys::StrictVerifier;
use fenrun::merkle::{
    Checkpoint, LogProof, MemoryTree, TILE_WIDTH, TileId, TileKind, VerifierKey, bundled,
    inclusion_proof, leaf_hash, push_bundled, root_of, sign_checkpoint,
};
use fenrun::store::blobs::{BlobLimits, Blobs};
use fenrun::store::index::Index;
use fenrun::store::log::{
    DataFolder, Guarding, LogOnly, LogOptions, SEGMENT_BYTES_MIN, SegmentLog, fsck,
};
use fenrun::valuation::FeatureTable;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::running::{ORIGIN, START, actions, admission, founding_at, key, sign_at};

/// How many bytes are changed of each of the five kinds.
const EDITS: usize = 2_000;
/// Names another seed than the usual one.
const SEED: &str = "FENRUN_EDIT_SEED";

/// Where a byte is changed, and by what.
struct Edit {
    at: usize,
    by: u8,
}

/// Draws edits; each test prints its seed.
struct Edits(ChaCha20Rng);

impl Edits {
    fn new(what: &str) -> Self {
        let seed = std::env::var(SEED).map_or(1, |text| text.parse().unwrap());
        println!("{SEED}={seed} for {what}");
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % bound as u64).unwrap()
    }

    fn of(&mut self, bytes: &[u8]) -> Edit {
        let by = 1 + self.below(255);
        Edit {
            at: self.below(bytes.len()),
            by: u8::try_from(by).unwrap(),
        }
    }
}

impl Edit {
    fn make(&self, bytes: &mut [u8]) {
        bytes[self.at] ^= self.by;
    }
}

/// A small ledger in segments of the least size, each entry a batch of its own.
struct Ledger {
    folder: tempfile::TempDir,
    id: LedgerId,
    leaves: Vec<Bytes>,
    notes: Vec<(u64, String)>,
}

impl Ledger {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let disk = Arc::new(DataFolder::open(folder.path()).unwrap());
        let founding = founding_at(START);
        let id = LedgerId(*blake3::hash(&founding.command).as_bytes());
        let options = LogOptions {
            segment_bytes: SEGMENT_BYTES_MIN * 2,
            prepare_ahead: false,
        };
        let mut log = SegmentLog::create(disk, options, id).unwrap();
        found(&mut log, &key("log"), START, &founding).unwrap();
        let engine = Engine::start(EngineOptions {
            log: Box::new(log),
            index: Index::memory(),
            attachments: Arc::new(MemoryAttachments::default()),
            signers: Arc::new(GivenSigners::one(key("log"))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            limits: EngineLimits::default(),
        })
        .unwrap();
        let submit = async |party: &str, number, action: fenrun::domain::Action| {
            let signed = sign_at(id, party, number, START, action);
            let signed = SignedBytes {
                command: signed.command,
                public_key: signed.public_key,
                signature: signed.signature,
            };
            engine.submit(signed).await.unwrap();
        };
        submit(
            "operator",
            1,
            admission(id, "school", Role::Provider).into(),
        )
        .await;
        submit("operator", 2, admission(id, "lab", Role::Provider).into()).await;
        for number in 3..9_u32 {
            let one = actions::record("rows", number, &number.to_be_bytes());
            submit("school", u64::from(number), one.into()).await;
        }
        let size = engine.log().size();
        let leaves = engine.log().leaves(0, size, usize::MAX).unwrap();
        let notes = engine.log().checkpoints(0, size, usize::MAX).unwrap();
        assert_eq!(notes.len(), 9);
        engine.shutdown(crate::running::PATIENCE).await;
        Self {
            folder,
            id,
            leaves,
            notes,
        }
    }

    fn pins(&self) -> Pins {
        Pins {
            ledger: self.id,
            log_keys: vec![log_key()],
        }
    }

    /// Audits leaves and notes, as static files have them: bundles and one checkpoint.
    fn audit(&self, leaves: Vec<Bytes>, notes: &[(u64, String)]) -> Auditor<NoSources> {
        let mut auditor = Auditor::new(self.pins(), NoSources, &[], None);
        auditor.push(0, leaves, notes);
        auditor.catch_up();
        auditor
    }
}

struct NoSources;

impl Sources for NoSources {
    fn blob(&self, _: &ContentHash) -> Result<Bytes, Absent> {
        Err(Absent::NotAtHand("there are none".to_owned()))
    }

    fn table(&self, _: &[u8]) -> Result<FeatureTable, String> {
        Err("there are none".to_owned())
    }
}

fn log_key() -> VerifierKey {
    VerifierKey {
        name: ORIGIN.parse().unwrap(),
        key: key("log").public_key(),
    }
}

fn places(report: &Report) -> Vec<String> {
    let findings = report.findings.iter();
    findings.map(|finding| finding.place.to_string()).collect()
}

/// Returns the files of a folder and the folders in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_segments_are_found() {
    let ledger = Ledger::new().await;
    tokio::task::block_in_place(|| {
        let mut edits = Edits::new("segments");
        let segments = files(&ledger.folder.path().join("segments"));
        assert!(segments.len() > 1, "{segments:?}");
        let disk = Arc::new(DataFolder::open(ledger.folder.path()).unwrap());
        let check = || {
            let mut keys = LogOnly(vec![log_key()]);
            fsck(disk.clone(), &Guarding::Off, &mut keys).unwrap()
        };
        assert_eq!(check().findings, []);
        for _ in 0..EDITS {
            let path = &segments[edits.below(segments.len())];
            let honest = fs::read(path).unwrap();
            let edit = edits.of(&honest);
            let mut bytes = honest.clone();
            edit.make(&mut bytes);
            fs::write(path, &bytes).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            let found = check().findings;
            let named = found.iter().any(|one| one.file.ends_with(name));
            assert!(named, "byte {} of {name}: {found:?}", edit.at);
            fs::write(path, &honest).unwrap();
        }
    });
}

/// Tiles and bundles of a log, by their paths.
fn tiles(leaves: &[Bytes]) -> BTreeMap<TileId, Vec<u8>> {
    let size = leaves.len() as u64;
    let mut tiles = BTreeMap::new();
    let mut level: Vec<TreeHash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let width = usize::try_from(TILE_WIDTH).unwrap();
    for kind in TileKind::levels(size) {
        for (tile, hashes) in TileId::of_size(kind, size, 0).zip(level.chunks(width)) {
            tiles.insert(tile, hashes.iter().flat_map(|hash| hash.0).collect());
        }
        level = level.chunks_exact(width).map(root_of).collect();
    }
    for (tile, part) in TileId::of_size(TileKind::Entries, size, 0).zip(leaves.chunks(width)) {
        let mut bundle = Vec::new();
        part.iter().for_each(|leaf| push_bundled(&mut bundle, leaf));
        tiles.insert(tile, bundle);
    }
    tiles
}

/// Says where something is wrong with the hash tiles of a tree of this size, held against leaves.
fn wrong_tiles(leaves: &[TreeHash], tiles: &BTreeMap<TileId, Vec<u8>>, pins: &Pins) -> Vec<String> {
    let checkpoint = Checkpoint {
        origin: ORIGIN.parse().unwrap(),
        size: leaves.len() as u64,
        root: root_of(leaves),
    };
    let note = sign_checkpoint(&checkpoint, &[&key("log")]);
    let mut read = |tile: &TileId| Ok(tiles[tile].clone());
    let alone = audit_tree(pins, &note, &mut read, &StrictVerifier);
    let mut report = audit_tree(pins, &note, &mut |_| Err(String::new()), &StrictVerifier);
    report.findings.clear();
    check_tiles(leaves, 0, &mut read, &mut report);
    // Whoever has the tiles alone finds it too, if not always at the tile itself.
    assert_eq!(alone.findings.is_empty(), report.findings.is_empty());
    places(&report)
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_tiles_are_found() {
    let ledger = Ledger::new().await;
    let pins = ledger.pins();
    let mut edits = Edits::new("tiles");
    // Half of the edits are in the hash tiles of a larger tree, whose leaves are no entries.
    let many: Vec<Bytes> = (0..700_u32)
        .map(|n| n.to_be_bytes().to_vec().into())
        .collect();
    let hashes: Vec<TreeHash> = many.iter().map(|leaf| leaf_hash(leaf)).collect();
    let honest = tiles(&many);
    assert_eq!(wrong_tiles(&hashes, &honest, &pins), Vec::<String>::new());
    let of_hashes: Vec<TileId> = honest
        .keys()
        .filter(|tile| tile.kind() != TileKind::Entries)
        .copied()
        .collect();
    for _ in 0..EDITS / 2 {
        let tile = of_hashes[edits.below(of_hashes.len())];
        let mut changed = honest.clone();
        let bytes = changed.get_mut(&tile).unwrap();
        let edit = edits.of(bytes);
        edit.make(bytes);
        let found = wrong_tiles(&hashes, &changed, &pins);
        assert_eq!(found, [tile.to_string()], "byte {}", edit.at);
    }
    // The others are in the bundle of the ledger.
    let honest = tiles(&ledger.leaves);
    let bundle = TileId::of_size(TileKind::Entries, 9, 0).next().unwrap();
    let newest = &ledger.notes[8..];
    for _ in 0..EDITS / 2 {
        let mut bytes = honest[&bundle].clone();
        let edit = edits.of(&bytes);
        edit.make(&mut bytes);
        // What cannot be cut into nine leaves is the bundle's fault, and read no further.
        let Some(leaves) = nine_leaves(bytes) else {
            continue;
        };
        let changed = leaves.iter().zip(&ledger.leaves);
        let entry = changed
            .take_while(|(found, honest)| found == honest)
            .count();
        let mut auditor = ledger.audit(leaves, newest);
        let shown = auditor.leaves().to_vec();
        let mut read = |tile: &TileId| Ok(honest[tile].clone());
        check_tiles(&shown, 0, &mut read, auditor.report_mut());
        let report = auditor.report();
        let found = places(report);
        assert!(
            found.contains(&"checkpoint of size 9".to_owned()),
            "{found:?}"
        );
        // The tile of level 0 names the entry, also where only its time was changed.
        let named = format!("its hash {entry} is another than the entries give");
        let told = report.findings.iter().any(|one| one.message == named);
        assert!(told, "byte {}, entry {entry}: {report}", edit.at);
    }
}

fn nine_leaves(bundle: Vec<u8>) -> Option<Vec<Bytes>> {
    let bytes = Bytes::from(bundle);
    let leaves = bundled(&bytes).ok()?;
    let leaves: Vec<Bytes> = leaves
        .into_iter()
        .map(|leaf| bytes.slice_ref(leaf))
        .collect();
    (leaves.len() == 9).then_some(leaves)
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_checkpoints_are_found() {
    let ledger = Ledger::new().await;
    let mut edits = Edits::new("checkpoints");
    let honest = ledger.audit(ledger.leaves.clone(), &ledger.notes);
    assert_eq!(honest.report().findings, []);
    for _ in 0..EDITS {
        let number = edits.below(ledger.notes.len());
        let mut notes = ledger.notes.clone();
        let (size, note) = &mut notes[number];
        let mut bytes = note.clone().into_bytes();
        let edit = edits.of(&bytes);
        edit.make(&mut bytes);
        // What is no text cannot even be handed to an auditor: gRPC and files refuse it.
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        *note = text;
        let expected = format!("checkpoint of size {size}");
        let auditor = ledger.audit(ledger.leaves.clone(), &notes);
        let found = places(auditor.report());
        assert_eq!(found, [expected], "byte {}", edit.at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_proof_files_are_found() {
    let ledger = Ledger::new().await;
    let mut edits = Edits::new("proof files");
    let tree: MemoryTree = ledger.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let proofs: Vec<String> = (0..9_u64)
        .zip(&ledger.leaves)
        .map(|(index, leaf)| {
            let proof = LogProof {
                leaf: Some(leaf.clone()),
                index,
                hashes: inclusion_proof(index, 9, &tree).unwrap(),
                checkpoint: ledger.notes[8].1.clone(),
            };
            proof.to_string()
        })
        .collect();
    let check = |bytes: &[u8]| {
        let proof = LogProof::parse(bytes)?;
        proof.verify(&[log_key()], &StrictVerifier).map(drop)
    };
    for proof in &proofs {
        check(proof.as_bytes()).unwrap();
    }
    for _ in 0..EDITS {
        let mut bytes = proofs[edits.below(proofs.len())].clone().into_bytes();
        let edit = edits.of(&bytes);
        edit.make(&mut bytes);
        let error = check(&bytes).expect_err(&format!("byte {}", edit.at));
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn edits_of_blobs_are_found() {
    let mut edits = Edits::new("blobs");
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(DataFolder::open(folder.path()).unwrap());
    let place = folder.path().join("blobs");
    let blobs = Blobs::open(disk, &place, BlobLimits::default()).unwrap();
    for size in [1, 2, 31, 32, 33, 500, 1_024, 4_097] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[0]).collect();
        blobs.put_attachment(&bytes.into()).unwrap();
    }
    let stored = files(&place);
    assert_eq!(stored.len(), 8);
    let check = || blobs.verify_all(&mut |_| {}).unwrap();
    assert_eq!(check().findings, []);
    for _ in 0..EDITS {
        let path = &stored[edits.below(stored.len())];
        let honest = fs::read(path).unwrap();
        let edit = edits.of(&honest);
        let mut bytes = honest.clone();
        edit.make(&mut bytes);
        fs::write(path, &bytes).unwrap();
        let found = check().findings;
        assert_eq!(found.len(), 1, "byte {} of {}", edit.at, path.display());
        assert!(place.join(&found[0].path) == *path, "{:?}", found[0]);
        fs::write(path, &honest).unwrap();
    }
    assert_eq!(check().findings, []);
}
