//! Blobs hashed again: all that entries name, or a sample that nobody could foresee.
//!
//! A sample is drawn from a checkpoint that was published after the audit had taken in the log, so
//! that who keeps the blobs did not know beforehand which of them would be asked for.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rayon::prelude::*;
use tokio::time::Instant;

use super::source::{LogSource, Newest};
use super::sources::Hashed;
use super::whole::{Begun, Whole};
use crate::audit::{
    Absent, BlobUse, BlobsChecked, ChosenBlob, Finding, FindingKind, NamedBlob, Pins, Place,
    distinct, sample, sample_seed,
};
use crate::cli::{CommandError, Kind};
use crate::keys::StrictVerifier;
use crate::merkle::{Checkpoint, open_checkpoint};

/// How often a later checkpoint is asked for.
const POLL: Duration = Duration::from_secs(1);

/// Which blobs are hashed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Each that an entry names.
    All,
    /// So many of them.
    Sample(usize),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |count: &str| count.parse().ok().filter(|count| *count > 0);
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("sample", count)) => number(count)
                .map(Self::Sample)
                .ok_or_else(|| format!("{count:?} is no number of blobs above 0")),
            _ => Err("it is written all or sample:N".to_owned()),
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Sample(count) => write!(f, "sample:{count}"),
        }
    }
}

/// Which blobs are hashed again, and where the seed of a sample comes from.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Blobs")]
pub(super) struct BlobsArgs {
    /// Hashes blobs again: all that entries name, or sample:N of them, drawn from a checkpoint that
    /// is published after the log was taken in
    #[arg(long, value_name = "all|sample:N", conflicts_with = "follow")]
    blobs: Option<Wanted>,
    /// How long to wait for that checkpoint, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "blobs")]
    blobs_wait: u64,
    /// Draws from the checkpoint in this file instead, as another auditor has drawn
    #[arg(long, value_name = "FILE", requires = "blobs")]
    seed_checkpoint: Option<PathBuf>,
}

impl BlobsArgs {
    /// Hashes what is wanted of the blobs that a log names, and notes in its report what it came
    /// to.
    ///
    /// # Errors
    /// The log is not reached, or the file of a checkpoint is none of the log.
    pub async fn check(&self, begun: &mut Begun, whole: &Whole<'_>) -> Result<(), CommandError> {
        let Some(wanted) = self.blobs else {
            return Ok(());
        };
        let Whole {
            source,
            blobs,
            pins,
            ..
        } = whole;
        let named = distinct(begun.auditor.named_blobs());
        let mut checked = BlobsChecked {
            wanted: wanted.to_string(),
            below: begun.newest.checkpoint.size,
            named: u64::try_from(named.len()).unwrap_or(u64::MAX),
            seed: None,
            seed_checkpoint: None,
            chosen: Vec::new(),
        };
        let chosen = match wanted {
            Wanted::All => named,
            Wanted::Sample(count) => match self.seed(source, pins, &begun.newest).await? {
                Some((seed, note)) => {
                    checked.seed = Some(seed);
                    checked.seed_checkpoint = Some(note);
                    sample(&named, &seed, count)
                }
                None => {
                    let report = begun.auditor.report_mut();
                    report.complete = false;
                    report.leave_out("the sample of blobs", self.nothing_later());
                    report.blobs = Some(checked);
                    return Ok(());
                }
            },
        };
        let hashed: Vec<(NamedBlob, Hashed)> = tokio::task::block_in_place(|| {
            let hash = |one: NamedBlob| {
                let hashed = blobs.hash(&one.hash);
                (one, hashed)
            };
            chosen.into_par_iter().map(hash).collect()
        });
        judge(begun, hashed, checked, wanted != Wanted::All);
        Ok(())
    }

    fn nothing_later(&self) -> String {
        let seconds = self.blobs_wait;
        format!(
            "no later checkpoint was published within {seconds} seconds; any entry makes one, or \
             wait longer with --blobs-wait"
        )
    }

    /// Returns the seed, and the checkpoint that it comes from; none where none came in time.
    async fn seed(
        &self,
        source: &LogSource,
        pins: &Pins,
        newest: &Newest,
    ) -> Result<Option<([u8; 32], String)>, CommandError> {
        let later = match &self.seed_checkpoint {
            Some(path) => Some(read_checkpoint(path, pins, newest.checkpoint.size)?),
            None => {
                let until = Instant::now() + Duration::from_secs(self.blobs_wait);
                later_checkpoint(source, pins, newest.checkpoint.size, until).await?
            }
        };
        Ok(later.map(|(checkpoint, note)| (sample_seed(&pins.ledger, &checkpoint), note)))
    }
}

