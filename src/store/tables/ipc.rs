//! Arrow IPC: a stream of record batches, or a file, which is such a stream between a magic and a
//! footer.
//!
//! Buffers are slices of the bytes that are there, so that no length written in them can ask for
//! memory; compressed buffers are refused for that reason.

use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::root_as_message;
use bytes::Bytes;

use super::batches::BatchReader;
use super::columns::Columns;
use super::violations::FileViolation;
use crate::valuation::FeatureTable;

/// The first bytes of a file; zeros follow up to a writer's alignment.
pub const FILE_MAGIC: &[u8] = b"ARROW1";
/// The first bytes of a stream: the mark before the length of a message.
pub const STREAM_MAGIC: &[u8] = &[0xff; 4];

/// The mark at the end of a stream.
const END: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// How many bytes stand before a message: mark and length.
const HEAD_BYTES: usize = 8;
/// How many stand behind its footer: its length and the magic.
const TAIL_BYTES: usize = 10;

/// Reads a table from the bytes of an Arrow IPC file or stream.
///
/// # Errors
/// Everything that is wrong with the file; more than `limit` bytes of cells.
pub(super) fn read_ipc(
    bytes: Bytes,
    columns: &Columns,
    limit: u64,
) -> Result<FeatureTable, Vec<FileViolation>> {
    let stream = match bytes.starts_with(FILE_MAGIC) {
        true => stream_of_file(&bytes).ok_or_else(|| unreadable("its footer is not there"))?,
        false => bytes,
    };
    let messages = stream.slice(..length_of_messages(&stream)?);
    let mut decoder = StreamDecoder::new();
    let mut reader = None;
    // The decoder takes up a message without a body when the next bytes come, be it the end mark.
    for bytes in [messages, Bytes::from_static(END)] {
        let mut rest = Buffer::from(bytes);
        loop {
            let batch = decoder.decode(&mut rest).map_err(unreadable)?;
            if reader.is_none()
                && let Some(schema) = decoder.schema()
            {
                reader = Some(BatchReader::new(&schema, columns, limit)?);
            }
            match (batch, &mut reader) {
                (Some(batch), Some(reader)) => reader.add(&batch)?,
                _ => break,
            }
        }
    }
    decoder.finish().map_err(unreadable)?;
    match reader {
        Some(reader) => reader.finish(),
        None => Err(unreadable("it has no schema")),
    }
}

/// Returns how many bytes of a stream stand before its end mark or its end.
fn length_of_messages(stream: &Bytes) -> Result<usize, Vec<FileViolation>> {
    let mut place = 0usize;
    while let Some(length) = length_of_message(stream.get(place..).unwrap_or_default())? {
        place = place.saturating_add(length);
    }
    Ok(place)
}

/// Returns how long the message is that bytes begin with, or none at the end mark or the end.
fn length_of_message(rest: &[u8]) -> Result<Option<usize>, Vec<FileViolation>> {
    let cut = || unreadable("it ends within a message");
    let head = match rest.first_chunk::<HEAD_BYTES>() {
        None if rest.is_empty() => return Ok(None),
        None => return Err(cut()),
        Some(head) => head,
    };
    let [mark @ .., l0, l1, l2, l3] = *head;
    if mark != *STREAM_MAGIC {
        return Err(unreadable("a message does not begin with its mark"));
    }
    let length = usize::try_from(i32::from_le_bytes([l0, l1, l2, l3])).map_err(unreadable)?;
    if length == 0 {
        return Ok(None);
    }
    let end = HEAD_BYTES.saturating_add(length);
    let message = root_as_message(rest.get(HEAD_BYTES..end).ok_or_else(cut)?);
    let body = message.map_err(unreadable)?.bodyLength();
    let end = end.saturating_add(usize::try_from(body).map_err(unreadable)?);
    if end > rest.len() {
        return Err(cut());
    }
    Ok(Some(end))
}

fn stream_of_file(bytes: &Bytes) -> Option<Bytes> {
    let tail = bytes.len().checked_sub(TAIL_BYTES)?;
    let length: [u8; 4] = bytes.get(tail..)?.first_chunk().copied()?;
    let footer = usize::try_from(i32::from_le_bytes(length)).ok()?;
    let end = tail.checked_sub(footer)?;
    let body = bytes.get(FILE_MAGIC.len()..end)?;
    let zeros = body.iter().position(|byte| *byte != 0)?;
    let stream = bytes.slice(FILE_MAGIC.len().saturating_add(zeros)..end);
    bytes.ends_with(FILE_MAGIC).then_some(stream)
}

fn unreadable(problem: impl std::fmt::Display) -> Vec<FileViolation> {
    vec![FileViolation::Unreadable {
        kind: "Arrow IPC",
        problem: problem.to_string(),
    }]
}
