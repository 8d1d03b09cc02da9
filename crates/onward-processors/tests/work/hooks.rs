//! Hooks: where they may lead, and what a silent or talkative receiver can do.

use axum::body::Body;
use axum::http::Response;
use onward_core::clock::UnixMs;
use onward_core::hook::{Courier, Delivery, DeliveryState, HookEvent, NewDelivery, Notice};
use onward_core::id::{Epoch, JobId};
use onward_core::recipe::{Hook, Recipe};
use onward_core::state::JobState;
use onward_core::tally::Tally;
use onward_processors::{HookCourier, Outbound, Secrets, Settings};

use crate::support::{Seen, Server};

const NOW: UnixMs = UnixMs(1_795_737_600_000);

fn courier(outbound: Outbound) -> HookCourier {
    let secrets = Secrets::from_pairs([("A", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]);
    HookCourier::new(&Settings { secrets, outbound, ..Settings::default() }).unwrap()
}

fn hook(url: &str) -> Hook {
    Hook { url: url.to_owned(), on: HookEvent::ALL.to_vec(), secret: vec!["{{ secret.A }}".to_owned()] }
}

fn delivery() -> Delivery {
    let notice = Notice {
        at: NOW,
        name: "creators.csv".to_owned(),
        state: JobState::Completed,
        total: 3,
        tally: Tally { added: 3, ..Tally::default() },
        resume_from_row: None,
        attempt: 1,
        epoch: Epoch(4),
        started_at: Some(NOW),
        finished_at: Some(NOW),
        reason: None,
    };
    let new = NewDelivery { id: "msg_a_4_0".to_owned(), hook: 0, event: HookEvent::Completed, notice };
    Delivery {
        no: 1,
        job: JobId("0199a6c2-7f00-7000-8000-000000000000".parse().unwrap()),
        new,
        state: DeliveryState::Waiting,
        tries: 0,
        failures: 0,
        begun_at: NOW,
        next_at: Some(NOW),
        tried_at: None,
        status: None,
        message: String::new(),
        epoch: Epoch(1),
        held_until: Some(NOW),
    }
}

async fn yes() -> Server {
    Server::start(|_| Response::builder().status(204).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn what_is_told_is_signed_and_the_same_at_every_try() {
    let server = yes().await;
    let courier = courier(Outbound::Inside);
    for later in [0, 5_000] {
        let sent = courier.send(&hook(&server.base), &delivery(), NOW.plus_ms(later)).await;
        assert_eq!((sent.status, sent.message.as_str()), (Some(204), "answered 204"));
    }
    let [first, second] = server.seen().try_into().unwrap();
    let header = |seen: &Seen, name: &str| seen.headers[name].to_str().unwrap().to_owned();
    assert_eq!((&first.body, header(&first, "webhook-id")), (&second.body, header(&second, "webhook-id")));
    assert_eq!(header(&first, "webhook-timestamp"), "1795737600");
    assert_eq!(header(&second, "webhook-timestamp"), "1795737605");
    assert_ne!(header(&first, "webhook-signature"), header(&second, "webhook-signature"));
    let told: serde_json::Value = serde_json::from_slice(&first.body).unwrap();
    let job = "0199a6c2-7f00-7000-8000-000000000000";
    let expected = serde_json::json!({
        "type": "job.completed", "timestamp": "2026-11-27T00:00:00.000Z",
        "data": { "job": {
            "job_id": job, "name": "creators.csv", "status": "completed", "total_items": 3,
            "processed_items": 3, "results": { "added": 3, "failed": 0, "skipped": 0, "filtered": 0 },
            "resume_from_row": null, "attempt": 1, "epoch": 4, "started_at": "2026-11-27T00:00:00.000Z",
            "finished_at": "2026-11-27T00:00:00.000Z", "reason": null,
            "links": { "page": format!("/jobs/{job}"), "api": format!("/api/v1/jobs/{job}") } } },
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_hook_leads_nowhere_inside_neither_by_number_nor_by_name() {
    let server = yes().await;
    let public = courier(Outbound::PublicOnly { allow: Vec::new() });
    let url = server.base.clone();
    for inside in
        [url.clone(), url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "[::ffff:127.0.0.1]")]
    {
        let sent = public.send(&hook(&inside), &delivery(), NOW).await;
        assert!(
            sent.status.is_none() && sent.message.contains("may not be called from here"),
            "{inside}: {sent:?}"
        );
    }
    let recipe = format!("[work]\nkind='creators'\n[[hooks]]\nurl='{url}'\nsecret='{{{{ secret.A }}}}'\n");
    let refused = public.check(&Recipe::parse(&recipe).unwrap().hooks).unwrap_err();
    assert_eq!(refused.code.word(), "blocked-address");
    assert!(server.seen().is_empty(), "no call was made");
    let named = courier(Outbound::PublicOnly { allow: vec!["127.0.0.0/8".parse().unwrap()] });
    assert_eq!(named.send(&hook(&url), &delivery(), NOW).await.status, Some(204));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read() {
    let server = Server::start(|_| {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 16 * 1024]));
        Response::builder().status(200).body(Body::from_stream(endless)).unwrap()
    })
    .await;
    let sent = courier(Outbound::Inside).send(&hook(&server.base), &delivery(), NOW).await;
    assert_eq!((sent.status, sent.message.as_str()), (Some(200), "answered 200"));
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_is_heard() {
    let server = Server::start(|_| {
        Response::builder().status(503).header("retry-after", "120").body(Body::empty()).unwrap()
    })
    .await;
    let sent = courier(Outbound::Inside).send(&hook(&server.base), &delivery(), NOW).await;
    assert_eq!((sent.status, sent.retry_after_ms), (Some(503), Some(120_000)));
    let nobody = courier(Outbound::Inside).send(&hook("http://127.0.0.1:9/"), &delivery(), NOW).await;
    assert_eq!((nobody.status, nobody.message.as_str()), (None, "the target cannot be reached"));
}
