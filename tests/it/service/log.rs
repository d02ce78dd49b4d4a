//! `LogService`: checkpoints, entries, runs of entries, proofs.

use std::time::Duration;

use fenrun::domain::{CommandId, ContentHash, Entry, Reason, Signer, TreeHash};
use fenrun::keys::StrictVerifier;
use fenrun::merkle::{
    Checkpoint, Frontier, VerifierKey, leaf_hash, open_checkpoint, verify_consistency,
    verify_inclusion,
};
use fenrun::service::PART_BYTES_MAX;
use fenrun::wire::proto;

use super::refused;
use crate::running::actions::record;
use crate::running::{OPERATOR, ORIGIN, Running, Setup, key};

fn hashes(proof: &[bytes::Bytes]) -> Vec<TreeHash> {
    let hash = |bytes: &bytes::Bytes| TreeHash::try_from(bytes.as_ref()).unwrap();
    proof.iter().map(hash).collect()
}

fn opened(note: &str) -> Checkpoint {
    let log_key = VerifierKey {
        name: ORIGIN.parse().unwrap(),
        key: key("log").public_key(),
    };
    open_checkpoint(note.as_bytes(), &[log_key], &StrictVerifier).unwrap()
}

#[tokio::test]
async fn the_newest_checkpoint_is_public() {
    let running = Running::peopled().await;
    let mut client = running.log_client().await;
    let request = proto::GetCheckpointRequest { min_log_size: 7 };
    let answer = client.get_checkpoint(request).await.unwrap().into_inner();
    assert_eq!(opened(&answer.checkpoint).size, 7);
    assert_eq!(answer.read_at_size, 7);
}

#[tokio::test]
async fn a_size_that_the_log_does_not_reach_is_refused_after_a_while() {
    let running = Running::peopled().await;
    let mut client = running.log_client().await;
    let request = proto::GetCheckpointRequest { min_log_size: 8 };
    let status = client.get_checkpoint(request).await.unwrap_err();
    refused(&status, Reason::InvalidArgument);
}

#[tokio::test]
async fn a_read_waits_for_the_size_that_it_asks_for() {
    let running = Running::peopled().await;
    let mut client = running.log_client().await;
    let read = tokio::spawn(async move {
        let request = proto::GetCheckpointRequest { min_log_size: 8 };
        client
            .get_checkpoint(request)
            .await
            .unwrap()
            .into_inner()
            .read_at_size
    });
    running
        .record("provider", record("digits", 1, b"digits"))
        .await;
    assert_eq!(read.await.unwrap(), 8);
}

