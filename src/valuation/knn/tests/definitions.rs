//! Values by their definitions: every set of players, in whole numbers.

use super::*;

/// What a set of rows is worth, in whole numbers of a part of 1.
#[derive(Debug, Clone, Copy)]
pub enum Utility {
    /// Matches among the k nearest, over k.
    Hard { k: usize },
    /// Matches among the k nearest, over their number; nothing is worth 1/C.
    Soft { k: usize, labels: usize },
    /// Matches among the rows inside, over their number; none is worth 1/C.
    Threshold { labels: usize },
}

/// 2,520 is a multiple of every number up to ten.
const PARTS: usize = 2_520;

impl Utility {
    /// Into how many parts 1 is cut.
    fn parts(self) -> i128 {
        let parts = match self {
            Self::Hard { k } => k,
            Self::Soft { labels, .. } | Self::Threshold { labels } => PARTS * labels,
        };
        i128::try_from(parts).unwrap()
    }

    /// The worth of rows given as whether they match and are inside, from near to far.
    pub fn of(self, rows: &[(bool, bool)]) -> i128 {
        let matching = |rows: &mut dyn Iterator<Item = &(bool, bool)>| {
            let (mut matching, mut all) = (0, 0);
            for (matches, _) in rows {
                all += 1;
                matching += usize::from(*matches);
            }
            (matching, all)
        };
        let shared = |(matching, all): (usize, usize), labels: usize| match all {
            0 => PARTS,
            _ => matching * labels * PARTS / all,
        };
        let worth = match self {
            Self::Hard { k } => matching(&mut rows.iter().take(k)).0,
            Self::Soft { k, labels } => shared(matching(&mut rows.iter().take(k)), labels),
            Self::Threshold { labels } => {
                shared(matching(&mut rows.iter().filter(|row| row.1)), labels)
            }
        };
        i128::try_from(worth).unwrap()
    }
}

/// How gains are averaged.
#[derive(Debug, Clone, Copy)]
pub enum Average {
    /// Over all orders.
    Shapley,
    /// Over all sets of others.
    Banzhaf,
}

fn factorial(n: usize) -> i128 {
    (1..=i128::try_from(n).unwrap()).product()
}

/// The values of players from what each set of them is worth, in `parts` of 1.
pub fn values(worth: &[i128], players: usize, parts: i128, average: Average) -> Vec<BigRational> {
    let (weight, all): (Box<dyn Fn(usize) -> i128>, i128) = match average {
        Average::Shapley => (
            Box::new(|size| factorial(size) * factorial(players - 1 - size)),
            factorial(players),
        ),
        Average::Banzhaf => (Box::new(|_| 1), 1 << (players - 1)),
    };
    let value = |player: usize| {
        let without = (0..1usize << players).filter(|set| set >> player & 1 == 0);
        let gains = without.map(|set| {
            let gain = worth[set | 1 << player] - worth[set];
            gain * weight(usize::try_from(set.count_ones()).unwrap())
        });
        BigRational::new(gains.sum::<i128>().into(), (all * parts).into())
    };
    (0..players).map(value).collect()
}

/// A training row: feature, label and owner.
pub type Row = (i8, &'static str, usize);

/// The training rows as one validation row sees them: number, match, inside; from near to far.
pub fn seen(train: &[Row], point: (i8, &str), reach: f64) -> Vec<(usize, bool, bool)> {
    let distance = |row: &Row| (f64::from(row.0) - f64::from(point.0)).abs();
    let mut order: Vec<usize> = (0..train.len()).collect();
    order.sort_by(|a, b| distance(&train[*a]).total_cmp(&distance(&train[*b])));
    let look = |row: usize| {
        let (matches, inside) = (train[row].1 == point.1, distance(&train[row]) <= reach);
        (row, matches, inside)
    };
    order.into_iter().map(look).collect()
}

/// The mean values of players over validation rows; `player_of` says to whom a row belongs.
pub fn by_enumeration(
    train: &[Row],
    validation: &[(i8, &str)],
    reach: f64,
    (players, player_of): (usize, &dyn Fn(usize) -> usize),
    utility: Utility,
    average: Average,
) -> Vec<BigRational> {
    let mut sums = vec![ratio(0, 1); players];
    for point in validation {
        let seen = seen(train, *point, reach);
        let worth: Vec<i128> = (0..1usize << players)
            .map(|set| {
                let members = seen.iter().filter(|row| set >> player_of(row.0) & 1 == 1);
                let members: Vec<(bool, bool)> = members.map(|row| (row.1, row.2)).collect();
                utility.of(&members)
            })
            .collect();
        let values = values(&worth, players, utility.parts(), average);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    let points = BigInt::from(validation.len());
    sums.into_iter().map(|sum| sum / &points).collect()
}
