//! What each column of a file is: label, owner, feature, or nothing.

use std::collections::HashSet;

use super::violations::{FileViolation, Violations, shortened};
use crate::valuation::TableViolation;

/// Which column of a file is what.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The name of the label column.
    pub label: String,
    /// The owner column.
    pub owner: OwnerColumn,
    /// The names of the feature columns; without them every other column is one.
    pub features: Option<Vec<String>>,
}

/// What to do with the owner column; it is never a feature.
#[derive(Debug, Clone)]
pub enum OwnerColumn {
    /// Read it if it is there.
    IfPresent(String),
    /// It must be there.
    Required(String),
    /// Leave it out.
    Ignored(String),
}

impl OwnerColumn {
    fn name(&self) -> &str {
        match self {
            Self::IfPresent(name) | Self::Required(name) | Self::Ignored(name) => name,
        }
    }
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            label: "label".to_owned(),
            owner: OwnerColumn::IfPresent("owner".to_owned()),
            features: None,
        }
    }
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The label of the rows.
    Label,
    /// Whose they are.
    Owner,
    /// A number, or several.
    Feature,
    /// Nothing that is read.
    LeftOut,
}

/// Decides from the names what each column is.
pub(super) fn roles_of(
    names: &[&str],
    columns: &Columns,
    violations: &mut Violations,
) -> Vec<Role> {
    let mut seen = HashSet::new();
    for (number, name) in (1..).zip(names) {
        if name.is_empty() {
            violations.push(FileViolation::NoName { number });
        } else if !seen.insert(*name) {
            violations.push(FileViolation::Table(TableViolation::ColumnTwice {
                column: shortened(name),
            }));
        }
    }
    let mut needed = vec![columns.label.as_str()];
    if let OwnerColumn::Required(owner) = &columns.owner {
        needed.push(owner);
    }
    for feature in columns.features.iter().flatten() {
        if *feature == columns.label || feature == columns.owner.name() {
            let column = feature.clone();
            violations.push(FileViolation::NotAFeature { column });
        } else {
            needed.push(feature);
        }
    }
    for column in needed.into_iter().filter(|name| !seen.contains(name)) {
        let column = column.to_owned();
        violations.push(FileViolation::Missing { column });
    }
    let roles: Vec<Role> = names.iter().map(|name| role_of(name, columns)).collect();
    if !roles.contains(&Role::Feature) {
        violations.push(FileViolation::Table(TableViolation::NoFeatures));
    }
    roles
}

fn role_of(name: &str, columns: &Columns) -> Role {
    let chosen = |features: &Vec<String>| features.iter().any(|feature| feature == name);
    if name == columns.label {
        Role::Label
    } else if name == columns.owner.name() {
        match columns.owner {
            OwnerColumn::Ignored(_) => Role::LeftOut,
            _ => Role::Owner,
        }
    } else if columns.features.as_ref().is_none_or(chosen) {
        Role::Feature
    } else {
        Role::LeftOut
    }
}
