//! Power cuts: a life of the store is recorded write by write and sync by sync, then cut short at
//! hundreds of moments. Whatever of the unsynced writes is left, nothing that was acknowledged may be
//! missing, and `verify` must have nothing to say.
//!
//! The life is led by a process of its own, this very test started again, under a recorder that a C
//! compiler builds on the spot (the one that built SQLite). The record keeps the acknowledgements in
//! their place among the writes.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onward_core::id::JobId;
use onward_core::state::{JobState, Step};
use onward_core::store::Store;

use super::SqliteStore;
use super::connect::Durability;
use crate::conformance::build::{self, Hand};
use crate::open::Mode;
use disk::{Deed, Dice, Disk, Fate, read_record};

/// Cuts in one test. Each takes some 15 ms; together they visit about every fifth write of the life.
const CUTS: usize = 400;

/// Tells the process under the recorder where to live.
const LIFE: &str = "ONWARD_POWER_CUT_LIFE";

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let name = "nothing_acknowledged_is_lost_in_a_power_cut";
    let Some(record) = recorded(name, Durability::Full) else { return };
    if let Err(loss) = every_cut(&record, 1) {
        panic!("{loss}");
    }
}

#[test]
fn a_store_that_does_not_wait_for_the_disk_is_caught() {
    let name = "a_store_that_does_not_wait_for_the_disk_is_caught";
    let Some(record) = recorded(name, Durability::Relaxed) else { return };
    let loss = every_cut(&record, 1).expect_err("a power cut loses what was never synced");
    assert!(loss.contains("acknowledged"), "{loss}");
}

/// What was recorded of a life.
struct Record {
    folder: PathBuf,
    deeds: Vec<(PathBuf, Deed)>,
    _keep: tempfile::TempDir,
}

/// Leads the life when this is the process under the recorder (and answers `None`); otherwise starts
/// that process and reads its record.
fn recorded(test: &str, durability: Durability) -> Option<Record> {
    if let Some(folder) = std::env::var_os(LIFE) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(life(Path::new(&folder), durability));
        return None;
    }
    let keep = tempfile::tempdir().unwrap();
    let folder = keep.path().join("store");
    fs::create_dir(&folder).unwrap();
    let (recorder, to) = (build_recorder(keep.path()), keep.path().join("record"));
    let status = Command::new(std::env::current_exe().unwrap())
        .args([&format!("sqlite::power_cut::{test}"), "--exact", "--test-threads=1"])
        .env(LIFE, &folder)
        .env("LD_PRELOAD", recorder)
        .env("RECORD_TO", &to)
        .env("RECORD_FOLDER", &folder)
        .output()
        .expect("the test can be started again");
    assert!(status.status.success(), "the life failed: {}", String::from_utf8_lossy(&status.stdout));
    let deeds = read_record(&to);
    assert!(deeds.len() > 500, "the recorder saw {} deeds only", deeds.len());
    Some(Record { folder, deeds, _keep: keep })
}

fn build_recorder(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("recorder.c"), folder.join("recorder.so"));
    fs::write(&source, include_str!("recorder.c")).unwrap();
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output();
    let built = built.expect("the C compiler `cc` is needed (Debian package gcc)");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

