//! A few long-lived children: one line of JSON per call on their input, one per answer on their output.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use onward_core::id::{JobId, RowIndex};
use onward_core::input::InputRow;
use onward_core::processor::{Answer, Call, CannotStart, Ended, Processor, Queue};
use onward_core::recipe::{Missing, Work};

use super::lane::{Lane, Questions, Unanswered};
use super::row::cannot_start;
use super::spec::Spec;
use crate::wire::{self, Element};

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
    shared: Vec<Lane>,
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
                shared: (0..self.processes).map(|_| lane()).collect(),
                solitary: tokio::sync::Mutex::new(lane()),
            }
        })
    }

    /// Asks for each row of a call alone.
    async fn solitary(&self, at: usize, call: &Call) -> (usize, Vec<Answer>) {
        let mut answers = Vec::with_capacity(call.rows.len());
        let lane = self.children(call.job).solitary.lock().await;
        for row in &call.rows {
            match self.ask_alone(&lane, call, std::slice::from_ref(row)).await {
                Ok(mut answer) => {
                    self.suspects().remove(&row.index);
                    answers.append(&mut answer);
                }
                Err(why) => answers.push(self.unanswered(why)),
            }
        }
        (at, answers)
    }

    async fn ask_alone(
        &self,
        lane: &Lane,
        call: &Call,
        rows: &[Arc<InputRow>],
    ) -> Result<Vec<Answer>, Unanswered> {
        let mut replies = Vec::with_capacity(1);
        loop {
            let mut questions = Questions::to(std::slice::from_ref(lane));
            self.ask(&mut questions, 0, call, rows).await;
            questions.replies(&mut replies).await;
            match replies.pop() {
                Some((_, Ok(elements))) => return Ok(self.answers(rows, elements)),
                Some((_, Err(Unanswered::Again))) | None => {}
                Some((_, Err(why))) => return Err(why),
            }
        }
    }

    async fn ask(&self, questions: &mut Questions<'_>, at: usize, call: &Call, rows: &[Arc<InputRow>]) {
        let mut line = match (self.batched, rows) {
            (false, [row]) => wire::one_row(call, row),
            _ => wire::many_rows(call, rows),
        };
        line.push(b'\n');
        questions.ask(at, rows.to_vec(), line).await;
    }

    fn answers(&self, rows: &[Arc<InputRow>], elements: Vec<Element>) -> Vec<Answer> {
        wire::matched(rows, elements, self.missing, &self.spec.secrets)
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

    fn is_suspected(&self, call: &Call) -> bool {
        let suspects = self.suspects();
        !suspects.is_empty() && call.rows.iter().any(|row| suspects.contains(&row.index))
    }
}

#[async_trait]
impl Processor for LinesCommand {
    fn calls_out(&self) -> bool {
        true
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        let mut answers = Vec::new();
        self.work_off(std::slice::from_ref(call), &mut |ended| {
            answers.extend(ended.into_iter().flat_map(|(_, given)| given));
        })
        .await;
        answers
    }

    fn queue(&self) -> Option<&dyn Queue> {
        Some(self)
    }

    async fn check(&self) -> Result<(), CannotStart> {
        self.spec.check()
    }
}

#[async_trait]
impl Queue for LinesCommand {
    async fn work_off(&self, calls: &[Call], ended: Ended<'_>) {
        let Some(first) = calls.first() else { return };
        let mut questions = Questions::to(&self.children(first.job).shared);
        let mut solitary = FuturesUnordered::new();
        for (at, call) in calls.iter().enumerate() {
            if call.rows.is_empty() {
                ended(vec![(at, Vec::new())]);
            } else if self.is_suspected(call) {
                solitary.push(self.solitary(at, call));
            } else {
                self.ask(&mut questions, at, call, &call.rows).await;
            }
        }
        let mut replies = Vec::new();
        while questions.are_open() || !solitary.is_empty() {
            tokio::select! {
                () = questions.replies(&mut replies), if questions.are_open() => {}
                Some((at, answers)) = solitary.next(), if !solitary.is_empty() => {
                    ended(vec![(at, answers)]);
                }
            }
            let mut answered = Vec::with_capacity(replies.len());
            for (at, reply) in replies.drain(..) {
                let call = &calls[at];
                match reply {
                    Ok(elements) => answered.push((at, self.answers(&call.rows, elements))),
                    // For another row's sake, which has used up a try, or for that of a job that is left.
                    Err(Unanswered::Again) => {
                        self.ask(&mut questions, at, call, &call.rows).await;
                    }
                    // Of several rows nobody knows which it died of: each is asked alone at once, and only the one it
                    // dies of has used up a try.
                    Err(Unanswered::DiedOfOne) => {
                        self.suspect(call);
                        solitary.push(self.solitary(at, call));
                    }
                    Err(why) => {
                        if !matches!(why, Unanswered::NotStarted(_)) {
                            self.suspect(call);
                        }
                        answered.push((at, vec![self.unanswered(why); call.rows.len()]));
                    }
                }
            }
            ended(answered);
        }
    }
}
