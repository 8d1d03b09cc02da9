//! Rows of the ledger together with the fields of their input.

use std::sync::Arc;

use onward_core::input::span_of;
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

/// Reads a page of rows.
pub(crate) async fn rows(
    store: &Arc<dyn Store>,
    job: &Job,
    query: &RowQuery,
) -> Result<Vec<RowDetail>, Problem> {
    let found = store.rows(query).await.map_err(mishap::problem)?;
    let header: Vec<Arc<str>> = match store.input(job.input.id).await.map_err(mishap::problem)? {
        Some(summary) => summary.columns.iter().map(|name| Arc::from(name.as_str())).collect(),
        None => Vec::new(),
    };
    let mut reader = SpanReader::new(Arc::clone(store), job.input.id);
    let mut details = Vec::with_capacity(found.len());
    for ledger in found {
        let no = span_of(ledger.index);
        // A page is still worth showing when the input is gone: the ledger is the truth.
        let row = match reader.span(no).await {
            Ok(span) => span.iter().find(|row| row.index == ledger.index).cloned(),
            Err(_) => None,
        };
        let fields = row.as_ref().map_or_else(Vec::new, |row| {
            let names = header.iter().cloned();
            let extra = (header.len()..row.fields.len()).map(|at| Arc::from(format!("column_{}", at + 1)));
            names.chain(extra).zip(row.fields.iter().cloned()).collect()
        });
        details.push(RowDetail { ledger, fields, line: row.map(|row| row.line) });
    }
    Ok(details)
}
