//! `onward rows JOB`: the rows and what became of each.

use onward_core::id::JobId;

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
    if verb.in_doubt {
        return in_doubt(&client, id, verb).await;
    }
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

/// Rows whose call may have happened before a process died.
async fn in_doubt(client: &Client, id: JobId, verb: &Rows) -> Result<Exit, Failure> {
    let mut table = Table::new(&["ROW", "KEY", "STANDS", "DEATHS", "SINCE"]);
    let mut cursor: Option<String> = None;
    let (mut printed, mut held) = (0, 0u64);
    while printed < verb.limit {
        let limit = (verb.limit - printed).min(PAGE).to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = client.in_doubt(id, &query).await?;
        printed += page.rows.len() as u64;
        for row in page.rows {
            held += u64::from(row.stand == "held");
            if verb.json {
                output::json::print_line(&row);
            } else {
                table.row([count(row.row), row.key, row.stand, count(row.deaths.into()), row.since]);
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if !verb.json && printed > 0 {
        table.print();
    }
    if printed == 0 {
        output::say("no row is in doubt");
    } else if held > 0 {
        output::say(&format!(
            "{} for you: onward settle {id} --done|--again",
            output::text::counted(held, "row waits", "rows wait")
        ));
    }
    Ok(Exit::Done)
}
