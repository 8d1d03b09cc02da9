//! The form for a new job: a file, a recipe, start.

use maud::{Markup, html};
use onward_core::problem::Problem;

use crate::web::parts::badge::icon;

/// What the recipe field holds at first: runs on any CSV with a column of handles, calls nobody.
const EXAMPLE: &str = r#"name = "creators"
key = ["handle"]          # identity of a row; repeats are skipped

[columns]
handle = ["Instagram name", "username", "handle"]

[work]
kind = "creators"
concurrency = 8

# [fetch]                 # look each row up first
# url = "https://api.example.com/creators/{{ handle }}"

# [filter]                # rows for which this is false are filtered
# keep = "int(followers) >= 1000"

[add]
table = "creators"
"#;

/// What was typed and refused.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The recipe as it was sent; the example when `None`.
    pub recipe: Option<String>,
    /// The name as it was sent.
    pub name: Option<String>,
    /// Why it was refused.
    pub problem: Option<Problem>,
}

/// The page.
#[must_use]
pub(crate) fn render(draft: &Draft) -> Markup {
    html! {
        h1 { "New job" }
        div #trouble role="alert" { @if let Some(problem) = &draft.problem { (trouble(problem)) } }
        form #new-job .panel method="post" action="/jobs" enctype="multipart/form-data" {
            div.field {
                label for="file" { "1. File" }
                input #file type="file" name="file" required accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values" aria-describedby="file-hint";
                p.hint #file-hint { "A CSV, up to 1 GB. Every record becomes one row; what is wrong with the file is said before anything runs." }
            }
            div.field {
                label for="recipe" { "2. Recipe" }
                textarea #recipe name="recipe" rows="22" spellcheck="false" autocomplete="off" required aria-describedby="recipe-hint" { (draft.recipe.as_deref().unwrap_or(EXAMPLE)) }
                p.hint #recipe-hint { "What to do with each row, as TOML or JSON. A recipe with a mistake is refused with the place of the mistake." }
            }
            div.field {
                label for="name" { "3. Name " span.quiet { "(optional)" } }
                input #name type="text" name="name" maxlength="200" value=[draft.name.as_deref()] placeholder="the file's name" autocomplete="off";
            }
            div.acts { button.resume type="submit" data-busy="Starting…" { (icon("play")) span.label { "Start" } } a.btn href="/" { "Back to the jobs" } }
        }
    }
}

fn trouble(problem: &Problem) -> Markup {
    html! {
        div.trouble {
            strong { (problem.code.title()) }
            p { (problem.detail) }
            @if let Some(errors) = problem.facts.get("errors").and_then(|errors| errors.as_array()) {
                ul { @for error in errors { li { (plain(error)) } } }
            }
            @if let Some(existing) = problem.facts.get("existing_job_id").and_then(|id| id.as_str()) {
                p { a href={ "/jobs/" (existing) } { "Show the job that does this already" } }
            }
            p.hint { "Nothing was started. Choose the file again after correcting this." }
        }
    }
}

/// An error of the recipe: a text, or an object with a message.
fn plain(error: &serde_json::Value) -> String {
    let message = error.get("message").unwrap_or(error);
    message.as_str().map_or_else(|| message.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use onward_core::problem::Code;

    use super::*;

    #[test]
    fn what_was_typed_is_kept_and_the_reason_is_shown() {
        let problem = Problem::new(Code::RecipeInvalid, "line 3: unknown key `kee`; did you mean `key`?")
            .with("errors", serde_json::json!([{ "message": "a <b>" }, "c"]));
        let draft = Draft { recipe: Some("kee = 1".to_owned()), name: None, problem: Some(problem) };
        let text = render(&draft).into_string();
        assert!(text.contains(">kee = 1</textarea>"), "{text}");
        assert!(text.contains("did you mean `key`?") && text.contains("<li>a &lt;b&gt;</li>"), "{text}");
    }

    #[test]
    fn the_example_is_a_recipe() {
        assert!(EXAMPLE.contains("[work]"));
    }
}
