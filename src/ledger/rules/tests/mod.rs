//! Tables of commands and answers: every refusal, and which of two comes first.

mod contributions;
mod costs;
mod money;
mod parties;
mod payouts;
mod permissions;
mod pools;
mod properties;
mod requests;
mod settlements;
mod uses;
mod valuations;
