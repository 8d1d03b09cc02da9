//! The page for a new job: file, format, columns, work. Without scripts it is a file, a recipe, Start.

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

/// Encodings that can be chosen; the file's own is found by itself.
const ENCODINGS: [&str; 8] = [
    "utf-8",
    "windows-1252",
    "windows-1250",
    "iso-8859-15",
    "windows-1251",
    "utf-16le",
    "utf-16be",
    "shift_jis",
];

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
        form #new-job method="post" action="/jobs" enctype="multipart/form-data" {
            (file())
            // Disabled, these fields are not sent: without scripts the recipe alone says what to do.
            fieldset #guided disabled hidden { (format()) (columns()) (work()) }
            (recipe(draft))
            section.panel.start {
                div.field {
                    label for="name" { "Name " span.quiet { "(optional)" } }
                    input #name type="text" name="name" maxlength="200" value=[draft.name.as_deref()] placeholder="the file's name" autocomplete="off";
                }
                label.check { input #first type="checkbox" name="first" value="10"; " Do 10 rows, then ask before the rest" }
                p #estimate role="status" hidden {}
                div.acts { button.resume type="submit" data-busy="Starting…" { (icon("play")) span.label { "Start" } } a.btn href="/" { "Back to the jobs" } }
            }
        }
    }
}

fn step(number: u8, title: &str) -> Markup {
    html! { h2 { span.step { (number) } (title) } }
}

fn file() -> Markup {
    html! {
        section.panel {
            (step(1, "File"))
            div.field {
                label for="file" { "A CSV from this machine" }
                input #file type="file" name="file" required accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values" aria-describedby="file-hint";
                p.hint #file-hint { "Up to 1 GB. Every record becomes one row; what is wrong with the file is said before anything runs." }
            }
            div #file-more hidden {
                div.acts {
                    button.small #use-paste type="button" aria-expanded="false" aria-controls="paste-field" { "Paste instead" }
                    button.small #use-sample type="button" { "Use a sample" }
                }
                div.field #paste-field hidden {
                    label for="paste" { "Rows, the header first" }
                    textarea #paste rows="6" spellcheck="false" autocomplete="off" {}
                    button.small #paste-done type="button" { "Use these rows" }
                }
            }
            div #upload hidden {
                p #upload-what {}
                progress #upload-bar max="100" value="0" aria-label="Upload" {}
                p.hint #upload-state role="status" {}
            }
        }
    }
}

