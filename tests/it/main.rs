//! Behaviour from outside: one binary, so that it links once.

mod decide;
mod server;
mod services;
mod support;
