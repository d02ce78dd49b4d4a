//! What can go wrong between a client and a ledger, and refusals as they come over the wire.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt};

use super::{OutboxError, ReceiptError, ReceiptsError, TargetError};
use crate::domain::{LedgerId, Reason, ReasonClass, Violation};
use crate::merkle::{CheckpointError, VerifierKey};

/// Why a call gave no answer to rely on.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one that is connected to.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The service did not answer.
    #[error("{url} cannot be reached")]
    Unreachable {
        /// The address.
        url: String,
        /// What the transport said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The service answered no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The service is not the one that is pinned.
    #[error("this is not the ledger that the profile is pinned to")]
    Pin(#[source] Box<PinError>),
    /// The receipt does not prove what it says.
    #[error("the receipt does not verify: the server answered, but not with a proof")]
    Receipt(#[source] Box<ReceiptError>),
    /// The bytes that came are not the ones that were asked for.
    #[error("the bytes that the server sent do not have the hash that was asked for: {found}")]
    Content {
        /// The hash of what came.
        found: crate::domain::ContentHash,
    },
    /// A message is not as it must be.
    #[error("this is not {what}: {detail}")]
    Form {
        /// What it should be.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// More came than is taken in.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The call needs a party and its key.
    #[error("this needs a party and its key")]
    NoIdentity,
    /// The outbox does not work.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A receipt cannot be kept or read.
    #[error(transparent)]
    Receipts(#[from] ReceiptsError),
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The system has no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
}

/// In what a service differs from the pinned ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// It is another ledger.
    #[error("pinned is ledger {pinned}, the server has {found}")]
    Ledger {
        /// The pinned id.
        pinned: LedgerId,
        /// The id that the server says.
        found: LedgerId,
    },
    /// Its newest checkpoint is not signed by a pinned key.
    #[error("its checkpoint is not signed by {}", shown(.pinned))]
    Checkpoint {
        /// The pinned keys.
        pinned: Vec<VerifierKey>,
        /// What is wrong with the checkpoint.
        #[source]
        source: CheckpointError,
    },
}

fn shown(keys: &[VerifierKey]) -> String {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    keys.join(" or ")
}

/// A refusal as the service sent it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// Why; none where the service gave a reason that this program does not know, or no reason.
    #[serde(skip)]
    pub reason: Option<Reason>,
    /// The reason as text, or the gRPC code.
    #[serde(rename = "reason")]
    pub reason_text: String,
    /// What is wrong, where, and what to do.
    pub message: String,
    /// All fields that are wrong.
    pub violations: Vec<FieldViolation>,
    /// Facts for programs, such as hashes and limits.
    pub facts: BTreeMap<String, String>,
    /// When sending it again may help.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// A field that is wrong, as the service names it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldViolation {
    /// The path of the field.
    pub field: String,
    /// What is wrong there.
    pub description: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason_text, self.message)?;
        // One violation is the message already.
        if self.violations.len() > 1 {
            for FieldViolation { field, description } in &self.violations {
                let violation = Violation::new(field, description);
                write!(f, "\n  {violation}")?;
            }
        }
        Ok(())
    }
}

impl Refusal {
    /// Tells whether the same command would be refused again, so that it is done with.
    pub fn is_final(&self) -> bool {
        let class = self.reason.map(Reason::class);
        !matches!(
            class,
            None | Some(ReasonClass::Exhausted | ReasonClass::Unavailable | ReasonClass::Fault)
        )
    }

    fn new(code: Code, message: &str, details: &ErrorDetails) -> Self {
        let info = details.error_info();
        let text = info.map(|info| info.reason.as_str());
        let known = |text: &&str| {
            Reason::ALL
                .iter()
                .find(|one| one.as_str() == *text)
                .copied()
        };
        let violations = details.bad_request().map(|bad| {
            let violation = |one: &tonic_types::FieldViolation| FieldViolation {
                field: one.field.clone(),
                description: one.description.clone(),
            };
            bad.field_violations.iter().map(violation).collect()
        });
        Self {
            reason: text.as_ref().and_then(known),
            reason_text: text.map_or_else(|| format!("{code:?}"), str::to_owned),
            message: message.to_owned(),
            violations: violations.unwrap_or_default(),
            facts: info
                .map(|info| info.metadata.clone().into_iter().collect())
                .unwrap_or_default(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

impl ClientError {
    /// Returns what a failed call means; without a reason of ours, the service was not reached.
    pub(super) fn from_status(url: &str, status: tonic::Status) -> Self {
        let details = status.get_error_details();
        let refusal = Refusal::new(status.code(), status.message(), &details);
        let not_reached = matches!(
            status.code(),
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled
        ) || std::error::Error::source(&status).is_some();
        if details.error_info().is_none() && not_reached {
            return Self::Unreachable {
                url: url.to_owned(),
                source: Box::new(status),
            };
        }
        Self::Refused(Box::new(refusal))
    }

    /// Returns what a `google.rpc.Status` within an answer means.
    pub(super) fn from_rpc_status(status: &tonic_types::Status) -> Self {
        use tonic_types::RpcStatusExt as _;
        let details = status.get_error_details();
        let code = Code::from_i32(status.code);
        Self::Refused(Box::new(Refusal::new(code, &status.message, &details)))
    }

    /// Returns the refusal where the service answered no.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}