/// Three jobs at once, small commits in any order, steps in between, a rest with an emptied log, an
/// orderly end. Every acknowledgement is written down the moment it is there.
async fn life(folder: &Path, durability: Durability) {
    let path = folder.join("onward.db");
    let store = SqliteStore::open_with(&path, Mode::Serve, durability).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let acks = Arc::new(Mutex::new(File::create(folder.join("acks")).unwrap()));
    for round in 0..2 {
        let jobs = (0..3).map(|seed| tokio::spawn(job(store.clone(), acks.clone(), round * 3 + seed)));
        for job in jobs.collect::<Vec<_>>() {
            job.await.unwrap();
        }
        let log = super::place::beside(&path, "-wal");
        while fs::metadata(&log).unwrap().len() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    drop(store);
}

async fn job(store: Arc<dyn Store>, acks: Arc<Mutex<File>>, seed: u64) {
    let mut dice = Dice(seed);
    let say = |line: String| acks.lock().unwrap().write_all(line.as_bytes()).unwrap();
    let id = build::job(&store, 230).await;
    say(format!("epoch {id} 0\n"));
    let mut steps = [Step::Pause, Step::Resume, Step::Restart, Step::ForceCancel, Step::Resume].into_iter();
    while let Some(claimed) = store.claim(&build::claim(id, "w", build::at(seed))).await.unwrap() {
        say(format!("epoch {id} {}\n", claimed.epoch));
        let mut hand = Hand::of(&store, id, claimed);
        loop {
            let open: Vec<u32> = hand.open().collect();
            let some: Vec<u32> = open.into_iter().take(9).filter(|_| dice.below(2) == 0).collect();
            let rows = some.iter().map(|row| build::adding(*row, &format!("creator {seed} {row}"))).collect();
            match hand.write(rows, build::at(seed)).await {
                Ok(_) => say(some.iter().map(|row| format!("row {id} {row}\n")).collect()),
                Err(error) => panic!("{error}"),
            }
            if hand.open().next().is_none() {
                break;
            }
            if dice.below(12) == 0
                && let Some(step) = steps.next()
            {
                let moved = store.command(&build::command(id, step, build::at(seed))).await.unwrap();
                say(format!("epoch {id} {}\n", moved.epoch));
                if matches!(step, Step::Pause | Step::ForceCancel) {
                    let step = steps.next().expect("a resume follows");
                    let moved = store.command(&build::command(id, step, build::at(seed))).await.unwrap();
                    say(format!("epoch {id} {}\n", moved.epoch));
                }
                break;
            }
        }
    }
}

/// What the life was told is durable, up to some moment.
#[derive(Debug, Default)]
struct Promised {
    rows: BTreeMap<JobId, BTreeSet<u32>>,
    epochs: BTreeMap<JobId, u64>,
}

impl Promised {
    fn hear(&mut self, lines: &[u8]) {
        for line in std::str::from_utf8(lines).unwrap().lines() {
            let mut words = line.split(' ');
            let (what, job, number) = (words.next(), words.next(), words.next());
            let (job, number) = (job.unwrap().parse().unwrap(), number.unwrap());
            match what {
                Some("row") => drop(self.rows.entry(job).or_default().insert(number.parse().unwrap())),
                _ => drop(self.epochs.insert(job, number.parse().unwrap())),
            }
        }
    }
}

/// Cuts the life at moments that the dice choose; `Err` says what was lost, and how to repeat it.
fn every_cut(record: &Record, seed: u64) -> Result<(), String> {
    let mut dice = Dice(seed);
    let last = record.deeds.len();
    let mut moments: Vec<usize> = (0..CUTS).map(|_| dice.below(last as u64 + 1) as usize).collect();
    moments.sort_unstable();
    let mut disk = Disk::new(&record.folder);
    let mut promised = Promised::default();
    let mut at = 0;
    let acks = record.folder.join("acks");
    for (number, moment) in moments.into_iter().enumerate() {
        for (path, deed) in &record.deeds[at..moment] {
            if *path != acks {
                disk.apply(path, deed);
            } else if let Deed::Wrote { bytes, .. } = deed {
                promised.hear(bytes);
            }
        }
        at = moment;
        let fate = [Fate::Lost, Fate::Mixed, Fate::Mixed, Fate::Kept][number % 4];
        let left = tempfile::tempdir().unwrap();
        disk.cut(fate, &mut dice, left.path());
        let then = if number % 8 == 0 { Then::GoOn } else { Then::Look };
        after_the_cut(left.path(), &promised, then)
            .map_err(|loss| format!("cut at deed {moment} of {last}, seed {seed}, {fate:?}: {loss}"))?;
    }
    Ok(())
}

/// Opens what is left, as the next start does, and looks for all that was promised. Nobody cuts the
/// power a second time, so this opening need not wait for the disk.
fn after_the_cut(folder: &Path, promised: &Promised, then: Then) -> Result<(), String> {
    let path = folder.join("onward.db");
    let store = SqliteStore::open_with(&path, Mode::Join, Durability::Relaxed);
    let store: Arc<dyn Store> = Arc::new(store.map_err(|error| error.to_string())?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (id, epoch) in &promised.epochs {
            kept(&store, *id, *epoch, promised.rows.get(id)).await?;
            match then {
                Then::Look => {}
                Then::GoOn => goes_on(&store, *id).await,
            }
        }
        Ok(())
    })
}

/// What is done with the store after the cut.
#[derive(Debug, Clone, Copy)]
enum Then {
    Look,
    GoOn,
}

async fn kept(
    store: &Arc<dyn Store>,
    id: JobId,
    epoch: u64,
    rows: Option<&BTreeSet<u32>>,
) -> Result<(), String> {
    let Ok(Some(job)) = store.job(id).await else {
        return Err(format!("job {id} was acknowledged and is gone"));
    };
    if job.epoch.0 < epoch {
        return Err(format!("epoch {epoch} was acknowledged; the job has {}", job.epoch));
    }
    let found: BTreeSet<u32> = build::ledger(store, id).await.iter().map(|row| row.index.0).collect();
    if let Some(lost) = rows.into_iter().flatten().find(|row| !found.contains(row)) {
        return Err(format!("row {lost} of job {id} was acknowledged and is gone"));
    }
    let verified = store.verify(id).await.map_err(|error| error.to_string())?;
    if verified.problems.is_empty() { Ok(()) } else { Err(verified.problems.join("; ")) }
}

/// A job that was queued or running comes to its end, every row once.
async fn goes_on(store: &Arc<dyn Store>, id: JobId) {
    let found = build::look(store, id).await.state;
    store.release_all(build::at(100)).await.unwrap();
    build::run_to_end(store, id, build::at(100)).await;
    let expected = match found {
        JobState::Queued | JobState::Running => JobState::Completed,
        JobState::Paused | JobState::Completed | JobState::Failed | JobState::Cancelled => found,
    };
    assert_eq!(build::look(store, id).await.state, expected);
    build::assert_sums(store, id).await;
}
