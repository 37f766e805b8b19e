//! Behaviour from outside: one binary, so that it links once.

mod cli;
mod decide;
mod model;
mod regressions;
mod server;
mod services;
mod support;