fn format() -> Markup {
    html! {
        section.panel #format {
            (step(2, "Format"))
            div.pickers {
                div.field { label for="encoding" { "Encoding" }
                    select #encoding { option value="" { "found by itself" } @for name in ENCODINGS { option value=(name) { (name) } } } }
                div.field { label for="delimiter" { "Delimiter" }
                    select #delimiter {
                        option value="" { "found by itself" }
                        @for (value, word) in [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")] { option value=(value) { (word) } }
                    } }
                div.field { label for="header" { "First line" }
                    select #header { option value="" { "is the header" } option value="false" { "is a row" } } }
            }
            p.hint #format-found role="status" {}
            div.scroll #preview tabindex="0" role="region" aria-label="The first rows" {}
            ul.notes #notes {}
            div #report {}
        }
    }
}

fn columns() -> Markup {
    html! {
        section.panel #columns {
            (step(3, "Columns"))
            div.field {
                label for="key" { "Identity of a row" }
                select #key aria-describedby="key-hint" {}
                p.hint #key-hint {}
            }
            div.scroll tabindex="0" role="region" aria-label="Columns of the file" { table #mapping {} }
        }
    }
}

fn work() -> Markup {
    html! {
        section.panel #work {
            (step(4, "Work and limits"))
            fieldset.kinds {
                legend { "For each row" }
                @for (value, word, what) in [
                    ("creators", "Add a creator", "look it up first, if you give an address"),
                    ("http", "Call an address", "one POST per row"),
                    ("command", "Run a program", "one that this server knows"),
                ] {
                    label { input type="radio" name="kind" value=(value) checked[value == "creators"]; span { b { (word) } " " span.quiet { (what) } } }
                }
            }
            div.fields {
                div.field data-for="creators http" { label for="url" { "Address" }
                    input #url type="text" inputmode="url" placeholder="https://api.example.com/creators/{{ handle }}" autocomplete="off" spellcheck="false"; }
                div.field data-for="creators http" { label for="auth" { "Secret for the authorization header " span.quiet { "(optional)" } }
                    input #auth type="text" placeholder="CREATORS_API_KEY" pattern="[A-Za-z0-9_]*" autocomplete="off" spellcheck="false" aria-describedby="auth-hint";
                    p.hint #auth-hint { "The name alone: its value is read from ONWARD_SECRET_… where the server runs." } }
                div.field data-for="command" { label for="command" { "Program" }
                    input #command type="text" placeholder="enrich" autocomplete="off" spellcheck="false" aria-describedby="command-hint";
                    p.hint #command-hint { "A name from " code { "[commands.NAME]" } " in the server's own configuration: a page can never name a program of its own." } }
                div.field data-for="creators" { label for="keep" { "Keep only rows for which " span.quiet { "(optional)" } }
                    input #keep type="text" placeholder="number(body.followers) >= 1000" autocomplete="off" spellcheck="false"; }
                div.field data-for="creators" { label for="table" { "Add to the list" }
                    input #table type="text" value="creators" pattern="[a-z][a-z0-9_]*" autocomplete="off" spellcheck="false"; }
                div.field { label for="rate" { "Calls per time, at most " span.quiet { "(optional)" } }
                    input #rate type="text" placeholder="50/min" autocomplete="off"; }
                div.field { label for="concurrency" { "Calls at the same time" }
                    input #concurrency type="number" min="1" max="10000" value="8"; }
                div.field { label for="failed-share" { "Stop when this share has failed " span.quiet { "(%, optional)" } }
                    input #failed-share type="number" min="1" max="100" placeholder="50"; }
                div.field { label for="breaker" { "Pause after so many failures in a row " span.quiet { "(optional)" } }
                    input #breaker type="number" min="1" max="10000" placeholder="10"; }
            }
            div.acts {
                button #try type="button" data-busy="Trying…" { (icon("play")) span.label { "Try on 3 rows" } }
                span.hint { "Makes real calls; keeps nothing." }
            }
            div #tried role="status" {}
        }
    }
}

fn recipe(draft: &Draft) -> Markup {
    html! {
        section.panel #recipe-panel {
            h2 { "Recipe" }
            div.field {
                label for="recipe" { "What to do with each row, as TOML or JSON" }
                textarea #recipe name="recipe" rows="12" spellcheck="false" autocomplete="off" required aria-describedby="recipe-hint" { (draft.recipe.as_deref().unwrap_or(EXAMPLE)) }
                p.hint #recipe-hint { "A recipe with a mistake is refused with the place of the mistake." }
            }
            div #recipe-tools hidden {
                label.check { input #by-hand type="checkbox"; " Write it by hand (the fields above then change nothing)" }
                div.acts {
                    button.small type="button" data-copy="#recipe" data-done="Copied" { (icon("copy")) span.label { "Copy as TOML" } }
                    button.small type="button" data-copy="#command-line" data-done="Copied" { (icon("terminal")) span.label { "Copy as a command line" } }
                }
                pre { code #command-line {} }
            }
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
        onward_core::recipe::Recipe::parse(EXAMPLE).unwrap();
    }

    #[test]
    fn a_plain_form_sends_file_recipe_and_name_and_nothing_else() {
        let text = render(&Draft::default()).into_string();
        let sent: Vec<&str> =
            text.split(" name=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let own: Vec<&str> = sent.into_iter().filter(|name| *name != "kind").collect();
        assert_eq!(own, ["file", "recipe", "name", "first"]);
        assert!(text.contains("<fieldset id=\"guided\" disabled"), "the kind is for scripts alone");
    }
}
