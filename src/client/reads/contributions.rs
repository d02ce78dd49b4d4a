//! Contributions.

use bytes::Bytes;
use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{
    ContentHash, ContributionKind, ContributionName, ContributionTerms, Parent, PartyName, Period,
    ThingId, UnixMillis,
};
use crate::wire::{Choice as _, proto, read_message};

service!(
    contribution_registry,
    registry_service_client::RegistryServiceClient
);

/// One sealed version of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contribution {
    /// Its id.
    pub id: ThingId,
    /// Its name: party/dataset@version.
    pub name: ContributionName,
    /// How the data came to be.
    pub kind: ContributionKind,
    /// BLAKE3 of the bytes: what b3sum prints.
    pub content_hash: ContentHash,
    /// The size of the bytes.
    pub content_bytes: u64,
    /// How many rows they hold, as the provider counts.
    pub rows: u64,
    /// What it was derived from.
    pub parents: Vec<Parent>,
    /// What the provider allows.
    pub terms: ContributionTerms,
    /// The log index that recorded it.
    pub recorded_index: u64,
    /// Its number within that entry.
    pub recorded_number: u32,
    /// When it was recorded.
    pub recorded_at: UnixMillis,
    /// Whether its own party has uploaded the bytes.
    pub stored: bool,
    /// The first period for which no use may be declared any more.
    pub withdrawn_from_period: Option<Period>,
    /// The log index that withdrew it.
    pub withdrawn_index: Option<u64>,
    /// Who stands behind its party.
    pub beneficial_owner: PartyName,
    /// The description by its provider.
    pub description: String,
}

/// Which contributions are listed.
#[derive(Debug, Clone, Default)]
pub struct ContributionFilter {
    /// Only of this party.
    pub party: Option<PartyName>,
    /// Only of this kind.
    pub kind: Option<ContributionKind>,
    /// Only with this content.
    pub content_hash: Option<ContentHash>,
    /// Only names with this prefix.
    pub name_prefix: String,
    /// Only recorded at this index or later.
    pub from_index: u64,
    /// Only recorded before this index; 0 for no end.
    pub to_index: u64,
}

impl Connection {
    /// Returns a contribution by name, id or prefix of an id.
    ///
    /// # Errors
    /// As any call.
    pub async fn contribution(&self, reference: &str) -> Result<Contribution, ClientError> {
        let request = proto::GetContributionRequest {
            reference: reference.to_owned(),
            min_log_size: 0,
        };
        let answer = call!(self, contribution_registry.get_contribution, request);
        read_contribution(answer.contribution.wanted("contribution")?)
    }

    /// Lists at most `limit` contributions, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn contributions(
        &self,
        filter: &ContributionFilter,
        limit: usize,
    ) -> Result<Listed<Contribution>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let hash = filter.content_hash.as_ref();
            let request = proto::ListContributionsRequest {
                page_size,
                page_token,
                min_log_size: 0,
                party: filter
                    .party
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                kind: filter.kind.map_or(0, |kind| kind.number()),
                content_hash: hash.map_or_else(Bytes::new, |hash| Bytes::copy_from_slice(&hash.0)),
                name_prefix: filter.name_prefix.clone(),
                from_index: filter.from_index,
                to_index: filter.to_index,
            };
            let answer = call!(self, contribution_registry.list_contributions, request);
            Ok(Page {
                items: read_all(answer.contributions, read_contribution)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }
}

fn read_contribution(message: proto::Contribution) -> Result<Contribution, ClientError> {
    let terms = message.terms.wanted("contribution.terms")?;
    let refused = answer::refused("contribution");
    Ok(Contribution {
        id: answer::bytes("contribution.id", &message.id)?,
        name: answer::text("contribution.name", &message.name)?,
        kind: answer::choice("contribution.kind", message.kind)?,
        content_hash: answer::bytes("contribution.content_hash", &message.content_hash)?,
        content_bytes: message.content_bytes,
        rows: message.rows,
        parents: read_all(message.parents, |parent| {
            read_message(parent).map_err(&refused)
        })?,
        terms: read_message(terms).map_err(&refused)?,
        recorded_index: message.recorded_index,
        recorded_number: message.recorded_number,
        recorded_at: answer::time("contribution.recorded_at", message.recorded_at)?,
        stored: message.stored,
        withdrawn_from_period: answer::optional_text(
            "contribution.withdrawn_from_period",
            &message.withdrawn_from_period,
        )?,
        withdrawn_index: message.withdrawn_index,
        beneficial_owner: answer::text("contribution.beneficial_owner", &message.beneficial_owner)?,
        description: message.description,
    })
}
