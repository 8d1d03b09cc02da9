//! How fast the creators work is without a fetch: `cargo run --release -p onward-processors --example filter_speed`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement for people")]

use std::sync::Arc;
use std::time::Instant;

use onward_core::id::{Epoch, JobId, RowIndex};
use onward_core::input::InputRow;
use onward_core::processor::{Call, Told};
use onward_core::recipe::Recipe;
use onward_processors::{Settings, build};

const ROWS_PER_CALL: u32 = 1_000;
const CALLS: u32 = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for (name, more) in [
        ("add only", ""),
        (
            "filter and add",
            "[filter]\nkeep = \"int(followers) >= 1000 && platform in ['instagram', 'tiktok']\"\n",
        ),
        (
            "filter and columns",
            "[filter]\nkeep = 'number(followers) > 1'\n[add]\ncolumns = { f = 'number(followers)', p = 'platform' }\n",
        ),
    ] {
        let recipe = format!("key = ['handle']\n[work]\nkind = 'creators'\n{more}");
        let recipe = Recipe::parse(&recipe).expect("the recipe above is valid");
        let work = build(&recipe, &Settings::default()).expect("its expressions compile");
        let call = call();
        let started = Instant::now();
        for _ in 0..CALLS {
            std::hint::black_box(work.process(&call).await);
        }
        let rate = f64::from(ROWS_PER_CALL * CALLS) / started.elapsed().as_secs_f64();
        println!("{name:<20} {rate:>12.0} rows/s");
    }
}

fn call() -> Call {
    let fields = ["handle", "platform", "followers", "country"];
    let row = |index: u32| InputRow {
        index: RowIndex(index),
        line: u64::from(index) + 2,
        key: format!("creator_{index}").into(),
        fields: [&format!("@Creator_{index}"), "tiktok", &format!("{}.{}K", index + 1, index % 10), "NO"]
            .into_iter()
            .collect(),
        decided: None,
    };
    Call {
        job: "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000".parse::<JobId>().expect("a UUID"),
        epoch: Epoch(1),
        generation: 1,
        attempt: 1,
        columns: Arc::new(fields.iter().enumerate().map(|(at, name)| (*name, at)).collect()),
        rows: (0..ROWS_PER_CALL).map(|index| Arc::new(row(index))).collect(),
        in_doubt: Vec::new(),
        told: Told::default(),
    }
}
