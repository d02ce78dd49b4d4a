//! Which bytes outside the log its entries name, and which of them a sample takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Action, ContentHash, LedgerId, RecordContribution};
use crate::merkle::Checkpoint;

/// The context in which a checkpoint becomes the seed of a sample.
const SEED_CONTEXT: &str = "fenrun v1 audit sample";

/// What bytes are to the entry that names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BlobUse {
    /// The data of a contribution, which need not be stored with the service.
    Content,
    /// Evidence or a validation set, which need not be stored with the service either.
    Evidence,
    /// What the rules read or made; the service must have it.
    Attachment,
}

/// Bytes that an entry names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedBlob {
    /// The index of the entry.
    pub index: u64,
    /// Their hash.
    pub hash: ContentHash,
    /// How many they are, where the entry says so.
    pub bytes: Option<u64>,
    /// What they are.
    pub what: BlobUse,
}

/// Adds what the action of an entry names.
pub(super) fn name_blobs(index: u64, action: &Action, named: &mut Vec<NamedBlob>) {
    let mut name = |hash: &ContentHash, what, bytes| {
        let hash = *hash;
        named.push(NamedBlob {
            index,
            hash,
            bytes,
            what,
        });
    };
    let content = |one: &RecordContribution| (one.content_hash, Some(one.content_bytes));
    match action {
        Action::RecordContribution(one) => {
            let (hash, bytes) = content(one);
            name(&hash, BlobUse::Content, bytes);
        }
        Action::RecordContributions(many) => {
            for (hash, bytes) in many.contributions.iter().map(content) {
                name(&hash, BlobUse::Content, bytes);
            }
        }
        Action::OpenPool(open) => {
            let validation = open.validation_hash.iter();
            validation.for_each(|hash| name(hash, BlobUse::Evidence, None));
        }
        Action::DeclareUse(declare) => name(&declare.use_list, BlobUse::Attachment, None),
        Action::ClaimCost(claim) => name(&claim.evidence_hash, BlobUse::Evidence, None),
        Action::ImportWeights(import) => {
            let validation = import.validation_hash.iter();
            validation.for_each(|hash| name(hash, BlobUse::Evidence, None));
            name(&import.table_hash, BlobUse::Attachment, None);
        }
        Action::StartValuation(start) => {
            let validation = start.validation_hash.iter();
            validation.for_each(|hash| name(hash, BlobUse::Evidence, None));
        }
        Action::FinishValuation(finish) => name(&finish.table_hash, BlobUse::Attachment, None),
        Action::Settle(settle) => name(&settle.result_hash, BlobUse::Attachment, None),
        Action::Found(_)
        | Action::AmendCharter(_)
        | Action::Upgrade(_)
        | Action::AdmitParty(_)
        | Action::RotateKey(_)
        | Action::RevokeKey(_)
        | Action::ReplaceKey(_)
        | Action::WithdrawContribution(_)
        | Action::CommitReveal(_)
        | Action::GrantUse(_)
        | Action::RevokeUse(_)
        | Action::PublishPolicy(_)
        | Action::PostRevenue(_)
        | Action::ApproveCost(_)
        | Action::FreezePeriod(_)
        | Action::IssuePayout(_)
        | Action::SettlePayout(_)
        | Action::FailPayout(_) => {}
    }
}

/// Returns each blob once, by its hash: as the first entry names it, or as the first one whose use
/// of it makes that the service must have it.
pub fn distinct(named: &[NamedBlob]) -> Vec<NamedBlob> {
    let mut distinct: BTreeMap<ContentHash, NamedBlob> = BTreeMap::new();
    for one in named {
        let known = distinct.entry(one.hash).or_insert_with(|| one.clone());
        if one.what == BlobUse::Attachment && known.what != BlobUse::Attachment {
            known.what = one.what;
            known.index = one.index;
        }
        known.bytes = known.bytes.or(one.bytes);
    }
    distinct.into_values().collect()
}

/// Returns the seed of a sample: BLAKE3 in derive-key mode with the context `fenrun v1 audit
/// sample`, over `ledger id ‖ u64 BE size ‖ root` of a checkpoint.
pub fn sample_seed(ledger: &LedgerId, checkpoint: &Checkpoint) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(SEED_CONTEXT);
    hasher.update(&ledger.0);
    hasher.update(&checkpoint.size.to_be_bytes());
    hasher.update(&checkpoint.root.0);
    hasher.finalize().into()
}

/// Returns the `count` of the distinct blobs whose rank is lowest, ascending by rank: the rank of a
/// blob is BLAKE3 in keyed mode, with the seed as the key, over its hash.
///
/// A blob's rank depends on no other, so two auditors with one seed agree on every blob that both
/// know, whatever their order.
pub fn sample(distinct: &[NamedBlob], seed: &[u8; 32], count: usize) -> Vec<NamedBlob> {
    let rank = |one: &NamedBlob| *blake3::keyed_hash(seed, &one.hash.0).as_bytes();
    let mut ranked: Vec<([u8; 32], &NamedBlob)> =
        distinct.iter().map(|one| (rank(one), one)).collect();
    ranked.sort_unstable_by_key(|(rank, _)| *rank);
    let chosen = ranked.into_iter().take(count);
    chosen.map(|(_, one)| one.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TreeHash;

    fn blobs(count: u64) -> Vec<NamedBlob> {
        let blob = |index: u64| NamedBlob {
            index,
            hash: ContentHash::of(&index.to_be_bytes()),
            bytes: None,
            what: BlobUse::Content,
        };
        (0..count).map(blob).collect()
    }

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint {
            origin: "log.example/sample".parse().unwrap(),
            size,
            root: TreeHash([7; 32]),
        }
    }

    #[test]
    fn two_auditors_draw_the_same_whatever_their_order() {
        let seed = sample_seed(&LedgerId([1; 32]), &checkpoint(9));
        let all = distinct(&blobs(100));
        let first = sample(&all, &seed, 10);
        assert_eq!(first.len(), 10);
        let mut other = all.clone();
        other.reverse();
        assert_eq!(sample(&other, &seed, 10), first);
        // Who knows of ten blobs more differs by those at most.
        let more = sample(&distinct(&blobs(110)), &seed, 10);
        let both = more.iter().filter(|one| first.contains(one)).count();
        assert!(both >= 5, "{both}");
        assert_eq!(sample(&all, &seed, 1_000).len(), 100);
        // The seed is that of the documents, worked out by hand.
        let mut material = vec![1; 32];
        material.extend_from_slice(&9_u64.to_be_bytes());
        material.extend_from_slice(&[7; 32]);
        assert_eq!(seed, blake3::derive_key(SEED_CONTEXT, &material));
        let another = sample_seed(&LedgerId([1; 32]), &checkpoint(10));
        assert_ne!(sample(&all, &another, 10), first);
    }

    #[test]
    fn a_blob_that_must_be_there_is_counted_as_such() {
        let mut named = blobs(1);
        named.push(NamedBlob {
            index: 5,
            bytes: Some(3),
            what: BlobUse::Attachment,
            ..named[0].clone()
        });
        let distinct = distinct(&named);
        assert_eq!(distinct.len(), 1);
        assert_eq!(distinct[0].what, BlobUse::Attachment);
        assert_eq!((distinct[0].index, distinct[0].bytes), (5, Some(3)));
    }
}
