//! Replay and recomputation of a log that somebody else keeps, and the findings of it.
