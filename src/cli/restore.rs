//! `fenrun restore`: a data folder out of a backup, verified in full before it has its name.

use std::path::{Path, PathBuf};

use super::backup::{Copied, copy};
use super::connect::absolute;
use super::fsck::check;
use super::{CommandError, Context, Kind};
use crate::store::log::{CopyTo, Guarding};

/// Makes the data folder --dir out of a backup, and verifies every byte of it before it says yes
///
/// It never writes over anything. Put the log's keys into `keys` of the folder afterwards.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The folder of the backup
    #[arg(value_name = "FOLDER")]
    backup: PathBuf,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let dir = absolute(&context.settings.dir.value);
    let shown = dir.display().to_string();
    let restored = tokio::task::spawn_blocking(move || restore(&args.backup, &dir)).await;
    let restored = restored.map_err(|error| CommandError::new(Kind::Fault, error))??;
    context.show(&restored)?;
    context.note(&format!(
        "Put the log's keys into {shown}/keys. Start with the guard that the ledger had: an older \
         backup is refused, and should be."
    ))
}

fn restore(backup: &Path, dir: &Path) -> Result<Copied, CommandError> {
    refuse_used(dir)?;
    let mut staged = dir.as_os_str().to_owned();
    staged.push(".restoring");
    let staged = PathBuf::from(staged);
    refuse_used(&staged)?;
    let mut copied = copy(backup, &staged, &Guarding::Off, CopyTo::DataFolder)?;
    let checked = check(&staged, &Guarding::Off, true, false)?;
    let serious = checked.serious();
    if let Some(first) = serious.first() {
        let error = format!(
            "the backup is not whole: {} findings, the first: {first}",
            serious.len()
        );
        return Err(CommandError::new(Kind::Finding, error).hint(format!(
            "Look with `fenrun fsck --dir {}`, and restore from another backup.",
            staged.display()
        )));
    }
    std::fs::rename(&staged, dir).map_err(CommandError::input)?;
    copied.is_now_in(dir);
    Ok(copied)
}

/// Refuses a folder with anything in it.
fn refuse_used(dir: &Path) -> Result<(), CommandError> {
    let used = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if !used && (dir.is_dir() || !dir.exists()) {
        return Ok(());
    }
    let error = format!("{} is there and not empty", dir.display());
    Err(CommandError::input(error)
        .hint("A restore writes over nothing. Say --dir with a new folder, or move that away."))
}
