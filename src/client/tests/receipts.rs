//! A receipt with any field changed proves nothing and is refused.

use super::server::{command, entry, receipt, verifier_key};
use crate::client::{ReceiptError, Receipts};
use crate::domain::{Entry, KeptReceipt, LedgerId, Receipt, UnixMillis};
use crate::keys::StrictVerifier;
use crate::merkle::VerifierKey;

fn log() -> Vec<Entry> {
    (0..7)
        .map(|number| entry(&command(number), u64::from(number)))
        .collect()
}

fn verify(receipt: &Receipt, keys: &[VerifierKey]) -> Result<(), ReceiptError> {
    let verified = command(3).verify(receipt, keys, &StrictVerifier);
    verified.map(|checkpoint| assert_eq!(checkpoint.size, 7))
}

#[test]
fn an_honest_receipt_verifies() {
    assert_eq!(verify(&receipt(&log(), 3), &[verifier_key()]), Ok(()));
}

#[test]
fn a_change_in_any_field_is_found() {
    let honest = receipt(&log(), 3);
    let changed = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = honest.clone();
        change(&mut receipt);
        assert_ne!(receipt, honest);
        verify(&receipt, &[verifier_key()]).unwrap_err()
    };
    let proof = |error| matches!(error, ReceiptError::Proof { .. });
    let signature = |error| matches!(error, ReceiptError::Signature { .. });
    let checkpoint = |error| matches!(error, ReceiptError::Checkpoint(_));
    assert!(proof(changed(&|one| one.index = 2)));
    assert!(proof(changed(&|one| one.index = 7)));
    assert!(proof(changed(&|one| one.recorded_at = UnixMillis(4))));
    assert!(signature(changed(&|one| one.public_key.0[0] ^= 1)));
    assert!(signature(changed(&|one| one.signature.0[63] ^= 1)));
    for place in 0..honest.inclusion_proof.len() {
        assert!(proof(changed(&|one| one.inclusion_proof[place].0[5] ^= 1)));
    }
    assert!(proof(changed(&|one| {
        one.inclusion_proof.pop();
    })));
    let other = receipt(&log()[..5], 3).checkpoint;
    assert!(proof(changed(&|one| one.checkpoint.clone_from(&other))));
    for place in 0..honest.checkpoint.len() {
        let error = changed(&|one| {
            let mut bytes = one.checkpoint.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            one.checkpoint = String::from_utf8_lossy(&bytes).into_owned();
        });
        assert!(checkpoint(error), "byte {place}");
    }
}

#[test]
fn another_log_or_another_command_is_found() {
    let honest = receipt(&log(), 3);
    let mut key = verifier_key();
    key.key.0[0] ^= 1;
    let error = verify(&honest, &[key]).unwrap_err();
    assert!(matches!(error, ReceiptError::Checkpoint(_)), "{error}");
    let error = command(4)
        .verify(&honest, &[verifier_key()], &StrictVerifier)
        .unwrap_err();
    assert!(matches!(error, ReceiptError::Signature { .. }), "{error}");
}

#[test]
fn a_kept_receipt_comes_back_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let receipts = Receipts::new(folder.path().to_owned());
    let signed = command(3);
    let kept = KeptReceipt {
        ledger: LedgerId([7; 32]),
        command_id: signed.command_id(),
        command: signed.command.clone(),
        receipt: receipt(&log(), 3),
    };
    let path = receipts.keep(&kept).unwrap();
    assert_eq!(KeptReceipt::read(&path).unwrap(), kept);
    let mut newer = kept.clone();
    newer.receipt.index = 9;
    assert_eq!(receipts.keep(&newer).unwrap(), path);
    let read = receipts.get(&kept.ledger, &kept.command_id).unwrap();
    assert_eq!(read, Some(kept.clone()));
    let other = command(4).command_id();
    assert_eq!(receipts.get(&kept.ledger, &other).unwrap(), None);
    std::fs::write(&path, "{}").unwrap();
    assert!(receipts.get(&kept.ledger, &kept.command_id).is_err());
}
