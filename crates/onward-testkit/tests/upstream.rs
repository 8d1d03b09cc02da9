//! The upstream: it misbehaves as the script says and writes every call down.

use std::time::Duration;

use anyhow::Result;
use onward_testkit::upstream::{Behaviour, End, Reply};
use onward_testkit::{Script, Upstream, until};

const SOON: Duration = Duration::from_secs(10);

async fn status(upstream: &Upstream, handle: &str) -> Result<u16> {
    let client = onward_testkit::api::client().build()?;
    let answer =
        client.get(format!("{}/creators/{handle}", upstream.url())).header("idempotency-key", "k").send();
    Ok(answer.await?.status().as_u16())
}

#[tokio::test]
async fn it_answers_as_the_script_says_and_keeps_the_key() -> Result<()> {
    let script = Script::default()
        .handle("sick", Behaviour::reply(Reply::ServerError { times: 2 }))
        .handle("busy", Behaviour::reply(Reply::Throttle { times: 1, retry_after_s: 3 }))
        .handle("private", Behaviour::reply(Reply::Forbidden))
        .handle("nobody", Behaviour::reply(Reply::NotFound));
    let upstream = Upstream::start(script)?;
    let mut seen = Vec::new();
    for handle in ["anna", "sick", "sick", "sick", "busy", "busy", "private", "nobody"] {
        seen.push(status(&upstream, handle).await?);
    }
    assert_eq!(seen, [200, 500, 500, 200, 429, 200, 403, 200]);
    let calls = upstream.calls();
    assert_eq!(calls.len(), 8);
    assert!(calls.iter().all(|call| call.key.as_deref() == Some("k") && call.ended.is_some()));
    assert_eq!(calls[1].end, End::Refused(500));
    assert_eq!(calls[6].end, End::Answered(403));
    Ok(())
}

#[tokio::test]
async fn a_caller_that_goes_away_is_written_down_as_aborted() -> Result<()> {
    let upstream = Upstream::start(Script::default().handle("slow", Behaviour::reply(Reply::Hang)))?;
    let url = format!("{}/creators/slow", upstream.url());
    let call = tokio::spawn(onward_testkit::api::client().build()?.get(url).send());
    until("the call", SOON, async || Ok((upstream.open() == 1).then_some(()))).await?;
    call.abort();
    until("the abort", SOON, async || Ok((upstream.calls()[0].end == End::Aborted).then_some(()))).await
}

#[tokio::test]
async fn held_calls_wait_for_the_gate() -> Result<()> {
    let upstream = Upstream::start(Script::default())?;
    upstream.hold();
    let url = format!("{}/creators/anna", upstream.url());
    let call = tokio::spawn(onward_testkit::api::client().build()?.get(url).send());
    until("the call", SOON, async || Ok((upstream.open() == 1).then_some(()))).await?;
    assert!(!call.is_finished());
    upstream.release();
    assert_eq!(call.await??.status().as_u16(), 200);
    Ok(())
}
