//! A log as static files: the paths of tlog-tiles in a folder, for a web server or a bucket.
//!
//! A tile is written only once a checkpoint has signed all of its hashes, under its final name in
//! one step, and the checkpoint last. So whoever reads the folder meanwhile finds every tile that
//! the checkpoint there needs, and an export that was cut off is taken up where it was.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::files::{sync_folder, write_durably};
use crate::domain::TreeHash;
use crate::merkle::{
    Frontier, Nodes, TILE_WIDTH, TileId, TileKind, TileNodeError, TileNodes, Tiles, leaf_hash,
    push_bundled,
};

/// The file of the checkpoint.
const CHECKPOINT: &str = "checkpoint";

/// Why a folder cannot be read or written as a log.
#[derive(Debug, thiserror::Error)]
pub enum StaticLogError {
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A tile has another length than its name says.
    #[error("{} has {found} bytes, and its name says {expected}", .path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// The bytes that it has.
        found: usize,
        /// The bytes that it should have.
        expected: u64,
    },
    /// A node cannot be made from the tiles.
    #[error("the tiles do not make up the tree")]
    Tree(#[source] Box<TileNodeError<StaticLogError>>),
}

/// A folder with a log.
#[derive(Debug, Clone)]
pub struct StaticLog {
    folder: PathBuf,
}

impl StaticLog {
    /// Uses `folder`, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns the checkpoint note of the folder; none where nothing was exported to it yet.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn checkpoint(&self) -> Result<Option<String>, StaticLogError> {
        let path = self.folder.join(CHECKPOINT);
        match fs::read_to_string(&path) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StaticLogError::File { path, source }),
        }
    }

    /// Returns where a tile is.
    pub fn path(&self, tile: &TileId) -> PathBuf {
        self.folder.join(tile.to_string())
    }

    /// Returns the bytes of a tile or of an entry bundle.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, tile: &TileId) -> Result<Vec<u8>, StaticLogError> {
        let path = self.path(tile);
        fs::read(&path).map_err(|source| StaticLogError::File { path, source })
    }

    /// Returns the right edge of the tree of the first `size` entries, made from the tiles.
    ///
    /// # Errors
    /// A tile is missing or has another length.
    pub fn frontier(&self, size: u64) -> Result<Frontier, StaticLogError> {
        let nodes = TileNodes { tiles: self, size };
        let levels = (0..u64::BITS)
            .rev()
            .filter(|level| (size >> level) & 1 == 1);
        let edge = levels.map(|level| nodes.node(level, (size >> level).saturating_sub(1)));
        let hashes: Vec<TreeHash> = edge
            .collect::<Result<_, _>>()
            .map_err(|error| StaticLogError::Tree(Box::new(error)))?;
        let mut frontier = Frontier::new();
        // There is one hash for each one bit of the size, so this does not fail.
        if let Ok(made) = Frontier::from_parts(size, hashes) {
            frontier = made;
        }
        Ok(frontier)
    }
}

impl Tiles for StaticLog {
    type Error = StaticLogError;

    fn hashes(&self, tile: &TileId) -> Result<Vec<TreeHash>, StaticLogError> {
        let bytes = self.read(tile)?;
        let (hashes, rest) = bytes.as_chunks::<{ TreeHash::SIZE }>();
        let width = u64::try_from(hashes.len()).unwrap_or(u64::MAX);
        if width != tile.width() || !rest.is_empty() {
            return Err(StaticLogError::Length {
                path: self.path(tile),
                found: bytes.len(),
                expected: tile.width().saturating_mul(32),
            });
        }
        Ok(hashes.iter().map(|hash| TreeHash(*hash)).collect())
    }
}

/// Goes on writing a log into a folder.
#[derive(Debug)]
pub struct StaticWriter {
    log: StaticLog,
    tree: Frontier,
    /// What the last tile of each kind has so far.
    open: Vec<Open>,
    /// The full tiles that no checkpoint has signed yet.
    unsigned: Vec<(TileId, Vec<u8>)>,
    folders: BTreeSet<PathBuf>,
    written: u64,
}

/// A tile that is being filled.
#[derive(Debug)]
struct Open {
    kind: TileKind,
    count: u64,
    bytes: Vec<u8>,
}

