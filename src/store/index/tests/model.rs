//! Random histories: what is published, held, stored, merged and opened again, against maps.

use std::collections::BTreeMap;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

struct Model {
    random: ChaCha8Rng,
    index: Index,
    /// The state at the last published size.
    rows: Rows,
    size: u64,
    /// States that may still be asked for after a crash.
    history: BTreeMap<u64, Rows>,
    held: Vec<(IndexView, Rows)>,
}

impl Model {
    fn new(seed: u64, index: Index) -> Self {
        println!("seed {seed}");
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            index,
            rows: Rows::new(),
            size: 0,
            history: BTreeMap::from([(0, Rows::new())]),
            held: Vec::new(),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    fn bytes(&mut self, length_max: u64) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.below(length_max + 1)).unwrap()];
        self.random.fill_bytes(&mut bytes);
        bytes
    }

    /// Three tables: few short keys that change often, ascending ones, random ones.
    fn key(&mut self) -> Vec<u8> {
        match self.below(3) {
            0 => {
                let mut key = self.bytes(3);
                key.iter_mut()
                    .for_each(|byte| *byte = b"aAz\xff"[usize::from(*byte % 4)]);
                key
            }
            1 => [
                b"C".to_vec(),
                (self.size + self.below(3)).to_be_bytes().to_vec(),
            ]
            .concat(),
            _ => [
                b"H".to_vec(),
                vec![0; 2],
                self.below(400).to_le_bytes().to_vec(),
            ]
            .concat(),
        }
    }

    fn value(&mut self) -> Vec<u8> {
        let length_max = if self.below(20) == 0 { 9000 } else { 60 };
        self.bytes(length_max)
    }

    fn publish(&mut self) {
        let mut changes = Changes::new();
        for _ in 0..self.below(60) {
            let key = self.key();
            if self.below(4) == 0 {
                self.rows.remove(&key);
                changes.delete(key);
            } else {
                let value = self.value();
                self.rows.insert(key.clone(), value.clone());
                changes.put(key, value);
            }
        }
        self.size += 1 + self.below(3);
        self.history.insert(self.size, self.rows.clone());
        self.index
            .publish(&changes, self.size, root(self.size))
            .unwrap();
    }

    fn check_one(&mut self) {
        let place = usize::try_from(self.below(self.held.len() as u64 + 1)).unwrap();
        let (view, rows) = match self.held.get(place) {
            Some((view, rows)) => (view.clone(), rows.clone()),
            None => (self.index.view(), self.rows.clone()),
        };
        for _ in 0..20 {
            let key = self.key();
            let value = view.get(&key).unwrap();
            assert_eq!(
                value.as_deref(),
                rows.get(&key).map(Vec::as_slice),
                "{key:02x?}"
            );
        }
        let (from, to) = (self.key(), self.key());
        let to = (self.below(4) > 0).then_some(to.as_slice());
        let range = KeyRange { from: &from, to };
        let at_most = usize::try_from(1 + self.below(200)).unwrap();
        for order in [Order::Ascending, Order::Descending] {
            check_scan(&view, &rows, range, order, at_most);
        }
    }

    fn step(&mut self) {
        match self.below(10) {
            0..=3 => self.publish(),
            4..=6 => self.check_one(),
            7 => self.held.push((self.index.view(), self.rows.clone())),
            8 if !self.held.is_empty() => {
                let place = usize::try_from(self.below(self.held.len() as u64)).unwrap();
                self.held.swap_remove(place);
            }
            _ => self.index.flush().unwrap(),
        }
    }

    /// Opens the index again, closed before or not.
    fn reopen(&mut self, folder: &Path) {
        self.held.clear();
        let closed = self.below(2) == 0;
        if closed {
            self.index.close().unwrap();
        }
        self.index = Index::memory();
        let (index, applied) = Index::open(folder, quick()).unwrap();
        assert_eq!(index.set_aside_because(), None);
        assert!(!closed || applied.size == self.size);
        self.index = index;
        self.size = applied.size;
        self.rows = self.history.get(&applied.size).unwrap().clone();
        self.history.split_off(&(applied.size + 1));
        let view = self.index.view();
        assert_eq!(view.root(), applied.root);
        check_scan(
            &view,
            &self.rows,
            KeyRange::ALL,
            Order::Ascending,
            usize::MAX,
        );
    }
}

fn check_scan(view: &IndexView, rows: &Rows, range: KeyRange<'_>, order: Order, at_most: usize) {
    let mut expected: Vec<_> = rows.iter().filter(|(key, _)| range.contains(key)).collect();
    if order == Order::Descending {
        expected.reverse();
    }
    let mut expected = expected.into_iter().take(at_most);
    let mut left = at_most;
    view.scan(range, order, &mut |key, value| {
        let (expected_key, expected_value) = expected.next().unwrap();
        assert_eq!(
            (key, value),
            (expected_key.as_slice(), expected_value.as_slice())
        );
        left -= 1;
        if left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    assert_eq!(expected.next(), None, "{range:02x?} {order:?}");
}

#[test]
fn random_histories_in_memory() {
    for seed in 0..6 {
        let index = Index::begin(
            Arc::new(MemoryBacking::default()),
            Contents::default(),
            None,
            quick(),
        );
        let mut model = Model::new(seed, index);
        for _ in 0..600 {
            model.step();
        }
    }
}

#[test]
fn random_histories_on_disk_opened_again_and_again() {
    for seed in 100..103 {
        let folder = tempfile::tempdir().unwrap();
        let (index, _) = Index::open(folder.path(), quick()).unwrap();
        let mut model = Model::new(seed, index);
        for _ in 0..6 {
            for _ in 0..100 {
                model.step();
            }
            model.reopen(folder.path());
        }
    }
}
