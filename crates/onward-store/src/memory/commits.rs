//! The commit of the in-memory store: the one way outcomes come into the ledger.

use onward_core::id::{Epoch, JobId};
use onward_core::lease::renewed;
use onward_core::row::{ALREADY_THERE, ALREADY_THERE_MESSAGE, Outcome, RowRecord, Verdict};
use onward_core::store::{Commit, Committed, Creator, LedgerRow, Result, StoreError};
use onward_core::tally::Tally;

use super::world::{Hold, World};

impl World {
    pub(super) fn commit(&mut self, commit: Commit) -> Result<Committed> {
        let job = self.stored(commit.job)?;
        let span = job.held(commit.span, commit.epoch)?;
        let range = span.first..span.end();
        if let Some(row) = commit.rows.iter().find(|row| !range.contains(&row.index)) {
            let (row, span) = (row.index.row(), commit.span);
            return Err(StoreError::Corrupt(format!("row {row} is not of span {span}; nothing was written")));
        }

        let (id, no, now) = (commit.job, commit.span, commit.now);
        let inserted = self.insert_rows(&commit)?;
        let job = self.stored_mut(id)?;
        let span = job.spans.get_mut(&no).expect("it is held");
        span.tally += inserted;
        // A commit that is sent again late must not take back what a later one has granted.
        span.claimed_until = span.claimed_until.max(commit.claimed_until).min(span.end());
        if inserted.processed() > 0 {
            span.saved_at = Some(now);
        }
        span.rests_until = span.rests_until.max(commit.rests_until);
        job.note_trial(no, commit.epoch, commit.trial);
        let span = job.spans.get_mut(&no).expect("it is held");
        let (tally, span_done) = (span.tally, span.is_full());
        let actor = match &mut span.hold {
            Hold::Leased { worker, until, waiting } => {
                *until = renewed(*until, now);
                *waiting = commit.waiting;
                format!("worker {worker}")
            }
            Hold::Free | Hold::Done => unreachable!("it is held"),
        };
        if span_done {
            span.hold = Hold::Done;
            span.claimed_until = span.end();
        }
        let job_done = job.spans.values().all(|span| matches!(span.hold, Hold::Done));
        if job_done {
            self.complete(id, &actor, now)?;
        }
        let inserted = u32::try_from(inserted.processed()).expect("a span has fewer rows than a u32 counts");
        Ok(Committed { inserted, tally, span_done, job_done })
    }

    /// Writes the rows that have no outcome yet and answers what was written.
    fn insert_rows(&mut self, commit: &Commit) -> Result<Tally> {
        let mut inserted = Tally::default();
        for record in commit.rows.iter() {
            if self.stored(commit.job)?.ledger.contains_key(&record.index) {
                continue;
            }
            let verdict = self.add_creator(commit.job, record, commit.now);
            inserted.count(verdict.outcome);
            let job = self.stored_mut(commit.job)?;
            let row = ledger_row(record, verdict, commit.epoch, job.generation);
            job.ledger.insert(record.index, row);
        }
        Ok(inserted)
    }

    /// Adds the creator of a row that was added, or says that it is there already.
    fn add_creator(&mut self, job: JobId, record: &RowRecord, now: onward_core::clock::UnixMs) -> Verdict {
        let mut verdict = record.verdict.clone();
        let Some(creator) = verdict.creator.take() else { return verdict };
        if verdict.outcome != Outcome::Added {
            return verdict;
        }
        let (table, key) = (creator.table.to_string(), creator.key.to_string());
        if self.creators.contains_key(&(table.clone(), key.clone())) {
            verdict.outcome = Outcome::Skipped;
            verdict.code = ALREADY_THERE.into();
            verdict.message = ALREADY_THERE_MESSAGE.into();
            return verdict;
        }
        let data = creator.data.into_string();
        let added =
            Creator { table: table.clone(), key: key.clone(), data, job, row: record.index, added_at: now };
        self.creators.insert((table, key), added);
        verdict
    }
}

fn ledger_row(record: &RowRecord, verdict: Verdict, epoch: Epoch, generation: u32) -> LedgerRow {
    LedgerRow {
        index: record.index,
        key: record.key.to_string(),
        outcome: verdict.outcome,
        code: verdict.code.into_owned(),
        message: verdict.message.into_owned(),
        result: verdict.result.map(String::from),
        tries: record.tries,
        duration_ms: record.duration_ms,
        finished_at: record.finished_at,
        epoch,
        generation,
    }
}
