//! `fenrun config`: each setting and where it came from.

use serde::Serialize;

use super::guarding::guard_file;
use super::report::{Columns, Report};
use super::{CommandError, Context};
use crate::config::{Setting, Source};

/// Prints each setting and where it came from
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

#[derive(Debug, Serialize)]
struct Shown {
    settings: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    value: Option<String>,
    source: String,
}

impl Report for Shown {
    fn text(&self) -> String {
        let mut columns = Columns::new(&["setting", "value", "from"]);
        for row in &self.settings {
            let value = row.value.clone().unwrap_or_else(|| "-".to_owned());
            columns.row(vec![row.name.to_owned(), value, row.source.clone()]);
        }
        columns.text()
    }
}

pub(super) async fn run(_: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let settings = &context.settings;
    let path = |path: &std::path::PathBuf| path.display().to_string();
    let mut rows = vec![
        row("config", Some(&settings.folder), path),
        row("profile", Some(&settings.profile), String::clone),
        row("server", settings.server.as_ref(), String::clone),
        row("party", settings.party.as_ref(), ToString::to_string),
        row("key", settings.key.as_ref(), path),
        row("ca", settings.ca.as_ref(), path),
        row("insecure", Some(&settings.insecure), ToString::to_string),
        row("ledger", settings.pins.as_ref(), |pins| {
            pins.ledger.to_string()
        }),
        row("verifier keys", settings.pins.as_ref(), |pins| {
            let keys: Vec<String> = pins.log_keys.iter().map(ToString::to_string).collect();
            keys.join(" ")
        }),
        row("dir", Some(&settings.dir), path),
        row("guard", Some(&guard_file(context)), path),
        row("output", settings.output.as_ref(), ToString::to_string),
        row("lang", Some(&settings.lang), ToString::to_string),
        row("color", Some(&settings.color), ToString::to_string),
    ];
    if settings.key.is_none()
        && let Ok(key) = context.key_path()
        && let Some(row) = rows.iter_mut().find(|row| row.name == "key")
    {
        row.value = Some(key.display().to_string());
    }
    context.show(&Shown { settings: rows })
}

fn row<T>(name: &'static str, setting: Option<&Setting<T>>, show: impl Fn(&T) -> String) -> Row {
    let source = setting.map_or(&Source::Default, |setting| &setting.source);
    Row {
        name,
        value: setting.map(|setting| show(&setting.value)),
        source: source.to_string(),
    }
}
