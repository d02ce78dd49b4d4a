//! Page tokens: where a list goes on, opaque to clients.
//!
//! A token holds its version, the size of the log that the list is pinned to, the place of the
//! last thing looked at, and a check over the list's name and filters, so that a token of another
//! list, or of the same list with other filters, is refused instead of giving a page that means
//! nothing. It gives no access: each page asks what the caller may see.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::limits::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};
use super::status::Failure;

/// The version of the form below, the first byte of a token.
const VERSION: u8 = 1;
/// The bytes of the check over list and filters.
const LIST_CHECK_SIZE: usize = 8;
/// The bytes of the check over the token itself.
const CHECK_SIZE: usize = 4;
/// The most characters of a token; longer ones are not decoded.
const TOKEN_CHARACTERS_MAX: usize = 512;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The size of the log that the list is pinned to.
    pub size: u64,
    /// The last thing looked at, in a form that is the list's own.
    pub after: Vec<u8>,
}

/// A list by its name and the filters of the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct List([u8; LIST_CHECK_SIZE]);

impl List {
    /// Returns a list from its name and the bytes of its filters.
    pub fn new(name: &str, filters: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("fenrun v1 page token list");
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
        hasher.update(filters);
        let mut check = [0; LIST_CHECK_SIZE];
        hasher.finalize_xof().fill(&mut check);
        Self(check)
    }

    /// Returns the token of a place in the list.
    pub fn token(&self, place: &Place) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(&place.size.to_be_bytes());
        bytes.extend_from_slice(&place.after);
        bytes.extend_from_slice(&check(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the place that a token stands for; none where it is empty, for the first page.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where it is no token, of another version, or of another list.
    pub fn place(&self, token: &str) -> Result<Option<Place>, Failure> {
        if token.is_empty() {
            return Ok(None);
        }
        let wrong = |text: &str| {
            let text = format!("{text}; leave it empty to begin with the first page");
            Failure::field("page_token", text)
        };
        let form = || wrong("is not a page token of this service, or was cut off or changed");
        if token.len() > TOKEN_CHARACTERS_MAX {
            return Err(form());
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| form())?;
        let (said, found) = bytes.split_last_chunk::<CHECK_SIZE>().ok_or_else(form)?;
        if check(said) != *found {
            return Err(form());
        }
        let (version, rest) = said.split_first().ok_or_else(form)?;
        if *version != VERSION {
            return Err(wrong("is of another version of this service"));
        }
        let (list, rest) = rest
            .split_first_chunk::<LIST_CHECK_SIZE>()
            .ok_or_else(form)?;
        if *list != self.0 {
            return Err(wrong(
                "belongs to another list, or to this one with other filters",
            ));
        }
        let (size, after) = rest.split_first_chunk::<8>().ok_or_else(form)?;
        Ok(Some(Place {
            size: u64::from_be_bytes(*size),
            after: after.to_vec(),
        }))
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK_SIZE] {
    let mut check = [0; CHECK_SIZE];
    let mut hasher = blake3::Hasher::new_derive_key("fenrun v1 page token");
    hasher.update(bytes);
    hasher.finalize_xof().fill(&mut check);
    check
}

/// Returns how many items a page has.
///
/// # Errors
/// `INVALID_ARGUMENT` above [`PAGE_SIZE_MAX`].
pub(super) fn page_size(asked: u32) -> Result<usize, Failure> {
    let size = match asked {
        0 => PAGE_SIZE_DEFAULT,
        1..=PAGE_SIZE_MAX => asked,
        _ => {
            let text = format!("{asked} is not in 1 to {PAGE_SIZE_MAX}, nor 0 for the usual");
            return Err(Failure::field("page_size", text));
        }
    };
    usize::try_from(size).map_err(|error| Failure::Fault(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Rejection;

    fn refusal(failure: Failure) -> Rejection {
        match failure {
            Failure::Refused(rejection) => rejection,
            Failure::Fault(fault) => panic!("{fault}"),
        }
    }

    #[test]
    fn a_token_stands_for_its_place_in_its_list_only() {
        let list = List::new("parties", b"filters");
        let place = Place {
            size: 12,
            after: vec![1, 2, 3],
        };
        let token = list.token(&place);
        assert_eq!(list.place(&token).unwrap(), Some(place));
        assert_eq!(list.place("").unwrap(), None);
        for other in [
            List::new("parties", b"others"),
            List::new("pools", b"filters"),
        ] {
            let refused = refusal(other.place(&token).unwrap_err());
            assert!(refused.message.contains("other filters"), "{refused}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_kindly() {
        let list = List::new("parties", b"");
        let token = list.token(&Place {
            size: 1,
            after: vec![9; 12],
        });
        let long = "A".repeat(TOKEN_CHARACTERS_MAX + 1);
        let cut = &token[..token.len() - 1];
        for garbage in ["garbage", "!!", "AA", "AQ", "=", "润", &long, cut] {
            let refused = refusal(list.place(garbage).unwrap_err());
            assert_eq!(refused.violations[0].path, "page_token");
            assert!(refused.message.contains("is not a page token"), "{refused}");
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for place in 0..bytes.len() {
            bytes[place] ^= 1;
            assert!(
                list.place(&URL_SAFE_NO_PAD.encode(&bytes)).is_err(),
                "{place}"
            );
            bytes[place] ^= 1;
        }
        bytes[0] = 2;
        let end = bytes.len() - CHECK_SIZE;
        let checked = check(&bytes[..end]);
        bytes[end..].copy_from_slice(&checked);
        let refused = refusal(list.place(&URL_SAFE_NO_PAD.encode(&bytes)).unwrap_err());
        assert!(refused.message.contains("another version"), "{refused}");
    }

    #[test]
    fn pages_have_a_size() {
        assert_eq!(page_size(0).unwrap(), 50);
        assert_eq!(page_size(1).unwrap(), 1);
        assert_eq!(page_size(1_000).unwrap(), 1_000);
        let refused = refusal(page_size(1_001).unwrap_err());
        assert_eq!(refused.violations[0].path, "page_size");
    }
}
