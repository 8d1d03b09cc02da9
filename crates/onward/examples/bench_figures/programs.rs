//! Programs that do the rows: children in lines beside the same children alone in a pipe, and a process per
//! row beside GNU parallel.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, params};

use crate::local::{PLAIN_OUTCOME, plain_ledger};
use crate::measure::{Keys, Length, cost, creators, onward, say};

/// Children that share the rows.
const CHILDREN: u64 = 2;
/// Rows in flight: as many as keep the children busy while a commit is on its way to the disk.
const IN_FLIGHT: u32 = 2_000;
/// Processes at a time in the other mode.
const AT_A_TIME: &str = "8";
/// The trivial child: it reads a row, says that it is added, and lets nothing wait in a buffer.
const CHILD: &str = "import sys, json\nfor line in sys.stdin:\n    row = json.loads(line)\n    print(json.dumps({'row': row['row'], 'outcome': 'added'}), flush=True)\n";

pub(crate) fn bench(length: Length) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (rounds, lines_rows, rows_rows) = match length {
        Length::Short => (1, 50_000, 1_000),
        Length::Long => (7, 300_000, 5_000),
    };
    lines(dir.path(), rounds, lines_rows)?;
    rows(dir.path(), rows_rows)
}

/// In turns, as a machine's speed drifts.
fn lines(dir: &Path, rounds: u32, rows: u64) -> Result<()> {
    let (program, csv, recipe) = (dir.join("row.py"), dir.join("lines.csv"), dir.join("lines.toml"));
    std::fs::write(&program, CHILD)?;
    std::fs::write(&csv, creators(rows, Keys::InOrder))?;
    let text = format!(
        "key = ['handle']\n[work]\nkind = 'command'\nmode = 'lines'\nprocesses = {CHILDREN}\nconcurrency = {IN_FLIGHT}\ncommand = ['python3', '{}']\n",
        program.display()
    );
    std::fs::write(&recipe, text)?;
    let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
    let (mut one_s, mut all_s, mut kept_s, mut ours_s) = (0.0, 0.0, 0.0, 0.0);
    for round in 0..rounds {
        let data = dir.join(format!("round-{round}"));
        std::fs::create_dir(&data)?;
        one_s += alone(&program, rows, 1, None)?;
        ours_s += cost(onward(&data, &["run", &csv, "--recipe", &recipe])?)?.wall_s;
        all_s += alone(&program, rows, CHILDREN, None)?;
        kept_s += alone(&program, rows, CHILDREN, Some(&data.join("bare.db")))?;
    }
    let rate = |seconds: f64| (rows * u64::from(rounds)) as f64 / seconds;
    say(&format!("a trivial Python child alone in a pipe: {:.0} rows/s", rate(one_s)));
    say(&format!("{CHILDREN} of them: {:.0} rows/s, {:.2} of the one", rate(all_s), one_s / all_s));
    say(&format!(
        "{CHILDREN} of them, each answer kept in bare SQLite and nothing else done: {:.0} rows/s, {:.2} of the one",
        rate(kept_s),
        one_s / kept_s
    ));
    say(&format!(
        "onward run with {CHILDREN} of them: {:.0} rows/s, {:.2} of the one alone, {:.2} of {CHILDREN} alone",
        rate(ours_s),
        one_s / ours_s,
        all_s / ours_s
    ));
    Ok(())
}

