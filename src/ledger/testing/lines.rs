//! The lines: `actor [!defect ...] verb words ... [name=value ...]`.
//!
//! Defects: `!by:KEY` signs with another key, `!signature` breaks the signature, `!ledger` names
//! another ledger, `!late` and `!early` leave the time window by a millisecond, `!edge` stays in
//! it by none, `!again` sends the actor's last accepted command once more instead of a new one.
//! A KEY is `party` (its active key), `party#2` (its third) or `log#0`.
//!
//! Verbs: see [`read_action`], [`read_pool_action`], [`read_settlement_action`],
//! [`read_payout_action`] and [`read_request_action`].

use std::collections::BTreeMap;

use super::payout_lines::read_payout_action;
use super::pool_lines::read_pool_action;
use super::request_lines::read_request_action;
use super::settlement_lines::read_settlement_action;
use super::*;
use crate::domain::{
    AdmitParty, AmendCharter, Application, ContributionKind, ContributionTerms, DerivationConsent,
    GrantUse, GrantedPolicy, Grantee, Licence, NewLogKey, Parent, PoolConsent, RecordContribution,
    RecordContributions, ReplaceKey, RevokeKey, RevokeUse, RotateKey, Upgrade,
    WithdrawContribution,
};
use crate::wire::{prove_possession, sign_application};

/// The words of a line after the verb.
pub(super) struct Words<'a> {
    plain: Vec<&'a str>,
    named: BTreeMap<&'a str, &'a str>,
}

impl<'a> Words<'a> {
    fn new(words: &[&'a str]) -> Self {
        let plain = words.iter().filter(|word| !word.contains('='));
        let named = words.iter().filter_map(|word| word.split_once('='));
        Self {
            plain: plain.copied().collect(),
            named: named.collect(),
        }
    }

    /// Returns the word at a place.
    pub fn at(&self, place: usize) -> &'a str {
        self.plain[place]
    }

    /// Returns the words from a place on.
    pub fn from(&self, place: usize) -> &[&'a str] {
        &self.plain[place..]
    }

    /// Returns the value of a named word.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.named.get(name).copied()
    }
}

/// Reads the verb and words of a line as an action of a party.
pub(crate) fn action(scenario: &mut Scenario, actor: &str, text: &str) -> Action {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (verb, rest) = words.split_first().expect(text);
    let words = Words::new(rest);
    read_pool_action(scenario, verb, &words)
        .or_else(|| read_settlement_action(scenario, verb, &words))
        .or_else(|| read_payout_action(scenario, verb, &words))
        .or_else(|| read_request_action(scenario, verb, &words))
        .unwrap_or_else(|| read_action(scenario, actor, verb, &words))
}

impl Scenario {
    /// Runs one line without its answer, and returns the answer.
    pub fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let actor = words[0];
        let defects = words[1..].iter().take_while(|word| word.starts_with('!'));
        let defects: Vec<&str> = defects.copied().collect();
        let mut signed = if defects.contains(&"!again") {
            let of_actor = |signed: &&Signed| signed.command.actor.as_str() == actor;
            let last = self.accepted.iter().rev().find(of_actor);
            last.unwrap().clone()
        } else {
            let text = words[1 + defects.len()..].join(" ");
            let action = action(self, actor, &text);
            self.sign(actor, action)
        };
        for defect in defects {
            self.spoil(&mut signed, defect);
        }
        answer_text(&self.send(&signed))
    }

    fn spoil(&self, signed: &mut Signed, defect: &str) {
        let window = self.row::<CharterRow>(&());
        let window = window.map_or(WINDOW_MS, |charter| charter.time_window_ms);
        let now = self.now().0;
        let command = &mut signed.command;
        match defect {
            "!signature" => signed.signature_valid = false,
            "!ledger" => command.ledger = Some(LedgerId([9; 32])),
            "!late" => command.created_at = UnixMillis(now - window - 1),
            "!early" => command.created_at = UnixMillis(now + window + 1),
            "!edge" => command.created_at = UnixMillis(now - window),
            "!again" => {}
            by => signed.public_key = self.key(by.strip_prefix("!by:").expect(by)),
        }
    }

    fn key(&self, text: &str) -> PublicKey {
        match text.split_once('#') {
            Some((party, number)) => public_key(party, number.parse().unwrap()),
            None => self.active_key(text),
        }
    }

    /// Returns the key that a command brings in, and its proof of possession.
    fn new_key(&self, party: &str, words: &Words<'_>) -> (PublicKey, Signature) {
        let secret = match words.get("key").and_then(|key| key.split_once('#')) {
            Some((holder, number)) => secret_key(holder, number.parse().unwrap()),
            None => self.unused_key(party),
        };
        let key = secret.public_key();
        let mut nonce = self.nonce();
        if words.get("proof") == Some("stale") {
            nonce.0[15] ^= 1;
        }
        let ledger = self.ledger();
        (key, prove_possession(&secret, Some(&ledger), party, &nonce))
    }
}

