//! One long-lived child: lines of rows in, lines of answers out, in any order.
//!
//! A lane is a task that owns the child. It starts it when the first row comes, writes and reads at the
//! same time (a child may well wait for its output to be read before it reads on), and starts it anew,
//! with a growing pause, when it has died. What the child is still asked when it dies is told apart: a
//! row that was the only one is what it died of; of several, nobody knows.
//!
//! The deadline is for the oldest question, from when it became that: most programs do one row after the
//! other, and a row that waits behind one that hangs has not been begun.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use onward_core::id::JobId;
use onward_core::input::InputRow;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

use super::open::Open;
use super::output::{MAX_OUTPUT, Tail};
use super::process::{Pipes, Process};
use super::spec::Spec;
use crate::answers::one_line;
use crate::wire::{self, Element};

/// The first pause before a child that died is started anew, in milliseconds; doubles with each death
/// without an answer in between, up to [`MAX_PAUSE_MS`].
const PAUSE_MS: u64 = 100;
/// The longest such pause.
const MAX_PAUSE_MS: u64 = 10_000;
/// Rows that wait to be written, in bytes: then no more are taken, and the engine waits.
const MAX_UNWRITTEN: usize = 256 * 1024;
/// Calls that wait for a lane; the engine bounds them before this does.
const QUEUE: usize = 1_024;
/// Read at once, in bytes.
const PIECE: usize = 64 * 1024;
/// How long a child may take to end once its input is closed, in milliseconds.
const FAREWELL_MS: u64 = 500;
/// A line of a child's is shown up to this length, in characters.
const MAX_SHOWN: usize = 200;

/// What a child is asked: some rows, and who wants to know.
pub(super) struct Ask {
    pub(super) rows: Vec<Arc<InputRow>>,
    pub(super) lines: Vec<u8>,
    pub(super) asker: Asker,
}

/// What became of a question.
pub(super) type Reply = Result<Vec<Element>, Unanswered>;

/// Where the reply to a question goes. There is always one, also when the question is lost.
pub(super) struct Asker {
    to: mpsc::UnboundedSender<(usize, Reply)>,
    /// Which question of theirs it is.
    at: usize,
    /// Questions that the child has not answered.
    open: Arc<AtomicUsize>,
    replied: bool,
}

impl Asker {
    pub(super) fn new(to: mpsc::UnboundedSender<(usize, Reply)>, at: usize, open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self { to, at, open: Arc::clone(open), replied: false }
    }

    pub(super) fn reply(mut self, reply: Reply) {
        self.replied = true;
        // Whoever asked may have given up; then nobody misses the answer.
        drop(self.to.send((self.at, reply)));
    }

    pub(super) fn has_given_up(&self) -> bool {
        self.to.is_closed()
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if !self.replied {
            drop(self.to.send((self.at, Err(Unanswered::Died("the program is gone".into())))));
        }
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone)]
pub(super) enum Unanswered {
    /// The child could not even be started.
    NotStarted(Arc<std::io::Error>),
    /// It died and was asked nothing else; the sentence says how.
    Died(String),
    /// It died, and was asked something else too: nobody knows of which.
    DiedOfOne,
    /// It took too long over this question.
    Late,
    /// It was ended because of another question, or died and that may be why.
    Again,
}

/// The way to a child.
pub(super) struct Lane {
    asks: mpsc::Sender<Ask>,
    open: Arc<AtomicUsize>,
    given_up: Arc<Notify>,
}

impl Lane {
    /// A lane whose child is started with its first row. It ends when the lane is dropped, and is ended when
    /// it takes longer than `timeout` over what it was asked first.
    pub(super) fn new(spec: Arc<Spec>, timeout: Duration, job: JobId) -> Self {
        let (asks, inbox) = mpsc::channel(QUEUE);
        let given_up = Arc::new(Notify::new());
        let lane =
            Task { spec, timeout, job, inbox, given_up: Arc::clone(&given_up), open: Open::new(), deaths: 0 };
        tokio::spawn(lane.run());
        Self { asks, open: Arc::default(), given_up }
    }

