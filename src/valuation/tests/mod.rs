//! Contributions by every method, and the parts of the recipe together.

mod contributions;
