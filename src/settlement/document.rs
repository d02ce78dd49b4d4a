//! Reading a scenario from a JSON document, with all violations by path.

use crate::domain::json::{Fields, Json, Path};
use crate::domain::{BASIS_POINTS_MAX, PolicyTerms, Violation};

use super::run::Run;
use super::scenario::{
    Claim, Contribution, HOLD_DENOMINATOR_MAX, Hold, Id, Opening, Owner, Parent, Party, Revenue,
    RevenueKind, Scenario,
};

/// Reads a scenario and checks it, so that [`super::settle`] has nothing left to refuse in it but
/// amounts that turn out too large.
///
/// # Errors
/// Everything that is wrong with the document, each with its path.
pub fn read_scenario(text: &str) -> Result<Scenario, Vec<Violation>> {
    let json = Json::parse(text).map_err(|violation| vec![violation])?;
    let mut found = Vec::new();
    let scenario = read(&json, &mut found);
    // Where a whole list or the policy is missing, nothing that refers to it is worth reporting.
    let whole = ["", "policy", "owners", "parties", "contributions"];
    if !found
        .iter()
        .any(|violation| whole.contains(&violation.path.as_str()))
    {
        let unreadable: Vec<String> = found
            .iter()
            .map(|violation| violation.path.clone())
            .collect();
        let values = Run::new(&scenario).err().unwrap_or_default();
        found.extend(values.into_iter().filter(|violation| {
            // What stands in for an unreadable value is not worth reporting either.
            !unreadable
                .iter()
                .any(|path| stands_at(&violation.path, path))
        }));
    }
    if found.is_empty() {
        Ok(scenario)
    } else {
        Err(found)
    }
}

/// Tells whether a path is at or below another.
fn stands_at(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
}

fn read(json: &Json, found: &mut Vec<Violation>) -> Scenario {
    let known = [
        "currency",
        "period",
        "policy",
        "revenue",
        "opening",
        "owners",
        "parties",
        "contributions",
        "claims",
        "holds",
    ];
    let mut document = Entry::open(json, &Path::Root, &known, found);
    Scenario {
        currency: document.id("currency"),
        period: document.id("period"),
        policy: document.policy(),
        revenue: document.list("revenue", true, &["ref", "kind", "amount"], |entry| {
            Revenue {
                reference: entry.id("ref"),
                kind: entry.revenue_kind(),
                amount: entry.amount("amount"),
            }
        }),
        opening: document.opening(),
        owners: document.list("owners", true, &["id", "floor_eligible", "debt"], |entry| {
            Owner {
                id: entry.id("id"),
                floor_eligible: entry.flag("floor_eligible"),
                debt: entry.amount_or_zero("debt"),
            }
        }),
        parties: document.list(
            "parties",
            true,
            &["id", "owner", "tax_bps", "carried"],
            |entry| Party {
                id: entry.id("id"),
                owner: entry.id("owner"),
                tax_bps: entry.rate_or_zero("tax_bps"),
                carried: entry.amount_or_zero("carried"),
            },
        ),
        contributions: document.contributions(),
        claims: document.claims(),
        holds: document.holds(),
    }
}

/// An object of the document; where there is none, its fields read as empty without more ado.
struct Entry<'a, 'found> {
    fields: Option<Fields<'a>>,
    found: &'found mut Vec<Violation>,
}

impl<'a, 'found> Entry<'a, 'found> {
    fn open(
        json: &'a Json,
        path: &'a Path<'a>,
        known: &[&str],
        found: &'found mut Vec<Violation>,
    ) -> Self {
        let fields = json.fields(path, known, found);
        Self { fields, found }
    }

