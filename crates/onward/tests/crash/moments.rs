//! A state that lasts for a moment reaches whoever watches, whichever process it happens in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_core::clock::UnixMs;
use onward_core::job::Go;
use onward_core::recipe::Recipe;
use onward_core::state::{JobState, Step};
use onward_core::store::{Command, Store};
use onward_engine::{Engine, FeedEvent, Settings, Submission};
use onward_store::open::{Mode, connect};
use onward_testkit::Postgres;
use onward_testkit::postgres::{Disk, left_out};

/// Everything is told long before this, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// One process watches, another one takes five turns between two looks of the first.
async fn every_moment_is_told(url: &str) -> Result<()> {
    let watching = connect(url, Mode::Serve).await?;
    let acting: Arc<dyn Store> = connect(url, Mode::Join).await?;
    let settings = Settings { max_jobs: 1, worker_name: "watcher".to_owned() };
    let builder = |recipe: &Recipe| onward_processors::build(recipe, &onward_processors::Settings::default());
    let engine = Engine::new(watching, Arc::new(builder), settings);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("creators.csv");
    std::fs::write(&file, "handle\nanna\nbob\n")?;
    let mut feed = engine.subscribe().await.map_err(|problem| anyhow::anyhow!(problem.detail))?;
    let recipe = Recipe::parse("key = ['handle']\n[work]\nkind = 'creators'\n");
    let submission = Submission {
        file,
        filename: "creators.csv".to_owned(),
        recipe: recipe.map_err(|problem| anyhow::anyhow!(problem.detail))?,
        name: None,
        first: None,
        actor: "you".to_owned(),
        sha256: None,
    };
    let submitted = engine.submit(submission).await.map_err(|problem| anyhow::anyhow!(problem.detail))?;
    let (job, now) = (submitted.job.id, submitted.at);
    let mut turns = vec![JobState::Queued];
    for step in [Step::Pause, Step::Resume, Step::Pause, Step::Resume, Step::ForceCancel] {
        let command = Command {
            job,
            step,
            epoch: None,
            actor: "you".to_owned(),
            now: UnixMs(now.0 + 1),
            pause: None,
            error: None,
            go: Go::Fully,
        };
        turns.push(acting.command(&command).await?.state);
    }
    let mut told = Vec::new();
    while told.last() != Some(&JobState::Cancelled) {
        let news = tokio::time::timeout(LIMIT, feed.events.recv()).await;
        let news = news.with_context(|| format!("told were {told:?}"))??;
        if let FeedEvent::Job { snapshot, event: Some(_), .. } = news {
            told.push(snapshot.job.state);
        }
    }
    ensure!(told == turns, "the job was {turns:?}, and told were {told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn states_of_a_moment_are_told_over_sqlite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    every_moment_is_told(&format!("sqlite:{}", folder.path().join("onward.db").display())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn states_of_a_moment_are_told_over_postgres() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    every_moment_is_told(&Postgres::start(Disk::Quick)?.url()).await
}
