//! The RFC 6962 tree over the log, its proofs, and C2SP signed notes and checkpoints.
