//! Where the demo plays: a running service, and each party's key, outbox and receipts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::story::fault;
use crate::cli::CommandError;
use crate::client::{
    Connection, Identity, Now, Outbox, Pins, Receipts, Session, Target, random, write_durably,
};
use crate::domain::PartyName;
use crate::keys::SecretKey;

/// A running service as its parties see it.
pub(super) struct Stage {
    /// Where the service listens.
    pub target: Target,
    /// The ledger and the log's key, which every party pins.
    pub pins: Pins,
    /// The time.
    pub now: Now,
    /// The folder of the demo; keys, receipts and data lie below it.
    pub folder: PathBuf,
    /// The key of each party.
    pub keys: BTreeMap<PartyName, Arc<SecretKey>>,
}

impl Stage {
    /// Makes a key for a party and keeps it in the folder.
    pub fn new_key(&mut self, party: &PartyName) -> Result<Arc<SecretKey>, CommandError> {
        let key = Arc::new(SecretKey::from_seed(&random()?));
        let pem = key.to_pem().map_err(fault)?;
        let path = self.folder.join("keys").join(format!("{party}.pem"));
        write_durably(&path, pem.as_bytes(), true).map_err(fault)?;
        self.keys.insert(party.clone(), Arc::clone(&key));
        Ok(key)
    }

    /// Returns where a party keeps its receipts.
    pub fn receipts(&self, party: &PartyName) -> Receipts {
        Receipts::new(self.folder.join("receipts").join(party.as_str()))
    }

    /// Connects as a party, which signs with its own key and keeps its own receipts.
    pub async fn session(&self, party: &PartyName) -> Result<Session, CommandError> {
        let key = self.keys.get(party).cloned();
        let identity = key.map(|key| Identity {
            party: party.clone(),
            key,
        });
        let now = Arc::clone(&self.now);
        let connection = Connection::open(&self.target, self.pins.clone(), identity, now).await?;
        let outbox = Outbox::new(&self.folder.join("outbox"), &self.pins.ledger);
        let receipts = self.receipts(party);
        Ok(Session::new(connection, Some(outbox), Some(receipts)))
    }
}
