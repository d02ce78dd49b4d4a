//! Measuring by ratio: what is measured and its baseline take turns in one run, so that whatever
//! else the machine does meets both, and the medians are compared.

/// How often each side runs.
pub const ROUNDS: usize = 5;

/// Runs every side once per round, in turns, and returns each side's median figure.
///
/// A side returns its own figure, such as bytes a second; higher is better.
pub fn medians(sides: &mut [(&str, &mut dyn FnMut() -> f64)]) -> Vec<f64> {
    let mut figures = vec![Vec::with_capacity(ROUNDS); sides.len()];
    for _ in 0..ROUNDS {
        for ((_, side), figures) in sides.iter_mut().zip(&mut figures) {
            figures.push(side());
        }
    }
    figures.iter_mut().map(|figures| median(figures)).collect()
}

/// Returns the middle figure.
pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Prints one ratio with what it must at least be.
pub fn print_ratio(what: &str, measured: f64, baseline: f64, at_least: f64, unit: &str) {
    let ratio = measured / baseline;
    let verdict = if ratio >= at_least { "ok" } else { "BELOW" };
    println!(
        "{what}: {measured:.0} / {baseline:.0} {unit} = {ratio:.2} (at least {at_least}) {verdict}"
    );
}
