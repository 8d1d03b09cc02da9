//! Finds rows with the same key, in memory that does not grow with the file.
//!
//! A key is known by the first 128 bits of its SHA-256: two keys that differ are never merged, also
//! not keys made to collide. Keys are collected in runs; a full run is sorted and written to a
//! temporary file without a name, and all runs are merged at the end. The first row of the file with
//! a key wins.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use onward_core::id::RowIndex;
use onward_core::input::Duplicates;
use sha2::{Digest, Sha256};

/// Keys in memory at once. 250,000 are 6 MB; the largest file then has 40 runs.
const RUN_ROWS: usize = 250_000;
/// Bytes of one entry on disk.
const ENTRY_BYTES: usize = 20;

/// Key and row, in the order in which they are merged.
type Entry = (u64, u64, u32);

/// Collects keys and says at the end which rows repeat one.
pub(crate) struct Finder {
    run: Vec<Entry>,
    run_rows: usize,
    spilled: Vec<File>,
}

impl Finder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::with_runs_of(RUN_ROWS)
    }

    fn with_runs_of(run_rows: usize) -> Self {
        Self { run: Vec::new(), run_rows, spilled: Vec::new() }
    }

    /// Adds the key of a row.
    pub(crate) fn add(&mut self, key: &str, row: RowIndex) -> io::Result<()> {
        if self.run.len() == self.run_rows {
            self.spill()?;
        }
        let digest = Sha256::digest(key.as_bytes());
        let half = |at: usize| {
            let bytes: [u8; 8] = digest[at..at + 8].try_into().expect("a SHA-256 has 32 bytes");
            u64::from_be_bytes(bytes)
        };
        self.run.push((half(0), half(8), row.0));
        Ok(())
    }

    /// All repeats, by row.
    pub(crate) fn finish(mut self) -> io::Result<Duplicates> {
        let mut found = Repeats::default();
        if self.spilled.is_empty() {
            self.run.sort_unstable();
            self.run.iter().for_each(|entry| found.see(*entry));
        } else {
            self.spill()?;
            self.run = Vec::new();
            merge(self.spilled, &mut found)?;
        }
        found.pairs.sort_unstable();
        found.pairs.shrink_to_fit();
        Ok(Duplicates { pairs: found.pairs })
    }

    fn spill(&mut self) -> io::Result<()> {
        self.run.sort_unstable();
        let mut writer = BufWriter::new(tempfile::tempfile()?);
        for (high, low, row) in &self.run {
            writer.write_all(&high.to_le_bytes())?;
            writer.write_all(&low.to_le_bytes())?;
            writer.write_all(&row.to_le_bytes())?;
        }
        let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.spilled.push(file);
        self.run.clear();
        Ok(())
    }
}

/// Sees entries in order and keeps those that repeat the one before.
#[derive(Default)]
struct Repeats {
    first: Option<Entry>,
    pairs: Vec<(RowIndex, RowIndex)>,
}

impl Repeats {
    fn see(&mut self, entry: Entry) {
        match self.first {
            Some((high, low, row)) if (high, low) == (entry.0, entry.1) => {
                self.pairs.push((RowIndex(entry.2), RowIndex(row)));
            }
            Some(_) | None => self.first = Some(entry),
        }
    }
}

fn merge(files: Vec<File>, found: &mut Repeats) -> io::Result<()> {
    let mut runs: Vec<BufReader<File>> = files.into_iter().map(BufReader::new).collect();
    let mut heads = BinaryHeap::with_capacity(runs.len());
    for (at, run) in runs.iter_mut().enumerate() {
        if let Some(entry) = next_entry(run)? {
            heads.push(Reverse((entry, at)));
        }
    }
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((entry, at)) = *head;
        found.see(entry);
        match next_entry(&mut runs[at])? {
            Some(next) => *head = Reverse((next, at)),
            None => {
                PeekMut::pop(head);
            }
        }
    }
    Ok(())
}

fn next_entry(run: &mut impl Read) -> io::Result<Option<Entry>> {
    let mut bytes = [0; ENTRY_BYTES];
    match run.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let row = u32::from_le_bytes(bytes[16..].try_into().expect("4 bytes"));
    Ok(Some((word(0), word(8), row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeats(run_rows: usize) -> Vec<(u32, u32)> {
        let mut finder = Finder::with_runs_of(run_rows);
        for row in 0..1_000_u32 {
            finder.add(&format!("key {}", row % 300), RowIndex(row)).unwrap();
        }
        finder.finish().unwrap().pairs.into_iter().map(|(row, first)| (row.0, first.0)).collect()
    }

    #[test]
    fn runs_on_disk_find_what_one_run_in_memory_finds() {
        let expected: Vec<(u32, u32)> = (300..1_000).map(|row| (row, row % 300)).collect();
        assert_eq!(repeats(10_000), expected);
        for run_rows in [1, 7, 299, 300, 999, 1_000] {
            assert_eq!(repeats(run_rows), expected, "runs of {run_rows}");
        }
    }
}
