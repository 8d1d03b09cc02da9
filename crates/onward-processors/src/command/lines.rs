//! A few long-lived children: one line of JSON per call on their input, one per answer on their output.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onward_core::id::{JobId, RowIndex};
use onward_core::input::InputRow;
use onward_core::processor::{Answer, Call, CannotStart, Processor};
use onward_core::recipe::{Missing, Work};

use super::lane::{Lane, Unanswered};
use super::row::cannot_start;
use super::spec::Spec;
use crate::wire;

/// Children that share the rows.
pub(super) struct LinesCommand {
    spec: Arc<Spec>,
    timeout: Duration,
    processes: usize,
    batched: bool,
    missing: Missing,
    children: OnceLock<Children>,
    /// Rows of which a child may have died or hung: they are asked alone until they are answered.
    suspects: Mutex<HashSet<RowIndex>>,
}

struct Children {
    /// Each with the number of calls it has not answered.
    shared: Vec<(Lane, AtomicUsize)>,
    /// The child that is asked one suspected row at a time, so that it takes no other row with it.
    solitary: tokio::sync::Mutex<Lane>,
}

impl LinesCommand {
    pub(super) fn new(spec: Spec, work: &Work) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most = usize::try_from(work.concurrency).unwrap_or(usize::MAX);
        let asked = work.processes.and_then(|processes| usize::try_from(processes).ok());
        Self {
            spec: Arc::new(spec),
            timeout: Duration::from_millis(work.timeout),
            processes: asked.unwrap_or(cores).clamp(1, most),
            batched: work.batch > 1,
            missing: work.missing,
            children: OnceLock::new(),
            suspects: Mutex::default(),
        }
    }

    fn children(&self, job: JobId) -> &Children {
        self.children.get_or_init(|| {
            let lane = || Lane::new(Arc::clone(&self.spec), self.timeout, job);
            Children {
                shared: (0..self.processes).map(|_| (lane(), AtomicUsize::new(0))).collect(),
                solitary: tokio::sync::Mutex::new(lane()),
            }
        })
    }

    /// Asks the child that has least to do.
    async fn shared(&self, call: &Call) -> Result<Vec<Answer>, Unanswered> {
        let children = self.children(call.job);
        let least = children.shared.iter().min_by_key(|(_, open)| open.load(Ordering::Relaxed));
        let (lane, open) = least.expect("there is at least one child");
        let _counted = Counted::new(open);
        self.ask(lane, call, &call.rows).await
    }

    /// Asks for each row alone.
    async fn solitary(&self, call: &Call) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(call.rows.len());
        let lane = self.children(call.job).solitary.lock().await;
        for row in &call.rows {
            match self.ask(&lane, call, std::slice::from_ref(row)).await {
                Ok(mut answer) => {
                    self.suspects().remove(&row.index);
                    answers.append(&mut answer);
                }
                Err(why) => answers.push(self.unanswered(why)),
            }
        }
        answers
    }

    async fn ask(&self, lane: &Lane, call: &Call, rows: &[Arc<InputRow>]) -> Result<Vec<Answer>, Unanswered> {
        loop {
            let mut line = match (self.batched, rows) {
                (false, [row]) => wire::one_row(call, row),
                _ => wire::many_rows(call, rows),
            };
            line.push(b'\n');
            let names = rows.iter().map(|row| (row.index.row(), row.key.clone())).collect();
            match lane.ask(names, line).await {
                Ok(elements) => return Ok(wire::matched(rows, elements, self.missing, &self.spec.secrets)),
                // For another row's sake, which has used up a try, or for that of a job that is left.
                Err(Unanswered::Again) => {}
                Err(why) => return Err(why),
            }
        }
    }

    fn suspects(&self) -> std::sync::MutexGuard<'_, HashSet<RowIndex>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it means for a row that it was not answered; it has used up a try.
    fn unanswered(&self, why: Unanswered) -> Answer {
        let died = |message: String| Answer::Retry {
            code: "program-died".into(),
            message: message.into(),
            wait_ms: None,
        };
        match why {
            Unanswered::NotStarted(error) => cannot_start(&error),
            Unanswered::Late => Answer::late(self.timeout),
            Unanswered::Died(message) => died(message),
            Unanswered::DiedOfOne | Unanswered::Again => died("the program ended before it answered".into()),
        }
    }

    fn suspect(&self, call: &Call) {
        self.suspects().extend(call.rows.iter().map(|row| row.index));
    }
}

#[async_trait]
impl Processor for LinesCommand {
    fn calls_out(&self) -> bool {
        true
    }

    async fn process(&self, call: Call) -> Vec<Answer> {
        if call.rows.is_empty() {
            return Vec::new();
        }
        let suspected = {
            let suspects = self.suspects();
            call.rows.iter().any(|row| suspects.contains(&row.index))
        };
        if suspected {
            return self.solitary(&call).await;
        }
        match self.shared(&call).await {
            Ok(answers) => answers,
            // Of several rows nobody knows which it died of: each is asked alone at once, and only the one it
            // dies of has used up a try.
            Err(Unanswered::DiedOfOne) => {
                self.suspect(&call);
                self.solitary(&call).await
            }
            Err(why) => {
                if !matches!(why, Unanswered::NotStarted(_)) {
                    self.suspect(&call);
                }
                vec![self.unanswered(why); call.rows.len()]
            }
        }
    }

    /// A row that waits for others in a child's queue is not late.
    fn keeps_time(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<(), CannotStart> {
        self.spec.check()
    }
}

/// Counts a call that a child has not answered.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(open: &'a AtomicUsize) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
