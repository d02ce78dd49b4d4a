//! Tiles: the tree in pieces of 256 hashes that never change, as C2SP tlog-tiles cuts it.
//!
//! A tile of level `l` holds the roots of complete subtrees of 256^l leaves, so that its hashes are
//! nodes of level `8 * l` of the tree. The levels between are made by hashing a tile's own hashes.

use std::fmt;
use std::str::FromStr;

use crate::domain::TreeHash;

use super::hashing::node_hash;
use super::prove::Nodes;

/// How many hashes, or entries, a full tile has.
pub const TILE_WIDTH: u64 = 256;
/// How many levels of the tree one level of tiles covers.
const LEVELS_PER_TILE: u32 = 8;
/// The highest level of a tile that a path can name.
const LEVEL_MAX: u8 = 63;
/// What all paths begin with.
const ROOT: &str = "tile";
/// What stands in place of a level in the path of an entry bundle.
const ENTRIES: &str = "entries";

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of this level of tiles, 0 for leaf hashes; at most 63.
    Hashes(u8),
    /// Entries, each with its length in two bytes before it.
    Entries,
}

/// Which tile: shown and parsed as its path, such as `tile/0/x001/234` or `tile/1/000.p/17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    kind: TileKind,
    index: u64,
    width: u64,
}

/// Why a text is not the path of a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not the path of a tile: tile/LEVEL/INDEX or tile/entries/INDEX, the index in \
     groups of three digits as x001/234, a partial tile with .p/WIDTH behind it"
)]
pub struct TilePathError {
    /// The start of the text as given.
    text: String,
}

impl TileId {
    /// Returns a full tile.
    pub fn full(kind: TileKind, index: u64) -> Self {
        let width = TILE_WIDTH;
        Self { kind, index, width }
    }

    /// Returns all tiles of a kind that a tree of `size` leaves has from tile `first` on, the
    /// partial one last.
    pub fn of_size(kind: TileKind, size: u64, first: u64) -> impl Iterator<Item = Self> {
        let count = kind.count(size);
        let full = count.checked_div(TILE_WIDTH).unwrap_or_default();
        let rest = count.checked_rem(TILE_WIDTH).unwrap_or_default();
        let partial = (rest > 0 && full >= first).then_some(Self {
            kind,
            index: full,
            width: rest,
        });
        (first..full)
            .map(move |index| Self::full(kind, index))
            .chain(partial)
    }

    /// Returns what the tile holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Returns the number of the first hash or entry, among those of its level.
    pub fn first(&self) -> u64 {
        // A parsed index is below 2^56, and so are those of trees that exist.
        self.index.saturating_mul(TILE_WIDTH)
    }

    /// Returns the number after its last hash or entry.
    pub fn end(&self) -> u64 {
        self.first().saturating_add(self.width)
    }

    /// Returns how many hashes or entries it has, 1 to 256.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// Says whether a tree of `size` leaves has all of the tile.
    pub fn is_in(&self, size: u64) -> bool {
        self.end() <= self.kind.count(size)
    }
}

impl TileKind {
    /// Returns the level of the tree that its hashes are nodes of.
    pub fn tree_level(self) -> u32 {
        match self {
            Self::Hashes(level) => u32::from(level).saturating_mul(LEVELS_PER_TILE),
            Self::Entries => 0,
        }
    }

    /// Returns how many hashes of its level, or entries, a tree of `size` leaves has.
    pub fn count(self, size: u64) -> u64 {
        size.checked_shr(self.tree_level()).unwrap_or_default()
    }

    /// Returns the kinds of hash tiles that a tree of `size` leaves has, lowest level first.
    pub fn levels(size: u64) -> impl Iterator<Item = Self> {
        let levels = (0..=LEVEL_MAX).map(Self::Hashes);
        levels.take_while(move |level| level.count(size) > 0)
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "{ROOT}/{level}")?,
            TileKind::Entries => write!(f, "{ROOT}/{ENTRIES}")?,
        }
        let digits = self.index.to_string();
        let digits = format!(
            "{digits:0>width$}",
            width = digits.len().next_multiple_of(3)
        );
        let mut groups = digits.as_bytes().chunks(3).peekable();
        while let Some(group) = groups.next() {
            let group = str::from_utf8(group).unwrap_or_default();
            let more = if groups.peek().is_some() { "x" } else { "" };
            write!(f, "/{more}{group}")?;
        }
        if self.width < TILE_WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for TileId {
    type Err = TilePathError;

    fn from_str(text: &str) -> Result<Self, TilePathError> {
        let wrong = || TilePathError {
            text: text.chars().take(80).collect(),
        };
        let tile = parse(text).ok_or_else(wrong)?;
        // What shows differently was written with other digits than those there have to be.
        if tile.to_string() == text {
            Ok(tile)
        } else {
            Err(wrong())
        }
    }
}

