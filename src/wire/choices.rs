//! Closed lists: each generated enum and the domain enum of the same name.

use super::proto;
use crate::domain;

/// A domain enum with a generated one beside it.
pub trait Choice: Copy {
    /// Returns the choice of a number; none for 0, which is never valid, and for unknown ones.
    fn from_number(number: i32) -> Option<Self>;

    /// Returns the number of the choice.
    fn number(self) -> i32;
}

macro_rules! choices {
    ($($name:ident: $($variant:ident)*;)*) => {$(
        impl Choice for domain::$name {
            fn from_number(number: i32) -> Option<Self> {
                match proto::$name::try_from(number).ok()? {
                    proto::$name::Unspecified => None,
                    $(proto::$name::$variant => Some(Self::$variant),)*
                }
            }

            fn number(self) -> i32 {
                i32::from(match self {
                    $(Self::$variant => proto::$name::$variant,)*
                })
            }
        }
    )*};
}

choices! {
    Role: Operator Provider Payer Evaluator Auditor Service;
    PeriodKind: Month Quarter Year;
    ContributionKind: Original Labels Synthesis Cleaning Merge;
    PoolConsent: Any Granted;
    DerivationConsent: Free Granted None;
    UseMode: Add Replace;
    UseClass: Commercial Research PublicInterest;
    RevenueKind: Receipt Refund Chargeback;
    PayoutState: Pending Settled Failed;
}
