//! Tables of commands and answers: every refusal, and which of two comes first.

mod contributions;
mod parties;
mod permissions;
mod properties;
