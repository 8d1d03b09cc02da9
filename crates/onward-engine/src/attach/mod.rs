//! Another file for a job that stands still: the same one once more, one that was edited, or the failed
//! rows of an export, corrected.
//!
//! **Promise.** Rows are told apart by their key (the n-th of a key stays the n-th); without a key by
//! all of their fields; in an export by `onward_row`. What is done stays done wherever it now stands.
//! A failed row that was changed, or that an export hands back, is done again under a new generation.
//! New rows are done. What is gone is kept in the history and named on the timeline. Nothing changes
//! before the whole file was read and compared, and then all of it does at once or nothing. A file that was
//! compared can be kept for a while and attached by its id, so that it is sent and read once.
//!
//! **Cost.** The rows of both files are compared by digests: 32 bytes for each row of each file are in
//! memory while it lasts.

mod compare;
mod keep;
mod mend;

use std::path::Path;
use std::sync::Arc;

use onward_core::id::{InputId, RowIndex};
use onward_core::input::{Compared, Duplicates, InputSummary};
use onward_core::job::Job;
use onward_core::problem::{Code, Problem};
use onward_core::row::Outcome;
use onward_core::state::attached;
use onward_core::store::{Attach, RowQuery, Store, StoreError};
use uuid::Uuid;

use crate::clock;
use crate::input::{Source, discard, gone, stored_recipe, take_in, work_digest};
use crate::mishap;
use compare::Comparison;
pub(crate) use keep::{confirm, forget};

/// Ledger records read at a time.
const PAGE: usize = 2_000;
/// Rows of each kind that are named; a person looks at a few, and counts say the rest.
const NAMED: usize = 20;

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Only say what would change.
    DryRun,
    /// Say what would change, and keep the file for a while, so that its id is enough to attach it.
    Keep,
    /// Do it.
    Attach,
}

/// How a file differs from what a job has, and what that means for its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Rows that are in both, with the same fields.
    pub matched: u64,
    /// Rows that are in both, with other fields.
    pub changed: u64,
    /// Rows that only the new file has.
    pub new: u64,
    /// Rows that only the job has.
    pub gone: u64,
    /// Rows of both that have another number now.
    pub moved: u64,
    /// Rows whose outcome is taken back: they are done again.
    pub again: u64,
    /// A few rows of each kind.
    pub named: Vec<NamedRow>,
    /// The file as it is kept, when it is: what [`crate::Engine::confirm`] takes.
    pub kept: Option<InputId>,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRow {
    /// In which way.
    pub kind: Kind,
    /// Its number in the new file; in the job for one that is gone.
    pub index: RowIndex,
    /// Its key; empty without one.
    pub key: String,
}

/// In which way a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Other fields.
    Changed,
    /// Only in the new file.
    New,
    /// Only in the job.
    Gone,
}

/// A file for a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proposal<'a> {
    /// Where it is.
    pub(crate) file: &'a Path,
    /// The name it came with.
    pub(crate) filename: &'a str,
    /// Fields the work cannot do without.
    pub(crate) needs: &'a [String],
    /// Whether anything is changed.
    pub(crate) intent: Intent,
    /// Who attaches.
    pub(crate) actor: &'a str,
}

/// Compares a file with what a job has, and puts it in its place.
pub(crate) async fn attach(
    store: &Arc<dyn Store>,
    job: &Job,
    proposal: Proposal<'_>,
) -> Result<(Difference, Job), Problem> {
    if proposal.intent == Intent::Attach && attached(job.state, false).is_none() {
        return Err(mishap::refused(job, Code::JobAlreadyRunning));
    }
    let id = InputId(Uuid::now_v7());
    let compared = match take(store, job, id, proposal).await {
        Ok(taken) => compared(store, job, &taken, proposal.actor).await,
        Err(problem) => Err(problem),
    };
    match (compared, proposal.intent) {
        (Ok((difference, request)), Intent::Attach) => {
            exchange(store, job, difference, &request, Refused::Discard).await
        }
        (Ok((difference, _)), Intent::Keep) => Ok((Difference { kept: Some(id), ..difference }, job.clone())),
        (Ok((difference, _)), Intent::DryRun) => {
            discard(store, id).await;
            Ok((difference, job.clone()))
        }
        (Err(problem), _) => {
            discard(store, id).await;
            Err(problem)
        }
    }
}

