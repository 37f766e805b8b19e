//! Behaviour from outside: one binary, so that it links once.

mod binary;
mod cli;
mod decide;
mod documents;
mod ghz;
mod layering;
mod model;
mod readme;
mod regressions;
mod scenarios;
mod server;
mod services;
mod session;
mod support;
