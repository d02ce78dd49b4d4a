//! How a refusal, or a fault of ours, becomes a `google.rpc.Status`: the one place that does it.
//!
//! Every status has exactly one `ErrorInfo`: the reason, the domain and the facts. `BadRequest`
//! lists all fields that are wrong, `RetryInfo` stands where sending the same again may help, and
//! `RequestInfo` names the call. What a fault was stays in the log, under the same request id.
//!
//! A status travels in the trailers of a call, of which many clients take 8 KiB at most, so that
//! what is too long for them is left out and said to be; inside a message nothing is.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use prost::Message;
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::pb;

use super::calls::RequestId;
use crate::domain::{Reason, ReasonClass, Rejection, Violation};

/// The domain of every `ErrorInfo`.
pub const ERROR_DOMAIN: &str = "fenrun.v1";
/// How long to wait before more is sent to a server whose queue is full.
const QUEUE_RETRY: Duration = Duration::from_millis(250);
/// How long to wait before a server that stops, or its successor, is asked again.
const RESTART_RETRY: Duration = Duration::from_secs(2);

/// The most bytes of the details in trailers; they grow by a third in base64.
const DETAILS_BYTES_MAX: usize = 4_096;
/// The most bytes of a message in trailers; one that is not ASCII grows to three times that.
const MESSAGE_BYTES_MAX: usize = 512;
/// The most bytes of one fact in trailers.
const FACT_BYTES_MAX: usize = 512;
/// The most bytes of the listed fields in trailers.
const VIOLATIONS_BYTES_MAX: usize = 2_048;

/// Returns the gRPC status code of a reason.
pub fn code_of(reason: Reason) -> Code {
    match reason.class() {
        ReasonClass::Invalid => Code::InvalidArgument,
        ReasonClass::Unauthenticated => Code::Unauthenticated,
        ReasonClass::Denied => Code::PermissionDenied,
        ReasonClass::Missing => Code::NotFound,
        ReasonClass::Exists => Code::AlreadyExists,
        ReasonClass::Precondition => Code::FailedPrecondition,
        ReasonClass::Exhausted => Code::ResourceExhausted,
        ReasonClass::Unavailable => Code::Unavailable,
        ReasonClass::Fault => Code::Internal,
    }
}

