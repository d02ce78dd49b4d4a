//! Randomness that is the same everywhere and forever: words of ChaCha20 (RFC 8439's block
//! function with a counter and a stream number of 64 bits each), a stream a round, and shuffles
//! of our own.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The words of one stream.
pub(super) struct Draw(ChaCha20Rng);

impl Draw {
    /// Returns a stream from its beginning.
    pub(super) fn new(seed: &[u8; 32], stream: u64) -> Self {
        let mut words = ChaCha20Rng::from_seed(*seed);
        words.set_stream(stream);
        Self(words)
    }

    /// Returns the next word.
    pub(super) fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Returns a number below `end`, all of them with the same chance; `end` is in 1..2^32.
    ///
    /// The upper half of `word * end`; words whose lower half is below `2^32 mod end` are passed
    /// over (Lemire, arXiv 1805.10941).
    fn below(&mut self, end: usize) -> usize {
        let end = u32::try_from(end).unwrap_or(u32::MAX).max(1);
        let passed_over = end.wrapping_neg() % end;
        loop {
            let product = u64::from(self.word()) * u64::from(end);
            let [lower, upper] = [product & 0xffff_ffff, product >> 32];
            if lower >= u64::from(passed_over) {
                return usize::try_from(upper).unwrap_or(0);
            }
        }
    }

    /// Puts a list into random order: from the last place down, each changes with one up to it
    /// (Fisher and Yates).
    pub(super) fn shuffle(&mut self, list: &mut [usize]) {
        for place in (1..list.len()).rev() {
            let other = self.below(place + 1);
            list.swap(place, other);
        }
    }

    /// Puts a random choice of elements to the beginning of a list: from the first place up, each
    /// changes with one from it on.
    pub(super) fn choose(&mut self, count: usize, list: &mut [usize]) {
        for place in 0..count.min(list.len()) {
            let other = place + self.below(list.len() - place);
            list.swap(place, other);
        }
    }

    /// Returns a number in `low..=high`.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first words of ChaCha20 with a key and nonce of zeros (RFC 8439, A.1, test vector 1).
    #[test]
    fn words_are_those_of_the_standard() {
        let mut draw = Draw::new(&[0; 32], 0);
        let words = [draw.word(), draw.word(), draw.word(), draw.word()];
        assert_eq!(words, [0xade0_b876, 0x903d_f1a0, 0xe56a_5d40, 0x28bd_8653]);
    }

    #[test]
    fn orders_and_choices_are_fixed() {
        let mut draw = Draw::new(&[7; 32], 3);
        let mut list: Vec<usize> = (0..10).collect();
        draw.shuffle(&mut list);
        let shuffled = list.clone();
        draw.choose(4, &mut list);
        // As a second implementation in Python has them.
        assert_eq!(shuffled, [2, 1, 7, 4, 0, 3, 5, 6, 8, 9]);
        assert_eq!(list, [4, 0, 8, 9, 1, 3, 5, 6, 7, 2]);
    }

    #[test]
    fn each_order_comes_as_often() {
        let mut counts = std::collections::BTreeMap::new();
        for stream in 0..6000 {
            let mut list = vec![0, 1, 2];
            Draw::new(&[1; 32], stream).shuffle(&mut list);
            *counts.entry(list).or_insert(0) += 1;
        }
        // Six orders, a thousand times each; the standard deviation is 29.
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|count| (880..1120).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn each_choice_comes_as_often() {
        let mut counts = [0; 5];
        for stream in 0..5000 {
            let mut list: Vec<usize> = (0..5).collect();
            let mut draw = Draw::new(&[2; 32], stream);
            draw.choose(2, &mut list);
            for chosen in &list[..2] {
                counts[*chosen] += 1;
            }
            assert!((3..=5).contains(&draw.between(3, 5)));
        }
        assert!(
            counts.iter().all(|count| (1850..2150).contains(count)),
            "{counts:?}"
        );
    }
}
