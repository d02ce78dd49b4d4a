//! `fenrun log checkpoints`.

use serde::Serialize;

use crate::cli::report::{Columns, Report};
use crate::cli::{CommandError, Context};
use crate::domain::TreeHash;

/// How many checkpoints are listed where nobody says.
const LIMIT_DEFAULT: usize = 50;

/// Lists the published checkpoints, the oldest first, each verified under the pinned key
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only those above this size
    #[arg(long, value_name = "SIZE", default_value_t = 0)]
    after: u64,
    /// The most to list
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    size: u64,
    root: TreeHash,
    checkpoint: String,
}

#[derive(Debug, Serialize)]
struct Listed {
    checkpoints: Vec<Row>,
}

impl Report for Listed {
    fn text(&self) -> String {
        let mut columns = Columns::new(&[">size", "root"]);
        for row in &self.checkpoints {
            columns.row(vec![row.size.to_string(), row.root.to_string()]);
        }
        columns.text()
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect_freely().await?;
    let found = connection.published_checkpoints(args.after, args.limit);
    let rows = found.await?.into_iter().map(|(checkpoint, note)| Row {
        size: checkpoint.size,
        root: checkpoint.root,
        checkpoint: note,
    });
    let checkpoints = rows.collect();
    context.show(&Listed { checkpoints })
}
