//! Cost claims.

use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{ContentHash, ContributionName, CostClass, Money, PartyName, ThingId};
use crate::wire::proto;

service!(
    cost_registry,
    registry_service_client::RegistryServiceClient
);

/// Money spent on a contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CostClaim {
    /// Its id.
    pub id: ThingId,
    /// The name of the contribution.
    pub contribution: ContributionName,
    /// The class of cost.
    pub cost_class: CostClass,
    /// The amount claimed.
    pub claimed: Money,
    /// The amount approved; none while it is not decided.
    pub approved: Option<Money>,
    /// What of it has not come back yet; none while it is not decided.
    pub outstanding: Option<Money>,
    /// BLAKE3 of the evidence.
    pub evidence_hash: ContentHash,
    /// The log index of the claim.
    pub claimed_index: u64,
    /// The log index of the decision.
    pub decided_index: Option<u64>,
}

impl Connection {
    /// Returns a claim by id or prefix of it.
    ///
    /// # Errors
    /// As any call.
    pub async fn cost_claim(&self, reference: &str) -> Result<CostClaim, ClientError> {
        let request = proto::GetCostClaimRequest {
            reference: reference.to_owned(),
            min_log_size: 0,
        };
        let answer = call!(self, cost_registry.get_cost_claim, request);
        read_claim(answer.claim.wanted("claim")?)
    }

    /// Lists at most `limit` claims, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn cost_claims(
        &self,
        party: Option<&PartyName>,
        undecided: bool,
        limit: usize,
    ) -> Result<Listed<CostClaim>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListCostClaimsRequest {
                page_size,
                page_token,
                min_log_size: 0,
                party: party.map(ToString::to_string).unwrap_or_default(),
                undecided,
            };
            let answer = call!(self, cost_registry.list_cost_claims, request);
            Ok(Page {
                items: read_all(answer.claims, read_claim)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }
}

fn read_claim(message: proto::CostClaim) -> Result<CostClaim, ClientError> {
    Ok(CostClaim {
        id: answer::bytes("claim.id", &message.id)?,
        contribution: answer::text("claim.contribution", &message.contribution)?,
        cost_class: answer::text("claim.cost_class", &message.cost_class)?,
        claimed: answer::money("claim.claimed", message.claimed)?,
        approved: answer::optional_money("claim.approved", message.approved)?,
        outstanding: answer::optional_money("claim.outstanding", message.outstanding)?,
        evidence_hash: answer::bytes("claim.evidence_hash", &message.evidence_hash)?,
        claimed_index: message.claimed_index,
        decided_index: message.decided_index,
    })
}
