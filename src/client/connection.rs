//! The connection to a pinned ledger: a channel, a token for each call, and the checks of the pins.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use super::answer;
use super::trusted_keys::{LogKeyChange, TrustedKeys};
use super::{ClientError, PinError, Target};
use crate::domain::{LedgerId, Origin, PartyName, Signer, UnixMillis};
use crate::keys::{SecretKey, StrictVerifier, issue_token};
use crate::merkle::{Checkpoint, VerifierKey};
use crate::wire::proto;
use crate::wire::proto::ledger_service_client::LedgerServiceClient;

/// How long a call waits for its answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer, in bytes: a preview holds a whole result.
pub(super) const ANSWER_BYTES_MAX: usize = 80 * 1024 * 1024;

/// Tells the time; asked for each command and each token.
pub type Now = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// What is pinned of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    /// The id of the ledger.
    pub ledger: LedgerId,
    /// The keys that sign its checkpoints; at least one.
    pub log_keys: Vec<VerifierKey>,
}

/// Who calls.
#[derive(Clone)]
pub struct Identity {
    /// The party.
    pub party: PartyName,
    /// Its key.
    pub key: Arc<SecretKey>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.party, self.key.public_key())
    }
}

/// What a ledger says about itself to everybody.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LedgerFacts {
    /// The id of the ledger.
    pub ledger: LedgerId,
    /// The name of the log.
    pub origin: Origin,
    /// The keys that sign checkpoints now.
    #[serde(serialize_with = "super::answer::as_texts")]
    pub verifier_keys: Vec<VerifierKey>,
    /// The server's time.
    pub server_time: UnixMillis,
    /// How far a command's time may be from the recorded time, in milliseconds.
    pub time_window_ms: u64,
    /// The rules version in force.
    pub rules_version: u32,
    /// The newest checkpoint, as a signed note.
    pub checkpoint: String,
    /// How the log's key was changed, oldest first.
    #[serde(skip)]
    pub log_key_changes: Vec<LogKeyChange>,
}

/// A connection to the ledger that is pinned.
#[derive(Clone)]
pub struct Connection {
    url: String,
    channel: Channel,
    pins: Pins,
    keys: Arc<RwLock<TrustedKeys>>,
    identity: Option<Identity>,
    now: Now,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, ledger) = (&self.url, &self.pins.ledger);
        write!(f, "Connection({url}, {ledger}, {:?})", self.identity)
    }
}

impl Connection {
    /// Connects and checks that the service has the pinned ledger and signs with a pinned key, or
    /// with one that a pinned key vouches for.
    ///
    /// # Errors
    /// The service is not reached, answers no, or is another one.
    pub async fn open(
        target: &Target,
        pins: Pins,
        identity: Option<Identity>,
        now: Now,
    ) -> Result<Self, ClientError> {
        let channel = channel(target).await?;
        let facts = facts(target.url(), &channel).await?;
        let mut keys = TrustedKeys::pinned(&pins);
        check(&mut keys, &pins, &facts)?;
        Ok(Self {
            url: target.url().to_owned(),
            channel,
            pins,
            keys: Arc::new(RwLock::new(keys)),
            identity,
            now,
        })
    }

    /// Asks a service that is not pinned yet what it is.
    ///
    /// That its newest checkpoint is signed by a key that it names itself is checked; whether it
    /// is the right ledger is for the caller to judge.
    ///
    /// # Errors
    /// The service is not reached, answers no, or contradicts itself.
    pub async fn look(target: &Target) -> Result<LedgerFacts, ClientError> {
        let channel = channel(target).await?;
        let facts = facts(target.url(), &channel).await?;
        let pins = Pins {
            ledger: facts.ledger,
            log_keys: facts.verifier_keys.clone(),
        };
        check(&mut TrustedKeys::pinned(&pins), &pins, &facts)?;
        Ok(facts)
    }

    /// Returns the address of the service.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns what is pinned.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Returns who calls.
    ///
    /// # Errors
    /// [`ClientError::NoIdentity`] where nobody in particular does.
    pub fn identity(&self) -> Result<&Identity, ClientError> {
        self.identity.as_ref().ok_or(ClientError::NoIdentity)
    }

    /// Returns the time.
    pub fn now(&self) -> UnixMillis {
        (self.now)()
    }

    /// Asks the ledger about itself again.
    ///
    /// # Errors
    /// As any call, and when it differs from the pins.
    pub async fn facts(&self) -> Result<LedgerFacts, ClientError> {
        let facts = facts(&self.url, &self.channel).await?;
        let mut keys = self.trusted();
        check(&mut keys, &self.pins, &facts)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(facts)
    }

