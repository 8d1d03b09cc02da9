//! Views of the pages over the sample jobs, for their tests.

use onward_core::clock::UnixMs;
use onward_core::event::{Event, EventKind};
use onward_core::id::{Epoch, RowIndex};
use onward_core::row::Outcome;
use onward_core::row_map;
use onward_core::store::{Group, Heard, LedgerRow, Mark, NO_ANSWER};
use onward_core::trend::trend;
use onward_engine::{RowLook, Snapshot};

use super::pages::{job, row, rows};
use super::picture::Picture;
use super::reasons::Reasons;
use super::rows_filter::RowsFilter;
use super::rows_search::Found;
use super::sample;

/// One reason of failed rows.
pub(crate) fn group() -> Group {
    Group {
        code: "upstream-5xx".to_owned(),
        message: "the API answered 503 five times".to_owned(),
        count: 11,
        first: RowIndex(3),
        last: RowIndex(217),
    }
}

/// A job's page with something in every panel.
pub(crate) fn job_view(snapshot: Snapshot) -> job::View {
    let event = |seq: u64, kind, from_row| Event {
        seq,
        job: snapshot.job.id,
        at: sample::ago(600_000 - 1_000 * i64::try_from(seq).unwrap()),
        kind,
        actor: "you".to_owned(),
        epoch: Epoch(seq),
        from_row,
        detail: String::new(),
    };
    let kinds = [
        (EventKind::Created, None),
        (EventKind::Started, Some(1)),
        (EventKind::Rescued, None),
        (EventKind::Cancelled, None),
        (EventKind::Resumed, Some(229)),
    ];
    let marks: Vec<Mark> = (0..228)
        .map(|row| Mark {
            index: RowIndex(row),
            outcome: Outcome::ALL[usize::from(row % 20 == 3)],
            tries: 1 + u32::from(row % 20 == 3),
            duration_ms: 150 + u64::from(row),
            finished_at: UnixMs(sample::NOW.0 - 60_000 + i64::from(row) * 250),
        })
        .collect();
    job::View {
        saved_in: vec!["sqlite"],
        picture: Picture {
            cells: row_map::of_marks(snapshot.job.total, &marks, 400),
            trend: trend(&marks, 1, sample::ago(60_000), sample::NOW),
            heard: (0..5)
                .flat_map(|minute| {
                    [(200, 40), (503, 2), (NO_ANSWER, 1)].map(|(status, calls)| (minute, status, calls))
                })
                .map(|(minute, status, calls)| Heard { minute, status, calls })
                .collect(),
            tail: (0..11).map(record).collect(),
            failed: Reasons::Known(vec![group()]),
            others: vec![(Outcome::Skipped, Reasons::Known(Vec::new()))],
        },
        doubts: Vec::new(),
        deliveries: Vec::new(),
        events: (1..).zip(kinds).map(|(seq, (kind, from))| event(seq, kind, from)).collect(),
        verified: None,
        snapshot,
    }
}

/// A page of failed rows.
pub(crate) fn rows_view(snapshot: Snapshot) -> rows::View {
    let filter = RowsFilter { outcome: Some(Outcome::Failed), ..RowsFilter::ALL };
    let found = Found { rows: (0..11).map(record).collect(), ..Found::default() };
    rows::View { snapshot, filter, found, groups: vec![group()] }
}

/// A row that was tried again.
pub(crate) fn row_view(snapshot: Snapshot) -> row::View {
    let fields = vec![("handle".into(), "anna".to_owned()), ("note".into(), String::new())];
    let (ledger, history) = (Some(record(0)), vec![record(0)]);
    row::View {
        snapshot,
        row: RowLook { index: RowIndex(3), key: "anna".to_owned(), ledger, history, fields, line: Some(5) },
    }
}

/// A failed row.
pub(crate) fn record(number: u32) -> LedgerRow {
    LedgerRow {
        index: RowIndex(number * 20 + 3),
        key: format!("creator_{number}"),
        outcome: Outcome::Failed,
        code: "upstream-5xx".to_owned(),
        message: format!("the API answered 503 five times for creator_{number}"),
        result: None,
        tries: 5,
        duration_ms: 4_210 + u64::from(number),
        finished_at: UnixMs(sample::NOW.0 - 1_000),
        epoch: Epoch(2),
        generation: 1,
    }
}
