//! The envelope of a command: which ledger, who, when, and one action.

use prost::Message;
use prost_types::Timestamp;

use super::fields::{Fields, Findings, Read};
use super::values::{NANOS_PER_MILLISECOND, bytes_of, timestamp};
use super::{canonical, proto};
use crate::domain::{Action, Command, PartyName, Reason, Rejection, UnixMillis};

const NANOS_MAX: i32 = 999_999_999;
const SECONDS_MAX: i64 = 253_402_300_799;

/// Decodes the bytes of a command.
///
/// # Errors
/// In this order: `TOO_LARGE`; `MALFORMED`, with every field that is wrong and its path;
/// `NON_CANONICAL`, with the facts `first_difference`, an offset, and `reencoded`, hex of the
/// bytes to sign instead. Bytes that are malformed and not canonical are malformed.
pub fn decode_command(bytes: &[u8]) -> Result<Command, Rejection> {
    let (command, refusals) = check_command_bytes(bytes);
    match (command, refusals.into_iter().next()) {
        (Some(command), None) => Ok(command),
        (_, Some(first)) => Err(first),
        // Nothing was found wrong with what is no command, which reading rules out.
        (None, None) => Err(Rejection::new(
            Reason::Malformed,
            "the bytes are no command",
        )),
    }
}

/// Decodes the bytes of a command as far as that goes, and returns everything for which
/// [`decode_command`] would refuse them, in its order.
pub fn check_command_bytes(bytes: &[u8]) -> (Option<Command>, Vec<Rejection>) {
    let message: proto::Command = match canonical::decode(bytes, "a command") {
        Ok(message) => message,
        Err(rejection) => return (None, vec![rejection]),
    };
    let canonical = canonical::check(&message, bytes);
    let mut findings = Findings::default();
    let command = Command::read(message, &mut findings.fields());
    let violations = findings.into_violations();
    let mut refusals = Vec::new();
    if command.is_none() || !violations.is_empty() {
        refusals.push(Rejection::with_violations(Reason::Malformed, violations));
    }
    refusals.extend(canonical.err());
    (
        command.filter(|_| refusals.iter().all(is_canonical)),
        refusals,
    )
}

fn is_canonical(refusal: &Rejection) -> bool {
    refusal.reason == Reason::NonCanonical
}

/// Returns the bytes of a command, to be signed as they stand.
///
/// A command that breaks a limit is written all the same; [`decode_command`] refuses it.
pub fn encode_command(command: &Command) -> Vec<u8> {
    let ledger = command.ledger.as_ref();
    let message = proto::Command {
        ledger: ledger.map(|id| bytes_of(&id.0)).unwrap_or_default(),
        actor: command.actor.as_str().to_owned(),
        nonce: bytes_of(&command.nonce.0),
        created_at: Some(timestamp(command.created_at)),
        action: Some((&command.action).into()),
    };
    message.encode_to_vec()
}

impl Read for Command {
    type Message = proto::Command;

    fn read(message: proto::Command, fields: &mut Fields<'_>) -> Option<Self> {
        use proto::command::Action as Sent;
        let founding = matches!(message.action, Some(Sent::Found(_)));
        let ledger = fields.optional_bytes("ledger", &message.ledger);
        match (founding, message.ledger.is_empty()) {
            (true, false) => fields.wrong("ledger", "is empty in a founding command"),
            (false, true) => fields.wrong("ledger", "is required: the ledger id, 32 bytes"),
            (true, true) | (false, false) => {}
        }
        let actor = fields.parse::<PartyName>("actor", &message.actor);
        let nonce = fields.bytes("nonce", &message.nonce);
        let created_at = read_created_at(fields, message.created_at);
        let action = read_action(fields, message.action);
        if let (Some(actor), Some(Action::Found(found))) = (&actor, &action)
            && found.operator != *actor
        {
            let mut fields = fields.field("found");
            fields.wrong("operator", "is the command's actor");
        }
        Some(Self {
            ledger,
            actor: actor?,
            nonce: nonce?,
            created_at: created_at?,
            action: action?,
        })
    }
}

fn read_created_at(fields: &mut Fields<'_>, time: Option<Timestamp>) -> Option<UnixMillis> {
    let time = fields.required("created_at", time)?;
    let mut fields = fields.field("created_at");
    let seconds = fields.within("seconds", time.seconds, &(0..=SECONDS_MAX), "");
    let nanos = fields.within("nanos", time.nanos, &(0..=NANOS_MAX), "");
    let millis = u64::try_from(nanos / NANOS_PER_MILLISECOND).ok()?;
    let seconds = u64::try_from(seconds).ok()?;
    Some(UnixMillis(seconds.checked_mul(1_000)?.checked_add(millis)?))
}

macro_rules! actions {
    ($($name:ident at $field:literal,)*) => {
        fn read_action(
            fields: &mut Fields<'_>,
            action: Option<proto::command::Action>,
        ) -> Option<Action> {
            use proto::command::Action as Sent;
            match action {
                $(Some(Sent::$name(message)) => {
                    Read::read(message, &mut fields.field($field)).map(Action::$name)
                })*
                None => {
                    fields.wrong("action", "is required: one that this program knows");
                    None
                }
            }
        }

        impl From<&Action> for proto::command::Action {
            fn from(action: &Action) -> Self {
                match action {
                    $(Action::$name(action) => Self::$name(action.into()),)*
                }
            }
        }
    };
}

actions! {
    Found at "found",
    AmendCharter at "amend_charter",
    Upgrade at "upgrade",
    AdmitParty at "admit_party",
    RotateKey at "rotate_key",
    RevokeKey at "revoke_key",
    ReplaceKey at "replace_key",
    RecordContribution at "record_contribution",
    RecordContributions at "record_contributions",
    WithdrawContribution at "withdraw_contribution",
    GrantUse at "grant_use",
    RevokeUse at "revoke_use",
    PublishPolicy at "publish_policy",
    OpenPool at "open_pool",
    DeclareUse at "declare_use",
    PostRevenue at "post_revenue",
    ClaimCost at "claim_cost",
    ApproveCost at "approve_cost",
    ImportWeights at "import_weights",
    CommitReveal at "commit_reveal",
    StartValuation at "start_valuation",
    FinishValuation at "finish_valuation",
    FreezePeriod at "freeze_period",
    Settle at "settle",
    IssuePayout at "issue_payout",
    SettlePayout at "settle_payout",
    FailPayout at "fail_payout",
}
