//! `fenrun verify --fork`: whether a file proves that a log has signed two histories.

use std::path::Path;

use serde::Serialize;

use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context, Kind};
use crate::domain::TreeHash;
use crate::keys::StrictVerifier;
use crate::merkle::{Checkpoint, FORK_EVIDENCE_BYTES_MAX, ForkEvidence, ForkVerdict, VerifierKey};

/// What a file comes to.
#[derive(Debug, Serialize)]
struct Judged {
    log: String,
    smaller: Signed,
    larger: Signed,
    root_in_larger: Option<TreeHash>,
    fork: bool,
    verdict: &'static str,
}

/// A signed size and root.
#[derive(Debug, Serialize)]
struct Signed {
    size: u64,
    root: TreeHash,
}

impl Report for Judged {
    fn text(&self) -> String {
        let told = |one: &Signed| format!("{} entries, root {}", one.size, one.root);
        let mut rows = vec![
            ("log", self.log.clone()),
            ("signed", told(&self.smaller)),
            ("signed", told(&self.larger)),
        ];
        if let Some(root) = &self.root_in_larger {
            let size = self.smaller.size;
            rows.push(("but", format!("the larger has at {size} the root {root}")));
        }
        rows.push(("verdict", self.verdict.to_owned()));
        facts(&rows)
    }
}

/// Judges a file of `fenrun audit`.
pub(super) fn run(
    path: &Path,
    log_keys: &[VerifierKey],
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let pinned = super::keys_or_pinned(log_keys, context)?;
    let evidence = read(path)?;
    let judged = evidence.judge(&pinned, &StrictVerifier);
    let (smaller, larger, verdict) = judged.map_err(|error| {
        let shown = path.display();
        CommandError::new(Kind::Finding, error).hint(format!(
            "{shown} shows nothing: it was changed, or is of another log."
        ))
    })?;
    let root_in_larger = evidence
        .root_in_larger
        .filter(|_| verdict == ForkVerdict::NotExtended);
    let signed = |one: &Checkpoint| Signed {
        size: one.size,
        root: one.root,
    };
    context.show(&Judged {
        log: smaller.origin.to_string(),
        smaller: signed(&smaller),
        larger: signed(&larger),
        root_in_larger,
        fork: verdict.is_fork(),
        verdict: said(verdict),
    })?;
    match verdict.is_fork() {
        true => Ok(()),
        false => Err(CommandError::new(Kind::Finding, "the file proves no fork")
            .hint("What it shows is the log's word all the same: keep it, and ask for a proof.")),
    }
}

fn said(verdict: ForkVerdict) -> &'static str {
    match verdict {
        ForkVerdict::TwoRoots => "a fork: one size, two signed roots",
        ForkVerdict::NotExtended => "a fork: the larger tree does not begin with the smaller one",
        ForkVerdict::Extended => "no fork: the larger tree begins with the smaller one",
        ForkVerdict::Unproved => "not proved: how the two trees are related is not in the file",
    }
}

fn read(path: &Path) -> Result<ForkEvidence, CommandError> {
    let shown = path.display();
    let unread =
        |error: std::io::Error| CommandError::input(format!("{shown} cannot be read: {error}"));
    let long = std::fs::metadata(path).map_err(unread)?.len();
    if long > u64::try_from(FORK_EVIDENCE_BYTES_MAX).unwrap_or(u64::MAX) {
        return Err(CommandError::input(format!(
            "{shown} is too long for evidence of a fork"
        )));
    }
    let bytes = std::fs::read(path).map_err(unread)?;
    ForkEvidence::parse(&bytes).map_err(CommandError::input)
}
