//! Static exports against the tiles of a tree in memory, at many sizes and with breaks between.

use bytes::Bytes;

use super::super::{StaticLog, StaticWriter};
use crate::domain::TreeHash;
use crate::merkle::{MemoryTree, Nodes, TileId, TileKind, bundled, leaf_hash};

fn leaf(index: u64) -> Bytes {
    Bytes::from(format!("entry {index}").repeat(1 + usize::try_from(index % 5).unwrap()))
}

/// Returns what a tile of hashes has to hold.
fn expected(tree: &MemoryTree, tile: &TileId) -> Vec<u8> {
    let level = tile.kind().tree_level();
    let nodes = (tile.first()..tile.end()).map(|index| tree.node(level, index).unwrap());
    nodes.flat_map(|TreeHash(hash)| hash).collect()
}

#[test]
fn every_tile_of_every_exported_size_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let log = StaticLog::new(folder.path().to_owned());
    let mut tree = MemoryTree::new();
    let sizes = [1, 7, 255, 256, 257, 300, 511, 1_000, 65_535, 65_536, 65_800];
    for size in sizes {
        let before = tree.size();
        let mut writer = StaticWriter::open(log.clone(), before, true).unwrap();
        assert_eq!(writer.tree().root(), tree.root());
        for index in before..size {
            writer.push(&leaf(index));
            tree.push(leaf_hash(&leaf(index)));
        }
        writer.finish(&format!("size {size}\n")).unwrap();
        assert_eq!(log.checkpoint().unwrap(), Some(format!("size {size}\n")));
        assert_eq!(log.frontier(size).unwrap().root(), tree.root());
    }
    for size in sizes {
        for tile in TileKind::levels(size).flat_map(|kind| TileId::of_size(kind, size, 0)) {
            assert_eq!(log.read(&tile).unwrap(), expected(&tree, &tile), "{tile}");
        }
        for tile in TileId::of_size(TileKind::Entries, size, 0) {
            let bundle = log.read(&tile).unwrap();
            let leaves: Vec<Bytes> = (tile.first()..tile.end()).map(leaf).collect();
            assert_eq!(bundled(&bundle).unwrap(), leaves, "{tile}");
        }
    }
}

#[test]
fn nothing_is_written_before_it_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let log = StaticLog::new(folder.path().to_owned());
    let full = log.path(&TileId::full(TileKind::Hashes(0), 0));
    let mut writer = StaticWriter::open(log.clone(), 0, false).unwrap();
    (0..300).for_each(|index| writer.push(&leaf(index)));
    assert!(!full.exists());
    writer.signed().unwrap();
    assert!(full.exists());
    drop(writer);
    assert_eq!(log.checkpoint().unwrap(), None);
}

#[test]
fn a_folder_that_lacks_a_tile_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let log = StaticLog::new(folder.path().to_owned());
    let mut writer = StaticWriter::open(log.clone(), 0, false).unwrap();
    (0..300).for_each(|index| writer.push(&leaf(index)));
    writer.finish("checkpoint\n").unwrap();
    assert!(StaticWriter::open(log.clone(), 300, false).is_ok());
    // Its entries were left out.
    assert!(StaticWriter::open(log.clone(), 300, true).is_err());
    let partial: TileId = "tile/0/001.p/44".parse().unwrap();
    let bytes = log.read(&partial).unwrap();
    std::fs::write(log.path(&partial), &bytes[1..]).unwrap();
    let said = StaticWriter::open(log.clone(), 300, false).unwrap_err();
    assert!(
        said.to_string().contains("do not make up the tree"),
        "{said}"
    );
    std::fs::remove_file(log.path(&partial)).unwrap();
    assert!(StaticWriter::open(log, 300, false).is_err());
}
