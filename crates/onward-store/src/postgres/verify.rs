//! Proving a job: everything that is derived is derived once more from the ledger, record by record,
//! and compared, all as of one moment. What differs is said in a sentence each.

use std::collections::BTreeMap;

use onward_core::id::{JobId, RowIndex, SpanNo};
use onward_core::input::{Chunk, spans};
use onward_core::state::JobState;
use onward_core::store::{RowQuery, Verify};
use onward_core::tally::Tally;

use super::failure::Answer;
use super::head::{Head, existing};
use super::session::Session;
use super::values::{count, get, int, params, row_index, small_count, tally};
use super::{inputs, rows, sql};

/// Creators without an outcome named one by one, at most: the first few show the kind of damage.
const NAMED: i64 = 20;

/// Chunks read at a time: some megabytes.
const CHUNKS: i64 = 50;

/// Compares counters, checkpoint, ledger, creators and input.
pub(super) async fn verify(db: &Session, id: &JobId) -> Answer<Verify> {
    let head = existing(db, *id).await?;
    let mut verify = Verify { rows: head.job.total, counters: head.job.tally, ..Verify::default() };
    check_spans(db, &head, &mut verify).await?;
    check_ledger(db, &head, &mut verify).await?;
    check_creators(db, &head, &mut verify).await?;
    check_input(db, &head, &mut verify).await?;
    Ok(verify)
}

struct Span {
    no: SpanNo,
    first: RowIndex,
    len: u32,
    state: String,
    low_water: RowIndex,
    tally: Tally,
}

/// What the ledger says of a span.
#[derive(Default)]
struct Counted {
    tally: Tally,
    low_water_is_right: bool,
}

async fn check_spans(db: &Session, head: &Head, verify: &mut Verify) -> Answer<()> {
    let mut stored = Vec::new();
    for row in db.rows(sql::SPANS_OF_JOB, params![head.key]).await? {
        let counter = |at| get::<i32>(&row, at).map(|column| count(column.into()));
        stored.push(Span {
            no: SpanNo(small_count(get(&row, 0)?)),
            first: row_index(get(&row, 1)?),
            len: small_count(get(&row, 2)?),
            state: get(&row, 3)?,
            low_water: row_index(get(&row, 4)?),
            tally: Tally {
                added: counter(5)?,
                failed: counter(6)?,
                skipped: counter(7)?,
                filtered: counter(8)?,
            },
        });
    }
    let expected: Vec<_> = spans(head.job.total).collect();
    if !stored.iter().map(|span| (span.no, span.first, span.len)).eq(expected.iter().copied()) {
        let (found, expected) = (stored.len(), expected.len());
        verify.problems.push(format!("the job has {found} spans; its rows need {expected}, or others"));
    }
    let (summed, counters) = (stored.iter().map(|span| span.tally).sum::<Tally>(), head.job.tally);
    if summed != counters {
        let (says, is) = (counters.processed(), summed.processed());
        let mend = format!("SELECT onward.sum_spans(ARRAY[{}])", head.key);
        verify.problems.push(format!(
            "the sums of the job's spans say {says} rows are done; its spans say {is}, or others; \
             `{}` sums them up anew",
            db.within_schema(&mend)
        ));
    }
    let mut counted = BTreeMap::new();
    for row in db.rows(sql::OUTCOME_COUNTS, params![head.key]).await? {
        let no = SpanNo(small_count(get(&row, 0)?));
        counted.insert(no, Counted { tally: tally(&row, 1)?, low_water_is_right: get(&row, 5)? });
    }
    for span in &stored {
        let counted = counted.remove(&span.no).unwrap_or_default();
        check_span(db, head, span, &counted, verify).await?;
    }
    Ok(())
}

