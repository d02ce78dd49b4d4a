//! Tests of keys against published cases, and of tokens case by case.

mod signing;
mod token;
