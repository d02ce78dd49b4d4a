//! The byte rule: signed bytes are the ones that generated code writes for what they decode to.
//!
//! The only sound check is to write them again and compare. A decoder drops unknown fields, takes
//! fields in any order and numbers in any length without a word; so does every other one, and a
//! test on lengths alone can be fooled.

use prost::Message;

use crate::domain::{COMMAND_BYTES_MAX, Reason, Rejection};

/// The least run of zero bytes that is refused: a file system that lost a write shows zeros.
pub(super) const ZERO_RUN_REFUSED: usize = 256;

/// Decodes signed bytes of kind `what` as a message.
///
/// # Errors
/// `TOO_LARGE` above [`COMMAND_BYTES_MAX`]; `MALFORMED` where the bytes have a long run of zeros
/// or are no such message.
pub(super) fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, Rejection> {
    if bytes.len() > COMMAND_BYTES_MAX {
        let message = format!(
            "{what} has at most {COMMAND_BYTES_MAX} bytes, this one has {}",
            bytes.len()
        );
        return Err(Rejection::new(Reason::TooLarge, message)
            .fact("bytes", bytes.len())
            .fact("bytes_max", COMMAND_BYTES_MAX));
    }
    if has_zero_run(bytes) {
        let message = format!("{what} has {ZERO_RUN_REFUSED} zero bytes in a row");
        return Err(Rejection::new(Reason::Malformed, message));
    }
    M::decode(bytes).map_err(|error| {
        let message = format!("the bytes are not {what} in protobuf: {error}");
        Rejection::new(Reason::Malformed, message)
    })
}

/// Checks that `bytes` are the ones that `message`, which they decoded to, is written as.
///
/// # Errors
/// `NON_CANONICAL`, with the bytes as they should be and the offset of the first difference.
pub(super) fn check<M: Message>(message: &M, bytes: &[u8]) -> Result<(), Rejection> {
    let reencoded = message.encode_to_vec();
    if reencoded == bytes {
        return Ok(());
    }
    let same = |(left, right): &(&u8, &u8)| left == right;
    let first_difference = reencoded.iter().zip(bytes).take_while(same).count();
    let message = format!(
        "generated code writes other bytes for this, first at offset {first_difference}; \
         sign the bytes that it writes"
    );
    Err(Rejection::new(Reason::NonCanonical, message)
        .fact("first_difference", first_difference)
        .fact("reencoded", hex::encode(reencoded)))
}

fn has_zero_run(bytes: &[u8]) -> bool {
    // Any refused run covers one whole block of half its length, which is quick to look for.
    let zeros = |block: &[u8]| block.iter().fold(0, |all, byte| all | byte) == 0;
    bytes.chunks_exact(ZERO_RUN_REFUSED / 2).any(zeros)
        && bytes
            .split(|byte| *byte != 0)
            .any(|run| run.len() >= ZERO_RUN_REFUSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_zeros_is_found_wherever_it_stands() {
        for before in 0..300 {
            for length in [255, 256, 257, 600] {
                let mut bytes = vec![1; before];
                bytes.extend(vec![0; length]);
                assert_eq!(has_zero_run(&bytes), length >= 256, "{before} {length}");
                bytes.push(1);
                assert_eq!(has_zero_run(&bytes), length >= 256, "{before} {length}");
            }
        }
    }
}
