//! What a keeper can be told to do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// Positions below maintenance margin, the most profitable first.
    Liquidations,
    /// Resting orders are triggered, waiting ones executed, expired and void ones removed.
    Orders,
    /// Every market is shown a price once a minute, which accrues funding and borrow fee.
    Funding,
    /// Winning sides shrink, or a market begins to settle, where the engine says that it is due.
    Deleverage,
    /// Settlements of a market from the declaration that its oracle is dead to the last account.
    Settlement,
    /// Withdrawals from the pool whose window has passed are returned.
    Withdrawals,
}

impl Job {
    /// Every job.
    pub const ALL: [Self; 6] =
        [Self::Liquidations, Self::Orders, Self::Funding, Self::Deleverage, Self::Settlement, Self::Withdrawals];

    /// Its name in configuration, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Job::Liquidations => "liquidations",
            Job::Orders => "orders",
            Job::Funding => "funding",
            Job::Deleverage => "deleverage",
            Job::Settlement => "settlement",
            Job::Withdrawals => "withdrawals",
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is no job's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownJob(String);

impl fmt::Display for UnknownJob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Job::ALL.map(Job::name).join(", ");
        write!(formatter, "\"{}\" is no job; the jobs are {known}, separated by commas, or \"all\"", self.0)
    }
}

impl std::error::Error for UnknownJob {}

impl FromStr for Job {
    type Err = UnknownJob;

    fn from_str(text: &str) -> Result<Self, UnknownJob> {
        Self::ALL.into_iter().find(|job| job.name() == text).ok_or_else(|| UnknownJob(text.to_owned()))
    }
}

/// A set of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs(BTreeSet<Job>);

impl Jobs {
    /// Every job.
    pub fn all() -> Self {
        Self::of(Job::ALL)
    }

    /// These.
    pub fn of(jobs: impl IntoIterator<Item = Job>) -> Self {
        Self(jobs.into_iter().collect())
    }

    /// Whether it is among them.
    pub fn contains(&self, job: Job) -> bool {
        self.0.contains(&job)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self::all()
    }
}

impl FromStr for Jobs {
    type Err = UnknownJob;

    /// `all`, or names separated by commas.
    fn from_str(text: &str) -> Result<Self, UnknownJob> {
        if text == "all" {
            return Ok(Self::all());
        }
        text.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Jobs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|job| job.name()).collect();
        formatter.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_read_by_their_names_and_written_the_same() {
        let some: Jobs = "orders, liquidations".parse().expect("two jobs");
        assert!(some.contains(Job::Orders) && some.contains(Job::Liquidations) && !some.contains(Job::Funding));
        assert_eq!(some.to_string().parse(), Ok(some));
        assert_eq!("all".parse(), Ok(Jobs::all()));
        assert_eq!(Jobs::all().to_string().parse(), Ok(Jobs::all()));
    }

    #[test]
    fn an_unknown_job_is_refused_with_the_ones_there_are() {
        let error = "orders,gardening".parse::<Jobs>().expect_err("no such job").to_string();
        assert!(error.contains("\"gardening\"") && error.contains("liquidations") && error.contains("withdrawals"), "{error}");
        assert!("".parse::<Jobs>().is_err());
    }
}
