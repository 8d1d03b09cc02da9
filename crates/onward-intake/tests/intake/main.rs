//! What the intake makes of files: one module per theme, each bad input a named test.
#![expect(clippy::print_stdout, reason = "a test that runs without the shared data says so")]
#![expect(clippy::unwrap_used, reason = "helpers of tests stop a test just as tests do")]

mod duplicates;
mod encodings;
mod headers;
mod limits;
mod lines;
mod other_kinds;
mod previews;
mod properties;
mod quotes;
mod real_data;
mod rows;
mod stored;
mod support;
mod truths;
