//! Commands signed beforehand: a founding, providers, and what they record.

use std::thread;

use bytes::Bytes;
use fenrun::client::{SignedCommand, sign_command};
use fenrun::domain::{
    Action, Application, CommandId, ContentHash, ContributionKind, ContributionTerms,
    DerivationConsent, ENTRY_HEADER_BYTES, Found, LedgerId, Licence, Nonce, PartyName, PoolConsent,
    RecordContribution, RecordContributions, Role, Signer,
};
use fenrun::engine::{Clock, SignedBytes, SystemClock};
use fenrun::keys::SecretKey;
use fenrun::wire::{prove_possession, sign_application};

/// The bytes of every entry that records one contribution.
pub const ENTRY_BYTES: usize = 512;
/// How many providers take turns.
pub const PROVIDERS: usize = 64;
/// How many contributions one bulk command records.
pub const BULK: usize = 250;
const OPERATOR: &str = "operator";
/// The name of the log.
pub const ORIGIN: &str = "log.example/bench";

pub fn key(party: &str) -> SecretKey {
    SecretKey::from_seed(blake3::hash(party.as_bytes()).as_bytes())
}

/// Signs commands; every one is new, because the numbers only grow.
pub struct Author {
    pub ledger: Option<LedgerId>,
    next: u64,
}

impl Author {
    pub fn new(ledger: Option<LedgerId>) -> Self {
        Self { ledger, next: 1 }
    }

    pub fn founding() -> SignedCommand {
        let (log, nonce) = (key("log"), Nonce([7; 16]));
        let found = Found {
            origin: ORIGIN.parse().unwrap(),
            operator: OPERATOR.parse().unwrap(),
            operator_key: key(OPERATOR).public_key(),
            log_key: log.public_key(),
            log_key_possession: prove_possession(&log, None, ORIGIN, &nonce),
            rules_version: 1,
            time_window_ms: 86_400_000,
            approvals: Vec::new(),
            terms_hash: ContentHash::of(b"terms"),
        };
        sign(None, OPERATOR, nonce, found.into())
    }

    pub fn admissions(&mut self) -> Vec<SignedCommand> {
        (0..PROVIDERS).map(|number| self.admit(number)).collect()
    }

    fn admit(&mut self, number: usize) -> SignedCommand {
        let name = provider(number);
        let application = Application {
            ledger: self.ledger.unwrap(),
            name: name.parse().unwrap(),
            roles: vec![Role::Provider],
            public_key: key(&name).public_key(),
            terms_hash: ContentHash::of(b"terms"),
        };
        let admit = sign_application(&key(&name), application);
        let number = self.take(1);
        sign(self.ledger, OPERATOR, nonce(number), admit.into())
    }

    /// Signs commands that record one contribution each, by providers in turns.
    pub fn singles(&mut self, count: usize) -> Vec<SignedCommand> {
        let (first, ledger) = (self.take(count), self.ledger);
        on_two_threads(first, count, move |number| {
            let party = provider(number as usize % PROVIDERS);
            sign(
                ledger,
                &party,
                nonce(number),
                contribution(number, true).into(),
            )
        })
    }

    /// Signs commands that record [`BULK`] contributions each.
    pub fn bulks(&mut self, count: usize) -> Vec<SignedCommand> {
        let (first, ledger) = (self.take(count * BULK), self.ledger);
        on_two_threads(0, count, move |at| {
            let first = first + at * BULK as u64;
            let party = provider(at as usize % PROVIDERS);
            let numbers = first..first + BULK as u64;
            let contributions = numbers.map(|number| contribution(number, false)).collect();
            let bulk = RecordContributions { contributions };
            sign(ledger, &party, nonce(first), bulk.into())
        })
    }

    fn take(&mut self, count: usize) -> u64 {
        let first = self.next;
        self.next += count as u64;
        first
    }
}

fn on_two_threads(
    first: u64,
    count: usize,
    make: impl Fn(u64) -> SignedCommand + Copy + Send,
) -> Vec<SignedCommand> {
    let (end, middle) = (first + count as u64, first + count as u64 / 2);
    thread::scope(|scope| {
        let rest = scope.spawn(move || (middle..end).map(make).collect::<Vec<_>>());
        let mut made: Vec<_> = (first..middle).map(make).collect();
        made.extend(rest.join().unwrap());
        made
    })
}

/// Returns the name of a provider.
pub fn provider(number: usize) -> String {
    format!("provider-{number}")
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [9; 16];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    Nonce(nonce)
}

fn sign(ledger: Option<LedgerId>, party: &str, nonce: Nonce, action: Action) -> SignedCommand {
    let name: PartyName = party.parse().unwrap();
    let now = SystemClock::new().now();
    sign_command(&key(party), &name, ledger, nonce, now, action)
}

/// Returns the contribution of a number; `padded`, its entry has about [`ENTRY_BYTES`].
fn contribution(number: u64, padded: bool) -> RecordContribution {
    // Everything but the description takes about this much.
    let rest = ENTRY_HEADER_BYTES + 167;
    let description = match padded {
        true => "x".repeat(ENTRY_BYTES - rest),
        false => String::new(),
    };
    RecordContribution {
        dataset: "readings".parse().unwrap(),
        version: u32::try_from(number).unwrap(),
        kind: ContributionKind::Original,
        content_hash: ContentHash::of(&number.to_be_bytes()),
        content_bytes: 1_000_000 + number,
        rows: 10_000,
        parents: Vec::new(),
        terms: ContributionTerms {
            pools: PoolConsent::Any,
            derivation: DerivationConsent::Free,
            upstream_bps_min: 0,
            licence: Licence::Spdx("CC-BY-4.0".to_owned()),
        },
        description,
    }
}

/// Returns a signed command as the engine takes it.
pub fn signed_bytes(signed: &SignedCommand) -> SignedBytes {
    SignedBytes {
        command: signed.command.clone(),
        public_key: Bytes::copy_from_slice(&signed.public_key.0),
        signature: Bytes::copy_from_slice(&signed.signature.0),
    }
}

/// Returns the id of a ledger by its founding command.
pub fn ledger_of(founding: &SignedCommand) -> LedgerId {
    CommandId::of(&founding.command).into()
}
