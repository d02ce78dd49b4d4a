//! Closed lists as they are typed: the domain's enums by the names that JSON has for them.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::CommandError;
use crate::domain::{
    ContributionKind, DerivationConsent, PayoutState, PeriodKind, PoolConsent, PoolName,
    RevenueKind, Role, UseClass,
};

/// A domain enum that can be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<T>(pub T);

macro_rules! choices {
    ($($name:ident: $($variant:ident $text:literal)*;)*) => {$(
        impl ValueEnum for Choice<$name> {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self($name::$variant),)*]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(PossibleValue::new(self.as_str()))
            }
        }

        impl Choice<$name> {
            /// Returns the choice as it is typed.
            pub fn as_str(&self) -> &'static str {
                match self.0 {
                    $($name::$variant => $text,)*
                }
            }
        }

        impl std::fmt::Display for Choice<$name> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    )*};
}

choices! {
    Role: Operator "operator" Provider "provider" Payer "payer" Evaluator "evaluator"
        Auditor "auditor" Service "service";
    PeriodKind: Month "month" Quarter "quarter" Year "year";
    ContributionKind: Original "original" Labels "labels" Synthesis "synthesis"
        Cleaning "cleaning" Merge "merge";
    PoolConsent: Any "any" Granted "granted";
    DerivationConsent: Free "free" Granted "granted" None "none";
    UseClass: Commercial "commercial" Research "research" PublicInterest "public-interest";
    RevenueKind: Receipt "receipt" Refund "refund" Chargeback "chargeback";
    PayoutState: Pending "pending" Settled "settled" Failed "failed";
}

/// How many items a list shows where nobody says.
pub const LIMIT_DEFAULT: usize = 50;

/// Reads the name of a pool, with or without the `pools/` that people may write before it.
///
/// # Errors
/// It is no such name.
pub fn pool_name(text: &str) -> Result<PoolName, CommandError> {
    let name = text.strip_prefix("pools/").unwrap_or(text);
    name.parse().map_err(CommandError::input)
}
