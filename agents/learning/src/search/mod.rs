//! Searchers over a [`SearchSpace`]: what the shared loop has to be compared with, at equal counted budgets.
//!
//! | name | how it searches |
//! |---|---|
//! | [`random`](mod@random) | random hardware, the best of many random mappings for each layer (DOSA's) |
//! | [`genetic`] | a population of points: tournaments, crossover by layer, mutation |
//! | [`cma`] | CMA-ES over all genes at once |
//! | [`bayes`] | a Gaussian process over the hardware with expected improvement; random mappings inside |
//! | [`reinforce`] | a policy over mappings, moved by the score function alone |
//! | [`gradient`] | descent on the relaxed cost, rounded now and then (DOSA's) |
//! | [`proxy_policy`] | Tandem's: a policy and the hardware learn through the relaxed cost, then the policy is tuned on the exact one |
//!
//! A [`Tracker`] counts evaluations, keeps the best point and its history, and ends the search when the budget is
//! spent or somebody asks for it.

pub mod bayes;
pub mod cma;
pub mod genetic;
pub mod gradient;
mod limit;
pub mod mapper;
pub mod proxy_policy;
pub mod random;
pub mod reinforce;
mod tracker;

pub use tandem_core::SearchSpace;
pub use tracker::{Draws, Outcome, Tracker};

/// A searcher.
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Searches until the tracker's budget is spent.
    pub search: fn(&mut Tracker, u64),
}

/// All searchers.
pub const METHODS: [Method; 8] = [
    Method {
        name: "random",
        about: "10 random machines, on each the best of many random mappings per layer (DOSA's random search)",
        search: random::search,
    },
    Method {
        name: "random-published",
        about: "the same with mappings as DOSA's published ones are distributed: fewer places, any order at DRAM",
        search: random::search_published,
    },
    Method {
        name: "genetic",
        about: "a genetic algorithm: tournaments, crossover by layer, mutation",
        search: genetic::search,
    },
    Method {
        name: "cma",
        about: "CMA-ES over all genes, rounded",
        search: cma::search,
    },
    Method {
        name: "bayes",
        about: "Bayesian optimisation of the machine (Gaussian process, expected improvement), random mappings",
        search: bayes::search,
    },
    Method {
        name: "reinforce",
        about: "a policy that maps layer after layer, moved by the score function alone",
        search: reinforce::search,
    },
    Method {
        name: "gradient",
        about: "descent on the relaxed cost from 7 greedy starts, rounded every 500 steps (as DOSA)",
        search: gradient::search,
    },
    Method {
        name: "proxy-policy",
        about: "policy and machine learn through the relaxed cost, then the policy is tuned on the exact one",
        search: proxy_policy::search,
    },
];

#[cfg(test)]
mod tests;
