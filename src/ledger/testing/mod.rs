//! A ledger in memory for tests, driven by lines of text: a command and the answer expected.
//!
//! Parties are known by name and have keys made from their names, so that every run gives the
//! same rows. What `lines` can say is listed there.

mod lines;
mod payout_lines;
mod pool_lines;
mod request_lines;
mod samples;
mod settlement_lines;

pub(crate) use lines::action;
pub(crate) use samples::sample;

use std::collections::BTreeMap;

use bytes::Bytes;

use super::rows::{CharterRow, ContributionNameRow, ContributionRow, KeyRow, PartyRow, Row};
use super::{Attachments, MemoryView, State, Submission, Verdict, ViewFault, decide, state_hash};
use crate::domain::{
    Action, Command, CommandId, ContentHash, ContributionName, Found, LedgerId, Nonce, PublicKey,
    Rejection, Role, Signature, Signer, ThingId, TreeHash, UnixMillis,
};
use crate::keys::{SecretKey, StrictVerifier};
use crate::wire::{encode_command, prove_possession};

/// The name of the party that founds every scenario.
pub(crate) const OPERATOR: &str = "operator";
/// The origin of every scenario's log.
pub(crate) const ORIGIN: &str = "log.example/test";
/// The time window of every scenario, in milliseconds, until it is amended.
pub(crate) const WINDOW_MS: u64 = 600_000;

/// A signed command.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub command: Command,
    pub id: CommandId,
    pub public_key: PublicKey,
    pub signature_valid: bool,
}

/// The rows of a ledger, and what is needed to ask it for more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scenario {
    /// The rows.
    pub view: MemoryView,
    /// The attachments that are stored.
    pub attachments: BTreeMap<ContentHash, Bytes>,
    /// What was accepted, in order; the index is the place.
    pub accepted: Vec<Signed>,
    /// When each was recorded.
    pub times: Vec<UnixMillis>,
    nonces: u64,
    waited_ms: u64,
}

impl Attachments for BTreeMap<ContentHash, Bytes> {
    fn get(&self, hash: &ContentHash) -> Option<Bytes> {
        self.get(hash).cloned()
    }

    fn root(&self, size: u64) -> Option<TreeHash> {
        Some(test_root(size))
    }
}

/// Returns the root that every scenario's log has at a size.
pub(crate) fn test_root(size: u64) -> TreeHash {
    TreeHash(*blake3::hash(&size.to_be_bytes()).as_bytes())
}

impl Scenario {
    /// Returns a ledger that the operator has founded.
    pub fn founded() -> Self {
        let mut scenario = Self::default();
        let found = scenario.found();
        assert_eq!(scenario.answer(OPERATOR, found), "ok");
        scenario
    }

    /// Returns a founded ledger with one party for each role, named after it, and a second
    /// provider `lab`.
    pub fn peopled() -> Self {
        let mut scenario = Self::founded();
        scenario.check(
            "operator admit provider provider -> ok
             operator admit lab provider -> ok
             operator admit payer payer -> ok
             operator admit evaluator evaluator -> ok
             operator admit auditor auditor -> ok
             operator admit service service -> ok",
        );
        scenario
    }

    /// Returns the founding action of every scenario.
    pub fn found(&self) -> Found {
        let log = secret_key("log", 0);
        Found {
            origin: ORIGIN.parse().unwrap(),
            operator: OPERATOR.parse().unwrap(),
            operator_key: public_key(OPERATOR, 0),
            log_key: log.public_key(),
            log_key_possession: prove_possession(&log, None, ORIGIN, &self.nonce()),
            rules_version: 1,
            time_window_ms: WINDOW_MS,
            approvals: Vec::new(),
            terms_hash: terms_hash(),
        }
    }

