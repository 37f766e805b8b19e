//! Behaviour from outside: one binary, so that it links once.

mod decide;
mod ghz;
mod layering;
mod model;
mod readme;
mod regressions;
mod server;
mod support;
