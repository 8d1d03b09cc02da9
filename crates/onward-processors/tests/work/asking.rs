//! Rows in doubt: the target is asked before they are called again.

use crate::support::{Server, call, processor, told};
use axum::body::Body;
use axum::http::Response;
use onward_core::id::RowIndex;
use onward_core::processor::{Answer, Call};
use onward_core::row::Outcome;

const ROWS: [[&str; 3]; 3] = [["anna", "", ""], ["bo", "", ""], ["cy", "", ""]];

/// A server that knows Anna, is out of order about Cy, and takes every row.
async fn target() -> Server {
    Server::start(|seen| {
        let status = match seen.uri.as_str() {
            "/known/anna" => 200,
            "/known/cy" => 500,
            uri if uri.starts_with("/known/") => 404,
            _ => 200,
        };
        let body = if seen.uri == "/known/anna" { r#"{"paid": true}"# } else { "" };
        Response::builder().status(status).body(Body::from(body)).unwrap()
    })
    .await
}

fn doubted(rows: &[[&str; 3]], in_doubt: &[u32]) -> Call {
    Call { in_doubt: in_doubt.iter().copied().map(RowIndex).collect(), ..call(rows) }
}

async fn asked(server: &Server, more: &str, call: Call) -> (Vec<Answer>, Vec<String>) {
    let base = &server.base;
    let work = processor(&format!(
        "key = ['handle']\n[work]\nkind = 'http'\nurl = '{base}/rows'\n[in_doubt]\npolicy = 'ask'\n\
         url = '{base}/known/{{{{ handle }}}}'\n{more}"
    ));
    let answers = work.process(&call).await;
    (answers, server.seen().into_iter().map(|seen| seen.uri).collect())
}

#[tokio::test]
async fn a_row_in_doubt_is_called_only_when_the_target_does_not_know_it() {
    let server = target().await;
    let (mut answers, seen) = asked(&server, "", doubted(&ROWS, &[0, 1, 2])).await;
    assert_eq!(seen, ["/known/anna", "/known/bo", "/known/cy", "/rows"]);
    assert!(matches!(answers.pop(), Some(Answer::Retry { .. })), "nobody knows about Cy now");
    let (outcome, code, _) = told(answers.remove(0));
    assert_eq!((outcome, code.as_str()), (Outcome::Added, "confirmed"));
    assert_eq!(told(answers.remove(0)).1, "added");
    let questions: Vec<_> = server.seen().into_iter().filter(|seen| seen.uri.starts_with("/known")).collect();
    assert!(
        questions.iter().all(|seen| !seen.headers.contains_key("idempotency-key")),
        "no repeat of the call"
    );
}

#[tokio::test]
async fn a_row_that_is_not_in_doubt_is_not_asked_about() {
    let (answers, seen) = asked(&target().await, "", doubted(&ROWS[..2], &[])).await;
    assert_eq!((answers.len(), seen), (2, vec!["/rows".to_owned(), "/rows".to_owned()]));
}

#[tokio::test]
async fn a_rule_says_what_done_means() {
    let rule = "done = \"status == 200 && body.paid == false\"\n";
    let (mut answers, seen) = asked(&target().await, rule, doubted(&ROWS[..1], &[0])).await;
    assert_eq!(seen, ["/known/anna", "/rows"]);
    assert_eq!(told(answers.remove(0)).1, "added");
}

/// Work with a queue: what is in doubt is asked about, and the rest goes through the queue as it would without.
#[tokio::test]
async fn of_the_calls_of_a_queue_only_those_in_doubt_are_asked_about() {
    const CHILD: &str = "
import sys, json
for line in sys.stdin:
    print(json.dumps({'row': json.loads(line)['row'], 'outcome': 'added', 'code': 'by-program'}), flush=True)
";
    let server = target().await;
    let work = processor(&format!(
        "key = ['handle']\n[work]\nkind = 'command'\nmode = 'lines'\nprocesses = 1\n\
         command = ['python3', '-c', '''{CHILD}''']\n[in_doubt]\npolicy = 'ask'\n\
         url = '{}/known/{{{{ handle }}}}'\n",
        server.base
    ));
    let queue = work.queue().expect("it has the queue of its work");
    for (in_doubt, codes, asked) in [
        (&[0_u32, 1][..], ["confirmed", "by-program", "by-program"], &["/known/anna", "/known/bo"][..]),
        (&[], ["by-program"; 3], &[]),
    ] {
        let already = server.seen().len();
        let single = |row: &std::sync::Arc<onward_core::input::InputRow>| Call {
            in_doubt: in_doubt.iter().copied().map(RowIndex).filter(|doubt| *doubt == row.index).collect(),
            rows: vec![row.clone()],
            ..call(&[])
        };
        let calls: Vec<Call> = call(&ROWS).rows.iter().map(single).collect();
        let mut found = vec![String::new(); calls.len()];
        let mut ended = |ended: Vec<(usize, Vec<Answer>)>| {
            ended.into_iter().for_each(|(at, mut answers)| found[at] = told(answers.remove(0)).1);
        };
        queue.work_off(&calls, &mut ended).await;
        assert_eq!(found, codes);
        let mut seen: Vec<_> = server.seen().into_iter().skip(already).map(|seen| seen.uri).collect();
        seen.sort();
        assert_eq!(seen, asked);
    }
}
