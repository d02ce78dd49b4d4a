//! `fenrun demo`: the whole of Fenrun in one folder and half a minute, on real data.
//!
//! A ledger is founded and served over gRPC on this machine; every party signs with a key of its
//! own, as it would anywhere else ([`story`]). What is printed is read back from the service
//! ([`report`]). Then the log is forged on copies, and the forgeries are found ([`forging`]).

mod cast;
mod forging;
mod house;
mod report;
mod stage;
mod story;
mod valuing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::audit::audit_whole;
use super::guarding::{beside, place};
use super::log_signers::log_key_path;
use super::{CommandError, Context};
use crate::audit::{Report as AuditReport, Verdict};
use crate::client::{Now, random, write_durably};
use crate::config::Source;
use crate::domain::KeptReceipt;
use crate::keys::SecretKey;
use crate::store::log::{Guarding, LogOnly};
use cast::{AUDITOR, OPERATOR, PROVIDERS, VALIDATION};
use house::House;
use report::{Audited, DemoReport, Forgery, collect};
use stage::Stage;
use story::{Story, fault, name, play};

/// Plays a whole ledger on real data: contributed, valued, settled, audited, forged and found out
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// Where the demo's things lie.
struct Folder {
    root: PathBuf,
    /// Removes everything at the end where nobody said where to keep it.
    _temporary: Option<tempfile::TempDir>,
}

pub(super) async fn run(_: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let folder = folder(context)?;
    let now = context.clock();
    let report = perform(&folder, now).await?;
    let equal = report.audit.equal;
    context.show(&report)?;
    if equal {
        Ok(())
    } else {
        Err(fault(
            "the audit of the demo's ledger did not find it equal",
        ))
    }
}

/// Returns the folder that was named, which must be empty or new, or one that goes away.
fn folder(context: &Context<'_, '_>) -> Result<Folder, CommandError> {
    let typed = &context.settings.dir;
    // A folder of the environment or the configuration is that of a ledger in earnest.
    let Source::Flag(_) = typed.source else {
        let temporary = tempfile::tempdir().map_err(CommandError::input)?;
        return Ok(Folder {
            root: temporary.path().to_owned(),
            _temporary: Some(temporary),
        });
    };
    let dir = typed.value.clone();
    fs::create_dir_all(&dir).map_err(CommandError::input)?;
    let mut entries = fs::read_dir(&dir).map_err(CommandError::input)?;
    if entries.next().is_some() {
        let error = format!("{} is not empty", dir.display());
        return Err(CommandError::input(error).hint("Say --dir with a new folder."));
    }
    Ok(Folder {
        root: dir,
        _temporary: None,
    })
}

async fn perform(folder: &Folder, now: Now) -> Result<DemoReport, CommandError> {
    let root = &folder.root;
    let ledger = root.join("ledger");
    let log_key = new_key(&log_key_path(&ledger))?;
    let operator = name(OPERATOR)?;
    let key_path = root.join("keys").join(format!("{OPERATOR}.pem"));
    let operator_key = Arc::new(new_key(&key_path)?);
    write_data(&root.join("data"))?;
    let pins = house::found(&ledger, &operator_key, &log_key, now())?;
    let house = House::open(&ledger, Guarding::Kept(place(&beside(&ledger))?)).await?;
    let mut stage = Stage {
        target: house.target.clone(),
        pins: pins.clone(),
        now,
        folder: root.clone(),
        keys: BTreeMap::from([(operator.clone(), Arc::clone(&operator_key))]),
    };
    let story = play(&mut stage).await?;
    let data = shown_data(folder);
    let mut report = collect(&stage, &story, &data).await?;
    let audited = audit(&stage, &[]).await?;
    report.audit = Audited {
        verdict: said(&audited),
        equal: audited.verdict() == Verdict::Equal,
    };
    let leaves = house.leaves()?;
    house.close().await?;
    let keys = forging::Operator {
        party: &operator,
        key: &operator_key,
        log_key: &log_key,
    };
    report.forgeries = forge(&ledger, &leaves, &mut stage, &story, &keys).await?;
    if folder._temporary.is_none() {
        report.keep(root);
    }
    Ok(report)
}

