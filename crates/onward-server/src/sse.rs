//! The event streams: the present state first, then whatever changes.
//!
//! **Promise.** A client first gets `snapshot` with the jobs as they are, then a `job` event for
//! every change of a job (at most four a second per job while rows finish, every state change), a
//! `change` event with the timeline's line for each state change, and `deleted`. A client that comes
//! back with `Last-Event-ID` gets the state changes it missed right after the snapshot.
//!
//! **Too slow or too late.** Nothing is kept for a client but what it is reading: events come from
//! one shared ring, and each is written as JSON once, however many clients there are. A client that falls behind it, or that names an event we cannot go on from, gets
//! `resync` and the whole state anew.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use onward_core::id::JobId;
use onward_core::problem::Code;
use onward_core::state::JobState;
use onward_core::store::JobQuery;
use onward_engine::{Feed, FeedEvent, Snapshot};
use serde::Serialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::error::RecvError;

use crate::api::view::{EventView, JobView};
use crate::problem::{Failure, Result};
use crate::state::App;

/// A comment goes out after this much silence, so that proxies and watchdogs see a live stream.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Active jobs in the first snapshot: more do not run at one time on one store.
const MAX_ACTIVE: usize = 200;
/// Jobs of any state in the first snapshot: what the main page shows.
const MAX_RECENT: usize = 50;
/// Missed state changes that are sent one by one; beyond it the snapshot alone is quicker.
const MAX_MISSED: usize = 1_000;
/// What a browser waits before it comes back, in milliseconds.
const RETRY_MS: u64 = 2_000;

/// Jobs that were just told and are kept as text: clients are at most so many events apart, or pay for
/// their own.
const TOLD: usize = 64;

/// What was told last, as JSON.
#[derive(Debug, Default)]
pub(crate) struct Told {
    last: Mutex<VecDeque<(Arc<Snapshot>, Arc<str>)>>,
    /// How many clients have asked for the whole state so far.
    asked: AtomicU64,
    /// The whole state, and how many of those askers it was read after.
    whole: tokio::sync::Mutex<(u64, Arc<str>)>,
}

impl Told {
    /// The whole state, read after this client came. When a server starts anew, all its pages come at
    /// once: those who came before a reading began share it, so a thousand cost two.
    async fn whole(&self, client: &Client) -> Result<Arc<str>> {
        let own = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut whole = self.whole.lock().await;
        if whole.0 < own {
            let covers = self.asked.load(Ordering::SeqCst);
            let jobs: Vec<JobView> = client.jobs().await?.iter().map(|job| client.app.view(job)).collect();
            *whole = (covers, json_text(&json!({ "jobs": jobs })).into());
        }
        Ok(Arc::clone(&whole.1))
    }

    fn text(&self, app: &App, snapshot: &Arc<Snapshot>) -> Arc<str> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = last.iter().rev().find(|(told, _)| Arc::ptr_eq(told, snapshot)) {
            return Arc::clone(text);
        }
        let text: Arc<str> = json_text(&app.view(snapshot)).into();
        if last.len() >= TOLD {
            last.pop_front();
        }
        last.push_back((Arc::clone(snapshot), Arc::clone(&text)));
        text
    }
}

fn json_text<T: Serialize>(data: &T) -> String {
    serde_json::to_string(data).expect("views have only text keys")
}

/// What a client watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All jobs.
    All,
    /// One job.
    One(JobId),
}

impl Scope {
    fn covers(self, job: JobId) -> bool {
        match self {
            Self::All => true,
            Self::One(id) => id == job,
        }
    }

    fn job(self) -> Option<JobId> {
        match self {
            Self::All => None,
            Self::One(id) => Some(id),
        }
    }
}

/// Opens a stream.
///
/// # Errors
/// `too-many-streams` with `Retry-After`, `job-not-found`, or why the store cannot be read.
pub(crate) async fn open(app: App, scope: Scope, headers: &HeaderMap) -> Result<Response> {
    let Ok(permit) = app.streams.clone().try_acquire_owned() else {
        let detail = format!("{} clients are watching already.", app.settings.max_streams);
        return Err(Failure::new(Code::TooManyStreams, detail));
    };
    // Subscribing comes first: what changes while the state is read is then not missed.
    let feed = app.engine.subscribe().await?;
    let mut client = Client { app, scope, feed, waiting: VecDeque::new(), _permit: permit };
    client.begin(last_event_id(headers)).await?;
    let events = stream::unfold(client, |mut client| async move {
        let event = client.next().await?;
        Some((Ok::<_, Infallible>(event), client))
    });
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive"));
    let quiet_proxies = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((quiet_proxies, stream).into_response())
}