    /// How many questions its child has not answered.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// Questions to some children. Dropped while one of them is open, it ends the children: they may be stuck over just
/// that.
pub(super) struct Questions<'a> {
    lanes: &'a [Lane],
    to: mpsc::UnboundedSender<(usize, Reply)>,
    replies: mpsc::UnboundedReceiver<(usize, Reply)>,
    open: usize,
}

impl<'a> Questions<'a> {
    /// To at least one child.
    pub(super) fn to(lanes: &'a [Lane]) -> Self {
        let (to, replies) = mpsc::unbounded_channel();
        Self { lanes, to, replies, open: 0 }
    }

    /// Asks the child that has least to do; the reply will say that it is to this question.
    pub(super) async fn ask(&mut self, at: usize, rows: Vec<Arc<InputRow>>, lines: Vec<u8>) {
        let lane = self.lanes.iter().min_by_key(|lane| lane.open()).expect("there is at least one child");
        let asker = Asker::new(self.to.clone(), at, &lane.open);
        self.open += 1;
        // What a lane does not take any more is lost, and says so itself.
        drop(lane.asks.send(Ask { rows, lines, asker }).await);
    }

    pub(super) fn are_open(&self) -> bool {
        self.open > 0
    }

    /// Replies, as soon as there are some: which question, and what became of it.
    pub(super) async fn replies(&mut self, replies: &mut Vec<(usize, Reply)>) {
        self.open -= self.replies.recv_many(replies, QUEUE).await;
    }
}

impl Drop for Questions<'_> {
    fn drop(&mut self) {
        if self.are_open() {
            self.replies.close();
            self.lanes.iter().for_each(|lane| lane.given_up.notify_one());
        }
    }
}

struct Task {
    spec: Arc<Spec>,
    timeout: Duration,
    job: JobId,
    inbox: mpsc::Receiver<Ask>,
    given_up: Arc<Notify>,
    open: Open,
    /// Deaths since the last answer.
    deaths: u32,
}

/// Why a child is not talked to any more.
enum End {
    /// Nobody asks any more.
    Finished,
    /// It died, or has to; the sentence says why.
    Died(String),
    /// It takes too long over the oldest question.
    Late,
    /// Somebody who asked does not wait any more.
    GivenUp,
}

