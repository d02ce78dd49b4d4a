//! The index against the plain history of an ordered map.

use crate::domain::TreeHash;
use crate::ledger::{Changes, View};

use super::*;

fn root(size: u64) -> TreeHash {
    TreeHash(*blake3::hash(&size.to_le_bytes()).as_bytes())
}

fn put(key: &'static str, value: &'static str) -> Changes {
    let mut changes = Changes::new();
    changes.put(key, value);
    changes
}

fn text(view: &IndexView, key: &str) -> Option<String> {
    let value = view.get(key.as_bytes()).unwrap()?;
    Some(String::from_utf8(value.to_vec()).unwrap())
}

#[test]
fn a_held_view_does_not_see_what_is_published_later() {
    let index = Index::memory();
    let empty = index.view();
    index.publish(put("a", "1"), 1, root(1)).unwrap();
    let first = index.view();
    index.publish(put("a", "2"), 5, root(5)).unwrap();
    assert_eq!((empty.size(), first.size()), (0, 1));
    assert_eq!(empty.root(), crate::merkle::empty_root());
    assert_eq!(first.root(), root(1));
    assert_eq!(text(&empty, "a"), None);
    assert_eq!(text(&first, "a").as_deref(), Some("1"));
    assert_eq!(text(&index.view(), "a").as_deref(), Some("2"));
}

#[test]
fn sizes_only_grow() {
    let index = Index::memory();
    index.publish(put("a", "1"), 3, root(3)).unwrap();
    for given in [0, 2, 3] {
        let refused = index.publish(put("a", "2"), given, root(given));
        assert!(matches!(refused, Err(IndexError::OutOfOrder { at: 3, .. })));
    }
    assert_eq!(text(&index.view(), "a").as_deref(), Some("1"));
}
