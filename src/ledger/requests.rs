//! What a request for a valuation says of the table that will answer it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;

use super::rows::ValuationRequestRow;
use crate::domain::{ContentHash, ThingId};
use crate::valuation::{Method, MethodError, Seed, SeedSource, VALUE_TABLE_FORMAT, ValueTable};

/// Returns the hash of what is in use: BLAKE3 of the ids, ascending.
pub(crate) fn uses_hash<'a>(ids: impl Iterator<Item = &'a ThingId>) -> ContentHash {
    let ids: BTreeSet<&ThingId> = ids.collect();
    let bytes: Vec<u8> = ids.into_iter().flat_map(|id| id.0).collect();
    ContentHash::of(&bytes)
}

/// Reads the method that a request names, with the seed that it has or will have, if it asks for
/// one.
///
/// # Errors
/// The service computes no such method, or the parameters are not the method's.
pub fn method_of(
    request: &ValuationRequestRow,
    seed: Option<&SeedSource>,
) -> Result<Method, MethodError> {
    // Texts were read when the request was taken, so that there are no others.
    let parameters: BTreeMap<String, String> =
        serde_json::from_str(&request.parameters).unwrap_or_default();
    let seed = seed.map(SeedSource::seed).unwrap_or_default().to_vec();
    Method::read(&request.method, &parameters, Some(seed))
        .or_else(|_| Method::read(&request.method, &parameters, None))
}

/// Returns the value table of a request as far as the request itself says what stands in it: all
/// but the values, what they are divided by, and the inputs.
pub fn drafted(
    request: &ValuationRequestRow,
    method: &Method,
    rules: u32,
    seed: Seed,
) -> ValueTable {
    ValueTable {
        contributions: Vec::new(),
        denominator: NonZero::<u128>::MIN,
        format: VALUE_TABLE_FORMAT.to_owned(),
        inputs: Vec::new(),
        method: request.method.clone(),
        owners: None,
        parameters: method.parameters(),
        period: request.period,
        pool: request.pool.clone(),
        rules,
        seed: method.seed().is_some().then_some(seed),
    }
}
