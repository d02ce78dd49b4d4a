//! Lines of a settlement as sentences for people: the amount, and how it follows.

use crate::domain::{Currency, Money};
use crate::ledger::settling::LineDocument;

/// Shows the inputs of one line.
pub(super) struct Teller<'a> {
    /// The line.
    pub line: &'a LineDocument<'a>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Gives the name of a contribution by its id in hex, or the id where it may not be shown.
    pub name: &'a dyn Fn(&str) -> String,
}

impl Teller<'_> {
    /// Returns the line as one sentence that begins with its step.
    pub fn sentence(&self) -> String {
        let text = match self.line.step {
            1..=3 => self.revenue(),
            4 => self.costs(),
            5 | 6 | 16 => self.layers(),
            7 | 8 => self.shares(),
            9 => self.upstream(),
            10 | 11 => self.floor_and_hold(),
            _ => self.payout(),
        };
        format!("Step {}: {text}.", self.line.step)
    }

    fn revenue(&self) -> String {
        let amount = self.amount();
        match self.line.name.as_str() {
            "net_revenue" => format!(
                "the net revenue is {amount}: receipts of {}, less refunds of {}, chargebacks of {} \
                 and a deficit of {} carried in",
                self.money("receipts"),
                self.money("refunds"),
                self.money("chargebacks"),
                self.money("opening_deficit"),
            ),
            "operator_fee" => format!(
                "the operator takes {amount}: {} of {} plus {}{}",
                self.rate("bps"),
                self.money("net"),
                self.money("flat"),
                self.limit("cap", ", at most"),
            ),
            _ => format!(
                "{amount} goes on: {} was left and {} of over-recovery came in{}; {} is carried out",
                self.money("left"),
                self.money("over_recovery_in"),
                self.limit("maximum_revenue", ", the maximum is"),
                self.money("over_recovery_out"),
            ),
        }
    }

    fn costs(&self) -> String {
        let amount = self.amount();
        if self.line.name == "cost_budget" {
            return format!(
                "there is {amount} for costs: at most {} of {}, and at most the {} that is left",
                self.rate("tier_cap_bps"),
                self.money("net"),
                self.money("left"),
            );
        }
        format!(
            "{amount} of {} outstanding on the claim {} comes back: claims of the class {} are {} \
             together, and {} was left for them{}",
            self.money("outstanding"),
            short(self.text("claim")),
            self.text("class"),
            self.money("class_outstanding"),
            self.money("class_budget"),
            self.leftover(),
        )
    }

    fn layers(&self) -> String {
        let amount = self.amount();
        match self.line.name.as_str() {
            "public_interest" => format!(
                "{amount} goes to the public interest: {} of {}",
                self.rate("bps"),
                self.money("left"),
            ),
            "profit_layer" => format!(
                "the profit layer is {amount}: {} was left and {} was carried in",
                self.money("left"),
                self.money("opening"),
            ),
            "floor_budget" => format!(
                "{amount} is set aside for small owners: {} of {}; {} is shared by value",
                self.rate("budget_bps"),
                self.money("profit_layer"),
                self.money("shared"),
            ),
            _ => format!(
                "{amount} is left for the next period: {} found nobody and {} of the floor budget \
                 was not needed",
                self.money("undistributed"),
                self.money("unused_floor_budget"),
            ),
        }
    }

    fn shares(&self) -> String {
        let (amount, owner) = (self.amount(), self.text("owner"));
        if self.line.name == "value_share" {
            return format!(
                "{} gets {amount} by value: {owner} has {} of the weight {} and so {} of {}, and \
                 the contribution has {} of the owner's weight{}",
                self.contribution(),
                self.text("owner_weight"),
                self.text("total_weight"),
                self.money("owner_share"),
                self.money("distributed"),
                self.text("weight"),
                self.leftover(),
            );
        }
        format!(
            "the share of {} changes by {amount} to {}: no owner gets more than {}, and {owner} \
             goes from {} to {}",
            self.contribution(),
            self.money("share_after"),
            self.money("cap"),
            self.money("owner_share_before"),
            self.money("owner_share_after"),
        )
    }

    fn upstream(&self) -> String {
        let (rate, holds) = (self.rate("bps"), self.money("holds"));
        if self.line.name == "upstream_received" {
            return format!(
                "{} receives {}, {rate} of the {holds} that {}, derived from it, holds",
                self.contribution(),
                self.amount(),
                (self.name)(self.text("child")),
            );
        }
        format!(
            "{} passes up {}, {rate} of the {holds} that it holds, to {}",
            self.contribution(),
            self.given(),
            (self.name)(self.text("parent")),
        )
    }

    fn floor_and_hold(&self) -> String {
        match self.line.name.as_str() {
            "floor_top_up" => format!(
                "{} is topped up by {}: the floor is {}, its share {}, it received {} from others, \
                 and there was {} for all who needed it{}",
                self.text("owner"),
                self.amount(),
                self.money("floor"),
                self.money("share"),
                self.money("received"),
                self.money("budget"),
                self.leftover(),
            ),
            "held_top_up" => format!(
                "{} of the top-up of {} is held, as {} of the owner's profit of {} is",
                self.given(),
                self.money("top_up"),
                self.money("owner_held_profit"),
                self.money("owner_profit"),
            ),
            "held_cost" => format!(
                "{} of the {} that came back as costs of {} is held: {} of it is contested",
                self.given(),
                self.money("cost"),
                self.contribution(),
                self.text("fraction"),
            ),
            _ => format!(
                "{} of the {} that {} keeps is held, because it is contested",
                self.given(),
                self.money("kept"),
                self.contribution(),
            ),
        }
    }

    fn payout(&self) -> String {
        let party = self.line.party.as_deref().unwrap_or_default();
        match self.line.name.as_str() {
            "withholding_tax" => format!(
                "{} is withheld from {party} as tax: {} of a profit of {}",
                self.given(),
                self.rate("bps"),
                self.money("unheld_profit"),
            ),
            "offset" => format!(
                "{} is kept back from {party} for the {} that {} owes; at most {}{}",
                self.given(),
                self.money("debt"),
                self.text("owner"),
                self.money("limit"),
                self.leftover(),
            ),
            "reserve" => format!(
                "{} of {party} is set aside: {} of {} less {}",
                self.given(),
                self.rate("bps"),
                self.money("unheld"),
                self.money("offset"),
            ),
            name => format!(
                "{} is {} {party}: {} of this run and {} carried in; the least payout is {}",
                self.amount(),
                if name == "payable" {
                    "payable to"
                } else {
                    "carried for"
                },
                self.money("left"),
                self.money("carried_in"),
                self.money("minimum_payout"),
            ),
        }
    }

    /// Returns the contribution of the line by name.
    fn contribution(&self) -> String {
        (self.name)(self.line.contribution.as_deref().unwrap_or_default())
    }

    fn amount(&self) -> String {
        self.shown(self.line.amount)
    }

    /// Returns the amount without the sign that says that it is given up.
    fn given(&self) -> String {
        self.shown(self.line.amount.saturating_neg())
    }

    fn shown(&self, minor_units: i64) -> String {
        let currency = self.currency;
        Money {
            minor_units,
            currency,
        }
        .to_string()
    }

    fn text(&self, name: &str) -> &str {
        self.line.input(name).unwrap_or("-")
    }

    /// Returns an input as an amount. Sums may be beyond 64 bits; these show their minor units.
    fn money(&self, name: &str) -> String {
        let text = self.text(name);
        match text.parse() {
            Ok(minor_units) => self.shown(minor_units),
            Err(_) => format!("{text} minor units of {}", self.currency),
        }
    }

    fn limit(&self, name: &str, words: &str) -> String {
        match self.line.input(name) {
            Some(_) => format!("{words} {}", self.money(name)),
            None => String::new(),
        }
    }

    fn rate(&self, name: &str) -> String {
        percent(self.text(name).parse().unwrap_or(0))
    }

    fn leftover(&self) -> &'static str {
        if self.line.input("leftover_unit") == Some("1") {
            ", with one unit that was left over by the division"
        } else {
            ""
        }
    }
}

/// Shows basis points as a percentage without needless zeros.
fn percent(basis_points: u32) -> String {
    let decimal = format!("{}.{:02}", basis_points / 100, basis_points % 100);
    let decimal = decimal.trim_end_matches('0').trim_end_matches('.');
    format!("{decimal} %")
}

/// Shortens an id in hex to the digits that people need.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn basis_points_show_as_percentages() {
        let shown = [0, 1, 10, 250, 500, 10_000].map(percent);
        assert_eq!(shown, ["0 %", "0.01 %", "0.1 %", "2.5 %", "5 %", "100 %"]);
    }
}
