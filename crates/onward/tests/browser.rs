//! The page in real Chromium: what a person sees and presses, in every state, light and dark, wide
//! and narrow, with axe-core looking for what some people could not use. Screenshots of each state
//! are left in `target/screenshots`.

#[path = "browser/gallery.rs"]
mod gallery;
#[path = "browser/page.rs"]
mod page;
#[path = "browser/story.rs"]
mod story;

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_onward");

/// Whether the tests that need a browser were left out on purpose: `cargo xtask test --embedded`.
fn left_out() -> bool {
    std::env::var_os("ONWARD_TEST_EMBEDDED").is_some()
}
