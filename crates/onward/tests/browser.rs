//! The page in real Chromium: what a person sees and presses, in every state, light and dark, wide
//! and narrow, with axe-core looking for what some people could not use. Screenshots of each state
//! are left in `target/screenshots`.

#[path = "browser/attach.rs"]
mod attach;
#[path = "browser/complaints.rs"]
mod complaints;
#[path = "browser/flows.rs"]
mod flows;
#[path = "browser/gallery.rs"]
mod gallery;
#[path = "browser/hands.rs"]
mod hands;
#[path = "browser/hooks.rs"]
mod hooks;
#[path = "browser/page.rs"]
mod page;
#[path = "browser/pages.rs"]
mod pages;
#[path = "browser/paper.rs"]
mod paper;
#[path = "browser/plain.rs"]
mod plain;
#[path = "browser/search.rs"]
mod search;
#[path = "browser/story.rs"]
mod story;
#[path = "browser/stream.rs"]
mod stream;
#[path = "browser/upload.rs"]
mod upload;

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_onward");

/// Whether the tests that need a browser were left out on purpose: `cargo xtask test --embedded`.
fn left_out() -> bool {
    std::env::var_os("ONWARD_TEST_EMBEDDED").is_some()
}

/// A port that is free now, so that a server can come back at the same address.
fn address() -> anyhow::Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
