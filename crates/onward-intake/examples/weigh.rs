//! Speed and memory of the intake: `cargo run --release -p onward-intake --example weigh -- 5000000`
//! reads that many made-up rows; a path in place of the number reads that file. A second argument is
//! the key. Prints what became of the rows, rows per second, and the peak of memory.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::time::Instant;

use onward_core::id::InputId;
use onward_core::input::Duplicates;
use onward_core::recipe::Recipe;
use onward_intake::{Limits, read, unpack};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_else(|| "1000000".to_owned());
    let made_up = what.parse::<u64>().ok();
    let key = arguments.next().or(made_up.map(|_| "handle".to_owned()));
    let recipe: Recipe = serde_json::from_value(serde_json::json!({
        "key": key.into_iter().collect::<Vec<_>>(),
        "work": { "kind": "creators" },
        "input": { "header": std::env::var_os("NO_HEADER").is_none() },
    }))
    .expect("the recipe is written here");
    let mut source: Box<dyn Read> = match made_up {
        Some(rows) => {
            Box::new(MadeUp { next: 0, rows, line: b"handle,platform,followers\n".to_vec(), given: 0 })
        }
        None => Box::new(std::fs::File::open(&what).expect("the argument is a number of rows or a file")),
    };
    weigh(source.as_mut(), &recipe, made_up.is_none());
}

#[expect(clippy::disallowed_methods, reason = "a measurement asks for the time")]
fn weigh(source: &mut dyn Read, recipe: &Recipe, keep: bool) {
    let mut chunks = Vec::new();
    let mut packed_bytes = 0;
    let mut on_chunk = |chunk: onward_core::input::Chunk| {
        packed_bytes += chunk.packed.len();
        if keep {
            chunks.push(chunk);
        }
        ControlFlow::Continue(())
    };
    let id: InputId = "00000000-0000-0000-0000-000000000000".parse().expect("a UUID");
    let begun = Instant::now();
    let answer = read(source, recipe, "list.csv", id, &Limits::default(), &mut on_chunk);
    let seconds = begun.elapsed().as_secs_f64();
    let (summary, duplicates) = match answer {
        Ok(answer) => answer,
        Err(problem) => {
            println!("refused: {}: {}", problem.code, problem.detail);
            return;
        }
    };
    println!("{summary:#?}");
    show_rows(&chunks, &duplicates);
    let rows = summary.rows as f64;
    println!("{} duplicates, {packed_bytes} bytes packed", duplicates.pairs.len());
    println!("{:.0} rows/s, {:.0} MB/s", rows / seconds, summary.bytes as f64 / seconds / 1e6);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!(
        "{}",
        status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("peak of memory: not known here")
    );
}

fn show_rows(chunks: &[onward_core::input::Chunk], duplicates: &Duplicates) {
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    for (at, chunk) in chunks.iter().enumerate() {
        let rows = unpack(chunk, duplicates).expect("it was packed a moment ago");
        if at == 0 {
            rows.iter().take(3).for_each(|row| println!("{row:?}"));
        }
        for row in rows {
            let code = row.decided.map_or_else(String::new, |verdict| verdict.code.into_owned());
            *codes.entry(code).or_default() += 1;
        }
    }
    println!("{codes:?}");
}

/// Short rows of creators, made while they are read.
struct MadeUp {
    next: u64,
    rows: u64,
    line: Vec<u8>,
    given: usize,
}

impl Read for MadeUp {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.given == self.line.len() {
                if self.next == self.rows {
                    break;
                }
                self.line.clear();
                use std::io::Write;
                writeln!(self.line, "creator_{},instagram,{}", self.next, self.next * 7 % 1_000_000)?;
                self.next += 1;
                self.given = 0;
            }
            let count = (self.line.len() - self.given).min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&self.line[self.given..self.given + count]);
            self.given += count;
            filled += count;
        }
        Ok(filled)
    }
}
