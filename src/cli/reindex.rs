//! `fenrun reindex`: sets the index aside and makes it again from the log.

use std::sync::Arc;

use serde::Serialize;

use super::data_folder::{folder_options, open_error};
use super::guarding::guarding;
use super::report::{Report, facts};
use super::{CommandError, Context, Kind};
use crate::engine::{Reindexed, SystemClock, reindex};

/// Makes the index again from the log, and compares the state hash where the old index reads
///
/// The service must be stopped. It does not clear a rollback.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

#[derive(Debug, Serialize)]
struct Rebuilt {
    dir: String,
    entries: u64,
    state_hash: String,
    state_hash_before: Option<String>,
}

impl Report for Rebuilt {
    fn text(&self) -> String {
        let before = match &self.state_hash_before {
            Some(before) if *before == self.state_hash => "the same".to_owned(),
            Some(before) => before.clone(),
            None => "the old index did not read, or was behind".to_owned(),
        };
        facts(&[
            ("data folder", self.dir.clone()),
            ("entries", self.entries.to_string()),
            ("state hash", self.state_hash.clone()),
            ("before", before),
        ])
    }
}

pub(super) async fn run(_: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let dir = context.settings.dir.value.clone();
    let shown = dir.display().to_string();
    let options = folder_options(guarding(context, false)?, Arc::new(SystemClock::new()));
    let work = move || reindex(&dir, &options);
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| CommandError::new(Kind::Fault, error))?;
    let Reindexed {
        size,
        before,
        after,
    } = done.map_err(open_error)?;
    let rebuilt = Rebuilt {
        dir: shown,
        entries: size,
        state_hash: hex::encode(after),
        state_hash_before: before.map(hex::encode),
    };
    let differs = before.is_some_and(|before| before != after);
    context.show(&rebuilt)?;
    if differs {
        let error = "the old index had another state than the log leads to";
        return Err(CommandError::new(Kind::Finding, error)
            .hint("The new index is right. Report this: it is a fault of ours or of the disk."));
    }
    Ok(())
}
