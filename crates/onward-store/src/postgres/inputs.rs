//! Inputs: chunks, facts, duplicates, sweeping.

use std::collections::BTreeSet;

use onward_core::clock::UnixMs;
use onward_core::hex::hex;
use onward_core::id::{InputId, SpanNo};
use onward_core::input::{Chunk, Duplicates, InputSummary, span_of, spans};
use onward_core::store::StoreError;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;

use super::failure::{Answer, Fail};
use super::session::Session;
use super::sql;
use super::values::{clean, get, int, json, params, row_index, small, small_count, to_json};
use crate::stored::{begun_at, pack_pairs, unpack_pairs};

/// A sealed input, as creating a job needs it.
pub(super) struct Sealed {
    /// The inner key.
    pub(super) key: i32,
    /// Its rows.
    pub(super) rows: u64,
}

/// Stores one chunk: one statement, because an input has thousands. It need not wait for the disk:
/// sealing does, and a log is on the disk in the order in which it was written.
pub(super) async fn put_chunk(db: &Session, (input, chunk): &(InputId, Chunk)) -> Answer<()> {
    let Chunk { no, first, rows, digest, packed } = chunk;
    let (no, first, rows) = (small(no.0.into()), i64::from(first.0), small((*rows).into()));
    let put = params![input.0, no, first, rows, digest.as_str(), packed.as_slice()];
    if db.first(sql::CHUNK_PUT, put).await?.is_some() {
        return Ok(());
    }
    let Some(Known { key, summary: Some(facts) }) = known(db, *input).await? else {
        return Err(Fail::Again);
    };
    let restore = params![key, no, first, rows, digest.as_str(), packed.as_slice()];
    db.execute(sql::CHUNK_RESTORE, restore).await?;
    if stored_chunk(db, *input, chunk.no).await?.is_none_or(|(there, _)| there != *chunk) {
        return Err(StoreError::Corrupt(format!("input {input} is sealed; its chunks do not change")).into());
    }
    db.execute(sql::INPUT_AVAILABLE, params![key, int(spans(facts.rows).count() as u64)]).await?;
    Ok(())
}

/// Ends an input: its facts and its duplicates.
pub(super) async fn seal(
    db: &Session,
    (facts, duplicates, now): &(InputSummary, Duplicates, UnixMs),
) -> Answer<()> {
    db.execute(sql::INPUT_OPEN, params![facts.id.0]).await?;
    let Some(Known { key, .. }) = known(db, facts.id).await? else { return Err(Fail::Again) };
    let there: BTreeSet<i32> = db
        .rows(sql::CHUNKS_FACTS, params![key])
        .await?
        .iter()
        .map(|row| get(row, 0))
        .collect::<Answer<_>>()?;
    for (no, _, _) in spans(facts.rows) {
        if !there.contains(&small(no.0.into())) {
            return Err(StoreError::Corrupt(format!("input {} lacks chunk {no}", facts.id)).into());
        }
    }
    let now = db.now(*now).await?;
    let (filename, sha256) = (clean(&facts.filename), facts.sha256.as_str());
    let seal = params![key, now.0, filename, sha256, int(facts.bytes), int(facts.rows), to_json(facts)?];
    db.execute(sql::INPUT_SEAL, seal).await?;
    db.execute(sql::DUPLICATES_DELETE, params![key]).await?;
    let (mut numbers, mut packed) = (Vec::new(), Vec::new());
    for pairs in duplicates.pairs.chunk_by(|a, b| span_of(a.0) == span_of(b.0)) {
        numbers.push(small(span_of(pairs[0].0).0.into()));
        packed.push(pack_pairs(pairs));
    }
    db.execute(sql::DUPLICATES_PUT, params![key, numbers, packed]).await?;
    Ok(())
}

/// The facts of a sealed input.
pub(super) async fn summary(db: &Session, input: &InputId) -> Answer<Option<InputSummary>> {
    let row = db.first(sql::INPUT_SUMMARY, params![input.0]).await?;
    row.map(|row| json("the facts of an input", get(&row, 0)?)).transpose()
}

/// A sealed input, if there is one. It is not swept before the transaction ends.
pub(super) async fn sealed(db: &Session, input: InputId) -> Answer<Option<Sealed>> {
    let Some(Known { key, summary: Some(facts) }) = known(db, input).await? else { return Ok(None) };
    Ok(Some(Sealed { key, rows: facts.rows }))
}

