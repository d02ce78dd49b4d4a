//! Frames: what a segment consists of after its header.

/// The bytes of a frame before what it holds.
const BEFORE: usize = 4 + 1;
/// The bytes of the checksum after it.
const CHECKSUM: usize = 4;
/// The most bytes that a frame holds.
const HOLDS_MAX: u32 = 65_535;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::store::log) enum Kind {
    /// The leaf bytes of an entry.
    Entry = 1,
    /// The checkpoint note that ends a batch.
    Checkpoint = 2,
    /// Cosignatures of an earlier checkpoint.
    Cosignatures = 3,
    /// The start of a batch.
    BatchStart = 4,
    /// The end of a segment.
    Footer = 5,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        let all = [
            Self::Entry,
            Self::Checkpoint,
            Self::Cosignatures,
            Self::BatchStart,
            Self::Footer,
        ];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Where a frame stands: the segment and the offset of its first byte in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store::log) struct Place {
    /// The number of the segment, from 0.
    pub(in crate::store::log) segment: u32,
    /// The offset in the segment's file, in bytes.
    pub(in crate::store::log) offset: u64,
}

/// A frame that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::log) struct Frame<'a> {
    /// What it holds.
    pub(in crate::store::log) kind: Kind,
    /// The bytes that it holds.
    pub(in crate::store::log) bytes: &'a [u8],
    /// The bytes that it takes in the file.
    pub(in crate::store::log) size: usize,
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::store::log) enum FrameError {
    /// The length is zero: there is no frame.
    #[error("there is no frame: its length is zero")]
    Empty,
    /// The length is out of range.
    #[error("a frame of {found} bytes; at most {HOLDS_MAX} are allowed")]
    Length {
        /// The length as given.
        found: u32,
    },
    /// The bytes end before the frame does.
    #[error("the frame takes {needed} bytes, but only {found} follow")]
    Cut {
        /// The bytes that the frame takes, as far as that is known.
        needed: usize,
        /// The bytes there are.
        found: usize,
    },
    /// The kind is not known.
    #[error("a frame of the unknown kind {found}")]
    Kind {
        /// The kind as given.
        found: u8,
    },
    /// The checksum is another.
    #[error("the checksum is {found:08x}, but the bytes give {computed:08x}")]
    Checksum {
        /// The checksum as given.
        found: u32,
        /// The checksum of place, length, kind and bytes.
        computed: u32,
    },
}

impl Place {
    /// Returns the place this many bytes further on.
    pub(in crate::store::log) fn after(self, bytes: usize) -> Self {
        let offset = self.offset.saturating_add(super::offset_of(bytes));
        Self { offset, ..self }
    }

    /// Returns the checksum of a frame that stands here.
    ///
    /// It covers the place, so that a frame that was moved is no frame, and the length, so that
    /// zeros are none.
    fn checksum(self, length: u32, kind: u8, bytes: &[u8]) -> u32 {
        let sum = crc32c::crc32c(&self.segment.to_le_bytes());
        let sum = crc32c::crc32c_append(sum, &self.offset.to_le_bytes());
        let sum = crc32c::crc32c_append(sum, &length.to_le_bytes());
        let sum = crc32c::crc32c_append(sum, &[kind]);
        crc32c::crc32c_append(sum, bytes)
    }

    /// Writes a frame that will stand here to the end of `out`; returns the place after it.
    ///
    /// # Errors
    /// [`FrameError::Length`] or [`FrameError::Empty`] where a frame does not hold so many bytes.
    pub(in crate::store::log) fn write(
        self,
        out: &mut Vec<u8>,
        kind: Kind,
        bytes: &[u8],
    ) -> Result<Self, FrameError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        match length {
            0 => return Err(FrameError::Empty),
            1..=HOLDS_MAX => {}
            found => return Err(FrameError::Length { found }),
        }
        let before = out.len();
        out.extend_from_slice(&length.to_le_bytes());
        out.push(kind as u8);
        out.extend_from_slice(bytes);
        let checksum = self.checksum(length, kind as u8, bytes);
        out.extend_from_slice(&checksum.to_le_bytes());
        Ok(self.after(out.len().saturating_sub(before)))
    }
}

