//! Pieces that several pages are made of.

pub(crate) mod actions;
pub(crate) mod badge;
pub(crate) mod bar;
pub(crate) mod card;
pub(crate) mod chart;
pub(crate) mod charts;
pub(crate) mod deliveries;
pub(crate) mod doubts;
pub(crate) mod facts;
pub(crate) mod flash;
pub(crate) mod heard;
pub(crate) mod history;
pub(crate) mod layout;
pub(crate) mod map;
pub(crate) mod reasons;
pub(crate) mod rows;
pub(crate) mod spark;
pub(crate) mod steer;
pub(crate) mod tail;