fn parse(text: &str) -> Option<TileId> {
    let rest = text.strip_prefix(ROOT)?.strip_prefix('/')?;
    let (kind, rest) = rest.split_once('/')?;
    let kind = match kind {
        ENTRIES => TileKind::Entries,
        level => TileKind::Hashes(level.parse().ok().filter(|level| *level <= LEVEL_MAX)?),
    };
    let (path, width) = match rest.split_once(".p/") {
        Some((path, width)) => {
            let width = width.parse().ok();
            (path, width.filter(|width| (1..TILE_WIDTH).contains(width))?)
        }
        None => (rest, TILE_WIDTH),
    };
    let digits: String = path
        .split('/')
        .map(|group| group.trim_start_matches('x'))
        .collect();
    let index: u64 = digits.parse().ok()?;
    // All numbers of hashes and entries in it are below 2^64.
    let fits = index.checked_add(1)?.checked_mul(TILE_WIDTH).is_some();
    fits.then_some(TileId { kind, index, width })
}

/// Reads tiles of hashes.
pub trait Tiles {
    /// Why a tile cannot be had.
    type Error;

    /// Returns the hashes of a tile, as many as its width says.
    ///
    /// # Errors
    /// The tile is not there, cannot be read, or has another length.
    fn hashes(&self, tile: &TileId) -> Result<Vec<TreeHash>, Self::Error>;
}

/// Why a node cannot be made from tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileNodeError<E> {
    /// The tree does not have the node.
    #[error("node {index} of level {level} is not complete in a tree of {size} entries")]
    Incomplete {
        /// The level: the node would have 2^level leaves.
        level: u32,
        /// The number of the node in its level.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A tile cannot be had.
    #[error("cannot read the tile {tile}")]
    Tile {
        /// Which one.
        tile: TileId,
        /// Why.
        #[source]
        source: E,
    },
    /// A tile is shorter than its name says.
    #[error("the tile {tile} holds fewer hashes than its name says")]
    Short {
        /// Which one.
        tile: TileId,
    },
}

/// The nodes of a tree of one size, made from its tiles.
#[derive(Debug, Clone, Copy)]
pub struct TileNodes<'a, T> {
    /// Where the tiles are.
    pub tiles: &'a T,
    /// The size of the tree, in leaves.
    pub size: u64,
}

impl<T: Tiles> Nodes for TileNodes<'_, T> {
    type Error = TileNodeError<T::Error>;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, Self::Error> {
        let size = self.size;
        let incomplete = TileNodeError::Incomplete { level, index, size };
        if index >= size.checked_shr(level).unwrap_or_default() {
            return Err(incomplete);
        }
        let (tiles_level, above) = (level / LEVELS_PER_TILE, level % LEVELS_PER_TILE);
        let Ok(tiles_level) = u8::try_from(tiles_level) else {
            return Err(incomplete);
        };
        let kind = TileKind::Hashes(tiles_level);
        // The node's hashes in its tile: 2^above of them, of which the tree has all.
        let first = index << above;
        let number = first.checked_div(TILE_WIDTH).unwrap_or_default();
        let tile = TileId {
            kind,
            index: number,
            width: kind
                .count(size)
                .saturating_sub(number.saturating_mul(TILE_WIDTH))
                .min(TILE_WIDTH),
        };
        let hashes = self.tiles.hashes(&tile);
        let hashes = hashes.map_err(|source| TileNodeError::Tile { tile, source })?;
        let from = usize::try_from(first.saturating_sub(tile.first())).unwrap_or(usize::MAX);
        let below = hashes.get(from..).and_then(|rest| rest.get(..1 << above));
        below
            .and_then(root_of_complete)
            .ok_or(TileNodeError::Short { tile })
    }
}

/// Returns the root over hashes whose number is a power of two.
fn root_of_complete(hashes: &[TreeHash]) -> Option<TreeHash> {
    match hashes {
        [] => None,
        [only] => Some(*only),
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Some(node_hash(
                &root_of_complete(left)?,
                &root_of_complete(right)?,
            ))
        }
    }
}