impl StaticWriter {
    /// Goes on after the first `size` entries, which the folder has all tiles of; with
    /// `with_entries` their bundles, too.
    ///
    /// # Errors
    /// A tile is missing or has another length.
    pub fn open(log: StaticLog, size: u64, with_entries: bool) -> Result<Self, StaticLogError> {
        let tree = log.frontier(size)?;
        let entries = with_entries.then_some(TileKind::Entries);
        let mut open = Vec::new();
        for kind in TileKind::levels(size).chain(entries) {
            let count = kind.count(size);
            let last = TileId::of_size(kind, size, count / TILE_WIDTH).next();
            let bytes = last.map(|tile| log.read(&tile)).transpose()?;
            open.push(Open {
                kind,
                count,
                bytes: bytes.unwrap_or_default(),
            });
        }
        Ok(Self {
            log,
            tree,
            open,
            unsigned: Vec::new(),
            folders: BTreeSet::new(),
            written: 0,
        })
    }

    /// Returns the tree over all entries so far.
    pub fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// Returns how many files were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Adds the leaf of the next entry.
    pub fn push(&mut self, leaf: &Bytes) {
        let (open, full) = (&mut self.open, &mut self.unsigned);
        self.tree.push_with(leaf_hash(leaf), |level, _, hash| {
            let tiles_level = u8::try_from(level / 8).unwrap_or(u8::MAX);
            if level % 8 == 0 {
                let kind = TileKind::Hashes(tiles_level);
                fill(open, full, kind, &mut |bytes| {
                    bytes.extend_from_slice(&hash.0)
                });
            }
        });
        if open.iter().any(|open| open.kind == TileKind::Entries) {
            fill(open, full, TileKind::Entries, &mut |bytes| {
                push_bundled(bytes, leaf)
            });
        }
    }

    /// Notes that a checkpoint has signed the tree as it is now: what is full can be written.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn signed(&mut self) -> Result<(), StaticLogError> {
        for (tile, bytes) in std::mem::take(&mut self.unsigned) {
            self.write(&tile, &bytes)?;
        }
        Ok(())
    }

    /// Writes the partial tiles of the tree as it is now and then, all being durable, the
    /// checkpoint that signs it.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(mut self, note: &str) -> Result<u64, StaticLogError> {
        self.signed()?;
        let size = self.tree.size();
        for open in std::mem::take(&mut self.open) {
            for tile in TileId::of_size(open.kind, size, open.count / TILE_WIDTH) {
                self.write(&tile, &open.bytes)?;
            }
        }
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| StaticLogError::File { path, source }
        };
        for folder in &self.folders {
            sync_folder(folder).map_err(fault(folder))?;
        }
        let path = self.log.folder.join(CHECKPOINT);
        write_durably(&path, note.as_bytes(), false).map_err(fault(&path))?;
        Ok(self.written.saturating_add(1))
    }

    fn write(&mut self, tile: &TileId, bytes: &[u8]) -> Result<(), StaticLogError> {
        let path = self.log.path(tile);
        let fault = |source| StaticLogError::File {
            path: path.clone(),
            source,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(fault)?;
        let part = path.with_extension("part");
        let write = || {
            let mut file = File::create(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)
        };
        write().map_err(fault)?;
        // A folder that was made has a name in the one above, up to the folder of the log.
        let within = |above: &&Path| above.starts_with(&self.log.folder);
        let above = folder.ancestors().take_while(within);
        self.folders.extend(above.map(Path::to_owned));
        self.written = self.written.saturating_add(1);
        Ok(())
    }
}

/// Adds to the open tile of a kind, and closes it when it is full.
fn fill(
    open: &mut Vec<Open>,
    full: &mut Vec<(TileId, Vec<u8>)>,
    kind: TileKind,
    add: &mut dyn FnMut(&mut Vec<u8>),
) {
    let place = open.iter().position(|open| open.kind == kind);
    let place = place.unwrap_or_else(|| {
        let (count, bytes) = (0, Vec::new());
        open.push(Open { kind, count, bytes });
        open.len().saturating_sub(1)
    });
    let Some(open) = open.get_mut(place) else {
        return;
    };
    add(&mut open.bytes);
    open.count = open.count.saturating_add(1);
    if open.count.is_multiple_of(TILE_WIDTH) {
        let number = (open.count / TILE_WIDTH).saturating_sub(1);
        full.push((TileId::full(kind, number), std::mem::take(&mut open.bytes)));
    }
}
