//! Actions that tests ask for, with everything that a test does not say set to something plain.

use fenrun::domain::{
    ContentHash, ContributionKind, ContributionTerms, DerivationConsent, Licence, PoolConsent,
    RecordContribution,
};

/// Returns the recording of a version of a dataset with this content; any pool may use it, and
/// everybody may derive from it.
pub fn record(dataset: &str, version: u32, content: &[u8]) -> RecordContribution {
    RecordContribution {
        dataset: dataset.parse().unwrap(),
        version,
        kind: ContributionKind::Original,
        content_hash: ContentHash::of(content),
        content_bytes: content.len() as u64,
        rows: 0,
        parents: Vec::new(),
        terms: ContributionTerms {
            pools: PoolConsent::Any,
            derivation: DerivationConsent::Free,
            upstream_bps_min: 0,
            licence: Licence::Spdx("CC-BY-4.0".to_owned()),
        },
        description: String::new(),
    }
}
