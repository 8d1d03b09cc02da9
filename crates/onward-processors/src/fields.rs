//! The row's own fields: each column once, under the recipe's name where it has one.

use std::sync::Arc;

use onward_core::input::Columns;

/// Name and position of each column, in the order of the names. A column that the recipe names is
/// under that name only, not under its header as well.
pub(crate) fn own(columns: &Columns) -> Vec<(Arc<str>, usize)> {
    let mut own: Vec<(Arc<str>, usize)> = Vec::new();
    for (name, at) in &columns.fields {
        if !own.iter().any(|(known, position)| position == at || known == name) {
            own.push((Arc::clone(name), *at));
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_stands_once_under_the_recipe_s_name() {
        let fields = [("handle", 1), ("platform", 0), ("instagram_name", 1), ("notes", 2)];
        let columns = Columns { fields: fields.map(|(name, at)| (name.into(), at)).to_vec() };
        let names: Vec<_> = own(&columns).iter().map(|(name, at)| format!("{name}={at}")).collect();
        assert_eq!(names, ["handle=1", "platform=0", "notes=2"]);
    }
}
