//! `BookService`: accounts, postings, and the sums that have to be zero.

use tonic::Request;

use super::asked::Asked;
use super::reads::{Answer, Paging, Reads};
use super::status::Failure;
use crate::book::Account;
use crate::domain::{Currency, Money};
use crate::ledger::AccountRow;
use crate::ledger::query::{self, CurrencyTotals, ShownPosting};
use crate::wire::proto;
use crate::wire::proto::book_service_server::BookService;

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
        let work = self.reads.answer(request, |_, reading, caller| {
            let balance = query::trial_balance(reading.view(), caller)?;
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
