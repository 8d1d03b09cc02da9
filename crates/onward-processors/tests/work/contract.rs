//! What every processor must keep to, run for each kind of work.

use crate::support::{Server, apart, call, creators, processor};
use axum::body::Body;
use axum::http::Response;
use onward_core::processor::Processor;

const ROWS: [[&str; 3]; 5] =
    [["a", "x", "1"], ["b", "x", "2"], ["c", "", ""], ["d", "é🎨", "12,345"], ["e", "\u{0}\u{202e}", "-"]];

/// One answer per row, in the order of the rows; the same answers for the same call; no call, no
/// answer; nothing to complain about before the start.
async fn keeps_the_contract(work: &dyn Processor) {
    assert_eq!(work.check().await, Ok(()));
    assert_eq!(work.process(&call(&[])).await, []);
    let all = work.process(&call(&ROWS)).await;
    assert_eq!(all.len(), ROWS.len());
    assert_eq!(work.process(&call(&ROWS)).await, all, "the same call has the same answers");
    let mut one_by_one = Vec::new();
    for call in apart(&ROWS) {
        one_by_one.extend(work.process(&call).await);
    }
    assert_eq!(one_by_one, all, "a row does not depend on its neighbours");
}

#[tokio::test]
async fn creators_without_a_fetch_keep_it() {
    let recipe = "key = ['handle']\n[work]\nkind = 'creators'\n[filter]\nkeep = 'int(followers) > 1'\n";
    keeps_the_contract(&*processor(recipe)).await;
}

#[tokio::test]
async fn creators_with_a_fetch_keep_it() {
    let server = Server::start(|seen| Response::new(Body::from(format!("{:?}", seen.uri)))).await;
    let work = creators(&server, "[add]\ncolumns = { uri = 'body' }");
    keeps_the_contract(&*work).await;
    same_key_at_every_repeat(&server);
}

#[tokio::test]
async fn http_keeps_it() {
    let server = Server::start(|_| Response::new(Body::empty())).await;
    let work = processor(&format!("[work]\nkind = 'http'\nurl = '{}/'\n", server.base));
    keeps_the_contract(&*work).await;
    same_key_at_every_repeat(&server);
}

/// The contract calls each row three times: each time under the same key.
fn same_key_at_every_repeat(server: &Server) {
    let mut counts = std::collections::BTreeMap::new();
    for seen in server.seen() {
        *counts.entry(seen.headers["idempotency-key"].to_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), ROWS.len());
    assert!(counts.values().all(|count| *count == 3), "{counts:?}");
}
