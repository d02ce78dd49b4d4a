//! The state machine: who may do what, what a command decides, and what it changes.
