//! Maps the fields of a recipe on the columns of a file.
//!
//! Headers are compared after normalising: blanks of every kind and zero-width characters around
//! them gone, case folded, blanks within as `_`. So `\u{a0}Instagram Name` is `instagram_name`.

use onward_core::input::{Columns, normalised};
use onward_core::problem::{Code, Problem};
use onward_core::recipe::Recipe;

/// A header less alike than this (Jaro-Winkler, 0 to 1) is not offered as what was meant.
const ALIKE: f64 = 0.75;
/// Headers offered for one that is missing; more would be a list, not a hint.
const MAX_NEAREST: usize = 3;
/// Headers named in a message; the rest is counted.
const MAX_NAMED: usize = 12;

/// Maps the fields of `recipe` on `header`: mapped fields first, then key fields, then every column
/// under its normalised header (`column_3` when it has none, `name_2` when the name is taken).
///
/// # Errors
/// `missing-column` with `column` and `nearest`; `duplicate-header` when a column that the recipe
/// needs is there twice.
pub fn columns(header: &[String], recipe: &Recipe) -> Result<Columns, Problem> {
    let names: Vec<String> = header.iter().enumerate().map(|(at, name)| bare_name(name, at)).collect();
    let mut mapped = Columns::default();
    for (field, headers) in &recipe.columns {
        let at = find_any(header, &names, field, headers.names())?;
        mapped.add(field.as_str(), at);
    }
    for field in &recipe.key {
        if mapped.position(field).is_none() {
            let at = find_any(header, &names, field, std::slice::from_ref(field))?;
            mapped.add(field.as_str(), at);
        }
    }
    add_all(&names, &mut mapped);
    Ok(mapped)
}

/// The columns of a file under their normalised headers, without a recipe.
pub(crate) fn plain_columns(header: &[String]) -> Columns {
    let names: Vec<String> = header.iter().enumerate().map(|(at, name)| bare_name(name, at)).collect();
    let mut mapped = Columns::default();
    add_all(&names, &mut mapped);
    mapped
}

/// The names of the columns of a file without a header.
pub(crate) fn made_up(names: &[String], width: usize) -> Vec<String> {
    let given = names.iter().cloned();
    let rest = (names.len()..width).map(column_name);
    given.chain(rest).collect()
}

/// What a column without a header is called.
pub(crate) fn column_name(at: usize) -> String {
    format!("column_{}", at + 1)
}

fn bare_name(header: &str, at: usize) -> String {
    let name = normalised(header);
    if name.is_empty() { column_name(at) } else { name }
}

fn add_all(names: &[String], mapped: &mut Columns) {
    for (at, name) in names.iter().enumerate() {
        match mapped.position(name) {
            None => mapped.add(name.as_str(), at),
            Some(other) if other == at => {}
            // The recipe or an earlier column has this name.
            Some(_) => {
                let free = (2..).map(|n| format!("{name}_{n}")).find(|name| mapped.position(name).is_none());
                let free = free.expect("some number is free: the file has few columns");
                mapped.add(free, at);
            }
        }
    }
}

fn find_any(header: &[String], names: &[String], field: &str, wanted: &[String]) -> Result<usize, Problem> {
    for one in wanted {
        let normal = normalised(one);
        let all: Vec<usize> = (0..names.len()).filter(|at| names[*at] == normal).collect();
        match all[..] {
            [] => {}
            [at] => return Ok(at),
            // Of several alike, one that is written exactly so is the one that is meant.
            _ => {
                let exact: Vec<usize> = all.iter().copied().filter(|at| header[*at] == *one).collect();
                let [at] = exact[..] else { return Err(twice(one, &all)) };
                return Ok(at);
            }
        }
    }
    Err(missing(header, names, field, wanted))
}

fn twice(header: &str, all: &[usize]) -> Problem {
    let places: Vec<String> = all.iter().map(|at| (at + 1).to_string()).collect();
    let (last, others) = places.split_last().expect("a header that is there twice has two places");
    let all = if others.len() == 1 { "both" } else { "all" };
    let detail = format!(
        "columns {} and {last} {all} have the header `{header}`, and the recipe needs one of them; \
         rename the {}",
        others.join(", "),
        if others.len() == 1 { "other" } else { "others" }
    );
    Problem::new(Code::DuplicateHeader, detail).with("column", header).with("positions", places)
}

/// Whether the file has these fields.
///
/// # Errors
/// `missing-column`, as [`columns`].
pub fn has_fields(header: &[String], recipe: &Recipe, fields: &[String]) -> Result<(), Problem> {
    let mapped = columns(header, recipe)?;
    let Some(field) = fields.iter().find(|field| mapped.find(field).is_none()) else { return Ok(()) };
    let names: Vec<String> = header.iter().enumerate().map(|(at, name)| bare_name(name, at)).collect();
    let mut problem = missing(header, &names, field, std::slice::from_ref(field));
    // Such as `{print $1}`, which was never meant as a field.
    if field.chars().any(|c| !(c.is_alphanumeric() || c.is_whitespace() || matches!(c, '_' | '-' | '.'))) {
        problem.detail.push_str("; a brace that means a brace is written twice, {{ or }}");
    }
    Err(problem)
}

fn missing(header: &[String], names: &[String], field: &str, wanted: &[String]) -> Problem {
    let nearest = nearest(header, names, wanted);
    let tried: Vec<String> = wanted.iter().map(|name| format!("`{name}`")).collect();
    let mut detail = format!("the file has no column {}", tried.join(" or "));
    if wanted.first().is_none_or(|name| name != field) {
        detail.push_str(&format!(" for the field `{field}`"));
    }
    if let Some(best) = nearest.first() {
        detail.push_str(&format!("; did you mean `{best}`?"));
    } else {
        let named: Vec<&str> = header.iter().take(MAX_NAMED).map(String::as_str).collect();
        let more = header.len().saturating_sub(MAX_NAMED);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        detail.push_str(&format!("; its columns are {}{rest}", named.join(", ")));
    }
    let column = wanted.first().map_or(field, String::as_str);
    Problem::new(Code::MissingColumn, detail)
        .with("column", column)
        .with("field", field)
        .with("nearest", nearest)
}

fn nearest(header: &[String], names: &[String], wanted: &[String]) -> Vec<String> {
    let alike = |name: &str| {
        let by = |one: &String| strsim::jaro_winkler(&normalised(one), name);
        wanted.iter().map(by).fold(0.0, f64::max)
    };
    let mut ranked: Vec<(f64, &String)> =
        names.iter().zip(header).map(|(name, header)| (alike(name), header)).collect();
    ranked.retain(|(score, _)| *score >= ALIKE);
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.into_iter().take(MAX_NEAREST).map(|(_, header)| header.trim().to_owned()).collect()
}
