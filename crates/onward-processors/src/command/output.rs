//! What a program writes: read to its end, kept within bounds.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// A program's output is at most so long for one row, in bytes; one that writes more is ended.
pub(super) const MAX_OUTPUT: usize = 1024 * 1024;
/// What is kept of it with the row: the end, in bytes.
pub(super) const KEPT: usize = 8 * 1024;
/// Read at once, in bytes.
const PIECE: usize = 16 * 1024;

/// The end of what was written, and how much it was. Shared with whoever reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    end: Vec<u8>,
    total: usize,
}

impl Tail {
    /// Reads to the end, or until more than `most` was written; then `false`.
    pub(super) async fn read(&self, mut from: impl AsyncRead + Unpin, most: usize) -> bool {
        let mut piece = vec![0; PIECE];
        loop {
            match from.read(&mut piece).await {
                Ok(0) | Err(_) => return true,
                Ok(length) => {
                    if self.push(&piece[..length]) > most {
                        return false;
                    }
                }
            }
        }
    }

    fn push(&self, piece: &[u8]) -> usize {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.total = written.total.saturating_add(piece.len());
        written.end.extend_from_slice(&piece[piece.len().saturating_sub(KEPT)..]);
        let beyond = written.end.len().saturating_sub(KEPT);
        written.end.drain(..beyond);
        written.total
    }

    /// Whether no more than `most` was written so far.
    pub(super) fn fits(&self, most: usize) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total <= most
    }

    /// The end as text; bytes that are no text are replaced.
    pub(super) fn text(&self) -> String {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&written.end);
        if written.total > written.end.len() { format!("…{text}") } else { text.into_owned() }
    }

    /// The last line with something on it.
    pub(super) fn last_line(&self) -> Option<String> {
        self.text().lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_end_of_a_long_output_is_kept() {
        let tail = Tail::default();
        let long = [vec![b'x'; 3 * KEPT], b"\nlast words\n\n".to_vec()].concat();
        assert!(tail.read(&long[..], usize::MAX).await);
        assert_eq!(tail.last_line().as_deref(), Some("last words"));
        assert!(tail.text().len() <= KEPT + "…".len());
        assert!(!Tail::default().read(&long[..], KEPT).await, "more than may be written");
    }
}
