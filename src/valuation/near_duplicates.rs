//! Rows that differ from another owner's in one feature alone: flagged, with evidence, and no more.
//!
//! A jittered copy is no identical row, and no definition of value tells it from an honest
//! neighbour. So such rows are shown to people, and nothing is decided here.
//!
//! For each feature, rows are put together that agree in the label and in all other features. A row
//! is found so by a sum of hashes of its cells without that of the feature, and then compared cell
//! by cell; memory is that of one feature at a time.

use std::collections::HashMap;

use super::duplicates::RowPlace;

/// A row that is at hand, in the order in which rows were recorded; no two are identical.
#[derive(Debug, Clone, Copy)]
pub struct DistinctRow<'a> {
    /// Where it stands.
    pub place: RowPlace,
    /// The number of its beneficial owner.
    pub owner: usize,
    /// Its features, as many in every row.
    pub features: &'a [f64],
    /// Its label.
    pub label: &'a str,
}

/// Two rows of different owners that differ in one feature alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NearPair {
    /// The row recorded later.
    pub later: RowPlace,
    /// The first row recorded before it that it nearly is.
    pub earlier: RowPlace,
    /// The number of the feature, from 0.
    pub feature: usize,
}

/// The first row of a group, and the first of another owner than that one's.
#[derive(Clone, Copy)]
struct Group {
    first: usize,
    other: Option<usize>,
}

/// Finds for each row the first one of another owner recorded before it from which it differs in
/// one feature alone, in the order of the later rows. Rows of a single feature have no such.
pub fn near_duplicates(rows: &[DistinctRow<'_>]) -> Vec<NearPair> {
    let features = rows.first().map_or(0, |row| row.features.len());
    if features < 2 {
        return Vec::new();
    }
    let whole: Vec<u128> = rows.iter().map(hash_of_row).collect();
    let mut found: Vec<Option<(usize, usize)>> = vec![None; rows.len()];
    let mut groups: HashMap<u128, Group> = HashMap::with_capacity(rows.len());
    for feature in 0..features {
        groups.clear();
        for (number, ((row, whole), best)) in rows.iter().zip(&whole).zip(&mut found).enumerate() {
            let cell = row.features.get(feature).copied().unwrap_or_default();
            let rest = whole.wrapping_sub(hash_of_cell(feature, cell));
            let group = groups.entry(rest).or_insert(Group {
                first: number,
                other: None,
            });
            let owner = |number: usize| rows.get(number).map(|row| row.owner);
            let earlier = if owner(group.first) == Some(row.owner) {
                group.other
            } else {
                group.other = group.other.or(Some(number));
                Some(group.first)
            };
            let earlier = earlier.filter(|earlier| *earlier < number);
            let agrees = |earlier: &usize| {
                let other = rows.get(*earlier);
                other.is_some_and(|other| differ_only_in(row, other, feature))
            };
            let Some(earlier) = earlier.filter(agrees) else {
                continue;
            };
            if best.is_none_or(|(known, _)| earlier < known) {
                *best = Some((earlier, feature));
            }
        }
    }
    let pair = |(later, found): (&DistinctRow<'_>, Option<(usize, usize)>)| {
        let (earlier, feature) = found?;
        Some(NearPair {
            later: later.place,
            earlier: rows.get(earlier)?.place,
            feature,
        })
    };
    rows.iter().zip(found).filter_map(pair).collect()
}

fn differ_only_in(one: &DistinctRow<'_>, other: &DistinctRow<'_>, feature: usize) -> bool {
    let mut cells = one.features.iter().zip(other.features).enumerate();
    one.label == other.label && cells.all(|(number, (x, y))| (x == y) != (number == feature))
}

/// A sum over the row's parts, from which one can be taken away again.
fn hash_of_row(row: &DistinctRow<'_>) -> u128 {
    let cells = row.features.iter().enumerate();
    let cells = cells.map(|(feature, cell)| hash_of_cell(feature, *cell));
    let label = hash(&[b"label", row.label.as_bytes()]);
    cells.fold(label, u128::wrapping_add)
}

fn hash_of_cell(feature: usize, cell: f64) -> u128 {
    let feature = u64::try_from(feature).unwrap_or(u64::MAX);
    // Adding positive zero changes no number but -0.0, which becomes 0.0.
    let cell = (cell + 0.0).to_bits();
    hash(&[b"cell", &feature.to_le_bytes(), &cell.to_le_bytes()])
}

fn hash(parts: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    u128::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Owned = (usize, Vec<f64>, &'static str);

    fn rows(owned: &[Owned]) -> Vec<DistinctRow<'_>> {
        let rows = owned.iter().enumerate();
        rows.map(|(row, (owner, features, label))| DistinctRow {
            place: RowPlace {
                contribution: *owner,
                row,
            },
            owner: *owner,
            features,
            label,
        })
        .collect()
    }

    /// Every pair of rows, compared.
    fn by_definition(rows: &[DistinctRow<'_>]) -> Vec<NearPair> {
        let mut pairs = Vec::new();
        for (number, later) in rows.iter().enumerate() {
            let differing = |earlier: &DistinctRow<'_>| {
                let cells = earlier.features.iter().zip(later.features).enumerate();
                let differing: Vec<usize> = cells
                    .filter(|(_, (x, y))| x != y)
                    .map(|(feature, _)| feature)
                    .collect();
                differing
            };
            let near = rows[..number].iter().find(|earlier| {
                let other = earlier.owner != later.owner && earlier.label == later.label;
                other && differing(earlier).len() == 1
            });
            if let Some(earlier) = near {
                pairs.push(NearPair {
                    later: later.place,
                    earlier: earlier.place,
                    feature: differing(earlier)[0],
                });
            }
        }
        pairs
    }

    #[test]
    fn one_feature_of_another_owner_is_flagged_and_nothing_else() {
        let owned = [
            (0, vec![1.0, 2.0, 3.0], "a"),
            (0, vec![1.0, 2.0, 4.0], "a"),
            (1, vec![1.0, 2.5, 3.0], "a"),
            (1, vec![1.0, 2.5, 4.0], "b"),
            (1, vec![9.0, 2.5, 4.0], "a"),
        ];
        let found = near_duplicates(&rows(&owned));
        let at = |contribution, row| RowPlace { contribution, row };
        let expected = NearPair {
            later: at(1, 2),
            earlier: at(0, 0),
            feature: 1,
        };
        assert_eq!(found, [expected]);
        assert_eq!(near_duplicates(&[]), []);
        let narrow = [(0, vec![1.0], "a"), (1, vec![2.0], "a")];
        assert_eq!(near_duplicates(&rows(&narrow)), []);
    }

    proptest! {
        #[test]
        fn equals_the_comparison_of_all_pairs(
            owned in proptest::collection::vec(
                (0usize..3, proptest::collection::vec(0u8..3, 3), 0usize..2), 0..40),
        ) {
            let mut owned: Vec<Owned> = owned
                .into_iter()
                .map(|(owner, cells, label)| {
                    let cells = cells.into_iter().map(f64::from).collect();
                    (owner, cells, ["a", "b"][label])
                })
                .collect();
            let mut seen = Vec::new();
            owned.retain(|(_, cells, label)| {
                let row = (cells.clone(), *label);
                let new = !seen.contains(&row);
                seen.push(row);
                new
            });
            let rows = rows(&owned);
            prop_assert_eq!(near_duplicates(&rows), by_definition(&rows));
        }
    }
}
