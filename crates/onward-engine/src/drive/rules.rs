//! The recipe's own rules for giving up.

use onward_core::job::{Job, JobError};
use onward_core::recipe::Stop;

/// A share of failed rows says nothing before so many rows are done, or half of a small job.
const SHARE_FROM_ROWS: u64 = 20;

/// Why the job must stop by its own rules, if it must.
pub(super) fn stop_rule(stop: &Stop, job: &Job) -> Option<JobError> {
    let Stop { failed_share, failed_rows } = *stop;
    // A person who resumes the job has seen those.
    let (failed_before, done_before) = job.tuning.counted_from.unwrap_or_default();
    let failed = job.tally.failed.saturating_sub(failed_before);
    let processed = job.tally.processed().saturating_sub(done_before);
    let message = if failed_rows.is_some_and(|limit| failed >= limit) {
        // Rows in hand may still fail, so what is said names the limit and no count that would be wrong in a moment.
        format!("the recipe stops at {} failed rows", failed_rows.unwrap_or_default())
    } else if let Some(share) = failed_share
        && processed >= SHARE_FROM_ROWS.min(job.total.div_ceil(2))
        && failed as f64 >= share * processed as f64
    {
        format!("{failed} of {processed} rows failed, and the recipe stops at a share of {share}")
    } else {
        return None;
    };
    Some(JobError { code: "stop-rule".to_owned(), message })
}