struct Client {
    app: App,
    scope: Scope,
    feed: Feed,
    /// Events made but not yet read: a snapshot and at most [`MAX_MISSED`] changes.
    waiting: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

/// What a client said it saw last.
enum LastSeen {
    Nothing,
    Event(u64),
    Garbage,
}

impl Client {
    /// The snapshot, and what a returning client missed.
    async fn begin(&mut self, last: LastSeen) -> Result<()> {
        let seen = match last {
            LastSeen::Nothing => return self.snapshot(Some(self.feed.seq)).await,
            LastSeen::Event(seen) if seen <= self.feed.seq => seen,
            LastSeen::Event(_) | LastSeen::Garbage => return self.anew("unknown-event-id").await,
        };
        let missed = self.app.engine.store().events(self.scope.job(), seen, MAX_MISSED + 1).await?;
        if missed.len() > MAX_MISSED {
            return self.anew("too-far-behind").await;
        }
        // Ids must not go back, so the snapshot has one only when nothing older follows it.
        self.snapshot(missed.is_empty().then_some(self.feed.seq)).await?;
        let known = self.feed.seq;
        for event in missed.into_iter().filter(|event| event.seq <= known) {
            let seq = event.seq;
            self.push("change", Some(seq), &EventView::from(event));
        }
        Ok(())
    }

    /// The next event; `None` ends the stream, which only a server that stops does.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let news = tokio::select! {
                () = self.app.shutdown.cancelled() => return None,
                news = self.feed.events.recv() => news,
            };
            match news {
                Ok(news) => self.tell(news),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => self.catch_up().await?,
            }
        }
    }

    fn tell(&mut self, news: FeedEvent) {
        match news {
            FeedEvent::Job { seq, snapshot, event } if self.scope.covers(snapshot.job.id) => {
                let text = self.app.told.text(&self.app, &snapshot);
                self.push_text("job", Some(seq), &text);
                if let Some(event) = event {
                    self.push("change", Some(seq), &EventView::from(event));
                }
            }
            FeedEvent::Deleted { seq, job } if self.scope.covers(job) => {
                self.push("deleted", Some(seq), &json!({ "job_id": job.to_string() }));
            }
            FeedEvent::Job { .. } | FeedEvent::Deleted { .. } => {}
        }
    }

    /// After a lag: subscribe anew and send everything. A store that does not answer ends the
    /// stream; the client comes back.
    async fn catch_up(&mut self) -> Option<()> {
        self.feed = self.app.engine.subscribe().await.ok()?;
        self.anew("too-far-behind").await.ok()
    }

    async fn anew(&mut self, reason: &str) -> Result<()> {
        self.push("resync", None, &json!({ "reason": reason }));
        self.snapshot(Some(self.feed.seq)).await
    }

    async fn snapshot(&mut self, seq: Option<u64>) -> Result<()> {
        match self.scope {
            Scope::All => {
                let told = Arc::clone(&self.app.told);
                let text = told.whole(self).await?;
                self.push_text("snapshot", seq, &text);
            }
            Scope::One(id) => {
                let job = self.app.view(&self.app.engine.job(id).await?);
                self.push("snapshot", seq, &json!({ "job": job, "jobs": [job] }));
            }
        }
        Ok(())
    }

    /// The active jobs and the most recent ones, newest first.
    async fn jobs(&self) -> Result<Vec<Snapshot>> {
        let states = JobState::ALL.into_iter().filter(|state| state.is_active()).collect();
        let active = JobQuery { states, limit: MAX_ACTIVE, ..JobQuery::default() };
        let recent = JobQuery { limit: MAX_RECENT, ..JobQuery::default() };
        let mut jobs = self.app.engine.jobs(&recent).await?;
        jobs.extend(self.app.engine.jobs(&active).await?);
        jobs.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.job.id));
        jobs.dedup_by_key(|snapshot| snapshot.job.id);
        Ok(jobs)
    }

    fn push<T: Serialize>(&mut self, kind: &str, seq: Option<u64>, data: &T) {
        self.push_text(kind, seq, &json_text(data));
    }

    fn push_text(&mut self, kind: &str, seq: Option<u64>, text: &str) {
        let mut event = Event::default().event(kind).data(text);
        if let Some(seq) = seq {
            event = event.id(seq.to_string());
        }
        if kind == "snapshot" {
            event = event.retry(Duration::from_millis(RETRY_MS));
        }
        self.waiting.push_back(event);
    }
}

fn last_event_id(headers: &HeaderMap) -> LastSeen {
    let Some(value) = headers.get(HeaderName::from_static("last-event-id")) else { return LastSeen::Nothing };
    match value.to_str().unwrap_or("?").trim() {
        "" => LastSeen::Nothing,
        text => text.parse().map_or(LastSeen::Garbage, LastSeen::Event),
    }
}
