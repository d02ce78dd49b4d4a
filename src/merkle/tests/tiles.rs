//! Tiles: their paths, which of them a tree has, and what nodes are made from them.

use super::super::*;
use super::tree::leaves;
use crate::domain::TreeHash;

#[test]
fn paths_are_those_of_the_specification() {
    for path in [
        "tile/0/000",
        "tile/0/x001/x234/067",
        "tile/1/x001/000.p/17",
        "tile/63/999.p/255",
        "tile/entries/000.p/1",
        "tile/entries/x001/234",
        "tile/0/x072/x057/x594/x037/x927/934",
    ] {
        let tile: TileId = path.parse().unwrap();
        assert_eq!(tile.to_string(), path);
    }
    let tile: TileId = "tile/2/x001/x234/067.p/9".parse().unwrap();
    assert_eq!(tile.kind(), TileKind::Hashes(2));
    assert_eq!(tile.first(), 1_234_067 * 256);
    assert_eq!((tile.width(), tile.end()), (9, 1_234_067 * 256 + 9));
}

#[test]
fn other_texts_are_refused() {
    for wrong in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x01/000",
        "tile/0/x001/000/",
        "tile/00/000",
        "tile/+0/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/entry/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/+00",
        "tile/0/xx01/000",
        "tile/0/x072/x057/x594/x037/x927/936",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert!(wrong.parse::<TileId>().is_err(), "{wrong}");
    }
}

fn all(size: u64) -> Vec<String> {
    let hashes = TileKind::levels(size).flat_map(|kind| TileId::of_size(kind, size, 0));
    hashes.map(|tile| tile.to_string()).collect()
}

#[test]
fn a_tree_of_70000_leaves_has_the_tiles_of_the_specification() {
    // The example of tlog-tiles, section "Partial Tiles".
    let tiles = all(70_000);
    assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1);
    assert_eq!(tiles[0], "tile/0/000");
    assert_eq!(tiles[272], "tile/0/272");
    let rest = [
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ];
    assert_eq!(tiles[273..], rest);
    assert_eq!(all(256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(all(1), ["tile/0/000.p/1"]);
    assert_eq!(all(0), [""; 0]);
    let later = TileId::of_size(TileKind::Entries, 70_000, 273);
    let later: Vec<String> = later.map(|tile| tile.to_string()).collect();
    assert_eq!(later, ["tile/entries/273.p/112"]);
    assert_eq!(TileId::of_size(TileKind::Entries, 256, 1).count(), 0);
}

#[test]
fn a_tree_has_a_tile_once_it_has_all_of_its_hashes() {
    for size in 1..700 {
        for kind in TileKind::levels(size).chain([TileKind::Entries]) {
            for tile in TileId::of_size(kind, size, 0) {
                assert!(tile.is_in(size), "{tile} {size}");
                let needed = tile.end() << tile.kind().tree_level();
                assert!(!tile.is_in(needed - 1), "{tile} {size}");
            }
        }
    }
    assert!(!TileId::full(TileKind::Hashes(63), 0).is_in(u64::MAX));
}

/// A source whose tiles lack their last hash.
struct Short;

impl Tiles for Short {
    type Error = NodeMissing;

    fn hashes(&self, tile: &TileId) -> Result<Vec<TreeHash>, NodeMissing> {
        let width = usize::try_from(tile.width()).unwrap();
        Ok(leaves(255)[..width - 1].to_vec())
    }
}

#[test]
fn nodes_that_tiles_do_not_have_are_errors() {
    let nodes = TileNodes {
        tiles: &Short,
        size: 200,
    };
    assert!(nodes.node(0, 198).is_ok());
    assert!(matches!(
        nodes.node(0, 199),
        Err(TileNodeError::Short { .. })
    ));
    assert!(matches!(
        nodes.node(3, 24),
        Err(TileNodeError::Short { .. })
    ));
    for (level, index) in [(0, 200), (7, 1), (8, 0), (64, 0), (u32::MAX, u64::MAX)] {
        let missing = nodes.node(level, index);
        assert!(matches!(missing, Err(TileNodeError::Incomplete { .. })));
    }
}

#[test]
fn bundles_give_their_leaves_back() {
    let leaves: [&[u8]; 4] = [b"one", b"", &[7; 65_535], b"last"];
    let mut bundle = Vec::new();
    leaves
        .iter()
        .for_each(|leaf| push_bundled(&mut bundle, leaf));
    assert_eq!(bundle[..5], [0, 3, b'o', b'n', b'e']);
    assert_eq!(bundled(&bundle).unwrap(), leaves);
    assert_eq!(bundled(b"").unwrap(), [b""; 0]);
    for end in [bundle.len() - 1, bundle.len() - 5, 1, 4] {
        assert!(bundled(&bundle[..end]).is_err(), "{end}");
    }
}
