//! Parties and their keys.

use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{PartyName, PublicKey, Role, ThingId};
use crate::wire::{Choice as _, proto};

service!(
    party_registry,
    registry_service_client::RegistryServiceClient
);

/// A key that serves or served a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartyKey {
    /// The key.
    pub public_key: PublicKey,
    /// The log index from which on it may sign.
    pub since_index: u64,
    /// Its state: active, rotated, revoked or replaced.
    pub state: String,
    /// The log index that ended it.
    pub ended_index: Option<u64>,
    /// The first log index whose commands under it are suspect.
    pub suspect_from: Option<u64>,
}

/// An admitted party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Party {
    /// Its name.
    pub name: PartyName,
    /// Its id.
    pub id: ThingId,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Who stands behind it.
    pub beneficial_owner: PartyName,
    /// The log index that admitted it.
    pub admitted_index: u64,
    /// Its keys, the newest first.
    pub keys: Vec<PartyKey>,
}

impl Connection {
    /// Returns a party by name.
    ///
    /// # Errors
    /// As any call.
    pub async fn party(&self, name: &PartyName) -> Result<Party, ClientError> {
        let request = proto::GetPartyRequest {
            name: name.to_string(),
            min_log_size: 0,
        };
        let answer = call!(self, party_registry.get_party, request);
        read_party(answer.party.wanted("party")?)
    }

    /// Lists at most `limit` parties, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn parties(
        &self,
        role: Option<Role>,
        name_prefix: &str,
        limit: usize,
    ) -> Result<Listed<Party>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListPartiesRequest {
                page_size,
                page_token,
                min_log_size: 0,
                role: role.map_or(0, |role| role.number()),
                name_prefix: name_prefix.to_owned(),
            };
            let answer = call!(self, party_registry.list_parties, request);
            Ok(Page {
                items: read_all(answer.parties, read_party)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }
}

fn read_party(message: proto::Party) -> Result<Party, ClientError> {
    Ok(Party {
        name: answer::text("party.name", &message.name)?,
        id: answer::bytes("party.id", &message.id)?,
        roles: read_all(message.roles, |role| answer::choice("party.roles", role))?,
        beneficial_owner: answer::text("party.beneficial_owner", &message.beneficial_owner)?,
        admitted_index: message.admitted_index,
        keys: read_all(message.keys, |key| {
            Ok(PartyKey {
                public_key: answer::bytes("party.keys.public_key", &key.public_key)?,
                since_index: key.since_index,
                state: key.state,
                ended_index: key.ended_index,
                suspect_from: key.suspect_from,
            })
        })?,
    })
}
