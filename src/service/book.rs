//! `BookService`: accounts, postings, the sums that have to be zero, and payouts.

use tonic::Request;

use super::asked::Asked;
use super::reads::{Answer, Paging, Reads};
use super::status::Failure;
use crate::book::Account;
use crate::domain::{Currency, Money};
use crate::ledger::AccountRow;
use crate::ledger::query::{self, CurrencyTotals, Payable, Payout, PayoutFilter, ShownPosting};
use crate::wire::proto::book_service_server::BookService;
use crate::wire::{Choice, proto, timestamp};

/// Shows the book.
pub(super) struct Book {
    reads: Reads,
}

impl Book {
    pub fn new(reads: Reads) -> Self {
        Self { reads }
    }
}

#[tonic::async_trait]
impl BookService for Book {
    async fn list_accounts(
        &self,
        request: Request<proto::ListAccountsRequest>,
    ) -> Answer<proto::ListAccountsResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let after = account_after(paging)?;
            let (view, prefix) = (reading.view(), &asked.name_prefix);
            let page = query::accounts(view, caller, prefix, after.as_ref(), paging.limit)?;
            let next = page.next.map(|account| account.to_string().into_bytes());
            Ok(proto::ListAccountsResponse {
                accounts: page.accounts.iter().map(account_message).collect(),
                next_page_token: paging.token(reading.size(), next),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_postings(
        &self,
        request: Request<proto::ListPostingsRequest>,
    ) -> Answer<proto::ListPostingsResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let Some(account) = fields.required::<Account>("account", &asked.account) else {
                return Err(fields.refusal());
            };
            let cursor = paging.cursor(reading.size())?;
            let page = query::postings(reading.view(), caller, &account, cursor, paging.limit)?;
            let currency = account.currency;
            let postings = page.items.iter();
            Ok(proto::ListPostingsResponse {
                next_page_token: paging.next(&page),
                postings: postings
                    .map(|posting| posting_message(posting, currency))
                    .collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }

    async fn get_trial_balance(
        &self,
        request: Request<proto::GetTrialBalanceRequest>,
    ) -> Answer<proto::GetTrialBalanceResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let size = at_size(asked.at_size, reading.size())?;
            let balance = query::trial_balance(reading.view(), caller, size)?;
            let currencies: Result<_, Failure> =
                balance.currencies.iter().map(currency_message).collect();
            Ok(proto::GetTrialBalanceResponse {
                currencies: currencies?,
                accounts: balance.accounts,
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn get_balance(
        &self,
        request: Request<proto::GetBalanceRequest>,
    ) -> Answer<proto::GetBalanceResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let mut fields = Asked::default();
            let Some(account) = fields.required::<Account>("account", &asked.account) else {
                return Err(fields.refusal());
            };
            let at_size = at_size(asked.at_size, reading.size())?;
            let balance = query::balance_at(reading.view(), caller, &account, at_size)?;
            Ok(proto::GetBalanceResponse {
                balance: Some(money(balance, account.currency)),
                at_size,
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_payables(
        &self,
        request: Request<proto::ListPayablesRequest>,
    ) -> Answer<proto::ListPayablesResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let party = fields.optional("party", &asked.party);
            fields.done()?;
            let after = account_after(paging)?;
            let (view, limit) = (reading.view(), paging.limit);
            let page = query::payables(view, caller, party.as_ref(), after.as_ref(), limit)?;
            let next = page.next.map(|account| account.to_string().into_bytes());
            Ok(proto::ListPayablesResponse {
                payables: page.payables.iter().map(payable_message).collect(),
                next_page_token: paging.token(reading.size(), next),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn get_payout(
        &self,
        request: Request<proto::GetPayoutRequest>,
    ) -> Answer<proto::GetPayoutResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let payout = query::payout(reading.view(), caller, &asked.reference)?;
            Ok(proto::GetPayoutResponse {
                payout: Some(payout_message(payout)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_payouts(
        &self,
        request: Request<proto::ListPayoutsRequest>,
    ) -> Answer<proto::ListPayoutsResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let filter = PayoutFilter {
                party: fields.optional("party", &asked.party),
                state: fields.choice("state", asked.state),
            };
            fields.done()?;
            let cursor = paging.cursor(reading.size())?;
            let page = query::payouts(reading.view(), caller, &filter, cursor, paging.limit)?;
            Ok(proto::ListPayoutsResponse {
                next_page_token: paging.next(&page),
                payouts: page.items.into_iter().map(payout_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }
}

/// Returns the log size whose entries count: that of the answer unless an earlier one is asked for.
fn at_size(asked: u64, size: u64) -> Result<u64, Failure> {
    if asked <= size {
        return Ok(if asked == 0 { size } else { asked });
    }
    let mut fields = Asked::default();
    fields.wrong("at_size", format!("the log has {size} entries"));
    Err(fields.refusal())
}

fn payable_message(payable: &Payable) -> proto::Payable {
    let currency = payable.account.currency;
    let waiting = payable.waiting.iter();
    proto::Payable {
        party: payable.account.holder_name().to_owned(),
        balance: Some(money(payable.balance, currency)),
        waiting: waiting
            .map(|(at, row)| proto::WaitingAmount {
                amount: Some(money(row.amount, currency)),
                payable_from: Some(timestamp(row.payable_from)),
                settled_index: at.index,
            })
            .collect(),
    }
}

fn payout_message(payout: Payout) -> proto::Payout {
    let Payout { at, row } = payout;
    let state = row.state().number();
    let decided_index = row.decision.as_ref().map(|decision| decision.at);
    let bank_reference = row.decision.and_then(|decision| decision.bank_reference);
    proto::Payout {
        id: row.id.0.to_vec().into(),
        party: row.party.to_string(),
        amount: Some((&row.amount).into()),
        reference: row.reference,
        state,
        bank_reference: bank_reference.unwrap_or_default(),
        issued_index: at.index,
        decided_index,
    }
}

/// Returns the account after which a list goes on.
fn account_after(paging: &Paging) -> Result<Option<Account>, Failure> {
    let Some(after) = paging.after() else {
        return Ok(None);
    };
    let name = std::str::from_utf8(after).ok();
    let account = name.and_then(|name| name.parse().ok());
    account.map(Some).ok_or_else(Paging::foreign)
}

fn account_message((account, row): &(Account, AccountRow)) -> proto::Account {
    proto::Account {
        name: account.to_string(),
        balance: Some(money(row.balance, account.currency)),
        last_index: row.last_index,
    }
}

fn posting_message(posting: &ShownPosting, currency: Currency) -> proto::Posting {
    proto::Posting {
        index: posting.at.index,
        number: posting.at.number,
        amount: Some(money(posting.row.amount, currency)),
        balance: Some(money(posting.row.balance, currency)),
    }
}

fn currency_message(totals: &CurrencyTotals) -> Result<proto::CurrencyBalance, Failure> {
    let sum = |sum: i128| {
        let beyond = |error: std::num::TryFromIntError| Failure::Fault(error.into());
        i64::try_from(sum).map_err(beyond)
    };
    Ok(proto::CurrencyBalance {
        currency_code: totals.currency.code().to_owned(),
        credits: sum(totals.credits)?,
        debits: sum(totals.debits)?,
    })
}

/// Returns an amount as messages hold it.
pub(super) fn money(minor_units: i64, currency: Currency) -> proto::Money {
    let money = Money {
        minor_units,
        currency,
    };
    (&money).into()
}
