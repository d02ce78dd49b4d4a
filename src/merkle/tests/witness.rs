//! Cosignatures, policies, and what a witness is asked and answers.

use super::super::*;
use super::notes::{TestSigner, TestVerifier};
use crate::domain::{Origin, Signature, Signer, TreeHash, Verifier};

const LOG: &str = "log.example/watched";
const WITNESS: &str = "witness.example/w1";

fn checkpoint(tree: &MemoryTree) -> Checkpoint {
    Checkpoint {
        origin: LOG.parse().unwrap(),
        size: tree.size(),
        root: tree.root(),
    }
}

fn tree(size: u64) -> MemoryTree {
    (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn witness_key(seed: u8, name: &str) -> WitnessKey {
    WitnessKey {
        name: name.parse().unwrap(),
        key: TestSigner::new(seed).public_key(),
    }
}

/// A note of a log of `size` entries.
fn note(size: u64) -> String {
    sign_checkpoint(&checkpoint(&tree(size)), &[&TestSigner::new(1)])
}

#[test]
fn a_cosignature_is_over_the_published_form() {
    let mut note: SignedNote = note(5).parse().unwrap();
    let name: Origin = WITNESS.parse().unwrap();
    let line = cosign(&name, &TestSigner::new(7), note.text(), 1_679_315_147);
    assert_eq!(line.bytes.len(), 8 + 64);
    assert_eq!(line.bytes[..8], 1_679_315_147_u64.to_be_bytes());
    let key = witness_key(7, WITNESS);
    assert_eq!(line.hint, key.hint());
    // The message as the specification spells it, checked by its own words.
    let message = format!("cosignature/v1\ntime 1679315147\n{}", note.text());
    let signature = Signature::try_from(&line.bytes[8..]).unwrap();
    assert!(TestVerifier.verify(&key.key, message.as_bytes(), &signature));

    assert_eq!(key.cosigned(&note, &TestVerifier), None);
    note.add(line.clone());
    assert_eq!(key.cosigned(&note, &TestVerifier), Some(1_679_315_147));
    // A log's own key is not disturbed by it.
    let log = TestSigner::new(1).verifier_key(LOG);
    let text = note.to_string();
    open_checkpoint(text.as_bytes(), &[log], &TestVerifier).unwrap();
    for place in 0..line.bytes.len() {
        let mut changed = line.clone();
        changed.bytes[place] ^= 1;
        let mut other: SignedNote = self::note(5).parse().unwrap();
        other.add(changed);
        assert_eq!(key.cosigned(&other, &TestVerifier), None, "{place}");
    }
    let mut elsewhere: SignedNote = self::note(6).parse().unwrap();
    elsewhere.add(line);
    assert_eq!(key.cosigned(&elsewhere, &TestVerifier), None);
}

#[test]
fn keys_of_witnesses_have_a_type_of_their_own() {
    let key = witness_key(7, WITNESS);
    let text = key.to_string();
    assert_eq!(text.parse::<WitnessKey>().unwrap(), key);
    assert!(text.parse::<VerifierKey>().is_err());
    let log = TestSigner::new(7).verifier_key(WITNESS).to_string();
    assert!(log.parse::<WitnessKey>().is_err());
    assert_ne!(key.hint(), TestSigner::new(7).verifier_key(WITNESS).hint());
}

#[test]
fn answers_are_lines() {
    let lines = "\u{2014} a AAAAAAE=\n\u{2014} b AAAAAAI=\n";
    assert_eq!(NoteSignature::parse_lines(lines).unwrap().len(), 2);
    assert_eq!(NoteSignature::parse_lines("").unwrap().len(), 0);
    for wrong in [
        "\n",
        "x\n",
        "\u{2014} a AAAAAAE=",
        "\u{2014} a\n",
        "\u{2014} a AAAA\n",
    ] {
        assert!(NoteSignature::parse_lines(wrong).is_err(), "{wrong:?}");
    }
    assert!(NoteSignature::parse_lines(&lines.repeat(51)).is_err());
}

/// The policy of the specification's example, with keys.
fn example() -> String {
    let mut text = format!("log {}\n\n", TestSigner::new(1).verifier_key(LOG));
    for (number, name) in (10_u8..).zip(["X1", "X2", "X3", "Y1", "Y2", "Y3"]) {
        let key = witness_key(number, &format!("witness.example/{name}"));
        text.push_str(&format!(
            "\twitness {name}  {key} https://{name}.example/\n"
        ));
    }
    text.push_str(
        "# X and Y are two organizations\ngroup X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 \
         Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses \nquorum X-and-Y\n",
    );
    text
}

#[test]
fn the_example_of_the_specification_holds_where_it_says() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    assert_eq!(policy.logs, [TestSigner::new(1).verifier_key(LOG)]);
    assert_eq!(policy.witnesses.len(), 6);
    assert_eq!(
        policy.witnesses[0].url.as_deref(),
        Some("https://X1.example")
    );
    for all in 0..64_u32 {
        let cosigned: Vec<bool> = (0..6).map(|bit| (all >> bit) & 1 == 1).collect();
        let of_x = cosigned[..3].iter().filter(|one| **one).count();
        let of_y = cosigned[3..].iter().filter(|one| **one).count();
        assert_eq!(policy.holds(&cosigned), of_x >= 2 && of_y >= 1, "{all:06b}");
    }
    let mut note: SignedNote = note(3).parse().unwrap();
    for seed in [11, 12, 15] {
        let name = &policy.witnesses[usize::from(seed) - 10].key.name;
        let line = cosign(name, &TestSigner::new(seed), note.text(), 1);
        note.add(line);
    }
    let cosigned = policy.cosigned(&note, &TestVerifier);
    assert_eq!(cosigned, [false, true, true, false, false, true]);
    assert!(policy.holds(&cosigned));
    assert!(Policy::parse(b"quorum none\n").unwrap().holds(&[]));
}

#[test]
fn policies_out_of_form_are_refused_with_their_line() {
    let key = |seed| witness_key(seed, WITNESS).to_string();
    let (a, b) = (key(1), key(2));
    let log = TestSigner::new(1).verifier_key(LOG);
    for (text, line) in [
        (format!("witness a {a}\nwitness a {b}\nquorum a\n"), 2),
        (format!("witness a {a}\nwitness b {a}\nquorum a\n"), 2),
        (format!("witness none {a}\nquorum none\n"), 1),
        (format!("witness a {log}\nquorum a\n"), 1),
        (format!("log {a}\nquorum none\n"), 1),
        (format!("log {log}\nlog {log}\nquorum none\n"), 2),
        (format!("witness a {a} u v\nquorum a\n"), 1),
        ("quorum a\n".to_owned(), 1),
        ("quorum none\nquorum none\n".to_owned(), 2),
        (format!("witness a {a}\ngroup g 2 a\nquorum g\n"), 2),
        (format!("witness a {a}\ngroup g 0 a\nquorum g\n"), 2),
        (format!("witness a {a}\ngroup g +1 a\nquorum g\n"), 2),
        (format!("witness a {a}\ngroup g all\nquorum g\n"), 2),
        (format!("witness a {a}\ngroup g all a a\nquorum g\n"), 2),
        (format!("witness a {a}\ngroup g all none\nquorum g\n"), 2),
        (format!("witness a {a}\ngroup g all g\nquorum g\n"), 2),
        ("something else\nquorum none\n".to_owned(), 1),
    ] {
        let found = match Policy::parse(text.as_bytes()) {
            Err(PolicyError::Line { line, .. } | PolicyError::Key { line, .. }) => line,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(found, line, "{text}");
    }
    let refused = |text: &[u8]| Policy::parse(text).unwrap_err();
    assert_eq!(refused(b""), PolicyError::NoQuorum);
    assert_eq!(refused(b"# quorum none\n"), PolicyError::NoQuorum);
    assert_eq!(refused(b"quorum none"), PolicyError::CutOff);
    let control = PolicyError::Control {
        line: 2,
        byte: b'\r',
    };
    assert_eq!(refused(b"\nquorum none\r\n"), control);
    // Octets above ASCII are names like others.
    let odd = [b"witness \xff ", a.as_bytes(), b"\nquorum \xff\n"].concat();
    assert!(Policy::parse(&odd).unwrap().holds(&[true]));
}

fn request(old: u64, new: u64) -> AddCheckpoint {
    let proof = match old {
        0 => Vec::new(),
        _ => consistency_proof(old, new, &tree(new)).unwrap(),
    };
    AddCheckpoint {
        old_size: old,
        proof,
        note: note(new),
    }
}

#[test]
fn requests_have_the_published_form() {
    let request = request(3, 8);
    let text = request.to_string();
    assert!(text.starts_with("old 3\n"));
    assert_eq!(AddCheckpoint::parse(text.as_bytes()), Ok(request.clone()));
    let empty = self::request(0, 8);
    assert!(
        empty
            .to_string()
            .starts_with("old 0\n\nlog.example/watched\n8\n")
    );
    assert_eq!(
        AddCheckpoint::parse(empty.to_string().as_bytes()),
        Ok(empty)
    );
    for (from, to) in [
        ("old 3", "old 03"),
        ("old 3", "old +3"),
        ("old 3", "old"),
        ("old 3", "Old 3"),
        ("\n\n", "\n"),
        ("=\n", "\n"),
    ] {
        let wrong = text.replacen(from, to, 1);
        let read = AddCheckpoint::parse(wrong.as_bytes());
        let open = read.and_then(|read| {
            let log = [TestSigner::new(1).verifier_key(LOG)];
            read.open(&log, &TestVerifier).map(|_| ())
        });
        assert!(
            matches!(open, Err(WitnessRefusal::Form(_))),
            "{from:?} {open:?}"
        );
    }
    let many = AddCheckpoint {
        proof: vec![TreeHash([1; 32]); 64],
        ..request
    };
    let refused = AddCheckpoint::parse(many.to_string().as_bytes());
    assert!(matches!(refused, Err(WitnessRefusal::Form(_))));
}

#[test]
fn a_witness_cosigns_what_goes_on_and_nothing_else() {
    let logs = [TestSigner::new(1).verifier_key(LOG)];
    let judge = |request: &AddCheckpoint, last: Option<u64>| {
        let (_, found) = request.open(&logs, &TestVerifier)?;
        let last = last.map(|size| checkpoint(&tree(size)));
        request.goes_on(&found, last.as_ref())
    };
    for new in 0..20 {
        for old in 0..=new {
            let last = (old > 0).then_some(old);
            assert_eq!(judge(&request(old, new), last), Ok(()), "{old} {new}");
            if old > 0 {
                let conflict = Err(WitnessRefusal::Conflict { size: old });
                assert_eq!(judge(&request(0, new), last), conflict);
                let mut spoiled = request(old, new);
                spoiled.proof.push(TreeHash([0; 32]));
                let refused = judge(&spoiled, last);
                let not_consistent = matches!(refused, Err(WitnessRefusal::NotConsistent(_)));
                assert!(not_consistent, "{old} {new} {refused:?}");
            }
        }
    }
    let mut proved = request(0, 4);
    proved.proof.push(TreeHash([0; 32]));
    assert!(matches!(
        judge(&proved, None),
        Err(WitnessRefusal::NotConsistent(_))
    ));
    // Another history of the same size, signed by the same key.
    let other: MemoryTree = (0..8_u64)
        .map(|n| leaf_hash(&[7, u8::try_from(n).unwrap()]))
        .collect();
    let fork = AddCheckpoint {
        note: sign_checkpoint(&checkpoint(&other), &[&TestSigner::new(1)]),
        ..request(8, 8)
    };
    assert_eq!(
        judge(&fork, Some(8)),
        Err(WitnessRefusal::Conflict { size: 8 })
    );
    let fork = AddCheckpoint {
        proof: consistency_proof(5, 8, &other).unwrap(),
        old_size: 5,
        ..fork
    };
    assert!(matches!(
        judge(&fork, Some(5)),
        Err(WitnessRefusal::NotConsistent(_))
    ));
    let shrunk = AddCheckpoint {
        old_size: 9,
        ..request(0, 8)
    };
    assert!(matches!(
        judge(&shrunk, Some(9)),
        Err(WitnessRefusal::Form(_))
    ));

    let unknown = [TestSigner::new(1).verifier_key("log.example/other")];
    let refused = request(0, 8).open(&unknown, &TestVerifier).unwrap_err();
    assert_eq!(refused, WitnessRefusal::UnknownLog(LOG.to_owned()));
    let strange = [TestSigner::new(2).verifier_key(LOG)];
    let refused = request(0, 8).open(&strange, &TestVerifier).unwrap_err();
    assert_eq!(refused, WitnessRefusal::NotSigned);
}

#[test]
fn extension_lines_of_other_logs_are_passed_over() {
    let text = format!("{}extension\nmore\n", checkpoint(&tree(4)));
    let read = Checkpoint::of_any_log(&text).unwrap();
    assert_eq!(read, checkpoint(&tree(4)));
    assert!(text.parse::<Checkpoint>().is_err());
    assert!(Checkpoint::of_any_log("a\n1\n").is_err());
}
