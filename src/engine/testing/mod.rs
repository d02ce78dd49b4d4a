//! A founded ledger in memory for tests, and parties that sign for it.

pub(crate) mod faulty_log;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{
    Engine, EngineLimits, EngineOptions, GivenSigners, ManualClock, MemoryAttachments, SignedBytes,
    found,
};
use crate::domain::{
    Action, AmendCharter, Application, COMMAND_TYPE, Command, ContentHash, ContributionKind,
    ContributionTerms, DerivationConsent, Found, LedgerId, Licence, NewLogKey, Nonce, PoolConsent,
    RecordContribution, Role, Signer, UnixMillis, signing_bytes,
};
use crate::keys::SecretKey;
use crate::store::index::Index;
use crate::store::log::{LogStore, MemoryLog};
use crate::wire::{encode_command, prove_possession, sign_application};

/// The time that tests begin at.
pub(crate) const START: UnixMillis = UnixMillis(1_760_000_000_000);
/// The party that founds the ledger.
pub(crate) const OPERATOR: &str = "operator";
const ORIGIN: &str = "log.example/test";
const WINDOW_MS: u64 = 600_000;

/// Signs commands for one ledger; every party has one key, made from its name.
#[derive(Debug)]
pub(crate) struct Author {
    pub(crate) ledger: Option<LedgerId>,
    nonces: AtomicU64,
}

/// Returns the key of a party, or of the log under the name `log`.
pub(crate) fn key(party: &str) -> SecretKey {
    SecretKey::from_seed(blake3::hash(party.as_bytes()).as_bytes())
}

fn terms_hash() -> ContentHash {
    ContentHash::of(b"terms")
}

/// Returns the nonce of a number.
pub(crate) fn nonce(number: u64) -> Nonce {
    let mut nonce = [7; 16];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    Nonce(nonce)
}

/// Signs the bytes of a command.
pub(crate) fn sign_bytes(command: Vec<u8>, key: &SecretKey) -> SignedBytes {
    let signature = key.sign(&signing_bytes(COMMAND_TYPE, &command));
    SignedBytes {
        command: Bytes::from(command),
        public_key: Bytes::copy_from_slice(&key.public_key().0),
        signature: Bytes::copy_from_slice(&signature.0),
    }
}

impl Author {
    pub(crate) fn new(ledger: Option<LedgerId>) -> Self {
        Self {
            ledger,
            nonces: AtomicU64::new(0),
        }
    }

    /// Returns a command of a party, not yet written.
    pub(crate) fn command(&self, party: &str, action: impl Into<Action>) -> Command {
        self.command_with(party, nonce(self.take()), action)
    }

    /// Returns a command of a party with this nonce, not yet written.
    pub(crate) fn command_with(
        &self,
        party: &str,
        nonce: Nonce,
        action: impl Into<Action>,
    ) -> Command {
        Command {
            ledger: self.ledger,
            actor: party.parse().unwrap(),
            nonce,
            created_at: START,
            action: action.into(),
        }
    }