/// Reads the checkpoint from which another auditor has drawn; it must be later than `size`.
fn read_checkpoint(
    path: &Path,
    pins: &Pins,
    size: u64,
) -> Result<(Checkpoint, String), CommandError> {
    let shown = path.display();
    let note = std::fs::read_to_string(path)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    let opened = open_checkpoint(note.as_bytes(), &pins.log_keys, &StrictVerifier);
    let checkpoint = opened.map_err(|error| CommandError::new(Kind::Finding, error))?;
    if checkpoint.size <= size {
        let error = format!(
            "the checkpoint in {shown} is of {} entries, and {size} are audited: it was known before",
            checkpoint.size
        );
        return Err(CommandError::input(error).hint("Name one that was published later."));
    }
    Ok((checkpoint, note))
}

/// Waits for the first published checkpoint above a size.
async fn later_checkpoint(
    source: &LogSource,
    pins: &Pins,
    size: u64,
    until: Instant,
) -> Result<Option<(Checkpoint, String)>, CommandError> {
    loop {
        let later = match source {
            LogSource::Service(connection) => {
                let mut after = connection.published_checkpoints(size, 1).await?;
                after.pop()
            }
            LogSource::Tiles(_) => {
                let newest = source.newest(&pins.log_keys).await?;
                let later = newest.trusted && newest.checkpoint.size > size;
                later.then_some((newest.checkpoint, newest.note))
            }
        };
        if later.is_some() || Instant::now() >= until {
            return Ok(later);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Notes what became of the blobs that were hashed.
fn judge(
    begun: &mut Begun,
    hashed: Vec<(NamedBlob, Hashed)>,
    mut checked: BlobsChecked,
    listed: bool,
) {
    let report = begun.auditor.report_mut();
    let (mut not_shown, mut not_at_hand) = (0_u64, None);
    for (blob, hashed) in hashed {
        let (index, hash) = (blob.index, blob.hash);
        let place = Place::Blob { index, hash };
        let result = match hashed {
            Hashed::Good(size) if blob.bytes.is_some_and(|bytes| bytes != size) => {
                let recorded = blob.bytes.unwrap_or_default();
                let message = "it has another size than the entry says";
                let finding = Finding::new(FindingKind::BlobDiffers, place, message);
                report.find(finding.differs(format!("{recorded} bytes"), format!("{size} bytes")));
                "different"
            }
            Hashed::Good(_) => {
                report.checked.blobs = report.checked.blobs.saturating_add(1);
                "equal"
            }
            Hashed::Wrong(why) => {
                report.find(Finding::new(FindingKind::BlobDiffers, place, why));
                "different"
            }
            Hashed::Absent(Absent::NotShown(why)) if blob.what == BlobUse::Attachment => {
                report.find(Finding::new(FindingKind::AttachmentMissing, place, why));
                "missing"
            }
            Hashed::Absent(Absent::NotShown(_)) => {
                not_shown = not_shown.saturating_add(1);
                "not shown"
            }
            Hashed::Absent(Absent::NotAtHand(why)) => {
                not_at_hand = not_at_hand.or(Some(why));
                "not at hand"
            }
        };
        checked.chosen.extend(listed.then_some(ChosenBlob {
            hash,
            index,
            result,
        }));
    }
    if not_shown > 0 {
        let what = format!("the bytes of {not_shown} contributions, evidence or validation sets");
        report.leave_out(
            what,
            "the service does not show them; they need not be stored there",
        );
    }
    if let Some(why) = not_at_hand {
        report.complete = false;
        report.leave_out("some blobs that were to be hashed", why);
    }
    report.blobs = Some(checked);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_and_shown_alike() {
        for text in ["all", "sample:1", "sample:500"] {
            assert_eq!(text.parse::<Wanted>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "none",
            "sample",
            "sample:",
            "sample:0",
            "sample:-1",
            "all:1",
        ] {
            assert!(text.parse::<Wanted>().is_err(), "{text}");
        }
    }
}
