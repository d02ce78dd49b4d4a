//! `fenrun log export`: the log as static files, each verified before it is written.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::contribute::progress;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context, Kind};
use crate::client::{Connection, LogPart, StaticLog, StaticLogError, StaticWriter};
use crate::domain::TreeHash;
use crate::merkle::Checkpoint;

/// Writes the log as static files for a web server or bucket, or goes on with an earlier export
///
/// The files are those of C2SP tlog-tiles and of the service's own HTTP port, byte for byte:
/// checkpoint, hash tiles and entry bundles. What is written was verified under the pinned key.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Leaves out the entry bundles, which hold content: for a place that everybody can read
    #[arg(long)]
    without_entries: bool,
}

#[derive(Debug, Serialize)]
struct Exported {
    dir: String,
    size: u64,
    root: TreeHash,
    new_entries: u64,
    files: u64,
}

impl Report for Exported {
    fn text(&self) -> String {
        facts(&[
            ("folder", self.dir.clone()),
            ("log", format!("{} entries", self.size)),
            ("root", self.root.to_string()),
            ("new", format!("{} entries", self.new_entries)),
            ("written", format!("{} files", self.files)),
        ])
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let (target, note) = connection.published_checkpoint(0).await?;
    let log = StaticLog::new(args.dir.clone());
    let before = exported_before(&log, &connection, &target)?;
    let first = before.as_ref().map_or(0, |before| before.size);
    let mut files = 0;
    if first < target.size {
        let writer = StaticWriter::open(log, first, !args.without_entries);
        let mut writer = writer.map_err(|error| unusable(&args.dir, error))?;
        check_before(&writer, before.as_ref(), &args)?;
        let bar = progress(target.size, context.streams.terminal);
        let mut run = connection
            .entries(first, target.size.saturating_sub(first))
            .await?;
        while let Some(part) = run.next().await? {
            write_part(&mut writer, &part, &connection)?;
            bar.set_position(writer.tree().size());
        }
        bar.finish_and_clear();
        if (writer.tree().size(), writer.tree().root()) != (target.size, target.root) {
            return Err(differs(target.size));
        }
        files = writer.finish(&note).map_err(fault)?;
    }
    context.show(&Exported {
        dir: args.dir.display().to_string(),
        size: target.size,
        root: target.root,
        new_entries: target.size.saturating_sub(first),
        files,
    })
}

/// Returns the checkpoint of an earlier export, checked against the one to export.
fn exported_before(
    log: &StaticLog,
    connection: &Connection,
    target: &Checkpoint,
) -> Result<Option<Checkpoint>, CommandError> {
    let Some(note) = log.checkpoint().map_err(fault)? else {
        return Ok(None);
    };
    let before = connection.open_checkpoint(&note)?;
    if before.size > target.size {
        let (old, new) = (before.size, target.size);
        let error =
            format!("the folder has a checkpoint of {old} entries, the service shows {new}");
        return Err(CommandError::new(Kind::Finding, error)
            .hint("Both are signed: the log was rolled back, or has two histories. Keep both."));
    }
    if before.size == target.size && before.root != target.root {
        return Err(differs(before.size));
    }
    Ok(Some(before))
}

/// Checks that the tiles of an earlier export are those that its checkpoint signs.
fn check_before(
    writer: &StaticWriter,
    before: Option<&Checkpoint>,
    args: &Args,
) -> Result<(), CommandError> {
    match before {
        Some(before) if before.root != writer.tree().root() => {
            let error = format!(
                "the tiles in {} do not lead to the root of the checkpoint there",
                args.dir.display()
            );
            Err(CommandError::new(Kind::Finding, error)
                .hint("Files there were changed. Export into an empty folder and compare."))
        }
        _ => Ok(()),
    }
}

/// Takes the entries of a part in, and compares with each checkpoint between them.
fn write_part(
    writer: &mut StaticWriter,
    part: &LogPart,
    connection: &Connection,
) -> Result<(), CommandError> {
    if part.first_index != writer.tree().size() {
        let error = format!(
            "the service sent entry {} out of its order",
            part.first_index
        );
        return Err(CommandError::new(Kind::Finding, error));
    }
    let mut notes = part.checkpoints.iter().peekable();
    for leaf in &part.leaves {
        writer.push(leaf);
        let size = writer.tree().size();
        if let Some((_, note)) = notes.next_if(|(at, _)| *at == size) {
            let signed = connection.open_checkpoint(note)?;
            if (signed.size, signed.root) != (size, writer.tree().root()) {
                return Err(differs(size));
            }
            writer.signed().map_err(fault)?;
        }
    }
    Ok(())
}

fn differs(size: u64) -> CommandError {
    let error = format!("the entries do not lead to the root of the checkpoint at {size}");
    CommandError::new(Kind::Finding, error).hint("Nothing of them was written. Audit the log.")
}

fn unusable(dir: &std::path::Path, error: StaticLogError) -> CommandError {
    let shown = dir.display();
    CommandError::new(Kind::Finding, error).hint(format!(
        "{shown} lacks files of the export that its checkpoint is of: entry bundles, if that was \
         one --without-entries. Export into an empty folder."
    ))
}

fn fault(error: StaticLogError) -> CommandError {
    CommandError::input(error)
}
