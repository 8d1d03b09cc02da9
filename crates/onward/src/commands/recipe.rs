//! `onward recipe check RECIPE`: says what is wrong before anything runs.

use std::path::Path;

use onward_core::problem::Problem;
use onward_core::processor::Processor;
use onward_core::recipe::Recipe;
use onward_intake::{Preview, Sample};
use onward_processors::SECRET_PREFIX;
use onward_server::rehearsal::{self, Report, Trial};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::args::{Recipe as Args, RecipeCheck, RecipeVerb};
use crate::client::upload::unreadable;
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::table::Table;
use crate::output::text::{count, counted, plain};
use crate::{output, store};

/// What the preview looks at, at most; it takes a shorter one for the whole file.
const HEAD_BYTES: u64 = 256 * 1024;
/// Rows that are shown to a person.
const SHOWN: usize = 5;

/// Ends with 0 when nothing is wrong with the recipe and with 2 when something is. A secret that is not set is a matter
/// of the machine, not of the recipe: it is a warning.
pub(super) async fn run(config: &Config, args: &Args) -> Result<Exit, Failure> {
    match &args.verb {
        RecipeVerb::Check(verb) => check(config, verb).await,
    }
}

/// Reads a recipe; a failure names the file and every mistake in it.
pub(super) fn parse(path: &Path, text: &str) -> Result<Recipe, Failure> {
    Recipe::parse(text).map_err(|problem| named(path, problem.into()))
}

async fn check(config: &Config, verb: &RecipeCheck) -> Result<Exit, Failure> {
    let text = tokio::fs::read_to_string(&verb.recipe).await;
    let text = text.map_err(|error| unreadable(&verb.recipe, &error))?;
    let recipe = parse(&verb.recipe, &text)?;
    let (builder, courier, secrets) = store::looking(config)?;
    let processor = builder(&recipe).map_err(|problem| named(&verb.recipe, problem.into()))?;
    courier.check(&recipe.hooks).map_err(|problem| named(&verb.recipe, problem.into()))?;
    if let Err(cannot) = processor.check().await {
        return Err(named(&verb.recipe, Failure::new(Exit::Usage, cannot.message)));
    }
    let outlook = match &verb.file {
        Some(file) => Some(Outlook::of(file, &recipe, &*processor).await?),
        None => None,
    };
    if verb.output.json {
        let recipe: serde_json::Value =
            serde_json::from_str(&recipe.to_json()).expect("a recipe writes itself as JSON");
        let outlook = outlook.as_ref();
        output::json::print(&json!({
            "recipe": recipe,
            "preview": outlook.map(|outlook| &outlook.preview),
            "report": outlook.map(|outlook| &outlook.report),
            "forecast": outlook.and_then(|outlook| outlook.forecast.as_ref()),
            "secrets_missing": secrets.stood_in(),
        }));
        return Ok(Exit::Done);
    }
    let missing = secrets.stood_in();
    if missing.is_empty() {
        output::say(&format!("{} can start", verb.recipe.display()));
    } else {
        output::say(&format!("{} is right, and can start where its secrets are set", verb.recipe.display()));
    }
    for name in &missing {
        let message = format!("secret.{name} is not set here; set {SECRET_PREFIX}{name} where the job runs");
        output::say(&format!("  warning: {}", plain(&message)));
    }
    if let (Some(file), Some(outlook)) = (&verb.file, &outlook) {
        show(file, &outlook.preview);
        outlook.show();
    }
    Ok(Exit::Done)
}

/// What a file would become.
struct Outlook {
    preview: Preview,
    report: Report,
    /// Of work that calls nobody.
    forecast: Option<Trial>,
}

impl Outlook {
    async fn of(file: &Path, recipe: &Recipe, processor: &dyn Processor) -> Result<Self, Failure> {
        let refused = |problem: Problem| named(file, problem.into());
        let preview = look(file, Some(recipe)).await?;
        onward_intake::has_fields(&preview.columns, recipe, &processor.needs()).map_err(refused)?;
        let filename = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let report = rehearsal::report(file.to_owned(), filename, recipe.clone()).await.map_err(refused)?;
        let forecast = if processor.calls_out() {
            None
        } else {
            Some(rehearsal::forecast(processor, file.to_owned(), recipe).await.map_err(refused)?)
        };
        Ok(Self { preview, report, forecast })
    }

    fn show(&self) {
        let Report { rows, duplicates, first_duplicate, decided, to_do, .. } = &self.report;
        output::say(&format!("{}, {} to do", counted(*rows, "row", "rows"), count(*to_do)));
        if let Some((row, of)) = first_duplicate {
            let repeat = counted(*duplicates, "row repeats", "rows repeat");
            output::say(&format!(
                "  {repeat} an earlier row and will be skipped, first row {row} (as row {of})"
            ));
        }
        for kind in decided {
            let rows = counted(kind.count, "row", "rows");
            let (first, message) = (kind.first_row, plain(&kind.message));
            output::say(&format!("  {rows} will be {}, first row {first}: {message}", kind.outcome));
        }
        let Some(forecast) = &self.forecast else { return };
        let mut table = Table::new(&["ROW", "KEY", "WOULD BE", "WHY"]);
        for row in &forecast.rows {
            let (key, why) = (plain(&row.key), plain(&row.message));
            table.row([row.row.to_string(), key, row.outcome.clone(), why]);
        }
        table.print();
    }
}

fn named(path: &Path, mut failure: Failure) -> Failure {
    failure.message = format!("{}: {}", path.display(), failure.message);
    failure
}

/// What the beginning of a file looks like.
pub(super) async fn look(file: &Path, recipe: Option<&Recipe>) -> Result<Preview, Failure> {
    let failed = |error: std::io::Error| unreadable(file, &error);
    let content = tokio::fs::File::open(file).await.map_err(failed)?;
    let mut head = Vec::new();
    content.take(HEAD_BYTES).read_to_end(&mut head).await.map_err(failed)?;
    onward_intake::preview(&head, recipe).map_err(|problem| named(file, problem.into()))
}

fn show(file: &Path, preview: &Preview) {
    let columns = counted(preview.columns.len() as u64, "column", "columns");
    output::say(&format!("{}: {}, {columns}", file.display(), preview.encoding));
    for warning in &preview.warnings {
        output::say(&format!("  warning: {}", plain(&warning.message)));
    }
    if preview.blank_lines > 0 {
        let blank = counted(preview.blank_lines, "blank line is", "blank lines are");
        output::say(&format!("  {blank} left out and not counted as rows"));
    }
    let fields: Vec<&str> = preview.mapping.iter().map(|mapped| mapped.field.as_str()).collect();
    let mut table = Table::new(&[&["ROW"], fields.as_slice(), &["KNOWN ALREADY"]].concat());
    for sample in preview.samples.iter().take(SHOWN) {
        let values = preview.mapping.iter().map(|mapped| value(sample, mapped.position));
        let known = sample.decided.as_ref();
        let known = known.map(|decided| format!("{}: {}", decided.outcome, decided.message));
        let cells = std::iter::once(sample.row.to_string()).chain(values);
        table.row(cells.chain([known.unwrap_or_default()]));
    }
    table.print();
}

fn value(sample: &Sample, position: usize) -> String {
    let field = position.checked_sub(1).and_then(|at| sample.fields.get(at));
    field.map(String::to_owned).unwrap_or_default()
}
