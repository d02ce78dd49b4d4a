//! What is payable, and payouts.

use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{Money, PartyName, PayoutState, ThingId, UnixMillis};
use crate::wire::{Choice, proto};

service!(payout_book, book_service_client::BookServiceClient);

/// A part of what is payable that was booked with days of objection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingAmount {
    /// The amount.
    pub amount: Money,
    /// The first recorded time at which it can be paid out.
    pub payable_from: UnixMillis,
    /// The log index of the settlement that made it payable.
    pub settled_index: u64,
}

/// What can be paid to a party in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payable {
    /// The party.
    pub party: PartyName,
    /// What it can be paid, parts that wait included.
    pub balance: Money,
    /// What of it was booked with days of objection.
    pub waiting: Vec<WaitingAmount>,
}

impl Payable {
    /// Returns what can be paid out at a time.
    pub fn free_at(&self, now: UnixMillis) -> Money {
        let waiting = self.waiting.iter().filter(|part| now < part.payable_from);
        let waiting = waiting.fold(0_i64, |sum, part| {
            sum.saturating_add(part.amount.minor_units)
        });
        let minor_units = self.balance.minor_units.saturating_sub(waiting).max(0);
        Money {
            minor_units,
            ..self.balance
        }
    }

    /// Returns the first time after `now` at which more can be paid out.
    pub fn more_from(&self, now: UnixMillis) -> Option<UnixMillis> {
        let times = self.waiting.iter().map(|part| part.payable_from);
        times.filter(|time| now < *time).min()
    }
}

/// Money on its way to a party, or that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payout {
    /// Its id.
    pub id: ThingId,
    /// The party that is paid.
    pub party: PartyName,
    /// The amount.
    pub amount: Money,
    /// The reference of the payment order.
    pub reference: String,
    /// Where it stands.
    pub state: PayoutState,
    /// The bank's reference; none unless the money has gone out.
    pub bank_reference: Option<String>,
    /// The log index of its issue.
    pub issued_index: u64,
    /// The log index of its end; none while it is on its way.
    pub decided_index: Option<u64>,
}

impl Connection {
    /// Lists what is payable, to one party or to all, in at most `limit` accounts.
    ///
    /// # Errors
    /// As any call.
    pub async fn payables(
        &self,
        party: Option<&PartyName>,
        limit: usize,
    ) -> Result<Listed<Payable>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListPayablesRequest {
                party: party.map(ToString::to_string).unwrap_or_default(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, payout_book.list_payables, request);
            Ok(Page {
                items: read_all(answer.payables, read_payable)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Returns a payout by id or prefix of it.
    ///
    /// # Errors
    /// As any call.
    pub async fn payout(&self, reference: &str) -> Result<Payout, ClientError> {
        let request = proto::GetPayoutRequest {
            reference: reference.to_owned(),
            min_log_size: 0,
        };
        let answer = call!(self, payout_book.get_payout, request);
        read_payout(answer.payout.wanted("payout")?)
    }

    /// Lists at most `limit` payouts, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn payouts(
        &self,
        party: Option<&PartyName>,
        state: Option<PayoutState>,
        limit: usize,
    ) -> Result<Listed<Payout>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListPayoutsRequest {
                party: party.map(ToString::to_string).unwrap_or_default(),
                state: state.map_or(0, Choice::number),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, payout_book.list_payouts, request);
            Ok(Page {
                items: read_all(answer.payouts, read_payout)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }
}

fn read_payable(message: proto::Payable) -> Result<Payable, ClientError> {
    Ok(Payable {
        party: answer::text("payable.party", &message.party)?,
        balance: answer::money("payable.balance", message.balance)?,
        waiting: read_all(message.waiting, |part| {
            Ok(WaitingAmount {
                amount: answer::money("waiting.amount", part.amount)?,
                payable_from: answer::time("waiting.payable_from", part.payable_from)?,
                settled_index: part.settled_index,
            })
        })?,
    })
}

fn read_payout(message: proto::Payout) -> Result<Payout, ClientError> {
    let bank_reference = message.bank_reference;
    Ok(Payout {
        id: answer::bytes("payout.id", &message.id)?,
        party: answer::text("payout.party", &message.party)?,
        amount: answer::money("payout.amount", message.amount)?,
        reference: message.reference,
        state: answer::choice("payout.state", message.state)?,
        bank_reference: (!bank_reference.is_empty()).then_some(bank_reference),
        issued_index: message.issued_index,
        decided_index: message.decided_index,
    })
}