/// What becomes of a file that the store refuses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// Nobody can ask for it again.
    Discard,
    /// Its id may be sent once more.
    Keep,
}

/// Puts the new input in the place of the old one.
async fn exchange(
    store: &Arc<dyn Store>,
    job: &Job,
    difference: Difference,
    request: &Attach,
    refused: Refused,
) -> Result<(Difference, Job), Problem> {
    let error = match store.attach(request).await {
        Ok(after) => return Ok((difference, after)),
        Err(error) => error,
    };
    // It may have happened, by this request or by the same one sent twice: the next look shows it.
    let unclear = matches!(error, StoreError::Unknown(_));
    if unclear || refused == Refused::Keep {
        let there = store.job(job.id).await.ok().flatten().filter(|now| now.input.id == request.input);
        if let Some(now) = there {
            return Ok((difference, now));
        }
    }
    if !unclear && refused == Refused::Discard {
        discard(store, request.input).await;
    }
    if let StoreError::Illegal(now) = &error {
        return Err(mishap::refused(now, Code::JobAlreadyRunning));
    }
    Err(mishap::about(mishap::problem(error), job))
}

/// A file that was read into the store and sealed there.
struct Taken {
    summary: InputSummary,
    duplicates: Duplicates,
    /// The rows an export handed back, ascending; `None` for a file that was sent whole.
    handed_back: Option<Vec<RowIndex>>,
}

/// Reads the file.
async fn take(
    store: &Arc<dyn Store>,
    job: &Job,
    id: InputId,
    proposal: Proposal<'_>,
) -> Result<Taken, Problem> {
    let Proposal { file, filename, needs, intent, .. } = proposal;
    let recipe = stored_recipe(job)?;
    let (source, filename, recipe, handed_back) = if mend::is_export(file)? {
        if !job.input.available {
            return Err(gone(job));
        }
        let mended = mend::mend(store, job, &recipe, file).await?;
        (mended.source, job.input.filename.clone(), mended.recipe, Some(mended.rows))
    } else {
        (Source::File(file.to_owned()), filename.to_owned(), recipe, None)
    };
    let (mut summary, duplicates) = take_in(store, id, source, &filename, &recipe).await?;
    onward_intake::has_fields(&summary.columns, &recipe, needs)?;
    let now = clock::now();
    if intent == Intent::Keep {
        let stretches = handed_back.as_deref().map(Compared::stretches);
        summary.compared =
            Some(Compared { job: job.id, with: job.input.id, at: now, handed_back: stretches });
    }
    store.seal_input(&summary, &duplicates, now).await.map_err(mishap::problem)?;
    Ok(Taken { summary, duplicates, handed_back })
}

/// Says how the file differs, and what is to be asked of the store.
async fn compared(
    store: &Arc<dyn Store>,
    job: &Job,
    taken: &Taken,
    actor: &str,
) -> Result<(Difference, Attach), Problem> {
    let Taken { summary, duplicates, handed_back } = taken;
    let comparison = compare::compare(store, job, summary).await?;
    if comparison.pairs.is_empty() && job.total > 0 {
        return Err(another_file(job));
    }
    let open = open(store, job, &comparison, handed_back.as_deref().unwrap_or_default(), duplicates).await?;
    let difference = difference(&comparison, &open, job, summary);
    let detail = sentence(&difference, &comparison);
    let request = Attach {
        job: job.id,
        epoch: job.epoch,
        input: summary.id,
        work_digest: handed_back.is_none().then(|| work_digest(&summary.sha256, &job.recipe)),
        moves: comparison.moves(),
        anew: difference.moved + difference.changed + difference.gone > 0 || !open.is_empty(),
        open,
        detail,
        actor: actor.to_owned(),
        now: clock::now(),
    };
    Ok((difference, request))
}

