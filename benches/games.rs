//! Values of games: exact ones of 20 and 24 players, and 10,000 orders of 100 players.
//!
//! The baseline of the exact ones is the fold of the literature: it weighs each utility, answers
//! for the last player from the upper half of the table, adds it to the lower half, and goes on
//! with that; here in 128 bits, and in `benches/peers` with numpy. numpy and shapiq are skipped
//! unless `benches/peers/games-requirements.txt` is installed in `target/peers-games`:
//! `python3 -m venv target/peers-games` and
//! `target/peers-games/bin/pip install -r benches/peers/games-requirements.txt`.
//! `FENRUN_BENCH_PLAYERS` replaces the 24.

use std::hint::black_box;
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use fenrun::valuation::games::{Airport, Game, UNIT, UtilityTable, Value, read_game};
use fenrun::valuation::sampling::{Method, Plan, Stop};

mod measure;

fn main() {
    let largest: usize = std::env::var("FENRUN_BENCH_PLAYERS")
        .map_or(24, |text| text.parse().expect("FENRUN_BENCH_PLAYERS"));
    exact(20, true);
    exact(largest, false);
    reading(20);
    orders(100, 10_000);
}

/// Returns utilities that look like scores: between 0 and 1, more for larger coalitions.
fn utilities(players: usize) -> Vec<i64> {
    let score = |mask: u64| {
        let size = i64::from(mask.count_ones());
        let noise = i64::try_from(mask.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 38).unwrap();
        UNIT / 2 * size / i64::try_from(players).unwrap() + noise
    };
    (0..1u64 << players).map(score).collect()
}

fn exact(players: usize, with_shapiq: bool) {
    let utilities = utilities(players);
    let game = Game::Table(UtilityTable::new(players, utilities.clone()).unwrap());
    let gain = (utilities[utilities.len() - 1] - utilities[0]) as f64 / UNIT as f64;
    let check = |sum: f64| assert!((sum - gain).abs() < 1e-6, "{sum}, not {gain}");
    check(fold(&utilities, players).iter().sum());
    let mut ours = || per_second(|| drop(black_box(game.exact(Value::Shapley).unwrap())));
    let mut theirs = || per_second(|| drop(black_box(fold(&utilities, players))));
    let medians = measure::medians(&mut [("fenrun", &mut ours), ("fold", &mut theirs)]);
    let ours = medians[0];
    let what = format!("exact Shapley values of {players} players");
    println!("{what}: {:.4} s", 1.0 / ours);
    measure::print_ratio(&format!("{what}, fold"), ours, medians[1], 1.0, "games/s");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("utilities.i64");
    let bytes: Vec<u8> = utilities.iter().flat_map(|one| one.to_le_bytes()).collect();
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap();
    if let Some((seconds, sum)) = peer("games_numpy.py", &[path]) {
        check(sum);
        measure::print_ratio(
            &format!("{what}, numpy"),
            ours,
            1.0 / seconds,
            1.0,
            "games/s",
        );
    }
    if with_shapiq && let Some((seconds, sum)) = peer("games_shapiq.py", &["exact", path]) {
        check(sum);
        let theirs = 1.0 / seconds;
        println!("shapiq took {seconds:.1} s");
        measure::print_ratio(&format!("{what}, shapiq"), ours, theirs, 500.0, "games/s");
    }
}

/// Runs a peer's script; returns the seconds and the sum of values that it says.
fn peer(script: &str, arguments: &[&str]) -> Option<(f64, f64)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("target/peers-games/bin/python"))
        .arg(root.join("benches/peers").join(script))
        .args(arguments)
        .output()
        .ok()?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let printed = String::from_utf8(output.stdout).ok()?;
    let mut words = printed.split_whitespace().map(str::parse);
    Some((words.next()?.ok()?, words.next()?.ok()?))
}

fn per_second(run: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    run();
    1.0 / begin.elapsed().as_secs_f64()
}

/// The fold of the specification, in 128 bits.
fn fold(utilities: &[i64], players: usize) -> Vec<f64> {
    let one = (1..=players as i128).fold(1, |one, number| {
        let common = (1..=number).rev().find(|d| one % d == 0 && number % d == 0);
        one / common.unwrap() * number
    });
    let mut weights = Vec::new();
    let mut binomial = 1;
    for size in 0..players as i128 {
        weights.push(one / (players as i128 * binomial));
        binomial = binomial * (players as i128 - 1 - size) / (size + 1);
    }
    let weight = |size: usize| weights.get(size).copied().unwrap_or(0);
    let factors: Vec<(i128, i128)> = (0..=players)
        .map(|size| {
            let below = size.checked_sub(1).map_or(0, weight);
            (below + weight(size), weight(size))
        })
        .collect();
    let mut rest = 0;
    let mut table: Vec<i128> = utilities
        .iter()
        .enumerate()
        .map(|(mask, utility)| {
            let (both, without) = factors[mask.count_ones() as usize];
            rest += without * i128::from(*utility);
            both * i128::from(*utility)
        })
        .collect();
    let mut values = vec![0.0; players];
    for player in (0..players).rev() {
        let upper = table.split_off(1 << player);
        let sum: i128 = upper.iter().sum();
        values[player] = (sum - rest) as f64 / one as f64 / UNIT as f64;
        for (lower, upper) in table.iter_mut().zip(&upper) {
            *lower += upper;
        }
    }
    values
}

fn reading(players: usize) {
    let decimal = |utility: i64| format!("{}.{:09}", utility / UNIT, utility % UNIT);
    let texts: Vec<String> = utilities(players).into_iter().map(decimal).collect();
    let text = format!(
        r#"{{"players": {players}, "utility": [{}]}}"#,
        texts.join(", ")
    );
    let begin = Instant::now();
    black_box(read_game(&text).unwrap());
    let mib = text.len() as f64 / f64::from(1 << 20);
    println!(
        "a table of {players} players read from {mib:.0} MiB of JSON: {:.3} s",
        begin.elapsed().as_secs_f64()
    );
}

fn orders(players: i128, orders: u64) {
    let costs: Vec<i128> = (0..players)
        .map(|player| player * player * i128::from(UNIT))
        .collect();
    let game = Game::Airport(Airport::new(&costs).unwrap());
    let per_order = u64::try_from(players - 1).unwrap();
    let plan = Plan {
        seed: [1; 32],
        failure: NonZero::new(50_000_000).unwrap(),
        stop: Stop::Evaluations,
        evaluations_max: 2 + orders * per_order,
        progress: &|_| {},
    };
    let mut seconds = Vec::new();
    for _ in 0..measure::ROUNDS {
        let begin = Instant::now();
        let estimate = Method::Permutation
            .estimate(&game, Value::Shapley, &plan)
            .unwrap();
        assert_eq!(estimate.evaluations, 2 + orders * per_order);
        seconds.push(begin.elapsed().as_secs_f64());
    }
    let seconds = measure::median(&mut seconds);
    let what = format!("{orders} orders of {players} players");
    println!("{what}, with intervals: {seconds:.4} s");
    let arguments = [players.to_string(), orders.to_string()];
    let arguments = ["orders", &arguments[0], &arguments[1]];
    if let Some((theirs, _)) = peer("games_shapiq.py", &arguments) {
        println!("shapiq took {theirs:.1} s");
        measure::print_ratio(
            &format!("{what}, shapiq"),
            orders as f64 / seconds,
            orders as f64 / theirs,
            100.0,
            "orders/s",
        );
    }
}
