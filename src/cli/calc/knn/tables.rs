//! The two tables that `fenrun calc knn` reads.

use std::path::Path;

use super::{Args, CalcKnnError, Variant};
use crate::store::tables::{Columns, OwnerColumn, read_table as read_bytes};
use crate::valuation::FeatureTable;

/// Reads training and validation rows, or says all that is wrong with both files.
pub(super) fn read_both(args: &Args) -> Result<(FeatureTable, FeatureTable), CalcKnnError> {
    let columns = |owner| Columns {
        label: args.label.clone(),
        owner,
        features: args.features.clone(),
    };
    let name = args.owner.clone().unwrap_or_else(|| "owner".to_owned());
    let of_training = if args.owner.is_some() || args.variant == Variant::Provider {
        OwnerColumn::Required(name.clone())
    } else {
        OwnerColumn::IfPresent(name.clone())
    };
    let train = read_table(&args.train, &columns(of_training));
    let validation = read_table(&args.validation, &columns(OwnerColumn::Ignored(name)));
    match (train, validation) {
        (Ok(train), Ok(validation)) => Ok((train, validation)),
        (Err(CalcKnnError::Violations(mut all)), Err(CalcKnnError::Violations(more))) => {
            all.extend(more);
            Err(CalcKnnError::Violations(all))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

fn read_table(path: &Path, columns: &Columns) -> Result<FeatureTable, CalcKnnError> {
    let bytes = std::fs::read(path).map_err(|source| CalcKnnError::Read {
        path: path.to_owned(),
        source,
    })?;
    read_bytes(bytes.into(), columns).map_err(|violations| {
        let named = violations.iter().map(|violation| in_file(path, violation));
        CalcKnnError::Violations(named.collect())
    })
}

/// Puts the name of its file before a violation.
pub(super) fn in_file(path: &Path, violation: &dyn std::fmt::Display) -> String {
    format!("{}: {violation}", path.display())
}
