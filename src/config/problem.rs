//! What is wrong with a configuration: all of it, each point with key, value and what is allowed.

use core::cell::RefCell;
use core::fmt;

/// One point that must be put right.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Key path, or the file that cannot be read.
    pub key: String,
    /// The value as written; absent where it is missing.
    pub value: Option<String>,
    /// What is allowed there.
    pub expected: String,
    /// File or other source of the value, where known.
    pub origin: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} = {value}: expected {}", self.key, self.expected)?,
            None => write!(f, "{} is missing: expected {}", self.key, self.expected)?,
        }
        match &self.origin {
            Some(origin) => write!(f, " (in {origin})"),
            None => Ok(()),
        }
    }
}

/// Why there are no settings: every point that must be put right, in the order of reading.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "error" } else { "errors" };
        write!(f, "the configuration has {count} {noun}")?;
        for problem in &self.problems {
            // Some go on over several lines, to show the place in a file.
            let problem = problem.to_string().replace('\n', "\n    ");
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// The problems found so far. Reading goes on after each, so that all are told at once.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Adds one, unless it is there already: what a profile gets wrong is told once, not once per bucket.
    pub(super) fn push(&self, problem: Problem) {
        if !self.has(&problem) {
            self.0.borrow_mut().push(problem);
        }
    }

    /// Whether it is told already.
    pub(super) fn has(&self, problem: &Problem) -> bool {
        self.0.borrow().contains(problem)
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// The result, if nothing is wrong.
    pub(super) fn or<T>(self, result: Option<T>) -> Result<T, Error> {
        let problems = self.0.into_inner();
        match result {
            Some(result) if problems.is_empty() => Ok(result),
            Some(_) | None => Err(Error { problems }),
        }
    }

    /// The problems.
    pub(super) fn into_inner(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}
