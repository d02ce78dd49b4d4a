//! Invariants of the charter, of parties and of keys.

use super::Findings;
use crate::domain::{PartyName, PublicKey};
use crate::ledger::rows::{
    CharterRow, KeyHolder, KeyPart, KeyRow, KeyState, Locator, LogKeyRow, OwnedPartyRow,
    PartyAdmittedRow, PartyKeyRow, PartyRow, ThingKind, ThingRow,
};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;

/// Reads the party's name that a key of a row begins with.
pub(super) fn party_name(key: &[u8]) -> Option<PartyName> {
    let text = key.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

pub(super) fn charter(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    let Some(charter) = state.get::<CharterRow>(&())? else {
        findings.expect(false, || "there is no charter".to_owned());
        return Ok(());
    };
    let row = state.get::<KeyRow>(&charter.log_key)?;
    let holds = row
        .as_ref()
        .is_some_and(|row| row.holder == KeyHolder::Log && row.state == KeyState::Active);
    findings.expect(holds, || {
        format!("the log key {} is {row:?}", charter.log_key)
    });
    let mut last = None;
    state.each::<LogKeyRow>(|at, row| {
        let held = state.get::<KeyRow>(&row.public_key)?;
        let listed = held.as_ref().is_some_and(|held| {
            held.holder == KeyHolder::Log && held.since.prefix().as_slice() == at
        });
        findings.expect(listed, || {
            format!("the log key {} is listed, but {held:?}", row.public_key)
        });
        last = Some(row.public_key);
        Ok(())
    })?;
    findings.expect(last == Some(charter.log_key), || {
        format!(
            "the last log key is {last:?}, the charter's {}",
            charter.log_key
        )
    });
    Ok(())
}

pub(super) fn keys(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<KeyRow>(|key, row| {
        let Ok(public_key) = PublicKey::try_from(key) else {
            findings.expect(false, || format!("{} is no key", hex::encode(key)));
            return Ok(());
        };
        let KeyHolder::Party(holder) = &row.holder else {
            return Ok(());
        };
        let party = state.get::<PartyRow>(holder)?;
        let active = party.as_ref().and_then(|party| party.active_key) == Some(public_key);
        let holds = party.is_some() && active == (row.state == KeyState::Active);
        findings.expect(holds, || {
            format!("{public_key} is {row:?}, its party {party:?}")
        });
        let listed = state.get::<PartyKeyRow>(&(holder.clone(), row.since))?;
        let holds = listed.is_some_and(|listed| listed.public_key == public_key);
        findings.expect(holds, || {
            format!("{public_key} is not listed under {holder}")
        });
        Ok(())
    })
}

pub(super) fn parties(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<PartyRow>(|key, row| {
        let Some(name) = party_name(key) else {
            findings.expect(false, || format!("{} is no name", hex::encode(key)));
            return Ok(());
        };
        let at = Locator {
            index: row.admitted_at,
            number: 0,
        };
        let kind = ThingKind::Party;
        let thing = state.get::<ThingRow>(&row.id)?;
        findings.expect(thing == Some(ThingRow { at, kind }), || {
            format!("the id of {name} points to {thing:?}")
        });
        let admitted = state.get::<PartyAdmittedRow>(&at)?;
        findings.expect(
            admitted.is_some_and(|admitted| admitted.name == name),
            || format!("entry {} does not list {name}", at.index),
        );
        if let Some(active) = row.active_key {
            let key = state.get::<KeyRow>(&active)?;
            let holds = key.as_ref().is_some_and(|key| {
                key.holder == KeyHolder::Party(name.clone()) && key.state == KeyState::Active
            });
            findings.expect(holds, || format!("the key of {name} is {key:?}"));
        }
        Ok(())
    })
}

pub(super) fn owners(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<PartyRow>(|key, row| {
        let Some(name) = party_name(key) else {
            return Ok(());
        };
        let owner = &row.beneficial_owner;
        if *owner == name {
            return Ok(());
        }
        let behind = state.get::<PartyRow>(owner)?;
        let holds = behind.is_none_or(|behind| behind.beneficial_owner == *owner);
        findings.expect(holds, || format!("{owner} owns {name} and is owned itself"));
        let pair = (owner.clone(), name.clone());
        let listed = state.get::<OwnedPartyRow>(&pair)?.is_some();
        findings.expect(listed, || format!("{name} is not listed under {owner}"));
        Ok(())
    })
}

pub(super) fn listed_keys(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<PartyKeyRow>(|key, listed| {
        let row = state.get::<KeyRow>(&listed.public_key)?;
        let holds = row.as_ref().is_some_and(|row| match &row.holder {
            KeyHolder::Party(party) => (party.clone(), row.since).prefix() == key,
            KeyHolder::Log => false,
        });
        findings.expect(holds, || format!("{} is {row:?}", listed.public_key));
        Ok(())
    })
}
