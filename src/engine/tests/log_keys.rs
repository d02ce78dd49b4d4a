//! A log that changes its key while it runs: who signs which checkpoint, and what a start makes of
//! it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::folder::{found_folder, options};
use crate::domain::{Reason, Role, Signer};
use crate::engine::testing::{Author, Fixture, key};
use crate::engine::{GivenSigners, OpenError, OpenedFolder, StartError, open_folder};
use crate::keys::StrictVerifier;
use crate::merkle::{KeyHistory, VerifierKey, open_checkpoint_of_all, open_signed};

const DEADLINE: Duration = Duration::from_secs(60);

fn named(name: &str) -> VerifierKey {
    VerifierKey {
        name: "log.example/test".parse().unwrap(),
        key: key(name).public_key(),
    }
}

/// Returns who of `log` and `next` has signed a checkpoint.
fn signers(note: &str) -> Vec<VerifierKey> {
    let known = [named("log"), named("next")];
    let (_, signed) = open_signed(note.as_bytes(), &known, &StrictVerifier).unwrap();
    signed.into_iter().cloned().collect()
}

fn open(folder: &Path, signers: GivenSigners) -> Result<OpenedFolder, OpenError> {
    open_folder(folder, Arc::new(signers), options())
}

#[tokio::test]
async fn old_and_new_key_sign_the_checkpoint_of_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let author = Author::new(Some(found_folder(folder.path())));
    let both = || GivenSigners::one(key("log")).and(key("next"));
    let opened = open(folder.path(), both()).unwrap();
    let engine = opened.engine;
    let admitted = engine.submit(author.admit("lab", Role::Provider)).await;
    assert_eq!(signers(&admitted.unwrap().checkpoint), [named("log")]);
    let changed = engine.submit(author.change_log_key(&key("next"))).await;
    assert_eq!(
        signers(&changed.unwrap().checkpoint),
        [named("log"), named("next")]
    );
    // The change is the last batch: who opens the folder now has to know both keys.
    assert!(engine.shutdown(DEADLINE).await);
    drop((engine, opened.blobs, opened.index, opened.disk));
    let only_old = open(folder.path(), GivenSigners::one(key("log"))).err();
    let refused = matches!(
        &only_old,
        Some(OpenError::Start(StartError::WrongLogKey { .. }))
    );
    assert!(refused, "{only_old:?}");
    for lost_index in [false, true] {
        if lost_index {
            std::fs::remove_dir_all(folder.path().join("index")).unwrap();
        }
        let opened = open(folder.path(), GivenSigners::one(key("next"))).unwrap();
        assert_eq!(opened.verifier_key, named("next"));
        let version = 1 + u32::from(lost_index);
        let recorded = opened.engine.submit(author.record("lab", version)).await;
        assert_eq!(signers(&recorded.unwrap().checkpoint), [named("next")]);
        assert!(opened.engine.shutdown(DEADLINE).await);
    }
}

#[tokio::test]
async fn a_key_whose_secret_is_elsewhere_is_refused_and_changes_nothing() {
    let fixture = Fixture::founded();
    let elsewhere = fixture.author.change_log_key(&key("elsewhere"));
    let refused = fixture.engine.submit(elsewhere).await.unwrap_err();
    assert_eq!(refused.reason, Reason::LogKeyMissing);
    let admitted = fixture
        .engine
        .submit(fixture.author.admit("lab", Role::Provider));
    let admitted = admitted.await.unwrap();
    assert_eq!(
        (admitted.index, signers(&admitted.checkpoint)),
        (1, vec![named("log")])
    );
}

#[tokio::test]
async fn changes_that_come_at_once_are_signed_for_whoever_trusts_the_first_key() {
    let folder = tempfile::tempdir().unwrap();
    let author = Author::new(Some(found_folder(folder.path())));
    let all = GivenSigners::one(key("log")).and(key("between"));
    let opened = open(folder.path(), all.and(key("next"))).unwrap();
    let (mut input, mut output) = opened.engine.stream();
    for name in ["between", "next"] {
        input.push(author.change_log_key(&key(name))).await;
    }
    drop(input);
    while let Some(answer) = output.next().await {
        answer.result.unwrap();
    }
    let log = std::sync::Arc::clone(opened.engine.log());
    let mut keys = KeyHistory::founded(named("log"));
    keys.change(1, key("between").public_key());
    keys.change(2, key("next").public_key());
    let mut before = 0;
    for (size, note) in log.checkpoints(0, log.size(), 10).unwrap() {
        let required = keys.signers(before, size);
        open_checkpoint_of_all(note.as_bytes(), &required, &StrictVerifier).unwrap();
        before = size;
    }
    assert_eq!(before, 3);
    assert!(opened.engine.shutdown(DEADLINE).await);
    drop((opened, log, output));
    assert!(open(folder.path(), GivenSigners::one(key("next"))).is_ok());
}