/// Tries both forgeries on copies, which go away.
async fn forge(
    ledger: &Path,
    leaves: &[Bytes],
    stage: &mut Stage,
    story: &Story,
    operator: &forging::Operator<'_>,
) -> Result<Vec<Forgery>, CommandError> {
    let copies = tempfile::tempdir().map_err(fault)?;
    let flipped = copies.path().join("flipped");
    forging::copy(ledger, &flipped).map_err(fault)?;
    let leaf = leaves.get(leaves.len() / 2);
    let leaf = leaf.ok_or_else(|| fault("the log is empty"))?;
    let keys = LogOnly(stage.pins.log_keys.clone());
    let (done, found) = forging::flip_a_byte(&flipped, leaf, &keys)?;
    let first = Forgery { done, found };

    let anew = copies.path().join("anew");
    let done = forging::sign_anew(ledger, leaves, &anew, operator).await?;
    let house = House::open(&anew, Guarding::Off).await?;
    stage.target = house.target.clone();
    let alone = audit(stage, &[]).await?;
    let with_receipt = audit(stage, std::slice::from_ref(&story.kept)).await?;
    house.close().await?;
    let provider = PROVIDERS.first().map_or("", |one| one.name);
    let mut found = vec![format!("audit without receipts: {}", said(&alone))];
    let exposed = with_receipt.findings.first();
    found.push(format!(
        "audit with {provider}'s kept receipt: {}",
        exposed.map_or_else(|| said(&with_receipt), ToString::to_string)
    ));
    Ok(vec![first, Forgery { done, found }])
}

/// Audits the whole log as the auditor of the cast.
async fn audit(stage: &Stage, kept: &[KeptReceipt]) -> Result<AuditReport, CommandError> {
    let session = stage.session(&name(AUDITOR)?).await?;
    audit_whole(session.connection(), kept, false).await
}

/// Says in one line what an audit came to.
fn said(report: &AuditReport) -> String {
    let checked = &report.checked;
    format!(
        "{}: {} entries, {} signatures, {} checkpoints, {} valuation, {} settlement, {} accounts",
        report.verdict().as_str(),
        checked.entries,
        checked.signatures,
        checked.checkpoints,
        checked.valuations,
        checked.settlements,
        checked.accounts
    )
}

fn new_key(path: &Path) -> Result<SecretKey, CommandError> {
    let key = SecretKey::from_seed(&random()?);
    let pem = key.to_pem().map_err(fault)?;
    write_durably(path, pem.as_bytes(), true).map_err(CommandError::input)?;
    Ok(key)
}

/// Writes the files that the providers contribute, with the notice of their licence.
fn write_data(folder: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(folder).map_err(CommandError::input)?;
    let files = PROVIDERS.iter().map(|one| (one.name, one.csv));
    for (name, csv) in files.chain([("validation", VALIDATION)]) {
        fs::write(folder.join(format!("{name}.csv")), csv).map_err(CommandError::input)?;
    }
    let notice = folder.join("README.md");
    fs::write(notice, cast::DATA_NOTICE).map_err(CommandError::input)
}

/// Returns the folder of the data as it is shown: where it is kept, or where the project has it.
fn shown_data(folder: &Folder) -> String {
    match folder._temporary {
        Some(_) => "examples/data/digits".to_owned(),
        None => folder.root.join("data").display().to_string(),
    }
}

/// What is pinned, as the report shows it.
impl DemoReport {
    fn keep(&mut self, root: &Path) {
        let shown = root.display();
        self.folder = Some(shown.to_string());
        self.next = vec![
            format!("Everything is in {shown}. Look around:"),
            format!("  fenrun fsck --dir {shown}/ledger"),
            format!("  fenrun serve --dir {shown}/ledger"),
        ];
    }
}
