//! The lines about valuations that the service is asked for.

use super::lines::Words;
use super::settlement_lines::table;
use super::*;
use crate::domain::{CommitReveal, FinishValuation, Reveal, StartValuation};
use crate::ledger::rows::ValuationRequestRow;
use crate::ledger::{Locator, drafted, method_of};
use crate::valuation::{Input, SeedSource};

impl Scenario {
    /// Returns where the request of a number was made, in their order from 0; none where there is
    /// none.
    pub fn request_at(&self, number: usize) -> Option<Locator> {
        let accepted = self.accepted.iter().enumerate();
        let mut requests = accepted
            .filter(|(_, signed)| matches!(signed.command.action, Action::StartValuation(_)));
        let (index, _) = requests.nth(number)?;
        let index = index as u64;
        Some(Locator { index, number: 0 })
    }

    /// Returns the bytes that `commit POOL TEXT` commits to.
    pub fn reveal(text: &str) -> Reveal {
        Reveal(*blake3::hash(text.as_bytes()).as_bytes())
    }

    /// Returns what the seed of a request is made from.
    pub fn seed_source(&self, at: Locator, reveal: Option<&str>) -> SeedSource {
        let size = at.index + 1;
        let committed = |text: &str| {
            let reveal = Self::reveal(text);
            let row = self.row::<crate::ledger::CommitmentRow>(&reveal.commitment());
            (reveal, row.map_or(0, |row| row.at.index))
        };
        SeedSource {
            root: test_root(size),
            size,
            revealed: reveal.map(committed),
        }
    }
}

/// Reads a verb about requests and its words; none where it is no such verb:
///
/// - `commit POOL TEXT` commits to bytes made of the text
/// - `start POOL PERIOD METHOD [NAME:VALUE ...] [commit=TEXT] [validation=TEXT] [raw=JSON]` asks
///   for a valuation with these parameters
/// - `finish NUMBER CONTRIBUTION:VALUE... [reveal=TEXT] [spoil=FIELD]` answers the request of a
///   number with these values; FIELD is `seed`, `no-seed`, `method`, `inputs` or `missing`
pub(super) fn read_request_action(
    scenario: &mut Scenario,
    verb: &str,
    words: &Words<'_>,
) -> Option<Action> {
    Some(match verb {
        "commit" => Action::from(CommitReveal {
            pool: words.at(0).parse().unwrap(),
            commitment: Scenario::reveal(words.at(1)).commitment(),
        }),
        "start" => start(words).into(),
        "finish" => finish(scenario, words).into(),
        _ => return None,
    })
}

fn start(words: &Words<'_>) -> StartValuation {
    let parameters: BTreeMap<&str, &str> = words
        .from(3)
        .iter()
        .map(|text| text.split_once(':').expect(text))
        .collect();
    let parameters = serde_json::to_string(&parameters).unwrap();
    let hash = |text: &str| ContentHash::of(text.as_bytes());
    StartValuation {
        pool: words.at(0).parse().unwrap(),
        period: words.at(1).parse().unwrap(),
        method: words.at(2).to_owned(),
        parameters: words.get("raw").map_or(parameters, str::to_owned),
        validation_hash: words.get("validation").map(hash),
        commitment: words
            .get("commit")
            .map(|text| Scenario::reveal(text).commitment()),
    }
}

fn finish(scenario: &mut Scenario, words: &Words<'_>) -> FinishValuation {
    let reveal = words.get("reveal");
    let at = scenario.request_at(words.at(0).parse().unwrap());
    let request = at.and_then(|at| scenario.row::<ValuationRequestRow>(&at));
    let (Some(at), Some(request)) = (at, request) else {
        return FinishValuation {
            request: ThingId([6; 32]),
            table_hash: ContentHash([5; 32]),
            reveal: None,
        };
    };
    let source = scenario.seed_source(at, reveal);
    let method = method_of(&request, Some(&source)).unwrap();
    let valued = table(scenario, words.from(1), None);
    let mut table = drafted(&request, &method, 1, source.stated());
    table.denominator = valued.denominator;
    table.contributions = valued.contributions;
    let validation = request.validation_hash.map(|hash| Input {
        contribution: None,
        hash,
        kind: "validation".to_owned(),
    });
    table.inputs.extend(validation);
    match words.get("spoil") {
        Some("seed") => table.seed.as_mut().unwrap().hex = "00".to_owned(),
        Some("no-seed") => table.seed = None,
        Some("method") => table.method = "other".to_owned(),
        Some("inputs") => table.inputs.clear(),
        Some("missing") | None => {}
        Some(other) => panic!("no field {other}"),
    }
    let text = String::from_utf8(table.encode().unwrap()).unwrap();
    let table_hash = match words.get("spoil") {
        Some("missing") => ContentHash([5; 32]),
        _ => scenario.attach(&text),
    };
    FinishValuation {
        request: request.id,
        table_hash,
        reveal: reveal.map(Scenario::reveal),
    }
}
