//! What the intake makes of files: one module per theme, each bad input a named test.

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
