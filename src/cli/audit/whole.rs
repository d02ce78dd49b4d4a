//! The audit of the whole log: entries stream in while those before are replayed.

use indicatif::ProgressBar;
use tokio::sync::mpsc;

use super::pins_of;
use super::sources::RemoteSources;
use crate::audit::{AccountBalance, Auditor, Report};
use crate::client::{ClientError, Connection, LogPart};
use crate::domain::KeptReceipt;

/// How many parts of the log wait while one is audited; each has about 1 MiB.
const PARTS_AHEAD: usize = 4;
/// How often the accounts are read anew because the log grew while they were.
const ACCOUNT_READS_MAX: usize = 5;
/// The most accounts that are compared.
const ACCOUNTS_MAX: usize = 1_000_000;

/// Audits the whole log up to its newest checkpoint, as an operator or auditor.
///
/// Runs on the current thread of a runtime with threads of its own; `terminal` says whether a
/// person watches standard error.
///
/// # Errors
/// The service is not reached or answers no; what is wrong with its answers is in the report.
pub(in crate::cli) async fn audit_whole(
    connection: &Connection,
    kept: &[KeptReceipt],
    terminal: bool,
) -> Result<Report, ClientError> {
    let (accounts, size) = read_accounts(connection).await?;
    let (_, newest) = connection.checkpoint().await?;
    let sources = RemoteSources::new(connection.clone());
    let mut auditor = Auditor::new(pins_of(connection), sources, kept, Some(&newest));
    let bar = progress(size, terminal);
    let (sender, mut parts) = mpsc::channel(PARTS_AHEAD);
    let reading = tokio::spawn(read_log(connection.clone(), size, sender));
    while let Some(part) = parts.recv().await {
        let LogPart {
            first_index,
            leaves,
            checkpoints,
            ..
        } = part;
        tokio::task::block_in_place(|| auditor.push(first_index, leaves, &checkpoints));
        bar.set_position(auditor.taken());
    }
    match reading.await {
        Ok(read) => read?,
        Err(error) => {
            return Err(ClientError::Form {
                what: "a run of entries".to_owned(),
                detail: error.to_string(),
            });
        }
    }
    bar.finish_and_clear();
    let accounts = accounts.as_deref().map_err(Clone::clone);
    Ok(tokio::task::block_in_place(|| auditor.finish(accounts)))
}

/// Streams entries into a channel; an end of the channel ends it too.
async fn read_log(
    connection: Connection,
    size: u64,
    parts: mpsc::Sender<LogPart>,
) -> Result<(), ClientError> {
    let mut run = connection.entries(0, size).await?;
    while let Some(part) = run.next().await? {
        if parts.send(part).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Accounts, or why they cannot be compared.
type Accounts = Result<Vec<AccountBalance>, String>;

/// Reads all accounts as of one size of the log, and that size.
async fn read_accounts(connection: &Connection) -> Result<(Accounts, u64), ClientError> {
    let mut size = connection.checkpoint().await?.0.size;
    for _ in 0..ACCOUNT_READS_MAX {
        let read = connection.accounts("", ACCOUNTS_MAX).await?;
        let after = connection.checkpoint().await?.0.size;
        if read.more {
            let why = format!("there are more than {ACCOUNTS_MAX}");
            return Ok((Err(why), after));
        }
        if size == after && read.read_at_size == size {
            let balance = |account: crate::client::Account| AccountBalance {
                name: account.name,
                balance: account.balance,
                last_index: account.last_index,
            };
            let accounts = read.items.into_iter().map(balance).collect();
            return Ok((Ok(accounts), size));
        }
        size = after;
    }
    let why = "the log grew each time that they were read; audit it when it is quiet";
    Ok((Err(why.to_owned()), size))
}

fn progress(size: u64, terminal: bool) -> ProgressBar {
    let template = "auditing {wide_bar} {pos}/{len} entries, {per_sec}, {eta}";
    crate::cli::progress::bar(size, template, terminal)
}