/// Reads a verb and its words:
///
/// - `amend MILLISECONDS [key=KEY] [proof=stale]`, `upgrade VERSION`
/// - `admit PARTY ROLE... [owner=NAME] [key=KEY] [terms=TEXT] [ledger=other] [signature=bad]`
/// - `rotate [key=KEY] [proof=stale]`, `replace PARTY [key=KEY] [proof=stale]`
/// - `revoke KEY [suspect=INDEX]`
/// - `record NAME@VERSION [pools=] [derivation=] [min=BPS] [from=CONTRIBUTION:BPS,...]`, and
///   `record-many` with several names
/// - `withdraw CONTRIBUTION PERIOD`
/// - `grant CONTRIBUTION pool|party NAME PERIOD [policy=NAME]`, `ungrant` with the same words
fn read_action(scenario: &Scenario, actor: &str, verb: &str, words: &Words<'_>) -> Action {
    match verb {
        "found" => scenario.found().into(),
        "amend" => Action::from(AmendCharter {
            time_window_ms: words.at(0).parse().unwrap(),
            log_key: words.get("key").map(|_| {
                let origin = scenario.row::<CharterRow>(&()).unwrap().origin;
                let (key, possession) = scenario.new_key(origin.as_str(), words);
                NewLogKey { key, possession }
            }),
        }),
        "upgrade" => Action::from(Upgrade {
            rules_version: words.at(0).parse().unwrap(),
        }),
        "admit" => admit(scenario, words).into(),
        "rotate" => {
            let (new_key, possession) = scenario.new_key(actor, words);
            Action::from(RotateKey {
                new_key,
                possession,
            })
        }
        "replace" => {
            let (new_key, possession) = scenario.new_key(words.at(0), words);
            Action::from(ReplaceKey {
                party: words.at(0).parse().unwrap(),
                new_key,
                possession,
            })
        }
        "revoke" => Action::from(RevokeKey {
            public_key: scenario.key(words.at(0)),
            suspect_from: words.get("suspect").map(|index| index.parse().unwrap()),
        }),
        "record" => record(scenario, words.at(0), words).into(),
        "record-many" => Action::from(RecordContributions {
            contributions: words
                .from(0)
                .iter()
                .map(|name| record(scenario, name, words))
                .collect(),
        }),
        "withdraw" => Action::from(WithdrawContribution {
            contribution: scenario.contribution(words.at(0)),
            from_period: words.at(1).parse().unwrap(),
            reason: String::new(),
        }),
        "grant" => Action::from(GrantUse {
            contribution: scenario.contribution(words.at(0)),
            grantee: grantee(words),
            policy: words.get("policy").map_or(GrantedPolicy::Any, |text| {
                GrantedPolicy::Only(scenario.policy(text))
            }),
            from_period: words.at(3).parse().unwrap(),
        }),
        "ungrant" => Action::from(RevokeUse {
            contribution: scenario.contribution(words.at(0)),
            grantee: grantee(words),
            from_period: words.at(3).parse().unwrap(),
        }),
        _ => panic!("no verb {verb}"),
    }
}

fn admit(scenario: &Scenario, words: &Words<'_>) -> AdmitParty {
    let name = words.at(0);
    let secret = match words.get("key").and_then(|key| key.split_once('#')) {
        Some((holder, number)) => secret_key(holder, number.parse().unwrap()),
        None => scenario.unused_key(name),
    };
    let application = Application {
        ledger: words
            .get("ledger")
            .map_or(scenario.ledger(), |_| LedgerId([9; 32])),
        name: name.parse().unwrap(),
        roles: words.from(1).iter().map(|text| role(text)).collect(),
        public_key: secret.public_key(),
        terms_hash: words
            .get("terms")
            .map_or(terms_hash(), |text| ContentHash::of(text.as_bytes())),
    };
    let mut admit = sign_application(&secret, application);
    if words.get("signature").is_some() {
        admit.signature.0[0] ^= 1;
    }
    admit.beneficial_owner = words.get("owner").map(|owner| owner.parse().unwrap());
    admit
}

fn role(text: &str) -> Role {
    serde_json::from_value(text.into()).unwrap()
}

fn record(scenario: &Scenario, name: &str, words: &Words<'_>) -> RecordContribution {
    let (dataset, version) = name.split_once('@').expect(name);
    let parents = words.get("from").into_iter().flat_map(|all| all.split(','));
    let parents = parents.map(|text| {
        let (name, bps) = text.split_once(':').expect(text);
        Parent {
            contribution: scenario.contribution(name),
            upstream_bps: bps.parse().unwrap(),
        }
    });
    RecordContribution {
        dataset: dataset.parse().unwrap(),
        version: version.parse().unwrap(),
        kind: ContributionKind::Original,
        content_hash: ContentHash::of(words.get("content").unwrap_or(name).as_bytes()),
        content_bytes: 1_000,
        rows: 10,
        parents: parents.collect(),
        terms: ContributionTerms {
            pools: match words.get("pools") {
                Some("granted") => PoolConsent::Granted,
                _ => PoolConsent::Any,
            },
            derivation: match words.get("derivation") {
                Some("granted") => DerivationConsent::Granted,
                Some("none") => DerivationConsent::None,
                _ => DerivationConsent::Free,
            },
            upstream_bps_min: words.get("min").map_or(0, |bps| bps.parse().unwrap()),
            licence: Licence::Spdx("CC-BY-4.0".to_owned()),
        },
        description: String::new(),
    }
}

fn grantee(words: &Words<'_>) -> Grantee {
    let name = words.at(2);
    match words.at(1) {
        "pool" => Grantee::Pool(name.parse().unwrap()),
        "party" => Grantee::ChildParty(name.parse().unwrap()),
        other => panic!("no grantee {other}"),
    }
}
