//! The attempts of a job, read off its timeline: "attempt 1: rows 1-228, worker lost; attempt 2: from 229".

use onward_core::clock::UnixMs;
use onward_core::event::{Event, EventKind};

/// One stretch of running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Counts from 1.
    pub(crate) number: u32,
    /// When it began.
    pub(crate) at: UnixMs,
    /// The row (from 1) it began at.
    pub(crate) from_row: u64,
    /// The last row before the next attempt's first, once there is a next one.
    pub(crate) to_row: Option<u64>,
    /// How it ended, or what it does.
    pub(crate) end: String,
    /// When it ended.
    pub(crate) ended_at: Option<UnixMs>,
}

/// The attempts of a timeline, oldest first. The last one is the job's present one, so it has the job's number
/// also when the timeline is so long that only its end is here. A process that died and was replaced ends none:
/// the others go on, and what it left is noted.
#[must_use]
pub(crate) fn attempts(events: &[Event], present: u32) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    for event in events {
        match event.kind {
            EventKind::Started | EventKind::Resumed | EventKind::Restarted | EventKind::Retried => {
                begin(&mut attempts, event);
            }
            EventKind::Rescued => note(&mut attempts, format!("worker lost, taken over{}", from(event))),
            EventKind::Paused => end(&mut attempts, event, format!("paused{}", reason(event))),
            EventKind::Cancelled => end(&mut attempts, event, format!("cancelled{}", by(event))),
            EventKind::Completed => end(&mut attempts, event, "completed".to_owned()),
            EventKind::Failed => end(&mut attempts, event, format!("failed{}", reason(event))),
            EventKind::Created
            | EventKind::Fenced
            | EventKind::LateResult
            | EventKind::Changed
            | EventKind::Attached => {}
        }
    }
    for (attempt, number) in attempts.iter_mut().rev().zip((1..=present).rev()) {
        attempt.number = number;
    }
    attempts
}

fn begin(attempts: &mut Vec<Attempt>, event: &Event) {
    let from_row = event.from_row.unwrap_or(1);
    if let Some(last) = attempts.last_mut() {
        last.to_row = from_row.checked_sub(1).filter(|to| *to >= last.from_row);
        if last.ended_at.is_none() {
            last.ended_at = Some(event.at);
            push(&mut last.end, &format!("{}{}", event.kind.word(), by(event)));
        }
    }
    attempts.push(Attempt {
        number: 1,
        at: event.at,
        from_row,
        to_row: None,
        end: String::new(),
        ended_at: None,
    });
}

fn end(attempts: &mut [Attempt], event: &Event, how: String) {
    if let Some(last) = attempts.last_mut().filter(|last| last.ended_at.is_none()) {
        push(&mut last.end, &how);
        last.ended_at = Some(event.at);
    }
}

fn note(attempts: &mut [Attempt], what: String) {
    if let Some(last) = attempts.last_mut().filter(|last| last.ended_at.is_none()) {
        push(&mut last.end, &what);
    }
}

fn push(text: &mut String, more: &str) {
    // A worker that is killed again and again says so once.
    if !text.ends_with(more) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(more);
    }
}

fn from(event: &Event) -> String {
    event.from_row.map_or_else(String::new, |row| format!(" from row {row}"))
}

fn by(event: &Event) -> String {
    if event.actor.is_empty() { String::new() } else { format!(" by {}", event.actor) }
}

fn reason(event: &Event) -> String {
    if event.detail.is_empty() { String::new() } else { format!(": {}", event.detail) }
}

#[cfg(test)]
mod tests {
    use onward_core::id::{Epoch, JobId};

    use super::*;

    fn event(seq: u64, kind: EventKind, from_row: Option<u64>) -> Event {
        Event {
            seq,
            job: JobId(uuid::Uuid::nil()),
            at: UnixMs(i64::try_from(seq).unwrap() * 1_000),
            kind,
            actor: "you".to_owned(),
            epoch: Epoch(seq),
            from_row,
            detail: String::new(),
        }
    }

    #[test]
    fn a_killed_and_resumed_job_has_two_attempts_with_their_rows() {
        let found = attempts(
            &[
                event(1, EventKind::Created, None),
                event(2, EventKind::Started, Some(1)),
                event(3, EventKind::Rescued, None),
                event(4, EventKind::Cancelled, None),
                event(5, EventKind::Resumed, Some(229)),
            ],
            2,
        );
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].from_row, found[0].to_row), (1, Some(228)));
        assert_eq!(found[0].end, "worker lost, taken over, cancelled by you");
        assert_eq!((found[1].number, found[1].from_row, found[1].to_row), (2, 229, None));
        assert_eq!(found[1].ended_at, None);
    }

    #[test]
    fn a_restart_ends_the_attempt_it_interrupts() {
        let found =
            attempts(&[event(1, EventKind::Started, None), event(2, EventKind::Restarted, Some(41))], 2);
        assert_eq!(found[0].end, "restarted by you");
        assert_eq!((found[0].from_row, found[0].to_row), (1, Some(40)));
    }

    #[test]
    fn of_a_long_timeline_the_last_attempts_have_their_own_numbers() {
        let end = [
            event(900, EventKind::Paused, None),
            event(901, EventKind::Resumed, Some(70)),
            event(902, EventKind::Rescued, Some(75)),
            event(903, EventKind::Restarted, Some(81)),
        ];
        let numbers: Vec<u32> = attempts(&end, 348).iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, [347, 348]);
    }
}
