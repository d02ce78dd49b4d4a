//! What an attacker can do with its rows and with other people's: one closed list.

use super::scene::{ATTACKER, Held, Row, SHELL, VICTIM};

/// One way to cheat.
pub(super) struct Attack {
    /// What the table calls it.
    pub name: &'static str,
    /// Changes who recorded what; the order is that of the log.
    pub change: fn(Vec<Held>) -> Vec<Held>,
}

/// Every attack; the first is none, against which the others are held.
pub(super) const ATTACKS: [Attack; 15] = [
    Attack {
        name: "none",
        change: |held| held,
    },
    Attack {
        name: "own rows twice",
        change: |held| own_rows_again(held, 1),
    },
    Attack {
        name: "own rows five times",
        change: |held| own_rows_again(held, 4),
    },
    Attack {
        name: "own rows in two parties of one owner",
        change: |held| split(held, ATTACKER),
    },
    Attack {
        name: "own rows in two parties of two owners",
        change: |held| split(held, SHELL),
    },
    Attack {
        name: "own rows again by a shell party",
        change: shell_party,
    },
    Attack {
        name: "the victim's rows, exact copies",
        change: |held| victims_rows(held, |_| ()),
    },
    Attack {
        name: "the victim's rows, exact copies, twice: once by a shell party",
        change: |held| {
            let rows = rows_of(&held, VICTIM);
            let mut held = victims_rows(held, |_| ());
            held.push(Held { owner: SHELL, rows });
            held
        },
    },
    Attack {
        name: "the victim's rows, in another order",
        change: |held| victims_rows(held, |rows| rows.reverse()),
    },
    Attack {
        name: "the victim's rows, one feature jittered",
        change: |held| victims_rows(held, jitter),
    },
    Attack {
        name: "10 % of own labels wrong",
        change: |held| wrong_labels(held, 10),
    },
    Attack {
        name: "20 % of own labels wrong",
        change: |held| wrong_labels(held, 20),
    },
    Attack {
        name: "30 % of own labels wrong",
        change: |held| wrong_labels(held, 30),
    },
    Attack {
        name: "40 % of own labels wrong",
        change: |held| wrong_labels(held, 40),
    },
    Attack {
        name: "50 % of own labels wrong",
        change: |held| wrong_labels(held, 50),
    },
];

fn rows_of(held: &[Held], owner: &str) -> Vec<Row> {
    let own = held.iter().filter(|one| one.owner == owner);
    own.flat_map(|one| one.rows.clone()).collect()
}

fn of_attacker(held: &mut [Held]) -> impl Iterator<Item = &mut Held> {
    held.iter_mut().filter(|one| one.owner == ATTACKER)
}

/// In the same file, as many more times.
fn own_rows_again(mut held: Vec<Held>, more: usize) -> Vec<Held> {
    for one in of_attacker(&mut held) {
        let rows = one.rows.clone();
        for _ in 0..more {
            one.rows.extend(rows.iter().cloned());
        }
    }
    held
}

/// The second half under another contribution, of the owner named.
fn split(mut held: Vec<Held>, owner: &'static str) -> Vec<Held> {
    let mut second = Vec::new();
    for one in of_attacker(&mut held) {
        second = one.rows.split_off(one.rows.len() / 2);
    }
    held.push(Held {
        owner,
        rows: second,
    });
    held
}

/// All again, by a party that pretends to be of another owner.
fn shell_party(mut held: Vec<Held>) -> Vec<Held> {
    let rows = rows_of(&held, ATTACKER);
    held.push(Held { owner: SHELL, rows });
    held
}

/// All rows of the victim besides its own, changed so that they look like others.
fn victims_rows(mut held: Vec<Held>, change: fn(&mut Vec<Row>)) -> Vec<Held> {
    let mut rows = rows_of(&held, VICTIM);
    change(&mut rows);
    for one in of_attacker(&mut held) {
        one.rows.append(&mut rows);
    }
    held
}

/// The first pixel of each is one brighter, of sixteen.
fn jitter(rows: &mut Vec<Row>) {
    for row in rows {
        if let Some(pixel) = row.features.first_mut() {
            *pixel += 1.0;
        }
    }
}

/// So many of the attacker's labels are another digit, spread evenly over its rows.
fn wrong_labels(mut held: Vec<Held>, percent: usize) -> Vec<Held> {
    for one in of_attacker(&mut held) {
        for (number, row) in one.rows.iter_mut().enumerate() {
            // As many in the first n rows as n times the part, rounded down.
            let before = number.saturating_mul(percent) / 100;
            let after = number.saturating_add(1).saturating_mul(percent) / 100;
            if after > before {
                let digit: usize = row.label.parse().unwrap_or(0);
                let step = before.checked_rem(9).unwrap_or(0).saturating_add(1);
                let other = digit.saturating_add(step).checked_rem(10).unwrap_or(0);
                row.label = other.to_string();
            }
        }
    }
    held
}
