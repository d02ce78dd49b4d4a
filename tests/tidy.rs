//! House rules that a compiler does not hold: floors, file sizes, words.
