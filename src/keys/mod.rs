//! Ed25519 keys: signing, strict verification, key ids and key files.
