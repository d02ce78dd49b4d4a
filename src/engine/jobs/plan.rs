//! What a valuation reads, written down before it is read.
//!
//! The log says who recorded what, and not whose bytes were stored when. So the first time that a
//! request is worked on decides which contributions can be looked into, and that stands in
//! `jobs/<id of the request>.plan` in the data folder, durable, until the request is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use super::run::{Halt, chain};
use crate::domain::{ContentHash, ThingId};
use crate::ledger::Recorded;
use crate::store::blobs::Blobs;
use crate::store::log::Disk;

/// The folder of the plans.
const FOLDER: &str = "jobs";
/// How the names of plans end.
const ENDING: &str = ".plan";
/// The most bytes of rows that one valuation reads: 8 GiB.
pub(super) const INPUT_BYTES_MAX: u64 = 8 << 30;
/// The largest plan that is read, in bytes.
const PLAN_BYTES_MAX: u64 = 64 << 20;

/// Which contributions are looked into, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Those whose bytes were stored.
    pub contributions: BTreeSet<ThingId>,
}

impl Plan {
    /// Returns the plan of a request: the one that was written down, or one made now of what is
    /// recorded and stored by its own party.
    ///
    /// # Errors
    /// Rows in use are not stored, there are too many bytes, or the disk fails.
    pub fn of(
        request: ThingId,
        disk: &dyn Disk,
        blobs: &Blobs,
        recorded: &BTreeMap<ThingId, Recorded>,
        is_used: &dyn Fn(&Recorded) -> bool,
    ) -> Result<Self, Halt> {
        let later = |error: io::Error| Halt::Later(format!("the plan of the valuation: {error}"));
        if let Some(plan) = read(disk, request).map_err(later)? {
            return Ok(plan);
        }
        let mut plan = Self::default();
        let (mut missing, mut bytes): (Vec<ContentHash>, u64) = (Vec::new(), 0);
        let mut names = Vec::new();
        for (id, one) in recorded {
            let hash = one.row.content_hash;
            let stored = blobs.uploaded_by(&hash, &one.row.name.party);
            let size = blobs.size(&hash).filter(|_| stored);
            match size {
                Some(size) => {
                    bytes = bytes.saturating_add(size);
                    plan.contributions.insert(*id);
                }
                None if is_used(one) => {
                    missing.push(hash);
                    names.push(one.row.name.to_string());
                }
                None => {}
            }
        }
        if !missing.is_empty() {
            let note = format!("{} uploads its rows to be valued", names.join(", "));
            return Err(Halt::Blobs(super::Stage::WaitsForRows, missing, note));
        }
        if bytes > INPUT_BYTES_MAX {
            let note = format!("the rows have {bytes} bytes, more than {INPUT_BYTES_MAX}");
            return Err(Halt::Failed(note));
        }
        write(disk, request, &plan).map_err(later)?;
        Ok(plan)
    }
}

fn name_of(request: ThingId) -> String {
    format!("{FOLDER}/{request}{ENDING}")
}

fn read(disk: &dyn Disk, request: ThingId) -> io::Result<Option<Plan>> {
    let file = match disk.open(&name_of(request)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.size()?;
    let length = usize::try_from(size.min(PLAN_BYTES_MAX)).unwrap_or(0);
    let mut bytes = vec![0; length];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let text = format!("{} is damaged: {}", name_of(request), chain(&error));
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

fn write(disk: &dyn Disk, request: ThingId, plan: &Plan) -> io::Result<()> {
    disk.create_folder(FOLDER)?;
    let (name, new) = (name_of(request), format!("{FOLDER}/new"));
    let bytes = serde_json::to_vec(plan).map_err(io::Error::other)?;
    let file = disk.open_or_create(&new)?;
    file.set_size(0)?;
    file.write_at(&bytes, 0)?;
    file.sync()?;
    disk.rename(&new, &name)?;
    disk.sync_folder(FOLDER)
}

/// Removes the plans of requests that are answered. One that stays takes up room and nothing else.
pub(super) fn forget_others(disk: &dyn Disk, open: impl Iterator<Item = ThingId>) {
    let open: BTreeSet<String> = open.map(|id| id.to_string()).collect();
    let names = match disk.list(FOLDER) {
        Ok(names) => names,
        Err(error) => {
            tracing::warn!(%error, "the plans of valuations cannot be listed");
            return;
        }
    };
    for name in names {
        let id = name.split('.').next().unwrap_or_default();
        if name != "new" && !open.contains(id) {
            let removed = disk.remove(&format!("{FOLDER}/{name}"));
            if let Err(error) = removed {
                tracing::warn!(%error, name, "the plan of a valuation cannot be removed");
            }
        }
    }
}