    fn take(&self) -> u64 {
        self.nonces.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns a command of a party, signed by it.
    pub(crate) fn sign(&self, party: &str, action: impl Into<Action>) -> SignedBytes {
        let command = self.command(party, action);
        sign_bytes(encode_command(&command), &key(party))
    }

    /// Returns the founding command.
    pub(crate) fn found(&self) -> SignedBytes {
        let log = key("log");
        let nonce = nonce(self.take());
        let found = Found {
            origin: ORIGIN.parse().unwrap(),
            operator: OPERATOR.parse().unwrap(),
            operator_key: key(OPERATOR).public_key(),
            log_key: log.public_key(),
            log_key_possession: prove_possession(&log, None, ORIGIN, &nonce),
            rules_version: 1,
            time_window_ms: WINDOW_MS,
            approvals: Vec::new(),
            terms_hash: terms_hash(),
        };
        let command = self.command_with(OPERATOR, nonce, found);
        sign_bytes(encode_command(&command), &key(OPERATOR))
    }

    /// Returns the operator's command that gives the log a new key.
    pub(crate) fn change_log_key(&self, new: &SecretKey) -> SignedBytes {
        let nonce = nonce(self.take());
        let amend = AmendCharter {
            time_window_ms: WINDOW_MS,
            log_key: Some(NewLogKey {
                key: new.public_key(),
                possession: prove_possession(new, self.ledger.as_ref(), ORIGIN, &nonce),
            }),
        };
        let command = self.command_with(OPERATOR, nonce, amend);
        sign_bytes(encode_command(&command), &key(OPERATOR))
    }

    /// Returns the operator's command that admits a party.
    pub(crate) fn admit(&self, name: &str, role: Role) -> SignedBytes {
        let application = Application {
            ledger: self.ledger.unwrap(),
            name: name.parse().unwrap(),
            roles: vec![role],
            public_key: key(name).public_key(),
            terms_hash: terms_hash(),
        };
        self.sign(OPERATOR, sign_application(&key(name), application))
    }

    /// Returns a provider's command that records one version of its dataset `data`.
    pub(crate) fn record(&self, party: &str, version: u32) -> SignedBytes {
        self.sign(party, contribution(party, version))
    }
}

/// Returns a contribution with content of its own.
pub(crate) fn contribution(party: &str, version: u32) -> RecordContribution {
    RecordContribution {
        dataset: "data".parse().unwrap(),
        version,
        kind: ContributionKind::Original,
        content_hash: ContentHash::of(format!("{party}/data@{version}").as_bytes()),
        content_bytes: 1_000,
        rows: 10,
        parents: Vec::new(),
        terms: ContributionTerms {
            pools: PoolConsent::Any,
            derivation: DerivationConsent::Free,
            upstream_bps_min: 0,
            licence: Licence::Spdx("CC-BY-4.0".to_owned()),
        },
        description: "Readings of one meter, one row an hour.".to_owned(),
    }
}

/// An engine over stores in memory, on a ledger that is founded.
pub(crate) struct Fixture {
    pub(crate) engine: Engine,
    pub(crate) author: Author,
    pub(crate) clock: Arc<ManualClock>,
}

impl Fixture {
    /// Founds a ledger and starts an engine on it.
    pub(crate) fn founded() -> Self {
        let mut log = MemoryLog::new();
        let ledger = found_ledger(&mut log);
        Self::on(Box::new(log), ledger)
    }

    /// Starts an engine on a log that is founded.
    pub(crate) fn on(log: Box<dyn LogStore>, ledger: LedgerId) -> Self {
        Self::limited(log, ledger, EngineLimits::default())
    }

    /// Starts an engine with limits on a log that is founded.
    pub(crate) fn limited(log: Box<dyn LogStore>, ledger: LedgerId, limits: EngineLimits) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let options = options(log, Arc::clone(&clock), limits);
        Self {
            engine: Engine::start(options).unwrap(),
            author: Author::new(Some(ledger)),
            clock,
        }
    }

    /// Admits a party and waits until it is.
    pub(crate) async fn admit(&self, name: &str, role: Role) {
        let admitted = self.engine.submit(self.author.admit(name, role)).await;
        admitted.unwrap();
    }
}

/// Returns what an engine over stores in memory is started with.
pub(crate) fn options(
    log: Box<dyn LogStore>,
    clock: Arc<ManualClock>,
    limits: EngineLimits,
) -> EngineOptions {
    EngineOptions {
        log,
        index: Index::memory(),
        attachments: Arc::new(MemoryAttachments::default()),
        signers: Arc::new(GivenSigners::one(key("log"))),
        clock,
        limits,
    }
}

/// Founds a ledger on an empty log.
pub(crate) fn found_ledger(log: &mut dyn LogStore) -> LedgerId {
    let signed = Author::new(None).found();
    found(log, &key("log"), START, &signed).unwrap()
}
