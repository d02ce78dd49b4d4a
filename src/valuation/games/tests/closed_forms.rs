//! Named games: their closed forms equal their tables, also where the literature has figures.

use num_rational::BigRational;

use super::naive::naive;
use super::random::{Choices, values};
use crate::valuation::games::*;

/// Returns the table of any game, asked coalition by coalition.
fn table_of(game: &Game) -> UtilityTable {
    let players = game.players();
    let utility = |mask| game.utility(&Coalition::from_mask(mask)).unwrap();
    UtilityTable::new(players, (0..1 << players).map(utility).collect()).unwrap()
}

#[test]
fn closed_forms_are_the_definition() {
    for seed in 0..700u64 {
        let game = Choices::new(seed).named(seed, 5);
        for value in values() {
            let found = game.exact(value).unwrap();
            assert_eq!(
                found.values,
                naive(&game, value),
                "seed {seed}, {value}: {game:?}"
            );
            let listed = matches!(game, Game::Bankruptcy(_));
            assert_eq!(
                found.evaluations,
                if listed { 1 << game.players() } else { 0 }
            );
        }
    }
}

#[test]
fn closed_forms_equal_the_table() {
    for seed in 0..700u64 {
        let game = Choices::new(seed).named(seed, 10);
        let table = Game::Table(table_of(&game));
        for value in values() {
            let expected = table.exact(value).unwrap().values;
            let found = game.exact(value).unwrap().values;
            assert_eq!(found, expected, "seed {seed}, {value}: {game:?}");
        }
    }
}

#[test]
fn games_keep_what_they_declare() {
    for seed in 0..700u64 {
        let mut choices = Choices::new(seed);
        let game = choices.named(seed, 6);
        let (bounds, players) = (game.bounds(), game.players());
        for mask in 0..1u64 << players {
            let utility = game.utility(&Coalition::from_mask(mask)).unwrap();
            assert!(
                (bounds.low..=bounds.high).contains(&utility),
                "seed {seed}: {game:?}"
            );
        }
        let mut order: Vec<usize> = (0..players).collect();
        order.rotate_left(choices.below(players));
        let mut utilities = Vec::new();
        game.along(&order, &mut utilities).unwrap();
        let nobody = game.utility(&Coalition::empty()).unwrap();
        let mut before = nobody;
        for (count, utility) in (1..).zip(&utilities) {
            let coalition: Coalition = order.iter().copied().take(count).collect();
            assert_eq!(
                game.utility(&coalition),
                Ok(*utility),
                "seed {seed}: {game:?}"
            );
            assert!(
                !bounds.monotone || *utility >= before,
                "seed {seed}: {game:?}"
            );
            before = *utility;
        }
        assert_eq!(utilities.len(), players);
    }
}

fn texts(values: &[BigRational]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn whole(numbers: &[i128]) -> Vec<i128> {
    numbers
        .iter()
        .map(|number| number * i128::from(UNIT))
        .collect()
}

/// The Security Council: five members of seven votes each and
/// ten of one, and 39 votes to pass.
#[test]
fn votes_of_the_literature() {
    let mut weights = vec![7; 5];
    weights.resize(15, 1);
    let council = WeightedVoting::new(39 * i128::from(UNIT), &whole(&weights)).unwrap();
    let council = Game::WeightedVoting(council);
    let values = council.exact(Value::Shapley).unwrap().values;
    assert_eq!(texts(&values)[0], "421/2145", "permanent members");
    assert_eq!(texts(&values)[14], "4/2145", "the others");

    // A veto of one among three: the example of the format.
    let vote = WeightedVoting::new(51 * i128::from(UNIT), &whole(&[50, 49, 1])).unwrap();
    let values = Game::WeightedVoting(vote)
        .exact(Value::Shapley)
        .unwrap()
        .values;
    assert_eq!(texts(&values), ["2/3", "1/6", "1/6"]);
}

/// With hundreds of players the values still sum to 1, and what is known of them holds.
#[test]
fn hundreds_of_players() {
    let players = 150;
    let weights: Vec<i128> = (0..players).map(|player| 1 + player % 7).collect();
    let quota = i128::from(UNIT) * (weights.iter().sum::<i128>() / 2 + 1);
    let game = WeightedVoting::new(quota, &whole(&weights)).unwrap();
    let game = Game::WeightedVoting(game);
    let values = game.exact(Value::Shapley).unwrap().values;
    assert_eq!(values.iter().sum::<BigRational>().to_string(), "1");
    assert!(values[0] < values[1] && values[1] < values[6] && values[0] == values[7]);

    let equal = WeightedVoting::new(whole(&[100])[0], &whole(&[1; 199])).unwrap();
    let values = Game::WeightedVoting(equal)
        .exact(Value::Shapley)
        .unwrap()
        .values;
    assert_eq!(texts(&values)[0], "1/199");

    let costs: Vec<i128> = (1..=400).collect();
    let airport = Game::Airport(Airport::new(&whole(&costs)).unwrap());
    let found = airport.exact(Value::Shapley).unwrap().values;
    // The second player shares the first stretch with all, and the second with all but one.
    assert_eq!(texts(&found)[1], "799/159600");
    let found = airport.exact(Value::LeaveOneOut).unwrap().values;
    assert_eq!((&texts(&found)[398..]), ["0", "1"]);
    let sum: BigRational = airport.exact(Value::Shapley).unwrap().values.iter().sum();
    assert_eq!(sum.to_string(), "400");

    let glove = Game::Glove(Glove::new(100, 101).unwrap());
    let sum: BigRational = glove.exact(Value::Shapley).unwrap().values.iter().sum();
    assert_eq!(sum.to_string(), "100");
    let members: Vec<usize> = (0..250).collect();
    let unanimity = Game::Unanimity(Unanimity::new(500, &members).unwrap());
    assert_eq!(
        texts(&unanimity.exact(Value::Shapley).unwrap().values)[0],
        "1/250"
    );
}
