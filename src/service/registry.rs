//! `RegistryService`: parties, contributions and cost claims.

use tonic::Request;

use super::asked::Asked;
use super::book::money;
use super::reads::{Answer, Reading, Reads};
use super::recorded::Recorded;
use super::status::Failure;
use crate::domain::{ContributionKind, PartyName, PublicKey, Role};
use crate::ledger::query::{
    self, Claim, ClaimFilter, Contribution, ContributionFilter, Party, PartyFilter,
};
use crate::ledger::{KeyRow, KeyState};
use crate::store::blobs::Blobs;
use crate::wire::proto::registry_service_server::RegistryService;
use crate::wire::{Choice, proto, timestamp};

/// Shows who is admitted, what was contributed and what it cost.
pub(super) struct Registry {
    reads: Reads,
    blobs: Blobs,
}

impl Registry {
    pub fn new(reads: Reads, blobs: Blobs) -> Self {
        Self { reads, blobs }
    }
}

#[tonic::async_trait]
impl RegistryService for Registry {
    async fn get_party(
        &self,
        request: Request<proto::GetPartyRequest>,
    ) -> Answer<proto::GetPartyResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let name = party_name("name", &asked.name)?;
            let party = query::party(reading.view(), caller, &name)?;
            Ok(proto::GetPartyResponse {
                party: Some(party_message(party)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_parties(
        &self,
        request: Request<proto::ListPartiesRequest>,
    ) -> Answer<proto::ListPartiesResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let filter = PartyFilter {
                role: fields.choice::<Role>("role", asked.role),
                name_prefix: asked.name_prefix,
            };
            fields.done()?;
            let cursor = paging.cursor(reading.size())?;
            let page = query::parties(reading.view(), caller, &filter, cursor, paging.limit)?;
            Ok(proto::ListPartiesResponse {
                next_page_token: paging.next(&page),
                parties: page.items.into_iter().map(party_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }

    async fn get_contribution(
        &self,
        request: Request<proto::GetContributionRequest>,
    ) -> Answer<proto::GetContributionResponse> {
        let blobs = self.blobs.clone();
        let work = self.reads.answer(request, move |asked, reading, caller| {
            let found = query::contribution(reading.view(), caller, &asked.reference)?;
            let mut shown = Shown::new(reading, blobs);
            Ok(proto::GetContributionResponse {
                contribution: Some(shown.contribution(found)?),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_contributions(
        &self,
        request: Request<proto::ListContributionsRequest>,
    ) -> Answer<proto::ListContributionsResponse> {
        let blobs = self.blobs.clone();
        let work = self
            .reads
            .list(request, move |asked, reading, caller, paging| {
                let filter = contribution_filter(asked)?;
                let cursor = paging.cursor(reading.size())?;
                let view = reading.view();
                let page = query::contributions(view, caller, &filter, cursor, paging.limit)?;
                let next_page_token = paging.next(&page);
                let mut shown = Shown::new(reading, blobs);
                let items = page.items.into_iter();
                let contributions: Result<_, Failure> =
                    items.map(|item| shown.contribution(item)).collect();
                Ok(proto::ListContributionsResponse {
                    contributions: contributions?,
                    next_page_token,
                    read_at_size: reading.size(),
                    listed_at_size: cursor.size,
                })
            });
        work.await
    }

    async fn get_cost_claim(
        &self,
        request: Request<proto::GetCostClaimRequest>,
    ) -> Answer<proto::GetCostClaimResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let claim = query::claim(reading.view(), caller, &asked.reference)?;
            Ok(proto::GetCostClaimResponse {
                claim: Some(claim_message(&claim)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_cost_claims(
        &self,
        request: Request<proto::ListCostClaimsRequest>,
    ) -> Answer<proto::ListCostClaimsResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let filter = ClaimFilter {
                party: fields.optional("party", &asked.party),
                undecided: asked.undecided,
            };
            fields.done()?;
            let cursor = paging.cursor(reading.size())?;
            let page = query::claims(reading.view(), caller, &filter, cursor, paging.limit)?;
            Ok(proto::ListCostClaimsResponse {
                next_page_token: paging.next(&page),
                claims: page.items.iter().map(claim_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }
}

fn party_name(field: &str, text: &str) -> Result<PartyName, Failure> {
    let mut fields = Asked::default();
    match fields.required(field, text) {
        Some(name) => Ok(name),
        None => Err(fields.refusal()),
    }
}

fn contribution_filter(
    asked: proto::ListContributionsRequest,
) -> Result<ContributionFilter, Failure> {
    let mut fields = Asked::default();
    let filter = ContributionFilter {
        party: fields.optional("party", &asked.party),
        kind: fields.choice::<ContributionKind>("kind", asked.kind),
        content_hash: fields.optional_bytes("content_hash", &asked.content_hash),
        name_prefix: asked.name_prefix,
        from_index: asked.from_index,
        to_index: (asked.to_index > 0).then_some(asked.to_index),
    };
    fields.done()?;
    Ok(filter)
}

fn party_message(party: Party) -> proto::Party {
    let keys = party.keys.iter();
    proto::Party {
        name: party.name.to_string(),
        id: party.row.id.0.to_vec().into(),
        roles: party.row.roles.iter().map(|role| role.number()).collect(),
        beneficial_owner: party.row.beneficial_owner.to_string(),
        admitted_index: party.row.admitted_at,
        keys: keys.map(|(key, row)| key_message(key, row)).collect(),
    }
}

fn key_message(key: &PublicKey, row: &KeyRow) -> proto::PartyKey {
    let (state, ended_index, suspect_from) = match row.state {
        KeyState::Active => ("active", None, None),
        KeyState::Rotated { at } => ("rotated", Some(at), None),
        KeyState::Revoked { at, suspect_from } => ("revoked", Some(at), suspect_from),
        KeyState::Replaced { at } => ("replaced", Some(at), None),
    };
    proto::PartyKey {
        public_key: key.0.to_vec().into(),
        since_index: row.since,
        state: state.to_owned(),
        ended_index,
        suspect_from,
    }
}

fn claim_message(claim: &Claim) -> proto::CostClaim {
    let row = &claim.row;
    let amount = |minor_units| money(minor_units, row.claimed.currency);
    let decision = row.decision.as_ref();
    proto::CostClaim {
        id: row.id.0.to_vec().into(),
        contribution: claim.contribution.to_string(),
        cost_class: row.class.to_string(),
        claimed: Some((&row.claimed).into()),
        approved: decision.map(|decision| amount(decision.approved)),
        outstanding: decision.map(|decision| amount(decision.outstanding)),
        evidence_hash: row.evidence_hash.0.to_vec().into(),
        claimed_index: claim.at.index,
        decided_index: decision.map(|decision| decision.at),
    }
}

/// Shows contributions with what only their entries say.
struct Shown {
    recorded: Recorded,
    blobs: Blobs,
}

impl Shown {
    fn new(reading: &Reading, blobs: Blobs) -> Self {
        let recorded = Recorded::new(reading.engine());
        Self { recorded, blobs }
    }

    fn contribution(&mut self, found: Contribution) -> Result<proto::Contribution, Failure> {
        let Contribution {
            at,
            row,
            parents,
            beneficial_owner,
        } = found;
        let entry = self.recorded.entry(at.index)?;
        let description = entry.description(at.number).to_owned();
        let recorded_at = timestamp(entry.recorded_at);
        let withdrawn = row.withdrawn.as_ref();
        let stored = self.blobs.uploaded_by(&row.content_hash, &row.name.party);
        Ok(proto::Contribution {
            id: row.id.0.to_vec().into(),
            name: row.name.to_string(),
            kind: row.kind.number(),
            content_hash: row.content_hash.0.to_vec().into(),
            content_bytes: row.content_bytes,
            rows: row.rows,
            parents: parents.iter().map(proto::Parent::from).collect(),
            terms: Some((&row.terms).into()),
            recorded_index: at.index,
            recorded_number: at.number,
            recorded_at: Some(recorded_at),
            stored,
            withdrawn_from_period: withdrawn
                .map(|withdrawal| withdrawal.from_period.to_string())
                .unwrap_or_default(),
            withdrawn_index: withdrawn.map(|withdrawal| withdrawal.at),
            beneficial_owner: beneficial_owner.to_string(),
            description,
        })
    }
}
