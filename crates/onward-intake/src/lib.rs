//! Turns an uploaded file into numbered rows, or says why it cannot.
//!
//! The promise: every record of the file becomes a row with a number, or the whole file is refused
//! with the line and the reason. Nothing is dropped in silence, nothing is guessed without a warning,
//! and no file, however made, takes more memory than the limits say.
//!
//! A file goes through these steps, once, from its first byte to its last:
//!
//! 1. `source` reads blocks of a fixed size, counts and hashes the bytes as they were uploaded.
//! 2. `kind` looks at the first block and refuses what is no CSV (an archive, a web page, JSON, …).
//! 3. `text` makes UTF-8 of it. Bytes that cannot be decoded are passed on and cost only their row.
//! 4. `dialect` tries each delimiter on the first block.
//! 5. `split` finds the records, watches quotes and counts lines; `fields` takes a record apart
//!    with csv-core.
//! 6. `header` maps the recipe's fields on the columns; `judge` decides rows that need no work.
//! 7. `pack` makes a chunk of each span; `duplicates` finds repeated keys with bounded memory.
//!
//! What comes out does not depend on how the reader cuts its bytes: blocks are filled before anybody
//! looks at them.

mod dialect;
mod duplicates;
mod encode;
mod fields;
mod filename;
mod header;
mod judge;
mod kind;
mod limits;
mod notes;
mod pack;
mod preview;
mod read;
mod records;
mod rowkey;
mod source;
mod split;
mod table;
mod text;

pub use encode::Encoder;
pub use filename::display_name;
pub use header::{columns, has_fields};
pub use limits::Limits;
pub use pack::{Corrupt, duplicate_of, unpack};
pub use preview::{Decided, Mapped, Preview, Sample, preview};
pub use read::read;
