//! `fenrun party`: who takes part.

mod admit;
mod application;
mod apply;
mod list;
mod show;

use super::args::commands;

pub(super) use application::ApplicationFile;
pub(super) use apply::sign;

commands! {
    /// Applies, admits and shows parties
    Apply => apply,
    Admit => admit,
    List => list,
    Show => show,
}