/// One chunk and its duplicates; what does not match its digest is an error.
pub(super) async fn chunk(
    db: &Session,
    (input, no): &(InputId, SpanNo),
) -> Answer<Option<(Chunk, Duplicates)>> {
    let found = stored_chunk(db, *input, *no).await?;
    if found.as_ref().is_some_and(|(chunk, _)| !is_whole(chunk)) {
        let damaged = format!("chunk {no} of input {input} does not match its digest");
        return Err(StoreError::Corrupt(damaged).into());
    }
    Ok(found)
}

/// What is known of a chunk: its place, its digest, its duplicates.
pub(super) async fn chunk_without_rows(
    db: &Session,
    (input, no): &(InputId, SpanNo),
) -> Answer<Option<(Chunk, Duplicates)>> {
    find_chunk(db, sql::CHUNK_WITHOUT_ROWS, *input, *no).await
}

/// Whether a chunk is what was stored.
pub(super) fn is_whole(chunk: &Chunk) -> bool {
    hex(&Sha256::digest(&chunk.packed)) == chunk.digest
}

/// Some chunks from a number on, for verify.
pub(super) async fn chunks_from(db: &Session, input: InputId, no: SpanNo, limit: i64) -> Answer<Vec<Chunk>> {
    let rows = db.rows(sql::CHUNKS_PAGE, params![input.0, small(no.0.into()), limit]).await?;
    rows.iter().map(|row| read_chunk(row, SpanNo(small_count(get(row, 0)?)), 1)).collect()
}

/// Deletes what no job refers to and is older than `before`.
pub(super) async fn sweep(db: &Session, before: &UnixMs) -> Answer<u64> {
    let mut swept = 0;
    for row in db.rows(sql::INPUTS_UNUSED, &[]).await? {
        let sealed_at: Option<i64> = get(&row, 2)?;
        let at =
            sealed_at.map_or_else(|| Ok(begun_at(InputId(get(&row, 1)?))), |at| Answer::Ok(UnixMs(at)))?;
        if at < *before {
            // A job that was made over it since then keeps it.
            swept += db.execute(sql::INPUT_DELETE, params![get::<i32>(&row, 0)?]).await?;
        }
    }
    Ok(swept)
}

/// Deletes the chunks and keeps the facts.
pub(super) async fn drop_chunks(db: &Session, input: &InputId) -> Answer<()> {
    let Some(Known { key, .. }) = known(db, *input).await? else { return Ok(()) };
    db.execute(sql::CHUNKS_DELETE, params![key]).await?;
    db.execute(sql::INPUT_UNAVAILABLE, params![key]).await?;
    Ok(())
}

struct Known {
    key: i32,
    /// The facts of a sealed one.
    summary: Option<InputSummary>,
}

/// Rows of the chunks after one that repeat an earlier row.
pub(super) async fn repeats(db: &Session, (input, after): &(InputId, Option<SpanNo>)) -> Answer<u64> {
    let after = after.map_or(-1, |after| small(after.0.into()));
    let row = db.first(sql::DUPLICATES_COUNT, params![input.0, after]).await?;
    let rows: i64 = row.map(|row| get(&row, 0)).transpose()?.unwrap_or_default();
    Ok(u64::try_from(rows).unwrap_or_default())
}

async fn known(db: &Session, input: InputId) -> Answer<Option<Known>> {
    let Some(row) = db.first(sql::INPUT_KEY, params![input.0]).await? else { return Ok(None) };
    let is_sealed = get::<Option<i64>>(&row, 1)?.is_some();
    let summary = get::<Option<&str>>(&row, 2)?.filter(|_| is_sealed);
    let summary = summary.map(|text| json("the facts of an input", text)).transpose()?;
    Ok(Some(Known { key: get(&row, 0)?, summary }))
}

async fn stored_chunk(db: &Session, input: InputId, no: SpanNo) -> Answer<Option<(Chunk, Duplicates)>> {
    find_chunk(db, sql::CHUNK_GET, input, no).await
}

async fn find_chunk(
    db: &Session,
    statement: &str,
    input: InputId,
    no: SpanNo,
) -> Answer<Option<(Chunk, Duplicates)>> {
    let asked = params![input.0, small(no.0.into())];
    let Some(row) = db.first(statement, asked).await? else { return Ok(None) };
    let pairs: Option<&[u8]> = get(&row, 4)?;
    let duplicates = Duplicates { pairs: pairs.map(unpack_pairs).unwrap_or_default() };
    Ok(Some((read_chunk(&row, no, 0)?, duplicates)))
}

fn read_chunk(row: &Row, no: SpanNo, from: usize) -> Answer<Chunk> {
    Ok(Chunk {
        no,
        first: row_index(get(row, from)?),
        rows: small_count(get(row, from + 1)?),
        digest: get(row, from + 2)?,
        packed: get(row, from + 3)?,
    })
}
