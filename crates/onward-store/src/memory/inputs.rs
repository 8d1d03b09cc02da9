//! Inputs of the in-memory store: chunks, facts, duplicates, sweeping.

use onward_core::clock::UnixMs;
use onward_core::hex::hex;
use onward_core::id::{InputId, JobId, SpanNo};
use onward_core::input::{Chunk, Duplicates, InputSummary, span_of, spans};
use onward_core::store::{Result, StoreError};
use sha2::{Digest, Sha256};

use super::world::{Sealed, World};

impl World {
    pub(super) fn put_chunk(&mut self, id: InputId, chunk: Chunk) -> Result<()> {
        let input = self.inputs.entry(id).or_default();
        if input.sealed.is_some() && input.chunks.get(&chunk.no).is_some_and(|there| *there != chunk) {
            return Err(StoreError::Corrupt(format!("input {id} is sealed; its chunks do not change")));
        }
        input.chunks.insert(chunk.no, chunk);
        Ok(())
    }

    pub(super) fn seal_input(
        &mut self,
        summary: &InputSummary,
        duplicates: &Duplicates,
        now: UnixMs,
    ) -> Result<()> {
        let input = self.inputs.entry(summary.id).or_default();
        let missing = spans(summary.rows).find(|(no, _, _)| !input.chunks.contains_key(no));
        if let Some((no, _, _)) = missing {
            return Err(StoreError::Corrupt(format!("input {} lacks chunk {no}", summary.id)));
        }
        input.sealed =
            Some(Sealed { summary: summary.clone(), duplicates: duplicates.pairs.clone(), at: now });
        Ok(())
    }

    /// The facts of a sealed input.
    pub(super) fn summary(&self, id: InputId) -> Option<&InputSummary> {
        self.inputs.get(&id)?.sealed.as_ref().map(|sealed| &sealed.summary)
    }

    /// Whether every row of a sealed input is still stored.
    pub(super) fn is_available(&self, id: InputId) -> bool {
        let Some(input) = self.inputs.get(&id) else { return false };
        let Some(sealed) = &input.sealed else { return false };
        spans(sealed.summary.rows).all(|(no, _, _)| input.chunks.contains_key(&no))
    }

    pub(super) fn chunk(&self, id: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        let Some(input) = self.inputs.get(&id) else { return Ok(None) };
        let Some(chunk) = input.chunks.get(&no) else { return Ok(None) };
        if !is_whole(chunk) {
            return Err(StoreError::Corrupt(format!("chunk {no} of input {id} does not match its digest")));
        }
        let all = input.sealed.iter().flat_map(|sealed| &sealed.duplicates);
        let here = |row: u32| row >= chunk.first.0 && row < chunk.first.0 + chunk.rows;
        let pairs = all.filter(|(row, _)| here(row.0)).copied().collect();
        Ok(Some((chunk.clone(), Duplicates { pairs })))
    }

    pub(super) fn repeats(&self, id: InputId, after: Option<SpanNo>) -> u64 {
        let sealed = self.inputs.get(&id).and_then(|input| input.sealed.as_ref());
        let all = sealed.into_iter().flat_map(|sealed| &sealed.duplicates);
        all.filter(|(row, _)| after.is_none_or(|after| span_of(*row) > after)).count() as u64
    }

    pub(super) fn sweep_inputs(&mut self, before: UnixMs) -> u64 {
        let used: Vec<InputId> = self.jobs.values().map(|job| job.input).collect();
        let stored = self.inputs.len();
        self.inputs.retain(|id, input| match &input.sealed {
            Some(sealed) => used.contains(id) || sealed.at >= before,
            None => begun_at(*id) >= before,
        });
        (stored - self.inputs.len()) as u64
    }

    pub(super) fn drop_input(&mut self, id: InputId) {
        if let Some(input) = self.inputs.get_mut(&id) {
            input.chunks.clear();
        }
    }

    /// Deletes an input that only this job needed.
    pub(super) fn forget_input(&mut self, id: InputId, but: JobId) {
        if !self.jobs.values().any(|job| job.id != but && job.input == id) {
            self.inputs.remove(&id);
        }
    }
}

/// Whether the chunk is the one that was put.
pub(super) fn is_whole(chunk: &Chunk) -> bool {
    hex(&Sha256::digest(&chunk.packed)) == chunk.digest
}

/// When an input that is not sealed was begun: its id says so (UUIDv7). One whose id does not is
/// taken for old.
fn begun_at(id: InputId) -> UnixMs {
    let Some(time) = id.0.get_timestamp() else { return UnixMs(i64::MIN) };
    let (seconds, nanos) = time.to_unix();
    UnixMs(i64::try_from(seconds * 1_000 + u64::from(nanos / 1_000_000)).unwrap_or(i64::MAX))
}
