//! `fenrun valuation import`.

use std::path::PathBuf;

use bytes::Bytes;

use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context, Kind};
use crate::domain::{ContentHash, ImportWeights};
use crate::valuation::ValueTable;

/// Imports a value table; by the evaluator that the pool names
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The value table, canonical JSON; it names pool, period, method and parameters
    #[arg(value_name = "TABLE.json")]
    table: PathBuf,
    /// BLAKE3 of the validation set [default: as the table names it]
    #[arg(long, value_name = "HASH")]
    validation_hash: Option<ContentHash>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let shown = args.table.display();
    let bytes = std::fs::read(&args.table)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    let table = ValueTable::parse(&bytes).map_err(CommandError::input)?;
    let named = table.inputs.iter().find(|input| input.kind == "validation");
    let validation_hash = args.validation_hash.or(named.map(|input| input.hash));
    let parameters = table
        .parameters_json()
        .map_err(|error| CommandError::new(Kind::Fault, error))?;
    let session = context.session().await?;
    let table_hash = session.connection().upload(Bytes::from(bytes)).await?;
    let what = format!(
        "the valuation of {} of pools/{} is imported",
        table.period, table.pool
    );
    let action = ImportWeights {
        pool: table.pool,
        period: table.period,
        method: table.method,
        parameters,
        validation_hash,
        table_hash,
    };
    let recorded = session.submit(action).await?;
    context.show(&RecordedReport::new(what, &recorded).created())
}
