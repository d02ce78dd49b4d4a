//! By which methods recorded contributions are valued here: one closed list.
//!
//! A method is its name, the parameters that a value table states, and perhaps a seed; with these
//! anybody who has the rows repeats the values. A new method is a file of its own, a line of
//! [`METHODS`] and an arm where the recipe asks it.

use std::collections::BTreeMap;
use std::num::NonZero;

use super::cluster_rules::DuplicateRule;
use super::knn::Threshold;
use super::value_table::ValueTable;

/// What is asked of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Row KNN-Shapley, summed by contribution.
    RowKnnShapley,
    /// KNN-Shapley of beneficial owners, each of whom comes with all of its rows.
    ProviderKnnShapley,
    /// The Banzhaf values of rows for the same utility.
    RowKnnBanzhaf,
    /// Shapley values of rows for the soft-label utility.
    RowKnnSoftLabel,
    /// Shapley values of rows where all rows within a distance vote.
    RowKnnThreshold,
    /// The number of distinct rows, from their hashes alone.
    Coverage,
}

/// A line of the closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// What is asked.
    pub question: Question,
    /// The method's name in a value table.
    pub name: &'static str,
    /// The names of its parameters, ascending.
    pub parameters: &'static [&'static str],
    /// Which rules for identical rows it takes: those but `first` divide a row's value, which
    /// only a sum over rows can.
    pub rules: &'static [DuplicateRule],
    /// Whether it needs the pool's validation set.
    pub needs_validation: bool,
}

const DUPLICATES: &str = "duplicates";
const NEIGHBOURS: &str = "k";
const THRESHOLD: &str = "threshold";
const TIES: &str = "ties";

const NEAREST: &[&str] = &[DUPLICATES, NEIGHBOURS, TIES];
const EVERY_RULE: &[DuplicateRule] = &DuplicateRule::ALL;

/// Every method, the first choice first.
pub const METHODS: [Listed; 6] = [
    Listed {
        question: Question::ProviderKnnShapley,
        name: "provider-knn-shapley",
        parameters: NEAREST,
        rules: &[DuplicateRule::First],
        needs_validation: true,
    },
    Listed {
        question: Question::RowKnnShapley,
        name: "row-knn-shapley",
        parameters: NEAREST,
        rules: EVERY_RULE,
        needs_validation: true,
    },
    Listed {
        question: Question::RowKnnBanzhaf,
        name: "row-knn-banzhaf",
        parameters: NEAREST,
        rules: EVERY_RULE,
        needs_validation: true,
    },
    Listed {
        question: Question::RowKnnSoftLabel,
        name: "row-knn-soft-label",
        parameters: NEAREST,
        rules: EVERY_RULE,
        needs_validation: true,
    },
    Listed {
        question: Question::RowKnnThreshold,
        name: "row-knn-threshold",
        parameters: &[DUPLICATES, THRESHOLD],
        rules: EVERY_RULE,
        needs_validation: true,
    },
    Listed {
        question: Question::Coverage,
        name: "coverage",
        parameters: &[DUPLICATES],
        rules: EVERY_RULE,
        needs_validation: false,
    },
];

impl Listed {
    /// Returns the line of the method of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|line| line.name == name)
    }

    fn of(question: Question) -> &'static Self {
        let line = METHODS.iter().find(|line| line.question == question);
        // A test finds every question in the list.
        line.unwrap_or(&METHODS[0])
    }

    fn takes(&self, parameter: &str) -> bool {
        self.parameters.contains(&parameter)
    }
}

/// Why a name and parameters are none of a method's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// The values were made by another method.
    #[error("the method is {found:?}; what can be computed here is {}", names())]
    OtherMethod {
        /// The method named.
        found: String,
    },
    /// The parameters are not those of the method.
    #[error("the parameters of {method} are {}", spelled(.method))]
    Parameters {
        /// The method's name.
        method: &'static str,
    },
}

fn names() -> String {
    METHODS.map(|line| line.name).join(", ")
}

/// Returns what the parameters of a method may be, in words.
fn spelled(method: &str) -> String {
    let Some(line) = Listed::named(method) else {
        return String::new();
    };
    let rules: Vec<&str> = line.rules.iter().map(|rule| rule.name()).collect();
    let spell = |parameter: &&str| match *parameter {
        DUPLICATES => format!("duplicates ({})", rules.join(", ")),
        NEIGHBOURS => "k (at least 1, in digits)".to_owned(),
        THRESHOLD => "threshold (a distance from 0, the shortest decimal)".to_owned(),
        _ => "ties (seed, or log without one)".to_owned(),
    };
    let parameters: Vec<String> = line.parameters.iter().map(spell).collect();
    parameters.join(", ")
}

