//! Rows of the ledger together with the fields of their input.

use std::sync::Arc;

use onward_core::doubt::Doubt;
use onward_core::id::RowIndex;
use onward_core::input::{InputRow, span_of};
use onward_core::job::Job;
use onward_core::problem::Problem;
use onward_core::store::{LedgerRow, RowQuery, Store};

use crate::input::SpanReader;
use crate::mishap;

/// A row of the ledger with the fields of its input.
#[derive(Debug, Clone, PartialEq)]
pub struct RowDetail {
    /// What became of it.
    pub ledger: LedgerRow,
    /// Header and value of each column; empty when the input is gone.
    pub fields: Vec<(Arc<str>, String)>,
    /// The line of the file where it began, if the input is there.
    pub line: Option<u64>,
}

/// One row with all that is known of it, whether it is done or not.
#[derive(Debug, Clone, PartialEq)]
pub struct RowLook {
    /// Which row.
    pub index: RowIndex,
    /// Its identity; empty without one, or when it is not known because the input is gone.
    pub key: String,
    /// What became of it, if it is done.
    pub ledger: Option<LedgerRow>,
    /// What it was before it was opened again, oldest first.
    pub history: Vec<LedgerRow>,
    /// Header and value of each column; empty when the input is gone.
    pub fields: Vec<(Arc<str>, String)>,
    /// The line of the file where it began, if the input is there.
    pub line: Option<u64>,
}

/// A row in doubt with the fields of its input.
#[derive(Debug, Clone, PartialEq)]
pub struct DoubtDetail {
    /// What is known of it.
    pub doubt: Doubt,
    /// Its identity, if the input is there.
    pub key: String,
    /// Header and value of each column; empty when the input is gone.
    pub fields: Vec<(Arc<str>, String)>,
}

/// Reads a page of rows.
pub(crate) async fn rows(
    store: &Arc<dyn Store>,
    job: &Job,
    query: &RowQuery,
) -> Result<Vec<RowDetail>, Problem> {
    let found = store.rows(query).await.map_err(mishap::problem)?;
    let header = header(store, job).await?;
    let mut reader = SpanReader::new(Arc::clone(store), job.input.id);
    let mut details = Vec::with_capacity(found.len());
    for ledger in found {
        let row = input_row(&mut reader, ledger.index).await;
        let fields = row.as_ref().map_or_else(Vec::new, |row| named(&header, row));
        details.push(RowDetail { ledger, fields, line: row.map(|row| row.line) });
    }
    Ok(details)
}

/// Reads one row; `None` when the job has no such row.
pub(crate) async fn look(
    store: &Arc<dyn Store>,
    job: &Job,
    index: RowIndex,
) -> Result<Option<RowLook>, Problem> {
    if u64::from(index.0) >= job.total {
        return Ok(None);
    }
    let query = RowQuery {
        job: job.id,
        outcome: None,
        code: None,
        text: None,
        after: index.0.checked_sub(1).map(RowIndex),
        until: Some(index),
        limit: 1,
    };
    let ledger = store.rows(&query).await.map_err(mishap::problem)?.pop();
    let history = store.history(job.id, index).await.map_err(mishap::problem)?;
    let header = header(store, job).await?;
    let row = input_row(&mut SpanReader::new(Arc::clone(store), job.input.id), index).await;
    let fields = row.as_ref().map_or_else(Vec::new, |row| named(&header, row));
    let key = row.as_ref().map(|row| row.key.to_string());
    let key = key.or_else(|| ledger.as_ref().map(|record| record.key.clone())).unwrap_or_default();
    Ok(Some(RowLook { index, key, ledger, history, fields, line: row.map(|row| row.line) }))
}

/// Reads a page of rows in doubt.
pub(crate) async fn doubts(
    store: &Arc<dyn Store>,
    job: &Job,
    after: Option<RowIndex>,
    limit: usize,
) -> Result<Vec<DoubtDetail>, Problem> {
    let found = store.doubts(job.id, after, limit).await.map_err(mishap::problem)?;
    let header = header(store, job).await?;
    let mut reader = SpanReader::new(Arc::clone(store), job.input.id);
    let mut details = Vec::with_capacity(found.len());
    for doubt in found {
        let row = input_row(&mut reader, doubt.row).await;
        let fields = row.as_ref().map_or_else(Vec::new, |row| named(&header, row));
        let key = row.map(|row| row.key.to_string()).unwrap_or_default();
        details.push(DoubtDetail { doubt, key, fields });
    }
    Ok(details)
}

async fn header(store: &Arc<dyn Store>, job: &Job) -> Result<Vec<Arc<str>>, Problem> {
    let summary = store.input(job.input.id).await.map_err(mishap::problem)?;
    let columns = summary.map(|summary| summary.columns).unwrap_or_default();
    Ok(columns.iter().map(|name| Arc::from(name.as_str())).collect())
}

/// A page is still worth showing when the input is gone: the ledger is the truth.
async fn input_row(reader: &mut SpanReader, index: RowIndex) -> Option<Arc<InputRow>> {
    let span = reader.span(span_of(index)).await.ok()?;
    span.iter().find(|row| row.index == index).cloned()
}

fn named(header: &[Arc<str>], row: &InputRow) -> Vec<(Arc<str>, String)> {
    let extra = (header.len()..row.fields.len()).map(|at| Arc::from(format!("column_{}", at + 1)));
    header.iter().cloned().chain(extra).zip(row.fields.iter().map(str::to_owned)).collect()
}
