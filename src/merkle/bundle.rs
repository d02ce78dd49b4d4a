//! Entry bundles of C2SP tlog-tiles: leaves in a row, each with its length in two bytes before it.

/// Why bytes are not an entry bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the entry bundle ends at byte {end}, within its entry {entry}")]
pub struct BundleError {
    /// How many bytes it has.
    pub end: usize,
    /// The number of the entry in the bundle, from 0.
    pub entry: usize,
}

/// Adds a leaf, of at most 65,535 bytes as every leaf of the log has, to a bundle.
pub fn push_bundled(bundle: &mut Vec<u8>, leaf: &[u8]) {
    let length = u16::try_from(leaf.len()).unwrap_or(u16::MAX);
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(leaf);
}

/// Returns the leaves of a bundle.
///
/// # Errors
/// The bundle ends within an entry.
pub fn bundled(bundle: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut leaves = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let cut = BundleError {
            end: bundle.len(),
            entry: leaves.len(),
        };
        let (length, behind) = rest.split_first_chunk::<2>().ok_or(cut.clone())?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (leaf, behind) = behind.split_at_checked(length).ok_or(cut)?;
        leaves.push(leaf);
        rest = behind;
    }
    Ok(leaves)
}