/// Returns how long to wait before the same is sent again, where that may help.
pub fn retry_after(reason: Reason) -> Option<Duration> {
    match reason {
        Reason::QueueFull => Some(QUEUE_RETRY),
        Reason::ShuttingDown => Some(RESTART_RETRY),
        _ => None,
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is refused; all of it may leave the process.
    Refused(Rejection),
    /// Something of ours failed; none of it may leave the process.
    Fault(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Returns a refusal with a sentence for people.
    pub fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self::Refused(Rejection::new(reason, message))
    }

    /// Returns a refusal of one field of a request.
    pub fn field(path: &str, description: impl Into<String>) -> Self {
        let violations = vec![Violation::new(path, description)];
        Self::Refused(Rejection::with_violations(
            Reason::InvalidArgument,
            violations,
        ))
    }

    /// Returns that there is no such thing, or none that the caller may see.
    pub fn missing(what: impl std::fmt::Display) -> Self {
        Self::refused(Reason::NotFound, format!("there is no {what}"))
    }

    /// Returns a fault that has no cause of its own.
    pub fn fault(what: impl Into<String>) -> Self {
        Self::Fault(what.into().into())
    }

    /// Returns what leaves the process, having logged what does not.
    pub fn into_rejection(self, request: RequestId) -> Rejection {
        match self {
            Self::Refused(rejection) => rejection,
            Self::Fault(fault) => {
                tracing::error!(request = %request, fault = %chain(&*fault), "a call failed");
                let message = "a fault of ours; the request id finds it in the server's log";
                Rejection::new(Reason::Internal, message)
            }
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl From<crate::ledger::ViewFault> for Failure {
    fn from(fault: crate::ledger::ViewFault) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<crate::ledger::Stop> for Failure {
    fn from(stop: crate::ledger::Stop) -> Self {
        match stop {
            crate::ledger::Stop::Rejected(rejection) => Self::Refused(rejection),
            crate::ledger::Stop::Fault(fault) => fault.into(),
        }
    }
}

/// Returns an error and what caused it, on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Returns the status that answers a call.
pub(super) fn status(rejection: &Rejection, request: RequestId) -> Status {
    let shortened = shortened(rejection);
    let mut details = google_status(&shortened, request);
    if details.encoded_len() > DETAILS_BYTES_MAX {
        // The names alone are too many, which no refusal of ours has.
        details.details.truncate(1);
    }
    let code = code_of(rejection.reason);
    let message = details.message.clone();
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// Returns the status that stands in a message, with nothing left out.
pub(super) fn google_status(rejection: &Rejection, request: RequestId) -> pb::Status {
    let metadata: HashMap<String, String> = rejection
        .facts
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let info = pb::ErrorInfo {
        reason: rejection.reason.as_str().to_owned(),
        domain: ERROR_DOMAIN.to_owned(),
        metadata,
    };
    let mut details = vec![any("ErrorInfo", &info)];
    if !rejection.violations.is_empty() {
        let violations = rejection.violations.iter().map(field_violation).collect();
        let request = pb::BadRequest {
            field_violations: violations,
        };
        details.push(any("BadRequest", &request));
    }
    if let Some(delay) = retry_after(rejection.reason) {
        let retry = pb::RetryInfo {
            retry_delay: prost_types::Duration::try_from(delay).ok(),
        };
        details.push(any("RetryInfo", &retry));
    }
    let request = pb::RequestInfo {
        request_id: request.to_string(),
        serving_data: String::new(),
    };
    details.push(any("RequestInfo", &request));
    pb::Status {
        code: i32::from(code_of(rejection.reason)),
        message: rejection.message.clone(),
        details,
    }
}

/// Returns a refusal that fits into trailers and says what was left out.
fn shortened(rejection: &Rejection) -> Rejection {
    let mut short = Rejection::new(rejection.reason, clipped(&rejection.message));
    let mut left_out = Vec::new();
    for (name, value) in &rejection.facts {
        if value.len() <= FACT_BYTES_MAX {
            short.facts.push((name, value.clone()));
        } else {
            left_out.push(*name);
        }
    }
    if !left_out.is_empty() {
        short.facts.push(("left_out", left_out.join(" ")));
    }
    let mut room = VIOLATIONS_BYTES_MAX;
    for (listed, violation) in rejection.violations.iter().enumerate() {
        let size = violation
            .path
            .len()
            .saturating_add(violation.description.len());
        let Some(rest) = room.checked_sub(size) else {
            let more = rejection.violations.len().saturating_sub(listed);
            let text = format!("{more} more are wrong; CheckCommand lists what a command has");
            short.violations.push(Violation::new("", text));
            break;
        };
        room = rest;
        short.violations.push(violation.clone());
    }
    short
}

/// Returns a text of at most [`MESSAGE_BYTES_MAX`] bytes.
fn clipped(text: &str) -> String {
    if text.len() <= MESSAGE_BYTES_MAX {
        return text.to_owned();
    }
    let room = MESSAGE_BYTES_MAX.saturating_sub('…'.len_utf8());
    let fits = |(at, character): &(usize, char)| at.saturating_add(character.len_utf8()) <= room;
    let kept: String = text
        .char_indices()
        .take_while(fits)
        .map(|(_, character)| character)
        .collect();
    format!("{kept}…")
}

fn field_violation(violation: &Violation) -> pb::bad_request::FieldViolation {
    pb::bad_request::FieldViolation {
        field: violation.path.clone(),
        description: violation.description.clone(),
        ..Default::default()
    }
}

fn any(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value: message.encode_to_vec(),
    }
}

/// Returns the refusal that gRPC's own answer to a message it could not take stands for.
pub(super) fn dressed(status: &Status) -> Option<Rejection> {
    let message = status.message();
    let reason = match status.code() {
        Code::OutOfRange if message.contains("message length too large") => Reason::TooLarge,
        Code::Internal if message.starts_with("failed to decode") => Reason::Malformed,
        Code::Internal if message.starts_with("Missing request message") => Reason::Malformed,
        _ => return None,
    };
    Some(Rejection::new(reason, message))
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    const REQUEST: RequestId = RequestId(7);

    #[test]
    fn every_reason_has_one_error_info_and_the_request() {
        for reason in Reason::ALL {
            let status = status(&Rejection::new(*reason, "so it is").fact("a", 1), REQUEST);
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!(
                (info.reason.as_str(), info.domain.as_str()),
                (reason.as_str(), "fenrun.v1")
            );
            assert_eq!(info.metadata["a"], "1");
            assert_eq!(
                status.get_error_details_vec().len(),
                2 + usize::from(retry_after(*reason).is_some(),)
            );
            let id = &details.request_info().unwrap().request_id;
            assert_eq!(*id, REQUEST.to_string());
            let retry = details.retry_info().and_then(|retry| retry.retry_delay);
            assert_eq!(retry, retry_after(*reason));
            assert_ne!(status.code(), Code::Ok);
        }
    }

    #[test]
    fn all_violations_are_listed_where_they_fit_and_counted_where_they_do_not() {
        let violations = |count: usize, text: &str| {
            let one = |number| Violation::new(format!("parents[{number}]"), text);
            Rejection::with_violations(Reason::Malformed, (0..count).map(one).collect())
        };
        let listed = |rejection: &Rejection| {
            let status = status(rejection, REQUEST);
            let details = status.get_error_details();
            details.bad_request().unwrap().field_violations.clone()
        };
        let few = listed(&violations(20, "is empty"));
        assert_eq!(few.len(), 20);
        assert_eq!(few[19].field, "parents[19]");
        let many = listed(&violations(100, &"is wrong ".repeat(20)));
        let last = many.last().unwrap();
        assert_eq!(many.len(), 11, "{last:?}");
        assert!(
            last.description.starts_with("90 more are wrong"),
            "{last:?}"
        );
        // In a message nothing is left out.
        let whole = google_status(&violations(100, &"is wrong ".repeat(20)), REQUEST);
        assert!(whole.encoded_len() > 18_000);
    }

    #[test]
    fn trailers_stay_below_what_clients_take() {
        let text = "润".repeat(2_000);
        let mut long = Rejection::new(Reason::NonCanonical, text.clone());
        for name in ["reencoded", "b", "c", "d"] {
            long = long.fact(name, "ab".repeat(60_000));
        }
        long.violations = vec![Violation::new("a", text); 100];
        let status = status(&long, REQUEST);
        let mut headers = tonic::codegen::http::HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        let bytes: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 32)
            .sum();
        assert!(bytes < 8_192, "{bytes}");
        let details = status.get_error_details();
        assert_eq!(
            details.error_info().unwrap().metadata["left_out"],
            "reencoded b c d"
        );
        assert!(status.message().ends_with('…'));
    }

    #[test]
    fn a_fault_keeps_its_cause_to_itself() {
        let fault = crate::ledger::ViewFault::because("the disk said no", "sector 9");
        let rejection = Failure::from(fault).into_rejection(REQUEST);
        assert_eq!(rejection.reason, Reason::Internal);
        assert!(!rejection.message.contains("sector"));
    }
}
