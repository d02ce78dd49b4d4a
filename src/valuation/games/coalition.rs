//! A set of players.

use std::fmt;

/// A set of players, numbered from 0; two with the same members are equal.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Coalition {
    /// Bit `i mod 64` of word `i / 64` is player `i`; the last word is not zero.
    words: Vec<u64>,
}

impl Coalition {
    /// Returns the coalition of nobody.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Returns the coalition of everybody.
    pub fn all(players: usize) -> Self {
        (0..players).collect()
    }

    /// Returns the coalition of a bit mask: bit `i` is player `i`.
    pub fn from_mask(mask: u64) -> Self {
        (0..64).filter(|player| mask >> player & 1 == 1).collect()
    }

    /// Adds a player, who may be in it already.
    pub fn insert(&mut self, player: usize) {
        let (word, bit) = place(player);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    /// Takes a player out, who need not be in it.
    pub fn remove(&mut self, player: usize) {
        let (word, bit) = place(player);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    /// Tells whether a player is in it.
    pub fn contains(&self, player: usize) -> bool {
        let (word, bit) = place(player);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Returns its members in ascending order.
    pub fn members(&self) -> impl Iterator<Item = usize> + '_ {
        (0usize..).zip(&self.words).flat_map(|(place, word)| {
            (0usize..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| place * 64 + bit)
        })
    }

    /// Returns the bit mask of its members, if all of them are below 64.
    pub fn mask(&self) -> Option<u64> {
        match self.words.as_slice() {
            [] => Some(0),
            [word] => Some(*word),
            _ => None,
        }
    }
}

fn place(player: usize) -> (usize, u64) {
    (player / 64, 1 << (player % 64))
}

impl FromIterator<usize> for Coalition {
    fn from_iter<Players: IntoIterator<Item = usize>>(players: Players) -> Self {
        let mut coalition = Self::empty();
        for player in players {
            coalition.insert(player);
        }
        coalition
    }
}

impl fmt::Debug for Coalition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members()).finish()
    }
}

/// As people write it: `{0, 2, 5}`.
impl fmt::Display for Coalition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<String> = self.members().map(|player| player.to_string()).collect();
        write!(f, "{{{}}}", members.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_come_and_go() {
        let mut coalition = Coalition::from_mask(0b101);
        assert_eq!(coalition.to_string(), "{0, 2}");
        coalition.insert(130);
        assert!(coalition.contains(130) && !coalition.contains(129) && !coalition.contains(999));
        assert_eq!(coalition.mask(), None);
        coalition.remove(130);
        coalition.remove(777);
        assert_eq!(coalition.mask(), Some(0b101));
        assert_eq!(coalition, [2, 0, 2].into_iter().collect());
        coalition.remove(0);
        coalition.remove(2);
        assert_eq!(coalition, Coalition::empty());
        assert_eq!(Coalition::all(70).members().count(), 70);
    }
}
