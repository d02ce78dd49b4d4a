//! A block: ascending rows packed into one value of the tree.
//!
//! Each row is the number of bytes that its key shares with the key before it, the number of
//! bytes that follow, the length of the value plus one (0 where the row is deleted), those bytes
//! and the value; numbers are LEB128. A block is read from its beginning: it holds tens of rows.

use std::ops::Range;

use bytes::Bytes;

/// A block is ended once it has this many bytes. Leaves of sled hold up to 16 rows and become
/// files of their own from 128 KiB on, which must not happen to leaves of blocks.
pub(super) const BLOCK_BYTES: usize = 4096;

/// Bits of a block's filter for each row; about one absent key in a hundred passes.
const FILTER_BITS: usize = 10;
/// Bits that each key sets.
const FILTER_PROBES: u64 = 6;

/// A block that is being filled.
#[derive(Debug, Default)]
pub(super) struct BlockBuilder {
    bytes: Vec<u8>,
    first: Vec<u8>,
    last: Vec<u8>,
    hashes: Vec<u64>,
}

/// A block that is full: what is stored, and what is kept in memory about it.
#[derive(Debug)]
pub(super) struct BuiltBlock {
    /// The rows, as stored.
    pub bytes: Bytes,
    /// The first key.
    pub first: Bytes,
    /// The filter over all keys.
    pub filter: Bytes,
}

impl BlockBuilder {
    /// Says whether no row was added since the last block.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Says whether the block should end before `key`: it is full, or another table begins.
    ///
    /// Tables differ in which of their blocks later runs leave alone, so they do not share any.
    pub fn ends_before(&self, key: &[u8]) -> bool {
        !self.is_empty() && (self.bytes.len() >= BLOCK_BYTES || self.last.first() != key.first())
    }

    /// Adds a row, or that a row is deleted; keys must ascend.
    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) {
        let shared = key
            .iter()
            .zip(&self.last)
            .take_while(|(a, b)| a == b)
            .count();
        let rest = key.get(shared..).unwrap_or_default();
        if self.is_empty() {
            self.first = key.to_vec();
        }
        write_number(&mut self.bytes, shared);
        write_number(&mut self.bytes, rest.len());
        write_number(
            &mut self.bytes,
            value.map_or(0, |value| value.len().saturating_add(1)),
        );
        self.bytes.extend_from_slice(rest);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        self.hashes.push(hash(key));
    }

    /// Returns the block, and begins the next one.
    pub fn finish(&mut self) -> BuiltBlock {
        let filter = filter(&self.hashes);
        self.hashes.clear();
        self.last.clear();
        BuiltBlock {
            bytes: Bytes::from(std::mem::take(&mut self.bytes)),
            first: Bytes::from(std::mem::take(&mut self.first)),
            filter: Bytes::from(filter),
        }
    }
}

/// The rows of a block, one after the other.
#[derive(Debug)]
pub(super) struct BlockReader<'a> {
    rest: &'a [u8],
    length: usize,
    key: Vec<u8>,
}

/// A row of a block: its key, and where in the block its value lies, none if it is deleted.
pub(super) type BlockRow<'a> = (&'a [u8], Option<Range<usize>>);

/// The block's bytes are not those of a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotABlock;

impl<'a> BlockReader<'a> {
    pub fn new(block: &'a [u8]) -> Self {
        Self {
            rest: block,
            length: block.len(),
            key: Vec::with_capacity(64),
        }
    }

    /// Goes to the next row and returns it; none at the end.
    pub fn next(&mut self) -> Result<Option<BlockRow<'_>>, NotABlock> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let shared = read_number(&mut self.rest)?;
        let key_rest = read_number(&mut self.rest)?;
        let value = read_number(&mut self.rest)?;
        if shared > self.key.len() {
            return Err(NotABlock);
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(take(&mut self.rest, key_rest)?);
        let value = match value.checked_sub(1) {
            None => None,
            Some(length) => {
                let from = self.length.saturating_sub(self.rest.len());
                take(&mut self.rest, length)?;
                Some(from..from.saturating_add(length))
            }
        };
        Ok(Some((&self.key, value)))
    }
}

/// Returns what a block says of `key`: nothing, that it is deleted, or its value.
pub(super) fn find(block: &[u8], key: &[u8]) -> Result<Option<Option<Bytes>>, NotABlock> {
    let mut rows = BlockReader::new(block);
    while let Some((found, value)) = rows.next()? {
        if found == key {
            let value = value.map(|at| block.get(at).unwrap_or_default());
            return Ok(Some(value.map(Bytes::copy_from_slice)));
        }
        if found > key {
            break;
        }
    }
    Ok(None)
}

