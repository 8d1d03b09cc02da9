//! Inputs: chunks, facts, duplicates, sweeping.

use std::collections::BTreeMap;

use onward_core::clock::UnixMs;
use onward_core::hex::hex;
use onward_core::id::{InputId, RowIndex, SpanNo};
use onward_core::input::{Chunk, Duplicates, InputSummary, span_of, spans};
use onward_core::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::failure::Answer;
use super::sql;
use super::values::{int, json, row_index, to_json, uuid};
use crate::stored::{begun_at, pack_pairs, unpack_pairs};

/// A sealed input, as creating a job needs it.
pub(super) struct Sealed {
    /// The inner key.
    pub(super) key: i64,
    /// Its rows.
    pub(super) rows: u64,
}

/// Stores one chunk.
pub(super) fn put_chunk(db: &Connection, input: InputId, chunk: &Chunk) -> Answer<()> {
    db.prepare_cached(sql::INPUT_OPEN)?.execute([input.to_string()])?;
    let Known { key, sealed, .. } = known(db, input)?;
    if sealed && let Some((there, _)) = stored_chunk(db, input, chunk.no)? {
        if there == *chunk {
            return Ok(());
        }
        return Err(StoreError::Corrupt(format!("input {input} is sealed; its chunks do not change")).into());
    }
    let Chunk { no, first, rows, digest, packed } = chunk;
    db.prepare_cached(sql::CHUNK_PUT)?.execute(params![key, no.0, first.0, rows, digest, packed])?;
    if sealed {
        let rows = summary(db, input)?.map_or(0, |facts| facts.rows);
        db.prepare_cached(sql::INPUT_AVAILABLE)?.execute(params![key, int(spans(rows).count() as u64)])?;
    }
    Ok(())
}

/// Ends an input: its facts and its duplicates.
pub(super) fn seal(
    db: &Connection,
    facts: &InputSummary,
    duplicates: &Duplicates,
    now: UnixMs,
) -> Answer<()> {
    let lacks = |no: SpanNo| StoreError::Corrupt(format!("input {} lacks chunk {no}", facts.id));
    let there = match known_if_any(db, facts.id)? {
        Some(Known { key, .. }) => chunk_facts(db, key)?,
        None => BTreeMap::new(),
    };
    for (no, _, _) in spans(facts.rows) {
        if !there.contains_key(&no) {
            return Err(lacks(no).into());
        }
    }
    db.prepare_cached(sql::INPUT_OPEN)?.execute([facts.id.to_string()])?;
    let Known { key, .. } = known(db, facts.id)?;
    db.prepare_cached(sql::INPUT_SEAL)?.execute(params![
        key,
        now.0,
        facts.filename,
        facts.sha256,
        int(facts.bytes),
        int(facts.rows),
        to_json(facts)?,
    ])?;
    db.prepare_cached(sql::DUPLICATES_DELETE)?.execute([key])?;
    let mut put = db.prepare_cached(sql::DUPLICATES_PUT)?;
    for pairs in duplicates.pairs.chunk_by(|a, b| span_of(a.0) == span_of(b.0)) {
        put.execute(params![key, span_of(pairs[0].0).0, pack_pairs(pairs)])?;
    }
    Ok(())
}

/// The facts of a sealed input.
pub(super) fn summary(db: &Connection, input: InputId) -> Answer<Option<InputSummary>> {
    let mut statement = db.prepare_cached(sql::INPUT_SUMMARY)?;
    let text: Option<String> = statement.query_row([input.to_string()], |row| row.get(0)).optional()?;
    text.map(|text| json("the facts of an input", &text)).transpose()
}

/// A sealed input, if there is one.
pub(super) fn sealed(db: &Connection, input: InputId) -> Answer<Option<Sealed>> {
    let Some(facts) = summary(db, input)? else { return Ok(None) };
    Ok(Some(Sealed { key: known(db, input)?.key, rows: facts.rows }))
}

/// One chunk and its duplicates; what does not match its digest is an error.
pub(super) fn chunk(db: &Connection, input: InputId, no: SpanNo) -> Answer<Option<(Chunk, Duplicates)>> {
    let found = stored_chunk(db, input, no)?;
    if let Some((chunk, _)) = &found
        && hex(&Sha256::digest(&chunk.packed)) != chunk.digest
    {
        let damaged = format!("chunk {no} of input {input} does not match its digest");
        return Err(StoreError::Corrupt(damaged).into());
    }
    Ok(found)
}

