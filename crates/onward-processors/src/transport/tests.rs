//! The pool against a target that counts its connections and closes them without a word.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::*;

/// The whole of an answer.
const OK: &str = "content-length: 2\r\n\r\nok";

/// A target that answers each call with the same and counts the connections that were made to it.
struct Target {
    url: String,
    connections: Arc<AtomicUsize>,
    closed: Arc<Notify>,
}

impl Target {
    /// Closes each connection after so many answers, without a word before.
    async fn start(answers: usize) -> Self {
        Self::answering(answers, OK, "").await
    }

    /// The same with other answers and with last words.
    async fn answering(answers: usize, answer: &'static str, last: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x?y", listener.local_addr().unwrap());
        let (connections, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (count, tell) = (Arc::clone(&connections), Arc::clone(&closed));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let tell = Arc::clone(&tell);
                tokio::spawn(async move {
                    serve(stream, answers, answer, last).await;
                    tell.notify_one();
                });
            }
        });
        Self { url, connections, closed }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, answers: usize, answer: &str, last: &str) {
    for _ in 0..answers {
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                return;
            }
        }
        if stream.write_all(format!("HTTP/1.1 200 OK\r\n{answer}").as_bytes()).await.is_err() {
            return;
        }
    }
    let _ = stream.write_all(last.as_bytes()).await;
}

fn transport(idle: usize) -> Transport {
    let transport = Transport::new(&Outbound::Inside, Duration::from_secs(10), idle);
    transport.unwrap_or_else(|problem| panic!("{}", problem.detail))
}

fn request(url: &str) -> Request {
    Box::new(http::Request::get(url).body(Full::default()).unwrap())
}

async fn call(transport: &Transport, url: &str) -> Vec<u8> {
    let mut answering = transport.send(request(url)).await.expect("it is answered");
    let mut body = Vec::new();
    while let Some(piece) = answering.piece().await {
        body.extend_from_slice(&piece.unwrap());
    }
    answering.finish();
    body
}

#[tokio::test]
async fn a_connection_takes_one_call_after_the_other() {
    let (target, transport) = (Target::start(usize::MAX).await, transport(8));
    for _ in 0..5 {
        assert_eq!(call(&transport, &target.url).await, b"ok");
    }
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_waited_costs_no_call() {
    for last in ["", "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n"] {
        let (target, transport) = (Target::answering(2, OK, last).await, transport(8));
        for _ in 0..2 {
            assert_eq!(call(&transport, &target.url).await, b"ok");
        }
        target.closed.notified().await;
        assert_eq!(call(&transport, &target.url).await, b"ok", "{last}");
        assert_eq!(target.connections(), 2, "{last}");
    }
}

#[tokio::test]
async fn a_call_is_given_back_when_nothing_of_it_was_sent() {
    let (target, transport) = (Target::start(0).await, transport(8));
    let mut request = request(&target.url);
    let place = addressed(&mut request).unwrap();
    let connection = transport.connect(place).await.expect("it listens");
    target.closed.notified().await;
    let unsent = transport.through(connection, request).await.expect_err("it was closed");
    assert_eq!(unsent.expect("it is given back").uri(), "/x?y");
}

#[tokio::test]
async fn no_more_connections_wait_than_may() {
    let (target, transport) = (Target::start(usize::MAX).await, transport(1));
    let three = || async {
        let (one, two, three) = tokio::join!(
            call(&transport, &target.url),
            call(&transport, &target.url),
            call(&transport, &target.url)
        );
        assert_eq!([one, two, three], [b"ok"; 3]);
    };
    three().await;
    assert_eq!(target.connections(), 3);
    three().await;
    assert_eq!(target.connections(), 5, "one of the three has waited");
}

#[tokio::test]
async fn an_answer_that_is_not_read_takes_its_connection_along() {
    let (target, transport) = (Target::start(usize::MAX).await, transport(8));
    drop(transport.send(request(&target.url)).await.expect("it is answered"));
    assert_eq!(call(&transport, &target.url).await, b"ok");
    assert_eq!(target.connections(), 2);
    // Whoever says that nobody wants the rest keeps it, when the rest is there.
    transport.send(request(&target.url)).await.expect("it is answered").finish();
    assert_eq!(call(&transport, &target.url).await, b"ok");
    assert_eq!(target.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_can_take_no_call_does_not_wait_for_one() {
    for answer in ["connection: close\r\ncontent-length: 2\r\n\r\nok", "content-length: 3\r\n\r\nok"] {
        let (target, transport) = (Target::answering(usize::MAX, answer, "").await, transport(8));
        transport.send(request(&target.url)).await.expect("it is answered").finish();
        assert!(transport.pool.idle().is_empty(), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_waits_too_long_is_dropped() {
    let (target, transport) = (Target::start(usize::MAX).await, transport(8));
    assert_eq!(call(&transport, &target.url).await, b"ok");
    // The time of whoever drops it begins to run.
    tokio::task::yield_now().await;
    tokio::time::pause();
    tokio::time::advance(IDLE + Duration::from_secs(1)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    // Nobody had to make another call for that.
    assert!(transport.pool.idle().is_empty());
    target.closed.notified().await;
}

#[test]
fn the_host_is_named_as_targets_expect_it() {
    for (url, host) in [
        ("http://a.example/x", "a.example"),
        ("http://a.example:80/x", "a.example"),
        ("https://a.example:443/", "a.example"),
        ("https://a.example:80/", "a.example:80"),
        ("http://a.example:8080/x", "a.example:8080"),
        ("http://[::1]:8080/x", "[::1]:8080"),
    ] {
        let mut request = request(url);
        addressed(&mut request).unwrap();
        assert_eq!(request.headers()[HOST], host, "{url}");
        assert_eq!(request.uri().host(), None, "{url}");
    }
    let mut own = request("http://a.example/x?y");
    own.headers_mut().insert(HOST, HeaderValue::from_static("other.example"));
    let place = addressed(&mut own).unwrap();
    assert_eq!(
        (&own.headers()[HOST], own.uri()),
        (&HeaderValue::from_static("other.example"), &Uri::from_static("/x?y"))
    );
    assert_eq!(place.uri(), Uri::from_static("http://a.example/"));
}
