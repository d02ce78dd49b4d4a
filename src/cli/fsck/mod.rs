//! `fenrun fsck`: reads everything in a data folder, and says what is wrong and where.

mod replay;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use replay::Replay;

use super::backup::BLOBS_FOLDER;
use super::data_folder::{folder_error, log_error};
use super::guarding::guarding_if_there;
use super::progress::bar;
use super::report::{Report, facts};
use super::{CommandError, Context, Kind};
use crate::domain::{LedgerId, TreeHash};
use crate::store::blobs::{BlobLimits, BlobReport, Blobs};
use crate::store::log::{DataFolder, Disk, FsckReport, Guarding, entries_there, fsck};

/// Verifies every byte of a data folder: segments, roots, signatures, rules, blobs
///
/// The service must be stopped. Nothing is repaired; what mends itself at the next start is named.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Leaves out the blobs, whose bytes can be many
    #[arg(long)]
    without_blobs: bool,
}

/// What was read and what is wrong.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    dir: String,
    ledger: Option<LedgerId>,
    segments: u32,
    entries: u64,
    checkpoints: u64,
    root: Option<TreeHash>,
    blobs: Option<u64>,
    findings: Vec<Row>,
}

impl Checked {
    /// Returns what does not mend itself, in words.
    pub(super) fn serious(&self) -> Vec<String> {
        let rows = self.findings.iter().filter(|row| !row.mends_itself);
        rows.map(|row| format!("{}: {}", row.file, row.what))
            .collect()
    }
}

#[derive(Debug, Serialize)]
struct Row {
    file: String,
    offset: Option<u64>,
    what: String,
    mends_itself: bool,
}

impl Report for Checked {
    fn text(&self) -> String {
        let ledger = self.ledger.map_or("-".to_owned(), |id| id.to_string());
        let root = self.root.map_or("-".to_owned(), |root| root.to_string());
        let blobs = self.blobs.map_or("not read".to_owned(), |n| n.to_string());
        let mut text = facts(&[
            ("data folder", self.dir.clone()),
            ("ledger", ledger),
            ("segments", self.segments.to_string()),
            ("entries", self.entries.to_string()),
            ("checkpoints", self.checkpoints.to_string()),
            ("root", root),
            ("blobs", blobs),
        ]);
        for row in &self.findings {
            let place = match row.offset {
                Some(offset) => format!("{} at {offset}", row.file),
                None => row.file.clone(),
            };
            let mends = if row.mends_itself {
                " (mends itself)"
            } else {
                ""
            };
            text.push_str(&format!("\n{place}: {}{mends}", row.what));
        }
        if self.findings.is_empty() {
            text.push_str("\nAll is as it should be.");
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let dir = context.settings.dir.value.clone();
    let guard = guarding_if_there(context)?;
    let terminal = context.streams.terminal;
    let checked = move || check(&dir, &guard, !args.without_blobs, terminal);
    let checked = tokio::task::spawn_blocking(checked).await;
    let checked = checked.map_err(|error| CommandError::new(Kind::Fault, error))??;
    context.show(&checked)?;
    let serious = checked.serious().len();
    if serious == 0 {
        return Ok(());
    }
    Err(CommandError::new(
        Kind::Finding,
        format!("{serious} findings; they stand above"),
    )
    .hint("Keep this folder as it is and bring the named files back from a copy."))
}

pub(super) fn check(
    dir: &Path,
    guard: &Guarding,
    with_blobs: bool,
    terminal: bool,
) -> Result<Checked, CommandError> {
    if !dir.is_dir() {
        return Err(CommandError::input(format!(
            "there is no folder {}",
            dir.display()
        )));
    }
    let disk: Arc<dyn Disk> = Arc::new(DataFolder::open(dir).map_err(folder_error)?);
    let blobs = open_blobs(Arc::clone(&disk), &dir.join(BLOBS_FOLDER))?;
    let template = "log {wide_bar} {pos}/{len} entries, {per_sec}, {eta}";
    let log_bar = bar(entries_there(disk.as_ref()), template, terminal);
    let mut replay = Replay::new(blobs.clone(), log_bar.clone());
    let report = fsck(disk, guard, &mut replay);
    log_bar.finish_and_clear();
    let report = report.map_err(log_error)?;
    let of_blobs = match &blobs {
        Some(blobs) if with_blobs => Some(check_blobs(blobs, terminal)?),
        _ => None,
    };
    Ok(checked(dir, report, of_blobs))
}

fn check_blobs(blobs: &Blobs, terminal: bool) -> Result<BlobReport, CommandError> {
    let template = "blobs {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta}";
    let blob_bar = bar(blobs.bytes(), template, terminal);
    let report = blobs.verify_all(&mut |read| blob_bar.set_position(read));
    blob_bar.finish_and_clear();
    report.map_err(|error| CommandError::new(Kind::Finding, error))
}

/// Opens the blobs where there are any; a folder without them is not changed.
fn open_blobs(disk: Arc<dyn Disk>, folder: &Path) -> Result<Option<Blobs>, CommandError> {
    if !folder.is_dir() {
        return Ok(None);
    }
    Blobs::open(disk, folder, BlobLimits::default())
        .map(Some)
        .map_err(|error| CommandError::new(Kind::Finding, error))
}

fn checked(dir: &Path, log: FsckReport, blobs: Option<BlobReport>) -> Checked {
    let mut findings: Vec<Row> = log
        .findings
        .into_iter()
        .map(|finding| Row {
            file: finding.file,
            offset: Some(finding.offset),
            what: finding.what,
            mends_itself: finding.mends_itself,
        })
        .collect();
    let of_blobs = blobs.iter().flat_map(|blobs| &blobs.findings);
    findings.extend(of_blobs.map(|finding| Row {
        file: format!("{BLOBS_FOLDER}/{}", finding.path),
        offset: None,
        what: finding.what.clone(),
        mends_itself: false,
    }));
    Checked {
        dir: dir.display().to_string(),
        ledger: log.ledger,
        segments: log.segments,
        entries: log.entries,
        checkpoints: log.checkpoints,
        root: log.root,
        blobs: blobs.map(|blobs| blobs.blobs),
        findings,
    }
}
