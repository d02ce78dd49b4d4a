//! `fenrun contribute`: hashes a file, uploads it and records it under a name.

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;

use super::choices::Choice;
use super::log::prove::write_proof;
use super::recorded::RecordedReport;
use super::{CommandError, Context};
use crate::client::Session;
use crate::content::Hashed;
use crate::domain::{
    ContentHash, ContributionKind, ContributionName, ContributionTerms, DatasetName,
    DerivationConsent, Licence, NameError, Parent, PoolConsent, RecordContribution,
};

/// Hashes a file, uploads it and records it as one sealed version of a dataset
///
/// With --commitment nothing is uploaded: the hash alone is recorded, and uploading later makes
/// it stored.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The name: DATASET@VERSION, or with the party before it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The licence, an SPDX expression
    #[arg(long, value_name = "SPDX", conflicts_with = "licence_text")]
    licence: Option<String>,
    /// The file of the licence's text instead
    #[arg(long, value_name = "FILE", required_unless_present = "licence")]
    licence_text: Option<PathBuf>,
    /// How the data came to be
    #[arg(long, value_enum, default_value_t = Choice(ContributionKind::Original))]
    kind: Choice<ContributionKind>,
    /// How many rows it has [default: not said]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    rows: u64,
    /// What it was derived from, and the basis points passed up: CONTRIBUTION=BPS; repeatable
    #[arg(long, value_name = "CONTRIBUTION=BPS")]
    parent: Vec<String>,
    /// Which pools may use it
    #[arg(long, value_enum, default_value_t = Choice(PoolConsent::Any))]
    pools: Choice<PoolConsent>,
    /// Who may derive from it
    #[arg(long, value_enum, default_value_t = Choice(DerivationConsent::Granted))]
    derivation: Choice<DerivationConsent>,
    /// The least basis points that a child passes up
    #[arg(long, value_name = "BPS", default_value_t = 0)]
    upstream_min: u32,
    /// A description for people
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    description: String,
    /// Records the hash alone and uploads nothing
    #[arg(long)]
    commitment: bool,
    /// Writes the proof to this file, which `fenrun verify --proof` checks offline, for good
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let (dataset, version) = dataset_and_version(&args.name, context)?;
    let licence = licence(&args)?;
    let hashed = super::hash::of_file(&args.file)?;
    let session = context.session().await?;
    let parents = parents(&args.parent, &session).await?;
    if !args.commitment {
        upload(&args.file, &hashed, &session, context.streams.terminal).await?;
    }
    let record = RecordContribution {
        dataset,
        version,
        kind: args.kind.0,
        content_hash: hashed.hash,
        content_bytes: hashed.size,
        rows: args.rows,
        parents,
        terms: ContributionTerms {
            pools: args.pools.0,
            derivation: args.derivation.0,
            upstream_bps_min: args.upstream_min,
            licence,
        },
        description: args.description,
    };
    let name = record.name(&context.party()?);
    let signed = session.sign(record)?;
    let recorded = session.send(&signed).await?;
    if let Some(path) = &args.proof {
        let proof = recorded.receipt.proof(&signed.command);
        write_proof(path, &proof.map_err(CommandError::input)?)?;
    }
    let how = if args.commitment {
        "committed"
    } else {
        "stored"
    };
    let what = format!("{name} is {how}, hash {}", hashed.hash);
    let report = RecordedReport::new(what, &recorded).created();
    context.show(
        &report
            .about("content_hash", hashed.hash)
            .about("name", name),
    )
}

/// Reads `dataset@version`, or `party/dataset@version` of the party in use.
fn dataset_and_version(
    text: &str,
    context: &Context<'_, '_>,
) -> Result<(DatasetName, u32), CommandError> {
    let party = context.party()?;
    let full = if text.contains('/') {
        text.to_owned()
    } else {
        format!("{party}/{text}")
    };
    let name: ContributionName = full
        .parse()
        .map_err(|error: NameError| CommandError::input(error))?;
    if name.party != party {
        let error = format!("{name} is a name of {}, and {party} signs", name.party);
        return Err(CommandError::input(error));
    }
    Ok((name.dataset, name.version))
}

fn licence(args: &Args) -> Result<Licence, CommandError> {
    match (&args.licence, &args.licence_text) {
        (Some(expression), _) => Ok(Licence::Spdx(expression.clone())),
        (None, Some(path)) => Ok(Licence::Text(super::hash::of_file(path)?.hash)),
        (None, None) => Err(CommandError::input("--licence or --licence-text is needed")),
    }
}

async fn parents(typed: &[String], session: &Session) -> Result<Vec<Parent>, CommandError> {
    let mut parents = Vec::new();
    for text in typed {
        let split = text.rsplit_once('=');
        let split = split.and_then(|(name, bps)| Some((name, bps.parse().ok()?)));
        let (name, upstream_bps) = split.ok_or_else(|| {
            CommandError::input(format!(
                "a parent is written CONTRIBUTION=BPS, such as school/digits@2=500; not {text:?}"
            ))
        })?;
        // Whoever derives may know a parent by its id alone.
        let contribution = match name.parse() {
            Ok(id) => id,
            Err(_) => session.connection().contribution(name).await?.id,
        };
        parents.push(Parent {
            contribution,
            upstream_bps,
        });
    }
    parents.sort_unstable_by_key(|parent| parent.contribution);
    Ok(parents)
}

async fn upload(
    path: &Path,
    hashed: &Hashed,
    session: &Session,
    terminal: bool,
) -> Result<(), CommandError> {
    let bar = progress(hashed.size, terminal);
    let uploaded = session
        .connection()
        .upload_file(path, hashed, &|sent| bar.set_position(sent))
        .await;
    bar.finish_and_clear();
    Ok(uploaded?)
}

/// Returns a bar over bytes, which only a terminal shows.
pub(super) fn progress(size: u64, terminal: bool) -> ProgressBar {
    let template = "{bar:40} {bytes} of {total_bytes}, {eta} left";
    super::progress::bar(size, template, terminal)
}

/// Reads and uploads an attachment or evidence and returns its hash.
pub(super) async fn upload_attachment(
    path: &Path,
    session: &Session,
    terminal: bool,
) -> Result<ContentHash, CommandError> {
    let hashed = super::hash::of_file(path)?;
    upload(path, &hashed, session, terminal).await?;
    Ok(hashed.hash)
}
