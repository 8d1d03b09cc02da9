//! A file that was compared with a job and is kept until a person says that it is to be attached.
//!
//! What it was compared with lies in the store beside the file, so any process over the store can go on.
//! Nothing refers to the file: when nobody says anything, it is swept.

use std::sync::Arc;

use onward_core::clock::UnixMs;
use onward_core::id::InputId;
use onward_core::input::{Compared, Duplicates, InputSummary, spans};
use onward_core::job::Job;
use onward_core::problem::{Code, Problem};
use onward_core::state::attached;
use onward_core::store::Store;

use super::{Difference, Intent, Refused, Taken, compared, exchange};
use crate::clock;
use crate::mishap;

/// How long a compared file waits, in milliseconds: inputs that nobody refers to are swept after an hour,
/// and one that is being attached must not be.
const KEPT_MS: u64 = 45 * 60 * 1_000;

/// Attaches a kept file, or says once more how it differs from what the job has now.
pub(crate) async fn confirm(
    store: &Arc<dyn Store>,
    job: &Job,
    id: InputId,
    intent: Intent,
    actor: &str,
) -> Result<(Difference, Job), Problem> {
    let summary = store.input(id).await.map_err(mishap::problem)?.ok_or_else(|| no_longer_kept(job))?;
    if job.input.id == id {
        // Said twice: nothing is left to do.
        return Ok((Difference { matched: summary.rows, ..Difference::default() }, job.clone()));
    }
    let known = of_this_job(job, &summary)?.clone();
    if intent == Intent::Attach && attached(job.state, false).is_none() {
        return Err(mishap::refused(job, Code::JobAlreadyRunning));
    }
    let duplicates = duplicates(store, job, &summary).await?;
    let handed_back = known.handed_back.is_some().then(|| known.rows());
    let taken = Taken { summary, duplicates, handed_back };
    let (difference, request) = compared(store, job, &taken, actor).await?;
    if intent != Intent::Attach {
        return Ok((Difference { kept: Some(id), ..difference }, job.clone()));
    }
    exchange(store, job, difference, &request, Refused::Keep).await
}

/// Lets go of a kept file that is not wanted after all.
pub(crate) async fn forget(store: &Arc<dyn Store>, job: &Job, id: InputId) -> Result<(), Problem> {
    let Some(summary) = store.input(id).await.map_err(mishap::problem)? else { return Ok(()) };
    if job.input.id == id {
        return Ok(());
    }
    of_this_job(job, &summary)?;
    let duplicates = duplicates(store, job, &summary).await?;
    // Sealed so long ago that the next sweep takes it, unless a job refers to it: the store looks at both
    // at once, so this is safe beside somebody who attaches it at the same time.
    store.seal_input(&summary, &duplicates, UnixMs(0)).await.map_err(mishap::problem)?;
    store.sweep_inputs(UnixMs(1)).await.map_err(mishap::problem).map(drop)
}

/// What the file was compared with, if that is this job as it still is.
fn of_this_job<'a>(job: &Job, summary: &'a InputSummary) -> Result<&'a Compared, Problem> {
    let Some(known) = &summary.compared else { return Err(no_longer_kept(job)) };
    if known.job != job.id {
        let detail = format!(
            "this file was compared with job {}, not with job {}; nothing was changed. Compare it with this one first",
            known.job, job.id
        );
        return Err(mishap::about(Problem::new(Code::InputMismatch, detail), job));
    }
    if known.with != job.input.id {
        let detail = format!(
            "another file was attached to job {} since the two were compared; nothing was changed. Compare them again",
            job.id
        );
        return Err(mishap::about(Problem::new(Code::EpochMoved, detail), job));
    }
    if clock::now().ms_since(known.at) >= KEPT_MS {
        return Err(no_longer_kept(job));
    }
    Ok(known)
}

fn no_longer_kept(job: &Job) -> Problem {
    let detail = format!(
        "no file with this id waits to be attached to job {}: a compared file is kept for {} minutes. Nothing was \
         changed; compare the file again",
        job.id,
        KEPT_MS / 60_000
    );
    mishap::about(Problem::new(Code::ComparisonGone, detail), job)
}

/// The rows of a stored file that repeat an earlier one.
async fn duplicates(
    store: &Arc<dyn Store>,
    job: &Job,
    summary: &InputSummary,
) -> Result<Duplicates, Problem> {
    let mut pairs = Vec::new();
    for (no, _, _) in spans(summary.rows) {
        let found = store.chunk_facts(summary.id, no).await.map_err(mishap::problem)?;
        let (_, duplicates) = found.ok_or_else(|| no_longer_kept(job))?;
        pairs.extend(duplicates.pairs);
    }
    Ok(Duplicates { pairs })
}
