//! Naming a job, following it to its end, and the last word about it.

use std::time::Duration;

use onward_core::id::JobId;
use onward_core::problem::Code;
use onward_core::state::{JobState, PauseReason, Step};
use onward_server::api::view::JobView;
use tokio::time::Instant;

use crate::client::Client;
use crate::exit_code::{Exit, Failure};
use crate::output;
use crate::output::bar::{Progress, progress};
use crate::output::text;
use crate::signals::Signals;

/// The job is looked at four times a second: as often as the API's numbers change.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Sooner at its beginning and where it seems to end: nobody waits for a job that is done.
const LOOK_SOON: Duration = Duration::from_millis(25);
/// A server that restarts is back well within this; after it nobody should wait any longer.
const PATIENCE_WITH_A_SERVER: Duration = Duration::from_secs(30);
/// A dead worker's rows are taken over within 15 s; stuck for longer than this needs a person.
const PATIENCE_WITH_A_STUCK_JOB: Duration = Duration::from_secs(30);

/// How following a job ended.
pub(crate) enum Followed {
    /// The job came to an end.
    Ended(Box<JobView>),
    /// The rows that were asked for are done, and a person is to have a look.
    Asks(Box<JobView>),
    /// Nothing is left but rows in doubt that wait for a person.
    InDoubt(Box<JobView>),
    /// It is stuck and does not get better by itself.
    Stuck(Box<JobView>),
    /// The person pressed Ctrl-C.
    Interrupted,
}

/// The job a person named: an id, or `last`.
pub(crate) async fn named(client: &Client, name: &str) -> Result<JobId, Failure> {
    if name == "last" {
        let page = client.jobs(&[("limit", "1")]).await?;
        let newest = page.jobs.first().ok_or_else(|| Failure::new(Exit::NotFound, "there is no job yet"))?;
        return id_of(newest);
    }
    name.parse().map_err(|_| {
        Failure::new(Exit::Usage, format!("`{}` is not a job id", text::plain(name)))
            .hint("`onward list` shows the ids; `last` is the newest job")
    })
}

/// The id of a job the API told us about.
pub(crate) fn id_of(job: &JobView) -> Result<JobId, Failure> {
    job.job_id.parse().map_err(|_| {
        Failure::new(
            Exit::Unexpected,
            format!("the API named a job `{}`, which is no id", text::plain(&job.job_id)),
        )
    })
}

/// Shows a job until it ends, is stuck for good, or the person presses Ctrl-C.
pub(crate) async fn follow(client: &Client, id: JobId, signals: &mut Signals) -> Result<Followed, Failure> {
    let mut shown = Progress::new();
    let (mut pause, mut done) = (Duration::ZERO, None);
    let mut last_answer = Instant::now();
    let mut stuck_since: Option<Instant> = None;
    let ended = loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = signals.next() => break Ok(Followed::Interrupted),
        }
        match client.job(id).await {
            Ok(job) => {
                last_answer = Instant::now();
                shown.show(&job);
                let since = job.processed_items.saturating_sub(done.unwrap_or(job.processed_items));
                pause = until_next_look(pause, since, job.total_items.saturating_sub(job.processed_items));
                done = Some(job.processed_items);
                if Exit::of_job(&job).is_some() {
                    break Ok(Followed::Ended(Box::new(job)));
                }
                if asks(&job) {
                    break Ok(Followed::Asks(Box::new(job)));
                }
                if job.pause.as_ref().is_some_and(|pause| pause.reason == PauseReason::InDoubt) {
                    break Ok(Followed::InDoubt(Box::new(job)));
                }
                stuck_since = job.stuck.as_ref().map(|_| stuck_since.unwrap_or_else(Instant::now));
                if stuck_since.is_some_and(|since| since.elapsed() >= PATIENCE_WITH_A_STUCK_JOB) {
                    break Ok(Followed::Stuck(Box::new(job)));
                }
            }
            Err(failure) if is_passing(&failure) && last_answer.elapsed() < PATIENCE_WITH_A_SERVER => {
                shown.note(&format!("{}; trying again", failure.message));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(failure) => break Err(failure),
        }
    };
    shown.clear();
    ended
}

/// How long until the next look, when `done` rows were done since the last one and so many are left.
fn until_next_look(since: Duration, done: u64, left: u64) -> Duration {
    let most = (2 * since).clamp(LOOK_SOON, LOOK_EVERY);
    if done == 0 {
        return most;
    }
    since.mul_f64(left as f64 / done as f64).clamp(LOOK_SOON, most)
}

