//! What a command ends with when it does not end well: a kind, an error, and what to do about it.

use std::error::Error;
use std::io::{self, Write};

use serde_json::json;

use crate::client::{ClientError, Refusal};
use crate::config::{ConfigError, Output};
use crate::domain::{Reason, ReasonClass, Rejection};

/// What kind of end it is; the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something does not verify.
    Finding,
    /// What was typed or handed in is wrong.
    Input,
    /// A rule refuses it.
    Refused,
    /// The party may not do it.
    NotPermitted,
    /// The service was not reached.
    Unreachable,
    /// A fault of ours.
    Fault,
}

impl Kind {
    /// Returns the exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Finding => 1,
            Self::Input => 2,
            Self::Refused => 3,
            Self::NotPermitted => 4,
            Self::Unreachable => 5,
            Self::Fault => 70,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Input => "input",
            Self::Refused => "refused",
            Self::NotPermitted => "not permitted",
            Self::Unreachable => "unreachable",
            Self::Fault => "fault",
        }
    }
}

/// The end of a command that did not end well.
#[derive(Debug)]
pub struct CommandError {
    kind: Kind,
    error: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
    refusal: Option<Box<Refusal>>,
    output: Option<Output>,
    silent: bool,
}

impl CommandError {
    /// Returns an error of a kind.
    pub fn new(kind: Kind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            error: error.into(),
            hints: Vec::new(),
            refusal: None,
            output: None,
            silent: false,
        }
    }

    /// Returns an error in what was typed or handed in.
    pub fn input(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Kind::Input, error)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the error in one line, with what caused it.
    pub fn text(&self) -> String {
        let causes = causes(self.error.as_ref());
        let all = std::iter::once(self.error.to_string()).chain(causes);
        all.collect::<Vec<_>>().join(": ")
    }

    /// Returns the reason of the service, where it gave one that this program knows.
    pub fn reason(&self) -> Option<Reason> {
        self.refusal.as_ref()?.reason
    }

    pub(super) fn with_output(mut self, output: Option<Output>) -> Self {
        self.output = output;
        self
    }

    pub(super) fn output(&self) -> Option<Output> {
        self.output
    }

    /// Prints the error, what caused it, and the hints; as one JSON object where `json`.
    pub(super) fn print(&self, stderr: &mut dyn Write, json: bool) -> io::Result<()> {
        if self.silent {
            return Ok(());
        }
        if json {
            let refusal = self.refusal.as_ref();
            let error = json!({
                "kind": self.kind.name(),
                "exit_code": self.kind.code(),
                "message": self.error.to_string(),
                "causes": causes(self.error.as_ref()),
                "hints": self.hints,
                "refusal": refusal,
            });
            writeln!(stderr, "{}", json!({ "error": error }))?;
            return stderr.flush();
        }
        writeln!(stderr, "error: {}", self.error)?;
        for cause in causes(self.error.as_ref()) {
            writeln!(stderr, "  because: {cause}")?;
        }
        for hint in &self.hints {
            writeln!(stderr, "hint: {hint}")?;
        }
        stderr.flush()
    }
}

/// Returns what caused an error, the nearest first, without what only repeats the one before.
fn causes(error: &(dyn Error + Send + Sync)) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            causes.push(text.clone());
        }
        said = text;
        next = cause.source();
    }
    causes
}

/// Returns the kind of a reason that a service gives.
fn kind_of(reason: Reason) -> Kind {
    match (reason, reason.class()) {
        (Reason::QueueFull, _) | (_, ReasonClass::Unavailable) => Kind::Unreachable,
        (_, ReasonClass::Invalid) => Kind::Input,
        (_, ReasonClass::Unauthenticated | ReasonClass::Denied) => Kind::NotPermitted,
        (_, ReasonClass::Missing | ReasonClass::Exists) => Kind::Refused,
        (_, ReasonClass::Precondition | ReasonClass::Exhausted) => Kind::Refused,
        (_, ReasonClass::Fault) => Kind::Fault,
    }
}

fn hint_of(reason: Reason) -> String {
    let more = match reason {
        Reason::KeyUnknown | Reason::Unauthenticated => {
            " See `fenrun config` for the party and key in use."
        }
        Reason::TimeWindow => " Run the command again; it is signed anew.",
        Reason::ResultDiffers => " Run `fenrun settlement preview`, then `settlement run` again.",
        Reason::NotFrozen => " Run `fenrun pool freeze`.",
        _ => "",
    };
    format!("{}{more}", reason.meaning())
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) => refused(refusal),
            ClientError::Unreachable { .. } => Self::new(Kind::Unreachable, error)
                .hint("Is `fenrun serve` running there? See `fenrun config` for the address."),
            ClientError::Pin(_) => Self::new(Kind::Finding, error).hint(
                "Check the address. If the ledger is really another one, connect to it under \
                 another --profile; never to make this message go away.",
            ),
            ClientError::Receipt(_) => Self::new(Kind::Finding, error).hint(
                "The command stays in the outbox. Keep it and tell the operator and an auditor.",
            ),
            ClientError::Content { .. } => Self::new(Kind::Finding, error),
            ClientError::NoIdentity => Self::input(error).hint(
                "Say --party and --key, or keep them with `fenrun connect URL --party NAME`.",
            ),
            ClientError::Form { .. } => Self::new(Kind::Finding, error)
                .hint("The server may be of another version, or not a Fenrun server at all."),
            ClientError::Target(_) => {
                Self::input(error).hint("Use https, or --insecure where nobody else is on the way.")
            }
            ClientError::TooLarge { .. } => Self::input(error),
            ClientError::Outbox(_) | ClientError::Receipts(_) | ClientError::File { .. } => {
                Self::input(error)
            }
            ClientError::Random(_) => Self::new(Kind::Fault, error),
        }
    }
}

