//! Reading the ledger: records in row order, groups, creators.

use onward_core::clock::UnixMs;
use onward_core::id::{JobId, RowIndex};
use onward_core::row::Outcome;
use onward_core::store::{Creator, CreatorQuery, Group, LedgerRow, RowQuery};
use rusqlite::{Connection, Row, params};

use super::failure::Answer;
use super::values::{count, epoch, int, or_added, outcome_code, outcome_of, row_index, uuid};
use super::{jobs, sql};

/// One page of the ledger.
pub(super) fn page(db: &Connection, query: &RowQuery) -> Answer<Vec<LedgerRow>> {
    let Some(key) = jobs::key_if_there(db, query.job)? else { return Ok(Vec::new()) };
    let mut page = Vec::new();
    each(db, key, query, |row| page.push(row))?;
    Ok(page)
}

/// Hands out matching records in row order, at most `query.limit`.
pub(super) fn each(
    db: &Connection,
    key: i64,
    query: &RowQuery,
    mut take: impl FnMut(LedgerRow),
) -> Answer<()> {
    let from = query.after.map_or(0, |after| i64::from(after.0) + 1);
    let until = query.until.map_or(i64::from(u32::MAX), |until| i64::from(until.0));
    let text = query.text.as_deref().map(str::to_lowercase);
    let mut statement = db.prepare_cached(match query.outcome {
        None => sql::OUTCOME_PAGE,
        Some(Outcome::Added) => sql::OUTCOME_PAGE_ADDED,
        Some(Outcome::Failed | Outcome::Skipped | Outcome::Filtered) => sql::OUTCOME_PAGE_OTHER,
    })?;
    let mut rows = match query.outcome {
        None | Some(Outcome::Added) => statement.query(params![key, from, until])?,
        Some(other) => statement.query(params![key, from, until, outcome_code(other)])?,
    };
    let mut left = query.limit;
    while left > 0 {
        let Some(row) = rows.next()? else { break };
        let record = ledger_row(row)?;
        let has = |field: &str, text: &str| field.to_lowercase().contains(text);
        let wanted = query.code.as_deref().is_none_or(|code| record.code == code)
            && text.as_deref().is_none_or(|text| has(&record.key, text) || has(&record.message, text));
        if wanted {
            take(record);
            left -= 1;
        }
    }
    Ok(())
}

/// What a row ended with before it was opened again, oldest first.
pub(super) fn history(db: &Connection, job: JobId, row: RowIndex) -> Answer<Vec<LedgerRow>> {
    let Some(key) = jobs::key_if_there(db, job)? else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(sql::HISTORY_OF_ROW)?;
    let mut rows = statement.query(params![key, row.0])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(ledger_row(row)?);
    }
    Ok(records)
}

/// Rows that ended for the same reason, most first.
pub(super) fn groups(db: &Connection, job: JobId, outcome: Outcome, limit: usize) -> Answer<Vec<Group>> {
    let Some(key) = jobs::key_if_there(db, job)? else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(match outcome {
        Outcome::Added => sql::OUTCOME_GROUPS_ADDED,
        Outcome::Failed | Outcome::Skipped | Outcome::Filtered => sql::OUTCOME_GROUPS,
    })?;
    let group = |row: &Row<'_>| {
        Ok(Group {
            code: row.get(0)?,
            message: row.get(1)?,
            count: count(row.get(2)?),
            first: row_index(row.get(3)?),
            last: row_index(row.get(4)?),
        })
    };
    let groups = statement.query_map(params![key, outcome_code(outcome), int(limit as u64)], group)?;
    Ok(groups.collect::<rusqlite::Result<_>>()?)
}

/// Creators in order of list and key.
pub(super) fn creators(db: &Connection, query: &CreatorQuery) -> Answer<Vec<Creator>> {
    let text = query.text.as_deref().map(str::to_lowercase);
    let (list, key) = match &query.after {
        Some((list, key)) => (list.as_str(), key.as_str()),
        // Nothing sorts before two empty texts, and no creator has an empty key in an unnamed list.
        None => ("", ""),
    };
    let mut statement = db.prepare_cached(sql::CREATOR_PAGE)?;
    let mut rows = statement.query(params![list, key, query.table])?;
    let mut page = Vec::new();
    while page.len() < query.limit {
        let Some(row) = rows.next()? else { break };
        let key: String = row.get(1)?;
        if text.as_deref().is_some_and(|text| !key.to_lowercase().contains(text)) {
            continue;
        }
        page.push(Creator {
            table: row.get(0)?,
            key,
            data: row.get(2)?,
            job: uuid(&row.get::<_, String>(3)?)?,
            row: row_index(row.get(4)?),
            added_at: UnixMs(row.get(5)?),
        });
    }
    Ok(page)
}

/// A record from the columns of the ledger.
pub(super) fn ledger_row(row: &Row<'_>) -> Answer<LedgerRow> {
    Ok(LedgerRow {
        index: RowIndex(row.get(0)?),
        key: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        outcome: outcome_of(row.get(2)?)?,
        code: or_added(row.get(3)?),
        message: or_added(row.get(4)?),
        result: row.get(5)?,
        tries: row.get(6)?,
        duration_ms: count(row.get(7)?),
        finished_at: UnixMs(row.get(8)?),
        epoch: epoch(row.get(9)?),
        generation: row.get(10)?,
    })
}
