//! The command line as people run it: real processes, real files, a real service.

mod commands;
mod machine;
mod reference;