    /// Runs lines of `command -> answer` and compares all answers.
    #[track_caller]
    pub fn check(&mut self, table: &str) {
        let (mut expected, mut found) = (String::new(), String::new());
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (command, answer) = line.split_once(" -> ").expect(line);
            expected.push_str(&format!("{} -> {answer}\n", command.trim()));
            found.push_str(&format!("{} -> {}\n", command.trim(), self.run(command)));
        }
        assert_eq!(found, expected);
    }

    /// Returns the nonce that the next command will have.
    pub fn nonce(&self) -> Nonce {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.nonces.to_be_bytes());
        Nonce(nonce)
    }

    /// Returns the time that the next entry gets.
    pub fn now(&self) -> UnixMillis {
        UnixMillis(1_760_000_000_000 + 1_000 * self.accepted.len() as u64 + self.waited_ms)
    }

    /// Lets days and milliseconds go by.
    pub fn wait(&mut self, days: u64, milliseconds: u64) {
        self.waited_ms += days * 86_400_000 + milliseconds;
    }

    /// Returns the ledger's id, or that of no ledger before the founding.
    pub fn ledger(&self) -> LedgerId {
        self.row::<CharterRow>(&())
            .map_or(LedgerId([0; 32]), |charter| charter.ledger)
    }

    /// Returns a row.
    pub fn row<R: Row>(&self, key: &R::Key) -> Option<R> {
        State::new(&self.view).get(key).unwrap()
    }

    /// Returns the id of a contribution by its name, and some unused id where there is none.
    pub fn contribution(&self, name: &str) -> ThingId {
        let named = name
            .parse::<ContributionName>()
            .ok()
            .and_then(|name| self.row::<ContributionNameRow>(&name));
        named.map_or(ThingId(*blake3::hash(name.as_bytes()).as_bytes()), |row| {
            self.row::<ContributionRow>(&row.at).unwrap().id
        })
    }

    /// Stores an attachment; returns its hash.
    pub fn attach(&mut self, text: &str) -> ContentHash {
        let hash = ContentHash::of(text.as_bytes());
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        self.attachments.insert(hash, bytes);
        hash
    }

    /// Returns the active key of a party, or its first where none is active or it is none yet.
    pub fn active_key(&self, party: &str) -> PublicKey {
        let row = party
            .parse()
            .ok()
            .and_then(|name| self.row::<PartyRow>(&name));
        row.and_then(|row| row.active_key)
            .unwrap_or_else(|| public_key(party, 0))
    }

    /// Returns the first of a party's keys that nobody has used yet.
    pub fn unused_key(&self, party: &str) -> SecretKey {
        (0..)
            .map(|number| secret_key(party, number))
            .find(|key| self.row::<KeyRow>(&key.public_key()).is_none())
            .unwrap()
    }

    /// Signs an action as a party with its active key.
    pub fn sign(&mut self, actor: &str, action: impl Into<Action>) -> Signed {
        let action = action.into();
        let ledger = (!matches!(action, Action::Found(_))).then(|| self.ledger());
        let command = Command {
            ledger,
            actor: actor.parse().unwrap(),
            nonce: self.nonce(),
            created_at: self.now(),
            action,
        };
        self.nonces += 1;
        Signed {
            id: CommandId::of(&encode_command(&command)),
            public_key: self.active_key(actor),
            signature_valid: true,
            command,
        }
    }

    /// Decides a signed command without carrying it out.
    pub fn decide(&self, signed: &Signed) -> Result<Verdict, ViewFault> {
        let submission = Submission {
            index: self.accepted.len() as u64,
            recorded_at: self.now(),
            public_key: signed.public_key,
            signature_valid: signed.signature_valid,
            id: signed.id,
            command: &signed.command,
        };
        decide(&self.view, submission, &StrictVerifier, &self.attachments)
    }

    /// Decides a signed command and carries it out where it is accepted.
    pub fn send(&mut self, signed: &Signed) -> Verdict {
        let verdict = self.decide(signed).unwrap();
        if let Verdict::Accepted(outcome) = &verdict {
            self.times.push(self.now());
            self.view.apply(&outcome.changes);
            self.attachments.extend(outcome.produced.iter().cloned());
            self.accepted.push(signed.clone());
        }
        verdict
    }

    /// Signs and sends an action; returns the id of the first thing that it created.
    pub fn submit(&mut self, actor: &str, action: impl Into<Action>) -> Result<ThingId, Rejection> {
        let signed = self.sign(actor, action);
        match self.send(&signed) {
            Verdict::Rejected(rejection) => Err(rejection),
            _ => Ok(signed.id.thing(0)),
        }
    }

    /// Signs and sends an action; returns the answer as the lines have it.
    pub fn answer(&mut self, actor: &str, action: impl Into<Action>) -> String {
        let signed = self.sign(actor, action);
        answer_text(&self.send(&signed))
    }

    /// Decides everything that was accepted once more, on an empty state; returns the state hash.
    pub fn replay(&self) -> [u8; 32] {
        let mut again = Self {
            attachments: self.attachments.clone(),
            ..Self::default()
        };
        for (signed, time) in self.accepted.iter().zip(&self.times) {
            again.waited_ms += time.0 - again.now().0;
            let verdict = again.send(signed);
            assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        }
        state_hash(&again.view).unwrap()
    }
}

/// Returns the terms that every party of every scenario accepts.
pub(crate) fn terms_hash() -> ContentHash {
    ContentHash::of(b"terms")
}

/// Returns the key of a party by number.
pub(crate) fn secret_key(party: &str, number: u32) -> SecretKey {
    SecretKey::from_seed(blake3::hash(format!("{party}#{number}").as_bytes()).as_bytes())
}

/// Returns the public half of [`secret_key`].
pub(crate) fn public_key(party: &str, number: u32) -> PublicKey {
    secret_key(party, number).public_key()
}

/// Shows a verdict: `ok`, `again at 3`, or the reason and the paths of its violations.
pub(crate) fn answer_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted(_) => "ok".to_owned(),
        Verdict::Repeated { index } => format!("again at {index}"),
        Verdict::Rejected(rejection) => rejection_text(rejection),
    }
}

/// Shows a refusal: the reason and the paths of its violations.
pub(crate) fn rejection_text(rejection: &Rejection) -> String {
    let mut text = rejection.reason.to_string();
    for violation in &rejection.violations {
        text.push(' ');
        text.push_str(&violation.path);
    }
    text
}