impl Task {
    async fn run(mut self) {
        while let Some(first) = self.inbox.recv().await {
            if first.asker.has_given_up() {
                continue;
            }
            if let Some(doublings) = self.deaths.checked_sub(1) {
                let pause = PAUSE_MS.saturating_mul(1 << doublings.min(16)).min(MAX_PAUSE_MS);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            let words: &[String] = &self.spec.argv;
            match Process::start(self.spec.command(words, self.job), &self.spec.guard) {
                Ok((process, pipes)) => {
                    if !self.talk(process, pipes, first).await {
                        return;
                    }
                }
                Err(error) => {
                    self.deaths += 1;
                    first.asker.reply(Err(Unanswered::NotStarted(Arc::new(error))));
                }
            }
        }
    }

    /// Talks to one child until it dies (`true`) or nobody asks any more.
    async fn talk(&mut self, mut process: Process, pipes: Pipes, first: Ask) -> bool {
        let Pipes { mut stdin, mut stdout, stderr } = pipes;
        let words = Tail::default();
        let listening = words.clone();
        // Ends with the child's last holder of the pipe, or with the lane.
        let listener = tokio::spawn(async move { listening.read(stderr, usize::MAX).await });
        let mut unwritten = BytesMut::from(&*self.open.take(first));
        let (mut asks, mut heard, mut piece) = (Vec::new(), Vec::new(), vec![0; PIECE]);
        // Set again only when it is over: the oldest question changes with every answer.
        let mut alarm = pin!(tokio::time::sleep(self.timeout));
        let end = loop {
            tokio::select! {
                written = stdin.write_buf(&mut unwritten), if !unwritten.is_empty() => if written.is_err() {
                    // It has closed its input; what it still says counts until it has ended.
                    unwritten.clear();
                },
                read = stdout.read(&mut piece) => match read {
                    Ok(0) | Err(_) => break End::Died(String::new()),
                    Ok(length) => {
                        heard.extend_from_slice(&piece[..length]);
                        if let Err(why) = self.hear(&mut heard) { break End::Died(why); }
                    }
                },
                // All that is there, so that it goes out in one piece.
                asked = self.inbox.recv_many(&mut asks, QUEUE), if unwritten.len() < MAX_UNWRITTEN => {
                    if asked == 0 { break End::Finished; }
                    for ask in asks.drain(..) { unwritten.extend_from_slice(&self.open.take(ask)); }
                },
                () = self.given_up.notified() => if self.open.has_given_up() { break End::GivenUp },
                () = &mut alarm => match self.open.due(self.timeout) {
                    Some(due) => alarm.as_mut().reset(due),
                    None => break End::Late,
                },
            }
        };
        drop(stdin);
        let farewell = match &end {
            End::Finished => FAREWELL_MS,
            End::Died(why) if why.is_empty() => FAREWELL_MS,
            End::Died(_) | End::Late | End::GivenUp => 0,
        };
        let status = tokio::time::timeout(Duration::from_millis(farewell), process.ended()).await;
        drop(process);
        let ended = status.ok().and_then(Result::ok).map(|status| status.to_string());
        // What it said last is read by now, unless something else holds the pipe.
        drop(tokio::time::timeout(Duration::from_millis(FAREWELL_MS), listener).await);
        self.deaths += 1;
        match end {
            End::Finished => return false,
            End::Died(why) => {
                let last_words =
                    words.last_line().map(|line| self.spec.secrets.hide(one_line(&line, MAX_SHOWN)));
                self.open.died(&sentence(&why, ended.as_deref(), last_words.as_deref()));
            }
            End::Late => self.open.late(),
            End::GivenUp => self.open.again(),
        }
        true
    }

    /// Takes in the whole lines of what was read. The error says why the child cannot be trusted.
    fn hear(&mut self, heard: &mut Vec<u8>) -> Result<(), String> {
        let Some(end) = heard.iter().rposition(|byte| *byte == b'\n') else {
            if heard.len() > MAX_OUTPUT {
                return Err(format!("it wrote a line of more than {MAX_OUTPUT} bytes"));
            }
            return Ok(());
        };
        for line in heard[..end].split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let said = said(line).ok_or_else(|| {
                let line = one_line(&String::from_utf8_lossy(line), MAX_SHOWN);
                format!("it wrote a line that is no answer: {}", self.spec.secrets.hide(line))
            })?;
            if self.open.answer(said) {
                self.deaths = 0;
            }
        }
        heard.drain(..=end);
        Ok(())
    }
}

/// What one line says.
pub(super) enum Said {
    /// Something of one row.
    One(Element),
    /// All there is to say to a whole batch.
    Batch(Vec<Element>),
}

fn said(line: &[u8]) -> Option<Said> {
    let text = std::str::from_utf8(line).ok()?;
    let is_list = text.trim_start().starts_with('[');
    if (is_list || text.contains("\"rows\""))
        && let Ok(elements) = wire::elements(line)
    {
        return Some(Said::Batch(elements));
    }
    text.trim_start().starts_with('{').then(|| Element::read(text))?.map(Said::One)
}

fn sentence(why: &str, status: Option<&str>, last_words: Option<&str>) -> String {
    let what = match (why, status) {
        ("", Some(status)) => format!("the program ended ({status}) before it answered"),
        ("", None) => "the program closed its output before it answered".to_owned(),
        (why, _) => format!("the program was ended: {why}"),
    };
    last_words.map_or(what.clone(), |words| format!("{what}: {words}"))
}