async fn check_span(
    db: &Session,
    head: &Head,
    span: &Span,
    counted: &Counted,
    verify: &mut Verify,
) -> Answer<()> {
    let Span { no, len, state, low_water, tally, .. } = span;
    let ledger = counted.tally;
    verify.ledger += ledger;
    let mut say = |problem: String| verify.problems.push(problem);
    if ledger != *tally {
        let (counted, found) = (tally.processed(), ledger.processed());
        say(format!("span {no} counts {counted} rows as done; the ledger has {found}, or others"));
    }
    if (state == "done") != (ledger.processed() == u64::from(*len)) {
        say(format!("span {no} is {state}; {} of its {len} rows have an outcome", ledger.processed()));
    }
    if !counted.low_water_is_right {
        let (says, is) = (low_water.row(), first_missing(db, head, span).await?.row());
        say(format!("the checkpoint of span {no} says row {says} is next; in the ledger it is row {is}"));
    }
    if state == "leased" && head.job.state != JobState::Running {
        say(format!("span {no} is held although the job is {}", head.job.state));
    }
    Ok(())
}

async fn first_missing(db: &Session, head: &Head, span: &Span) -> Answer<RowIndex> {
    let query = RowQuery {
        job: head.job.id,
        outcome: None,
        code: None,
        text: None,
        after: span.first.0.checked_sub(1).map(RowIndex),
        until: Some(RowIndex(span.first.0 + span.len - 1)),
        limit: span.len as usize,
    };
    let rows = rows::page(db, &query).await?;
    let missing = rows.iter().zip(span.first.0..).find(|(row, expected)| row.index.0 != *expected);
    let behind = RowIndex(span.first.0 + u32::try_from(rows.len()).unwrap_or(span.len));
    Ok(missing.map_or(behind, |(_, expected)| RowIndex(expected)))
}

async fn check_ledger(db: &Session, head: &Head, verify: &mut Verify) -> Answer<()> {
    let total = head.job.total;
    let beyond: i64 = get(&db.one(sql::OUTCOME_OUTSIDE, params![head.key, int(total)]).await?, 0)?;
    if beyond > 0 {
        verify.problems.push(format!("{beyond} records are of rows the input does not have ({total} rows)"));
    }
    let done = verify.ledger.processed();
    if head.job.state == JobState::Completed && done != total {
        verify.problems.push(format!("the job is completed; {done} of its {total} rows have an outcome"));
    }
    Ok(())
}

async fn check_creators(db: &Session, head: &Head, verify: &mut Verify) -> Answer<()> {
    for row in db.rows(sql::CREATORS_WITHOUT_OUTCOME, params![head.key, NAMED]).await? {
        let row = row_index(get::<i32>(&row, 0)?.into()).row();
        verify.problems.push(format!("row {row} added a creator; the ledger does not say it was added"));
    }
    Ok(())
}

/// Damage to the input; one that was dropped on purpose is no damage.
async fn check_input(db: &Session, head: &Head, verify: &mut Verify) -> Answer<()> {
    if !head.job.input.available {
        return Ok(());
    }
    let mut page: BTreeMap<SpanNo, Chunk> = BTreeMap::new();
    let mut read_to = None;
    for (no, first, rows) in spans(head.job.total) {
        if read_to.is_none_or(|last| no > last) {
            let chunks = inputs::chunks_from(db, head.job.input.id, no, CHUNKS).await?;
            // What is behind the last one of a page was not asked for yet; behind a short page is nothing.
            let full = chunks.len() as i64 == CHUNKS;
            read_to = Some(chunks.last().filter(|_| full).map_or(SpanNo(u32::MAX), |chunk| chunk.no));
            page = chunks.into_iter().map(|chunk| (chunk.no, chunk)).collect();
        }
        let problem = match page.get(&no) {
            None => Some(format!("chunk {no} of the input is gone")),
            Some(chunk) if !inputs::is_whole(chunk) => {
                Some(format!("chunk {no} of the input does not match its digest"))
            }
            Some(chunk) if (chunk.first, chunk.rows) == (first, rows) => None,
            Some(_) => Some(format!("chunk {no} of the input holds other rows than its span")),
        };
        verify.problems.extend(problem);
    }
    Ok(())
}
