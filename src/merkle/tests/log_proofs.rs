//! Proof files: the published form, and that no change of one goes unseen.

use bytes::Bytes;

use super::super::*;
use super::notes::{TestSigner, TestVerifier};
use crate::domain::TreeHash;

/// A log of 300 entries, and a proof of one of them.
fn proof(index: u64) -> (LogProof, VerifierKey) {
    let key = TestSigner::new(9);
    let leaves: Vec<Vec<u8>> = (0..300_u64).map(|n| n.to_be_bytes().to_vec()).collect();
    let tree: MemoryTree = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let checkpoint = Checkpoint {
        origin: "log.example/proofs".parse().unwrap(),
        size: 300,
        root: tree.root(),
    };
    let known = key.verifier_key("log.example/proofs");
    let proof = LogProof {
        leaf: Some(Bytes::from(leaves[usize::try_from(index).unwrap()].clone())),
        index,
        hashes: inclusion_proof(index, 300, &tree).unwrap(),
        checkpoint: sign_checkpoint(&checkpoint, &[&key]),
    };
    (proof, known)
}

/// The example of C2SP tlog-proof, with whole lines where it leaves some out.
const EXAMPLE: &str = "\
c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

\u{2014} example.com/fancylog hI2DJw1roloI
";

#[test]
fn the_form_is_the_published_one() {
    let parsed = LogProof::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(
        parsed.leaf.as_ref().unwrap(),
        &"age-v1.2.1-darwin-arm64.tar.gz"
    );
    assert_eq!((parsed.index, parsed.hashes.len()), (73_894, 2));
    assert!(
        parsed
            .checkpoint
            .starts_with("example.com/fancylog\n109482\n")
    );
    assert_eq!(parsed.to_string(), EXAMPLE);

    let without = EXAMPLE.replace("extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6\n", "");
    let parsed = LogProof::parse(without.as_bytes()).unwrap();
    assert_eq!(parsed.leaf, None);
    assert_eq!(parsed.to_string(), without);
    let (_, known) = proof(0);
    let unproved = parsed.verify(&[known], &TestVerifier);
    assert_eq!(unproved, Err(LogProofError::NoEntry));
}

#[test]
fn other_forms_are_refused_with_their_line() {
    let line = |from: &str, to: &str| {
        let text = EXAMPLE.replace(from, to);
        assert_ne!(text, EXAMPLE);
        match LogProof::parse(text.as_bytes()) {
            Err(LogProofError::Line { line, .. }) => line,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(line("index 73894", "index 073894"), 3);
    assert_eq!(line("index 73894", "index +73894"), 3);
    assert_eq!(line("index 73894", "index -1"), 3);
    assert_eq!(line("index 73894", "index 18446744073709551616"), 3);
    assert_eq!(line("index 73894", "Index 73894"), 3);
    assert_eq!(line("extra YWdl", "extra YWd"), 2);
    assert_eq!(line("extra YWdl", "extra  YWdl"), 2);
    assert_eq!(line("gSKy", "gSK"), 4);
    assert_eq!(line("dPlQ=", "dPlR="), 4);
    assert_eq!(line("\n\nexample", "\nexample"), 6);
    let hash = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n";
    assert_eq!(line(hash, &hash.repeat(63)), 67);
    assert_eq!(line(hash, &hash.repeat(62).replace('Q', "*")), 4);

    for wrong in ["", "c2sp.org/tlog-proof@v2\n", "c2sp.org/tlog-proof@v1"] {
        let refused = LogProof::parse(wrong.as_bytes());
        assert_eq!(refused, Err(LogProofError::Version), "{wrong}");
    }
    let refused = LogProof::parse(&[EXAMPLE.as_bytes(), &[0xff]].concat());
    let offset = EXAMPLE.len();
    assert_eq!(refused, Err(LogProofError::NotText { offset }));
    let long = EXAMPLE.to_owned() + &"x".repeat(LOG_PROOF_BYTES_MAX);
    let refused = LogProof::parse(long.as_bytes());
    assert!(matches!(refused, Err(LogProofError::TooLarge { .. })));
}

#[test]
fn a_file_proves_its_entry() {
    for index in [0, 1, 255, 256, 298, 299] {
        let (proof, known) = proof(index);
        let read = LogProof::parse(proof.to_string().as_bytes()).unwrap();
        assert_eq!(read, proof);
        let (leaf, checkpoint) = read.verify(&[known], &TestVerifier).unwrap();
        assert_eq!(leaf.as_ref(), index.to_be_bytes());
        assert_eq!(checkpoint.size, 300);
    }
}

#[test]
fn every_changed_byte_of_a_file_is_found() {
    let (proof, known) = proof(77);
    let known = [known];
    let text = proof.to_string().into_bytes();
    for place in 0..text.len() {
        for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut changed = text.clone();
            changed[place] ^= change;
            let read = LogProof::parse(&changed);
            let good = read.is_ok_and(|read| read.verify(&known, &TestVerifier).is_ok());
            assert!(!good, "byte {place} by {change:08b}");
        }
        let cut = LogProof::parse(&text[..place]);
        let good = cut.is_ok_and(|read| read.verify(&known, &TestVerifier).is_ok());
        assert!(!good, "cut at {place}");
    }
}

#[test]
fn each_part_that_is_wrong_is_named() {
    let (good, known) = proof(77);
    let known = [known];
    let said = |change: &dyn Fn(&mut LogProof)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed.verify(&known, &TestVerifier).unwrap_err()
    };
    let leads_elsewhere = |error| matches!(error, LogProofError::Proof { .. });
    assert!(leads_elsewhere(said(&|proof| proof.index = 78)));
    assert!(leads_elsewhere(said(&|proof| proof.index = 300)));
    assert!(leads_elsewhere(said(
        &|proof| proof.hashes[3] = TreeHash([0; 32])
    )));
    assert!(leads_elsewhere(said(&|proof| proof.hashes.truncate(3))));
    assert!(leads_elsewhere(said(&|proof| {
        proof.leaf = Some(Bytes::from_static(b"another"));
    })));
    let resized = said(&|proof| proof.checkpoint = proof.checkpoint.replace("\n300\n", "\n299\n"));
    assert!(matches!(resized, LogProofError::Checkpoint(_)));
    let other = TestSigner::new(8).verifier_key("log.example/proofs");
    let unknown = good.verify(&[other], &TestVerifier).unwrap_err();
    assert!(matches!(unknown, LogProofError::Checkpoint(_)));
}
