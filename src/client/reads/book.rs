//! Accounts, postings and the trial balance.

use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer;
use crate::client::{ClientError, Connection};
use crate::domain::{Currency, Money};
use crate::wire::proto;

service!(book_service, book_service_client::BookServiceClient);

/// A balance in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its name: kind/holder/currency.
    pub name: String,
    /// Its balance; credit is positive.
    pub balance: Money,
    /// The log index of its last posting.
    pub last_index: u64,
}

/// One movement on an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Posting {
    /// The log index of the entry that made it.
    pub index: u64,
    /// Its number within the entry.
    pub number: u32,
    /// The amount; credit is positive.
    pub amount: Money,
    /// The balance after it.
    pub balance: Money,
}

/// The sum over all accounts of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CurrencyBalance {
    /// The currency.
    pub currency: Currency,
    /// The sum of all credits, in minor units.
    pub credits: i64,
    /// The sum of all debits, in minor units, as a positive number.
    pub debits: i64,
}

/// The sums by currency, and of how many accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrialBalance {
    /// One row a currency.
    pub currencies: Vec<CurrencyBalance>,
    /// How many accounts there are.
    pub accounts: u64,
    /// The log size that it is as of.
    pub read_at_size: u64,
}

impl Connection {
    /// Lists at most `limit` accounts, ascending by name.
    ///
    /// # Errors
    /// As any call.
    pub async fn accounts(
        &self,
        name_prefix: &str,
        limit: usize,
    ) -> Result<Listed<Account>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListAccountsRequest {
                name_prefix: name_prefix.to_owned(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, book_service.list_accounts, request);
            Ok(Page {
                items: read_all(answer.accounts, |account| {
                    Ok(Account {
                        balance: answer::money("account.balance", account.balance)?,
                        name: account.name,
                        last_index: account.last_index,
                    })
                })?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Lists at most `limit` postings of an account, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn postings(
        &self,
        account: &str,
        limit: usize,
    ) -> Result<Listed<Posting>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListPostingsRequest {
                account: account.to_owned(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, book_service.list_postings, request);
            Ok(Page {
                items: read_all(answer.postings, |posting| {
                    Ok(Posting {
                        index: posting.index,
                        number: posting.number,
                        amount: answer::money("posting.amount", posting.amount)?,
                        balance: answer::money("posting.balance", posting.balance)?,
                    })
                })?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Returns the balance of an account after the entries below `at_size`, 0 for all.
    ///
    /// # Errors
    /// As any call.
    pub async fn balance(&self, account: &str, at_size: u64) -> Result<Money, ClientError> {
        let request = proto::GetBalanceRequest {
            account: account.to_owned(),
            at_size,
            min_log_size: 0,
        };
        let answer = call!(self, book_service.get_balance, request);
        answer::money("balance", answer.balance)
    }

    /// Returns the trial balance after the entries below `at_size`, 0 for all.
    ///
    /// # Errors
    /// As any call.
    pub async fn trial_balance(&self, at_size: u64) -> Result<TrialBalance, ClientError> {
        let request = proto::GetTrialBalanceRequest {
            min_log_size: 0,
            at_size,
        };
        let answer = call!(self, book_service.get_trial_balance, request);
        Ok(TrialBalance {
            currencies: read_all(answer.currencies, |row| {
                Ok(CurrencyBalance {
                    currency: answer::text("currency_code", &row.currency_code)?,
                    credits: row.credits,
                    debits: row.debits,
                })
            })?,
            accounts: answer.accounts,
            read_at_size: answer.read_at_size,
        })
    }
}
