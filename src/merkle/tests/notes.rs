//! Signed notes and checkpoints against published examples, and every way to spoil one.

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use proptest::prelude::*;

use super::super::*;
use crate::domain::{Origin, PublicKey, Signature, Signer, TreeHash, Verifier};

/// The verifier key, secret key and note in the tests of Go's `sumdb/note`.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SEED: &str = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";
const LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FF\
    YC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

pub(super) struct TestSigner(SigningKey);

impl TestSigner {
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    pub fn verifier_key(&self, name: &str) -> VerifierKey {
        let name = name.parse().unwrap();
        let key = self.public_key();
        VerifierKey { name, key }
    }
}

impl Signer for TestSigner {
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

pub(super) struct TestVerifier;

impl Verifier for TestVerifier {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        VerifyingKey::from_bytes(&key.0)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

const ORIGIN: &str = "log.example/fenrun";

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.parse().unwrap(),
        size: 20_852_163,
        root: leaf_hash(b"root"),
    }
}

fn open(note: &str, known: &[VerifierKey]) -> Result<Checkpoint, CheckpointError> {
    open_checkpoint(note.as_bytes(), known, &TestVerifier)
}

#[test]
fn the_published_note_is_read_made_and_checked() {
    let key: VerifierKey = PETER.parse().unwrap();
    assert_eq!(key.to_string(), PETER);
    let text = format!("{TEXT}\n{LINE}");
    let note: SignedNote = text.parse().unwrap();
    assert_eq!(note.text(), TEXT);
    assert_eq!(note.to_string(), text);
    let known = [key];
    assert_eq!(note.check(&known, &TestVerifier), Ok(vec![&known[0]]));
    let seed: [u8; 32] = hex::decode(PETER_SEED).unwrap().try_into().unwrap();
    let signer = TestSigner(SigningKey::from_bytes(&seed));
    let name = "PeterNeumann".parse().unwrap();
    let made = SignedNote::sign(TEXT.to_owned(), &name, &[&signer]);
    assert_eq!(made, note);
    let changed: SignedNote = text.replace("answer", "question").parse().unwrap();
    let refused = changed.check(&known, &TestVerifier);
    assert!(matches!(refused, Err(NoteError::BadSignature { .. })));
}