    /// Reads the value of a key; an absent one is noted if it is required.
    fn read<Value: Default>(
        &mut self,
        key: &str,
        required: bool,
        read: impl FnOnce(&'a Json, &Path, &mut Vec<Violation>) -> Option<Value>,
    ) -> Value {
        let Some(fields) = self.fields else {
            return Value::default();
        };
        let value = if required {
            fields.required(key, self.found)
        } else {
            fields.optional(key)
        };
        value
            .and_then(|value| read(value, &fields.path(key), self.found))
            .unwrap_or_default()
    }

    fn id(&mut self, key: &str) -> Id {
        let text: &str = self.read(key, true, |value, path, found| value.text(path, found));
        Id::from(text)
    }

    fn number<Number: TryFrom<i128> + Default>(&mut self, key: &str, high: i128) -> Number {
        self.read(key, true, |value, path, found| {
            value.integer(0..=high, path, found)
        })
    }

    fn amount(&mut self, key: &str) -> i64 {
        self.number(key, i64::MAX.into())
    }

    fn amount_or_zero(&mut self, key: &str) -> i64 {
        self.read(key, false, |value, path, found| {
            value.integer(0..=i64::MAX.into(), path, found)
        })
    }

    fn rate_or_zero(&mut self, key: &str) -> u32 {
        let high = i128::from(BASIS_POINTS_MAX);
        self.read(key, false, |value, path, found| {
            value.integer(0..=high, path, found)
        })
    }

    fn flag(&mut self, key: &str) -> bool {
        self.read(key, false, |value, path, found| value.boolean(path, found))
    }

    fn revenue_kind(&mut self) -> RevenueKind {
        let kind = self.read("kind", true, |value, path, found| {
            let kind = match value.text(path, found)? {
                "receipt" => RevenueKind::Receipt,
                "refund" => RevenueKind::Refund,
                "chargeback" => RevenueKind::Chargeback,
                other => {
                    let text = format!("{other:?} is not receipt, refund or chargeback");
                    found.push(path.violation(text));
                    return None;
                }
            };
            Some(Some(kind))
        });
        kind.unwrap_or(RevenueKind::Receipt)
    }

    fn policy(&mut self) -> PolicyTerms {
        self.read("policy", true, |value, path, found| {
            Some(PolicyTerms::read(value, path, found))
        })
    }

    fn contributions(&mut self) -> Vec<Contribution> {
        self.list(
            "contributions",
            true,
            &["id", "party", "weight", "parents"],
            |entry| Contribution {
                id: entry.id("id"),
                party: entry.id("party"),
                weight: entry.number("weight", u64::MAX.into()),
                parents: entry.list("parents", false, &["id", "upstream_bps"], |edge| Parent {
                    id: edge.id("id"),
                    upstream_bps: edge.number("upstream_bps", BASIS_POINTS_MAX.into()),
                }),
            },
        )
    }

    fn claims(&mut self) -> Vec<Claim> {
        self.list(
            "claims",
            false,
            &["id", "contribution", "class", "outstanding"],
            |entry| Claim {
                id: entry.id("id"),
                contribution: entry.id("contribution"),
                class: entry.id("class"),
                outstanding: entry.amount("outstanding"),
            },
        )
    }

    fn holds(&mut self) -> Vec<Hold> {
        self.list(
            "holds",
            false,
            &["contribution", "numerator", "denominator"],
            |entry| Hold {
                contribution: entry.id("contribution"),
                numerator: entry.number("numerator", HOLD_DENOMINATOR_MAX.into()),
                denominator: entry.number("denominator", HOLD_DENOMINATOR_MAX.into()),
            },
        )
    }

    fn opening(&mut self) -> Opening {
        self.read("opening", false, |value, path, found| {
            let known = ["profit_layer", "pool_deficit", "over_recovery"];
            let mut entry = Entry::open(value, path, &known, found);
            Some(Opening {
                profit_layer: entry.amount_or_zero("profit_layer"),
                pool_deficit: entry.amount_or_zero("pool_deficit"),
                over_recovery: entry.amount_or_zero("over_recovery"),
            })
        })
    }

    fn list<Item>(
        &mut self,
        key: &str,
        required: bool,
        known: &[&str],
        item: impl Fn(&mut Entry) -> Item,
    ) -> Vec<Item> {
        self.read(key, required, |value, path, found| {
            let mut items = Vec::new();
            for (position, value) in value.list(path, found)?.iter().enumerate() {
                let path = Path::Item(path, position);
                items.push(item(&mut Entry::open(value, &path, known, found)));
            }
            Some(items)
        })
    }
}
