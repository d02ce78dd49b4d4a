//! `fenrun book export`: the book for other people's bookkeeping programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::book::{Account, Booked, Posting, Transaction, beancount, hledger};
use crate::cli::report::Report;
use crate::cli::{CommandError, Context, Kind};
use crate::client::Connection;
use crate::domain::{Entry, Money, UnixMillis};
use crate::wire::decode_command;

/// Writes every posting as a ledger for Beancount or a journal for hledger; by operator or auditor
///
/// Both formats assert the balances of the book, so that `bean-check` or `hledger check` confirm
/// them by their own arithmetic. With --output json the transactions are printed as they are.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Beancount)]
    format: Format,
}

/// Whose format the text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Beancount 2 or 3
    Beancount,
    /// hledger 1.25 or newer
    Hledger,
}

/// A book in one of the formats.
struct Exported {
    format: Format,
    transactions: Vec<Transaction>,
}

impl Report for Exported {
    fn text(&self) -> String {
        match self.format {
            Format::Beancount => beancount(&self.transactions),
            Format::Hledger => hledger(&self.transactions),
        }
    }
}

#[derive(Serialize)]
struct ShownTransaction<'a> {
    index: u64,
    recorded_at: UnixMillis,
    action: &'a str,
    postings: Vec<ShownPosting>,
}

#[derive(Serialize)]
struct ShownPosting {
    account: String,
    amount: Money,
    balance: Money,
}

impl Serialize for Exported {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.transactions.iter().map(|transaction| {
            let postings = transaction.postings.iter().map(|booked| {
                let account = &booked.posting.account;
                let money = |minor_units| Money {
                    minor_units,
                    currency: account.currency,
                };
                ShownPosting {
                    account: account.to_string(),
                    amount: money(booked.posting.amount),
                    balance: money(booked.balance),
                }
            });
            ShownTransaction {
                index: transaction.index,
                recorded_at: transaction.recorded_at,
                action: &transaction.what,
                postings: postings.collect(),
            }
        }))
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let booked = postings(&connection).await?;
    let transactions = transactions(&connection, booked).await?;
    context.show(&Exported {
        format: args.format,
        transactions,
    })
}

/// Returns the postings of every account by the entry that made them.
async fn postings(connection: &Connection) -> Result<BTreeMap<u64, Vec<Booked>>, CommandError> {
    let mut entries: BTreeMap<u64, Vec<Booked>> = BTreeMap::new();
    for account in connection.accounts("", usize::MAX).await?.items {
        let name: Account = account
            .name
            .parse()
            .map_err(|error| CommandError::new(Kind::Fault, error))?;
        for one in connection.postings(&account.name, usize::MAX).await?.items {
            entries.entry(one.index).or_default().push(Booked {
                number: one.number,
                posting: Posting::new(name.clone(), one.amount.minor_units),
                balance: one.balance.minor_units,
            });
        }
    }
    for postings in entries.values_mut() {
        postings.sort_by_key(|booked| booked.number);
    }
    Ok(entries)
}

/// Adds what the log says of the entries that booked something.
async fn transactions(
    connection: &Connection,
    mut booked: BTreeMap<u64, Vec<Booked>>,
) -> Result<Vec<Transaction>, CommandError> {
    let mut transactions = Vec::with_capacity(booked.len());
    let mut run = connection.entries(0, 0).await?;
    while let Some(part) = run.next().await? {
        for (index, leaf) in (part.first_index..).zip(&part.leaves) {
            let Some(postings) = booked.remove(&index) else {
                continue;
            };
            let entry =
                Entry::from_leaf(leaf).map_err(|error| CommandError::new(Kind::Finding, error))?;
            let command = decode_command(&entry.command)
                .map_err(|error| CommandError::new(Kind::Finding, error))?;
            transactions.push(Transaction {
                index,
                recorded_at: entry.recorded_at,
                what: command.action.kind().name().to_owned(),
                postings,
            });
        }
    }
    Ok(transactions)
}
