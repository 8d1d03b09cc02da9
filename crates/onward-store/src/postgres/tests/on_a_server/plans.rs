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

/// The plan of a function is made when it is first called, when the ledger may be empty, and is kept while it grows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_is_planned_on_an_empty_ledger_finds_its_rows_by_index() {
    let Some(server) = server() else { return };
    let schema = fresh_schema();
    PostgresStore::open(&within(&server.url(), &schema)).await.unwrap();
    for function in [migrate::COMMIT, migrate::JOB_FACTS] {
        let script = sql::within(function, &schema);
        let (_, function) = script.split_once("CREATE OR REPLACE FUNCTION").unwrap();
        let between = |from: &str, to: &str| {
            function.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0
        };
        let (types, statement) = (between(" (", ") RETURNS"), between("RETURN QUERY", ";\nEND"));
        let settings = between("\nSET ", "AS $").replace('\n', "; ");
        let nulls = vec!["NULL"; types.split(',').count()].join(", ");
        let explain =
            format!("SET {settings} PREPARE plan ({types}) AS {statement}; EXPLAIN EXECUTE plan ({nulls})");
        let plan = server.sql(&explain).unwrap();
        assert!(settings.contains("force_generic_plan") && plan.contains("$1"), "one plan for all: {plan}");
        for table in ["outcomes", "spans", "jobs"] {
            let is_read = |line: &&str| line.contains("Scan") && line.contains(&format!(" on {table}"));
            let reads: Vec<_> = plan.lines().filter(is_read).collect();
            assert!(!reads.is_empty(), "{table}: {plan}");
            assert!(!reads.iter().any(|line| line.contains("Seq Scan")), "{table}: {plan}");
        }
        // Rows of a job that is known, not those of all jobs.
        let by_job = plan.lines().filter(|line| line.contains("Index Cond:") && line.contains("row"));
        assert!(by_job.clone().count() > 0 && by_job.clone().all(|line| line.contains("job =")), "{plan}");
    }
}