    fn trusted(&self) -> TrustedKeys {
        let keys = self.keys.read();
        // Only whole ones are put in, so a poisoned lock holds one, too.
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the keys of the log that are trusted though they are not pinned, oldest first: the
    /// log has changed its key, and a pinned key vouches for them.
    pub fn learned_keys(&self) -> Vec<VerifierKey> {
        let keys = self.trusted();
        let unpinned = keys
            .learned()
            .filter(|key| !self.pins.log_keys.contains(key));
        unpinned.cloned().collect()
    }

    /// Returns the keys of which one must have signed a checkpoint that was received.
    pub fn log_keys_of(&self, note: &str) -> Vec<VerifierKey> {
        self.trusted().of(note).to_vec()
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Returns a request that waits a bounded time, with a token where there is an identity.
    pub(super) fn unary<T>(&self, message: T) -> Result<Request<T>, ClientError> {
        let mut request = self.streaming(message)?;
        request.set_timeout(CALL_TIMEOUT);
        Ok(request)
    }

    /// Returns a request that may take as long as it takes.
    pub(super) fn streaming<T>(&self, message: T) -> Result<Request<T>, ClientError> {
        let mut request = Request::new(message);
        if let Some(identity) = &self.identity {
            let signer = identity.key.as_ref();
            let token = issue_token(signer, &identity.party, &self.pins.ledger, self.now());
            let header: MetadataValue<Ascii> =
                format!("Bearer {token}")
                    .parse()
                    .map_err(|_| ClientError::Form {
                        what: "a bearer token".to_owned(),
                        detail: "it does not fit a header".to_owned(),
                    })?;
            request.metadata_mut().insert("authorization", header);
        }
        Ok(request)
    }

    pub(super) fn failed(&self, status: tonic::Status) -> ClientError {
        ClientError::from_status(&self.url, status)
    }

    /// Opens a checkpoint under the keys that are pinned or learned.
    ///
    /// # Errors
    /// None of those that sign a checkpoint of its size has signed it.
    pub fn open_checkpoint(&self, note: &str) -> Result<Checkpoint, ClientError> {
        opened(note, &self.trusted())
    }
}

async fn channel(target: &Target) -> Result<Channel, ClientError> {
    let connected = target.endpoint().connect().await;
    connected.map_err(|source| ClientError::Unreachable {
        url: target.url().to_owned(),
        source: Box::new(source),
    })
}

async fn facts(url: &str, channel: &Channel) -> Result<LedgerFacts, ClientError> {
    let mut client = LedgerServiceClient::new(channel.clone());
    let mut request = Request::new(proto::GetLedgerRequest { min_log_size: 0 });
    request.set_timeout(CALL_TIMEOUT);
    let answered = client.get_ledger(request).await;
    let answer = answered.map_err(|status| ClientError::from_status(url, status))?;
    let message = answer.into_inner();
    let keys = message.verifier_keys.iter();
    Ok(LedgerFacts {
        ledger: answer::bytes("ledger_id", &message.ledger_id)?,
        origin: answer::text("origin", &message.origin)?,
        verifier_keys: keys
            .map(|key| answer::text("verifier_keys", key))
            .collect::<Result<_, _>>()?,
        server_time: answer::time("server_time", message.server_time)?,
        time_window_ms: message.time_window_ms,
        rules_version: message.rules_version,
        checkpoint: message.checkpoint,
        log_key_changes: message
            .log_key_changes
            .into_iter()
            .map(LogKeyChange::read)
            .collect::<Result<_, _>>()?,
    })
}

/// Checks that a service is the pinned one, after following the log's changes of keys.
fn check(keys: &mut TrustedKeys, pins: &Pins, facts: &LedgerFacts) -> Result<(), ClientError> {
    if pins.ledger != facts.ledger {
        return Err(ClientError::Pin(Box::new(PinError::Ledger {
            pinned: pins.ledger,
            found: facts.ledger,
        })));
    }
    keys.follow(&facts.log_key_changes, &StrictVerifier);
    opened(&facts.checkpoint, keys).map(|_| ())
}

fn opened(note: &str, keys: &TrustedKeys) -> Result<Checkpoint, ClientError> {
    keys.open(note, &StrictVerifier).map_err(|source| {
        ClientError::Pin(Box::new(PinError::Checkpoint {
            pinned: keys.of(note).to_vec(),
            source,
        }))
    })
}
