//! Values that several messages hold: money, times, fixed bytes.

use bytes::Bytes;
use prost_types::Timestamp;

use super::fields::{Fields, Read};
use super::proto;
use crate::domain::{Currency, Money, UnixMillis};

/// How many nanoseconds a millisecond has.
pub(super) const NANOS_PER_MILLISECOND: i32 = 1_000_000;

impl Read for Money {
    type Message = proto::Money;

    fn read(message: proto::Money, fields: &mut Fields<'_>) -> Option<Self> {
        let currency = fields.parse::<Currency>("currency_code", &message.currency_code)?;
        Some(Self {
            minor_units: message.minor_units,
            currency,
        })
    }
}

impl From<&Money> for proto::Money {
    fn from(money: &Money) -> Self {
        Self {
            minor_units: money.minor_units,
            currency_code: money.currency.code().to_owned(),
        }
    }
}

/// Reads an amount of at least `least` minor units.
pub(super) fn read_amount(
    fields: &mut Fields<'_>,
    name: &'static str,
    message: Option<proto::Money>,
    least: i64,
) -> Option<Money> {
    if let Some(money) = &message {
        fields
            .field(name)
            .within("minor_units", money.minor_units, &(least..=i64::MAX), "");
    }
    fields.message(name, message)
}

/// Returns fixed bytes as a message holds them.
pub(super) fn bytes_of<const SIZE: usize>(bytes: &[u8; SIZE]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// Returns a time as messages hold it.
pub fn timestamp(time: UnixMillis) -> Timestamp {
    // A quotient by 1,000 fits 63 bits and a remainder below 1,000 fits any number.
    let seconds = i64::try_from(time.0 / 1_000).unwrap_or(i64::MAX);
    let millis = i32::try_from(time.0 % 1_000).unwrap_or(0);
    Timestamp {
        seconds,
        nanos: millis.saturating_mul(NANOS_PER_MILLISECOND),
    }
}