/// What is known of a chunk: its place, its digest, its duplicates.
pub(super) fn chunk_without_rows(
    db: &Connection,
    input: InputId,
    no: SpanNo,
) -> Answer<Option<(Chunk, Duplicates)>> {
    read_chunk(db, sql::CHUNK_WITHOUT_ROWS, input, no)
}

/// Rows of the chunks after one that repeat an earlier row.
pub(super) fn repeats(db: &Connection, input: InputId, after: Option<SpanNo>) -> Answer<u64> {
    let after = after.map_or(-1, |after| i64::from(after.0));
    let mut statement = db.prepare_cached(sql::DUPLICATES_COUNT)?;
    let rows: i64 = statement.query_row(params![input.to_string(), after], |row| row.get(0))?;
    Ok(u64::try_from(rows).unwrap_or_default())
}

/// Deletes what no job refers to and is older than `before`.
pub(super) fn sweep(db: &Connection, before: UnixMs) -> Answer<u64> {
    let mut statement = db.prepare_cached(sql::INPUTS_UNUSED)?;
    let mut rows = statement.query([])?;
    let mut old = Vec::new();
    while let Some(row) = rows.next()? {
        let id: InputId = uuid(&row.get::<_, String>(1)?)?;
        let at = row.get::<_, Option<i64>>(2)?.map_or_else(|| begun_at(id), UnixMs);
        if at < before {
            old.push(row.get::<_, i64>(0)?);
        }
    }
    drop(rows);
    for key in &old {
        delete(db, *key)?;
    }
    Ok(old.len() as u64)
}

/// Deletes the chunks and keeps the facts.
pub(super) fn drop_chunks(db: &Connection, input: InputId) -> Answer<()> {
    let Some(Known { key, .. }) = known_if_any(db, input)? else { return Ok(()) };
    db.prepare_cached(sql::CHUNKS_DELETE)?.execute([key])?;
    db.prepare_cached(sql::INPUT_UNAVAILABLE)?.execute([key])?;
    Ok(())
}

/// Deletes an input that no job refers to any more.
pub(super) fn forget_unused(db: &Connection, key: i64) -> Answer<()> {
    let used: bool = db.prepare_cached(sql::INPUT_USED)?.query_row([key], |row| row.get(0))?;
    if used { Ok(()) } else { delete(db, key) }
}

/// First row and row count of each chunk that is stored.
pub(super) fn chunk_facts(db: &Connection, key: i64) -> Answer<BTreeMap<SpanNo, (RowIndex, u32)>> {
    let mut statement = db.prepare_cached(sql::CHUNKS_FACTS)?;
    let facts =
        statement.query_map([key], |row| Ok((SpanNo(row.get(0)?), (row_index(row.get(1)?), row.get(2)?))))?;
    Ok(facts.collect::<rusqlite::Result<_>>()?)
}

struct Known {
    key: i64,
    sealed: bool,
}

fn known_if_any(db: &Connection, input: InputId) -> Answer<Option<Known>> {
    let mut statement = db.prepare_cached(sql::INPUT_KEY)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Known { key: row.get(0)?, sealed: row.get::<_, Option<i64>>(1)?.is_some() })
    };
    Ok(statement.query_row([input.to_string()], read).optional()?)
}

fn known(db: &Connection, input: InputId) -> Answer<Known> {
    let gone = || StoreError::Corrupt(format!("input {input} is not there"));
    Ok(known_if_any(db, input)?.ok_or_else(gone)?)
}

fn stored_chunk(db: &Connection, input: InputId, no: SpanNo) -> Answer<Option<(Chunk, Duplicates)>> {
    read_chunk(db, sql::CHUNK_GET, input, no)
}

fn read_chunk(db: &Connection, sql: &str, input: InputId, no: SpanNo) -> Answer<Option<(Chunk, Duplicates)>> {
    let mut statement = db.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| {
        let chunk = Chunk {
            no,
            first: row_index(row.get(0)?),
            rows: row.get(1)?,
            digest: row.get(2)?,
            packed: row.get(3)?,
        };
        let pairs: Option<Vec<u8>> = row.get(4)?;
        Ok((chunk, Duplicates { pairs: pairs.as_deref().map(unpack_pairs).unwrap_or_default() }))
    };
    Ok(statement.query_row(params![input.to_string(), no.0], read).optional()?)
}

fn delete(db: &Connection, key: i64) -> Answer<()> {
    for step in [sql::CHUNKS_DELETE, sql::DUPLICATES_DELETE, sql::INPUT_DELETE] {
        db.prepare_cached(step)?.execute([key])?;
    }
    Ok(())
}
