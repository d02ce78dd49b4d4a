//! A client that signs commands, keeps an outbox and verifies what it is answered.