/// The same lines through the same children, and nothing else but a record of each answer where there is a place
/// for it. How long it takes, in seconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn alone(program: &Path, rows: u64, children: u64, ledger: Option<&Path>) -> Result<f64> {
    let share = |child| (0..rows).filter(|row| row % children == child).map(line).collect();
    let shares: Vec<String> = (0..children).map(share).collect();
    let begin = Instant::now();
    let mut threads = Vec::new();
    let (answers, answered) = mpsc::channel();
    let keeping = ledger.map(plain_ledger).transpose()?.map(|db| thread::spawn(move || keep(&db, &answered)));
    for (child, share) in (0..children).zip(shares) {
        let mut process = Command::new("python3")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("python3 is needed")?;
        let (mut stdin, stdout) =
            (process.stdin.take().context("a pipe")?, process.stdout.take().context("a pipe")?);
        threads.push(thread::spawn(move || stdin.write_all(share.as_bytes()).map(|()| 0)));
        let answers = keeping.is_some().then(|| answers.clone());
        threads.push(thread::spawn(move || {
            let mut lines = 0;
            for _ in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(answers) = &answers {
                    answers.send(child + lines * children).map_err(io::Error::other)?;
                }
                lines += 1;
            }
            process.wait().map(|_| lines)
        }));
    }
    drop(answers);
    let mut answered = 0;
    for thread in threads {
        answered += thread.join().ok().context("a thread of the benchmark ended early")??;
    }
    ensure!(answered == rows, "{answered} of {rows} lines came back");
    if let Some(keeping) = keeping {
        let kept = keeping.join().ok().context("the thread of the records ended early")??;
        ensure!(kept == rows, "{kept} of {rows} answers were kept");
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// Keeps what there is in one transaction after the other.
fn keep(db: &Connection, answered: &mpsc::Receiver<u64>) -> Result<u64> {
    let mut kept = 0;
    while let Ok(first) = answered.recv() {
        db.execute_batch("BEGIN")?;
        let mut outcome = db.prepare_cached(PLAIN_OUTCOME)?;
        for row in std::iter::once(first).chain(answered.try_iter().take(IN_FLIGHT as usize)) {
            outcome.execute(params![row as i64, Keys::InOrder.handle(row)])?;
            kept += 1;
        }
        db.execute_batch("COMMIT")?;
    }
    Ok(kept)
}

/// A row as Onward writes it.
fn line(row: u64) -> String {
    let handle = Keys::InOrder.handle(row);
    format!(
        "{{\"job_id\":\"0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000\",\"row\":{},\"attempt\":1,\"key\":\"{handle}\",\
         \"fields\":{{\"country\":\"DE\",\"followers\":\"{}\",\"handle\":\"{handle}\"}}}}\n",
        row + 1,
        1_000 + row % 90_000
    )
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn rows(dir: &Path, rows: u64) -> Result<()> {
    let (csv, list, script) = (dir.join("rows.csv"), dir.join("rows.txt"), dir.join("row.sh"));
    let handles: String = (0..rows).map(|row| Keys::InOrder.handle(row) + "\n").collect();
    std::fs::write(&csv, format!("handle\n{handles}"))?;
    std::fs::write(&list, handles)?;
    std::fs::write(&script, "#!/bin/sh\ntest -n \"$1\"\n")?;
    ensure!(Command::new("chmod").arg("+x").arg(&script).status()?.success(), "chmod");
    let begin = Instant::now();
    let status = Command::new("parallel")
        .args(["--will-cite", "-j", AT_A_TIME, "--joblog"])
        .arg(dir.join("joblog"))
        .arg("-a")
        .arg(&list)
        .arg(&script)
        .arg("{}")
        .env("HOME", dir)
        .status()
        .context("GNU parallel is installed by `cargo xtask setup`")?;
    ensure!(status.success(), "parallel ended with {status}");
    let theirs = rows as f64 / begin.elapsed().as_secs_f64();
    say(&format!("GNU parallel --joblog, a process per row, {AT_A_TIME} at a time: {theirs:.0} rows/s"));
    let (csv, script) = (csv.display().to_string(), script.display().to_string());
    // What follows `--` is the program's; the data folder has to stand before it.
    let mut command = onward(dir, &["run", &csv, "-j", AT_A_TIME])?;
    command.args(["--", &script, "{handle}"]);
    let ours = rows as f64 / cost(command)?.wall_s;
    say(&format!("onward run with the same script: {ours:.0} rows/s, {:.1} times that", ours / theirs));
    Ok(())
}