/// Old rows that are done again: failed ones that were changed or handed back, and repeats of a key,
/// unless the same repeat is in the new file.
async fn open(
    store: &Arc<dyn Store>,
    job: &Job,
    comparison: &Comparison,
    handed_back: &[RowIndex],
    duplicates: &Duplicates,
) -> Result<Vec<RowIndex>, Problem> {
    let mut open = Vec::new();
    let failed = |row: RowIndex| comparison.has_changed(row) || handed_back.binary_search(&row).is_ok();
    each(store, job, Outcome::Failed, None, |row| {
        if comparison.place(row.index).is_some() && failed(row.index) {
            open.push(row.index);
        }
    })
    .await?;
    each(store, job, Outcome::Skipped, Some("duplicate"), |row| {
        let Some(place) = comparison.place(row.index) else { return };
        let same = duplicates
            .pairs
            .binary_search_by_key(&place, |(row, _)| *row)
            .is_ok_and(|at| row.message == onward_intake::duplicate_of(duplicates.pairs[at].1));
        if !same {
            open.push(row.index);
        }
    })
    .await?;
    open.sort_unstable();
    Ok(open)
}

async fn each(
    store: &Arc<dyn Store>,
    job: &Job,
    outcome: Outcome,
    code: Option<&str>,
    mut with: impl FnMut(onward_core::store::LedgerRow),
) -> Result<(), Problem> {
    let mut query = RowQuery {
        job: job.id,
        outcome: Some(outcome),
        code: code.map(str::to_owned),
        text: None,
        after: None,
        until: None,
        limit: PAGE,
    };
    loop {
        let page = store.rows(&query).await.map_err(mishap::problem)?;
        let Some(last) = page.last() else { return Ok(()) };
        query.after = Some(last.index);
        page.into_iter().for_each(&mut with);
    }
}

fn difference(comparison: &Comparison, open: &[RowIndex], job: &Job, new: &InputSummary) -> Difference {
    let both = comparison.pairs.len() as u64;
    let changed = comparison.pairs.iter().filter(|pair| pair.changed).count() as u64;
    Difference {
        matched: both - changed,
        changed,
        new: new.rows - both,
        gone: job.total - both,
        moved: comparison.pairs.iter().filter(|pair| pair.old != pair.new).count() as u64,
        again: open.len() as u64,
        named: comparison.named.clone(),
        kept: None,
    }
}

/// What the timeline says; rows that are gone are named here for good.
fn sentence(difference: &Difference, comparison: &Comparison) -> String {
    let Difference { matched, changed, new, gone, moved, again, .. } = difference;
    let mut text = format!(
        "another file was attached: {matched} rows are the same, {changed} changed, {new} are new, \
         {gone} are gone, {moved} moved; {again} are done again"
    );
    let gone: Vec<String> = comparison
        .named
        .iter()
        .filter(|row| row.kind == Kind::Gone)
        .map(|row| if row.key.is_empty() { format!("row {}", row.index.row()) } else { row.key.clone() })
        .collect();
    if !gone.is_empty() {
        text.push_str(&format!(". Gone: {}", gone.join(", ")));
        if difference.gone > gone.len() as u64 {
            text.push_str(", …");
        }
    }
    text
}

fn another_file(job: &Job) -> Problem {
    let detail = format!(
        "no row of this file is among the {} rows of job {}; nothing was changed. Submit it as a job of its own, or \
         attach the file that was made from {}",
        job.total, job.id, job.input.filename
    );
    mishap::about(Problem::new(Code::InputMismatch, detail), job).with("sha256", job.input.sha256.clone())
}
