//! What a run decides, told by hand. What follows from it under load and mishap, the simulation shows.

use uuid::Uuid;

use super::*;
use crate::checkpoint::DoneSet;
use crate::id::{InputId, JobId};
use crate::processor::Answer;
use crate::retry::RetryPolicy;
use crate::row::Verdict;
use crate::store::{Claimed, Commit, Committed};
use crate::tally::Tally;

const NOW: UnixMs = UnixMs(1_000_000);
const ROWS: u32 = 100;
const FIRST: SpanNo = SpanNo(0);

fn config() -> Config {
    Config {
        job: JobId(Uuid::nil()),
        concurrency: 4,
        batch: 1,
        careful: false,
        calls_out: true,
        retry: RetryPolicy::default(),
        rate: None,
        max_wait_ms: 1_000,
        breaker: None,
        seed: 1,
    }
}

/// The first span, as long as it is claimed.
fn claimed(reach: Reach) -> Claimed {
    Claimed {
        span: FIRST,
        epoch: Epoch(1),
        input: InputId(Uuid::nil()),
        done: DoneSet::new(RowIndex(0), ROWS),
        claimed_until: RowIndex(ROWS),
        generation: 1,
        reach,
        doubts: Vec::new(),
    }
}

/// Lets every call and every commit succeed, one after the other, a moment apart. The first span can be had, no other.
/// Answers how many rows had been called each time a span was to be claimed.
fn called_at_claims(config: Config, reach: Reach) -> Vec<usize> {
    let mut run = Run::new(config);
    let mut now = NOW;
    let mut effects = VecDeque::from(run.on([Input::Start], now));
    let (mut called, mut saved, mut claims) = (0, 0, Vec::new());
    while let Some(effect) = effects.pop_front() {
        let input = if let Effect::Call { span, epoch, rows, .. } = effect {
            called += rows.len();
            let answer = |row| RowAnswer { row, key: "".into(), answer: Answer::Done(Verdict::added()) };
            let rows = rows.into_iter().map(answer).collect();
            Input::Answered { span, epoch, rows, closed_ms: 0 }
        } else if let Effect::Commit(Commit { span, epoch, rows, .. }) = effect {
            let inserted = u32::try_from(rows.len()).expect("few");
            saved += inserted;
            let span_done = saved == ROWS;
            let committed = Committed { inserted, tally: Tally::default(), span_done, job_done: false };
            Input::Committed { span, epoch, committed }
        } else if effect == Effect::Over {
            break;
        } else {
            assert!(matches!(effect, Effect::Claim { .. }), "{effect:?}");
            claims.push(called);
            match claims.len() {
                1 => Input::Claimed { claimed: claimed(reach), decided: vec![] },
                _ => Input::NothingToClaim,
            }
        };
        now = now.plus_ms(CLAIM_AGAIN_MS);
        effects.extend(run.on([input], now));
    }
    claims
}

#[test]
fn a_span_is_claimed_before_the_last_is_used_up() {
    let claims = called_at_claims(config(), Reach::default());
    // As many rows as slots may be left. There was none, and it is asked for again when it is needed.
    assert!(matches!(claims[..], [0, 97..100, 100]), "{claims:?}");
}

#[test]
fn nothing_is_claimed_ahead_by_whom_it_does_not_help() {
    let late = |config, reach| assert_eq!(called_at_claims(config, reach), [0, 100]);
    // What is claimed may be in doubt after a crash, and costs a person's time.
    late(Config { careful: true, ..config() }, Reach::default());
    // Work that only computes holds many spans as it is.
    late(Config { calls_out: false, ..config() }, Reach::default());
    // While a span is held, no other is to be had.
    late(config(), Reach { rows: Some(1_000), ..Reach::default() });
}
