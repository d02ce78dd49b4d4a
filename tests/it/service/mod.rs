//! The service over real gRPC, one file a topic.

mod blobs;
mod errors;
mod frame;
mod ledger;
mod limits;
mod log;
mod money;
mod permissions;
mod reasons;
mod registry;
mod tokens;

use fenrun::domain::Reason;
use fenrun::service::code_of;
use tonic::Status;
use tonic_types::StatusExt;

/// Checks that a status is a refusal for this reason, in the form that every refusal has.
#[track_caller]
pub fn refused(status: &Status, reason: Reason) {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.reason, reason.as_str(), "{status:?}");
    assert_eq!(info.domain, "fenrun.v1");
    assert_eq!(status.code(), code_of(reason));
    assert!(details.request_info().is_some(), "{status:?}");
    let infos = status.get_error_details_vec();
    let infos = infos
        .iter()
        .filter(|detail| matches!(detail, tonic_types::ErrorDetail::ErrorInfo(_)));
    assert_eq!(infos.count(), 1);
}
