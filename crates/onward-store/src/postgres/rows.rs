//! Reading the ledger: records in row order, groups, creators.

use onward_core::clock::UnixMs;
use onward_core::id::{JobId, RowIndex};
use onward_core::row::Outcome;
use onward_core::store::{Creator, CreatorQuery, Group, LedgerRow, RowQuery};
use tokio_postgres::Row;

use super::failure::Answer;
use super::session::Session;
use super::sql;
use super::values::{
    clean, count, epoch, get, int, optional_text, or_added, outcome_code, outcome_of, params, row_index,
    small, small_count, text,
};

/// One page of the ledger.
pub(super) async fn page(db: &Session, query: &RowQuery) -> Answer<Vec<LedgerRow>> {
    let bound = |row: RowIndex| small(row.0.into());
    let (after, until) = (query.after.map_or(-1, bound), query.until.map(bound));
    let part = query.text.as_deref().map(|text| clean(&text.to_lowercase()).into_owned());
    let (outcome, code) = (query.outcome.map(outcome_code), query.code.as_deref().map(clean));
    let asked = params![query.job.0, after, until, outcome, code, part, int(query.limit as u64)];
    db.rows(sql::OUTCOME_PAGE, asked).await?.iter().map(ledger_row).collect()
}

/// What a row ended with before it was opened again, oldest first.
pub(super) async fn history(db: &Session, (job, row): &(JobId, RowIndex)) -> Answer<Vec<LedgerRow>> {
    let rows = db.rows(sql::HISTORY_OF_ROW, params![job.0, small(row.0.into())]).await?;
    rows.iter().map(ledger_row).collect()
}

/// Rows that ended for the same reason, most first.
pub(super) async fn groups(
    db: &Session,
    (job, outcome, limit): &(JobId, Outcome, usize),
) -> Answer<Vec<Group>> {
    let group = |row: &Row| {
        Ok(Group {
            code: text(row, 0)?,
            message: text(row, 1)?,
            count: count(get(row, 2)?),
            first: row_index(get::<i32>(row, 3)?.into()),
            last: row_index(get::<i32>(row, 4)?.into()),
        })
    };
    let asked = params![job.0, outcome_code(*outcome), int(*limit as u64)];
    db.rows(sql::OUTCOME_GROUPS, asked).await?.iter().map(group).collect()
}

/// Creators in order of list and key.
pub(super) async fn creators(db: &Session, query: &CreatorQuery) -> Answer<Vec<Creator>> {
    let part = query.text.as_deref().map(|text| clean(&text.to_lowercase()).into_owned());
    let (list, key) = match &query.after {
        Some((list, key)) => (clean(list), clean(key)),
        // Nothing sorts before two empty texts, and no creator has an empty key in an unnamed list.
        None => Default::default(),
    };
    let asked = params![list, key, query.table.as_deref(), part, int(query.limit as u64)];
    let creator = |row: &Row| {
        Ok(Creator {
            table: text(row, 0)?,
            key: text(row, 1)?,
            data: text(row, 2)?,
            job: JobId(get(row, 3)?),
            row: row_index(get::<i32>(row, 4)?.into()),
            added_at: UnixMs(get(row, 5)?),
        })
    };
    db.rows(sql::CREATOR_PAGE, asked).await?.iter().map(creator).collect()
}

/// A record from the columns of the ledger.
pub(super) fn ledger_row(row: &Row) -> Answer<LedgerRow> {
    Ok(LedgerRow {
        index: row_index(get::<i32>(row, 0)?.into()),
        key: optional_text(row, 1)?.unwrap_or_default(),
        outcome: outcome_of(get(row, 2)?)?,
        code: or_added(optional_text(row, 3)?),
        message: or_added(optional_text(row, 4)?),
        result: optional_text(row, 5)?,
        tries: small_count(get(row, 6)?),
        duration_ms: count(get::<i32>(row, 7)?.into()),
        finished_at: UnixMs(get(row, 8)?),
        epoch: epoch(get(row, 9)?),
        generation: small_count(get(row, 10)?),
    })
}
