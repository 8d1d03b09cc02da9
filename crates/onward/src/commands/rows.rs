//! `onward rows JOB`: the rows and what became of each.

use crate::args::Rows;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::table::Table;
use crate::output::text::count;
use crate::{jobs, output};

/// The API gives no larger page.
const PAGE: u64 = 100;

/// Prints rows as a table, or one JSON object a line.
pub(super) async fn run(config: &Config, verb: &Rows) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    let mut table = Table::new(&["ROW", "KEY", "OUTCOME", "CODE", "TRIES", "WHY"]);
    let mut cursor: Option<String> = None;
    let mut printed = 0;
    let more = loop {
        let limit = (verb.limit - printed).min(PAGE).to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(verb.outcome.as_deref().map(|outcome| ("outcome", outcome)));
        query.extend(verb.code.as_deref().map(|code| ("code", code)));
        query.extend(verb.q.as_deref().map(|text| ("q", text)));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = client.rows(id, &query).await?;
        let got = page.rows.len() as u64;
        for row in page.rows {
            if verb.json {
                output::json::print_line(&row);
                continue;
            }
            let tries = count(u64::from(row.attempts));
            table.row([count(row.row), row.key, row.outcome.to_string(), row.code, tries, row.message]);
        }
        printed += got;
        cursor = page.next_cursor;
        if got == 0 || cursor.is_none() || printed >= verb.limit {
            break cursor.is_some() && got > 0;
        }
    };
    if !verb.json && printed > 0 {
        table.print();
    }
    if printed == 0 {
        output::say("no rows");
    } else if more {
        output::say(&format!("the first {}; see more with --limit", count(printed)));
    }
    Ok(Exit::Done)
}