/// Returns how many bytes the frame at the start of `bytes` says it takes in the file.
///
/// # Errors
/// The length is not one, or there are fewer than five bytes.
pub(in crate::store::log) fn frame_size(bytes: &[u8]) -> Result<usize, FrameError> {
    let Some((length, _)) = bytes.split_first_chunk::<4>() else {
        let (needed, found) = (BEFORE, bytes.len());
        return Err(FrameError::Cut { needed, found });
    };
    match u32::from_le_bytes(*length) {
        0 => Err(FrameError::Empty),
        length @ 1..=HOLDS_MAX => Ok(super::place_of(u64::from(length)) + BEFORE + CHECKSUM),
        found => Err(FrameError::Length { found }),
    }
}

/// Reads the frame at the start of `bytes`, which stand at `place`.
///
/// # Errors
/// See [`FrameError`].
pub(in crate::store::log) fn parse_frame(
    place: Place,
    bytes: &[u8],
) -> Result<Frame<'_>, FrameError> {
    let size = frame_size(bytes)?;
    let cut = || FrameError::Cut {
        needed: size,
        found: bytes.len(),
    };
    let whole = bytes.get(..size).ok_or_else(cut)?;
    let (length, rest) = whole.split_first_chunk::<4>().ok_or_else(cut)?;
    let (kind_byte, rest) = rest.split_first().ok_or_else(cut)?;
    let (held, checksum) = rest.split_last_chunk::<CHECKSUM>().ok_or_else(cut)?;
    let found = u32::from_le_bytes(*checksum);
    let computed = place.checksum(u32::from_le_bytes(*length), *kind_byte, held);
    if found != computed {
        return Err(FrameError::Checksum { found, computed });
    }
    let unknown = FrameError::Kind { found: *kind_byte };
    Ok(Frame {
        kind: Kind::from_byte(*kind_byte).ok_or(unknown)?,
        bytes: held,
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        segment: 3,
        offset: 1024,
    };

    #[test]
    fn a_frame_is_read_where_it_was_written_and_nowhere_else() {
        let mut out = Vec::new();
        let after = PLACE.write(&mut out, Kind::Entry, b"leaf").unwrap();
        assert_eq!(after.offset, 1024 + 13);
        assert_eq!(&out[..9], b"\x04\0\0\0\x01leaf");
        let frame = parse_frame(PLACE, &out).unwrap();
        assert_eq!(
            (frame.kind, frame.bytes, frame.size),
            (Kind::Entry, &b"leaf"[..], 13)
        );
        for elsewhere in [
            PLACE.after(1),
            Place {
                segment: 2,
                ..PLACE
            },
        ] {
            let error = parse_frame(elsewhere, &out).unwrap_err();
            assert!(matches!(error, FrameError::Checksum { .. }));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let mut out = Vec::new();
        PLACE
            .write(&mut out, Kind::Checkpoint, b"some bytes")
            .unwrap();
        for at in 0..out.len() {
            for bit in 0..8 {
                let mut bad = out.clone();
                bad[at] ^= 1 << bit;
                bad.resize(200, 0);
                assert!(parse_frame(PLACE, &bad).is_err(), "byte {at} bit {bit}");
            }
            assert!(parse_frame(PLACE, &out[..at]).is_err());
        }
    }

    #[test]
    fn limits_hold() {
        let mut out = Vec::new();
        let full = vec![1; 65_535];
        PLACE.write(&mut out, Kind::Entry, &full).unwrap();
        assert_eq!(parse_frame(PLACE, &out).unwrap().bytes, full);
        let over = PLACE.write(&mut out, Kind::Entry, &vec![1; 65_536]);
        assert_eq!(over, Err(FrameError::Length { found: 65_536 }));
        assert_eq!(
            PLACE.write(&mut out, Kind::Entry, b""),
            Err(FrameError::Empty)
        );
        assert_eq!(parse_frame(PLACE, &[0; 64]), Err(FrameError::Empty));
        let mut unknown = Vec::new();
        PLACE.write(&mut unknown, Kind::Footer, b"x").unwrap();
        unknown[4] = 6;
        let checksum = PLACE.checksum(1, 6, b"x").to_le_bytes();
        unknown[6..].copy_from_slice(&checksum);
        assert_eq!(
            parse_frame(PLACE, &unknown),
            Err(FrameError::Kind { found: 6 })
        );
    }
}
