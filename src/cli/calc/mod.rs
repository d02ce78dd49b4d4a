//! The offline calculators: the service's core over files, with no server.

mod duplicates;
mod fairness;
pub mod game;
pub mod knn;
pub mod settlement;

use super::args::commands;

commands! {
    /// Calculates offline, over files, with the code of the service
    Settlement => settlement,
    Knn => knn,
    Game => game,
    Duplicates => duplicates,
    Fairness => fairness,
}
