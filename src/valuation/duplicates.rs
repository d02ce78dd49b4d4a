//! Which contribution a row belongs to when several hold the same one.
//!
//! Rule `first`: a row belongs to the contribution recorded first, alone. No definition of value
//! survives copying, so copies are settled before any value is computed; a copy inside one
//! contribution is a copy too.

use std::collections::HashMap;

use super::rows::canonical_row;
use super::table::FeatureTable;

/// BLAKE3 of the canonical bytes of a row; rows are identical if their hashes are.
pub type RowHash = [u8; 32];

/// Returns the hash of every row, in row order.
///
/// Only hashes of tables whose columns have the same names in the same order can be compared.
pub fn row_hashes(table: &FeatureTable) -> Vec<RowHash> {
    table
        .iter_rows()
        .enumerate()
        .map(|(row, features)| {
            let label = table.labels().get(row).unwrap_or_default();
            blake3::hash(&canonical_row(features, label)).into()
        })
        .collect()
}

/// One row of one contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowPlace {
    /// The contribution's position in the list it was given in.
    pub contribution: usize,
    /// The row, from 0.
    pub row: usize,
}

/// The rows of several contributions, sorted into clusters of identical ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    /// Every cluster, also of a single row, in the order of its first row; its places ascend, so
    /// the first of them is the holder under the rule `first`.
    pub clusters: Vec<Vec<RowPlace>>,
    /// For each contribution how many of its rows belong elsewhere or repeat its own.
    pub copies: Vec<u64>,
}

impl Clusters {
    /// Sorts rows into clusters; the contributions stand in the order in which they count as
    /// recorded, each with the hashes of its rows.
    pub fn of<Rows: AsRef<[RowHash]>>(contributions: &[Rows]) -> Self {
        let mut numbers: HashMap<&RowHash, usize> = HashMap::new();
        let mut clusters: Vec<Vec<RowPlace>> = Vec::new();
        let mut copies = vec![0u64; contributions.len()];
        for ((contribution, rows), copies) in contributions.iter().enumerate().zip(&mut copies) {
            for (row, hash) in rows.as_ref().iter().enumerate() {
                let place = RowPlace { contribution, row };
                let number = *numbers.entry(hash).or_insert(clusters.len());
                match clusters.get_mut(number) {
                    Some(cluster) => {
                        cluster.push(place);
                        *copies = copies.saturating_add(1);
                    }
                    None => clusters.push(vec![place]),
                }
            }
        }
        Self { clusters, copies }
    }

    /// Returns the rows that each contribution keeps under the rule `first`, ascending.
    pub fn kept(&self) -> Vec<Vec<usize>> {
        let mut kept = vec![Vec::new(); self.copies.len()];
        for first in self.clusters.iter().filter_map(|cluster| cluster.first()) {
            if let Some(rows) = kept.get_mut(first.contribution) {
                rows.push(first.row);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(rows: &[(f64, &str)]) -> Vec<RowHash> {
        let cells: Vec<[f64; 1]> = rows.iter().map(|(x, _)| [*x]).collect();
        let rows = cells
            .iter()
            .zip(rows)
            .map(|(x, (_, label))| (x.as_slice(), *label));
        row_hashes(&FeatureTable::gather(&["x".to_owned()], rows).unwrap())
    }

    /// Contributions are words, rows are letters: which letters does each keep, how many are
    /// copies?
    fn check(contributions: &[&str], expected: &str) {
        let rows: Vec<Vec<RowHash>> = contributions
            .iter()
            .map(|word| word.bytes().map(|letter| [letter; 32]).collect())
            .collect();
        let clusters = Clusters::of(&rows);
        let kept = clusters
            .kept()
            .into_iter()
            .zip(&clusters.copies)
            .zip(contributions);
        let told: Vec<String> = kept
            .map(|((rows, copies), word)| {
                let letters: String = rows
                    .iter()
                    .map(|row| char::from(word.as_bytes()[*row]))
                    .collect();
                format!("{letters}-{copies}")
            })
            .collect();
        assert_eq!(told.join(" "), expected, "{contributions:?}");
    }

    #[test]
    fn a_row_belongs_to_the_first() {
        check(&[], "");
        check(&["abc"], "abc-0");
        check(&["abc", "cd"], "abc-0 d-1");
        check(&["cd", "abc"], "cd-0 ab-1");
        check(&["aab", "ba", "ca"], "ab-1 -2 c-1");
        check(&["", "a", "aaa"], "-0 a-0 -3");
    }

    #[test]
    fn clusters_name_every_place() {
        let clusters = Clusters::of(&[hashes(&[(1.0, "a"), (2.0, "a")]), hashes(&[(2.0, "a")])]);
        let place = |contribution, row| RowPlace { contribution, row };
        let expected = [vec![place(0, 0)], vec![place(0, 1), place(1, 0)]];
        assert_eq!(clusters.clusters, expected);
    }

    #[test]
    fn features_and_label_must_both_be_the_same() {
        let rows = hashes(&[(0.0, "a"), (-0.0, "a"), (0.0, "b"), (1e-9, "a")]);
        assert_eq!(rows[0], rows[1]);
        assert_ne!(rows[0], rows[2]);
        assert_ne!(rows[0], rows[3]);
    }
}