/// Says how a job ended and what can be done now. Answers the exit code.
pub(crate) fn last_word(job: &JobView) -> Exit {
    for line in last_lines(job) {
        output::say(&line);
    }
    Exit::of_job(job).unwrap_or(Exit::JobFailed)
}

/// Whether a job has done the rows that were asked for and waits for a person.
fn asks(job: &JobView) -> bool {
    let by_user = job.pause.as_ref().is_some_and(|pause| pause.reason == PauseReason::User);
    by_user && job.hold_at.is_some_and(|rows| job.processed_items >= rows)
}

/// Says that the rows that were asked for are done.
pub(crate) fn asks_word(job: &JobView) {
    let r = &job.results;
    output::say(&format!(
        "the rows that were asked for are done, {}: {} added, {} failed, {} skipped, {} filtered",
        progress(job),
        text::count(r.added),
        text::count(r.failed),
        text::count(r.skipped),
        text::count(r.filtered)
    ));
    output::say(&format!("  have a look: onward rows {}", job.job_id));
}

/// Says that rows in doubt wait for a person.
pub(crate) fn doubt_word(job: &JobView) -> Exit {
    let why = job.pause.as_ref().map(|pause| text::plain(&pause.message)).unwrap_or_default();
    output::say(&format!("held at {}: {why}", progress(job)));
    output::say(&format!("  see them: onward rows {} --in-doubt", job.job_id));
    output::say(&format!("  say what is so: onward settle {} --done|--again --rows 7,12", job.job_id));
    Exit::JobFailed
}

/// Says that a job is stuck, and what helps.
pub(crate) fn stuck_word(job: &JobView) -> Exit {
    let why = job.stuck.as_ref().map(|stuck| text::plain(&stuck.detail)).unwrap_or_default();
    output::say(&format!("stuck at {}: {why}", progress(job)));
    output::say(&format!(
        "  take the work away and go on from the checkpoint: onward restart {}",
        job.job_id
    ));
    Exit::JobFailed
}

/// A database that is busy and a server that restarts come back by themselves.
fn is_passing(failure: &Failure) -> bool {
    failure.exit == Exit::Unreachable || failure.is(Code::StoreUnavailable)
}

fn last_lines(job: &JobView) -> Vec<String> {
    let id = &job.job_id;
    let r = &job.results;
    let sum = format!(
        "{}: {} added, {} failed, {} skipped, {} filtered",
        progress(job),
        text::count(r.added),
        text::count(r.failed),
        text::count(r.skipped),
        text::count(r.filtered)
    );
    let mut lines = vec![match (&job.status, &job.error) {
        (JobState::Failed, Some(error)) => format!("failed at {sum}\n  why: {}", text::plain(&error.message)),
        (JobState::Completed, _) => format!("done, {sum}"),
        (state, _) => format!("{state} at {sum}"),
    }];
    if job.allowed_actions.contains(&Step::Resume) {
        let from =
            job.resume_from_row.map(|row| format!(" from row {}", text::count(row))).unwrap_or_default();
        lines.push(format!("  go on{from}: onward resume {id}"));
    }
    if job.results.failed > 0 {
        lines.push(format!("  why rows failed: onward errors {id}"));
        lines.push(format!("  the failed rows as a file: onward export {id} --outcome failed -o failed.csv"));
    }
    if job.allowed_actions.contains(&Step::Retry) {
        lines.push(format!("  do them once more: onward retry {id}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_looked_at_sooner_at_its_beginning_and_where_it_ends() {
        let ms = Duration::from_millis;
        let mut since = Duration::ZERO;
        for expected in [25, 50, 100, 200, 250, 250] {
            since = until_next_look(since, 0, 1_000);
            assert_eq!(since, ms(expected));
        }
        assert_eq!(until_next_look(ms(250), 100, 1_000), LOOK_EVERY, "ten looks are left");
        assert_eq!(until_next_look(ms(250), 100, 40), ms(100), "it ends before the usual look");
        assert_eq!(until_next_look(ms(250), 100, 1), LOOK_SOON);
        assert_eq!(until_next_look(ms(250), 100, 0), LOOK_SOON, "its last rows are being saved");
        assert_eq!(until_next_look(ms(25), 1, u64::MAX), ms(50));
    }
}
