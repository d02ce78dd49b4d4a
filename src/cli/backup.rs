//! `fenrun backup` and what it shares with `fenrun restore`: a copy of a data folder as it was
//! shown, made while the service runs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::data_folder::{log_error, open_error};
use super::guarding::guarding_if_there;
use super::report::{Report, facts};
use super::{CommandError, Context, Kind};
use crate::domain::{LedgerId, TreeHash};
use crate::engine::{ReadKeys, founding_of};
use crate::store::blobs::copy_blobs;
use crate::store::log::{CopyError, CopyTo, Guarding, RealDisk, copy_log};

/// The folder of the blobs within a data folder.
pub(super) const BLOBS_FOLDER: &str = "blobs";

/// Copies log and blobs of --dir to a folder, while the service runs; the next time, what is new
///
/// The copy ends with the checkpoint that was shown last. Keys are not in it: keep them apart.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The folder of the backup: empty, new, or with an older backup of the same ledger
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// What a copy has.
#[derive(Debug, Serialize)]
pub(super) struct Copied {
    folder: String,
    ledger: LedgerId,
    entries: u64,
    root: TreeHash,
    segments: u32,
    segments_written: u32,
    blobs: u64,
    blobs_written: u64,
}

impl Copied {
    /// Notes where the copy lies once it is finished.
    pub(super) fn is_now_in(&mut self, folder: &Path) {
        self.folder = folder.display().to_string();
    }
}

impl Report for Copied {
    fn text(&self) -> String {
        facts(&[
            ("folder", self.folder.clone()),
            ("ledger", self.ledger.to_string()),
            ("entries", self.entries.to_string()),
            ("root", self.root.to_string()),
            (
                "segments",
                format!("{}, {} written", self.segments, self.segments_written),
            ),
            (
                "blobs",
                format!("{}, {} written", self.blobs, self.blobs_written),
            ),
        ])
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let dir = context.settings.dir.value.clone();
    let guard = guarding_if_there(context)?;
    let copied = move || copy(&dir, &args.folder, &guard, CopyTo::Backup);
    let copied = tokio::task::spawn_blocking(copied).await;
    let copied = copied.map_err(|error| CommandError::new(Kind::Fault, error))??;
    context.show(&copied)
}

/// Copies a folder; nothing of the source is changed.
///
/// How far the log was shown is read first and the blobs after it, so that all that its entries
/// name is among them.
pub(super) fn copy(
    source: &Path,
    target: &Path,
    guard: &Guarding,
    to: CopyTo,
) -> Result<Copied, CommandError> {
    let from = RealDisk::read_only(source);
    let (_, key) = founding_of(&from).map_err(open_error)?;
    std::fs::create_dir_all(target).map_err(CommandError::input)?;
    let into = RealDisk::new(target);
    let log = copy_log(&from, &into, guard, &mut ReadKeys::founded(key), to);
    let log = log.map_err(copy_error)?;
    let blobs = copy_blobs(source, target, BLOBS_FOLDER);
    let blobs = blobs.map_err(|error| CommandError::new(Kind::Finding, error))?;
    log.finish(&into).map_err(copy_error)?;
    Ok(Copied {
        folder: target.display().to_string(),
        ledger: log.ledger,
        entries: log.size,
        root: log.root,
        segments: log.segments,
        segments_written: log.written,
        blobs: blobs.blobs,
        blobs_written: blobs.written,
    })
}

fn copy_error(error: CopyError) -> CommandError {
    match error {
        CopyError::Log(error) => log_error(error),
        CopyError::Foreign => CommandError::input(error),
        CopyError::NotShown => CommandError::input(error)
            .hint("Start the service once, or say --guard with the file of its guard."),
        error => CommandError::new(Kind::Finding, error)
            .hint("Nothing of the copy was changed. See docs/operations.md, \"Rollback\"."),
    }
}
