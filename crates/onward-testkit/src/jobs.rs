//! A file of creators, the recipe that takes it through an upstream, and what each row must become.

use std::time::Duration;

use crate::upstream::{Behaviour, FOLLOWERS, Reply, Script};

/// How many calls the recipe has in flight: C of the bound on repeats.
pub const CONCURRENCY: u64 = 8;

/// A job to submit, and its truth.
#[derive(Debug, Clone)]
pub struct CreatorsJob {
    /// The name of the file.
    pub filename: String,
    /// The file.
    pub csv: String,
    /// The recipe, as TOML.
    pub recipe: String,
    /// What must become of each row, in row order.
    pub expected: Vec<Expected>,
}

/// What must become of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Counts from 1.
    pub row: u64,
    /// Whom it names.
    pub handle: String,
    /// `added`, `failed`, `skipped` or `filtered`.
    pub outcome: &'static str,
    /// Whether the upstream is asked for it at all.
    pub called: bool,
}

impl CreatorsJob {
    /// `rows` creators with a bit of everything: private profiles that fail, small ones that are
    /// filtered, a repeated handle that is skipped. `tag` makes file and handles its own.
    #[must_use]
    pub fn mixed(tag: &str, rows: u64, upstream: &str) -> Self {
        let expected: Vec<_> = (1..=rows).map(|row| mixed_row(tag, row)).collect();
        Self::of(tag, expected, upstream)
    }

    /// `rows` creators that are all added.
    #[must_use]
    pub fn plain(tag: &str, rows: u64, upstream: &str) -> Self {
        let plain = |row| Expected { row, handle: handle(tag, row), outcome: "added", called: true };
        Self::of(tag, (1..=rows).map(plain).collect(), upstream)
    }

    /// The same job with lines put before the recipe's `[fetch]`, that is, at the end of `[work]`.
    #[must_use]
    pub fn with_work(mut self, lines: &str) -> Self {
        self.recipe = self.recipe.replace("[fetch]", &format!("{lines}\n[fetch]"));
        self
    }

    /// The same job with a further table, such as `[stop]`, at the end of the recipe.
    #[must_use]
    pub fn with_table(mut self, lines: &str) -> Self {
        self.recipe.push('\n');
        self.recipe.push_str(lines);
        self
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.expected.len() as u64
    }

    /// The script under which [`CreatorsJob::mixed`] becomes what it expects: slow early rows, a 500
    /// now and then, one 429.
    #[must_use]
    pub fn mixed_script(tag: &str, rows: u64) -> Script {
        let mut script = Script::default().latency(Duration::from_millis(15));
        for row in 1..=rows {
            let behaviour = match row {
                2 | 9 | 33 => Behaviour::slow(Duration::from_millis(600)),
                50 => Behaviour::reply(Reply::Throttle { times: 1, retry_after_s: 1 }),
                _ if row.is_multiple_of(29) => Behaviour::reply(Reply::Forbidden),
                _ if row.is_multiple_of(23) => Behaviour::followers(500),
                _ if row.is_multiple_of(37) => Behaviour::reply(Reply::ServerError { times: 1 }),
                _ => continue,
            };
            script = script.handle(handle(tag, row), behaviour);
        }
        script
    }

    fn of(tag: &str, expected: Vec<Expected>, upstream: &str) -> Self {
        let mut csv = String::from("handle,platform,note\n");
        for row in &expected {
            // A repeat is written as people write them, so that only the identity is the same.
            let written =
                if row.called { row.handle.clone() } else { format!("@{}", row.handle.to_uppercase()) };
            csv.push_str(&format!("{written},instagram,line {}\n", row.row));
        }
        Self { filename: format!("{tag}.csv"), csv, recipe: recipe(upstream), expected }
    }
}

/// The handle of a row.
#[must_use]
pub fn handle(tag: &str, row: u64) -> String {
    format!("{tag}.{row:04}")
}

fn mixed_row(tag: &str, row: u64) -> Expected {
    let (named, outcome, called) = match row {
        60 => (20, "skipped", false),
        160 => (121, "skipped", false),
        _ if row.is_multiple_of(29) => (row, "failed", true),
        _ if row.is_multiple_of(23) => (row, "filtered", true),
        _ => (row, "added", true),
    };
    Expected { row, handle: handle(tag, named), outcome, called }
}

fn recipe(upstream: &str) -> String {
    format!(
        r#"name = "creators"
key = ["handle"]
checkpoint_every = 5

[work]
kind = "creators"
concurrency = {CONCURRENCY}
timeout = "60s"
retry = {{ attempts = 6, base = "40ms", max = "200ms" }}

[fetch]
url = "{upstream}/creators/{{{{ handle }}}}"
not_found = "status == 404 || size(body.items) == 0"

[filter]
keep = "number(body.followers) >= {}.0"

[add]
table = "creators"
"#,
        FOLLOWERS / 2
    )
}
