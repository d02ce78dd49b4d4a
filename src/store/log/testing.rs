//! A disk in memory that loses what was not synced, and that fails when it is told to.
//!
//! A file has the bytes that can be read and the bytes that are on the platter. A write changes
//! the first, a sync copies what was written since to the second. A sync that fails marks what was
//! written as clean all the same, as some systems do: it can be read, and no later sync writes it.
//! [`SimDisk::crash`] is a loss of power: each sector that differs is either old or new, and names
//! that were not synced are gone from some point on.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

const SECTOR: usize = 512;

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing is done.
    Clean,
    /// Everything is done, and the error comes all the same.
    AfterPersisting,
    /// Some of it is done: the first half of a write, every second sector of a sync.
    Halfway,
    /// Nothing is done, for lack of room.
    NoSpace,
}

/// What kind of operation the disk was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Write,
    Sync,
    SetSize,
    Create,
    Rename,
    Remove,
    SyncFolder,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that were written since the last sync.
    dirty: BTreeSet<usize>,
    /// The size was changed since the last sync.
    resized: bool,
}

#[derive(Debug, Clone)]
enum Naming {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug, Default)]
struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<Naming>,
    operations: u64,
    failure: Option<(u64, Failure)>,
    failed: Option<Operation>,
    room: Option<usize>,
}

/// A disk in memory; clones are the same disk.
#[derive(Debug, Default, Clone)]
pub(crate) struct SimDisk(Arc<Mutex<World>>);

struct SimFile {
    world: Arc<Mutex<World>>,
    inode: usize,
}

fn locked(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimDisk {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Makes the operation with this number fail; operations are counted from 0 from now on.
    pub(crate) fn fail_at(&self, operation: u64, failure: Failure) {
        let mut world = locked(&self.0);
        world.operations = 0;
        world.failure = Some((operation, failure));
        world.failed = None;
    }

    /// Lets everything succeed from now on; returns what has failed since it was told to.
    pub(crate) fn heal(&self) -> Option<Operation> {
        let mut world = locked(&self.0);
        world.failure = None;
        world.failed.take()
    }

    /// Limits the bytes that all files may have together.
    pub(crate) fn limit_room(&self, bytes: Option<usize>) {
        locked(&self.0).room = bytes;
    }

    /// Returns the bytes that all files have together.
    pub(crate) fn used(&self) -> usize {
        let world = locked(&self.0);
        let sizes = world
            .names
            .values()
            .map(|inode| world.inodes[*inode].live.len());
        sizes.sum()
    }

    /// Returns another disk that is as this one would be after a loss of power.
    ///
    /// `keep` decides for each sector that is not synced whether its new bytes are on the disk, and
    /// in the same way for sizes; it is given the name of the file. For names it is given none.
    pub(crate) fn crash(&self, keep: &mut dyn FnMut(&str) -> bool) -> Self {
        let world = locked(&self.0);
        let mut after = World {
            names: world.durable_names.clone(),
            ..World::default()
        };
        for naming in &world.unsynced_names {
            // Names reach the disk in their order.
            if !keep("") {
                break;
            }
            apply(&mut after.names, naming);
        }
        after.durable_names = after.names.clone();
        let mut inodes = world.inodes.clone();
        for (name, inode) in &world.names {
            inodes[*inode] = world.inodes[*inode].crash(&mut || keep(name));
        }
        // Files without a name now may have one after the crash; nothing tells them apart then.
        let named: BTreeSet<usize> = world.names.values().copied().collect();
        for inode in (0..inodes.len()).filter(|inode| !named.contains(inode)) {
            inodes[inode] = inodes[inode].crash(&mut || keep(""));
        }
        after.inodes = inodes;
        Self(Arc::new(Mutex::new(after)))
    }

    /// Returns in how many sectors the segments differ from what is on the platter.
    pub(crate) fn unsynced_segments(&self) -> usize {
        let world = locked(&self.0);
        let segments = world
            .names
            .iter()
            .filter(|(name, _)| name.ends_with(".seg"));
        segments
            .map(|(_, inode)| world.inodes[*inode].different().len())
            .sum()
    }

    /// Returns a copy that shares nothing with this disk.
    pub(crate) fn copy(&self) -> Self {
        let world = locked(&self.0);
        Self(Arc::new(Mutex::new(World {
            inodes: world.inodes.clone(),
            names: world.names.clone(),
            durable_names: world.durable_names.clone(),
            unsynced_names: world.unsynced_names.clone(),
            ..World::default()
        })))
    }

    /// Returns the bytes of a file.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let world = locked(&self.0);
        world.inodes[world.names[name]].live.clone()
    }

    /// Replaces the bytes of a file, durably.
    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut world = locked(&self.0);
        let inode = world.inodes.len();
        world.inodes.push(Inode {
            live: bytes.clone(),
            durable: bytes,
            ..Inode::default()
        });
        world.names.insert(name.to_owned(), inode);
        world.durable_names.insert(name.to_owned(), inode);
    }

    /// Removes a file, durably.
    pub(crate) fn take(&self, name: &str) {
        let mut world = locked(&self.0);
        world.names.remove(name);
        world.durable_names.remove(name);
    }

    /// Returns the names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        locked(&self.0).names.keys().cloned().collect()
    }
}

