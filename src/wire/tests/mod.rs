//! What commands are written as, what is read back, and what is refused and how.

mod byte_rule;
mod fields;
mod json;
mod strategies;
mod vectors;

use prost::Message;

use super::{decode_command, encode_command, proto};
use crate::domain::{
    Action, Command, ContentHash, ContributionKind, ContributionTerms, DerivationConsent, LedgerId,
    Licence, Nonce, Parent, PoolConsent, Reason, RecordContribution, ThingId, UnixMillis,
};

/// A command with something in every place where bytes could be moved about.
fn sample() -> Command {
    let parent = |first: u8| Parent {
        contribution: ThingId([first; 32]),
        upstream_bps: 1_000,
    };
    Command {
        ledger: Some(LedgerId([7; 32])),
        actor: "school".parse().unwrap(),
        nonce: Nonce([9; 16]),
        created_at: UnixMillis(1_750_000_000_250),
        action: Action::RecordContribution(RecordContribution {
            dataset: "digits".parse().unwrap(),
            version: 2,
            kind: ContributionKind::Merge,
            content_hash: ContentHash([5; 32]),
            content_bytes: 123_456,
            rows: 1_797,
            parents: vec![parent(1), parent(2)],
            terms: ContributionTerms {
                pools: PoolConsent::Granted,
                derivation: DerivationConsent::Free,
                upstream_bps_min: 250,
                licence: Licence::Spdx("CC-BY-4.0 OR MIT".to_owned()),
            },
            description: "Digits, written by hand.".to_owned(),
        }),
    }
}

/// Returns the sample as a generated message, to be spoilt.
fn sample_message() -> proto::Command {
    proto::Command::decode(encode_command(&sample()).as_slice()).unwrap()
}

/// Returns why bytes are refused.
fn reason(bytes: &[u8]) -> Option<Reason> {
    decode_command(bytes)
        .err()
        .map(|rejection| rejection.reason)
}
