//! Refusals: why a command or a read is not carried out, as a closed list in order of precedence.
//!
//! A refusal is the caller's to mend and changes nothing; faults of storage are not refusals.

use std::fmt;

use super::Violation;

/// What kind of answer a reason is; the service maps it to a gRPC status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonClass {
    /// The request itself is wrong: INVALID_ARGUMENT.
    Invalid,
    /// The caller did not say who it is, or not so that it can be believed: UNAUTHENTICATED.
    Unauthenticated,
    /// The caller may not do this: PERMISSION_DENIED.
    Denied,
    /// There is no such thing, or none that the caller may see: NOT_FOUND.
    Missing,
    /// It is there already, and not the same: ALREADY_EXISTS.
    Exists,
    /// The state of the ledger does not allow it: FAILED_PRECONDITION.
    Precondition,
    /// A limit is reached for now: RESOURCE_EXHAUSTED.
    Exhausted,
    /// The service cannot answer for now: UNAVAILABLE.
    Unavailable,
    /// A fault of ours: INTERNAL.
    Fault,
}

macro_rules! reasons {
    ($($name:ident, $text:literal, $class:ident, $doc:literal;)*) => {
        /// Why something is refused. The order is the order of precedence: of two reasons that
        /// hold, the one that stands earlier is answered.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $doc] $name,)*
        }

        impl Reason {
            /// All reasons in their order of precedence.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the reason as it stands in `ErrorInfo.reason`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns what kind of answer it is.
            pub fn class(self) -> ReasonClass {
                match self {
                    $(Self::$name => ReasonClass::$class,)*
                }
            }

            /// Returns what the reason means and what to do, for `docs/errors.md`.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $doc,)*
                }
            }
        }
    };
}

