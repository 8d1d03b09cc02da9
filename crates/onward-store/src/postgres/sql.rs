//! Every statement the Postgres store runs, by name; one file each under `src/sql/postgres`.
//!
//! The files name the schema `onward`; another one is put in its place when the store is opened.

use std::borrow::Cow;

use super::address::DEFAULT_SCHEMA;

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) const $name: &str = include_str!(concat!("../sql/postgres/", $file, ".sql"));)*

        /// All of them, so that a test prepares each against the schema.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    ANSWER_FREE = "answer_free";
    ANSWER_GET = "answer_get";
    ANSWER_KEEP = "answer_keep";
    ANSWER_RESERVE = "answer_reserve";
    ANSWERS_FORGET = "answers_forget";
    ANSWERS_FORGET_OPEN = "answers_forget_open";
    CHUNK_GET = "chunk_get";
    CHUNK_PUT = "chunk_put";
    CHUNK_RESTORE = "chunk_restore";
    CHUNK_WITHOUT_ROWS = "chunk_without_rows";
    CHUNKS_DELETE = "chunks_delete";
    CHUNKS_FACTS = "chunks_facts";
    CHUNKS_PAGE = "chunks_page";
    CLOCK = "clock";
    CREATOR_MOVE_IN = "creator_move_in";
    CREATOR_PAGE = "creator_page";
    CREATORS_RENUMBER = "creators_renumber";
    CREATORS_WITHOUT_OUTCOME = "creators_without_outcome";
    DELIVERIES_LET_GO = "deliveries_let_go";
    DELIVERIES_TAKE = "deliveries_take";
    DELIVERY_AGAIN = "delivery_again";
    DELIVERY_EPOCH = "delivery_epoch";
    DELIVERY_INSERT = "delivery_insert";
    DELIVERY_MOVE_IN = "delivery_move_in";
    DELIVERY_NAMED = "delivery_named";
    DELIVERY_PAGE = "delivery_page";
    DELIVERY_SETTLE = "delivery_settle";
    DOUBT_PAGE = "doubt_page";
    DOUBT_SETTLE = "doubt_settle";
    DOUBT_TRIAL = "doubt_trial";
    DOUBT_TRIAL_OVER = "doubt_trial_over";
    DOUBTS_DELETE = "doubts_delete";
    DOUBTS_DROP = "doubts_drop";
    DOUBTS_LIFT = "doubts_lift";
    DOUBTS_MOVE_IN = "doubts_move_in";
    DOUBTS_PUT = "doubts_put";
    DOUBTS_SET_DOWN = "doubts_set_down";
    DUPLICATES_COUNT = "duplicates_count";
    DUPLICATES_DELETE = "duplicates_delete";
    DUPLICATES_PUT = "duplicates_put";
    EVENT_INSERT = "event_insert";
    EVENT_LAST = "event_last";
    EVENT_PAGE = "event_page";
    HEARD_ADD = "heard_add";
    HEARD_FORGET = "heard_forget";
    HEARD_OF_JOB = "heard_of_job";
    HISTORY_LIFT = "history_lift";
    HISTORY_MOVE_IN = "history_move_in";
    HISTORY_NEXT_GONE = "history_next_gone";
    HISTORY_OF_JOB_DELETE = "history_of_job_delete";
    HISTORY_OF_ROW = "history_of_row";
    HISTORY_PAGE = "history_page";
    HISTORY_SET_DOWN = "history_set_down";
    INPUT_AVAILABLE = "input_available";
    INPUT_DELETE = "input_delete";
    INPUT_KEY = "input_key";
    INPUT_OF_JOB = "input_of_job";
    INPUT_OPEN = "input_open";
    INPUT_SEAL = "input_seal";
    INPUT_SUMMARY = "input_summary";
    INPUT_UNAVAILABLE = "input_unavailable";
    INPUTS_UNUSED = "inputs_unused";
    JOB_ACTIVE_BY_WORK = "job_active_by_work";
    JOB_ATTACH = "job_attach";
    JOB_BURIED = "job_buried";
    JOB_BURY_ELSEWHERE = "job_bury_elsewhere";
    JOB_DELETE = "job_delete";
    JOB_GLANCE = "job_glance";
    JOB_HAS_OPEN_SPAN = "job_has_open_span";
    JOB_INSERT = "job_insert";
    JOB_IS_ALONE = "job_is_alone";
    JOB_IS_HELD = "job_is_held";
    JOB_KEY = "job_key";
    JOB_LOCK = "job_lock";
    JOB_NEWEST_BY_CONTENT = "job_newest_by_content";
    JOB_NEWEST_BY_WORK = "job_newest_by_work";
    JOB_PAGE = "job_page";
    JOB_STEP = "job_step";
    JOB_TUNE = "job_tune";
    JOBS_BY_STATE = "jobs_by_state";
    JOB_SUMS = "job_sums";
    JOBS_CLAIMABLE = "jobs_claimable";
    JOBS_TO_END = "jobs_to_end";
    MOVES_DELETE = "moves_delete";
    MOVES_INSERT = "moves_insert";
    OUTCOME_COUNTS = "outcome_counts";
    OUTCOME_GROUPS = "outcome_groups";
    OUTCOME_MARKS = "outcome_marks";
    OUTCOME_OUTSIDE = "outcome_outside";
    OUTCOME_PAGE = "outcome_page";
    OUTCOME_ROWS = "outcome_rows";
    OUTCOMES_BURY = "outcomes_bury";
    OUTCOMES_LIFT = "outcomes_lift";
    OUTCOMES_MOVE_IN = "outcomes_move_in";
    OUTCOMES_OF_JOB_DELETE = "outcomes_of_job_delete";
    OUTCOMES_REOPEN = "outcomes_reopen";
    OUTCOMES_SET_DOWN = "outcomes_set_down";
    OUTCOMES_TAKE_BACK = "outcomes_take_back";
    PING_DELETE = "ping_delete";
    PING_WRITE = "ping_write";
    SIZES = "sizes";
    SPAN_CLAIM = "span_claim";
    SPAN_COMMIT = "span_commit";
    SPAN_FREE = "span_free";
    SPAN_HELD = "span_held";
    SPAN_RELEASE = "span_release";
    SPAN_REREAD = "span_reread";
    SPANS_DELETE = "spans_delete";
    SPANS_FACTS = "spans_facts";
    SPANS_FREE = "spans_free";
    SPANS_HOLD = "spans_hold";
    SPANS_INSERT = "spans_insert";
    SPANS_LEASED = "spans_leased";
    SPANS_MOVE_IN = "spans_move_in";
    SPANS_OF_JOB = "spans_of_job";
    SPANS_WITH = "spans_with";
    SPANS_WITH_BACK = "spans_with_back";
    TURNS_GET = "turns_get";
    TURNS_LOOK = "turns_look";
    TURNS_OPEN = "turns_open";
    TURNS_PUT = "turns_put";
    VERSION = "version";
    WORKER_BEAT = "worker_beat";
    WORKER_DRAIN = "worker_drain";
    WORKER_LEAVE = "worker_leave";
    WORKER_PRESENCE = "worker_presence";
    WORKERS_FORGET = "workers_forget";
    WORKERS_LIST = "workers_list";
}

/// A statement in a schema. The name was checked when the address was read: it needs no quotes.
pub(super) fn within<'a>(sql: &'a str, schema: &str) -> Cow<'a, str> {
    #[cfg(test)]
    if let Some(bug) = super::tests::planted_in(schema) {
        return Cow::Owned(sql.replace(bug.sound, bug.planted).replace("onward.", &format!("{schema}.")));
    }
    if schema == DEFAULT_SCHEMA {
        Cow::Borrowed(sql)
    } else {
        Cow::Owned(sql.replace("onward.", &format!("{schema}.")))
    }
}
