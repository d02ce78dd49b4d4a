//! The index against the plain history of an ordered map, in memory, in sled, and failing.

mod faults;
mod model;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::TreeHash;
use crate::ledger::{Changes, KeyRange, MemoryView, Order, View, state_hash};

use super::*;

pub(super) fn root(size: u64) -> TreeHash {
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

/// Stores at once, so that little waits.
pub(super) fn quick() -> IndexOptions {
    IndexOptions {
        cache_bytes: 1024 * 1024,
        store_entries: 2,
        store_after: Duration::from_millis(5),
    }
}

#[test]
fn a_held_view_does_not_see_what_is_published_later() {
    let index = Index::memory();
    let empty = index.view();
    index.publish(&put("a", "1"), 1, root(1)).unwrap();
    let first = index.view();
    index.publish(&put("a", "2"), 5, root(5)).unwrap();
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
    index.publish(&put("a", "1"), 3, root(3)).unwrap();
    for given in [0, 2, 3] {
        let refused = index.publish(&put("a", "2"), given, root(given));
        assert!(matches!(refused, Err(IndexError::OutOfOrder { at: 3, .. })));
    }
    assert_eq!(text(&index.view(), "a").as_deref(), Some("1"));
}

#[test]
fn what_is_closed_is_there_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let (index, applied) = Index::open(folder.path(), quick()).unwrap();
    assert_eq!(applied, Applied::nothing());
    index.publish(&put("a", "1"), 7, root(7)).unwrap();
    index.close().unwrap();
    let after = index.publish(&put("a", "2"), 8, root(8));
    assert!(matches!(after, Err(IndexError::Closed)));
    assert!(matches!(index.flush(), Err(IndexError::Closed)));
    let (index, applied) = Index::open(folder.path(), quick()).unwrap();
    let stored = Applied {
        size: 7,
        root: root(7),
    };
    assert_eq!((applied, index.stored()), (stored, stored));
    assert_eq!(index.set_aside_because(), None);
    assert_eq!(text(&index.view(), "a").as_deref(), Some("1"));
    index.publish(&put("b", "2"), 8, root(8)).unwrap();
    index.close().unwrap();
}

#[test]
fn an_index_that_is_open_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = Index::open(folder.path(), quick()).unwrap();
    let second = Index::open(folder.path(), quick());
    assert!(matches!(second, Err(IndexError::Locked { .. })));
    index.publish(&put("a", "1"), 1, root(1)).unwrap();
    index.close().unwrap();
    let (_, applied) = Index::open(folder.path(), quick()).unwrap();
    assert_eq!(applied.size, 1);
}

#[test]
fn the_state_hash_does_not_depend_on_what_keeps_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (stored, _) = Index::open(folder.path(), quick()).unwrap();
    let memory = Index::memory();
    let mut plain = MemoryView::new();
    for size in 1..=40_u64 {
        let mut changes = Changes::new();
        for row in 0..20_u64 {
            let tag = b'A' + u8::try_from(row % 3).unwrap();
            let key = [&[tag][..], root(size ^ row).as_bytes()].concat();
            changes.put(key, row.to_le_bytes().to_vec());
            let key = [&b"C"[..], &(size.wrapping_mul(row) % 50).to_be_bytes()].concat();
            match row % 2 {
                0 => changes.put(key, size.to_le_bytes().to_vec()),
                _ => changes.delete(key),
            }
        }
        plain.apply(&changes);
        stored.publish(&changes, size, root(size)).unwrap();
        memory.publish(&changes, size, root(size)).unwrap();
        stored.flush().unwrap();
    }
    let expected = state_hash(&plain).unwrap();
    assert_eq!(state_hash(&memory.view()).unwrap(), expected);
    assert_eq!(state_hash(&stored.view()).unwrap(), expected);
    stored.close().unwrap();
    let (stored, _) = Index::open(folder.path(), quick()).unwrap();
    assert_eq!(state_hash(&stored.view()).unwrap(), expected);
}

#[test]
fn the_backlog_is_bounded_and_empties() {
    let options = IndexOptions {
        store_entries: BACKLOG_ENTRIES_MAX * 2,
        store_after: Duration::from_secs(3600),
        ..quick()
    };
    let index = Index::begin(
        Arc::new(MemoryBacking::default()),
        Contents::default(),
        None,
        options,
    );
    index
        .publish(&put("a", "1"), BACKLOG_ENTRIES_MAX - 1, root(1))
        .unwrap();
    assert!(!index.backlog().is_full());
    assert!(index.wait_for_room(Duration::ZERO).unwrap());
    index
        .publish(&put("a", "2"), BACKLOG_ENTRIES_MAX, root(2))
        .unwrap();
    assert!(index.backlog().is_full());
    assert!(!index.wait_for_room(Duration::from_millis(1)).unwrap());
    index.flush().unwrap();
    assert_eq!(index.backlog(), Backlog::default());
    assert!(index.wait_for_room(Duration::ZERO).unwrap());

    let large = usize::try_from(BACKLOG_BYTES_MAX / 4).unwrap();
    let mut changes = Changes::new();
    changes.put("large", vec![1; large]);
    let size = BACKLOG_ENTRIES_MAX + 1;
    index.publish(&changes, size, root(size)).unwrap();
    // A quarter of the bytes is stored at once, whatever the number of entries.
    assert!(index.wait_for_room(Duration::from_secs(60)).unwrap());
    let bytes = Backlog {
        entries: 1,
        bytes: BACKLOG_BYTES_MAX,
    };
    assert!(bytes.is_full());
}

/// Each layer writes its size into the same rows of several tables, so that a view that mixed
/// two sizes would show it.
#[test]
fn views_stay_whole_while_layers_are_published_stored_and_merged() {
    const SIZES: u64 = 600;
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = Index::open(folder.path(), quick()).unwrap();
    let key = |row: u8| vec![b'A' + row % 4, row, row];
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for order in [Order::Ascending, Order::Descending] {
            let (index, ended) = (&index, &ended);
            scope.spawn(move || {
                let mut held = vec![index.view()];
                while !ended.load(Ordering::Relaxed) {
                    held.push(index.view());
                    for view in &held {
                        let expected = view.size().to_le_bytes();
                        let mut rows = 0;
                        view.scan(KeyRange::ALL, order, &mut |_, value| {
                            assert_eq!(value[..8], expected, "at {}", view.size());
                            rows += 1;
                            ControlFlow::Continue(())
                        })
                        .unwrap();
                        assert_eq!(rows, if view.size() == 0 { 0 } else { 64 });
                        for row in [0, 17, 63] {
                            let value = view.get(&key(row)).unwrap();
                            assert!(value.is_none_or(|value| value[..8] == expected));
                        }
                    }
                    if held.len() > 5 {
                        held.remove(1);
                    }
                }
            });
        }
        for size in 1..=SIZES {
            let mut changes = Changes::new();
            for row in 0..64 {
                let mut value = size.to_le_bytes().to_vec();
                value.resize(200, row);
                changes.put(key(row), value);
            }
            index.publish(&changes, size, root(size)).unwrap();
            if size % 7 == 0 {
                index.flush().unwrap();
            }
        }
        ended.store(true, Ordering::Relaxed);
    });
    index.close().unwrap();
}