/// A method with its parameters: what a value table must say for others to repeat it.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    listed: &'static Listed,
    duplicates: DuplicateRule,
    neighbours: NonZero<u64>,
    threshold: Threshold,
    seed: Option<Vec<u8>>,
}

impl Method {
    /// Reads a method by its name and its parameters, as [`Method::parameters`] writes them.
    ///
    /// `seed` orders rows at equal distance; without one they stand in the order of the log.
    ///
    /// # Errors
    /// Another method, or other parameters; a seed where the method uses none.
    pub fn read(
        name: &str,
        parameters: &BTreeMap<String, String>,
        seed: Option<Vec<u8>>,
    ) -> Result<Self, MethodError> {
        let Some(listed) = Listed::named(name) else {
            let found = name.to_owned();
            return Err(MethodError::OtherMethod { found });
        };
        let wrong = MethodError::Parameters {
            method: listed.name,
        };
        let get = |parameter: &str| parameters.get(parameter).map(String::as_str);
        let duplicates = get(DUPLICATES).and_then(DuplicateRule::named);
        let mut method = Self {
            listed,
            duplicates: duplicates.ok_or_else(|| wrong.clone())?,
            neighbours: NonZero::<u64>::MIN,
            threshold: Threshold::default(),
            seed,
        };
        if listed.takes(NEIGHBOURS) {
            let neighbours = get(NEIGHBOURS).and_then(|k| k.parse().ok());
            method.neighbours = neighbours.ok_or_else(|| wrong.clone())?;
        }
        if listed.takes(THRESHOLD) {
            let distance = get(THRESHOLD).and_then(|text| text.parse().ok());
            let threshold = distance.and_then(Threshold::new);
            method.threshold = threshold.ok_or_else(|| wrong.clone())?;
        }
        let fits = listed.rules.contains(&method.duplicates)
            && (method.seed.is_none() || listed.takes(TIES))
            && method.parameters() == *parameters;
        if fits { Ok(method) } else { Err(wrong) }
    }

    /// Reads method, parameters and seed from a value table.
    ///
    /// # Errors
    /// As [`Method::read`].
    pub fn of(table: &ValueTable) -> Result<Self, MethodError> {
        let seed = match (&table.seed, Listed::named(&table.method)) {
            (Some(seed), Some(listed)) => {
                let bytes = hex::decode(&seed.hex);
                Some(bytes.map_err(|_| MethodError::Parameters {
                    method: listed.name,
                })?)
            }
            _ => None,
        };
        Self::read(&table.method, &table.parameters, seed)
    }

    /// Values by the K nearest, under the rule `first`: row or provider-level KNN-Shapley,
    /// KNN-Banzhaf or soft-label. Questions that look at no K ignore it, and the seed.
    pub fn nearest(question: Question, neighbours: NonZero<u64>, seed: Option<Vec<u8>>) -> Self {
        let listed = Listed::of(question);
        Self {
            listed,
            duplicates: DuplicateRule::First,
            neighbours,
            threshold: Threshold::default(),
            seed: seed.filter(|_| listed.takes(TIES)),
        }
    }

    /// Returns what is asked of the rows.
    pub fn question(&self) -> Question {
        self.listed.question
    }

