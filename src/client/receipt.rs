//! Receipts: what proves that a command was recorded, checked down to the last byte.

use bytes::Bytes;

use super::answer::{self, Answer as _};
use super::{ClientError, SignedCommand};
use crate::domain::{COMMAND_TYPE, EntryError, PublicKey, Receipt, Verifier, signing_bytes};
use crate::merkle::{
    Checkpoint, CheckpointError, LogProof, ProofError, VerifierKey, leaf_hash, open_checkpoint,
    verify_inclusion,
};
use crate::wire::proto;

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The signature in it is not one over the command.
    #[error("the signature in the receipt is not one of {public_key} over the command")]
    Signature {
        /// The key in the receipt.
        public_key: PublicKey,
    },
    /// The command is too long to be an entry.
    #[error("the command is no entry")]
    Entry(#[source] EntryError),
    /// The checkpoint is not one of the pinned log.
    #[error("the checkpoint in the receipt is refused")]
    Checkpoint(#[source] CheckpointError),
    /// The proof leads elsewhere: index, time, key, signature or proof was changed.
    #[error("the proof does not lead from the entry at index {index} to the checkpoint's root")]
    Proof {
        /// The index in the receipt.
        index: u64,
        /// What is wrong.
        #[source]
        source: ProofError,
    },
    /// Another receipt of the same command says another place.
    #[error(
        "the same command was said to be entry {} of {} before, and now entry {} of {}: the log \
         has two histories; keep both receipts",
        .before.index, .before.recorded_at, .now.index, .now.recorded_at
    )]
    Contradiction {
        /// The kept receipt.
        before: Box<Receipt>,
        /// The new one.
        now: Box<Receipt>,
    },
}

impl Receipt {
    pub(super) fn read(message: Option<proto::Receipt>) -> Result<Self, ClientError> {
        let message = message.wanted("receipt")?;
        let proof = message.inclusion_proof.iter();
        Ok(Self {
            index: message.index,
            recorded_at: answer::time("receipt.recorded_at", message.recorded_at)?,
            public_key: answer::bytes("receipt.public_key", &message.public_key)?,
            signature: answer::bytes("receipt.signature", &message.signature)?,
            inclusion_proof: proof
                .map(|hash| answer::bytes("receipt.inclusion_proof", hash))
                .collect::<Result<_, _>>()?,
            checkpoint: message.checkpoint,
        })
    }

    /// Returns the receipt as a proof file, with the entry in it.
    ///
    /// # Errors
    /// The command is too long to be an entry.
    pub fn proof(&self, command: &Bytes) -> Result<LogProof, EntryError> {
        Ok(LogProof {
            leaf: Some(self.entry(command.clone()).leaf()?),
            index: self.index,
            hashes: self.inclusion_proof.clone(),
            checkpoint: self.checkpoint.clone(),
        })
    }
}

/// Checks that a receipt proves that `command` stands in the log that `log_keys` sign.
///
/// The signature in it may be another than the one that was sent: the same command may have been
/// recorded before, signed once more.
///
/// # Errors
/// See [`ReceiptError`]; the first that is wrong.
pub fn verify_receipt(
    command: &Bytes,
    receipt: &Receipt,
    log_keys: &[VerifierKey],
    verifier: &dyn Verifier,
) -> Result<Checkpoint, ReceiptError> {
    let signed = signing_bytes(COMMAND_TYPE, command);
    let public_key = receipt.public_key;
    if !verifier.verify(&public_key, &signed, &receipt.signature) {
        return Err(ReceiptError::Signature { public_key });
    }
    let entry = receipt.entry(command.clone());
    let leaf = leaf_hash(&entry.leaf().map_err(ReceiptError::Entry)?);
    let note = receipt.checkpoint.as_bytes();
    let checkpoint = open_checkpoint(note, log_keys, verifier).map_err(ReceiptError::Checkpoint)?;
    let index = receipt.index;
    verify_inclusion(
        index,
        checkpoint.size,
        &leaf,
        &receipt.inclusion_proof,
        &checkpoint.root,
    )
    .map_err(|source| ReceiptError::Proof { index, source })?;
    Ok(checkpoint)
}

/// Checks that a new receipt of a command agrees with the one that was kept.
pub(super) fn agree(before: &Receipt, now: &Receipt) -> Result<(), ReceiptError> {
    if before.same_entry(now) {
        return Ok(());
    }
    Err(ReceiptError::Contradiction {
        before: Box::new(before.clone()),
        now: Box::new(now.clone()),
    })
}

impl SignedCommand {
    /// Checks a receipt of this command; see [`verify_receipt`].
    ///
    /// # Errors
    /// As [`verify_receipt`].
    pub fn verify(
        &self,
        receipt: &Receipt,
        log_keys: &[VerifierKey],
        verifier: &dyn Verifier,
    ) -> Result<Checkpoint, ReceiptError> {
        verify_receipt(&self.command, receipt, log_keys, verifier)
    }
}