#[tokio::test]
async fn an_entry_by_index_and_by_command() {
    let running = Running::peopled().await;
    let index = running
        .record("provider", record("digits", 1, b"digits"))
        .await;
    let mut client = running.log_client().await;
    let mut get = async |caller: &str, entry: proto::get_entry_request::Entry| {
        let request = proto::GetEntryRequest {
            entry: Some(entry),
            min_log_size: 0,
        };
        client.get_entry(running.request(caller, request)).await
    };
    use proto::get_entry_request::Entry as By;
    let answer = get("provider", By::Index(index))
        .await
        .unwrap()
        .into_inner();
    let entry = Entry::from_leaf(&answer.leaf).unwrap();
    let id = entry.command_id();
    assert_eq!(answer.command_id, id.0.as_slice());
    assert_eq!(answer.recorded_at.unwrap().seconds, 1_760_000_000);
    assert!(
        answer
            .command_json
            .contains(r#""record_contribution":{"dataset":"digits""#)
    );
    for caller in ["provider", "operator", "auditor"] {
        let found = get(caller, By::CommandId(id.to_string()))
            .await
            .unwrap()
            .into_inner();
        assert_eq!((found.index, found.leaf), (index, answer.leaf.clone()));
    }

    // What the caller may not see is answered like what is not there.
    let hidden = get("lab", By::Index(index)).await.unwrap_err();
    let missing = get("lab", By::Index(99)).await.unwrap_err();
    refused(&hidden, Reason::NotFound);
    assert_eq!(
        hidden.message(),
        missing.message().replace("99", &index.to_string())
    );
    let other = CommandId([9; 32]);
    let hidden = get("lab", By::CommandId(id.to_string())).await.unwrap_err();
    let missing = get("lab", By::CommandId(other.to_string()))
        .await
        .unwrap_err();
    refused(&hidden, Reason::NotFound);
    let expected = missing
        .message()
        .replace(&other.to_string(), &id.to_string());
    assert_eq!(hidden.message(), expected);
    let status = get("lab", By::CommandId("abc".to_owned()))
        .await
        .unwrap_err();
    refused(&status, Reason::InvalidArgument);
    // The first digits do for who sees the entry.
    let digits = || By::CommandId(id.to_string()[..8].to_owned());
    let found = get("provider", digits()).await.unwrap().into_inner();
    assert_eq!(found.index, index);
    let hidden = get("lab", digits()).await.unwrap_err();
    refused(&hidden, Reason::NotFound);
    // The founding governs everybody, and an admission its party.
    assert!(get("lab", By::Index(0)).await.is_ok());
    assert!(get("lab", By::Index(2)).await.is_ok());
    assert!(get("lab", By::Index(1)).await.is_err());
    let empty = proto::GetEntryRequest::default();
    let status = client
        .get_entry(running.request("lab", empty))
        .await
        .unwrap_err();
    refused(&status, Reason::InvalidArgument);
}

#[tokio::test]
async fn a_run_of_entries_rebuilds_the_tree_with_every_checkpoint() {
    let running = Running::peopled().await;
    for version in 1..=30 {
        let mut action = record("digits", version, b"digits");
        action.description = "x".repeat(1_000);
        running.record("provider", action).await;
    }
    let size = running.engine.published().size;
    let mut client = running.log_client().await;
    for (first_index, limit) in [(0, 0), (0, 10), (5, 3), (36, 99), (37, 0)] {
        let request = proto::ListEntriesRequest {
            first_index,
            limit,
            min_log_size: 0,
        };
        let request = running.request("auditor", request);
        let mut parts = client.list_entries(request).await.unwrap().into_inner();
        let (mut leaves, mut notes) = (Vec::new(), Vec::new());
        while let Some(part) = parts.message().await.unwrap() {
            assert_eq!(part.first_index, first_index + leaves.len() as u64);
            assert_eq!(part.read_at_size, size);
            leaves.extend(part.leaves);
            notes.extend(part.checkpoints);
        }
        let end = if limit == 0 {
            size
        } else {
            size.min(first_index + limit)
        };
        assert_eq!(leaves.len() as u64, end - first_index);
        // One command after the other: each has a batch and a checkpoint of its own.
        let sizes: Vec<u64> = notes.iter().map(|note| note.size).collect();
        assert_eq!(sizes, (first_index + 1..=end).collect::<Vec<_>>());
        if first_index == 0 {
            let mut tree = Frontier::new();
            for (leaf, note) in leaves.iter().zip(&notes) {
                tree.push(leaf_hash(leaf));
                assert_eq!(opened(&note.checkpoint).root, tree.root());
            }
        }
    }
}

#[tokio::test]
async fn a_part_of_a_run_is_bounded_with_its_checkpoints() {
    let running = Running::peopled().await;
    running.fill("provider", 25).await;
    let mut client = running.log_client().await;
    let request = running.request("operator", proto::ListEntriesRequest::default());
    let mut parts = client.list_entries(request).await.unwrap().into_inner();
    let mut sizes = Vec::new();
    while let Some(part) = parts.message().await.unwrap() {
        let leaves: usize = part.leaves.iter().map(bytes::Bytes::len).sum();
        let notes: usize = part
            .checkpoints
            .iter()
            .map(|note| note.checkpoint.len())
            .sum();
        assert!(leaves + notes <= PART_BYTES_MAX);
        sizes.push(leaves + notes);
    }
    assert!(sizes.len() > 1, "{sizes:?}");
    assert!(sizes[0] > PART_BYTES_MAX / 2, "{sizes:?}");
}

#[tokio::test]
async fn a_run_is_for_operator_and_auditors() {
    let running = Running::peopled().await;
    let mut client = running.log_client().await;
    for (caller, allowed) in [
        (OPERATOR, true),
        ("auditor", true),
        ("provider", false),
        ("payer", false),
        ("evaluator", false),
        ("service", false),
    ] {
        let request = running.request(caller, proto::ListEntriesRequest::default());
        match client.list_entries(request).await {
            Ok(_) => assert!(allowed, "{caller}"),
            Err(status) => {
                assert!(!allowed, "{caller}: {status:?}");
                refused(&status, Reason::NotPermitted);
            }
        }
    }
    let beyond = proto::ListEntriesRequest {
        first_index: 8,
        ..Default::default()
    };
    let status = client
        .list_entries(running.request("auditor", beyond))
        .await
        .unwrap_err();
    refused(&status, Reason::InvalidArgument);
}

#[tokio::test]
async fn proofs_by_index_are_public_and_hold() {
    let running = Running::peopled().await;
    running
        .record("provider", record("digits", 1, b"digits"))
        .await;
    let mut client = running.log_client().await;
    use proto::prove_inclusion_request::Entry as By;
    let mut prove = async |entry: By, tree_size: u64, caller: Option<&str>| {
        let message = proto::ProveInclusionRequest {
            entry: Some(entry),
            tree_size,
            min_log_size: 0,
        };
        let request = match caller {
            Some(caller) => running.request(caller, message),
            None => tonic::Request::new(message),
        };
        client
            .prove_inclusion(request)
            .await
            .map(tonic::Response::into_inner)
    };
    for tree_size in 1..=8 {
        for index in 0..tree_size {
            let answer = prove(By::Index(index), tree_size, None).await.unwrap();
            assert_eq!((answer.index, answer.tree_size), (index, tree_size));
            let checkpoint = opened(&answer.checkpoint);
            assert_eq!(checkpoint.size, tree_size);
            let hash = |bytes: &bytes::Bytes| TreeHash::try_from(bytes.as_ref()).unwrap();
            let proof: Vec<TreeHash> = answer.proof.iter().map(hash).collect();
            let leaf = hash(&answer.leaf_hash);
            verify_inclusion(index, tree_size, &leaf, &proof, &checkpoint.root).unwrap();
        }
    }
    let newest = prove(By::Index(7), 0, None).await.unwrap();
    assert_eq!(newest.tree_size, 8);
    let status = prove(By::Index(8), 0, None).await.unwrap_err();
    refused(&status, Reason::NotFound);
    let status = prove(By::Index(0), 9, None).await.unwrap_err();
    refused(&status, Reason::InvalidArgument);

    // By command it needs a token, because it tells whether there is such a command.
    let leaf = running.engine.log().leaf(7).unwrap();
    let id = Entry::from_leaf(&leaf).unwrap().command_id().to_string();
    let status = prove(By::CommandId(id.clone()), 0, None).await.unwrap_err();
    refused(&status, Reason::Unauthenticated);
    let status = prove(By::CommandId(id.clone()), 0, Some("lab"))
        .await
        .unwrap_err();
    refused(&status, Reason::NotFound);
    for id in [&id, &id[..8]] {
        let by = By::CommandId(id.to_owned());
        let answer = prove(by.clone(), 0, Some("provider")).await.unwrap();
        assert_eq!(answer.index, 7);
        let status = prove(by, 0, None).await.unwrap_err();
        refused(&status, Reason::Unauthenticated);
    }
}

#[tokio::test]
async fn content_is_proved_to_those_who_may_see_it() {
    let running = Running::peopled().await;
    let first = running
        .record("provider", record("digits", 1, b"same"))
        .await;
    let second = running.record("lab", record("digits", 1, b"same")).await;
    let mut client = running.log_client().await;
    use proto::prove_inclusion_request::Entry as By;
    let mut prove = async |hash: String, caller: Option<&str>| {
        let message = proto::ProveInclusionRequest {
            entry: Some(By::ContentHash(hash)),
            ..Default::default()
        };
        let request = match caller {
            Some(caller) => running.request(caller, message),
            None => tonic::Request::new(message),
        };
        let answer = client.prove_inclusion(request).await;
        answer.map(|answer| answer.into_inner().index)
    };
    let hash = ContentHash::of(b"same").to_string();
    assert_eq!(prove(hash.clone(), Some("provider")).await.unwrap(), first);
    assert_eq!(prove(hash.clone(), Some("lab")).await.unwrap(), second);
    // The newest of those that the caller sees.
    assert_eq!(prove(hash.clone(), Some("auditor")).await.unwrap(), second);
    let status = prove(hash.clone(), Some("payer")).await.unwrap_err();
    refused(&status, Reason::NotFound);
    let unknown = ContentHash::of(b"unknown").to_string();
    let other = prove(unknown.clone(), Some("payer")).await.unwrap_err();
    refused(&other, Reason::NotFound);
    assert_eq!(other.message().replace(&unknown, &hash), status.message());
    let status = prove(hash, None).await.unwrap_err();
    refused(&status, Reason::Unauthenticated);
    let status = prove("abc".to_owned(), Some("lab")).await.unwrap_err();
    refused(&status, Reason::InvalidArgument);
}

#[tokio::test]
async fn consistency_is_public_and_holds() {
    let running = Running::peopled().await;
    let mut client = running.log_client().await;
    let mut prove = async |old_size: u64, new_size: u64| {
        let answer = client.prove_consistency(proto::ProveConsistencyRequest {
            old_size,
            new_size,
            min_log_size: 0,
        });
        answer.await.map(tonic::Response::into_inner)
    };
    let root = |size| opened(&running.engine.log().checkpoint(size).unwrap().unwrap()).root;
    for new_size in 1..=7 {
        for old_size in 1..=new_size {
            let answer = prove(old_size, new_size).await.unwrap();
            assert_eq!((answer.old_size, answer.new_size), (old_size, new_size));
            let checkpoint = opened(&answer.checkpoint);
            assert_eq!(
                (checkpoint.size, checkpoint.root),
                (new_size, root(new_size))
            );
            let proof = hashes(&answer.proof);
            let (old_root, new_root) = (root(old_size), root(new_size));
            verify_consistency(old_size, new_size, &proof, &old_root, &new_root).unwrap();
        }
    }
    assert_eq!(prove(3, 0).await.unwrap().new_size, 7);
    for (old_size, new_size) in [(0, 7), (0, 0), (5, 4), (8, 0), (1, 8)] {
        let status = prove(old_size, new_size).await.unwrap_err();
        refused(&status, Reason::InvalidArgument);
    }
}

#[tokio::test]
async fn the_history_of_published_checkpoints_is_listed_and_fetched() {
    let running = Running::founded(Setup::default()).await;
    running.admit_people().await;
    // Seconds with several batches, with one, and with none; the last one goes on.
    let mut published = vec![1, 7];
    for second in 0..6_u32 {
        running.clock.advance(Duration::from_secs(1));
        for batch in 0..second % 3 {
            let content = format!("{second} {batch}");
            let action = record("digits", 1 + second * 3 + batch, content.as_bytes());
            running.record("provider", action).await;
        }
        if second % 3 > 0 {
            published.push(running.engine.published().size);
        }
    }
    let current = published.pop().unwrap();
    let mut client = running.log_client().await;
    let mut list = async |after_size: u64, page_size: u32| {
        let request = proto::ListPublishedCheckpointsRequest {
            after_size,
            page_size,
            min_log_size: 0,
        };
        let answer = client.list_published_checkpoints(request).await;
        let found = answer.map(|answer| answer.into_inner().checkpoints)?;
        let sizes = found.iter().map(|found| {
            assert_eq!(opened(&found.checkpoint).size, found.size);
            found.size
        });
        Ok::<Vec<u64>, tonic::Status>(sizes.collect())
    };
    assert_eq!(list(0, 0).await.unwrap(), published);
    assert_eq!(list(0, 2).await.unwrap(), published[..2]);
    for (place, size) in published.iter().enumerate() {
        assert_eq!(list(*size, 1_000).await.unwrap(), published[place + 1..]);
    }
    assert_eq!(list(current + 100, 0).await.unwrap(), [0; 0]);
    refused(&list(0, 1_001).await.unwrap_err(), Reason::InvalidArgument);

    let mut client = running.log_client().await;
    let mut get = async |size: u64| {
        let request = proto::GetPublishedCheckpointRequest {
            size,
            min_log_size: 0,
        };
        let answer = client.get_published_checkpoint(request).await;
        answer.map(|answer| answer.into_inner().checkpoint.unwrap().size)
    };
    for size in 1..=current + 1 {
        match published.contains(&size) {
            true => assert_eq!(get(size).await.unwrap(), size),
            false => refused(&get(size).await.unwrap_err(), Reason::NotFound),
        }
    }
    assert_eq!(get(0).await.unwrap(), *published.last().unwrap());
    running.clock.advance(Duration::from_secs(1));
    assert_eq!(get(0).await.unwrap(), current);
    assert_eq!(get(current).await.unwrap(), current);
}