fn apply(names: &mut BTreeMap<String, usize>, naming: &Naming) {
    match naming {
        Naming::Create(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        Naming::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        Naming::Remove(name) => {
            names.remove(name);
        }
    }
}

impl Inode {
    fn different(&self) -> Vec<usize> {
        let sectors = self.live.len().max(self.durable.len()).div_ceil(SECTOR);
        let sector = |bytes: &[u8], at: usize| {
            let from = (at * SECTOR).min(bytes.len());
            bytes[from..((at + 1) * SECTOR).min(bytes.len())].to_vec()
        };
        (0..sectors)
            .filter(|at| sector(&self.live, *at) != sector(&self.durable, *at))
            .collect()
    }

    /// Brings a sector to the platter; beyond its end there are zeros.
    fn persist(&mut self, sector: usize) {
        let from = sector * SECTOR;
        let end = (from + SECTOR).min(self.live.len());
        if from >= end {
            return;
        }
        if self.durable.len() < end {
            self.durable.resize(end, 0);
        }
        self.durable[from..end].copy_from_slice(&self.live[from..end]);
    }

    fn crash(&self, keep: &mut dyn FnMut() -> bool) -> Self {
        let mut after = self.clone();
        for sector in self.different() {
            if keep() {
                after.persist(sector);
            }
        }
        if after.durable.len() != self.live.len() && keep() {
            after.durable.resize(self.live.len(), 0);
        }
        after.live = after.durable.clone();
        after.dirty.clear();
        after.resized = false;
        after
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.live.len() < end {
            self.live.resize(end, 0);
            self.resized = true;
        }
        self.live[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }

    fn sync(&mut self, persists: impl Fn(usize) -> bool) {
        let dirty = std::mem::take(&mut self.dirty);
        dirty
            .into_iter()
            .filter(|at| persists(*at))
            .for_each(|at| self.persist(at));
        if std::mem::take(&mut self.resized) && persists(0) {
            self.durable.resize(self.live.len(), 0);
        }
    }
}

impl World {
    /// Counts an operation; tells how it fails, if it does.
    fn count(&mut self, operation: Operation) -> Option<Failure> {
        let number = self.operations;
        self.operations += 1;
        let failure = self.failure.filter(|(at, _)| *at == number)?.1;
        self.failed = Some(operation);
        Some(failure)
    }

    fn name(&mut self, naming: Naming) {
        apply(&mut self.names, &naming);
        self.unsynced_names.push(naming);
    }

    fn has_room(&self, inode: usize, size: usize) -> bool {
        let used: usize = self
            .names
            .values()
            .map(|inode| self.inodes[*inode].live.len())
            .sum();
        let more = size.saturating_sub(self.inodes[inode].live.len());
        self.room
            .is_none_or(|room| more == 0 || used + more <= room)
    }
}

fn error(failure: Failure) -> io::Error {
    match failure {
        Failure::NoSpace => io::ErrorKind::StorageFull.into(),
        _ => io::Error::other("simulated"),
    }
}

/// Does an operation that is done as a whole or not at all.
fn whole(world: &mut World, operation: Operation, act: impl FnOnce(&mut World)) -> io::Result<()> {
    match world.count(operation) {
        None => {
            act(world);
            Ok(())
        }
        Some(Failure::AfterPersisting) => {
            act(world);
            Err(error(Failure::AfterPersisting))
        }
        Some(failure) => Err(error(failure)),
    }
}

impl Disk for SimDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let world = locked(&self.0);
        let inode = *world.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimFile {
            world: Arc::clone(&self.0),
            inode,
        }))
    }

    fn open_or_create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        if let Ok(file) = self.open(name) {
            return Ok(file);
        }
        let mut world = locked(&self.0);
        whole(&mut world, Operation::Create, |world| {
            let inode = world.inodes.len();
            world.inodes.push(Inode::default());
            world.name(Naming::Create(name.to_owned(), inode));
        })?;
        drop(world);
        self.open(name)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let world = locked(&self.0);
        let names = world.names.keys();
        let names = names.filter_map(|name| name.strip_prefix(folder)?.strip_prefix('/'));
        Ok(names.map(str::to_owned).collect())
    }

    fn create_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = locked(&self.0);
        if !world.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        whole(&mut world, Operation::Rename, |world| {
            world.name(Naming::Rename(from.to_owned(), to.to_owned()));
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = locked(&self.0);
        if !world.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        whole(&mut world, Operation::Remove, |world| {
            world.name(Naming::Remove(name.to_owned()));
        })
    }

    fn sync_folder(&self, _: &str) -> io::Result<()> {
        // A failed sync of a folder leaves its names as they are: lost only at a crash.
        whole(&mut locked(&self.0), Operation::SyncFolder, |world| {
            world.durable_names = world.names.clone();
            world.unsynced_names.clear();
        })
    }
}

