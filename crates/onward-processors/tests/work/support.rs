//! A real server on loopback that answers as a test tells it, and calls for it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use onward_core::id::{Epoch, JobId, RowIndex};
use onward_core::input::InputRow;
use onward_core::processor::{Answer, Call, Processor, Told};
use onward_core::recipe::Recipe;
use onward_core::row::{Outcome, Verdict};
use onward_processors::{Commands, Secrets, Settings, build};

/// A call as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The path and query as they came over the wire.
    pub(crate) uri: String,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

type Reply = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;

/// A server that writes down every call.
pub(crate) struct Server {
    /// Its address, such as `http://127.0.0.1:4711`.
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts one that answers every call with `reply`.
    pub(crate) async fn start(reply: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let state = (Arc::clone(&seen), Arc::new(reply) as Reply);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, seen }
    }

    /// The calls so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(State((seen, reply)): State<(Arc<Mutex<Vec<Seen>>>, Reply)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let uri: &Uri = &parts.uri;
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let call = Seen { uri: uri.to_string(), headers: parts.headers, body: body.to_vec() };
    seen.lock().unwrap().push(call.clone());
    reply(&call)
}

/// Settings with one secret.
pub(crate) fn settings() -> Settings {
    let commands = Commands::Any(std::collections::BTreeMap::new());
    Settings { secrets: Secrets::from_pairs([("API_KEY", "canary-42")]), commands, ..Settings::default() }
}

/// The processor of a recipe in TOML.
pub(crate) fn processor(recipe: &str) -> Arc<dyn Processor> {
    build(&Recipe::parse(recipe).unwrap(), &settings()).unwrap()
}

/// Creators work that looks `handle` up at this server; `more` is appended to the recipe.
pub(crate) fn creators(server: &Server, more: &str) -> Arc<dyn Processor> {
    processor(&format!(
        "key = ['handle']\n[work]\nkind = 'creators'\n{more}\n[fetch]\nurl = '{}/creators/{{{{ handle }}}}'\n",
        server.base
    ))
}

/// A call over rows of the columns `handle`, `platform`, `followers`.
pub(crate) fn call(rows: &[[&str; 3]]) -> Call {
    let columns = ["handle", "platform", "followers"];
    let columns = columns.into_iter().enumerate().map(|(at, name)| (name, at)).collect();
    let row = |(at, values): (usize, &[&str; 3])| {
        Arc::new(InputRow {
            index: RowIndex(u32::try_from(at).unwrap()),
            line: at as u64 + 2,
            key: values[0].to_lowercase().into(),
            fields: values.iter().collect(),
            decided: None,
        })
    };
    Call {
        job: "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000".parse::<JobId>().unwrap(),
        epoch: Epoch(7),
        generation: 1,
        attempt: 1,
        columns: Arc::new(columns),
        rows: rows.iter().enumerate().map(row).collect(),
        in_doubt: Vec::new(),
        told: Told::default(),
    }
}

/// Each of these rows in a call of its own.
pub(crate) fn apart(rows: &[[&str; 3]]) -> Vec<Call> {
    let all = call(rows);
    all.rows.iter().map(|row| Call { rows: vec![Arc::clone(row)], ..call(&[]) }).collect()
}

/// What becomes of one row.
pub(crate) async fn one(processor: &dyn Processor, row: [&str; 3]) -> Answer {
    let mut answers = processor.process(&call(&[row])).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// The verdict of an answer that decides.
pub(crate) fn verdict(answer: Answer) -> Verdict {
    match answer {
        Answer::Done(verdict) => verdict,
        Answer::Confirm(verdict) => *verdict,
        Answer::Retry { .. } | Answer::Throttled { .. } | Answer::Fatal { .. } => {
            panic!("expected a verdict, got {answer:?}")
        }
    }
}

/// Outcome, code and message of an answer that decides.
pub(crate) fn told(answer: Answer) -> (Outcome, String, String) {
    let verdict = verdict(answer);
    (verdict.outcome, verdict.code.into_owned(), verdict.message.into_owned())
}
