//! What an upload may be at most; each limit is a named setting with the reason for its number.

/// What an upload may be at most. Whatever is larger is refused, or fails its row, in constant memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole upload. 1 GiB: 10 million rows of 100 bytes, the largest list we promise.
    pub upload_bytes: u64,
    /// Bytes of one record. 1 MiB: four times the largest field; more means a quote that never closes.
    pub record_bytes: usize,
    /// Bytes of one field. 256 KiB: a long article; spreadsheets stop at 32,767 characters.
    pub field_bytes: usize,
    /// Columns. 1,024: the most a common spreadsheet file has in use; a wider file is a mistake or a trap.
    pub columns: usize,
    /// Rows. 10 million: what the store and the pages are built and measured for.
    pub rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes: 1 << 30,
            record_bytes: 1 << 20,
            field_bytes: 256 << 10,
            columns: 1_024,
            rows: 10_000_000,
        }
    }
}