fn refused(refusal: Box<Refusal>) -> CommandError {
    let kind = refusal.reason.map_or(Kind::Fault, kind_of);
    let mut error = CommandError::new(kind, refusal.to_string());
    match refusal.reason {
        Some(reason) => error = error.hint(hint_of(reason)),
        None => error = error.hint("The server may be of another version than this program."),
    }
    if let Some(candidates) = refusal.facts.get("candidates") {
        error = error.hint(format!("It may be one of: {candidates}"));
    }
    if let Some(after) = refusal.retry_after {
        error = error.hint(format!("Try again in {} ms.", after.as_millis()));
    }
    error.refusal = Some(refusal);
    error
}

impl From<Rejection> for CommandError {
    fn from(rejection: Rejection) -> Self {
        let reason = rejection.reason;
        let mut text = rejection.to_string();
        if rejection.violations.len() > 1 {
            for violation in &rejection.violations {
                text.push_str(&format!("\n  {violation}"));
            }
        }
        Self::new(kind_of(reason), text).hint(hint_of(reason))
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::input(error)
    }
}

/// A failed write of the result; a reader that has gone away is not worth a word.
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        let silent = error.kind() == io::ErrorKind::BrokenPipe;
        let mut command = Self::new(Kind::Fault, Unwritten(error));
        command.silent = silent;
        command
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the result cannot be written")]
struct Unwritten(#[source] io::Error);

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(error: &CommandError, json: bool) -> String {
        let mut text = Vec::new();
        error.print(&mut text, json).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn refusal(reason: Reason) -> ClientError {
        ClientError::Refused(Box::new(Refusal {
            reason: Some(reason),
            reason_text: reason.as_str().to_owned(),
            message: "the name school is taken".to_owned(),
            violations: Vec::new(),
            facts: Default::default(),
            retry_after: None,
        }))
    }

    #[test]
    fn each_kind_has_its_exit_code() {
        let codes = [
            Kind::Finding,
            Kind::Input,
            Kind::Refused,
            Kind::NotPermitted,
            Kind::Unreachable,
            Kind::Fault,
        ]
        .map(Kind::code);
        assert_eq!(codes, [1, 2, 3, 4, 5, 70]);
    }

    #[test]
    fn a_reason_decides_the_kind() {
        let code = |reason| CommandError::from(refusal(reason)).kind().code();
        assert_eq!(code(Reason::Malformed), 2);
        assert_eq!(code(Reason::NameTaken), 3);
        assert_eq!(code(Reason::NotFound), 3);
        assert_eq!(code(Reason::QuotaExceeded), 3);
        assert_eq!(code(Reason::NotPermitted), 4);
        assert_eq!(code(Reason::KeyUnknown), 4);
        assert_eq!(code(Reason::QueueFull), 5);
        assert_eq!(code(Reason::StoreFault), 5);
        assert_eq!(code(Reason::Internal), 70);
    }

    #[test]
    fn an_error_says_why_and_what_to_do() {
        let error = CommandError::from(refusal(Reason::NameTaken));
        let meaning = Reason::NameTaken.meaning();
        assert_eq!(
            printed(&error, false),
            format!("error: NAME_TAKEN: the name school is taken\nhint: {meaning}\n")
        );
        let json: serde_json::Value = serde_json::from_str(&printed(&error, true)).unwrap();
        assert_eq!(json["error"]["exit_code"], 3);
        assert_eq!(json["error"]["refusal"]["reason"], "NAME_TAKEN");
        // What a reason means is said once.
        let said = printed(&CommandError::from(refusal(Reason::NotFound)), false);
        assert_eq!(said.matches("may see").count(), 1, "{said}");
    }

    #[test]
    fn what_an_ambiguous_name_may_mean_is_listed() {
        let ClientError::Refused(mut refusal) = refusal(Reason::InvalidArgument) else {
            unreachable!()
        };
        let candidates = "school/digits@1, school/digits@2";
        refusal
            .facts
            .insert("candidates".to_owned(), candidates.to_owned());
        let said = printed(&CommandError::from(ClientError::Refused(refusal)), false);
        assert!(
            said.ends_with(&format!("hint: It may be one of: {candidates}\n")),
            "{said}"
        );
    }

    #[test]
    fn a_reader_that_went_away_is_not_worth_a_word() {
        let gone = CommandError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(printed(&gone, false), "");
        let full = CommandError::from(io::Error::from(io::ErrorKind::StorageFull));
        let said = printed(&full, false);
        assert!(
            said.starts_with("error: the result cannot be written\n  because: "),
            "{said}"
        );
    }
}