/// Says whether a block with this filter may hold a key with this hash.
pub(super) fn may_hold(filter: &[u8], hash: u64) -> bool {
    places(filter.len(), hash).all(|(byte, bit)| {
        let bits = filter.get(byte).copied().unwrap_or(u8::MAX);
        bits & bit != 0
    })
}

/// Returns the hash of a key that filters are made of.
pub(super) fn hash(key: &[u8]) -> u64 {
    // An odd constant with irregular bits; nobody gains from keys that collide here.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = FACTOR;
    for word in key.chunks(8) {
        let mut padded = [0_u8; 8];
        for (to, from) in padded.iter_mut().zip(word) {
            *to = *from;
        }
        state = (state.rotate_left(23) ^ u64::from_le_bytes(padded)).wrapping_mul(FACTOR);
    }
    state ^= state >> 32;
    state = state.wrapping_mul(FACTOR);
    state ^ (state >> 29)
}

fn filter(hashes: &[u64]) -> Vec<u8> {
    let mut filter = vec![0_u8; hashes.len().saturating_mul(FILTER_BITS).div_ceil(8)];
    let length = filter.len();
    for hash in hashes {
        for (byte, bit) in places(length, *hash) {
            if let Some(bits) = filter.get_mut(byte) {
                *bits |= bit;
            }
        }
    }
    filter
}

/// Returns the byte and the bit of each probe into a filter of `length` bytes.
fn places(length: usize, hash: u64) -> impl Iterator<Item = (usize, u8)> {
    let bits = u64::try_from(length)
        .unwrap_or(u64::MAX)
        .saturating_mul(8)
        .max(1);
    let step = (hash >> 32) | 1;
    (0..FILTER_PROBES).map(move |probe| {
        let place = hash.wrapping_add(step.wrapping_mul(probe)) % bits;
        let byte = usize::try_from(place / 8).unwrap_or(usize::MAX);
        (byte, 1_u8 << (place % 8))
    })
}

/// Writes a number in 7-bit groups, lowest first.
pub(super) fn write_number(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Reads what [`write_number`] wrote.
pub(super) fn read_number(bytes: &mut &[u8]) -> Result<usize, NotABlock> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(NotABlock)?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(NotABlock)
}

/// Takes `length` bytes off the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], NotABlock> {
    let (front, rest) = bytes.split_at_checked(length).ok_or(NotABlock)?;
    *bytes = rest;
    Ok(front)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

    fn built(rows: &Rows) -> BuiltBlock {
        let mut builder = BlockBuilder::default();
        for (key, value) in rows {
            builder.add(key, value.as_deref());
        }
        builder.finish()
    }

    fn read(block: &[u8]) -> Result<Rows, NotABlock> {
        let mut rows = Rows::new();
        let mut reader = BlockReader::new(block);
        while let Some((key, value)) = reader.next()? {
            rows.insert(key.to_vec(), value.map(|at| block[at].to_vec()));
        }
        Ok(rows)
    }

    proptest! {
        #[test]
        fn a_block_holds_the_rows_that_were_added(
            rows in btree_map(vec(0u8..4, 0..6), prop::option::of(vec(any::<u8>(), 0..300)), 1..40),
            absent in vec(0u8..4, 0..6),
        ) {
            let block = built(&rows);
            prop_assert_eq!(&read(&block.bytes).unwrap(), &rows);
            prop_assert_eq!(&block.first[..], rows.keys().next().unwrap().as_slice());
            for (key, value) in &rows {
                prop_assert!(may_hold(&block.filter, hash(key)));
                let found = find(&block.bytes, key).unwrap().unwrap();
                prop_assert_eq!(found.as_deref(), value.as_deref());
            }
            let found = find(&block.bytes, &absent).unwrap();
            prop_assert_eq!(found.is_some(), rows.contains_key(&absent));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..60)) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn a_filter_passes_few_absent_keys() {
        let rows: Rows = (0..50_u64)
            .map(|n| (blake3::hash(&n.to_le_bytes()).as_bytes().to_vec(), None))
            .collect();
        let block = built(&rows);
        let passed = (1000..11_000_u64)
            .filter(|n| {
                may_hold(
                    &block.filter,
                    hash(blake3::hash(&n.to_le_bytes()).as_bytes()),
                )
            })
            .count();
        assert!(passed < 300, "{passed} of 10,000 absent keys passed");
    }

    #[test]
    fn tables_do_not_share_blocks_and_full_blocks_end() {
        let mut builder = BlockBuilder::default();
        assert!(!builder.ends_before(b"Ca"));
        builder.add(b"Ca", Some(b"1"));
        assert!(!builder.ends_before(b"Cb"));
        assert!(builder.ends_before(b"Da"));
        builder.add(b"Cb", Some(&[0; BLOCK_BYTES]));
        assert!(builder.ends_before(b"Cc"));
    }
}
