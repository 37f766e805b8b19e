//! Behaviour from outside: one binary, so that it links once.

mod decide;
mod documents;
mod scenarios;
mod server;
mod support;
