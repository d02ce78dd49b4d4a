//! Checkpoints: the signed size and root of the log, in the C2SP form.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::{NameError, Origin, Signer, TreeHash, Verifier};

use super::note::{NoteError, SignedNote};
use super::verifier_key::VerifierKey;

/// Why a text is not a checkpoint, or not one to trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is refused.
    #[error("the checkpoint's note is refused")]
    Note(#[source] NoteError),
    /// There are not exactly three lines.
    #[error("a checkpoint has three lines, each with a newline; this one has another form")]
    Lines,
    /// The first line is not an origin.
    #[error("the origin in the checkpoint is refused")]
    Origin(#[source] NameError),
    /// The second line is not a size.
    #[error("the size in a checkpoint is decimal without leading zeros; this is not: {text:?}")]
    Size {
        /// The start of the line as given.
        text: String,
    },
    /// The third line is not a root.
    #[error("the root in a checkpoint is base64 of 32 bytes; this is not: {text:?}")]
    Root {
        /// The start of the line as given.
        text: String,
    },
    /// A key that must have signed it has not.
    #[error("the checkpoint is not signed by {key}, which must have signed it")]
    NotSignedBy {
        /// The key.
        key: Box<VerifierKey>,
    },
    /// Only others have signed it.
    #[error("the checkpoint of {origin} is signed by other names only; a log signs its own")]
    NotSignedByOrigin {
        /// The origin of the checkpoint.
        origin: Origin,
    },
}

/// The size and root of a log; shown and parsed as the text that is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log, which is also the name of its keys.
    pub origin: Origin,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: TreeHash,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = STANDARD.encode(self.root.0);
        write!(f, "{}\n{}\n{root}\n", self.origin, self.size)
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Lines);
        };
        let start = |text: &str| text.chars().take(80).collect::<String>();
        let number = size.parse().ok();
        // What shows differently was written with a sign or with leading zeros.
        let number = number.filter(|number: &u64| number.to_string() == size);
        let hash = STANDARD.decode(root).ok();
        let hash = hash.and_then(|bytes| TreeHash::try_from(bytes.as_slice()).ok());
        Ok(Self {
            origin: origin.parse().map_err(CheckpointError::Origin)?,
            size: number.ok_or_else(|| CheckpointError::Size { text: start(size) })?,
            root: hash.ok_or_else(|| CheckpointError::Root { text: start(root) })?,
        })
    }
}

impl Checkpoint {
    /// Reads a checkpoint of any log, whose extension lines, if it has some, are passed over.
    ///
    /// # Errors
    /// One of the three first lines is not one of a checkpoint.
    pub fn of_any_log(text: &str) -> Result<Self, CheckpointError> {
        let end = text.match_indices('\n').nth(2);
        let end = end.map(|(at, newline)| at.saturating_add(newline.len()));
        let first = end.and_then(|end| text.get(..end));
        first.ok_or(CheckpointError::Lines)?.parse()
    }
}

/// Returns the signed note of a checkpoint, with a line for each signer, in their order.
///
/// All sign under the checkpoint's origin; two sign when a log changes its key.
pub fn sign_checkpoint(checkpoint: &Checkpoint, signers: &[&dyn Signer]) -> String {
    SignedNote::sign(checkpoint.to_string(), &checkpoint.origin, signers).to_string()
}

/// Reads a checkpoint that a known key of its own origin has signed.
///
/// Signatures of keys that are not in `known` are ignored.
///
/// # Errors
/// The form is wrong, a known key's signature is wrong, or no known key of the origin has signed.
pub fn open_checkpoint(
    note: &[u8],
    known: &[VerifierKey],
    verifier: &dyn Verifier,
) -> Result<Checkpoint, CheckpointError> {
    open_signed(note, known, verifier).map(|(checkpoint, _)| checkpoint)
}

/// Reads a checkpoint that each of these keys of its own origin has signed; a log that changes its
/// key signs one checkpoint with two.
///
/// # Errors
/// The form is wrong, a signature is wrong, or one of the keys has not signed.
pub fn open_checkpoint_of_all(
    note: &[u8],
    required: &[VerifierKey],
    verifier: &dyn Verifier,
) -> Result<Checkpoint, CheckpointError> {
    let (checkpoint, signed) = open_signed(note, required, verifier)?;
    match required.iter().find(|key| !signed.contains(key)) {
        None => Ok(checkpoint),
        Some(key) => Err(CheckpointError::NotSignedBy {
            key: Box::new(key.clone()),
        }),
    }
}

/// Reads a checkpoint, and says which of the known keys have signed it.
///
/// # Errors
/// As [`open_checkpoint`].
pub fn open_signed<'k>(
    note: &[u8],
    known: &'k [VerifierKey],
    verifier: &dyn Verifier,
) -> Result<(Checkpoint, Vec<&'k VerifierKey>), CheckpointError> {
    let note = SignedNote::parse(note).map_err(CheckpointError::Note)?;
    let signed = note.check(known, verifier).map_err(CheckpointError::Note)?;
    let checkpoint: Checkpoint = note.text().parse()?;
    if !signed.iter().any(|key| key.name == checkpoint.origin) {
        let origin = checkpoint.origin;
        return Err(CheckpointError::NotSignedByOrigin { origin });
    }
    Ok((checkpoint, signed))
}
