//! A data folder on a real disk: opened again, and with its index lost.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{CommandId, LedgerId, Role};
use crate::engine::testing::{Author, START, key};
use crate::engine::{
    EngineLimits, FolderOptions, GivenSigners, ManualClock, OpenError, OpenedFolder, found,
    open_folder, reindex,
};
use crate::ledger::state_hash;
use crate::store::blobs::BlobLimits;
use crate::store::index::IndexOptions;
use crate::store::log::{DataFolder, Guarding, LogOptions, SegmentLog};

const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn options() -> FolderOptions {
    FolderOptions {
        log: LogOptions {
            segment_bytes: 64 * 1024,
            prepare_ahead: false,
        },
        guard: Guarding::Off,
        index: IndexOptions::default(),
        blobs: BlobLimits::default(),
        clock: Arc::new(ManualClock::at(START)),
        limits: EngineLimits::default(),
    }
}

fn signers() -> Arc<GivenSigners> {
    Arc::new(GivenSigners::one(key("log")))
}

pub(super) fn found_folder(folder: &Path) -> LedgerId {
    let signed = Author::new(None).found();
    let ledger = CommandId::of(&signed.command).into();
    let disk = Arc::new(DataFolder::create(folder).unwrap());
    let mut log = SegmentLog::create(disk, options().log, ledger).unwrap();
    assert_eq!(
        found(&mut log, &key("log"), START, &signed).unwrap(),
        ledger
    );
    ledger
}

fn open(folder: &Path) -> OpenedFolder {
    open_folder(folder, signers(), options()).unwrap()
}

/// Records versions of lab's data, and returns the state hash when it is all recorded.
async fn fill(opened: OpenedFolder, versions: std::ops::RangeInclusive<u32>) -> [u8; 32] {
    let author = Author::new(Some(opened.ledger));
    let (mut input, mut output) = opened.engine.stream();
    input.push(author.admit("lab", Role::Provider)).await;
    for version in versions {
        input.push(author.record("lab", version)).await;
    }
    drop(input);
    while output.next().await.is_some() {}
    let hash = state_hash(&opened.engine.published().view).unwrap();
    assert!(opened.engine.shutdown(DEADLINE).await);
    hash
}

#[tokio::test]
async fn a_folder_opened_again_has_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = found_folder(folder.path());
    // So many that the log has several segments.
    let before = fill(open(folder.path()), 1..=400).await;
    let again = open(folder.path());
    assert_eq!(again.ledger, ledger);
    assert_eq!(again.verifier_key.name.as_str(), "log.example/test");
    let published = again.engine.published();
    assert_eq!(published.size, 402);
    assert_eq!(state_hash(&published.view).unwrap(), before);
    assert!(again.engine.shutdown(DEADLINE).await);
}

#[tokio::test]
async fn a_lost_or_set_aside_index_is_rebuilt_to_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    found_folder(folder.path());
    let before = fill(open(folder.path()), 1..=100).await;
    let rebuilt = reindex(folder.path(), &options()).unwrap();
    assert_eq!(rebuilt.size, 102);
    assert_eq!((rebuilt.before, rebuilt.after), (Some(before), before));
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let rebuilt = reindex(folder.path(), &options()).unwrap();
    assert_eq!((rebuilt.before, rebuilt.after), (None, before));
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let again = open(folder.path());
    let hash = state_hash(&again.engine.published().view).unwrap();
    assert_eq!(hash, before);
    assert!(again.engine.shutdown(DEADLINE).await);
}

#[tokio::test]
async fn a_folder_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    found_folder(folder.path());
    let opened = open(folder.path());
    let refused = open_folder(folder.path(), signers(), options());
    assert!(matches!(refused, Err(OpenError::Folder(_))));
    assert!(opened.engine.shutdown(DEADLINE).await);
    drop(opened);
    assert!(open(folder.path()).engine.shutdown(DEADLINE).await);
}

#[test]
fn a_folder_without_a_ledger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("missing")] {
        let refused = open_folder(&path, signers(), options());
        assert!(matches!(
            refused,
            Err(OpenError::Log(_) | OpenError::Folder(_))
        ));
    }
}
