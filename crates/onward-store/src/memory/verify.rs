//! Proving a job of the in-memory store: every derived number compared with the ledger.

use onward_core::id::{JobId, SpanNo};
use onward_core::input::spans;
use onward_core::state::JobState;
use onward_core::store::{Result, Verify};
use onward_core::tally::Tally;

use super::inputs::is_whole;
use super::world::{Hold, Span, StoredJob, World};

impl World {
    pub(super) fn verify(&self, id: JobId) -> Result<Verify> {
        let job = self.stored(id)?;
        let ledger = tally(job.ledger.values());
        let mut problems = Vec::new();
        for (no, span) in &job.spans {
            problems.extend(span_problem(job, *no, span));
        }
        if let Some(row) = job.ledger.keys().find(|row| u64::from(row.0) >= job.total) {
            problems.push(format!("row {} is in the ledger; the input has {} rows", row.row(), job.total));
        }
        if job.state == JobState::Completed && ledger.processed() != job.total {
            let (done, total) = (ledger.processed(), job.total);
            problems.push(format!("the job is completed; {done} of its {total} rows have an outcome"));
        }
        problems.extend(self.creator_problems(job));
        problems.extend(self.input_problems(job));
        Ok(Verify { rows: job.total, ledger, counters: job.tally(), problems })
    }

    fn creator_problems(&self, job: &StoredJob) -> Vec<String> {
        let ours = self.creators.values().filter(|creator| creator.job == job.id);
        let orphan = |creator: &&onward_core::store::Creator| {
            !job.ledger.contains_key(&creator.row)
                && !job.history.iter().any(|record| record.index == creator.row)
        };
        let say = |row: u64| format!("row {row} added a creator; the ledger does not know the row");
        ours.filter(orphan).map(|creator| say(creator.row.row())).collect()
    }

    /// Damage to the input; one that was dropped on purpose is no damage.
    fn input_problems(&self, job: &StoredJob) -> Vec<String> {
        let Some(input) = self.inputs.get(&job.input) else {
            return vec![String::from("the facts of the input are gone")];
        };
        let mut problems = Vec::new();
        for (no, _, _) in spans(job.total) {
            match input.chunks.get(&no) {
                Some(chunk) if !is_whole(chunk) => {
                    problems.push(format!("chunk {no} of the input does not match its digest"));
                }
                None if !input.chunks.is_empty() => {
                    problems.push(format!("chunk {no} of the input is gone"));
                }
                Some(_) | None => {}
            }
        }
        problems
    }
}

fn span_problem(job: &StoredJob, no: SpanNo, span: &Span) -> Option<String> {
    let found = tally(job.ledger.range(span.first..span.end()).map(|(_, row)| row));
    if found != span.tally {
        let (counted, found) = (span.tally.processed(), found.processed());
        return Some(format!("span {no} counts {counted} rows as done; the ledger has {found}, or others"));
    }
    (matches!(span.hold, Hold::Done) != span.is_full())
        .then(|| format!("span {no} says wrongly whether all of its rows are done"))
}

fn tally<'a>(rows: impl Iterator<Item = &'a onward_core::store::LedgerRow>) -> Tally {
    let mut tally = Tally::default();
    for row in rows {
        tally.count(row.outcome);
    }
    tally
}