reasons! {
    TooLarge, "TOO_LARGE", Invalid,
        "The command is longer than 65,430 bytes, or the message longer than the service decodes. Put big things into attachments.";
    Malformed, "MALFORMED", Invalid,
        "The bytes are no command, or its fields are out of their form or range; each is listed with its path.";
    NonCanonical, "NON_CANONICAL", Invalid,
        "The bytes differ from what generated code writes for the same command. Send the bytes given in the answer, signed anew.";
    KeyUnknown, "KEY_UNKNOWN", Unauthenticated,
        "No party of this ledger has or had this public key. Apply first, or check which key signs.";
    SignatureInvalid, "SIGNATURE_INVALID", Unauthenticated,
        "The signature does not verify over the signed bytes; the answer carries the command id, the payload type and the BLAKE3 hash of what was verified.";
    LedgerMismatch, "LEDGER_MISMATCH", Precondition,
        "The command names another ledger. Check the server and the profile.";
    ActorMismatch, "ACTOR_MISMATCH", Denied,
        "The key belongs to another party than the actor that the command names.";
    KeyInactive, "KEY_INACTIVE", Unauthenticated,
        "The key has been rotated, revoked or replaced. Sign with the party's active key.";
    TimeWindow, "TIME_WINDOW", Precondition,
        "The command's created_at is too far from the server's time. Set the clock and sign the command anew.";
    Unauthenticated, "UNAUTHENTICATED", Unauthenticated,
        "The call needs a bearer token of an admitted party, and this one is absent, expired or does not verify.";
    NotPermitted, "NOT_PERMITTED", Denied,
        "The party has no role that may do this.";
    InvalidArgument, "INVALID_ARGUMENT", Invalid,
        "A field of the request is out of its form or range; each is listed with its path.";
    NotInThisVersion, "NOT_IN_THIS_VERSION", Precondition,
        "This program does not have what the command asks for yet.";
    RulesVersionUnknown, "RULES_VERSION_UNKNOWN", Precondition,
        "The rules version is too new for this program, or not above the one in force. Install a newer program.";
    AlreadyFounded, "ALREADY_FOUNDED", Precondition,
        "The ledger is founded; Found stands only at entry 0.";
    NotFound, "NOT_FOUND", Missing,
        "There is no such thing, or none that the caller may see.";
    NameTaken, "NAME_TAKEN", Exists,
        "The name belongs to something else already; names are immutable. Choose another, or the next version.";
    KeyTaken, "KEY_TAKEN", Exists,
        "The key serves or served a party or the log already; a key serves one, forever. Make a new one.";
    PossessionInvalid, "POSSESSION_INVALID", Invalid,
        "The new key's proof of possession does not verify over the ledger, the party, the key and the command's nonce.";
    LogKeyMissing, "LOG_KEY_MISSING", Precondition,
        "The server does not have the secret key that the command would let sign the log. Make it there first, with `fenrun key rotate-log --request`.";
    ApplicationInvalid, "APPLICATION_INVALID", Invalid,
        "The application does not verify, names another ledger, or accepts other terms than the ledger's.";
    RoleMissing, "ROLE_MISSING", Precondition,
        "A party that the command names does not have the role that it would play.";
    LastOperatorKey, "LAST_OPERATOR_KEY", Precondition,
        "The last active operator key cannot be revoked. Rotate it, or admit another operator first.";
    KeyState, "KEY_STATE", Precondition,
        "The key is not active, so that it cannot be revoked again.";
    ConsentMissing, "CONSENT_MISSING", Precondition,
        "A contribution's terms ask for a grant that was not given, or was revoked, for this pool, party, period or policy.";
    UpstreamTooLow, "UPSTREAM_TOO_LOW", Precondition,
        "The child names a parent below the parent's minimum of upstream basis points.";
    UpstreamTooHigh, "UPSTREAM_TOO_HIGH", Precondition,
        "The upstream basis points of one contribution sum to more than allowed.";
    DerivationTooDeep, "DERIVATION_TOO_DEEP", Precondition,
        "The path of derivation is longer than allowed.";
    Withdrawn, "WITHDRAWN", Precondition,
        "The contribution has been withdrawn for this period, or altogether for new claims and derivations.";
    CurrencyMismatch, "CURRENCY_MISMATCH", Precondition,
        "The amount is in another currency than the pool or the claim.";
    AmountOutOfRange, "AMOUNT_OUT_OF_RANGE", Precondition,
        "The amount is more than was claimed, or makes a sum beyond 64 bits.";
    NotPayable, "NOT_PAYABLE", Precondition,
        "The payout is of more than is payable to the party and past the days of objection; the answer carries both amounts.";
    ClaimDecided, "CLAIM_DECIDED", Precondition,
        "The claim has been decided; a claim is decided once.";
    PayoutDecided, "PAYOUT_DECIDED", Precondition,
        "The payout has been settled or has failed; it ends once. A repeat is another payout.";
    OwnClaim, "OWN_CLAIM", Denied,
        "A party does not decide on a claim of its own, nor on one of its beneficial owner.";
    PeriodMismatch, "PERIOD_MISMATCH", Precondition,
        "The period is of another kind than the pool's, or before its first policy.";
    PeriodClosed, "PERIOD_CLOSED", Precondition,
        "The period is frozen or settled. What comes late belongs to a restatement.";
    NotFrozen, "NOT_FROZEN", Precondition,
        "Only a frozen period can be settled. Freeze it first.";
    AlreadySettled, "ALREADY_SETTLED", Precondition,
        "The period has been settled; a second settlement is a restatement.";
    EarlierPeriodOpen, "EARLIER_PERIOD_OPEN", Precondition,
        "An earlier period of the pool, or the same period of a pool of the currency with a lower id, has inputs and is not settled. Settle them in their order.";
    CommitmentTaken, "COMMITMENT_TAKEN", Exists,
        "The commitment was made before, or another request for a valuation has named it. Commit to fresh random bytes.";
    RevealInvalid, "REVEAL_INVALID", Invalid,
        "The bytes are not those that were committed to, or are missing, or nothing was committed to.";
    RequestAnswered, "REQUEST_ANSWERED", Precondition,
        "The request for a valuation has what the command would give it already. Ask for another valuation.";
    ReferenceTaken, "REFERENCE_TAKEN", Exists,
        "The pool has revenue, or the ledger a payout, with this external reference already.";
    AttachmentMissing, "ATTACHMENT_MISSING", Precondition,
        "The attachment that the command names is not stored. Upload it, then send the command again.";
    AttachmentInvalid, "ATTACHMENT_INVALID", Invalid,
        "The attachment is not of the form that the command needs; what is wrong is listed by line or path.";
    ValuationMismatch, "VALUATION_MISMATCH", Precondition,
        "The valuation is of another pool or period, or names another validation set or contributions that are not in use.";
    ResultDiffers, "RESULT_DIFFERS", Precondition,
        "The settlement now has another result than the one named. Preview it again.";
    SettlementRefused, "SETTLEMENT_REFUSED", Precondition,
        "The settlement's inputs break a rule of the specification; each is listed with its path.";
    QuotaExceeded, "QUOTA_EXCEEDED", Exhausted,
        "The upload would exceed the party's quota of bytes. Ask the operator for more.";
    ContentMismatch, "CONTENT_MISMATCH", Invalid,
        "The bytes have another hash or size than announced. Nothing was kept.";
    QueueFull, "QUEUE_FULL", Exhausted,
        "More is waiting to be recorded than the service holds. Send it again after the time in RetryInfo.";
    NoSpace, "NO_SPACE", Exhausted,
        "The disk has no room for more; reads go on. The operator has to make room.";
    ClockFault, "CLOCK_FAULT", Unavailable,
        "The server's clock cannot be trusted; no writes until the operator has mended it.";
    StoreFault, "STORE_FAULT", Unavailable,
        "A write or a sync failed; no writes until the log has been reopened and verified.";
    ShuttingDown, "SHUTTING_DOWN", Unavailable,
        "The server is stopping. Send it again, to it or its successor.";
    Internal, "INTERNAL", Fault,
        "A fault of ours; the request id finds it in the server's log.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A refusal: the reason, a sentence for people, and what is needed to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub reason: Reason,
    /// What is wrong, where, and what to do; leaves the process.
    pub message: String,
    /// All fields that are wrong, where fields are.
    pub violations: Vec<Violation>,
    /// Facts for programs, such as hashes and limits, by name.
    pub facts: Vec<(&'static str, String)>,
}

impl Rejection {
    /// Returns a refusal with a sentence for people.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            violations: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// Returns a refusal that lists fields.
    pub fn with_violations(reason: Reason, violations: Vec<Violation>) -> Self {
        let message = match violations.as_slice() {
            [only] => only.to_string(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
            [] => reason.meaning().to_owned(),
        };
        Self {
            reason,
            message,
            violations,
            facts: Vec::new(),
        }
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_ordered_and_named_once() {
        assert!(Reason::TooLarge < Reason::Malformed);
        assert!(Reason::ActorMismatch < Reason::KeyInactive);
        let names: std::collections::BTreeSet<_> =
            Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn a_refusal_says_how_many_fields_are_wrong() {
        let violation = |path: &str| Violation::new(path, "is empty");
        let one = Rejection::with_violations(Reason::Malformed, vec![violation("a")]);
        assert_eq!(one.to_string(), "MALFORMED: a: is empty");
        let two =
            Rejection::with_violations(Reason::Malformed, vec![violation("a"), violation("b")]);
        assert_eq!(two.message, "a: is empty (and 1 more)");
    }
}
