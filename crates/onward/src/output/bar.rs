//! How far a job is: a bar on a terminal, a line every 5 s elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use onward_core::state::JobState;
use onward_server::api::view::JobView;
use tokio::time::Instant;

use super::text;

/// Without a terminal a line is written this often: enough to see life, few enough for a log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows a job's progress on stderr.
pub(crate) struct Progress {
    shape: Shape,
    state: Option<JobState>,
    trouble: Option<Trouble>,
}

/// What a person should hear about besides the numbers, once.
struct Trouble {
    /// Another trouble has another name; the words of the same one may count seconds.
    name: String,
    words: String,
}

impl PartialEq for Trouble {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

enum Shape {
    Bar(ProgressBar),
    Lines { last: Option<Instant> },
}

impl Progress {
    /// A bar when a person looks at a terminal, lines otherwise.
    pub(crate) fn new() -> Self {
        let shape = if super::talks_to_a_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style());
            Shape::Bar(bar)
        } else {
            Shape::Lines { last: None }
        };
        Self { shape, state: None, trouble: None }
    }

    /// Shows the job as it stands.
    pub(crate) fn show(&mut self, job: &JobView) {
        let changed = self.state.replace(job.status) != Some(job.status);
        let trouble = trouble(job);
        if trouble != self.trouble {
            if let Some(trouble) = &trouble {
                self.note(&trouble.words);
            }
            self.trouble = trouble;
        }
        match &mut self.shape {
            Shape::Bar(bar) => {
                bar.set_length(job.total_items.max(1));
                bar.set_position(job.processed_items);
                bar.set_message(sentence(job));
            }
            Shape::Lines { last } => {
                let due = last.is_none_or(|last| last.elapsed() >= LINE_EVERY);
                if due || changed || job.status == JobState::Completed {
                    *last = Some(Instant::now());
                    super::say(&sentence(job));
                }
            }
        }
    }

    /// Says something without breaking the bar.
    pub(crate) fn note(&self, line: &str) {
        match &self.shape {
            Shape::Bar(bar) => bar.suspend(|| super::say(line)),
            Shape::Lines { .. } => super::say(line),
        }
    }

    /// Takes the bar away; the last word is the caller's.
    pub(crate) fn clear(&self) {
        if let Shape::Bar(bar) = &self.shape {
            bar.finish_and_clear();
        }
    }
}

/// "228/313 with 11 failed · 3.2 rows/s · about 27 s left".
pub(crate) fn sentence(job: &JobView) -> String {
    let mut parts = vec![progress(job)];
    match job.status {
        JobState::Running => {
            parts.extend(job.throttled.as_ref().map(|throttled| {
                format!("waiting for the rate limit, next call in {} s", throttled.wait_seconds)
            }));
            parts.extend(
                job.rows_per_second.filter(|rate| *rate > 0.0).map(|rate| format!("{rate:.1} rows/s")),
            );
            parts.extend(job.eta_seconds.map(|eta| format!("about {} left", text::span_of(eta))));
        }
        JobState::Queued
        | JobState::Paused
        | JobState::Completed
        | JobState::Failed
        | JobState::Cancelled => {
            parts.push(job.status.word().to_owned());
        }
    }
    parts.join(" · ")
}

/// "228/313 with 11 failed".
pub(crate) fn progress(job: &JobView) -> String {
    format!(
        "{}/{} with {} failed",
        text::count(job.processed_items),
        text::count(job.total_items),
        text::count(job.results.failed)
    )
}

fn trouble(job: &JobView) -> Option<Trouble> {
    if let Some(stuck) = &job.stuck {
        let words = format!("stuck: {}", text::plain(&stuck.detail));
        return Some(Trouble { name: stuck.reason.word().to_owned(), words });
    }
    let pause = job.pause.as_ref()?;
    let words = format!("paused ({}): {}", pause.reason.word(), text::plain(&pause.message));
    Some(Trouble { name: words.clone(), words })
}

fn style() -> ProgressStyle {
    let template = if super::colours_on_stderr() { "{bar:32.green/dim} {msg}" } else { "{bar:32} {msg}" };
    let style = ProgressStyle::with_template(template).expect("the template is a constant that parses");
    style.progress_chars("━━─")
}

#[cfg(test)]
mod tests {
    use super::Trouble;

    #[test]
    fn a_trouble_that_counts_seconds_is_the_same_one() {
        let after = |seconds: u32, name: &str| Trouble {
            name: name.to_owned(),
            words: format!("stuck: row 7 has been in work for {seconds} s"),
        };
        assert!(after(60, "row-hanging") == after(61, "row-hanging"));
        assert!(after(60, "row-hanging") != after(60, "worker-lost"));
    }
}
