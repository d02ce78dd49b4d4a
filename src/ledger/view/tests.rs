//! The layered view against a naive merged map, and the state hash against its definition.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;
type Edits = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn memory(rows: &Rows) -> MemoryView {
    let mut changes = Changes::new();
    for (key, value) in rows {
        changes.put(key.clone(), value.clone());
    }
    let mut view = MemoryView::new();
    view.apply(&changes);
    view
}

fn changes(edits: &Edits) -> Changes {
    let mut changes = Changes::new();
    for (key, value) in edits {
        match value {
            Some(value) => changes.put(key.clone(), value.clone()),
            None => changes.delete(key.clone()),
        }
    }
    changes
}

fn merged(rows: &Rows, edits: &Edits) -> Rows {
    let mut all = rows.clone();
    for (key, value) in edits {
        match value {
            Some(value) => all.insert(key.clone(), value.clone()),
            None => all.remove(key),
        };
    }
    all
}

fn scanned(view: &dyn View, range: KeyRange<'_>, order: Order, at_most: usize) -> Vec<Vec<u8>> {
    let mut rows = Vec::new();
    view.scan(range, order, &mut |key, value| {
        rows.push([key, b"=", value].concat());
        if rows.len() >= at_most {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    rows
}

fn naive(rows: &Rows, range: KeyRange<'_>, order: Order, at_most: usize) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = rows
        .iter()
        .filter(|(key, _)| range.contains(key))
        .map(|(key, value)| [key.as_slice(), b"=", value].concat())
        .collect();
    if order == Order::Descending {
        found.reverse();
    }
    found.truncate(at_most);
    found
}

/// Short keys over three letters, so that layers meet on the same keys often.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(b'a'), Just(b'b'), Just(255u8)], 0..4)
}

fn edits() -> impl Strategy<Value = Edits> {
    btree_map(key(), prop::option::of(vec(any::<u8>(), 0..3)), 0..20)
}

proptest! {
    #[test]
    fn layers_scan_like_one_merged_map(
        rows in btree_map(key(), vec(any::<u8>(), 0..3), 0..20),
        lower in edits(),
        upper in edits(),
        from in key(),
        to in prop::option::of(key()),
        at_most in 1usize..30,
    ) {
        let (base, below, above) = (memory(&rows), changes(&lower), changes(&upper));
        let middle = Layered { base: &base, changes: &below };
        let top = Layered { base: &middle, changes: &above };
        let model = merged(&merged(&rows, &lower), &upper);
        let range = KeyRange { from: &from, to: to.as_deref() };
        for order in [Order::Ascending, Order::Descending] {
            prop_assert_eq!(
                scanned(&top, range, order, at_most),
                naive(&model, range, order, at_most)
            );
        }
        for key in model.keys().chain(lower.keys()).chain(upper.keys()) {
            let got = top.get(key).unwrap().map(|value| value.to_vec());
            prop_assert_eq!(got, model.get(key).cloned());
        }
        let mut both = below.clone();
        both.merge(above);
        let mut applied = base.clone();
        applied.apply(&both);
        prop_assert_eq!(applied, memory(&model));
        let bytes: usize = both.iter().map(|(k, v)| k.len() + v.map_or(0, |v| v.len())).sum();
        prop_assert_eq!(both.bytes(), bytes);
    }

    #[test]
    fn a_prefix_covers_exactly_the_keys_that_start_with_it(
        rows in btree_map(key(), vec(any::<u8>(), 0..2), 0..30),
        prefix in key(),
    ) {
        let view = memory(&rows);
        let mut found = Vec::new();
        scan_prefix(&view, &prefix, Order::Descending, &mut |key, _| {
            found.insert(0, key.to_vec());
            ControlFlow::Continue(())
        }).unwrap();
        let expected: Vec<_> =
            rows.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn the_state_hash_is_over_lengths_and_bytes_in_key_order() {
    let view = memory(&Rows::from([
        (b"b".to_vec(), b"xyz".to_vec()),
        (b"a".to_vec(), vec![]),
    ]));
    let bytes = b"\x01\0\0\0a\0\0\0\0\x01\0\0\0b\x03\0\0\0xyz";
    assert_eq!(state_hash(&view).unwrap(), *blake3::hash(bytes).as_bytes());
    let empty = MemoryView::new();
    assert_eq!(state_hash(&empty).unwrap(), *blake3::hash(b"").as_bytes());
    let moved = memory(&Rows::from([
        (b"b".to_vec(), b"xy".to_vec()),
        (b"a".to_vec(), b"z".to_vec()),
    ]));
    assert_ne!(state_hash(&view).unwrap(), state_hash(&moved).unwrap());
}

#[test]
fn a_failing_base_fails_the_layered_view() {
    struct Broken;
    impl View for Broken {
        fn get(&self, _: &[u8]) -> Result<Option<bytes::Bytes>, ViewFault> {
            Err(ViewFault::because(
                "reading a row",
                std::io::Error::other("gone"),
            ))
        }
        fn scan(&self, _: KeyRange<'_>, _: Order, _: &mut Visit<'_>) -> Result<(), ViewFault> {
            Err(ViewFault::new("scanning"))
        }
    }
    let mut above = Changes::new();
    above.put("k", "v");
    let view = Layered {
        base: &Broken,
        changes: &above,
    };
    assert_eq!(view.get(b"k").unwrap().as_deref(), Some(b"v".as_slice()));
    assert!(view.get(b"other").is_err());
    assert!(state_hash(&view).is_err());
}
