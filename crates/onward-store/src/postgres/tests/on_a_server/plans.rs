//! How statements are planned before PostgreSQL has counted anything: the first minute of a large job.

use crate::postgres::tests::{fresh_schema, server, within};
use crate::postgres::{PostgresStore, migrate, sql};

/// Any job.
const JOB: &str = "01900000-0000-7000-8000-000000000001";

/// What a page of a large job asks for, each once read the whole ledger of the job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_job_that_was_never_analyzed_is_found_by_index() {
    let Some(server) = server() else { return };
    let schema = fresh_schema();
    PostgresStore::open(&within(&server.url(), &schema)).await.unwrap();
    let filled = format!(
        "ALTER TABLE {schema}.outcomes SET (autovacuum_enabled = false);
         INSERT INTO {schema}.outcomes (job, row, outcome, tries, duration_ms, finished_at, epoch, generation)
         SELECT 1, row, 0, 1, 0, 0, 1, 0 FROM generate_series(0, 199999) AS row"
    );
    server.sql(&filled).unwrap();
    let page = ["-1", "NULL", "NULL", "NULL", "NULL", "51"];
    let search = ["-1", "NULL", "NULL", "NULL", "'anna'", "51"];
    let marks = ["1000"];
    for (statement, values) in
        [(sql::OUTCOME_PAGE, &page[..]), (sql::OUTCOME_PAGE, &search), (sql::OUTCOME_MARKS, &marks)]
    {
        let mut statement = sql::within(statement, &schema).replace("$1", &format!("'{JOB}'"));
        for (no, value) in values.iter().enumerate() {
            statement = statement.replace(&format!("${}", no + 2), value);
        }
        let plan = server.sql(&format!("EXPLAIN {statement}")).unwrap();
        let ledger: Vec<_> = plan.lines().filter(|line| line.contains(" on outcomes")).collect();
        assert_eq!(ledger.len(), 1, "{plan}");
        assert!(ledger[0].contains("Index Scan using outcomes_pkey"), "{plan}");
    }
}

/// The plan of a commit is made on the first one, when the ledger may be empty, and is kept while it grows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_planned_on_an_empty_ledger_finds_its_rows_by_index() {
    let Some(server) = server() else { return };
    let schema = fresh_schema();
    PostgresStore::open(&within(&server.url(), &schema)).await.unwrap();
    let function = sql::within(migrate::COMMIT, &schema).into_owned();
    let between =
        |from: &str, to: &str| function.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0;
    let (types, statement) = (between("span_commit (", ") RETURNS"), between("RETURN QUERY", ";\nEND"));
    let nulls = vec!["NULL"; types.split(',').count()].join(", ");
    let plan = server.sql(&format!(
        "{}; PREPARE plan ({types}) AS {statement}; EXPLAIN EXECUTE plan ({nulls})",
        between("LANGUAGE plpgsql ", " AS $commit$")
    ));
    let plan = plan.unwrap();
    let reads = |table: &str| {
        let reads =
            plan.lines().filter(|line| line.contains("Scan") && line.contains(&format!(" on {table}")));
        reads.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    for (table, times) in [("outcomes", 1), ("spans", 3)] {
        let reads = reads(table);
        assert_eq!(reads.len(), times, "{table}: {plan}");
        assert!(reads.iter().all(|line| line.contains("Index")), "{table}: {plan}");
    }
}
