//! What a hook is told, as JSON. The same bytes at every try: they are made of what was stored.

use jiff::Timestamp;
use onward_core::clock::UnixMs;
use onward_core::hook::{Delivery, HookEvent};
use onward_core::state::JobState;
use onward_core::tally::Tally;
use serde::Serialize;

#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    job: Job<'a>,
}

#[derive(Serialize)]
struct Job<'a> {
    job_id: String,
    name: &'a str,
    status: JobState,
    total_items: u64,
    processed_items: u64,
    results: Results,
    resume_from_row: Option<u64>,
    attempt: u32,
    epoch: u64,
    started_at: Option<String>,
    finished_at: Option<String>,
    reason: Option<Reason<'a>>,
    links: Links,
}

#[derive(Serialize)]
struct Results {
    added: u64,
    failed: u64,
    skipped: u64,
    filtered: u64,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Links {
    page: String,
    api: String,
}

/// The body of a delivery; links begin with `base`, the address of the server.
pub(super) fn of(delivery: &Delivery, base: &str) -> Vec<u8> {
    let (id, notice) = (delivery.job, &delivery.new.notice);
    let Tally { added, failed, skipped, filtered } = notice.tally;
    let job = Job {
        job_id: id.to_string(),
        name: &notice.name,
        status: notice.state,
        total_items: notice.total,
        processed_items: notice.tally.processed(),
        results: Results { added, failed, skipped, filtered },
        resume_from_row: notice.resume_from_row,
        attempt: notice.attempt,
        epoch: notice.epoch.0,
        started_at: notice.started_at.map(rfc3339),
        finished_at: notice.finished_at.map(rfc3339),
        reason: notice.reason.as_ref().map(|why| Reason { code: &why.code, message: &why.message }),
        links: Links { page: format!("{base}/jobs/{id}"), api: format!("{base}/api/v1/jobs/{id}") },
    };
    let message =
        Message { r#type: kind(delivery.new.event), timestamp: rfc3339(notice.at), data: Data { job } };
    serde_json::to_vec(&message).expect("it has only text keys")
}

fn kind(event: HookEvent) -> &'static str {
    match event {
        HookEvent::Completed => "job.completed",
        HookEvent::Failed => "job.failed",
        HookEvent::Paused => "job.paused",
        HookEvent::Stuck => "job.stuck",
    }
}

/// As the API writes moments.
fn rfc3339(at: UnixMs) -> String {
    // A time outside the years -9999 to 9999 can only come from a broken clock; 1970 shows it.
    format!("{:.3}", Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH))
}
