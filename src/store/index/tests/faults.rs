//! An index whose tree fails, is cut off at any point, or does not read.

use std::fs;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;

use super::super::backing::BackingError;
use super::*;

/// A tree that works for so many calls and then fails, having changed nothing or all the same.
#[derive(Debug)]
struct Failing {
    inner: Arc<MemoryBacking>,
    calls_left: AtomicU64,
    persists: bool,
}

impl Failing {
    fn change(&self, act: impl FnOnce() -> Result<(), BackingError>) -> Result<(), BackingError> {
        let left = self.calls_left.load(Ordering::Relaxed);
        if left > 0 {
            self.calls_left.store(left - 1, Ordering::Relaxed);
            return act();
        }
        if self.persists {
            act()?;
        }
        Err(BackingError::Injected)
    }
}

impl Backing for Failing {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, BackingError> {
        self.inner.get(key)
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), BackingError> {
        self.change(|| self.inner.put(key, value))
    }

    fn remove(&self, key: &[u8]) -> Result<(), BackingError> {
        self.change(|| self.inner.remove(key))
    }

    fn key_from(&self, from: &[u8]) -> Result<Option<Bytes>, BackingError> {
        self.inner.key_from(from)
    }

    fn flush(&self) -> Result<(), BackingError> {
        self.change(|| Ok(()))
    }

    fn close(&self) -> Result<(), BackingError> {
        self.change(|| Ok(()))
    }
}

/// Each size rewrites a few rows and adds one; flushed, so that every size becomes a run.
fn layer(size: u64) -> Changes {
    let mut changes = Changes::new();
    changes.put("Ahot", size.to_le_bytes().to_vec());
    changes.put([&b"C"[..], &size.to_be_bytes()].concat(), vec![7; 300]);
    changes.put([&b"H"[..], root(size).as_bytes()].concat(), vec![]);
    if size > 3 {
        changes.delete([&b"H"[..], root(size - 3).as_bytes()].concat());
    }
    changes
}

fn plain(size: u64) -> MemoryView {
    let mut view = MemoryView::new();
    (1..=size).for_each(|size| view.apply(&layer(size)));
    view
}

/// After a failure at any change the tree holds the state of some size as a whole, and a process
/// that starts on it goes on from there.
#[test]
fn a_tree_that_fails_at_any_change_holds_a_whole_state() {
    const SIZES: u64 = 20;
    for persists in [false, true] {
        for fails_after in 0.. {
            let inner = Arc::new(MemoryBacking::default());
            let failing = Failing {
                inner: Arc::clone(&inner),
                calls_left: AtomicU64::new(fails_after),
                persists,
            };
            let index = Index::begin(Arc::new(failing), Contents::default(), None, quick());
            let failed = (1..=SIZES).find_map(|size| {
                let published = index.publish(&layer(size), size, root(size));
                published.and_then(|()| index.flush()).err()
            });
            if failed.is_none() {
                assert!(fails_after > 100, "{fails_after} changes in all");
                // Merges and removals that go on after the last layer may still fail.
                match index.close() {
                    Ok(()) => break,
                    Err(_) => continue,
                }
            }
            assert!(matches!(failed, Some(IndexError::Failed { .. })));
            // What was shown stays shown.
            let view = index.view();
            assert_eq!(
                state_hash(&view).unwrap(),
                state_hash(&plain(view.size())).unwrap()
            );
            drop((view, index));

            let contents = Contents::read(inner.as_ref()).unwrap();
            let from = contents.applied.size;
            let index = Index::begin(inner, contents, None, quick());
            let expected = state_hash(&plain(from)).unwrap();
            assert_eq!(
                state_hash(&index.view()).unwrap(),
                expected,
                "after {fails_after}"
            );
            for size in from + 1..=SIZES {
                index.publish(&layer(size), size, root(size)).unwrap();
            }
            index.flush().unwrap();
            let expected = state_hash(&plain(SIZES)).unwrap();
            assert_eq!(
                state_hash(&index.view()).unwrap(),
                expected,
                "after {fails_after}"
            );
        }
    }
}

#[test]
fn a_tree_that_does_not_read_is_set_aside() {
    for damage in [
        damage_manifest,
        damage_directory,
        remove_blocks,
        damage_file,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (index, _) = Index::open(folder.path(), quick()).unwrap();
        for size in 1..=20 {
            index.publish(&layer(size), size, root(size)).unwrap();
            index.flush().unwrap();
        }
        index.close().unwrap();
        damage(&folder.path().join("sled"));
        let (index, applied) = Index::open(folder.path(), quick()).unwrap();
        if applied.size == 20 {
            // Missing blocks may be noticed only when it is read.
            let read = state_hash(&index.view());
            assert!(read.is_err());
            let refused = index.publish(&layer(21), 21, root(21));
            assert!(matches!(refused, Err(IndexError::Failed { .. })));
            drop(index);
            let (index, applied) = Index::open(folder.path(), quick()).unwrap();
            assert_eq!(applied.size, 0);
            assert!(index.set_aside_because().unwrap().contains("failed"));
            continue;
        }
        // sled opens some damaged files as empty ones, which is as well.
        assert_eq!(applied, Applied::nothing());
        assert_eq!(
            state_hash(&index.view()).unwrap(),
            state_hash(&plain(0)).unwrap()
        );
        index.publish(&layer(1), 1, root(1)).unwrap();
        index.close().unwrap();
        let (index, applied) = Index::open(folder.path(), quick()).unwrap();
        assert_eq!((applied.size, index.set_aside_because()), (1, None));
    }
}

fn with_tree(tree: &Path, act: impl FnOnce(&sled::Db)) {
    let db = sled::open(tree).unwrap();
    act(&db);
    db.flush().unwrap();
}

fn damage_manifest(tree: &Path) {
    with_tree(tree, |db| drop(db.insert(b"M", b"?").unwrap()));
}

fn damage_directory(tree: &Path) {
    with_tree(tree, |db| remove_all(db, b"D"));
}

fn remove_blocks(tree: &Path) {
    with_tree(tree, |db| remove_all(db, b"B"));
}

fn remove_all(db: &sled::Db, prefix: &[u8]) {
    for key in db.scan_prefix(prefix).keys() {
        db.remove(key.unwrap()).unwrap();
    }
}

fn damage_file(tree: &Path) {
    fs::write(tree.join("db"), vec![0xa5; 1_000_000]).unwrap();
}
