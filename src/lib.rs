//! Bulkhead: a gRPC pre-trade risk gateway. Each bucket of capital is held to its own limits.

pub mod cli;
pub mod config;
pub mod domain;
pub mod risk;

pub mod engine;

pub mod pb;
pub mod pb_codec;

pub mod clock;
pub mod server;
pub mod telemetry;

pub mod replay;
