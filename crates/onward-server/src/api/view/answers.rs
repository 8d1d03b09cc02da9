//! Whole answers: lists with their cursors, and what an action says.

use onward_core::clock::UnixMs;
use onward_core::store::{Wish, Worker};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CreatorView, DoubtView, EventView, GroupView, HolderView, JobView, RowView, rfc3339};

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Jobs)]
pub struct JobsView {
    /// Newest first.
    pub jobs: Vec<JobView>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Rows)]
pub struct RowsView {
    /// In row order.
    pub rows: Vec<RowView>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// Rows grouped by why they ended so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Groups)]
pub struct GroupsView {
    /// The largest group first.
    pub groups: Vec<GroupView>,
}

/// A page of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Timeline)]
pub struct TimelineView {
    /// Oldest first.
    pub events: Vec<EventView>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// A page of creators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Creators)]
pub struct CreatorsView {
    /// In order of their list and key.
    pub creators: Vec<CreatorView>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// A page of rows in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RowsInDoubt)]
pub struct DoubtsView {
    /// In row order.
    pub rows: Vec<DoubtView>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// What settling rows in doubt answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Settled)]
pub struct SettledView {
    /// "2 rows are done".
    pub message: String,
    /// How many rows waited and wait no more.
    pub count: u64,
    /// The job now.
    pub job: JobView,
}

/// What `resume` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Resumed)]
pub struct ResumedView {
    /// "Job resumed successfully".
    pub message: String,
    /// The job now.
    pub job: JobView,
    /// The row (from 1) at which it goes on.
    pub resumed_from_row: u64,
}

/// What `restart` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Restarted)]
pub struct RestartedView {
    /// "Job restarted successfully".
    pub message: String,
    /// The job now.
    pub job: JobView,
    /// The row (from 1) at which it goes on.
    pub restarted_from_row: u64,
}

/// What `force-cancel` and `pause` answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Acted)]
pub struct ActedView {
    /// "Job cancelled", "Job paused".
    pub message: String,
    /// The job now.
    pub job: JobView,
}

/// What `retry` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Retried)]
pub struct RetriedView {
    /// "4 rows are tried again".
    pub message: String,
    /// How many rows were opened again.
    pub count: u64,
    /// The job now.
    pub job: JobView,
}

/// The worker processes of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Workers)]
pub struct WorkersView {
    /// In order of their names.
    pub workers: Vec<WorkerView>,
}

/// A worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Worker)]
pub struct WorkerView {
    /// Names one start of one worker process.
    pub worker_id: String,
    /// working; draining: asked to hand back what it holds; lost: not heard of for as long as a lease.
    pub status: String,
    /// The name of its machine, for people.
    pub host: Option<String>,
    /// Its process id there.
    pub pid: Option<u32>,
    /// When it started.
    pub started_at: Option<String>,
    /// Its last sign of life.
    pub seen_at: Option<String>,
    /// The parts of jobs it holds.
    pub spans: Vec<WorkerSpanView>,
}

impl WorkerView {
    /// One that is in the registry; what it holds is added later.
    pub(crate) fn registered(worker: &Worker, now: UnixMs) -> Self {
        let status = match worker.wish {
            _ if worker.is_lost(now) => "lost",
            Wish::Work => "working",
            Wish::Drain => "draining",
        };
        Self {
            worker_id: worker.id.to_string(),
            status: status.to_owned(),
            host: Some(worker.host.clone()),
            pid: Some(worker.pid),
            started_at: Some(rfc3339(worker.started_at)),
            seen_at: Some(rfc3339(worker.beat_at)),
            spans: Vec::new(),
        }
    }

    /// One that holds something and was forgotten: its leases lapse.
    pub(crate) fn unknown(worker_id: String) -> Self {
        let status = "lost".to_owned();
        Self { worker_id, status, host: None, pid: None, started_at: None, seen_at: None, spans: Vec::new() }
    }
}

/// A part of a job that a worker holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WorkerSpan)]
pub struct WorkerSpanView {
    /// Of which job.
    pub job_id: String,
    /// Which part, and until when.
    #[serde(flatten)]
    pub hold: HolderView,
}