    /// Returns the name, as a value table states it.
    pub fn name(&self) -> &'static str {
        self.listed.name
    }

    /// Returns the parameters as a value table states them.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let value = |parameter: &str| match parameter {
            DUPLICATES => self.duplicates.name().to_owned(),
            NEIGHBOURS => self.neighbours.to_string(),
            THRESHOLD => self.threshold.distance().to_string(),
            _ if self.seed.is_some() => "seed".to_owned(),
            _ => "log".to_owned(),
        };
        let names = self.listed.parameters.iter();
        names
            .map(|name| ((*name).to_owned(), value(name)))
            .collect()
    }

    /// Returns the rule for identical rows.
    pub fn duplicates(&self) -> DuplicateRule {
        self.duplicates
    }

    /// Returns K, 1 where the method looks at none.
    pub fn neighbours(&self) -> NonZero<u64> {
        self.neighbours
    }

    /// Returns the distance within which rows vote, 0 where the method looks at none.
    pub fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Returns what orders rows at equal distance.
    pub fn seed(&self) -> Option<&[u8]> {
        self.seed.as_deref()
    }

    /// Returns whether the players are beneficial owners, so that owners have values of their
    /// own.
    pub fn values_owners(&self) -> bool {
        self.question() == Question::ProviderKnnShapley
    }

    /// Returns how often every validation row is looked at.
    pub fn passes(&self) -> usize {
        match self.question() {
            Question::ProviderKnnShapley => 2,
            Question::Coverage => 0,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::valuation::{Seed, VALUE_TABLE_FORMAT};

    fn stated(parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
        let texts = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        texts.collect()
    }

    fn check(name: &str, parameters: &[(&str, &str)], seed: Option<&[u8]>, expected: &str) {
        let parameters = stated(parameters);
        let told = match Method::read(name, &parameters, seed.map(<[u8]>::to_vec)) {
            Ok(method) => {
                assert_eq!(method.parameters(), parameters);
                format!("{:?}", method.question())
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected, "{name} {parameters:?}");
    }

    #[test]
    fn every_question_is_in_the_list_once_and_reads_back() {
        let questions = [
            Question::RowKnnShapley,
            Question::ProviderKnnShapley,
            Question::RowKnnBanzhaf,
            Question::RowKnnSoftLabel,
            Question::RowKnnThreshold,
            Question::Coverage,
        ];
        for question in questions {
            let lines = METHODS.iter().filter(|line| line.question == question);
            assert_eq!(lines.count(), 1, "{question:?}");
            for seed in [None, Some(vec![0, 255])] {
                let method = Method::nearest(question, NonZero::new(5).unwrap(), seed);
                let seed = method.seed.clone();
                let again = Method::read(method.name(), &method.parameters(), seed);
                let fits = Method {
                    neighbours: again.as_ref().unwrap().neighbours,
                    ..method
                };
                assert_eq!(again, Ok(fits), "{question:?}");
            }
        }
    }

    #[test]
    fn parameters_are_those_of_the_method_and_no_others() {
        let nearest = [("duplicates", "first"), ("k", "5"), ("ties", "seed")];
        check("row-knn-shapley", &nearest, Some(b"s"), "RowKnnShapley");
        check(
            "provider-knn-shapley",
            &nearest,
            Some(b"s"),
            "ProviderKnnShapley",
        );
        let threshold = [("duplicates", "pro_rata"), ("threshold", "24.5")];
        check("row-knn-threshold", &threshold, None, "RowKnnThreshold");
        check("coverage", &[("duplicates", "equal")], None, "Coverage");

        let wrong = "the parameters of coverage are duplicates (first, equal, pro_rata)";
        check("coverage", &[("duplicates", "equal")], Some(b"s"), wrong);
        check("coverage", &[("duplicates", "last")], None, wrong);
        check("coverage", &[], None, wrong);
        let wrong = "the parameters of provider-knn-shapley are duplicates (first), k (at least \
                     1, in digits), ties (seed, or log without one)";
        let divided = [("duplicates", "equal"), ("k", "5"), ("ties", "log")];
        check("provider-knn-shapley", &divided, None, wrong);
        check("provider-knn-shapley", &nearest, None, wrong);
        let wrong = "the parameters of row-knn-threshold are duplicates (first, equal, \
                     pro_rata), threshold (a distance from 0, the shortest decimal)";
        for distance in ["-1", "NaN", "inf", "1.0", "1e2", ""] {
            let parameters = [("duplicates", "first"), ("threshold", distance)];
            check("row-knn-threshold", &parameters, None, wrong);
        }
        let other = "the method is \"trak\"; what can be computed here is provider-knn-shapley, \
                     row-knn-shapley, row-knn-banzhaf, row-knn-soft-label, row-knn-threshold, \
                     coverage";
        check("trak", &[], None, other);
    }

    #[test]
    fn the_method_is_read_back_from_its_table() {
        let neighbours = NonZero::new(5).unwrap();
        let method = Method::nearest(Question::RowKnnShapley, neighbours, Some(vec![0, 255]));
        let mut table = ValueTable {
            contributions: Vec::new(),
            denominator: NonZero::<u128>::MIN,
            format: VALUE_TABLE_FORMAT.to_owned(),
            inputs: Vec::new(),
            method: method.name().to_owned(),
            owners: None,
            parameters: method.parameters(),
            period: "2026-10".parse().unwrap(),
            pool: "solar".parse().unwrap(),
            rules: 1,
            seed: Some(Seed {
                from: "the evaluator".to_owned(),
                hex: "00ff".to_owned(),
            }),
        };
        assert_eq!(Method::of(&table), Ok(method));
        for (name, value) in [("k", "0"), ("k", "+5"), ("ties", "log"), ("more", "1")] {
            let mut other = table.clone();
            other.parameters.insert(name.to_owned(), value.to_owned());
            let method = "row-knn-shapley";
            assert_eq!(
                Method::of(&other),
                Err(MethodError::Parameters { method }),
                "{name}"
            );
        }
        table.method = "trak".to_owned();
        let found = "trak".to_owned();
        assert_eq!(Method::of(&table), Err(MethodError::OtherMethod { found }));
    }
}