impl DiskFile for SimFile {
    fn lock(&self) -> io::Result<bool> {
        Ok(true) // There is one process on this disk.
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let world = locked(&self.world);
        let live = &world.inodes[self.inode].live;
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(live.len());
        let count = bytes.len().min(live.len() - from);
        bytes[..count].copy_from_slice(&live[from..from + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut world = locked(&self.world);
        let offset = usize::try_from(offset).unwrap();
        let failure = world.count(Operation::Write);
        if !world.has_room(self.inode, offset + bytes.len()) {
            return Err(error(Failure::NoSpace));
        }
        let written = match failure {
            None | Some(Failure::AfterPersisting) => bytes.len(),
            // A sector is written as a whole or not at all.
            Some(Failure::Halfway) => bytes.len() / 2 / SECTOR * SECTOR,
            Some(Failure::Clean | Failure::NoSpace) => 0,
        };
        let inode = &mut world.inodes[self.inode];
        if written > 0 {
            inode.write(&bytes[..written], offset);
        }
        if failure == Some(Failure::AfterPersisting) {
            inode.sync(|_| true);
        }
        failure.map_or(Ok(()), |failure| Err(error(failure)))
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = locked(&self.world);
        let failure = world.count(Operation::Sync);
        let inode = &mut world.inodes[self.inode];
        match failure {
            None | Some(Failure::AfterPersisting) => inode.sync(|_| true),
            Some(Failure::Halfway) => inode.sync(|sector| sector.is_multiple_of(2)),
            Some(Failure::Clean | Failure::NoSpace) => inode.sync(|_| false),
        }
        failure.map_or(Ok(()), |failure| Err(error(failure)))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(locked(&self.world).inodes[self.inode].live.len() as u64)
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).unwrap();
        let inode = self.inode;
        whole(&mut locked(&self.world), Operation::SetSize, |world| {
            let inode = &mut world.inodes[inode];
            inode.live.resize(bytes, 0);
            inode.resized = true;
        })
    }
}