#[test]
fn verifier_keys_that_are_refused() {
    let flipped = PETER.replace("c74f20a3", "c74f20a4");
    for (text, expected) in [
        ("", "name+hint+key"),
        ("PeterNeumann", "name+hint+key"),
        ("PeterNeumann+c74f20a3", "name+hint+key"),
        (&PETER.replace("Peter", ""), "typing error"),
        (
            &PETER.replace("PeterNeumann", ""),
            "name in the verifier key",
        ),
        (&PETER.replace("rN", "r N"), "name in the verifier key"),
        (
            &PETER.replace("rN", "r\u{2003}N"),
            "name in the verifier key",
        ),
        (&PETER.replace("c74f20a3", "C74F20A3"), "8 lower-case hex"),
        (&PETER.replace("c74f20a3", "c74f20"), "8 lower-case hex"),
        (&PETER.replace("c74f20a3", "c74f20zz"), "8 lower-case hex"),
        (&flipped, "says c74f20a4, but its key gives c74f20a3"),
        (&format!("{PETER}="), "standard base64"),
        (&PETER.replace("+ARpc", "+BRpc"), "not an Ed25519 key"),
        (&PETER.replace("+ARpc", "+"), "not an Ed25519 key"),
    ] {
        let error = text.parse::<VerifierKey>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn notes_that_are_refused() {
    let good = format!("{TEXT}\n{LINE}");
    let many = LINE.repeat(SignedNote::SIGNATURE_LIMIT + 1);
    let short = "\u{2014} name AAAAAA==\n";
    for (text, expected) in [
        (String::new(), "without a newline"),
        (good.trim_end().to_owned(), "without a newline"),
        (TEXT.to_owned(), "empty line"),
        (format!("{TEXT}\n"), "no signature line"),
        (format!("{TEXT}\n\n"), "no signature line"),
        (good.replace('\u{2014}', "-"), "signature line 1"),
        (format!("{good}more\n"), "signature line 2"),
        (format!("{good}\u{2014} name\n"), "signature line 2"),
        (format!("{good}\u{2014}  AAAAAAA=\n"), "signature line 2"),
        (format!("{good}\u{2014} a+b AAAAAAA=\n"), "signature line 2"),
        (format!("{good}{short}"), "signature line 2"),
        (good.replace("AM=\n", "AM\n"), "signature line 1"),
        (good.replace("AM=\n", "AM= \n"), "signature line 1"),
        (good.replace("AM=\n", "AN=\n"), "signature line 1"),
        (good.replace('\n', "\r\n"), "byte 56 is one"),
        (
            format!("{TEXT}\n{many}"),
            "at most 100 signatures, this one has 101",
        ),
        (
            format!("{}{good}", "a".repeat(65_535)),
            "at most 65535 bytes",
        ),
    ] {
        let error = text.parse::<SignedNote>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let error = SignedNote::parse(b"ab\xff\n\n").unwrap_err();
    assert_eq!(error, NoteError::NotText { offset: 2 });
    let full = format!("{TEXT}\n{}", LINE.repeat(SignedNote::SIGNATURE_LIMIT));
    assert!(full.parse::<SignedNote>().is_ok());
}

#[test]
fn a_checkpoint_is_signed_and_opened() {
    let (old, new) = (TestSigner::new(1), TestSigner::new(2));
    let keys = [old.verifier_key(ORIGIN), new.verifier_key(ORIGIN)];
    let note = sign_checkpoint(&checkpoint(), &[&old]);
    assert!(note.starts_with("log.example/fenrun\n20852163\n"));
    assert_eq!(open(&note, &keys[..1]), Ok(checkpoint()));
    let none = CheckpointError::Note(NoteError::NoKnownSignature);
    assert_eq!(open(&note, &keys[1..]), Err(none.clone()));
    assert_eq!(open(&note, &[]), Err(none));
    // A change of keys: who knows either key opens it, and who knows both.
    let both = sign_checkpoint(&checkpoint(), &[&old, &new]);
    for known in [&keys[..1], &keys[1..], &keys] {
        assert_eq!(open(&both, known), Ok(checkpoint()));
    }
}

#[test]
fn a_known_key_must_be_right_and_others_do_not_matter() {
    let (log, other) = (TestSigner::new(1), TestSigner::new(2));
    let keys = [log.verifier_key(ORIGIN), other.verifier_key(ORIGIN)];
    let mut larger = checkpoint();
    larger.size += 1;
    let good = sign_checkpoint(&checkpoint(), &[&log]);
    let stray = sign_checkpoint(&larger, &[&other]);
    let stray_line = stray.split_inclusive('\n').next_back().unwrap();
    let mixed = format!("{good}{stray_line}");
    assert_eq!(open(&mixed, &keys[..1]), Ok(checkpoint()));
    let refused = open(&mixed, &keys);
    let bad = |refused: &Result<_, CheckpointError>| {
        let source = NoteError::BadSignature {
            name: ORIGIN.to_owned(),
            hint: keys[1].hint(),
        };
        assert_eq!(*refused, Err(CheckpointError::Note(source)));
    };
    bad(&refused);
    // A known key's line of another length is wrong, not unknown.
    let hint = [keys[1].hint().0.as_slice(), &[7; 72]].concat();
    let line = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hint);
    let long = format!("{good}\u{2014} {ORIGIN} {line}\n");
    bad(&open(&long, &keys));
    assert_eq!(open(&long, &keys[..1]), Ok(checkpoint()));
}

#[test]
fn another_name_cannot_sign_for_the_log() {
    let witness = TestSigner::new(3);
    let name: Origin = "witness.example".parse().unwrap();
    let text = checkpoint().to_string();
    let note = SignedNote::sign(text, &name, &[&witness]).to_string();
    let refused = open(&note, &[witness.verifier_key("witness.example")]);
    let origin = ORIGIN.parse().unwrap();
    assert_eq!(refused, Err(CheckpointError::NotSignedByOrigin { origin }));
}

#[test]
fn checkpoints_that_are_refused() {
    let good = checkpoint().to_string();
    let root = good.lines().nth(2).unwrap();
    for (text, expected) in [
        (String::new(), "three lines"),
        (good.trim_end().to_owned(), "three lines"),
        (format!("{good}extension\n"), "three lines"),
        (format!("{good}\n"), "three lines"),
        (good.replace(ORIGIN, ""), "origin"),
        (good.replace("log", "https://log"), "origin"),
        (good.replace("208", "0208"), "leading zeros"),
        (good.replace("208", "+208"), "leading zeros"),
        (good.replace("208", "-208"), "leading zeros"),
        (good.replace("208", " 208"), "leading zeros"),
        (good.replace("20852163", ""), "leading zeros"),
        (
            good.replace("20852163", "18446744073709551616"),
            "leading zeros",
        ),
        (good.replace(root, &root[4..]), "32 bytes"),
        (good.replace(root, root.trim_end_matches('=')), "32 bytes"),
        (good.replace(root, &format!("{root} ")), "32 bytes"),
        (good.replace(root, ""), "32 bytes"),
    ] {
        let error = text.parse::<Checkpoint>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let last = good.replace("20852163", "18446744073709551615");
    assert_eq!(last.parse::<Checkpoint>().unwrap().size, u64::MAX);
}

proptest! {
    #[test]
    fn any_checkpoint_survives_signing(
        origin in "[a-zA-Zäß分.:_-]{1,30}(/[a-z]{1,9})?",
        size: u64,
        root: [u8; 32],
        seed: u8,
    ) {
        let signer = TestSigner::new(seed);
        let known = [signer.verifier_key(&origin)];
        let root = TreeHash(root);
        let checkpoint = Checkpoint { origin: origin.parse().unwrap(), size, root };
        let note = sign_checkpoint(&checkpoint, &[&signer]);
        prop_assert_eq!(note.parse::<SignedNote>().unwrap().to_string(), note.clone());
        prop_assert_eq!(open(&note, &known), Ok(checkpoint));
        prop_assert_eq!(known[0].to_string().parse::<VerifierKey>(), Ok(known[0].clone()));
    }

    #[test]
    fn any_bytes_are_answered_and_what_is_read_is_written_back(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        text in "(\n|[a-c+= ]|\u{2014} |[0-9]|AAAAAAAA){0,60}\n",
        lines in "(\n\u{2014} [a-c]{1,3} [AB]{8}\n)?(\u{2014} [a-c]{1,3} [AB]{8}\n){0,3}",
        cut in 0_usize..80,
        byte: u8,
    ) {
        let mut changed = format!("{TEXT}\n{LINE}").into_bytes();
        changed[cut] = byte;
        let text = text + &lines;
        for bytes in [bytes.as_slice(), text.as_bytes(), &changed] {
            if let Ok(note) = SignedNote::parse(bytes) {
                prop_assert_eq!(note.to_string().into_bytes(), bytes);
            }
            if let Ok(text) = str::from_utf8(bytes) {
                if let Ok(checkpoint) = text.parse::<Checkpoint>() {
                    prop_assert_eq!(checkpoint.to_string(), text);
                }
                if let Ok(key) = text.parse::<VerifierKey>() {
                    prop_assert_eq!(key.to_string(), text);
                }
            }
        }
    }
}
