//! Which entry is meant, and whether the caller may see it.

use bytes::Bytes;

use crate::domain::{CommandId, ContentHash, Entry};
use crate::ledger::query::{ContributionFilter, Cursor};
use crate::ledger::{Caller, query};
use crate::service::asked::Asked;
use crate::service::command_ids::CommandIds;
use crate::service::reads::Reading;
use crate::service::status::Failure;
use crate::wire::decode_command;
use crate::wire::proto::prove_inclusion_request::Entry as Proved;

/// An entry and its leaf bytes.
pub(super) struct Found {
    /// The leaf bytes.
    pub leaf: Bytes,
    /// What they say.
    pub entry: Entry,
}

impl Found {
    /// Reads an entry of the log as of a read's size.
    pub fn read(reading: &Reading, index: u64) -> Result<Self, Failure> {
        if index >= reading.size() {
            return Err(missing(index));
        }
        let leaf = reading.engine().log().leaf(index)?;
        let entry = Entry::from_leaf(&leaf).map_err(|error| Failure::Fault(error.into()))?;
        Ok(Self { leaf, entry })
    }
}

/// Says that there is no such entry.
pub(super) fn missing(index: u64) -> Failure {
    Failure::missing(format!("entry {index}"))
}

/// Says that there is no such entry in a tree of some size.
pub(super) fn missing_in(index: u64, tree_size: u64) -> Failure {
    Failure::missing(format!("entry {index} in the tree of {tree_size} entries"))
}

/// Refuses a request that names no entry.
pub(super) fn no_entry_named(ways: &str) -> Failure {
    Failure::field("entry", format!("is required: {ways}"))
}

/// Says whether a caller may see an entry.
pub(super) fn seen_by(reading: &Reading, caller: &Caller, entry: &Entry) -> Result<bool, Failure> {
    let command = decode_command(&entry.command).map_err(|rejection| {
        let id = entry.command_id();
        Failure::fault(format!(
            "the recorded command {id} does not decode: {rejection}"
        ))
    })?;
    Ok(caller.sees_entry(reading.view(), &command)?)
}

/// Returns the index of the entry that the caller sees by the id of its command, or by the first
/// digits of that.
pub(super) fn seen_index_of(
    reading: &Reading,
    ids: &CommandIds,
    id: &str,
    caller: &Caller,
) -> Result<u64, Failure> {
    let log = reading.engine().log().as_ref();
    let seen = |entry: &Entry| seen_by(reading, caller, entry);
    let Ok(whole) = id.parse::<CommandId>() else {
        return ids.find(log, reading.size(), id, &seen);
    };
    if let Some(index) = query::command_index(reading.view(), &whole)?
        && seen(&Found::read(reading, index)?.entry)?
    {
        return Ok(index);
    }
    Err(Failure::missing(format!("entry with the command {id}")))
}

/// Returns the index of the entry that is to be proved: by index for anybody, otherwise for those
/// who may see it.
pub(super) fn proved_index(
    reading: &Reading,
    ids: &CommandIds,
    entry: Option<Proved>,
) -> Result<u64, Failure> {
    match entry {
        Some(Proved::Index(index)) => Ok(index),
        Some(Proved::CommandId(id)) => {
            let identity = reading.identity()?;
            seen_index_of(reading, ids, &id, &identity.caller)
        }
        Some(Proved::ContentHash(hash)) => index_of_content(reading, &hash),
        None => Err(no_entry_named("index, command_id or content_hash")),
    }
}

/// Returns the index of the newest contribution with a content that the caller sees.
fn index_of_content(reading: &Reading, hash: &str) -> Result<u64, Failure> {
    let identity = reading.identity()?;
    let mut fields = Asked::default();
    let Some(hash) = fields.required::<ContentHash>("content_hash", hash) else {
        return Err(fields.refusal());
    };
    let filter = ContributionFilter {
        content_hash: Some(hash),
        ..ContributionFilter::default()
    };
    let mut cursor = Cursor::start(reading.size());
    loop {
        let page = query::contributions(reading.view(), &identity.caller, &filter, cursor, 1)?;
        match (page.items.first(), page.next) {
            (Some(newest), _) => return Ok(newest.at.index),
            (None, Some(next)) => cursor = next,
            (None, None) => {
                let text = format!("contribution with the content {hash}");
                return Err(Failure::missing(text));
            }
        }
    }
}
