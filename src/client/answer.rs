//! Reading the fields of answers: a server is not believed to keep the forms that it should.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serializer;

use super::ClientError;
use crate::domain::{Currency, IdError, Money, Rejection, UnixMillis};
use crate::wire::{Choice, proto};

/// A field that must be there.
pub(super) trait Answer<T> {
    /// Returns the value.
    fn wanted(self, field: &str) -> Result<T, ClientError>;
}

impl<T> Answer<T> for Option<T> {
    fn wanted(self, field: &str) -> Result<T, ClientError> {
        self.ok_or_else(|| wrong(field, &"it is missing"))
    }
}

pub(super) fn wrong(field: &str, detail: &dyn Display) -> ClientError {
    ClientError::Form {
        what: format!("an answer with a {field} in order"),
        detail: detail.to_string(),
    }
}

/// Reads bytes of a fixed size.
pub(super) fn bytes<T>(field: &str, bytes: &[u8]) -> Result<T, ClientError>
where
    T: for<'b> TryFrom<&'b [u8], Error = IdError>,
{
    T::try_from(bytes).map_err(|error| wrong(field, &error))
}

/// Reads bytes of a fixed size, or none.
pub(super) fn optional_bytes<T>(field: &str, given: &[u8]) -> Result<Option<T>, ClientError>
where
    T: for<'b> TryFrom<&'b [u8], Error = IdError>,
{
    if given.is_empty() {
        return Ok(None);
    }
    bytes(field, given).map(Some)
}

/// Reads a text with a form of its own.
pub(super) fn text<T>(field: &str, text: &str) -> Result<T, ClientError>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|error| wrong(field, &error))
}

/// Reads a text with a form of its own, or none.
pub(super) fn optional_text<T>(field: &str, given: &str) -> Result<Option<T>, ClientError>
where
    T: FromStr,
    T::Err: Display,
{
    if given.is_empty() {
        return Ok(None);
    }
    text(field, given).map(Some)
}

/// Reads one of a closed list.
pub(super) fn choice<T: Choice>(field: &str, number: i32) -> Result<T, ClientError> {
    T::from_number(number).ok_or_else(|| wrong(field, &format!("{number} is unknown")))
}

/// Reads a time of whole milliseconds.
pub(super) fn time(
    field: &str,
    time: Option<prost_types::Timestamp>,
) -> Result<UnixMillis, ClientError> {
    let time = time.wanted(field)?;
    let seconds = u64::try_from(time.seconds).ok();
    let millis = u64::try_from(time.nanos / 1_000_000).ok();
    let total = seconds.and_then(|seconds| seconds.checked_mul(1_000)?.checked_add(millis?));
    let whole = time.nanos % 1_000_000 == 0;
    let total = total.filter(|total| whole && *total <= UnixMillis::MAX.0);
    total
        .map(UnixMillis)
        .ok_or_else(|| wrong(field, &"it is not in whole milliseconds of 1970 to 9999"))
}

/// Reads an amount.
pub(super) fn money(field: &str, money: Option<proto::Money>) -> Result<Money, ClientError> {
    let money = money.wanted(field)?;
    let currency: Currency = text(field, &money.currency_code)?;
    Ok(Money {
        minor_units: money.minor_units,
        currency,
    })
}

/// Reads an amount, or none.
pub(super) fn optional_money(
    field: &str,
    given: Option<proto::Money>,
) -> Result<Option<Money>, ClientError> {
    given.map(|given| money(field, Some(given))).transpose()
}

/// Says which message of an answer is not in order.
pub(super) fn refused(field: &'static str) -> impl Fn(Rejection) -> ClientError {
    move |rejection| wrong(field, &rejection)
}

/// Writes values as their texts.
pub(super) fn as_texts<T: Display, S: Serializer>(
    values: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}
