//! `fenrun calc fairness`: what cheating brings, on real data, by every method and rule.

mod attacks;
mod scene;

use std::num::NonZero;

use serde::Serialize;

use self::attacks::ATTACKS;
use self::scene::{Scene, Shares};
use crate::cli::report::Report;
use crate::cli::{CommandError, Context, Kind};
use crate::valuation::{DuplicateRule, METHODS};

/// Tries to cheat by every method, on the shipped digits, and prints who gets what share then.
///
/// Every figure follows from the files under `examples/data/digits` and from no random number; the
/// table of `docs/fairness.md` is what this prints without options.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// How many rows each of the five owners has, 2 to 110
    #[arg(long, value_name = "N", default_value_t = 60,
          value_parser = clap::value_parser!(u8).range(2..=110))]
    rows: u8,
    /// How many validation rows there are, 1 to 300
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u16).range(1..=300))]
    points: u16,
    /// How many neighbours vote
    #[arg(long, default_value_t = NonZero::new(5).unwrap_or(NonZero::<u64>::MIN))]
    k: NonZero<u64>,
}

/// What one rule for identical rows comes to.
#[derive(Debug, Serialize)]
struct RuleTable {
    rule: &'static str,
    methods: Vec<&'static str>,
    attacks: Vec<Attacked>,
}

/// The shares after one attack, in the order of the methods.
#[derive(Debug, Serialize)]
struct Attacked {
    attack: String,
    attacker: Vec<String>,
    victim: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Fairness {
    rows: u8,
    points: u16,
    k: NonZero<u64>,
    threshold: u8,
    tables: Vec<RuleTable>,
}

pub(in crate::cli) async fn run(
    args: Args,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let scene = Scene::new(args.rows, args.points, args.k).map_err(fault)?;
    let steps = DuplicateRule::ALL.len().saturating_mul(ATTACKS.len());
    let steps = u64::try_from(steps).unwrap_or(u64::MAX);
    let template = "trying {wide_bar} {pos}/{len} attacks, {eta} left";
    let bar = crate::cli::progress::bar(steps, template, context.streams.terminal);
    let mut tables = Vec::with_capacity(DuplicateRule::ALL.len());
    for rule in DuplicateRule::ALL {
        tables.push(table(&scene, rule, &|| bar.inc(1)).map_err(fault)?);
    }
    bar.finish_and_clear();
    context.show(&Fairness {
        rows: args.rows,
        points: args.points,
        k: args.k,
        threshold: scene::THRESHOLD,
        tables,
    })
}

/// Nothing that is typed can make these fail.
fn fault(error: String) -> CommandError {
    CommandError::new(Kind::Fault, error)
}

fn table(scene: &Scene, rule: DuplicateRule, done: &dyn Fn()) -> Result<RuleTable, String> {
    let methods: Vec<_> = METHODS
        .iter()
        .filter(|line| line.rules.contains(&rule))
        .collect();
    let mut attacks = Vec::with_capacity(ATTACKS.len());
    for attack in ATTACKS {
        let held = (attack.change)(scene.honest());
        let mut attacked = Attacked {
            attack: attack.name.to_owned(),
            attacker: Vec::with_capacity(methods.len()),
            victim: Vec::with_capacity(methods.len()),
        };
        for line in &methods {
            let Shares { attacker, victim } = scene.shares(&held, line, rule)?;
            attacked.attacker.push(attacker);
            attacked.victim.push(victim);
        }
        attacks.push(attacked);
        done();
    }
    Ok(RuleTable {
        rule: rule.name(),
        methods: methods.iter().map(|line| line.name).collect(),
        attacks,
    })
}

impl Report for Fairness {
    fn text(&self) -> String {
        let mut text = format!(
            "Five owners with {} rows each, {} validation rows, K = {}, T = {}. Shares in percent.\n",
            self.rows, self.points, self.k, self.threshold
        );
        for table in &self.tables {
            for (who, shares) in [
                (
                    "attacker",
                    Attacked::of_attacker as fn(&Attacked) -> &[String],
                ),
                ("victim", Attacked::of_victim),
            ] {
                text.push_str(&format!("\nRule `{}`: what the {who} gets\n\n", table.rule));
                text.push_str(&format!("| attack | {} |\n", table.methods.join(" | ")));
                text.push_str(&format!("|---|{}\n", "--:|".repeat(table.methods.len())));
                for attacked in &table.attacks {
                    let shares = shares(attacked).join(" | ");
                    text.push_str(&format!("| {} | {shares} |\n", attacked.attack));
                }
            }
        }
        text
    }
}

impl Attacked {
    fn of_attacker(&self) -> &[String] {
        &self.attacker
    }

    fn of_victim(&self) -> &[String] {
        &self.victim
    }
}
