//! Evidence of forks: every one is shown, none is made up.

use super::super::*;
use super::notes::{TestSigner, TestVerifier};

const ORIGIN: &str = "log.example/fork";

fn key(number: u8) -> TestSigner {
    TestSigner::new(number)
}

fn keys() -> Vec<VerifierKey> {
    vec![key(1).verifier_key(ORIGIN)]
}

/// A log of `size` entries, the last ones told by another story from `from` on.
fn tree(size: u64, from: u64, story: &str) -> MemoryTree {
    let leaf = |index: u64| {
        let story = if index < from { "" } else { story };
        leaf_hash(format!("{index}{story}").as_bytes())
    };
    (0..size).map(leaf).collect()
}

fn note(tree: &MemoryTree, number: u8) -> String {
    let checkpoint = Checkpoint {
        origin: ORIGIN.parse().unwrap(),
        size: tree.size(),
        root: tree.root(),
    };
    sign_checkpoint(&checkpoint, &[&key(number)])
}

fn evidence(smaller: &MemoryTree, larger: &MemoryTree) -> ForkEvidence {
    let (old, new) = (smaller.size(), larger.size());
    let evidence = ForkEvidence::new(note(smaller, 1), note(larger, 1));
    let root = root_at(old, larger).unwrap();
    evidence.proved(root, consistency_proof(old, new, larger).unwrap())
}

fn verdict(evidence: &ForkEvidence) -> ForkVerdict {
    let parsed = ForkEvidence::parse(&evidence.bytes()).unwrap();
    assert_eq!(parsed, *evidence);
    parsed.judge(&keys(), &TestVerifier).unwrap().2
}

#[test]
fn two_stories_of_every_size_are_a_fork_and_one_is_none() {
    for old in 1..20 {
        for new in old..20 {
            let honest = tree(old, old, "");
            for from in 0..old {
                let forked = evidence(&honest, &tree(new, from, "other"));
                let expected = match old == new {
                    true => ForkVerdict::TwoRoots,
                    false => ForkVerdict::NotExtended,
                };
                assert_eq!(verdict(&forked), expected, "{old} to {new} from {from}");
            }
            let grown = evidence(&honest, &tree(new, old, "grown"));
            assert_eq!(verdict(&grown), ForkVerdict::Extended, "{old} to {new}");
        }
    }
}

#[test]
fn what_is_not_proved_is_said_to_be_not() {
    let (honest, other) = (tree(5, 5, ""), tree(9, 2, "other"));
    let bare = ForkEvidence::new(note(&honest, 1), note(&other, 1));
    assert_eq!(verdict(&bare), ForkVerdict::Unproved);
    assert!(!ForkVerdict::Unproved.is_fork() && !ForkVerdict::Extended.is_fork());
}

#[test]
fn evidence_that_was_made_up_is_refused() {
    let (honest, other) = (tree(5, 5, ""), tree(9, 2, "other"));
    let good = evidence(&honest, &other);
    let refused = |evidence: ForkEvidence| {
        let error = evidence.judge(&keys(), &TestVerifier).unwrap_err();
        error.to_string()
    };
    // An honest log's own proof does not show another root.
    let framed = ForkEvidence::new(note(&honest, 1), note(&tree(9, 5, "grown"), 1));
    let framed = framed.proved(
        root_at(5, &other).unwrap(),
        consistency_proof(5, 9, &other).unwrap(),
    );
    assert!(refused(framed).contains("proves nothing"));
    let mut by_another = good.clone();
    by_another.larger = note(&other, 2);
    assert!(refused(by_another).contains("larger checkpoint is not one of this log"));
    let reversed = ForkEvidence::new(good.larger.clone(), good.smaller.clone());
    assert!(refused(reversed).contains("9 entries"));
    let text = String::from_utf8(good.bytes()).unwrap();
    let version = text.replace("evidence v1", "evidence v2");
    let error = ForkEvidence::parse(version.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("v2"), "{error}");
    assert!(ForkEvidence::parse(b"{}").is_err());
    assert!(ForkEvidence::parse(&[b' '; FORK_EVIDENCE_BYTES_MAX + 1]).is_err());
}
