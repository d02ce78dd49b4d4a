//! The bytes that make a row the same row everywhere, and the order of rows at equal distance.
//!
//! Two rows are identical if their canonical bytes are; the file they came from, the spelling of
//! a number and the sign of a zero do not matter, the order of the columns does.

/// Returns the canonical bytes of a row.
///
/// Each feature as the eight little-endian bytes of its `f64`, -0.0 written as 0.0; then the
/// length of the label in UTF-8 bytes as eight little-endian bytes; then the label.
pub fn canonical_row(features: &[f64], label: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(features.len().saturating_add(2).saturating_mul(8));
    for feature in features {
        // Adding positive zero changes no number but -0.0, which becomes 0.0.
        bytes.extend_from_slice(&(feature + 0.0).to_bits().to_le_bytes());
    }
    let length = u64::try_from(label.len()).unwrap_or(u64::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(label.as_bytes());
    bytes
}

/// Returns the hash by which a row is ordered among rows at equal distance: the lower is nearer.
///
/// It is `BLAKE3(seed ‖ canonical row bytes)`; rows with one hash are identical and keep the
/// order of the log.
pub fn tie_hash(seed: &[u8], canonical_row: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(seed);
    hasher.update(canonical_row);
    hasher.finalize().into()
}

/// Returns the numbers of the rows from the nearest to the farthest at equal distance.
///
/// `rows` are canonical bytes in the order of the log: by log index, then by position.
pub fn seeded_order<'a>(seed: &[u8], rows: impl Iterator<Item = &'a [u8]>) -> Vec<usize> {
    let mut hashed: Vec<([u8; 32], usize)> = rows
        .enumerate()
        .map(|(position, row)| (tie_hash(seed, row), position))
        .collect();
    hashed.sort_unstable();
    hashed.into_iter().map(|(_, position)| position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_row_are_fixed() {
        let bytes = canonical_row(&[1.0, -0.0], "ä");
        let expected = "000000000000f03f00000000000000000200000000000000c3a4";
        assert_eq!(hex::encode(bytes), expected);
        assert_eq!(canonical_row(&[0.0], "a"), canonical_row(&[-0.0], "a"));
        assert_ne!(canonical_row(&[0.0], "a"), canonical_row(&[0.0], "b"));
        assert_ne!(canonical_row(&[0.0], "a"), canonical_row(&[1e-300], "a"));
    }

    #[test]
    fn the_seed_orders_rows_and_the_log_orders_equal_ones() {
        let rows: Vec<Vec<u8>> = [1.0, 2.0, 1.0, 3.0]
            .iter()
            .map(|x| canonical_row(&[*x], "a"))
            .collect();
        let order = |seed: &[u8]| seeded_order(seed, rows.iter().map(Vec::as_slice));
        let place = |order: &[usize], row| order.iter().position(|at| *at == row).unwrap();
        let orders: Vec<Vec<usize>> = (0u8..20).map(|seed| order(&[seed])).collect();
        for order in &orders {
            assert_eq!(place(order, 0) + 1, place(order, 2), "{order:?}");
        }
        assert!(orders.iter().any(|order| order != &orders[0]));
    }
}
