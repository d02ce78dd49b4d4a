//! Policies of C2SP tlog-policy: which logs and witnesses count, and how many of them it takes.

use std::collections::BTreeMap;

use super::cosignature::WitnessKey;
use super::note::SignedNote;
use super::verifier_key::{VerifierKey, VerifierKeyError};
use crate::domain::Verifier;

/// The most bytes of a policy.
const BYTES_MAX: usize = 1 << 20;
/// The most logs, and the most witnesses and groups together.
const NAMES_MAX: usize = 1_000;

/// Why bytes are not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is too large.
    #[error("a policy has at most {BYTES_MAX} bytes and {NAMES_MAX} names")]
    TooLarge,
    /// An octet that no policy has.
    #[error("line {line} of the policy has the control character {byte:#04x}")]
    Control {
        /// The number of the line, from 1.
        line: usize,
        /// The octet.
        byte: u8,
    },
    /// The last line has no newline.
    #[error("the policy ends without a newline: it was cut off")]
    CutOff,
    /// A line has another form.
    #[error("line {line} of the policy is not in order: {what}")]
    Line {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A key is not one of its kind.
    #[error("the key in line {line} of the policy is refused")]
    Key {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: VerifierKeyError,
    },
    /// There is no quorum.
    #[error("the policy has no quorum line; `quorum none` asks for no witness")]
    NoQuorum,
}

/// A witness of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its key.
    pub key: WitnessKey,
    /// Where checkpoints are sent to, without a slash at the end; none where it is not said.
    pub url: Option<String>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The logs whose checkpoints count; none where that is known otherwise.
    pub logs: Vec<VerifierKey>,
    /// The witnesses.
    pub witnesses: Vec<Witness>,
    rule: Rule,
}

/// What it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// Nothing.
    None,
    /// The witness of this number.
    Witness(usize),
    /// At least so many of these.
    Group(usize, Vec<Rule>),
}

impl Rule {
    fn holds(&self, cosigned: &[bool]) -> bool {
        match self {
            Self::None => true,
            Self::Witness(number) => cosigned.get(*number).copied().unwrap_or_default(),
            Self::Group(least, members) => {
                let holding = members.iter().filter(|member| member.holds(cosigned));
                holding.count() >= *least
            }
        }
    }
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > BYTES_MAX {
            return Err(PolicyError::TooLarge);
        }
        if bytes.last().is_some_and(|last| *last != b'\n') {
            return Err(PolicyError::CutOff);
        }
        let mut reading = Reading::default();
        for (text, line) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let control = |byte: &&u8| (**byte < 0x20 && **byte != b'\t') || **byte == 0x7f;
            if let Some(byte) = text.iter().find(control) {
                let byte = *byte;
                return Err(PolicyError::Control { line, byte });
            }
            let words: Vec<&[u8]> = text
                .split(|byte| matches!(byte, b' ' | b'\t'))
                .filter(|word| !word.is_empty())
                .collect();
            if words.first().is_none_or(|first| first.starts_with(b"#")) {
                continue;
            }
            reading.line = line;
            reading.take(&words)?;
            if reading.logs.len().max(reading.named.len()) > NAMES_MAX {
                return Err(PolicyError::TooLarge);
            }
        }
        Ok(Self {
            logs: reading.logs,
            witnesses: reading.witnesses,
            rule: reading.quorum.ok_or(PolicyError::NoQuorum)?,
        })
    }

    /// Says which witnesses have cosigned a note, in the order of the policy.
    pub fn cosigned(&self, note: &SignedNote, verifier: &dyn Verifier) -> Vec<bool> {
        let witnesses = self.witnesses.iter();
        witnesses
            .map(|witness| witness.key.cosigned(note, verifier).is_some())
            .collect()
    }

    /// Says whether these witnesses, by the order of the policy, are enough.
    pub fn holds(&self, cosigned: &[bool]) -> bool {
        self.rule.holds(cosigned)
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading<'t> {
    line: usize,
    logs: Vec<VerifierKey>,
    witnesses: Vec<Witness>,
    /// Witnesses and groups by name; those that a group has taken are none any more.
    named: BTreeMap<&'t [u8], Option<Rule>>,
    quorum: Option<Rule>,
}

impl<'t> Reading<'t> {
    fn wrong<T>(&self, what: impl Into<String>) -> Result<T, PolicyError> {
        let (line, what) = (self.line, what.into());
        Err(PolicyError::Line { line, what })
    }

    fn take(&mut self, words: &[&'t [u8]]) -> Result<(), PolicyError> {
        match words {
            [b"log", key, rest @ ..] if rest.len() <= 1 => {
                let log: VerifierKey = self.key(key)?;
                if self.logs.iter().any(|other| other.key == log.key) {
                    return self.wrong("the key of another log stands here once more");
                }
                self.logs.push(log);
                Ok(())
            }
            [b"witness", name, key, rest @ ..] if rest.len() <= 1 => {
                let key: WitnessKey = self.key(key)?;
                if self.witnesses.iter().any(|other| other.key.key == key.key) {
                    return self.wrong("the key of another witness stands here once more");
                }
                let rule = Rule::Witness(self.witnesses.len());
                let url = rest.first().map(|url| String::from_utf8_lossy(url));
                let url = url.map(|url| url.trim_end_matches('/').to_owned());
                self.witnesses.push(Witness { key, url });
                self.name(name, rule)
            }
            [b"group", name, least, members @ ..] if !members.is_empty() => {
                let least = match *least {
                    b"all" => members.len(),
                    b"any" => 1,
                    number => self.number(number, members.len())?,
                };
                let members: Result<Vec<Rule>, _> =
                    members.iter().map(|member| self.member(member)).collect();
                self.name(name, Rule::Group(least, members?))
            }
            [b"quorum", name] if self.quorum.is_none() => {
                let none = *name == b"none";
                let rule = if none { Rule::None } else { self.member(name)? };
                self.quorum = Some(rule);
                Ok(())
            }
            [b"quorum", _] => self.wrong("there is a quorum already"),
            _ => self.wrong("it is no line of a log, witness, group or quorum"),
        }
    }

    fn key<K>(&self, word: &[u8]) -> Result<K, PolicyError>
    where
        K: std::str::FromStr<Err = VerifierKeyError>,
    {
        let line = self.line;
        let parsed = String::from_utf8_lossy(word).parse();
        parsed.map_err(|source| PolicyError::Key { line, source })
    }

    fn number(&self, word: &[u8], members: usize) -> Result<usize, PolicyError> {
        let text = String::from_utf8_lossy(word);
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        match number {
            Some(number) if (1..=members).contains(&number) => Ok(number),
            _ => self.wrong(format!(
                "a group takes all, any, or 1 to {members} of its members"
            )),
        }
    }

    fn name(&mut self, name: &'t [u8], rule: Rule) -> Result<(), PolicyError> {
        if name == b"none" || self.named.contains_key(name) {
            return self.wrong("the name is taken");
        }
        self.named.insert(name, Some(rule));
        Ok(())
    }

    /// Takes a witness or group out of those that can be members; each is one once.
    fn member(&mut self, name: &[u8]) -> Result<Rule, PolicyError> {
        match self.named.get_mut(name).map(Option::take) {
            Some(Some(rule)) => Ok(rule),
            Some(None) => self.wrong("a name is a member once only"),
            None => self.wrong("it names nothing that was defined before"),
        }
    }
}
